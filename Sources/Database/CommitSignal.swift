import Core
import Synchronization

/// Wakes those who wait for the next commit of this process. Other processes' commits are found by looking again after
/// the time-out.
public final class CommitSignal: Sendable {
    private struct State {
        var count: UInt64 = 0
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())
    private let all = Atomic<UInt64>(0)

    public init() {}

    /// The number of commits so far; pass it to `wait` so that none is missed in between.
    public var count: UInt64 { state.withLock { $0.count } }

    /// The number of all commits so far, whether anybody is woken for them or not. A commit counts before its writes are
    /// acknowledged: as long as the number stays, every acknowledged write is one that a read before has seen.
    public var total: UInt64 { all.load(ordering: .acquiring) }

    func add() { all.add(1, ordering: .acquiringAndReleasing) }

    /// Counts one more, and wakes all.
    public func notify() {
        let waiters = state.withLock { state in
            state.count += 1
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when there were more than `seen` commits, when the time is up, or when the task is cancelled.
    public func wait(after seen: UInt64, timeoutSeconds: Double) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.waitForCommit(after: seen) }
            group.addTask { try? await Task.sleep(for: .seconds(timeoutSeconds)) }
            await group.next()
            group.cancelAll()
        }
    }

    private func waitForCommit(after seen: UInt64) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state in
                    if state.count > seen || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if now { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}
