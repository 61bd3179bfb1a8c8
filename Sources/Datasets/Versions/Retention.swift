import Core
import Database

/// Which versions of a dataset are kept. A version goes only if no rule keeps it.
public struct RetentionRule: Sendable, Hashable {
    /// The newest so many of each branch.
    public var keepLast: Int?
    /// Those made within so many days.
    public var keepDays: Int?
    /// Those that a tag names.
    public var keepTagged: Bool
    /// Whether the server applies the rule once a day.
    public var isAutomatic: Bool

    /// - Throws: `invalid` if nothing would be kept but heads by oversight.
    public init(keepLast: Int?, keepDays: Int?, keepTagged: Bool = true, isAutomatic: Bool = false) throws {
        guard keepLast != nil || keepDays != nil else {
            throw SlipwayError.field(
                "keepLast, keepDays", "are both missing",
                expected: "at least one of them, so that the rule keeps something")
        }
        for (name, value) in [("keepLast", keepLast), ("keepDays", keepDays)] {
            if let value, !(1...1_000_000).contains(value) {
                throw SlipwayError.field(name, "\(value) is out of range", expected: "1 to 1000000")
            }
        }
        self.keepLast = keepLast
        self.keepDays = keepDays
        self.keepTagged = keepTagged
        self.isAutomatic = isAutomatic
    }

    public var json: JSONValue {
        [
            "keepLast": keepLast.map { JSONValue($0) } ?? .null, "keepDays": keepDays.map { JSONValue($0) } ?? .null,
            "keepTagged": .bool(keepTagged), "automatic": .bool(isAutomatic),
        ]
    }

    /// The versions that no rule keeps; heads of branches are always kept.
    ///
    /// - Parameter versions: of one dataset, newest first.
    public func expired(_ versions: [DatasetVersion], named: [NamedVersion], now: Timestamp) -> [DatasetVersion] {
        let heads = Set(named.filter { $0.kind == .branch }.map(\.number))
        let tagged = Set(named.filter { $0.kind == .tag }.map(\.number))
        var seen: [String: Int] = [:]
        return versions.filter { version in
            seen[version.branch, default: 0] += 1
            let isRecent = keepLast.map { seen[version.branch, default: 0] <= $0 } ?? false
            let isYoung = keepDays.map { version.created > now.adding(seconds: -Double($0) * 86_400) } ?? false
            return !isRecent && !isYoung && !heads.contains(version.number)
                && !(keepTagged && tagged.contains(version.number))
        }
    }
}

/// What applying a rule did, or would do.
public struct RetentionOutcome: Sendable {
    public let rule: RetentionRule
    public let deletion: Deletion
    public let kept: Int
    /// Versions that would go but that registered models were made from: a rule never deletes them.
    public let held: [Ref: [Ref]]

    public var json: JSONValue {
        var fields = deletion.json.objectValue ?? [:]
        fields["rule"] = rule.json
        fields["kept"] = JSONValue(kept)
        fields["models"] = nil
        fields["held"] = .array(
            held.sorted { $0.key < $1.key }.map { version, models in
                ["version": JSONValue(version), "models": .array(models.map { JSONValue($0) })]
            })
        return .object(fields)
    }
}

extension DatasetsStore {
    func retention(_ db: any Transaction, _ dataset: String) throws -> RetentionRule? {
        try db.one(
            "SELECT keep_last, keep_days, keep_tagged, is_automatic FROM dataset_retention WHERE dataset = \(dataset)"
        ) { row in
            try RetentionRule(
                keepLast: row.optionalInt(0).map(Int.init), keepDays: row.optionalInt(1).map(Int.init),
                keepTagged: row.bool(2), isAutomatic: row.bool(3))
        }
    }

    func setRetention(
        _ db: any Transaction, _ dataset: String, _ rule: RetentionRule, by author: String, at time: Timestamp
    ) throws {
        try db.execute(
            """
            INSERT INTO dataset_retention (dataset, keep_last, keep_days, keep_tagged, is_automatic, author, changed_ms)
            VALUES (\(dataset), \(rule.keepLast), \(rule.keepDays), \(rule.keepTagged), \(rule.isAutomatic), \(author), \(time))
            ON CONFLICT (dataset) DO UPDATE SET keep_last = excluded.keep_last, keep_days = excluded.keep_days,
                keep_tagged = excluded.keep_tagged, is_automatic = excluded.is_automatic, author = excluded.author,
                changed_ms = excluded.changed_ms
            """)
    }

    func removeRetention(_ db: any Transaction, _ dataset: String) throws {
        try db.execute("DELETE FROM dataset_retention WHERE dataset = \(dataset)")
    }

    func setRetentionApplied(_ db: any Transaction, _ dataset: String, at time: Timestamp) throws {
        try db.execute("UPDATE dataset_retention SET applied_ms = \(time) WHERE dataset = \(dataset)")
    }

    /// Datasets whose rule the server applies, and last did before `time`.
    func retentionsDue(_ db: any Transaction, before time: Timestamp) throws -> [String] {
        try db.all(
            """
            SELECT dataset FROM dataset_retention WHERE is_automatic
                AND (applied_ms IS NULL OR applied_ms < \(time)) ORDER BY dataset LIMIT 1000
            """
        ) { try $0.text(0) }
    }
}
