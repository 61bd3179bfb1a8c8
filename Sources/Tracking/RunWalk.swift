import Core
import Database

/// Walks the runs of experiments in the order of a field, those with the same value together; runs without a value (or
/// with NaN) are not on the way. Within one experiment it reads an index piece by piece; several are read whole and sorted.
struct RunWalk {
    private static let pieceMaximum = 65_536

    private let finder: RunFinder
    private let term: RunOrder.Term
    private let from: SortValue?
    private let first: Int

    /// - Parameters:
    ///   - from: the value to begin with, itself included.
    ///   - first: about how many runs will do; what is read at first follows from it.
    init(_ finder: RunFinder, _ term: RunOrder.Term, from: SortValue?, first: Int) {
        self.finder = finder
        self.term = term
        self.from = from
        self.first = first
    }

    /// Hands each value and its runs to `body` until that returns false.
    func forEachGroup(_ body: (SortValue, [Int64]) throws -> Bool) throws {
        guard let source = try Source(term.field, finder) else { return }
        var group: (value: SortValue, keys: [Int64])?
        func add(_ value: SortValue, _ key: Int64) throws -> Bool {
            if group?.value == value {
                group?.keys.append(key)
                return true
            }
            let done = group
            group = (value, [key])
            return try done.map { try body($0.value, $0.keys) } ?? true
        }
        if finder.experiments.count == 1, source.isIndexed {
            guard try pieces(source, finder.experiments[0], add) else { return }
        } else {
            for (value, key) in try everything(source) where try !add(value, key) { return }
        }
        if let group { _ = try body(group.value, group.keys) }
    }

    private func pieces(_ source: Source, _ experiment: Int64, _ add: (SortValue, Int64) throws -> Bool) throws -> Bool
    {
        let direction: SQL = term.descending ? " DESC" : ""
        let beyond: SQL = term.descending ? "<" : ">"
        var bound: SQL = from.flatMap(\.sql).map { " AND \(source.value) \(beyond)= \($0)" } ?? ""
        var size = min(max(first * 2, 256), Self.pieceMaximum)
        while true {
            var count = 0
            var last: (value: SortValue, key: Int64)?
            var goesOn = true
            try finder.db.forEach(
                """
                SELECT \(source.key), \(source.value) FROM \(source.table) WHERE experiment = \(experiment)\(source.condition)\(bound)
                ORDER BY \(source.value)\(direction), \(source.key)\(direction) LIMIT \(size)
                """
            ) { row in
                count += 1
                let (key, value) = (try row.int(0), try source.read(row))
                last = (value, key)
                goesOn = try add(value, key)
                return goesOn
            }
            guard goesOn else { return false }
            guard count == size, let last, let value = last.value.sql else { return true }
            bound = " AND (\(source.value), \(source.key)) \(beyond) (\(value), \(last.key))"
            size = min(size * 4, Self.pieceMaximum)
        }
    }

    private func everything(_ source: Source) throws -> [(SortValue, Int64)] {
        var found: [(SortValue, Int64)] = []
        try Rows.lists(of: finder.experiments) { list in
            try finder.db.forEach(
                "SELECT \(source.key), \(source.value) FROM \(source.table) WHERE experiment IN (\(list: list))\(source.condition)"
            ) { row in
                found.append((try source.read(row), try row.int(0)))
                return true
            }
        }
        if let from { found.removeAll { $0.0 != from && $0.0.precedes(from, descending: term.descending) } }
        return found.sorted { a, b in a.0 != b.0 ? a.0.precedes(b.0, descending: term.descending) : a.1 < b.1 }
    }

    /// Where a field's values are.
    private struct Source {
        let table: SQL
        let key: SQL
        let value: SQL
        let condition: SQL
        /// Whether an index has (experiment, condition, value, key).
        let isIndexed: Bool
        let read: (any Row) throws -> SortValue

        /// nil when no run has a value.
        init?(_ field: RunField, _ finder: RunFinder) throws {
            switch field {
            case .metric(let name):
                guard let id = try finder.metricID(name) else { return nil }
                (table, key, value, isIndexed) = ("metric_latest", "run", "value", true)
                condition = " AND metric = \(id) AND is_nan = \(false)"
                read = { .number(try $0.double(1)) }
            case .param(let name):
                (table, key, value, isIndexed) = ("run_param", "run", "short", true)
                condition = " AND key = \(name)"
                read = { .text(try $0.text(1)) }
            case .tag(let name):
                (table, key, value, isIndexed) = ("run_tag", "run", "short", true)
                condition = " AND key = \(name)"
                read = { .text(try $0.text(1)) }
            case .text(let column):
                (table, key, value, isIndexed) = ("run", "key", SQL(stringLiteral: column), column == "status")
                condition = ""
                read = { .text(try $0.text(1)) }
            case .number(let column):
                (table, key, value, isIndexed) = ("run", "key", SQL(stringLiteral: column), true)
                condition = " AND \(SQL(stringLiteral: column)) IS NOT NULL"
                read = { .int(try $0.int(1)) }
            case .dataset: return nil
            }
        }
    }
}

extension SortValue {
    /// As a bound value; nil for what is not in an index.
    fileprivate var sql: SQL? {
        switch self {
        case .int(let number): "\(number)"
        case .number(let number): "\(number)"
        case .text(let text): "\(text)"
        case .nan, .missing: nil
        }
    }
}
