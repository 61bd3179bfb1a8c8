import Core
import Objects
import Platform
import Tables
import Web

/// HTTP in, HTTP out: rows, profiles and queries.
struct ViewRoutes {
    let service: DatasetsService

    var routes: [Route] {
        RowsRoutes(service: service).routes + own
    }

    private var own: [Route] {
        let base = "/api/v1/datasets/{name}/versions/{version}"
        return [
            Route(.get, base + "/profile", .signedIn, "Counts, nulls, quantiles, histograms, top values.") { request in
                .json(try await service.profile(VersionsRoutes.ref(request), as: request.principal))
            },
            Route(
                .get, "/api/v1/compare", .signedIn, "Two versions or slices side by side.",
                query: [.init("left", "A ref: dataset:sales@3 or slice:weekend."), .init("right", "The other.")]
            ) { request in
                func ref(_ name: String) throws -> Ref {
                    guard let text = request.query(name) else {
                        throw SlipwayError.field(name, "is missing", expected: "a ref such as dataset:sales@3")
                    }
                    return try Ref(parsing: text)
                }
                return .json(try await service.compare(ref("left"), ref("right"), as: request.principal).json)
            },
            Route(.get, base + "/series", .signedIn, "Columns over another, ready to plot.", query: Self.series) {
                request in try await series(VersionsRoutes.ref(request), request)
            },
            Route(
                .get, "/api/v1/slices/{name}/series", .signedIn, "Columns of a slice over another, ready to plot.",
                query: [.init("version", "A number; the newest by default.")] + Self.series
            ) { request in try await series(SlicesRoutes.ref(request), request) },
            Route(
                .post, "/api/v1/query", .readDatasets, "One SELECT over versions and slices.",
                query: [.init("format", "json (default), arrow or csv; also by Accept.")],
                body: .json([
                    .init("sql", "One SELECT."), .init("inputs", "Table name to ref."),
                    .init("params?", "Values for ?."), .init("limit?", "Rows; 1000 by default, for streams all."),
                    .init("timeoutSeconds?", "60 by default; not for streams."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["sql", "inputs", "params", "limit", "timeoutSeconds"])
                return try await query(request, body)
            },
        ]
    }

    private func query(_ request: Request, _ body: JSONFields) async throws -> Response {
        let (sql, inputs, parameters) = try (body.string("sql"), VersionsRoutes.inputs(body), body.array("params"))
        let limit = try body.optionalInt("limit")
        let name = try RowsRoutes.format(request, ["json", "arrow", "csv"], default: "json")
        if let format = RowFormat(rawValue: name) {
            guard limit ?? 0 >= 0 else { throw SlipwayError.field("limit", "is negative") }
            return RowsRoutes.response(
                try await service.stream(
                    sql, inputs: inputs, parameters: parameters, limit: limit, as: format, by: request.principal))
        }
        guard (1...100_000).contains(limit ?? 1000) else {
            throw SlipwayError.field(
                "limit", "is out of range", expected: "1 to 100000; a stream (format=arrow) has no limit")
        }
        let seconds = try body.optionalDouble("timeoutSeconds")
        guard (0.1...600).contains(seconds ?? 60) else {
            throw SlipwayError.field("timeoutSeconds", "is out of range", expected: "0.1 to 600")
        }
        return .json(
            Self.json(
                try await service.query(
                    sql, inputs: inputs, parameters: parameters, limit: limit ?? 1000, timeoutSeconds: seconds,
                    as: request.principal)))
    }

    // MARK: Parts

    private static let series: [Route.Parameter] = [
        .init("x", "A column of numbers or times."), .init("y", "Columns of numbers, separated by commas."),
        .init("buckets", "Pieces of the range, at most as many as there are pixels; 400 by default."),
        .init("from", "Where the range begins: a number, or a time as RFC 3339."), .init("to", "Where it ends."),
        .init("filter", "price > 2 AND store = '31'."),
    ]

    private func series(_ ref: Ref, _ request: Request) async throws -> Response {
        guard let x = request.query("x"), let y = request.query("y") else {
            throw SlipwayError.field("x, y", "are missing", expected: "?x=day&y=units,price")
        }
        var query = SeriesQuery(x: x, y: y.split(separator: ",").map(String.init))
        if let text = request.query("buckets") {
            guard let count = Int(text) else { throw SlipwayError.field("buckets", "is not a number") }
            query.buckets = count
        }
        (query.from, query.to, query.filter) = (request.query("from"), request.query("to"), request.query("filter"))
        return .json(try await service.series(ref, query, as: request.principal).json)
    }

    static func json(_ result: TableResult) -> JSONValue {
        [
            "columns": .array(result.columns.map { ["name": .string($0.name), "type": .string($0.type)] }),
            "rows": .array(result.rows.map { .array($0.map(\.json)) }), "truncated": .bool(result.truncated),
        ]
    }
}
