import Access
import ArgumentParser
import CommandKit
import Core
import Datasets
import Exchange
import Inference
import Labels
import Ledger
import Monitoring
import Pipelines
import Projects
import Registry
import Reporting
import Server
import Serving
import Tables
import Traces
import Tracking
import Webhooks

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The list of commands; nothing else.
struct Slipway: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slipway", abstract: "Machine learning from data to the device and back.", version: Server.version,
        groupedSubcommands: [
            CommandGroup(
                name: "Server",
                subcommands: [ServeCommand.self, MigrateCommand.self, DoctorCommand.self, CollectCommand.self]),
            CommandGroup(
                name: "Data",
                subcommands: [
                    ProjectCommand.self, SourceCommand.self, SecretCommand.self, DataCommand.self, SliceCommand.self,
                    LabelCommand.self,
                ]),
            CommandGroup(
                name: "Work",
                subcommands: [
                    PipelineCommand.self, ExperimentCommand.self, RunCommand.self, TraceCommand.self, ModelCommand.self,
                    ReproduceCommand.self, SQLCommand.self,
                ]),
            CommandGroup(
                name: "Arrive", subcommands: [SyncCommand.self, ImportCommand.self, ExportCommand.self]),
            CommandGroup(
                name: "Operate",
                subcommands: [
                    EndpointCommand.self, PredictCommand.self, FeedbackCommand.self, MonitorCommand.self,
                    AlertCommand.self, WebhookCommand.self,
                ]),
            CommandGroup(
                name: "Record",
                subcommands: [
                    EventsCommand.self, LineageCommand.self, AuditCommand.self, UserCommand.self, TokenCommand.self,
                ]),
        ])
}

@main
enum Main {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        // Workers are this same program, started by the server; they are not commands for people.
        if arguments.first == "worker" {
            let rest = Array(arguments.dropFirst(2))
            switch arguments.dropFirst().first {
            case "tables": TablesWorker.main(arguments: rest)
            case "inference": InferenceWorker.main(arguments: rest)
            default: break
            }
        }
        do {
            var command = try Slipway.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            leave(0)
        } catch let error as SlipwayError {
            Terminal.error("slipway: \(error.message)")
            leave(error.code.exitCode)
        } catch let code as ExitCode {
            leave(code.rawValue)
        } catch {
            Slipway.exit(withError: error)
        }
    }

    /// Ends at once. With `exit`, OpenSSL and curl take their memory down while another thread may still be closing a
    /// connection; a command crashed so after its work was done.
    private static func leave(_ code: Int32) -> Never {
        fflush(nil)
        _exit(code)
    }
}
