import ArgumentParser
import Client
import CommandKit
import Core

public struct LabelCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "label", abstract: "Labels: schemas, tasks, annotations, review, agreement, publishing.",
        subcommands: [
            Schema.self, TaskGroup.self, Next.self, Submit.self, Skip.self, Undo.self, Items.self, Show.self,
            Review.self, Accept.self,
            Progress.self, Agreement.self, Prelabels.self, Prelabel.self, Publish.self, Orphans.self, Import.self,
            Export.self, Run.self,
        ])

    public init() {}

    static func path(_ task: String, _ rest: String = "") -> String {
        "/api/v1/label-tasks/\(percentEncode(task))\(rest)"
    }

    struct Schema: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What labels may say.", subcommands: [List.self, Show.self, Create.self])

        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "List the label schemas.")
            @OptionGroup var server: ClientOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let items = try await server.client().list(
                    "/api/v1/label-schemas", query: [("project", server.project)])
                try output.list(
                    items,
                    [
                        Column("Schema", "ref"), Column("Kind", "kind"), Column("Project", "project"),
                        Column("Author", "author"), Column("Created", "created"),
                    ])
            }
        }

        struct Show: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Show a label schema: its classes with their keys.")
            @Argument(help: "mood, or mood@2.") var name: String
            @OptionGroup var server: ClientOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let parts = name.split(separator: "@", maxSplits: 1).map(String.init)
                let schema = try await server.client().get(
                    "/api/v1/label-schemas/\(percentEncode(parts[0]))",
                    query: [("version", parts.count > 1 ? parts[1] : nil)])
                if output.json || output.yaml { return try output.object(schema) }
                Terminal.out("\(schema["ref"]?.stringValue ?? name), \(schema["kind"]?.stringValue ?? "")")
                try output.list(
                    schema["classes"]?.arrayValue ?? [],
                    [
                        Column("Class", "name"), Column("Key", "hotkey"), Column("Colour", "colour"),
                        Column("Id", "id"),
                        Column("About", "about"),
                    ], empty: "No classes.")
            }
        }

        struct Create: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Make a label schema, or its next version.",
                discussion: """
                    Examples:
                      slipway label schema create mood --kind class --class good --class bad
                      slipway label schema create parts --file parts.json
                    """)
            @Argument var name: String
            @Option(help: "class, multi-class, number, text, boxes, polygons, spans or ranges.") var kind: String?
            @Option(name: .customLong("class"), parsing: .singleValue, help: "A class. May be repeated.")
            var classes: [String] = []
            @Flag(help: "The classes rise in the order given.") var ordered = false
            @Option(help: "Of numbers: the least.") var minimum: Double?
            @Option(help: "Of numbers: the most.") var maximum: Double?
            @Option(help: "What annotators are told.") var instructions: String?
            @Option(help: "The whole definition as a JSON file.") var file: String?
            @OptionGroup var server: ClientOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                var body = try file.map { try JSONValue(parsing: TextFile.read($0)).objectValue ?? [:] } ?? [:]
                body["name"] = .string(name)
                body["project"] = .string(server.projectName)
                if let kind { body["kind"] = .string(kind) }
                if !classes.isEmpty { body["classes"] = JSONValue(classes) }
                if ordered { body["ordered"] = true }
                if let minimum { body["minimum"] = .number(minimum) }
                if let maximum { body["maximum"] = .number(maximum) }
                if let instructions { body["instructions"] = .string(instructions) }
                try output.object(try await server.client().post("/api/v1/label-schemas", .object(body)))
            }
        }
    }

    struct Next: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Get the next item of a task to label.")
        @Argument(help: "The task.") var task: String
        @Option(help: "How many to hold.") var count = 1
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await server.client().post(LabelCommand.path(task, "/next"), ["count": JSONValue(count)])
            try output.list(
                answer["items"]?.arrayValue ?? [],
                [
                    Column("Item", "item"), Column("Key", "key"), Column("Until", "leaseEnds"),
                    Column("Draft", "draft"),
                    Column("Comment", "comment"),
                ], empty: "Nothing left for you in \(task).")
        }
    }

    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Submit a label.",
            discussion: """
                Examples:
                  slipway label submit moods 17 good
                  slipway label submit cats 17 '[{"class": "cat", "x": 3, "y": 4, "width": 50, "height": 20}]'
                """)
        @Argument(help: "The task.") var task: String
        @Argument(help: "The item's number.") var item: Int
        @Argument(help: "A class, a number, text, or JSON.") var value: String
        @Option(help: "For the reviewer.") var comment: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = ["value": LabelCommand.value(value)]
            if let comment { body["comment"] = .string(comment) }
            try output.object(
                try await server.client().post(LabelCommand.path(task, "/items/\(item)/submit"), .object(body)))
        }
    }

    /// JSON where it is JSON of a list, an object or a number; else text as it stands.
    static func value(_ text: String) -> JSONValue {
        guard let first = text.unicodeScalars.first, "[{-0123456789\"".unicodeScalars.contains(first),
            let json = try? JSONValue(parsing: text)
        else { return .string(text) }
        return json
    }

    struct Skip: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Pass an item over; others get it.")
        @Argument(help: "The task.") var task: String
        @Argument(help: "The item's number.") var item: Int
        @Option(help: "Why.") var reason: String?
        @OptionGroup var server: ClientOptions

        func run() async throws {
            _ = try await server.client().post(
                LabelCommand.path(task, "/items/\(item)/skip"), reason.map { ["reason": .string($0)] } ?? [:])
        }
    }

    struct Undo: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take back what you did last in a task.")
        @Argument(help: "The task.") var task: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { try output.object(try await server.client().post(LabelCommand.path(task, "/undo"))) }
    }

    struct Items: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List a task's items.")
        @Argument(help: "The task.") var task: String
        @Option(help: "open, complete, accepted or corrected.") var state: String?
        @Option(help: "At most so many.") var limit = 50
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items = try await server.client().list(
                LabelCommand.path(task, "/items"), query: [("state", state)], limit: limit)
            try output.list(
                items,
                [
                    Column("Item", "item"), Column("Key", "key"), Column("State", "state"), Column("Votes", "votes"),
                    Column("Free", "slots"), Column("For", "assignee"), Column("Label", "final.value"),
                ])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show an item: its row, its annotations, its history.")
        @Argument(help: "The task.") var task: String
        @Argument(help: "The item's number.") var item: Int
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let client = server.client()
            let path = LabelCommand.path(task, "/items/\(item)")
            let found = try await client.get(path)
            let history = try await client.get(path + "/history")["items"] ?? []
            if output.json || output.yaml {
                var all = found.objectValue ?? [:]
                all["history"] = history
                return try output.object(.object(all))
            }
            try output.object(try await client.get(path + "/row")["row"] ?? [:])
            Terminal.out("")
            try output.list(
                found["annotations"]?.arrayValue ?? [],
                [
                    Column("Annotator", "annotator"), Column("State", "state"), Column("Label", "value"),
                    Column("At", "at"), Column("Seconds", "seconds"), Column("Comment", "comment"),
                ], empty: "No annotations yet.")
            Terminal.out("")
            try output.list(
                history.arrayValue ?? [],
                [
                    Column("Time", "time"), Column("Who", "actor"), Column("Did", "action"),
                    Column("About", "annotator"),
                    Column("Label", "value"),
                ], empty: "Nothing has happened yet.")
        }
    }

    struct Accept: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Accept what annotators agree on, in all complete items at once.",
            discussion: """
                What they do not agree on is left for 'slipway label review'.
                Example: slipway label accept moods --agreement 0.66
                """)
        @Argument(help: "The task.") var task: String
        @Option(help: "The share of an item's annotations that must say the same; 1 is all.") var agreement = 1.0
        @Option(help: "Why.") var comment: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = ["agreement": .number(agreement)]
            if let comment { body["comment"] = .string(comment) }
            let answer = try await server.client().post(
                LabelCommand.path(task, "/accept"), .object(body), timeoutSeconds: 3600)
            if output.json || output.yaml { return try output.object(answer) }
            func shown(_ name: String) -> String { Column.shown(answer[name] ?? .null) }
            Terminal.out("\(shown("accepted")) accepted; \(shown("left")) complete items are left to review.")
        }
    }

    struct Review: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Accept, reject, correct or reopen an item's label.",
            discussion: "Example: slipway label review moods 17 accept --annotator bo")
        @Argument(help: "The task.") var task: String
        @Argument(help: "The item's number.") var item: Int
        @Argument(help: "accept, reject, correct or reopen.") var decision: String
        @Option(help: "Whose annotation.") var annotator: String?
        @Option(help: "Of a correction: the label.") var value: String?
        @Option(help: "Why.") var comment: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = ["decision": .string(decision)]
            if let annotator { body["annotator"] = .string(annotator) }
            if let value { body["value"] = LabelCommand.value(value) }
            if let comment { body["comment"] = .string(comment) }
            try output.object(
                try await server.client().post(LabelCommand.path(task, "/items/\(item)/review"), .object(body)))
        }
    }
}
