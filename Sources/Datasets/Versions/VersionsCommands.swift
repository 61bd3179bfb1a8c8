import ArgumentParser
import Client
import CommandKit
import Core

public struct DataCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Datasets: versions, rows, profiles, differences.",
        subcommands: [
            List.self, Log.self, Show.self, Head.self, Profile.self, Diff.self, Append.self, Derive.self, Query.self,
            Create.self, Set.self, Branch.self, Tag.self, Add.self, Checkout.self, Push.self, Pull.self, Remove.self,
            Retain.self,
        ])

    public init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the datasets.")
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items = try await server.client().list("/api/v1/datasets", query: [("project", server.project)])
            try output.list(
                items,
                [
                    Column("Name", "name"), Column("Project", "project"), Column("Latest", "latest"),
                    Column("Created", "created"),
                ])
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an empty dataset.",
            discussion: "Example: slipway data create sales --key store --key day")
        @Argument var name: String
        @Option(help: "table or files.") var kind = "table"
        @Option(parsing: .singleValue, help: "A column that identifies a row, with the others. May be repeated.")
        var key: [String] = []
        @Option(help: "What it is.") var about = ""
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.object(
                try await server.client().post(
                    "/api/v1/datasets",
                    [
                        "name": .string(name), "project": .string(server.projectName), "kind": .string(kind),
                        "key": JSONValue(key), "description": .string(about),
                    ]))
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what identifies a row, or what a dataset is.",
            discussion: "Example: slipway data set sales --key store --key day")
        @Argument var name: String
        @Option(parsing: .singleValue, help: "A column that identifies a row, with the others. May be repeated.")
        var key: [String] = []
        @Option(help: "What it is.") var about: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = [:]
            if !key.isEmpty { body["key"] = JSONValue(key) }
            if let about { body["description"] = .string(about) }
            try output.object(
                try await server.client().send("PATCH", "/api/v1/datasets/\(percentEncode(name))", body: .object(body)))
        }
    }

    struct Log: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List a dataset's versions, newest first.")
        @Argument var name: String
        @Option(help: "Only the versions that led to this branch's head.") var branch: String?
        @Option(help: "At most so many.") var limit = 20
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items = try await server.client().list(
                "/api/v1/datasets/\(percentEncode(name))/versions", query: [("branch", branch)], limit: limit)
            try output.list(
                items,
                [
                    Column("Version", "ref"), Column("Branch", "branch"), Column("Rows", "rows"),
                    Column("Bytes", "sizeBytes"),
                    Column("Files", "files"), Column("Made by", "recipe.kind"),
                    Column("Created", "created"), Column("Message", "message"),
                ])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a version: schema, digest, recipe.",
            discussion: "Example: slipway data show dataset:sales@3")
        @Argument(help: "dataset:sales@3, dataset:sales or sales.") var ref: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { try output.object(try await server.client().get(Place(ref).path)) }
    }

    struct Head: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show rows.",
            discussion: "Example: slipway data head sales --filter \"quantity > 2\" --order 'quantity DESC'")
        @Argument(help: "dataset:sales@3, slice:weekend or a dataset's name.") var ref: String
        @Option(help: "A filter: price > 2 AND store = '31'.") var filter: String?
        @Option(help: "Columns, separated by commas.") var columns: String?
        @Option(help: "price DESC, day.") var order: String?
        @Option(help: "So many rows.") var limit = 10
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await server.client().get(
                Place(ref).path + "/rows",
                query: [("filter", filter), ("columns", columns), ("order", order), ("limit", String(limit))])
            try Self.show(answer, output)
        }

        static func show(_ answer: JSONValue, _ output: OutputOptions) throws {
            let names = (answer["columns"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
            let rows = (answer["rows"]?.arrayValue ?? []).map { row in
                JSONValue.object(Dictionary(zip(names, row.arrayValue ?? [])) { a, _ in a })
            }
            if output.json || output.yaml { return try output.list(rows, []) }
            Terminal.out(
                Table.text(
                    rows: (answer["rows"]?.arrayValue ?? []).map { ($0.arrayValue ?? []).map(Column.shown) },
                    titles: names))
        }
    }

    struct Profile: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the columns' counts, nulls, quantiles and top values.")
        @Argument(help: "dataset:sales@3, slice:weekend or a dataset's name.") var ref: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let profile = try await server.client().get(Place(ref).path + "/profile")
            if output.json || output.yaml { return try output.object(profile) }
            try output.list(
                profile["columns"]?.arrayValue ?? [],
                [
                    Column("Column", "name"), Column("Type", "type"), Column("Nulls", "nullCount"),
                    Column("Distinct", "distinctCount"), Column("Min", "minimum"),
                    Column("Mean", "mean"), Column("Max", "maximum"),
                ])
        }
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare two versions: schema, rows, statistics.",
            discussion: "Example: slipway data diff sales 3 4")
        @Argument var name: String
        @Argument var from: Int
        @Argument var to: Int
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.object(
                try await server.client().get(
                    "/api/v1/datasets/\(percentEncode(name))/diff", query: [("from", String(from)), ("to", String(to))])
            )
        }
    }

    struct Append: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a file's rows as a new version.",
            discussion: "Example: slipway data append sales day-32.parquet")
        @Argument var name: String
        @Argument(help: "A .parquet, .csv or .ndjson file.") var file: String
        @Option(help: "Why.") var message = ""
        @Option(help: "Your own id of this batch: the same again changes nothing.") var key: String?
        @Option(help: "Onto which branch.") var branch = "main"
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let types = [
                "parquet": "application/vnd.apache.parquet", "csv": "text/csv", "ndjson": "application/x-ndjson",
                "jsonl": "application/x-ndjson",
            ]
            guard let type = file.split(separator: ".").last.flatMap({ types[$0.lowercased()] }) else {
                throw SlipwayError.field(
                    "file", "the ending is not known", expected: ".parquet, .csv, .ndjson or .jsonl")
            }
            try output.object(
                try await server.client().upload(
                    "POST", "/api/v1/datasets/\(percentEncode(name))/append",
                    query: [("project", server.projectName), ("message", message), ("key", key), ("branch", branch)],
                    file: file,
                    contentType: type))
        }
    }

    struct Derive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a version by SQL over others.",
            discussion:
                "Example: slipway data derive daily --input s=dataset:sales 'SELECT day, sum(quantity) AS units FROM s GROUP BY day'"
        )
        @Argument(help: "The dataset to make a version of.") var name: String
        @Argument(help: "One SELECT.") var sql: String
        @Option(parsing: .singleValue, help: "table=ref. May be repeated.") var input: [String] = []
        @Option(help: "Why.") var message = ""
        @Option(help: "Onto which branch.") var branch = "main"
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.object(
                try await server.client().post(
                    "/api/v1/datasets/\(percentEncode(name))/derive",
                    [
                        "branch": .string(branch), "sql": .string(sql), "inputs": try inputMap(input),
                        "message": .string(message),
                        "project": .string(server.projectName),
                    ]))
        }
    }

    struct Query: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run one SELECT over versions and slices.",
            discussion: "Example: slipway data query --input s=dataset:sales 'SELECT count(*) FROM s'")
        @Argument(help: "One SELECT.") var sql: String
        @Option(parsing: .singleValue, help: "table=ref. May be repeated.") var input: [String] = []
        @Option(help: "At most so many rows.") var limit = 100
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await server.client().post(
                "/api/v1/query", ["sql": .string(sql), "inputs": try inputMap(input), "limit": JSONValue(limit)])
            try Head.show(answer, output)
        }
    }
}

/// The URL path of a version or a slice.
struct Place {
    let path: String

    init(_ text: String) throws {
        let ref = try text.contains(":") ? Ref(parsing: text) : Ref(parsing: "dataset:" + text)
        switch ref.kind {
        case .dataset: path = "/api/v1/datasets/\(percentEncode(ref.name))/versions/\(ref.selector ?? "latest")"
        case .slice: path = "/api/v1/slices/\(percentEncode(ref.name))"
        default:
            throw SlipwayError.field(
                "ref", "\(ref) is not a dataset or a slice", expected: "dataset:name@3 or slice:name")
        }
    }
}

private func inputMap(_ pairs: [String]) throws -> JSONValue {
    var map: [String: String] = [:]
    for pair in pairs {
        let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else {
            throw SlipwayError.field(
                "input", "'\(pair)' is not an input", expected: "table=ref, as in s=dataset:sales@3")
        }
        map[parts[0]] = parts[1]
    }
    return JSONValue(map)
}
