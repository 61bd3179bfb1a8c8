import ArgumentParser
import Client
import CommandKit
import Core

public struct ExportCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Take everything along to another tracker.",
        discussion: "Example: slipway export mlflow ./leaving", subcommands: [MLflow.self])

    public init() {}

    struct MLflow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mlflow",
            abstract:
                "Write experiments, runs, metrics, models, versions and artifacts as an MLflow server opens them.",
            discussion: """
                The folder gets mlflow.db and artifacts. What it has already is not written again: an export that was cut
                off goes on when it is repeated, and a later one adds what is new.
                Examples:
                  slipway export mlflow ./leaving
                  slipway export mlflow ./restock --project restock --experiment weekly
                  cd leaving && mlflow server --backend-store-uri sqlite:///mlflow.db --artifacts-destination ./artifacts
                """)
        @Argument(help: "A new folder, or one that an export of this server began.") var folder: String
        @Option(help: "Only this experiment, by id or name, without registered models.") var experiment: String?
        @Flag(help: "Leave out the files of artifacts.") var withoutArtifacts = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let client = server.client()
            let target = try await MLflowFile(folder: folder, origin: client.url)
            let exporter = Exporter(
                client: client, target: target, project: server.project, experiment: experiment,
                artifacts: !withoutArtifacts)
            try await exporter.run()
            try output.object(exporter.report.json)
            guard exporter.report.problems.isEmpty else {
                throw SlipwayError(.conflict, "Not everything is there; see the problems above.")
            }
        }
    }
}
