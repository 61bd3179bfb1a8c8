import Core
import Tables

/// A column of a merged table, and what it is called and typed on each side.
struct MergeColumn: Sendable, Hashable {
    let name: String
    /// DuckDB's name of the merged type; cells of every side are compared and written as this.
    let type: String
    let base: TableColumn?
    let ours: TableColumn?
    let theirs: TableColumn?

    func on(_ side: MergeSide) -> TableColumn? {
        switch side {
        case .base: base
        case .ours: ours
        case .theirs: theirs
        }
    }
}

/// The three tables of a merge.
enum MergeSide: String, Sendable, CaseIterable {
    case base, ours, theirs
}

/// What merges or conflicts as one: a cell, or the cells of a label (`NAME`, `NAME_by`, `NAME_at`, `NAME_votes`), which
/// must not be mixed from two annotators.
struct MergeUnit: Sendable, Hashable {
    let name: String
    /// Indexes into `MergeLayout.columns`.
    let columns: [Int]
    /// Of a label: who set it, when, and with how many votes.
    var by: Int?
    var at: Int?
    var votes: Int?

    var isLabel: Bool { by != nil && at != nil }
}

/// Both sides changed the same column of the table itself, and neither change says what the other meant.
struct SchemaConflict: Sendable, Hashable {
    enum Kind: String, Sendable {
        /// Both sides gave the column another type, or one side's values do not fit the other's type.
        case type
        /// One side dropped the column, the other changed values in it.
        case dropped
    }

    let column: String
    let kind: Kind
    /// Types; nil where the side has no such column.
    let base: String?
    let ours: String?
    let theirs: String?
    var rows: Int64?

    var json: JSONValue {
        [
            "column": .string(column), "kind": .string(kind.rawValue), "base": JSONValue(base),
            "ours": JSONValue(ours), "theirs": JSONValue(theirs), "rows": rows.map { .int($0) } ?? .null,
        ]
    }
}

/// The columns of a three-way merge: which there are afterwards, and which go together.
///
/// Columns are matched by name without regard to case, as DuckDB does, so that a column renamed from `Price` to `price`
/// on one side is one column.
struct MergeLayout: Sendable {
    let key: [MergeColumn]
    /// Without the key.
    let columns: [MergeColumn]
    let units: [MergeUnit]
    /// The order of the written table: key and other columns as ours has them, then what theirs added.
    let order: [MergeColumn]
    let conflicts: [SchemaConflict]
    /// Questions to the data that decide whether a change of the table may go through.
    let probes: [Probe]
    /// Columns that a side dropped and that stay by decision: that side's rows get the base's values back.
    let restored: [Restored]

    struct Restored: Sendable, Hashable {
        let side: MergeSide
        let column: TableColumn
    }

    /// A change of a column on one side that is only safe if the other side changed nothing there that it would lose.
    struct Probe: Sendable, Hashable {
        let column: String
        /// The side whose cells would be lost or cast.
        let side: MergeSide
        /// nil: the column is dropped by the other side; else the type that the cells must fit.
        let type: String?
    }

    /// How fine: by cell, or a row as a whole (two changes of one row are a conflict, whichever cells they touch).
    enum Granularity: String, Sendable, CaseIterable { case cell, row }

