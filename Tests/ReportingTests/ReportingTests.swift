import Core
import Database
import Datasets
import Ledger
import Pipelines
import Platform
import Projects
import Registry
import Tables
import TestSupport
import Testing
import Tracking

@testable import Reporting

private let admin = Principal(name: "ada", role: .admin)

/// Tracking and registry with SQL over both, on each database that can be tested here; experiments in `p` and `q`.
private struct World {
    let tracking: TrackingService
    let reporting: ReportingService
    let p: Experiment
    let q: Experiment

    static func each(_ body: (World) async throws -> Void) async throws {
        let migrations =
            ProjectsFeature.migrations + DatasetsFeature.migrations + TrackingFeature.migrations
            + PipelinesFeature.migrations + RegistryFeature.migrations
        try await TestPlatform.each(migrations) { platform in
            try await platform.database.write { db in
                for name in ["p", "q"] {
                    try db.execute(
                        "INSERT INTO project (name, owner, description, created_ms) VALUES (\(name), 'ada', '', 0)")
                }
            }
            let tracking = TrackingFeature.make(platform)
            let datasets = DatasetsFeature.make(platform)
            let pipelines = PipelinesFeature.make(platform, datasets: datasets.service)
            let registry = RegistryFeature.make(
                platform, datasets: datasets.service, tracking: tracking.service, pipelines: pipelines.service)
            let reporting = ReportingService(platform, tables: tracking.feature.tables + registry.feature.tables)
            try reporting.snapshots.prepare()
            try await body(
                World(
                    tracking: tracking.service, reporting: reporting,
                    p: try await tracking.service.createExperiment(name: "e", project: "p", as: admin),
                    q: try await tracking.service.createExperiment(name: "f", project: "q", as: admin)))
        }
    }

    func run(_ name: String, in experiment: Experiment, started: Int64 = 1000) async throws -> String {
        var draft = RunDraft(experiment: experiment.id, name: name)
        (draft.started, draft.user) = (Timestamp(milliseconds: started), "bo")
        return try await tracking.createRun(draft, as: admin).info.id
    }

    func log(_ run: String, _ points: [(step: Int64, value: Double)], key: String = "loss") async throws {
        try await tracking.log(
            LogBatch(
                metrics: points.map {
                    LoggedMetric(
                        key: key,
                        point: MetricPoint(step: $0.step, time: Timestamp(milliseconds: $0.step), value: $0.value))
                }), run: run, as: admin)
    }

    /// Rows as texts, joined by commas.
    func ask(_ sql: String, _ principal: Principal = admin, project: String? = nil) async throws -> [String] {
        try await reporting.query(
            sql, parameters: [], project: project, limit: 1000, timeoutSeconds: nil, as: principal
        ).rows.map { $0.map { $0.json.stringValue ?? $0.json.canonicalText }.joined(separator: ",") }
    }
}

