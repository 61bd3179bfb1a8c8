import Core
import Processes
import Synchronization

/// A moment by which work must have ended.
public struct Deadline: Sendable {
    /// As it was asked for, for messages.
    public let seconds: Double
    /// By the monotonic clock.
    public let nanoseconds: UInt64

    /// - Parameter seconds: from now; a day bounds the sum, nobody means more.
    public init(seconds: Double) {
        self.seconds = seconds
        nanoseconds = Clock.monotonicNanoseconds() + UInt64(min(max(seconds, 0), 86_400) * 1e9)
    }

    public var isOver: Bool { Clock.monotonicNanoseconds() >= nanoseconds }

    /// 0 when it is over.
    public var restSeconds: Double {
        let now = Clock.monotonicNanoseconds()
        return nanoseconds > now ? Double(nanoseconds - now) / 1e9 : 0
    }

    /// What to throw when it is over.
    public var error: SlipwayError {
        SlipwayError(
            .deadlineExceeded, "The model did not answer within \(seconds) s and was stopped.",
            details: ["deadlineSeconds": "\(seconds)"])
    }
}

/// Ends runs that outlive their deadline: one thread, started with the first deadline, sets the terminate flag of their
/// run options. ONNX Runtime looks at the flag between nodes, so one endless node is not stopped; a worker process is.
final class DeadlineTimer: Sendable {
    /// Sets the flag of the run options behind the pointer.
    let terminate: @Sendable (OpaquePointer) -> Void
    private let state: State

    init(terminate: @escaping @Sendable (OpaquePointer) -> Void) {
        self.terminate = terminate
        state = State(terminate: terminate)
    }

    deinit {
        state.monitor.withLock {
            state.stopped = true
            state.monitor.signal()
        }
    }

    /// Runs `body`, and terminates the run of `options` when `nanoseconds` of the monotonic clock are reached first.
    ///
    /// - Returns: what `body` returned, and whether the run was terminated.
    func run<R>(_ options: OpaquePointer, until nanoseconds: UInt64, _ body: () -> R) -> (R, expired: Bool) {
        let slot = state.add(options, nanoseconds)
        let result = body()
        return (result, state.remove(slot))
    }

    /// All fields but the constants are guarded by `monitor`.
    private final class State: @unchecked Sendable {
        struct Entry {
            var options: OpaquePointer
            var deadline: UInt64
            var expired = false
        }

        let monitor = Monitor()
        let terminate: @Sendable (OpaquePointer) -> Void
        var stopped = false
        private var started = false
        /// As many as runs were ever under way at once; nil is free.
        private var entries: [Entry?] = []
        private var free: [Int] = []
        /// When the thread wakes next. It is not moved back when a run ends in time: an early look costs less than a
        /// system call for every run.
        private var wakesAt = UInt64.max

        init(terminate: @escaping @Sendable (OpaquePointer) -> Void) { self.terminate = terminate }

        func add(_ options: OpaquePointer, _ deadline: UInt64) -> Int {
            monitor.withLock {
                if !started {
                    OwnThread.start(name: "onnx-deadlines") { [self] in watch() }
                    started = true
                }
                let slot = free.popLast() ?? entries.count
                if slot == entries.count { entries.append(nil) }
                entries[slot] = Entry(options: options, deadline: deadline)
                if deadline < wakesAt {
                    wakesAt = deadline
                    monitor.signal()
                }
                return slot
            }
        }

        func remove(_ slot: Int) -> Bool {
            monitor.withLock {
                let expired = entries[slot]?.expired ?? false
                entries[slot] = nil
                free.append(slot)
                return expired
            }
        }

        private func watch() {
            monitor.withLock {
                while !stopped {
                    let now = Clock.monotonicNanoseconds()
                    var next = UInt64.max
                    for i in entries.indices {
                        guard let entry = entries[i], !entry.expired else { continue }
                        if entry.deadline <= now {
                            entries[i]?.expired = true
                            terminate(entry.options)
                        } else {
                            next = min(next, entry.deadline)
                        }
                    }
                    wakesAt = next
                    if next == .max { monitor.wait() } else { monitor.wait(untilNanoseconds: next, now: now) }
                }
            }
        }
    }
}

/// Ends one run from another thread. Asked before the run begins, it keeps it from beginning.
final class RunStop: Sendable {
    // Sound: the pointer is used under the lock only, and only between `begin` and `end`, while the options live.
    private struct State: @unchecked Sendable {
        var options: OpaquePointer?
        var terminate: (@Sendable (OpaquePointer) -> Void)?
        var isStopped = false
    }
    private let state = Mutex(State())

    static let error = SlipwayError(.cancelled, "The run was cancelled.")

    func stop() {
        state.withLock { state in
            state.isStopped = true
            if let options = state.options { state.terminate?(options) }
        }
    }

    /// - Returns: false when it was stopped already.
    func begin(_ options: OpaquePointer, _ terminate: @escaping @Sendable (OpaquePointer) -> Void) -> Bool {
        // Unsafe to the checker because pointers are; see State.
        nonisolated(unsafe) let options = options
        return state.withLock { state in
            (state.options, state.terminate) = (options, terminate)
            return !state.isStopped
        }
    }

    /// - Returns: whether it was stopped.
    func end() -> Bool {
        state.withLock { state in
            (state.options, state.terminate) = (nil, nil)
            return state.isStopped
        }
    }
}
