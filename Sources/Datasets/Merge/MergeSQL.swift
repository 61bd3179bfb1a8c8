import Core
import Tables

/// The steps of a three-way merge as SQL. Each is one SELECT that the tables worker writes to a file, so that the next
/// one knows how small its input is:
///
/// 1. `KeyedSQL.changes`: what theirs changed since the base (one join of two tables).
/// 2. `plan`: those rows beside ours, and what is to be done with each unit.
/// 3. `conflicts`: one row a conflict; `blamed` adds who made each side, and when.
/// 4. `decisions`: what rules and people say.
/// 5. `result`: ours, with the plan applied, in the order of ours.
struct MergeSQL: Sendable {
    let keyed: KeyedSQL
    private var layout: MergeLayout { keyed.layout }

    init(_ layout: MergeLayout) { keyed = KeyedSQL(layout: layout) }

    // MARK: Before

    /// How many cells a change of the schema would lose.
    func probe(_ probe: MergeLayout.Probe, base: String, side: String, sideColumns: [TableColumn]) -> String {
        func find(_ name: String) -> TableColumn? {
            sideColumns.first { $0.name == name } ?? sideColumns.first { $0.name.lowercased() == name.lowercased() }
        }
        let column = DuckSQL.name(probe.column)
        func table(_ name: String, _ which: MergeSide) -> String {
            let keys = layout.key.enumerated().map { index, key in
                "TRY_CAST(\(DuckSQL.name(key.on(which)?.name ?? key.name)) AS \(key.type)) AS k\(index)"
            }
            return "(SELECT \((keys + ["\(column) AS v"]).joined(separator: ", ")) FROM \(DuckSQL.name(name)))"
        }
        guard let type = probe.type, let own = find(probe.column)?.type else {
            return """
                SELECT count(*) FROM \(table(base, .base)) b JOIN \(table(side, probe.side)) s ON \(keyed.on("b", "s"))
                WHERE b.v IS DISTINCT FROM s.v
                """
        }
        return """
            SELECT count(*) FROM \(table(side, probe.side)) s LEFT JOIN \(table(base, .base)) b ON \(keyed.on("b", "s"))
            WHERE s.v IS NOT NULL AND s.v IS DISTINCT FROM b.v
            AND TRY_CAST(TRY_CAST(s.v AS \(type)) AS \(own)) IS DISTINCT FROM s.v
            """
    }

    /// A side with the columns that it dropped and that stay.
    func restore(_ columns: [MergeLayout.Restored], to side: String, _ which: MergeSide, base: String) -> String {
        func keys(_ of: MergeSide) -> [String] {
            layout.key.map { DuckSQL.name($0.on(of)?.name ?? $0.name) }
        }
        let same = zip(keys(.base), keys(which)).map { "b.\($0) = s.\($1)" }.joined(separator: " AND ")
        let back = columns.map { "b.\(DuckSQL.name($0.column.name))" }
        return """
            SELECT s.*, \(back.joined(separator: ", ")) FROM \(DuckSQL.name(side)) s
            LEFT JOIN \(DuckSQL.name(base)) b ON \(same)
            """
    }

    // MARK: The plan

    /// What a row of the plan is.
    enum RowKind: Int {
        /// Ours has it, changed or not: unit by unit.
        case edit = 0
        /// Only theirs has it.
        case add = 1
        /// Theirs deleted it, ours left it alone.
        case delete = 2
        /// Gone on both sides.
        case gone = 3
        /// Theirs deleted what ours changed.
        case theirsDeleted = 4
        /// Ours deleted what theirs changed.
        case oursDeleted = 5
    }

