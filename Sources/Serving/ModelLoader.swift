import Core
import Inference
import Logging
import Registry
import Synchronization

/// Loads versions: in the server for those that the project trusts, in a worker for all others.
final class ModelLoader: Sendable {
    private let configuration: ServingConfiguration
    private let registry: RegistryService
    private let logger: Logger
    /// Threads of our own: for long runs, and for work on files.
    let pool: InferencePool
    private let runtime = Mutex<OnnxRuntime?>(nil)

    init(_ configuration: ServingConfiguration, registry: RegistryService, logger: Logger) {
        self.configuration = configuration
        self.registry = registry
        self.logger = logger
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

    /// - Throws: `unsupported` for versions without an ONNX model, and what the runners' loading throws.
    func load(_ version: ModelVersion, _ isolation: Endpoint.Isolation) async throws -> Session {
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

    private func library() throws -> OnnxRuntime {
        try runtime.withLock { known in
            if let known { return known }
            let loaded = try OnnxRuntime.load(library: configuration.library)
            known = loaded
            return loaded
        }
    }
}
