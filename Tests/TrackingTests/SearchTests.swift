import Core
import Testing

@testable import Tracking

@Suite struct SearchTests {
    /// Runs r0 to r5: rmse = i/10 (NaN for r5), params, tags and statuses that differ.
    private func withRuns(_ body: (TrackingService, Experiment) async throws -> Void) async throws {
        try await withTracking { service, experiment in
            for i in 0..<6 {
                let run = try await service.makeRun(experiment, "r\(i)", started: 1000 + Int64(i))
                var metrics = [logged("rmse", 0, i == 5 ? .nan : Double(i) / 10)]
                if i % 2 == 0 { metrics.append(logged("only even", 0, Double(i))) }
                try await service.log(
                    LogBatch(
                        metrics: metrics, params: [KeyValue("model", i % 2 == 0 ? "tree" : "Linear_*[x]")],
                        tags: [KeyValue("stage", i < 2 ? "prod" : "dev")]),
                    run: run, as: admin)
                if i == 4 {
                    try await service.updateRun(run, status: .failed, ended: Timestamp(milliseconds: 5000), as: admin)
                }
            }
            let data = DatasetInput(
                name: "sales", digest: "d1", sourceType: "s", source: "",
                tags: [KeyValue("mlflow.data.context", "training")])
            let ids = try await service.searchRuns(RunSearch(experiments: [experiment.id]), as: admin).items.map(
                \.info.id)
            try await service.logInputs([data], run: ids[5], as: admin)
            try await body(service, experiment)
        }
    }

    @Test func filters() async throws {
        let cases = [
            ("", "r5 r4 r3 r2 r1 r0"), ("metrics.rmse < 0.3", "r2 r1 r0"),
            ("metrics.rmse >= 0.1 AND metric.rmse <= 0.3", "r3 r2 r1"),
            ("metrics.rmse != 0.2", "r5 r4 r3 r1 r0"), ("metrics.rmse = 0", "r0"), ("metrics.`only even` > 0", "r4 r2"),
            ("params.model = 'tree' OR metrics.rmse = 0.3", "r4 r3 r2 r0"), ("NOT (params.model = 'tree')", "r5 r3 r1"),
            ("params.model LIKE 'Lin%'", "r5 r3 r1"), ("params.model LIKE 'lin%'", ""),
            ("params.model ILIKE 'lin%'", "r5 r3 r1"),
            ("params.model LIKE 'Linear__[x]'", "r5 r3 r1"), ("params.model LIKE '%*%'", "r5 r3 r1"),
            ("params.model LIKE 'tr?e'", ""),
            ("params.model LIKE '%\\%'", ""), ("param.model IN ('tree', 'x')", "r4 r2 r0"),
            ("parameters.model != 'tree'", "r5 r3 r1"),
            ("tags.stage = 'prod' and metrics.rmse < 0.1", "r0"),
            ("tags.absent IS NULL and tags.stage IS NOT NULL", "r5 r4 r3 r2 r1 r0"),
            ("status = 'FAILED'", "r4"), ("attributes.run_name IN ('r1', 'r3')", "r3 r1"),
            ("run_name LIKE 'r_'", "r5 r4 r3 r2 r1 r0"),
            ("start_time > 1003", "r5 r4"), ("attr.end_time >= 4999.5", "r4"), ("tags.`mlflow.runName` = 'r2'", "r2"),
            ("dataset.name = 'sales' AND dataset.context LIKE 'train%'", "r0"), ("datasets.digest = 'd2'", ""),
            ("metrics.unknown > 0", ""), ("metrics.unknown IS NULL AND metrics.`only even` IS NOT NULL", "r4 r2 r0"),
        ]
        try await withRuns { service, experiment in
            for (filter, names) in cases {
                var search = RunSearch(experiments: [experiment.id, "77777"])
                search.filter = try Filter.parse(filter)
                let found = try await service.searchRuns(search, as: admin).items.map(\.info.name).joined(
                    separator: " ")
                #expect(found == names, "\(filter)")
            }
        }
    }

