import Core
import Database
import Objects
import Tracking

/// SQL of traces without their spans.
struct TraceStore: Sendable {
    // MARK: Experiments

    struct Home {
        let key: Int64
        let project: String
        let isDeleted: Bool
    }

    func home(_ db: any Transaction, experiment key: Int64) throws -> Home? {
        try db.one("SELECT id, project, is_deleted FROM experiment WHERE id = \(key)") {
            Home(key: try $0.int(0), project: try $0.text(1), isDeleted: try $0.bool(2))
        }
    }

    // MARK: Traces

    static let columns: SQL =
        """
        SELECT t.key, t.id, t.experiment, e.project, t.client_request_id, t.request_preview, t.response_preview, t.started_ms,
            t.duration_ms, t.state, t.name, t.is_final, e.artifact_location, e.is_deleted
        FROM trace t JOIN experiment e ON e.id = t.experiment
        """

    static func row(_ row: any Row) throws -> TraceInfo {
        let id = try row.text(1)
        var info = TraceInfo(
            id: id, experiment: String(try row.int(2)), project: try row.text(3),
            clientRequestID: try row.optionalText(4), requestPreview: try row.optionalText(5),
            responsePreview: try row.optionalText(6), started: try row.time(7),
            durationMilliseconds: try row.optionalInt(8), state: TraceState(rawValue: try row.text(9)) ?? .unspecified,
            key: try row.int(0), isDeleted: try row.bool(13))
        // What follows from the row is not stored again.
        if let name = try row.optionalText(10) { info.tags.append(KeyValue(TraceKey.name, name)) }
        info.tags.append(KeyValue(TraceKey.artifactLocation, "\(try row.text(12))/traces/\(id)/artifacts"))
        if try row.bool(11) { info.metadata.append(KeyValue(TraceKey.isFinal, "true")) }
        return info
    }

    /// The traces that exist, without tags, metadata and assessments.
    func bare(_ db: any Transaction, ids: [String]) throws -> [TraceInfo] {
        var found: [TraceInfo] = []
        try Rows.lists(of: Array(Set(ids)).sorted()) { list in
            found += try db.all("\(Self.columns) WHERE t.id IN (\(list: list))", Self.row)
        }
        return Array(Dictionary(found.map { ($0.id, $0) }) { a, _ in a }.values)
    }

    /// Adds tags, metadata and assessments.
    func complete(_ db: any Transaction, _ traces: [TraceInfo]) throws -> [TraceInfo] {
        let keys = traces.map(\.key)
        let tags = try keyed(db, "trace_tag", keys)
        let metadata = try keyed(db, "trace_metadata", keys)
        var assessments: [Int64: [Assessment]] = [:]
        let ids = Dictionary(traces.map { ($0.key, $0.id) }) { a, _ in a }
        try Rows.lists(of: keys) { list in
            var seen: Set<String> = []
            try db.forEach(
                "\(AssessmentStore.columns) WHERE a.trace IN (\(list: list)) ORDER BY a.trace, a.created_ms, a.id"
            ) { row in
                let key = try row.int(0)
                let assessment = try AssessmentStore.row(row, traceID: ids[key] ?? "")
                if seen.insert("\(key) \(assessment.id)").inserted { assessments[key, default: []].append(assessment) }
                return true
            }
        }
        var withSpans: Set<Int64> = []
        try Rows.lists(of: keys) { list in
            try db.forEach(
                "SELECT t.key FROM trace t WHERE t.key IN (\(list: list)) AND EXISTS (SELECT 1 FROM trace_span s WHERE s.trace = t.key)"
            ) { row in
                withSpans.insert(try row.int(0))
                return true
            }
        }
        return traces.map { bare in
            var trace = bare
            trace.tags += tags[trace.key] ?? []
            if withSpans.contains(trace.key) { trace.tags.append(KeyValue(TraceKey.spansLocation, "TRACKING_STORE")) }
            trace.tags.sort { $0.key < $1.key }
            trace.metadata = (trace.metadata + (metadata[trace.key] ?? [])).sorted { $0.key < $1.key }
            trace.assessments = assessments[trace.key] ?? []
            return trace
        }
    }

