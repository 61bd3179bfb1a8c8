import Core
import Web

/// HTTP in, HTTP out: deletion and retention.
struct RetentionRoutes {
    let service: DatasetsService

    private static let deleteQuery: [Route.Parameter] = [
        .init("dryRun", "true (default): only says what it would free."),
        .init("force", "true: also what registered models were made from; takes the owner's role."),
    ]

    var routes: [Route] {
        let base = "/api/v1/datasets/{name}"
        return [
            Route(
                .delete, base + "/versions/{version}", .deleteDatasets,
                "Gives up a version's files; its record and lineage stay.", query: Self.deleteQuery
            ) { request in
                .json(
                    try await service.deleteVersion(
                        VersionsRoutes.ref(request), dryRun: Self.flag(request, "dryRun", default: true),
                        force: Self.flag(request, "force", default: false), as: request.principal
                    ).json)
            },
            Route(
                .delete, base, .deleteDatasets, "Gives up a dataset: all versions, branches, tags and its name.",
                query: Self.deleteQuery
            ) { request in
                .json(
                    try await service.deleteDataset(
                        request.parameter("name"), dryRun: Self.flag(request, "dryRun", default: true),
                        force: Self.flag(request, "force", default: false), as: request.principal
                    ).json)
            },
            Route(.get, base + "/retention", .signedIn, "Which versions are kept.") { request in
                let rule = try await service.retention(request.parameter("name"), as: request.principal)
                return .json(["rule": rule?.json ?? .null])
            },
            Route(
                .put, base + "/retention", .deleteDatasets, "Says which versions are kept; deletes nothing yet.",
                body: .json([
                    .init("keepLast?", "The newest so many of each branch."),
                    .init("keepDays?", "Those made within so many days."),
                    .init("keepTagged?", "Those that a tag names; true by default."),
                    .init("automatic?", "Whether the server applies it once a day; false by default."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["keepLast", "keepDays", "keepTagged", "automatic"])
                let rule = try RetentionRule(
                    keepLast: body.optionalInt("keepLast"), keepDays: body.optionalInt("keepDays"),
                    keepTagged: body.bool("keepTagged", default: true),
                    isAutomatic: body.bool("automatic", default: false))
                try await service.setRetention(request.parameter("name"), rule, as: request.principal)
                return .json(["rule": rule.json])
            },
            Route(.delete, base + "/retention", .deleteDatasets, "Keeps all versions again.") { request in
                try await service.setRetention(request.parameter("name"), nil, as: request.principal)
                return .json([:])
            },
            Route(
                .post, base + "/retention/apply", .deleteDatasets,
                "Deletes the versions that the rule does not keep, or says what that would free.",
                body: .json([.init("dryRun?", "true (default): deletes nothing.")])
            ) { request in
                let body = try await request.json(allowed: ["dryRun"])
                return .json(
                    try await service.applyRetention(
                        request.parameter("name"), dryRun: body.bool("dryRun", default: true), as: request.principal
                    ).json)
            },
        ]
    }

    private static func flag(_ request: Request, _ name: String, default value: Bool) throws -> Bool {
        switch request.query(name) {
        case nil: value
        case "true": true
        case "false": false
        case let text?:
            throw SlipwayError.field(name, "'\(text.prefix(20))' is neither", expected: "true or false")
        }
    }
}
