import Core
import Traces
import Tracking
import Web

/// Traces as MLflow's messages of version 3, and of version 2 for old clients.
extension JSONWriter {
    private mutating func map(_ name: String, _ items: [KeyValue]) {
        guard !items.isEmpty else { return }
        key(name)
        object { writer in
            for item in items { writer.field(item.key, item.value) }
        }
    }

    /// `TraceInfoV3`.
    mutating func fields(of trace: TraceInfo) {
        field("trace_id", trace.id)
        field("client_request_id", trace.clientRequestID)
        message("trace_location") { writer in
            writer.field("type", "MLFLOW_EXPERIMENT")
            writer.message("mlflow_experiment") { $0.field("experiment_id", trace.experiment) }
        }
        field("request_preview", trace.requestPreview)
        field("response_preview", trace.responsePreview)
        field("request_time", trace.started.description)
        field("execution_duration", trace.durationMilliseconds.map(Self.duration))
        field("state", trace.state.rawValue)
        map("trace_metadata", trace.metadata)
        map("tags", trace.tags)
        list("assessments", trace.assessments) { $0.fields(of: $1) }
    }

    /// Protocol buffers' JSON form of a duration.
    private static func duration(_ milliseconds: Int64) -> String {
        let rest = String(abs(milliseconds % 1000))
        let fraction = rest == "0" ? "" : "." + String(repeating: "0", count: 3 - rest.utf8.count) + rest
        return "\(milliseconds < 0 ? "-" : "")\(abs(milliseconds / 1000))\(fraction)s"
    }

    /// `Trace`, with its spans as OTLP's messages.
    mutating func fields(of trace: Trace) {
        message("trace_info") { $0.fields(of: trace.info) }
        guard !trace.spans.isEmpty else { return }
        key("spans")
        array { writer in for span in trace.spans { span.write(to: &writer) } }
    }

    /// `TraceInfo` of version 2.
    mutating func oldFields(of trace: TraceInfo) {
        field("request_id", trace.id)
        field("experiment_id", trace.experiment)
        field("timestamp_ms", trace.started)
        field("execution_time_ms", trace.durationMilliseconds)
        field("status", trace.state == .unspecified ? "TRACE_STATUS_UNSPECIFIED" : trace.state.rawValue)
        keyValues("request_metadata", trace.metadata)
        keyValues("tags", trace.tags)
    }

    mutating func fields(of assessment: Assessment) {
        field("assessment_id", assessment.id)
        field("assessment_name", assessment.name)
        field("trace_id", assessment.trace)
        field("span_id", assessment.span)
        message("source") { writer in
            writer.field("source_type", assessment.sourceType)
            writer.field("source_id", assessment.sourceID)
        }
        field("create_time", assessment.created.description)
        field("last_update_time", assessment.updated.description)
        message(assessment.kind.rawValue) { writer in
            switch assessment.kind {
            case .feedback:
                writer.key("value")
                writer.write(assessment.value)
                if let error = assessment.error {
                    writer.key("error")
                    writer.write(error)
                }
            case .expectation:
                if assessment.value.isPlain {
                    writer.key("value")
                    writer.write(assessment.value)
                } else {
                    // What the protocol's value has no place for goes as text.
                    writer.message("serialized_value") { writer in
                        writer.field("serialization_format", "JSON_FORMAT")
                        writer.field("value", assessment.value.canonicalText)
                    }
                }
            case .issue: writer.field("issue_name", assessment.value["issue_name"]?.stringValue)
            }
        }
        field("rationale", assessment.rationale)
        map("metadata", assessment.metadata)
        field("overrides", assessment.overrides)
        key("valid")
        write(assessment.isValid)
    }
}

extension JSONValue {
    /// What `Expectation.value` takes: text, numbers, true and false, and lists of text.
    fileprivate var isPlain: Bool {
        switch self {
        case .null, .object: false
        case .array(let items): items.allSatisfy { $0.stringValue != nil }
        default: true
        }
    }
}

extension MLflowFields {
    /// A map of text, as an object.
    func textMap(_ name: String) throws -> [KeyValue] {
        guard let value = self[name] else { return [] }
        guard let fields = value.objectValue else { throw invalid(name, value, "an object was expected") }
        return fields.sorted { $0.key < $1.key }.map {
            KeyValue($0.key, $0.value.stringValue ?? $0.value.canonicalText)
        }
    }

    /// A map of text that comes as JSON within text.
    func serializedMap(_ name: String) throws -> [KeyValue] {
        guard let text = try filled(name) else { return [] }
        guard let fields = (try? JSONValue(parsing: text))?.objectValue else {
            throw invalid(name, .string(text), "a JSON object as text was expected")
        }
        return fields.filter { !$0.value.isNull }.sorted { $0.key < $1.key }.map {
            KeyValue($0.key, $0.value.stringValue ?? $0.value.canonicalText)
        }
    }

    /// A time in protocol buffers' JSON form (RFC 3339).
    func time(_ name: String) throws -> Timestamp? {
        try filled(name).map { try Timestamp(parsing: $0, field: name) }
    }

    /// A duration in protocol buffers' JSON form (`"0.097s"`), in milliseconds.
    func duration(_ name: String) throws -> Int64? {
        guard let text = try filled(name) else { return nil }
        guard text.hasSuffix("s"), let seconds = Double(text.dropLast()), seconds.isFinite, abs(seconds) < 1e12 else {
            throw invalid(name, .string(text), "a duration such as \"0.5s\" was expected")
        }
        return Int64((seconds * 1000).rounded())
    }

    /// `Assessment`.
    func assessment() throws -> AssessmentDraft {
        let kind: AssessmentKind
        if self["feedback"] != nil {
            kind = .feedback
        } else if self["expectation"] != nil {
            kind = .expectation
        } else if self["issue"] != nil {
            kind = .issue
        } else {
            throw SlipwayError(.invalid, "Unknown assessment type: expected one of feedback, expectation and issue.")
        }
        let (value, error) = try value(kind)
        let source = try message("source")
        var draft = AssessmentDraft(
            name: try filled("assessment_name") ?? (kind == .feedback ? "feedback" : ""), kind: kind, value: value,
            sourceType: try source?.filled("source_type") ?? "SOURCE_TYPE_UNSPECIFIED")
        draft.error = error
        draft.id = try filled("assessment_id")
        draft.sourceID = try source?.filled("source_id")
        draft.rationale = try filled("rationale")
        draft.metadata = try textMap("metadata")
        draft.span = try filled("span_id")
        draft.created = try time("create_time")
        draft.updated = try time("last_update_time")
        draft.overrides = try filled("overrides")
        draft.isValid = try bool("valid") ?? true
        return draft
    }

    /// The value of an assessment of this kind, or the error in its place.
    func value(_ kind: AssessmentKind) throws -> (JSONValue, JSONValue?) {
        guard let fields = try message(kind.rawValue) else { return (.null, nil) }
        switch kind {
        case .feedback: return (fields["value"] ?? .null, fields["error"])
        case .issue: return (.object(["issue_name": .string(try fields.text("issue_name") ?? "")]), nil)
        case .expectation:
            if let serialized = try fields.message("serialized_value") {
                let text = try serialized.required("value")
                guard let value = try? JSONValue(parsing: text) else {
                    throw serialized.invalid("value", .string(text), "JSON as text was expected")
                }
                return (value, nil)
            }
            guard let value = fields["value"] else { throw fields.missing("value") }
            return (value, nil)
        }
    }
}
