import Core
import Tracking

/// Inputs with what is expected of the answers, for evaluations of generative applications (MLflow's
/// `mlflow.genai.datasets`). Not a `Dataset`, whose versions are tables.
public struct EvaluationDataset: Sendable, Hashable {
    /// `d-` and 32 hexadecimal digits.
    public let id: String
    public let name: String
    public let project: String
    /// Another after each change of the records.
    public var digest: String
    /// The fields of the records and the kinds of their values; nil before the first record.
    public var schema: JSONValue?
    public var records: Int64
    public let created: Timestamp
    public var updated: Timestamp
    public let createdBy: String?
    public var updatedBy: String?
    /// By key.
    public var tags: [KeyValue] = []

    public var ref: Ref { Ref(.evaluationDataset, id) }

    static func digest(_ name: String, _ time: Timestamp) -> String {
        String(Digest.of("\(name):\(time.milliseconds)").hex.prefix(8))
    }
}

public struct EvaluationRecord: Sendable, Hashable {
    /// `dr-` and 32 hexadecimal digits.
    public let id: String
    public let dataset: String
    public let inputs: JSONValue
    public var outputs: JSONValue?
    public var expectations: JSONValue?
    public var tags: JSONValue?
    public let source: JSONValue?
    public let created: Timestamp
    public var updated: Timestamp
    public let createdBy: String?
    public var updatedBy: String?

    public var sourceType: String? { source?["source_type"]?.stringValue }

    /// The trace that it was made from.
    public var sourceID: String? { source?["source_data"]?["trace_id"]?.stringValue }
}

/// A record as it comes; records with equal inputs are one record.
public struct EvaluationRecordDraft: Sendable {
    let fields: [String: JSONValue]
    let inputs: JSONValue
    let user: String?
    /// Of the inputs.
    let digest: String

    public static let userTag = "mlflow.user"

    public init(_ value: JSONValue) throws {
        guard let fields = value.objectValue else {
            throw SlipwayError(.invalid, "records: a record is \(value.kindName); expected an object with 'inputs'.")
        }
        for name in ["inputs", "expectations", "tags", "source"] {
            guard let field = fields[name], !field.isNull else { continue }
            guard field.objectValue != nil else {
                throw SlipwayError(.invalid, "records: '\(name)' is \(field.kindName); expected an object.")
            }
        }
        self.fields = fields
        inputs = Self.given(fields, "inputs") ?? [:]
        user = fields["tags"]?[Self.userTag]?.stringValue
        digest = Digest.of(inputs.canonicalText).hex
    }

    /// A field that is there and not null.
    private func given(_ name: String) -> JSONValue? { Self.given(fields, name) }

    private static func given(_ fields: [String: JSONValue], _ name: String) -> JSONValue? {
        guard let value = fields[name], !value.isNull else { return Optional.none }
        return value
    }

    func made(in dataset: String, at now: Timestamp) -> EvaluationRecord {
        // MLflow's own: a record that says nothing of outputs has empty ones.
        let outputs = fields["outputs"] == nil ? JSONValue.object([:]) : given("outputs")
        return EvaluationRecord(
            id: "dr-" + ID.make(), dataset: dataset, inputs: inputs, outputs: outputs,
            expectations: given("expectations"), tags: given("tags"), source: given("source"), created: now,
            updated: now, createdBy: user, updatedBy: user)
    }

    /// The record with what this one says beside or instead.
    func merged(into record: EvaluationRecord, at now: Timestamp) -> EvaluationRecord {
        func merge(_ old: JSONValue?, _ name: String) -> JSONValue? {
            guard let new = given(name)?.objectValue, !new.isEmpty else { return old }
            return .object((old?.objectValue ?? [:]).merging(new) { $1 })
        }
        var result = record
        if fields["outputs"] != nil { result.outputs = given("outputs") }
        result.expectations = merge(record.expectations, "expectations")
        result.tags = merge(record.tags, "tags")
        result.updated = now
        if let user { result.updatedBy = user }
        return result
    }

    /// The schema with the fields of these records that it does not have.
    static func schema(_ old: JSONValue?, with drafts: [EvaluationRecordDraft]) -> JSONValue {
        var parts = old?.objectValue ?? ["inputs": [:], "outputs": [:], "expectations": [:], "version": "1.0"]
        for draft in drafts {
            for part in ["inputs", "outputs", "expectations"] {
                let value = part == "inputs" ? draft.inputs : draft.given(part)
                guard let value else { continue }
                if let fields = value.objectValue, let known = parts[part]?.objectValue {
                    parts[part] = .object(known.merging(fields.mapValues(kind)) { old, _ in old })
                } else if value.objectValue == nil, parts[part]?.objectValue?.isEmpty == true {
                    parts[part] = kind(value)
                }
            }
        }
        return .object(parts)
    }

    private static func kind(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .int: "integer"
        case .number: "float"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

/// What to look for among evaluation datasets: `name`, `created_time`, `last_update_time`, `created_by`,
/// `last_updated_by`, `tags.X`. Without an order the newest come first.
public struct EvaluationDatasetSearch: Sendable {
    /// Only of these; none is any.
    public var experiments: [String] = []
    public var filter: Filter?
    public var order: [SortTerm] = []
    public var limit = 1000
    public var after: Cursor?

    public init() {}
}

/// A judge or function that scores traces, as a client wrote it down; the server never runs it.
public struct Scorer: Sendable, Hashable {
    /// The same for all versions.
    public let id: String
    public let experiment: String
    public let name: String
    public let version: Int64
    public let serialized: String
    public let created: Timestamp
}
