import Core
import Database
import Datasets
import Platform
import Registry

/// Serving: endpoints, the models that answer for them, and the log of predictions with feedback.
public enum ServingFeature {
    public static let migrations = ServingSchema.migrations

    public static func make(
        _ platform: Platform, registry: RegistryService, datasets: DatasetsService,
        configuration: ServingConfiguration = ServingConfiguration()
    ) -> (feature: Feature, service: ServingService) {
        let service = ServingService(platform, registry: registry, datasets: datasets, configuration: configuration)
        var feature = Feature(name: "serving")
        feature.routes = ServingRoutes(service: service).routes + PredictionRoutes(service: service).routes
        feature.subscriptions = [service.versionSwitching]
        feature.background = [
            Background("prediction log") { await service.log.runUntilCancelled() },
            Background("scoring processes") { await service.watchProcesses() },
        ]
        feature.lineage = [service.lineage]
        return (feature, service)
    }
}

extension Permission {
    public static let readEndpoints = Permission("endpoints.read", .readers)
    /// To make, change and delete endpoints, and to say when a prediction was made (replays).
    public static let operateEndpoints = Permission("endpoints.write", Set<Role>.makers.union(Set<Role>.operators))
    /// To ask a model.
    public static let predict = Permission("predictions.make", Set<Role>.makers.union(Set<Role>.operators))
    public static let readPredictions = Permission("predictions.read", .readers)
    public static let writeFeedback = Permission(
        "predictions.feedback", Set<Role>.makers.union(Set<Role>.operators).union([.annotator]))
}

/// Where models run and how much is kept.
public struct ServingConfiguration: Sendable {
    /// Versions that are loaded at once; the one that was not asked for the longest time goes first.
    public var loadedVersions = 32
    /// Threads for runs in the server that take long, shared by all models.
    public var threads = 2
    /// The address space of a worker, in bytes.
    public var workerMemoryBytes: UInt64 = 2 << 30
    /// ONNX Runtime; nil looks where `docs/inference.md` says.
    public var library: String?
    /// The program that has `worker inference`; nil for this one.
    public var executable: String?
    /// How long a request may take when it names no deadline, in seconds.
    public var deadlineSeconds: Double = 30
    public var python = Python()

    /// Models that are no ONNX run in processes of mlflow's scoring server.
    public struct Python: Sendable {
        /// Processes for each loaded version.
        public var processes = 2
        /// Of each process with all its children, in bytes.
        public var memoryBytes: Int64 = 2 << 30
        /// Threads of numerical libraries, for each process.
        public var threads = 1
        /// The time to start Python, import what the model needs and load it.
        public var loadSeconds: Double = 120
        /// A version that nobody asked for so long is unloaded; the next request loads it again.
        public var idleSeconds: Double = 900
        /// Whether the processes have the machine's network.
        public var network = false

        public init() {}
    }

    public init() {}
}
