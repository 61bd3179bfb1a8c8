import Core
import Database
import Datasets
import Pipelines
import Platform
import Serving

/// Monitoring: references, drift and quality of predictions, alerts, retraining.
public enum MonitoringFeature {
    public static let migrations = MonitoringSchema.migrations

    public static func make(
        _ platform: Platform, datasets: DatasetsService, serving: ServingService, pipelines: PipelinesService
    ) -> (feature: Feature, service: MonitoringService) {
        make(
            platform, datasets: datasets, pipelines: pipelines, source: PredictionSource(serving),
            endpointProject: { try await serving.endpoint($0, as: $1).project })
    }

    /// With predictions from anywhere.
    static func make(
        _ platform: Platform, datasets: DatasetsService, pipelines: PipelinesService, source: PredictionSource,
        endpointProject: @escaping @Sendable (_ endpoint: String, _ principal: Principal) async throws -> String
    ) -> (feature: Feature, service: MonitoringService) {
        let service = MonitoringService(
            platform: platform, datasets: datasets, pipelines: pipelines, source: source,
            endpointProject: endpointProject)
        var feature = Feature(name: "monitoring")
        feature.routes = MonitoringRoutes(service: service).routes
        feature.background = [Background("monitors") { try await service.watch() }]
        return (feature, service)
    }
}

extension PredictionSource {
    /// Serving's log. A monitor reads it for itself: who may evaluate it sees figures, not rows.
    init(_ serving: ServingService) {
        self.init(
            page: { endpoint, from, to, page in
                try await serving.predictions(of: endpoint, from: from, to: to, page, as: .system).map {
                    LoggedPrediction(
                        id: $0.id, model: $0.model, time: $0.time, rows: $0.rowCount, inputs: $0.inputs,
                        outputs: $0.outputs)
                }
            },
            feedback: { ids in
                try await serving.feedback(predictionIDs: ids, as: .system).map {
                    LoggedFeedback(prediction: $0.predictionID, row: $0.row, value: $0.value)
                }
            })
    }
}
