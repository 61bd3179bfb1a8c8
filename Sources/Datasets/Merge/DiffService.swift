import Core
import Objects
import Platform
import Tables

extension DatasetsService {
    /// Two versions side by side: schema, rows, cells, labels, statistics.
    ///
    /// - Parameters:
    ///   - key: what identifies a row; nil for the dataset's key, and none compares rows as multisets.
    ///   - hasStatistics: whether the columns' profiles are compared too; they are computed once a version.
    /// - Throws: `invalid` for a key that does not identify the rows, with examples.
    public func diff(
        _ name: String, from: String, to: String, key: [String]? = nil, hasStatistics: Bool = true,
        as principal: Principal
    ) async throws -> DatasetDiff {
        let dataset = try await dataset(name, as: principal)
        let old = try await resolve(Ref(.dataset, name, selector: from), as: principal)
        let new = try await resolve(Ref(.dataset, name, selector: to), as: principal)
        let key = try keyColumns(key, of: dataset)
        let statistics =
            hasStatistics
            ? Self.statistics(try await profile(old.ref, as: principal), try await profile(new.ref, as: principal)) : []
        func result(
            _ added: Int64, _ removed: Int64, _ changed: Int64?, _ cells: [(String, Int64)] = [],
            _ labels: [DatasetDiff.LabelChanges] = []
        ) -> DatasetDiff {
            DatasetDiff(
                from: old, to: new, key: key, rowsAdded: added, rowsRemoved: removed, rowsChanged: changed,
                cells: cells, labels: labels, statistics: statistics)
        }
        if old.digest == new.digest { return result(0, 0, key.isEmpty ? nil : 0) }
        guard !key.isEmpty else {
            let (added, removed) = try await rowChanges(old, new)
            return result(added, removed, nil)
        }
        let sql = try DiffSQL(from: old, to: new, key: key)
        let row =
            try await ask(sql.counts, [try await changes(sql, old, new, key, for: principal)], for: principal).first
            ?? []
        func count(_ index: Int) -> Int64 { row.indices.contains(index) ? row[index].intValue ?? 0 : 0 }
        let columns = sql.keyed.layout.columns
        let cells = columns.enumerated().map { ($1.name, count(3 + $0)) }.filter { $0.1 > 0 }
        let labels = sql.labels.enumerated().map { index, unit in
            let first = 3 + columns.count + 3 * index
            return DatasetDiff.LabelChanges(
                name: unit.name, set: count(first), changed: count(first + 1), cleared: count(first + 2))
        }
        return result(count(0), count(1), count(2), cells, labels)
    }

    /// The rows that differ, by key, a page at a time.
    public func rowChanges(
        _ name: String, from: String, to: String, key: [String]? = nil, kind: RowChange.Kind?, _ page: PageRequest,
        as principal: Principal
    ) async throws -> Page<RowChange> {
        let dataset = try await dataset(name, as: principal)
        let old = try await resolve(Ref(.dataset, name, selector: from), as: principal)
        let new = try await resolve(Ref(.dataset, name, selector: to), as: principal)
        let key = try keyColumns(key, of: dataset)
        guard !key.isEmpty else {
            throw SlipwayError.field(
                "key", "\(name) has none, and rows are told apart by key",
                expected: "the columns that identify a row, or 'slipway data set \(name) --key COLUMN' once for all")
        }
        if old.digest == new.digest { return Page(items: [], next: nil) }
        let sql = try DiffSQL(from: old, to: new, key: key)
        let after = page.after?.keys.first?.intValue ?? 0
        let rows = try await ask(
            sql.page(kind, after: after, limit: page.limit + 1),
            [try await changes(sql, old, new, key, for: principal)],
            maxRows: page.limit + 1, for: principal)
        return Page(rows: rows, limit: page.limit) { [.int($0[0].intValue ?? 0)] }.map { sql.row($0) }
    }

    /// The file of the rows that differ; made once, since versions do not change.
    private func changes(
        _ sql: DiffSQL, _ old: DatasetVersion, _ new: DatasetVersion, _ key: [String], for principal: Principal
    ) async throws -> TableInput {
        let identity = JSONValue.array([
            "diff", .string(old.digest.hex), .string(new.digest.hex), JSONValue(key),
            .array((old.columns + new.columns).map { [.string($0.name), .string($0.type)] }),
        ])
        let path = try await tableCache.path(of: Digest.of(identity.canonicalText)) { path in
            for (side, version) in [(MergeSide.base, old), (.theirs, new)] {
                try await requireKey(sql.keyed, side, of: version, for: principal)
            }
            let (from, to) = try await inputsThatDiffer(old, name: "from", new, name: "to")
            _ = try await platform.tables.write(
                sql.changes(from: from?.name, to: to?.name), inputs: [from, to].compactMap { $0 }, to: path,
                timeoutSeconds: Self.writeSeconds)
        }
        return TableInput(name: "changes", files: [path], format: .parquet)
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
}
