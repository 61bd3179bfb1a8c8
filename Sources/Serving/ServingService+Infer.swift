import Core
import Database
import Inference
import Platform
import Registry
import Web

/// A question to a model, from any wire.
public struct InferenceCall: Sendable {
    /// An endpoint, or a registered model.
    public var name: String
    /// One version instead of the one that the name stands for.
    public var version: Int?
    public var inputs: [Tensor]
    /// Nil: all.
    public var outputs: [String]?
    /// Names of the columns of the only input that is a matrix, for the log; nil takes the signature's.
    public var columns: [String]?
    public var deadlineSeconds: Double?
    /// When the prediction is said to be made (replays); nil is now.
    public var time: Timestamp?
    public var requestID: String

    public init(name: String, version: Int? = nil, inputs: [Tensor], requestID: String) {
        self.name = name
        self.version = version
        self.inputs = inputs
        self.requestID = requestID
    }
}

/// What a model answered.
public struct InferenceAnswer: Sendable {
    /// Names the prediction in the log; nil when the endpoint's rate left it out.
    public let predictionID: String?
    /// The version that answered.
    public let model: Ref
    public let version: Int
    public let outputs: [Tensor]
}

/// A model that is asked about, not asked.
public struct ServedModel: Sendable {
    public let name: String
    public let model: Ref
    public let version: Int
    public let inputs: [TensorSpec]
    public let outputs: [TensorSpec]
    /// The names of the columns of the only input, when it is a matrix and the signature has them.
    public let columns: [String]?
    public let isolation: Endpoint.Isolation
    /// What answered when it was asked about: a question made for it goes to the same version.
    let live: Live
}

extension ServingService {
    /// Asks a model.
    ///
    /// - Throws: `notFound`; `forbidden`; what kept the model from being loaded; what `ModelRunner.infer` throws.
    public func infer(_ call: InferenceCall, as principal: Principal) async throws -> InferenceAnswer {
        try await infer(call, try await answering(Self.key(call.name, call.version), as: principal), as: principal)
    }

    /// Asks the version that `served` told about, even if the name has switched since.
    public func infer(_ call: InferenceCall, on model: ServedModel, as principal: Principal) async throws
        -> InferenceAnswer
    {
        try principal.require(.predict, in: model.live.project)
        return try await infer(call, model.live, as: principal)
    }

    private func infer(_ call: InferenceCall, _ live: Live, as principal: Principal) async throws -> InferenceAnswer {
        let started = Clock.monotonicNanoseconds()
        if call.time != nil { try principal.require(.operateEndpoints, in: live.project) }
        let session = live.session
        if let given = call.columns, let own = session.columns?.names, given != own {
            throw SlipwayError.field(
                "columns", "differ from those of \(session.version.ref)", expected: own.joined(separator: ", "))
        }
        session.use(at: started)
        self.live.count(call.name)
        let outputs: [Tensor]
        do {
            outputs = try await session.runner.infer(
                call.inputs, outputs: call.outputs,
                deadlineSeconds: min(
                    call.deadlineSeconds ?? configuration.deadlineSeconds, configuration.deadlineSeconds))
        } catch {
            measure(call.name, (error as? SlipwayError)?.code.rawValue ?? "internal", started)
            throw error
        }
        var id: String?
        if live.isToLog {
            id = try await record(
                live, inputs: call.inputs, outputs: outputs, layout: layout(call, session),
                rows: call.inputs.first?.rows ?? 1, time: call.time, requestID: call.requestID, as: principal)
        }
        measure(call.name, "ok", started)
        return InferenceAnswer(
            predictionID: id, model: session.version.ref, version: session.version.version, outputs: outputs)
    }

    /// Writes a prediction down as its endpoint says.
    ///
    /// - Returns: its id.
    func record(
        _ live: Live, inputs: [Tensor], outputs: [Tensor], layout: Layout?, rows: Int, time: Timestamp?,
        requestID: String, as principal: Principal
    ) async throws -> String {
        let now = platform.clock.now()
        let entry = PredictionLog.Entry(
            id: ID.make(at: now), live: live, time: time ?? now, rowCount: rows, layout: layout, inputs: inputs,
            outputs: outputs, requestID: requestID, principal: principal.name)
        switch live.log {
        case .buffered: try await log.append(entry)
        case .sync: try await log.write(entry)
        }
        return entry.id
    }

    /// What a name's model takes and gives.
    public func served(
        _ name: String, version: Int? = nil, as principal: Principal, permission: Permission = .readEndpoints
    ) async throws -> ServedModel {
        let live = try await answering(Self.key(name, version), as: principal, permission: permission)
        let session = live.session
        return ServedModel(
            name: name, model: session.version.ref, version: session.version.version, inputs: session.runner.inputs,
            outputs: session.runner.outputs, columns: session.columns?.names, isolation: session.isolation, live: live)
    }

    /// - Throws: when the database does not answer.
    public func requireReady() async throws {
        _ = try await database.read { db in try db.one("SELECT 1") { try $0.int(0) } }
    }

    /// The name of the only endpoint that the principal may read; nil when there are none or several.
    public func onlyEndpoint(as principal: Principal) async throws -> String? {
        let found = try await list(project: nil, PageRequest(limit: 2), as: principal)
        return found.items.count == 1 && found.next == nil ? found.items[0].name : nil
    }

    /// What answers for a name, loaded if need be.
    ///
    /// - Throws: `notFound`; `forbidden`; what keeps the version from being loaded.
    func answering(_ key: String, as principal: Principal, permission: Permission = .predict) async throws -> Live {
        if let current = live.current(key) {
            try principal.require(permission, in: current.project)
            return current
        }
        try principal.require(permission, in: try await plan(key).project)
        // Whoever asks right after a failure gets the same answer: a model that cannot be loaded is not tried once a
        // request.
        if let problem = live.problem(key), Clock.monotonicNanoseconds() - problem.at < 2_000_000_000 {
            throw problem.error
        }
        return try await bring(key, by: .system)
    }

    private static func key(_ name: String, _ version: Int?) -> String { version.map { "\(name)@\($0)" } ?? name }

    private func layout(_ call: InferenceCall, _ session: Session) -> Layout? {
        guard let columns = call.columns, let input = call.inputs.first, call.inputs.count == 1 else {
            return session.layout
        }
        return Layout(inputs: [input.name: columns])
    }

    func measure(_ endpoint: String, _ outcome: String, _ started: UInt64) {
        platform.prometheus.count(
            "slipway_inference_requests_total", help: "Requests to models by endpoint and outcome.",
            labels: [("endpoint", endpoint), ("outcome", outcome)])
        platform.prometheus.observe(
            "slipway_inference_request_seconds",
            help: "Time from the parsed request to the model's answer, logging included.",
            labels: [("endpoint", endpoint)], seconds: Double(Clock.monotonicNanoseconds() - started) / 1e9)
    }
}
