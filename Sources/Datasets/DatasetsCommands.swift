import ArgumentParser
import Client
import CommandKit
import Core

public struct DataCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Datasets: versions, rows, profiles, differences.",
        subcommands: [
            List.self, Log.self, Show.self, Head.self, Profile.self, Diff.self, Append.self, Derive.self, Query.self,
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

    struct Log: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List a dataset's versions, newest first.")
        @Argument var name: String
        @Option(help: "At most so many.") var limit = 20
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items = try await server.client().list("/api/v1/datasets/\(percentEncode(name))/versions", limit: limit)
            try output.list(
                items,
                [
                    Column("Version", "ref"), Column("Rows", "rows"), Column("Bytes", "sizeBytes"),
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
                    query: [("project", server.projectName), ("message", message), ("key", key)], file: file,
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
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.object(
                try await server.client().post(
                    "/api/v1/datasets/\(percentEncode(name))/derive",
                    [
                        "sql": .string(sql), "inputs": try inputMap(input), "message": .string(message),
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

public struct SourceCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "source", abstract: "Sources: files, HTTP, S3, PostgreSQL, SQLite.",
        subcommands: [List.self, Add.self, Import.self])

    public init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the sources.")
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await server.client().get("/api/v1/sources", query: [("project", server.project)])
            try output.list(
                answer["items"]?.arrayValue ?? [],
                [
                    Column("Name", "name"), Column("Kind", "kind"), Column("Location", "location"),
                    Column("Last import", "lastImported"),
                ])
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register a source.",
            discussion: "Example: slipway source add tills --kind file '/data/tills/*.parquet' --project restock")
        @Argument var name: String
        @Argument(help: "A path or glob, a URL, an s3:// prefix, a database URL or file.") var location: String
        @Option(help: "file, http, s3, postgres or sqlite.") var kind = "file"
        @Option(help: "For databases: the SELECT to read.") var query: String?
        @Option(help: "parquet, csv or json (default: told from the name).") var format: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = [
                "name": .string(name), "location": .string(location), "kind": .string(kind),
                "project": .string(server.projectName),
            ]
            if let query { body["query"] = .string(query) }
            if let format { body["format"] = .string(format) }
            try output.object(try await server.client().post("/api/v1/sources", .object(body)))
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read a source into a new version.", discussion: "Example: slipway source import tills sales")
        @Argument var name: String
        @Argument(help: "The dataset.") var dataset: String
        @Flag(help: "Keep the newest version's rows and add these.") var append = false
        @Option(help: "Why.") var message = ""
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let body: JSONValue = [
                "dataset": .string(dataset), "mode": .string(append ? "append" : "replace"),
                "message": .string(message),
            ]
            try output.object(
                try await server.client().post(
                    "/api/v1/sources/\(percentEncode(name))/import", body, timeoutSeconds: 7200))
        }
    }
}

public struct SliceCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "slice", abstract: "Slices: named, versioned queries over datasets.",
        subcommands: [List.self, Create.self])

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
                    Column("Slice", "ref"), Column("Dataset", "dataset"), Column("Where", "where"),
                    Column("Owner", "owner"), Column("About", "description"),
                ])
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Name a slice, or make its next version.",
            discussion: "Example: slipway slice create weekend sales --where \"dayofweek(day) IN (0, 6)\"")
        @Argument var name: String
        @Argument var dataset: String
        @Option(name: .customLong("where"), help: "A condition in SQL.") var condition: String
        @Option(help: "What it is for.") var about = ""
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.object(
                try await server.client().post(
                    "/api/v1/slices",
                    [
                        "name": .string(name), "dataset": .string(dataset), "where": .string(condition),
                        "description": .string(about),
                    ]))
        }
    }
}
