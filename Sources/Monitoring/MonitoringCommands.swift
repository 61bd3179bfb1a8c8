import ArgumentParser
import Client
import CommandKit
import Core

public struct MonitorCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "monitor", abstract: "Watch the predictions of endpoints for drift and quality.",
        subcommands: [List.self, Show.self, Put.self, Evaluate.self, Reports.self])

    public init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the monitors and where they stand.")
        @Option(help: "Only of this endpoint.") var endpoint: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items = try await server.client().list(
                "/api/v1/monitors", query: [("project", server.project), ("endpoint", endpoint)])
            try output.list(
                items,
                [
                    Column("Name", "name"), Column("Endpoint", "endpoint"), Column("Version", "version"),
                    Column("Reference", "reference"), Column("Status", "lastStatus"), Column("At", "lastAt"),
                    Column("Alert", "alert"),
                ])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a monitor and its newest report.")
        @Argument var name: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let client = server.client()
            let monitor = try await client.get("/api/v1/monitors/\(percentEncode(name))")
            try output.object(monitor)
            if output.json || output.yaml { return }
            let newest = try await client.list("/api/v1/monitors/\(percentEncode(name))/reports", limit: 1).first
            guard let newest else { return Terminal.out("\nNot evaluated yet.") }
            Terminal.out("")
            try ReportText.show(newest, output)
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a monitor or its next version.",
            discussion: """
                Example: slipway monitor put restock --endpoint restock --reference slice:restock-train --days 28 \
                --feature price --feature units --threshold psi=0.2 --on-drift restock-train
                """)
        @Argument var name: String
        @Option(help: "The endpoint whose predictions are watched.") var endpoint: String
        @Option(help: "dataset:name@3 or slice:name: what the model was trained on.") var reference: String
        @Option(parsing: .singleValue, help: "A feature. May be repeated; all by default.") var feature: [String] = []
        @Option(help: "The window in days.") var days: Double?
        @Option(help: "The window in rows.") var rows: Int?
        @Option(parsing: .singleValue, help: "A threshold: psi=0.2. May be repeated.") var threshold: [String] = []
        @Option(help: "The pipeline that starts when drift is found.") var onDrift: String?
        @Option(help: "How often the server evaluates it by itself, in seconds.") var every: Double?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard (days == nil) != (rows == nil) else {
                throw ValidationError("Say the window with one of --days and --rows.")
            }
        }

        func run() async throws {
            var body: [String: JSONValue] = [
                "endpoint": .string(endpoint), "reference": .string(reference), "project": .string(server.projectName),
                "features": feature.isEmpty ? "all" : JSONValue(feature),
                "window": days.map { ["days": .number($0)] } ?? ["rows": rows.map { JSONValue($0) } ?? .null],
            ]
            if !threshold.isEmpty {
                body["thresholds"] = .object(Dictionary(try threshold.map(Self.pair)) { _, last in last })
            }
            if threshold.contains(where: { !["psi", "ks", "missing"].contains($0.split(separator: "=").first) }) {
                body["quality"] = [:]
            }
            if let onDrift { body["onDrift"] = ["pipeline": .string(onDrift)] }
            if let every { body["everySeconds"] = .number(every) }
            try output.object(
                try await server.client().send("PUT", "/api/v1/monitors/\(percentEncode(name))", body: .object(body)))
        }

        private static func pair(_ text: String) throws -> (String, JSONValue) {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let value = Double(parts[1]) else {
                throw SlipwayError.field(
                    "threshold", "'\(text.prefix(80))' is not a threshold", expected: "measure=value, as in psi=0.2")
            }
            return (parts[0], .number(value))
        }
    }

    struct Evaluate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Evaluate a monitor now, or at a time; alerts and pipelines follow as if it had come by itself.")
        @Argument var name: String
        @Option(help: "The window's end, RFC 3339 (default: now).") var at: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let report = try await server.client().post(
                "/api/v1/monitors/\(percentEncode(name))/evaluate", at.map { ["at": .string($0)] } ?? [:])
            try ReportText.show(report, output)
        }
    }

    struct Reports: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List a monitor's reports, newest first.")
        @Argument var name: String
        @Option(help: "ok, drift or insufficient-data.") var status: String?
        @Option(help: "At most so many.") var limit = 50
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items = try await server.client().list(
                "/api/v1/monitors/\(percentEncode(name))/reports", query: [("status", status)], limit: limit)
            if output.json || output.yaml { return try output.list(items, []) }
            try output.list(
                items.map(ReportText.withWorst),
                [
                    Column("At", "at"), Column("Status", "status"), Column("Rows", "rows"),
                    Column("Predictions", "predictions"),
                    Column("Largest PSI", "worst"), Column("Alert", "alert"), Column("Report", "id"),
                ], empty: "Not evaluated yet.")
        }
    }
}

