import Core
import Database

/// What to look for among logged models. Fields are `metrics.X`, `params.X`, `tags.X` and attributes such as `name`.
/// Without an order, the newest come first.
public struct LoggedModelSearch: Sendable {
    /// Ids; none finds nothing.
    public var experiments: [String]
    public var filter: Filter?
    /// When there are any, metrics count only if they were measured on one of these.
    public var datasets: [Dataset] = []
    public var order: [Order] = []
    public var limit: Int = 100
    public var after: Cursor?

    public init(experiments: [String]) { self.experiments = experiments }

    public struct Dataset: Sendable, Hashable {
        public let name: String
        public let digest: String?
        public init(name: String, digest: String?) {
            self.name = name
            self.digest = digest
        }
    }

    public struct Order: Sendable, Hashable {
        public let term: SortTerm
        /// Orders by a metric only as measured on this.
        public let datasetName: String?
        public let datasetDigest: String?
        public init(_ term: SortTerm, datasetName: String? = nil, datasetDigest: String? = nil) {
            self.term = term
            self.datasetName = datasetName
            self.datasetDigest = datasetDigest
        }
    }
}

/// SQL of logged models and nothing else.
struct LoggedModelStore: Sendable {
    func nextKey(_ db: any Transaction) throws -> Int64 {
        ((try db.one("SELECT max(key) FROM logged_model") { try $0.optionalInt(0) } ?? nil) ?? 0) + 1
    }

    func insert(_ db: any Transaction, _ model: LoggedModel, experiment: Int64) throws {
        try db.execute(
            """
            INSERT INTO logged_model (key, id, experiment, name, type, status, source_run, artifact_location, created_ms,
                updated_ms, is_deleted)
            VALUES (\(model.key), \(model.id), \(experiment), \(model.name), \(model.type), \(model.status.rawValue),
                \(model.sourceRun), \(model.artifactLocation), \(model.created), \(model.updated), \(false))
            """)
        try setParams(db, model: model.key, model.params)
        try setTags(db, model: model.key, model.tags)
    }

    func model(_ db: any Transaction, id: String) throws -> LoggedModel? {
        try db.one("\(Self.columns) WHERE k.id = \(id)", Self.row).map { try withData(db, [$0])[0] }
    }

    /// Those of an experiment, deleted or not, from after a key on.
    func all(_ db: any Transaction, experiment: Int64, after: Int64, limit: Int) throws -> [LoggedModel] {
        try withData(
            db,
            db.all(
                "\(Self.columns) WHERE k.experiment = \(experiment) AND k.key > \(after) ORDER BY k.key LIMIT \(limit)",
                Self.row))
    }

    /// The models among `ids` that exist: id and key.
    func keys(_ db: any Transaction, of ids: [String]) throws -> [String: Int64] {
        var found: [String: Int64] = [:]
        try Rows.lists(of: ids) { list in
            try db.forEach("SELECT id, key FROM logged_model WHERE id IN (\(list: list))") { row in
                found[try row.text(0)] = try row.int(1)
                return true
            }
        }
        return found
    }

    func setStatus(_ db: any Transaction, key: Int64, _ status: LoggedModelStatus, at time: Timestamp) throws {
        try db.execute("UPDATE logged_model SET status = \(status.rawValue), updated_ms = \(time) WHERE key = \(key)")
    }

    func setDeleted(_ db: any Transaction, key: Int64, at time: Timestamp) throws {
        try db.execute("UPDATE logged_model SET is_deleted = \(true), updated_ms = \(time) WHERE key = \(key)")
    }

    func setParams(_ db: any Transaction, model: Int64, _ params: [KeyValue]) throws {
        try Rows.inGroups(params.lastOfEachKey) { rows in
            let values = Rows.values(rows) { "\(model), \($0.key), \($0.value)" }
            try db.execute(
                "INSERT INTO logged_model_param (model, key, value) VALUES \(values) ON CONFLICT (model, key) DO UPDATE SET value = excluded.value"
            )
        }
    }

    func setTags(_ db: any Transaction, model: Int64, _ tags: [KeyValue]) throws {
        try Rows.inGroups(tags.lastOfEachKey) { rows in
            let values = Rows.values(rows) { "\(model), \($0.key), \($0.value)" }
            try db.execute(
                "INSERT INTO logged_model_tag (model, key, value) VALUES \(values) ON CONFLICT (model, key) DO UPDATE SET value = excluded.value"
            )
        }
    }

