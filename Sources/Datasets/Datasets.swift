import Database
import Platform

/// Datasets: sources, immutable versions, slices, queries.
public enum DatasetsFeature {
    public static let migrations = VersionsSchema.migrations + SlicesSchema.migrations

    public static func make(_ platform: Platform) -> (feature: Feature, service: DatasetsService) {
        let service = DatasetsService(platform)
        var feature = Feature(name: "datasets")
        feature.routes =
            VersionsRoutes(service: service).routes + BranchesRoutes(service: service).routes
            + RetentionRoutes(service: service).routes + FilesRoutes(service: service).routes
            + ObjectsRoutes(service: service).routes
            + ViewRoutes(service: service).routes + SlicesRoutes(service: service).routes
            + SourcesRoutes(service: service).routes
        feature.background = [Background("retention") { try await service.retainForever() }]
        feature.recover = { platform.removeScratchFolders() }
        return (feature, service)
    }
}
