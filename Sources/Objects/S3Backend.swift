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
    /// A put and a deletion of one object exclude each other.
    private let locks = DigestLocks()

    /// A touched time that is newer than this is left as it is.
    static let touchSeconds = 600.0
    /// S3 copies bigger objects only in parts.
    private static let copyMaximumBytes: Int64 = 5 << 30
    /// It is quicker to send a small object again than to ask first.
    private static let askBytes: Int64 = 1 << 20
    /// Requests of one batch under way at once.
    private static let parallelism = 16

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

    public func commit(_ objects: [(object: ObjectInfo, content: ObjectContent)], replacing: Bool) async throws {
        _ = try await inParallel(objects) { object, content in
            try await self.locks.shared(object.digest) {
                try await self.commit(object, content, replacing: replacing)
            }
        }
    }

    private func commit(_ object: ObjectInfo, _ content: ObjectContent, replacing: Bool) async throws {
        switch content {
        case .staged(let path):
            try await upload(object, path, replacing: replacing)
            try await pool.run { _ in if unlink(path) != 0 { throw Files.failure("removed", path) } }
        case .bytes(let bytes): try await send(object, bytes, replacing: replacing)
        case .small(let bytes): try await send(object, Array(bytes), replacing: replacing)
        }
    }

    private func send(_ object: ObjectInfo, _ bytes: [UInt8], replacing: Bool) async throws {
        if !replacing, object.sizeBytes > Self.askBytes, try await touchIfThere(object) { return }
        try await client.put(key(object.digest), body: .bytes(bytes), payloadHash: object.digest.hex)
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
        try await look(object.digest, touching: true)?.sizeBytes == object.sizeBytes
    }

    public func info(_ digests: [Digest], touching: Bool) async throws -> [ObjectInfo?] {
        try await inParallel(digests) { digest in
            guard touching else { return try await self.look(digest, touching: false) }
            return try await self.locks.shared(digest) { try await self.look(digest, touching: true) }
        }
    }

    private func look(_ digest: Digest, touching: Bool) async throws -> ObjectInfo? {
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

    public func read(_ pieces: [ObjectPiece]) async throws -> [[UInt8]] {
        try await inParallel(pieces) { try await self.read($0.digest, $0.range) }
    }

    private func read(_ digest: Digest, _ range: Range<Int64>?) async throws -> [UInt8] {
        let bytes: [UInt8]
        do {
            bytes = try await client.get(key(digest), range: range)
        } catch let error as SlipwayError where error.code == .notFound {
            throw SlipwayError.noObject(digest)
        }
        guard bytes.count == range?.count ?? bytes.count else {
            throw SlipwayError.damaged(digest, "it is shorter than it was")
        }
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

    public func delete(_ digests: [Digest], untouchedSince: Timestamp) async throws -> [Bool] {
        try await inParallel(digests) { digest in
            try await self.locks.alone(digest) {
                guard let found = try await self.client.head(self.key(digest)) else { return true }
                guard found.modified < untouchedSince else { return false }
                try await self.client.delete(self.key(digest))
                return true
            }
        }
    }

    public func location(of digest: Digest, expiresSeconds: Int) async throws -> ObjectLocation? {
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

extension S3Backend {
    /// Runs `body` for all of a batch, some at once; gives the results in order.
    private func inParallel<Item: Sendable, Result: Sendable>(
        _ items: [Item], _ body: @Sendable @escaping (Item) async throws -> Result
    ) async throws -> [Result] {
        if items.count == 1 { return [try await body(items[0])] }
        return try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var results: [(Int, Result)] = []
            results.reserveCapacity(items.count)
            for (index, item) in items.enumerated() {
                if index >= Self.parallelism, let done = try await group.next() { results.append(done) }
                group.addTask { (index, try await body(item)) }
            }
            for try await done in group { results.append(done) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}

/// The digest of a part of a file. Blocking.
private func hash(_ path: String, _ range: Range<Int64>, _ cancellation: Cancellation) throws -> Digest {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw Files.failure("opened", path) }
    defer { close(file) }
    return try Files.hash(file, path, range, cancellation)
}
