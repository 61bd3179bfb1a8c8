import Database
import Platform

/// Projects: the charter of goals, who owns it, and what was measured.
public enum ProjectsFeature {
    public static let migrations = ProjectsSchema.migrations

    public static func make(_ platform: Platform) -> (feature: Feature, service: ProjectsService) {
        let service = ProjectsService(platform)
        var feature = Feature(name: "projects")
        feature.routes = ProjectsRoutes(service: service).routes
        feature.recover = { try await service.ensureDefault() }
        return (feature, service)
    }
}
