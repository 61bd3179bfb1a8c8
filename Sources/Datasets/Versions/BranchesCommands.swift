import ArgumentParser
import Client
import CommandKit
import Core

extension DataCommand {
    struct Branch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Branches: lines of versions that go their own way.",
            subcommands: [NamedList<BranchNoun>.self, NamedCreate<BranchNoun>.self, NamedRemove<BranchNoun>.self])
    }

    struct Tag: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tags: names for versions.",
            subcommands: [NamedList<TagNoun>.self, NamedCreate<TagNoun>.self, NamedRemove<TagNoun>.self])
    }
}

/// What the three commands below are about.
protocol NamedNoun {
    static var noun: String { get }
    static var place: String { get }
}

enum BranchNoun: NamedNoun {
    static let noun = "branch"
    static let place = "branches"
}

enum TagNoun: NamedNoun {
    static let noun = "tag"
    static let place = "tags"
}

struct NamedList<Noun: NamedNoun>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "list", abstract: "List the \(Noun.place) of a dataset.")
    }

    @Argument(help: "The dataset.") var dataset: String
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await server.client().get("/api/v1/datasets/\(percentEncode(dataset))/\(Noun.place)")
        try output.list(
            answer["items"]?.arrayValue ?? [],
            [
                Column("Name", "name"), Column("Version", "version"), Column("By", "author"),
                Column("Created", "created"),
            ])
    }
}

struct NamedCreate<Noun: NamedNoun>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "create", abstract: "Make a \(Noun.noun).",
            discussion:
                "Example: slipway data \(Noun.noun) create sales \(Noun.noun == "tag" ? "prod" : "fix-prices") --from 3"
        )
    }

    @Argument(help: "The dataset.") var dataset: String
    @Argument(help: "The name.") var name: String
    @Option(help: "A version, tag or branch (default: the head of main).") var from: String?
    @Flag(help: "Let a tag that is there move.") var move = false
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var body: [String: JSONValue] = [:]
        if let from { body["from"] = .string(from) }
        if move { body["move"] = true }
        try output.object(
            try await server.client().send(
                "PUT", "/api/v1/datasets/\(percentEncode(dataset))/\(Noun.place)/\(percentEncode(name))",
                body: .object(body)))
    }
}

struct NamedRemove<Noun: NamedNoun>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "rm", abstract: "Remove a \(Noun.noun); the versions stay.")
    }

    @Argument(help: "The dataset.") var dataset: String
    @Argument(help: "The name.") var name: String
    @OptionGroup var server: ClientOptions

    func run() async throws {
        _ = try await server.client().send(
            "DELETE", "/api/v1/datasets/\(percentEncode(dataset))/\(Noun.place)/\(percentEncode(name))")
    }
}
