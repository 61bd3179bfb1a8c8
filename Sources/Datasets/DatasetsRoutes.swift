import Core
import Objects
import Platform
import Tables
import Web

/// HTTP in, HTTP out: datasets and their versions.
struct DatasetsRoutes {
    let service: DatasetsService

    static let paging: [Route.Parameter] = [
        .init("limit", "Rows a page."), .init("after", "The 'next' of the previous page."),
    ]

    var routes: [Route] {
        listing + making + reading + SlicesRoutes(service: service).routes + SourcesRoutes(service: service).routes
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
            Route(.get, "/api/v1/datasets/{name}", .signedIn, "One dataset.") { request in
                .json(try await service.dataset(request.parameter("name"), as: request.principal).json)
            },
            Route(
                .get, "/api/v1/datasets/{name}/versions", .signedIn, "The versions of a dataset, newest first.",
                query: Self.paging
            ) { request in
                .page(
                    try await service.versions(request.parameter("name"), request.page(), as: request.principal), \.json
                )
            },
            Route(.get, "/api/v1/datasets/{name}/versions/{version}", .signedIn, "One version: schema, digest, recipe.")
            { request in
                .json(try await service.resolve(Self.ref(request), as: request.principal).json)
            },
            Route(
                .get, "/api/v1/datasets/{name}/diff", .signedIn, "Two versions side by side: schema, rows, statistics.",
                query: [.init("from", "A version number."), .init("to", "A version number.")]
            ) { request in
                guard let from = request.query("from").flatMap({ Int($0) }),
                    let to = request.query("to").flatMap({ Int($0) })
                else {
                    throw SlipwayError.field("from, to", "are not two version numbers", expected: "?from=3&to=4")
                }
                return .json(
                    try await service.diff(request.parameter("name"), from: from, to: to, as: request.principal).json)
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
                    .init("encoding", "Of CSV: utf-8, latin-1 or utf-16."),
                ], body: .bytes(type: "application/vnd.apache.parquet")
            ) { request in
                let (version, isNew) = try await service.append(
                    request.parameter("name"), project: request.project, body: request.body,
                    format: Self.format(request),
                    encoding: Self.encoding(request.query("encoding")), key: request.query("key"),
                    origin: request.query("origin"), message: request.query("message") ?? "", as: request.principal)
                return .json(Self.made(version, isNew), status: isNew ? 201 : 200)
            },
            Route(
                .post, "/api/v1/datasets/{name}/derive", .writeDatasets,
                "Makes a version by SQL over other versions and slices.",
                body: .json([
                    .init("sql", "One SELECT."),
                    .init("inputs", "Table name to ref: {\"sales\": \"dataset:sales@3\"}."),
                    .init("params?", "Values for ?."), .init("project?", "The project of a dataset that is new."),
                    .init("message?", "Why."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["sql", "inputs", "params", "project", "message"])
                let (version, isNew) = try await service.derive(
                    request.parameter("name"), project: body.optionalString("project") ?? request.project,
                    sql: body.string("sql"),
                    inputs: Self.inputs(body), parameters: body.array("params"),
                    message: body.optionalString("message") ?? "", as: request.principal)
                return .json(Self.made(version, isNew), status: isNew ? 201 : 200)
            },
        ]
    }

