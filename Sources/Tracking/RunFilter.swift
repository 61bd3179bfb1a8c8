import Core
import Database

/// Finds the runs that a filter describes. Each comparison is one pass over the part of an index that belongs to the
/// experiments, the field and the range; AND, OR and NOT are then set operations. So a search costs at most its fields'
/// values in these experiments, and nothing for other experiments.
struct RunFinder {
    let db: any Transaction
    let experiments: [Int64]
    private let columns: ColumnTests

    init(_ db: any Transaction, experiments: [Int64]) {
        self.db = db
        self.experiments = experiments
        columns = ColumnTests(dialect: db.dialect)
    }

    func runs(_ filter: Filter) throws -> RunSet {
        switch filter {
        case .and(let parts):
            var found = RunSet.all
            for part in parts { found = found.intersection(try runs(part)) }
            return found
        case .or(let parts):
            var found = RunSet.none
            for part in parts { found = found.union(try runs(part)) }
            return found
        case .not(let inner): return try runs(inner).inverted
        case .compare(let field, let comparison, let value): return try runs(field, .compare(comparison, value))
        case .isOneOf(let field, let values): return try runs(field, .isOneOf(values))
        case .isNull(let field): return try runs(field, .isNull)
        }
    }

    func deleted() throws -> RunSet {
        try keys { "SELECT key FROM run WHERE experiment IN (\(list: $0)) AND is_deleted" }
    }

    private func runs(_ field: FilterField, _ test: FieldTest) throws -> RunSet {
        switch try RunField(field) {
        case .metric(let name): return try metric(name, test, field)
        case .param(let key): return try text(in: "run_param", key, test, field)
        case .tag(let key): return try text(in: "run_tag", key, test, field)
        case .dataset(let column): return try dataset(column, test, field)
        case .text(let column): return try attribute(columns.text(SQL(stringLiteral: column), test, of: field))
        case .number(let column): return try attribute(columns.number(SQL(stringLiteral: column), test, of: field))
        }
    }

    private func attribute(_ holds: SQL) throws -> RunSet {
        try keys { "SELECT key FROM run WHERE experiment IN (\(list: $0)) AND (\(holds))" }
    }

    /// NaN is stored as 0 with a mark: it equals nothing, and differs from everything.
    private func metric(_ name: String, _ test: FieldTest, _ field: FilterField) throws -> RunSet {
        var condition: SQL
        switch test {
        case .isNull: return try having(.metric(name)).inverted
        case .compare(.notEqual, _): condition = "\(try columns.number("value", test, of: field)) OR is_nan = \(true)"
        default: condition = "is_nan = \(false) AND (\(try columns.number("value", test, of: field)))"
        }
        guard let id = try metricID(name) else { return .none }
        return try keys {
            "SELECT run FROM metric_latest WHERE experiment IN (\(list: $0)) AND metric = \(id) AND (\(condition))"
        }
    }

    private func text(in table: SQL, _ key: String, _ test: FieldTest, _ field: FilterField) throws -> RunSet {
        let having: ([Int64]) -> SQL = {
            "SELECT run FROM \(table) WHERE experiment IN (\(list: $0)) AND key = \(key)"
        }
        switch test {
        case .isNull: return try keys(having).inverted
        case .isOneOf(let values):
            var found = RunSet.none
            for value in values {
                found = found.union(try text(in: table, key, .compare(.equal, value), field))
            }
            return found
        case .compare(.notEqual, let value):
            return try keys(having).subtracting(try text(in: table, key, .compare(.equal, value), field))
        case .compare(.equal, let value):
            let text = try ColumnTests.text(value, of: field)
            let short = text.short
            // The whole value is read only where the index has cut it.
            let rest: SQL = short.isCut ? " AND value = \(text)" : ""
            return try keys { "\(having($0)) AND short = \(short.text)\(rest)" }
        default:
            let whole = try columns.text("short", test, of: field)
            let cut = try columns.text("value", test, of: field)
            return try keys {
                """
                \(having($0)) AND length(short) < \(String.shortLength) AND \(whole)
                UNION ALL \(having($0)) AND length(short) = \(String.shortLength) AND \(cut)
                """
            }
        }
    }

    private func dataset(_ key: String, _ test: FieldTest, _ field: FilterField) throws -> RunSet {
        let column: SQL = key == "context" ? "i.context" : key == "name" ? "d.name" : "d.digest"
        let holds = try columns.text(column, test, of: field)
        return try keys {
            """
            SELECT i.run FROM input_dataset d JOIN run_input i ON i.dataset = d.key
            WHERE d.experiment IN (\(list: $0)) AND (\(holds))
            """
        }
    }

    // MARK: Parts

    /// The runs of the experiments that have a value of the field.
    func having(_ field: RunField) throws -> RunSet {
        switch field {
        case .metric(let name):
            guard let id = try metricID(name) else { return .none }
            return try keys {
                "SELECT run FROM metric_latest WHERE experiment IN (\(list: $0)) AND metric = \(id)"
            }
        case .param(let key):
            return try keys { "SELECT run FROM run_param WHERE experiment IN (\(list: $0)) AND key = \(key)" }
        case .tag(let key):
            return try keys { "SELECT run FROM run_tag WHERE experiment IN (\(list: $0)) AND key = \(key)" }
        case .text(let column), .number(let column):
            return try attribute("\(SQL(stringLiteral: column)) IS NOT NULL")
        case .dataset: return .none
        }
    }

    /// The runs whose newest value of the metric is NaN.
    func withNaN(_ name: String) throws -> RunSet {
        guard let id = try metricID(name) else { return .none }
        return try keys {
            "SELECT run FROM metric_latest WHERE experiment IN (\(list: $0)) AND metric = \(id) AND is_nan = \(true)"
        }
    }

    func metricID(_ name: String) throws -> Int64? {
        try db.one("SELECT id FROM metric_name WHERE name = \(name)") { try $0.int(0) }
    }

    /// The keys that a statement gives for all experiments.
    private func keys(_ statement: ([Int64]) -> SQL) throws -> RunSet {
        var found: [Int64] = []
        try Rows.lists(of: experiments) { found += try db.integers(statement($0)) }
        return RunSet(found)
    }
}

extension String {
    /// How much of a parameter's or a tag's value its index has, in Unicode scalars.
    static let shortLength: Int64 = 128

    /// The beginning that the index has; cut says that there may be more.
    var short: (text: String, isCut: Bool) {
        let length = Int(Self.shortLength)
        guard utf8.count >= length, unicodeScalars.count >= length else { return (self, false) }
        return (String(unicodeScalars.prefix(length)), true)
    }
}
