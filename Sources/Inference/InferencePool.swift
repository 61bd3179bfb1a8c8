import Core
import Processes

/// A few threads of our own for runs that take longer than a task may hold a thread of Swift's pool, with a queue that
/// is bounded: what cannot be done soon is refused at once. Share one among all models of a server.
public final class InferencePool: Sendable {
    private let state: State

    /// - Parameters:
    ///   - threads: how many runs go on at once.
    ///   - capacity: how many more may wait.
    public init(threads: Int = 2, capacity: Int = 64) {
        state = State(threads: max(1, threads), capacity: max(0, capacity))
    }

    deinit { state.stop() }

    /// Runs `work` on one of the threads.
    ///
    /// - Throws: `rateLimited` when the queue is full, `unavailable` after `shutdown`, and what `work` throws.
    public func run<R: Sendable>(_ work: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            let refusal = state.put { refusal in
                continuation.resume(with: Result { if let refusal { throw refusal } else { try work() } })
            }
            if let refusal { continuation.resume(throwing: refusal) }
        }
    }

    /// Refuses what waits and what comes; runs that go on end by themselves.
    public func shutdown() { state.stop() }

    /// All fields but the constants are guarded by `monitor`.
    private final class State: @unchecked Sendable {
        /// Does the work, or ends it with an error.
        typealias Item = (SlipwayError?) -> Void

        private let monitor = Monitor()
        private let threads: Int
        private let capacity: Int
        private var started = 0
        /// Waiting and under way.
        private var pending = 0
        private var queue: [Item] = []
        private var isStopped = false

        init(threads: Int, capacity: Int) {
            self.threads = threads
            self.capacity = capacity
        }

        private static let stopped = SlipwayError(.unavailable, "The server is shutting down.")

        /// - Returns: why it was not taken.
        func put(_ item: @escaping Item) -> SlipwayError? {
            monitor.withLock {
                guard !isStopped else { return Self.stopped }
                guard pending < threads + capacity else {
                    return SlipwayError(
                        .rateLimited,
                        "\(threads) inference runs are under way and \(capacity) wait; try again shortly.",
                        details: ["capacity": "\(capacity)"])
                }
                // Threads come when they are needed: a server that serves no big batch has none.
                if pending >= started, started < threads {
                    started += 1
                    OwnThread.start(name: "inference", stackBytes: 4 * 1024 * 1024) { [self] in serve() }
                }
                pending += 1
                queue.append(item)
                monitor.signal()
                return nil
            }
        }

        func stop() {
            let rest = monitor.withLock {
                isStopped = true
                monitor.broadcast()
                defer { queue = [] }
                return queue
            }
            for item in rest { item(Self.stopped) }
        }

        private func serve() {
            while true {
                let item = monitor.withLock { () -> Item? in
                    while queue.isEmpty, !isStopped { monitor.wait() }
                    return queue.isEmpty ? nil : queue.removeFirst()
                }
                guard let item else { return }
                item(nil)
                monitor.withLock { pending -= 1 }
            }
        }
    }
}
