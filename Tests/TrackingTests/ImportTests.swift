import Core
import Testing

@testable import Tracking

@Suite struct ImportTests {
    private static let id = String(repeating: "a", count: 32)

    private func record(_ experiment: String) -> RunRecord {
        var record = RunRecord(
            id: Self.id, experiment: experiment, name: "one", user: "ada", status: .running, started: 5)
        record.deleted = nil
        record.params = ["lr": "0.1"]
        record.tags = ["a": "b"]
        record.datasets = [DatasetInput(name: "d", digest: "x", sourceType: "local", source: "s")]
        record.modelOutputs = [ModelOutput(model: "m-1", step: 2)]
        return record
    }

    @Test func `a record that comes twice is there once, and its digest agrees`() async throws {
        try await withTracking { service, experiment in
            let sent = try record(experiment.id).normalized
            let read = try RunRecord(JSONValue(parsing: sent.json.canonicalText))
            #expect(read == sent)
            let first = try await service.importRuns([sent], as: admin)
            let second = try await service.importRuns([sent], as: admin)
            let summary = try await service.summaries(ofRuns: [Self.id, "none"], as: admin)
            #expect([first.added, second.added, second.present, second.changed] == [1, 0, 1, 0])
            #expect(summary.map(\.digest) == [sent.digest])
            #expect(try await service.eventTypes().filter { $0.hasPrefix("run.") } == ["run.imported"])
        }
    }

    @Test func `a run that went on in both places gets what it lacks and keeps what it has`() async throws {
        try await withTracking { service, experiment in
            _ = try await service.importRuns([record(experiment.id)], as: admin)
            try await service.log(
                LogBatch(params: [KeyValue("depth", "3")], tags: [KeyValue("a", "here")]), run: Self.id, as: admin)
            var there = record(experiment.id)
            there.status = .finished
            there.ended = 9
            there.params["late"] = "1"
            let outcome = try await service.importRuns([there], as: admin)
            let run = try await service.run(Self.id, as: admin)
            #expect(outcome.changed == 1)
            #expect(outcome.problems == ["run \(Self.id): kept other values of the tags a"])
            #expect(run.params.map == ["lr": "0.1", "depth": "3", "late": "1"])
            #expect(run.tags.map["a"] == "here")
            #expect(run.info.status == .finished && run.info.ended?.milliseconds == 9)
        }
    }

    @Test func `points in any order and any portions are there once`() async throws {
        try await withTracking { service, experiment in
            _ = try await service.importRuns([record(experiment.id)], as: admin)
            let points = (0..<500).map { (index: Int) -> MetricPoint in
                let value: Double = index % 50 == 0 ? .nan : Double(index) / 3
                return point(Int64(index), Int64(index % 7), value)
            }
            func send(_ some: [MetricPoint], checking: Bool = false) async throws -> Int64 {
                try await service.importPoints(
                    [PointsRecord(run: Self.id, key: "loss", points: some)], checking: checking, as: admin
                ).added
            }
            var added: [Int64] = []
            added.append(try await send(points, checking: true))
            added.append(try await send(Array(points[100..<300])))
            added.append(try await send(Array(points[0..<200])))
            added.append(try await send(points.reversed()))
            added.append(try await send(points))
            #expect(added == [500, 200, 100, 200, 0])
            var sum = PointSum()
            for point in points.shuffled() { sum.add("loss", point) }
            let here = try await service.summaries(ofRuns: [Self.id], as: admin)
            #expect(here.map(\.points) == [sum])
        }
    }

    @Test func `experiments are found again by moment, name or origin`() async throws {
        try await withTracking { service, experiment in
            func arrive(_ id: String, _ name: String, created: Int64) async throws -> String? {
                try await service.importExperiments(
                    [ExperimentRecord(id: id, name: name, created: created, updated: created)], origin: "o",
                    project: "p", as: admin
                ).ids[id]
            }
            let taken = experiment.id
            var ids: [String?] = []
            ids.append(try await arrive("77", "free", created: 5))
            ids.append(try await arrive("77", "renamed there", created: 5))
            ids.append(try await arrive("9", "e", created: 6))
            ids.append(try await arrive(taken, "other", created: 7))
            try await service.renameExperiment("78", to: "renamed here", as: admin)
            ids.append(try await arrive(taken, "other", created: 7))
            #expect(ids == ["77", "77", taken, "78", "78"])
            // The last number that there is does not end the making of experiments.
            ids = [try await arrive("9223372036854775807", "last", created: 8)]
            ids.append(try await service.createExperiment(name: "after", project: "p", as: admin).id)
            #expect(ids == ["9223372036854775807", "79"])
        }
    }

    @Test func `importing is for those who may, and ids are ids`() async throws {
        try await withTracking { service, experiment in
            let viewer = Principal(name: "v", role: .viewer)
            var bad = record(experiment.id)
            bad.id = "../x"
            let wrong = bad
            #expect(
                await failure { _ = try await service.importRuns([record(experiment.id)], as: viewer) }?.code
                    == .forbidden)
            #expect(await failure { _ = try await service.importRuns([wrong], as: admin) }?.code == .invalid)
        }
    }
}
