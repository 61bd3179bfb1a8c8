import Core
import Synchronization
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Bytes under their hash, each content once, on disk or S3.
///
/// - An object is complete and durable when a put returns; before that it does not exist. Putting the same content
///   again stores nothing and starts its grace period anew.
/// - Whole reads are verified against the digest; a reader that gets to the end without an error has the right bytes. Big
///   files are hashed once in this process, and again whenever the file is another or was written to.
/// - Objects are never changed. They go only by `collectGarbage`, which spares what is live and what was put or touched
///   within the grace period: refer to an object (in a manifest) within that time after `put` or `touch`.
/// - Streams of any size take constant memory.
public final class ObjectStore: Sendable {
    let backend: any ObjectBackend
    let pool: BlockingPool
    let cache: ObjectCache?
    let treeNodes = TreeNodeCache()
    /// Objects that a reader found damaged; the next put of the same content replaces them.
    private let damaged = Mutex<Set<Digest>>([])
    /// Files that were hashed and found right, as they were then.
    private let verified = Mutex<[Digest: FileStamp]>([:])
    private static let verifiedMaximum = 100_000
    /// Hashing less costs little more than a look at the file.
    private static let stampedBytes: Int64 = 1 << 20

    /// - Parameters:
    ///   - pool: hashes and writes; may be shared with the backend.
    ///   - cache: holds local copies for `localPath`; needed unless the backend has files of its own.
    public init(backend: any ObjectBackend, pool: BlockingPool, cache: ObjectCache? = nil) {
        self.backend = backend
        self.pool = pool
        self.cache = cache
    }

    // MARK: Put

    public func put(_ bytes: [UInt8]) async throws -> ObjectInfo {
        let object = try await pool.run { _ in ObjectInfo(digest: Digest.of(bytes), sizeBytes: Int64(bytes.count)) }
        try await commit(object, .bytes(bytes))
        return object
    }

    /// Stores what the stream brings. If it throws, nothing is stored.
    ///
    /// - Throws: `tooLarge` past `maximumBytes`; what the stream throws.
    public func put(
        contentsOf stream: some AsyncSequence<[UInt8], any Error> & Sendable, maximumBytes: Int64? = nil
    ) async throws -> ObjectInfo {
        let writer = try await writer(maximumBytes: maximumBytes)
        for try await bytes in stream { try await writer.append(bytes) }
        return try await writer.finish()
    }

    /// A new object that is written piece by piece; it exists after `finish`.
    public func writer(maximumBytes: Int64? = nil) async throws -> ObjectWriter {
        let folder = backend.traits.stagingFolder
        let file = try await pool.run { _ in try StagedFile(in: folder) }
        return ObjectWriter(file: file, pool: pool, maximumBytes: maximumBytes) {
            let written = try? FileStamp($1)
            try await self.commit($0, .staged(path: $1))
            if let written { try await self.noteWritten($0, written) }
        }
    }

    /// Stores a file.
    ///
    /// - Parameter move: the file may be taken instead of copied, which is quick if it is on the store's disk; it is gone
    ///   afterwards. Only for files that nobody writes any more.
    /// - Throws: `invalid` for symbolic links, folders and devices; `conflict` if the file changes meanwhile.
    public func put(file path: String, move: Bool = false) async throws -> ObjectInfo {
        let folder = backend.traits.stagingFolder
        let file = try await pool.run { try StagedCopy(of: path, in: folder, move: move, cancellation: $0) }
        do {
            try await commit(file.object, .staged(path: file.path))
        } catch {
            file.giveBack()
            throw error
        }
        try file.finishMove()
        return file.object
    }

    private func commit(_ object: ObjectInfo, _ content: ObjectContent) async throws {
        try await commit([(object, content)])
    }

    func commit(_ objects: [(object: ObjectInfo, content: ObjectContent)]) async throws {
        let bad = damaged.withLock { damaged in
            damaged.isEmpty ? [] : Set(objects.lazy.map(\.object.digest).filter(damaged.contains))
        }
        if bad.isEmpty { return try await backend.commit(objects, replacing: false) }
        try await backend.commit(objects.filter { !bad.contains($0.object.digest) }, replacing: false)
        try await backend.commit(objects.filter { bad.contains($0.object.digest) }, replacing: true)
        damaged.withLock { $0.subtract(bad) }
    }

    // MARK: Look

    /// The object if it is in the store; costs the same however many there are.
    public func info(_ digest: Digest) async throws -> ObjectInfo? { try await backend.info(digest, touching: false) }

    /// Like `info`, and starts the grace period anew: for objects that will be referred to without being put.
    public func touch(_ digest: Digest) async throws -> ObjectInfo? {
        try await backend.info(digest, touching: true)
    }

    // MARK: Get

