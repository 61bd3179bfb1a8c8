import ArgumentParser
import Client
import CommandKit
import Core
import Database
import Executors
import Inference
import Logging
import Platform
import Serving
import Tables

/// Options of every command that opens the data itself.
struct ServerOptions: ParsableArguments {
    @Option(help: "The folder for data (default: slipway-data here).") var data: String?
    @Option(help: "sqlite:///path/slipway.db or postgresql://user@host/name (default: SQLite in the data folder).")
    var database: String?
    @Option(help: "A folder, or s3://bucket/prefix?endpoint=…&region=… (default: a folder in the data folder).")
    var objects: String?
}

public struct ServeCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the server.",
        discussion: """
            With no options it serves http://127.0.0.1:5000 from SQLite and a folder.
            Example: slipway serve --database postgresql://slipway@db/slipway --objects 's3://ml/slipway?endpoint=http://s3:8333'
            """)
    @Option(help: "The address to listen on.") var host = "127.0.0.1"
    @Option(help: "The port; 0 takes any free one.") var port = 5000
    @OptionGroup var options: ServerOptions
    @Flag(help: "Ask for a token even from this machine; needed to listen elsewhere than on loopback.")
    var requireToken = false
    @Option(parsing: .singleValue, help: "A name by which clients may call this server. May be repeated.")
    var allowedHost: [String] = []
    @Option(
        parsing: .singleValue,
        help: "A folder that file sources may read (default: the working folder). May be repeated.")
    var sourceRoot: [String] = []
    @Option(
        parsing: .singleValue,
        help: """
            A Python environment for pipeline steps and Python models: NAME=FOLDER, or FOLDER for the default one. May be \
            repeated.
            """)
    var python: [String] = []
    @Option(help: "Processes for each loaded Python model.") var pythonProcesses = 2
    @Option(help: "The memory of each of these processes, in MiB.") var pythonMemory = 2048
    @Flag(help: "Let Python models use this machine's network.") var pythonNetwork = false
    @Option(
        parsing: .singleValue,
        help: "A host that sources may reach: data.example.org, *.example.org (default: any). May be repeated.")
    var allowSourceHost: [String] = []
    @Flag(help: "Let sources reach private and loopback addresses.") var allowPrivateSources = false
    @Option(help: "Serve MLflow's own web page from this folder: mlflow/server/js/build of an installed mlflow.")
    var mlflowUI: String?
    @Option(help: "Serve the web application from this folder (ui/dist), as it changes, instead of the built-in one.")
    var ui: String?
    @Option(help: "trace, debug, info, warning or error.") var logLevel = "info"

    public init() {}

    public func run() async throws {
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw SlipwayError.field(
                "log-level", "'\(logLevel)' is not a level", expected: "trace, debug, info, warning or error")
        }
        let asJSON = !Terminal.isInteractive
        let logger = Logger(label: "slipway") { _ in ServerLog(level: level, asJSON: asJSON) }
        var configuration = ServerConfiguration()
        configuration.host = host
        configuration.port = port
        if let data = options.data { configuration.data = data }
        configuration.database = options.database
        configuration.objects = options.objects
        configuration.requireToken = requireToken
        configuration.allowedHosts = allowedHost
        configuration.sourceRoots = try (sourceRoot.isEmpty ? ["."] : sourceRoot).map(DataFolder.realPath)
        for text in python {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            let (name, path) = parts.count == 2 ? (parts[0], parts[1]) : ("default", text)
            configuration.pythonEnvironments[try Name.validate(name, field: "python")] = try DataFolder.realPath(path)
        }
        configuration.ui = try ui.map(DataFolder.realPath)
        configuration.mlflowUI = try mlflowUI.map(DataFolder.realPath)
        configuration.serving.python = try pythonServing
        configuration.allowPrivateSources = allowPrivateSources
        configuration.sourceHosts = allowSourceHost
        try await Server.run(configuration, logger: logger)
    }

    private var pythonServing: ServingConfiguration.Python {
        get throws {
            guard (1...64).contains(pythonProcesses) else {
                throw SlipwayError.field("python-processes", "is \(pythonProcesses)", expected: "1 to 64")
            }
            guard (64...1 << 24).contains(pythonMemory) else {
                throw SlipwayError.field("python-memory", "is \(pythonMemory)", expected: "MiB, at least 64")
            }
            var python = ServingConfiguration.Python()
            python.processes = pythonProcesses
            python.memoryBytes = Int64(pythonMemory) << 20
            python.network = pythonNetwork
            return python
        }
    }
}

public struct MigrateCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring a database's schema up to date ('serve' does it too).")
    @OptionGroup var options: ServerOptions
    @Flag(help: "Print the schema afterwards.") var dump = false

    public init() {}

    public func run() async throws {
        let folder = try DataFolder(options.data ?? ServerConfiguration().data)
        defer { folder.release() }
        let database = try await Database.open(options.database ?? "sqlite://\(folder.path)/slipway.db")
        try await database.migrate(Features.migrations)
        Terminal.out(dump ? try await database.schemaDump() : "The schema is up to date.")
        await database.close()
    }
}

public struct DoctorCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Say what works on this machine, and what to install for what does not.")
    @OptionGroup var output: OutputOptions

    public init() {}

    public func run() async throws {
        var checks: [JSONValue] = []
        func add(_ part: String, _ problem: String?, _ good: String) {
            checks.append(["part": .string(part), "ok": .bool(problem == nil), "state": .string(problem ?? good)])
        }
        let tables = Tables(TablesConfiguration(temporaryDirectory: "/tmp"))
        add("tables (DuckDB)", tables.availability, "found")
        do { add("inference (ONNX Runtime)", nil, "version " + (try OnnxRuntime.load(library: nil)).version) } catch let
            error as SlipwayError
        {
            add("inference (ONNX Runtime)", error.message, "")
        }
        add(
            "process executor (bubblewrap)",
            await (try ProcessExecutor(.init(runtimeFolder: "/tmp/slipway-doctor"))).availability(), "sandboxes work")
        try output.list(checks, [Column("Part", "part"), Column("OK", "ok"), Column("State", "state")])
        await tables.shutdown()
    }
}

public struct CollectCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Say what no dataset, run or model holds any more, and free it with --remove.")
    @Flag(help: "Remove it; without this, it is only counted.") var remove = false
    @Option(help: "Keep what is younger than so many hours.") var graceHours = 24.0
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    public init() {}

    public func run() async throws {
        let body: JSONValue = ["dryRun": .bool(!remove), "graceSeconds": .number(graceHours * 3600)]
        let answer = try await server.client().post("/api/v1/objects/collect", body, timeoutSeconds: 7200)
        if output.json || output.yaml { return try output.object(answer) }
        func count(_ field: String) -> Int64 { answer[field]?.intValue ?? 0 }
        Terminal.out(
            "\(remove ? "removed" : "would remove") \(count("removed")) of \(count("examined")) objects, \(count("removedBytes")) bytes; \(count("kept")) were put or touched within \(graceHours == graceHours.rounded() ? String(Int(graceHours)) : String(graceHours)) hours and stay until then"
        )
        for owner in answer["owners"]?.arrayValue ?? [] {
            Terminal.out(
                "  \(owner["owner"]?.stringValue ?? ""): \(owner["objects"]?.intValue ?? 0) objects, \(owner["bytes"]?.intValue ?? 0) bytes"
            )
        }
        if !remove { Terminal.out("nothing is removed yet; --remove does it") }
    }
}
