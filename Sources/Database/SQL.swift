import Core

/// A value bound to a statement. Times are milliseconds in `int`, JSON documents are `text`.
public enum SQLValue: Hashable, Sendable {
    case null
    case int(Int64)
    case double(Double)
    case text(String)
    case bool(Bool)
}

/// What can stand in `\(…)` of a statement; it is always bound, never pasted.
public protocol SQLBindable: Sendable {
    var sqlValue: SQLValue { get }
}

extension String: SQLBindable { public var sqlValue: SQLValue { .text(self) } }
extension Int: SQLBindable { public var sqlValue: SQLValue { .int(Int64(self)) } }
extension Int64: SQLBindable { public var sqlValue: SQLValue { .int(self) } }
extension Double: SQLBindable { public var sqlValue: SQLValue { .double(self) } }
extension Bool: SQLBindable { public var sqlValue: SQLValue { .bool(self) } }
extension SQLValue: SQLBindable { public var sqlValue: SQLValue { self } }
extension Timestamp: SQLBindable { public var sqlValue: SQLValue { .int(milliseconds) } }
extension Ref: SQLBindable { public var sqlValue: SQLValue { .text(description) } }
extension Digest: SQLBindable { public var sqlValue: SQLValue { .text(hex) } }
extension JSONValue: SQLBindable { public var sqlValue: SQLValue { .text(canonicalText) } }

/// A statement for SQLite and PostgreSQL alike. Interpolated values become parameters by construction:
///
///     try db.one("SELECT name FROM dataset WHERE id = \(id) AND deleted = \(false)") { try $0.text(0) }
///
/// Pieces of SQL are themselves interpolated, so that optional clauses are values: `"… WHERE \(condition)"`.
public struct SQL: Sendable, ExpressibleByStringInterpolation {
    fileprivate enum Part: Sendable {
        case literal(String)
        case value(SQLValue)
        case list([SQLValue])
        /// PostgreSQL only.
        case array([SQLValue], type: String)
    }

    private var parts: [Part]

    public init(stringLiteral value: String) { parts = [.literal(value)] }

    public init(stringInterpolation: StringInterpolation) { parts = stringInterpolation.parts }

    fileprivate init(parts: [Part]) { self.parts = parts }

    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var parts: [Part] = []

        public init(literalCapacity: Int, interpolationCount: Int) { parts.reserveCapacity(interpolationCount * 2 + 1) }

        public mutating func appendLiteral(_ literal: String) { parts.append(.literal(literal)) }
        public mutating func appendInterpolation(_ value: some SQLBindable) { parts.append(.value(value.sqlValue)) }
        /// nil is NULL.
        public mutating func appendInterpolation(_ value: (some SQLBindable)?) {
            parts.append(.value(value?.sqlValue ?? .null))
        }
        public mutating func appendInterpolation(_ sql: SQL) { parts.append(contentsOf: sql.parts) }
        /// For `IN (…)`, of one type; an empty list matches nothing.
        public mutating func appendInterpolation(list values: [some SQLBindable]) {
            parts.append(.list(values.map(\.sqlValue)))
        }
        /// PostgreSQL only.
        mutating func appendInterpolation(array values: [SQLValue], of type: String) {
            parts.append(.array(values, type: type))
        }
    }

    /// A parameter of a statement.
    enum Parameter: Hashable, Sendable {
        case value(SQLValue)
        /// PostgreSQL's array.
        case array([SQLValue])
    }

    /// The text with `$1 … $n` and the values in that order.
    ///
    /// A list is a parameter for each of its values, but on PostgreSQL one array after `= ANY`: that text is the same for
    /// lists of any length, so that it stays prepared, and is short to send and to plan.
    func rendered(for dialect: Dialect) -> (text: String, parameters: [Parameter]) {
        var text = ""
        var parameters: [Parameter] = []
        func add(_ parameter: Parameter) {
            parameters.append(parameter)
            text += "$\(parameters.count)"
        }
        for part in parts {
            switch part {
            case .literal(let literal): text += literal
            case .value(let value): add(.value(value))
            case .array(let values, let type):
                add(.array(values))
                text += "::\(type)[]"
            case .list(let values):
                if values.isEmpty {
                    text += "NULL"
                } else if dialect == .postgres, text.hasSuffix(" IN ("), let type = values[0].postgresType {
                    let isNegated = text.hasSuffix(" NOT IN (")
                    text.removeLast(isNegated ? "NOT IN (".count : "IN (".count)
                    text += isNegated ? "<> ALL (" : "= ANY ("
                    add(.array(values))
                    text += "::\(type)[]"
                } else {
                    for (index, value) in values.enumerated() {
                        if index > 0 { text += "," }
                        add(.value(value))
                    }
                }
            }
        }
        return (text, parameters)
    }

    public static func + (a: SQL, b: SQL) -> SQL { SQL(parts: a.parts + b.parts) }

    /// All conditions must hold; none is `TRUE`.
    public static func all(_ conditions: [SQL]) -> SQL { joined(conditions, by: " AND ", empty: "TRUE") }

    /// One of the conditions must hold; none is `FALSE`.
    public static func any(_ conditions: [SQL]) -> SQL { joined(conditions, by: " OR ", empty: "FALSE") }

    public static func joined(_ pieces: [SQL], by separator: String, empty: String = "") -> SQL {
        guard !pieces.isEmpty else { return SQL(stringLiteral: empty) }
        var parts: [Part] = []
        for (index, piece) in pieces.enumerated() {
            if index > 0 { parts.append(.literal(separator)) }
            let wrap = separator == " AND " || separator == " OR "
            if wrap { parts.append(.literal("(")) }
            parts.append(contentsOf: piece.parts)
            if wrap { parts.append(.literal(")")) }
        }
        return SQL(parts: parts)
    }
}
