import Core
import Datasets
import Pipelines
import Platform
import Projects
import Registry
import TestSupport
import Traces
import Tracking
import Web
import Webhooks

@testable import MLflowAPI

/// MLflow's routes over real features, asked without sockets.
struct MLflowServer {
    let web: WebApplication
    let platform: Platform

    static func each(_ body: (MLflowServer) async throws -> Void) async throws {
        let migrations =
            ProjectsFeature.migrations + DatasetsFeature.migrations + TrackingFeature.migrations
            + TracesFeature.migrations + PipelinesFeature.migrations + RegistryFeature.migrations
            + WebhooksFeature.migrations
        try await TestPlatform.each(migrations) { platform in
            let projects = ProjectsFeature.make(platform)
            let datasets = DatasetsFeature.make(platform).service
            let tracking = TrackingFeature.make(platform)
            let pipelines = PipelinesFeature.make(platform, datasets: datasets).service
            let registry = RegistryFeature.make(
                platform, datasets: datasets, tracking: tracking.service, pipelines: pipelines
            ).service
            try await projects.feature.recover()
            try await tracking.feature.recover()
            let webhooks = WebhooksFeature.make(platform, datasets: datasets, registry: registry).service
            let traces = TracesFeature.make(platform, tracking: tracking.service)
            let routes = MLflowRoutes(
                projects: projects.service, tracking: tracking.service, registry: registry, traces: traces.service,
                evaluation: traces.evaluation, webhooks: webhooks
            ).routes
            try await body(MLflowServer(web: .testing(routes, platform), platform: platform))
        }
    }

    /// One call below `/api/2.0/mlflow/`; paths that begin with `/` are taken as they are.
    func call(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> (status: Int, json: JSONValue)
    {
        try await web.ask(method, path.hasPrefix("/") ? path : "/api/2.0/mlflow/" + path, body)
    }

    func newRun(_ fields: [String: JSONValue] = [:]) async throws -> String {
        let answer = try await call(
            "POST", "runs/create", .object(["experiment_id": "0", "start_time": 1].merging(fields) { $1 }))
        return answer.json["run"]?["info"]?["run_id"]?.stringValue ?? ""
    }
}