    func deleteTag(_ db: any Transaction, model: Int64, _ key: String) throws -> Bool {
        try db.execute("DELETE FROM logged_model_tag WHERE model = \(model) AND key = \(key)") == 1
    }

    // MARK: Search

    func search(_ db: any Transaction, experiments: [Int64], _ search: LoggedModelSearch) throws -> Page<LoggedModel> {
        guard !experiments.isEmpty else { return Page(items: [], next: nil) }
        var conditions: [SQL] = ["k.experiment IN (\(list: experiments))", "k.is_deleted = \(false)"]
        let onDatasets = search.datasets.map { dataset -> SQL in
            var condition: SQL = "m.dataset_name = \(dataset.name)"
            if let digest = dataset.digest { condition = condition + " AND m.dataset_digest = \(digest)" }
            return condition
        }
        var hasMetric = false
        if let filter = search.filter {
            conditions.append(
                try filter.sql { field, test in
                    if field.entity == "metrics" { hasMetric = true }
                    return try condition(db.dialect, field, test, onDatasets: onDatasets)
                })
        }
        if !onDatasets.isEmpty, !hasMetric {
            conditions.append(
                "EXISTS (SELECT 1 FROM logged_model_metric m WHERE m.model = k.key AND (\(SQL.any(onDatasets))))")
        }
        let offset = try search.after?.offset ?? 0
        let rows = try db.all(
            """
            \(Self.columns) WHERE \(SQL.all(conditions)) ORDER BY \(try order(search.order))
            LIMIT \(search.limit + 1) OFFSET \(offset)
            """, Self.row)
        let items = try withData(db, Array(rows.prefix(search.limit)))
        return Page(items: items, next: rows.count > search.limit ? Cursor(offset: offset + search.limit) : nil)
    }

    private func condition(_ dialect: Dialect, _ field: FilterField, _ test: FieldTest, onDatasets: [SQL]) throws -> SQL
    {
        let columns = ColumnTests(dialect: dialect)
        switch field.entity {
        case nil, "attribute", "attributes":
            let (column, isNumber) = try Self.attribute(field.key)
            return try isNumber ? columns.number(column, test, of: field) : columns.text(column, test, of: field)
        case "metric", "metrics":
            var found: SQL =
                "SELECT 1 FROM logged_model_metric m WHERE m.model = k.key AND m.metric = (SELECT id FROM metric_name WHERE name = \(field.key))"
            if !onDatasets.isEmpty { found = found + " AND (\(SQL.any(onDatasets)))" }
            if case .isNull = test { return "NOT EXISTS (\(found))" }
            return "EXISTS (\(found) AND \(try columns.number("m.value", test, of: field)) AND m.is_nan = \(false))"
        case "param", "params", "tag", "tags":
            let table: SQL = field.entity?.hasPrefix("param") == true ? "logged_model_param" : "logged_model_tag"
            let found: SQL = "SELECT 1 FROM \(table) v WHERE v.model = k.key AND v.key = \(field.key)"
            if case .isNull = test { return "NOT EXISTS (\(found))" }
            return "EXISTS (\(found) AND \(try columns.text("v.value", test, of: field)))"
        default:
            throw ColumnTests.invalid(
                "Invalid entity type: '\(field.entity ?? "")'. Expected one of attributes, metrics, params and tags.")
        }
    }

    private func order(_ order: [LoggedModelSearch.Order]) throws -> SQL {
        var pieces: [SQL] = []
        for item in order {
            var column: SQL
            switch item.term.field.entity {
            case nil, "attribute", "attributes": column = try Self.attribute(item.term.field.key).column
            case "metric", "metrics":
                column =
                    """
                    (SELECT CASE WHEN m.is_nan = \(true) THEN NULL ELSE m.value END FROM logged_model_metric m
                        WHERE m.model = k.key AND m.metric = (SELECT id FROM metric_name WHERE name = \(item.term.field.key))
                    """
                if let name = item.datasetName { column = column + " AND m.dataset_name = \(name)" }
                if let digest = item.datasetDigest { column = column + " AND m.dataset_digest = \(digest)" }
                column = column + " ORDER BY m.time_ms DESC, m.step DESC, m.run LIMIT 1)"
            default:
                throw ColumnTests.invalid(
                    "Invalid order by field name: \(item.term.field). Only attributes and metrics are supported.")
            }
            pieces.append("CASE WHEN \(column) IS NULL THEN 1 ELSE 0 END")
            pieces.append(item.term.descending ? "\(column) DESC" : column)
        }
        return .joined(pieces + ["k.created_ms DESC", "k.id"], by: ", ")
    }

