import ArgumentParser
import Client
import CommandKit
import Core

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
