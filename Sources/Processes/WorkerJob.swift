import Core
import Synchronization

/// One call: its request, its deadline and, once, its result. An answer in parts is kept here, a few parts at most, until
/// it is taken.
final class WorkerJob: Sendable {
    let request: [UInt8]
    let caller: WorkerCaller
    let deadlineSeconds: Double
    /// By the monotonic clock, in nanoseconds.
    let deadline: UInt64
    /// For an answer in parts: how long its reader may take nothing while parts wait; nil refuses parts.
    let stallSeconds: Double?

    /// So many parts wait for their reader; then the worker does.
    static let partsAhead = 2

    private enum Phase {
        case waiting
        /// The descriptor wakes the thread that works on it.
        case running(wake: Descriptor)
        case over(Result<[UInt8], any Error>)
    }

    private struct State {
        var phase = Phase.waiting
        var isCancelled = false
        /// Ends it if no worker comes in time.
        var timer: Task<Void, any Error>?
        /// Of a call.
        var caller: CheckedContinuation<[UInt8], any Error>?
        /// Of a stream.
        var parts: [[UInt8]] = []
        var fullSince: UInt64?
        var reader: CheckedContinuation<WorkerStream.Piece, any Error>?
    }
    private let state = Mutex(State())

    init(_ request: [UInt8], _ caller: WorkerCaller, deadlineSeconds: Double, stallSeconds: Double? = nil) {
        self.request = request
        self.caller = caller
        self.deadlineSeconds = deadlineSeconds
        self.stallSeconds = stallSeconds
        // Bounded, so that a caller's "no limit" does not overflow.
        deadline = Clock.monotonicNanoseconds() + UInt64(min(max(0, deadlineSeconds), 1e8) * 1e9)
    }

    // MARK: The caller's side

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    var isOver: Bool {
        state.withLock {
            if case .over = $0.phase { true } else { false }
        }
    }

    /// The one answer of a call.
    func answer(_ continuation: CheckedContinuation<[UInt8], any Error>) {
        let result = state.withLock { state -> Result<[UInt8], any Error>? in
            if case .over(let result) = state.phase { return result }
            state.caller = continuation
            return nil
        }
        if let result { continuation.resume(with: result) }
    }

    /// The next piece of a stream; the answer comes after all parts, and again if it is asked for again.
    func next(_ continuation: CheckedContinuation<WorkerStream.Piece, any Error>) {
        let result = state.withLock { state -> Result<WorkerStream.Piece, any Error>? in
            if !state.parts.isEmpty {
                if state.parts.count == Self.partsAhead, case .running(let wake) = state.phase { try? wake.write([1]) }
                state.fullSince = nil
                return .success(.part(state.parts.removeFirst()))
            }
            if case .over(let result) = state.phase { return result.map { .answer($0) } }
            state.reader = continuation
            return nil
        }
        if let result { continuation.resume(with: result) }
    }

    /// Before it is worked on, a cancelled job ends at once; afterwards its thread sees to it.
    func cancel() {
        let isWaiting = state.withLock { state -> Bool in
            state.isCancelled = true
            state.parts = []
            if case .running(let wake) = state.phase { try? wake.write([1]) }
            if case .waiting = state.phase { return true }
            return false
        }
        if isWaiting { finish(.failure(Self.cancelled)) }
    }

    /// Sees to it that the job ends at its deadline if no worker is free by then.
    func expireInTime() {
        let seconds = deadlineSeconds
        let timer = Task { [weak self] in
            try await Task.sleep(nanoseconds: UInt64(min(max(0, seconds), 1e8) * 1e9))
            self?.expire()
        }
        let isWaiting = state.withLock { state in
            guard case .waiting = state.phase else { return false }
            state.timer = timer
            return true
        }
        if !isWaiting { timer.cancel() }
    }

    private func expire() {
        let isWaiting = state.withLock {
            if case .waiting = $0.phase { true } else { false }
        }
        guard isWaiting else { return }
        finish(
            .failure(
                SlipwayError(
                    .deadlineExceeded,
                    "No worker was free within \(deadlineSeconds) s: all were busy with other requests. Try again later.",
                    details: ["timeoutSeconds": "\(deadlineSeconds)"])))
    }

    // MARK: The worker thread's side

    /// Marks the job as being worked on.
    ///
    /// - Returns: false if it is over already.
    func begin(wake: Descriptor) -> Bool {
        state.withLock { state in
            guard case .waiting = state.phase, !state.isCancelled else { return false }
            state.timer?.cancel()
            state.timer = nil
            state.phase = .running(wake: wake)
            return true
        }
    }

    /// Whether there is room for one more part, and if not, since when.
    var room: (isFree: Bool, fullSince: UInt64) {
        state.withLock { ($0.parts.count < Self.partsAhead, $0.fullSince ?? .max) }
    }

    func deliver(_ part: [UInt8]) {
        let reader = state.withLock { state -> CheckedContinuation<WorkerStream.Piece, any Error>? in
            if state.isCancelled { return nil }
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            state.parts.append(part)
            if state.parts.count == Self.partsAhead { state.fullSince = Clock.monotonicNanoseconds() }
            return nil
        }
        reader?.resume(returning: .part(part))
    }

    func finish(_ result: Result<[UInt8], any Error>) {
        let (caller, reader) = state.withLock { state in
            defer {
                state.caller = nil
                state.reader = nil
                state.timer = nil
            }
            if case .over = state.phase { return (state.caller, state.reader) }
            state.timer?.cancel()
            state.phase = .over(result)
            return (state.caller, state.reader)
        }
        caller?.resume(with: result)
        reader?.resume(with: result.map { .answer($0) })
    }

    static let cancelled = SlipwayError(.cancelled, "The request was cancelled.")
}

/// An answer that comes in parts, at the pace of its reader: when the reader is slow the worker waits. Letting go of it, or
/// cancelling it, stops the worker's work and frees it for others.
public final class WorkerStream: Sendable {
    public enum Piece: Sendable, Hashable {
        case part([UInt8])
        /// The end, in the worker's own words.
        case answer([UInt8])
    }

    private let job: WorkerJob

    init(_ job: WorkerJob) { self.job = job }

    deinit { job.cancel() }

    /// The next piece; for one task at a time.
    ///
    /// - Throws: as `WorkerPool.call`, and `deadlineExceeded` when the reader took nothing for too long.
    public func next() async throws -> Piece {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { job.next($0) }
        } onCancel: {
            job.cancel()
        }
    }

    /// Stops the work; `next` then throws `cancelled`.
    public func cancel() { job.cancel() }
}
