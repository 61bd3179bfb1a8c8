import ArgumentParser
import Client
import CommandKit
import Core

public struct ReproduceCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "reproduce",
        abstract: "Rerun the recipe of a model version and compare: equal, within tolerance, or where it differs.",
        discussion:
            "Example: slipway reproduce model:restock@5. Ends with 0 if the model is equal or within tolerance, with 1 if it differs."
    )

    @Argument(help: "model:NAME@VERSION or model:NAME@ALIAS.") var model: String
    @Option(help: "Relative tolerance of metrics.") var tolerance: Double?
    @Flag(help: "Keep the version that the rerun registers.") var keep = false
    @Option(help: "How long to wait for the rerun, in seconds.") var timeout: Double = 3600
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    public init() {}

    public func run() async throws {
        let ref = try ModelCommand.ref(model)
        guard let selector = ref.selector else {
            throw ValidationError("Name a version: model:\(ref.name)@5 or model:\(ref.name)@champion.")
        }
        let client = server.client()
        var body: [String: JSONValue] = ["keep": .bool(keep)]
        if let tolerance { body["tolerance"] = .number(tolerance) }
        var record = try await client.post(
            "\(ModelCommand.path(ref.name))/versions/\(percentEncode(selector))/reproduce", .object(body))
        let id = record["id"]?.stringValue ?? ""
        let start = Clock.monotonicNanoseconds()
        while record["state"]?.stringValue == "running" {
            let seconds = Double(Clock.monotonicNanoseconds() - start) / 1e9
            guard seconds < timeout else {
                throw SlipwayError(
                    .deadlineExceeded,
                    "The rerun \(record["pipelineRun"]?.stringValue ?? "") is not over after \(Int(seconds)) s; it goes on. "
                        + "GET /api/v1/reproductions/\(id) tells how it ends."
                )
            }
            Terminal.status("Rerunning as \(record["pipelineRun"]?.stringValue ?? "…"), \(Int(seconds)) s")
            try await Task.sleep(for: .milliseconds(seconds < 5 ? 200 : 1000))
            record = try await client.get("/api/v1/reproductions/\(id)")
        }
        Terminal.status("")
        if output.json || output.yaml { try output.object(record) } else { Terminal.out(Self.sentence(ref, record)) }
        if record["verdict"]?.stringValue == Reproduction.Verdict.differs.rawValue { throw ExitCode(1) }
        if record["state"]?.stringValue == "failed" { throw ExitCode(ErrorCode.conflict.exitCode) }
    }

    private static func sentence(_ ref: Ref, _ record: JSONValue) -> String {
        let run = record["pipelineRun"]?.stringValue ?? "the rerun"
        guard let result = record["result"], result != .null else {
            return "\(ref) could not be reproduced: \(record["problem"]?.stringValue ?? "no reason was given")"
        }
        let counts =
            "\(result["filesCompared"]?.intValue ?? 0) files and \(result["metricsCompared"]?.intValue ?? 0) metrics of \(run)"
        var text = "\(ref): \(result["verdict"]?.stringValue ?? "") (compared \(counts))"
        if let difference = result["firstDifference"], difference != .null {
            let kind = difference["kind"]?.stringValue ?? ""
            let name = difference["name"]?.stringValue ?? ""
            text +=
                "\nfirst difference: \(kind) \(name): recorded \(difference["recorded"]?.stringValue ?? ""), rerun \(difference["rerun"]?.stringValue ?? "")"
        }
        return text
    }
}