/// A report for people.
private enum ReportText {
    static func show(_ report: JSONValue, _ output: OutputOptions) throws {
        if output.json || output.yaml { return try output.object(report) }
        let status = report["status"]?.stringValue ?? "-"
        Terminal.out(
            "\(status) at \(report["at"]?.stringValue ?? "-"): \(report["rows"]?.intValue ?? 0) rows of \(report["predictions"]?.intValue ?? 0) predictions"
        )
        try output.list(
            (report["features"]?.arrayValue ?? []).map(withShortChance),
            [
                Column("Feature", "name"), Column("PSI", "psi"), Column("KS", "ks"), Column("p", "chance"),
                Column("Missing", "missing"), Column("before", "referenceMissing"), Column("Mean", "mean"),
                Column("before", "referenceMean"),
            ], empty: "No features.")
        if let quality = report["quality"]?.objectValue {
            let figures = quality.sorted { $0.key < $1.key }.map { "\($0.key) \(Column.shown($0.value))" }
            Terminal.out("Quality: \(figures.joined(separator: ", "))")
        }
        for crossing in report["crossed"]?.arrayValue ?? [] {
            let feature = crossing["feature"]?.stringValue.map { " of \($0)" } ?? ""
            Terminal.out(
                "Crossed: \(crossing["measure"]?.stringValue ?? "-")\(feature) \(Column.shown(crossing["value"] ?? .null)), above \(Column.shown(crossing["threshold"] ?? .null))"
            )
        }
        if let note = report["note"]?.stringValue { Terminal.out(note) }
        if let alert = report["alert"]?.stringValue { Terminal.out("Alert: \(alert)") }
        if let start = report["pipelineStart"], let pipeline = start["pipeline"]?.stringValue {
            Terminal.out(
                "Pipeline \(pipeline): \(start["run"]?.stringValue ?? start["problem"]?.stringValue ?? "requested")")
        }
    }

    /// No more digits of a p-value than mean something.
    private static func withShortChance(_ feature: JSONValue) -> JSONValue {
        var fields = feature.objectValue ?? [:]
        guard let p = feature["ksPValue"]?.doubleValue else { return feature }
        fields["chance"] = p < 0.001 ? "<0.001" : .number((p * 1000).rounded() / 1000)
        return .object(fields)
    }

    static func withWorst(_ report: JSONValue) -> JSONValue {
        var fields = report.objectValue ?? [:]
        let worst = report["features"]?.arrayValue?.max {
            ($0["psi"]?.doubleValue ?? -1) < ($1["psi"]?.doubleValue ?? -1)
        }
        fields["worst"] =
            worst.map { .string("\(Column.shown($0["psi"] ?? .null)) \($0["name"]?.stringValue ?? "")") } ?? .null
        return .object(fields)
    }
}

public struct AlertCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "alert", abstract: "What monitors have found.",
        subcommands: [List.self, Show.self, Acknowledge.self])

    public init() {}

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the alerts that are not resolved, newest first.")
        @Flag(help: "Also those that are resolved.") var all = false
        @Option(help: "Only of this monitor.") var monitor: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let states: [(String, String?)] = all ? [] : [("state", "open"), ("state", "acknowledged")]
            let items = try await server.client().list(
                "/api/v1/alerts", query: states + [("monitor", monitor), ("project", server.project)])
            try output.list(
                items,
                [
                    Column("Alert", "id"), Column("Monitor", "monitor"), Column("State", "state"),
                    Column("Opened", "opened"),
                    Column("Last seen", "lastSeen"), Column("What", "summary"),
                ], empty: "No alerts.")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show an alert and the pipelines that it started.")
        @Argument var id: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.object(try await server.client().get("/api/v1/alerts/\(percentEncode(id))"))
        }
    }

    struct Acknowledge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take an alert on: until it is resolved it neither repeats itself nor starts pipelines.")
        @Argument var id: String
        @Option(help: "For the others.") var comment: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.object(
                try await server.client().post(
                    "/api/v1/alerts/\(percentEncode(id))/acknowledge", comment.map { ["comment": .string($0)] } ?? [:]))
        }
    }
}
