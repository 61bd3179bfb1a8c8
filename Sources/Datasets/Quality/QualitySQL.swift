import Core
import Tables

/// The SQL of the rules. A rule about single rows is a condition that its broken rows fit; many such conditions are counted
/// in one pass.
enum QualitySQL {
    /// Why a rule cannot be asked of a column.
    struct Misfit: Error { let problem: String }

    /// The condition of the rows that break the rule; nil for rules that are not about single rows.
    ///
    /// - Throws: `Misfit` when the column is of a type that the rule cannot be asked of.
    static func broken(_ rule: ContractRule.Check, _ types: [String: String]) throws -> String? {
        switch rule {
        case .required(let column): return "\(DuckSQL.name(column)) IS NULL"
        case .range(let column, let minimum, let maximum):
            let (name, type) = (DuckSQL.name(column), types[column] ?? "")
            var conditions: [String] = []
            if let minimum { conditions.append("\(name) < \(try bound(minimum, type))") }
            if let maximum { conditions.append("\(name) > \(try bound(maximum, type))") }
            // NaN is above everything for DuckDB; it is in no range.
            if isFloating(type) { conditions.append("isnan(\(name))") }
            return conditions.joined(separator: " OR ")
        case .allowed(let column, let values):
            let (name, type) = (DuckSQL.name(column), types[column] ?? "")
            if TableColumn(name: "", type: type).isNumeric {
                let numbers = try values.map { value in
                    guard value.stringValue == nil, value.boolValue == nil else {
                        throw Misfit(problem: "the column is \(type), and '\(value.canonicalText)' is no number")
                    }
                    return number(value, type)
                }
                return "\(name) NOT IN (\(numbers.joined(separator: ", ")))"
            }
            let texts = values.map { DuckSQL.text($0.stringValue ?? $0.canonicalText) }
            return "\(name)::VARCHAR NOT IN (\(texts.joined(separator: ", ")))"
        case .pattern(let column, let pattern):
            return "NOT regexp_matches(\(DuckSQL.name(column))::VARCHAR, \(DuckSQL.text(pattern)))"
        case .length(let column, let minimum, let maximum):
            let (name, type) = (DuckSQL.name(column), types[column] ?? "")
            let length = type.hasSuffix("]") ? "len(\(name))" : "length(\(name)::VARCHAR)"
            return [minimum.map { "\(length) < \($0)" }, maximum.map { "\(length) > \($0)" }].compactMap { $0 }
                .joined(separator: " OR ")
        case .unique, .foreignKey, .present, .onlyColumns, .type, .nulls, .rows, .freshness, .sourceFreshness,
            .drift, .sql:
            return nil
        }
    }

    private static func bound(_ value: JSONValue, _ type: String) throws -> String {
        if let text = value.stringValue {
            guard isTime(type) else {
                throw Misfit(problem: "the column is \(type), which does not compare with the time \(text)")
            }
            return "\(DuckSQL.text(text))::\(type == "DATE" && text.count > 10 ? "TIMESTAMP" : type)"
        }
        guard TableColumn(name: "", type: type).isNumeric else {
            throw Misfit(problem: "the column is \(type), which does not compare with a number")
        }
        return number(value, type)
    }

    /// A number as the column holds it: 0.1 in a FLOAT column is the FLOAT next to 0.1.
    private static func number(_ value: JSONValue, _ type: String) -> String {
        let text = value.canonicalText
        return isFloating(type) ? "'\(text)'::\(type)" : text
    }

    static func isFloating(_ type: String) -> Bool { type == "FLOAT" || type == "DOUBLE" }

    static func isTime(_ type: String) -> Bool {
        type == "DATE" || type.hasPrefix("TIMESTAMP") && !type.hasSuffix("]")
    }

    // MARK: Keys

    /// Of rows with all of the columns: `(rows, keys)` that stand for more than one row.
    static func duplicates(_ columns: [String]) -> String {
        """
        SELECT coalesce(sum(n), 0)::BIGINT FROM (SELECT count(*) AS n FROM new WHERE \(present(columns))
        GROUP BY \(list(columns)) HAVING count(*) > 1)
        """
    }

    /// Some of them, beside each other.
    static func duplicateRows(_ columns: [String], shown: String) -> String {
        """
        SELECT \(shown) FROM new WHERE (\(list(columns))) IN (SELECT (\(list(columns))) FROM new
        WHERE \(present(columns)) GROUP BY \(list(columns)) HAVING count(*) > 1 LIMIT \(QualityReport.examplesMaximum))
        ORDER BY \(list(columns)), \(DuckSQL.name(TableInput.positionColumns.row)) LIMIT \(QualityReport.examplesMaximum)
        """
    }

    /// What follows `FROM` for the new rows whose key an older row has.
    static func taken(_ columns: [String]) -> String {
        "new SEMI JOIN base ON \(columns.map { "new.\(DuckSQL.name($0)) = base.\(DuckSQL.name($0))" }.joined(separator: " AND "))"
    }

    /// What follows `FROM` for the new rows whose values the table `other` has not. Types that do not compare, compare by
    /// their text.
    static func missing(_ columns: [String], _ types: [String: String], in target: [TableColumn]) -> String {
        let pairs = zip(columns, target).map { column, other -> String in
            let type = types[column] ?? ""
            let alike =
                type == other.type
                || TableColumn(name: "", type: type).isNumeric && other.isNumeric || isTime(type) && isTime(other.type)
            let cast = alike ? "" : "::VARCHAR"
            return "new.\(DuckSQL.name(column))\(cast) = other.\(DuckSQL.name(other.name))\(cast)"
        }
        return "new ANTI JOIN other ON \(pairs.joined(separator: " AND ")) WHERE \(present(columns, of: "new"))"
    }

    private static func present(_ columns: [String], of table: String? = nil) -> String {
        columns.map { "\(table.map { $0 + "." } ?? "")\(DuckSQL.name($0)) IS NOT NULL" }.joined(separator: " AND ")
    }

    private static func list(_ columns: [String]) -> String { columns.map(DuckSQL.name).joined(separator: ", ") }
}
