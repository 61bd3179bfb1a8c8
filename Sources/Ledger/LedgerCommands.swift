import ArgumentParser
import Client
import CommandKit
import Core

public struct EventsCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "events", abstract: "What happened, newest first; --follow shows it live.",
        discussion: "Example: slipway events --type model. --follow")
    @Option(help: "An event type, or a prefix that ends in '.'.") var type: String?
    @Option(help: "A ref; without @ all its versions.") var subject: String?
    @Option(help: "At most so many.") var limit = 50
    @Flag(help: "Go on with new events until interrupted.") var follow = false
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    public init() {}

    public func run() async throws {
        let client = server.client()
        let query = [("type", type), ("subject", subject), ("project", server.project)]
        guard follow else {
            let items = try await client.list("/api/v1/events", query: query, limit: limit)
            return try output.list(
                items,
                [
                    Column("Time", "time"), Column("Event", "type"), Column("Subject", "subject"),
                    Column("Actor", "actor"), Column("Project", "project"),
                ])
        }
        try await client.lines("/api/v1/events/stream", query: query) { line in
            guard line.hasPrefix("data: "), let event = try? JSONValue(parsing: String(line.dropFirst(6))) else {
                return true
            }
            let fields = ["time", "type", "subject", "actor"].map { event[$0]?.stringValue ?? "-" }
            Terminal.out(fields.joined(separator: "  "))
            return true
        }
    }
}

public struct LineageCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "lineage",
        abstract: "What a thing was made from (or, with --downstream, what was made from it), as a tree.",
        discussion: "Example: slipway lineage model:restock@3")
    @Argument(help: "A ref such as model:restock@3 or prediction:1f….") var ref: String
    @Flag(help: "What was made from it instead.") var downstream = false
    @Option(help: "How many steps.") var depth = 1000
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    public init() {}

    public func run() async throws {
        let answer = try await server.client().get(
            "/api/v1/lineage/\(percentEncode(ref))",
            query: [("direction", downstream ? "downstream" : "upstream"), ("depth", String(depth))])
        let edges = answer["edges"]?.arrayValue ?? []
        if output.json || output.yaml { return try output.list(edges, []) }
        var next: [String: [(String, String)]] = [:]
        for edge in edges {
            guard let source = edge["source"]?.stringValue, let target = edge["target"]?.stringValue,
                let relation = edge["relation"]?.stringValue
            else { continue }
            if downstream {
                next[source, default: []].append((target, relation))
            } else {
                next[target, default: []].append((source, relation))
            }
        }
        // The server says which version a bare ref stands for.
        let root = answer["ref"]?.stringValue ?? ref
        Terminal.out(root)
        var shown: Set<String> = [root]
        Self.tree(root, next, prefix: "", &shown)
        if edges.isEmpty { Terminal.out("Nothing recorded.") }
    }

    /// A dataset that grew by appends is a long chain of versions: shown as one line, with all that was appended.
    private static func folded(_ children: [(String, String)], _ next: [String: [(String, String)]]) -> [(
        String, String
    )] {
        guard let chain = children.firstIndex(where: { $0.1 == "append" && $0.0.hasPrefix("dataset:") }) else {
            return children
        }
        var rest = children
        let newest = rest.remove(at: chain).0
        var oldest = newest
        while true {
            let parts = next[oldest] ?? []
            rest += parts.filter { !($0.1 == "append" && $0.0.hasPrefix("dataset:")) }
            guard let base = parts.first(where: { $0.1 == "append" && $0.0.hasPrefix("dataset:") })?.0 else { break }
            oldest = base
        }
        let first = newest == oldest ? newest : "\(oldest) … \(newest)"
        return [(first, "append")] + rest
    }

    private static func tree(
        _ ref: String, _ next: [String: [(String, String)]], prefix: String, _ shown: inout Set<String>
    ) {
        let children = folded(next[ref] ?? [], next)
        // Long lists of files are cut: --json has them all.
        let limit = 12
        for (index, (child, relation)) in children.prefix(limit).enumerated() {
            let isLast = index == children.count - 1
            let isNew = shown.insert(child).inserted
            Terminal.out(
                "\(prefix)\(isLast ? "└─ " : "├─ ")\(child)  (\(relation))\(isNew || next[child] == nil ? "" : " …")")
            if isNew { tree(child, next, prefix: prefix + (isLast ? "   " : "│  "), &shown) }
        }
        if children.count > limit { Terminal.out("\(prefix)└─ and \(children.count - limit) more") }
    }
}

public struct AuditCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "The tamper-evident record.", subcommands: [Verify.self])

    public init() {}

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Recompute the ledger's hash chain; fails if any event was edited.")
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let result = try await server.client().get("/api/v1/audit/verify")
            if output.json || output.yaml { try output.object(result) }
            guard result["whole"]?.boolValue == true else {
                throw SlipwayError(
                    .conflict,
                    "The ledger was changed: event \(result["fault"]?["sequence"]?.intValue ?? 0): \(result["fault"]?["problem"]?.stringValue ?? "unknown")."
                )
            }
            if !output.json, !output.yaml {
                Terminal.out(
                    "The chain of \(result["events"]?.intValue ?? 0) events is whole. Its head is \(result["head"]?.stringValue ?? "")."
                )
            }
        }
    }
}
