import COnnxRuntime
import Core

/// A loaded model. Runs may go on at once from any number of threads (ONNX Runtime's promise for `Run`); all fields are
/// constants, hence `@unchecked Sendable`.
public final class OnnxModel: @unchecked Sendable {
    public let inputs: [TensorSpec]
    /// The release of ONNX Runtime that runs it.
    public var version: String { runtime.version }
    /// What can be asked for. Classifiers of scikit-learn that return their probabilities as maps (ZipMap) have them here
    /// as a tensor of one column a class.
    public let outputs: [TensorSpec]
    /// Outputs of kinds that Slipway does not return, with the reason; the model runs without them.
    public let unsupportedOutputs: [String: String]

    private let runtime: OnnxRuntime
    private let session: OpaquePointer
    /// NUL-terminated names in the order of `inputs` and `outputs`.
    private let inputNames: NameTable
    private let outputNames: NameTable

    init(runtime: OnnxRuntime, path: String, threads: Int) throws {
        let api = runtime.api.pointee
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        do {
            var options: OpaquePointer?
            try runtime.check(api.CreateSessionOptions(&options))
            guard let options else { throw OrtFailure(code: 0, message: "no session options") }
            defer { api.ReleaseSessionOptions(options) }
            try runtime.check(api.SetIntraOpNumThreads(options, Int32(clamping: max(1, threads))))
            try runtime.check(api.SetInterOpNumThreads(options, 1))
            // Idle threads of a session must not burn a core that other requests need.
            try runtime.check(api.AddSessionConfigEntry(options, "session.intra_op.allow_spinning", "0"))
            var session: OpaquePointer?
            try runtime.check(api.CreateSession(runtime.environment, path, options, &session))
            guard let session else { throw OrtFailure(code: 0, message: "no session") }
            self.session = session
        } catch let failure as OrtFailure {
            throw Self.loadError(failure, path: path, folder: folder)
        }
        self.runtime = runtime
        do {
            let ports = try SessionPorts(runtime: runtime, session: session)
            (inputs, outputs, unsupportedOutputs) = (ports.inputs, ports.outputs, ports.unsupportedOutputs)
            inputNames = NameTable(inputs.map(\.name))
            outputNames = NameTable(outputs.map(\.name))
        } catch {
            api.ReleaseSession(session)
            guard let failure = error as? OrtFailure else { throw error }
            throw Self.loadError(failure, path: path, folder: folder)
        }
    }

    deinit { runtime.api.pointee.ReleaseSession(session) }

    /// Runs the model on the caller's memory: numeric inputs are not copied. Blocks.
    ///
    /// - Parameters:
    ///   - inputs: one tensor for each of the model's inputs, in any order.
    ///   - names: the outputs to compute, in the order of the answer; nil for all.
    ///   - deadlineSeconds: how long it may take. It is looked at between the nodes of the graph.
    /// - Throws: `invalid`, naming the tensor, for names, types or shapes that do not fit and for values that the model
    ///   refuses; `deadlineExceeded`; `tooLarge` when memory ran out.
    public func run(
        _ inputs: [Tensor], outputs names: [String]? = nil, deadlineSeconds: Double? = nil
    ) throws -> [Tensor] {
        try run(inputs, outputs: names, deadline: deadlineSeconds.map { Deadline(seconds: $0) }, stop: nil)
    }

    /// - Parameter stop: lets another thread end the run; it then throws `cancelled`.
    func run(_ inputs: [Tensor], outputs names: [String]?, deadline: Deadline?, stop: RunStop?) throws -> [Tensor] {
        let arranged = try arrange(inputs)
        let wanted = try names.map(outputIndices)
        let isLarge = arranged.contains { $0.values.count >= Self.largeElements }
        guard deadline != nil || stop != nil || isLarge else { return try run(arranged, wanted) { $0(nil) } }
        if let deadline, deadline.isOver { throw deadline.error }
        let api = runtime.api.pointee
        var options: OpaquePointer?
        if let status = api.CreateRunOptions(&options) {
            api.ReleaseStatus(status)
            throw SlipwayError(.unavailable, "ONNX Runtime has no memory for another run.")
        }
        defer { api.ReleaseRunOptions(options) }
        guard let options else { throw SlipwayError(.internal, "ONNX Runtime made no run options.") }
        // A session keeps the memory of its largest run; after a large one it gives back what it can.
        if isLarge {
            api.ReleaseStatus(api.AddRunConfigEntry(options, "memory.enable_memory_arena_shrinkage", "cpu:0"))
        }
        return try run(arranged, wanted) { call in
            guard stop?.begin(options, runtime.deadlines.terminate) ?? true else { throw RunStop.error }
            var status: OpaquePointer?
            var expired = false
            if let deadline {
                (status, expired) = runtime.deadlines.run(options, until: deadline.nanoseconds) { call(options) }
            } else {
                status = call(options)
            }
            let stopped = stop?.end() ?? false
            guard expired || stopped else { return status }
            api.ReleaseStatus(status)
            throw expired ? deadline?.error ?? RunStop.error : RunStop.error
        }
    }

    // MARK: Parts

    /// From this many elements in one input on, the session's memory is worth the time that giving it back takes.
    private static let largeElements = 1 << 18

