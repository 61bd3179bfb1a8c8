import Core
import Inference
import Registry
import Synchronization

/// A version of a model that is loaded. It is shared by all names that it answers for; when the last request and the last
/// name let go of it, it is gone: its runner's memory or process with it.
final class Session: Sendable {
    let version: ModelVersion
    let isolation: Endpoint.Isolation
    let runner: any ModelRunner
    /// The model's only input that is a matrix of numbers, with the names of its columns when the signature has them.
    let columns: (input: String, names: [String])?
    /// The names of the matrix's columns in the prediction log.
    let layout: Layout?
    private let used: Atomic<UInt64>

    init(version: ModelVersion, isolation: Endpoint.Isolation, runner: any ModelRunner) {
        self.version = version
        self.isolation = isolation
        self.runner = runner
        columns = Self.columns(of: runner, signature: version.card?.signature)
        layout = columns.map { Layout(inputs: [$0.input: $0.names]) }
        used = Atomic(Clock.monotonicNanoseconds())
    }

    /// Its processes, when it is a Python model.
    var python: PythonRunner? { runner as? PythonRunner }

    /// When it was last asked, by the monotonic clock.
    var lastUse: UInt64 { used.load(ordering: .relaxed) }

    func use(at nanoseconds: UInt64) { used.store(nanoseconds, ordering: .relaxed) }

    /// Names from a column-based signature of a model with one matrix as its input.
    private static func columns(of runner: any ModelRunner, signature: JSONValue?) -> (input: String, names: [String])?
    {
        guard runner.inputs.count == 1, let input = runner.inputs.first, input.shape.count == 2, input.type != .bytes,
            let specs = signature?["inputs"]?.arrayValue
        else { return nil }
        let names = specs.compactMap { $0["type"]?.stringValue == "tensor" ? nil : $0["name"]?.stringValue }
        guard names.count == specs.count, !names.isEmpty, input.shape[1] == -1 || input.shape[1] == names.count else {
            return nil
        }
        return (input.name, names)
    }
}

/// Names of columns, kept once for all predictions that have them.
struct Layout: Sendable, Hashable {
    let id: String
    let json: JSONValue

    init(inputs: [String: [String]], outputs: [String: [String]] = [:]) {
        var fields: [String: JSONValue] = ["inputs": .object(inputs.mapValues { JSONValue($0) })]
        if !outputs.isEmpty { fields["outputs"] = .object(outputs.mapValues { JSONValue($0) }) }
        json = .object(fields)
        id = String(Digest.of(json.canonicalText).hex.prefix(32))
    }
}
