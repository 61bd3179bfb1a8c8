import Core
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Objects as files of a folder; docs/objects.md describes the format.
///
///     FORMAT            "slipway objects 1"
///     objects/ab/cdef…  the object whose digest is abcdef…, mode 0444; its modification time is its touched time
///     tmp/              uploads under way
///
/// Several processes may use one folder: a put and a deletion in the same subfolder exclude each other by `flock`.
public final class DiskBackend: ObjectBackend {
    public let traits: ObjectBackendTraits
    let root: String
    private let pool: BlockingPool

    private static let format = "slipway objects 1\n"

    /// Opens the folder, or makes it if nothing or an empty folder is there.
    ///
    /// - Throws: `unsupported` for a folder of another format; `invalid` for a folder that holds other things.
    public init(folder: String, pool: BlockingPool) throws {
        root = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        self.pool = pool
        traits = ObjectBackendTraits(stagingFolder: root + "/tmp", chunkBytes: 1 << 20, readsAhead: false)
        try Files.makeFolders(root)
        try Self.checkFormat(root)
        try Files.makeFolders(root + "/objects")
        try Files.makeFolders(root + "/tmp")
        try Files.syncFolder(root)
    }

    private static func checkFormat(_ root: String) throws {
        let path = root + "/FORMAT"
        let file = open(path, O_RDONLY | O_CLOEXEC)
        if file >= 0 {
            defer { close(file) }
            let found = String(decoding: try Files.read(file, path, offset: 0, count: 64), as: UTF8.self)
            guard found == format else {
                throw SlipwayError(
                    .unsupported,
                    "The object store has the format '\(found.split(separator: "\n").first ?? "")', and this program knows 'slipway objects 1'. Use the version of slipway that made it, or another folder."
                )
            }
            return
        }
        // An empty `objects` and `tmp` are what a crash during the first start leaves.
        let names = try Files.names(in: root) ?? []
        if let other = names.filter({ $0 != "objects" && $0 != "tmp" && $0 != "lost+found" }).min() {
            throw SlipwayError.field(
                "objects", "the folder holds '\(other.prefix(80))' and is no object store",
                expected: "an object store or an empty folder")
        }
        try Files.makeFolders(root + "/tmp")
        let staged = try StagedFile(in: root + "/tmp")
        try staged.append(Array(format.utf8))
        _ = try staged.finish()
        try Files.sync(staged.path)
        guard rename(staged.take(), path) == 0 else { throw Files.failure("made", path) }
    }

    func path(_ digest: Digest) -> String { "\(folder(digest))/\(digest.hex.dropFirst(2))" }
    private func folder(_ digest: Digest) -> String { "\(root)/objects/\(digest.hex.prefix(2))" }