@Suite struct ReportingTests {
    @Test func `each table has the columns that it says, and what was logged`() async throws {
        try await World.each { world in
            let id = try await world.run("né,'\"", in: world.p)
            try await world.tracking.log(
                LogBatch(params: [KeyValue("lr", "0.1"), KeyValue("none", "")], tags: [KeyValue("t", "x")]), run: id,
                as: admin)
            try await world.log(id, [(1, 0.5), (2, .nan)])
            try await world.tracking.logInputs(
                [DatasetInput(name: "d", digest: "abc", sourceType: "local", source: "s")], run: id, as: admin)
            try await world.tracking.setExperimentTag(KeyValue("k", "v"), on: world.p.id, as: admin)
            let cases = [
                ("SELECT name, project, lifecycle_stage FROM experiments ORDER BY name", ["e,p,active", "f,q,active"]),
                ("SELECT key, value FROM experiment_tags", ["k,v"]),
                (
                    "SELECT run_name, experiment_name, project, user_id, status, epoch_ms(start_time), end_time FROM runs",
                    ["né,'\",e,p,bo,RUNNING,1000,null"]
                ),
                ("SELECT typeof(start_time), run_id = '\(id)' FROM runs", ["TIMESTAMP,true"]),
                ("SELECT key, value FROM params ORDER BY key", ["lr,0.1", "none,"]),
                ("SELECT key, value FROM tags WHERE key NOT LIKE 'mlflow.%'", ["t,x"]),
                ("SELECT key, isnan(value), step, epoch_ms(timestamp) FROM metrics", ["loss,true,2,2"]),
                ("SELECT step, value FROM metric_history WHERE NOT isnan(value)", ["1,0.5"]),
                ("SELECT name, digest, context, source_type, source FROM inputs", ["d,abc,null,local,s"]),
                (
                    "SELECT count(*) FROM logged_models UNION ALL SELECT count(*) FROM registered_models UNION ALL SELECT count(*) FROM model_versions UNION ALL SELECT count(*) FROM model_aliases",
                    ["0", "0", "0", "0"]
                ),
            ]
            for (sql, rows) in cases { #expect(try await world.ask(sql) == rows, "\(sql)") }
            for table in world.reporting.tables {
                let described = try await world.ask("SELECT column_name, column_type FROM (DESCRIBE \(table.name))")
                #expect(described == table.columns.map { "\($0.parquet.name),\($0.parquet.kind.rawValue)" })
            }
        }
    }

    @Test func `a query sees every write that was acknowledged before it`() async throws {
        try await World.each { world in
            var runs: [String] = []
            for index in 0..<3 { runs.append(try await world.run("r\(index)", in: world.p, started: Int64(index))) }
            // Over the 64th batch, where the last points become blocks, with a batch sent twice and one out of order.
            for step in 0..<70 {
                let run = runs[step % 2]
                try await world.log(run, [(Int64(step), Double(step))])
                if step % 10 == 0 { try await world.log(run, [(Int64(step), Double(step))]) }
                let seen = try await world.ask(
                    "SELECT count(*), max(value) FROM metric_history UNION ALL SELECT count(*), max(value) FROM metrics"
                )
                #expect(seen == ["\(step + 1),\(Double(step))", "\(min(step + 1, 2)),\(Double(step))"])
            }
            try await world.log(runs[0], (0..<3).map { (Int64(2 - $0), 7) })
            try await world.tracking.updateRun(runs[0], status: .finished, ended: Timestamp(milliseconds: 9), as: admin)
            try await world.tracking.log(LogBatch(tags: [KeyValue("t", "1")]), run: runs[1], as: admin)
            try await world.tracking.log(LogBatch(tags: [KeyValue("t", "2")]), run: runs[1], as: admin)
            let sql = """
                SELECT r.run_name, r.status, r.lifecycle_stage, count(h.step), any_value(t.value) FROM runs r
                LEFT JOIN metric_history h USING (run_id) LEFT JOIN tags t ON t.run_id = r.run_id AND t.key = 't'
                GROUP BY ALL ORDER BY 1
                """
            #expect(
                try await world.ask(sql) == [
                    "r0,FINISHED,active,38,null", "r1,RUNNING,active,35,2", "r2,RUNNING,active,0,null",
                ])
            var search = RunSearch(experiments: [world.p.id])
            search.filter = try Filter.parse("run_name = 'r0'")
            _ = try await world.tracking.changeRuns(search, .move(to: world.q.id), preview: false, as: admin)
            try await world.tracking.deleteRun(runs[1], as: admin)
            #expect(
                try await world.ask(sql) == [
                    "r0,FINISHED,active,38,null", "r1,RUNNING,deleted,35,2", "r2,RUNNING,active,0,null",
                ])
            #expect(try await world.ask("SELECT count(*) FROM metric_history", project: "p") == ["35"])
            _ = try await world.tracking.purge(
                deletedBefore: Clock.system.now().adding(seconds: 60), project: nil, preview: false, as: admin)
            #expect(try await world.ask(sql) == ["r0,FINISHED,active,38,null", "r2,RUNNING,active,0,null"])
        }
    }

    @Test func `many small segments become one, and none is lost or doubled`() async throws {
        try await World.each { world in
            for index in 0..<24 {
                let run = try await world.run("r", in: world.p)
                try await world.log(run, [(0, Double(index))])
                try await world.tracking.updateRun(run, status: .finished, as: admin)
                let seen = try await world.ask("SELECT count(*), sum(value) FROM metrics")
                #expect(seen == ["\(index + 1),\(Double(index * (index + 1) / 2))"])
            }
        }
    }

    @Test func `nobody sees rows of a project that they may not read`() async throws {
        try await World.each { world in
            for (name, experiment) in [("mine", world.p), ("secret", world.q)] {
                let run = try await world.run(name, in: experiment)
                try await world.log(run, [(1, 1)], key: name)
                try await world.tracking.log(LogBatch(params: [KeyValue(name, "1")]), run: run, as: admin)
            }
            let reader = Principal(name: "bo", role: nil, grants: ["p": .viewer])
            #expect(try await world.ask("SELECT count(*) FROM runs") == ["2"])
            for (sql, rows) in [
                ("SELECT name FROM experiments", ["e"]), ("SELECT run_name FROM runs", ["mine"]),
                ("SELECT key FROM params", ["mine"]), ("SELECT key FROM metrics", ["mine"]),
                ("SELECT key FROM metric_history", ["mine"]),
            ] { #expect(try await world.ask(sql, reader) == rows, "\(sql)") }
            #expect(try await world.ask("SELECT * FROM runs", Principal(name: "cy", role: nil)) == [])
            await #expect(throws: SlipwayError.self) { try await world.ask("SELECT 1", reader, project: "q") }
            await #expect(throws: SlipwayError.self) { try await world.ask("SELECT 1", reader, project: "nowhere") }
            // The engine is told of no other file, and takes no name of one.
            let folder = try await world.reporting.snapshots.files([]).count
            #expect(folder == 0)
            for sql in [
                "SELECT * FROM read_parquet('\(world.reporting.snapshots.folder)/*.parquet')",
                "SELECT * FROM '\(world.reporting.snapshots.folder)/runs.parquet'", "SELECT * FROM glob('/etc/*')",
                "SELECT getenv('HOME')", "SET threads = 1", "ATTACH '/tmp/x.db'", "COPY runs TO '/tmp/x.csv'",
                "INSERT INTO runs SELECT * FROM runs", "SELECT 1; SELECT 2", "SELECT * FROM duckdb_settings()",
                "SELECT * FROM sqlite_master", "SELECT nothing FROM runs", "SELEC 1",
            ] { await #expect(throws: SlipwayError.self, "\(sql)") { try await world.ask(sql) } }
        }
    }

    @Test func `the tables that a query may use are found in its words`() {
        let tables = RunTableNames.all
        for (sql, names) in [
            ("SELECT * FROM runs", ["runs"]), ("select * from \"RUNS\" r,params", ["runs", "params"]),
            ("SELECT 1", []), ("FROM myruns", []), ("FROM U&\"r\\0075ns\"", ["runs", "params"]),
        ] { #expect(ReportingService.mentioned(tables, in: sql).map(\.name) == names, "\(sql)") }
    }
}

private enum RunTableNames {
    static let all = ["runs", "params"].map { SQLTable($0, "", .signedIn, [], .whole { _, _, _ in }) }
}
