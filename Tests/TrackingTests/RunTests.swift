import Core
import Database
import Ledger
import Testing

@testable import Tracking

@Suite struct RunTests {
    @Test func `a run's life, and what the ledger says of it`() async throws {
        try await withTracking { service, experiment in
            let run = try await service.makeRun(experiment, "first", started: 1000)
            try await service.updateRun(run, status: .running, as: admin)
            let ended = Timestamp(milliseconds: 2000)
            let info = try await service.updateRun(run, status: .failed, ended: ended, name: "renamed", as: admin)
            #expect(
                [info.name, info.status.rawValue, info.ended?.description] == ["renamed", "FAILED", ended.description])
            try await service.updateRun(run, status: .failed, as: admin)
            try await service.deleteRun(run, as: admin)
            #expect(
                await failure { try await service.log(LogBatch(metrics: [logged("m", 0, 1)]), run: run, as: admin) }?
                    .code == .conflict)
            try await service.deleteRun(run, as: admin)
            try await service.restoreRun(run, as: admin)
            let shown = try await service.run(run, as: admin)
            #expect(shown.tags == [KeyValue("mlflow.runName", "renamed")])
            #expect(shown.info.artifactLocation == "mlflow-artifacts:/\(experiment.id)/\(run)/artifacts")
            #expect(
                try await service.eventTypes().suffix(4) == [
                    "run.created", "run.finished", "run.deleted", "run.restored",
                ])
            #expect(try await service.ledger.verify().firstFault?.sequence == nil)
        }
    }

    @Test func `names are invented, taken from the tag, and follow it`() async throws {
        try await withTracking { service, experiment in
            let invented = try await service.createRun(RunDraft(experiment: experiment.id), as: admin)
            #expect(invented.info.name.split(separator: "-").count == 3)
            var draft = RunDraft(experiment: experiment.id)
            draft.tags = [KeyValue("mlflow.runName", "tagged")]
            let tagged = try await service.createRun(draft, as: admin).info
            #expect(tagged.name == "tagged")
            try await service.log(LogBatch(tags: [KeyValue("mlflow.runName", "again")]), run: tagged.id, as: admin)
            #expect(try await service.runInfo(tagged.id, as: admin).name == "again")
            draft.name = "other"
            #expect(await failure { _ = try await service.createRun(draft, as: admin) }?.code == .invalid)
        }
    }

    @Test func `a batch is stored whole or not at all`() async throws {
        try await withTracking { service, experiment in
            let run = try await service.makeRun(experiment)
            try await service.log(
                LogBatch(
                    metrics: [logged("m", 0, 1)], params: [KeyValue("p", "1"), KeyValue("q", "")],
                    tags: [KeyValue("t", "a"), KeyValue("t", "b")]),
                run: run, as: admin)
            let clash = await failure {
                try await service.log(
                    LogBatch(
                        metrics: [logged("m", 1, 2)], params: [KeyValue("p", "2"), KeyValue("r", "3")],
                        tags: [KeyValue("t", "c")]),
                    run: run, as: admin)
            }
            #expect(clash?.code == .conflict && clash?.details["field"] == "p")
            try await service.log(LogBatch(params: [KeyValue("p", "1")]), run: run, as: admin)
            let data = try await service.run(run, as: admin)
            #expect(data.metric("m") == 1)
            #expect(data.params == [KeyValue("p", "1"), KeyValue("q", "")])
            #expect(data.tags.map["t"] == "b")
            try await service.deleteTag("t", run: run, as: admin)
            #expect(await failure { try await service.deleteTag("t", run: run, as: admin) }?.code == .notFound)
        }
    }

    private static let batches: [(LogBatch, Bool)] = [
        (LogBatch(metrics: [logged("", 0, 1)]), false), (LogBatch(metrics: [logged("a//b", 0, 1)]), false),
        (LogBatch(metrics: [logged("../a", 0, 1)]), false), (LogBatch(metrics: [logged("a;b", 0, 1)]), false),
        (LogBatch(metrics: [logged("m", 0, 1, time: -1)]), false),
        (LogBatch(metrics: [logged(String(repeating: "k", count: 251), 0, 1)]), false),
        (LogBatch(metrics: (0..<1001).map { logged("m", $0, 1) }), false),
        (LogBatch(params: (0..<101).map { KeyValue("p\($0)", "") }), false),
        (LogBatch(params: [KeyValue("p", "1"), KeyValue("p", "1")]), false),
        (
            LogBatch(metrics: (0..<950).map { logged("m", $0, 1) }, params: (0..<60).map { KeyValue("p\($0)", "") }),
            false
        ),
        (LogBatch(metrics: [logged("Fehler Größe: a/b.c-d_e", -3, 1)], tags: [KeyValue("日本", "")]), true),
    ]

    @Test func `rules of what is logged`() {
        for (index, (batch, isFine)) in Self.batches.enumerated() {
            #expect(((try? TrackingRules.checked(batch, isSingle: false)) != nil) == isFine, "batch \(index)")
        }
    }

    @Test func `long values are cut`() throws {
        let long = String(repeating: "ü", count: 9000)
        let cut = try TrackingRules.checked(
            LogBatch(params: [KeyValue("p", long)], tags: [KeyValue("t", long)]), isSingle: false)
        #expect([cut.params[0].value.count, cut.tags[0].value.count] == [6000, 8000])
    }

    @Test func `datasets and models that a run uses and makes join its lineage`() async throws {
        try await withTracking { service, experiment in
            let run = try await service.makeRun(experiment)
            let sales = DatasetInput(
                name: "sales", digest: "abc", sourceType: "http", source: #"{"uri": "slipway://dataset:sales@3"}"#,
                schema: "{}",
                tags: [KeyValue("mlflow.data.context", "training")])
            let other = DatasetInput(
                name: "other", digest: "def", sourceType: "http", source: "https://example.invalid/x.csv")
            try await service.logInputs([sales, other], run: run, as: admin)
            try await service.logInputs([sales], run: run, as: admin)
            var draft = LoggedModelDraft(experiment: experiment.id, name: "m")
            draft.sourceRun = run
            let model = try await service.createLoggedModel(draft, as: admin)
            try await service.logOutputs([ModelOutput(model: model.id, step: 2)], run: run, as: admin)
            let shown = try await service.run(run, as: admin)
            #expect(shown.datasets == [sales, other])
            #expect(shown.modelOutputs == [ModelOutput(model: model.id, step: 2)])
            let edges = try await service.ledger.lineage(of: model.ref, .upstream)
            #expect(
                edges == [
                    LineageEdge(source: Ref(.run, run), target: model.ref, relation: "logged-by"),
                    LineageEdge(
                        source: Ref(.dataset, "sales", version: 3), target: Ref(.run, run), relation: "trained-on"),
                ])
            let summaries = try await service.datasets(of: [experiment.id], as: admin)
            #expect(summaries.map { "\($0.name) \($0.context ?? "-")" } == ["other -", "sales training"])
        }
    }

    @Test func `nobody reads or writes another project's runs`() async throws {
        try await withTracking { service, experiment in
            let run = try await service.makeRun(experiment)
            let stranger = Principal(name: "eve", role: nil, grants: ["q": .owner])
            let viewer = Principal(name: "vic", role: nil, grants: ["p": .viewer])
            let maker = Principal(
                name: "max", role: nil, grants: ["p": .dataScientist], scopes: ["runs.read", "runs.write"])
            var codes: [String] = []
            for principal in [stranger, viewer, maker] {
                codes.append(await failure { _ = try await service.run(run, as: principal) }?.code.rawValue ?? "read")
                codes.append(
                    await failure {
                        try await service.log(LogBatch(tags: [KeyValue("t", "x")]), run: run, as: principal)
                    }?.code.rawValue ?? "written")
                codes.append(
                    try await service.searchExperiments(ExperimentSearch(), as: principal).items.map(\.name).joined(
                        separator: ","))
                codes.append(
                    String(
                        try await service.searchRuns(RunSearch(experiments: [experiment.id]), as: principal).items.count
                    ))
            }
            #expect(
                codes == [
                    "forbidden", "forbidden", "", "0", "read", "forbidden", "e", "1", "read", "written", "e", "1",
                ])
        }
    }
}
