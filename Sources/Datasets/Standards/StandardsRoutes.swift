import Core
import Objects
import Platform
import Web

/// HTTP in, HTTP out: Croissant, OpenLineage, cards and marks.
struct StandardsRoutes {
    let service: DatasetsService

    static let namespace = "slipway"

    var routes: [Route] { croissant + card + columns + openLineage }

    // MARK: Croissant

    private var croissant: [Route] {
        let base = "/api/v1/datasets/{name}/versions/{version}"
        return [
            Route(.get, base + "/croissant", .signedIn, "A version as Croissant 1.1 (JSON-LD).") { request in
                let json = try await service.croissant(
                    VersionsRoutes.ref(request), server: Self.server(request), as: request.principal)
                return Response(
                    status: 200, headers: [("Content-Type", "application/ld+json")],
                    body: .bytes(Array(json.prettyText.utf8)))
            },
            Route(
                .get, base + "/\(Croissant.tableName)", .signedIn,
                "All rows of a version as one Parquet file that stays as it is."
            ) { request in
                let version = try await service.resolve(VersionsRoutes.ref(request), as: request.principal)
                try await service.requirePersonalData(version, as: request.principal)
                let table = try await service.wholeTable(version)
                let stream = service.platform.objects.stream(table.digest)
                return Response(
                    status: 200,
                    headers: [
                        ("Content-Type", "application/vnd.apache.parquet"), ("ETag", "\"\(table.digest.hex)\""),
                    ],
                    body: .stream(length: table.sizeBytes) { writer in
                        for try await piece in stream { try await writer.write(piece) }
                    })
            },
            Route(
                .get, base + "/\(Croissant.archiveName)", .signedIn, "The files of a version as one tar."
            ) { request in
                let version = try await service.resolve(VersionsRoutes.ref(request), as: request.principal)
                try await service.requirePersonalData(version, as: request.principal)
                let size = TarStream.sizeBytes(try await service.files(of: version), folder: "files/")
                return Response(
                    status: 200, headers: [("Content-Type", "application/x-tar")],
                    body: .stream(length: size) { writer in
                        try await service.writeArchive(version) { try await writer.write($0) }
                    })
            },
            Route(
                .post, "/api/v1/datasets/{name}/croissant", .manageSources,
                "Reads the rows that a Croissant document describes into a new version.",
                query: [
                    .init("recordSet", "Which, by id or name; needed where there are several."),
                    .init("project", "The project of a dataset that is new."), .init("message", "Why."),
                    .init("branch", "main by default."),
                ], body: .bytes(type: "application/ld+json")
            ) { request in
                let document = try JSONValue(
                    parsing: try await request.bytes(maximumBytes: CroissantDocument.maximumBytes))
                let (version, isNew) = try await service.importCroissant(
                    request.parameter("name"), project: request.project, document: document,
                    recordSet: request.query("recordSet"), message: request.query("message") ?? "",
                    branch: request.query("branch") ?? Dataset.mainBranch, as: request.principal)
                var fields = version.json.objectValue ?? [:]
                fields["unchanged"] = .bool(!isNew)
                return .json(.object(fields), status: isNew ? 201 : 200)
            },
        ]
    }

    /// The address by which the client reached this server.
    private static func server(_ request: Request) -> String {
        let scheme = request.header("x-forwarded-proto") == "https" ? "https" : "http"
        return "\(scheme)://\(request.header("host") ?? "127.0.0.1")"
    }

    // MARK: Cards

    private var card: [Route] {
        let path = "/api/v1/datasets/{name}/card"
        return [
            Route(
                .get, path, .signedIn, "The card of a dataset: Markdown, safe to render; JSON by Accept.", query: []
            ) { request in
                let card = try await service.card(request.parameter("name"), as: request.principal)
                guard request.header("accept")?.contains("application/json") == true else {
                    return .text(card.markdown, type: "text/markdown; charset=utf-8")
                }
                return .json(card.json)
            },
            Route(
                .put, path, .governDatasets, "Sets the facts and the owner's text of a card.",
                body: .json([
                    .init("text?", "The owner's text, in Markdown."), .init("license?", "A URL or SPDX identifier."),
                    .init("citation?", "How to cite it."), .init("url?", "A page about it."),
                    .init("creators?", "Names."), .init("keywords?", "Words."),
                    .init("responsible?", "Fields of RAI 1.0, such as dataBiases."),
                ])
            ) { request in
                let names = ["license", "citation", "url", "creators", "keywords", "responsible"]
                let body = try await request.json(allowed: Set(names + ["text"]))
                let facts = names.contains { body[$0] != nil } ? try DatasetFacts(body) : nil
                try await service.setCard(
                    request.parameter("name"), text: body.optionalString("text"), facts: facts, as: request.principal)
                return .json(try await service.card(request.parameter("name"), as: request.principal).json)
            },
        ]
    }

    // MARK: Columns

