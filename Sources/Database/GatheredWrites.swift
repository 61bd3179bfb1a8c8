import Core
import Synchronization

/// Writes of one kind that are done together. Those that arrive while a commit is under way are handed to one call, which
/// needs one statement of each sort for all of them; that is what makes many small writes cheap, most of all where each
/// statement is a round trip to a server.
public final class GatheredWrites<Request: Sendable, Answer: Sendable>: Sendable {
    /// Does the requests in the order given, and answers each. A request that is answered by a failure has written nothing.
    /// What it throws is nobody's fault in particular: the requests are then done again, each alone.
    public typealias Body = @Sendable (any Transaction, [Request]) throws -> [Result<Answer, any Error>]

    /// At most so many are done together, so that none waits long.
    private static var maximum: Int { 256 }

    private typealias Waiting = (request: Request, continuation: CheckedContinuation<Answer, any Error>)

    private let writer: GroupCommit
    private let isFollowed: Bool
    private let pending = Mutex<[Waiting]>([])

    /// - Parameter isFollowed: false for what nobody waits for (`Database.commits`): then nobody is woken to look.
    public init(_ database: Database, isFollowed: Bool = true) {
        writer = database.writer
        self.isFollowed = isFollowed
    }

    /// Returns after the commit that holds the write is on disk.
    ///
    /// - Parameter body: the same for all requests.
    public func submit(_ request: Request, _ body: @escaping Body) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            let isFirst = pending.withLock { pending in
                pending.append((request, continuation))
                return pending.count == 1
            }
            if isFirst { enqueue(body) }
        }
    }

    private func enqueue(_ body: @escaping Body) {
        writer.enqueue(isFollowed: isFollowed) { [self] connection, alone in
            let (group, more) = pending.withLock { pending in
                let group = Array(pending.prefix(Self.maximum))
                pending.removeFirst(group.count)
                return (group, !pending.isEmpty)
            }
            if more { enqueue(body) }
            let results = perform(group.map(\.request), body, on: connection, alone: alone)
            return { failure in
                for (waiting, result) in zip(group, results) {
                    switch (result, failure) {
                    case (.success, let failure?): waiting.continuation.resume(throwing: failure)
                    default: waiting.continuation.resume(with: result)
                    }
                }
            }
        }
    }

    private func perform(
        _ requests: [Request], _ body: Body, on connection: any WriteConnection, alone: Bool
    ) -> [Result<Answer, any Error>] {
        let isOnly = alone && requests.count == 1
        do {
            if !isOnly { try connection.savepoint() }
            let results = try body(connection.transaction, requests)
            precondition(results.count == requests.count, "each request has an answer")
            if !isOnly { try connection.releaseSavepoint() }
            return results
        } catch {
            if isOnly { connection.rollback() } else { try? connection.rollbackToSavepoint() }
            if requests.count == 1 { return [.failure(error)] }
            return requests.flatMap { perform([$0], body, on: connection, alone: false) }
        }
    }
}
