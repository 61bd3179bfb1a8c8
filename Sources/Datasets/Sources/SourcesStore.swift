import Core
import Database
import Tables

extension DatasetsStore {
    // MARK: Sources

    func insert(_ db: any Transaction, _ source: Source) throws -> Bool {
        try db.execute(
            """
            INSERT INTO source (name, project, kind, location, query, format, encoding, created_ms, settings)
            VALUES (\(source.name), \(source.project), \(source.kind.rawValue), \(source.location), \(source.query),
                \(source.format?.rawValue), \(source.encoding.rawValue), \(source.created), \(source.settings.json))
            ON CONFLICT (name) DO NOTHING
            """) == 1
    }

    func source(_ db: any Transaction, _ name: String) throws -> Source? {
        try db.one("\(Self.sourceColumns) WHERE name = \(name)", Self.source)
    }

    func sources(_ db: any Transaction, project: String?) throws -> [Source] {
        let condition: SQL = project.map { "project = \($0)" } ?? "TRUE"
        return try db.all("\(Self.sourceColumns) WHERE \(condition) ORDER BY name LIMIT 1000", Self.source)
    }

    func remove(_ db: any Transaction, source name: String) throws {
        try db.execute("DELETE FROM source WHERE name = \(name)")
    }

    func set(_ db: any Transaction, _ settings: SourceSettings, of name: String) throws {
        try db.execute("UPDATE source SET settings = \(settings.json) WHERE name = \(name)")
    }

    /// It was looked at, without anything new.
    func markChecked(_ db: any Transaction, _ name: String, at time: Timestamp) throws {
        try db.execute("UPDATE source SET checked_ms = \(time), problem = NULL WHERE name = \(name)")
    }

    /// What it held became a version; `isNew` if it held something else before.
    func markImported(_ db: any Transaction, _ name: String, at time: Timestamp, seen: JSONValue, isNew: Bool) throws {
        let changed: SQL = isNew ? ", changed_ms = \(time), late_ms = NULL" : ""
        try db.execute(
            """
            UPDATE source SET imported_ms = \(time), checked_ms = \(time), seen = \(seen), problem = NULL\(changed)
            WHERE name = \(name)
            """)
    }

    func markFailed(_ db: any Transaction, _ name: String, at time: Timestamp, problem: String) throws {
        try db.execute("UPDATE source SET checked_ms = \(time), problem = \(problem) WHERE name = \(name)")
    }

    func markLate(_ db: any Transaction, _ name: String, at time: Timestamp) throws {
        try db.execute("UPDATE source SET late_ms = \(time) WHERE name = \(name)")
    }

    func markFired(_ db: any Transaction, source name: String, at time: Timestamp) throws {
        try db.execute("UPDATE source SET fired_ms = \(time) WHERE name = \(name)")
    }

    private static let sourceColumns: SQL = """
        SELECT name, project, kind, location, query, format, encoding, created_ms, imported_ms, seen, settings, checked_ms,
            changed_ms, late_ms, fired_ms, problem FROM source
        """

    private static func source(_ row: any Row) throws -> Source {
        var settings = SourceSettings()
        try settings.change(JSONFields(row.json(10)))
        return Source(
            name: try row.text(0), project: try row.text(1), kind: Source.Kind(rawValue: try row.text(2)) ?? .file,
            location: try row.text(3),
            query: try row.optionalText(4), format: try row.optionalText(5).flatMap(TableInput.Format.init(rawValue:)),
            encoding: TableInput.Encoding(rawValue: try row.text(6)) ?? .utf8, created: try row.time(7),
            lastImported: try row.optionalTime(8),
            lastSeen: try row.optionalText(9).map { try JSONValue(parsing: $0) }, settings: settings,
            checked: try row.optionalTime(11), changed: try row.optionalTime(12), late: try row.optionalTime(13),
            fired: try row.optionalTime(14), problem: try row.optionalText(15))
    }

    // MARK: Where sources may go

    func policy(_ db: any Transaction, project: String) throws -> ProjectSourcePolicy? {
        try db.one("SELECT hosts, allows_private FROM source_policy WHERE project = \(project)") { row in
            let hosts = try row.json(0)
            return ProjectSourcePolicy(
                project: project, hosts: hosts.isNull ? nil : hosts.arrayValue?.compactMap(\.stringValue) ?? [],
                allowsPrivate: try row.bool(1))
        }
    }

    func set(_ db: any Transaction, _ policy: ProjectSourcePolicy) throws {
        let hosts = policy.hosts.map { JSONValue($0) } ?? .null
        try db.execute(
            """
            INSERT INTO source_policy (project, hosts, allows_private)
            VALUES (\(policy.project), \(hosts), \(policy.allowsPrivate))
            ON CONFLICT (project) DO UPDATE SET hosts = excluded.hosts, allows_private = excluded.allows_private
            """)
    }
}