    /// `changes` beside ours: `kind` (`RowKind`) and, a unit, `w0 …`: 0 ours, 1 theirs, 2 conflict.
    func plan(changes: String, ours: String?) -> String {
        let cells = layout.columns.indices
        let units = layout.units
        let joined =
            keyed.keys.map { "c.\($0)" } + ["c.in_b", "c.in_t", "o.here IS NOT NULL AS in_o"]
            + cells.flatMap { ["c.b\($0)", "o.c\($0) AS o\($0)", "c.t\($0)"] }
        let oursChanged = units.isEmpty ? "false" : units.map { keyed.differs($0, "b", "o") }.joined(separator: " OR ")
        let kind = """
            CASE WHEN in_t AND in_o THEN \(RowKind.edit.rawValue) WHEN in_t AND NOT in_b THEN \(RowKind.add.rawValue)
            WHEN in_t THEN \(RowKind.oursDeleted.rawValue) WHEN NOT in_o THEN \(RowKind.gone.rawValue)
            WHEN \(oursChanged) THEN \(RowKind.theirsDeleted.rawValue) ELSE \(RowKind.delete.rawValue) END AS kind
            """
        let which = units.enumerated().map { index, unit in
            """
            CASE WHEN NOT \(keyed.differs(unit, "b", "t")) OR NOT \(keyed.differs(unit, "o", "t")) THEN 0
            WHEN NOT \(keyed.differs(unit, "b", "o")) THEN 1\(agreement(unit)) ELSE 2 END AS w\(index)
            """
        }
        return """
            SELECT *, \(([kind] + which).joined(separator: ", ")) FROM (
                SELECT \(joined.joined(separator: ", ")) FROM \(DuckSQL.name(changes)) c
                LEFT JOIN (\(keyed.side(.ours, of: ours))) o ON \(keyed.on("c", "o")))
            """
    }

    /// Two annotators who set the same label agree; the later one's stamp is kept.
    private func agreement(_ unit: MergeUnit) -> String {
        guard let by = unit.by, let at = unit.at, let value = unit.columns.first else { return "" }
        let same = "o\(value) IS NOT DISTINCT FROM t\(value) AND o\(value) IS NOT NULL"
        let later = "t\(at) > o\(at) OR o\(at) IS NULL OR (t\(at) = o\(at) AND t\(by) > o\(by))"
        return " WHEN \(same) THEN CASE WHEN \(later) THEN 1 ELSE 0 END"
    }

    /// Whether a row of the plan holds a conflict.
    private var isInConflict: String {
        (["kind IN (\(RowKind.theirsDeleted.rawValue), \(RowKind.oursDeleted.rawValue))"]
            + layout.units.indices.map { "(kind = 0 AND w\($0) = 2)" }).joined(separator: " OR ")
    }

    /// Counts of the plan, in the order of `MergeCounts`; then the conflicts by unit.
    func counts(plan: String) -> String {
        let taken = layout.units.indices.map { "w\($0) = 1" }
        let anyTaken = taken.isEmpty ? "false" : taken.joined(separator: " OR ")
        let list =
            [
                "count(*) FILTER (kind = 1)", "count(*) FILTER (kind = 2)",
                "count(*) FILTER (kind = 0 AND (\(anyTaken)))",
                taken.isEmpty ? "0" : taken.map { "count(*) FILTER (kind = 0 AND \($0))" }.joined(separator: " + "),
                "count(*) FILTER (\(isInConflict))", "count(*) FILTER (kind IN (4, 5))",
                "count(*) FILTER (kind = 3)",
            ] + layout.units.indices.map { "count(*) FILTER (kind = 0 AND w\($0) = 2)" }
        return "SELECT \(list.joined(separator: ", ")) FROM \(DuckSQL.name(plan))"
    }

    // MARK: Conflicts

