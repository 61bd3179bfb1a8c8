import Core
import Objects
import Platform
import Tables

extension DatasetsService {
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
}
