import ArgumentParser
import Client
import CommandKit
import Core

public struct SourceCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "source", abstract: "Sources: files, HTTP, S3, PostgreSQL, SQLite.",
        subcommands: [
            List.self, Show.self, Add.self, Set.self, Schedule.self, Sync.self, Import.self, Remove.self, Policy.self,
        ])

    public init() {}

    static func path(_ name: String) -> String { "/api/v1/sources/\(percentEncode(name))" }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the sources, and whether they are late.")
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await server.client().get("/api/v1/sources", query: [("project", server.project)])
            try output.list(
                answer["items"]?.arrayValue ?? [],
                [
                    Column("Name", "name"), Column("Kind", "kind"), Column("Location", "location"),
                    Column("Changed", "freshness.changed"), Column("Due", "freshness.due"),
                    Column("Late", "freshness.late"), Column("Problem", "problem"),
                ])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a source, and what was last seen of it.")
        @Argument var name: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.object(try await server.client().get(SourceCommand.path(name)))
        }
    }

    /// How a source is read; each option is a field of the API.
    struct Settings: ParsableArguments {
        @Option(help: "The name of a secret: a token, a password or S3 keys ('none' takes it away).")
        var secret: String?
        @Option(help: "For HTTP: bearer or basic.") var authentication: String?
        @Option(help: "Into which dataset a sync goes.") var into: String?
        @Option(help: "Onto which branch.") var branch: String?
        @Option(help: "replace or append.") var mode: String?
        @Option(help: "How often something new is expected: 30m, 6h, 1d ('none' takes it away).")
        var period: String?
        @Option(help: "For databases: a column that only grows; a sync reads what is beyond its last value.")
        var watermark: String?
        @Option(help: "When the columns differ: fail, evolve or ignore.") var onChange: String?
        @Option(help: "Rows that cannot be read: stop, skip or keep.") var badRows: String?
        @Option(help: "For databases: how long the query may take, in seconds.") var timeout: Double?

        func body() throws -> [String: JSONValue] {
            var body: [String: JSONValue] = [:]
            func put(_ key: String, _ text: String?) {
                if let text { body[key] = text == "none" ? .null : .string(text) }
            }
            put("secret", secret)
            put("authentication", authentication)
            put("dataset", into)
            put("branch", branch)
            put("mode", mode)
            put("watermark", watermark)
            put("onChange", onChange)
            put("badRows", badRows)
            if let timeout { body["timeoutSeconds"] = .number(timeout) }
            if let period { body["periodSeconds"] = try period == "none" ? .null : .number(Self.seconds(period)) }
            return body
        }

        /// `90`, `90s`, `30m`, `6h`, `1d`, `2w`.
        static func seconds(_ text: String) throws -> Double {
            let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
            let unit = text.last.flatMap { units[$0] }
            guard let number = Double(unit == nil ? text[...] : text.dropLast()), number > 0, number.isFinite else {
                throw SlipwayError.field(
                    "period", "'\(text.prefix(40))' is not a span of time", expected: "such as 30m, 6h or 1d")
            }
            return number * (unit ?? 1)
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register a source.",
            discussion: """
                Examples:
                  slipway source add tills '/data/tills/*.parquet' --into sales --mode append --period 1d
                  slipway source add shop postgresql://reader@db/shop --kind postgres --query 'SELECT * FROM sale' \
                --secret shop-db --watermark id --into sales --mode append
                """)
        @Argument var name: String
        @Argument(help: "A path or glob, a URL, an s3:// prefix, a database URL or file.") var location: String
        @Option(help: "file, http, s3, postgres or sqlite.") var kind = "file"
        @Option(help: "For databases: the SELECT to read.") var query: String?
        @Option(help: "parquet, csv or json (default: told from the name).") var format: String?
        @Option(help: "When it is synced by itself: '0 6 * * *', UTC.") var schedule: String?
        @OptionGroup var settings: Settings
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body = try settings.body()
            body["name"] = .string(name)
            body["location"] = .string(location)
            body["kind"] = .string(kind)
            body["project"] = .string(server.projectName)
            if let query { body["query"] = .string(query) }
            if let format { body["format"] = .string(format) }
            if let schedule { body["schedule"] = .string(schedule) }
            try output.object(try await server.client().post("/api/v1/sources", .object(body)))
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Change how a source is read.")
        @Argument var name: String
        @OptionGroup var settings: Settings
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.object(
                try await server.client().send(
                    "PATCH", SourceCommand.path(name), body: .object(try settings.body())))
        }
    }

    struct Schedule: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a source synced by itself.",
            discussion: "Example: slipway source schedule shop '30 3 * * *' --into sales")
        @Argument var name: String
        @Argument(help: "Five fields of cron, UTC; 'none' ends it.") var schedule: String
        @Option(help: "Into which dataset.") var into: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = ["schedule": schedule == "none" ? .null : .string(schedule)]
            if let into { body["dataset"] = .string(into) }
            try output.object(
                try await server.client().send("PATCH", SourceCommand.path(name), body: .object(body)))
        }
    }

    struct Sync: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read sources into their datasets, if there is anything new in them.",
            discussion: "Without a name: all of the project that know their dataset. Fails if one of them does.")
        @Argument var names: [String] = []
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let client = server.client()
            var names = names
            if names.isEmpty {
                let answer = try await client.get("/api/v1/sources", query: [("project", server.projectName)])
                names = (answer["items"]?.arrayValue ?? []).filter { $0["settings"]?["dataset"]?.stringValue != nil }
                    .compactMap { $0["name"]?.stringValue }
            }
            var rows: [JSONValue] = []
            var failure: SlipwayError?
            for name in names {
                do {
                    let answer = try await client.post(SourceCommand.path(name) + "/sync", [:], timeoutSeconds: 7200)
                    rows.append([
                        "source": .string(name), "state": answer["state"] ?? .null, "version": answer["ref"] ?? .null,
                        "rows": answer["rows"] ?? .null,
                    ])
                } catch let error as SlipwayError {
                    failure = failure ?? error
                    rows.append(["source": .string(name), "state": "failed", "problem": .string(error.message)])
                }
            }
            try output.list(
                rows,
                [
                    Column("Source", "source"), Column("State", "state"), Column("Version", "version"),
                    Column("Rows", "rows"), Column("Problem", "problem"),
                ], empty: "No source knows its dataset yet: slipway source set NAME --into DATASET.")
            if let failure { throw failure }
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read a source into a new version.", discussion: "Example: slipway source import tills sales")
        @Argument var name: String
        @Argument(help: "The dataset.") var dataset: String
        @Flag(help: "Keep the newest version's rows and add these.") var append = false
        @Option(help: "Why.") var message = ""
        @Option(help: "Onto which branch.") var branch = "main"
        @Option(help: "When the columns differ: fail, evolve or ignore.") var onChange: String?
        @Option(help: "Rows that cannot be read: stop, skip or keep.") var badRows: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = [
                "dataset": .string(dataset), "mode": .string(append ? "append" : "replace"),
                "message": .string(message), "branch": .string(branch),
            ]
            if let onChange { body["onChange"] = .string(onChange) }
            if let badRows { body["badRows"] = .string(badRows) }
            try output.object(
                try await server.client().post(
                    SourceCommand.path(name) + "/import", .object(body), timeoutSeconds: 7200))
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Forget a source; what was read from it stays.")
        @Argument var name: String
        @OptionGroup var server: ClientOptions

        func run() async throws { _ = try await server.client().send("DELETE", SourceCommand.path(name)) }
    }

    struct Policy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show or set where a project's sources may go.",
            discussion: "Example: slipway source policy --project restock --allow-host '*.example.org'")
        @Option(parsing: .singleValue, help: "A host: a name, *.name or an address. May be repeated.")
        var allowHost: [String] = []
        @Flag(help: "Any host that the server allows.") var anyHost = false
        @Flag(help: "Also private and loopback addresses (admins only).") var allowPrivate = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = "/api/v1/source-policies/\(percentEncode(server.projectName))"
            guard !allowHost.isEmpty || anyHost || allowPrivate else {
                return try output.object(try await server.client().get(path))
            }
            try output.object(
                try await server.client().send(
                    "PUT", path,
                    body: [
                        "hosts": allowHost.isEmpty ? .null : JSONValue(allowHost), "allowPrivate": .bool(allowPrivate),
                    ]))
        }
    }
}
