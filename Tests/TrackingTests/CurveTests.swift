import Core
import Database
import Testing

@testable import Tracking

@Suite struct CurveTests {
    /// Steps 0 to 19,999, one a second, in batches; NaN and infinities here and there.
    private func withCurve(_ body: (TrackingService, String, [MetricPoint]) async throws -> Void) async throws {
        try await withTracking { service, experiment in
            let run = try await service.makeRun(experiment)
            let points = (0..<20_000).map { i -> MetricPoint in
                let value: Double = i == 777 ? .nan : i == 9000 ? .greatestFiniteMagnitude : Double(i % 100)
                return point(Int64(i), Int64(i) * 1000, value)
            }
            for start in stride(from: 0, to: points.count, by: 250) {
                let batch = LogBatch(metrics: points[start..<start + 250].map { LoggedMetric(key: "loss", point: $0) })
                try await service.log(batch, run: run, as: admin)
            }
            try await body(service, run, points)
        }
    }

    @Test func `buckets keep every extreme and lose no point`() async throws {
        try await withCurve { service, run, points in
            for axis in MetricAxis.allCases {
                for count in [1, 10, 300, 10_000] {
                    let curve = try await service.curves(
                        runs: [run, run], metrics: ["loss", "absent"], points: count, axis: axis, as: admin)
                    #expect(curve.map(\.metric) == ["loss", "absent", "loss", "absent"] && curve[0] == curve[2])
                    #expect(curve[1].buckets.isEmpty)
                    let buckets = curve[0].buckets
                    #expect(curve[0].points == points.count && buckets.count == count)
                    #expect(buckets.map(\.minimum).min() == 0 && buckets.map(\.maximum).max() == 99)
                    #expect(
                        buckets.reduce(0) { $0 + $1.nans } == 1 && buckets.reduce(0) { $0 + $1.positiveInfinities } == 1
                    )
                    // Each bucket is the points of its steps, exactly.
                    for bucket in buckets {
                        let own = points[Int(bucket.firstStep)...Int(bucket.lastStep)]
                        #expect(MetricBucket.of(Array(own), each: own.count) == [bucket])
                    }
                }
            }
            let part = try await service.curves(
                runs: [run], metrics: ["loss"], points: 5, range: (100, 199), as: admin)[0]
            #expect(part.points == 100 && part.buckets.map(\.points) == [20, 20, 20, 20, 20])
        }
    }

    @Test func `blocks without summaries and points in disorder are drawn too`() async throws {
        try await withCurve { service, run, points in
            let before = try await service.curves(runs: [run], metrics: ["loss"], points: 7, as: admin)
            try await service.database.write { db in
                try db.execute("DELETE FROM metric_summary WHERE sequence < 3")
            }
            #expect(
                try await service.curves(runs: [run], metrics: ["loss"], points: 7, as: admin).map(\.points)
                    == before.map(\.points))
            #expect(
                try await service.history(run: run, metric: "loss", limit: 10, after: Cursor(offset: 19_995), as: admin)
                    .items.map(\.step)
                    == [19_995, 19_996, 19_997, 19_998, 19_999])
            // A point of long ago comes late: it has its place in the history.
            try await service.log(LogBatch(metrics: [logged("loss", 5, -7, time: 5500)]), run: run, as: admin)
            let page = try await service.history(
                run: run, metric: "loss", limit: 3, after: Cursor(offset: 5), as: admin)
            #expect(page.items == [points[5], point(5, 5500, -7), points[6]] && page.next == Cursor(offset: 8))
            #expect(
                try await service.curves(runs: [run], metrics: ["loss"], points: 7, as: admin)[0].buckets[0].minimum
                    == -7)
        }
    }

    @Test func `pages of a history`() async throws {
        try await withCurve { service, run, points in
            for limit in [1000, 4096, 9999, 20_000] {
                var found: [MetricPoint] = []
                var after: Cursor?
                repeat {
                    let page = try await service.history(
                        run: run, metric: "loss", limit: limit, after: after, as: admin)
                    found += page.items
                    after = page.next
                } while after != nil
                #expect(found.count == points.count && found.map(\.step) == points.map(\.step), "\(limit) a page")
            }
        }
    }

    @Test func `summaries survive their packing`() throws {
        let points = [point(.min, -5, .nan), point(3, 0, 0.1), point(.max, 9, -.greatestFiniteMagnitude)]
        for list in [points, Array(points.prefix(1)), (0..<700).map { point($0, $0, Double($0)) }] {
            #expect(try MetricSummary(parsing: MetricSummary(list).text).parts == MetricSummary(list).parts)
        }
        #expect(throws: SlipwayError.self) {
            try MetricSummary(parsing: String(MetricSummary(points).text.dropLast(8)))
        }
    }
}
