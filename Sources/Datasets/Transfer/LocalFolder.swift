import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What tells, without reading it, that a file is as it was.
struct FileStamp: Hashable, Sendable {
    let sizeBytes: Int64
    let modifiedNanoseconds: Int64
    let changedNanoseconds: Int64
    let inode: UInt64

    init(sizeBytes: Int64, modifiedNanoseconds: Int64, changedNanoseconds: Int64, inode: UInt64) {
        self.sizeBytes = sizeBytes
        self.modifiedNanoseconds = modifiedNanoseconds
        self.changedNanoseconds = changedNanoseconds
        self.inode = inode
    }

    init(_ status: stat) {
        func nanoseconds(_ time: timespec) -> Int64 { Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) }
        #if canImport(Glibc)
            let (modified, changed) = (status.st_mtim, status.st_ctim)
        #else
            let (modified, changed) = (status.st_mtimespec, status.st_ctimespec)
        #endif
        self.init(
            sizeBytes: Int64(status.st_size), modifiedNanoseconds: nanoseconds(modified),
            changedNanoseconds: nanoseconds(changed), inode: UInt64(status.st_ino))
    }

    /// A file's; nil for anything but a regular file. Links are not followed.
    init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        self.init(status)
    }
}

/// A path as a key. Paths are the same when their bytes are; Swift's strings are equal when people would read the same,
/// so that `é` as one character and as two would be one file.
struct PathKey: Hashable {
    let path: String

    init(_ path: String) { self.path = path }

    static func == (a: PathKey, b: PathKey) -> Bool { a.path.utf8.elementsEqual(b.path.utf8) }

    func hash(into hasher: inout Hasher) {
        let isHashed: Void? = path.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if isHashed == nil { for byte in path.utf8 { hasher.combine(byte) } }
    }
}

/// A file of a folder.
struct FolderFile: Sendable {
    /// From the folder on.
    let path: String
    let stamp: FileStamp
}

/// The files of a folder on the client's machine.
struct LocalFolder: Sendable {
    let path: String
    /// Regular files in the order of their paths' bytes.
    private(set) var files: [FolderFile] = []
    /// Symbolic links, devices, sockets: they are not added.
    private(set) var passedOver: [String] = []

    private let leftovers: Bool

    /// Looks at all files below `path`, except in its folder `.slipway`.
    ///
    /// - Parameter leftovers: only files that a checkout was writing when it was killed, which are passed over otherwise.
    /// - Throws: `notFound`; `invalid` for names that cannot be paths of a dataset.
    init(scanning path: String, leftovers: Bool = false) throws {
        self.path = path
        self.leftovers = leftovers
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("read", path) }
        try scan(descriptor, prefix: "", depth: 1)
    }

    private mutating func scan(_ descriptor: Int32, prefix: String, depth: Int) throws {
        guard let folder = fdopendir(descriptor) else {
            close(descriptor)
            throw Self.failure("read", prefix)
        }
        defer { closedir(folder) }
        // A folder sorts as its name with the slash, so that the paths of all files come out in order.
        var names: [(key: String, isFolder: Bool)] = []
        while let entry = readdir(folder) {
            let (name, type) = try Self.name(entry, in: prefix)
            if name == "." || name == ".." || (name == ".slipway" && prefix.isEmpty) { continue }
            var isFolder = Int32(type) == Self.folderType
            if Int32(type) == Self.unknownType {
                var status = stat()
                isFolder =
                    fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0
                    && status.st_mode & S_IFMT == S_IFDIR
            }
            names.append((isFolder ? name + "/" : name, isFolder))
        }
        names.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        for (key, isFolder) in names {
            let path = prefix + key
            if isFolder {
                guard depth < Limits.pathDepth else {
                    throw SlipwayError.field("path", "'\(path)' is nested more than \(Limits.pathDepth) deep")
                }
                let inner = openat(descriptor, String(key.dropLast()), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                guard inner >= 0 else { throw Self.failure("read", self.path + "/" + path.dropLast()) }
                try scan(inner, prefix: path, depth: depth + 1)
            } else if key.hasPrefix(LocalTarget.temporaryPrefix) == leftovers {
                var status = stat()
                guard fstatat(descriptor, key, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                    if errno == ENOENT { continue }
                    throw Self.failure("looked at", path)
                }
                if status.st_mode & S_IFMT == S_IFREG {
                    files.append(FolderFile(path: path, stamp: FileStamp(status)))
                } else {
                    passedOver.append(path)
                }
            }
        }
    }

    private static let folderType = Int32(DT_DIR)
    private static let unknownType = Int32(DT_UNKNOWN)

    private static func name(_ entry: UnsafeMutablePointer<dirent>, in prefix: String) throws -> (String, UInt8) {
        try withUnsafePointer(to: &entry.pointee.d_name) {
            try $0.withMemoryRebound(to: CChar.self, capacity: 256) { text in
                guard let name = String(validatingCString: text) else {
                    throw SlipwayError.field(
                        "path", "'\(prefix)\(String(cString: text))' is not UTF-8", expected: "file names in UTF-8")
                }
                // Once a name, not once a path: what a path may not have, none of its names may have.
                if !name.utf8.allSatisfy({ $0 >= 32 && $0 != 127 && $0 != UInt8(ascii: "\\") }) {
                    _ = try RelativePath(parsing: prefix + name)
                }
                return (name, entry.pointee.d_type)
            }
        }
    }

    static func failure(_ verb: String, _ path: String) -> SlipwayError {
        let number = errno
        let code: ErrorCode = number == ENOENT ? .notFound : .unavailable
        return SlipwayError(code, "\(path) cannot be \(verb): \(String(cString: strerror(number))).")
    }

    /// The path without `.`, `..` and links: the same for the same folder.
    static func absolute(_ path: String) throws -> String {
        guard let real = realpath(path, nil) else { throw failure("found", path) }
        defer { free(real) }
        return String(cString: real)
    }
}
