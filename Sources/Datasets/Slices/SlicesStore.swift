import Core
import Database

extension DatasetsStore {
    func insert(_ db: any Transaction, _ slice: Slice) throws {
        try db.execute(
            """
            INSERT INTO slice (name, version, project, dataset, condition, over_ref, rule, description, purpose, owner,
                created_ms)
            VALUES (\(slice.name), \(slice.version), \(slice.project), \(slice.dataset), '', \(slice.over),
                \(slice.rule.json), \(slice.description), \(slice.purpose), \(slice.owner), \(slice.created))
            """)
    }

    func slice(_ db: any Transaction, _ name: String, _ version: Int?) throws -> Slice? {
        let condition: SQL = version.map { "version = \($0)" } ?? "TRUE"
        return try db.one(
            "\(Self.sliceColumns) WHERE name = \(name) AND \(condition) ORDER BY version DESC LIMIT 1", Self.slice)
    }

    /// The newest version of each slice.
    func slices(_ db: any Transaction, project: String?, dataset: String?) throws -> [Slice] {
        var conditions: [SQL] = ["version = (SELECT max(version) FROM slice o WHERE o.name = slice.name)"]
        if let project { conditions.append("project = \(project)") }
        if let dataset { conditions.append("dataset = \(dataset)") }
        return try db.all("\(Self.sliceColumns) WHERE \(SQL.all(conditions)) ORDER BY name LIMIT 1000", Self.slice)
    }

    private static let sliceColumns: SQL = """
        SELECT name, version, project, dataset, condition, over_ref, rule, description, purpose, owner, created_ms
        FROM slice
        """

    private static func slice(_ row: any Row) throws -> Slice {
        let (over, rule, dataset) = (try row.text(5), try row.text(6), try row.text(3))
        return Slice(
            name: try row.text(0), version: Int(try row.int(1)), project: try row.text(2),
            over: over.isEmpty ? Ref(.dataset, dataset) : try Ref(parsing: over), dataset: dataset,
            rule: rule.isEmpty
                ? .condition(try row.text(4)) : try SliceRule(JSONFields(JSONValue(parsing: rule))),
            description: try row.text(7), purpose: try row.text(8), owner: try row.text(9), created: try row.time(10))
    }
}
