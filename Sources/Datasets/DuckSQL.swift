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
}
