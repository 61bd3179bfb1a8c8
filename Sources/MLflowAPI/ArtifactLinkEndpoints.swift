import Core
import Objects
import Tracking
import Web

/// Artifacts by links (MLflow's presigned URLs), and uploads in parts. The links lead back to this server, whatever store
/// it keeps the bytes in: they work wherever the client reached it, and bytes are verified on their way.
extension MLflowRoutes {
    /// Below `/api/2.0/`; the rest of the path is the sealed link.
    private static let linkPath = "mlflow-artifacts/links"

    var artifactLinkRoutes: [Route] {
        rawEndpoint(
            .get, "mlflow-artifacts/presigned/{path+}", .readRuns, "a link to an artifact that takes no token."
        ) { [tracking] request in
            let (owner, path) = try await Self.place(tracking, request)
            return try await Self.readLink(tracking, path, of: owner, seconds: nil, "url", request)
        }
            + rawEndpoint(
                .post, "mlflow/artifacts/presigned-download-url", .readRuns, "a link to an artifact of a run."
            ) { [tracking] request in
                let fields = try await MLflowFields(request)
                let path = try RelativePath(parsing: fields.required("path"))
                return try await Self.readLink(
                    tracking, path, of: .run(fields.required("run_id")), seconds: fields.int("expiration"),
                    "presigned_url", request)
            }
            + rawEndpoint(
                .post, "mlflow/artifacts/presigned-upload-url", .writeRuns,
                "a link to store an artifact of a run or a logged model."
            ) { [tracking] request in
                let fields = try await MLflowFields(request)
                let (run, model) = (try fields.filled("run_id"), try fields.filled("model_id"))
                guard (run == nil) != (model == nil) else {
                    throw SlipwayError(.invalid, "Exactly one of run_id and model_id must be provided.")
                }
                let owner = run.map { ArtifactOwner.run($0) } ?? .model(model ?? "")
                let link = try await tracking.link(
                    .write, RelativePath(parsing: fields.required("path")), of: owner,
                    seconds: Int(fields.int("expiration") ?? Int64(TrackingService.writeLinkSeconds)),
                    as: request.principal)
                return .json(["presigned_url": .string(Self.url(link.text, request)), "headers": [:]])
            }
            + linkRoutes + uploadRoutes
    }

    /// Where the links lead.
    private var linkRoutes: [Route] {
        [
            Route(
                .get, "/api/2.0/\(Self.linkPath)/{link}", .open, "MLflow: the file that a link gives.", wire: .mlflow
            ) { [tracking] request in
                let link = try tracking.openLink(request.parameter("link"))
                guard link.deed == .read else {
                    throw SlipwayError(.forbidden, "This link is not for reading a file.")
                }
                let found = try await tracking.artifact(link.path, of: link.owner, as: link.bearer)
                return .artifact(found.object, path: link.path, for: request, from: tracking.objects)
            },
            Route(
                .put, "/api/2.0/\(Self.linkPath)/{link}", .open, "MLflow: stores the file, or the part, of a link.",
                body: .bytes(type: "application/octet-stream"), wire: .mlflow
            ) { [tracking] request in
                let receipt = try await tracking.store(
                    request.body, by: tracking.openLink(request.parameter("link")))
                return Response(status: 200, headers: receipt.map { [("ETag", "\"\($0)\"")] } ?? [])
            },
        ]
    }

    private var uploadRoutes: [Route] {
        rawEndpoint(.post, "mlflow-artifacts/mpu/create/{path+}", .writeRuns, "begins an upload in parts.") {
            [tracking] request in
            let fields = try await MLflowFields(request)
            let (owner, path) = try await Self.target(tracking, request, fields)
            let upload = try await tracking.beginUpload(
                path, of: owner, parts: Int(fields.int("num_parts") ?? 1), as: request.principal)
            return .json([
                "upload_id": .string(upload.id),
                "credentials": .array(
                    upload.links.enumerated().map { index, link in
                        [
                            "url": .string(Self.url(link, request)), "part_number": .int(Int64(index + 1)),
                            "headers": [:],
                        ]
                    }),
            ])
        }
            + rawEndpoint(.post, "mlflow-artifacts/mpu/complete/{path+}", .writeRuns, "makes the file of its parts.") {
                [tracking] request in
                let fields = try await MLflowFields(request)
                let (owner, path) = try await Self.target(tracking, request, fields)
                let receipts = try fields.messages("parts").map {
                    (number: Int(try $0.int("part_number") ?? 0), text: try $0.required("etag"))
                }.sorted { $0.number < $1.number }
                try await tracking.completeUpload(
                    fields.required("upload_id"), receipts, at: path, of: owner, as: request.principal)
                return .mlflowEmpty
            }
            + rawEndpoint(.post, "mlflow-artifacts/mpu/abort/{path+}", .writeRuns, "forgets an upload.") {
                [tracking] request in
                let fields = try await MLflowFields(request)
                let (owner, path) = try await Self.target(tracking, request, fields)
                try await tracking.abortUpload(
                    fields.required("upload_id"), at: path, of: owner, as: request.principal)
                return .mlflowEmpty
            }
    }

    // MARK: Parts

    private static func readLink(
        _ tracking: TrackingService, _ path: RelativePath, of owner: ArtifactOwner, seconds: Int64?, _ field: String,
        _ request: Request
    ) async throws -> Response {
        let link = try await tracking.link(
            .read, path, of: owner, seconds: Int(seconds ?? Int64(TrackingService.readLinkSeconds)),
            as: request.principal)
        return .json([
            field: .string(url(link.text, request)), "headers": [:],
            "file_size": link.object.map { .int($0.sizeBytes) } ?? .null,
        ])
    }

    /// The file that an upload makes: the folder is in the URL, and the file's own name is the last part of its path on
    /// the client's disk, whichever system that is.
    private static func target(
        _ tracking: TrackingService, _ request: Request, _ fields: MLflowFields
    ) async throws -> (ArtifactOwner, RelativePath) {
        let local = try fields.required("path")
        let name = local.split { $0 == "/" || $0 == "\\" }.last.map(String.init) ?? local
        let folder = request.parameter("path")
        guard let location = try ArtifactLocation.parse(folder + "/" + name), let path = location.path else {
            throw nowhere(request)
        }
        return (try await tracking.owner(at: location, as: request.principal), path)
    }

    /// A link as a URL by which the client reached this server; a proxy that speaks TLS says so.
    private static func url(_ link: String, _ request: Request) -> String {
        let scheme = request.header("x-forwarded-proto") == "https" ? "https" : "http"
        return "\(scheme)://\(request.header("host") ?? "")/api/2.0/\(linkPath)/\(link)"
    }
}
