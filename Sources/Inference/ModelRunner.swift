import Core

/// A model that can be asked, wherever it runs.
public protocol ModelRunner: Sendable {
    var inputs: [TensorSpec] { get }
    var outputs: [TensorSpec] { get }

    /// Runs the model on one batch.
    ///
    /// - Parameters:
    ///   - inputs: one tensor for each of the model's inputs, in any order.
    ///   - outputs: the names to compute, in the order of the answer; nil for all.
    ///   - deadlineSeconds: from now, waiting included.
    /// - Throws: `invalid` naming the tensor that does not fit; `deadlineExceeded`; `cancelled` with the task;
    ///   `rateLimited` when too much waits already; `tooLarge` when memory ran out; `unavailable` when the runner is
    ///   shut down or its process broke.
    func infer(_ inputs: [Tensor], outputs: [String]?, deadlineSeconds: Double?) async throws -> [Tensor]

    /// Ends what the runner holds; later calls are refused.
    func shutdown() async
}

extension ModelRunner {
    /// Runs the model on one batch, for all outputs and without a deadline.
    public func infer(_ inputs: [Tensor]) async throws -> [Tensor] {
        try await infer(inputs, outputs: nil, deadlineSeconds: nil)
    }
}
