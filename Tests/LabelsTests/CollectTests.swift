import Core
import Datasets
import TestSupport
import Testing

@testable import Labels

/// Tasks that grow with their dataset, and items that are accepted together.
@Suite struct CollectTests {
    private func extend(_ fixture: Fixture, _ over: Ref? = nil) async -> String {
        do {
            let done = try await fixture.labels.extendTask("t", over: over, as: Fixture.lead)
            return "\(done.added) of \(done.task.counts.items) over \(done.task.settings.over)"
        } catch { return "\(error)" }
    }

    @Test func `new rows become items, and the task shows them`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 2)
            for number in try await fixture.next("bo", count: 2) { try await fixture.submit("bo", number, "good") }
            #expect(await extend(fixture) == "0 of 2 over dataset:reviews@1")
            try await fixture.rows("reviews", "id,text\nr3,new 3\nr4,new 4\n")
            #expect(await extend(fixture) == "2 of 4 over dataset:reviews@2")
            #expect(await extend(fixture) == "0 of 4 over dataset:reviews@2")
            // Behind what bo has reached in the queue.
            #expect(try await fixture.next("bo", count: 9) == [3, 4])
            let row = try await fixture.labels.row("t", 4, as: Fixture.lead)
            #expect(row["row"] == ["id": "r4", "text": "new 4"])
            try await fixture.submit("bo", 4, "bad")
            let published = try await fixture.labels.publish(
                "t", branch: "main", include: .complete, rule: nil, column: nil, message: nil, as: Fixture.lead)
            #expect(
                try await fixture.published(published.version, "id, mood") == ["r1 good", "r2 good", "r3 -", "r4 bad"])
            // Over a slice: what it holds, and no row twice.
            try await fixture.rows("reviews", "id,text,mood,mood_by,mood_at,mood_votes\nr5,x,,,,\nr6,y,,,,\n")
            _ = try await fixture.datasets.createSlice(
                name: "s", over: Ref(.dataset, "reviews"), rule: .condition("id IN ('r1', 'r6')"), as: .system)
            #expect(await extend(fixture, Ref(.slice, "s")) == "1 of 5 over slice:s@1.4")
            // What annotators were shown must still be there to be shown.
            try await fixture.rows("reviews", "id,text\nr1,text 1\nr9,x\n", replacing: true)
            #expect(
                await extend(fixture, Ref(.dataset, "reviews")).contains("4 rows of t are not in dataset:reviews@5"))
            try await fixture.rows("other", "id,text\nr1,x\n")
            #expect(await extend(fixture, Ref(.dataset, "other")).contains("expected a version or a slice of reviews"))
            #expect(try await fixture.labels.task("t", as: Fixture.lead).counts.items == 5)
        }
    }

    @Test func `a sample takes only what is new, and a text that changed is told`() async throws {
        try await Fixture.with { fixture in
            _ = try await fixture.task(rows: 9) { draft in
                (draft.selection.sample, draft.content) = (3, "text")
            }
            try await fixture.rows("reviews", "id,text\nr10,new\n")
            #expect(await extend(fixture) == "1 of 4 over dataset:reviews@2")
            let lines = (1...10).map { "r\($0),other \($0)\n" }.joined()
            try await fixture.rows("reviews", "id,text\n" + lines, replacing: true)
            #expect(await extend(fixture).contains("4 rows of t have another text in dataset:reviews@3"))
        }
    }

    @Test func `what annotators agree on is accepted at once`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 4, overlap: 3)
            // Item 1: all the same; 2: two of three; 3: three of three, by the reviewer too; 4: not complete.
            for (number, values) in [
                (1, ["good", "good", "good"]), (2, ["bad", "good", "bad"]), (3, ["bad", "bad", "bad"]), (4, ["good"]),
            ] {
                for (name, value) in zip(["bo", "cy", "di"], values) {
                    try await fixture.submit(name, Int64(number), .string(value))
                }
            }
            func accept(_ agreement: Double, _ principal: Principal) async -> String {
                do {
                    let done = try await fixture.labels.acceptAgreed(
                        "t", agreement: agreement, comment: nil, as: principal)
                    return "\(done.accepted) accepted, \(done.left) left"
                } catch { return "\(error)" }
            }
            func states() async throws -> [String] {
                try await fixture.labels.items("t", state: nil, PageRequest(), as: Fixture.lead).items.map {
                    "\($0.state.rawValue) \($0.final.map { "\($0.value.canonicalText) \($0.by)" } ?? "-")"
                }
            }
            #expect(await accept(0, Fixture.reviewer).contains("agreement: is 0.0"))
            #expect(await accept(1, Fixture.annotator("bo")).hasPrefix("forbidden"))
            #expect(await accept(1, Fixture.reviewer) == "2 accepted, 1 left")
            #expect(
                try await states() == ["accepted \"good\" bo", "complete -", "accepted \"bad\" bo", "open -"])
            #expect(await accept(0.66, Fixture.reviewer) == "1 accepted, 0 left")
            #expect(await accept(0.66, Fixture.reviewer) == "0 accepted, 0 left")
            let counts = try await fixture.labels.task("t", as: Fixture.lead).counts
            #expect([counts.complete, counts.reviewed, counts.annotations] == [0, 3, 10])
            #expect(
                try await fixture.labels.history("t", 2, as: Fixture.lead).last.map {
                    "\($0.actor) \($0.action.rawValue) \($0.annotator ?? "") \($0.value?.canonicalText ?? "")"
                } == "rex accepted bo \"bad\"")
        }
    }
}
