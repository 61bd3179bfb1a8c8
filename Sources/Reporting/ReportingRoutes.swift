import Core
import Platform
import Tables
import Tracking
import Web

/// HTTP in, HTTP out.
struct ReportingRoutes {
    let service: ReportingService

    var routes: [Route] {
        [
            Route(
                .get, "/api/v1/sql/tables", .readRuns, "The tables of SQL queries, and their columns."
            ) { _ in
                .json(["items": .array(service.tables.map(\.json))])
            },
            Route(
                .post, "/api/v1/sql", .readRuns,
                "One SELECT over runs, metrics, parameters, tags, experiments and models that you may read.",
                query: [
                    .init("project", "Only of this project; all that you may read by default."),
                    .init("format", "json (default), arrow or csv; also by Accept."),
                ],
                body: .json([
                    .init("sql", "One SELECT."), .init("params?", "Values for ?."),
                    .init("limit?", "Rows; 1000 by default, for streams all."),
                    .init("timeoutSeconds?", "60 by default; not for streams."),
                ])
            ) { request in
                try await answer(
                    request, try await request.json(allowed: ["sql", "params", "limit", "timeoutSeconds"]))
            },
        ]
    }

    private func answer(_ request: Request, _ body: JSONFields) async throws -> Response {
        let (sql, parameters) = (try body.string("sql"), try body.array("params").map { TableValue($0) })
        let (project, limit) = (request.query("project"), try body.optionalInt("limit"))
        if let format = try Self.stream(request) {
            guard limit ?? 0 >= 0 else { throw SlipwayError.field("limit", "is negative") }
            let (rows, files) = try await service.stream(
                sql, parameters: parameters, project: project, limit: limit, as: format, by: request.principal)
            return Response(
                status: 200, headers: [("Content-Type", format.mediaType)],
                body: .stream(length: nil) { writer in
                    defer { withExtendedLifetime(files) {} }
                    // What fails from here on cuts the connection before its end, which clients notice.
                    try await rows.send { try await writer.write($0) }
                })
        }
        guard (1...100_000).contains(limit ?? 1000) else {
            throw SlipwayError.field(
                "limit", "is out of range", expected: "1 to 100000; a stream (format=arrow) has no limit")
        }
        let seconds = try body.optionalDouble("timeoutSeconds")
        guard (0.1...600).contains(seconds ?? 60) else {
            throw SlipwayError.field("timeoutSeconds", "is out of range", expected: "0.1 to 600")
        }
        let result = try await service.query(
            sql, parameters: parameters, project: project, limit: limit ?? 1000, timeoutSeconds: seconds,
            as: request.principal)
        return .json([
            "columns": .array(result.columns.map { ["name": .string($0.name), "type": .string($0.type)] }),
            "rows": .array(result.rows.map { .array($0.map(\.json)) }), "truncated": .bool(result.truncated),
        ])
    }

    /// nil for JSON.
    private static func stream(_ request: Request) throws -> RowFormat? {
        if let name = request.query("format") {
            if name == "json" { return nil }
            guard let format = RowFormat(rawValue: name) else {
                throw SlipwayError.field(
                    "format", "'\(name.prefix(40))' is not known here", expected: "json, arrow or csv")
            }
            return format
        }
        let accept = request.header("accept")?.lowercased() ?? ""
        if accept.contains(RowFormat.arrow.mediaType) { return .arrow }
        return accept.contains("text/csv") ? .csv : nil
    }
}

extension SQLTable {
    var json: JSONValue {
        [
            "name": .string(name), "about": .string(about),
            "columns": .array(
                columns.map { column in
                    var fields: [String: JSONValue] = [
                        "name": .string(column.parquet.name), "type": .string(column.parquet.kind.rawValue),
                    ]
                    if !column.about.isEmpty { fields["about"] = .string(column.about) }
                    return .object(fields)
                }),
        ]
    }
}
