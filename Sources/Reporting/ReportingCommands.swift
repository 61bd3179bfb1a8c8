import ArgumentParser
import Client
import CommandKit
import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

public struct SQLCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "sql", abstract: "Ask runs, metrics, parameters and models with one SELECT (DuckDB's SQL).",
        discussion: """
            Example: slipway sql "SELECT run_name, value FROM runs JOIN metrics USING (run_id) WHERE key = 'rmse' ORDER BY value LIMIT 5"
            Example: slipway sql --format arrow --to points.arrow "FROM metric_history WHERE key = 'loss'"
            'slipway sql --tables' shows the tables and their columns.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, csv, arrow
    }

    @Argument(help: "One SELECT.") var sql: String?
    @Flag(help: "Show the tables and their columns.") var tables = false
    @Option(help: "table, csv (RFC 4180) or arrow (IPC stream).") var format: Format = .table
    @Option(help: "Write CSV or Arrow into this file.") var to: String?
    @Option(help: "At most so many rows (default: 1000 for a table or JSON, else all).") var limit: Int?
    @OptionGroup var server: ClientOptions
    @OptionGroup var output: OutputOptions

    public init() {}

    public func validate() throws {
        guard (sql == nil) == tables else { throw ValidationError("Give one SELECT, or --tables.") }
        if to != nil, format == .table { throw ValidationError("--to takes --format csv or --format arrow.") }
    }

    public func run() async throws {
        let client = server.client()
        guard let sql else { return try await showTables(client) }
        var body: [String: JSONValue] = ["sql": .string(sql)]
        if let limit { body["limit"] = JSONValue(limit) }
        let query = [("project", server.project), ("format", format == .table ? "json" : format.rawValue)]
        guard format == .table else {
            let sink = try Sink(to)
            try await client.stream("/api/v1/sql", query: query, method: "POST", body: .object(body)) {
                try sink.write($0)
            }
            return try sink.close()
        }
        let answer = try await client.send("POST", "/api/v1/sql", query: query, body: .object(body))
        let names = (answer["columns"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
        let rows = (answer["rows"]?.arrayValue ?? []).map { $0.arrayValue ?? [] }
        if output.json || output.yaml {
            try output.list(rows.map { .object(Dictionary(zip(names, $0)) { first, _ in first }) }, [])
        } else {
            Terminal.out(Table.text(rows: rows.map { $0.map(Column.shown) }, titles: names))
        }
        if answer["truncated"]?.boolValue == true {
            Terminal.error("Only the first \(rows.count) rows; --limit gives more.")
        }
    }

    private func showTables(_ client: APIClient) async throws {
        let items = try await client.get("/api/v1/sql/tables")["items"]?.arrayValue ?? []
        if output.json || output.yaml { return try output.list(items, []) }
        let rows = items.flatMap { table in
            (table["columns"]?.arrayValue ?? []).map { column -> JSONValue in
                [
                    "table": table["name"] ?? .null, "column": column["name"] ?? .null, "type": column["type"] ?? .null,
                    "about": column["about"] ?? "",
                ]
            }
        }
        try output.list(
            rows,
            [Column("Table", "table"), Column("Column", "column"), Column("Type", "type"), Column("About", "about")])
    }
}

/// A file, or the standard output.
private final class Sink: Sendable {
    private let descriptor: Int32
    private let path: String?

    init(_ path: String?) throws {
        self.path = path
        descriptor = path.map { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) } ?? 1
        if descriptor < 0 { throw Self.failure(path) }
    }

    func write(_ bytes: [UInt8]) throws {
        var at = 0
        while at < bytes.count {
            let count = bytes[at...].withUnsafeBytes { buffer in
                #if canImport(Glibc)
                    Glibc.write(descriptor, buffer.baseAddress, buffer.count)
                #else
                    Darwin.write(descriptor, buffer.baseAddress, buffer.count)
                #endif
            }
            if count > 0 {
                at += count
            } else if errno != EINTR {
                throw Self.failure(path)
            }
        }
    }

    func close() throws {
        #if canImport(Glibc)
            if path != nil, Glibc.close(descriptor) != 0 { throw Self.failure(path) }
        #else
            if path != nil, Darwin.close(descriptor) != 0 { throw Self.failure(path) }
        #endif
    }

    private static func failure(_ path: String?) -> SlipwayError {
        SlipwayError(
            .unavailable, "\(path ?? "The output") cannot be written: \(String(cString: strerror(errno))).")
    }
}
