import ArgumentParser
import Client
import CommandKit
import Core

extension DataCommand {
    struct Card: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Cards: what a dataset is, for people.", subcommands: [CardShow.self, CardSet.self])
    }

    struct Columns: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "column", abstract: "Columns: meaning, unit, personal data.",
            subcommands: [ColumnList.self, ColumnMarkCommand.self, ColumnSuggest.self, ColumnPolicy.self])
    }

    struct Croissant: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Croissant metadata, out and in.", subcommands: [CroissantShow.self, CroissantImport.self])
    }
}

private func place(_ dataset: String) -> String { "/api/v1/datasets/\(percentEncode(dataset))" }

struct CardShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a dataset's card.")
    @Argument(help: "The dataset.") var dataset: String
    @OptionGroup var server: ClientOptions

    func run() async throws {
        let bytes = try await server.client().bytes(place(dataset) + "/card")
        Terminal.out(String(decoding: bytes, as: UTF8.self))
    }
}

struct CardSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set the facts and the text of a dataset's card. The facts given replace all facts.",
        discussion:
            "Example: slipway data card set sales --license CC-BY-4.0 --text notes.md --rai dataBiases='one city'")
    @Argument(help: "The dataset.") var dataset: String
    @Option(help: "A Markdown file with your own text.") var text: String?
    @Option(help: "A URL or SPDX identifier.") var license: String?
    @Option(help: "How to cite it.") var citation: String?
    @Option(help: "A page about it.") var page: String?
    @Option(parsing: .singleValue, help: "Who made it. May be repeated.") var creator: [String] = []
    @Option(parsing: .singleValue, help: "A keyword. May be repeated.") var keyword: [String] = []
    @Option(parsing: .singleValue, help: "A field of RAI 1.0: dataBiases='…'. May be repeated.") var rai: [String] = []
    @OptionGroup var server: ClientOptions

    func run() async throws {
        var body: [String: JSONValue] = [:]
        if let text { body["text"] = .string(try TextFile.read(text)) }
        if let license { body["license"] = .string(license) }
        if let citation { body["citation"] = .string(citation) }
        if let page { body["url"] = .string(page) }
        if !creator.isEmpty { body["creators"] = JSONValue(creator) }
        if !keyword.isEmpty { body["keywords"] = JSONValue(keyword) }
        if !rai.isEmpty {
            body["responsible"] = JSONValue(
                Dictionary(
                    try rai.map { pair in
                        let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
                        guard parts.count == 2 else {
                            throw SlipwayError.field(
                                "rai", "'\(pair.prefix(80))' is not a field", expected: "name=text")
                        }
                        return (parts[0], parts[1])
                    }
                ) { _, last in last })
        }
        let card = try await server.client().send("PUT", place(dataset) + "/card", body: .object(body))
        Terminal.out(card["markdown"]?.stringValue ?? "")
    }
}

struct ColumnList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List what is said of columns.")
    @Argument(help: "The dataset.") var dataset: String
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await server.client().get(place(dataset) + "/columns")
        try output.list(
            answer["items"]?.arrayValue ?? [],
            [
                Column("Column", "name"), Column("Personal", "pii"),
                Column("Kind", "kind"), Column("Why", "basis"),
                Column("From", "origin"), Column("Unit", "unit"),
                Column("Meaning", "description"),
            ])
    }
}

struct ColumnMarkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mark", abstract: "Say what a column is.",
        discussion: "Example: slipway data column mark customers email --pii direct --kind email")
    @Argument(help: "The dataset.") var dataset: String
    @Argument(help: "The column.") var column: String
    @Option(help: "none, indirect, direct or sensitive.") var pii: String?
    @Option(help: "email, phone …") var kind: String?
    @Option(help: "What it means.") var about: String?
    @Option(help: "Its unit.") var unit: String?
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let given = [("pii", pii), ("kind", kind), ("description", about), ("unit", unit)]
        let body = Dictionary(given.compactMap { key, value in value.map { (key, JSONValue.string($0)) } }) { a, _ in a
        }
        try output.object(
            try await server.client().send(
                "PUT", place(dataset) + "/columns/\(percentEncode(column))", body: .object(body)))
    }
}

struct ColumnSuggest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suggest", abstract: "List columns that look like personal data and have no mark.")
    @Argument(help: "The dataset.") var dataset: String
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await server.client().post(place(dataset) + "/columns/suggest")
        try output.list(
            answer["items"]?.arrayValue ?? [],
            [
                Column("Column", "column"), Column("Personal", "pii"),
                Column("Kind", "kind"), Column("Share", "share"),
                Column("Because of", "basis"),
            ], empty: "No column looks like personal data.")
    }
}

struct ColumnPolicy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Set who may read columns of personal data.",
        discussion: "Example: slipway data column policy customers restricted")
    @Argument(help: "The dataset.") var dataset: String
    @Argument(help: "open or restricted.") var policy: String
    @OptionGroup var server: ClientOptions

    func run() async throws {
        _ = try await server.client().send("PUT", place(dataset) + "/policy", body: ["pii": .string(policy)])
    }
}

struct CroissantShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a version as Croissant 1.1.",
        discussion: "Example: slipway data croissant show sales@3 > croissant.json")
    @Argument(help: "dataset:sales@3, dataset:sales or sales.") var ref: String
    @OptionGroup var server: ClientOptions

    func run() async throws {
        Terminal.out(try await server.client().get(Place(ref).path + "/croissant").prettyText)
    }
}

struct CroissantImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Read the rows that a Croissant document describes into a version.",
        discussion: "Example: slipway data croissant import titanic croissant.json --record-set passengers")
    @Argument(help: "The dataset.") var dataset: String
    @Argument(help: "A JSON-LD file.") var file: String
    @Option(help: "Which record set, by id or name.") var recordSet: String?
    @Option(help: "Why.") var message: String?
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try output.object(
            try await server.client().upload(
                "POST", place(dataset) + "/croissant",
                query: [("project", server.projectName), ("recordSet", recordSet), ("message", message)], file: file,
                contentType: "application/ld+json"))
    }
}
