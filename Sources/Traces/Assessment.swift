import Core
import Tracking

/// What somebody or something thinks of a trace, or of one of its spans: feedback, or what was to be expected.
public struct Assessment: Sendable, Hashable {
    /// `a-` and 32 hexadecimal digits.
    public let id: String
    public let trace: String
    public var name: String
    public let kind: AssessmentKind
    public var value: JSONValue
    /// Why there is no value: code, message and stack trace.
    public var error: JSONValue?
    /// `HUMAN`, `LLM_JUDGE` or `CODE`.
    public let sourceType: String
    public let sourceID: String?
    public var rationale: String?
    public var metadata: [KeyValue]
    /// In hexadecimal.
    public let span: String?
    public let created: Timestamp
    public var updated: Timestamp
    /// The assessment that this one stands in for.
    public let overrides: String?
    /// Whether no other stands in for it.
    public let isValid: Bool
}

public enum AssessmentKind: String, Sendable, Hashable, CaseIterable {
    case feedback, expectation, issue
}

/// A new assessment.
public struct AssessmentDraft: Sendable {
    /// Nil for one of the server's making.
    public var id: String?
    public var name: String
    public var kind: AssessmentKind
    public var value: JSONValue
    public var error: JSONValue?
    public var sourceType: String
    public var sourceID: String?
    public var rationale: String?
    public var metadata: [KeyValue] = []
    public var span: String?
    public var created: Timestamp?
    public var updated: Timestamp?
    public var overrides: String?
    public var isValid = true

    public init(name: String, kind: AssessmentKind, value: JSONValue, sourceType: String) {
        self.name = name
        self.kind = kind
        self.value = value
        self.sourceType = sourceType
    }
}

/// What changes of an assessment; nil stays.
public struct AssessmentChange: Sendable {
    public var name: String?
    /// With the kind that it is of, and the error in place of a value.
    public var value: (kind: AssessmentKind, value: JSONValue, error: JSONValue?)?
    public var rationale: String?
    /// Added to what is there.
    public var metadata: [KeyValue] = []

    public init() {}
}

extension AssessmentDraft {
    static let sourceTypes: Set<String> = ["HUMAN", "LLM_JUDGE", "AI_JUDGE", "CODE", "SOURCE_TYPE_UNSPECIFIED"]

    func made(trace: String, at now: Timestamp) throws -> Assessment {
        guard !name.isEmpty, name.unicodeScalars.count <= TraceLimits.idLength else {
            throw SlipwayError.field("assessment_name", "is empty or too long", expected: "a short name")
        }
        guard Self.sourceTypes.contains(sourceType) else {
            throw SlipwayError.field(
                "source_type", "'\(sourceType.prefix(40))' is not a source", expected: "HUMAN, LLM_JUDGE or CODE")
        }
        guard (id ?? "a").unicodeScalars.allSatisfy({ $0.value > 32 && $0.value < 127 && $0 != "/" }) else {
            throw SlipwayError.field("assessment_id", "has characters that do not survive a URL")
        }
        let result = Assessment(
            id: id ?? "a-" + ID.make(), trace: trace, name: name.withoutNUL, kind: kind, value: value, error: error,
            sourceType: sourceType, sourceID: sourceID, rationale: rationale?.withoutNUL,
            metadata: metadata.map { TraceRules.metadata($0) }, span: span, created: created ?? now,
            updated: updated ?? created ?? now, overrides: overrides, isValid: isValid)
        try result.check()
        return result
    }
}

extension Assessment {
    /// - Throws: `tooLarge` past the limit; `invalid` for NUL, which is no text of a database.
    func check() throws {
        let bytes = value.canonicalBytes.count + (error?.canonicalBytes.count ?? 0) + (rationale?.utf8.count ?? 0)
        guard bytes <= TraceLimits.assessmentBytes else {
            throw SlipwayError(.tooLarge, "The assessment is over \(TraceLimits.assessmentBytes) bytes.")
        }
    }

    func changed(_ change: AssessmentChange, at now: Timestamp) throws -> Assessment {
        var result = self
        if let name = change.name, !name.isEmpty { result.name = name.withoutNUL }
        if let new = change.value {
            guard new.kind == kind else {
                throw SlipwayError(
                    .invalid, "Cannot update \(new.kind.rawValue) value on a \(kind.rawValue) assessment.")
            }
            result.value = new.value
            result.error = new.error
        }
        if let rationale = change.rationale { result.rationale = rationale.withoutNUL }
        if !change.metadata.isEmpty {
            let merged = metadata.map.merging(change.metadata.map { ($0.key, $0.value) }) { $1 }
            result.metadata = merged.sorted { $0.key < $1.key }.map { KeyValue($0.key, $0.value) }
        }
        result.updated = now
        try result.check()
        return result
    }

    /// What comparisons by size look at; nil if the value is no number.
    var number: Double? {
        switch value {
        case .int(let number): Double(number)
        case .number(let number) where number.isFinite: number
        default: nil
        }
    }
}
