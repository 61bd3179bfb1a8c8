import Core
import Transport

/// A new object on its way into the store. Dropping it unfinished leaves nothing. For one task at a time, which is why
/// it may be unchecked.
public final class ObjectWriter: @unchecked Sendable {
    private let file: StagedFile
    private let pool: BlockingPool
    private let maximumBytes: Int64
    private let commit: @Sendable (ObjectInfo, String) async throws -> Void
    private var buffer: [UInt8] = []
    private var taken: Int64 = 0

    /// What is gathered before a thread is asked to hash and write it.
    private static let blockBytes = 1 << 20

    init(
        file: StagedFile, pool: BlockingPool, maximumBytes: Int64?,
        commit: @escaping @Sendable (ObjectInfo, String) async throws -> Void
    ) {
        self.file = file
        self.pool = pool
        self.maximumBytes = maximumBytes ?? .max
        self.commit = commit
    }

    /// - Throws: `tooLarge` past the limit.
    public func append(_ bytes: [UInt8]) async throws {
        taken += Int64(bytes.count)
        guard taken <= maximumBytes else {
            throw SlipwayError(
                .tooLarge, "The content has more than the \(maximumBytes) bytes that are taken here.",
                details: ["limit": String(maximumBytes)])
        }
        // Big pieces go as they are, so that they are not copied.
        if buffer.isEmpty, bytes.count >= Self.blockBytes { return try await write(bytes) }
        if buffer.isEmpty { buffer.reserveCapacity(Self.blockBytes + bytes.count) }
        buffer += bytes
        if buffer.count >= Self.blockBytes { try await flush() }
    }

    /// Makes the object exist.
    public func finish() async throws -> ObjectInfo {
        try await flush()
        let file = file
        let object = try await pool.run { _ in try file.finish() }
        try await commit(object, file.path)
        _ = file.take()
        return object
    }

    private func flush() async throws {
        guard !buffer.isEmpty else { return }
        let block = buffer
        buffer = []
        try await write(block)
    }

    private func write(_ block: [UInt8]) async throws {
        let file = file
        try await pool.run { _ in try file.append(block) }
    }
}
