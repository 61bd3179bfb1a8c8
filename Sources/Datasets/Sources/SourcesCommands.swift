import ArgumentParser
import Client
import CommandKit
import Core

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
        @Option(help: "Onto which branch.") var branch = "main"
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let body: JSONValue = [
                "dataset": .string(dataset), "mode": .string(append ? "append" : "replace"),
                "message": .string(message), "branch": .string(branch),
            ]
            try output.object(
                try await server.client().post(
                    "/api/v1/sources/\(percentEncode(name))/import", body, timeoutSeconds: 7200))
        }
    }
}
