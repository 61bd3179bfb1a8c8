import Core
import Database
import Objects
import Tracking

/// SQL of spans.
struct SpanStore: Sendable {
    struct NewSpan: Sendable {
        let traceID: String
        let span: Span
        let type: String?
        let body: String
        let object: ObjectInfo?
    }

    /// Adds spans, or replaces those that came before.
    func put(_ db: any Transaction, _ spans: [(trace: Int64, new: NewSpan)]) throws {
        try Rows.inGroups(spans) { group in
            try db.execute(
                """
                INSERT INTO trace_span (trace, id, parent, name, type, status, started_ns, ended_ns, body, object)
                VALUES \(Rows.values(group) { row in
                    let span = row.new.span
                    return "\(row.trace), \(span.id), \(span.parent), \(span.name), \(row.new.type), \(span.status.rawValue), \(span.startedNanoseconds), \(span.endedNanoseconds), \(row.new.body), \(row.new.object?.digest)"
                })
                ON CONFLICT (trace, id) DO UPDATE SET parent = excluded.parent, name = excluded.name,
                    type = excluded.type, status = excluded.status, started_ns = excluded.started_ns,
                    ended_ns = excluded.ended_ns, body = excluded.body, object = excluded.object
                """)
        }
        for (trace, all) in Dictionary(grouping: spans.filter { $0.new.object != nil }, by: \.trace) {
            let id = all[0].new.traceID
            var manifest =
                try db.one("SELECT manifest FROM trace WHERE key = \(trace)") { try $0.optionalText(0) } ?? nil
            if manifest == nil {
                manifest = try Manifests.create(db, owner: Ref(.trace, id))
                try db.execute("UPDATE trace SET manifest = \(manifest) WHERE key = \(trace)")
            }
            guard let manifest else { continue }
            try Manifests.setMany(
                db, manifest,
                all.compactMap { row in
                    row.new.object.flatMap { object in
                        (try? RelativePath(parsing: "spans/\(row.new.span.id).json")).map { ($0, object) }
                    }
                })
        }
    }

    /// The spans of traces by the traces' keys: the root first, then by start.
    func spans(_ db: any Transaction, of traces: [TraceInfo]) throws -> [Int64: [StoredSpan]] {
        let ids = Dictionary(traces.map { ($0.key, $0.otelID) }) { a, _ in a }
        var found: [Int64: [StoredSpan]] = [:]
        for trace in Set(traces.map(\.key)) {
            found[trace] = try db.all(
                """
                SELECT id, parent, name, type, status, started_ns, ended_ns, body, object FROM trace_span
                WHERE trace = \(trace)
                ORDER BY CASE WHEN parent IS NULL THEN 0 ELSE 1 END, started_ns, id
                """
            ) { row in
                StoredSpan(
                    traceID: ids[trace] ?? "", id: try row.text(0), parent: try row.optionalText(1),
                    name: try row.text(2), type: try row.optionalText(3),
                    status: SpanStatus(rawValue: try row.text(4)) ?? .unset, startedNanoseconds: try row.int(5),
                    endedNanoseconds: try row.optionalInt(6), body: try row.text(7),
                    object: try row.isNull(8) ? nil : row.digest(8))
            }
        }
        return found
    }

    /// What the stored spans of a trace count of tokens and cost, without those of some ids.
    func usage(_ db: any Transaction, trace: Int64, except ids: Set<String>) throws -> [UsageNode] {
        var nodes: [UsageNode] = []
        try db.forEach("SELECT id, parent, body FROM trace_span WHERE trace = \(trace)") { row in
            let id = try row.text(0)
            guard !ids.contains(id) else { return true }
            let body = try row.text(2)
            let counts = body.contains("mlflow.chat.tokenUsage") || body.contains("mlflow.llm.cost")
            let attributes = counts ? try [Attribute](json: JSONValue(parsing: body)["attributes"] ?? .null) : []
            nodes.append(UsageNode(id: id, parent: try row.optionalText(1), attributes: attributes))
            return true
        }
        return nodes
    }
}

extension TraceInfo {
    /// OpenTelemetry's id of the trace, in hexadecimal.
    public var otelID: String { id.hasPrefix("tr-") ? String(id.dropFirst(3)) : id }
}
