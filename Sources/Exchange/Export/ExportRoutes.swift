import Core
import Registry
import Tracking
import Web

/// The way out: everything as records, to whoever may read it.
struct ExportRoutes {
    let tracking: TrackingService
    let registry: RegistryService

    private static let pointsPerLine = 10_000

    private static let paging: [Route.Parameter] = [
        .init("limit", "Items a page."), .init("after", "The 'next' of the previous page."),
    ]

    var routes: [Route] {
        [
            Route(
                .get, "/api/v1/export/experiments", .readRuns, "Experiments as records, deleted ones too.",
                query: [.init("project", "Only of this project.")] + Self.paging
            ) { request in
                let page = try request.page()
                if let project = request.query("project") { try request.principal.require(.readRuns, in: project) }
                var search = ExperimentSearch()
                search.view = .all
                search.project = request.query("project")
                (search.limit, search.after) = (page.limit, page.after)
                search.order = [SortTerm(FilterField(entity: nil, key: "experiment_id"), descending: false)]
                return .page(try await tracking.searchExperiments(search, as: request.principal)) { experiment in
                    var record = ExperimentRecord(
                        id: experiment.id, name: experiment.name, created: experiment.created.milliseconds,
                        updated: experiment.updated.milliseconds)
                    record.isDeleted = experiment.lifecycle == .deleted
                    record.tags = experiment.tags.map
                    record.artifactLocation = experiment.artifactLocation
                    return record.json
                }
            },
            Route(
                .get, "/api/v1/export/runs", .readRuns,
                "The runs of an experiment as records, deleted ones too; the first page says how many there are.",
                query: [.init("experiment", "Its id.")] + Self.paging
            ) { request in
                let found = try await tracking.exportRuns(
                    of: request.query("experiment") ?? "", request.page(), as: request.principal)
                return .json([
                    "items": .array(found.page.items.map(\.json)), "next": JSONValue(found.page.next?.description),
                    "total": found.total.map { .int($0) } ?? .null,
                ])
            },
            Route(
                .get, "/api/v1/export/points", .readRuns,
                "All points of a run, a line of JSON for some of a metric each: {run, key, points: [[step, ms, value]]}.",
                query: [.init("run", "Its id.")]
            ) { request in
                let principal = request.principal
                let run = try await tracking.run(request.query("run") ?? "", as: principal)
                return Response(
                    status: 200, headers: [("Content-Type", "application/x-ndjson")],
                    body: .stream(length: nil) { writer in
                        for metric in run.metrics {
                            var after: Cursor?
                            repeat {
                                let page = try await tracking.history(
                                    run: run.info.id, metric: metric.key, limit: Self.pointsPerLine, after: after,
                                    as: principal)
                                let record = PointsRecord(run: run.info.id, key: metric.key, points: page.items)
                                try await writer.write(record.json.canonicalBytes + [10])
                                after = page.next
                            } while after != nil
                        }
                    })
            },
            Route(
                .get, "/api/v1/export/logged-models", .readRuns,
                "The logged models of an experiment as records, deleted ones too.",
                query: [.init("experiment", "Its id.")] + Self.paging
            ) { request in
                .page(
                    try await tracking.exportLoggedModels(
                        of: request.query("experiment") ?? "", request.page(), as: request.principal), \.json)
            },
            Route(
                .get, "/api/v1/export/models", .readModels, "Registered models as records with all of their versions.",
                query: [.init("project", "Only of this project.")] + Self.paging
            ) { request in
                if let project = request.query("project") { try request.principal.require(.readModels, in: project) }
                return .page(
                    try await registry.exportModels(
                        project: request.query("project"), request.page(), as: request.principal), \.json)
            },
        ]
    }
}
