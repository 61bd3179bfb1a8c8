import Core
import Database
import Platform
import Tables

/// The newest values and the histories of metrics. Points are only ever added to a run, so the place where the next one
/// goes is the version of all that it has.
enum RunMetricTables {
    private static let columns: [SQLTable.Column] = [
        .init("run_id", .varchar, repeats: true), .init("key", .varchar, repeats: true), .init("value", .double),
        .init("step", .bigint), .init("timestamp", .timestamp, "UTC"),
    ]

    static let newest = SQLTable(
        "metrics", "The newest value of each metric of each run.", .readRuns, columns,
        .parts(list: parts, rows: newestRows))
    static let history = SQLTable(
        "metric_history", "All points of all metrics.", .readRuns, columns, .parts(list: parts, rows: historyRows))

    /// Runs that are read together. Their last points, not yet in blocks, are in memory at once.
    private static let group = 32
    /// A metric of a run with more blocks is read page by page.
    private static let manyBlocks = 50
    private static let pagePoints = 65_536

    private static func parts(_ db: any Transaction, _ project: String) throws -> [SQLTable.Part] {
        var parts: [SQLTable.Part] = []
        try RunTables.each(db, project) { experiment, _ in
            parts += try db.all(
                """
                SELECT r.key, r.id, r.status, (SELECT max(t.sequence) FROM metric_tail t WHERE t.run = r.key),
                    (SELECT CAST(sum(b.last) AS BIGINT) FROM (SELECT max(sequence) AS last FROM metric_block WHERE run = r.key GROUP BY metric) b)
                FROM run r WHERE r.experiment = \(experiment)
                """
            ) { row in
                SQLTable.Part(
                    key: try row.int(0), id: try row.text(1),
                    version: [try row.optionalInt(3) ?? 0, try row.optionalInt(4) ?? 0],
                    isSettled: RunStatus(rawValue: try row.text(2))?.isEnd ?? false)
            }
        }
        // Those without points have no rows, whatever happens to them.
        return parts.filter { $0.version != [0, 0] }
    }

    private static func newestRows(_ db: any Transaction, _ parts: [SQLTable.Part], _ rows: ParquetWriter) throws {
        let names = Names(db)
        let runs = Dictionary(parts.map { ($0.key, $0.id) }) { first, _ in first }
        try Rows.lists(of: parts.map(\.key)) { list in
            let found = try db.all(
                """
                SELECT run, metric, value, is_nan, step, time_ms FROM metric_latest WHERE run IN (\(list: list))
                ORDER BY run, metric
                """
            ) { row in
                (
                    try row.int(0), try row.int(1),
                    MetricPoint(
                        step: try row.int(4), time: try row.time(5), value: try row.bool(3) ? .nan : try row.double(2))
                )
            }
            try names.learn(found.map(\.1))
            for (run, metric, point) in found { try put(runs[run], names[metric], point, rows) }
        }
    }

    private static func historyRows(_ db: any Transaction, _ parts: [SQLTable.Part], _ rows: ParquetWriter) throws {
        let names = Names(db)
        for start in stride(from: 0, to: parts.count, by: group) {
            let some = parts[start..<min(start + group, parts.count)]
            let runs = Dictionary(some.map { ($0.key, $0.id) }) { first, _ in first }
            let keys = some.map(\.key)
            var tails: [Int64: [Int64: [MetricPoint]]] = [:]
            try db.forEach(
                "SELECT run, pack FROM metric_tail WHERE run IN (\(list: keys)) ORDER BY run, sequence"
            ) { row in
                try MetricPack.decode(try row.text(1), into: &tails[try row.int(0), default: [:]])
                return true
            }
            let large = Set(
                try db.all(
                    """
                    SELECT run, metric FROM metric_block WHERE run IN (\(list: keys)) GROUP BY run, metric
                    HAVING count(*) > \(manyBlocks)
                    """
                ) { Series(run: try $0.int(0), metric: try $0.int(1)) })
            var (current, points): (Series?, [MetricPoint]) = (nil, [])
            func end() throws {
                guard let series = current else { return }
                let tail = tails[series.run]?.removeValue(forKey: series.metric) ?? []
                try names.learn([series.metric])
                for point in (points + tail).asHistory {
                    try put(runs[series.run], names[series.metric], point, rows)
                }
                points.removeAll(keepingCapacity: true)
            }
            try db.forEach(
                """
                SELECT run, metric, pack FROM metric_block WHERE run IN (\(list: keys)) ORDER BY run, metric, sequence
                """
            ) { row in
                let series = Series(run: try row.int(0), metric: try row.int(1))
                if large.contains(series) { return true }
                if series != current {
                    try end()
                    current = series
                }
                var found: [Int64: [MetricPoint]] = [:]
                try MetricPack.decode(try row.text(2), into: &found)
                points += found[series.metric] ?? []
                return true
            }
            try end()
            for series in large.sorted(by: { ($0.run, $0.metric) < ($1.run, $1.metric) }) {
                try names.learn([series.metric])
                tails[series.run]?.removeValue(forKey: series.metric)
                try putLarge(db, series, runs[series.run], names[series.metric], rows)
            }
            // Metrics that have no blocks yet.
            for (run, metrics) in tails.sorted(by: { $0.key < $1.key }) {
                try names.learn(Array(metrics.keys))
                for (metric, points) in metrics.sorted(by: { $0.key < $1.key }) {
                    for point in points.asHistory { try put(runs[run], names[metric], point, rows) }
                }
            }
        }
    }

    private static func putLarge(
        _ db: any Transaction, _ series: Series, _ run: String?, _ name: String?, _ rows: ParquetWriter
    ) throws {
        let found = try MetricSeries(db, run: series.run, metric: series.metric)
        // Points that were logged out of order are sorted first, all of them.
        let limit = found.isInOrder ? pagePoints : found.count
        for offset in stride(from: 0, to: found.count, by: max(1, limit)) {
            for point in try found.page(db, offset: offset, limit: limit).points { try put(run, name, point, rows) }
        }
    }

    private static func put(_ run: String?, _ name: String?, _ point: MetricPoint, _ rows: ParquetWriter) throws {
        try rows.text(run)
        try rows.text(name)
        try rows.double(point.value)
        try rows.int(point.step)
        try rows.int(point.time.milliseconds)
    }

    private struct Series: Hashable {
        let run: Int64
        let metric: Int64
    }

    /// Names of metrics by their ids, as far as they were needed.
    private final class Names {
        private let db: any Transaction
        private var known: [Int64: String] = [:]

        init(_ db: any Transaction) { self.db = db }

        subscript(id: Int64) -> String? { known[id] }

        func learn(_ ids: [Int64]) throws {
            let missing = Set(ids).filter { known[$0] == nil }
            guard !missing.isEmpty else { return }
            try Rows.lists(of: missing.sorted()) { list in
                try db.forEach("SELECT id, name FROM metric_name WHERE id IN (\(list: list))") { row in
                    known[try row.int(0)] = try row.text(1)
                    return true
                }
            }
        }
    }
}
