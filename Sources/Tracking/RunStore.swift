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
        try setTags(db, run: run, tags)
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
    func addParams(_ db: any Transaction, run: RunInfo, _ params: [KeyValue]) throws -> [(
        key: String, old: String, new: String
    )] {
        guard !params.isEmpty else { return [] }
        var existing: [String: String] = [:]
        try Rows.lists(of: params.map(\.key)) { list in
            try db.forEach("SELECT key, value FROM run_param WHERE run = \(run.key) AND key IN (\(list: list))") {
                row in
                existing[try row.text(0)] = try row.text(1)
                return true
            }
        }
        let clashes = params.compactMap { param in
            existing[param.key].flatMap { $0 == param.value ? nil : (param.key, $0, param.value) }
        }
        guard clashes.isEmpty else { return clashes }
        try Rows.inGroups(params.filter { existing[$0.key] == nil }) { rows in
            try db.execute(
                "INSERT INTO run_param (run, key, value, experiment, short) VALUES \(Self.values(rows, of: run))")
        }
        return []
    }

    func setTags(_ db: any Transaction, run: RunInfo, _ tags: [KeyValue]) throws {
        try Rows.inGroups(tags.lastOfEachKey) { rows in
            try db.execute(
                """
                INSERT INTO run_tag (run, key, value, experiment, short) VALUES \(Self.values(rows, of: run))
                ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, short = excluded.short
                """)
        }
    }

    private static func values(_ rows: ArraySlice<KeyValue>, of run: RunInfo) -> SQL {
        Rows.values(rows) { "\(run.key), \($0.key), \($0.value), \(run.experimentKey), \($0.value.short.text)" }
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
        let metrics = try latest(db, keys)
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

    /// The newest points by run, ordered by name. Names are looked up once, not joined to each of what may be a million rows.
    private func latest(_ db: any Transaction, _ runs: [Int64]) throws -> [Int64: [LatestMetric]] {
        let found = try byRun(
            db, runs,
            { "SELECT run, metric, step, time_ms, value, is_nan FROM metric_latest WHERE run IN (\(list: $0))" },
            { row in
                (
                    metric: try row.int(1),
                    point: MetricPoint(
                        step: try row.int(2), time: try row.time(3), value: try row.bool(5) ? .nan : try row.double(4))
                )
            })
        var ids: Set<Int64> = []
        for points in found.values { for point in points { ids.insert(point.metric) } }
        var names: [(id: Int64, name: String)] = []
        try Rows.lists(of: ids.sorted()) { list in
            names += try db.all("SELECT id, name FROM metric_name WHERE id IN (\(list: list))") {
                (try $0.int(0), try $0.text(1))
            }
        }
        names.sort { $0.name < $1.name }
        let ranks = Dictionary(names.enumerated().map { ($1.id, $0) }) { first, _ in first }
        return found.mapValues { points in
            points.compactMap { point in ranks[point.metric].map { (rank: $0, point: point.point) } }
                .sorted { $0.rank < $1.rank }
                .map { LatestMetric(key: names[$0.rank].name, point: $0.point) }
        }
    }

    private static func keyValue(_ row: any Row) throws -> KeyValue { KeyValue(try row.text(1), try row.text(2)) }

    /// Rows of several runs, gathered by the run's key in the first column.
    private func byRun<T>(
        _ db: any Transaction, _ keys: [Int64], _ statement: ([Int64]) -> SQL, _ map: (any Row) throws -> T
    ) throws -> [Int64: [T]] {
        var found: [Int64: [T]] = [:]
        // The rows of a run mostly come one after the other.
        var (current, items): (Int64, [T]) = (-1, [])
        func keep() { if !items.isEmpty { found[current, default: []] += items } }
        try Rows.lists(of: keys) { list in
            try db.forEach(statement(list)) { row in
                let run = try row.int(0)
                if run != current {
                    keep()
                    (current, items) = (run, [])
                }
                items.append(try map(row))
                return true
            }
        }
        keep()
        return found
    }
}
