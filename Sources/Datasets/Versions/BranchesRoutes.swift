import Core
import Web

/// HTTP in, HTTP out: branches and tags.
struct BranchesRoutes {
    let service: DatasetsService

    var routes: [Route] { routes(.branch, "branches", "Branches") + routes(.tag, "tags", "Tags") }

    private func routes(_ kind: NamedVersion.Kind, _ place: String, _ title: String) -> [Route] {
        let base = "/api/v1/datasets/{name}/\(place)"
        return [
            Route(.get, base, .signedIn, "\(title) of a dataset, by name.") { request in
                let named = try await service.named(request.parameter("name"), kind, as: request.principal)
                return .json(["items": .array(named.map(\.json))])
            },
            Route(
                .put, base + "/{label}", .writeDatasets, "Makes a \(kind.rawValue) at a version.",
                body: .json(
                    [.init("from?", "A version, tag or branch; the head of main by default.")]
                        + (kind == .tag ? [.init("move?", "Whether a tag that is there may move.")] : []))
            ) { request in
                let body = try await request.json(allowed: kind == .tag ? ["from", "move"] : ["from"])
                let from = Ref(.dataset, request.parameter("name"), selector: try body.optionalString("from"))
                let named = try await service.name(
                    from, request.parameter("label"), as: kind, moving: body.bool("move", default: false),
                    by: request.principal)
                return .json(named.json)
            },
            Route(.delete, base + "/{label}", .writeDatasets, "Removes a \(kind.rawValue); the versions stay.") {
                request in
                try await service.removeName(
                    request.parameter("name"), request.parameter("label"), kind, as: request.principal)
                return .json([:])
            },
        ]
    }
}
