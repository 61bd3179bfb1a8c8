import Core
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Objects in a bucket, under `PREFIX/objects/ab/cdef…`. The service's modification time is the touched time, so a touch
/// copies the object onto itself, unless it is newer than ten minutes. A put and a deletion exclude each other inside
/// one process only: let one server use a prefix.
public final class S3Backend: ObjectBackend {
    public let traits: ObjectBackendTraits
    private let client: S3Client
    private let pool: BlockingPool
    private let plan: MultipartPlan

    /// A touched time that is newer than this is left as it is.
    static let touchSeconds = 600.0
    /// S3 copies bigger objects only in parts.
    private static let copyMaximumBytes: Int64 = 5 << 30
    /// It is quicker to send a small object again than to ask first.
    private static let askBytes: Int64 = 1 << 20

    /// - Parameter stagingFolder: a local folder for uploads whose digest is not known yet.
    public convenience init(client: S3Client, stagingFolder: String, pool: BlockingPool) throws {
        try self.init(client: client, stagingFolder: stagingFolder, pool: pool, plan: MultipartPlan())
    }

    init(client: S3Client, stagingFolder: String, pool: BlockingPool, plan: MultipartPlan, chunkBytes: Int = 4 << 20)
        throws
    {
        self.client = client
        self.pool = pool
        self.plan = plan
        traits = ObjectBackendTraits(stagingFolder: stagingFolder, chunkBytes: chunkBytes, readsAhead: true)
        try Files.makeFolders(stagingFolder)
    }

    private var root: String { client.location.prefix.isEmpty ? "objects/" : client.location.prefix + "/objects/" }

    func key(_ digest: Digest) -> String { "\(root)\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2))" }

    private func digest(_ key: String) -> Digest? {
        let name = key.dropFirst(root.count)
        guard name.utf8.count == 65, name.dropFirst(2).first == "/" else { return nil }
        return try? Digest(parsing: String(name.filter { $0 != "/" }))
    }

    public func commit(_ object: ObjectInfo, _ content: ObjectContent, replacing: Bool) async throws {
        if case .staged(let path) = content {
            try await upload(object, path, replacing: replacing)
            try await pool.run { _ in if unlink(path) != 0 { throw Files.failure("removed", path) } }
        } else if case .bytes(let bytes) = content {
            if !replacing, object.sizeBytes > Self.askBytes, try await touchIfThere(object) { return }
            try await client.put(key(object.digest), body: .bytes(bytes), payloadHash: object.digest.hex)
        }
    }

    private func upload(_ object: ObjectInfo, _ path: String, replacing: Bool) async throws {
        if !replacing, object.sizeBytes > Self.askBytes, try await touchIfThere(object) { return }
        guard object.sizeBytes > plan.thresholdBytes else {
            let body = HTTPBody.file(path: path, offset: 0, length: object.sizeBytes)
            return try await client.put(key(object.digest), body: body, payloadHash: object.digest.hex)
        }
        let pool = pool
        try await client.putMultipart(key(object.digest), file: path, sizeBytes: object.sizeBytes, plan: plan) {
            range in
            try await pool.run { try hash(path, range, $0) }
        }
    }

    private func touchIfThere(_ object: ObjectInfo) async throws -> Bool {
        try await info(object.digest, touching: true)?.sizeBytes == object.sizeBytes
    }

    public func info(_ digest: Digest, touching: Bool) async throws -> ObjectInfo? {
        guard let found = try await client.head(key(digest)) else { return nil }
        if touching, found.modified < Clock.system.now().adding(seconds: -Self.touchSeconds) {
            try await refresh(digest, sizeBytes: found.sizeBytes)
        }
        return ObjectInfo(digest: digest, sizeBytes: found.sizeBytes)
    }

    func refresh(_ digest: Digest, sizeBytes: Int64) async throws {
        if sizeBytes > Self.copyMaximumBytes {
            try await client.refreshMultipart(key(digest), sizeBytes: sizeBytes)
        } else {
            try await client.refresh(key(digest))
        }
    }

    public func read(_ digest: Digest, range: Range<Int64>) async throws -> [UInt8] {
        let bytes: [UInt8]
        do {
            bytes = try await client.get(key(digest), range: range)
        } catch let error as SlipwayError where error.code == .notFound {
            throw SlipwayError.noObject(digest)
        }
        guard bytes.count == range.count else { throw SlipwayError.damaged(digest, "it is shorter than it was") }
        return bytes
    }

    public func list(after: Digest?, limit: Int) async throws -> [StoredObject] {
        var last = after.map(key)
        while true {
            let page = try await client.list(prefix: root, after: last, limit: limit)
            let found = page.objects.compactMap { object in
                digest(object.key).map {
                    StoredObject(info: ObjectInfo(digest: $0, sizeBytes: object.sizeBytes), touched: object.modified)
                }
            }
            // Keys that are not ours may fill a page.
            if !found.isEmpty || page.isEnd { return found }
            last = page.objects.last?.key
        }
    }

    public func delete(_ digest: Digest, untouchedSince: Timestamp) async throws -> Bool {
        guard let found = try await client.head(key(digest)), found.modified < untouchedSince else { return false }
        try await client.delete(key(digest))
        return true
    }

    public func location(of digest: Digest, expiresSeconds: Int) async throws -> ObjectLocation {
        .url(client.presignedURL(key(digest), expiresSeconds: expiresSeconds))
    }

    /// Local files, and uploads that the service still waits for (whose bytes it does not tell).
    public func removeLeftovers(before cutoff: Timestamp, dryRun: Bool) async throws -> (count: Int, bytes: Int64) {
        let folder = traits.stagingFolder
        let local = try await pool.run { _ in try removeStaleFiles(in: folder, before: cutoff, dryRun: dryRun) }
        let uploads = try await client.abortUploads(prefix: root, before: cutoff, dryRun: dryRun)
        return (local.count + uploads, local.bytes)
    }
}

/// The digest of a part of a file. Blocking.
private func hash(_ path: String, _ range: Range<Int64>, _ cancellation: Cancellation) throws -> Digest {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw Files.failure("opened", path) }
    defer { close(file) }
    let hasher = Hasher256()
    try Files.forEachBlock(file, path, range) { block in
        try cancellation.check()
        hasher.update(block)
    }
    return hasher.finalize()
}
