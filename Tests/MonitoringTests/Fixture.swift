import Core
import Database
import Datasets
import Ledger
import Pipelines
import Platform
import Projects
import Synchronization
import Tables
import TestSupport
import Web

@testable import Monitoring

/// A project `shop` with a dataset, a pipeline and an endpoint whose predictions the test makes up.
struct Fixture: Sendable {
    let platform: Platform
    let datasets: DatasetsService
    let pipelines: PipelinesService
    let monitoring: MonitoringService
    let routes: [Route]
    let log: PredictionLog
    let clock: TestClock

    static let ada = Principal(name: "ada", role: nil, grants: ["shop": .dataScientist])
    static let guest = Principal(name: "guest", role: nil, grants: ["shop": .viewer])
    static let stranger = Principal(name: "stranger", role: nil, grants: ["other": .owner])

    /// Midnight of some day; the endpoint's predictions lie around it.
    static let day = Timestamp(milliseconds: 1_496_275_200_000)

    static func hours(_ hours: Double) -> Timestamp { day.adding(seconds: hours * 3600) }

    /// Runs `body` once on each database.
    static func each(_ more: [Migration] = [], _ body: (Fixture) async throws -> Void) async throws {
        let migrations =
            ProjectsFeature.migrations + DatasetsFeature.migrations + PipelinesFeature.migrations
            + MonitoringFeature.migrations + more
        for dialect in TestDatabase.dialects {
            let clock = TestClock(day)
            try await TestPlatform.with(migrations, dialect: dialect, clock: clock.clock) { platform in
                try await body(try await make(platform, clock))
            }
        }
    }

    private static func make(_ platform: Platform, _ clock: TestClock) async throws -> Fixture {
        let projects = ProjectsFeature.make(platform).service
        for name in ["shop", "other"] {
            _ = try await projects.create(name: name, owner: "ada", description: "", goals: [], as: .system)
        }
        let datasets = DatasetsFeature.make(platform).service
        // 1000 rows: price 0 … 99.9, units heavy at zero, shop of three, a gap in every tenth price.
        var rows = "day,price,units,shop,open,tags\n"
        for i in 0..<1000 {
            let price = i % 10 == 9 ? "" : "\(Double(i) / 10)"
            rows += "2017-05-01,\(price),\(i % 4 == 0 ? i % 7 : 0),\(["a", "b", "b", "c"][i % 4]),\(i % 2 == 0),\n"
        }
        _ = try await datasets.append(
            "sales", project: "shop", body: RequestBody(Array(rows.utf8)), format: .csv, encoding: .utf8, key: nil,
            origin: nil, message: "", as: ada)
        let pipelines = PipelinesFeature.make(platform, datasets: datasets).service
        let yaml = "name: retrain\nparams:\n  seed: 1\nsteps:\n  - name: train\n    run: [\"true\"]\n"
        _ = try await pipelines.put(PipelineDefinition(yaml: yaml), project: "shop", as: ada)
        let log = PredictionLog()
        let made = MonitoringFeature.make(
            platform, datasets: datasets, pipelines: pipelines, source: log.source,
            endpointProject: { name, _ in
                guard name == "restock" || name == "foreign" else { throw SlipwayError.notFound(Ref(.endpoint, name)) }
                return name == "restock" ? "shop" : "other"
            })
        return Fixture(
            platform: platform, datasets: datasets, pipelines: pipelines, monitoring: made.service,
            routes: made.feature.routes, log: log,
            clock: clock)
    }

    /// A monitor `m` over one day, with changes.
    @discardableResult
    func put(_ changes: [String: JSONValue] = [:], as principal: Principal = Self.ada) async throws -> Monitor {
        let body: [String: JSONValue] = [
            "endpoint": "restock", "reference": "dataset:sales", "window": ["days": 1], "features": ["price"],
            "minimumRows": 50,
        ]
        return try await monitoring.put(
            "m", MonitorSpec(.object(body.merging(changes) { _, new in new })), project: "shop", as: principal)
    }

    func evaluate(_ hours: Double, as principal: Principal = Self.ada) async throws -> MonitoringService.Evaluation {
        try await monitoring.evaluate("m", at: Self.hours(hours), as: principal)
    }

    /// Predictions at an hour whose prices are spread from 0 to 100, or lie at one place.
    func predict(at hours: Double, rows: Int = 100, price: Double? = nil) {
        log.add(
            at: Self.hours(hours), rows: rows,
            inputs: ["price": .array((0..<rows).map { .number(price ?? Double($0 * 100 / rows)) })],
            outputs: ["y": .array((0..<rows).map { JSONValue($0) })])
    }

    /// Types of the events about the monitor, oldest first.
    func events() async throws -> [String] {
        try await platform.ledger.events(after: 0, .init(subject: Ref(.monitor, "m")), limit: 1000).map(\.type)
    }

    func runs() async throws -> [PipelineRun] {
        try await pipelines.runs(pipeline: "retrain", project: nil, state: nil, PageRequest(), as: .system).items
    }
}

/// A clock that stands until it is moved.
final class TestClock: Sendable {
    private let milliseconds: Mutex<Int64>
    init(_ start: Timestamp) { milliseconds = Mutex(start.milliseconds) }
    var clock: Clock { Clock { Timestamp(milliseconds: self.milliseconds.withLock { $0 }) } }
    func advance(seconds: Int64) { milliseconds.withLock { $0 += seconds * 1000 } }
}

/// Predictions and feedback in memory, by the same rules as Serving's log.
final class PredictionLog: Sendable {
    private let items = Mutex<[LoggedPrediction]>([])
    private let truths = Mutex<[LoggedFeedback]>([])

    func add(at time: Timestamp, rows: Int, inputs: JSONValue, outputs: JSONValue, model: Int = 1) {
        items.withLock { items in
            items.append(
                LoggedPrediction(
                    id: "p\(items.count)", model: Ref(.model, "restock", version: model), time: time, rows: rows,
                    inputs: inputs, outputs: outputs))
        }
    }

    func tell(_ prediction: String, _ values: [JSONValue]) {
        truths.withLock { truths in
            for (row, value) in values.enumerated() {
                truths.append(LoggedFeedback(prediction: prediction, row: row, value: value))
            }
        }
    }

    var source: PredictionSource {
        PredictionSource(
            page: { _, from, to, request in
                let found = self.items.withLock { $0 }.filter { item in
                    item.time < to && (from.map { $0 <= item.time } ?? true)
                }
                let newest = found.sorted { ($0.time, $0.id) > ($1.time, $1.id) }
                let start = Int(request.after?.keys.first?.intValue ?? 0)
                // Small pages, so that tests walk over several.
                let end = min(start + min(request.limit, 3), newest.count)
                return Page(
                    items: Array(newest[start..<end]), next: end < newest.count ? Cursor([.int(Int64(end))]) : nil)
            },
            feedback: { ids in self.truths.withLock { $0 }.filter { ids.contains($0.prediction) } })
    }
}

/// The error as one line; nil when there is none.
func failure(_ body: () async throws -> Void) async -> String? {
    do {
        try await body()
        return nil
    } catch { return (error as? SlipwayError)?.description ?? "\(error)" }
}
