import Core
import Executors
import Inference
import Logging
import Platform
import Registry
import Synchronization
import Transport

/// Loads versions: in the server for those that the project trusts, in a worker for all others.
final class ModelLoader: Sendable {
    private let configuration: ServingConfiguration
    private let registry: RegistryService
    private let platform: Platform
    private var logger: Logger { platform.logger }
    /// For scoring processes: a slow model does not take the places of other requests.
    private let http = HTTPClient(maximumConcurrency: 64)
    /// Threads of our own: for long runs, and for work on files.
    let pool: InferencePool
    private let runtime = Mutex<OnnxRuntime?>(nil)

    init(_ configuration: ServingConfiguration, registry: RegistryService, platform: Platform) {
        self.configuration = configuration
        self.registry = registry
        self.platform = platform
        pool = InferencePool(threads: configuration.threads)
    }

    /// Whether a version may run in the server: it was approved; or it holds an alias that was given by a promotion, or
    /// that the model's policy protects, so that the policy let it pass. A rejected version never may.
    func isTrusted(_ version: ModelVersion) async throws -> Bool {
        switch version.approval {
        case .approved: return true
        case .rejected: return false
        case .pending: break
        }
        guard !version.aliases.isEmpty else { return false }
        let model = try await registry.model(version.name, as: .system)
        let protected = Set(model.policy.protectedAliases.map { $0.lowercased() })
        if version.aliases.contains(where: { protected.contains($0.lowercased()) }) { return true }
        let history = try await registry.aliasHistory(version.name, as: .system)
        return history.contains { $0.until == nil && $0.version == version.version && $0.reason == "promoted" }
    }

    /// - Throws: `unsupported` for versions with neither an ONNX model nor one that mlflow can load, and what the runners'
    ///   loading throws.
    func load(_ version: ModelVersion, _ isolation: Endpoint.Isolation) async throws -> Session {
        if let card = try await registry.pythonCard(of: version) {
            return try await loadPython(version, signature: card.signature)
        }
        let path = try await registry.onnxFile(of: version)
        // Files that came after the registration have brought the signature along.
        let version = version.card == nil ? try await registry.resolve(version.ref, as: .system) : version
        let runner: any ModelRunner
        if isolation == .server {
            let model = try await pool.run { [self] in try library().load(modelPath: path) }
            runner = InProcessRunner(model, pool: pool)
        } else {
            var worker = WorkerRunner.Configuration()
            worker.memoryBytes = configuration.workerMemoryBytes
            worker.library = configuration.library
            worker.executable = configuration.executable
            worker.defaultDeadlineSeconds = configuration.deadlineSeconds
            runner = try await WorkerRunner.start(modelPath: path, configuration: worker, logger: logger)
        }
        return Session(version: version, isolation: isolation, runner: runner)
    }

    private func loadPython(_ version: ModelVersion, signature: JSONValue?) async throws -> Session {
        guard let executor = platform.executors["process"] else {
            throw SlipwayError(
                .unavailable, "This server has no executor for processes, so it cannot run Python models.")
        }
        if let problem = await executor.availability() { throw SlipwayError(.unavailable, problem) }
        let limits = configuration.python
        let python = try environment(of: version)
        let model = try await registry.localFolder(of: version)
        let folder = "\(platform.dataDirectory)/tmp/scoring/\(ID.make())"
        let logs = "\(platform.dataDirectory)/logs/scoring"
        for made in [folder, logs] { try ScoringFiles.makeFolder(made) }
        let settings = (1...max(1, limits.processes)).map { number in
            ScoringProcess.Settings(
                name: version.ref.description, modelFolder: model, python: python, folder: "\(folder)/\(number)",
                logPath: "\(logs)/\(version.modelID)-\(version.version)-\(number).log",
                memoryBytes: limits.memoryBytes, threads: limits.threads, network: limits.network,
                restartSeconds: configuration.deadlineSeconds / 2)
        }
        let runner = try await PythonRunner.start(
            settings, signature: signature,
            limits: .init(loadSeconds: limits.loadSeconds, deadlineSeconds: configuration.deadlineSeconds),
            executor: executor, http: http, logger: logger)
        return Session(version: version, isolation: .worker, runner: runner)
    }

    /// The Python environment that the version was made in, if the server has one with the same packages; else the
    /// server's default one; else nil, the machine's python3.
    private func environment(of version: ModelVersion) throws -> PythonEnvironment? {
        let known = try platform.pythonEnvironments.sorted { $0.key < $1.key }.map {
            ($0.key, try PythonEnvironment(path: $0.value))
        }
        if let recorded = version.recipe.environment["python"],
            let same = known.first(where: { Digest.of($0.1.distributions.joined(separator: "\n")) == recorded })
        {
            return same.1
        }
        return known.first { $0.0 == "default" }?.1
    }

    private func library() throws -> OnnxRuntime {
        try runtime.withLock { known in
            if let known { return known }
            let loaded = try OnnxRuntime.load(library: configuration.library)
            known = loaded
            return loaded
        }
    }
}