    private var reading: [Route] {
        let base = "/api/v1/datasets/{name}/versions/{version}"
        return [
            Route(
                .get, base + "/rows", .signedIn, "A page of rows.",
                query: [
                    .init("filter", "price > 2 AND store = '31'."), .init("columns", "Names, separated by commas."),
                    .init("order", "price DESC, day."),
                ] + Self.paging
            ) { request in try await Self.rows(service, Self.ref(request), request) },
            Route(.get, base + "/profile", .signedIn, "Counts, nulls, quantiles, histograms, top values.") { request in
                .json(try await service.profile(Self.ref(request), as: request.principal))
            },
            Route(.get, base + "/files", .signedIn, "The files of a version.") { request in
                let version = try await service.resolve(Self.ref(request), as: request.principal)
                let files = try await service.files(of: version)
                return .json([
                    "items": .array(
                        files.map {
                            [
                                "path": .string($0.path), "digest": .string("sha256:" + $0.digest.hex),
                                "sizeBytes": .int($0.sizeBytes),
                            ]
                        })
                ])
            },
            Route(.get, base + "/files/{path+}", .signedIn, "The bytes of one file.") { request in
                let version = try await service.resolve(Self.ref(request), as: request.principal)
                let path = request.parameter("path")
                guard let file = try await service.files(of: version).first(where: { $0.path == path }) else {
                    throw SlipwayError(.notFound, "\(version.ref) has no file \(path.prefix(120)).", ref: version.ref)
                }
                let stream = service.platform.objects.stream(file.digest)
                return Response(
                    status: 200, headers: [("Content-Type", "application/vnd.apache.parquet")],
                    body: .stream(length: file.sizeBytes) { writer in
                        for try await piece in stream { try await writer.write(piece) }
                    })
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
                    body.string("sql"), inputs: Self.inputs(body), parameters: body.array("params"), limit: limit,
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

    private static func ref(_ request: Request) -> Ref {
        Ref(.dataset, request.parameter("name"), selector: request.parameter("version"))
    }

    private static func made(_ version: DatasetVersion, _ isNew: Bool) -> JSONValue {
        var fields = version.json.objectValue ?? [:]
        fields["unchanged"] = .bool(!isNew)
        return .object(fields)
    }

    private static func inputs(_ body: JSONFields) throws -> [String: Ref] {
        try body.stringMap("inputs").mapValues { try Ref(parsing: $0) }
    }

    private static func format(_ request: Request) throws -> TableInput.Format {
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
                ] + DatasetsRoutes.paging
            ) { request in try await DatasetsRoutes.rows(service, Ref(.slice, request.parameter("name")), request) },
            Route(.get, "/api/v1/slices/{name}/profile", .signedIn, "The profile of a slice's rows.") { request in
                .json(try await service.profile(Ref(.slice, request.parameter("name")), as: request.principal))
            },
        ]
    }
}

/// HTTP in, HTTP out: sources.
struct SourcesRoutes {
    let service: DatasetsService

    var routes: [Route] {
        [
            Route(
                .get, "/api/v1/sources", .signedIn, "Sources, by name.",
                query: [.init("project", "Only of this project.")]
            ) { request in
                let sources = try await service.sources(project: request.query("project"), as: request.principal)
                return .json(["items": .array(sources.map(\.json))])
            },
            Route(
                .post, "/api/v1/sources", .manageSources, "Registers a source.",
                body: .json([
                    .init("name", "A name."), .init("project?", "Its project."),
                    .init("kind", "file, http, s3, postgres or sqlite."),
                    .init("location", "A path or glob, a URL, an s3:// prefix, a database URL or file."),
                    .init("query?", "For databases: the SELECT to read."),
                    .init("format?", "parquet, csv or json; told from the name by default."),
                    .init("encoding?", "Of CSV: utf-8, latin-1 or utf-16."),
                ])
            ) { request in
                let body = try await request.json(allowed: [
                    "name", "project", "kind", "location", "query", "format", "encoding",
                ])
                let kindText = try body.string("kind")
                guard let kind = Source.Kind(rawValue: kindText) else {
                    throw SlipwayError.field(
                        "kind", "'\(kindText.prefix(40))' is not a kind",
                        expected: Source.Kind.allCases.map(\.rawValue).joined(separator: ", "))
                }
                let format = try body.optionalString("format").map { text in
                    guard let format = TableInput.Format(rawValue: text) else {
                        throw SlipwayError.field(
                            "format", "'\(text.prefix(40))' is not a format", expected: "parquet, csv or json")
                    }
                    return format
                }
                let source = try await service.createSource(
                    name: body.string("name"), project: body.optionalString("project") ?? request.project, kind: kind,
                    location: body.string("location"), query: body.optionalString("query"), format: format,
                    encoding: DatasetsRoutes.encoding(body.optionalString("encoding")), as: request.principal)
                return .json(source.json, status: 201)
            },
            Route(.get, "/api/v1/sources/{name}", .signedIn, "One source, and what was last seen of it.") { request in
                .json(try await service.source(request.parameter("name"), as: request.principal).json)
            },
            Route(
                .post, "/api/v1/sources/{name}/import", .writeDatasets, "Reads a source into a new version.",
                body: .json([
                    .init("dataset", "Into which dataset."), .init("mode?", "replace (default) or append."),
                    .init("message?", "Why."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["dataset", "mode", "message"])
                let mode = try body.optionalString("mode") ?? "replace"
                guard ["replace", "append"].contains(mode) else {
                    throw SlipwayError.field(
                        "mode", "'\(mode.prefix(40))' is not a mode", expected: "replace or append")
                }
                let version = try await service.importSource(
                    request.parameter("name"), into: body.string("dataset"), append: mode == "append",
                    message: body.optionalString("message") ?? "",
                    as: request.principal)
                return .json(version.json, status: 201)
            },
        ]
    }
}