    /// One row a conflict: `id` from 0 in the order of the key and the columns, the key, its text, `unit` (-1 for a whole
    /// row), both sides' and the base's text, and what rules ask for: who, when, how many votes.
    func conflicts(plan: String, units conflicting: [Int]) -> String {
        func entry(_ condition: String, _ unit: Int, _ texts: [String], _ stamps: [String]) -> String {
            let names = [
                "base", "ours", "theirs", "ours_by", "theirs_by", "ours_at", "theirs_at", "ours_votes", "theirs_votes",
            ]
            let fields = zip(names, texts + stamps).map { "'\($0)': \($1)" }
            return "CASE WHEN \(condition) THEN {'unit': \(unit), \(fields.joined(separator: ", "))} END"
        }
        let none = [
            "CAST(NULL AS VARCHAR)", "CAST(NULL AS VARCHAR)", "CAST(NULL AS BIGINT)", "CAST(NULL AS BIGINT)",
            "CAST(NULL AS DOUBLE)", "CAST(NULL AS DOUBLE)",
        ]
        let rows = entry(
            "kind IN (4, 5)", -1,
            [
                keyed.rowText("b"), "CASE WHEN kind = 4 THEN \(keyed.rowText("o")) END",
                "CASE WHEN kind = 5 THEN \(keyed.rowText("t")) END",
            ], none)
        let cells = conflicting.map { index in
            let unit = layout.units[index]
            return entry(
                "kind = 0 AND w\(index) = 2", index, ["b", "o", "t"].map { keyed.text(unit, $0) }, stamps(unit) ?? none)
        }
        let key = keyed.keys.joined(separator: ", ")
        return """
            SELECT row_number() OVER (ORDER BY \(key), u.unit) - 1 AS id, \(key), key, u.unit AS unit, u.base AS base, u.ours AS ours, u.theirs AS theirs,
                u.ours_by AS ours_by, u.theirs_by AS theirs_by, u.ours_at AS ours_at, u.theirs_at AS theirs_at,
                u.ours_votes AS ours_votes, u.theirs_votes AS theirs_votes
            FROM (SELECT \(key), \(keyed.keyText) AS key, unnest([\(([rows] + cells).joined(separator: ", "))]) AS u
                  FROM \(DuckSQL.name(plan)) WHERE \(isInConflict))
            WHERE u IS NOT NULL ORDER BY id
            """
    }

    private func stamps(_ unit: MergeUnit) -> [String]? {
        guard let by = unit.by, let at = unit.at, let value = unit.columns.first else { return nil }
        let type = layout.columns[at].type
        func time(_ cell: String) -> String {
            if type.hasPrefix("TIMESTAMP") || type == "DATE" { return "epoch_us(\(cell))" }
            if type == "VARCHAR" { return "epoch_us(TRY_CAST(\(cell) AS TIMESTAMP))" }
            return "TRY_CAST(\(cell) AS BIGINT)"
        }
        func votes(_ side: String) -> String {
            guard let index = unit.votes else { return "CAST(NULL AS DOUBLE)" }
            let cell = "\(side)\(index)"
            guard ["VARCHAR", "JSON"].contains(layout.columns[index].type) else {
                return "TRY_CAST(\(cell) AS DOUBLE)"
            }
            // A number, or an object from value to votes.
            return """
                coalesce(TRY_CAST(\(cell) AS DOUBLE), CASE WHEN json_valid(\(cell)) THEN TRY_CAST(json_extract_string(\(cell),
                '$."' || replace(CAST(\(side)\(value) AS VARCHAR), '"', '') || '"') AS DOUBLE) END)
                """
        }
        return [
            "CAST(o\(by) AS VARCHAR)", "CAST(t\(by) AS VARCHAR)", time("o\(at)"), time("t\(at)"), votes("o"),
            votes("t"),
        ]
    }

    // MARK: Who did it

    /// A version on the way from the base to a side's head.
    struct Step: Sendable {
        let version: DatasetVersion
        /// The table's name among the inputs; nil for the head, whose values the conflicts hold.
        let table: String?
    }

