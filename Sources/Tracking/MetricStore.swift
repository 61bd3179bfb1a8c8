import Core
import Database

/// SQL of metric points.
///
/// A batch of points is one row of `metric_tail`, whatever it holds: appending is what must be quick. When a run's tail
/// has `tailMaximum` rows, they are folded into blocks of one metric each, which a history reads one after the other.
/// Beside each block, `metric_summary` says
/// what its points amount to, for pages and charts. The blocks of a metric may overlap and repeat points, as may the tail:
/// readers see to that. The newest point of each metric
/// is a row of its own in `metric_latest`, where searches look.
struct MetricStore: Sendable {
    static let tailMaximum: Int64 = 64
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

    func append(_ db: any Transaction, to info: RunInfo, _ groups: [MetricPack.Group]) throws {
        guard !groups.isEmpty else { return }
        let run = info.key
        let tail = try db.one("SELECT count(*), max(sequence) FROM metric_tail WHERE run = \(run)") {
            (count: try $0.int(0), last: try $0.optionalInt(1) ?? 0)
        }
        try db.execute(
            """
            INSERT INTO metric_tail (run, sequence, pack) VALUES (\(run), \((tail?.last ?? 0) + 1), \(MetricPack.encode(groups)))
            """)
        try updateLatest(db, info, groups)
        if (tail?.count ?? 0) + 1 >= Self.tailMaximum { try fold(db, run: run) }
    }

    private func updateLatest(_ db: any Transaction, _ run: RunInfo, _ groups: [MetricPack.Group]) throws {
        let newest = groups.compactMap { group -> (metric: Int64, point: MetricPoint)? in
            guard var best = group.points.first else { return nil }
            for point in group.points.dropFirst() where point.isNewer(than: best) { best = point }
            return (group.metric, best)
        }
        try Rows.inGroups(newest) { rows in
            let values = Rows.values(rows) { row in
                let point = row.point
                return
                    """
                    \(run.key), \(row.metric), \(point.step), \(point.time), \(point.value.isNaN ? 0 : point.value), \
                    \(point.value.isNaN), \(run.experimentKey)
                    """
            }
            try db.execute(
                """
                INSERT INTO metric_latest (run, metric, step, time_ms, value, is_nan, experiment) VALUES \(values)
                ON CONFLICT (run, metric) DO UPDATE SET step = excluded.step, time_ms = excluded.time_ms, value = excluded.value,
                    is_nan = excluded.is_nan
                WHERE excluded.step > metric_latest.step OR (excluded.step = metric_latest.step AND (
                    excluded.time_ms > metric_latest.time_ms
                    OR (excluded.time_ms = metric_latest.time_ms AND excluded.value > metric_latest.value)))
                """)
        }
    }

    /// Turns a run's tail into blocks.
    private func fold(_ db: any Transaction, run: Int64) throws {
        var points: [Int64: [MetricPoint]] = [:]
        try db.forEach("SELECT pack FROM metric_tail WHERE run = \(run) ORDER BY sequence") { row in
            try MetricPack.decode(try row.text(0), into: &points)
            return true
        }
        for (metric, added) in points.sorted(by: { $0.key < $1.key }) {
            let last = try db.one(
                """
                SELECT sequence, points, pack FROM metric_block WHERE run = \(run) AND metric = \(metric)
                ORDER BY sequence DESC LIMIT 1
                """
            ) { (sequence: try $0.int(0), points: try $0.int(1), pack: try $0.text(2)) }
            var sequence = last?.sequence ?? 0
            var all: [Int64: [MetricPoint]] = [:]
            if let last, last.points + Int64(added.count) <= Self.blockPoints {
                try MetricPack.decode(last.pack, into: &all)
                for table in ["metric_block", "metric_summary"] as [SQL] {
                    try db.execute(
                        "DELETE FROM \(table) WHERE run = \(run) AND metric = \(metric) AND sequence = \(last.sequence)"
                    )
                }
            }
            let joined = ((all[metric] ?? []) + added).asHistory
            for start in stride(from: 0, to: joined.count, by: Self.blockPoints) {
                let part = Array(joined[start..<min(start + Self.blockPoints, joined.count)])
                sequence += 1
                try db.execute(
                    """
                    INSERT INTO metric_block (run, metric, sequence, points, pack)
                    VALUES (\(run), \(metric), \(sequence), \(part.count), \(MetricPack.encode([(metric, part)])))
                    """)
                try db.execute(
                    """
                    INSERT INTO metric_summary (run, metric, sequence, parts)
                    VALUES (\(run), \(metric), \(sequence), \(MetricSummary(part).text))
                    """)
            }
        }
        try db.execute("DELETE FROM metric_tail WHERE run = \(run)")
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
