import ArgumentParser
import Client
import CommandKit
import Core

public struct ProjectCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "project", abstract: "Projects: owners, goals, members.",
        subcommands: [List.self, Show.self, Create.self, Measure.self, Grant.self])

    public init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the projects.")
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items = try await server.client().list("/api/v1/projects")
            try output.list(
                items,
                [
                    Column("Name", "name"), Column("Owner", "owner"), Column("Created", "created"),
                    Column("About", "description"),
                ])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a project: its goals with their newest values, and its members.")
        @Argument var name: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let client = server.client()
            let project = try await client.get("/api/v1/projects/\(percentEncode(name))")
            if output.json || output.yaml { return try output.object(project) }
            Terminal.out("\(project["name"]?.stringValue ?? name), owned by \(project["owner"]?.stringValue ?? "-")")
            try output.list(
                project["goals"]?.arrayValue ?? [],
                [
                    Column("Goal", "name"), Column("Target", "target"), Column("Measured", "measured"),
                    Column("Met", "met"), Column("At", "measuredAt"),
                ],
                empty: "No goals yet.")
            let members =
                try await client.get("/api/v1/projects/\(percentEncode(name))/members")["items"]?.arrayValue ?? []
            try output.list(
                members, [Column("Member", "name"), Column("Role", "role")], empty: "No members beside the admins.")
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a project.",
            discussion: "Example: slipway project create restock --owner ada --goal waste=-9%")
        @Argument var name: String
        @Option(help: "The account that owns it (default: you).") var owner: String?
        @Option(help: "What it is about.") var about: String?
        @Option(parsing: .singleValue, help: "A goal: name=value or name=-9%. May be repeated.") var goal: [String] = []
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = ["name": .string(name), "goals": JSONValue(goal)]
            if let owner { body["owner"] = .string(owner) }
            if let about { body["description"] = .string(about) }
            try output.object(try await server.client().post("/api/v1/projects", .object(body)))
        }
    }

    struct Measure: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Record a measured value of a goal.")
        @Argument var name: String
        @Argument var goal: String
        @Argument(help: "In the goal's unit; -0.09 for −9 %.") var value: Double
        @Option(help: "The ref that shows it, such as run:1f….") var evidence: String?
        @OptionGroup var server: ClientOptions

        func run() async throws {
            var body: [String: JSONValue] = ["value": .number(value)]
            if let evidence { body["evidence"] = .string(evidence) }
            _ = try await server.client().post(
                "/api/v1/projects/\(percentEncode(name))/goals/\(percentEncode(goal))/measurements", .object(body))
        }
    }

    struct Grant: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give an account a role in a project.")
        @Argument var name: String
        @Argument var account: String
        @Argument(help: "viewer, annotator, data-scientist, ml-engineer, operator, owner or admin.") var role: String
        @OptionGroup var server: ClientOptions

        func run() async throws {
            _ = try await server.client().send(
                "PUT", "/api/v1/projects/\(percentEncode(name))/members/\(percentEncode(account))",
                body: ["role": .string(role)])
        }
    }
}
