import Core

/// Builds DuckDB SQL out of parsed things; names and texts are quoted here and nowhere else.
enum DuckSQL {
    static func name(_ text: String) -> String {
        "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// A text as a literal.
    static func text(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }

    /// Whether a column of this SQL type holds numbers.
    static func isNumber(_ type: String) -> Bool {
        type.hasPrefix("DECIMAL")
            || [
                "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
                "UHUGEINT", "FLOAT", "DOUBLE",
            ].contains(type)
    }

    /// `order` as MLflow writes it: `price DESC, day`.
    static func order(_ text: String, columns: Set<String>) throws -> String {
        try text.split(separator: ",").map { part in
            let term = try SortTerm(parsing: String(part))
            let column = term.field.entity.map { "\($0).\(term.field.key)" } ?? term.field.key
            guard columns.contains(column) else {
                throw SlipwayError.field(
                    "order", "there is no column '\(column.prefix(80))'",
                    expected: "one of \(columns.sorted().joined(separator: ", "))")
            }
            return name(column) + (term.descending ? " DESC" : "")
        }.joined(separator: ", ")
    }
}
