import Core

/// What a check of a contract found.
public struct QualityReport: Sendable, Hashable {
    public enum Outcome: String, Sendable, Hashable { case passed, warned, blocked }

    /// One rule's result.
    public struct Result: Sendable, Hashable {
        /// What was looked at: the rows that a commit adds, or all of the version's.
        public enum Scope: String, Sendable, Hashable { case new, all, none }

        public let rule: String
        public let severity: Contract.Severity
        public let line: Int
        public let passed: Bool
        public var scope = Scope.new
        /// The rows that break the rule; nil where it is not about rows.
        public var count: Int64?
        /// What was measured beside what was asked, for people.
        public var problem: String?
        /// Figures: a share, a newest time, a PSI.
        public var measured: [String: JSONValue] = [:]
        /// Up to `examplesMaximum` of the rows: `file`, `row` (from 1), `key`, `values`.
        public var examples: [JSONValue] = []

        init(_ rule: ContractRule, passed: Bool, scope: Scope = .new, count: Int64? = nil, problem: String? = nil) {
            (self.rule, severity, line) = (rule.name, rule.severity, rule.line)
            (self.passed, self.scope, self.count, self.problem) = (passed, scope, count, problem)
        }

        var json: JSONValue {
            var fields: [String: JSONValue] = [
                "rule": .string(rule), "severity": .string(severity.rawValue), "line": JSONValue(line),
                "passed": .bool(passed), "scope": .string(scope.rawValue),
            ]
            if let count { fields["count"] = .int(count) }
            if let problem { fields["problem"] = .string(problem) }
            if !measured.isEmpty { fields["measured"] = .object(measured) }
            if !examples.isEmpty { fields["examples"] = .array(examples) }
            return .object(fields)
        }

        /// `price.range: 3 rows; file part-00000.parquet row 17: price -1`.
        var summary: String {
            var text = rule
            if let count { text += ": \(count) row\(count == 1 ? "" : "s")" }
            if let problem { text += count == nil ? ": \(problem)" : " (\(problem))" }
            if let first = examples.first {
                let place = [
                    first["file"]?.stringValue.map { "file \($0)" }, first["row"]?.intValue.map { "row \($0)" },
                ].compactMap { $0 }.joined(separator: " ")
                let values = (first["key"]?.objectValue ?? [:]).merging(first["values"]?.objectValue ?? [:]) { a, _ in a
                }
                .sorted { $0.key < $1.key }
                .map { "\($0.key) \($0.value.stringValue ?? $0.value.canonicalText)" }.joined(separator: ", ")
                text += ", as in " + [place, values].filter { !$0.isEmpty }.joined(separator: ": ")
            }
            return text
        }
    }

    public static let examplesMaximum = 5

    public let dataset: String
    /// The contract's number; nil for a draft.
    public let contract: Int?
    public let checked: Timestamp
    /// Rows that were new, and rows in all.
    public let newRows: Int64
    public let allRows: Int64
    public let seconds: Double
    public let results: [Result]

    public var outcome: Outcome {
        let broken = results.filter { !$0.passed }
        if broken.isEmpty { return .passed }
        return broken.contains { $0.severity == .block } ? .blocked : .warned
    }

    public var json: JSONValue {
        [
            "dataset": .string(dataset), "contract": contract.map { JSONValue($0) } ?? .null,
            "outcome": .string(outcome.rawValue), "checked": JSONValue(checked),
            "rows": ["new": .int(newRows), "all": .int(allRows)], "seconds": .number(seconds),
            "failed": JSONValue(results.count { !$0.passed }), "rules": .array(results.map(\.json)),
        ]
    }

    /// What the ledger says of it: rules and counts, no values.
    var eventData: JSONValue {
        [
            "outcome": .string(outcome.rawValue), "contract": contract.map { JSONValue($0) } ?? .null,
            "failed": .array(
                results.filter { !$0.passed }.prefix(100).map {
                    [
                        "rule": .string($0.rule), "severity": .string($0.severity.rawValue),
                        "count": $0.count.map { .int($0) } ?? .null,
                    ]
                }),
        ]
    }

    /// Why a commit is refused.
    /// A report that was kept, for those who may not see rows.
    static func withoutExamples(_ report: JSONValue) -> JSONValue {
        guard var fields = report.objectValue, let results = fields["rules"]?.arrayValue else { return report }
        fields["rules"] = .array(
            results.map { result in
                var result = result.objectValue ?? [:]
                result["examples"] = nil
                return .object(result)
            })
        return .object(fields)
    }

    var refusal: SlipwayError {
        let broken = results.filter { !$0.passed && $0.severity == .block }
        let shown = broken.prefix(10).map(\.summary).joined(separator: "; ")
        let more = broken.count > 10 ? "; and \(broken.count - 10) more rules" : ""
        return SlipwayError(
            .invalid,
            "Nothing was committed: the rows break \(broken.count) rule\(broken.count == 1 ? "" : "s") of the contract of \(dataset)\(contract.map { " (number \($0))" } ?? ""): \(shown)\(more).",
            details: [
                "contract": contract.map(String.init) ?? "", "rules": broken.map(\.rule).joined(separator: "; "),
                "report": json.canonicalText,
            ], ref: Ref(.dataset, dataset))
    }
}
