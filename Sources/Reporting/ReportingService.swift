import Core
import Database
import Platform
import Projects
import Tables

/// One SELECT over the records of the projects that a principal may read.
final class ReportingService: Sendable {
    let tables: [SQLTable]
    let snapshots: Snapshots
    private let platform: Platform

    init(_ platform: Platform, tables: [SQLTable]) {
        self.platform = platform
        self.tables = tables
        snapshots = Snapshots(platform)
    }

    /// Runs one SELECT. It sees every write that was acknowledged before.
    ///
    /// - Parameters:
    ///   - project: only of this one; nil for all that the principal may read.
    ///   - limit: how many rows are given at most.
    /// - Throws: as `Tables.query`; `notFound` for an unknown project; `forbidden` for one that may not be read at all.
    func query(
        _ sql: String, parameters: [TableValue], project: String?, limit: Int, timeoutSeconds: Double?,
        as principal: Principal
    ) async throws -> TableResult {
        let inputs = try await inputs(for: sql, project: project, as: principal)
        defer { withExtendedLifetime(inputs.files) {} }
        return try await platform.tables.query(
            sql, parameters: parameters, inputs: inputs.tables, maxRows: limit, timeoutSeconds: timeoutSeconds,
            for: .query(principal))
    }

    /// The same as a stream; without a limit, all rows.
    func stream(
        _ sql: String, parameters: [TableValue], project: String?, limit: Int?, as format: RowFormat,
        by principal: Principal
    ) async throws -> (rows: TableStream, files: [SnapshotFile]) {
        let inputs = try await inputs(for: sql, project: project, as: principal)
        let rows = try await platform.tables.stream(
            sql, parameters: parameters, inputs: inputs.tables, as: format, maxRows: limit, for: .query(principal))
        return (rows, inputs.files)
    }

    // MARK: Parts

    private func inputs(for sql: String, project: String?, as principal: Principal) async throws -> (
        tables: [TableInput], files: [SnapshotFile]
    ) {
        guard sql.utf8.count <= Tables.maximumQueryBytes else {
            throw SlipwayError(
                .tooLarge, "The SQL is over \(Tables.maximumQueryBytes) bytes.", details: ["field": "sql"])
        }
        if let project {
            try await platform.database.read { try ProjectsStore().require($0, project) }
            guard tables.contains(where: { principal.may($0.permission, in: project) }) else {
                try principal.require(tables[0].permission, in: project)
                return ([], [])
            }
        }
        let all = try await platform.database.read { db in
            try db.all("SELECT name FROM project ORDER BY name") { try $0.text(0) }
        }
        let wanted = Self.mentioned(tables, in: sql).map { table in
            (
                table: table,
                projects: (project.map { [$0] } ?? all).filter { principal.may(table.permission, in: $0) }
            )
        }
        let found = try await snapshots.files(wanted)
        var files: [SnapshotFile] = []
        let inputs = try tables.map { table in
            // A query that does not use a table may still misspell it: the message names all tables.
            var own = found[table.name] ?? []
            if own.isEmpty { own = [try snapshots.emptyFile(of: table)] }
            files += own
            return TableInput(
                name: table.name, files: own.map(\.path), labels: own.map { _ in table.name }, format: .parquet,
                columns: table.columns.map { TableColumn(name: $0.parquet.name, type: $0.parquet.kind.rawValue) })
        }
        return (inputs, files)
    }

    /// The tables that a query may use: those whose names are words of it, wherever they stand. The engine's own parser
    /// decides later what the query does; a name too many costs time only.
    static func mentioned(_ tables: [SQLTable], in sql: String) -> [SQLTable] {
        var words: Set<String> = []
        var word: [UInt8] = []
        for byte in Array(sql.utf8) + [0] {
            switch byte {
            case 48...57, 95, 97...122: word.append(byte)
            case 65...90: word.append(byte + 32)
            default:
                if !word.isEmpty { words.insert(String(decoding: word, as: UTF8.self)) }
                word.removeAll()
            }
        }
        // A name can be written in Unicode escapes, U&"r\0075ns".
        let isEscaped = words.contains("u") && sql.contains("&")
        return tables.filter { isEscaped || words.contains($0.name) }
    }
}
