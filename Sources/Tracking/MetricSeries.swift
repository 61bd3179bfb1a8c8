import Core
import Database

/// The points of one metric of a run, as they are stored: blocks, and the rest that is not in blocks yet.
struct MetricSeries {
    struct Block {
        let sequence: Int64
        let points: Int
        /// nil for blocks of a Slipway that made no summaries.
        let summary: MetricSummary?
    }

    let run: Int64
    let metric: Int64
    let blocks: [Block]
    /// In the order of a history.
    let tail: [MetricPoint]

    init(_ db: any Transaction, run: Int64, metric: Int64) throws {
        (self.run, self.metric) = (run, metric)
        blocks = try db.all(
            """
            SELECT b.sequence, b.points, s.parts FROM metric_block b
            LEFT JOIN metric_summary s ON s.run = b.run AND s.metric = b.metric AND s.sequence = b.sequence
            WHERE b.run = \(run) AND b.metric = \(metric) ORDER BY b.sequence
            """
        ) { row in
            Block(
                sequence: try row.int(0), points: Int(try row.int(1)),
                summary: try row.optionalText(2).map { try MetricSummary(parsing: $0) })
        }
        var points: [Int64: [MetricPoint]] = [:]
        try db.forEach("SELECT pack FROM metric_tail WHERE run = \(run) ORDER BY sequence") { row in
            try MetricPack.decode(try row.text(0), only: metric, into: &points)
            return true
        }
        tail = (points[metric] ?? []).asHistory
    }

    var count: Int { blocks.reduce(tail.count) { $0 + $1.points } }

    /// Whether the blocks and the tail follow each other in the order of a history: then a page reads its own blocks only.
    var isInOrder: Bool {
        var last: MetricPoint?
        for block in blocks {
            guard let summary = block.summary, last.map({ $0.precedes(summary.first) }) ?? true else { return false }
            last = summary.last
        }
        if let last, let first = tail.first { return last.precedes(first) }
        return true
    }

    /// All points, in the order of a history.
    func points(_ db: any Transaction) throws -> [MetricPoint] {
        (try points(db, of: blocks) + tail).asHistory
    }

    /// So many points from `offset` on, and whether there are more.
    func page(_ db: any Transaction, offset: Int, limit: Int) throws -> (points: [MetricPoint], isLast: Bool) {
        let end = offset.addingReportingOverflow(limit).overflow ? Int.max : offset + limit
        guard isInOrder else {
            let all = try points(db)
            return (Array(all.dropFirst(offset).prefix(limit)), end >= all.count)
        }
        var wanted: [Block] = []
        var (at, begin) = (0, 0)
        for block in blocks {
            if at + block.points > offset, at < end {
                if wanted.isEmpty { begin = at }
                wanted.append(block)
            }
            at += block.points
        }
        var found = try points(db, of: wanted)
        if wanted.isEmpty { begin = at }
        if end > at { found += tail }
        return (Array(found.dropFirst(offset - begin).prefix(limit)), end >= count)
    }

    /// The least and the greatest value on the axis.
    func range(_ db: any Transaction, on axis: MetricAxis) throws -> ClosedRange<Int64>? {
        var found: ClosedRange<Int64>?
        func add(_ range: ClosedRange<Int64>) {
            found = min(found?.lowerBound ?? .max, range.lowerBound)...max(found?.upperBound ?? .min, range.upperBound)
        }
        for block in blocks {
            let parts = try block.summary?.parts ?? MetricBucket.of(points(db, of: [block]), each: Self.blockPart)
            for part in parts { add(axis.range(part)) }
        }
        for point in tail { add(axis.value(point)...axis.value(point)) }
        return found
    }

    /// Adds all points within the sampler's range. Only blocks whose parts lie across pixels are read.
    func sample(_ db: any Transaction, into sampler: inout MetricSampler) throws {
        var rest: [Block] = []
        for block in blocks {
            if let parts = block.summary?.parts, parts.allSatisfy({ sampler.takes($0) || sampler.isOutside($0) }) {
                for part in parts where !sampler.isOutside(part) { sampler.add(part) }
            } else {
                rest.append(block)
            }
        }
        for block in rest { sampler.add(try points(db, of: [block])) }
        sampler.add(tail)
    }

    private static let blockPart = MetricSummary.partPoints

    private func points(_ db: any Transaction, of blocks: [Block]) throws -> [MetricPoint] {
        guard let first = blocks.first, let last = blocks.last else { return [] }
        var points: [Int64: [MetricPoint]] = [metric: []]
        points[metric]?.reserveCapacity(blocks.reduce(0) { $0 + $1.points })
        try db.forEach(
            """
            SELECT pack FROM metric_block WHERE run = \(run) AND metric = \(metric)
                AND sequence >= \(first.sequence) AND sequence <= \(last.sequence) ORDER BY sequence
            """
        ) { row in
            try MetricPack.decode(try row.text(0), only: metric, into: &points)
            return true
        }
        return points[metric] ?? []
    }
}
