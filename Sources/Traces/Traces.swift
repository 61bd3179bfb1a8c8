import Core
import Database
import Ledger
import Platform
import Tracking

/// Traces of what applications did, step by step, as in MLflow and OpenTelemetry; what people and judges say about them;
/// and the datasets and scorers of evaluations.
public enum TracesFeature {
    public static let migrations = TracesSchema.migrations

    public static func make(_ platform: Platform, tracking: TrackingService) -> (
        feature: Feature, service: TraceService, evaluation: EvaluationService
    ) {
        let service = TraceService(platform, tracking: tracking)
        var feature = Feature(name: "traces")
        feature.routes = TraceRoutes(service: service).routes
        feature.subscriptions = [
            Subscription("traces", types: ["run.purged", "experiment.purged"]) { try await service.purge(after: $0) }
        ]
        return (feature, service, EvaluationService(platform, traces: service))
    }
}
