import ArgumentParser
import Client
import CommandKit
import Core

public struct PipelineCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "pipeline", abstract: "Pipelines: put, run, follow, cancel.",
        subcommands: [List.self, Put.self, Run.self, Runs.self, Show.self, Logs.self, Cancel.self])

    public init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the pipelines.")
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await server.client().get("/api/v1/pipelines", query: [("project", server.project)])
            try output.list(
                answer["items"]?.arrayValue ?? [],
                [
                    Column("Pipeline", "ref"), Column("Project", "project"), Column("Author", "author"),
                    Column("Created", "created"),
                ])
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a pipeline, with a folder of code for its steps.",
            discussion: "Example: slipway pipeline put pipeline.yaml --code code.tar --project restock")
        @Argument(help: "The definition, a YAML file.") var file: String
        @Option(help: "A tar archive with the steps' code (tar -cf code.tar -C folder .).") var code: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let client = server.client()
            let definition = try PipelineDefinition(yaml: TextFile.read(file))
            let path = "/api/v1/pipelines/\(percentEncode(definition.name))"
            let query = [("project", server.projectName as String?)]
            if let code {
                _ = try await client.upload(
                    "PUT", path + "/code", query: query, file: code, contentType: "application/x-tar")
            }
            try output.object(
                try await client.upload("PUT", path, query: query, file: file, contentType: "application/yaml"))
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Start a run and follow it to its end.",
            discussion: "Example: slipway pipeline run restock-train --param seed=7")
        @Argument var name: String
        @Option(parsing: .singleValue, help: "name=value. May be repeated.") var param: [String] = []
        @Flag(help: "Run every step, whatever was made before.") var noCache = false
        @Flag(help: "Do not wait for the end.") var detach = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let client = server.client()
            var params: [String: JSONValue] = [:]
            for pair in param {
                let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
                guard parts.count == 2 else {
                    throw SlipwayError.field("param", "'\(pair)' is not a parameter", expected: "name=value")
                }
                params[parts[0]] = .string(parts[1])
            }
            var run = try await client.post(
                "/api/v1/pipelines/\(percentEncode(name))/runs", ["params": .object(params), "cache": .bool(!noCache)])
            guard !detach, let id = run["id"]?.stringValue else { return try output.object(run) }
            var shown: [String: String] = [:]
            while !["succeeded", "failed", "cancelled"].contains(run["state"]?.stringValue ?? "") {
                run = try await client.get("/api/v1/pipeline-runs/\(id)", query: [("wait", "1")])
                for step in run["steps"]?.arrayValue ?? [] {
                    guard let name = step["step"]?.stringValue, let state = step["state"]?.stringValue,
                        shown[name] != state
                    else { continue }
                    shown[name] = state
                    if state != "pending" { Terminal.error("\(name): \(state)") }
                }
            }
            try PipelineCommand.show(run, output)
            if run["state"]?.stringValue != "succeeded" {
                throw SlipwayError(
                    .conflict,
                    "The run \(run["state"]?.stringValue ?? "ended"): \(run["problem"]?.stringValue ?? "see its steps")."
                )
            }
        }
    }

    struct Runs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the runs, newest first.")
        @Option(help: "Only of this pipeline.") var pipeline: String?
        @Option(help: "Only in this state.") var state: String?
        @Option(help: "At most so many.") var limit = 20
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items = try await server.client().list(
                "/api/v1/pipeline-runs",
                query: [("pipeline", pipeline), ("state", state), ("project", server.project)], limit: limit)
            try output.list(
                items,
                [
                    Column("Run", "id"), Column("Pipeline", "pipeline"), Column("State", "state"),
                    Column("Created", "created"),
                    Column("Ended", "ended"), Column("Cause", "cause"),
                ])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a run and its steps.")
        @Argument(help: "The run's id.") var id: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try PipelineCommand.show(
                try await server.client().get("/api/v1/pipeline-runs/\(percentEncode(id))"), output)
        }
    }

    struct Logs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show what a step printed.")
        @Argument(help: "The run's id.") var id: String
        @Argument(help: "The step's name.") var step: String
        @Flag(help: "Go on until the run ends.") var follow = false
        @OptionGroup var server: ClientOptions

        func run() async throws {
            try await server.client().lines(
                "/api/v1/pipeline-runs/\(percentEncode(id))/steps/\(percentEncode(step))/log",
                query: [("follow", follow ? "1" : nil)]
            ) { line in
                Terminal.out(line)
                return true
            }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a run.")
        @Argument(help: "The run's id.") var id: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.object(try await server.client().post("/api/v1/pipeline-runs/\(percentEncode(id))/cancel"))
        }
    }

    static func show(_ run: JSONValue, _ output: OutputOptions) throws {
        if output.json || output.yaml { return try output.object(run) }
        Terminal.out(
            "\(run["ref"]?.stringValue ?? "") of \(run["pipeline"]?.stringValue ?? ""): \(run["state"]?.stringValue ?? "")"
        )
        try output.list(
            run["steps"]?.arrayValue ?? [],
            [
                Column("Step", "step"), Column("State", "state"), Column("Attempt", "attempt"),
                Column("Seconds", "usage.wallSeconds"),
                Column("Memory", "usage.peakMemoryBytes"), Column("Problem", "problem"),
            ])
    }
}
