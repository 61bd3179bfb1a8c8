import Core
import Web

/// HTTP in, HTTP out: what is done to many runs at once.
struct CareRoutes {
    let service: TrackingService

    private static let defaultDays = 30

    var routes: [Route] {
        [
            Route(
                .post, "/api/v1/runs/bulk", .writeRuns, "Changes all runs of a search, or says which it would change.",
                body: .json([
                    .init("experiments", "Ids."), .init("filter?", "A filter expression; all runs without one."),
                    .init("action", "set-tags, delete-tags, delete, restore, move or copy."),
                    .init("tags?", "For set-tags: text by key."), .init("keys?", "For delete-tags: a list."),
                    .init("to?", "For move and copy: an experiment's id."),
                    .init("preview?", "true: only counts."),
                ])
            ) { request in
                let body = try await request.json(
                    allowed: ["experiments", "filter", "action", "tags", "keys", "to", "preview"])
                var search = RunSearch(experiments: try body.strings("experiments"))
                search.filter = try Filter.parse(body.optionalString("filter") ?? "")
                let action = try Self.action(body)
                if case .restore = action { search.view = .deleted }
                return .json(
                    try await service.changeRuns(
                        search, action, preview: body.bool("preview", default: false), as: request.principal
                    ).json)
            },
            Route(
                .post, "/api/v1/runs/purge", .purgeRuns,
                "Removes for good what was deleted long ago: runs, logged models, experiments; by default only counts.",
                body: .json([
                    .init("olderThanDays?", "\(Self.defaultDays) by default."),
                    .init("project?", "Only of this one; all where you may by default."),
                    .init("preview?", "false: do it."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["olderThanDays", "project", "preview"])
                let days = try body.optionalDouble("olderThanDays") ?? Double(Self.defaultDays)
                guard days >= 0, days < 100_000 else {
                    throw SlipwayError.field("olderThanDays", "is \(days)", expected: "days from 0 on")
                }
                let outcome = try await service.purge(
                    deletedBefore: service.now.adding(seconds: -days * 86_400),
                    project: body.optionalString("project"), preview: body.bool("preview", default: true),
                    as: request.principal)
                return .json(outcome.json)
            },
            Route(
                .get, "/api/v1/experiment-folders", .readRuns,
                "What is in a folder of experiments: names with '/' are paths.",
                query: [.init("in", "The folder; the top by default.")]
            ) { request in
                let (folders, experiments) = try await service.experiments(
                    inFolder: request.query("in"), as: request.principal)
                return .json([
                    "folders": .array(folders.map(\.json)), "items": .array(experiments.map(\.json)),
                ])
            },
        ]
    }

    private static func action(_ body: JSONFields) throws -> BulkAction {
        switch try body.string("action") {
        case "set-tags": return .setTags(try body.stringMap("tags").map { KeyValue($0.key, $0.value) })
        case "delete-tags": return .deleteTags(try body.strings("keys"))
        case "delete": return .delete
        case "restore": return .restore
        case "move": return .move(to: try body.string("to"))
        case "copy": return .copy(to: try body.string("to"))
        case let other:
            throw SlipwayError.field(
                "action", "'\(other.prefix(40))' is not an action",
                expected: "set-tags, delete-tags, delete, restore, move or copy")
        }
    }
}
