import ArgumentParser
import Client
import CommandKit
import Core

extension DataCommand {
    struct Contract: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Contracts: rules that every commit is checked against.",
            subcommands: [
                ContractShow.self, ContractSet.self, ContractCheck.self, ContractSuggest.self, ContractEnd.self,
            ])
    }

    struct Quality: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the report on the contract that is kept with a version.",
            discussion: "Example: slipway data quality sales@3")
        @Argument(help: "dataset:sales@3, dataset:sales or sales.") var ref: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try showReport(try await server.client().get(Place(ref).path + "/quality"), output)
        }
    }
}

struct ContractShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a dataset's contract.")
    @Argument(help: "The dataset.") var dataset: String
    @Option(help: "An earlier one.") var number: Int?
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let stored = try await server.client().get(
            contractPath(dataset), query: [("number", number.map(String.init))])
        if output.json || output.yaml { return try output.object(stored) }
        Terminal.out(stored["yaml"]?.stringValue ?? "")
    }
}

struct ContractSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set a dataset's contract.",
        discussion: "Example: slipway data contract set sales contract.yaml")
    @Argument(help: "The dataset.") var dataset: String
    @Argument(help: "A YAML file.") var file: String
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let stored = try await server.client().upload(
            "PUT", contractPath(dataset), file: file, contentType: "application/yaml")
        if output.json || output.yaml { return try output.object(stored) }
        Terminal.out(
            "\(dataset) has the contract number \(stored["contract"]?.intValue ?? 0), with \(stored["rules"]?.arrayValue?.count ?? 0) rules."
        )
        for note in stored["notes"]?.arrayValue ?? [] { Terminal.out("note: \(note.stringValue ?? "")") }
    }
}

struct ContractCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a version or a file without committing; fails if a rule that blocks is broken.",
        discussion: """
            Example: slipway data contract check sales --file day-32.csv
            Example: slipway data contract check sales --draft contract.yaml --version 3
            """)
    @Argument(help: "The dataset.") var dataset: String
    @Option(help: "A version, tag or branch (default: the head of main).") var version: String?
    @Option(help: "Rows to check as if they were appended: .parquet, .csv, .ndjson.") var file: String?
    @Option(help: "A contract to try instead of the one that is set.") var draft: String?
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard file == nil || (draft == nil && version == nil) else {
            throw SlipwayError.field("file", "goes with neither --draft nor --version")
        }
        let client = server.client()
        let path = contractPath(dataset) + "/check"
        let report: JSONValue
        if let file {
            report = try await client.upload("POST", path, file: file, contentType: try rowsType(of: file))
        } else if let draft {
            report = try await client.upload(
                "POST", path, query: [("version", version)], file: draft, contentType: "application/yaml")
        } else {
            report = try await client.send("POST", path, query: [("version", version)])
        }
        try showReport(report, output)
        if report["outcome"] == "blocked" { throw ExitCode(1) }
    }
}

struct ContractSuggest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suggest", abstract: "Draft a contract from a version's profile.",
        discussion: "Example: slipway data contract suggest sales > contract.yaml")
    @Argument(help: "The dataset.") var dataset: String
    @Option(help: "A version, tag or branch (default: the head of main).") var version: String?
    @OptionGroup var server: ClientOptions

    func run() async throws {
        let bytes = try await server.client().bytes(
            contractPath(dataset) + "/suggest", method: "POST", query: [("version", version)])
        Terminal.out(String(decoding: bytes, as: UTF8.self))
    }
}

struct ContractEnd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "End a dataset's contract; earlier ones stay readable.")
    @Argument(help: "The dataset.") var dataset: String
    @OptionGroup var server: ClientOptions

    func run() async throws { _ = try await server.client().send("DELETE", contractPath(dataset)) }
}

private func contractPath(_ dataset: String) -> String { "/api/v1/datasets/\(percentEncode(dataset))/contract" }

/// The content type of a file of rows, by its ending.
func rowsType(of file: String) throws -> String {
    let types = [
        "parquet": "application/vnd.apache.parquet", "csv": "text/csv", "ndjson": "application/x-ndjson",
        "jsonl": "application/x-ndjson",
    ]
    guard let type = file.split(separator: ".").last.flatMap({ types[$0.lowercased()] }) else {
        throw SlipwayError.field("file", "the ending is not known", expected: ".parquet, .csv, .ndjson or .jsonl")
    }
    return type
}

private func showReport(_ report: JSONValue, _ output: OutputOptions) throws {
    if output.json || output.yaml { return try output.object(report) }
    let rules = (report["rules"]?.arrayValue ?? []).filter { $0["passed"]?.boolValue == false }
    Terminal.out(
        "\(report["outcome"]?.stringValue ?? ""): \(rules.count) of \(report["rules"]?.arrayValue?.count ?? 0) rules broken, \(report["rows"]?["all"]?.intValue ?? 0) rows"
    )
    guard !rules.isEmpty else { return }
    try output.list(
        rules,
        [
            Column("Rule", "rule"), Column("Severity", "severity"), Column("Rows", "count"),
            Column("Problem", "problem"), Column("Line", "line"),
        ])
    for rule in rules {
        for example in rule["examples"]?.arrayValue ?? [] {
            let place = [example["file"]?.stringValue, example["row"]?.intValue.map { "row \($0)" }].compactMap { $0 }
                .joined(separator: " ")
            let values = (example["key"]?.objectValue ?? [:])
                .merging(example["values"]?.objectValue ?? [:]) { first, _ in first }
            Terminal.out(
                "  \(rule["rule"]?.stringValue ?? ""): \(place) \(JSONValue.object(values).canonicalText)")
        }
    }
}
