import ArgumentParser
import Client
import CommandKit
import Core

public struct DataCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Datasets: versions, rows, profiles, differences.",
        subcommands: [
            List.self, Log.self, Show.self, Head.self, Profile.self, Compare.self, Diff.self, Append.self,
            Derive.self, Query.self, Create.self, Set.self, Branch.self, Tag.self, Merge.self, Conflicts.self,
            Resolve.self, Union.self, Join.self, Contract.self, Quality.self, Card.self, Columns.self, Croissant.self,
            DataEventsCommand.self,
            Add.self, Checkout.self, Push.self, Pull.self, Remove.self, Retain.self,
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
            let type = try rowsType(of: file)
            try output.object(
                try await server.client().upload(
                    "POST", "/api/v1/datasets/\(percentEncode(name))/append",
                    query: [
                        ("project", server.projectName), ("message", message), ("key", key), ("branch", branch),
                        ("origin", fileName),
                    ],
                    file: file,
                    contentType: type))
        }

        /// What errors about rows and the lineage call the file.
        private var fileName: String? {
            let name = file.split(separator: "/").last.map(String.init)
            return name.flatMap { name in name.unicodeScalars.contains { $0.value < 32 } ? nil : name }
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
    /// Which version of a slice.
    let query: [(String, String?)]

    static func ref(_ text: String) throws -> Ref { try Ref(parsing: text.contains(":") ? text : "dataset:" + text) }

    init(_ text: String) throws {
        let ref = try Self.ref(text)
        query = ref.kind == .slice ? [("version", ref.selector)] : []
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
