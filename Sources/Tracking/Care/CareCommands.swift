import ArgumentParser
import Client
import CommandKit
import Core

extension RunCommand {
    struct Bulk: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change all runs of a search: tag, delete, restore, move, copy.",
            discussion:
                "Example: slipway run bulk --experiment restock --filter 'metrics.rmse > 1' --delete --preview")
        @Option(parsing: .singleValue, help: "An experiment's id or name; may be repeated.")
        var experiment: [String]
        @Option(help: "A filter expression; all runs without one.") var filter: String?
        @Option(parsing: .singleValue, help: "Set a tag: key=value. May be repeated.") var setTag: [String] = []
        @Option(parsing: .singleValue, help: "Take a tag away. May be repeated.") var deleteTag: [String] = []
        @Flag(help: "Delete them; they can be restored until they are purged.") var delete = false
        @Flag(help: "Restore deleted ones.") var restore = false
        @Option(help: "Move them to an experiment, by id or name.") var moveTo: String?
        @Option(help: "Copy them to an experiment, by id or name.") var copyTo: String?
        @Flag(help: "Only say how many it would be.") var preview = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            let actions = [!setTag.isEmpty, !deleteTag.isEmpty, delete, restore, moveTo != nil, copyTo != nil]
            guard actions.count(where: { $0 }) == 1 else {
                throw ValidationError(
                    "Name one of --set-tag, --delete-tag, --delete, --restore, --move-to and --copy-to.")
            }
        }

        func run() async throws {
            let client = server.client()
            func id(_ name: String) async throws -> JSONValue {
                try await client.get("/api/v1/experiments/\(percentEncode(name))")["id"] ?? .null
            }
            var body: [String: JSONValue] = ["filter": JSONValue(filter), "preview": .bool(preview)]
            var ids: [JSONValue] = []
            for name in experiment { ids.append(try await id(name)) }
            body["experiments"] = .array(ids)
            if !setTag.isEmpty {
                body["action"] = "set-tags"
                body["tags"] = JSONValue(
                    try setTag.reduce(into: [String: String]()) { tags, text in
                        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                        guard parts.count == 2 else { throw ValidationError("--set-tag takes key=value.") }
                        tags[String(parts[0])] = String(parts[1])
                    })
            } else if !deleteTag.isEmpty {
                (body["action"], body["keys"]) = ("delete-tags", JSONValue(deleteTag))
            } else if let target = moveTo ?? copyTo {
                (body["action"], body["to"]) = (moveTo == nil ? "copy" : "move", try await id(target))
            } else {
                body["action"] = delete ? "delete" : "restore"
            }
            try output.object(try await client.post("/api/v1/runs/bulk", .object(body), timeoutSeconds: 7200))
        }
    }

    struct Purge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove for good what was deleted long ago. Without --yes it only counts.",
            discussion: "Example: slipway run purge --older-than-days 90 --yes")
        @Option(help: "Only what was deleted so many days ago (default: 30).") var olderThanDays: Double?
        @Flag(help: "Do it.") var yes = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.object(
                try await server.client().post(
                    "/api/v1/runs/purge",
                    [
                        "olderThanDays": olderThanDays.map { JSONValue($0) } ?? .null,
                        "project": JSONValue(server.project), "preview": .bool(!yes),
                    ], timeoutSeconds: 7200))
        }
    }
}

extension ExperimentCommand {
    struct Tree: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What is in a folder of experiments: names with '/' are paths.",
            discussion: "Example: slipway experiment tree team/restock")
        @Argument(help: "The folder; the top by default.") var folder: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let found = try await server.client().get("/api/v1/experiment-folders", query: [("in", folder)])
            if output.json || output.yaml { return try output.object(found) }
            let folders = (found["folders"]?.arrayValue ?? []).map { item -> JSONValue in
                ["name": .string((item["path"]?.stringValue ?? "") + "/"), "experiments": item["experiments"] ?? .null]
            }
            try output.list(
                folders + (found["items"]?.arrayValue ?? []),
                [Column("Name", "name"), Column("Id", "id"), Column("Experiments", "experiments")])
        }
    }
}
