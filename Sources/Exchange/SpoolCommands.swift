import ArgumentParser
import Client
import CommandKit
import Core

public struct SyncCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Send the runs that were logged without a server (slipway.offline() in Python).",
        discussion: """
            What is here already is not sent again: it may be cut off, repeated, and run while the runs go on.
            Example: slipway sync slipway-spool --project restock
            """)

    @Argument(help: "The spool (default: SLIPWAY_SPOOL, else slipway-spool).") var folder: String?
    @Flag(help: "Delete the runs that have ended and are on the server whole.") var remove = false
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    public init() {}

    public func run() async throws {
        let spool = try SpoolFolder(folder ?? ClientOptions.environment("SLIPWAY_SPOOL") ?? "slipway-spool")
        let importer = Importer(
            spool, client: server.client(), project: server.projectName, artifacts: true,
            totals: try await spool.totals())
        try await importer.run()
        var report = importer.report.json.objectValue ?? [:]
        if remove, importer.report.problems.isEmpty {
            report["removed"] = JSONValue(try await spool.remove(importer.arrived))
        }
        try output.object(.object(report))
        try importer.report.requireWhole()
    }
}
