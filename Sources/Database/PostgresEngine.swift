import CPostgres
import Core
import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// PostgreSQL through libpq: a pool of reading connections and one that writes. libpq blocks, so each connection works
/// on a serial queue of its own and never on Swift's cooperative threads.
final class PostgresEngine: Engine {
    let dialect = Dialect.postgres
    private let writer: PostgresConnection
    private let readers: [PostgresConnection]
    private let free: Mutex<(idle: [Int], waiters: [CheckedContinuation<Int, Never>])>

    static func open(_ url: String, readers: Int) async throws -> PostgresEngine {
        let connections = (0...readers).map { PostgresConnection(url: url, label: $0 == 0 ? "writer" : "reader-\($0)") }
        for connection in connections {
            try await connection.run { try $0.connect() }
        }
        return PostgresEngine(writer: connections[0], readers: Array(connections.dropFirst()))
    }

    private init(writer: PostgresConnection, readers: [PostgresConnection]) {
        self.writer = writer
        self.readers = readers
        free = Mutex((Array(readers.indices), []))
    }

    func read<T: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> T) async throws -> T {
        let index = await withCheckedContinuation { continuation in
            let ready = free.withLock { pool -> Int? in
                if let index = pool.idle.popLast() { return index }
                pool.waiters.append(continuation)
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
        defer {
            let next = free.withLock { pool -> CheckedContinuation<Int, Never>? in
                if pool.waiters.isEmpty {
                    pool.idle.append(index)
                    return nil
                }
                return pool.waiters.removeFirst()
            }
            next?.resume(returning: index)
        }
        return try await readers[index].run { session in
            try session.connectIfNeeded()
            try session.command("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            do {
                let value = try body(session)
                try session.command("COMMIT")
                return value
            } catch {
                try? session.command("ROLLBACK")
                throw error
            }
        }
    }

    func onWriter(_ work: @escaping @Sendable (any WriteConnection) -> Void) {
        writer.async { session in work(PostgresWriteConnection(session: session)) }
    }

    func close() async {
        for connection in readers + [writer] { _ = try? await connection.run { $0.disconnect() } }
    }
}

/// A connection and the queue that owns it.
final class PostgresConnection: Sendable {
    private let queue: DispatchQueue
    // Touched on `queue` only.
    private nonisolated(unsafe) let session: PostgresSession

    init(url: String, label: String) {
        queue = DispatchQueue(label: "slipway.postgres.\(label)")
        session = PostgresSession { PQconnectdb(url) }
    }

    /// - Parameter parameters: libpq's keywords; none is looked for in the text of another.
    init(parameters: [String: String], label: String) {
        queue = DispatchQueue(label: "slipway.postgres.\(label)")
        let all = parameters.sorted { $0.key < $1.key }
        session = PostgresSession {
            // Copied: libpq wants two lists of C strings, each ended by a null pointer.
            let names = all.map { strdup($0.key) }
            let values = all.map { strdup($0.value) }
            defer { for text in names + values { free(text) } }
            return PQconnectdbParams(
                names.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil], 0)
        }
    }

    func async(_ work: @escaping @Sendable (PostgresSession) -> Void) {
        queue.async { [self] in work(session) }
    }

    func run<T: Sendable>(_ work: @escaping @Sendable (PostgresSession) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            async { session in continuation.resume(with: Result { try work(session) }) }
        }
    }
}

private struct PostgresWriteConnection: WriteConnection {
    /// Serializes the writes of all Slipway servers that share the database: the ledger is one chain.
    private static let lockKey = 0x51_1b_3a_70

    let session: PostgresSession
    var transaction: any Transaction { session }
    func begin() throws {
        try session.connectIfNeeded()
        try session.command("BEGIN; SELECT pg_advisory_xact_lock(\(Self.lockKey))")
    }
    func commit() throws { if session.isInTransaction { try session.command("COMMIT") } }
    func rollback() { if session.isInTransaction { try? session.command("ROLLBACK") } }
    func savepoint() throws { try session.command("SAVEPOINT w") }
    func releaseSavepoint() throws { try session.command("RELEASE w") }
    func rollbackToSavepoint() throws { try session.command("ROLLBACK TO w") }
}
