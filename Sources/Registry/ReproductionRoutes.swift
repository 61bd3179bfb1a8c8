import Core
import Pipelines
import Web

/// HTTP in, HTTP out.
struct ReproductionRoutes {
    let service: ReproductionService

    var routes: [Route] {
        [
            Route(
                .post, "/api/v1/models/{name}/versions/{version}/reproduce", .runPipelines,
                "Reruns the recipe of a version; the answer names the reproduction, whose verdict comes with the rerun's end.",
                body: .json([
                    .init("tolerance?", "Relative, for metrics; 0.000001 by default."),
                    .init("keep?", "Keep the version that the rerun registers; it is deleted by default."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["tolerance", "keep"])
                let record = try await service.start(
                    Ref(.model, request.parameter("name"), selector: request.parameter("version")),
                    tolerance: body.optionalDouble("tolerance") ?? Reproduction.defaultTolerance,
                    keeps: body.bool("keep", default: false),
                    as: request.principal)
                return .json(record.json, status: 202)
            },
            Route(
                .get, "/api/v1/models/{name}/versions/{version}/reproductions", .readModels,
                "Reruns of a version's recipe, newest first."
            ) { request in
                let version = try await service.registry.resolve(
                    Ref(.model, request.parameter("name"), selector: request.parameter("version")),
                    as: request.principal)
                return .json(["items": .array(try await service.reproductions(of: version).map(\.json))])
            },
            Route(.get, "/api/v1/reproductions/{id}", .readModels, "One rerun and what it showed.") { request in
                .json(try await service.reproduction(request.parameter("id"), as: request.principal).json)
            },
        ]
    }
}
