import Core
import Database
import Datasets
import Platform
import TestSupport
import Testing

@testable import Labels

/// Who gets which item, when.
@Suite struct QueueTests {
    @Test func `each item goes to as many people as it needs, and to nobody twice`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 3, overlap: 2)
            var got: [String] = []
            // Round after round; `bo` and `cy` hold one each time, `di` comes last.
            for name in ["bo", "cy", "bo", "cy", "bo", "cy", "bo", "di"] {
                let numbers = try await fixture.next(name)
                for number in numbers { try await fixture.submit(name, number, "good") }
                got.append("\(name)\(numbers)")
            }
            #expect(got == ["bo[1]", "cy[1]", "bo[2]", "cy[2]", "bo[3]", "cy[3]", "bo[]", "di[]"])
            let task = try await fixture.labels.task("t", as: Fixture.lead)
            #expect(task.counts == LabelTask.Counts(items: 3, complete: 3, reviewed: 0, annotations: 6))
        }
    }

    @Test func `asking again gives what one holds`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 5)
            let first = try await fixture.next("bo", count: 2)
            _ = try await fixture.labels.saveDraft("t", 2, "goo", as: Fixture.annotator("bo"))
            let again = try await fixture.labels.next("t", count: 3, as: Fixture.annotator("bo"))
            let other = try await fixture.next("cy")
            #expect(
                [first, again.map(\.item.number), other] == [[1, 2], [1, 2, 3], [4]]
                    && again.map(\.work.draft) == [nil, "goo", nil])
        }
    }

    @Test func `what is skipped goes to others`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 2)
            let (bo, cy) = (Fixture.annotator("bo"), Fixture.annotator("cy"))
            #expect(try await fixture.next("bo") == [1])
            try await fixture.labels.skip("t", 1, reason: "unreadable", as: bo)
            let after = try await fixture.next("bo")
            let others = try await fixture.next("cy", count: 2)
            #expect([after, others] == [[2], [1]])
            try await fixture.labels.skip("t", 1, reason: nil, as: cy)
            #expect(try await fixture.next("cy") == [])
            // Skipped by all: it waits for somebody else.
            #expect(try await fixture.next("di") == [1])
        }
    }

    @Test func `an item comes back when its lease ends`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 2) { $0.leaseSeconds = 60 }
            let bo = Fixture.annotator("bo")
            #expect(try await fixture.next("bo") == [1])
            _ = try await fixture.labels.saveDraft("t", 1, "half", as: bo)
            fixture.clock.advance(seconds: 50)
            #expect(try await fixture.next("cy", count: 2) == [2])
            _ = try await fixture.labels.saveDraft("t", 1, "more", as: bo)
            fixture.clock.advance(seconds: 50)
            // The draft has made bo's lease longer, and cy's has not ended.
            #expect(try await fixture.next("di") == [])
            fixture.clock.advance(seconds: 11)
            #expect(try await fixture.next("di", count: 2).sorted() == [1, 2])
            let message = await refusal { try await fixture.submit("bo", 1, "good") }
            #expect(message.contains("is in as many hands as it needs; your lease had ended, and your draft is kept"))
            let released = try await fixture.labels.work("t", 1, "bo")
            #expect(released?.state == .expired && released?.draft == "more")
        }
    }

    /// Twenty people at once on 60 items that need two each: 120 annotations, no item with more, nobody twice on one.
    @Test func `many annotators at once`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 60, overlap: 2)
            let given = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for index in 1...20 {
                    group.addTask {
                        var mine: [Int64] = []
                        while let number = try await fixture.next("a\(index)").first {
                            try await fixture.submit("a\(index)", number, index % 2 == 0 ? "good" : "bad")
                            mine.append(number)
                        }
                        return mine
                    }
                }
                var all: [Int64] = []
                for try await mine in group {
                    #expect(Set(mine).count == mine.count)
                    all += mine
                }
                return all
            }
            #expect(given.sorted() == (1...60).flatMap { [Int64($0), Int64($0)] })
        }
    }

    @Test func `items of one's own, and one's own people`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 6) { $0.annotators = ["bo": 1, "cy": 2] }
            let labels = fixture.labels
            #expect(try await labels.assign("t", to: "cy", items: [], count: 2, as: Fixture.lead) == 2)
            #expect(try await labels.assign("t", to: "cy", items: [5], count: nil, as: Fixture.lead) == 1)
            let bo = try await fixture.next("bo", count: 10)
            let cy = try await fixture.next("cy", count: 10)
            #expect([bo.sorted(), cy.sorted()] == [[3, 4, 6], [1, 2, 5]])
            let stranger = await refusal { try await fixture.next("di") }
            #expect(stranger.hasPrefix("forbidden: di is not an annotator of t"))
        }
    }

    @Test func `more annotations than at first`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 2)
            for number in try await fixture.next("bo", count: 2) { try await fixture.submit("bo", number, "good") }
            #expect(try await fixture.next("cy") == [])
            var changes = TaskChanges()
            changes.overlap = 2
            let task = try await fixture.labels.update("t", changes, as: Fixture.lead)
            #expect(task.counts.complete == 0)
            #expect(try await [fixture.next("bo"), fixture.next("cy", count: 2)] == [[], [1, 2]])
            changes.overlap = 1
            #expect(await refusal { try await fixture.labels.update("t", changes, as: Fixture.lead) }.contains("below the 2"))
        }
    }

    @Test func `models' labels, and the least certain first`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 4) { $0.selection.order = .entropy }
            func send(_ model: String, _ drafts: [PrelabelDraft]) async throws -> (labelled: Int, unknown: Int, unknownKeys: [[String]]) {
                var rest: [PrelabelDraft]? = drafts
                return try await fixture.labels.prelabel("t", model: Ref(parsing: model), as: Fixture.lead) {
                    defer { rest = nil }
                    return rest
                }
            }
            func draft(_ key: String, _ good: Double) -> PrelabelDraft {
                PrelabelDraft(key: .string(key), value: nil, score: nil, probabilities: ["good": good, "bad": 1 - good])
            }
            let answer = try await send("model:m@1", [draft("r1", 0.99), draft("r2", 0.6), draft("r4", 0.2), draft("r9", 0.5)])
            #expect(answer.labelled == 3 && answer.unknown == 1 && answer.unknownKeys == [["r9"]])
            let held = try await fixture.labels.next("t", count: 4, as: Fixture.annotator("bo"))
            #expect(held.map(\.item.number) == [2, 4, 1, 3])
            #expect(held.map { $0.prelabels.map { "\($0.model) \($0.value) \($0.score ?? 0)" } } == [
                ["model:m@1 string(\"good\") 0.6"], ["model:m@1 string(\"bad\") 0.8"], ["model:m@1 string(\"good\") 0.99"], [],
            ])
            // They are no annotations: nothing is labelled yet, and there is nothing to publish.
            let task = try await fixture.labels.task("t", as: Fixture.lead)
            #expect(task.counts.annotations == 0)
            let nothing = await refusal {
                try await fixture.labels.publish(
                    "t", branch: "main", include: .any, rule: nil, column: nil, message: nil, as: Fixture.lead)
            }
            #expect(nothing.hasPrefix("conflict: t has no label to publish"))
            // A second model that says otherwise: disagreement brings its item to the front.
            _ = try await send("model:other@2", [draft("r1", 0.1), draft("r2", 0.7)])
            try await fixture.labels.reorder("t", by: .disagreement, seed: 0, as: Fixture.lead)
            for number in held.map(\.item.number) {
                try await fixture.labels.release("t", number, annotator: nil, as: Fixture.annotator("bo"))
            }
            let wrong = await refusal { try await send("model:m", [draft("r1", 0.5)]) }
            #expect(wrong.contains("'model:m' is not a model's version"))
            let unknown = await refusal {
                try await send("model:m@1", [PrelabelDraft(key: "r1", value: "ugly", score: nil, probabilities: [:])])
            }
            #expect(unknown.contains("line 1.value: the schema does not know the class 'ugly'"))
        }
    }

    @Test func `samples and chance are the same for the same seed`() async throws {
        try await Fixture.with { fixture in
            _ = try await fixture.task(rows: 50) { $0.selection = ItemSelection(sample: 10, seed: 1) }
            func keys(_ name: String, _ selection: ItemSelection) async throws -> [String] {
                var draft = TaskDraft(name: name, over: Ref(.dataset, "reviews"), schema: Ref(.labelSchema, "mood"))
                draft.selection = selection
                _ = try await fixture.labels.createTask(draft, as: Fixture.lead)
                return try await fixture.labels.items(name, state: nil, PageRequest(limit: 100), as: Fixture.lead).items
                    .map { $0.key.parts[0] }
            }
            let again = try await keys("t2", ItemSelection(sample: 10, seed: 1))
            let other = try await keys("t3", ItemSelection(sample: 10, seed: 2))
            let shuffled = try await keys("t4", ItemSelection(seed: 1, order: .random))
            let first = try await fixture.labels.items("t", state: nil, PageRequest(limit: 100), as: Fixture.lead).items
                .map { $0.key.parts[0] }
            #expect(first == again && first != other && first.count == 10)
            #expect(Set(shuffled).count == 50 && shuffled != (1...50).map { "r\($0)" })
        }
    }

    @Test func `rows need a key that is one`() async throws {
        try await Fixture.with { fixture in
            try await fixture.rows("none", "id,text\n1,a\n1,b\n", key: [])
            try await fixture.rows("gaps", "id,text\n1,a\n,b\n", key: ["id"])
            _ = try await fixture.schema("mood", ["kind": "class", "classes": ["good"]])
            func make(_ dataset: String, _ key: [String]) async -> String {
                var draft = TaskDraft(name: "x", over: Ref(.dataset, dataset), schema: Ref(.labelSchema, "mood"))
                draft.key = key
                return await refusal { try await fixture.labels.createTask(draft, as: Fixture.lead) }
            }
            let got = [await make("none", []), await make("none", ["id"]), await make("none", ["nope"]), await make("gaps", [])]
            let want = [
                "invalid: key: none has none", "invalid: The key id does not identify a row of dataset:none@1: 2 rows have '1'",
                "invalid: key: dataset:none@1 has no column 'nope'", "invalid: The key id has no value in some rows of dataset:gaps@1",
            ]
            #expect(zip(got, want).filter { !$0.0.hasPrefix($0.1) }.map { "\($0.0)" } == [])
            // Nothing is left of what was refused.
            #expect(await make("none", ["text"]) == "done")
        }
    }
}

extension LabelsService {
    /// What one person has to do with one item.
    func work(_ name: String, _ number: Int64, _ annotator: String) async throws -> LabelWork? {
        try await platform.database.read { [self] db in
            try works.work(db, try require(db, name).id, number, annotator)
        }
    }
}
