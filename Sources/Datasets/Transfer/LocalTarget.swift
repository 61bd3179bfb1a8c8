import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A folder on the client's machine that files are put into. Files appear whole, under their own names; nothing is written
/// through a symbolic link. Blocking; for one thread at a time, but for `write` of different files, which shares only the
/// set of folders that were looked at; hence each user has its own.
final class LocalTarget {
    let root: String
    /// Large files under way; those of a client that was killed are gone on with.
    let work: String
    /// Whether another checkout works here, or was killed at it.
    let wasLeft: Bool
    private var folders: Set<PathKey> = []

    /// - Parameter root: absolute; made if it is not there.
    init(_ root: String) throws {
        self.root = root
        work = root + "/.slipway/tmp"
        wasLeft = access(work, F_OK) == 0
        do { try makeFolder(work) } catch let error as SlipwayError {
            throw SlipwayError(error.code, "\(root) cannot be written to. \(error.message)")
        }
    }

    /// Removes what is left of the work.
    func finish() {
        removeFolder(work)
        rmdir(root + "/.slipway")
    }

    /// Whether the disk finds a file under a name of other case: tried out, since each folder may have its own rule.
    var takesNamesForOne: Bool {
        let name = "\(root)/\(Self.temporaryPrefix)\(ID.make())"
        guard mkdir(name + "a", 0o700) == 0 else { return false }
        defer { rmdir(name + "a") }
        return access(name + "A", F_OK) == 0
    }

    /// A name beside the final one: a rename inside of a folder waits for nobody who works in another.
    private func temporary(_ path: RelativePath) -> String {
        let folder = path.components.dropLast().reduce(root) { $0 + "/" + $1 }
        return "\(folder)/\(Self.temporaryPrefix)\(ID.make())"
    }

    /// Files under way begin so; they are nobody's files.
    static let temporaryPrefix = ".slipway-part-"

    /// Removes what a killed client left of files under way.
    func sweep() throws {
        for path in try LocalFolder(scanning: root, leftovers: true).files.map(\.path) { unlink(root + "/" + path) }
    }

    /// Makes the folders that a path leads through.
    ///
    /// - Throws: `conflict` if a file or a link is in the way.
    func prepare(_ path: RelativePath) throws {
        var at = ""
        for part in path.components.dropLast() {
            at += (at.isEmpty ? "" : "/") + part
            if folders.contains(PathKey(at)) { continue }
            let full = root + "/" + at
            if mkdir(full, 0o755) != 0 {
                guard errno == EEXIST else { throw Self.failure("made", full, needed: 0) }
                var status = stat()
                guard lstat(full, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                    throw SlipwayError(
                        .conflict, "\(full) is in the way: it is a file or a link, and a folder is to be there.")
                }
            }
            folders.insert(PathKey(at))
        }
    }

    /// Writes a file whole; one that is there is replaced.
    @discardableResult
    func write(_ bytes: [UInt8], to path: RelativePath) throws -> FileStamp {
        try prepare(path)
        let final = "\(root)/\(path)"
        let temporary = self.temporary(path)
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { throw Self.failure("made", final, needed: Int64(bytes.count)) }
        defer { close(file) }
        do {
            try Self.writeAll(file, bytes, final)
            guard rename(temporary, final) == 0 else { throw Self.failure("written", final, needed: 0) }
        } catch {
            unlink(temporary)
            throw error
        }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw Self.failure("looked at", final, needed: 0) }
        return FileStamp(status)
    }

    static func writeAll(_ file: Int32, _ bytes: [UInt8], _ path: String) throws {
        try bytes.withUnsafeBytes { all in
            var rest = UnsafeRawBufferPointer(all)
            while let base = rest.baseAddress, rest.count > 0 {
                let count = Glibc.write(file, base, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw failure("written", path, needed: Int64(rest.count)) }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }

    /// What `errno` says; of a full disk, how much is missing.
    static func failure(_ verb: String, _ path: String, needed: Int64) -> SlipwayError {
        let number = errno
        guard number == ENOSPC || number == EDQUOT else {
            return SlipwayError(.unavailable, "\(path) cannot be \(verb): \(String(cString: strerror(number))).")
        }
        return full(path, needed: needed, free: freeBytes(path))
    }

    static func full(_ path: String, needed: Int64, free: Int64?) -> SlipwayError {
        let missing = max(1, needed - (free ?? 0))
        return SlipwayError(
            .unavailable,
            "The disk of \(path) is full: \(TransferProgress.size(needed)) are to be written, \(TransferProgress.size(free ?? 0)) are free, \(TransferProgress.size(missing)) are missing. Free them and run the same command again; it goes on where it was.",
            details: ["missingBytes": String(missing), "neededBytes": String(needed)])
    }

    /// What files take of the disk of a path: whole blocks.
    static func blocks(_ sizes: some Sequence<Int64>, at path: String) -> Int64 {
        var status = statvfs()
        let block = statvfs(path, &status) == 0 ? max(1, Int64(status.f_frsize)) : 1
        return sizes.reduce(0) { $0 + ($1 + block - 1) / block * block }
    }

    /// What is free on the disk of a path or of the folder that it is in.
    static func freeBytes(_ path: String) -> Int64? {
        var at = path
        while !at.isEmpty {
            var status = statvfs()
            if statvfs(at, &status) == 0 { return Int64(status.f_bavail) * Int64(status.f_frsize) }
            guard let slash = at.lastIndex(of: "/") else { return nil }
            at = slash == at.startIndex ? (at == "/" ? "" : "/") : String(at[..<slash])
        }
        return nil
    }

    /// Gives a file that lies in `work` its name.
    func move(_ source: String, to path: RelativePath) throws -> FileStamp {
        try prepare(path)
        let final = "\(root)/\(path)"
        guard rename(source, final) == 0 else { throw Self.failure("written", final, needed: 0) }
        guard let stamp = FileStamp(final) else { throw Self.failure("looked at", final, needed: 0) }
        return stamp
    }

    /// Makes a hard link to a file; nil if it is on another disk.
    func link(_ source: String, to path: RelativePath) throws -> FileStamp? {
        try prepare(path)
        let (final, temporary) = ("\(root)/\(path)", self.temporary(path))
        guard Glibc.link(source, temporary) == 0 else {
            if errno == EXDEV || errno == EMLINK || errno == EPERM { return nil }
            throw Self.failure("linked", final, needed: 0)
        }
        guard rename(temporary, final) == 0 else {
            unlink(temporary)
            throw Self.failure("linked", final, needed: 0)
        }
        // Renaming one link of a file over another link of it does nothing at all.
        unlink(temporary)
        guard let stamp = FileStamp(final) else { throw Self.failure("looked at", final, needed: 0) }
        return stamp
    }

    /// Removes a file and the folders that it leaves empty.
    func remove(_ path: RelativePath) {
        unlink("\(root)/\(path)")
        var parts = path.components.dropLast()
        while !parts.isEmpty, rmdir(root + "/" + parts.joined(separator: "/")) == 0 {
            folders.remove(PathKey(parts.joined(separator: "/")))
            parts = parts.dropLast()
        }
    }
}
