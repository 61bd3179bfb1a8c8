import Core
import Database

/// SQL of runs, their parameters and tags.
struct RunStore: Sendable {
    func insert(_ db: any Transaction, _ run: RunInfo, key: Int64, experiment: Int64, tags: [KeyValue]) throws {
        try db.execute(
            """
            INSERT INTO run (key, id, experiment, name, user_name, status, started_ms, ended_ms, is_deleted, deleted_ms, artifact_location)
            VALUES (\(key), \(run.id), \(experiment), \(run.name), \(run.user), \(run.status.rawValue), \(run.started),
                \(run.ended), \(false), NULL, \(run.artifactLocation))
            """)
        try setTags(db, run: key, tags)
    }

    func nextKey(_ db: any Transaction) throws -> Int64 {
        ((try db.one("SELECT max(key) FROM run") { try $0.optionalInt(0) } ?? nil) ?? 0) + 1
    }

    func info(_ db: any Transaction, id: String) throws -> RunInfo? {
        try db.one("\(Self.columns) WHERE r.id = \(id)", Self.row)
    }

    /// The project is looked up, not joined, so that PostgreSQL too reads a page in the index's order.
    static let columns: SQL =
        """
        SELECT r.key, r.id, r.experiment, (SELECT e.project FROM experiment e WHERE e.id = r.experiment), r.name, r.user_name,
            r.status, r.started_ms, r.ended_ms, r.is_deleted, r.artifact_location
        FROM run r
        """

    static func row(_ row: any Row) throws -> RunInfo {
        RunInfo(
            id: try row.text(1), experiment: String(try row.int(2)), project: try row.text(3), name: try row.text(4),
            user: try row.text(5), status: RunStatus(rawValue: try row.text(6)) ?? .running, started: try row.time(7),
            ended: try row.optionalTime(8), lifecycle: try row.bool(9) ? .deleted : .active,
            artifactLocation: try row.text(10), key: try row.int(0))
    }

    func update(_ db: any Transaction, key: Int64, status: RunStatus, ended: Timestamp?, name: String) throws {
        try db.execute(
            "UPDATE run SET status = \(status.rawValue), ended_ms = \(ended), name = \(name) WHERE key = \(key)")
    }

    func setDeleted(_ db: any Transaction, key: Int64, at time: Timestamp?) throws {
        try db.execute("UPDATE run SET is_deleted = \(time != nil), deleted_ms = \(time) WHERE key = \(key)")
    }

    // MARK: Parameters and tags

    /// Adds parameters that are not there yet.
    ///
    /// - Returns: those that are there with another value.
    func addParams(_ db: any Transaction, run: Int64, _ params: [KeyValue]) throws -> [(
        key: String, old: String, new: String
    )] {
        guard !params.isEmpty else { return [] }
        var existing: [String: String] = [:]
        try Rows.lists(of: params.map(\.key)) { list in
            try db.forEach("SELECT key, value FROM run_param WHERE run = \(run) AND key IN (\(list: list))") { row in
                existing[try row.text(0)] = try row.text(1)
                return true
            }
        }
        let clashes = params.compactMap { param in
            existing[param.key].flatMap { $0 == param.value ? nil : (param.key, $0, param.value) }
        }
        guard clashes.isEmpty else { return clashes }
        try Rows.inGroups(params.filter { existing[$0.key] == nil }) { rows in
            let values = Rows.values(rows) { "\(run), \($0.key), \($0.value)" }
            try db.execute("INSERT INTO run_param (run, key, value) VALUES \(values)")
        }
        return []
    }

    func setTags(_ db: any Transaction, run: Int64, _ tags: [KeyValue]) throws {
        try Rows.inGroups(tags.lastOfEachKey) { rows in
            let values = Rows.values(rows) { "\(run), \($0.key), \($0.value)" }
            try db.execute(
                "INSERT INTO run_tag (run, key, value) VALUES \(values) ON CONFLICT (run, key) DO UPDATE SET value = excluded.value"
            )
        }
    }

    func tag(_ db: any Transaction, run: Int64, _ key: String) throws -> String? {
        try db.one("SELECT value FROM run_tag WHERE run = \(run) AND key = \(key)") { try $0.text(0) }
    }

    func deleteTag(_ db: any Transaction, run: Int64, _ key: String) throws -> Bool {
        try db.execute("DELETE FROM run_tag WHERE run = \(run) AND key = \(key)") == 1
    }

    // MARK: All that a run logged

    /// The runs with what they logged, in the order given.
    func runs(_ db: any Transaction, _ infos: [RunInfo]) throws -> [Run] {
        let keys = infos.map(\.key)
        let metrics = try byRun(
            db, keys,
            {
                "SELECT l.run, n.name, l.step, l.time_ms, l.value, l.is_nan FROM metric_latest l JOIN metric_name n ON n.id = l.metric WHERE l.run IN (\(list: $0)) ORDER BY l.run, n.name"
            },
            { row in
                LatestMetric(
                    key: try row.text(1),
                    point: MetricPoint(
                        step: try row.int(2), time: try row.time(3), value: try row.bool(5) ? .nan : try row.double(4)))
            })
        let params = try byRun(
            db, keys, { "SELECT run, key, value FROM run_param WHERE run IN (\(list: $0)) ORDER BY run, key" },
            Self.keyValue)
        let tags = try byRun(
            db, keys, { "SELECT run, key, value FROM run_tag WHERE run IN (\(list: $0)) ORDER BY run, key" },
            Self.keyValue)
        let datasets = try byRun(
            db, keys,
            {
                "SELECT i.run, d.name, d.digest, d.source_type, d.source, d.schema, d.profile, i.tags FROM run_input i JOIN input_dataset d ON d.key = i.dataset WHERE i.run IN (\(list: $0)) ORDER BY i.run, i.dataset"
            },
            InputStore.input)
        let models = try byRun(
            db, keys,
            { "SELECT run, role, model, step FROM run_model WHERE run IN (\(list: $0)) ORDER BY run, step, model" },
            { (role: try $0.text(1), output: ModelOutput(model: try $0.text(2), step: try $0.int(3))) })
        return infos.map { info in
            let models = models[info.key] ?? []
            return Run(
                info: info, metrics: metrics[info.key] ?? [], params: params[info.key] ?? [],
                tags: tags[info.key] ?? [],
                datasets: datasets[info.key] ?? [],
                modelInputs: models.filter { $0.role == "input" }.map(\.output.model),
                modelOutputs: models.filter { $0.role == "output" }.map(\.output))
        }
    }

    private static func keyValue(_ row: any Row) throws -> KeyValue { KeyValue(try row.text(1), try row.text(2)) }

    /// Rows of several runs, gathered by the run's key in the first column.
    private func byRun<T>(
        _ db: any Transaction, _ keys: [Int64], _ statement: ([Int64]) -> SQL, _ map: (any Row) throws -> T
    ) throws -> [Int64: [T]] {
        var found: [Int64: [T]] = [:]
        try Rows.lists(of: keys) { list in
            try db.forEach(statement(list)) { row in
                found[try row.int(0), default: []].append(try map(row))
                return true
            }
        }
        return found
    }
}
