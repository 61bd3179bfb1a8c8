import Core
import Tracking
import Web

extension MLflowRoutes {
    /// Artifacts: through the server (`mlflow-artifacts`), and of a run.
    var artifactRoutes: [Route] {
        rawEndpoint(.get, "mlflow-artifacts/artifacts", .readRuns, "lists a folder of artifacts.") { [self] request in
            // What is no run's, model's or version's folder is empty, as a folder is that nobody made.
            guard let text = request.query("path"), !text.isEmpty else { return .mlflowEmpty }
            if let listing = try await versionListing(text, as: request.principal) { return listing }
            guard let location = try ArtifactLocation.parse(Self.trimmed(text)) else { return .mlflowEmpty }
            let owner: ArtifactOwner
            do { owner = try await tracking.owner(at: location, as: request.principal) } catch let error as SlipwayError
                where error.code == .notFound
            {
                return .mlflowEmpty
            }
            let entries = try await tracking.artifacts(in: location.path, of: owner, as: request.principal)
            return .mlflow { $0.list("files", entries) { $0.fields(of: $1, named: $1.name) } }
        }
            + rawEndpoint(.get, "mlflow-artifacts/artifacts/{path+}", .readRuns, "the bytes of an artifact.") {
                [tracking] request in
                let (owner, path) = try await Self.place(tracking, request)
                return try await Self.file(tracking, owner, path, request)
            }
            + rawEndpoint(
                .put, "mlflow-artifacts/artifacts/{path+}", .writeRuns, "stores an artifact.",
                body: .bytes(type: "application/octet-stream")
            ) { [tracking] request in
                let (owner, path) = try await Self.place(tracking, request)
                try await tracking.putArtifact(request.body, at: path, of: owner, as: request.principal)
                return Response(status: 200)
            }
            + rawEndpoint(
                .delete, "mlflow-artifacts/artifacts/{path+}", .writeRuns, "removes an artifact or a folder of them."
            ) {
                [tracking] request in
                guard let location = try ArtifactLocation.parse(Self.trimmed(request.parameter("path"))) else {
                    throw Self.nowhere(request)
                }
                let owner = try await tracking.owner(at: location, as: request.principal)
                try await tracking.deleteArtifacts(location.path, of: owner, as: request.principal)
                return .mlflowEmpty
            }
            + endpoint(.get, "artifacts/list", .readRuns, "lists a folder of a run's artifacts.") {
                [tracking] fields, principal in
                let run = try await tracking.runInfo(fields.runID(), as: principal)
                return try await Self.listing(
                    tracking, .run(run.id), root: run.artifactLocation, Self.folder(fields.text("path")), as: principal)
            }
            + [
                Route(
                    .get, "/get-artifact", .readRuns, "MLflow: the bytes of a run's artifact.",
                    query: [.init("run_id", "The run."), .init("path", "The file.")], wire: .mlflow
                ) { [tracking] request in
                    let fields = try await MLflowFields(request)
                    return try await Self.file(
                        tracking, .run(fields.runID()), RelativePath(parsing: fields.required("path")), request)
                }
            ]
    }

    // MARK: Parts

    /// A listing below a known root: paths from the root on.
    static func listing(
        _ tracking: TrackingService, _ owner: ArtifactOwner, root: String, _ folder: RelativePath?,
        as principal: Principal
    ) async throws -> Response {
        let entries = try await tracking.artifacts(in: folder, of: owner, as: principal)
        return .mlflow { writer in
            writer.field("root_uri", root)
            writer.list("files", entries) { $0.fields(of: $1, named: $1.path) }
        }
    }

    static func file(
        _ tracking: TrackingService, _ owner: ArtifactOwner, _ path: RelativePath, _ request: Request
    ) async throws -> Response {
        let found = try await tracking.artifact(path, of: owner, as: request.principal)
        return .artifact(found.object, path: path, for: request, from: tracking.objects)
    }

    static func folder(_ text: String?) throws -> RelativePath? {
        guard let text, !text.isEmpty, text != ".", text != "/" else { return nil }
        return try RelativePath(parsing: trimmed(text))
    }

    /// A file's place from the path of the request.
    static func place(_ tracking: TrackingService, _ request: Request) async throws -> (
        ArtifactOwner, RelativePath
    ) {
        guard let location = try ArtifactLocation.parse(request.parameter("path")), let path = location.path else {
            throw nowhere(request)
        }
        return (try await tracking.owner(at: location, as: request.principal), path)
    }

    static func nowhere(_ request: Request) -> SlipwayError {
        SlipwayError(
            .notFound,
            "No such artifact: '\(request.parameter("path").prefix(200))'. Artifacts are kept at EXPERIMENT/RUN/artifacts/PATH and EXPERIMENT/models/MODEL/artifacts/PATH."
        )
    }

    private static func trimmed(_ text: String) -> String { text.hasSuffix("/") ? String(text.dropLast()) : text }
}
