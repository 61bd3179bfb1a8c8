import ArgumentParser
import Client
import CommandKit
import Core

public struct UserCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Users and service accounts.",
        subcommands: [List.self, Create.self, WhoAmI.self])

    public init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the accounts.")
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.list(
                try await server.client().list("/api/v1/users"),
                [Column("Name", "name"), Column("Kind", "kind"), Column("Role", "role"), Column("Created", "created")])
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Create an account.")
        @Argument var name: String
        @Option(help: "The role on all projects without a grant of their own (default: none).") var role: String?
        @Flag(help: "A service account instead of a user.") var service = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = ["name": .string(name), "kind": .string(service ? "service" : "user")]
            if let role { body["role"] = .string(role) }
            try output.object(try await server.client().post("/api/v1/users", .object(body)))
        }
    }

    struct WhoAmI: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "whoami", abstract: "Show who the server takes you for.")
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { try output.object(try await server.client().get("/api/v1/whoami")) }
    }
}

public struct TokenCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Tokens: for scripts, services and the command line.",
        subcommands: [List.self, Create.self, Revoke.self])

    public init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the tokens that count.")
        @Flag(help: "Everyone's, not just your own.") var all = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await server.client().get("/api/v1/tokens", query: [("principal", all ? "all" : nil)])
            try output.list(
                answer["items"]?.arrayValue ?? [],
                [
                    Column("Id", "id"), Column("Account", "principal"), Column("Label", "label"),
                    Column("Expires", "expires"),
                ])
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and print it; it is not shown again.",
            discussion: "Example: slipway token create --for ada --days 30")
        @Option(name: .customLong("for"), help: "The account (default: you).") var account: String?
        @Option(help: "What it is for.") var label = ""
        @Option(help: "Days until it expires (default: never).") var days: Double?
        @Option(parsing: .singleValue, help: "A permission that it is limited to, such as runs.write. May be repeated.")
        var scope: [String] = []
        @OptionGroup var server: ClientOptions

        func run() async throws {
            var body: [String: JSONValue] = ["label": .string(label)]
            if let account { body["principal"] = .string(account) }
            if let days { body["lifetimeSeconds"] = .number(days * 86_400) }
            if !scope.isEmpty { body["scopes"] = JSONValue(scope) }
            let answer = try await server.client().post("/api/v1/tokens", .object(body))
            Terminal.out(answer["token"]?.stringValue ?? "")
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revoke a token at once.")
        @Argument(help: "Its id, as 'slipway token list' shows it.") var id: String
        @OptionGroup var server: ClientOptions

        func run() async throws { _ = try await server.client().send("DELETE", "/api/v1/tokens/\(percentEncode(id))") }
    }
}
