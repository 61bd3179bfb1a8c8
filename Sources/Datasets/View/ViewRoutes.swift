import Core
import Objects
import Platform
import Tables
import Web

/// HTTP in, HTTP out: rows, profiles and queries.
struct ViewRoutes {
    let service: DatasetsService

    var routes: [Route] {
        let base = "/api/v1/datasets/{name}/versions/{version}"
        return [
            Route(
                .get, base + "/rows", .signedIn, "A page of rows.",
                query: [
                    .init("filter", "price > 2 AND store = '31'."), .init("columns", "Names, separated by commas."),
                    .init("order", "price DESC, day."),
                ] + VersionsRoutes.paging
            ) { request in try await Self.rows(service, VersionsRoutes.ref(request), request) },
            Route(.get, base + "/profile", .signedIn, "Counts, nulls, quantiles, histograms, top values.") { request in
                .json(try await service.profile(VersionsRoutes.ref(request), as: request.principal))
            },
            Route(
                .post, "/api/v1/query", .readDatasets, "One SELECT over versions and slices.",
                body: .json([
                    .init("sql", "One SELECT."), .init("inputs", "Table name to ref."),
                    .init("params?", "Values for ?."), .init("limit?", "Rows; 1000 by default."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["sql", "inputs", "params", "limit"])
                let limit = try body.optionalInt("limit") ?? 1000
                guard (1...100_000).contains(limit) else {
                    throw SlipwayError.field("limit", "is out of range", expected: "1 to 100000")
                }
                let result = try await service.query(
                    body.string("sql"), inputs: VersionsRoutes.inputs(body), parameters: body.array("params"),
                    limit: limit,
                    as: request.principal)
                return .json(Self.json(result))
            },
        ]
    }

    // MARK: Parts

    static func rows(_ service: DatasetsService, _ ref: Ref, _ request: Request) async throws -> Response {
        let query = DatasetsService.RowsQuery(
            filter: request.query("filter"),
            columns: request.query("columns").map { $0.split(separator: ",").map(String.init) } ?? [],
            order: request.query("order"))
        let (result, next) = try await service.rows(ref, query, request.page(), as: request.principal)
        var fields = json(result).objectValue ?? [:]
        if let next { fields["next"] = .string(next.description) }
        return .json(.object(fields))
    }

    static func json(_ result: TableResult) -> JSONValue {
        [
            "columns": .array(result.columns.map { ["name": .string($0.name), "type": .string($0.type)] }),
            "rows": .array(result.rows.map { .array($0.map(\.json)) }), "truncated": .bool(result.truncated),
        ]
    }
}
