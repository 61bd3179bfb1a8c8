import ArgumentParser
import Client
import CommandKit
import Core

public struct ExperimentCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "experiment", abstract: "Experiments: named groups of runs.",
        subcommands: [List.self, Tree.self, Create.self])

    public init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List experiments, newest first.",
            discussion: "Example: slipway experiment list --filter \"name LIKE 'restock%'\"")
        @Option(help: "A filter expression over name, project, creation_time and tags.X.") var filter: String?
        @Flag(help: "Show deleted ones too.") var all = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items = try await server.client().list(
                "/api/v1/experiments",
                query: [("filter", filter), ("project", server.project), ("view", all ? "all" : nil)])
            try output.list(
                items,
                [
                    Column("Id", "id"), Column("Name", "name"), Column("Project", "project"),
                    Column("State", "lifecycle"),
                    Column("Created", "created"),
                ])
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create an experiment.",
            discussion: "Example: slipway experiment create restock --project restock")
        @Argument var name: String
        @Option(parsing: .singleValue, help: "A tag: key=value. May be repeated.") var tag: [String] = []
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let tags = try tag.reduce(into: [String: String]()) { tags, text in
                let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
                guard parts.count == 2 else { throw ValidationError("--tag takes key=value, not '\(text)'.") }
                tags[parts[0]] = parts[1]
            }
            try output.object(
                try await server.client().post(
                    "/api/v1/experiments",
                    ["name": .string(name), "project": .string(server.projectName), "tags": JSONValue(tags)]))
        }
    }
}

public struct RunCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs: what was tried, and what came out.",
        subcommands: [
            List.self, Saved.self, Forget.self, Show.self, Metrics.self, Artifacts.self, Bulk.self, Purge.self,
        ])

    public init() {}

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a run: parameters, newest metrics, tags, datasets, models.")
        @Argument(help: "The run's id, or run:ID.") var run: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let item = try await server.client().get("/api/v1/runs/\(percentEncode(bareID(run)))")
            if output.json || output.yaml { return try output.object(item) }
            var fields = item.objectValue ?? [:]
            let lists = ["params", "metrics", "tags"].map { name in
                (name, fields.removeValue(forKey: name)?.objectValue ?? [:])
            }
            let datasets = fields.removeValue(forKey: "datasets")?.arrayValue ?? []
            try output.object(.object(fields))
            for (name, values) in lists where !values.isEmpty {
                Terminal.out("")
                let rows = values.sorted { $0.key < $1.key }.map {
                    ["key": .string($0.key), "value": $0.value] as JSONValue
                }
                try output.list(rows, [Column(String(name.dropLast()), "key"), Column("Value", "value")])
            }
            if !datasets.isEmpty {
                Terminal.out("")
                try output.list(
                    datasets, [Column("Dataset", "name"), Column("Digest", "digest"), Column("Ref", "ref")])
            }
        }
    }

    struct Metrics: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the points of a metric, or draw it.",
            discussion: "Example: slipway run metrics 1f… loss --points 1000")
        @Argument(help: "The run's id, or run:ID.") var run: String
        @Argument(help: "The metric.") var metric: String
        @Option(help: "Draw it from so many buckets, each with the least, the greatest and the mean of its points.")
        var points: Int?
        @Option(help: "What to draw it over: step or time.") var axis = "step"
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = metric.split(separator: "/", omittingEmptySubsequences: false).map { percentEncode(String($0)) }
                .joined(separator: "/")
            let answer = try await server.client().get(
                "/api/v1/runs/\(percentEncode(bareID(run)))/metrics/\(path)",
                query: points.map { [("points", String($0)), ("axis", axis)] } ?? [])
            if points != nil, !output.json, !output.yaml {
                return Terminal.out(MetricChart(answer, axis: axis).text)
            }
            if points != nil { return try output.object(answer) }
            try output.list(
                answer["items"]?.arrayValue ?? [],
                [Column("Step", "step"), Column("Time", "time"), Column("Value", "value")],
                empty: "No points of that metric.")
        }
    }

    struct Artifacts: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List a folder of a run's artifacts.", discussion: "Example: slipway run artifacts 1f… model")
        @Argument(help: "The run's id, or run:ID.") var run: String
        @Argument(help: "A folder; the top by default.") var path: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items =
                try await server.client().get(
                    "/api/v1/runs/\(percentEncode(bareID(run)))/artifacts", query: [("path", path)])["items"]?
                .arrayValue ?? []
            try output.list(
                items,
                [
                    Column("Path", "path"), Column("Folder", "folder"), Column("Bytes", "sizeBytes"),
                    Column("Digest", "digest"),
                ],
                empty: "No artifacts there.")
        }
    }
}

/// `run:1f…` or `1f…`.
private func bareID(_ text: String) -> String { text.hasPrefix("run:") ? String(text.dropFirst(4)) : text }