    /// The conflicts with the version, author and time of each side's last change of that cell.
    ///
    /// - Parameters:
    ///   - isCut: whether there are older versions than the steps, so that a change at the first step is of unknown origin.
    func blamed(
        conflicts: String, units: [Int], ours: [Step], oursIsCut: Bool, theirs: [Step], theirsIsCut: Bool
    ) -> String {
        let table = DuckSQL.name(conflicts)
        func values(_ name: String, _ steps: [Step]) -> String {
            let rows = steps.enumerated().map {
                "(\($0 + 1), \($1.version.number), \(DuckSQL.text($1.version.author)), \($1.version.created.milliseconds))"
            }
            return "\(name) AS (SELECT * FROM (VALUES \(rows.joined(separator: ", "))) v (step, number, author, made))"
        }
        func moved(_ name: String, _ side: MergeSide, _ steps: [Step], isCut: Bool) -> String {
            // One version: nobody else can have done it.
            guard steps.count > 1 || isCut else { return "\(name) AS (SELECT id, 1 AS step FROM \(table))" }
            let reads = steps.enumerated().map { index, step in
                guard let input = step.table else {
                    return "SELECT id, \(index + 1) AS step, \(side.rawValue) AS v FROM \(table)"
                }
                return """
                    SELECT c.id, \(index + 1), \(cell(units)) FROM \(table) c
                    LEFT JOIN (\(asSide(step.version, input))) s ON \(keyed.on("c", "s"))
                    """
            }
            return """
                \(name) AS (SELECT id, max(step) AS step FROM (
                    SELECT id, step, v IS DISTINCT FROM lag(v) OVER (PARTITION BY id ORDER BY step) AS moved FROM (
                        SELECT id, 0 AS step, base AS v FROM \(table) UNION ALL \(reads.joined(separator: "\nUNION ALL "))))
                    WHERE moved AND step > \(isCut ? 1 : 0) GROUP BY id)
                """
        }
        return """
            WITH \(values("ov", ours)), \(values("tv", theirs)),
            \(moved("om", .ours, ours, isCut: oursIsCut)), \(moved("tm", .theirs, theirs, isCut: theirsIsCut))
            SELECT c.*, ov.number AS ours_version, ov.author AS ours_author, ov.made AS ours_made,
                tv.number AS theirs_version, tv.author AS theirs_author, tv.made AS theirs_made
            FROM \(table) c LEFT JOIN om ON om.id = c.id LEFT JOIN ov ON ov.step = om.step
            LEFT JOIN tm ON tm.id = c.id LEFT JOIN tv ON tv.step = tm.step ORDER BY c.id
            """
    }

    /// The conflict's cell in an older version.
    private func cell(_ units: [Int]) -> String {
        let cases = units.map { "WHEN \($0) THEN \(keyed.text(layout.units[$0], "s.c"))" }
        return "CASE c.unit \(cases.joined(separator: " ")) WHEN -1 THEN \(keyed.rowText("s.c")) END"
    }

    /// A version's own columns in the merged layout.
    private func asSide(_ version: DatasetVersion, _ input: String) -> String {
        func own(_ column: MergeColumn) -> MergeColumn {
            let found =
                version.columns.first { $0.name == column.name }
                ?? version.columns.first { $0.name.lowercased() == column.name.lowercased() }
            return MergeColumn(name: column.name, type: column.type, base: found, ours: nil, theirs: nil)
        }
        return KeyedSQL(
            layout: MergeLayout(key: layout.key.map(own), columns: layout.columns.map(own), units: layout.units)
        ).side(.base, of: input)
    }

    // MARK: The result

