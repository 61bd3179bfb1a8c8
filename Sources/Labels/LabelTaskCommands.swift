import ArgumentParser
import Client
import CommandKit
import Core

extension LabelCommand {
    struct TaskGroup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "task", abstract: "Which rows are labelled, by whom, how often.",
            subcommands: [List.self, Show.self, Create.self, Set.self, Extend.self, Order.self, Assign.self])

        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "List the label tasks.")
            @Option(help: "open, paused or closed.") var state: String?
            @OptionGroup var server: ClientOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let items = try await server.client().list(
                    "/api/v1/label-tasks", query: [("project", server.project), ("state", state)])
                try output.list(
                    items,
                    [
                        Column("Task", "name"), Column("Over", "over"), Column("Schema", "schema"),
                        Column("State", "state"),
                        Column("Items", "items"), Column("Complete", "complete"), Column("Reviewed", "reviewed"),
                    ])
            }
        }

        struct Show: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Show a label task.")
            @Argument var task: String
            @OptionGroup var server: ClientOptions
            @OptionGroup var output: OutputOptions

            func run() async throws { try output.object(try await server.client().get(LabelCommand.path(task))) }
        }

        struct Create: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Make a label task over a dataset version or a slice.",
                discussion: """
                    Examples:
                      slipway label task create moods --over dataset:reviews@3 --schema mood --overlap 2
                      slipway label task create odd --over slice:odd --schema mood --sample 500 --seed 1
                    """)
            @Argument(help: "The task's name.") var task: String
            @Option(help: "dataset:reviews@3 or slice:odd.") var over: String
            @Option(help: "A label schema: mood or label-schema:mood@1.") var schema: String
            @Option(help: "The label's column (default: the schema's name).") var column: String?
            @Option(parsing: .singleValue, help: "A column that identifies a row. May be repeated.") var key: [String] =
                []
            @Option(help: "Of spans: the column with the text; of ranges: with the values.") var content: String?
            @Option(parsing: .singleValue, help: "Of boxes and polygons: width, then height, as columns or numbers.")
            var size: [String] = []
            @Option(help: "Only so many rows, drawn by chance.") var sample: Int?
            @Option(help: "Of the sample and the random order.") var seed = 0
            @Option(help: "original, random, entropy, margin, confidence or disagreement.") var order = "original"
            @Option(help: "How many people label each item.") var overlap = 1
            @Option(help: "How long an item is kept for who got it.") var leaseSeconds = 1800
            @Option(parsing: .singleValue, help: "Who may annotate: name or name=rank. May be repeated.")
            var annotator: [String] = []
            @Option(parsing: .singleValue, help: "One more reviewer. May be repeated.") var reviewer: [String] = []
            @Flag(help: "Do not show annotators what models said.") var blind = false
            @Option(help: "majority or rank.") var rule = "majority"
            @OptionGroup var server: ClientOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                var body: [String: JSONValue] = [
                    "name": .string(task), "over": .string(over), "schema": .string(schema), "key": JSONValue(key),
                    "size": .array(size.map { LabelCommand.value($0) }),
                    "select": [
                        "sample": sample.map { JSONValue($0) } ?? .null, "seed": JSONValue(seed),
                        "order": .string(order),
                    ],
                    "overlap": JSONValue(overlap), "leaseSeconds": JSONValue(leaseSeconds),
                    "annotators": try LabelCommand.ranks(annotator), "reviewers": JSONValue(reviewer),
                    "showPrelabels": .bool(!blind), "rule": .string(rule),
                ]
                if let column { body["column"] = .string(column) }
                if let content { body["content"] = .string(content) }
                try output.object(try await server.client().post("/api/v1/label-tasks", .object(body)))
            }
        }

        struct Set: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Change a task.", discussion: "Example: slipway label task set moods --state paused")
            @Argument var task: String
            @Option(help: "open, paused or closed.") var state: String?
            @Option(help: "How many people label each item; only more.") var overlap: Int?
            @Option(parsing: .singleValue, help: "Who may annotate: name or name=rank. May be repeated.")
            var annotator: [String] = []
            @Option(parsing: .singleValue, help: "Reviewers. May be repeated.") var reviewer: [String] = []
            @Option(help: "majority or rank.") var rule: String?
            @Option(help: "Another version of the same schema.") var schemaVersion: Int?
            @OptionGroup var server: ClientOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                var body: [String: JSONValue] = [:]
                if let state { body["state"] = .string(state) }
                if let overlap { body["overlap"] = JSONValue(overlap) }
                if !annotator.isEmpty { body["annotators"] = try LabelCommand.ranks(annotator) }
                if !reviewer.isEmpty { body["reviewers"] = JSONValue(reviewer) }
                if let rule { body["rule"] = .string(rule) }
                if let schemaVersion { body["schemaVersion"] = JSONValue(schemaVersion) }
                try output.object(
                    try await server.client().send("PATCH", LabelCommand.path(task), body: .object(body)))
            }
        }

        struct Extend: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Add items for the rows that came since a task was made.",
                discussion: "Example: slipway label task extend moods --over dataset:reviews@5")
            @Argument var task: String
            @Option(help: "A version or slice of its dataset (default: the newest of what it was made over).")
            var over: String?
            @OptionGroup var server: ClientOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                var body: [String: JSONValue] = [:]
                if let over { body["over"] = .string(over) }
                let answer = try await server.client().post(
                    LabelCommand.path(task, "/extend"), .object(body), timeoutSeconds: 3600)
                if output.json || output.yaml { return try output.object(answer) }
                func shown(_ name: String) -> String { Column.shown(answer["task"]?[name] ?? .null) }
                Terminal.out(
                    "\(Column.shown(answer["added"] ?? .null)) items added; \(task) has \(shown("items")) over \(shown("over"))."
                )
            }
        }

        struct Order: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Put a task's items into another order.",
                discussion: "Example: slipway label task order moods entropy")
            @Argument var task: String
            @Argument(help: "original, random, entropy, margin, confidence or disagreement.") var order: String
            @Option(help: "Of random.") var seed = 0
            @OptionGroup var server: ClientOptions

            func run() async throws {
                _ = try await server.client().post(
                    LabelCommand.path(task, "/order"), ["order": .string(order), "seed": JSONValue(seed)])
            }
        }

        struct Assign: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Make items somebody's own: only they get them.",
                discussion: "Example: slipway label task assign moods bo --count 200")
            @Argument var task: String
            @Argument(help: "Who; nobody makes them everybody's again.") var annotator: String?
            @Option(parsing: .singleValue, help: "An item's number. May be repeated.") var item: [Int] = []
            @Option(help: "The next so many that are nobody's.") var count: Int?
            @OptionGroup var server: ClientOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                var body: [String: JSONValue] = ["items": .array(item.map { JSONValue($0) })]
                if let annotator { body["annotator"] = .string(annotator) }
                if let count { body["count"] = JSONValue(count) }
                try output.object(try await server.client().post(LabelCommand.path(task, "/assign"), .object(body)))
            }
        }
    }

    /// `bo` and `bo=2`.
    static func ranks(_ texts: [String]) throws -> JSONValue {
        var ranks: [String: JSONValue] = [:]
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard let rank = parts.count == 2 ? Int64(parts[1]) : 1 else {
                throw SlipwayError.field("annotator", "'\(text.prefix(40))' has no rank", expected: "name=2")
            }
            ranks[parts[0]] = .int(rank)
        }
        return .object(ranks)
    }

    struct Progress: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show how far a task is, in all and by annotator.")
        @Argument(help: "The task.") var task: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let progress = try await server.client().get(LabelCommand.path(task, "/progress"))
            if output.json || output.yaml { return try output.object(progress) }
            func number(_ name: String) -> String { Column.shown(progress[name] ?? .null) }
            Terminal.out(
                "\(task): \(number("complete")) complete and \(number("reviewed")) reviewed of \(number("items")) items; \(number("annotations")) of \(number("wanted")) annotations."
            )
            try output.list(
                progress["annotators"]?.arrayValue ?? [],
                [
                    Column("Annotator", "annotator"), Column("Submitted", "submitted"), Column("Skipped", "skipped"),
                    Column("Accepted", "accepted"), Column("Rejected", "rejected"),
                    Column("Seconds an item", "secondsPerItem"), Column("Last", "last"),
                ], empty: "Nobody has begun.")
        }
    }

    struct Agreement: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show how far the annotators of a task agree.")
        @Argument(help: "The task.") var task: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let report = try await server.client().get(LabelCommand.path(task, "/agreement"))
            if output.json || output.yaml { return try output.object(report) }
            Terminal.out("\(Column.shown(report["items"] ?? .null)) items that more than one person labelled")
            for name in ["krippendorff", "krippendorffByClass", "fleiss"] {
                for (part, value) in (report[name]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key })
                where !value.isNull {
                    Terminal.out("\(name) \(part): \(Column.shown(value))")
                }
            }
            let hasShapes = report["pairs"]?.arrayValue?.first?["f1"] != nil
            let measures =
                hasShapes
                ? [Column("F1 at 0.5", "f1"), Column("Exact F1", "exactF1"), Column("Mean IoU", "meanIoU")]
                : [Column("Same", "same"), Column("Kappa", "kappa")]
            try output.list(
                report["pairs"]?.arrayValue ?? [],
                [Column("A", "a"), Column("B", "b"), Column("Items", "items")] + measures,
                empty: "No two people have labelled the same item yet.")
        }
    }

    struct Prelabels: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Note what a model says about a task's items, from a file of JSON lines.",
            discussion: """
                A line: {"key": "img/1.png", "value": "cat", "score": 0.7} or {"key": 3, "probabilities": {"cat": 0.7, "dog": 0.3}}
                Example: slipway label prelabels moods predictions.jsonl --model model:mood@3
                """)
        @Argument(help: "The task.") var task: String
        @Argument(help: "The file.") var file: String
        @Option(help: "The model's version.") var model: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.object(
                try await server.client().upload(
                    "POST", LabelCommand.path(task, "/prelabels"), query: [("model", model)], file: file,
                    contentType: "application/x-ndjson"))
        }
    }

    struct Prelabel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask an endpoint about all items that its model has not labelled yet.",
            discussion: "Example: slipway label prelabel moods --endpoint mood")
        @Argument(help: "The task.") var task: String
        @Option(help: "The endpoint.") var endpoint: String
        @Option(parsing: .singleValue, help: "A column of the dataset, in the model's order. May be repeated.")
        var column: [String] = []
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = ["endpoint": .string(endpoint)]
            if !column.isEmpty { body["columns"] = JSONValue(column) }
            try output.object(
                try await server.client().post(
                    LabelCommand.path(task, "/prelabel"), .object(body), timeoutSeconds: 3600))
        }
    }

    struct Publish: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the labels columns of a new version: NAME, NAME_by, NAME_at, NAME_votes.",
            discussion: "Example: slipway label publish moods --branch labelled")
        @Argument(help: "The task.") var task: String
        @Option(help: "The branch.") var branch = "main"
        @Option(help: "complete, reviewed or any.") var include = "complete"
        @Option(help: "majority or rank (default: the task's).") var rule: String?
        @Option(help: "The label's column (default: the task's).") var column: String?
        @Option(help: "Why.") var message: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = ["branch": .string(branch), "include": .string(include)]
            if let rule { body["rule"] = .string(rule) }
            if let column { body["column"] = .string(column) }
            if let message { body["message"] = .string(message) }
            let answer = try await server.client().post(
                LabelCommand.path(task, "/publish"), .object(body), timeoutSeconds: 3600)
            if output.json || output.yaml { return try output.object(answer) }
            let unchanged = answer["unchanged"] == true ? "unchanged: " : ""
            Terminal.out(
                "\(unchanged)\(Column.shown(answer["ref"] ?? .null)): \(Column.shown(answer["labels"] ?? .null)) labels, \(Column.shown(answer["orphans"] ?? .null)) without their row"
            )
        }
    }

    struct Orphans: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List labels whose row is not in the newest version of a branch.")
        @Argument(help: "The task.") var task: String
        @Option(help: "The branch.") var branch = "main"
        @Option(help: "At most so many keys.") var limit = 100
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await server.client().get(
                LabelCommand.path(task, "/orphans"), query: [("branch", branch), ("limit", String(limit))])
            if output.json || output.yaml { return try output.object(answer) }
            Terminal.out(
                "\(Column.shown(answer["orphans"] ?? .null)) labels have no row in \(Column.shown(answer["version"] ?? .null))"
            )
            for key in answer["keys"]?.arrayValue ?? [] { Terminal.out(Column.shown(key)) }
        }
    }
}
