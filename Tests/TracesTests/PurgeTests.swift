import Core
import Database
import Ledger
import Platform
import TestSupport
import Testing
import Tracking

@testable import Traces

@Suite struct PurgeTests {
    @Test func `what a purge removes takes its traces along, and no others`() async throws {
        try await TraceWorld.each { world in
            func newRun() async throws -> String {
                try await world.tracking.createRun(RunDraft(experiment: world.experiment), as: admin).info.id
            }
            let (gone, kept) = (try await newRun(), try await newRun())
            for (index, run) in [(1, gone), (2, kept)] {
                var draft = TraceDraft(
                    id: traceID(index), experiment: world.experiment,
                    started: Timestamp(milliseconds: Int64(index)), state: .ok)
                draft.metadata = [KeyValue("mlflow.sourceRun", run)]
                _ = try await world.traces.start(draft, as: admin)
                try await world.ingest([span(index, 1, start: Int64(index))])
            }
            // One that was only linked to the run stays.
            try await world.ingest([span(3, 1, "c", start: 3)])
            try await world.traces.link([traceID(3)], toRun: gone, as: admin)
            let other = try await world.tracking.createExperiment(name: "other", project: "p", as: admin)
            // The experiment with the highest id is never purged.
            _ = try await world.tracking.createExperiment(name: "last", project: "p", as: admin)
            let draft = TraceDraft(
                id: traceID(4), experiment: other.id, started: Timestamp(milliseconds: 4), state: .ok)
            _ = try await world.traces.start(draft, as: admin)

            func purge() async throws {
                let seen = try await world.platform.ledger.events(after: 0, limit: 1000).last?.sequence ?? 0
                _ = try await world.tracking.purge(
                    deletedBefore: Clock.system.now().adding(seconds: 60), project: nil, preview: false, as: admin)
                let purged = try await world.platform.ledger.events(after: seen, limit: 1000).filter {
                    ["run.purged", "experiment.purged"].contains($0.type)
                }
                #expect(purged.count == 1)
                // A subscription may be told twice.
                for event in purged + purged { try await world.traces.purge(after: event) }
            }
            func left(in experiment: String) async throws -> [String] {
                var search = TraceSearch(experiments: [experiment])
                search.order = [try SortTerm(parsing: "timestamp_ms")]
                return try await world.traces.search(search, as: admin).items.map { String($0.id.suffix(1)) }
            }
            try await world.tracking.deleteRun(gone, as: admin)
            try await purge()
            #expect(try await left(in: world.experiment) == ["2", "3"])
            #expect(try await world.found("run_id = '\(gone)'") == [])
            #expect(try await world.found("run_id = '\(kept)'") == ["2"])
            #expect(try await left(in: other.id) == ["4"])

            try await world.tracking.deleteExperiment(other.id, as: admin)
            try await purge()
            let rows = try await world.platform.database.read { db in
                try db.all("SELECT id FROM trace ORDER BY id") { String(try $0.text(0).suffix(1)) }
            }
            #expect(rows == ["2", "3"])
            let deleted = try await world.platform.ledger.events(after: 0, limit: 1000).filter {
                $0.type == "traces.deleted"
            }
            #expect(deleted.map { $0.data["traces"]?.intValue } == [1, 1])
        }
    }
}
