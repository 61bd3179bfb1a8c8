import Core
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Objects as files of a folder; docs/objects.md describes the format.
///
///     FORMAT            "slipway objects 2"
///     objects/ab/cdef…  the object whose digest is abcdef…, mode 0444; its modification time is its touched time
///     packs/            many small objects in few files
///     tmp/              uploads under way
///
/// Several processes may use one folder: a put and a deletion in the same subfolder exclude each other by `flock`.
public final class DiskBackend: ObjectBackend {
    public let traits: ObjectBackendTraits
    let root: String
    private let pool: BlockingPool
    let packs: Packs

    private static let format = "slipway objects 2\n"
    /// Without packs; becomes the newer one when it is opened, since programs that know only this one would not see packs.
    private static let olderFormat = "slipway objects 1\n"

    /// Opens the folder, or makes it if nothing or an empty folder is there.
    ///
    /// - Throws: `unsupported` for a folder of another format; `invalid` for a folder that holds other things.
    public convenience init(folder: String, pool: BlockingPool) throws {
        try self.init(folder: folder, pool: pool, limits: Pack.Limits())
    }

    init(folder: String, pool: BlockingPool, limits: Pack.Limits) throws {
        root = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        self.pool = pool
        traits = ObjectBackendTraits(stagingFolder: root + "/tmp", chunkBytes: 1 << 20, readsAhead: false)
        try Files.makeFolders(root)
        try Self.checkFormat(root)
        try Files.makeFolders(root + "/objects")
        try Files.makeFolders(root + "/tmp")
        packs = try Packs(folder: root + "/packs", stagingFolder: root + "/tmp", limits: limits)
        try Files.syncFolder(root)
    }

