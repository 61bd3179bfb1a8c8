import Core
import Database
import Ledger
import Objects
import Platform
import Tables

extension DatasetsService {
    /// What a query sees of a version: its Parquet files on this machine; of a version of files, one row for each.
    public func input(_ version: DatasetVersion, name: String) async throws -> TableInput {
        if version.kind == .files { return try await filesInput(version, name: name) }
        let files = try await files(of: version)
        var paths: [String] = []
        for file in files { paths.append(try await platform.objects.localPath(file.digest)) }
        return TableInput(name: name, files: paths, labels: files.map { "\(version.ref)/\($0.path)" }, format: .parquet)
    }

    /// Inputs of a query by name, and the refs with their numbers fixed. A slice becomes its rows.
    func bind(_ named: [String: Ref], as principal: Principal) async throws -> Binding {
        var binding = Binding()
        for (name, ref) in named.sorted(by: { $0.key < $1.key }) {
            try Name.validate(name, field: "inputs")
            let version = try await resolve(ref, as: principal)
            binding.versions[name] = version
            if ref.kind == .slice {
                let slice = try await slice(ref, as: principal)
                binding.inputs.append(try await input(version, name: name + "__all"))
                binding.slices[name] = slice
            } else {
                binding.inputs.append(try await input(version, name: name))
            }
        }
        return binding
    }

    struct Binding {
        var inputs: [TableInput] = []
        var versions: [String: DatasetVersion] = [:]
        var slices: [String: Slice] = [:]

        /// The query with the slices put before it.
        func sql(_ query: String) -> String {
            guard !slices.isEmpty else { return query }
            let tables = slices.sorted { $0.key < $1.key }.map { name, slice in
                "\(DuckSQL.name(name)) AS (SELECT * FROM \(DuckSQL.name(name + "__all")) WHERE (\(slice.condition)\n))"
            }
            return "WITH \(tables.joined(separator: ", ")) SELECT * FROM (\(query)\n)"
        }

        /// `sales=dataset:sales@3` for the recipe, each with the digest of its content.
        var recipeInputs: [String] {
            versions.sorted { $0.key < $1.key }.map { name, version in
                let slice = slices[name].map { " \($0.ref) [\($0.condition)]" } ?? ""
                return "\(name)=dataset:\(version.dataset) sha256:\(version.digest.hex)\(slice)"
            }
        }

        var parents: [Ref] { versions.values.map(\.ref) + slices.values.map(\.ref) }
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
            let slice = try await slice(ref, as: principal)
            let version = try await resolve(ref, as: principal)
            return try await platform.tables.profile(
                of: input(version, name: "data"), filter: slice.condition, columns: nil
            ).json
        }
        let version = try await resolve(ref, as: principal)
        if let known = try await platform.database.read({ [store] in try store.profile($0, version) }) { return known }
        let profile = try await platform.tables.profile(of: input(version, name: "data"), filter: nil, columns: nil)
            .json
        try await platform.database.write { [store] in try store.setProfile($0, version, profile) }
        return profile
    }

    /// Puts the Parquet files of a version or slice into a folder: hard links where the disk allows, else copies.
    ///
    /// - Returns: the version, and a digest of exactly what was put there.
    public func materialize(_ ref: Ref, to folder: String, as principal: Principal) async throws -> (
        version: DatasetVersion, digest: Digest
    ) {
        let version = try await resolve(ref, as: principal)
        try makeFolder(folder)
        if ref.kind == .slice {
            let slice = try await slice(ref, as: principal)
            _ = try await platform.tables.write(
                "SELECT * FROM data WHERE (\(slice.condition)\n)", parameters: [],
                inputs: [try await input(version, name: "data")],
                to: folder + "/part-00000.parquet", timeoutSeconds: 600)
            return (version, Digest.of(version.digest.hex + " " + slice.condition))
        }
        for file in try await files(of: version) {
            try linkOrCopy(try await platform.objects.localPath(file.digest), to: folder + "/" + file.path)
        }
        return (version, version.digest)
    }

    /// The exact version (and slice) that a ref stands for now, and a digest of what it holds.
    public func pin(_ ref: Ref, as principal: Principal) async throws -> (ref: Ref, digest: Digest) {
        let version = try await resolve(ref, as: principal)
        guard ref.kind == .slice else { return (version.ref, version.digest) }
        let slice = try await slice(ref, as: principal)
        return (slice.ref, Digest.of(version.digest.hex + " " + slice.condition))
    }
}
