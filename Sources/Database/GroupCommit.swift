import Core
import Synchronization

/// Collects the writes that arrive while a commit is under way and gives them one commit together.
final class GroupCommit: Sendable {
    /// At most this many writes share a commit, so that none waits long.
    static let batchMaximum = 256

    /// Runs inside the shared transaction; says how to answer once the commit's fate is known.
    typealias Work = @Sendable (any WriteConnection, _ alone: Bool) -> @Sendable ((any Error)?) -> Void

    private struct Job {
        let work: Work
        let isFollowed: Bool
    }

    private struct State {
        var pending: [Job] = []
        var isRunning = false
        var idleWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let engine: any Engine
    private let commits: CommitSignal
    private let state = Mutex(State())

    init(engine: any Engine, commits: CommitSignal) {
        self.engine = engine
        self.commits = commits
    }

    func submit<T: Sendable>(
        isFollowed: Bool, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            enqueue(isFollowed: isFollowed) { connection, alone in
                do {
                    if !alone { try connection.savepoint() }
                    let value = try body(connection.transaction)
                    if !alone { try connection.releaseSavepoint() }
                    return { failure in
                        if let failure {
                            continuation.resume(throwing: failure)
                        } else {
                            continuation.resume(returning: value)
                        }
                    }
                } catch {
                    if alone { connection.rollback() } else { try? connection.rollbackToSavepoint() }
                    return { _ in continuation.resume(throwing: error) }
                }
            }
        }
    }

    /// Returns when nothing is pending.
    func drain() async {
        await withCheckedContinuation { continuation in
            let idle = state.withLock { state in
                if state.isRunning { state.idleWaiters.append(continuation) }
                return !state.isRunning
            }
            if idle { continuation.resume() }
        }
    }

    /// - Parameter isFollowed: whether those who wait for commits hear of this one.
    func enqueue(isFollowed: Bool, _ work: @escaping Work) {
        let start = state.withLock { state in
            state.pending.append(Job(work: work, isFollowed: isFollowed))
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if start { engine.onWriter { [self] connection in run(on: connection) } }
    }

    private func run(on connection: any WriteConnection) {
        while true {
            let (batch, waiters) = state.withLock { state -> ([Job], [CheckedContinuation<Void, Never>]) in
                let batch = Array(state.pending.prefix(Self.batchMaximum))
                state.pending.removeFirst(batch.count)
                if batch.isEmpty {
                    state.isRunning = false
                    defer { state.idleWaiters = [] }
                    return ([], state.idleWaiters)
                }
                return (batch, [])
            }
            if batch.isEmpty {
                for waiter in waiters { waiter.resume() }
                return
            }
            var answers: [@Sendable ((any Error)?) -> Void] = []
            var failure: (any Error)?
            do {
                try connection.begin()
                for job in batch { answers.append(job.work(connection, batch.count == 1)) }
                try connection.commit()
            } catch {
                connection.rollback()
                failure = error
                // Jobs that did not run because the transaction could not begin.
                for job in batch.dropFirst(answers.count) {
                    answers.append(job.work(FailedConnection(error: error), true))
                }
            }
            if failure == nil { commits.add() }
            for answer in answers { answer(failure) }
            if failure == nil, batch.contains(where: \.isFollowed) { commits.notify() }
        }
    }
}

/// Stands in for a connection whose transaction could not begin: every use fails with the reason.
private struct FailedConnection: WriteConnection, Transaction {
    let error: any Error
    var dialect: Dialect { .sqlite }
    var transaction: any Transaction { self }
    func begin() throws { throw error }
    func commit() throws { throw error }
    func rollback() {}
    func savepoint() throws { throw error }
    func releaseSavepoint() throws { throw error }
    func rollbackToSavepoint() throws { throw error }
    func execute(_ sql: SQL) throws -> Int { throw error }
    func forEach(_ sql: SQL, _ body: (any Row) throws -> Bool) throws { throw error }
    func integers(_ sql: SQL) throws -> [Int64] { throw error }
}
