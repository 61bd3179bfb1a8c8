import Core
import Tables

/// SQL about two or three tables whose rows are known by a key. Inside, columns have short names: `k0 …` for the key,
/// `c0 …` for the rest, so that texts stay small with hundreds of columns.
struct KeyedSQL: Sendable {
    let layout: MergeLayout

    var keys: [String] { layout.key.indices.map { "k\($0)" } }

    /// A side's table with the short names and the merged types; `here` tells rows that are there from an outer join's.
    ///
    /// - Parameter table: nil for a table without rows.
    func side(_ side: MergeSide, of table: String?) -> String {
        let cells = layout.columns.enumerated().map { cell($1, "c\($0)", side, isThere: table != nil) }
        return "SELECT \((["true AS here"] + keyCells(side, isThere: table != nil) + cells).joined(separator: ", "))"
            + (table.map { " FROM \(DuckSQL.name($0))" } ?? " WHERE false")
    }

    private func keyCells(_ side: MergeSide, isThere: Bool) -> [String] {
        layout.key.enumerated().map { cell($1, "k\($0)", side, isThere: isThere) }
    }

    private func cell(_ column: MergeColumn, _ alias: String, _ side: MergeSide, isThere: Bool) -> String {
        guard isThere, let own = column.on(side) else { return "CAST(NULL AS \(column.type)) AS \(alias)" }
        let name = DuckSQL.name(own.name)
        return own.type == column.type ? "\(name) AS \(alias)" : "TRY_CAST(\(name) AS \(column.type)) AS \(alias)"
    }

    func on(_ a: String, _ b: String) -> String {
        keys.map { "\(a).\($0) = \(b).\($0)" }.joined(separator: " AND ")
    }

    /// Keys that are NULL or there twice, with how often; no rows if the key holds.
    func badKeys(_ side: MergeSide, of table: String) -> String {
        let list = keys.joined(separator: ", ")
        let isNull = keys.map { "\($0) IS NULL" }.joined(separator: " OR ")
        return """
            SELECT \(list), count(*) AS n
            FROM (SELECT \(keyCells(side, isThere: true).joined(separator: ", ")) FROM \(DuckSQL.name(table)))
            GROUP BY \(list) HAVING count(*) > 1 OR \(isNull) ORDER BY count(*) DESC, \(list) LIMIT 5
            """
    }

    /// The rows that differ between two tables: the key, `in_b` and `in_t` (on which side the row is), and the cells
    /// `b0 …` and `t0 …`.
    func changes(from: String?, _ a: MergeSide, to: String?, _ b: MergeSide) -> String {
        let cells = layout.columns.indices
        let out =
            keys.map { "coalesce(x.\($0), y.\($0)) AS \($0)" }
            + ["x.here IS NOT NULL AS in_b", "y.here IS NOT NULL AS in_t"]
            + cells.flatMap { ["x.c\($0) AS b\($0)", "y.c\($0) AS t\($0)"] }
        let differs = ["x.here IS NULL", "y.here IS NULL"] + cells.map { "x.c\($0) IS DISTINCT FROM y.c\($0)" }
        return """
            WITH x AS (\(side(a, of: from))), y AS (\(side(b, of: to)))
            SELECT \(out.joined(separator: ", ")) FROM x FULL JOIN y ON \(on("x", "y"))
            WHERE \(differs.joined(separator: " OR "))
            """
    }

    // MARK: Pieces

    /// Whether a unit differs between two prefixes (`b`, `o`, `t`) of one row.
    func differs(_ unit: MergeUnit, _ a: String, _ b: String) -> String {
        "(" + unit.columns.map { "\(a)\($0) IS DISTINCT FROM \(b)\($0)" }.joined(separator: " OR ") + ")"
    }

    /// A unit as JSON text: the cell's value, or an object with the columns of a group; NULL if all of it is NULL.
    func text(_ unit: MergeUnit, _ prefix: String) -> String {
        if unit.columns.count == 1 { return json("\(prefix)\(unit.columns[0])", layout.columns[unit.columns[0]].type) }
        return object(unit.columns.map { (layout.columns[$0].name, "\(prefix)\($0)", layout.columns[$0].type) })
    }

    /// A whole row without its key as JSON text.
    func rowText(_ prefix: String) -> String {
        object(layout.columns.enumerated().map { ($1.name, "\(prefix)\($0)", $1.type) })
    }

    /// The key of a row as JSON text.
    var keyText: String { object(layout.key.enumerated().map { ($1.name, "k\($0)", $1.type) }) }

    /// A value as JSON text; NaN and the infinities, which JSON has no word for, as text.
    private func json(_ value: String, _ type: String) -> String {
        type == "DOUBLE" || type == "FLOAT"
            ? "CASE WHEN \(value) IS NULL THEN NULL WHEN isfinite(\(value)) THEN CAST(to_json(\(value)) AS VARCHAR) ELSE '\"' || CAST(\(value) AS VARCHAR) || '\"' END"
            : "CASE WHEN \(value) IS NOT NULL THEN CAST(to_json(\(value)) AS VARCHAR) END"
    }

    private func object(_ cells: [(name: String, value: String, type: String)]) -> String {
        if cells.isEmpty { return "'{}'" }
        let fields = cells.map {
            "\(DuckSQL.text(JSONValue.string($0.name).canonicalText + ":")) || coalesce(\(json($0.value, $0.type)), 'null')"
        }
        let isThere = cells.map { "\($0.value) IS NOT NULL" }.joined(separator: " OR ")
        return "CASE WHEN \(isThere) THEN '{' || \(fields.joined(separator: " || ',' || ")) || '}' END"
    }
}
