import Core
import Testing
import Tracking

@testable import Traces

@Suite struct EvaluationTests {
    @Test func `assessments stand in for one another`() async throws {
        try await TraceWorld.each { world in
            try await world.ingest([span(1, 1)])
            let (traces, id) = (world.traces, traceID(1))
            var draft = AssessmentDraft(name: "good", kind: .feedback, value: 0.9, sourceType: "HUMAN")
            draft.metadata = [KeyValue("x", "y")]
            let first = try await traces.assess(id, draft, as: admin)
            draft.overrides = first.id
            draft.value = 0.2
            let second = try await traces.assess(id, draft, as: admin)
            #expect(try await !traces.assessment(first.id, of: id, as: admin).isValid)
            #expect(try await world.found("feedback.good > 0.5") == [])
            try await traces.deleteAssessment(second.id, of: id, as: admin)
            try await traces.deleteAssessment(second.id, of: id, as: admin)
            #expect(try await world.found("feedback.good > 0.5") == ["1"])
            var change = AssessmentChange()
            change.value = (.feedback, "no", nil)
            change.rationale = "because"
            change.metadata = [KeyValue("z", "1")]
            let changed = try await traces.change(first.id, of: id, change, as: admin)
            #expect(changed.value == "no" && changed.metadata.map == ["x": "y", "z": "1"])
            #expect(try await traces.info(id, as: admin).assessments == [changed])
            change.value = (.expectation, "no", nil)
            let wrong = change
            draft.overrides = "a-none"
            let dangling = draft
            let codes = [
                await failure { _ = try await traces.change(first.id, of: id, wrong, as: admin) },
                await failure { _ = try await traces.assess(id, dangling, as: admin) },
                await failure { _ = try await traces.assess(traceID(2), dangling, as: admin) },
                await failure { _ = try await traces.assessment("a-none", of: id, as: admin) },
            ].map { $0?.code }
            #expect(codes == [.invalid, .notFound, .notFound, .notFound])
        }
    }

    @Test func `records with equal inputs are one record`() async throws {
        try await TraceWorld.each { world in
            let service = world.evaluation
            let dataset = try await service.create(
                name: "questions", experiments: [world.experiment], tags: [KeyValue("team", "a")], project: "default",
                as: admin)
            #expect(dataset.project == "p")
            let first: [JSONValue] = [
                ["inputs": ["q": "1", "n": 2], "expectations": ["a": "2"], "tags": ["mlflow.user": "ada"]],
                [
                    "inputs": ["q": "2"], "outputs": "o",
                    "source": ["source_type": "TRACE", "source_data": ["trace_id": "tr-1"]],
                ],
            ]
            let made = try await service.merge(first, into: dataset.id, as: admin)
            let again = try await service.merge(
                [["inputs": ["n": 2, "q": "1"], "expectations": ["b": 3.5]]], into: dataset.id, as: admin)
            #expect([made.inserted, made.updated, again.inserted, again.updated] == [2, 0, 0, 1])
            let records = try await service.records(of: dataset.id, limit: 10, after: nil, as: admin).items
            let one = try #require(records.first { $0.inputs["q"] == "1" })
            let two = try #require(records.first { $0.inputs["q"] == "2" })
            #expect(one.expectations == ["a": "2", "b": 3.5] && one.outputs == [:] && one.createdBy == "ada")
            #expect(two.outputs == "o" && two.sourceID == "tr-1")
            let page = try await service.records(of: dataset.id, limit: 1, after: nil, as: admin)
            let rest = try await service.records(of: dataset.id, limit: 1, after: page.next, as: admin)
            #expect(Set((page.items + rest.items).map(\.id)).count == 2 && rest.next == nil)
            let found = try await service.dataset(dataset.id, as: admin)
            #expect(
                found.schema == [
                    "inputs": ["q": "string", "n": "integer"], "outputs": "string",
                    "expectations": ["a": "string", "b": "float"], "version": "1.0",
                ])
            #expect(found.records == 2 && found.tags == [KeyValue("team", "a")])
            #expect(try await service.deleteRecords([one.id, "dr-x"], of: dataset.id, as: admin) == 1)
            var search = EvaluationDatasetSearch()
            search.experiments = [world.experiment]
            search.filter = try Filter.parse("name LIKE 'q%' AND tags.team = 'a' AND created_time > 0")
            let outsider = Principal(name: "eve", role: nil, grants: ["q": .owner])
            #expect(try await service.search(search, as: admin).items.map(\.records) == [1])
            #expect(try await service.search(search, as: outsider).items == [])
            #expect(await failure { try await service.delete(dataset.id, as: outsider) }?.code == .forbidden)
            try await service.delete(dataset.id, as: admin)
            #expect(await failure { _ = try await service.dataset(dataset.id, as: admin) }?.code == .notFound)
        }
    }

    @Test func `scorers have versions, and no source`() async throws {
        try await TraceWorld.each { world in
            let service = world.evaluation
            for text in [#"{"name":"s","x":1}"#, #"{"name":"s","x":2}"#] {
                _ = try await service.register("s", serialized: text, in: world.experiment, as: admin)
            }
            let versions = try await service.scorerVersions("s", in: world.experiment, as: admin)
            #expect(versions.map(\.version) == [1, 2] && Set(versions.map(\.id)).count == 1)
            #expect(try await service.scorers(in: [], as: admin) == [versions[1]])
            let nested = JSONValue.string(#"{"call_source":"import os"}"#).canonicalText
            for text in ["no json", #"{"call_source":"import os"}"#, #"{"scorers":[\#(nested)]}"#] {
                let error = await failure {
                    _ = try await service.register("t", serialized: text, in: world.experiment, as: admin)
                }
                #expect(error?.code == .invalid, "\(text)")
            }
            try await service.deleteScorer("s", version: 2, in: world.experiment, as: admin)
            try await service.deleteScorer("s", version: nil, in: world.experiment, as: admin)
            let gone = await failure {
                try await service.deleteScorer("s", version: nil, in: world.experiment, as: admin)
            }
            #expect(gone?.code == .notFound)
        }
    }
}
