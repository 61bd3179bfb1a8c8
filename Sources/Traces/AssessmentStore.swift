import Core
import Database
import Tracking

/// SQL of assessments.
struct AssessmentStore: Sendable {
    static let columns: SQL =
        """
        SELECT a.trace, a.id, a.name, a.kind, a.value, a.error, a.source_type, a.source_id, a.rationale, a.metadata, a.span,
            a.created_ms, a.updated_ms, a.overrides, a.is_valid
        FROM trace_assessment a
        """

    static func row(_ row: any Row, traceID: String) throws -> Assessment {
        Assessment(
            id: try row.text(1), trace: traceID, name: try row.text(2),
            kind: AssessmentKind(rawValue: try row.text(3)) ?? .feedback, value: try row.json(4),
            error: try row.optionalJSON(5), sourceType: try row.text(6),
            sourceID: try row.optionalText(7), rationale: try row.optionalText(8),
            metadata: (try row.json(9).objectValue ?? [:]).sorted { $0.key < $1.key }.map {
                KeyValue($0.key, $0.value.stringValue ?? $0.value.canonicalText)
            },
            span: try row.optionalText(10), created: try row.time(11), updated: try row.time(12),
            overrides: try row.optionalText(13), isValid: try row.bool(14))
    }

    func one(_ db: any Transaction, _ trace: TraceInfo, id: String) throws -> Assessment? {
        try db.one("\(Self.columns) WHERE a.trace = \(trace.key) AND a.id = \(id)") {
            try Self.row($0, traceID: trace.id)
        }
    }

    /// Adds assessments, or replaces those with the same id.
    func put(_ db: any Transaction, trace: Int64, _ assessments: [Assessment]) throws {
        for a in assessments {
            try db.execute(
                """
                INSERT INTO trace_assessment (trace, id, name, kind, value, number, error, source_type, source_id,
                    rationale, metadata, span, created_ms, updated_ms, overrides, is_valid)
                VALUES (\(trace), \(a.id), \(a.name), \(a.kind.rawValue), \(a.value), \(a.number), \(a.error),
                    \(a.sourceType), \(a.sourceID), \(a.rationale), \(JSONValue(a.metadata.map)), \(a.span),
                    \(a.created), \(a.updated), \(a.overrides), \(a.isValid))
                ON CONFLICT (trace, id) DO UPDATE SET name = excluded.name, value = excluded.value,
                    number = excluded.number, error = excluded.error, rationale = excluded.rationale,
                    metadata = excluded.metadata, updated_ms = excluded.updated_ms, is_valid = excluded.is_valid
                """)
        }
    }

    /// - Returns: whether there is such an assessment.
    func setValid(_ db: any Transaction, trace: Int64, id: String, _ isValid: Bool) throws -> Bool {
        try db.execute("UPDATE trace_assessment SET is_valid = \(isValid) WHERE trace = \(trace) AND id = \(id)") == 1
    }

    func delete(_ db: any Transaction, trace: Int64, id: String) throws {
        try db.execute("DELETE FROM trace_assessment WHERE trace = \(trace) AND id = \(id)")
    }
}

extension Row {
    /// JSON, or nil for NULL; beside `nil`, a `JSONValue` would become its own null.
    func optionalJSON(_ index: Int) throws -> JSONValue? {
        if isNull(index) { return Optional.none }
        return try json(index)
    }
}
