import Core
import Database
import Datasets
import Ledger
import Pipelines
import Platform
import Tracking

/// The registry: models by name, their versions with recipe, signature, evaluations and approvals, and the aliases that
/// say which version is in use.
public enum RegistryFeature {
    public static let migrations = RegistrySchema.migrations

    public static func make(
        _ platform: Platform, datasets: DatasetsService, tracking: TrackingService, pipelines: PipelinesService
    ) -> (feature: Feature, service: RegistryService) {
        let service = RegistryService(platform, datasets: datasets, tracking: tracking, pipelines: pipelines)
        let reproductions = ReproductionService(service)
        pipelines.provide(.model) { ref, folder, principal in
            try await service.provide(ref, into: folder, as: principal)
        }
        var feature = Feature(name: "registry")
        feature.routes = RegistryRoutes(service: service).routes + ReproductionRoutes(service: reproductions).routes
        feature.subscriptions = [subscription(service, reproductions)]
        feature.tables = RegistryTables.all
        feature.recover = { try await reproductions.recover() }
        return (feature, service)
    }

    /// One subscription for both, so that a run's models are registered before its end is looked at.
    private static func subscription(_ service: RegistryService, _ reproductions: ReproductionService) -> Subscription {
        let ends: Set<String> = ["pipeline.run.succeeded", "pipeline.run.failed", "pipeline.run.cancelled"]
        return Subscription("registry", types: ends.union(["pipeline.model.produced"])) { event in
            if event.type == "pipeline.model.produced" {
                try await service.register(produced: event)
            } else {
                try await reproductions.finish(pipelineRun: event.subject.name)
            }
        }
    }
}

extension Permission {
    public static let readModels = Permission("models.read", .readers)
    /// Models, versions, tags, evaluations.
    public static let writeModels = Permission("models.write", .makers)
    /// Aliases and stages; the model's policy says what a version needs for them.
    public static let promoteModels = Permission("models.promote", Set<Role>.makers.union(Set<Role>.operators))
    /// To approve or reject a version.
    public static let approveModels = Permission("models.approve", [.mlEngineer, .owner])
    /// To set a model's policy.
    public static let governModels = Permission("models.govern", [.owner])
}
