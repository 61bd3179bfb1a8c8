import ArgumentParser
import Client
import CommandKit
import Core

public struct SliceCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "slice", abstract: "Slices: named, versioned queries over datasets.",
        subcommands: [List.self, Show.self, Create.self, Split.self, Leakage.self])

    public init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the slices.")
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await server.client().get("/api/v1/slices", query: [("project", server.project)])
            try output.list(
                answer["items"]?.arrayValue ?? [],
                [
                    Column("Slice", "ref"), Column("Over", "over"), Column("What", "summary"),
                    Column("Owner", "owner"), Column("About", "description"),
                ])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a slice, and how many rows it has now.", discussion: "Example: slipway slice show weekend")
        @Argument(help: "A slice's name.") var name: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let client = try server.client()
            let path = "/api/v1/slices/\(percentEncode(name))"
            var fields = try await client.get(path).objectValue ?? [:]
            do { fields["size"] = try await client.get(path + "/size") } catch let error as SlipwayError
                where error.code == .invalid
            {
                fields["problem"] = .string(error.message)
            }
            try output.object(.object(fields))
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Name a slice, or make its next version.",
            discussion: """
                Examples:
                  slipway slice create weekend sales --where "dayofweek(day) IN (0, 6)"
                  slipway slice create hot-weekend slice:weekend --filter "store = '31'"
                  slipway slice create missed sales --wrong dataset:scored --prediction units_hat --truth units --tolerance 2
                """)
        @Argument var name: String
        @Argument(help: "A dataset's name, or the ref of a dataset or slice.") var over: String
        @Option(name: .customLong("where"), help: "A condition in SQL.") var condition: String?
        @Option(help: "A filter: price > 2 AND store = '31'.") var filter: String?
        @Option(help: "The rows that a model got wrong: a dataset with its predictions.") var wrong: String?
        @Option(help: "With --wrong: the column with the prediction.") var prediction: String?
        @Option(help: "With --wrong: the column with what was right.") var truth: String?
        @Option(
            parsing: .singleValue, help: "With --wrong: a column of the key (default: the dataset's). May be repeated.")
        var key: [String] = []
        @Option(help: "With --wrong: how far off is still right.") var tolerance: Double?
        @Option(help: "What it is.") var about = ""
        @Option(help: "What it is for.") var purpose = ""
        @Option(help: "Whose it is (default: you).") var owner: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = [
                "name": .string(name), "over": .string(try overRef(over)), "description": .string(about),
                "purpose": .string(purpose),
            ]
            if let condition { body["where"] = .string(condition) }
            if let filter { body["filter"] = .string(filter) }
            if let owner { body["owner"] = .string(owner) }
            if let wrong {
                guard let prediction, let truth else {
                    throw SlipwayError.field(
                        "wrong", "needs --prediction and --truth", expected: "the names of two columns")
                }
                body["wrong"] = [
                    "predictions": .string(wrong), "prediction": .string(prediction), "truth": .string(truth),
                    "key": JSONValue(key), "tolerance": tolerance.map { JSONValue($0) } ?? .null,
                ]
            }
            try output.object(try await server.client().post("/api/v1/slices", .object(body)))
        }
    }

    struct Split: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make slices that divide the rows: PREFIX-PART each.",
            discussion: """
                Examples:
                  slipway slice split sales sales --part train=0.8 --part test=0.2 --unit household_id --seed 7
                  slipway slice split sales sales --kind stratified --by store --part train=0.8 --part test=0.2
                  slipway slice split sales sales --kind time --time day --part train --part test --at 2017-10-01
                """)
        @Argument(help: "What the slices' names begin with.") var prefix: String
        @Argument(help: "A dataset's name, or the ref of a dataset or slice.") var over: String
        @Option(help: "random, stratified or time.") var kind = "random"
        @Option(parsing: .singleValue, help: "NAME=SHARE, as in train=0.8. May be repeated.") var part: [String] = []
        @Option(help: "Another seed gives another division.") var seed = 0
        @Option(parsing: .singleValue, help: "Of stratified: a column whose values are strata. May be repeated.")
        var by: [String] = []
        @Option(parsing: .singleValue, help: "Of random: rows with the same value here stay together. May be repeated.")
        var unit: [String] = []
        @Option(help: "Of time: the column.") var time: String?
        @Option(parsing: .singleValue, help: "Of time: where the second, third … part begins. May be repeated.")
        var at: [String] = []
        @Option(help: "What they are for.") var purpose = ""
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let parts = try part.map { text -> JSONValue in
                let pair = text.split(separator: "=", maxSplits: 1).map(String.init)
                guard pair.count == 2 else { return ["name": .string(text)] }
                guard let share = Double(pair[1]) else {
                    throw SlipwayError.field("part", "'\(text)' has no share", expected: "NAME=SHARE, as in train=0.8")
                }
                return ["name": .string(pair[0]), "fraction": JSONValue(share)]
            }
            let answer = try await server.client().post(
                "/api/v1/slices/split",
                [
                    "prefix": .string(prefix), "over": .string(try overRef(over)), "purpose": .string(purpose),
                    "split": [
                        "kind": .string(kind), "parts": .array(parts), "seed": JSONValue(seed), "by": JSONValue(by),
                        "unit": JSONValue(unit), "time": JSONValue(time), "at": JSONValue(at),
                    ],
                ])
            try output.list(
                answer["items"]?.arrayValue ?? [],
                [Column("Slice", "ref"), Column("Over", "over"), Column("What", "summary")])
        }
    }

    struct Leakage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look for what a test split should not share with a training split.",
            discussion:
                "Example: slipway slice leakage slice:sales-train slice:sales-test --key household_id --time day")
        @Argument(help: "What is learned from.") var left: String
        @Argument(help: "What is tested on.") var right: String
        @Option(parsing: .singleValue, help: "A column that must not be shared. May be repeated.") var key: [String] =
            []
        @Option(help: "A column of text to look for near-duplicates in.") var text: String?
        @Option(help: "A column of times: all of LEFT should be before RIGHT.") var time: String?
        @Option(parsing: .singleValue, help: "A column that does not count when rows are compared. May be repeated.")
        var ignore: [String] = []
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await server.client().post(
                "/api/v1/slices/leakage",
                [
                    "left": .string(try overRef(left)), "right": .string(try overRef(right)), "key": JSONValue(key),
                    "text": JSONValue(text), "time": JSONValue(time), "ignore": JSONValue(ignore),
                ])
            if output.json || output.yaml { return try output.object(answer) }
            try output.list(
                answer["checks"]?.arrayValue ?? [],
                [
                    Column("Check", "check"), Column("Columns", "columns"), Column("Rows", "rows"),
                    Column("Verdict", "verdict"), Column("Examples", "examples"),
                ])
        }
    }
}

/// A bare name is a dataset.
private func overRef(_ text: String) throws -> String {
    try (text.contains(":") ? Ref(parsing: text) : Ref(parsing: "dataset:" + text)).description
}
