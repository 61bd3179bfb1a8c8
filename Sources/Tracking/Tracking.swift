import Database
import Platform

/// Tracking: experiments, runs, metrics, parameters, tags, artifacts and logged models, as in MLflow.
public enum TrackingFeature {
    public static let migrations = TrackingSchema.migrations

    public static func make(_ platform: Platform) -> (feature: Feature, service: TrackingService) {
        let service = TrackingService(platform)
        var feature = Feature(name: "tracking")
        feature.routes =
            CareRoutes(service: service).routes + SavedSearchRoutes(service: service).routes
            + TrackingRoutes(service: service).routes
        feature.tables = RunTables.all
        feature.recover = { try await service.ensureDefaultExperiment() }
        return (feature, service)
    }
}
