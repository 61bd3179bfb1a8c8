import Core
import Database
import Testing

@testable import Tracking

@Suite struct MetricTests {
    /// A small generator of numbers that is the same everywhere (Knuth's 64-bit LCG).
    struct Numbers: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state
        }
    }

    @Test func `a pack gives back what it was made from`() throws {
        var numbers = Numbers(state: 7)
        let extreme: [MetricPoint] = [
            point(.min, .max, .greatestFiniteMagnitude), point(.max, .min, -0.0), point(0, 0, .infinity),
            point(-1, -1, .leastNonzeroMagnitude),
        ]
        let random = (0..<500).map { _ in
            point(
                Int64.random(in: -5...1_000_000, using: &numbers),
                Int64.random(in: 0...2_000_000_000_000, using: &numbers),
                Double.random(in: -1e6...1e6, using: &numbers))
        }
        let groups: [MetricPack.Group] = [(1, extreme), (300, random), (Int64.max, [point(3, 4, 0.5)]), (2, [])]
        let text = MetricPack.encode(groups)
        var all: [Int64: [MetricPoint]] = [:]
        try MetricPack.decode(text, into: &all)
        #expect(all == [1: extreme, 300: random, .max: [point(3, 4, 0.5)], 2: []])
        var one: [Int64: [MetricPoint]] = [:]
        try MetricPack.decode(text, only: 300, into: &one)
        #expect(one == [300: random])
    }

    @Test func `a damaged pack is an error and never a crash`() throws {
        let text = MetricPack.encode([(1, [point(1, 2, 3), point(4, 5, 6)])])
        var outcomes: Set<String> = []
        for length in 0..<text.count {
            var out: [Int64: [MetricPoint]] = [:]
            do {
                try MetricPack.decode(String(text.prefix(length)), into: &out)
                outcomes.insert("read")
            } catch let error as SlipwayError { outcomes.insert(error.code.rawValue) }
        }
        var out: [Int64: [MetricPoint]] = [:]
        #expect(throws: SlipwayError.self) {
            try MetricPack.decode(Base64.encode([1, 1, 0xFF, 0xFF, 0xFF, 0x0F]), into: &out)
        }
        #expect(outcomes.isSubset(of: ["internal", "read"]) && outcomes.contains("internal"))
    }

    @Test func `a history has every point once, by time, step and value`() async throws {
        try await withTracking { service, experiment in
            let run = try await service.makeRun(experiment)
            var numbers = Numbers(state: 3)
            var expected: Set<MetricPoint> = []
            // Single points and batches, so many that the tail is folded several times, in no order and with repetitions.
            for round in 0..<300 {
                let size = round % 50 == 0 ? 500 : 1
                let points = (0..<size).map { _ in
                    point(Int64.random(in: 0...50, using: &numbers), Int64.random(in: 0...500, using: &numbers), 1)
                }
                expected.formUnion(points)
                try await service.log(
                    LogBatch(
                        metrics: points.map { LoggedMetric(key: "loss", point: $0) } + [
                            logged("other", Int64(round), 0)
                        ]),
                    run: run, as: admin)
            }
            let history = try await service.history(run: run, metric: "loss", as: admin)
            #expect(history.items == expected.sorted { $0.precedes($1) })
            #expect(try await service.history(run: run, metric: "other", as: admin).items.map(\.step) == Array(0..<300))
            #expect(try await service.history(run: run, metric: "absent", as: admin).items.isEmpty)

            var paged: [MetricPoint] = []
            var after: Cursor?
            repeat {
                let page = try await service.history(run: run, metric: "loss", limit: 999, after: after, as: admin)
                paged += page.items
                after = page.next
            } while after != nil
            #expect(paged == history.items)
        }
    }

    @Test func `blocks stay within their size`() async throws {
        try await withTracking { service, experiment in
            let run = try await service.makeRun(experiment)
            for batch in 0..<130 {
                let points = (0..<100).map { logged("m", Int64(batch * 100 + $0), Double($0)) }
                try await service.log(LogBatch(metrics: points), run: run, as: admin)
            }
            let sizes = try await service.database.read { db in
                try db.all("SELECT points FROM metric_block ORDER BY sequence") { try $0.int(0) }
            }
            // The first run's tail is folded at 65 rows.
            #expect(sizes == [4096, 2404, 4096, 2404])
            #expect(try await service.history(run: run, metric: "m", as: admin).items.map(\.step) == Array(0..<13_000))
        }
    }

    @Test(arguments: [
        // The highest step wins, then the latest time, then the highest value, whatever came last.
        ([point(5, 100, 1), point(2, 300, 2), point(5, 200, 3), point(1, 50, 4)], "3.0"),
        ([point(1, 1, 1), point(1, 1, 9), point(1, 1, 4)], "9.0"),
        ([point(0, 1, 7), point(0, 1, .nan)], "7.0"),
        ([point(0, 1, 7), point(1, 1, .nan)], "nan"),
        ([point(0, 1, -1), point(0, 1, .nan)], "nan"),
    ]) func `the newest point`(points: [MetricPoint], newest: String) async throws {
        try await withTracking { service, experiment in
            let together = try await service.makeRun(experiment)
            try await service.log(
                LogBatch(metrics: points.map { LoggedMetric(key: "m", point: $0) }), run: together, as: admin)
            let single = try await service.makeRun(experiment)
            for point in points {
                try await service.log(LogBatch(metrics: [LoggedMetric(key: "m", point: point)]), run: single, as: admin)
            }
            for run in [together, single] {
                #expect(try await service.run(run, as: admin).metric("m")?.description == newest)
            }
        }
    }
}
