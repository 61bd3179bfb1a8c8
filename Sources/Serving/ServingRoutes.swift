import Core
import Datasets
import Web

/// Endpoints over HTTP.
struct ServingRoutes {
    let service: ServingService

    private static let fields: Set<String> = ["model", "project", "logRate", "log", "isolation"]

    var routes: [Route] {
        [
            Route(
                .get, "/api/v1/endpoints", .signedIn, "Endpoints, by name.",
                query: [
                    .init("project", "Only of this project."), .init("limit", "Rows a page."),
                    .init("after", "The 'next' of the previous page."),
                ]
            ) { request in
                .page(
                    try await service.list(project: request.query("project"), request.page(), as: request.principal)
                ) { service.json($0) }
            },
            Route(
                .get, "/api/v1/endpoints/{name}", .readEndpoints,
                "One endpoint (or a registered model as one): its settings, the version that it serves and what went wrong."
            ) { request in
                .json(service.json(try await service.endpoint(request.parameter("name"), as: request.principal)))
            },
            Route(
                .put, "/api/v1/endpoints/{name}", .operateEndpoints, "Makes an endpoint or changes it.",
                body: .json([
                    .init("model", "model:NAME@ALIAS, model:NAME@VERSION or model:NAME."),
                    .init("project?", "The project; the request's by default."),
                    .init("logRate?", "The share of predictions to log, 0 to 1; 1 by default."),
                    .init("log?", "'buffered' (default) or 'sync': written before the answer."),
                    .init("isolation?", "'auto' (default), 'server' or 'worker'."),
                ])
            ) { request in
                let body = try await request.json(allowed: Self.fields)
                let endpoint = try await service.put(
                    request.parameter("name"), try Self.parse(body, project: request.project), as: request.principal)
                return .json(service.json(endpoint))
            },
            Route(
                .delete, "/api/v1/endpoints/{name}", .operateEndpoints, "Deletes an endpoint; its predictions stay."
            ) { request in
                try await service.delete(request.parameter("name"), as: request.principal)
                return .noContent
            },
            Route(
                .get, "/api/v1/endpoints/{name}/log", .operateEndpoints,
                "The end of the logs of a Python model's processes, as text."
            ) { request in
                .text(try await service.processLog(request.parameter("name"), as: request.principal))
            },
            Route(
                .post, "/api/v1/endpoints/{name}/batch", .predict,
                "Predicts for all rows of a dataset version or slice; the rows with their predictions become a dataset version.",
                body: .json([
                    .init("input", "dataset:NAME@VERSION or slice:NAME."),
                    .init("columns?", "The model's columns in its order; the signature's by default."),
                    .init("output?", "The dataset to write; NAME-predictions by default."),
                    .init("keep?", "Columns of the input to keep; all by default."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["input", "columns", "output", "keep"])
                let name = request.parameter("name")
                let version = try await service.predict(
                    BatchRequest(
                        endpoint: name, input: body.ref("input"),
                        columns: body["columns"] == nil ? nil : body.strings("columns"),
                        output: body.optionalString("output") ?? name + "-predictions",
                        keep: body["keep"] == nil ? nil : body.strings("keep")), as: request.principal)
                return .json(version.json, status: 201)
            },
        ]
    }

    private static func parse(_ body: JSONFields, project: String) throws -> EndpointRequest {
        func choice<T: RawRepresentable & CaseIterable>(_ name: String, default value: T) throws -> T
        where T.RawValue == String {
            guard let text = try body.optionalString(name) else { return value }
            guard let found = T(rawValue: text) else {
                throw SlipwayError.field(
                    name, "'\(text.prefix(40))' is not known",
                    expected: "one of " + T.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return found
        }
        return try EndpointRequest(
            model: body.ref("model"), project: body.optionalString("project") ?? project,
            logRate: body.optionalDouble("logRate") ?? 1, log: choice("log", default: .buffered),
            isolation: choice("isolation", default: .auto))
    }
}
