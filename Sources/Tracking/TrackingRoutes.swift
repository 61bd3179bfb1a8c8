import Core
import Objects
import Platform
import Web

/// HTTP in, HTTP out: Slipway's own view of tracking. Runs log through MLflow's API.
struct TrackingRoutes {
    let service: TrackingService

    var routes: [Route] {
        experiments + runs + metrics + artifacts(of: "runs", "run") { .run($0) } + models
            + artifacts(of: "logged-models", "model") { .model($0) }
    }

    private static let searching: [Route.Parameter] = [
        .init("filter", "A filter expression: metrics.rmse < 0.3 AND tags.stage = 'prod'."),
        .init("order", "Fields, separated by commas: metrics.rmse, start_time DESC."),
        .init("view", "active (default), deleted or all."), .init("limit", "Rows a page."),
        .init("after", "The 'next' of the previous page."),
    ]

    private var experiments: [Route] {
        [
            Route(
                .get, "/api/v1/experiments", .readRuns, "Experiments, newest first.",
                query: [.init("project", "Only of this project.")] + Self.searching
            ) { request in
                let page = try request.page()
                var search = ExperimentSearch()
                search.filter = try Filter.parse(request.query("filter") ?? "")
                search.project = request.query("project")
                search.order = try Self.order(request)
                search.view = try Self.view(request)
                (search.limit, search.after) = (page.limit, page.after)
                return .page(try await service.searchExperiments(search, as: request.principal), \.json)
            },
            Route(
                .post, "/api/v1/experiments", .writeRuns, "Creates an experiment.",
                body: .json([
                    .init("name", "Unique on the server."), .init("project?", "'default' by default."),
                    .init("tags?", "Text by key."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["name", "project", "tags"])
                let experiment = try await service.createExperiment(
                    name: body.string("name"), project: body.optionalString("project") ?? request.project,
                    tags: body.stringMap("tags").map { KeyValue($0.key, $0.value) }, as: request.principal)
                return .json(experiment.json, status: 201)
            },
            Route(.get, "/api/v1/experiments/{id}", .readRuns, "One experiment, by its id or its name.") { request in
                .json(try await experiment(request.parameter("id"), as: request.principal).json)
            },
        ]
    }

    private var runs: [Route] {
        [
            Route(
                .get, "/api/v1/runs", .readRuns, "Runs, the latest started first.",
                query: [
                    .init("experiment", "Its id or name; may be repeated. All that you may read by default."),
                    .init("saved", "A saved search of the project; what else is said here counts before it."),
                ] + Self.searching
            ) { request in
                .page(try await service.searchRuns(try await search(request), as: request.principal), \.json)
            },
            Route(.get, "/api/v1/runs/{id}", .readRuns, "One run with the newest value of each metric.") { request in
                .json(try await service.run(request.parameter("id"), as: request.principal).json)
            },
        ]
    }

    private var models: [Route] {
        [
            Route(.get, "/api/v1/logged-models/{id}", .readRuns, "One logged model.") { request in
                .json(try await service.loggedModel(request.parameter("id"), as: request.principal).json)
            }
        ]
    }

    private func artifacts(of plural: String, _ noun: String, _ owner: @escaping @Sendable (String) -> ArtifactOwner)
        -> [Route]
    {
        [
            Route(
                .get, "/api/v1/\(plural)/{id}/artifacts", .readRuns, "What is in a folder of a \(noun)'s artifacts.",
                query: [.init("path", "The folder; the top by default.")]
            ) { request in
                let path = try request.query("path").flatMap { $0.isEmpty ? nil : try RelativePath(parsing: $0) }
                let entries = try await service.artifacts(
                    in: path, of: owner(request.parameter("id")), as: request.principal)
                return .json(["items": .array(entries.map(\.json))])
            },
            Route(
                .get, "/api/v1/\(plural)/{id}/artifacts/{path+}", .readRuns, "The bytes of one artifact of a \(noun)."
            ) { request in
                let path = try RelativePath(parsing: request.parameter("path"))
                let found = try await service.artifact(path, of: owner(request.parameter("id")), as: request.principal)
                return .artifact(found.object, path: path, for: request, from: service.objects)
            },
            Route(
                .put, "/api/v1/\(plural)/{id}/artifacts/{path+}", .writeRuns,
                "Stores an artifact of a \(noun), or replaces it.",
                body: .bytes(type: "application/octet-stream")
            ) { request in
                let object = try await service.putArtifact(
                    request.body, at: RelativePath(parsing: request.parameter("path")),
                    of: owner(request.parameter("id")),
                    as: request.principal)
                return .json(
                    ["digest": .string("sha256:" + object.digest.hex), "sizeBytes": .int(object.sizeBytes)], status: 201
                )
            },
        ]
    }

    // MARK: Parts

    private func search(_ request: Request) async throws -> RunSearch {
        let page = try request.page()
        var saved: SavedSearch?
        if let name = request.query("saved") {
            saved = try await service.savedSearch(name, project: request.project, as: request.principal)
        }
        var search = RunSearch(experiments: [])
        for wanted in request.queryAll("experiment") {
            search.experiments.append(try await experiment(wanted, as: request.principal).id)
        }
        if search.experiments.isEmpty { search.experiments = saved?.terms.experiments ?? [] }
        if search.experiments.isEmpty {
            var all = ExperimentSearch()
            all.limit = TrackingLimits.searchMaximum
            all.project = saved?.project
            search.experiments = try await service.searchExperiments(all, as: request.principal).items.map(\.id)
        }
        search.filter = try Filter.parse(request.query("filter") ?? saved?.terms.filter ?? "")
        search.order = try request.query("order") == nil ? saved?.terms.terms() ?? [] : Self.order(request)
        search.view = try request.query("view") == nil ? saved?.terms.view ?? .active : Self.view(request)
        (search.limit, search.after) = (page.limit, page.after)
        return search
    }

    private func experiment(_ idOrName: String, as principal: Principal) async throws -> Experiment {
        if Int64(idOrName) != nil { return try await service.experiment(idOrName, as: principal) }
        guard let found = try await service.experiment(named: idOrName, as: principal) else {
            throw SlipwayError.notFound(
                Ref(.experiment, idOrName), hint: "'slipway experiment list' shows those that there are.")
        }
        return found
    }

    static func order(_ request: Request) throws -> [SortTerm] {
        try (request.query("order") ?? "").split(separator: ",").map { try SortTerm(parsing: String($0)) }
    }

    private static func view(_ request: Request) throws -> LifecycleView {
        guard let text = request.query("view") else { return .active }
        guard let view = LifecycleView(rawValue: text) else {
            throw SlipwayError.field("view", "'\(text.prefix(20))' is not a view", expected: "active, deleted or all")
        }
        return view
    }
}

extension Response {
    /// A stored file or a range of it, to be saved and never shown by a browser, since anybody may have uploaded it.
    public static func artifact(
        _ object: ObjectInfo, path: RelativePath, for request: Request, from objects: ObjectStore
    ) -> Response {
        FileResponse.make(
            object, path: path.description, type: ArtifactType.of(path.description), for: request
        ) { range, writer in
            for try await piece in objects.stream(object.digest, range: range) { try await writer.write(piece) }
        }
    }
}
