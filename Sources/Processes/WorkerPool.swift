import Core
import Logging

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A pool of worker processes of one executable, started as `<executable> worker <kind> <arguments>`. Each answers one
/// request at a time; requests beyond that wait, in a fair order. A worker is started when a request first needs it, stays
/// warm, and is started again after a crash. It ends when this process ends, however that happens.
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
            kind: kind, size: max(1, size),
            spec: ProcessSpec(
                executable: executable ?? Self.ownExecutable, arguments: ["worker", kind] + arguments,
                environment: environment, output: .inherit, errors: .inherit),
            graceSeconds: graceSeconds, logger: logger)
        core.start()
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
    /// - Parameters:
    ///   - deadlineSeconds: from now, time in the queue included.
    ///   - caller: for whom, for a fair order (`FairQueue`).
    /// - Throws: `deadlineExceeded` past the deadline (the worker was asked to interrupt and, past the grace, killed);
    ///   `cancelled` when the task was cancelled (the same happens to the worker); `unavailable` when the worker cannot be
    ///   started, or ended while it worked on the request; `tooLarge` for a request of more than 1 GiB; `rateLimited` when
    ///   the caller's owner has too many requests waiting.
    public func call(_ request: [UInt8], deadlineSeconds: Double, for caller: WorkerCaller = WorkerCaller())
        async throws -> [UInt8]
    {
        let job = try Self.job(request, caller, deadlineSeconds, stallSeconds: nil)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                job.answer(continuation)
                core.put(job)
            }
        } onCancel: {
            job.cancel()
        }
    }

    /// Sends one request whose answer comes in parts, and returns at once.
    ///
    /// - Parameters:
    ///   - deadlineSeconds: from now until the end of the answer.
    ///   - stallSeconds: how long the reader may leave parts lying before it loses the worker.
    public func stream(
        _ request: [UInt8], deadlineSeconds: Double, stallSeconds: Double, for caller: WorkerCaller = WorkerCaller()
    ) throws -> WorkerStream {
        let job = try Self.job(request, caller, deadlineSeconds, stallSeconds: stallSeconds)
        core.put(job)
        return WorkerStream(job)
    }

    private static func job(
        _ request: [UInt8], _ caller: WorkerCaller, _ deadlineSeconds: Double, stallSeconds: Double?
    ) throws -> WorkerJob {
        guard request.count <= Frames.maximumBytes else {
            throw SlipwayError(.tooLarge, "A request to a worker may be at most \(Frames.maximumBytes) bytes.")
        }
        return WorkerJob(request, caller, deadlineSeconds: deadlineSeconds, stallSeconds: stallSeconds)
    }

    /// The process ids of the workers that are up now.
    public var processIDs: [Int32] { core.processIDs }

    /// Ends the workers, after which every call is refused. Calls that are being worked on end as `unavailable`.
    public func shutdown() async {
        core.close()
        await withCheckedContinuation { continuation in core.whenIdle { continuation.resume() } }
    }
}