    private static func attribute(_ key: String) throws -> (column: SQL, isNumber: Bool) {
        switch key {
        case "name": ("k.name", false)
        case "model_id": ("k.id", false)
        case "model_type": ("k.type", false)
        case "status": ("k.status", false)
        case "source_run_id": ("k.source_run", false)
        case "experiment_id": ("CAST(k.experiment AS TEXT)", false)
        case "creation_time", "creation_timestamp", "creation_timestamp_ms": ("k.created_ms", true)
        case "last_updated_timestamp", "last_updated_timestamp_ms": ("k.updated_ms", true)
        default:
            throw ColumnTests.invalid(
                "Invalid field name: \(key). Valid attributes are name, model_id, model_type, status, source_run_id, experiment_id, creation_timestamp and last_updated_timestamp."
            )
        }
    }

    // MARK: Rows

    private static let columns: SQL =
        """
        SELECT k.key, k.id, k.experiment, (SELECT e.project FROM experiment e WHERE e.id = k.experiment), k.name, k.type,
            k.status, k.source_run, k.artifact_location, k.created_ms, k.updated_ms, k.is_deleted
        FROM logged_model k
        """

    private static func row(_ row: any Row) throws -> LoggedModel {
        LoggedModel(
            id: try row.text(1), experiment: String(try row.int(2)), project: try row.text(3), name: try row.text(4),
            type: try row.optionalText(5), status: LoggedModelStatus(rawValue: try row.text(6)) ?? .pending,
            sourceRun: try row.optionalText(7), artifactLocation: try row.text(8), created: try row.time(9),
            updated: try row.time(10), lifecycle: try row.bool(11) ? .deleted : .active, params: [], tags: [],
            metrics: [],
            key: try row.int(0))
    }

    private func withData(_ db: any Transaction, _ models: [LoggedModel]) throws -> [LoggedModel] {
        var params: [Int64: [KeyValue]] = [:]
        var tags: [Int64: [KeyValue]] = [:]
        var metrics: [Int64: [ModelMetric]] = [:]
        try Rows.lists(of: models.map(\.key)) { list in
            try db.forEach(
                "SELECT model, key, value FROM logged_model_param WHERE model IN (\(list: list)) ORDER BY model, key"
            ) { row in
                params[try row.int(0), default: []].append(KeyValue(try row.text(1), try row.text(2)))
                return true
            }
            try db.forEach(
                "SELECT model, key, value FROM logged_model_tag WHERE model IN (\(list: list)) ORDER BY model, key"
            ) { row in
                tags[try row.int(0), default: []].append(KeyValue(try row.text(1), try row.text(2)))
                return true
            }
            try db.forEach(
                """
                SELECT m.model, n.name, m.step, m.time_ms, m.value, m.is_nan, r.id, m.dataset_name, m.dataset_digest
                FROM logged_model_metric m JOIN metric_name n ON n.id = m.metric JOIN run r ON r.key = m.run
                WHERE m.model IN (\(list: list)) ORDER BY m.model, n.name, m.time_ms, m.step, r.id
                """
            ) { row in
                let point = MetricPoint(
                    step: try row.int(2), time: try row.time(3), value: try row.bool(5) ? .nan : try row.double(4))
                metrics[try row.int(0), default: []].append(
                    ModelMetric(
                        key: try row.text(1), point: point, run: try row.text(6), datasetName: try row.optionalText(7),
                        datasetDigest: try row.optionalText(8)))
                return true
            }
        }
        return models.map { bare in
            LoggedModel(
                id: bare.id, experiment: bare.experiment, project: bare.project, name: bare.name, type: bare.type,
                status: bare.status, sourceRun: bare.sourceRun, artifactLocation: bare.artifactLocation,
                created: bare.created,
                updated: bare.updated, lifecycle: bare.lifecycle, params: params[bare.key] ?? [],
                tags: tags[bare.key] ?? [],
                metrics: metrics[bare.key] ?? [], key: bare.key)
        }
    }
}