    private var columns: [Route] {
        let path = "/api/v1/datasets/{name}/columns"
        return [
            Route(.get, path, .signedIn, "What is said of a dataset's columns.") { request in
                let name = request.parameter("name")
                let marks = try await service.columnMarks(name, as: request.principal)
                return .json([
                    "items": .array(marks.map(\.json)),
                    "policy": .string(try await service.policy(name, as: request.principal).rawValue),
                ])
            },
            Route(
                .put, path + "/{column}", .governDatasets, "Marks a column.",
                body: .json([
                    .init("pii?", "none, indirect, direct or sensitive."), .init("kind?", "email, phone …"),
                    .init("description?", "What it means."), .init("unit?", "Its unit."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["pii", "kind", "description", "unit"])
                let pii = try body.optionalString("pii").map { text in
                    let known = ColumnMark.PII.allCases.map(\.rawValue)
                    guard let pii = ColumnMark.PII(rawValue: text) else {
                        throw SlipwayError.field(
                            "pii", "'\(text.prefix(40))' is not known\(NearestName.hint(text, in: known))",
                            expected: "one of \(known.joined(separator: ", "))")
                    }
                    return pii
                }
                let mark = try await service.mark(
                    request.parameter("name"), column: request.parameter("column"), pii: pii,
                    kind: body.optionalString("kind"), description: body.optionalString("description"),
                    unit: body.optionalString("unit"), as: request.principal)
                return .json(mark.json)
            },
            Route(
                .post, path + "/suggest", .signedIn, "Columns that look like personal data and have no mark.",
                query: [.init("version", "A version, tag or branch; the head of main by default.")]
            ) { request in
                let ref = Ref(.dataset, request.parameter("name"), selector: request.query("version"))
                return .json([
                    "items": .array(try await service.suggestMarks(ref, as: request.principal))
                ])
            },
            Route(
                .put, "/api/v1/datasets/{name}/policy", .governDatasets, "Who may read personal data.",
                body: .json([.init("pii", "open or restricted.")])
            ) { request in
                let text = try await request.json(allowed: ["pii"]).string("pii")
                guard let policy = PIIPolicy(rawValue: text) else {
                    throw SlipwayError.field("pii", "'\(text.prefix(40))' is not known", expected: "open or restricted")
                }
                try await service.setPolicy(request.parameter("name"), policy, as: request.principal)
                return .json(["pii": .string(policy.rawValue)])
            },
        ]
    }

    // MARK: OpenLineage

    private var openLineage: [Route] {
        let path = "/api/v1/openlineage"
        return [
            Route(
                .get, path, .signedIn, "How versions were made, as OpenLineage RunEvents, oldest first.",
                query: [
                    .init("after", "The 'last' of the previous page; 0 by default."), .init("limit", "At most 1000."),
                    .init("namespace", "\(Self.namespace) by default."),
                ]
            ) { request in
                let after = request.query("after") ?? "0"
                guard let sequence = Int64(after), sequence >= 0 else {
                    throw SlipwayError.field(
                        "after", "'\(after.prefix(40))' is not a place in the ledger", expected: "a number such as 120")
                }
                let limit = Int(request.query("limit") ?? "") ?? DatasetsService.openLineagePage
                let page = try await service.openLineage(
                    after: sequence, limit: min(max(1, limit), 1000),
                    namespace: request.query("namespace") ?? Self.namespace, as: request.principal)
                var fields: [String: JSONValue] = [
                    "items": .array(page.events), "last": .string(String(page.last)),
                ]
                if page.more { fields["next"] = .string(String(page.last)) }
                return .json(.object(fields))
            },
            Route(.get, path + "/targets", .exportLineage, "Servers that are sent every RunEvent.") { request in
                .json(["items": .array(try await service.openLineageTargets(as: request.principal).map(\.json))])
            },
            Route(
                .put, path + "/targets/{target}", .exportLineage, "Sends every RunEvent to a URL from now on.",
                body: .json([
                    .init("url", "Where OpenLineage events are taken: https://host/api/v1/lineage."),
                    .init("namespace?", "\(Self.namespace) by default."),
                    .init("from?", "now (default) or start: all that was made so far."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["url", "namespace", "from"])
                let from = try body.optionalString("from") ?? "now"
                guard ["now", "start"].contains(from) else {
                    throw SlipwayError.field("from", "'\(from.prefix(40))' is not known", expected: "now or start")
                }
                let target = try await service.setOpenLineageTarget(
                    request.parameter("target"), url: body.string("url"),
                    namespace: body.optionalString("namespace") ?? Self.namespace, fromStart: from == "start",
                    as: request.principal)
                return .json(target.json)
            },
            Route(.delete, path + "/targets/{target}", .exportLineage, "Stops sending to a URL.") { request in
                try await service.removeOpenLineageTarget(request.parameter("target"), as: request.principal)
                return .noContent
            },
        ]
    }
}
