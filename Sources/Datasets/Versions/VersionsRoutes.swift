import Core
import Objects
import Platform
import Tables
import Web

/// HTTP in, HTTP out: datasets and their versions.
struct VersionsRoutes {
    let service: DatasetsService

    static let paging: [Route.Parameter] = [
        .init("limit", "Rows a page."), .init("after", "The 'next' of the previous page."),
    ]

    var routes: [Route] {
        listing + making
    }

    private var listing: [Route] {
        [
            Route(
                .get, "/api/v1/datasets", .signedIn, "Datasets, by name.",
                query: [.init("project", "Only of this project.")] + Self.paging
            ) { request in
                .page(
                    try await service.datasets(
                        project: request.query("project"), request.page(), as: request.principal), \.json)
            },
            Route(
                .post, "/api/v1/datasets", .writeDatasets, "Makes an empty dataset.",
                body: .json([
                    .init("name", "A name."), .init("project?", "Its project."),
                    .init("kind?", "table (default) or files."),
                    .init("key?", "The columns that together identify a row."), .init("description?", "What it is."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["name", "project", "kind", "key", "description"])
                let kindText = try body.optionalString("kind") ?? "table"
                guard let kind = Dataset.Kind(rawValue: kindText) else {
                    throw SlipwayError.field(
                        "kind", "'\(kindText.prefix(40))' is not a kind", expected: "table or files")
                }
                let dataset = try await service.create(
                    body.string("name"), project: body.optionalString("project") ?? request.project, kind: kind,
                    key: Self.key(body) ?? [], description: body.optionalString("description") ?? "",
                    as: request.principal)
                return .json(dataset.json, status: 201)
            },
            Route(
                .patch, "/api/v1/datasets/{name}", .writeDatasets, "Changes the key columns or the description.",
                body: .json([
                    .init("key?", "The columns that together identify a row."), .init("description?", "What it is."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["key", "description"])
                let dataset = try await service.update(
                    request.parameter("name"), key: Self.key(body), description: body.optionalString("description"),
                    as: request.principal)
                return .json(dataset.json)
            },
            Route(.get, "/api/v1/datasets/{name}", .signedIn, "One dataset.") { request in
                .json(try await service.dataset(request.parameter("name"), as: request.principal).json)
            },
            Route(
                .get, "/api/v1/datasets/{name}/versions", .signedIn, "The versions of a dataset, newest first.",
                query: [.init("branch", "Only the versions that led to this branch's head.")] + Self.paging
            ) { request in
                .page(
                    try await service.versions(
                        request.parameter("name"), branch: request.query("branch"), request.page(),
                        as: request.principal), \.json)
            },
            Route(.get, "/api/v1/datasets/{name}/versions/{version}", .signedIn, "One version: schema, digest, recipe.")
            { request in
                .json(try await service.resolve(Self.ref(request), orDeleted: true, as: request.principal).json)
            },
        ]
    }

    private var making: [Route] {
        [
            Route(
                .post, "/api/v1/datasets/{name}/append", .writeDatasets,
                "Adds rows (Parquet, CSV or JSON lines, by Content-Type) as a new version.",
                query: [
                    .init("project", "The project of a dataset that is new."), .init("message", "Why."),
                    .init("key", "The client's own id of this batch: sending it again changes nothing."),
                    .init("origin", "Where the rows come from, for the lineage: a path or a URL."),
                    .init("encoding", "Of CSV: utf-8, latin-1 or utf-16."), .init("branch", "main by default."),
                    .init("onChange", "When the columns differ: fail (default), evolve or ignore."),
                    .init("badRows", "Rows that cannot be read: stop (default), skip or keep."),
                ], body: .bytes(type: "application/vnd.apache.parquet")
            ) { request in
                let (version, isNew) = try await service.append(
                    request.parameter("name"), project: request.project, body: request.body,
                    format: Self.format(request),
                    encoding: Self.encoding(request.query("encoding")), key: request.query("key"),
                    origin: request.query("origin"), message: request.query("message") ?? "",
                    branch: request.query("branch") ?? Dataset.mainBranch,
                    rules: Conversion(
                        onChange: OnSchemaChange(parsing: request.query("onChange"), field: "onChange") ?? .fail,
                        badRows: BadRows(parsing: request.query("badRows"), field: "badRows") ?? .stop),
                    as: request.principal)
                return .json(Self.made(version, isNew), status: isNew ? 201 : 200)
            },
            Route(
                .post, "/api/v1/datasets/{name}/derive", .writeDatasets,
                "Makes a version by SQL over other versions and slices.",
                body: .json([
                    .init("sql", "One SELECT."),
                    .init("inputs", "Table name to ref: {\"sales\": \"dataset:sales@3\"}."),
                    .init("params?", "Values for ?."), .init("project?", "The project of a dataset that is new."),
                    .init("message?", "Why."), .init("branch?", "main by default."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["sql", "inputs", "params", "project", "message", "branch"])
                let (version, isNew) = try await service.derive(
                    request.parameter("name"), project: body.optionalString("project") ?? request.project,
                    sql: body.string("sql"),
                    inputs: Self.inputs(body), parameters: body.array("params"),
                    message: body.optionalString("message") ?? "",
                    branch: body.optionalString("branch") ?? Dataset.mainBranch, as: request.principal)
                return .json(Self.made(version, isNew), status: isNew ? 201 : 200)
            },
        ]
    }

    // MARK: Parts

    private static func key(_ body: JSONFields) throws -> [String]? {
        guard let list = body["key"], !list.isNull else { return nil }
        return try body.strings("key")
    }

    static func ref(_ request: Request) -> Ref {
        Ref(.dataset, request.parameter("name"), selector: request.parameter("version"))
    }

    static func made(_ version: DatasetVersion, _ isNew: Bool) -> JSONValue {
        var fields = version.json.objectValue ?? [:]
        fields["unchanged"] = .bool(!isNew)
        return .object(fields)
    }

    static func inputs(_ body: JSONFields) throws -> [String: Ref] {
        try body.stringMap("inputs").mapValues { try Ref(parsing: $0) }
    }

    static func format(_ request: Request) throws -> TableInput.Format {
        let type =
            (request.header("content-type") ?? "").split(separator: ";").first.map {
                $0.lowercased().filter { $0 != " " }
            } ?? ""
        switch type {
        case "application/vnd.apache.parquet", "application/x-parquet", "application/octet-stream": return .parquet
        case "text/csv", "application/csv": return .csv
        case "application/x-ndjson", "application/jsonl", "application/json": return .json
        default:
            throw SlipwayError.field(
                "Content-Type", "'\(type.prefix(60))' is not a format of rows",
                expected: "application/vnd.apache.parquet, text/csv or application/x-ndjson")
        }
    }

    static func encoding(_ text: String?) throws -> TableInput.Encoding {
        guard let text else { return .utf8 }
        guard let encoding = TableInput.Encoding(rawValue: text) else {
            throw SlipwayError.field(
                "encoding", "'\(text.prefix(40))' is not known",
                expected: TableInput.Encoding.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return encoding
    }
}
