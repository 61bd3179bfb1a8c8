import Core
import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A pool of worker processes of one executable, started as `<executable> worker <kind> <arguments>`. Each answers one
/// request at a time; requests beyond that wait in the order of arrival. A worker is started when a request first needs
/// it, stays warm, and is started again after a crash. It ends when this process ends, however that happens.
public final class WorkerPool: Sendable {
    private let core: WorkerPoolCore

    /// - Parameters:
    ///   - kind: the word after `worker`; also named in messages.
    ///   - executable: nil for the running executable itself.
    ///   - environment: all of the workers' environment.
    ///   - size: how many requests are worked on at once.
    ///   - graceSeconds: how long a worker may take to answer after it was asked to interrupt, before it is killed.
    public init(
        kind: String, executable: String? = nil, arguments: [String] = [], environment: [String: String] = [:],
        size: Int,
        graceSeconds: Double = 2, logger: Logger
    ) {
        core = WorkerPoolCore(
            kind: kind,
            spec: ProcessSpec(
                executable: executable ?? Self.ownExecutable, arguments: ["worker", kind] + arguments,
                environment: environment, output: .inherit, errors: .inherit),
            graceSeconds: graceSeconds, logger: logger)
        core.start(size: max(1, size))
    }

    deinit { core.close() }

    /// The running executable; it stays reachable under this name even when its file was replaced.
    public static var ownExecutable: String {
        #if os(Linux)
            "/proc/self/exe"
        #else
            CommandLine.arguments[0]
        #endif
    }

    /// Sends one request and returns the answer.
    ///
    /// - Parameter deadlineSeconds: from now, time in the queue included.
    /// - Throws: `deadlineExceeded` past the deadline (the worker was asked to interrupt and, past the grace, killed);
    ///   `cancelled` when the task was cancelled (the same happens to the worker); `unavailable` when the worker cannot be
    ///   started, or ended while it worked on the request; `tooLarge` for a request of more than 1 GiB.
    public func call(_ request: [UInt8], deadlineSeconds: Double) async throws -> [UInt8] {
        guard request.count <= Frames.maximumBytes else {
            throw SlipwayError(.tooLarge, "A request to a worker may be at most \(Frames.maximumBytes) bytes.")
        }
        let job = WorkerJob(request, deadlineSeconds: deadlineSeconds)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                job.attach(continuation)
                core.put(job)
            }
        } onCancel: {
            job.cancel()
        }
    }

    /// The process ids of the workers that are up now.
    public var processIDs: [Int32] { core.processIDs }

    /// Ends the workers, after which every call is refused. Calls that are being worked on end as `unavailable`.
    public func shutdown() async {
        core.close()
        await withCheckedContinuation { continuation in core.whenIdle { continuation.resume() } }
    }
}

/// One call: its request, its deadline and, once, its result.
final class WorkerJob: Sendable {
    let request: [UInt8]
    let deadlineSeconds: Double
    /// By the monotonic clock, in nanoseconds.
    let deadline: UInt64

    private struct State {
        var continuation: CheckedContinuation<[UInt8], any Error>?
        var isCancelled = false
        /// Wakes the thread that works on it.
        var wake: Descriptor?
    }
    private let state = Mutex(State())

    init(_ request: [UInt8], deadlineSeconds: Double) {
        self.request = request
        self.deadlineSeconds = deadlineSeconds
        // Bounded, so that a caller's "no limit" does not overflow.
        deadline = Clock.monotonicNanoseconds() + UInt64(min(max(0, deadlineSeconds), 1e8) * 1e9)
    }

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    func attach(_ continuation: CheckedContinuation<[UInt8], any Error>) {
        state.withLock { $0.continuation = continuation }
    }

    /// Before it is worked on, a cancelled job ends at once; afterwards its thread sees to it.
    func cancel() {
        let idle = state.withLock { state -> Bool in
            state.isCancelled = true
            if let wake = state.wake { try? wake.write([1]) }
            return state.wake == nil
        }
        if idle { finish(.failure(Self.cancelled)) }
    }

    /// Marks the job as being worked on.
    ///
    /// - Returns: false if it is over already.
    func begin(wake: Descriptor) -> Bool {
        state.withLock { state in
            guard !state.isCancelled, state.continuation != nil else { return false }
            state.wake = wake
            return true
        }
    }

    func finish(_ result: Result<[UInt8], any Error>) {
        let continuation = state.withLock { state in
            defer { state.continuation = nil }
            state.wake = nil
            return state.continuation
        }
        continuation?.resume(with: result)
    }

    static let cancelled = SlipwayError(.cancelled, "The request was cancelled.")
}
