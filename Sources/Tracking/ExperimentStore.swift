import Core
import Database

/// SQL of experiments and nothing else.
struct ExperimentStore: Sendable {
    /// Ids of our own stay below: MLflow's file store makes ids of 18 digits, and what an import brings may be the last
    /// number that there is.
    private static let ownMaximum: Int64 = 1_000_000_000_000_000

    func nextKey(_ db: any Transaction) throws -> Int64 {
        (try db.one("SELECT max(id) FROM experiment WHERE id < \(Self.ownMaximum)") { try $0.optionalInt(0) } ?? nil)
            .map { $0 + 1 } ?? 1
    }

    /// - Returns: false when the name or the id is taken.
    func insert(_ db: any Transaction, key: Int64, _ experiment: Experiment) throws -> Bool {
        let inserted = try db.execute(
            """
            INSERT INTO experiment (id, name, project, artifact_location, is_deleted, created_ms, updated_ms)
            VALUES (\(key), \(experiment.name), \(experiment.project), \(experiment.artifactLocation), \(false),
                \(experiment.created), \(experiment.updated))
            ON CONFLICT DO NOTHING
            """)
        guard inserted == 1 else { return false }
        for tag in experiment.tags { try setTag(db, key: key, tag) }
        return true
    }

    func experiment(_ db: any Transaction, key: Int64) throws -> Experiment? {
        try db.one("\(Self.columns) WHERE id = \(key)", Self.row).map { try withTags(db, [$0])[0] }
    }

    func experiment(_ db: any Transaction, named name: String) throws -> Experiment? {
        try db.one("\(Self.columns) WHERE name = \(name)", Self.row).map { try withTags(db, [$0])[0] }
    }

    /// The keys among `keys` whose experiment exists, with its project.
    func projects(_ db: any Transaction, of keys: [Int64]) throws -> [(key: Int64, project: String)] {
        var found: [(Int64, String)] = []
        try Rows.lists(of: keys) { list in
            found += try db.all("SELECT id, project FROM experiment WHERE id IN (\(list: list))") {
                (try $0.int(0), try $0.text(1))
            }
        }
        return found
    }

    func search(_ db: any Transaction, _ search: ExperimentSearch, projects: [String]?) throws -> Page<Experiment> {
        var conditions: [SQL] = []
        if search.view != .all { conditions.append("is_deleted = \(search.view == .deleted)") }
        if let projects { conditions.append("project IN (\(list: projects))") }
        if let project = search.project { conditions.append("project = \(project)") }
        if let filter = search.filter { conditions.append(try filter.sql { try condition(db.dialect, $0, $1) }) }
        let offset = try search.after?.offset ?? 0
        let rows = try db.all(
            """
            \(Self.columns) WHERE \(SQL.all(conditions)) ORDER BY \(try order(search.order))
            LIMIT \(search.limit + 1) OFFSET \(offset)
            """, Self.row)
        let items = try withTags(db, Array(rows.prefix(search.limit)))
        return Page(items: items, next: rows.count > search.limit ? Cursor(offset: offset + search.limit) : nil)
    }

    func rename(_ db: any Transaction, key: Int64, to name: String, at time: Timestamp) throws -> Bool {
        guard try !db.exists("SELECT 1 FROM experiment WHERE name = \(name) AND id <> \(key)") else { return false }
        try db.execute("UPDATE experiment SET name = \(name), updated_ms = \(time) WHERE id = \(key)")
        return true
    }

    /// Runs go with their experiment.
    func setDeleted(_ db: any Transaction, key: Int64, _ deleted: Bool, at time: Timestamp) throws {
        try db.execute("UPDATE experiment SET is_deleted = \(deleted), updated_ms = \(time) WHERE id = \(key)")
        let deletedAt: Timestamp? = deleted ? time : nil
        try db.execute("UPDATE run SET is_deleted = \(deleted), deleted_ms = \(deletedAt) WHERE experiment = \(key)")
    }

    func setTag(_ db: any Transaction, key: Int64, _ tag: KeyValue) throws {
        try db.execute(
            """
            INSERT INTO experiment_tag (experiment, key, value) VALUES (\(key), \(tag.key), \(tag.value))
            ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value
            """)
    }