    /// - Parameters:
    ///   - decided: for schema conflicts that were resolved: column (lower case) to side.
    /// - Throws: `invalid` if a key column is missing on a side.
    init(
        base: [TableColumn], ours: [TableColumn], theirs: [TableColumn], key keyNames: [String],
        granularity: Granularity = .cell, decided: [String: MergeSide] = [:]
    ) throws {
        func find(_ name: String, _ columns: [TableColumn]) -> TableColumn? {
            columns.first { $0.name == name } ?? columns.first { $0.name.lowercased() == name.lowercased() }
        }
        var merged: [MergeColumn] = []
        var conflicts: [SchemaConflict] = []
        var probes: [Probe] = []
        var restored: [Restored] = []
        var seen: Set<String> = []
        for candidate in ours + theirs where seen.insert(candidate.name.lowercased()).inserted {
            let b = find(candidate.name, base)
            var (o, t) = (find(candidate.name, ours), find(candidate.name, theirs))
            let folded = candidate.name.lowercased()
            func conflict(_ kind: SchemaConflict.Kind) -> SchemaConflict {
                SchemaConflict(column: candidate.name, kind: kind, base: b?.type, ours: o?.type, theirs: t?.type)
            }
            // Gone on one side: it goes, unless the other side worked on it.
            if let column = b, o == nil || t == nil {
                let keeper: MergeSide = o == nil ? .theirs : .ours
                if let side = decided[folded] {
                    if side != keeper { continue }
                    restored.append(Restored(side: keeper == .ours ? .theirs : .ours, column: column))
                    (o, t) = (o ?? column, t ?? column)
                } else if (o ?? t)?.type != b?.type {
                    conflicts.append(conflict(.dropped))
                } else {
                    probes.append(Probe(column: candidate.name, side: keeper, type: nil))
                    continue
                }
            }
            let type: String
            switch (o?.type, t?.type) {
            case (let x?, nil): type = x
            case (nil, let y?): type = y
            case (let x?, let y?) where x == y: type = x
            case (let x?, let y?):
                if let side = decided[folded] {
                    type = side == .theirs ? y : x
                } else if b?.type == x {
                    type = y
                    probes.append(Probe(column: candidate.name, side: .ours, type: y))
                } else if b?.type == y {
                    type = x
                    probes.append(Probe(column: candidate.name, side: .theirs, type: x))
                } else {
                    type = x
                    conflicts.append(conflict(.type))
                }
            case (nil, nil): continue
            }
            // A name that only theirs changed the case of is theirs'.
            let name = o == nil || (b != nil && b?.name == o?.name) ? (t?.name ?? candidate.name) : candidate.name
            merged.append(MergeColumn(name: name, type: type, base: b, ours: o, theirs: t))
        }
        var keys: [MergeColumn] = []
        for name in keyNames {
            guard let column = merged.first(where: { $0.name.lowercased() == name.lowercased() }), column.ours != nil,
                column.theirs != nil, column.base != nil || base.isEmpty
            else {
                throw SlipwayError.field(
                    "key", "the column '\(name.prefix(80))' is not in all versions of the merge",
                    expected:
                        "some of \(merged.filter { $0.ours != nil && $0.theirs != nil }.map(\.name).joined(separator: ", "))"
                )
            }
            keys.append(column)
        }
        let rest = merged.filter { !keys.contains($0) }
        self.key = keys
        self.columns = rest
        self.order = merged
        self.conflicts = conflicts
        self.probes = probes
        self.restored = restored
        self.units = granularity == .cell ? Self.units(rest, key: keys.map(\.name)) : Self.wholeRow(rest)
    }

    private static func wholeRow(_ columns: [MergeColumn]) -> [MergeUnit] {
        columns.isEmpty ? [] : [MergeUnit(name: "(row)", columns: Array(columns.indices))]
    }

    /// Cells, with the columns of a label, and of a file's content, put together.
    static func units(_ columns: [MergeColumn], key: [String]) -> [MergeUnit] {
        let index = Dictionary(columns.enumerated().map { ($1.name, $0) }) { a, _ in a }
        var taken: Set<Int> = []
        var labels: [Int: MergeUnit] = [:]
        // What a dataset of files has of a file: one without the others would be another file's.
        if key == ["path"], let digest = index["digest"], let size = index["size_bytes"], let type = index["media_type"]
        {
            labels[digest] = MergeUnit(name: "digest", columns: [digest, size, type])
            taken.formUnion([size, type])
        }
        for (at, column) in columns.enumerated() {
            guard let by = index[column.name + "_by"], let when = index[column.name + "_at"] else { continue }
            let votes = index[column.name + "_votes"]
            labels[at] = MergeUnit(
                name: column.name, columns: [at, by, when] + (votes.map { [$0] } ?? []), by: by, at: when,
                votes: votes)
            taken.formUnion([by, when] + (votes.map { [$0] } ?? []))
        }
        return columns.indices.filter { !taken.contains($0) }.map {
            labels[$0] ?? MergeUnit(name: columns[$0].name, columns: [$0])
        }
    }
}
