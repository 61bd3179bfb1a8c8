import Core
import Database

/// Alerts and the pipelines that they started: SQL and nothing else.
struct AlertStore: Sendable {
    // MARK: Alerts

    func insert(_ db: any Transaction, _ alert: Alert) throws {
        try db.execute(
            """
            INSERT INTO monitor_alert (id, monitor, version, project, state, opened_ms, seen_ms, report, summary)
            VALUES (\(alert.id), \(alert.monitor), \(alert.version), \(alert.project), \(alert.state.rawValue), \(alert.opened),
                \(alert.lastSeen), \(alert.report), \(alert.summary))
            """)
    }

    /// The monitor's alert that is not resolved; there is one at most.
    func active(_ db: any Transaction, _ monitor: String) throws -> Alert? {
        try one(db, "monitor = \(monitor) AND state IN ('open', 'acknowledged')")
    }

    func alert(_ db: any Transaction, _ id: String) throws -> Alert? { try one(db, "id = \(id)") }

    func renew(_ db: any Transaction, _ id: String, at: Timestamp, report: String, summary: String) throws {
        try db.execute(
            "UPDATE monitor_alert SET seen_ms = \(at), report = \(report), summary = \(summary) WHERE id = \(id)")
    }

    func resolve(_ db: any Transaction, _ id: String, at: Timestamp) throws {
        try db.execute("UPDATE monitor_alert SET state = 'resolved', resolved_ms = \(at) WHERE id = \(id)")
    }

    func acknowledge(_ db: any Transaction, _ id: String, by: String, comment: String?) throws {
        try db.execute(
            "UPDATE monitor_alert SET state = 'acknowledged', acknowledged_by = \(by), comment = \(comment) WHERE id = \(id)"
        )
    }

    /// Newest first.
    func alerts(
        _ db: any Transaction, project: String?, monitor: String?, states: [Alert.State], _ page: PageRequest
    ) throws -> Page<Alert> {
        var conditions: [SQL] = []
        if let project { conditions.append("project = \(project)") }
        if let monitor { conditions.append("monitor = \(monitor)") }
        if !states.isEmpty { conditions.append("state IN (\(list: states.map(\.rawValue)))") }
        if let last = page.after?.keys.first?.stringValue { conditions.append("id < \(last)") }
        let rows = try db.all(
            "\(Self.columns) WHERE \(SQL.all(conditions)) ORDER BY id DESC LIMIT \(page.limit + 1)", Self.alert)
        return Page(rows: try rows.map { $0(try starts(db, alert: $1)) }, limit: page.limit, keys: { [.string($0.id)] })
    }

    private func one(_ db: any Transaction, _ condition: SQL) throws -> Alert? {
        guard let (make, id) = try db.one("\(Self.columns) WHERE \(condition)", Self.alert) else { return nil }
        return make(try starts(db, alert: id))
    }

    private static let columns: SQL = """
        SELECT id, monitor, version, project, state, opened_ms, seen_ms, resolved_ms, report, summary, acknowledged_by, comment
        FROM monitor_alert
        """

    /// An alert but for its starts, which a statement of their own reads; and its id.
    private static func alert(_ row: any Row) throws -> (([PipelineStart]) -> Alert, String) {
        let id = try row.text(0)
        let (monitor, version, project) = (try row.text(1), Int(try row.int(2)), try row.text(3))
        let state = Alert.State(rawValue: try row.text(4)) ?? .open
        let (opened, seen, resolved) = (try row.time(5), try row.time(6), try row.optionalTime(7))
        let (report, summary) = (try row.text(8), try row.text(9))
        let (by, comment) = (try row.optionalText(10), try row.optionalText(11))
        return (
            { starts in
                Alert(
                    id: id, monitor: monitor, version: version, project: project, state: state, opened: opened,
                    lastSeen: seen,
                    resolved: resolved, report: report, summary: summary, acknowledgedBy: by, comment: comment,
                    starts: starts)
            }, id
        )
    }

    // MARK: Starts of pipelines

    func insert(_ db: any Transaction, _ start: PipelineStart) throws {
        try db.execute(
            """
            INSERT INTO monitor_start (event, alert, monitor, project, pipeline, params, at_ms, state)
            VALUES (\(start.event), \(start.alert), \(start.monitor), \(start.project), \(start.pipeline), \(JSONValue.object(start.params)),
                \(start.at), \(start.state.rawValue))
            """)
    }

    func update(_ db: any Transaction, _ event: String, _ state: PipelineStart.State, run: String?, problem: String?)
        throws
    {
        try db.execute(
            "UPDATE monitor_start SET state = \(state.rawValue), run = \(run), problem = \(problem) WHERE event = \(event)"
        )
    }

    /// When the monitor last asked for a pipeline, on the clock of its evaluations.
    func lastStart(_ db: any Transaction, _ monitor: String) throws -> Timestamp? {
        try db.one("SELECT max(at_ms) FROM monitor_start WHERE monitor = \(monitor)") { try $0.optionalTime(0) } ?? nil
    }

    func requested(_ db: any Transaction) throws -> [PipelineStart] {
        try db.all("\(Self.startColumns) WHERE state = 'requested' ORDER BY event LIMIT 100", Self.start)
    }

    private func starts(_ db: any Transaction, alert: String) throws -> [PipelineStart] {
        try db.all("\(Self.startColumns) WHERE alert = \(alert) ORDER BY at_ms, event", Self.start)
    }

    private static let startColumns: SQL =
        "SELECT event, alert, monitor, project, pipeline, params, at_ms, state, run, problem FROM monitor_start"

    private static func start(_ row: any Row) throws -> PipelineStart {
        PipelineStart(
            event: try row.text(0), alert: try row.text(1), monitor: try row.text(2), project: try row.text(3),
            pipeline: try row.text(4), params: try row.json(5).objectValue ?? [:], at: try row.time(6),
            state: PipelineStart.State(rawValue: try row.text(7)) ?? .requested, run: try row.optionalText(8),
            problem: try row.optionalText(9))
    }
}
