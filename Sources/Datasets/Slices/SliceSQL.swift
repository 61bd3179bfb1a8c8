import Core
import Tables

/// A slice's rule as DuckDB SQL.
struct SliceSQL {
    let columns: [TableColumn]
    /// The dataset's key; empty when it has none.
    let key: [String]

    /// The SELECT of a rule's rows out of a table.
    ///
    /// - Parameter predictions: the table of a `wrong` rule's predictions and its columns.
    /// - Throws: `invalid` for columns that are not there.
    func select(
        _ rule: SliceRule, from table: String, predictions: (table: String, columns: [TableColumn])? = nil
    ) throws -> String {
        if let condition = try condition(rule) { return "SELECT * FROM \(table) WHERE (\(condition)\n)" }
        switch rule {
        case .condition, .filter: return "SELECT * FROM \(table)"
        case .split(let split): return try select(split, from: table)
        case .wrong(let wrong):
            guard let predictions else { throw SlipwayError(.internal, "A slice has no predictions to compare with.") }
            return try select(wrong, from: table, predictions)
        }
    }

    /// The rule as a condition on each row alone; nil if it takes more than the row.
    func condition(_ rule: SliceRule) throws -> String? {
        switch rule {
        case .condition(let sql): return sql
        case .filter(let text): return try Filter.parse(text)?.condition(columns: columns)
        case .split(let split) where split.kind == .random:
            try require(split.unit, field: "split.unit")
            let (low, high) = Self.range(split)
            let hash = Self.hash(split.unit.isEmpty ? identity : split.unit, seed: split.seed)
            return "\(hash) >= \(low) AND \(hash) < \(high)"
        case .split, .wrong: return nil
        }
    }

    // MARK: Splits

    /// The part's place among the shares.
    private static func range(_ split: SliceRule.Split) -> (low: Double, high: Double) {
        let index = split.parts.firstIndex { $0.name == split.part } ?? 0
        let low = split.parts[..<index].reduce(0) { $0 + $1.fraction }
        let sum = low + split.parts[index].fraction
        // The last part takes all that rounding would leave over.
        return (low, index == split.parts.count - 1 && sum > 0.999_999 ? 2 : sum)
    }

    private func select(_ split: SliceRule.Split, from table: String) throws -> String {
        try require(split.by + split.unit + (split.time.map { [$0] } ?? []), field: "split")
        let index = split.parts.firstIndex { $0.name == split.part } ?? 0
        let (low, high) = Self.range(split)
        switch split.kind {
        case .random: return "SELECT * FROM \(table)"
        case .stratified:
            let strata = split.by.map(DuckSQL.name).joined(separator: ", ")
            // Where hashes are equal, rows are in all that tells them apart, and it does not matter which is first.
            let rank = "row_number() OVER (PARTITION BY \(strata) ORDER BY \(Self.hash(identity, seed: split.seed)))"
            let share = "(\(rank) - 0.5) / count(*) OVER (PARTITION BY \(strata))"
            return "SELECT * FROM \(table) QUALIFY \(share) >= \(low) AND \(share) < \(high)"
        case .time:
            let time = DuckSQL.name(split.time ?? "")
            let begins = split.at.isEmpty ? nil : split.at
            func boundary(_ part: Int, _ fraction: Double) -> String {
                if let begins { return "CAST(\(DuckSQL.text(begins[part - 1])) AS \(type(of: split.time ?? "")))" }
                return "(SELECT quantile_disc(\(time), \(min(fraction, 1))) FROM \(table))"
            }
            var conditions = ["\(time) IS NOT NULL"]
            if index > 0 { conditions.append("\(time) >= \(boundary(index, low))") }
            let isLast = index == split.parts.count - 1 && (begins != nil || high > 1)
            if !isLast { conditions.append("\(time) < \(boundary(index + 1, high))") }
            return "SELECT * FROM \(table) WHERE \(conditions.joined(separator: " AND "))"
        }
    }

    /// The columns that tell rows apart.
    private var identity: [String] { key.isEmpty ? columns.map(\.name) : key }

    /// A number in [0, 1) out of a row's columns and the seed: the lower half of the MD5 of their texts, which is the same
    /// in every version of the engine and on every machine.
    private static func hash(_ names: [String], seed: Int) -> String {
        let texts = names.map { "coalesce(CAST(\(DuckSQL.name($0)) AS VARCHAR), chr(30))" }.joined(separator: ", ")
        return "md5_number_lower(concat_ws(chr(31), '\(seed)', \(texts))) / 18446744073709551616.0"
    }

    // MARK: What a model got wrong

    private func select(
        _ wrong: SliceRule.Wrong, from table: String, _ predictions: (table: String, columns: [TableColumn])
    ) throws -> String {
        let key = wrong.key.isEmpty ? self.key : wrong.key
        guard !key.isEmpty else {
            throw SlipwayError.field(
                "wrong.key", "is missing, and the dataset has none",
                expected: "the columns by which predictions and rows belong together")
        }
        try require(key, field: "wrong.key")
        let known = Dictionary(predictions.columns.map { ($0.name, $0.type) }) { a, _ in a }
        for name in key + [wrong.prediction] where known[name] == nil {
            throw SlipwayError.field(
                "wrong", "\(wrong.predictions) has no column '\(name.prefix(80))'",
                expected: "some of \(known.keys.sorted().joined(separator: ", "))")
        }
        let truthType: String
        let truth: String
        if let type = known[wrong.truth] {
            (truth, truthType) = ("p.\(DuckSQL.name(wrong.truth))", type)
        } else {
            try require([wrong.truth], field: "wrong.truth")
            (truth, truthType) = ("t.\(DuckSQL.name(wrong.truth))", type(of: wrong.truth))
        }
        let prediction = "p.\(DuckSQL.name(wrong.prediction))"
        let areNumbers = [known[wrong.prediction] ?? "", truthType].allSatisfy(DuckSQL.isNumber)
        let differs: String
        if let tolerance = wrong.tolerance {
            guard areNumbers else {
                throw SlipwayError.field(
                    "wrong.tolerance", "is for numbers; \(wrong.truth) is \(truthType)", expected: "none for classes")
            }
            differs = "abs(CAST(\(prediction) AS DOUBLE) - CAST(\(truth) AS DOUBLE)) > \(tolerance)"
        } else if areNumbers {
            differs = "CAST(\(prediction) AS DOUBLE) IS DISTINCT FROM CAST(\(truth) AS DOUBLE)"
        } else {
            differs = "CAST(\(prediction) AS VARCHAR) IS DISTINCT FROM CAST(\(truth) AS VARCHAR)"
        }
        let same = key.map { "t.\(DuckSQL.name($0)) IS NOT DISTINCT FROM p.\(DuckSQL.name($0))" }
        return
            "SELECT t.* FROM \(table) t SEMI JOIN \(predictions.table) p ON \(same.joined(separator: " AND ")) AND \(differs)"
    }

    private func type(of column: String) -> String { columns.first { $0.name == column }?.type ?? "VARCHAR" }

    private func require(_ names: [String], field: String) throws {
        for name in names where !columns.contains(where: { $0.name == name }) {
            throw SlipwayError.field(
                field, "there is no column '\(name.prefix(80))'",
                expected: "some of \(columns.map(\.name).joined(separator: ", "))")
        }
    }
}
