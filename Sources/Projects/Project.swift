import Core

/// The unit of ownership: a charter of business goals, members with roles, and policies.
public struct Project: Sendable, Hashable {
    public let name: String
    public let owner: String
    public let description: String
    public let goals: [Goal]
    public let created: Timestamp

    public var json: JSONValue {
        [
            "name": .string(name), "ref": JSONValue(Ref(.project, name)), "owner": .string(owner),
            "description": .string(description),
            "goals": .array(goals.map(\.json)), "created": JSONValue(created),
        ]
    }
}

/// A business goal with a measure: "waste, down 9 %", and the values measured so far.
public struct Goal: Sendable, Hashable {
    public let name: String
    /// The wanted change against the baseline (`-0.09` for −9 %) or an absolute value.
    public let target: Double
    public let isRelative: Bool
    /// The newest measured value, in the target's unit.
    public let measured: Double?
    public let measuredAt: Timestamp?

    public init(name: String, target: Double, isRelative: Bool, measured: Double? = nil, measuredAt: Timestamp? = nil) {
        self.name = name
        self.target = target
        self.isRelative = isRelative
        self.measured = measured
        self.measuredAt = measuredAt
    }

    /// Parses `waste=-9%` or `latency_ms=20`.
    ///
    /// - Throws: `invalid`.
    public init(parsing text: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        let isRelative = parts.last?.hasSuffix("%") ?? false
        guard parts.count == 2, let number = Double(isRelative ? String(parts[1].dropLast()) : parts[1]),
            number.isFinite
        else {
            throw SlipwayError.field(
                "goal", "'\(text.prefix(80))' is not a goal", expected: "name=value, as in waste=-9% or latency_ms=20")
        }
        try Name.validate(parts[0], field: "goal")
        self.init(name: parts[0], target: isRelative ? number / 100 : number, isRelative: isRelative)
    }

    /// Whether the measured value reaches the target: a negative target wants a value at or below it, another one at or
    /// above it when relative, at or below it when absolute (a budget).
    public var isMet: Bool? {
        measured.map { isRelative && target > 0 ? $0 >= target : $0 <= target }
    }

    var json: JSONValue {
        [
            "name": .string(name), "target": .number(target), "relative": .bool(isRelative),
            "measured": measured.map { .number($0) } ?? .null,
            "measuredAt": measuredAt.map { JSONValue($0) } ?? .null, "met": isMet.map { .bool($0) } ?? .null,
        ]
    }
}
