import ArgumentParser
import Client
import CommandKit
import Core

extension RunCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List runs, the latest started first.",
            discussion: """
                Example: slipway run list --experiment restock --filter 'metrics.rmse < 0.3' --order metrics.rmse --metric rmse
                Example: slipway run search --filter 'metrics.rmse < 0.3' --metric rmse --save good --shared
                Example: slipway run search --saved good
                """, aliases: ["search"])
        @Option(parsing: .singleValue, help: "An experiment's id or name; may be repeated.") var experiment: [String] =
            []
        @Option(help: "A filter expression over metrics.X, params.X, tags.X, dataset.name, status, start_time …")
        var filter: String?
        @Option(help: "Fields to order by, separated by commas: metrics.rmse, start_time DESC.") var order: String?
        @Option(parsing: .singleValue, help: "A metric to show; may be repeated.") var metric: [String] = []
        @Option(parsing: .singleValue, help: "A parameter to show; may be repeated.") var param: [String] = []
        @Option(help: "Save this search under a name.") var save: String?
        @Flag(help: "With --save: for all of the project.") var shared = false
        @Option(help: "Begin with a saved search; what else is said here counts before it.") var saved: String?
        @Option(help: "Show at most so many.") var limit = 100
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if shared, save == nil { throw ValidationError("--shared goes with --save.") }
            if save != nil, saved != nil { throw ValidationError("Choose one of --save and --saved.") }
        }

        func run() async throws {
            let client = server.client()
            if let save { try await keep(save, client) }
            var shown = Self.columns(metrics: metric, params: param)
            if let saved, shown.isEmpty {
                let terms = try await client.get(
                    "/api/v1/saved-searches/\(percentEncode(saved))", query: [("project", server.projectName)])
                shown = terms["columns"]?.arrayValue?.compactMap(\.stringValue) ?? []
            }
            let items = try await client.list(
                "/api/v1/runs",
                query: experiment.map { ("experiment", $0) } + [
                    ("filter", filter), ("order", order), ("saved", saved),
                    ("project", saved == nil ? nil : server.projectName),
                ], limit: limit)
            if output.json || output.yaml { return try output.list(items, []) }
            try Self.show(items, shown, output)
        }

        private func keep(_ name: String, _ client: APIClient) async throws {
            var ids: [JSONValue] = []
            for wanted in experiment {
                ids.append(try await client.get("/api/v1/experiments/\(percentEncode(wanted))")["id"] ?? .null)
            }
            let parts = (order ?? "").split(separator: ",").map { String($0).trimmingSpaces }
            _ = try await client.send(
                "PUT", "/api/v1/saved-searches/\(percentEncode(name))", query: [("project", server.projectName)],
                body: [
                    "filter": .string(filter ?? ""), "order": JSONValue(parts), "experiments": .array(ids),
                    "columns": JSONValue(Self.columns(metrics: metric, params: param)), "shared": .bool(shared),
                ])
        }

        /// As fields of a search.
        static func columns(metrics: [String], params: [String]) -> [String] {
            metrics.map { "metrics.\(quoted($0))" } + params.map { "params.\(quoted($0))" }
        }

        private static func quoted(_ key: String) -> String { Name.isValid(key) ? key : "`\(key)`" }

        private static func show(_ items: [JSONValue], _ shown: [String], _ output: OutputOptions) throws {
            // Keys may have dots, which columns would take for nesting.
            let rows = items.map { item -> JSONValue in
                var fields = item.objectValue ?? [:]
                for (index, column) in shown.enumerated() {
                    let (kind, key) = parts(column)
                    fields["column\(index)"] = (kind.isEmpty ? item[key] : item[kind]?[key]) ?? .null
                }
                return .object(fields)
            }
            try output.list(
                rows,
                [
                    Column("Id", "id"), Column("Name", "name"), Column("Experiment", "experiment"),
                    Column("Status", "status"), Column("Started", "started"),
                ] + shown.enumerated().map { Column(parts($1).key, "column\($0)") })
        }

        /// `metrics.rmse` as the field of a run's JSON and the key in it.
        private static func parts(_ column: String) -> (kind: String, key: String) {
            let parts = column.split(separator: ".", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { return ("", column) }
            return (parts[0], parts[1].filter { $0 != "`" && $0 != "\"" })
        }
    }

    struct Saved: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List your saved searches and those that the project shares.")
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items =
                try await server.client().get("/api/v1/saved-searches", query: [("project", server.projectName)])[
                    "items"]?.arrayValue ?? []
            try output.list(
                items,
                [
                    Column("Name", "name"), Column("Owner", "owner"), Column("Filter", "filter"),
                    Column("Order", "order"), Column("Columns", "columns"), Column("Saved", "saved"),
                ])
        }
    }

    struct Forget: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a saved search.", discussion: "Example: slipway run forget good --shared")
        @Argument(help: "Its name.") var name: String
        @Flag(help: "The one that the project shares, not your own.") var shared = false
        @OptionGroup var server: ClientOptions

        func run() async throws {
            _ = try await server.client().send(
                "DELETE", "/api/v1/saved-searches/\(percentEncode(name))",
                query: [("project", server.projectName), ("shared", shared ? "true" : nil)])
        }
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
