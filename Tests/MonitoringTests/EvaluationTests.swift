import Core
import Database
import Ledger
import Pipelines
import Platform
import TestSupport
import Testing
import Web

@testable import Monitoring

@Suite struct EvaluationTests {
    @Test func `a window is half open and walks over pages`() async throws {
        try await Fixture.each { fixture in
            try await fixture.put()
            for hours in [-25.0, -24, -20, -16, -12, -8, -4, -1, 0, 1] { fixture.predict(at: hours) }
            fixture.log.add(at: Fixture.hours(-2), rows: 10, inputs: ["price": [1]], outputs: [:], model: 2)
            let report = try await fixture.evaluate(0).report
            // From -24 on, without 0; the one with too few values misses nine.
            #expect(
                report.status == .ok && report.findings.rows == 710 && report.findings.predictions == 8
                    && report.findings.from == Fixture.hours(-24)
                    && report.findings.models == ["model:restock@1": 700, "model:restock@2": 10])
            let price = try #require(report.findings.features.first)
            #expect(price.rows == 710 && price.missingRows == 9 && price.referenceMissing == 0.1)
            #expect(try #require(price.psi) < 0.01 && (try #require(price.ks)) < 0.02)
            let byRows = try await fixture.put(["window": ["rows": 250]])
            let newest = try await fixture.evaluate(0).report
            #expect(byRows.version == 2 && newest.findings.rows == 310 && newest.findings.from == Fixture.hours(-8))
        }
    }

    @Test func `all features are those that both sides have`() async throws {
        try await Fixture.each { fixture in
            try await fixture.put(["features": "all", "columns": ["x": ["units", "unknown"]]])
            let units = (0..<100).flatMap { (row: Int) -> [JSONValue] in [JSONValue(row % 4 == 0 ? row % 7 : 0), 99] }
            fixture.log.add(
                at: Fixture.hours(-1), rows: 100,
                inputs: [
                    "x": ["shape": [100, 2], "data": .array(units)],
                    "shop": .array(Array(repeating: "d", count: 100)), "extra": .array(Array(repeating: 1, count: 100)),
                ], outputs: [:])
            let report = try await fixture.evaluate(0).report
            #expect(report.findings.features.map(\.name) == ["shop", "units"])
            #expect(report.findings.features.map(\.unseen) == [100, 0] && report.crossings.map(\.feature) == ["shop"])
            // Named ones are expected: what never comes is missing, and without a threshold on that nothing is fine.
            try await fixture.put(["features": ["price"], "thresholds": ["missing": 0.5]])
            let missing = try await fixture.evaluate(0).report
            #expect(missing.crossings == [Crossing(measure: .missing, feature: "price", value: 0.9, threshold: 0.5)])
            try await fixture.put(["features": ["price", "shop"], "minimumRows": 10, "thresholds": ["psi": 1000]])
            let blind = try await fixture.evaluate(0).report
            #expect(
                blind.status == .insufficientData && blind.findings.absent == ["price"]
                    && blind.findings.note?.hasPrefix(
                        "The predictions have no input named price; they have extra, shop, x[0], x[1]."
                    ) == true)
        }
    }

    @Test func `drift raises an alert that starts the pipeline, once in a while`() async throws {
        try await Fixture.each { fixture in
            let monitor = try await fixture.put([
                "onDrift": ["pipeline": "retrain", "params": ["seed": 7], "minimumSeconds": 86_400]
            ])
            for hours in stride(from: -1.0, to: 60, by: 6) { fixture.predict(at: hours, price: 95) }
            let first = try await fixture.evaluate(0)
            let alert = try #require(first.alert)
            let run = try #require(first.start?.run)
            #expect(first.report.status == .drift && first.start?.state == .started && alert.state == .open)
            let started = try await fixture.pipelines.run(run, as: .system).run
            let cause = try #require(started.cause)
            #expect(
                started.params == ["seed": 7] && started.actor == "monitor-m"
                    && cause == "event:\(first.start?.event ?? "")")
            // The run leads back to the data.
            let sources = try await fixture.platform.ledger.lineage(of: started.ref, .upstream).map(\.source)
            #expect(
                Set(sources).isSuperset(of: [
                    try Ref(parsing: cause), alert.ref, monitor.ref, Ref(.endpoint, "restock"),
                    Ref(.dataset, "sales", version: 1),
                ]))

            // Still drift: the same alert, quiet until the pause is over, and the same moment again changes nothing.
            let later = [
                try await fixture.evaluate(0), try await fixture.evaluate(12), try await fixture.evaluate(23.9),
            ]
            #expect(later.map(\.alert?.id) == [alert.id, alert.id, alert.id] && later.allSatisfy { $0.start == nil })
            let second = try await fixture.evaluate(24)
            #expect(
                second.alert?.id == alert.id && second.start?.state == .started
                    && second.alert?.lastSeen == Fixture.hours(24))
            let backfill = try await fixture.evaluate(6)
            #expect(backfill.report.status == .drift && backfill.alert?.lastSeen == Fixture.hours(24))
            #expect(try await fixture.runs().count == 2)
            #expect(try await fixture.events() == ["monitor.version.created", "monitor.alert", "monitor.alert"])

            // Fine again, then drift within the pause: a new alert, no third run.
            for _ in 0..<20 { fixture.predict(at: 70) }
            let fine = try await fixture.evaluate(80)
            #expect(fine.report.status == .ok && fine.alert == nil)
            #expect(try await fixture.monitoring.alert(alert.id, as: Fixture.guest).state == .resolved)
            for _ in 0..<100 { fixture.predict(at: 84, price: 95) }
            try await fixture.put([
                "onDrift": ["pipeline": "retrain", "params": ["seed": 7], "minimumSeconds": 864_000], "minimumRows": 60,
            ])
            let again = try await fixture.evaluate(90)
            #expect(
                again.alert != nil && again.alert?.id != alert.id && again.start == nil && again.report.version == 2)
            #expect(try await fixture.runs().count == 2)
        }
    }

    /// The pipeline has a trigger of its own on the same event: together they make one run.
    @Test func `no pipeline is started twice for one event`() async throws {
        try await Fixture.each { fixture in
            let yaml =
                "name: retrain\nparams:\n  seed: 1\ntriggers:\n  - event: monitor.alert\n    subject: monitor:m\nsteps:\n  - name: train\n    run: [\"true\"]\n"
            _ = try await fixture.pipelines.put(PipelineDefinition(yaml: yaml), project: "shop", as: Fixture.ada)
            try await fixture.put(["onDrift": ["pipeline": "retrain"]])
            fixture.predict(at: -1, price: 95)
            let start = try #require(try await fixture.evaluate(0).start)
            let subscription = try #require(
                PipelinesFeature.make(fixture.platform, datasets: fixture.datasets).feature.subscriptions.first)
            let event = try #require(
                try await fixture.platform.ledger.events(after: 0, .init(type: "monitor.alert"), limit: 1).first)
            try await subscription.handle(event)
            await fixture.monitoring.carryOut(start)
            #expect(try await fixture.runs().map(\.id) == [start.run])
        }
    }

    @Test func `an alert that somebody has taken on is quiet`() async throws {
        try await Fixture.each { fixture in
            try await fixture.put(["onDrift": ["pipeline": "retrain", "minimumSeconds": 0]])
            fixture.predict(at: -1, price: 95)
            let alert = try #require(try await fixture.evaluate(0).alert)
            #expect(
                await failure {
                    _ = try await fixture.monitoring.acknowledge(alert.id, comment: nil, as: Fixture.guest)
                }?.hasPrefix("forbidden") == true)
            let taken = try await fixture.monitoring.acknowledge(alert.id, comment: "looking", as: Fixture.ada)
            #expect(taken.state == .acknowledged && taken.acknowledgedBy == "ada" && taken.comment == "looking")
            let next = try await fixture.evaluate(1)
            #expect(next.alert?.state == .acknowledged && next.start == nil && next.alert?.lastSeen == Fixture.hours(1))
            // A changed monitor begins anew.
            try await fixture.put(["minimumRows": 10])
            #expect(try await fixture.monitoring.alert(alert.id, as: Fixture.ada).state == .resolved)
            #expect(
                await failure { _ = try await fixture.monitoring.acknowledge(alert.id, comment: nil, as: Fixture.ada) }?
                    .hasPrefix("conflict") == true)
            #expect(
                try await fixture.events() == [
                    "monitor.version.created", "monitor.alert", "monitor.alert.acknowledged", "monitor.alert.resolved",
                    "monitor.version.created",
                ])
        }
    }

    /// The process ended between the commit and the start: the next one carries it out.
    @Test func `a start that was left is carried out`() async throws {
        try await Fixture.each { fixture in
            try await fixture.put(["onDrift": ["pipeline": "retrain"]])
            fixture.predict(at: -1, price: 95)
            let start = try #require(try await fixture.evaluate(0).start)
            try await fixture.platform.database.write { db in
                try db.execute("UPDATE monitor_start SET state = 'requested', run = NULL")
            }
            try await fixture.monitoring.carryOutRequested()
            let alert = try await fixture.monitoring.alert(start.alert, as: Fixture.ada)
            #expect(alert.starts.map(\.run) == [start.run] && alert.starts.map(\.state) == [.started])
            // A pipeline that refuses is not asked again, and the alert says why.
            try await fixture.platform.database.write { db in
                try db.execute(
                    "UPDATE monitor_start SET state = 'requested', run = NULL, params = '{\"sead\":1}', event = 'other'"
                )
            }
            try await fixture.monitoring.carryOutRequested()
            let refused = try #require(try await fixture.monitoring.alert(start.alert, as: Fixture.ada).starts.first)
            #expect(refused.state == .failed && refused.problem?.contains("sead") == true)
        }
    }

    @Test func `feedback is compared with the right column of the right row`() async throws {
        try await Fixture.each { fixture in
            try await fixture.put([
                "minimumRows": 2, "thresholds": ["mae": 1, "pinball": 10],
                "quality": ["output": "y", "column": "q90", "quantile": 0.9],
            ])
            for hours in [-30.0, -2, -1] {
                fixture.log.add(
                    at: Fixture.hours(hours), rows: 2, inputs: ["price": [50, 60]],
                    outputs: [
                        "y": ["shape": [2, 2], "data": [1, 10, 2, 20], "columns": ["q50", "q90"]], "other": [0, 0],
                    ])
            }
            fixture.log.tell("p0", [1000, 1000])
            fixture.log.tell("p1", [11, 18, 5])  // there is no third row
            fixture.log.tell("p2", [10])
            let report = try await fixture.evaluate(0).report
            // Errors -1, 2 and 0.
            let quality = try #require(report.findings.quality)
            #expect(quality.rows == 3 && quality.mae == 1 && report.status == .ok)
            #expect(abs((quality.pinball ?? 0) - 1.1 / 3) < 1e-12 && abs((quality.bias ?? 0) - 1.0 / 3) < 1e-12)
            // The truth comes a day late: the window before is judged.
            try await fixture.put([
                "minimumRows": 2, "thresholds": ["mae": 1],
                "quality": ["output": "y", "column": 0, "delaySeconds": 86_400],
            ])
            let late = try await fixture.evaluate(0).report
            #expect(
                late.crossings == [Crossing(measure: .mae, feature: nil, value: 998.5, threshold: 1)]
                    && late.status == .drift)
            // Without feedback it cannot be told.
            let empty = try await fixture.evaluate(100).report
            #expect(empty.status == .insufficientData && empty.findings.quality?.rows == 0)
        }
    }

    @Test func `labels by the largest score`() async throws {
        try await Fixture.each { fixture in
            try await fixture.put([
                "minimumRows": 2, "thresholds": ["errorRate": 0.4], "quality": ["task": "classification"],
            ])
            fixture.log.add(
                at: Fixture.hours(-1), rows: 2, inputs: ["price": [50, 60]],
                outputs: [
                    "p": ["shape": [2, 3], "data": [0.1, 0.7, 0.2, 0.5, 0.3, 0.2], "columns": ["a", "b", "c"]]
                ])
            fixture.log.tell("p0", ["b", "c"])
            let report = try await fixture.evaluate(0).report
            #expect(report.findings.quality?.errorRate == 0.5 && report.crossings.map(\.measure) == [.errorRate])
        }
    }

    @Test func `the server evaluates by itself`() async throws {
        try await Fixture.each { fixture in
            try await fixture.put(["everySeconds": 3600])
            fixture.predict(at: 0.5)
            try await fixture.monitoring.evaluateDue()
            #expect(try await fixture.monitoring.state("m", as: Fixture.ada).lastStatus == nil)
            // Three hours without a server make one evaluation, not three.
            fixture.clock.advance(seconds: 3 * 3600)
            for _ in 0..<2 { try await fixture.monitoring.evaluateDue() }
            let state = try await fixture.monitoring.state("m", as: Fixture.ada)
            #expect(
                state.lastStatus == .ok && state.lastAt == Fixture.hours(3) && state.nextEvaluation == Fixture.hours(4))
            #expect(
                try await fixture.monitoring.reports("m", status: nil, PageRequest(), as: Fixture.ada).items.count == 1)
        }
    }
}

