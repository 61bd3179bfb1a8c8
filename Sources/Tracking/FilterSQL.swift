import Core
import Database

/// One test of a field in a filter expression.
public enum FieldTest: Sendable {
    case compare(Filter.Comparison, FilterValue)
    case isOneOf([FilterValue])
    case isNull
}

extension Filter {
    /// The condition in SQL; `condition` says what each field means.
    public func sql(_ condition: (FilterField, FieldTest) throws -> SQL) throws -> SQL {
        switch self {
        case .and(let parts): .all(try parts.map { try $0.sql(condition) })
        case .or(let parts): .any(try parts.map { try $0.sql(condition) })
        case .not(let inner): "NOT (\(try inner.sql(condition)))"
        case .compare(let field, let comparison, let value): try condition(field, .compare(comparison, value))
        case .isOneOf(let field, let values): try condition(field, .isOneOf(values))
        case .isNull(let field): try condition(field, .isNull)
        }
    }
}

/// Tests of a column in SQL for both databases.
public struct ColumnTests {
    let dialect: Dialect

    public init(dialect: Dialect) { self.dialect = dialect }

    /// - Throws: `invalid` when the field, which holds text, is compared with a number or by size.
    public func text(_ column: SQL, _ test: FieldTest, of field: FilterField) throws -> SQL {
        switch test {
        case .isNull: return "\(column) IS NULL"
        case .isOneOf(let values): return "\(column) IN (\(list: try values.map { try Self.text($0, of: field) }))"
        case .compare(let comparison, let value):
            let text = try Self.text(value, of: field)
            switch comparison {
            case .equal: return "\(column) = \(text)"
            case .notEqual: return "\(column) <> \(text)"
            case .like: return like(column, text)
            case .ilike: return ilike(column, text)
            case .less, .lessOrEqual, .greater, .greaterOrEqual:
                throw Self.invalid(
                    "'\(field)' is text: it cannot be compared by \(comparison.rawValue). Use =, !=, LIKE, ILIKE, IN or IS NULL."
                )
            }
        }
    }

    /// - Throws: `invalid` when the field, which holds a number, is compared with text.
    public func number(_ column: SQL, _ test: FieldTest, of field: FilterField) throws -> SQL {
        switch test {
        case .isNull: return "\(column) IS NULL"
        case .isOneOf(let values): return .any(try values.map { "\(column) = \(try Self.number($0, of: field))" })
        case .compare(let comparison, let value):
            let number = try Self.number(value, of: field)
            switch comparison {
            case .equal: return "\(column) = \(number)"
            case .notEqual: return "\(column) <> \(number)"
            case .less: return "\(column) < \(number)"
            case .lessOrEqual: return "\(column) <= \(number)"
            case .greater: return "\(column) > \(number)"
            case .greaterOrEqual: return "\(column) >= \(number)"
            case .like, .ilike:
                throw Self.invalid(
                    "'\(field)' is a number: it cannot be compared by \(comparison.rawValue). Use =, !=, <, <=, > or >=."
                )
            }
        }
    }

    /// `LIKE` that minds the case. SQLite's own does not, its `GLOB` does.
    private func like(_ column: SQL, _ pattern: String) -> SQL {
        guard dialect == .sqlite else { return "\(column) LIKE \(pattern) ESCAPE ''" }
        var glob = ""
        for c in pattern.unicodeScalars {
            switch c {
            case "%": glob += "*"
            case "_": glob += "?"
            case "*", "?", "[": glob += "[\(c)]"
            default: glob.unicodeScalars.append(c)
            }
        }
        return "\(column) GLOB \(glob)"
    }

    /// SQLite's `LIKE` folds the case of ASCII letters only.
    private func ilike(_ column: SQL, _ pattern: String) -> SQL {
        dialect == .sqlite ? "\(column) LIKE \(pattern)" : "\(column) ILIKE \(pattern) ESCAPE ''"
    }

    public static func text(_ value: FilterValue, of field: FilterField) throws -> String {
        guard case .text(let text) = value else {
            throw invalid("Expected a quoted string value for '\(field)' (e.g. 'my-value').")
        }
        return text
    }

    /// Cast, so that PostgreSQL takes it beside whole numbers too.
    static func number(_ value: FilterValue, of field: FilterField) throws -> SQL {
        guard case .number(let number) = value else {
            throw invalid("Expected numeric value type for '\(field)'.")
        }
        return "CAST(\(number) AS DOUBLE PRECISION)"
    }

    public static func invalid(_ message: String) -> SlipwayError {
        SlipwayError(.invalid, message, details: ["field": "filter"])
    }
}

/// What `SET` of several rows takes: statements of a few fixed shapes, so that they stay prepared.
public enum Rows {
    /// Hands `items` to `body` in groups of 64, 32, 16 … 1.
    public static func inGroups<Item>(_ items: [Item], _ body: (ArraySlice<Item>) throws -> Void) rethrows {
        var at = 0
        var size = 64
        while at < items.count {
            while size > items.count - at { size /= 2 }
            try body(items[at..<at + size])
            at += size
        }
    }

    /// `(…), (…)`.
    public static func values<Item>(_ items: ArraySlice<Item>, _ row: (Item) -> SQL) -> SQL {
        .joined(items.map { "(\(row($0)))" }, by: ", ")
    }

    /// Hands `ids` to `body` in lists of at most 512, filled up by repeating the last one to a power of two.
    public static func lists<ID: SQLBindable>(of ids: [ID], _ body: ([ID]) throws -> Void) rethrows {
        for start in stride(from: 0, to: ids.count, by: 512) {
            var list = Array(ids[start..<min(start + 512, ids.count)])
            guard let last = list.last else { return }
            var size = 1
            while size < list.count { size *= 2 }
            list.append(contentsOf: repeatElement(last, count: size - list.count))
            try body(list)
        }
    }
}

extension Cursor {
    /// A page's place by number, where the order has no key to go on from.
    public init(offset: Int) { self.init([.int(Int64(offset))]) }

    /// - Throws: `invalid` for a cursor of another listing.
    public var offset: Int {
        get throws {
            guard keys.count == 1, let offset = keys[0].intValue, offset >= 0, offset < 1 << 40 else {
                throw SlipwayError.field(
                    "page_token", "is not of this listing", expected: "the token of the previous page")
            }
            return Int(offset)
        }
    }
}
