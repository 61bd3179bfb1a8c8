import Core
import Database
import Tracking

/// SQL of evaluation datasets and their records.
struct EvaluationStore: Sendable {
    private static let columns: SQL =
        "SELECT d.id, d.name, d.project, d.digest, d.schema, d.records, d.created_ms, d.updated_ms, d.created_by, d.updated_by FROM evaluation_dataset d"

    private static func row(_ row: any Row) throws -> EvaluationDataset {
        EvaluationDataset(
            id: try row.text(0), name: try row.text(1), project: try row.text(2), digest: try row.text(3),
            schema: try row.optionalJSON(4), records: try row.int(5), created: try row.time(6),
            updated: try row.time(7), createdBy: try row.optionalText(8), updatedBy: try row.optionalText(9))
    }

    func dataset(_ db: any Transaction, _ id: String) throws -> EvaluationDataset? {
        try db.one("\(Self.columns) WHERE d.id = \(id)", Self.row).map { try withTags(db, [$0])[0] }
    }

    func insert(_ db: any Transaction, _ d: EvaluationDataset, experiments: [Int64]) throws {
        try db.execute(
            """
            INSERT INTO evaluation_dataset (id, name, project, digest, schema, records, created_ms, updated_ms, created_by,
                updated_by)
            VALUES (\(d.id), \(d.name), \(d.project), \(d.digest), \(d.schema), \(d.records), \(d.created), \(d.updated),
                \(d.createdBy), \(d.updatedBy))
            """)
        try setTags(db, d.id, d.tags)
        try add(db, d.id, experiments: experiments)
    }

    func update(_ db: any Transaction, _ d: EvaluationDataset) throws {
        try db.execute(
            """
            UPDATE evaluation_dataset SET digest = \(d.digest), schema = \(d.schema), records = \(d.records),
                updated_ms = \(d.updated), updated_by = \(d.updatedBy)
            WHERE id = \(d.id)
            """)
    }

    func delete(_ db: any Transaction, _ id: String) throws {
        for table in ["evaluation_record", "evaluation_dataset_tag", "evaluation_dataset_experiment"] {
            try db.execute("DELETE FROM \(SQL(stringLiteral: table)) WHERE dataset = \(id)")
        }
        try db.execute("DELETE FROM evaluation_dataset WHERE id = \(id)")
    }

    // MARK: Tags and experiments

    func setTags(_ db: any Transaction, _ id: String, _ tags: [KeyValue]) throws {
        for tag in tags {
            try db.execute(
                """
                INSERT INTO evaluation_dataset_tag (dataset, key, value) VALUES (\(id), \(tag.key), \(tag.value))
                ON CONFLICT (dataset, key) DO UPDATE SET value = excluded.value
                """)
        }
    }

    func deleteTag(_ db: any Transaction, _ id: String, _ key: String) throws {
        try db.execute("DELETE FROM evaluation_dataset_tag WHERE dataset = \(id) AND key = \(key)")
    }

    func add(_ db: any Transaction, _ id: String, experiments: [Int64]) throws {
        for key in experiments {
            try db.execute(
                "INSERT INTO evaluation_dataset_experiment (dataset, experiment) VALUES (\(id), \(key)) ON CONFLICT DO NOTHING"
            )
        }
    }

    func remove(_ db: any Transaction, _ id: String, experiments: [Int64]) throws {
        try db.execute(
            "DELETE FROM evaluation_dataset_experiment WHERE dataset = \(id) AND experiment IN (\(list: experiments))")
    }

    func experiments(_ db: any Transaction, _ id: String) throws -> [String] {
        try db.all("SELECT experiment FROM evaluation_dataset_experiment WHERE dataset = \(id) ORDER BY experiment") {
            String(try $0.int(0))
        }
    }

    private func withTags(_ db: any Transaction, _ datasets: [EvaluationDataset]) throws -> [EvaluationDataset] {
        var tags: [String: [KeyValue]] = [:]
        try Rows.lists(of: datasets.map(\.id)) { list in
            try db.forEach(
                "SELECT dataset, key, value FROM evaluation_dataset_tag WHERE dataset IN (\(list: list)) ORDER BY key"
            ) {
                tags[try $0.text(0), default: []].append(KeyValue(try $0.text(1), try $0.text(2)))
                return true
            }
        }
        return datasets.map { bare in
            var dataset = bare
            dataset.tags = tags[bare.id] ?? []
            return dataset
        }
    }