    /// - Parameter watch: runs the call that it is given, with run options or without, and returns its status.
    private func run(
        _ inputs: [Tensor], _ wanted: [Int]?, watch: ((OpaquePointer?) -> OpaquePointer?) throws -> OpaquePointer?
    ) throws -> [Tensor] {
        let api = runtime.api.pointee
        let count = wanted?.count ?? outputs.count
        do {
            return try OrtInputs.with(inputs, runtime) { values in
                try withUnsafeTemporaryAllocation(of: OpaquePointer?.self, capacity: max(count, 1)) { results in
                    results.initialize(repeating: nil)
                    defer { for value in results { api.ReleaseValue(value) } }
                    guard let out = results.baseAddress else { return [] }
                    func call(_ names: UnsafePointer<UnsafePointer<CChar>>) throws {
                        let status = try watch { options in
                            values.withUnsafeBufferPointer {
                                api.Run(
                                    session, options, inputNames.pointers, $0.baseAddress, $0.count, names, count, out)
                            }
                        }
                        try runtime.check(status)
                    }
                    if let wanted { try outputNames.withSubset(wanted, call) } else { try call(outputNames.pointers) }
                    return try (0..<count).map { i in
                        try OrtOutput.tensor(results[i], spec: outputs[wanted?[i] ?? i], runtime)
                    }
                }
            }
        } catch let failure as OrtFailure {
            throw Self.runError(failure)
        }
    }

    /// The tensors in the model's order, their names, types and shapes checked.
    private func arrange(_ tensors: [Tensor]) throws -> [Tensor] {
        var arranged = tensors
        let inOrder = tensors.count == inputs.count && zip(tensors, inputs).allSatisfy { $0.name == $1.name }
        if !inOrder {
            var byName: [String: Tensor] = [:]
            for tensor in tensors where byName.updateValue(tensor, forKey: tensor.name) != nil {
                throw SlipwayError.field(tensor.name, "this input is given twice")
            }
            arranged = try inputs.map { spec in
                guard let tensor = byName.removeValue(forKey: spec.name) else {
                    throw SlipwayError.field(spec.name, "this input is missing", expected: Self.describe(spec))
                }
                return tensor
            }
            if let stranger = byName.keys.min() {
                let known = inputs.map { "'\($0.name)'" }.joined(separator: ", ")
                throw SlipwayError.field(stranger, "the model has no such input", expected: known)
            }
        }
        for (tensor, spec) in zip(arranged, inputs) { try Self.check(tensor, spec) }
        return arranged
    }

    private func outputIndices(_ names: [String]) throws -> [Int] {
        guard !names.isEmpty else { throw SlipwayError.field("outputs", "no output is asked for") }
        var seen: Set<String> = []
        return try names.map { name in
            guard seen.insert(name).inserted else { throw SlipwayError.field(name, "this output is asked for twice") }
            if let index = outputs.firstIndex(where: { $0.name == name }) { return index }
            if let reason = unsupportedOutputs[name] {
                throw SlipwayError(
                    .unsupported, "\(name): this output cannot be returned: \(reason).", details: ["field": name])
            }
            let known = outputs.map { "'\($0.name)'" }.joined(separator: ", ")
            throw SlipwayError.field(name, "the model has no such output", expected: known)
        }
    }

    private static func check(_ tensor: Tensor, _ spec: TensorSpec) throws {
        guard tensor.type == spec.type else {
            throw SlipwayError.field(spec.name, "\(tensor.type.rawValue) is given", expected: describe(spec))
        }
        let fits =
            spec.shape.isEmpty
            || (tensor.shape.count == spec.shape.count
                && zip(tensor.shape, spec.shape).allSatisfy { $1 < 0 || $0 == $1 })
        guard fits else {
            throw SlipwayError.field(spec.name, "shape \(tensor.shape) is given", expected: describe(spec))
        }
        let count = try Tensor.elementCount(tensor.shape, of: spec.name)
        guard count == tensor.values.count else {
            throw SlipwayError.field(
                spec.name, "\(tensor.values.count) values are given", expected: "\(count) for the shape \(tensor.shape)"
            )
        }
    }

    private static func describe(_ spec: TensorSpec) -> String {
        spec.shape.isEmpty
            ? spec.type.rawValue
            : "\(spec.type.rawValue) of shape \(spec.shape)\(spec.shape.contains { $0 < 0 } ? " (-1: any size)" : "")"
    }

    // MARK: Errors

    private static func loadError(_ failure: OrtFailure, path: String, folder: String) -> SlipwayError {
        let file = path.split(separator: "/").last.map(String.init) ?? path
        if failure.isOutOfMemory { return memoryError("loaded", failure) }
        switch failure.code {
        case Int32(CORT_NO_SUCH_FILE):
            return SlipwayError(.notFound, "The model file \(file) cannot be read.", cause: failure)
        case Int32(CORT_NOT_IMPLEMENTED):
            return SlipwayError(
                .unsupported, "\(file) cannot be loaded: \(failure.text(hiding: folder))", cause: failure)
        default:
            return SlipwayError(
                .invalid, "\(file) is not a usable ONNX model: \(failure.text(hiding: folder))", cause: failure)
        }
    }

    private static func runError(_ failure: OrtFailure) -> SlipwayError {
        if failure.isOutOfMemory { return memoryError("run", failure) }
        return SlipwayError(.invalid, "The model refused these inputs: \(failure.text())", cause: failure)
    }

    private static func memoryError(_ verb: String, _ failure: OrtFailure) -> SlipwayError {
        SlipwayError(
            .tooLarge,
            "The model could not be \(verb) in the memory that it may use; send smaller batches or raise the limit.",
            details: ["reason": failure.text()], cause: failure)
    }
}
