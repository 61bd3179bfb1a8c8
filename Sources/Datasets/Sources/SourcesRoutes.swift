import Core
import Objects
import Platform
import Tables
import Web

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
                let now = service.platform.clock.now()
                return .json(["items": .array(sources.map { $0.json(at: now) })])
            },
            Route(
                .post, "/api/v1/sources", .manageSources, "Registers a source.",
                body: .json(
                    [
                        .init("name", "A name."), .init("project?", "Its project."),
                        .init("kind", "file, http, s3, postgres or sqlite."),
                        .init("location", "A path or glob, a URL, an s3:// prefix, a database URL or file."),
                        .init("query?", "For databases: the SELECT to read."),
                        .init("format?", "parquet, csv or json; told from the name by default."),
                        .init("encoding?", "Of CSV: utf-8, latin-1 or utf-16."),
                    ] + Self.settings)
            ) { request in
                let body = try await request.json(
                    allowed: SourceSettings.fields.union([
                        "name", "project", "kind", "location", "query", "format", "encoding",
                    ]))
                var settings = SourceSettings()
                try settings.change(body)
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
                    encoding: VersionsRoutes.encoding(body.optionalString("encoding")), settings: settings,
                    as: request.principal)
                return .json(source.json(at: service.platform.clock.now()), status: 201)
            },
            Route(.get, "/api/v1/sources/{name}", .signedIn, "One source, and what was last seen of it.") { request in
                .json(
                    try await service.source(request.parameter("name"), as: request.principal)
                        .json(at: service.platform.clock.now()))
            },
            Route(
                .patch, "/api/v1/sources/{name}", .manageSources,
                "Changes how a source is read; what is not named stays, null takes away.", body: .json(Self.settings)
            ) { request in
                let body = try await request.json(allowed: SourceSettings.fields)
                return .json(
                    try await service.changeSource(request.parameter("name"), body, as: request.principal)
                        .json(at: service.platform.clock.now()))
            },
            Route(
                .delete, "/api/v1/sources/{name}", .manageSources, "Forgets a source; what was read from it stays."
            ) { request in
                try await service.removeSource(request.parameter("name"), as: request.principal)
                return .noContent
            },
            Route(
                .post, "/api/v1/sources/{name}/sync", .writeDatasets,
                "Reads a source into its dataset, if there is anything new in it."
            ) { request in
                let found = try await service.sync(
                    request.parameter("name"), into: nil, message: "", as: request.principal)
                return .json(found.json, status: found.state == .new ? 201 : 200)
            },
            Route(
                .post, "/api/v1/sources/{name}/import", .writeDatasets, "Reads a source into a new version.",
                body: .json([
                    .init("dataset", "Into which dataset."), .init("mode?", "replace (default) or append."),
                    .init("message?", "Why."), .init("branch?", "main by default."), Self.onChange, Self.badRows,
                ])
            ) { request in
                let body = try await request.json(allowed: [
                    "dataset", "mode", "message", "branch", "onChange", "badRows",
                ])
                let mode = try body.optionalString("mode") ?? "replace"
                guard ["replace", "append"].contains(mode) else {
                    throw SlipwayError.field(
                        "mode", "'\(mode.prefix(40))' is not a mode", expected: "replace or append")
                }
                let found = try await service.sync(
                    request.parameter("name"),
                    into: .init(
                        dataset: body.string("dataset"),
                        branch: body.optionalString("branch") ?? Dataset.mainBranch, appends: mode == "append",
                        onChange: OnSchemaChange(parsing: body.optionalString("onChange"), field: "onChange"),
                        badRows: BadRows(parsing: body.optionalString("badRows"), field: "badRows")),
                    message: body.optionalString("message") ?? "", as: request.principal)
                return .json(found.json, status: found.state == .new ? 201 : 200)
            },
        ]
    }

    static let onChange = Route.Parameter(
        "onChange?", "When the columns differ: fail (default), evolve (take new ones on) or ignore (drop them).")
    static let badRows = Route.Parameter(
        "badRows?", "Rows that cannot be read: stop (default), skip (kept apart) or keep (with NULL).")

    private static let settings: [Route.Parameter] = [
        .init("secret?", "The name of a secret of the project: token, password or S3 keys."),
        .init("authentication?", "For HTTP: bearer (default) or basic."),
        .init("dataset?", "Into which dataset a sync goes."), .init("branch?", "main by default."),
        .init("mode?", "replace (default) or append."),
        .init("schedule?", "When it is synced by itself: five fields of cron, UTC."),
        .init("periodSeconds?", "How often something new is expected; without it, it is late."),
        .init("watermark?", "For databases: a column that only grows; a sync reads what is beyond its last value."),
        onChange, badRows, .init("timeoutSeconds?", "For databases: how long the query may take (600)."),
    ]
}

/// HTTP in, HTTP out: where a project's sources may go.
struct SourcePoliciesRoutes {
    let service: DatasetsService

    var routes: [Route] {
        [
            Route(
                .get, "/api/v1/source-policies/{project}", .signedIn,
                "Where a project's sources may go, within what the server allows."
            ) { request in
                .json(try await service.sourcePolicy(request.parameter("project"), as: request.principal).json)
            },
            Route(
                .put, "/api/v1/source-policies/{project}", .manageSourcePolicy,
                "Sets where a project's sources may go.",
                body: .json([
                    .init("hosts?", "Names, *.names and addresses; null for any."),
                    .init("allowPrivate?", "Whether private and loopback addresses may be reached (admins only)."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["hosts", "allowPrivate"])
                let policy = ProjectSourcePolicy(
                    project: request.parameter("project"),
                    hosts: try body["hosts"].map { $0.isNull } ?? true ? nil : body.strings("hosts"),
                    allowsPrivate: try body.bool("allowPrivate", default: false))
                return .json(try await service.setSourcePolicy(policy, as: request.principal).json)
            },
        ]
    }
}