    // MARK: Search

    func search(
        _ db: any Transaction, _ search: EvaluationDatasetSearch, experiments: [Int64]?, projects: [String]?
    ) throws -> Page<EvaluationDataset> {
        var conditions: [SQL] = []
        if let projects { conditions.append("d.project IN (\(list: projects))") }
        if let experiments {
            conditions.append(
                "EXISTS (SELECT 1 FROM evaluation_dataset_experiment e WHERE e.dataset = d.id AND e.experiment IN (\(list: experiments)))"
            )
        }
        if let filter = search.filter { conditions.append(try condition(filter, ColumnTests(dialect: db.dialect))) }
        var order: [SQL] = try search.order.map { term in
            guard case .column(let column, _) = try Self.field(term.field) else {
                throw ColumnTests.invalid("Invalid order_by '\(term.field)'.")
            }
            return term.descending ? "\(SQL(stringLiteral: column)) DESC" : SQL(stringLiteral: column)
        }
        if order.isEmpty { order = ["d.created_ms DESC"] }
        let offset = try search.after?.offset ?? 0
        let rows = try db.all(
            """
            \(Self.columns) WHERE \(SQL.all(conditions)) ORDER BY \(SQL.joined(order + ["d.id"], by: ", "))
            LIMIT \(search.limit + 1) OFFSET \(offset)
            """, Self.row)
        let items = try withTags(db, Array(rows.prefix(search.limit)))
        return Page(items: items, next: rows.count > search.limit ? Cursor(offset: offset + search.limit) : nil)
    }

    private enum Field {
        case column(String, isNumber: Bool)
        case tag(String)
    }

    private static func field(_ field: FilterField) throws -> Field {
        switch (field.entity, field.key) {
        case ("tag", let key), ("tags", let key): .tag(key)
        case (nil, "name"), ("attribute", "name"), ("attributes", "name"): .column("d.name", isNumber: false)
        case (nil, "created_by"): .column("d.created_by", isNumber: false)
        case (nil, "last_updated_by"): .column("d.updated_by", isNumber: false)
        case (nil, "created_time"): .column("d.created_ms", isNumber: true)
        case (nil, "last_update_time"): .column("d.updated_ms", isNumber: true)
        default:
            throw ColumnTests.invalid(
                "Invalid attribute key '\(field)' specified. Valid keys are name, created_time, last_update_time, created_by, last_updated_by and tags.X."
            )
        }
    }

    private func condition(_ filter: Filter, _ columns: ColumnTests) throws -> SQL {
        try filter.sql { field, test in
            switch try Self.field(field) {
            case .column(let column, true): return try columns.number(SQL(stringLiteral: column), test, of: field)
            case .column(let column, false): return try columns.text(SQL(stringLiteral: column), test, of: field)
            case .tag(let key):
                let tagged: SQL = "SELECT 1 FROM evaluation_dataset_tag k WHERE k.dataset = d.id AND k.key = \(key)"
                if case .isNull = test { return "NOT EXISTS (\(tagged))" }
                return "EXISTS (\(tagged) AND \(try columns.text("k.value", test, of: field)))"
            }
        }
    }

    // MARK: Records

    private static let recordColumns: SQL =
        "SELECT id, dataset, inputs, outputs, expectations, tags, source, created_ms, updated_ms, created_by, updated_by FROM evaluation_record"

    private static func record(_ row: any Row) throws -> EvaluationRecord {
        return EvaluationRecord(
            id: try row.text(0), dataset: try row.text(1), inputs: try row.json(2), outputs: try row.optionalJSON(3),
            expectations: try row.optionalJSON(4), tags: try row.optionalJSON(5), source: try row.optionalJSON(6),
            created: try row.time(7),
            updated: try row.time(8), createdBy: try row.optionalText(9), updatedBy: try row.optionalText(10))
    }

