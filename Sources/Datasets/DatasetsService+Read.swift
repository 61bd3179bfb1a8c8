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

    /// Two versions side by side: schema, rows, statistics.
    public func diff(_ name: String, from: Int, to: Int, as principal: Principal) async throws -> DatasetDiff {
        let old = try await resolve(Ref(.dataset, name, version: from), as: principal)
        let new = try await resolve(Ref(.dataset, name, version: to), as: principal)
        var added: Int64 = 0
        var removed: Int64 = 0
        if old.digest != new.digest {
            (added, removed) = try await rowChanges(old, new)
        }
        let profiles = (try await profile(old.ref, as: principal), try await profile(new.ref, as: principal))
        return DatasetDiff(
            from: old, to: new, rowsAdded: added, rowsRemoved: removed,
            statistics: Self.statistics(profiles.0, profiles.1))
    }

    /// Rows of one and not of the other, as multisets, over the columns that both have. Files that both versions hold are
    /// not read.
    private func rowChanges(_ old: DatasetVersion, _ new: DatasetVersion) async throws -> (added: Int64, removed: Int64)
    {
        let shared = old.columns.filter { column in new.columns.contains { $0.name == column.name } }.map {
            DuckSQL.name($0.name)
        }
        guard !shared.isEmpty else { return (new.rowCount, old.rowCount) }
        let sameSchema = old.columns == new.columns
        let oldFiles = try await files(of: old)
        let newFiles = try await files(of: new)
        let common = sameSchema ? Set(oldFiles.map(\.digest)).intersection(newFiles.map(\.digest)) : []
        func table(_ files: [DatasetFile], _ name: String) async throws -> TableInput? {
            var paths: [String] = []
            for file in files where !common.contains(file.digest) {
                paths.append(try await platform.objects.localPath(file.digest))
            }
            return paths.isEmpty ? nil : TableInput(name: name, files: paths, format: .parquet)
        }
        let a = try await table(oldFiles, "a")
        let b = try await table(newFiles, "b")
        func count(_ sql: String, _ inputs: [TableInput]) async throws -> Int64 {
            let result = try await platform.tables.query(
                sql, parameters: [], inputs: inputs, maxRows: 1, timeoutSeconds: 600)
            return result.rows.first?.first?.intValue ?? 0
        }
        let list = shared.joined(separator: ", ")
        switch (a, b) {
        case (nil, nil): return (0, 0)
        case (nil, let b?): return (try await count("SELECT count(*) FROM b", [b]), 0)
        case (let a?, nil): return (0, try await count("SELECT count(*) FROM a", [a]))
        case (let a?, let b?):
            let difference = { (x: String, y: String) in
                "SELECT count(*) FROM (SELECT \(list) FROM \(x) EXCEPT ALL SELECT \(list) FROM \(y))"
            }
            return (try await count(difference("b", "a"), [a, b]), try await count(difference("a", "b"), [a, b]))
        }
    }

    /// The columns whose mean, share of nulls or count of distinct values differ.
    private static func statistics(_ old: JSONValue, _ new: JSONValue) -> [JSONValue] {
        let before = Dictionary((old["columns"]?.arrayValue ?? []).map { ($0["name"]?.stringValue ?? "", $0) }) {
            a, _ in a
        }
        return (new["columns"]?.arrayValue ?? []).compactMap { column in
            guard let name = column["name"]?.stringValue, let earlier = before[name] else { return nil }
            var changes: [String: JSONValue] = [:]
            for key in ["nullCount", "distinctCount", "mean", "standardDeviation", "minimum", "maximum"] {
                let (a, b) = (earlier[key] ?? .null, column[key] ?? .null)
                if a != b { changes[key] = ["from": a, "to": b] }
            }
            return changes.isEmpty ? nil : ["name": .string(name), "changes": .object(changes)]
        }
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
