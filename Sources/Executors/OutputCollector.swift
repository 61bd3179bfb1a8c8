import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Lists what a job left in an output folder. Everything there is a client's doing, so nothing but plain files and folders
/// is taken, no link is followed, and the amount is bounded. Call it when the job has ended.
public enum OutputCollector {
    public struct File: Hashable, Sendable {
        /// Below the folder.
        public let path: RelativePath
        /// The absolute path on this machine.
        public let hostPath: String
        public let sizeBytes: Int64
    }

    public struct Bounds: Hashable, Sendable {
        public var fileCount: Int
        public var totalBytes: Int64

        public init(fileCount: Int = 100_000, totalBytes: Int64 = 1 << 40) {
            self.fileCount = fileCount
            self.totalBytes = totalBytes
        }
    }

    /// The regular files below `folder`, sorted by path. Empty folders leave no trace.
    ///
    /// - Throws: `invalid` for a symbolic link, a device, a pipe, a socket, a file that has a name outside of the folder too
    ///   (hard link) or a name that is not a valid `RelativePath`; `tooLarge` past the bounds; `unavailable` when something
    ///   cannot be read. The message names the path.
    public static func walk(_ folder: String, bounds: Bounds = Bounds()) throws -> [File] {
        let number = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else {
            throw errno == ELOOP || errno == ENOTDIR
                ? refusal("the output folder itself", "is not a folder")
                : HostFiles.failure("Cannot read the output folder", folder)
        }
        defer { close(number) }
        var walk = Walk(folder: folder, bounds: bounds)
        try walk.visit(number, [])
        // A file with several names inside is fine; one with a name that was not met lies outside too.
        for link in walk.links.values where link.met < link.count {
            throw refusal(link.path, "is a hard link to a file outside of the folder")
        }
        return walk.files.sorted { $0.path.description.utf8.lexicographicallyPrecedes($1.path.description.utf8) }
    }

    private static func refusal(_ path: String, _ problem: String) -> SlipwayError {
        SlipwayError(
            .invalid, "The output is not usable: \(path) \(problem); expected regular files and folders only.",
            details: ["path": path])
    }

    private struct Walk {
        struct Node: Hashable {
            var device: dev_t
            var number: ino_t
        }
        let folder: String
        let bounds: Bounds
        var files: [File] = []
        var links: [Node: (path: String, met: Int, count: Int)] = [:]
        var entries = 0
        var totalBytes: Int64 = 0

        mutating func visit(_ descriptor: Int32, _ parents: [String]) throws {
            let place = parents.isEmpty ? folder : parents.joined(separator: "/")
            guard let stream = fdopendir(dup(descriptor)) else { throw HostFiles.failure("Cannot list", place) }
            let names = HostFiles.names(in: stream)
            closedir(stream)
            for name in names {
                let shown = (parents + [name]).joined(separator: "/")
                // A name that is not UTF-8 was repaired while reading, and now is another.
                guard !name.unicodeScalars.contains("\u{FFFD}") else {
                    throw refusal(shown, "has a name that is not UTF-8")
                }
                let path = try RelativePath(parsing: shown, field: "output")
                entries += 1
                guard entries <= bounds.fileCount else {
                    throw SlipwayError(.tooLarge, "The output has more than \(bounds.fileCount) files and folders.")
                }
                var info = stat()
                guard fstatat(descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0 else {
                    throw HostFiles.failure("Cannot look at", shown)
                }
                switch info.st_mode & S_IFMT {
                case S_IFDIR:
                    let inner = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                    guard inner >= 0 else { throw HostFiles.failure("Cannot read", shown) }
                    defer { close(inner) }
                    try visit(inner, parents + [name])
                case S_IFREG: try take(path, info)
                case S_IFLNK: throw refusal(shown, "is a symbolic link")
                default: throw refusal(shown, "is a device, a pipe or a socket")
                }
            }
        }

        private mutating func take(_ path: RelativePath, _ info: stat) throws {
            if info.st_nlink > 1 {
                let node = Node(device: info.st_dev, number: info.st_ino)
                links[node, default: (path.description, 0, Int(info.st_nlink))].met += 1
            }
            totalBytes += Int64(info.st_size)
            guard totalBytes <= bounds.totalBytes else {
                throw SlipwayError(.tooLarge, "The output is larger than \(bounds.totalBytes) bytes.")
            }
            files.append(File(path: path, hostPath: "\(folder)/\(path)", sizeBytes: Int64(info.st_size)))
        }
    }
}
