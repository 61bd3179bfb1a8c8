import Core
import Database

/// Monitors and their reports: SQL and nothing else.
struct MonitorStore: Sendable {
    // MARK: Monitors

    func monitor(_ db: any Transaction, _ name: String, version: Int? = nil) throws -> Monitor? {
        let number: SQL = version.map { "\($0)" } ?? "m.version"
        return try db.one("\(Self.monitorColumns) WHERE m.name = \(name) AND v.number = \(number)", Self.monitor)
    }

    func insert(_ db: any Transaction, _ monitor: Monitor, next: Timestamp?) throws {
        try db.execute(
            """
            INSERT INTO monitor (name, project, version, every_seconds, next_ms)
            VALUES (\(monitor.name), \(monitor.project), \(monitor.version), \(monitor.spec.everySeconds), \(next))
            ON CONFLICT (name) DO UPDATE SET version = excluded.version, every_seconds = excluded.every_seconds, next_ms = excluded.next_ms
            """)
        try db.execute(
            """
            INSERT INTO monitor_version (monitor, number, spec, reference, author, created_ms)
            VALUES (\(monitor.name), \(monitor.version), \(monitor.spec.json), \(monitor.reference.json), \(monitor.author), \(monitor.created))
            """)
    }

    /// By name, with where each stands.
    func states(_ db: any Transaction, project: String?, endpoint: String?, _ page: PageRequest) throws -> Page<
        MonitorState
    > {
        let after = page.after?.keys.first?.stringValue ?? ""
        var conditions: [SQL] = ["v.number = m.version", "m.name > \(after)"]
        if let project { conditions.append("m.project = \(project)") }
        let found = try db.page(
            "\(Self.monitorColumns) WHERE \(SQL.all(conditions)) ORDER BY m.name LIMIT \(page.limit + 1)", page,
            keys: { [.string($0.name)] }, Self.monitor)
        return try Page(
            items: found.items.filter { endpoint == nil || $0.spec.endpoint == endpoint }.map { try state(db, $0) },
            next: found.next)
    }

    func state(_ db: any Transaction, _ monitor: Monitor) throws -> MonitorState {
        let last = try db.one(
            "SELECT status, at_ms FROM monitor_report WHERE monitor = \(monitor.name) ORDER BY at_ms DESC, id DESC LIMIT 1"
        ) { (Report.Status(rawValue: try $0.text(0)), try $0.time(1)) }
        return MonitorState(
            monitor: monitor, lastStatus: last?.0, lastAt: last?.1,
            activeAlert: try AlertStore().active(db, monitor.name)?.id,
            nextEvaluation: try db.one("SELECT next_ms FROM monitor WHERE name = \(monitor.name)") {
                try $0.optionalTime(0)
            } ?? nil)
    }

    /// Names of the monitors whose turn has come.
    func due(_ db: any Transaction, at now: Timestamp) throws -> [String] {
        try db.all("SELECT name FROM monitor WHERE next_ms <= \(now) ORDER BY next_ms LIMIT 100") { try $0.text(0) }
    }

    func setNext(_ db: any Transaction, _ name: String, _ next: Timestamp?) throws {
        try db.execute("UPDATE monitor SET next_ms = \(next) WHERE name = \(name)")
    }

    private static let monitorColumns: SQL = """
        SELECT m.name, v.number, m.project, v.spec, v.reference, v.author, v.created_ms
        FROM monitor m JOIN monitor_version v ON v.monitor = m.name
        """

    private static func monitor(_ row: any Row) throws -> Monitor {
        Monitor(
            name: try row.text(0), version: Int(try row.int(1)), project: try row.text(2),
            spec: try MonitorSpec(row.json(3)),
            reference: try Reference(row.json(4)), author: try row.text(5), created: try row.time(6))
    }

    // MARK: Reports

    func insert(_ db: any Transaction, _ report: Report, alert: String?) throws {
        try db.execute(
            """
            INSERT INTO monitor_report (id, monitor, version, at_ms, status, body, alert, created_ms)
            VALUES (\(report.id), \(report.monitor), \(report.version), \(report.at), \(report.status.rawValue), \(report.json), \(alert),
                \(report.created))
            """)
    }

    /// The time of the newest report.
    func newest(_ db: any Transaction, _ monitor: String) throws -> Timestamp? {
        try db.one("SELECT max(at_ms) FROM monitor_report WHERE monitor = \(monitor)") { try $0.optionalTime(0) } ?? nil
    }

    func report(_ db: any Transaction, _ monitor: String, id: String) throws -> JSONValue? {
        try db.one(
            "SELECT id, at_ms, body, alert FROM monitor_report WHERE monitor = \(monitor) AND id = \(id)", Self.stored)?
            .json
    }

    /// Newest first by the evaluation's time.
    func reports(_ db: any Transaction, _ monitor: String, status: Report.Status?, _ page: PageRequest) throws -> Page<
        JSONValue
    > {
        var conditions: [SQL] = ["monitor = \(monitor)"]
        if let status { conditions.append("status = \(status.rawValue)") }
        if let keys = page.after?.keys, keys.count == 2, let at = keys[0].intValue, let id = keys[1].stringValue {
            conditions.append("at_ms < \(at) OR (at_ms = \(at) AND id < \(id))")
        }
        return try db.page(
            """
            SELECT id, at_ms, body, alert FROM monitor_report WHERE \(SQL.all(conditions)) ORDER BY at_ms DESC, id DESC
            LIMIT \(page.limit + 1)
            """, page, keys: { [.int($0.at), .string($0.id)] }, Self.stored
        ).map(\.json)
    }

    private static func stored(_ row: any Row) throws -> (id: String, at: Int64, json: JSONValue) {
        var fields = try row.json(2).objectValue ?? [:]
        fields["alert"] = JSONValue(try row.optionalText(3).map { Ref(.alert, $0).description })
        return (try row.text(0), try row.int(1), .object(fields))
    }
}
