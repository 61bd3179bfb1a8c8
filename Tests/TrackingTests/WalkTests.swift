import Core
import Database
import Testing

@testable import Tracking

/// Many runs are found by walking indexes, few by sorting: both must give the same pages.
@Suite struct WalkTests {
    private static let filters = [
        "", "metrics.loss >= 2 OR params.kind = 'b'", "NOT (metrics.loss < 3) AND tags.stage LIKE 'd%'",
        "metrics.loss IS NULL OR metrics.other IS NOT NULL", "params.long LIKE '%end'", "params.long != 'x'",
        "status IN ('FAILED', 'KILLED') OR end_time > 2003",
    ]
    private static let orders = [
        "", "start_time", "metrics.loss", "metrics.loss DESC", "params.kind DESC, metrics.loss",
        "status, end_time DESC",
        "tags.stage, params.kind, metrics.other DESC", "end_time", "attributes.run_name DESC", "user_id, run_id DESC",
        "params.long", "metrics.nowhere",
    ]

    @Test func `walked and sorted pages are the same`() async throws {
        try await withTracking { service, experiment in
            let second = try await service.createExperiment(name: "second", project: "p", as: admin)
            for i in 0..<40 {
                // Several runs start at once, and values repeat.
                let run = try await service.makeRun(
                    i % 5 == 0 ? second : experiment, "r\(i % 7)", started: Int64(1000 + i / 4))
                var batch = LogBatch(tags: [KeyValue("stage", ["dev", "prod", "Dé"][i % 3])])
                if i % 4 != 0 { batch.metrics.append(logged("loss", 0, i % 9 == 0 ? .nan : Double(i % 6))) }
                if i % 3 == 0 { batch.metrics.append(logged("other", 0, -Double(i))) }
                if i % 2 == 0 { batch.params.append(KeyValue("kind", ["a", "b"][i % 4 / 2])) }
                if i % 6 == 0 {
                    batch.params.append(
                        KeyValue("long", String(repeating: "é", count: 120 + i) + (i == 12 ? "end" : "")))
                }
                try await service.log(batch, run: run, as: admin)
                if i % 3 == 1 {
                    try await service.updateRun(
                        run, status: [.failed, .killed, .finished][i % 3],
                        ended: Timestamp(milliseconds: Int64(2000 + i / 8)), as: admin)
                }
                if i == 17 { try await service.deleteRun(run, as: admin) }
            }
            for experiments in [[experiment], [experiment, second]] {
                let keys = try experiments.map { try Experiment.key(of: $0.id) }
                for filter in Self.filters {
                    for order in Self.orders {
                        var search = RunSearch(experiments: [])
                        search.filter = try Filter.parse(filter)
                        search.order = try order.split(separator: ",").map { try SortTerm(parsing: String($0)) }
                        let wanted = try await pages(service, keys, search, limit: 1000, sortMaximum: 1000)
                        let walked = try await pages(service, keys, search, limit: 7, sortMaximum: 2)
                        let together = try await pages(
                            service, keys, search, limit: 7, sortMaximum: 2, mergedMaximum: 1)
                        #expect(
                            walked == wanted && together == wanted,
                            "\(filter) by \(order), \(experiments.count) experiments")
                        if filter.isEmpty { #expect(wanted.count == (experiments.count == 1 ? 31 : 39)) }
                    }
                }
            }
        }
    }

    private func pages(
        _ service: TrackingService, _ keys: [Int64], _ search: RunSearch, limit: Int, sortMaximum: Int,
        mergedMaximum: Int = 64
    ) async throws -> [String] {
        var start = search
        start.limit = limit
        let search = start
        return try await service.database.read { db in
            var search = search
            var found: [String] = []
            repeat {
                let page = try service.runs.search(
                    db, experiments: keys, search, sortMaximum: sortMaximum, mergedMaximum: mergedMaximum)
                found += page.items.map(\.id)
                search.after = try page.next.map { try Cursor(parsing: $0.description) }
            } while search.after != nil
            return found
        }
    }

    @Test func `a set of runs`() {
        let (a, b) = (RunSet([3, 64, 700]), RunSet([64, 65, 100_000]))
        #expect(a.union(b).keys == [3, 64, 65, 700, 100_000])
        #expect(a.intersection(b).keys == [64])
        #expect(a.subtracting(b).keys == [3, 700])
        #expect(a.inverted.intersection(b).keys == [65, 100_000])
        #expect(a.inverted.union(b.inverted).inverted.keys == [64])
        #expect(a.inverted.intersection(b.inverted).inverted.keys == a.union(b).keys)
        #expect(
            [
                RunSet.none.isEmpty, RunSet.all.isEmpty, a.isEmpty, RunSet.all.contains(9), a.contains(2),
                a.inverted.contains(3),
            ]
                == [true, false, false, true, false, false])
        #expect(a.intersection(.all).keys == a.keys && a.union(.none).keys == a.keys && RunSet([]).keys == [])
    }
}
