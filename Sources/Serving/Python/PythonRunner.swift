import Core
import Executors
import Inference
import Logging
import Synchronization
import Transport

/// A model of any MLflow flavor, asked through mlflow's own scoring server in sandboxed processes. The server itself
/// never unpickles anything.
final class PythonRunner: ModelRunner {
    struct Limits: Sendable {
        /// How long the first process may take to load the model, in seconds.
        var loadSeconds: Double
        var deadlineSeconds: Double
        /// Requests that may be under way or wait.
        var queueCapacity = 64
    }

    let inputs: [TensorSpec]
    let outputs: [TensorSpec]
    let codec: PyfuncCodec
    private let processes: [ScoringProcess]
    private let limits: Limits
    private let waiting = Atomic(0)

    private init(_ codec: PyfuncCodec, _ processes: [ScoringProcess], _ limits: Limits) {
        (self.codec, self.processes, self.limits) = (codec, processes, limits)
        (inputs, outputs) = (codec.inputs, codec.outputs)
    }

    /// Starts the processes and waits until the first one answers.
    ///
    /// - Throws: `unsupported` with the process's own words when the model cannot be loaded; `deadlineExceeded`.
    static func start(
        _ settings: [ScoringProcess.Settings], signature: JSONValue?, limits: Limits, executor: any Executor,
        http: HTTPClient, logger: Logger
    ) async throws -> PythonRunner {
        let codec = PyfuncCodec(signature: signature)
        let processes = try settings.map {
            try ScoringProcess($0, executor: executor, http: http, logger: logger)
        }
        let runner = PythonRunner(codec, processes, limits)
        let deadline = Deadline(seconds: limits.loadSeconds)
        do {
            while true {
                for process in processes {
                    await process.look()
                    switch process.phase {
                    case .ready: return runner
                    case .down(let error): throw SlipwayError(.unsupported, error.message)
                    case .starting: continue
                    }
                }
                try Task.checkCancellation()
                guard deadline.restSeconds > 0 else {
                    throw SlipwayError(
                        .deadlineExceeded,
                        "The model was not loaded within \(Int(limits.loadSeconds)) s; its log is \(processes[0].logPath)."
                    )
                }
                try await Task.sleep(for: .milliseconds(50))
            }
        } catch {
            await runner.shutdown()
            throw error
        }
    }

    /// What the environment lacks of what the model asks for.
    var note: String? { processes.lazy.compactMap(\.note).first }

    /// The end of each process's log.
    var logs: String { processes.map { ScoringFiles.tail($0.logPath) }.joined(separator: "\n") }

    /// Starts since the model was loaded, all processes together: more than there are processes when some died.
    var starts: Int { processes.reduce(0) { $0 + $1.starts } }

    /// Sees which processes answer; those that hang are started anew.
    func check() async { for process in processes { await process.look() } }

    // MARK: Asking

    /// Hands a body to the scoring server as it is.
    ///
    /// - Throws: `rateLimited`, `deadlineExceeded`, `unavailable`. An answer of any status is an answer.
    func invoke(_ body: [UInt8], contentType: String, deadlineSeconds: Double?) async throws -> HTTPResponse {
        let capacity = limits.queueCapacity + processes.count
        defer { waiting.subtract(1, ordering: .relaxed) }
        guard waiting.add(1, ordering: .relaxed).newValue <= capacity else {
            throw SlipwayError(
                .rateLimited, "\(capacity) requests for this model are under way or wait; try again shortly.")
        }
        let seconds = deadlineSeconds ?? limits.deadlineSeconds
        guard seconds > 0 else { throw Deadline(seconds: seconds).error }
        var attempts = 0
        while true {
            let process = try await ready()
            attempts += 1
            do {
                return try await process.ask("/invocations", body, contentType: contentType, seconds: seconds)
            } catch let error as SlipwayError where error.code == .unavailable && attempts <= processes.count {
                // The process ended, before the request or under it. Predicting changes nothing, so it may be asked again,
                // but not without end: it may be the request that ends them.
                continue
            }
        }
    }

    /// The least busy process that answers. When none is up, the time to start one comes on top of the request's
    /// deadline: else a short deadline would let no request through after a crash.
    private func ready() async throws -> ScoringProcess {
        let deadline = Deadline(seconds: limits.loadSeconds)
        while true {
            let ready = processes.filter(\.isReady).min { $0.inFlight < $1.inFlight }
            if let ready { return ready }
            for process in processes { await process.look() }
            if processes.contains(where: \.isReady) { continue }
            try Task.checkCancellation()
            guard deadline.restSeconds > 0 else {
                for process in processes { if case .down(let error) = process.phase { throw error } }
                throw deadline.error
            }
            try await Task.sleep(for: .milliseconds(25))
        }
    }

    func infer(_ inputs: [Tensor], outputs wanted: [String]?, deadlineSeconds: Double?) async throws -> [Tensor] {
        let answer = try await invoke(
            try codec.body(inputs), contentType: "application/json", deadlineSeconds: deadlineSeconds)
        guard answer.status == 200 else {
            let said = (try? JSONValue(parsing: answer.body))?["message"]?.stringValue ?? answer.text
            throw SlipwayError(
                answer.status < 500 ? .invalid : .unavailable, "The model did not answer: \(said.prefix(2000))")
        }
        let found = try codec.outputs(of: answer.body)
        guard let wanted else { return found }
        return try wanted.map { name in
            guard let output = found.first(where: { $0.name == name }) else {
                throw SlipwayError.field(
                    "outputs", "'\(name.prefix(80))' is not an output",
                    expected: found.map(\.name).joined(separator: ", "))
            }
            return output
        }
    }

    func shutdown() async { for process in processes { await process.stop() } }
}