    /// The whole object, verified.
    ///
    /// - Throws: `notFound`; `tooLarge` if it has more than `maximumBytes`, for which there is `stream`; `internal` if
    ///   it is damaged.
    public func read(_ digest: Digest, maximumBytes: Int64 = 256 << 20) async throws -> [UInt8] {
        guard let object = try await backend.info(digest, touching: false) else { throw SlipwayError.noObject(digest) }
        guard object.sizeBytes <= maximumBytes else {
            throw SlipwayError(
                .tooLarge,
                "The object has \(object.sizeBytes) bytes, more than the \(maximumBytes) that are read into memory.",
                ref: Ref(.object, digest.hex))
        }
        let bytes = try await backend.read(digest, range: 0..<object.sizeBytes)
        guard try await pool.run({ _ in Digest.of(bytes) == digest }) else { throw noteDamage(digest) }
        return bytes
    }

    /// The object, or a range of its bytes (cut to its size), piece by piece. Only whole objects are verified.
    public func stream(_ digest: Digest, range: Range<Int64>? = nil) -> ObjectStream {
        ObjectStream(store: self, digest: digest, range: range)
    }

    /// A local file with the object's bytes, only to be read: the object itself on disk; a copy in the cache for S3 and
    /// for objects in packs, which stays for at least ten minutes after this call. Its bytes are verified the first time in this process, and
    /// again whenever the file is another or was written to.
    public func localPath(_ digest: Digest) async throws -> String {
        if case .file(let path) = try await backend.location(of: digest, expiresSeconds: 0) {
            try await verify(path, digest)
            return path
        }
        guard let cache else {
            throw SlipwayError(.internal, "The object store has no cache for local copies.")
        }
        return try await cache.path(of: digest) { file in
            for try await bytes in self.stream(digest) { try await self.pool.run { _ in try file.append(bytes) } }
        }
    }

    /// What there is to know before a big object is read: its file as it is now, if it has one of its own here, and
    /// whether that was found right before.
    func stamp(_ object: ObjectInfo) async throws -> (stamp: FileStamp, isVerified: Bool)? {
        guard object.sizeBytes >= Self.stampedBytes,
            case .file(let path) = try await backend.location(of: object.digest, expiresSeconds: 0)
        else { return nil }
        let stamp = try FileStamp(path)
        return (stamp, verified.withLock { $0[object.digest] == stamp })
    }

    /// - Parameter stamp: of before the file was read.
    func noteVerified(_ digest: Digest, _ stamp: FileStamp) {
        verified.withLock { verified in
            if verified.count >= Self.verifiedMaximum { verified.removeAll() }
            verified[digest] = stamp
        }
    }

    /// A file that this process hashed as it wrote it needs no second look, if it is the one that is kept.
    private func noteWritten(_ object: ObjectInfo, _ written: FileStamp) async throws {
        guard let (stamp, _) = try await stamp(object), stamp.inode == written.inode else { return }
        noteVerified(object.digest, stamp)
    }

    private func verify(_ path: String, _ digest: Digest) async throws {
        let isKnown = try verified.withLock { try $0[digest] == FileStamp(path) }
        if isKnown { return }
        try await pool.run { cancellation in
            let stamp = try FileStamp(path)
            let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else { throw SlipwayError.noObject(digest) }
            defer { close(descriptor) }
            let found = try Files.hash(descriptor, path, 0..<Int64.max, cancellation)
            guard found == digest else { throw self.noteDamage(digest) }
            self.noteVerified(digest, stamp)
        }
    }

    /// A URL that lets its bearer read the object for so long; nil if the objects are on disk, where there is none.
    public func presignedURL(_ digest: Digest, expiresSeconds: Int) async throws -> String? {
        guard case .url(let url) = try await backend.location(of: digest, expiresSeconds: expiresSeconds) else {
            return nil
        }
        return url
    }

    /// Reads every object and names the damaged ones (for a nightly check). The next put of their content repairs them.
    public func verifyAll() async throws -> [Digest] {
        var bad: [Digest] = []
        var last: Digest?
        while true {
            let page = try await backend.list(after: last, limit: 1000)
            guard let end = page.last else { return bad }
            for object in page {
                do {
                    let stream = ObjectStream(
                        store: self, digest: object.info.digest, range: nil, trustsEarlierLooks: false)
                    for try await _ in stream {}
                } catch let error as SlipwayError where error.code == .internal {
                    bad.append(object.info.digest)
                } catch let error as SlipwayError where error.code == .notFound {
                    continue  // collected meanwhile
                }
            }
            last = end.info.digest
        }
    }

    func noteDamage(_ digest: Digest) -> SlipwayError {
        _ = damaged.withLock { $0.insert(digest) }
        return SlipwayError.damaged(digest, "its bytes have another SHA-256")
    }
}

/// What tells that a file is still the one that it was.
struct FileStamp: Hashable {
    let inode: UInt64
    let sizeBytes: Int64
    let modifiedNanoseconds: Int64

    init(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw SlipwayError(.internal, "A stored object is not a file any more.", details: ["path": path])
        }
        inode = UInt64(status.st_ino)
        sizeBytes = Int64(status.st_size)
        modifiedNanoseconds = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    }
}
