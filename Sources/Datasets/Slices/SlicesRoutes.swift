import Core
import Objects
import Platform
import Tables
import Web

/// HTTP in, HTTP out: slices.
struct SlicesRoutes {
    let service: DatasetsService

    var routes: [Route] {
        [
            Route(
                .get, "/api/v1/slices", .signedIn, "The newest version of each slice.",
                query: [.init("project", "Only of this project."), .init("dataset", "Only over this dataset.")]
            ) { request in
                let slices = try await service.slices(
                    project: request.query("project"), dataset: request.query("dataset"), as: request.principal)
                return .json(["items": .array(slices.map(\.json))])
            },
            Route(
                .post, "/api/v1/slices", .writeDatasets, "Names a slice, or makes its next version.",
                body: .json([
                    .init("name", "A name."), .init("dataset", "A dataset's name."),
                    .init("where", "A condition in SQL, what follows WHERE."),
                    .init("description?", "What it is for."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["name", "dataset", "where", "description"])
                let slice = try await service.createSlice(
                    name: body.string("name"), dataset: body.string("dataset"), condition: body.string("where"),
                    description: body.optionalString("description") ?? "", as: request.principal)
                return .json(slice.json, status: 201)
            },
            Route(
                .get, "/api/v1/slices/{name}", .signedIn, "One slice.",
                query: [.init("version", "A number; the newest by default.")]
            ) { request in
                .json(
                    try await service.slice(
                        Ref(.slice, request.parameter("name"), selector: request.query("version")),
                        as: request.principal
                    ).json)
            },
            Route(
                .get, "/api/v1/slices/{name}/rows", .signedIn, "A page of a slice's rows.",
                query: [
                    .init("filter", "A further filter."), .init("columns", "Names."), .init("order", "price DESC."),
                ] + VersionsRoutes.paging
            ) { request in try await ViewRoutes.rows(service, Ref(.slice, request.parameter("name")), request) },
            Route(.get, "/api/v1/slices/{name}/profile", .signedIn, "The profile of a slice's rows.") { request in
                .json(try await service.profile(Ref(.slice, request.parameter("name")), as: request.principal))
            },
        ]
    }
}
