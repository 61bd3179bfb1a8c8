import Core

/// The rule by which a version takes an alias from its holder. Pure: everything that it looks at is given.
public struct Promotion: Sendable, Hashable {
    public enum Direction: String, Sendable, CaseIterable {
        case lower
        case higher
    }

    /// What the challenger must gain.
    public enum Margin: Sendable, Hashable, CustomStringConvertible {
        /// In the metric's unit.
        case absolute(Double)
        /// As a fraction of the holder's value.
        case relative(Double)

        public var description: String {
            switch self {
            case .absolute(let value): value.description
            case .relative(let value): "\((value * 1e4).rounded() / 100) %"
            }
        }

        /// Parses a number, or text such as `"1%"`.
        ///
        /// - Throws: `invalid` when it is negative or no number.
        public init(parsing value: JSONValue) throws {
            let text = value.stringValue
            let percent = text?.hasSuffix("%") ?? false
            let number = percent ? text.flatMap { Double($0.dropLast().filter { $0 != " " }) } : value.doubleValue
            guard let number, number.isFinite, number >= 0 else {
                throw SlipwayError.field(
                    "minimumImprovement", "is not usable", expected: "a number of at least 0, or a share such as \"1%\""
                )
            }
            self = percent ? .relative(number / 100) : .absolute(number)
        }
    }

    public var metric: String
    public var direction: Direction
    public var minimumImprovement: Margin
    /// Only evaluations on this dataset or slice count; nil: the newest that both have.
    public var on: Ref?

    public init(metric: String, direction: Direction, minimumImprovement: Margin = .absolute(0), on: Ref? = nil) {
        self.metric = metric
        self.direction = direction
        self.minimumImprovement = minimumImprovement
        self.on = on
    }

    /// One thing that was looked at.
    public struct Check: Sendable, Hashable {
        public let name: String
        public let passed: Bool
        /// What was found, in a sentence.
        public let finding: String

        var json: JSONValue { ["name": .string(name), "passed": .bool(passed), "finding": .string(finding)] }
    }

    /// What the rule says.
    public struct Decision: Sendable, Hashable {
        public let checks: [Check]
        public let challengerValue: Double?
        public let holderValue: Double?
        /// How much better the challenger is, in the metric's unit; positive is better.
        public let improvement: Double?
        /// The dataset or slice of the comparison.
        public let evaluatedOn: String?

        public var promotes: Bool { checks.allSatisfy(\.passed) }
        public var reasons: [String] { checks.filter { !$0.passed }.map(\.finding) }

        public var json: JSONValue {
            func number(_ value: Double?) -> JSONValue { value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null }
            return [
                "promotes": .bool(promotes), "checks": .array(checks.map(\.json)),
                "challengerValue": number(challengerValue),
                "holderValue": number(holderValue), "improvement": number(improvement),
                "evaluatedOn": JSONValue(evaluatedOn),
            ]
        }
    }

    /// A contender: its ref and its evaluations, oldest first.
    public struct Contender: Sendable {
        public let ref: Ref
        public let evaluations: [Evaluation]

        public init(ref: Ref, evaluations: [Evaluation]) {
            self.ref = ref
            self.evaluations = evaluations
        }
    }

    /// Compares the challenger with the holder of the alias on the same evaluation data.
    ///
    /// - Parameters:
    ///   - holder: nil when nobody holds the alias: then the challenger needs an evaluation and no more.
    ///   - approvalRefusal: why the project's policy says no; nil when it does not.
    public func decide(challenger: Contender, holder: Contender?, approvalRefusal: String?) -> Decision {
        var checks = [
            Check(
                name: "approval", passed: approvalRefusal == nil,
                finding: approvalRefusal.map { "\(challenger.ref) is not approved: \($0)" }
                    ?? "\(challenger.ref) has the approvals that the policy asks for")
        ]
        if holder?.ref == challenger.ref {
            checks.append(
                Check(name: "challenger", passed: false, finding: "\(challenger.ref) holds the alias already"))
            return Decision(checks: checks, challengerValue: nil, holderValue: nil, improvement: nil, evaluatedOn: nil)
        }
        let own = measured(challenger)
        guard let newest = own.last else {
            let place = on.map { " on \($0)" } ?? ""
            checks.append(
                Check(
                    name: "evaluation", passed: false,
                    finding: "\(challenger.ref) has no evaluation with the metric '\(metric)'\(place)"))
            return Decision(
                checks: checks, challengerValue: nil, holderValue: nil, improvement: nil, evaluatedOn: on?.description)
        }
        guard let holder else {
            let value = newest.metrics[metric] ?? .nan
            checks.append(
                Check(
                    name: "comparison", passed: value.isFinite,
                    finding: value.isFinite ? "nobody holds the alias" : "\(metric) of \(challenger.ref) is \(value)"))
            return Decision(
                checks: checks, challengerValue: value, holderValue: nil, improvement: nil, evaluatedOn: newest.subject)
        }
        let theirs = measured(holder)
        guard
            let pair = own.reversed().lazy.compactMap({ mine in
                theirs.last { mine.isComparable(to: $0) }.map { (mine, $0) }
            }).first
        else {
            checks.append(
                Check(
                    name: "evaluation", passed: false,
                    finding:
                        "the holder \(holder.ref) has no evaluation with the metric '\(metric)' on \(newest.subject); evaluate it there first"
                ))
            return Decision(
                checks: checks, challengerValue: newest.metrics[metric], holderValue: nil, improvement: nil,
                evaluatedOn: newest.subject)
        }
        let mine = pair.0.metrics[metric] ?? .nan
        let other = pair.1.metrics[metric] ?? .nan
        checks.append(compare(mine, other, challenger.ref, holder.ref))
        return Decision(
            checks: checks, challengerValue: mine, holderValue: other,
            improvement: direction == .lower ? other - mine : mine - other,
            evaluatedOn: pair.0.subject)
    }

    private func compare(_ mine: Double, _ other: Double, _ challenger: Ref, _ holder: Ref) -> Check {
        guard mine.isFinite else {
            return Check(name: "comparison", passed: false, finding: "\(metric) of \(challenger) is \(mine)")
        }
        // A holder without a usable value cannot defend the alias.
        guard other.isFinite else {
            return Check(name: "comparison", passed: true, finding: "\(metric) of the holder \(holder) is \(other)")
        }
        let gain = direction == .lower ? other - mine : mine - other
        let needed =
            switch minimumImprovement {
            case .absolute(let value): value
            case .relative(let share): share * abs(other)
            }
        let passed = gain > 0 && gain >= needed
        let shown = "\(metric) \(mine) against \(other) of the holder \(holder), \(direction.rawValue) is better"
        return Check(
            name: "comparison", passed: passed,
            finding: passed
                ? shown
                : "\(shown): \(gain > 0 ? "the gain \(gain) is under the minimum \(minimumImprovement)" : "no gain")")
    }

    private func measured(_ contender: Contender) -> [Evaluation] {
        contender.evaluations.filter { evaluation in
            evaluation.metrics[metric] != nil && (on.map(evaluation.isOn) ?? true)
        }
    }
}

extension Evaluation {
    /// Whether it was measured on this dataset or slice; a ref without a version means any of its versions.
    func isOn(_ ref: Ref) -> Bool {
        [dataset, slice].contains {
            $0.map { $0 == ref || (ref.selector == nil && $0.kind == ref.kind && $0.name == ref.name) } ?? false
        }
    }

    /// Whether both were measured on the same rows: the same slice of the same version, or the same version.
    func isComparable(to other: Evaluation) -> Bool { dataset == other.dataset && slice == other.slice }
}
