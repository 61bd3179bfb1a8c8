import Core
import Database

/// SQL of runs, their parameters and tags.
struct RunStore: Sendable {
    private static let paramsAtOnce = 4096

    func insert(_ db: any Transaction, _ run: RunInfo, tags: [KeyValue]) throws { try insert(db, [(run, tags)]) }

    func insert(_ db: any Transaction, _ runs: [(run: RunInfo, tags: [KeyValue])]) throws {
        let rows = runs.map { run, _ in
            [
                run.key.sqlValue, run.id.sqlValue, run.experimentKey.sqlValue, run.name.sqlValue, run.user.sqlValue,
                run.status.rawValue.sqlValue, run.started.sqlValue, run.ended?.sqlValue ?? .null, .bool(false),
                run.artifactLocation.sqlValue,
            ] as [SQLValue]
        }
        try db.insert(
            into: """
                run (key, id, experiment, name, user_name, status, started_ms, ended_ms, is_deleted, artifact_location)
                """, rows)
        try setTags(db, runs)
    }

    func nextKey(_ db: any Transaction) throws -> Int64 {
        ((try db.one("SELECT max(key) FROM run") { try $0.optionalInt(0) } ?? nil) ?? 0) + 1
    }

    func info(_ db: any Transaction, id: String) throws -> RunInfo? {
        try db.one("\(Self.columns) WHERE r.id = \(id)", Self.row)
    }

    /// Those of the runs that exist, by id.
    func infos(_ db: any Transaction, ids: [String]) throws -> [String: RunInfo] {
        var found: [String: RunInfo] = [:]
        try Rows.lists(of: ids) { list in
            for info in try db.all("\(Self.columns) WHERE r.id IN (\(list: list))", Self.row) { found[info.id] = info }
        }
        return found
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

    /// The values of those parameters of these keys that the runs have, by the run's key.
    func params(_ db: any Transaction, _ wanted: [Int64: Set<String>]) throws -> [Int64: [String: String]] {
        var found: [Int64: [String: String]] = [:]
        func read(_ runs: [Int64], _ keys: Set<String>) throws {
            try Rows.lists(of: keys.sorted()) { list in
                try db.forEach(
                    "SELECT run, key, value FROM run_param WHERE run IN (\(list: runs)) AND key IN (\(list: list))"
                ) { row in
                    found[try row.int(0), default: [:]][try row.text(1)] = try row.text(2)
                    return true
                }
            }
        }
        // Runs mostly log the same keys; each run is asked for all of them, unless that were very many.
        let keys = wanted.values.reduce(into: Set<String>()) { $0.formUnion($1) }
        if wanted.count * keys.count <= Self.paramsAtOnce {
            try Rows.lists(of: wanted.keys.sorted()) { try read($0, keys) }
        } else {
            for (run, keys) in wanted { try read([run], keys) }
        }
        return found
    }

    /// Parameters that the runs do not have yet.
    func insertParams(_ db: any Transaction, _ params: [(run: RunInfo, params: [KeyValue])]) throws {
        try db.insert(into: "run_param (run, key, value, experiment, short)", params.flatMap(Self.rows))
    }

    func setTags(_ db: any Transaction, run: RunInfo, _ tags: [KeyValue]) throws { try setTags(db, [(run, tags)]) }

    func setTags(_ db: any Transaction, _ tags: [(run: RunInfo, tags: [KeyValue])]) throws {
        struct Place: Hashable {
            let run: Int64
            let key: String
        }
        // The last value of each key: no row may be in a statement twice.
        var last: [Place: Int] = [:]
        let rows = tags.flatMap(Self.rows)
        for (index, (run, tag)) in tags.flatMap({ run, tags in tags.map { (run, $0) } }).enumerated() {
            last[Place(run: run.key, key: tag.key)] = index
        }
        try db.insert(
            into: "run_tag (run, key, value, experiment, short)", last.values.sorted().map { rows[$0] },
            "ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, short = excluded.short")
    }

    private static func rows(_ run: RunInfo, _ items: [KeyValue]) -> [[SQLValue]] {
        items.map {
            [.int(run.key), .text($0.key), .text($0.value), .int(run.experimentKey), .text($0.value.short.text)]
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