    /// Runs `body` with the object's subfolder open and locked.
    private func withFolder<T>(_ digest: Digest, lock: Int32, making: Bool, _ body: (Int32) throws -> T) throws -> T? {
        let path = folder(digest)
        var descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT {
            guard making else { return nil }
            if mkdir(path, 0o755) != 0, errno != EEXIST { throw Files.failure("made", path) }
            try Files.syncFolder(root + "/objects")
            descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard descriptor >= 0 else { throw Files.failure("opened", path) }
        defer { close(descriptor) }
        while flock(descriptor, lock) != 0 {
            guard errno == EINTR else { throw Files.failure("locked", path) }
        }
        return try body(descriptor)
    }

    public func commit(_ object: ObjectInfo, _ content: ObjectContent, replacing: Bool) async throws {
        try await pool.run { [self] _ in
            let isDone: Bool? = try withFolder(object.digest, lock: LOCK_SH, making: true) { folder in
                let final = path(object.digest)
                if !replacing,
                    try touch(String(object.digest.hex.dropFirst(2)), in: folder)?.sizeBytes == object.sizeBytes
                {
                    // Whoever made it may not have synced the folder yet.
                    guard fsync(folder) == 0 else { throw Files.failure("synced", final) }
                    return false
                }
                let staged = try stage(content)
                try Files.sync(staged)
                guard rename(staged, final) == 0 else { throw Files.failure("renamed", final) }
                guard fsync(folder) == 0 else { throw Files.failure("synced", final) }
                return true
            }
            if isDone == false, case .staged(let path) = content { unlink(path) }
        }
    }

    /// The file to be renamed. One that is made here and not renamed is a leftover, for the garbage collection.
    private func stage(_ content: ObjectContent) throws -> String {
        switch content {
        case .staged(let path): return path
        case .bytes(let bytes):
            let file = try StagedFile(in: traits.stagingFolder)
            try file.append(bytes)
            _ = try file.finish()
            return file.take()
        }
    }

    /// Moves the modification time to now; nil if the file is not there.
    private func touch(_ name: String, in folder: Int32) throws -> Files.Status? {
        guard utimensat(folder, name, nil, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT { return nil }
            throw Files.failure("touched", name)
        }
        var raw = stat()
        guard fstatat(folder, name, &raw, AT_SYMLINK_NOFOLLOW) == 0 else { throw Files.failure("looked at", name) }
        return Files.Status(raw)
    }

    public func info(_ digest: Digest, touching: Bool) async throws -> ObjectInfo? {
        try await pool.run { [self] _ in
            let status: Files.Status?
            if touching {
                status =
                    try withFolder(digest, lock: LOCK_SH, making: false) {
                        try touch(String(digest.hex.dropFirst(2)), in: $0)
                    } ?? nil
            } else {
                status = Files.status(path(digest))
            }
            guard let status, status.isFile else { return nil }
            return ObjectInfo(digest: digest, sizeBytes: status.sizeBytes)
        }
    }

    public func read(_ digest: Digest, range: Range<Int64>) async throws -> [UInt8] {
        try await pool.run { [self] _ in
            let path = path(digest)
            let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            guard file >= 0 else {
                if errno == ENOENT { throw SlipwayError.noObject(digest) }
                throw Files.failure("opened", path)
            }
            defer { close(file) }
            let bytes = try Files.read(file, path, offset: range.lowerBound, count: range.count)
            guard bytes.count == range.count else { throw SlipwayError.damaged(digest, "it is shorter than it was") }
            return bytes
        }
    }

    public func list(after: Digest?, limit: Int) async throws -> [StoredObject] {
        try await pool.run { [self] cancellation in
            var found: [StoredObject] = []
            let folders = (try Files.names(in: root + "/objects") ?? []).filter { isHex($0, 2) }.sorted()
            for folder in folders where folder >= after?.hex.prefix(2) ?? "" {
                try cancellation.check()
                let names = try Files.names(in: "\(root)/objects/\(folder)") ?? []
                for name in names.sorted() where isHex(name, 62) {
                    let digest = try Digest(parsing: folder + name)
                    if let after, digest <= after { continue }
                    guard let status = Files.status(path(digest)), status.isFile else { continue }
                    found.append(
                        StoredObject(
                            info: ObjectInfo(digest: digest, sizeBytes: status.sizeBytes), touched: status.modified))
                }
                if found.count >= limit { break }
            }
            return found
        }
    }

    private func isHex(_ text: String, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    public func delete(_ digest: Digest, untouchedSince: Timestamp) async throws -> Bool {
        try await pool.run { [self] _ in
            try withFolder(digest, lock: LOCK_EX, making: false) { folder in
                guard let status = Files.status(path(digest)), status.modified < untouchedSince else { return false }
                guard unlinkat(folder, String(digest.hex.dropFirst(2)), 0) == 0 else {
                    throw Files.failure("removed", path(digest))
                }
                return true
            } ?? false
        }
    }

    public func location(of digest: Digest, expiresSeconds: Int) async throws -> ObjectLocation {
        .file(path: path(digest))
    }

    public func removeLeftovers(before cutoff: Timestamp, dryRun: Bool) async throws -> (count: Int, bytes: Int64) {
        try await pool.run { [self] _ in try removeStaleFiles(in: traits.stagingFolder, before: cutoff, dryRun: dryRun)
        }
    }
}

/// Removes plain files last written before `cutoff`.
func removeStaleFiles(in folder: String, before cutoff: Timestamp, dryRun: Bool) throws -> (count: Int, bytes: Int64) {
    var (count, bytes) = (0, Int64(0))
    for name in try Files.names(in: folder) ?? [] {
        let path = "\(folder)/\(name)"
        guard let status = Files.status(path), status.isFile, status.modified < cutoff else { continue }
        if !dryRun, unlink(path) != 0, errno != ENOENT { throw Files.failure("removed", path) }
        count += 1
        bytes += status.sizeBytes
    }
    return (count, bytes)
}
