import Core
import Testing
import Web

@testable import Tracking

@Suite struct CareTests {
    @Test func `bulk changes do what their preview says`() async throws {
        try await withTracking { service, experiment in
            let target = try await service.createExperiment(name: "a/b/target", project: "p", as: admin)
            var ids: [String] = []
            for index in 0..<3 {
                let id = try await service.makeRun(experiment, "r\(index)", started: Int64(index))
                try await service.log(
                    LogBatch(metrics: [logged("loss", 0, Double(index)), logged("loss", 1, .nan)]), run: id, as: admin)
                try await service.logInputs(
                    [DatasetInput(name: "d", digest: "x", sourceType: "local", source: "s")], run: id, as: admin)
                ids.append(id)
            }
            var search = RunSearch(experiments: [experiment.id])
            search.filter = try Filter.parse("run_name != 'r0'")
            let wanted = search
            func change(_ action: BulkAction, preview: Bool = false) async throws -> [Int] {
                let outcome = try await service.changeRuns(wanted, action, preview: preview, as: admin)
                return [outcome.matched, outcome.changed]
            }
            let byPath = try RelativePath(parsing: "a.txt")
            let file = Array("hello".utf8)
            _ = try await service.putArtifact(
                RequestBody(file), at: byPath, of: .run(ids[1]), as: admin)

            #expect(try await change(.setTags([KeyValue("t", "1")]), preview: true) == [2, 2])
            #expect(try await change(.setTags([KeyValue("t", "1")])) == [2, 2])
            #expect(try await change(.copy(to: target.id)) == [2, 2])
            let copies = try await service.searchRuns(RunSearch(experiments: [target.id]), as: admin).items
            #expect(copies.map(\.info.name) == ["r2", "r1"])
            #expect(copies.map { $0.tags.map["slipway.copiedFrom"] } == [ids[2], ids[1]])
            let history = try await service.history(run: copies[1].info.id, metric: "loss", as: admin).items
            #expect(history.map(\.step) == [0, 1] && history[0].value == 1 && history[1].value.isNaN)
            let files = try await service.artifactFiles(below: nil, of: .run(copies[1].info.id), as: admin)
            #expect(files.map(\.path) == ["a.txt"])

            #expect(try await change(.move(to: target.id)) == [2, 2])
            #expect(try await change(.move(to: target.id)) == [0, 0])
            let moved = try await service.run(ids[1], as: admin)
            #expect(moved.info.experiment == target.id && moved.datasets.map(\.name) == ["d"])
            #expect(try await service.datasets(of: [target.id], as: admin).map(\.name) == ["d"])
            // What moved is found where it is now, and nowhere else.
            for (place, names): (Experiment, [String]) in [(experiment, []), (target, ["r1", "r1", "r2", "r2"])] {
                var found = RunSearch(experiments: [place.id])
                found.filter = try Filter.parse("metrics.loss != 7 AND tags.t = '1'")
                let named = try await service.searchRuns(found, as: admin).items.map(\.info.name)
                #expect(named.sorted() == names)
            }
        }
    }

    @Test func `a purge removes what was deleted long ago, and nothing else`() async throws {
        try await withTracking { service, experiment in
            let old = try await service.makeRun(experiment)
            let kept = try await service.makeRun(experiment)
            try await service.log(LogBatch(metrics: [logged("loss", 0, 1)]), run: old, as: admin)
            let byPath = try RelativePath(parsing: "a.txt")
            let file = Array("hello".utf8)
            _ = try await service.putArtifact(
                RequestBody(file), at: byPath, of: .run(old), as: admin)
            let gone = try await service.createExperiment(name: "gone", project: "p", as: admin)
            let within = try await service.makeRun(gone)
            let last = try await service.createExperiment(name: "last", project: "p", as: admin)
            try await service.deleteRun(old, as: admin)
            for experiment in [gone, last] { try await service.deleteExperiment(experiment.id, as: admin) }
            let now = Clock.system.now()
            let none = try await service.purge(
                deletedBefore: now.adding(seconds: -60), project: nil, preview: false, as: admin)
            #expect(none == PurgeOutcome())
            let later = now.adding(seconds: 60)
            let preview = try await service.purge(deletedBefore: later, project: "p", preview: true, as: admin)
            #expect([preview.runs, preview.files, Int(preview.bytes)] == [2, 1, 5])
            let done = try await service.purge(deletedBefore: later, project: "p", preview: false, as: admin)
            #expect([done.runs, done.files, done.experiments, Int(done.bytes)] == [2, 1, 1, 5])
            #expect(Set(done.items) == [old, within])
            #expect(await failure { _ = try await service.run(old, as: admin) }?.code == .notFound)
            #expect(try await service.run(kept, as: admin).info.id == kept)
            // The highest id stays taken.
            let next = try await service.createExperiment(name: "next", project: "p", as: admin)
            #expect(Int64(next.id) == Int64(last.id).map { $0 + 1 })
            let viewer = Principal(name: "v", role: .dataScientist)
            #expect(
                await failure {
                    _ = try await service.purge(deletedBefore: later, project: "p", preview: true, as: viewer)
                }?.code == .forbidden)
        }
    }

    @Test func `names with slashes are folders`() async throws {
        try await withTracking { service, _ in
            for name in ["team/a/x", "team/a/y", "team/b", "teams", "/odd", "Käse/z"] {
                _ = try await service.createExperiment(name: name, project: "p", as: admin)
            }
            func look(_ folder: String?) async throws -> [String] {
                let (folders, experiments) = try await service.experiments(inFolder: folder, as: admin)
                return folders.map { "\($0.path)/ \($0.experiments)" } + experiments.map(\.name)
            }
            #expect(try await look(nil) == ["Käse/ 1", "team/ 3", "/odd", "Default", "e", "teams"])
            #expect(try await look("team") == ["team/a/ 2", "team/b"])
            #expect(try await look("team/a/") == ["team/a/x", "team/a/y"])
            #expect(try await look("Käse") == ["Käse/z"])
            #expect(try await look("none") == [])
        }
    }
}
