import Core
import Synchronization

/// Runs a model in this process, for models that the project trusts: their memory is the server's. What is expected to be
/// short, from how long batches of that size took before, is done where the caller stands; the rest goes to the pool.
public final class InProcessRunner: ModelRunner {
    public var inputs: [TensorSpec] { model.inputs }
    public var outputs: [TensorSpec] { model.outputs }
    public let model: OnnxModel

    private let pool: InferencePool
    private let inlineNanoseconds: Double
    private let costs = Mutex(RunCosts())
    private let isShutDown = Atomic(false)

    /// - Parameters:
    ///   - pool: shared among runners; it stays the caller's to shut down.
    ///   - inlineSeconds: runs that are expected to take no longer stay on the caller's thread.
    public init(_ model: OnnxModel, pool: InferencePool, inlineSeconds: Double = 0.000_3) {
        self.model = model
        self.pool = pool
        inlineNanoseconds = inlineSeconds * 1e9
    }

    public func infer(_ inputs: [Tensor], outputs: [String]?, deadlineSeconds: Double?) async throws -> [Tensor] {
        guard !isShutDown.load(ordering: .relaxed) else {
            throw SlipwayError(.unavailable, "The model is being unloaded.")
        }
        let rows = inputs.first?.rows ?? 1
        let deadline = deadlineSeconds.map { Deadline(seconds: $0) }
        if let expected = costs.withLock({ $0.expected(rows) }), expected <= inlineNanoseconds {
            return try timed(rows) { try model.run(inputs, outputs: outputs, deadline: deadline, stop: nil) }
        }
        let stop = RunStop()
        return try await withTaskCancellationHandler {
            try await pool.run { [self] in
                try timed(rows) { try model.run(inputs, outputs: outputs, deadline: deadline, stop: stop) }
            }
        } onCancel: {
            stop.stop()
        }
    }

    public func shutdown() async { isShutDown.store(true, ordering: .relaxed) }

    private func timed<R>(_ rows: Int, _ body: () throws -> R) throws -> R {
        let start = Clock.monotonicNanoseconds()
        let result = Result { try body() }
        let spent = Double(Clock.monotonicNanoseconds() - start)
        // A refusal is quick and says nothing of a run; a run that was stopped does.
        if spent > inlineNanoseconds || (try? result.get()) != nil {
            costs.withLock { $0.note(rows, nanoseconds: spent) }
        }
        return try result.get()
    }
}

/// How long runs took, by the batch size's power of two.
struct RunCosts {
    /// An exponentially weighted mean for each bit width of the row count; nil where nothing was seen.
    private var means = [Double?](repeating: nil, count: Int.bitWidth + 1)

    /// The expected nanoseconds for a batch of `rows`; nil when no batch of its size or more was seen. A larger batch
    /// bounds a smaller one from above.
    func expected(_ rows: Int) -> Double? {
        let mine = Self.bucket(rows)
        for bucket in mine..<means.count { if let mean = means[bucket] { return mean } }
        return nil
    }

    mutating func note(_ rows: Int, nanoseconds: Double) {
        let bucket = Self.bucket(rows)
        // A quarter for the new value: one slow run (a page fault, a busy core) moves it, three good ones move it back.
        means[bucket] = means[bucket].map { $0 + (nanoseconds - $0) / 4 } ?? nanoseconds
    }

    private static func bucket(_ rows: Int) -> Int { Int.bitWidth - max(0, rows).leadingZeroBitCount }
}
