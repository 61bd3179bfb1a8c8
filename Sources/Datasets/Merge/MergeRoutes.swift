import Core
import Web

/// HTTP in, HTTP out: diffs and merges.
struct MergeRoutes {
    let service: DatasetsService

    var routes: [Route] { [diff] + merging + resolving }

    /// Many resolutions at once are long.
    private static let resolutionsMaximumBytes = 16 << 20

    private var diff: Route {
        Route(
            .get, "/api/v1/datasets/{name}/diff", .signedIn,
            "Two versions side by side: schema, rows, cells, labels, statistics; with 'kind', the rows themselves.",
            query: [
                .init("from", "A version, tag or branch."), .init("to", "A version, tag or branch."),
                .init(
                    "key", "Columns that identify a row, with commas; the dataset's by default, 'none' for multisets."),
                .init("kind", "added, removed, changed or all: lists those rows, by key."),
                .init("statistics", "false leaves the comparison of profiles out."),
            ] + VersionsRoutes.paging
        ) { request in
            guard let from = request.query("from"), let to = request.query("to"), !from.isEmpty, !to.isEmpty else {
                throw SlipwayError.field(
                    "from, to", "are not two versions", expected: "?from=3&to=4, or tags or branches")
            }
            let key = request.query("key").map { text in
                text == "none" ? [] : text.split(separator: ",").map(String.init)
            }
            let name = request.parameter("name")
            if let text = request.query("kind") {
                let kind = RowChange.Kind(rawValue: text)
                guard kind != nil || text == "all" else {
                    throw SlipwayError.field(
                        "kind", "'\(text.prefix(40))' is not a kind", expected: "added, removed, changed or all")
                }
                return .page(
                    try await service.rowChanges(
                        name, from: from, to: to, key: key, kind: kind, request.page(), as: request.principal), \.json)
            }
            return .json(
                try await service.diff(
                    name, from: from, to: to, key: key, hasStatistics: request.query("statistics") != "false",
                    as: request.principal
                ).json)
        }
    }

    private var merging: [Route] {
        [
            Route(
                .post, "/api/v1/datasets/{name}/merge", .writeDatasets,
                "Merges a version into a branch, by key, cell by cell.",
                body: .json([
                    .init("from", "A branch, tag or version."), .init("into?", "A branch; main by default."),
                    .init("key?", "Columns that identify a row; the dataset's by default."),
                    .init("rule?", "For all conflicts: ours, theirs, newest, annotator-rank, majority, filled."),
                    .init("ranks?", "Of annotator-rank: names, the first counts most."),
                    .init("rules?", "By column: {\"label\": \"newest\"}."),
                    .init("by?", "cell (default) or row: two changes of one row conflict."),
                    .init("message?", "Why."), .init("trial?", "true: only says what would come of it."),
                ])
            ) { request in
                let outcome = try await service.merge(Self.merge(request), as: request.principal)
                return .json(outcome.json, status: outcome.state == .merged ? 201 : 200)
            },
            Route(
                .get, "/api/v1/datasets/{name}/merges", .signedIn, "The merges of a dataset that met conflicts.",
                query: VersionsRoutes.paging
            ) { request in
                .page(
                    try await service.merges(
                        of: request.parameter("name"), request.page(), as: request.principal), \.json)
            },
            Route(.get, "/api/v1/merges/{id}", .signedIn, "One merge.") { request in
                .json(try await service.merge(request.parameter("id"), as: request.principal).json)
            },
        ]
    }

    private var resolving: [Route] {
        [
            Route(
                .get, "/api/v1/merges/{id}/conflicts", .signedIn,
                "Conflicts by key: base, ours, theirs, and who made which.",
                query: [
                    .init("column", "Only of this column."), .init("state", "open or decided."),
                ] + VersionsRoutes.paging
            ) { request in
                let isOpen: Bool?
                switch request.query("state") {
                case nil: isOpen = nil
                case "open": isOpen = true
                case "decided": isOpen = false
                case let other?:
                    throw SlipwayError.field(
                        "state", "'\(other.prefix(40))' is not a state", expected: "open or decided")
                }
                return .page(
                    try await service.conflicts(
                        of: request.parameter("id"), column: request.query("column"), isOpen: isOpen, request.page(),
                        as: request.principal), { $0 })
            },
            Route(
                .post, "/api/v1/merges/{id}/resolutions", .writeDatasets, "Decides conflicts.",
                body: .json([
                    .init(
                        "resolutions",
                        "A list of {id or key, column?, take: ours|theirs|base|open} or {id or key, column, value} or {rule, column?, ranks?}."
                    )
                ])
            ) { request in
                let bytes = try await request.bytes(maximumBytes: Self.resolutionsMaximumBytes)
                let body = try JSONValue(parsing: bytes)
                // The list alone will do.
                let list = try body.arrayValue ?? JSONFields(body, allowed: ["resolutions"]).array("resolutions")
                guard !list.isEmpty else {
                    throw SlipwayError.field("resolutions", "is empty", expected: "a list of decisions")
                }
                return .json(
                    try await service.resolve(
                        request.parameter("id"), list.map { try MergeResolution($0) }, as: request.principal
                    ).json)
            },
            Route(
                .post, "/api/v1/merges/{id}/commit", .writeDatasets, "Makes the merged version.",
                body: .json([.init("message?", "Why.")])
            ) { request in
                let body = try await request.json(allowed: ["message"])
                let (merge, version) = try await service.commitMerge(
                    request.parameter("id"), message: body.optionalString("message"), as: request.principal)
                return .json(["merge": merge.json, "version": version.json], status: 201)
            },
            Route(.delete, "/api/v1/merges/{id}", .writeDatasets, "Gives a merge up.") { request in
                try await service.abandonMerge(request.parameter("id"), as: request.principal)
                return .json([:])
            },
        ]
    }

    private static func merge(_ request: Request) async throws -> MergeRequest {
        let body = try await request.json(allowed: [
            "from", "into", "key", "rule", "ranks", "rules", "by", "message", "trial",
        ])
        var merge = MergeRequest(dataset: request.parameter("name"), from: try body.string("from"))
        merge.into = try body.optionalString("into") ?? Dataset.mainBranch
        if let key = body["key"], !key.isNull { merge.key = try body.strings("key") }
        merge.message = try body.optionalString("message") ?? ""
        merge.isTrial = try body.bool("trial", default: false)
        if let by = try body.optionalString("by") {
            guard let granularity = MergeLayout.Granularity(rawValue: by) else {
                throw SlipwayError.field("by", "'\(by.prefix(40))' is not known", expected: "cell or row")
            }
            merge.granularity = granularity
        }
        // What is said of a column comes before what is said of all.
        merge.rules = try body.object("rules").sorted { $0.key < $1.key }.map { try MergeRule($1, column: $0) }
        if let rule = try body.optionalString("rule") {
            merge.rules.append(
                try MergeRule(MergeRule.kind(rule), ranks: body["ranks"] == nil ? [] : body.strings("ranks")))
        }
        return merge
    }
}
