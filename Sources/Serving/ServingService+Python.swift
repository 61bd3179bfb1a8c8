import Core
import Inference
import Logging
import Platform
import Registry
import Transport

/// What a scoring server answered, as it is.
public struct ScoringAnswer: Sendable {
    public let status: Int
    public let contentType: String
    public let body: [UInt8]
    /// Names the prediction in the log; nil for errors and when the endpoint's rate left it out.
    public let predictionID: String?
}

extension ServedModel {
    /// Whether mlflow's own scoring server answers, so that a body goes to it as it is: `ServingService.score`.
    public var isPython: Bool { live.session.python != nil }
}

extension ServingService {
    /// Hands a body in one of MLflow's forms to the model's scoring server, and its answer back, both as they are.
    ///
    /// - Parameters:
    ///   - frame: the body's rows, for the log; nil when they are not rows, and then the log has the texts.
    ///   - time: when the prediction is said to be made (replays); nil is now.
    /// - Throws: `forbidden`; `rateLimited`; `deadlineExceeded`; `unavailable`.
    public func score(
        _ body: [UInt8], contentType: String, frame: Frame?, time: Timestamp?, requestID: String, on model: ServedModel,
        as principal: Principal
    ) async throws -> ScoringAnswer {
        let live = model.live
        try principal.require(.predict, in: live.project)
        if time != nil { try principal.require(.operateEndpoints, in: live.project) }
        guard let runner = live.session.python else {
            throw SlipwayError(.unsupported, "\(model.model) is not a Python model.")
        }
        let started = Clock.monotonicNanoseconds()
        live.session.use(at: started)
        self.live.count(model.name)
        do {
            let answer = try await runner.invoke(body, contentType: contentType, deadlineSeconds: nil)
            var id: String?
            if answer.status == 200, live.isToLog {
                let bound = frame.flatMap { try? FrameBinding(model).bind($0) }
                let inputs = bound?.tensors ?? [Self.text(body, named: "body")]
                id = try await record(
                    live, inputs: inputs,
                    outputs: (try? runner.codec.outputs(of: answer.body)) ?? [Self.text(answer.body, named: "answer")],
                    layout: nil, rows: frame?.rowCount ?? 1, time: time, requestID: requestID, as: principal)
            }
            measure(model.name, answer.status == 200 ? "ok" : answer.status < 500 ? "invalid" : "internal", started)
            return ScoringAnswer(
                status: answer.status, contentType: answer[header: "content-type"] ?? "application/json",
                body: answer.body, predictionID: id)
        } catch {
            measure(model.name, (error as? SlipwayError)?.code.rawValue ?? "internal", started)
            throw error
        }
    }

    private static func text(_ bytes: [UInt8], named name: String) -> Tensor {
        Tensor(name: name, shape: [1], values: .bytes([String(decoding: bytes, as: UTF8.self)]))
    }

    /// The end of the logs of a Python model's processes.
    ///
    /// - Throws: `notFound` for models that run without processes, and names that have none loaded.
    public func processLog(_ name: String, as principal: Principal) async throws -> String {
        let endpoint = try await endpoint(name, as: principal)
        try principal.require(.operateEndpoints, in: endpoint.project)
        guard let runner = live.current(name)?.session.python else {
            throw SlipwayError(
                .notFound, "\(name) has no Python processes now: it is not loaded, or its model needs none.",
                ref: endpoint.ref)
        }
        return runner.logs
    }

    /// Looks after Python processes until the task is cancelled: sees that they answer, unloads the idle ones.
    func watchProcesses() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(5))
            let now = Clock.monotonicNanoseconds()
            let idle = UInt64(configuration.python.idleSeconds * 1e9)
            for session in live.unloadPython(before: now > idle ? now - idle : 0) {
                platform.logger.info("\(session.version.ref) was idle and is unloaded.")
            }
            for session in live.pythonSessions { await session.python?.check() }
        }
    }
}
