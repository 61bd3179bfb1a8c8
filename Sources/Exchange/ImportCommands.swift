import ArgumentParser
import Client
import CommandKit
import Core

public struct ImportCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Bring everything along from another tracker.",
        discussion: """
            What is here already is not sent again: an import that was cut off goes on when it is repeated.
            Examples:
              slipway import mlflow ./mlruns
              slipway import mlflow sqlite:///mlflow.db --artifacts mlartifacts
              slipway import wandb ./wandb
              slipway import tensorboard ./runs
            """,
        subcommands: [MLflow.self, WandB.self, TensorBoard.self])

    public init() {}

    struct MLflow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mlflow",
            abstract: "Import experiments, runs, metrics, models, versions and artifacts of MLflow.",
            discussion: """
                Runs that were logged into a folder without a server are merged: importing it again, after more was
                logged, adds what is new and nothing twice.
                Examples:
                  slipway import mlflow ./mlruns
                  slipway import mlflow sqlite:///mlflow.db --artifacts mlartifacts
                  slipway import mlflow postgresql://mlflow@db/mlflow --project restock
                  slipway import mlflow http://tracking.example.org:5000
                """)
        @Argument(
            help: "A folder such as ./mlruns, sqlite:///mlflow.db, postgresql://USER@HOST/NAME, or a server's URL.")
        var source: String
        @Option(help: "The folder behind mlflow-artifacts:/, MLflow's --artifacts-destination; or beside ./mlruns.")
        var artifacts: String?
        @Flag(help: "Leave the files of artifacts where they are.") var withoutArtifacts = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let store = try await open()
            try await ImportCommand.carry(store, server, output, artifacts: !withoutArtifacts)
        }

        private func open() async throws -> any ForeignStore {
            if source.hasPrefix("http://") || source.hasPrefix("https://") { return MLflowServer(url: source) }
            if ["sqlite:///", "postgresql"].contains(where: source.hasPrefix) {
                return try await MLflowDatabase(uri: source, artifacts: artifacts)
            }
            guard let folder = LocalArtifacts.folder(source, proxied: nil), LocalFolder.isFolder(folder) else {
                throw SlipwayError.field(
                    "source", "'\(source.prefix(80))' is neither a folder nor a store that can be read",
                    expected:
                        "a folder such as ./mlruns, sqlite:///FILE, postgresql://USER@HOST/NAME or http://HOST:PORT")
            }
            return try MLflowFolder(path: folder, artifacts: artifacts)
        }
    }

    struct WandB: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "wandb", abstract: "Import the offline runs of Weights & Biases.",
            discussion: """
                Reads run-*.wandb and the files beside it, without wandb and without a network. A project there is an
                experiment here. Runs may be going on: importing again adds what is new.
                Examples:
                  slipway import wandb ./wandb
                  slipway import wandb ./wandb/offline-run-20261124_200311-first001 --project restock
                """)
        @Argument(help: "A folder wandb, or one of its runs.") var folder: String
        @Flag(help: "Leave the files of runs where they are.") var withoutArtifacts = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await ImportCommand.carry(
                try await WandBFolder(path: folder), server, output, artifacts: !withoutArtifacts)
        }
    }

    struct TensorBoard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tensorboard",
            abstract: "Import scalars, texts and hyperparameters of TensorBoard's event files.",
            discussion: """
                Every folder with events.out.tfevents.* files is a run. They may be growing: importing again adds what is
                new. Pictures, sounds, histograms and graphs are counted and left out.
                Examples:
                  slipway import tensorboard ./runs
                  slipway import tensorboard ./lightning_logs --experiment forecast --project restock
                """)
        @Argument(help: "The folder that 'tensorboard --logdir' is given.") var folder: String
        @Option(help: "The experiment that the runs belong to; the folder's name by default.") var experiment: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await ImportCommand.carry(
                try TensorBoardFolder(path: folder, experiment: experiment), server, output, artifacts: false)
        }
    }

    private static func carry(
        _ store: any ForeignStore, _ server: ClientOptions, _ output: OutputOptions, artifacts: Bool
    ) async throws {
        let importer = Importer(
            store, client: server.client(), project: server.projectName, artifacts: artifacts,
            totals: try await store.totals())
        try await importer.run()
        try output.object(importer.report.json)
        try importer.report.requireWhole()
    }
}
