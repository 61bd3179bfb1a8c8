import Core
import Projects
import Registry
import Traces
import Tracking
import Web
import Webhooks

/// MLflow's REST API over Slipway's tracking and registry: it translates, and adds no rules.
///
/// What it promises follows MLflow 3.17.2's server as its clients see it: the field names and defaults of its protocol
/// buffers as JSON (64-bit integers as numbers, or text in requests), its error codes, and its paths under `/api` and
/// `/ajax-api`. `docs/tracking.md` lists the endpoints and where the two differ.
public struct MLflowRoutes: Sendable {
    /// The version of MLflow whose API this is.
    public static let mlflowVersion = "3.17.2"

    let projects: ProjectsService
    let tracking: TrackingService
    let registry: RegistryService
    let traces: TraceService
    let evaluation: EvaluationService
    let webhooks: WebhooksService
    private let ui: MLflowUI?

    /// - Parameter ui: MLflow's own web page, to be served with what it asks; nil serves none.
    public init(
        projects: ProjectsService, tracking: TrackingService, registry: RegistryService, traces: TraceService,
        evaluation: EvaluationService, webhooks: WebhooksService, ui: MLflowUI? = nil
    ) {
        self.projects = projects
        self.tracking = tracking
        self.registry = registry
        self.traces = traces
        self.evaluation = evaluation
        self.webhooks = webhooks
        self.ui = ui
    }

    public var routes: [Route] {
        let known =
            experimentRoutes + runRoutes + logRoutes + historyRoutes + loggedModelRoutes + artifactRoutes
            + artifactLinkRoutes
            + registryRoutes + webhookRoutes + traceRoutes + assessmentRoutes + evaluationDatasetRoutes + scorerRoutes
            + workspaceRoutes + serverRoutes
        let page = ui.map { $0.routes + [PageQueries(mlflow: self).route] } ?? []
        return known + Self.unknownRoutes(beside: known) + page
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
                body: body ?? (method == .get ? .none : .json([])), wire: .mlflow
            ) { try await inWorkspace($0, handle) }
        }
    }

    // MARK: Server

    private var serverRoutes: [Route] {
        // Parts and ranges by links are there for clients that ask; one stream is quicker, so none is asked to.
        return rawEndpoint(.get, "mlflow/server-info", version: "3.0", .signedIn, "what this server can do.") {
            request in
            .json([
                // MLflow's own page shows all that one may read at once.
                "store_type": "SqlStore", "workspaces_enabled": .bool(request.path.hasPrefix("/api/")),
                "trace_archival_enabled": false,
                "multipart_uploads_enabled": false, "multipart_downloads_enabled": false,
                "presigned_upload_run_id_supported": true, "presigned_upload_model_id_supported": true,
                "features_enabled": ["gateway": false],
            ])
        } + [
            Route(.get, "/version", .open, "MLflow: the version of its API that this server speaks.") { _ in
                .text(Self.mlflowVersion)
            }
        ]
    }

    /// What MLflow has and Slipway does not, by the first part of its paths. Its clients show the message.
    private static let absent = [
        "gateway": "MLflow's AI gateway", "gateway-proxy": "MLflow's AI gateway",
        "mcp-servers": "MLflow's registry of MCP servers", "mcp": "MLflow's registry of MCP servers",
        "prompt-optimization": "MLflow's prompt optimization", "label-schemas": "MLflow's label schemas",
        "review-queues": "MLflow's review queues", "issues": "MLflow's issues", "jobs": "MLflow's jobs",
        "assistant": "MLflow's assistant",
    ]

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
                    let feature = request.parameter("path").split(separator: "/").first.flatMap { absent[String($0)] }
                    if let feature {
                        throw SlipwayError(
                            .unsupported,
                            "\(feature) is not implemented in Slipway; docs/tracking.md lists what is.")
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
