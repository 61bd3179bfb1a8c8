import Core
import Platform
import Web

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// HTTP in, HTTP out.
struct PipelinesRoutes {
    static let codeBytes = 64 << 20

    let service: PipelinesService

    var routes: [Route] { definitions + runs }

    private var definitions: [Route] {
        [
            Route(
                .put, "/api/v1/pipelines/{name}", .writePipelines, "Puts a pipeline (YAML, or JSON by Content-Type).",
                query: [.init("project", "Its project.")], body: .bytes(type: "application/yaml")
            ) { request in
                let bytes = try await request.bytes(maximumBytes: 1 << 20)
                let isJSON = request.header("content-type")?.hasPrefix("application/json") ?? false
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw SlipwayError.field("body", "is not UTF-8 text")
                }
                let definition =
                    isJSON
                    ? try PipelineDefinition(json: JSONValue(parsing: bytes)) : try PipelineDefinition(yaml: text)
                guard definition.name == request.parameter("name") else {
                    throw SlipwayError.field(
                        "name", "is '\(definition.name)'", expected: "'\(request.parameter("name"))', as in the URL")
                }
                return .json(try await service.put(definition, project: request.project, as: request.principal).json)
            },
            Route(
                .put, "/api/v1/pipelines/{name}/code", .writePipelines,
                "Keeps a tar archive as the code of the next version.",
                query: [.init("project", "Its project.")], body: .bytes(type: "application/x-tar")
            ) { request in
                let files = try TarArchive.files(try await request.bytes(maximumBytes: Self.codeBytes))
                let digest = try await service.putCode(
                    request.parameter("name"), project: request.project, files: files, as: request.principal)
                return .json(["digest": .string("sha256:" + digest.hex), "files": JSONValue(files.count)])
            },
            Route(
                .get, "/api/v1/pipelines", .signedIn, "The newest version of each pipeline.",
                query: [.init("project", "Only of this project.")]
            ) { request in
                let found = try await service.pipelines(project: request.query("project"), as: request.principal)
                return .json(["items": .array(found.map(\.json))])
            },
            Route(
                .get, "/api/v1/pipelines/{name}", .signedIn, "One pipeline.",
                query: [.init("version", "A number; the newest by default.")]
            ) { request in
                let version = try request.query("version").map { text in
                    guard let number = Int(text) else { throw SlipwayError.field("version", "is not a number") }
                    return number
                }
                return .json(
                    try await service.pipeline(request.parameter("name"), version: version, as: request.principal).json)
            },
        ]
    }

    private var runs: [Route] {
        [
            Route(
                .post, "/api/v1/pipelines/{name}/runs", .runPipelines, "Starts a run.",
                body: .json([
                    .init("params?", "Values of the pipeline's parameters."),
                    .init("cause?", "The ref of what asks for it."),
                    .init("cache?", "false runs every step, whatever was made before."),
                    .init("version?", "The newest by default."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["params", "cause", "cache", "version"])
                let run = try await service.trigger(
                    request.parameter("name"), version: body.optionalInt("version"), params: body.object("params"),
                    cause: body.optionalString("cause"), usesCache: body.bool("cache", default: true),
                    as: request.principal)
                return .json(run.json(steps: nil), status: 201)
            },
            Route(
                .get, "/api/v1/pipeline-runs", .signedIn, "Runs, newest first.",
                query: [
                    .init("pipeline", "Only of this pipeline."), .init("project", "Only of this project."),
                    .init("state", "Only in this state."),
                    .init("limit", "Rows a page."), .init("after", "The 'next' of the previous page."),
                ]
            ) { request in
                .page(
                    try await service.runs(
                        pipeline: request.query("pipeline"), project: request.query("project"),
                        state: request.query("state"),
                        request.page(), as: request.principal)
                ) { $0.json(steps: nil) }
            },
            Route(
                .get, "/api/v1/pipeline-runs/{id}", .signedIn, "One run with its steps.",
                query: [.init("wait", "Seconds to wait for its end.")]
            ) { request in
                if let text = request.query("wait") {
                    guard let seconds = Double(text), seconds > 0, seconds <= 600 else {
                        throw SlipwayError.field("wait", "is out of range", expected: "seconds, up to 600")
                    }
                    do {
                        let found = try await service.wait(
                            for: request.parameter("id"), timeoutSeconds: seconds, as: request.principal)
                        return .json(found.run.json(steps: found.steps))
                    } catch let error as SlipwayError where error.code == .deadlineExceeded {}
                }
                let found = try await service.run(request.parameter("id"), as: request.principal)
                return .json(found.run.json(steps: found.steps))
            },
            Route(.post, "/api/v1/pipeline-runs/{id}/cancel", .runPipelines, "Ends a run.") { request in
                .json(try await service.cancel(request.parameter("id"), as: request.principal).json(steps: nil))
            },
            Route(
                .get, "/api/v1/pipeline-runs/{id}/steps/{step}/log", .signedIn, "What a step printed.",
                query: [.init("follow", "1 goes on until the run ends.")]
            ) { request in
                let (run, steps) = try await service.run(request.parameter("id"), as: request.principal)
                guard let step = steps.first(where: { $0.step == request.parameter("step") }) else {
                    throw SlipwayError(
                        .notFound, "The run has no step \(request.parameter("step").prefix(80)).", ref: run.ref)
                }
                let follow = request.query("follow") == "1"
                return Response(
                    status: 200,
                    headers: [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")],
                    body: .stream(length: nil) { writer in
                        try await log(of: run.id, step.step, follow: follow, to: writer)
                    })
            },
        ]
    }

    private func log(of run: String, _ step: String, follow: Bool, to writer: ResponseWriter) async throws {
        let path = service.logPath(run: run, step: step)
        var offset: Int64 = 0
        while !Task.isCancelled {
            let isOver = try await service.run(run, as: .system).run.state.isEnd
            while true {
                let bytes = Self.read(path, from: offset)
                if bytes.isEmpty { break }
                offset += Int64(bytes.count)
                try await writer.write(bytes)
            }
            if isOver || !follow { return }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private static func read(_ path: String, from offset: Int64) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = pread(descriptor, &buffer, buffer.count, off_t(offset))
        return count > 0 ? Array(buffer[..<count]) : []
    }
}