    @Test func orders() async throws {
        let cases = [
            ("metrics.rmse", "r0 r1 r2 r3 r4 r5"), ("metrics.rmse DESC", "r4 r3 r2 r1 r0 r5"),
            ("metrics.`only even` DESC, start_time ASC", "r4 r2 r0 r1 r3 r5"),
            ("params.model, metrics.rmse DESC", "r3 r1 r5 r4 r2 r0"),
            ("tags.stage DESC, attributes.run_name", "r0 r1 r2 r3 r4 r5"), ("end_time", "r4 r5 r3 r2 r1 r0"),
            ("start_time DESC", "r5 r4 r3 r2 r1 r0"), ("metrics.unknown", "r5 r4 r3 r2 r1 r0"),
        ]
        try await withRuns { service, experiment in
            for (order, names) in cases {
                for limit in [2, 1000] {
                    var search = RunSearch(experiments: [experiment.id])
                    search.order = try order.split(separator: ",").map { try SortTerm(parsing: String($0)) }
                    search.limit = limit
                    var found: [String] = []
                    repeat {
                        let page = try await service.searchRuns(search, as: admin)
                        found += page.items.map(\.info.name)
                        search.after = page.next
                    } while search.after != nil
                    #expect(found.joined(separator: " ") == names, "\(order), \(limit) a page")
                }
            }
        }
    }

    @Test(arguments: [
        "metrics.rmse = 'x'", "metrics.rmse LIKE 'x'", "params.p > 'a'", "params.p = 3", "nonsense.x = 1",
        "nonsense = 1",
        "dataset.x = 'a'", "start_time = 'a'",
    ]) func `refused filters`(text: String) async throws {
        try await withTracking { service, experiment in
            var search = RunSearch(experiments: [experiment.id])
            search.filter = try Filter.parse(text)
            let refused = search
            #expect(await failure { _ = try await service.searchRuns(refused, as: admin) }?.code == .invalid)
        }
    }

    @Test func experiments() async throws {
        try await withTracking { service, first in
            for (name, team) in [("alpha", "a"), ("beta", "b"), ("Alpine", "a")] {
                _ = try await service.createExperiment(
                    name: name, project: "p", tags: [KeyValue("team", team)], as: admin)
            }
            try await service.deleteExperiment(first.id, as: admin)
            func names(_ filter: String, _ order: String = "name", _ view: LifecycleView = .active) async throws
                -> [String]
            {
                var search = ExperimentSearch()
                search.filter = try Filter.parse(filter)
                search.order = [try SortTerm(parsing: order)]
                search.view = view
                search.limit = 2
                var found: [String] = []
                repeat {
                    let page = try await service.searchExperiments(search, as: admin)
                    found += page.items.map(\.name)
                    search.after = page.next
                } while search.after != nil
                return found
            }
            #expect(try await names("name LIKE 'al%'") == ["alpha"])
            #expect(Set(try await names("name ILIKE 'al%'")) == ["alpha", "Alpine"])
            #expect(Set(try await names("tags.team = 'a' AND project = 'p'")) == ["alpha", "Alpine"])
            #expect(try await names("tags.team IS NULL", "experiment_id", .all) == ["Default", "e"])
            #expect(try await names("", "experiment_id DESC") == ["Alpine", "beta", "alpha", "Default"])
            #expect(try await names("", "name", .deleted) == ["e"])
        }
    }

