import Core
import Tables

/// Casts rows to the columns that they are to have, so that each value that does not fit can be told from a NULL.
struct RowCasts: Sendable {
    /// The table as it has to be read for these casts.
    let table: TableInput
    let columns: [TableColumn]
    private let given: [String: TableColumn]
    /// Whether every value is read as text (or JSON) first, so that a value cannot stop the reading of its file.
    private let isTolerant: Bool

    private static let whole: Set<String> = [
        "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
        "UHUGEINT",
    ]

    init(_ table: TableInput, _ plan: Conversion.Plan, isTolerant: Bool) {
        var read = table
        self.isTolerant = isTolerant && table.format != .parquet
        if self.isTolerant {
            switch table.format {
            case .csv:
                read.allText = true
                // With text alone a header cannot be told from a row any more.
                read.header =
                    read.header ?? !plan.given.keys.allSatisfy { $0.hasPrefix("column") && Int($0.dropFirst(6)) != nil }
            case .json:
                read.columns = plan.given.values.sorted { $0.name < $1.name }.map { .init(name: $0.name, type: "JSON") }
            case .parquet: break
            }
        }
        self.table = read
        columns = plan.columns
        given = plan.given
    }

    /// The value of a column, with NULL for one that does not fit.
    private func value(_ column: TableColumn) -> String {
        guard let source = given[column.name] else { return "CAST(NULL AS \(column.type))" }
        if !isTolerant, source.type == column.type { return DuckSQL.name(column.name) }
        let text = original(column)
        if column.type == "VARCHAR" { return "CAST(\(text) AS VARCHAR)" }
        let isNested = column.type.hasSuffix("]") || column.type.hasSuffix(")") && !column.type.hasPrefix("DECIMAL")
        if isTolerant, table.format == .json, isNested || column.type == "JSON" {
            return "TRY_CAST(\(DuckSQL.name(column.name)) AS \(column.type))"
        }
        let cast = "TRY_CAST(\(text) AS \(column.type))"
        // A fraction is not rounded in silence.
        guard Self.whole.contains(column.type), !Self.whole.contains(source.type) || isTolerant else { return cast }
        let number = "TRY_CAST(\(text) AS DOUBLE)"
        return "CASE WHEN \(number) = trunc(\(number)) THEN \(cast) END"
    }

    /// What was read, NULL only if there was nothing.
    private func original(_ column: TableColumn) -> String {
        let name = DuckSQL.name(column.name)
        return isTolerant && table.format == .json ? "(\(name) ->> '$')" : name
    }

    private func misfit(_ column: TableColumn) -> String {
        "(\(original(column)) IS NOT NULL AND (\(value(column))) IS NULL)"
    }

    /// The columns whose values may not fit.
    private var doubtful: [TableColumn] {
        columns.filter { column in
            given[column.name].map { isTolerant && column.type != "VARCHAR" || $0.type != column.type } ?? false
        }
    }

    private var anyMisfit: String {
        doubtful.isEmpty ? "FALSE" : doubtful.map(misfit).joined(separator: " OR ")
    }

    private var list: String {
        columns.map { "\(value($0)) AS \(DuckSQL.name($0.name))" }.joined(separator: ", ")
    }

    /// All rows, with NULL for what does not fit.
    var selectAll: String { "SELECT \(list) FROM data" }

    var selectFitting: String { "SELECT \(list) FROM data WHERE NOT (\(anyMisfit))" }

    /// The rows that do not fit, as they were read, with their numbers.
    var selectMisfits: String {
        "SELECT * FROM (SELECT row_number() OVER () AS row_number, * FROM data) WHERE \(anyMisfit)"
    }

    /// All rows; a value that does not fit ends it with an error.
    var selectOrStop: String {
        let doubtful = Set(doubtful.map(\.name))
        let list = columns.map { column in
            let value = value(column)
            return
                (doubtful.contains(column.name)
                ? "CASE WHEN \(misfit(column)) THEN error('a value does not fit') ELSE \(value) END" : value)
                + " AS \(DuckSQL.name(column.name))"
        }
        return "SELECT \(list.joined(separator: ", ")) FROM data"
    }

    /// The number of the first row that does not fit, the column and the value.
    var selectFirstMisfit: String {
        guard !doubtful.isEmpty else { return "SELECT 0, '', '' FROM data WHERE FALSE" }
        let names = doubtful.map { "WHEN \(misfit($0)) THEN '\($0.name.replacing("'", with: "''"))'" }
        let values = doubtful.map { "WHEN \(misfit($0)) THEN CAST(\(original($0)) AS VARCHAR)" }
        return """
            SELECT row_number, CASE \(names.joined(separator: " ")) END, CASE \(values.joined(separator: " ")) END
            FROM (SELECT row_number() OVER () AS row_number, * FROM data) WHERE \(anyMisfit) ORDER BY 1 LIMIT 1
            """
    }

    /// Where a row is in its file. A line a row is taken for granted, as nearly all files have it.
    func place(row: Int64) -> (text: String, line: Int64) {
        switch table.format {
        case .csv:
            let line = row + (table.header == false ? 0 : 1)
            return ("line \(line)", line)
        case .json: return ("line \(row)", row)
        case .parquet: return ("row \(row)", row)
        }
    }
}
