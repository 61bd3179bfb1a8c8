import Core
import Database

/// SQL of metric points.
///
/// A batch of points is one row of `metric_tail`, whatever it holds: appending is what must be quick. When a run's tail
/// has 64 to 127 rows, they are folded into blocks of one metric each, which a history reads one after the other.
/// Beside each block, `metric_summary` says
/// what its points amount to, for pages and charts. The blocks of a metric may overlap and repeat points, as may the tail:
/// readers see to that. The newest point of each metric
/// is a row of its own in `metric_latest`, where searches look.
struct MetricStore: Sendable {
    /// How many rows a run's tail has when it is folded: 64 to 127. Runs that log in step would else fold all at once.
    static func tailMaximum(of run: Int64) -> Int64 { 64 + run % 64 }

    static let blockPoints = 4096

    // MARK: Names

    func ids(_ db: any Transaction, of names: [String]) throws -> [String: Int64] {
        var found: [String: Int64] = [:]
        try Rows.lists(of: names) { list in
            try db.forEach("SELECT id, name FROM metric_name WHERE name IN (\(list: list))") { row in
                found[try row.text(1)] = try row.int(0)
                return true
            }
        }
        return found
    }

    /// Like `ids`, and gives one to each name that has none.
    func idsMade(_ db: any Transaction, for names: [String]) throws -> [String: Int64] {
        var found = try ids(db, of: names)
        let missing = names.filter { found[$0] == nil }
        guard !missing.isEmpty else { return found }
        var next = (try db.one("SELECT max(id) FROM metric_name") { try $0.optionalInt(0) } ?? nil) ?? 0
        for name in missing where found[name] == nil {
            next += 1
            try db.execute("INSERT INTO metric_name (id, name) VALUES (\(next), \(name))")
            found[name] = next
        }
        return found
    }

    // MARK: Points

    /// Points of a run, to be appended.
    typealias Addition = (run: RunInfo, groups: [MetricPack.Group])

    func append(_ db: any Transaction, to info: RunInfo, _ groups: [MetricPack.Group]) throws {
        try append(db, [(info, groups)])
    }

    /// Appends to several runs by one statement of each sort.
    func append(_ db: any Transaction, _ additions: [Addition]) throws {
        let additions = additions.filter { !$0.groups.isEmpty }
        guard !additions.isEmpty else { return }
        // A tail is numbered from 1 on, so its last number is its length.
        var tails: [Int64: Int64] = [:]
        try Rows.lists(of: Array(Set(additions.map(\.run.key)))) { list in
            try db.forEach(
                """
                SELECT r.key, (SELECT max(t.sequence) FROM metric_tail t WHERE t.run = r.key) FROM run r
                WHERE r.key IN (\(list: list))
                """
            ) { row in
                tails[try row.int(0)] = try row.optionalInt(1) ?? 0
                return true
            }
        }
        let rows = additions.map { run, groups -> [SQLValue] in
            let sequence = (tails[run.key] ?? 0) + 1
            tails[run.key] = sequence
            return [.int(run.key), .int(sequence), .text(MetricPack.encode(groups))]
        }
        try db.insert(into: "metric_tail (run, sequence, pack)", rows)
        try updateLatest(db, additions)
        for (run, length) in tails where length >= Self.tailMaximum(of: run) { try fold(db, run: run) }
    }

    private func updateLatest(_ db: any Transaction, _ additions: [Addition]) throws {
        struct Place: Hashable {
            let run, metric: Int64
        }
        var newest: [Place: (point: MetricPoint, experiment: Int64)] = [:]
        for (run, groups) in additions {
            for (metric, points) in groups {
                guard var best = points.first else { continue }
                for point in points.dropFirst() where point.isNewer(than: best) { best = point }
                let place = Place(run: run.key, metric: metric)
                if newest[place].map({ best.isNewer(than: $0.point) }) ?? true {
                    newest[place] = (best, run.experimentKey)
                }
            }
        }
        let rows = newest.map { place, newest -> [SQLValue] in
            let point = newest.point
            return [
                .int(place.run), .int(place.metric), .int(point.step), .int(point.time.milliseconds),
                .double(point.value.isNaN ? 0 : point.value), .bool(point.value.isNaN), .int(newest.experiment),
            ]
        }
        try db.insert(
            into: "metric_latest (run, metric, step, time_ms, value, is_nan, experiment)", rows,
            """
            ON CONFLICT (run, metric) DO UPDATE SET step = excluded.step, time_ms = excluded.time_ms, value = excluded.value,
                is_nan = excluded.is_nan
            WHERE excluded.step > metric_latest.step OR (excluded.step = metric_latest.step AND (
                excluded.time_ms > metric_latest.time_ms
                OR (excluded.time_ms = metric_latest.time_ms AND excluded.value > metric_latest.value)))
            """)
    }

