import ArgumentParser
import Client
import CommandKit
import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What push and pull share.
struct CopyOptions: ParsableArguments {
    @Option(name: .customLong("as"), help: "The dataset's name over there (default: the same).") var name: String?
    @Option(help: "Onto which branch (default: main).") var branch = "main"

    /// The other server, with the token of the environment's variable.
    static func client(_ url: String, tokenFrom variable: String) -> APIClient {
        let token = getenv(variable).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : Secret($0) }
        return APIClient(url: url, token: token)
    }

    func run(
        _ ref: String, from source: APIClient, to target: APIClient, project: String, verb: String,
        _ output: OutputOptions
    ) async throws {
        let ref = try datasetRef(ref)
        let progress = TransferProgress(verb)
        let outcome = try await VersionCopy(
            source: source, target: target, ref: ref, dataset: name ?? ref.name, project: project, branch: branch,
            progress: progress
        ).run()
        progress.finish()
        if output.json || output.yaml {
            var fields = outcome.answer.objectValue ?? [:]
            fields["sent"] = [
                "files": JSONValue(outcome.files), "objects": JSONValue(outcome.sentObjects),
                "bytes": .int(outcome.sentBytes),
            ]
            return try output.object(.object(fields))
        }
        let unchanged = outcome.answer["unchanged"]?.boolValue == true
        Terminal.out(
            "\(outcome.answer["ref"]?.stringValue ?? "")\(unchanged ? " (up to date)" : "") · \(outcome.files) files differed, \(outcome.sentObjects) objects (\(TransferProgress.size(outcome.sentBytes))) sent"
        )
    }
}

extension DataCommand {
    struct Push: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy a version to another server; only what it lacks is sent.",
            discussion:
                "The other server's token comes from SLIPWAY_REMOTE_TOKEN.\n\nExample: slipway data push photos@3 --to https://slipway.example.org"
        )
        @Argument(help: "photos, photos@3, photos@prod.") var ref: String
        @Option(help: "The other server's URL.") var to: String
        @OptionGroup var copy: CopyOptions
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await copy.run(
                ref, from: server.client(), to: CopyOptions.client(to, tokenFrom: "SLIPWAY_REMOTE_TOKEN"),
                project: server.projectName, verb: "push", output)
        }
    }

    struct Pull: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy a version from another server; only what is missing here is fetched.",
            discussion:
                "The other server's token comes from SLIPWAY_REMOTE_TOKEN.\n\nExample: slipway data pull photos@3 --from https://slipway.example.org"
        )
        @Argument(help: "photos, photos@3, photos@prod; at the other server.") var ref: String
        @Option(help: "The other server's URL.") var from: String
        @OptionGroup var copy: CopyOptions
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await copy.run(
                ref, from: CopyOptions.client(from, tokenFrom: "SLIPWAY_REMOTE_TOKEN"), to: server.client(),
                project: server.projectName, verb: "pull", output)
        }
    }
}