    private func keyed(_ db: any Transaction, _ table: String, _ keys: [Int64]) throws -> [Int64: [KeyValue]] {
        var found: [Int64: [String: String]] = [:]
        try Rows.lists(of: keys) { list in
            try db.forEach("SELECT trace, key, value FROM \(SQL(stringLiteral: table)) WHERE trace IN (\(list: list))")
            {
                found[try $0.int(0), default: [:]][try $0.text(1)] = try $0.text(2)
                return true
            }
        }
        return found.mapValues { $0.map { KeyValue($0.key, $0.value) } }
    }

    func nextKey(_ db: any Transaction) throws -> Int64 {
        ((try db.one("SELECT max(key) FROM trace") { try $0.optionalInt(0) } ?? nil) ?? 0) + 1
    }

    struct NewTrace {
        let key: Int64
        let id: String
        let experiment: Int64
        let started: Timestamp
        let durationMilliseconds: Int64?
        let state: TraceState
        let name: String?
        var clientRequestID: String?
        let requestPreview: String?
        let responsePreview: String?
        let isFinal: Bool
    }

    func insert(_ db: any Transaction, _ traces: [NewTrace]) throws {
        try Rows.inGroups(traces) { group in
            try db.execute(
                """
                INSERT INTO trace (key, id, experiment, started_ms, duration_ms, state, name, client_request_id,
                    request_preview, response_preview, is_final)
                VALUES \(Rows.values(group) { t in
                    "\(t.key), \(t.id), \(t.experiment), \(t.started), \(t.durationMilliseconds), \(t.state.rawValue), \(t.name), \(t.clientRequestID), \(t.requestPreview), \(t.responsePreview), \(t.isFinal)"
                })
                """)
        }
    }

    /// Adds what more spans tell. What the client said of the whole trace stays.
    func extend(_ db: any Transaction, _ trace: TraceInfo, by summary: TraceSummary) throws {
        let isFinal = trace.metadata.contains { $0.key == TraceKey.isFinal }
        let start = isFinal ? trace.started : min(trace.started, summary.started)
        var duration = trace.durationMilliseconds
        if !isFinal, let ended = summary.ended {
            let end = max(ended.milliseconds, trace.started.milliseconds + (trace.durationMilliseconds ?? 0))
            duration = end - start.milliseconds
        }
        let isOpen = trace.state == .inProgress || trace.state == .unspecified
        let state = isOpen ? summary.state ?? trace.state : trace.state
        let name = summary.name ?? trace.tags.first { $0.key == TraceKey.name }?.value
        try db.execute(
            """
            UPDATE trace SET started_ms = \(start), duration_ms = \(duration), state = \(state.rawValue), name = \(name),
                request_preview = \(trace.requestPreview ?? summary.requestPreview),
                response_preview = \(trace.responsePreview ?? summary.responsePreview)
            WHERE key = \(trace.key)
            """)
    }

    /// Says of a trace that is there what the client says of it as a whole.
    func replace(_ db: any Transaction, key: Int64, _ draft: TraceDraft, experiment: Int64, name: String?) throws {
        try db.execute(
            """
            UPDATE trace SET experiment = \(experiment), started_ms = \(draft.started),
                duration_ms = \(draft.durationMilliseconds), state = \(draft.state.rawValue),
                client_request_id = \(draft.clientRequestID), name = COALESCE(CAST(\(name) AS TEXT), name),
                request_preview = COALESCE(CAST(\(draft.requestPreview) AS TEXT), request_preview),
                response_preview = COALESCE(CAST(\(draft.responsePreview) AS TEXT), response_preview),
                is_final = \(true)
            WHERE key = \(key)
            """)
    }

    func setName(_ db: any Transaction, key: Int64, _ name: String?) throws {
        try db.execute("UPDATE trace SET name = \(name) WHERE key = \(key)")
    }

    // MARK: Tags and metadata

    enum Table: String {
        case tag = "trace_tag"
        case metadata = "trace_metadata"
    }

