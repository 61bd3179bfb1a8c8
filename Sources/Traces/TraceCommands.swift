import ArgumentParser
import Client
import CommandKit
import Core

public struct TraceCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Traces: what an application did, step by step.",
        subcommands: [List.self, Show.self])

    public init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List traces, the latest first.",
            discussion:
                "Example: slipway trace list --experiment support --filter \"status = 'ERROR' AND span.name = 'retrieve'\""
        )
        @Option(parsing: .singleValue, help: "An experiment's id or name; may be repeated.") var experiment: [String] =
            []
        @Option(help: "A filter expression over status, name, timestamp_ms, execution_time_ms, tags.X, span.name …")
        var filter: String?
        @Option(help: "Fields to order by, separated by commas: execution_time_ms DESC.") var order: String?
        @Option(help: "Show at most so many.") var limit = 100
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items = try await server.client().list(
                "/api/v1/traces",
                query: experiment.map { ("experiment", $0) } + [("filter", filter), ("order", order)], limit: limit)
            try output.list(
                items,
                [
                    Column("Id", "id"), Column("Name", "name"), Column("State", "state"), Column("Started", "started"),
                    Column("Ms", "durationMs"), Column("Request", "request"), Column("Response", "response"),
                ])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a trace with its spans.", discussion: "Example: slipway trace show tr-0a1b… --json")
        @Argument(help: "A trace's id.") var trace: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = "/api/v1/traces/" + percentEncode(trace)
            let found = try await server.client().get(path)
            if output.json || output.yaml { return try output.object(found) }
            try output.object(.object((found.objectValue ?? [:]).filter { $0.key != "spans" }))
            let spans = (found["spans"]?.arrayValue ?? []).map { span -> JSONValue in
                let indent = String(repeating: "  ", count: Int(span["depth"]?.intValue ?? 0))
                let name = JSONValue.string(indent + (span["name"]?.stringValue ?? ""))
                return .object((span.objectValue ?? [:]).merging(["name": name]) { $1 })
            }
            Terminal.out("")
            try output.list(
                spans,
                [
                    Column("Span", "name"), Column("Type", "type"), Column("Status", "status"),
                    Column("Ms", "durationMs"), Column("Message", "message"),
                ])
        }
    }
}
