import ArgumentParser
import Client
import CommandKit
import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

public struct SecretCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "secret", abstract: "Secrets that sources use: encrypted at rest, never shown.",
        subcommands: [Set.self, List.self, Remove.self])

    public init() {}

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep a secret, read from standard input.",
            discussion: """
                Its form is what the source needs: a token, a password, user:password for HTTP's Basic,
                ACCESS_KEY:SECRET_KEY[:SESSION_TOKEN] for S3.
                Example: slipway secret set shop-db --project restock < password.txt
                """)
        @Argument var name: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            // Never an argument: the list of processes shows those to everybody.
            var value: String?
            if isatty(STDIN_FILENO) == 1 {
                value = getpass("The secret (it is not shown): ").map { String(cString: $0) }
            } else {
                value = readLine(strippingNewline: true)
                while let more = readLine(strippingNewline: true) { value = (value ?? "") + "\n" + more }
            }
            guard let value, !value.isEmpty else {
                throw SlipwayError(.invalid, "There is no secret on standard input.")
            }
            try output.object(
                try await server.client().send(
                    "PUT", "/api/v1/secrets/\(percentEncode(name))", query: [("project", server.projectName)],
                    body: ["value": .string(value)]))
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the names of a project's secrets.")
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await server.client().get("/api/v1/secrets", query: [("project", server.projectName)])
            try output.list(
                answer["items"]?.arrayValue ?? [],
                [
                    Column("Name", "name"), Column("Project", "project"), Column("By", "author"),
                    Column("Set", "created"),
                ]
            )
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "rm", abstract: "Forget a secret.")
        @Argument var name: String
        @OptionGroup var server: ClientOptions

        func run() async throws {
            _ = try await server.client().send(
                "DELETE", "/api/v1/secrets/\(percentEncode(name))", query: [("project", server.projectName)])
        }
    }
}