    private static func checkFormat(_ root: String) throws {
        let path = root + "/FORMAT"
        let file = open(path, O_RDONLY | O_CLOEXEC)
        if file >= 0 {
            defer { close(file) }
            let found = String(decoding: try Files.read(file, path, offset: 0, count: 64), as: UTF8.self)
            if found == olderFormat { return try writeFormat(root) }
            guard found == format else {
                throw SlipwayError(
                    .unsupported,
                    "The object store has the format '\(found.split(separator: "\n").first ?? "")', and this program knows 'slipway objects 2' and older. Use the version of slipway that made it, or another folder."
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
        try writeFormat(root)
    }

    private static func writeFormat(_ root: String) throws {
        try Files.makeFolders(root + "/tmp")
        let staged = try StagedFile(in: root + "/tmp")
        try staged.append(Array(format.utf8))
        _ = try staged.finish()
        try Files.sync(staged.path)
        guard rename(staged.take(), root + "/FORMAT") == 0 else {
            throw Files.failure("made", root + "/FORMAT")
        }
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

    public func commit(_ objects: [(object: ObjectInfo, content: ObjectContent)], replacing: Bool) async throws {
        try await pool.run { [self] cancellation in
            var small: [(object: ObjectInfo, bytes: ArraySlice<UInt8>)] = []
            for (object, content) in objects {
                try cancellation.check()
                if !replacing, case .small(let bytes) = content, object.sizeBytes <= Pack.objectMaximumBytes,
                    Files.status(path(object.digest)) == nil
                {
                    small.append((object, bytes))
                } else {
                    try commitAlone(object, content, replacing: replacing)
                }
            }
            if !small.isEmpty { try packs.put(small) }
        }
    }

    /// As a file of its own, unless it is in a pack already.
    private func commitAlone(_ object: ObjectInfo, _ content: ObjectContent, replacing: Bool) throws {
        if !replacing, try packs.touch(object.digest)?.length == UInt32(clamping: object.sizeBytes) {
            if case .staged(let path) = content { unlink(path) }
            return
        }
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

    /// The file to be renamed. One that is made here and not renamed is a leftover, for the garbage collection.
    private func stage(_ content: ObjectContent) throws -> String {
        let file: StagedFile
        switch content {
        case .staged(let path): return path
        case .bytes(let bytes):
            file = try StagedFile(in: traits.stagingFolder)
            try file.append(bytes)
        case .small(let bytes):
            file = try StagedFile(in: traits.stagingFolder)
            try bytes.withUnsafeBytes { try file.append($0) }
        }
        _ = try file.finish()
        return file.take()
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

    public func info(_ digests: [Digest], touching: Bool) async throws -> [ObjectInfo?] {
        try await pool.run { [self] cancellation in
            try digests.map { digest in
                try cancellation.check()
                return try touching ? touch(digest) : look(digest)
            }
        }
    }

    private func look(_ digest: Digest) throws -> ObjectInfo? {
        if let status = Files.status(path(digest)), status.isFile {
            return ObjectInfo(digest: digest, sizeBytes: status.sizeBytes)
        }
        return try packs.find(digest).map { ObjectInfo(digest: digest, sizeBytes: Int64($0.entry.length)) }
    }

    /// An object may be in several places; it stays if it was touched in one.
    private func touch(_ digest: Digest) throws -> ObjectInfo? {
        if let entry = try packs.touch(digest) { return ObjectInfo(digest: digest, sizeBytes: Int64(entry.length)) }
        let status: Files.Status? =
            try withFolder(digest, lock: LOCK_SH, making: false) {
                try touch(String(digest.hex.dropFirst(2)), in: $0)
            } ?? nil
        if let status, status.isFile { return ObjectInfo(digest: digest, sizeBytes: status.sizeBytes) }
        // In the pack that another process writes: only that one can touch it there, so it is taken into ours.
        guard let bytes = try packs.read(digest, range: nil) else { return nil }
        guard Digest.of(bytes) == digest else { throw SlipwayError.damaged(digest, "its bytes have another SHA-256") }
        let object = ObjectInfo(digest: digest, sizeBytes: Int64(bytes.count))
        try packs.put([(object, bytes[...])])
        return object
    }

    public func read(_ pieces: [ObjectPiece]) async throws -> [[UInt8]] {
        try await pool.run { [self] cancellation in
            let reader = Packs.Reader()
            return try pieces.map { piece in
                try cancellation.check()
                return try read(piece.digest, piece.range, reader)
            }
        }
    }

    private func read(_ digest: Digest, _ range: Range<Int64>?, _ reader: Packs.Reader) throws -> [UInt8] {
        let path = path(digest)
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            guard errno == ENOENT else { throw Files.failure("opened", path) }
            guard let bytes = try packs.read(digest, range: range, reader) else { throw SlipwayError.noObject(digest) }
            return bytes
        }
        defer { close(file) }
        let range = try range ?? 0..<Files.status(file, path).sizeBytes
        let bytes = try Files.read(file, path, offset: range.lowerBound, count: range.count)
        guard bytes.count == range.count else { throw SlipwayError.damaged(digest, "it is shorter than it was") }
        return bytes
    }

    public func list(after: Digest?, limit: Int) async throws -> [StoredObject] {
        try await pool.run { [self] cancellation in
            var (found, end) = try listAlone(after: after, limit: limit, cancellation)
            let packed = try packs.list(after: after, through: end, limit: limit)
            if packed.count == limit { end = packed.last?.info.digest }
            var all = Dictionary(uniqueKeysWithValues: packed.map { ($0.info.digest, $0) })
            found.removeAll { object in end.map { object.info.digest > $0 } ?? false }
            for object in found {
                if let other = all[object.info.digest], other.touched > object.touched { continue }
                all[object.info.digest] = object
            }
            return all.values.sorted { $0.info.digest < $1.info.digest }
        }
    }

    /// Objects that are files, and up to which digest these are all.
    private func listAlone(after: Digest?, limit: Int, _ cancellation: Cancellation) throws -> ([StoredObject], Digest?)
    {
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
            if found.count >= limit {
                return (found, try Digest(parsing: folder + String(repeating: "f", count: 62)))
            }
        }
        return (found, nil)
    }

    private func isHex(_ text: String, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    public func delete(_ digests: [Digest], untouchedSince: Timestamp) async throws -> [Bool] {
        try await pool.run { [self] cancellation in
            try digests.map { digest in
                try cancellation.check()
                return try delete(digest, untouchedSince: untouchedSince)
            }
        }
    }

    private func delete(_ digest: Digest, untouchedSince: Timestamp) throws -> Bool {
        let path = path(digest)
        let alone = Files.status(path)
        if let alone, alone.modified >= untouchedSince { return false }
        guard try packs.remove(digest, untouchedSince: untouchedSince) else { return false }
        if alone == nil { return true }
        return try withFolder(digest, lock: LOCK_EX, making: false) { folder in
            guard let status = Files.status(path) else { return true }
            guard status.modified < untouchedSince else { return false }
            guard unlinkat(folder, String(digest.hex.dropFirst(2)), 0) == 0 else {
                throw Files.failure("removed", path)
            }
            return true
        } ?? true
    }

    public func location(of digest: Digest, expiresSeconds: Int) async throws -> ObjectLocation? {
        let path = path(digest)
        return try await pool.run { _ in Files.status(path)?.isFile == true ? .file(path: path) : nil }
    }

    public func removeLeftovers(before cutoff: Timestamp, dryRun: Bool) async throws -> (count: Int, bytes: Int64) {
        try await pool.run { [self] cancellation in
            if !dryRun { _ = try packs.compact(cancellation) }
            return try removeStaleFiles(in: traits.stagingFolder, before: cutoff, dryRun: dryRun)
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