    /// What is written: ours with the plan applied, ours' order kept, new rows at the end by key.
    ///
    /// - Parameter decisions: the table of `MergeDecisions.sql`; nil if there were no conflicts.
    func result(plan: String, ours: String?, decisions: String?, units conflicting: [Int]) -> String {
        let cells = layout.columns.indices
        let unitOf = Dictionary(
            layout.units.enumerated().flatMap { index, unit in unit.columns.map { ($0, index) } }
        ) { a, _ in a }
        let decided = Set(decisions == nil ? [] : conflicting)
        func merged(_ index: Int) -> String {
            let unit = unitOf[index] ?? 0
            let type = layout.columns[index].type
            let conflict =
                decided.contains(unit)
                ? "CASE d\(unit) WHEN 'theirs' THEN t\(index) WHEN 'base' THEN b\(index) WHEN 'value' THEN \(MergeDecisions.value("v\(unit)", index, type)) ELSE o\(index) END"
                : "o\(index)"
            return """
                CASE WHEN kind IN (1, 5) THEN \(decisions == nil ? "t\(index)" : "CASE dr WHEN 'base' THEN b\(index) ELSE t\(index) END")
                WHEN kind = 4 THEN \(decisions == nil ? "o\(index)" : "CASE dr WHEN 'base' THEN b\(index) ELSE o\(index) END")
                WHEN w\(unit) = 0 THEN o\(index) WHEN w\(unit) = 1 THEN t\(index) ELSE \(conflict) END AS m\(index)
                """
        }
        let choice = decisions == nil ? "NULL" : "dr"
        let act = """
            CASE kind WHEN 1 THEN 'put' WHEN 2 THEN 'drop' WHEN 3 THEN 'none' WHEN 0 THEN 'put'
            WHEN 4 THEN CASE \(choice) WHEN 'theirs' THEN 'drop' WHEN 'base' THEN 'put' ELSE 'none' END
            ELSE CASE \(choice) WHEN 'theirs' THEN 'put' WHEN 'base' THEN 'put' ELSE 'none' END END AS act
            """
        let key = keyed.keys.joined(separator: ", ")
        let planned =
            decisions.map { table in
                let chosen =
                    ["max(choice) FILTER (unit = -1) AS dr"]
                    + conflicting.flatMap {
                        ["max(choice) FILTER (unit = \($0)) AS d\($0)", "max(value) FILTER (unit = \($0)) AS v\($0)"]
                    }
                return """
                    \(DuckSQL.name(plan)) p LEFT JOIN (SELECT \(key), \(chosen.joined(separator: ", ")) FROM \(DuckSQL.name(table))
                    GROUP BY \(key)) d USING (\(key))
                    """
            } ?? DuckSQL.name(plan)
        let m = "SELECT \(([key, "in_o", act] + cells.map(merged)).joined(separator: ", ")) FROM \(planned)"
        let kept = cells.map { "CASE WHEN m.act = 'put' THEN m.m\($0) ELSE o.c\($0) END AS c\($0)" }
        let added = keyed.keys + cells.map { "m\($0) AS c\($0)" }
        // Numbered, because DuckDB may build its join on either side, and then rows come as the other side has them.
        return """
            WITH m AS (\(m)), o AS (SELECT *, row_number() OVER () AS place FROM (\(keyed.side(.ours, of: ours))))
            SELECT \(outputs()) FROM (
                SELECT \((keyed.keys.map { "o.\($0)" } + kept).joined(separator: ", ")), o.place FROM o LEFT JOIN m ON \(keyed.on("o", "m"))
                WHERE m.act IS DISTINCT FROM 'drop'
                UNION ALL
                SELECT \(added.joined(separator: ", ")), NULL FROM m WHERE NOT in_o AND act = 'put') r
            ORDER BY r.place NULLS LAST, \(keyed.keys.map { "r.\($0)" }.joined(separator: ", "))
            """
    }

    /// Only the rows that theirs added, for a merge that changes nothing else.
    func additions(plan: String) -> String {
        let cells = keyed.keys + layout.columns.indices.map { "t\($0) AS c\($0)" }
        return """
            SELECT \(outputs()) FROM (SELECT \(cells.joined(separator: ", ")) FROM \(DuckSQL.name(plan)) WHERE kind = 1
            ORDER BY \(keyed.keys.joined(separator: ", ")))
            """
    }

    private func outputs() -> String {
        layout.order.map { column in
            let short =
                layout.key.firstIndex(of: column).map { "k\($0)" }
                ?? layout.columns.firstIndex(of: column).map { "c\($0)" } ?? "NULL"
            return "\(short) AS \(DuckSQL.name(column.name))"
        }.joined(separator: ", ")
    }
}

extension MergeLayout {
    fileprivate init(key: [MergeColumn], columns: [MergeColumn], units: [MergeUnit]) {
        self.key = key
        self.columns = columns
        self.units = units
        order = key + columns
        conflicts = []
        probes = []
        restored = []
    }
}
