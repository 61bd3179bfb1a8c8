import Access
import Core
import Database
import Datasets
import Exchange
import InferenceAPI
import Labels
import Ledger
import MLflowAPI
import Monitoring
import Objects
import Pages
import Pipelines
import Platform
import Projects
import Registry
import Reporting
import Serving
import Traces
import Tracking
import Web
import Webhooks

/// The one list of features, in the order of the lifecycle. Each gets the platform and the earlier features that it
/// stands on.
enum Features {
    static let migrations: [Migration] =
        Ledger.migrations + AccessService.migrations + ObjectsSchema.migrations + ProjectsFeature.migrations
        + DatasetsFeature.migrations + LabelsFeature.migrations
        + TrackingFeature.migrations + TracesFeature.migrations + PipelinesFeature.migrations
        + RegistryFeature.migrations
        + ServingFeature.migrations
        + MonitoringFeature.migrations + WebhooksFeature.migrations

    static func make(_ platform: Platform, configuration: ServerConfiguration) throws -> [Feature] {
        let projects = ProjectsFeature.make(platform)
        let datasets = DatasetsFeature.make(platform)
        let labels = LabelsFeature.make(platform, datasets: datasets.service)
        let tracking = TrackingFeature.make(platform)
        let traces = TracesFeature.make(platform, tracking: tracking.service)
        let pipelines = PipelinesFeature.make(platform, datasets: datasets.service)
        let registry = RegistryFeature.make(
            platform, datasets: datasets.service, tracking: tracking.service, pipelines: pipelines.service)
        let serving = ServingFeature.make(
            platform, registry: registry.service, datasets: datasets.service, configuration: configuration.serving)
        let monitoring = MonitoringFeature.make(
            platform, datasets: datasets.service, serving: serving.service, pipelines: pipelines.service)

        let webhooks = WebhooksFeature.make(platform, datasets: datasets.service, registry: registry.service)

        var prelabelling = Feature(name: "prelabelling")
        prelabelling.routes = PrelabelRoutes(serving: serving.service, labels: labels.service).routes
        var mlflow = Feature(name: "mlflow")
        mlflow.routes =
            MLflowRoutes(
                projects: projects.service, tracking: tracking.service, registry: registry.service,
                traces: traces.service, evaluation: traces.evaluation, webhooks: webhooks.service,
                ui: try configuration.mlflowUI.map { try MLflowUI(folder: $0) }
            ).routes
        var inference = Feature(name: "inference")
        inference.routes = InferenceRoutes(serving: serving.service, version: Server.version).routes

        let features = [
            projects.feature, datasets.feature, labels.feature, tracking.feature, traces.feature,
            pipelines.feature, registry.feature, serving.feature,
            monitoring.feature, webhooks.feature,
            prelabelling, mlflow, inference,
            ExchangeFeature.make(tracking: tracking.service, registry: registry.service),
            try PagesFeature.make(folder: configuration.ui, ownsRoot: configuration.mlflowUI == nil),
        ]
        return features + [ReportingFeature.make(platform, tables: features.flatMap(\.tables))]
    }
}