    func record(_ db: any Transaction, _ dataset: String, digest: String) throws -> EvaluationRecord? {
        try db.one("\(Self.recordColumns) WHERE dataset = \(dataset) AND input_digest = \(digest)", Self.record)
    }

    /// One page, in the order in which they were made.
    func records(_ db: any Transaction, _ dataset: String, limit: Int, after: Cursor?) throws -> Page<EvaluationRecord>
    {
        var conditions: [SQL] = ["dataset = \(dataset)"]
        if let after {
            guard after.keys.count == 2, let created = after.keys[0].intValue, let id = after.keys[1].stringValue else {
                throw SlipwayError.field("page_token", "is not of this listing", expected: "that of the page before")
            }
            conditions.append("created_ms > \(created) OR (created_ms = \(created) AND id > \(id))")
        }
        let rows = try db.all(
            "\(Self.recordColumns) WHERE \(SQL.all(conditions)) ORDER BY created_ms, id LIMIT \(limit + 1)", Self.record
        )
        return Page(rows: rows, limit: limit) { [.int($0.created.milliseconds), .string($0.id)] }
    }

    func put(_ db: any Transaction, _ r: EvaluationRecord, digest: String) throws {
        try db.execute(
            """
            INSERT INTO evaluation_record (dataset, input_digest, id, inputs, outputs, expectations, tags, source,
                source_type, source_id, created_ms, updated_ms, created_by, updated_by)
            VALUES (\(r.dataset), \(digest), \(r.id), \(r.inputs), \(r.outputs), \(r.expectations), \(r.tags), \(r.source),
                \(r.sourceType), \(r.sourceID), \(r.created), \(r.updated), \(r.createdBy), \(r.updatedBy))
            ON CONFLICT (dataset, input_digest) DO UPDATE SET outputs = excluded.outputs,
                expectations = excluded.expectations, tags = excluded.tags, updated_ms = excluded.updated_ms,
                updated_by = excluded.updated_by
            """)
    }

    func deleteRecords(_ db: any Transaction, _ dataset: String, ids: [String]) throws -> Int {
        var deleted = 0
        // No id may be deleted twice: the lists are filled up with repetitions, which the statement counts once.
        try Rows.lists(of: Array(Set(ids)).sorted()) { list in
            deleted += try db.execute(
                "DELETE FROM evaluation_record WHERE dataset = \(dataset) AND id IN (\(list: list))")
        }
        return deleted
    }

    // MARK: Scorers

    private static let scorerColumns: SQL =
        "SELECT s.id, s.experiment, s.name, s.version, s.serialized, s.created_ms FROM scorer s"

    private static func scorer(_ row: any Row) throws -> Scorer {
        Scorer(
            id: try row.text(0), experiment: String(try row.int(1)), name: try row.text(2), version: try row.int(3),
            serialized: try row.text(4), created: try row.time(5))
    }

    func insert(_ db: any Transaction, _ s: Scorer, experiment: Int64) throws {
        try db.execute(
            """
            INSERT INTO scorer (id, experiment, name, version, serialized, created_ms)
            VALUES (\(s.id), \(experiment), \(s.name), \(s.version), \(s.serialized), \(s.created))
            """)
    }

    /// The versions of a scorer, the oldest first.
    func versions(_ db: any Transaction, experiment: Int64, name: String) throws -> [Scorer] {
        try db.all(
            "\(Self.scorerColumns) WHERE s.experiment = \(experiment) AND s.name = \(name) ORDER BY s.version",
            Self.scorer)
    }

    /// The newest version of each scorer, by name.
    func scorers(_ db: any Transaction, experiments: [Int64]) throws -> [Scorer] {
        try db.all(
            """
            \(Self.scorerColumns) WHERE s.experiment IN (\(list: experiments)) AND s.version =
                (SELECT max(v.version) FROM scorer v WHERE v.experiment = s.experiment AND v.name = s.name)
            ORDER BY s.experiment, s.name
            """, Self.scorer)
    }

    func deleteScorer(_ db: any Transaction, experiment: Int64, name: String, version: Int64?) throws -> Int {
        let one: SQL = version.map { "AND version = \($0)" } ?? ""
        return try db.execute("DELETE FROM scorer WHERE experiment = \(experiment) AND name = \(name) \(one)")
    }
}
