import Core
import Platform
import Web

/// HTTP in, HTTP out: searches under names.
struct SavedSearchRoutes {
    let service: TrackingService

    private static let project = Route.Parameter("project", "Whose runs; 'default' by default.")
    private static let shared = Route.Parameter("shared", "true: the one that the project shares, not your own.")

    var routes: [Route] {
        let one = "/api/v1/saved-searches/{search}"
        return [
            Route(
                .get, "/api/v1/saved-searches", .readRuns, "Your saved searches and those that the project shares.",
                query: [Self.project]
            ) { request in
                let found = try await service.savedSearches(project: request.project, as: request.principal)
                return .json(["items": .array(found.map(\.json))])
            },
            Route(
                .put, one, .readRuns, "Saves a search over runs, or replaces the one of that name.",
                query: [Self.project],
                body: .json([
                    .init("filter?", "A filter expression."), .init("order?", "Fields: start_time DESC …"),
                    .init("columns?", "What to show: metrics.rmse, params.lr …"),
                    .init("experiments?", "Ids; all of the project by default."),
                    .init("view?", "active (default), deleted or all."),
                    .init("shared?", "true: for all of the project; takes runs.write."),
                ])
            ) { request in
                let body = try await request.json(allowed: SavedSearch.Terms.fields.union(["shared"]))
                let saved = try await service.saveSearch(
                    request.parameter("search"), SavedSearch.Terms(body), project: request.project,
                    shared: body.bool("shared", default: false), as: request.principal)
                return .json(saved.json)
            },
            Route(.get, one, .readRuns, "A saved search: your own, else the shared one.", query: [Self.project]) {
                request in
                .json(
                    try await service.savedSearch(
                        request.parameter("search"), project: request.project, as: request.principal
                    ).json)
            },
            Route(.delete, one, .readRuns, "Deletes a saved search.", query: [Self.project, Self.shared]) { request in
                try await service.deleteSavedSearch(
                    request.parameter("search"), project: request.project, shared: request.query("shared") == "true",
                    as: request.principal)
                return .noContent
            },
        ]
    }
}
