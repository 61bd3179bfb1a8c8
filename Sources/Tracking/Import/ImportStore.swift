import Core
import Database

/// SQL that only taking in whole histories needs.
struct ImportStore: Sendable {
    /// Hands over the history of each metric that a run logged, by name.
    func histories(
        _ db: any Transaction, run: Int64, _ body: (_ metric: String, _ points: [MetricPoint]) throws -> Void
    ) throws {
        var tail: [Int64: [MetricPoint]] = [:]
        try db.forEach("SELECT pack FROM metric_tail WHERE run = \(run) ORDER BY sequence") { row in
            try MetricPack.decode(try row.text(0), into: &tail)
            return true
        }
        let logged = try db.all(
            """
            SELECT n.id, n.name FROM metric_latest l JOIN metric_name n ON n.id = l.metric WHERE l.run = \(run)
            ORDER BY n.name
            """
        ) { (id: try $0.int(0), name: try $0.text(1)) }
        for metric in logged {
            var points: [Int64: [MetricPoint]] = [:]
            try db.forEach(
                "SELECT pack FROM metric_block WHERE run = \(run) AND metric = \(metric.id) ORDER BY sequence"
            ) { row in
                try MetricPack.decode(try row.text(0), only: metric.id, into: &points)
                return true
            }
            try body(metric.name, ((points[metric.id] ?? []) + (tail[metric.id] ?? [])).asHistory)
        }
    }

    func latest(_ db: any Transaction, run: Int64, metric: Int64) throws -> MetricPoint? {
        try db.one("SELECT step, time_ms, value, is_nan FROM metric_latest WHERE run = \(run) AND metric = \(metric)") {
            MetricPoint(
                step: try $0.int(0), time: try $0.time(1), value: try $0.bool(3) ? .nan : try $0.double(2))
        }
    }

    func deletedAt(_ db: any Transaction, run: Int64) throws -> Int64? {
        try db.one("SELECT deleted_ms FROM run WHERE key = \(run)") { try $0.optionalInt(0) } ?? nil
    }

    func taggedExperiment(_ db: any Transaction, _ tag: KeyValue) throws -> Int64? {
        try db.one("SELECT experiment FROM experiment_tag WHERE key = \(tag.key) AND value = \(tag.value)") {
            try $0.int(0)
        }
    }

    func setLifecycle(_ db: any Transaction, model: LoggedModelRecord, key: Int64) throws {
        try db.execute("UPDATE logged_model SET is_deleted = \(model.isDeleted) WHERE key = \(key)")
    }
}