@Suite struct MonitoringRoutesTests {
    @Test func `over HTTP`() async throws {
        try await Fixture.each { fixture in
            let app = WebApplication.testing(fixture.routes, fixture.platform)
            let body: JSONValue = [
                "endpoint": "restock", "project": "shop", "reference": "dataset:sales@1",
                "features": ["price", "shop"], "window": ["days": 28],
                "thresholds": ["psi": 0.25], "minimumRows": 50, "onDrift": ["pipeline": "retrain"],
            ]
            let put = try await app.ask("PUT", "/api/v1/monitors/restock", body)
            #expect(
                put.status == 200 && put.json["ref"] == "monitor:restock@1" && put.json["builtFrom"]?["rows"] == 1000)
            fixture.predict(at: -1, price: 95)
            let report = try await app.ask("POST", "/api/v1/monitors/restock/evaluate", ["at": "2017-06-01T00:00:00Z"])
            let features = report.json["features"]?.arrayValue ?? []
            #expect(
                report.status == 200 && report.json["status"] == "drift"
                    && features.map { $0["name"] } == ["price", "shop"]
                    && report.json["pipelineStart"]?["state"] == "started"
                    && report.json["at"] == "2017-06-01T00:00:00.000Z")
            #expect((features.first?["psi"]?.doubleValue ?? 0) > 2 && features.last?["psi"]?.isNull == true)
            let id = report.json["id"]?.stringValue ?? ""
            let listed = try await app.ask("GET", "/api/v1/monitors/restock/reports?limit=1")
            let one = try await app.ask("GET", "/api/v1/monitors/restock/reports/\(id)")
            #expect(listed.json["items"]?.arrayValue == [one.json] && one.json["alert"] == report.json["alert"])
            let state = try await app.ask("GET", "/api/v1/monitors/restock")
            #expect(state.json["lastStatus"] == "drift" && state.json["alert"] == report.json["alert"])
            let all = try await app.ask("GET", "/api/v1/monitors?project=shop&endpoint=restock")
            #expect(all.json["items"]?.arrayValue == [state.json])
            let alerts = try await app.ask("GET", "/api/v1/alerts?state=open&monitor=restock")
            let alert = alerts.json["items"]?.arrayValue?.first ?? .null
            #expect(alert["ref"] == report.json["alert"] && alert["pipelineStarts"]?.arrayValue?.count == 1)
            let taken = try await app.ask(
                "POST", "/api/v1/alerts/\(alert["id"]?.stringValue ?? "")/acknowledge", ["comment": "mine"])
            #expect(taken.json["state"] == "acknowledged" && taken.json["comment"] == "mine")
            let reference = try await app.ask("GET", "/api/v1/monitors/restock/reference?version=1")
            #expect(reference.json["features"]?["shop"]?["values"] == ["b", "a", "c"])
            var statuses: [Int] = []
            for (method, target, body) in [
                ("GET", "/api/v1/monitors/nothing", nil), ("GET", "/api/v1/alerts/nothing", nil),
                ("GET", "/api/v1/alerts?state=bad", nil),
                ("GET", "/api/v1/monitors/restock/reports/nothing", nil),
                ("GET", "/api/v1/monitors/restock/reports?status=bad", nil),
                ("POST", "/api/v1/monitors/restock/evaluate", ["at": "yesterday"]),
                ("PUT", "/api/v1/monitors/restock", ["endpoint": "x"]),
                ("POST", "/api/v1/monitors/nothing/evaluate", [:]),
            ] as [(String, String, JSONValue?)] {
                statuses.append(try await app.ask(method, target, body).status)
            }
            #expect(statuses == [404, 404, 400, 404, 400, 400, 400, 404])
        }
    }

    @Test func `listings page and mind the project`() async throws {
        try await Fixture.each { fixture in
            try await fixture.put()
            // Three of one moment lie across a page's end.
            let hours: [Double] = [1, 2, 2, 2, 3]
            for hour in hours { _ = try await fixture.evaluate(hour) }
            var times: [String] = []
            var ids: Set<String> = []
            var request = PageRequest(limit: 2)
            while true {
                let page = try await fixture.monitoring.reports(
                    "m", status: .insufficientData, request, as: Fixture.guest)
                times += page.items.compactMap { $0["at"]?.stringValue }
                ids.formUnion(page.items.compactMap { $0["id"]?.stringValue })
                guard let next = page.next else { break }
                request = PageRequest(limit: 2, after: next)
            }
            #expect(times == hours.reversed().map { Fixture.hours($0).description } && ids.count == 5)
            #expect(
                await failure { _ = try await fixture.monitoring.state("m", as: Fixture.stranger) }?.hasPrefix(
                    "forbidden") == true)
            #expect(
                try await fixture.monitoring.states(project: nil, endpoint: nil, PageRequest(), as: Fixture.stranger)
                    .items.isEmpty)
            #expect(
                await failure { _ = try await fixture.evaluate(1, as: Fixture.guest) }?.hasPrefix("forbidden") == true)
        }
    }
}
