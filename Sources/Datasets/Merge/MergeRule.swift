import Core

/// Decides conflicts without a person.
public struct MergeRule: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable {
        case ours
        case theirs
        /// The later change: by the label's own time (`NAME_at`), else by the time of the version that made it.
        case newest
        /// The annotator who comes first in a list: by `NAME_by`, else by the author of the version.
        case annotatorRank = "annotator-rank"
        /// The label with more votes (`NAME_votes`).
        case majority
        /// The side that has a value, if the other has none; of a deleted row, the side that kept it.
        case filled
    }

    public let kind: Kind
    /// The column or label that it is for; nil for all.
    public let column: String?
    /// Of `annotator-rank`: names, the first counts most.
    public let ranks: [String]

    public static let maximumRanks = 1000

    public init(_ kind: Kind, column: String? = nil, ranks: [String] = []) throws {
        self.kind = kind
        self.column = column
        self.ranks = ranks
        guard (kind == .annotatorRank) == !ranks.isEmpty else {
            throw SlipwayError.field(
                "ranks", kind == .annotatorRank ? "are missing" : "are for annotator-rank only",
                expected: "the annotators' names, the one who counts most first")
        }
        guard ranks.count <= Self.maximumRanks else {
            throw SlipwayError.field("ranks", "are more than \(Self.maximumRanks)")
        }
    }

    /// `"newest"`, or `{"rule": "annotator-rank", "ranks": ["ann", "bob"]}`.
    init(_ json: JSONValue, column: String?) throws {
        if let text = json.stringValue {
            try self.init(Self.kind(text), column: column)
            return
        }
        let fields = try JSONFields(json, allowed: ["rule", "ranks", "column"])
        try self.init(
            Self.kind(fields.string("rule")), column: column ?? fields.optionalString("column"),
            ranks: fields["ranks"] == nil ? [] : fields.strings("ranks"))
    }

    static func kind(_ text: String) throws -> Kind {
        guard let kind = Kind(rawValue: text) else {
            throw SlipwayError.field(
                "rule", "'\(text.prefix(40))' is not a rule",
                expected: Kind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return kind
    }

    var json: JSONValue {
        var fields: [String: JSONValue] = ["rule": .string(kind.rawValue)]
        if let column { fields["column"] = .string(column) }
        if !ranks.isEmpty { fields["ranks"] = JSONValue(ranks) }
        return .object(fields)
    }

    /// `'ours'`, `'theirs'` or NULL (this rule cannot say) for a row `c` of the conflicts.
    func decision(unit: Int?) -> String {
        let expression: String
        switch kind {
        case .ours: expression = "'ours'"
        case .theirs: expression = "'theirs'"
        case .newest:
            expression = Self.greater(
                "coalesce(c.ours_at, c.ours_made * 1000)", "coalesce(c.theirs_at, c.theirs_made * 1000)")
        case .majority: expression = Self.greater("coalesce(c.ours_votes, 0)", "coalesce(c.theirs_votes, 0)")
        case .annotatorRank:
            let places = ranks.enumerated().map { "WHEN \(DuckSQL.text($1)) THEN \($0)" }.joined(separator: " ")
            func place(_ who: String) -> String { "-(CASE \(who) \(places) ELSE \(ranks.count) END)" }
            expression = Self.greater(
                place("coalesce(c.ours_by, c.ours_author)"), place("coalesce(c.theirs_by, c.theirs_author)"))
        case .filled:
            expression =
                "CASE WHEN c.ours IS NOT NULL AND c.theirs IS NULL THEN 'ours' WHEN c.theirs IS NOT NULL AND c.ours IS NULL THEN 'theirs' END"
        }
        return unit.map { "CASE WHEN c.unit = \($0) THEN \(expression) END" } ?? expression
    }

    private static func greater(_ ours: String, _ theirs: String) -> String {
        "CASE WHEN \(ours) > \(theirs) THEN 'ours' WHEN \(theirs) > \(ours) THEN 'theirs' END"
    }
}

/// What is decided of each conflict: a person's choice, else the first rule that can say.
struct MergeDecisions: Sendable {
    let layout: MergeLayout
    let rules: [MergeRule]

    /// The conflicts with `choice` (NULL while open), `value` and `how` (`hand`, or the rule).
    ///
    /// - Parameter choices: a table of texts: `id`, `choice`, `value` (hexadecimal); nil if there are none.
    func sql(conflicts: String, choices: String?) -> String {
        let ruled = rules.map { rule in
            rule.decision(unit: rule.column.flatMap { name in layout.units.firstIndex { $0.name == name } })
        }
        let how = zip(rules, ruled).map { "WHEN (\($1)) IS NOT NULL THEN \(DuckSQL.text($0.kind.rawValue))" }
        let hand = choices == nil ? "CAST(NULL AS VARCHAR)" : "h.choice"
        let source =
            choices.map {
                "\(DuckSQL.name(conflicts)) c LEFT JOIN (SELECT CAST(id AS BIGINT) AS id, choice, decode(unhex(value)) AS value FROM \(DuckSQL.name($0))) h ON h.id = c.id"
            } ?? "\(DuckSQL.name(conflicts)) c"
        return """
            SELECT c.*, coalesce(\(([hand] + ruled).joined(separator: ", "))) AS choice,
                \(choices == nil ? "CAST(NULL AS VARCHAR)" : "h.value") AS value,
                CASE WHEN \(hand) IS NOT NULL THEN 'hand' \(how.joined(separator: " ")) END AS how
            FROM \(source)
            """
    }

    /// A cell of a hand-given value: `{"c3": 5}` by the column's index.
    static func value(_ text: String, _ index: Int, _ type: String) -> String {
        let isNested = type.hasSuffix("]") || type.hasPrefix("STRUCT") || type.hasPrefix("MAP") || type == "JSON"
        return isNested
            ? "TRY_CAST(json_extract(\(text), '$.c\(index)') AS \(type))"
            : "TRY_CAST(json_extract_string(\(text), '$.c\(index)') AS \(type))"
    }
}
