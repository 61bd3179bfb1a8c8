import Core
import Database
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
        return (feature, service, EvaluationService(platform, traces: service))
    }
}
