import Core
import Database
import Objects
import Platform
import TestSupport
import Testing
import Tracking

@testable import Traces

@Suite struct TraceTests {
    @Test func `spans make a trace, whenever they come`() async throws {
        try await TraceWorld.each { world in
            let usage = Attribute(
                "mlflow.chat.tokenUsage",
                .map([
                    Attribute("input_tokens", .int(3)), Attribute("output_tokens", .int(4)),
                    Attribute("total_tokens", .int(7)),
                ]))
            let input = Attribute("mlflow.spanInputs", .map([Attribute("q", .text("why")), Attribute("n", .int(1))]))
            // The children first, as exporters send them; the root counts for those below it.
            try await world.ingest(
                [span(1, 2, parent: 1, "inner", start: 2, [usage, Attribute("session.id", .text("s9"))])],
                resource: [
                    Attribute("service.name", .text("shop")), Attribute("telemetry.sdk.name", .text("x")),
                    Attribute("mlflow.trace.spansLocation", .text("elsewhere")),
                ])
            let partial = try await world.traces.info(traceID(1), as: admin)
            #expect(partial.state == .inProgress && partial.started.milliseconds == 2000)
            try await world.ingest([span(1, 1, "outer", start: 1, seconds: 4, [input, usage], status: .error)])
            // Once more, as clients do that got no answer.
            try await world.ingest([span(1, 2, parent: 1, "inner", start: 2, [usage])])
            let trace = try await world.traces.trace(traceID(1), allowPartial: false, as: admin)
            #expect(trace.info.state == .error && trace.info.started.milliseconds == 1000)
            #expect(trace.info.durationMilliseconds == 4000)
            #expect(trace.info.requestPreview == #"{"q": "why", "n": 1}"#)
            #expect(
                trace.info.tags.map { "\($0.key)=\($0.value)" } == [
                    "mlflow.artifactLocation=mlflow-artifacts:/\(world.experiment)/traces/\(traceID(1))/artifacts",
                    "mlflow.trace.spansLocation=TRACKING_STORE", "service.name=shop",
                ])
            #expect(
                trace.info.metadata.map { "\($0.key)=\($0.value)" } == [
                    "mlflow.trace.session=s9",
                    #"mlflow.trace.tokenUsage={"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}"#,
                ])
            #expect(trace.spans.map(\.name) == ["outer", "inner"])
            var draft = TraceDraft(
                id: traceID(1), experiment: world.experiment, started: Timestamp(milliseconds: 500), state: .ok)
            draft.tags = [KeyValue("mlflow.traceName", "n"), KeyValue("mlflow.artifactLocation", "file:///etc")]
            draft.metadata = [KeyValue("mlflow.trace.tokenUsage", "{}")]
            let whole = try await world.traces.start(draft, as: admin)
            #expect(whole.state == .ok && whole.started.milliseconds == 500 && whole.metadata.first?.value == "true")
            #expect(whole.requestPreview == #"{"q": "why", "n": 1}"# && whole.tags.count == 4)
            // What was said of the whole trace counts more than what spans tell.
            try await world.ingest([span(1, 3, parent: 1, "late", start: 9, [usage])])
            let last = try await world.traces.info(traceID(1), as: admin)
            #expect(last.started.milliseconds == 500 && last.metadata.last?.value == "{}")
        }
    }

    @Test func `searches`() async throws {
        try await TraceWorld.each { world in
            let run = try await world.tracking.createRun(RunDraft(experiment: world.experiment), as: admin).info.id
            try await world.ingest([
                span(1, 1, "root", [Attribute("mlflow.spanType", .text("CHAIN")), Attribute("a", .int(1))]),
                span(1, 2, parent: 1, "find", [Attribute("mlflow.spanType", .text("TOOL")), Attribute("a", .int(2))]),
            ])
            try await world.ingest(
                [span(2, 1, "Root", start: 5, [Attribute("b", .text("50%"))], status: .error)], run: run)
            try await world.ingest([span(3, 1, "x", start: 3, seconds: 9)])
            try await world.traces.setTag(KeyValue("team", "a"), on: traceID(1), as: admin)
            try await world.traces.setTag(KeyValue("mlflow.traceName", "one"), on: traceID(1), as: admin)
            try await world.traces.link(prompts: ["p/1"], to: traceID(3), as: admin)
            for (trace, value) in [(1, JSONValue.number(0.5)), (2, .bool(true)), (3, .string("yes"))] {
                let draft = AssessmentDraft(name: "good", kind: .feedback, value: value, sourceType: "CODE")
                _ = try await world.traces.assess(traceID(trace), draft, as: admin)
            }
            let cases: [(String, [String], [String])] = [
                ("", [], ["2", "3", "1"]), ("", ["execution_time DESC", "timestamp"], ["3", "1", "2"]),
                ("", ["tags.team"], ["1", "2", "3"]), ("status = 'ERROR'", [], ["2"]),
                ("trace.status IN ('OK', 'ERROR') AND timestamp_ms > 2000", [], ["2", "3"]),
                ("end_time >= 12000", [], ["3"]), ("name = 'one'", [], ["1"]), ("name IS NULL", [], ["2", "3"]),
                ("request_id = '\(traceID(3))'", [], ["3"]), ("tags.team = 'a'", [], ["1"]),
                ("tags.team != 'a'", [], []), ("tags.team IS NULL", [], ["2", "3"]),
                ("span.name = 'Root'", [], ["2"]), ("span.name ILIKE 'ROOT'", [], ["2", "1"]),
                ("span.type = 'TOOL'", [], ["1"]),
                // Of one span.
                ("span.type = 'TOOL' AND span.name = 'root'", [], []),
                ("span.type = 'TOOL' OR span.name = 'x'", [], ["3", "1"]),
                ("span.attributes.a = '2'", [], ["1"]), ("span.attributes.b LIKE '50%'", [], ["2"]),
                ("span.attributes.b IS NOT NULL", [], ["2"]), ("trace.text LIKE '%50%'", [], ["2"]),
                ("run_id = '\(run)'", [], ["2"]), ("prompt = 'p/1'", [], ["3"]), ("feedback.good > 0.4", [], ["1"]),
                ("feedback.good = 'true'", [], ["2"]), ("feedback.good = 'yes'", [], ["3"]),
                ("feedback.other IS NULL AND feedback.good != 'yes'", [], ["2", "1"]),
                ("expectation.good IS NOT NULL", [], []),
            ]
            var seen: [String] = []
            for (filter, order, _) in cases {
                seen.append("\(filter) \(order) \(try await world.found(filter, order: order))")
            }
            #expect(seen == cases.map { "\($0.0) \($0.1) \($0.2)" })
            for filter in ["bogus = 'x'", "status > 'OK'", "span.nope = 'x'", "prompt = 'p'", "feedback.good LIKE 1"] {
                #expect(await failure { _ = try await world.found(filter) }?.code == .invalid, "\(filter)")
            }
            for order in [[], ["execution_time DESC"]] {
                var search = TraceSearch(experiments: [world.experiment])
                search.limit = 2
                search.order = try order.map { try SortTerm(parsing: $0) }
                let first = try await world.traces.search(search, as: admin)
                search.after = first.next
                let second = try await world.traces.search(search, as: admin)
                #expect(Set((first.items + second.items).map(\.id)).count == 3 && second.next == nil)
            }
        }
    }

    @Test func `large spans are objects, which go with their trace`() async throws {
        try await TraceWorld.each { world in
            let text = String(repeating: "long ", count: 40_000)
            try await world.ingest([
                span(1, 1, "root", [Attribute("note", .text("short")), Attribute("mlflow.spanInputs", .text(text))])
            ])
            let trace = try await world.traces.trace(traceID(1), as: admin)
            #expect(try trace.spans[0].attributes["mlflow.spanInputs"] == .text(text))
            #expect(try await world.found("span.attributes.note = 'short' AND trace.text LIKE '%long long%'") == ["1"])
            func collected() async throws -> [Int] {
                let report = try await world.platform.objects.collectGarbage(
                    in: world.platform.database, graceSeconds: 0, dryRun: false, now: .init(milliseconds: 1 << 50))
                return [report.examined, report.removed]
            }
            #expect(try await collected() == [1, 0])
            #expect(try await world.traces.delete(experiment: world.experiment, ids: [traceID(1)], as: admin) == 1)
            #expect(try await collected() == [1, 1])
            let tables = ["trace", "trace_span", "trace_tag", "trace_metadata", "trace_link", "trace_assessment"]
            for table in tables {
                let rows = try await world.platform.database.read { db in
                    try db.one("SELECT count(*) FROM \(SQL(stringLiteral: table))") { try $0.int(0) }
                }
                #expect(rows == 0, "\(table)")
            }
        }
    }

    @Test func `traces follow their experiment`() async throws {
        try await TraceWorld.each { world in
            for trace in 1...3 { try await world.ingest([span(trace, 1, start: Int64(trace))]) }
            let outsider = Principal(name: "eve", role: nil, grants: ["q": .owner])
            let reader = Principal(name: "bob", role: nil, grants: ["p": .viewer])
            let code: (ErrorCode?) -> String = { $0?.rawValue ?? "ok" }
            var seen: [String] = []
            for principal in [outsider, reader] {
                let service = world.traces
                let draft = AssessmentDraft(name: "a", kind: .feedback, value: 1, sourceType: "CODE")
                var whole = TraceDraft(
                    id: traceID(1), experiment: world.experiment, started: Timestamp(milliseconds: 0), state: .ok)
                whole.tags = [KeyValue("x", "y")]
                let start = whole
                let calls: [() async throws -> Void] = [
                    { _ = try await service.info(traceID(1), as: principal) },
                    { _ = try await service.trace(traceID(1), as: principal) },
                    { _ = try await service.assess(traceID(1), draft, as: principal) },
                    { _ = try await service.start(start, as: principal) },
                    { try await service.setTag(KeyValue("a", "b"), on: traceID(1), as: principal) },
                    { try await service.link(prompts: ["p/1"], to: traceID(1), as: principal) },
                    { _ = try await service.delete(experiment: world.experiment, ids: ["x"], as: principal) },
                    {
                        _ = try await service.ingest(
                            [ResourceSpans(spans: [span(1, 2)])], experiment: world.experiment, as: principal)
                    },
                ]
                var codes: [String] = []
                for call in calls { codes.append(code(await failure(call)?.code)) }
                let search = TraceSearch(experiments: [world.experiment])
                let count = try await service.search(search, as: principal).items.count
                let batch = try await service.infos([traceID(1)], as: principal).count
                seen.append("\(codes.joined(separator: " ")) \(count) \(batch)")
            }
            #expect(
                seen == [
                    "forbidden forbidden forbidden forbidden forbidden forbidden forbidden forbidden 0 0",
                    "ok ok forbidden forbidden forbidden forbidden forbidden forbidden 3 1",
                ])
            // Deleted with its experiment, and back with it.
            try await world.tracking.deleteExperiment(world.experiment, as: admin)
            #expect(await failure { _ = try await world.traces.info(traceID(1), as: admin) }?.code == .notFound)
            #expect(try await world.found("") == [])
            #expect(await failure { try await world.ingest([span(4, 1)]) }?.code == .conflict)
            try await world.tracking.restoreExperiment(world.experiment, as: admin)
            // The oldest first.
            let deleted = try await world.traces.delete(
                experiment: world.experiment, until: Timestamp(milliseconds: 2500), limit: 1, as: admin)
            #expect(try await world.found("") == ["3", "2"] && deleted == 1)
            let more = try await world.traces.delete(
                experiment: world.experiment, until: Timestamp(milliseconds: 2500), as: admin)
            #expect(try await world.found("") == ["3"] && more == 1)
        }
    }
}
