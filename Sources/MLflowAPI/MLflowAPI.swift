import Core
import Registry
import Traces
import Tracking
import Web

/// MLflow's REST API over Slipway's tracking and registry: it translates, and adds no rules.
///
/// What it promises follows MLflow 3.17.2's server as its clients see it: the field names and defaults of its protocol
/// buffers as JSON (64-bit integers as numbers, or text in requests), its error codes, and its paths under `/api` and
/// `/ajax-api`. `docs/tracking.md` lists the endpoints and where the two differ.
public struct MLflowRoutes: Sendable {
    /// The version of MLflow whose API this is.
    public static let mlflowVersion = "3.17.2"

    let tracking: TrackingService
    let registry: RegistryService
    let traces: TraceService
    let evaluation: EvaluationService

    public init(
        tracking: TrackingService, registry: RegistryService, traces: TraceService, evaluation: EvaluationService
    ) {
        self.tracking = tracking
        self.registry = registry
        self.traces = traces
        self.evaluation = evaluation
    }

    public var routes: [Route] {
        let known =
            experimentRoutes + runRoutes + logRoutes + historyRoutes + loggedModelRoutes + artifactRoutes
            + registryRoutes + traceRoutes + assessmentRoutes + evaluationDatasetRoutes + scorerRoutes
            + serverRoutes
        return known + Self.unknownRoutes(beside: known)
    }

    /// One endpoint below `/api/VERSION/mlflow` and `/ajax-api/VERSION/mlflow`.
    func endpoint(
        _ method: Method, _ path: String, version: String = "2.0", _ permission: Permission, _ summary: String,
        _ handle: @escaping @Sendable (MLflowFields, Principal) async throws -> Response
    ) -> [Route] {
        rawEndpoint(method, "mlflow/" + path, version: version, permission, summary) { request in
            try await handle(MLflowFields(request), request.principal)
        }
    }

    /// Like `endpoint`, for handlers that read the request themselves; the path is below `/api/VERSION/`.
    func rawEndpoint(
        _ method: Method, _ path: String, version: String = "2.0", _ permission: Permission, _ summary: String,
        body: Route.Body? = nil, _ handle: @escaping @Sendable (Request) async throws -> Response
    ) -> [Route] {
        ["api", "ajax-api"].map { prefix in
            Route(
                method, "/\(prefix)/\(version)/\(path)", permission, "MLflow: " + summary,
                body: body ?? (method == .get ? .none : .json([])), wire: .mlflow, handle: handle)
        }
    }

    // MARK: Server

    private var serverRoutes: [Route] {
        let info: JSONValue = [
            "store_type": "SqlStore", "workspaces_enabled": false, "trace_archival_enabled": false,
            "multipart_uploads_enabled": false, "multipart_downloads_enabled": false,
            "presigned_upload_run_id_supported": false, "presigned_upload_model_id_supported": false,
            "features_enabled": ["gateway": false],
        ]
        return endpoint(.get, "server-info", version: "3.0", .signedIn, "What this server can do.") { _, _ in
            .json(info)
        } + [
            Route(.get, "/version", .open, "MLflow: the version of its API that this server speaks.") { _ in
                .text(Self.mlflowVersion)
            }
        ]
    }

    /// Paths of MLflow that Slipway does not have answer as MLflow's clients can read.
    private static func unknownRoutes(beside known: [Route]) -> [Route] {
        let router = Router(known)
        let prefixes = ["2.0/mlflow", "3.0/mlflow", "2.0/mlflow-artifacts"].flatMap {
            ["/api/" + $0, "/ajax-api/" + $0]
        }
        return prefixes.flatMap { prefix in
            [Method.get, .post, .put, .patch, .delete].map { method in
                Route(method, "\(prefix)/{path+}", .signedIn, "MLflow: not here.", wire: .mlflow) { request in
                    // A path that is there for other methods says so; the rest say that they are not there.
                    do { _ = try router.match(request.method, request.path) } catch let error as SlipwayError {
                        if error.code == .unsupported { throw error }
                    }
                    throw SlipwayError(
                        .notFound,
                        "Slipway has no MLflow endpoint \(request.method.rawValue) \(request.path.prefix(200)); docs/tracking.md lists those that it has.",
                        details: [Wire.endpointDetail: "unknown"])
                }
            }
        }
    }
}
