import Database
import Platform

/// Datasets: sources, immutable versions, slices, queries.
public enum DatasetsFeature {
    public static let migrations =
        VersionsSchema.migrations + MergeSchema.migrations + SlicesSchema.migrations + QualitySchema.migrations
        + SourcesSchema.migrations

    public static func make(_ platform: Platform) -> (feature: Feature, service: DatasetsService) {
        let service = DatasetsService(platform)
        var feature = Feature(name: "datasets")
        feature.routes =
            VersionsRoutes(service: service).routes + BranchesRoutes(service: service).routes
            + RetentionRoutes(service: service).routes + FilesRoutes(service: service).routes
            + ObjectsRoutes(service: service).routes
            + ViewRoutes(service: service).routes + SlicesRoutes(service: service).routes
            + SourcesRoutes(service: service).routes + MergeRoutes(service: service).routes
            + CombineRoutes(service: service).routes + QualityRoutes(service: service).routes
            + StandardsRoutes(service: service).routes + EventsRoutes(service: service).routes
            + SecretsRoutes(service: service).routes + SourcePoliciesRoutes(service: service).routes
        feature.background = [
            Background("retention") { try await service.retainForever() },
            Background("openlineage") { try await service.pushOpenLineage() },
            Background("pushed events") { await service.events.run(service.flushInBackground) },
            Background("sources") { try await service.watchSources() },
            Background("ids of pushed events") { try await service.forgetEventIDsHourly() },
        ]
        feature.recover = {
            platform.removeScratchFolders()
            try await service.recoverEvents()
        }
        return (feature, service)
    }
}
