import ArgumentParser
import Client
import CommandKit
import Core

public struct ModelCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Registered models: versions, approvals, promotion, aliases.",
        subcommands: [
            List.self, Show.self, Versions.self, Register.self, Evaluate.self, Approve.self, Reject.self, Promote.self,
            Alias.self,
            History.self, Policy.self,
        ])

    public init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the models.")
        @Option(help: "A filter, such as \"name LIKE 'restock%' AND tags.team = 'fresh'\".") var filter: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items = try await server.client().list(
                "/api/v1/models", query: [("filter", filter), ("project", server.project)])
            if output.json || output.yaml { return try output.list(items, []) }
            let shown = items.map { item -> JSONValue in
                var fields = item.objectValue ?? [:]
                let aliases = (item["aliases"]?.objectValue ?? [:]).sorted { $0.key < $1.key }
                fields["aliases"] = JSONValue(aliases.map { "\($0.key)=\($0.value.intValue ?? 0)" })
                return .object(fields)
            }
            try output.list(
                shown,
                [
                    Column("Name", "name"), Column("Project", "project"), Column("Owner", "owner"),
                    Column("Aliases", "aliases"),
                    Column("Approvals", "policy.approvalsRequired"), Column("Updated", "updated"),
                ])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a model, or one of its versions with recipe, signature, evaluations and approvals.",
            discussion: "Examples: slipway model show restock; slipway model show restock@champion")
        @Argument(help: "NAME, NAME@VERSION or NAME@ALIAS.") var model: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let ref = try ModelCommand.ref(model)
            let client = server.client()
            guard let selector = ref.selector else {
                let found = try await client.get(ModelCommand.path(ref.name))
                if output.json || output.yaml { return try output.object(found) }
                try output.object(found)
                let versions = try await client.list(ModelCommand.path(ref.name) + "/versions", limit: 20)
                return try output.list(versions, ModelCommand.versionColumns, empty: "No versions yet.")
            }
            let version = try await client.get(ModelCommand.path(ref.name) + "/versions/" + percentEncode(selector))
            if output.json || output.yaml { return try output.object(version) }
            try ModelCommand.show(version, output)
        }
    }

    struct Versions: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List a model's versions, newest first.")
        @Argument var name: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.list(
                try await server.client().list(ModelCommand.path(name) + "/versions"), ModelCommand.versionColumns)
        }
    }

    struct Register: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register a version; makes the model if there is none.",
            discussion: "Example: slipway model register restock --source runs:/1f…/model")
        @Argument var name: String
        @Option(help: "runs:/RUN/path, models:/m-ID, mlflow-artifacts:/… or models:/NAME/VERSION.") var source: String
        @Option(help: "What is new.") var about: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let client = server.client()
            do { _ = try await client.get(ModelCommand.path(name)) } catch let error as SlipwayError
                where error.code == .notFound
            {
                _ = try await client.post(
                    "/api/v1/models", ["name": .string(name), "project": .string(server.projectName)])
            }
            var body: [String: JSONValue] = ["source": .string(source)]
            if let about { body["description"] = .string(about) }
            try output.object(try await client.post(ModelCommand.path(name) + "/versions", .object(body)))
        }
    }

    struct Evaluate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Record metrics of a version on a dataset version or slice.",
            discussion: "Example: slipway model evaluate restock 5 --dataset dataset:sales@3 --metric rmse=0.31")
        @Argument var name: String
        @Argument var version: Int
        @Option(help: "dataset:NAME@VERSION.") var dataset: String?
        @Option(help: "slice:NAME.") var slice: String?
        @Option(parsing: .singleValue, help: "name=value. May be repeated.") var metric: [String]
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var metrics: [String: JSONValue] = [:]
            for text in metric {
                let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
                guard parts.count == 2, let value = Double(parts[1]) else {
                    throw SlipwayError.field(
                        "metric", "'\(text)' is not usable", expected: "name=value, as in rmse=0.31")
                }
                metrics[parts[0]] = .number(value)
            }
            var body: [String: JSONValue] = ["metrics": .object(metrics)]
            if let dataset { body["dataset"] = .string(dataset) }
            if let slice { body["slice"] = .string(slice) }
            try output.object(
                try await server.client().post(
                    "\(ModelCommand.path(name))/versions/\(version)/evaluations", .object(body)))
        }
    }

    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Approve a version that somebody else registered.")
        @Argument var name: String
        @Argument var version: Int
        @Option(help: "Why.") var comment: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { try await ModelCommand.decide("approve", name, version, comment, server, output) }
    }

    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Reject a version: it cannot take a protected alias.")
        @Argument var name: String
        @Argument var version: Int
        @Option(help: "Why.") var comment: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { try await ModelCommand.decide("reject", name, version, comment, server, output) }
    }

    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give an alias to a version if it beats the holder on the same data and has its approvals.",
            discussion: "Example: slipway model promote restock 5 --metric rmse --lower --minimum 1%")
        @Argument var name: String
        @Argument var version: Int
        @Option(help: "The alias.") var alias = "champion"
        @Option(help: "The metric that decides.") var metric: String
        @Flag(help: "Lower values are better.") var lower = false
        @Flag(help: "Higher values are better.") var higher = false
        @Option(help: "The least improvement: a number, or a share such as 1%.") var minimum: String?
        @Option(help: "Only evaluations on this dataset or slice count.") var on: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard lower != higher else { throw ValidationError("Say which values are better: --lower or --higher.") }
        }

        func run() async throws {
            var body: [String: JSONValue] = [
                "version": JSONValue(version), "alias": .string(alias), "metric": .string(metric),
                "direction": lower ? "lower" : "higher",
            ]
            if let minimum { body["minimumImprovement"] = .string(minimum) }
            if let on { body["on"] = .string(on) }
            let decision = try await server.client().post(ModelCommand.path(name) + "/promote", .object(body))
            if output.json || output.yaml { return try output.object(decision) }
            Terminal.out("\(Ref(.model, name, version: version)) is \(alias).")
            try output.list(
                decision["checks"]?.arrayValue ?? [],
                [Column("Check", "name"), Column("Passed", "passed"), Column("Finding", "finding")])
        }
    }

    struct Alias: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Move an alias to a version, or end it.")
        @Argument var name: String
        @Argument var alias: String
        @Argument(help: "The version; none with --delete.") var version: Int?
        @Flag(help: "End the alias.") var delete = false
        @OptionGroup var server: ClientOptions

        func validate() throws {
            guard (version == nil) == delete else { throw ValidationError("Give a version, or --delete.") }
        }

        func run() async throws {
            let path = "\(ModelCommand.path(name))/aliases/\(percentEncode(alias))"
            if let version {
                _ = try await server.client().send("PUT", path, body: ["version": JSONValue(version)])
            } else {
                _ = try await server.client().send("DELETE", path)
            }
        }
    }

    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show which version had which alias, and when.")
        @Argument var name: String
        @Option(help: "Only this alias.") var alias: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await server.client().get(ModelCommand.path(name) + "/history", query: [("alias", alias)])
            try output.list(
                answer["items"]?.arrayValue ?? [],
                [
                    Column("Alias", "alias"), Column("Version", "version"), Column("From", "from"),
                    Column("Until", "until"),
                    Column("By", "setBy"), Column("Reason", "reason"),
                ])
        }
    }

    struct Policy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set what a version needs before it takes a protected alias.")
        @Argument var name: String
        @Option(help: "How many people must approve: 0, 1 or 2.") var approvals: Int?
        @Flag(inversion: .prefixedNo, help: "Whether who registered a version may approve it.") var selfApproval: Bool?
        @Option(parsing: .singleValue, help: "A protected alias. May be repeated; replaces the list.") var protect:
            [String] = []
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = [:]
            if let approvals { body["approvalsRequired"] = JSONValue(approvals) }
            if let selfApproval { body["selfApproval"] = .bool(selfApproval) }
            if !protect.isEmpty { body["protectedAliases"] = JSONValue(protect) }
            let model = try await server.client().send("PUT", ModelCommand.path(name) + "/policy", body: .object(body))
            try output.object(model["policy"] ?? model)
        }
    }

    // MARK: Parts

    static let versionColumns = [
        Column("Version", "version"), Column("Aliases", "aliases"), Column("Stage", "stage"),
        Column("Approval", "approval"),
        Column("Owner", "owner"), Column("Run", "run"), Column("Created", "created"),
    ]

    static func path(_ name: String) -> String { "/api/v1/models/" + percentEncode(name) }

    /// `restock`, `restock@5` or the same as a full ref.
    static func ref(_ text: String) throws -> Ref {
        let ref = try Ref(parsing: text.hasPrefix("model:") ? text : "model:" + text)
        guard ref.kind == .model else {
            throw SlipwayError.field("model", "'\(text)' is not a model", expected: "NAME or NAME@VERSION")
        }
        return ref
    }

    private static func decide(
        _ decision: String, _ name: String, _ version: Int, _ comment: String?, _ server: ClientOptions,
        _ output: OutputOptions
    ) async throws {
        var body: [String: JSONValue] = ["decision": .string(decision)]
        if let comment { body["comment"] = .string(comment) }
        let answer = try await server.client().post("\(path(name))/versions/\(version)/approvals", .object(body))
        if output.json || output.yaml { return try output.object(answer) }
        Terminal.out("\(Ref(.model, name, version: version)) is \(answer["approval"]?.stringValue ?? "pending").")
    }

    private static func show(_ version: JSONValue, _ output: OutputOptions) throws {
        let lists = ["files", "evaluations", "approvals", "history", "recipe", "signature", "flavors", "metrics"]
        try output.object(.object((version.objectValue ?? [:]).filter { !lists.contains($0.key) }))
        for part in ["recipe", "signature", "metrics"] where version[part] != nil && version[part] != .null {
            Terminal.out("\n\(part)")
            try output.object(version[part] ?? .null)
        }
        Terminal.out("")
        try output.list(
            version["files"]?.arrayValue ?? [],
            [Column("File", "path"), Column("Bytes", "sizeBytes"), Column("Digest", "digest")],
            empty: "No files.")
        Terminal.out("")
        try output.list(
            version["evaluations"]?.arrayValue ?? [],
            [
                Column("Evaluated on", "dataset"), Column("Slice", "slice"), Column("Metrics", "metrics"),
                Column("At", "created"),
            ],
            empty: "No evaluations.")
        Terminal.out("")
        try output.list(
            version["approvals"]?.arrayValue ?? [],
            [Column("Decision", "decision"), Column("By", "by"), Column("Comment", "comment"), Column("At", "time")],
            empty: "No approvals.")
    }
}
