import Database
import Datasets
import Platform

/// Pipelines: graphs of steps in sandboxes, with a cache by recipe, schedules and triggers.
public enum PipelinesFeature {
    public static let migrations = PipelinesSchema.migrations

    public static func make(_ platform: Platform, datasets: DatasetsService) -> (
        feature: Feature, service: PipelinesService
    ) {
        let service = PipelinesService(platform, datasets: datasets)
        let runner = PipelineRunner(service: service)
        let triggers = PipelineTriggers(service: service)
        var feature = Feature(name: "pipelines")
        feature.routes = PipelinesRoutes(service: service).routes
        feature.recover = { try await runner.recover() }
        feature.background = [
            Background("pipeline runs") { await runner.work() },
            Background("pipeline schedules") { try await triggers.watchSchedules() },
        ]
        feature.subscriptions = [triggers.subscription]
        return (feature, service)
    }
}