    /// Sets values by trace and key; the last of equal keys counts.
    ///
    /// - Parameter keeping: leaves what is there as it is.
    func set(_ db: any Transaction, _ table: Table, _ items: [(trace: Int64, item: KeyValue)], keeping: Bool = false)
        throws
    {
        struct Place: Hashable {
            let trace: Int64
            let key: String
        }
        let last = Dictionary(items.map { (Place(trace: $0.trace, key: $0.item.key), $0.item.value) }) { $1 }
        let rows = last.sorted { ($0.key.trace, $0.key.key) < ($1.key.trace, $1.key.key) }
        let conflict: SQL = keeping ? "DO NOTHING" : "DO UPDATE SET value = excluded.value"
        try Rows.inGroups(rows) { group in
            try db.execute(
                """
                INSERT INTO \(SQL(stringLiteral: table.rawValue)) (trace, key, value)
                VALUES \(Rows.values(group) { "\($0.key.trace), \($0.key.key), \($0.value)" })
                ON CONFLICT (trace, key) \(conflict)
                """)
        }
    }

    /// - Returns: whether there was such a tag.
    func deleteTag(_ db: any Transaction, trace: Int64, _ key: String) throws -> Bool {
        try db.execute("DELETE FROM trace_tag WHERE trace = \(trace) AND key = \(key)") == 1
    }

    // MARK: Links

    enum LinkKind: String {
        case run, prompt
    }

    func link(_ db: any Transaction, traces: [Int64], _ kind: LinkKind, _ targets: [String]) throws {
        let rows = traces.flatMap { trace in targets.map { (trace, $0) } }
        try Rows.inGroups(rows) { group in
            try db.execute(
                """
                INSERT INTO trace_link (trace, kind, target)
                VALUES \(Rows.values(group) { "\($0.0), \(kind.rawValue), \($0.1)" }) ON CONFLICT DO NOTHING
                """)
        }
    }

    // MARK: Deletion

    /// The keys of an experiment's traces, the oldest first.
    func keys(
        _ db: any Transaction, experiment: Int64, ids: [String]?, until: Timestamp?, limit: Int?
    ) throws -> [Int64] {
        var conditions: [SQL] = ["experiment = \(experiment)"]
        if let ids { conditions.append("id IN (\(list: ids))") }
        if let until { conditions.append("started_ms <= \(until)") }
        let limit: SQL = limit.map { "LIMIT \($0)" } ?? ""
        return try db.all("SELECT key FROM trace WHERE \(SQL.all(conditions)) ORDER BY started_ms, id \(limit)") {
            try $0.int(0)
        }
    }

    /// The keys of the traces that a run recorded.
    func keys(_ db: any Transaction, ofRun run: String, limit: Int) throws -> [Int64] {
        // As the index is written.
        try db.all(
            """
            SELECT trace FROM trace_metadata
            WHERE key = 'mlflow.sourceRun' AND substr(value, 1, 32) = \(run) AND value = \(run) LIMIT \(limit)
            """
        ) { try $0.int(0) }
    }

    /// Forgets that traces were linked to a run.
    func unlink(_ db: any Transaction, run: String) throws {
        try db.execute("DELETE FROM trace_link WHERE kind = 'run' AND target = \(run)")
    }

    /// Deletes what an experiment has beside its traces: scorers, and its place in evaluation datasets.
    func forget(_ db: any Transaction, experiment: Int64) throws {
        for table in ["scorer", "evaluation_dataset_experiment"] as [SQL] {
            try db.execute("DELETE FROM \(table) WHERE experiment = \(experiment)")
        }
    }

    /// Deletes traces with all that is theirs; their objects become garbage.
    func delete(_ db: any Transaction, keys: [Int64]) throws {
        try Rows.lists(of: keys) { list in
            let manifests = try db.all(
                "SELECT manifest FROM trace WHERE key IN (\(list: list)) AND manifest IS NOT NULL"
            ) { try $0.text(0) }
            for manifest in Set(manifests) { try Manifests.delete(db, manifest) }
            for table in ["trace_span", "trace_tag", "trace_metadata", "trace_link", "trace_assessment"] {
                try db.execute("DELETE FROM \(SQL(stringLiteral: table)) WHERE trace IN (\(list: list))")
            }
            try db.execute("DELETE FROM trace WHERE key IN (\(list: list))")
        }
    }
}
