import Core
import Database
import Tables

extension DatasetsStore {
    // MARK: Sources

    func insert(_ db: any Transaction, _ source: Source) throws -> Bool {
        try db.execute(
            """
            INSERT INTO source (name, project, kind, location, query, format, encoding, created_ms)
            VALUES (\(source.name), \(source.project), \(source.kind.rawValue), \(source.location), \(source.query), \(source.format?.rawValue),
                \(source.encoding.rawValue), \(source.created)) ON CONFLICT (name) DO NOTHING
            """) == 1
    }

    func source(_ db: any Transaction, _ name: String) throws -> Source? {
        try db.one("\(Self.sourceColumns) WHERE name = \(name)", Self.source)
    }

    func sources(_ db: any Transaction, project: String?) throws -> [Source] {
        let condition: SQL = project.map { "project = \($0)" } ?? "TRUE"
        return try db.all("\(Self.sourceColumns) WHERE \(condition) ORDER BY name LIMIT 1000", Self.source)
    }

    func markImported(_ db: any Transaction, _ name: String, at time: Timestamp, seen: JSONValue) throws {
        try db.execute("UPDATE source SET imported_ms = \(time), seen = \(seen) WHERE name = \(name)")
    }

    private static let sourceColumns: SQL =
        "SELECT name, project, kind, location, query, format, encoding, created_ms, imported_ms, seen FROM source"

    private static func source(_ row: any Row) throws -> Source {
        Source(
            name: try row.text(0), project: try row.text(1), kind: Source.Kind(rawValue: try row.text(2)) ?? .file,
            location: try row.text(3),
            query: try row.optionalText(4), format: try row.optionalText(5).flatMap(TableInput.Format.init(rawValue:)),
            encoding: TableInput.Encoding(rawValue: try row.text(6)) ?? .utf8, created: try row.time(7),
            lastImported: try row.optionalTime(8),
            lastSeen: try row.optionalText(9).map { try JSONValue(parsing: $0) })
    }
}
