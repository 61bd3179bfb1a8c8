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
                    encoding: VersionsRoutes.encoding(body.optionalString("encoding")), as: request.principal)
                return .json(source.json, status: 201)
            },
            Route(.get, "/api/v1/sources/{name}", .signedIn, "One source, and what was last seen of it.") { request in
                .json(try await service.source(request.parameter("name"), as: request.principal).json)
            },
            Route(
                .post, "/api/v1/sources/{name}/import", .writeDatasets, "Reads a source into a new version.",
                body: .json([
                    .init("dataset", "Into which dataset."), .init("mode?", "replace (default) or append."),
                    .init("message?", "Why."), .init("branch?", "main by default."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["dataset", "mode", "message", "branch"])
                let mode = try body.optionalString("mode") ?? "replace"
                guard ["replace", "append"].contains(mode) else {
                    throw SlipwayError.field(
                        "mode", "'\(mode.prefix(40))' is not a mode", expected: "replace or append")
                }
                let version = try await service.importSource(
                    request.parameter("name"), into: body.string("dataset"),
                    branch: body.optionalString("branch") ?? Dataset.mainBranch, append: mode == "append",
                    message: body.optionalString("message") ?? "",
                    as: request.principal)
                return .json(version.json, status: 201)
            },
        ]
    }
}