    func deleteTag(_ db: any Transaction, key: Int64, _ tag: String) throws -> Bool {
        try db.execute("DELETE FROM experiment_tag WHERE experiment = \(key) AND key = \(tag)") == 1
    }

    // MARK: Parts

    private static let columns: SQL =
        "SELECT id, name, project, artifact_location, is_deleted, created_ms, updated_ms FROM experiment"

    private static func row(_ row: any Row) throws -> Experiment {
        Experiment(
            id: String(try row.int(0)), name: try row.text(1), project: try row.text(2),
            artifactLocation: try row.text(3),
            lifecycle: try row.bool(4) ? .deleted : .active, created: try row.time(5), updated: try row.time(6),
            tags: [])
    }

    private func withTags(_ db: any Transaction, _ experiments: [Experiment]) throws -> [Experiment] {
        var tags: [String: [KeyValue]] = [:]
        try Rows.lists(of: experiments.compactMap { Int64($0.id) }) { list in
            try db.forEach(
                "SELECT experiment, key, value FROM experiment_tag WHERE experiment IN (\(list: list)) ORDER BY experiment, key"
            ) { row in
                tags[String(try row.int(0)), default: []].append(KeyValue(try row.text(1), try row.text(2)))
                return true
            }
        }
        return experiments.map { bare in
            Experiment(
                id: bare.id, name: bare.name, project: bare.project, artifactLocation: bare.artifactLocation,
                lifecycle: bare.lifecycle, created: bare.created, updated: bare.updated, tags: tags[bare.id] ?? [])
        }
    }

    private func condition(_ dialect: Dialect, _ field: FilterField, _ test: FieldTest) throws -> SQL {
        let columns = ColumnTests(dialect: dialect)
        switch field.entity {
        case nil, "attribute", "attributes", "attr":
            switch field.key {
            case "name": return try columns.text("name", test, of: field)
            case "project": return try columns.text("project", test, of: field)
            case "experiment_id":
                return try columns.text("CAST(id AS TEXT)", test, of: field)
            case "creation_time": return try columns.number("created_ms", test, of: field)
            case "last_update_time": return try columns.number("updated_ms", test, of: field)
            default:
                throw ColumnTests.invalid(
                    "Invalid attribute key '\(field.key)' specified. Valid keys are name, experiment_id, creation_time, last_update_time and project."
                )
            }
        case "tag", "tags":
            let tagged: SQL =
                "SELECT 1 FROM experiment_tag t WHERE t.experiment = experiment.id AND t.key = \(field.key)"
            if case .isNull = test { return "NOT EXISTS (\(tagged))" }
            return "EXISTS (\(tagged) AND \(try columns.text("t.value", test, of: field)))"
        default:
            throw ColumnTests.invalid(
                "Invalid entity type '\(field.entity ?? "")'. Valid entity types are attribute and tag.")
        }
    }

    private func order(_ terms: [SortTerm]) throws -> SQL {
        let terms = terms.isEmpty ? [SortTerm(FilterField(entity: nil, key: "creation_time"), descending: true)] : terms
        var pieces: [SQL] = try terms.map { term in
            let column: SQL =
                switch (term.field.entity, term.field.key) {
                case (nil, "name"), ("attribute", "name"): "name"
                case (nil, "experiment_id"), ("attribute", "experiment_id"): "id"
                case (nil, "creation_time"), ("attribute", "creation_time"): "created_ms"
                case (nil, "last_update_time"), ("attribute", "last_update_time"): "updated_ms"
                default:
                    throw ColumnTests.invalid(
                        "Invalid order_by '\(term.field)'. Valid keys are name, experiment_id, creation_time and last_update_time."
                    )
                }
            return term.descending ? "\(column) DESC" : column
        }
        pieces.append("id DESC")
        return .joined(pieces, by: ", ")
    }
}

/// What to look for among experiments. Without an order, the newest come first.
public struct ExperimentSearch: Sendable {
    public var filter: Filter?
    public var view: LifecycleView = .active
    public var project: String?
    public var order: [SortTerm] = []
    public var limit: Int = 1000
    public var after: Cursor?

    public init() {}
}