    /// Turns a run's tail into blocks.
    private func fold(_ db: any Transaction, run: Int64) throws {
        var points: [Int64: [MetricPoint]] = [:]
        try db.forEach("SELECT pack FROM metric_tail WHERE run = \(run) ORDER BY sequence") { row in
            try MetricPack.decode(try row.text(0), into: &points)
            return true
        }
        let last = try lastBlocks(db, run: run, of: points.keys.sorted())
        var blocks: [[SQLValue]] = []
        var summaries: [[SQLValue]] = []
        for (metric, added) in points.sorted(by: { $0.key < $1.key }) {
            var sequence = last[metric]?.sequence ?? 0
            var all: [Int64: [MetricPoint]] = [:]
            if let last = last[metric], let pack = last.pack, last.points + added.count <= Self.blockPoints {
                // It has room: it is written again with what is added.
                sequence -= 1
                try MetricPack.decode(pack, into: &all)
            }
            let joined = ((all[metric] ?? []) + added).asHistory
            for start in stride(from: 0, to: joined.count, by: Self.blockPoints) {
                let part = Array(joined[start..<min(start + Self.blockPoints, joined.count)])
                sequence += 1
                let place: [SQLValue] = [.int(run), .int(metric), .int(sequence)]
                blocks.append(place + [.int(Int64(part.count)), .text(MetricPack.encode([(metric, part)]))])
                summaries.append(place + [.text(MetricSummary(part).text)])
            }
        }
        try db.insert(
            into: "metric_block (run, metric, sequence, points, pack)", blocks,
            "ON CONFLICT (run, metric, sequence) DO UPDATE SET points = excluded.points, pack = excluded.pack")
        try db.insert(
            into: "metric_summary (run, metric, sequence, parts)", summaries,
            "ON CONFLICT (run, metric, sequence) DO UPDATE SET parts = excluded.parts")
        try db.execute("DELETE FROM metric_tail WHERE run = \(run)")
    }

    /// The last block of each metric that has one; without its points when it is full.
    private func lastBlocks(_ db: any Transaction, run: Int64, of metrics: [Int64]) throws -> [Int64: (
        sequence: Int64, points: Int, pack: String?
    )] {
        var found: [Int64: (sequence: Int64, points: Int, pack: String?)] = [:]
        try Rows.lists(of: metrics) { list in
            try db.forEach(
                """
                SELECT n.id, b.sequence, b.points, CASE WHEN b.points < \(Self.blockPoints) THEN b.pack END
                FROM metric_name n JOIN metric_block b ON b.run = \(run) AND b.metric = n.id
                    AND b.sequence = (SELECT max(l.sequence) FROM metric_block l WHERE l.run = \(run) AND l.metric = n.id)
                WHERE n.id IN (\(list: list))
                """
            ) { row in
                found[try row.int(0)] = (try row.int(1), Int(try row.int(2)), try row.optionalText(3))
                return true
            }
        }
        return found
    }

    // MARK: Metrics of logged models

    struct ModelPoint {
        let model: Int64
        let metric: Int64
        let point: MetricPoint
        let subject: LoggedMetric.Subject
    }

    func append(_ db: any Transaction, run: Int64, models: [ModelPoint]) throws {
        try Rows.inGroups(models) { rows in
            let values = Rows.values(rows) { row in
                let point = row.point
                return """
                    \(row.model), \(row.metric), \(point.time), \(point.step), \(run), \(point.value.isNaN ? 0 : point.value), \
                    \(point.value.isNaN), \(row.subject.datasetName), \(row.subject.datasetDigest)
                    """
            }
            try db.execute(
                """
                INSERT INTO logged_model_metric (model, metric, time_ms, step, run, value, is_nan, dataset_name, dataset_digest)
                VALUES \(values) ON CONFLICT DO NOTHING
                """)
        }
    }
}
