/// A parsed filter expression such as `metrics.rmse < 0.3 AND tags.stage = 'prod'`. MLflow's search grammar is a subset:
/// ours adds OR, NOT and parentheses. It is a tree, never SQL text; each store says what its fields mean.
public indirect enum Filter: Hashable, Sendable {
    case and([Filter])
    case or([Filter])
    case not(Filter)
    case compare(FilterField, Comparison, FilterValue)
    case isOneOf(FilterField, [FilterValue])
    case isNull(FilterField)

    public enum Comparison: String, Sendable {
        case equal = "="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        /// `%` and `_` stand for any run and any one character; `like` minds the case, `ilike` does not.
        case like = "LIKE"
        case ilike = "ILIKE"
    }
}

/// A field as written: `metrics.rmse` has the entity `metrics` and the key `rmse`; a bare `name` has no entity.
public struct FilterField: Hashable, Sendable, CustomStringConvertible {
    public let entity: String?
    public let key: String

    public init(entity: String?, key: String) {
        self.entity = entity
        self.key = key
    }

    public var description: String { entity.map { "\($0).\(key)" } ?? key }
}

public enum FilterValue: Hashable, Sendable {
    case text(String)
    case number(Double)
    case bool(Bool)
}

/// One term of an ORDER BY list.
public struct SortTerm: Hashable, Sendable {
    public let field: FilterField
    public let descending: Bool

    public init(_ field: FilterField, descending: Bool) {
        self.field = field
        self.descending = descending
    }

    /// Parses `field [ASC|DESC]`.
    public init(parsing text: String) throws {
        var parser = try FilterParser(text)
        field = try parser.field()
        descending = parser.takeWord("DESC")
        if !descending { _ = parser.takeWord("ASC") }
        try parser.expectEnd()
    }
}

extension Filter {
    /// Parses an expression; empty text is no filter.
    ///
    /// - Throws: `invalid`, with the place and what was expected there.
    public static func parse(_ text: String) throws -> Filter? {
        guard text.utf8.count <= Limits.filterBytes else {
            throw SlipwayError(.tooLarge, "The filter is over \(Limits.filterBytes) bytes.")
        }
        var parser = try FilterParser(text)
        guard !parser.isAtEnd else { return nil }
        let filter = try parser.disjunction()
        try parser.expectEnd()
        return filter
    }
}
