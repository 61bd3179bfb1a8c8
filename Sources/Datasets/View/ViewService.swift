import Core
import Database
import Ledger
import Objects
import Platform
import Tables

extension DatasetsService {
    /// What a query sees of a version: its Parquet files on this machine.
    public func input(_ version: DatasetVersion, name: String) async throws -> TableInput {
        let files = try await files(of: version)
        var paths: [String] = []
        for file in files { paths.append(try await platform.objects.localPath(file.digest)) }
        return TableInput(name: name, files: paths, labels: files.map { "\(version.ref)/\($0.path)" }, format: .parquet)
    }

    /// One SELECT over versions and slices.
    public func query(
        _ sql: String, inputs: [String: Ref], parameters: [JSONValue], limit: Int, as principal: Principal
    ) async throws -> TableResult {
        let binding = try await bind(inputs, as: principal)
        return try await platform.tables.query(
            binding.sql(sql), parameters: parameters.map { TableValue($0) }, inputs: binding.inputs, maxRows: limit,
            timeoutSeconds: nil)
    }

    /// Which rows of a version or slice to show.
    public struct RowsQuery: Sendable {
        public var filter: String?
        public var columns: [String] = []
        public var order: String?
        public init(filter: String? = nil, columns: [String] = [], order: String? = nil) {
            self.filter = filter
            self.columns = columns
            self.order = order
        }
    }

    /// A page of rows.
    public func rows(_ ref: Ref, _ query: RowsQuery, _ page: PageRequest, as principal: Principal) async throws -> (
        result: TableResult, next: Cursor?
    ) {
        let binding = try await bind(["data": ref], as: principal)
        guard let version = binding.versions["data"] else { throw SlipwayError.notFound(ref) }
        let known = Set(version.columns.map(\.name))
        for column in query.columns where !known.contains(column) {
            throw SlipwayError.field(
                "columns", "there is no column '\(column.prefix(80))'",
                expected: "one of \(known.sorted().joined(separator: ", "))")
        }
        let wanted = query.columns.isEmpty ? version.columns.map(\.name) : query.columns
        let list = wanted.map(DuckSQL.name).joined(separator: ", ")
        var condition = ""
        if let text = query.filter, let filter = try Filter.parse(text) {
            condition = " WHERE \(try filter.condition(columns: version.columns))"
        }
        var sql = "SELECT \(list) FROM data\(condition)"
        if let order = query.order {
            // Rows that are equal by the order keep the order of the files, or pages would repeat some and lose others.
            sql = "SELECT \(list) FROM (SELECT *, row_number() OVER () AS \"slipway row\" FROM data\(condition))"
            sql += " ORDER BY \(try DuckSQL.order(order, columns: known)), \"slipway row\""
        }
        let offset = page.after?.keys.first?.intValue ?? 0
        guard offset >= 0 else { throw SlipwayError.field("after", "is not a cursor of these rows") }
        sql += " LIMIT \(page.limit + 1) OFFSET \(offset)"
        let found = try await platform.tables.query(
            binding.sql(sql), parameters: [], inputs: binding.inputs, maxRows: page.limit + 1, timeoutSeconds: nil)
        let more = found.rows.count > page.limit
        let rows = TableResult(columns: found.columns, rows: Array(found.rows.prefix(page.limit)), truncated: more)
        return (rows, more ? Cursor([.int(offset + Int64(page.limit))]) : nil)
    }

    /// Counts, nulls, quantiles, histograms, top values; computed once a version and kept.
    public func profile(_ ref: Ref, as principal: Principal) async throws -> JSONValue {
        if ref.kind == .slice {
            let rows = try await rows(of: ref, name: "data", as: principal)
            return try await platform.tables.profile(of: rows.input, filter: nil, columns: nil).json
        }
        let version = try await resolve(ref, as: principal)
        if let known = try await platform.database.read({ [store] in try store.profile($0, version) }) { return known }
        let profile = try await platform.tables.profile(of: input(version, name: "data"), filter: nil, columns: nil)
            .json
        try await platform.database.write { [store] in try store.setProfile($0, version, profile) }
        return profile
    }
}
