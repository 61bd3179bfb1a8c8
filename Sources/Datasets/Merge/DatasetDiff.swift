import Core
import Tables

/// Two versions side by side.
public struct DatasetDiff: Sendable {
    public let from: DatasetVersion
    public let to: DatasetVersion
    /// What identified the rows; empty if they were compared as multisets.
    public let key: [String]
    public let rowsAdded: Int64
    public let rowsRemoved: Int64
    /// Rows of both with other cells; nil without a key.
    public let rowsChanged: Int64?
    /// Changed cells by column.
    public let cells: [(column: String, changed: Int64)]
    public let labels: [LabelChanges]
    public let statistics: [JSONValue]

    /// What happened to a label in the rows of both versions.
    public struct LabelChanges: Sendable {
        public let name: String
        /// Rows that had none and have one now.
        public let set: Int64
        public let changed: Int64
        public let cleared: Int64

        var json: JSONValue {
            ["name": .string(name), "set": .int(set), "changed": .int(changed), "cleared": .int(cleared)]
        }
    }

    public var json: JSONValue {
        let old = Dictionary(from.columns.map { ($0.name, $0.type) }) { a, _ in a }
        let new = Dictionary(to.columns.map { ($0.name, $0.type) }) { a, _ in a }
        let changed = from.columns.filter { column in new[column.name].map { $0 != column.type } ?? false }
        var rows: [String: JSONValue] = [
            "from": .int(from.rowCount), "to": .int(to.rowCount), "added": .int(rowsAdded),
            "removed": .int(rowsRemoved),
        ]
        if let rowsChanged { rows["changed"] = .int(rowsChanged) }
        var fields: [String: JSONValue] = [
            "from": JSONValue(from.ref), "to": JSONValue(to.ref), "same": .bool(from.digest == to.digest),
            "key": JSONValue(key),
            "schema": [
                "added": JSONValue(to.columns.map(\.name).filter { old[$0] == nil }),
                "removed": JSONValue(from.columns.map(\.name).filter { new[$0] == nil }),
                "changed": .array(
                    changed.map { ["name": .string($0.name), "from": .string($0.type), "to": JSONValue(new[$0.name])] }),
            ],
            "rows": .object(rows),
            "cells": .array(cells.map { ["column": .string($0.column), "changed": .int($0.changed)] }),
            "labels": .array(labels.map(\.json)), "statistics": .array(statistics),
        ]
        if to.kind == .files {
            fields["files"] = [
                "added": .int(rowsAdded), "removed": .int(rowsRemoved),
                "changed": .int(cells.first { $0.column == "digest" }?.changed ?? 0),
            ]
        }
        return .object(fields)
    }
}

/// A row that differs between two versions.
public struct RowChange: Sendable {
    public enum Kind: String, Sendable, CaseIterable { case added, removed, changed }

    public let kind: Kind
    public let key: [(column: String, value: TableValue)]
    /// The cells that differ; of added and removed rows all cells.
    public let cells: [(column: String, from: TableValue, to: TableValue)]

    public var json: JSONValue {
        [
            "kind": .string(kind.rawValue),
            "key": .object(Dictionary(key.map { ($0.column, $0.value.json) }) { a, _ in a }),
            "cells": .array(
                cells.map { cell in
                    var fields: [String: JSONValue] = ["column": .string(cell.column)]
                    if kind != .added { fields["from"] = cell.from.json }
                    if kind != .removed { fields["to"] = cell.to.json }
                    return .object(fields)
                }),
        ]
    }
}

/// SQL of a diff by key. The changed rows are written to a file once, in the order of the key and numbered, so that counts
/// and pages are quick.
struct DiffSQL: Sendable {
    let keyed: KeyedSQL
    private var layout: MergeLayout { keyed.layout }

    /// - Throws: `invalid` if a key column is missing.
    init(from: DatasetVersion, to: DatasetVersion, key: [String]) throws {
        keyed = KeyedSQL(
            layout: try MergeLayout(base: from.columns, ours: to.columns, theirs: to.columns, key: key))
    }

    /// `n` from 1, `kind`, the key, and `b0 …`, `t0 …`.
    func changes(from: String?, to: String?) -> String {
        """
        SELECT row_number() OVER () AS n, CASE WHEN NOT in_t THEN 'removed' WHEN NOT in_b THEN 'added' ELSE 'changed' END AS kind, *
        FROM (SELECT * FROM (\(keyed.changes(from: from, .base, to: to, .theirs))) ORDER BY \(keyed.keys.joined(separator: ", ")))
        """
    }

    /// Added, removed, changed; changed cells a column; and, a label: set, changed, cleared.
    var counts: String {
        let changed = "FILTER (kind = 'changed' AND"
        let cells = layout.columns.indices.map { "count(*) \(changed) b\($0) IS DISTINCT FROM t\($0))" }
        let labels = self.labels.flatMap { unit in
            let at = unit.columns[0]
            return [
                "count(*) \(changed) b\(at) IS NULL AND t\(at) IS NOT NULL)", "count(*) \(changed) b\(at) <> t\(at))",
                "count(*) \(changed) b\(at) IS NOT NULL AND t\(at) IS NULL)",
            ]
        }
        let kinds = RowChange.Kind.allCases.map { "count(*) FILTER (kind = '\($0.rawValue)')" }
        return "SELECT \((kinds + cells + labels).joined(separator: ", ")) FROM changes"
    }

    var labels: [MergeUnit] { layout.units.filter(\.isLabel) }

    func page(_ kind: RowChange.Kind?, after: Int64, limit: Int) -> String {
        let cells = layout.columns.indices.flatMap { ["b\($0)", "t\($0)"] }
        let condition = kind.map { " AND kind = '\($0.rawValue)'" } ?? ""
        return """
            SELECT \((["n", "kind"] + keyed.keys + cells).joined(separator: ", ")) FROM changes
            WHERE n > \(after)\(condition) ORDER BY n LIMIT \(limit)
            """
    }

    func row(_ row: [TableValue]) -> RowChange {
        let kind = row[1].text.flatMap { RowChange.Kind(rawValue: $0) } ?? .changed
        let first = 2 + layout.key.count
        let key = layout.key.enumerated().map { ($1.name, row[2 + $0]) }
        let cells = layout.columns.enumerated().compactMap { index, column -> (String, TableValue, TableValue)? in
            let (a, b) = (row[first + 2 * index], row[first + 2 * index + 1])
            return kind == .changed && a.isSame(as: b) ? nil : (column.name, a, b)
        }
        return RowChange(kind: kind, key: key, cells: cells)
    }
}

extension TableValue {
    /// Equal as IS NOT DISTINCT FROM has it: NaN is NaN.
    fileprivate func isSame(as other: TableValue) -> Bool {
        if case .double(let a) = self, case .double(let b) = other { return a == b || a.isNaN && b.isNaN }
        return self == other
    }
}
