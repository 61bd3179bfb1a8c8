import ArgumentParser
import Client
import CommandKit
import Core

public struct WebhookCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "webhook", abstract: "Webhooks: who is told what happens in the registry.",
        subcommands: [List.self, Create.self, Deliveries.self, Test.self, Delete.self])

    public init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the webhooks, of all projects or of one.")
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.list(
                try await server.client().list("/api/v1/webhooks", query: [("project", server.project)]),
                [
                    Column("ID", "id"), Column("Name", "name"), Column("Project", "project"), Column("URL", "url"),
                    Column("Events", "events"), Column("Status", "status"), Column("Signed", "signed"),
                ], empty: "No webhooks yet.")
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a webhook.",
            discussion: """
                Example: slipway webhook create deploys https://hooks.example.org/slipway \\
                    --event model_version.created --event model_version_alias.created --signed < secret.txt
                """)
        @Argument var name: String
        @Argument(help: "Where to POST.") var url: String
        @Option(parsing: .singleValue, help: "Such as model_version.created. May be repeated.") var event: [String]
        @Option(help: "What it is for.") var about: String?
        @Flag(help: "Sign with the secret on standard input.") var signed = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = [
                "name": .string(name), "url": .string(url), "events": JSONValue(event),
            ]
            if let about { body["description"] = .string(about) }
            if signed {
                // Never an argument: the list of processes shows those to everybody.
                guard let secret = readLine(strippingNewline: true), !secret.isEmpty else {
                    throw SlipwayError(.invalid, "There is no secret on standard input.")
                }
                body["secret"] = .string(secret)
            }
            try output.object(
                try await server.client().send(
                    "POST", "/api/v1/webhooks", query: [("project", server.projectName)], body: .object(body)))
        }
    }

    struct Deliveries: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What a webhook was sent, and how that went.")
        @Argument(help: "The webhook's id.") var id: String
        @Option(help: "pending, delivered or failed.") var state: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.list(
                try await server.client().list(
                    "/api/v1/webhooks/\(percentEncode(id))/deliveries", query: [("state", state)]),
                [
                    Column("ID", "id"), Column("Event", "event"), Column("State", "state"),
                    Column("Tries", "attempts"), Column("Answer", "responseStatus"), Column("Created", "created"),
                    Column("Next try", "due"), Column("Problem", "error"),
                ], empty: "Nothing was sent yet.")
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Send an example now.")
        @Argument(help: "The webhook's id.") var id: String
        @Option(help: "The event; the webhook's first by default.") var event: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = [:]
            if let event { body["event"] = .string(event) }
            try output.object(
                try await server.client().post("/api/v1/webhooks/\(percentEncode(id))/test", .object(body)))
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a webhook with its log.")
        @Argument(help: "The webhook's id.") var id: String
        @OptionGroup var server: ClientOptions

        func run() async throws {
            _ = try await server.client().send("DELETE", "/api/v1/webhooks/\(percentEncode(id))")
        }
    }
}
