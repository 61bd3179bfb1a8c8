import Core

/// The condition under which a row comes after (or before) a given one, in the order of a page.
///
/// With one key `k` and a row that has the value `v` there, what follows it in rising order is
/// `k > v OR k IS NULL OR (k = v AND <tie>)`: NULLs are last, and the tie is broken by file and place. More keys nest in the
/// place of the tie. DuckDB's comparisons take NaN as equal to itself and larger than all numbers, which is how it sorts.
struct Keyset {
    struct Key {
        /// An SQL expression.
        let name: String
        let type: String
        let descending: Bool
    }

    let keys: [Key]
    let backwards: Bool
    /// Expressions for a row's file and its place in the file.
    let file: String
    let row: String

    var orderBy: String {
        let terms = keys.map { key in
            // Backwards all is turned round, and NULLs come first.
            "\(key.name) \(key.descending != backwards ? "DESC" : "ASC") NULLS \(backwards ? "FIRST" : "LAST")"
        }
        let direction = backwards ? " DESC" : ""
        return (terms + [file + direction, row + direction]).joined(separator: ", ")
    }

    /// - Parameters:
    ///   - place: of the given row.
    ///   - values: the given row's keys as text.
    /// - Returns: the condition, and its parameters in their order from `$1`.
    func condition(place: (file: Int, row: Int64), values: [String?]) -> (sql: String, parameters: [TableValue]) {
        let sign = backwards ? "<" : ">"
        var condition = "(\(file) \(sign) \(place.file) OR (\(file) = \(place.file) AND \(row) \(sign) \(place.row)))"
        var parameters: [TableValue] = []
        for (key, value) in zip(keys, values).reversed() {
            let name = key.name
            guard let value else {
                condition = backwards ? "(\(name) IS NOT NULL OR \(condition))" : "(\(name) IS NULL AND \(condition))"
                continue
            }
            parameters.append(.text(value))
            let operand = "CAST($\(parameters.count) AS \(key.type))"
            let comes = "\(name) \(key.descending == backwards ? ">" : "<") \(operand)"
            let nulls = backwards ? "" : " OR \(name) IS NULL"
            condition = "(\(comes)\(nulls) OR (\(name) = \(operand) AND \(condition)))"
        }
        return (condition, parameters)
    }
}