    @Test func `an experiment's life`() async throws {
        try await withTracking { service, experiment in
            let run = try await service.makeRun(experiment)
            #expect(
                await failure { _ = try await service.createExperiment(name: "e", project: "p", as: admin) }?.code
                    == .conflict)
            #expect(
                await failure { _ = try await service.createExperiment(name: "x", project: "nowhere", as: admin) }?.code
                    == .notFound)
            #expect(
                await failure { try await service.renameExperiment(experiment.id, to: "Default", as: admin) }?.code
                    == .conflict)
            try await service.renameExperiment(experiment.id, to: "renamed", as: admin)
            try await service.setExperimentTag(KeyValue("k", "v"), on: experiment.id, as: admin)
            try await service.deleteExperiment(experiment.id, as: admin)
            #expect(try await service.runInfo(run, as: admin).lifecycle == .deleted)
            #expect(await failure { try await service.deleteExperiment(experiment.id, as: admin) }?.code == .notFound)
            #expect(await failure { _ = try await service.makeRun(experiment) }?.code == .conflict)
            try await service.restoreExperiment(experiment.id, as: admin)
            let shown = try await service.experiment(experiment.id, as: admin)
            #expect([shown.name, shown.lifecycle.rawValue, shown.tags.map["k"]] == ["renamed", "active", "v"])
            #expect(try await service.runInfo(run, as: admin).lifecycle == .active)
            #expect(try await service.ensureExperiment(named: "renamed", project: "p", as: admin).id == experiment.id)
            #expect(try await service.ensureExperiment(named: "made", project: "p", as: admin).project == "p")
            #expect(
                await failure { _ = try await service.ensureExperiment(named: "Default", project: "p", as: admin) }?
                    .code == .conflict)
        }
    }

    @Test func `logged models`() async throws {
        try await withTracking { service, experiment in
            let run = try await service.makeRun(experiment)
            var ids: [String] = []
            for i in 0..<3 {
                var draft = LoggedModelDraft(experiment: experiment.id, name: "model\(i)")
                draft.params = [KeyValue("depth", String(i))]
                draft.tags = [KeyValue("stage", i == 0 ? "prod" : "dev")]
                let model = try await service.createLoggedModel(draft, as: admin)
                ids.append(model.id)
                for (step, dataset) in ["train", "test"].enumerated() {
                    let subject = LoggedMetric.Subject(model: model.id, datasetName: dataset, datasetDigest: "d")
                    let metric = LoggedMetric(
                        key: "rmse", point: point(Int64(step), Int64(step), Double(step * 10 + i)), subject: subject)
                    try await service.log(LogBatch(metrics: [metric]), run: run, as: admin)
                    try await service.log(LogBatch(metrics: [metric]), run: run, as: admin)
                }
            }
            func names(_ filter: String, _ order: [LoggedModelSearch.Order] = [], on datasets: [String] = [])
                async throws -> String
            {
                var search = LoggedModelSearch(experiments: [experiment.id])
                search.filter = try Filter.parse(filter)
                search.order = order
                search.datasets = datasets.map { .init(name: $0, digest: nil) }
                return try await service.searchLoggedModels(search, as: admin).items.map(\.name).sorted().joined(
                    separator: " ")
            }
            #expect(try await names("metrics.rmse > 11") == "model2")
            #expect(try await names("metrics.rmse > 1", on: ["train"]) == "model2")
            #expect(try await names("", on: ["nowhere"]) == "")
            #expect(try await names("params.depth = '1' AND tags.stage = 'dev'") == "model1")
            #expect(try await names("name LIKE 'model%' AND status = 'PENDING'") == "model0 model1 model2")
            var ordered = LoggedModelSearch(experiments: [experiment.id])
            ordered.order = [
                .init(SortTerm(FilterField(entity: "metrics", key: "rmse"), descending: true), datasetName: "train")
            ]
            ordered.limit = 2
            let page = try await service.searchLoggedModels(ordered, as: admin)
            ordered.after = page.next
            let rest = try await service.searchLoggedModels(ordered, as: admin)
            #expect((page.items + rest.items).map(\.name) == ["model2", "model1", "model0"])

            let ready = try await service.finalizeLoggedModel(ids[0], status: .ready, as: admin)
            #expect(ready.metrics.map(\.point.value) == [0, 10] && ready.status == .ready)
            _ = try await service.finalizeLoggedModel(ids[0], status: .ready, as: admin)
            try await service.setLoggedModelTags([KeyValue("stage", "old"), KeyValue("x", "1")], on: ids[0], as: admin)
            try await service.deleteLoggedModelTag("x", on: ids[0], as: admin)
            try await service.deleteLoggedModel(ids[1], as: admin)
            #expect(await failure { _ = try await service.loggedModel(ids[1], as: admin) }?.code == .notFound)
            #expect(try await service.loggedModel(ids[1], includingDeleted: true, as: admin).lifecycle == .deleted)
            #expect(try await service.loggedModel(ids[0], as: admin).tags == [KeyValue("stage", "old")])
            #expect(
                try await service.eventTypes().filter { $0.hasPrefix("model.") } == ["model.logged", "model.deleted"])
        }
    }
}
