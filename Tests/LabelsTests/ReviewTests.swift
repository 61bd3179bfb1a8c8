import Core
import Database
import Datasets
import TestSupport
import Testing

@testable import Labels

/// What reviewers decide, what can be taken back, and that all of it stays on record.
@Suite struct ReviewTests {
    private func counts(_ fixture: Fixture) async throws -> [Int64] {
        let counts = try await fixture.labels.task("t", as: Fixture.lead).counts
        return [counts.items, counts.complete, counts.reviewed, counts.annotations]
    }

    private func state(_ fixture: Fixture, _ number: Int64 = 1) async throws -> String {
        let (item, work, _) = try await fixture.labels.item("t", number, as: Fixture.lead)
        let people = work.map { "\($0.annotator) \($0.state.rawValue)" }.joined(separator: ", ")
        return "\(item.state.rawValue) \(item.final?.value.canonicalText ?? "-") \(item.final?.by ?? "-") [\(people)]"
    }

    private func review(_ fixture: Fixture, _ decision: ReviewDecision, _ annotator: String? = nil, as principal: Principal = Fixture.reviewer)
        async -> String
    {
        await refusal {
            try await fixture.labels.review("t", 1, decision, annotator: annotator, comment: "why", as: principal)
        }
    }

    @Test func `accept, reject, correct, reopen`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 1, overlap: 2)
            var seen: [String] = []
            func note() async throws { seen.append("\(try await state(fixture)) \(try await counts(fixture))") }
            #expect(await review(fixture, .accept).contains("has no annotation yet"))
            for (name, value) in [("bo", "good"), ("cy", "bad")] as [(String, JSONValue)] {
                #expect(try await fixture.next(name) == [1])
                try await fixture.submit(name, 1, value)
            }
            try await note()
            #expect(await review(fixture, .accept).contains("annotator: is missing, and 2 people annotated item 1; expected bo or cy"))
            #expect(await review(fixture, .reject, "cy") == "done")
            try await note()
            // Sent back: cy gets it again, with what was said and why it was not good.
            let back = try await fixture.labels.next("t", as: Fixture.annotator("cy"))
            #expect(back.map { "\($0.item.number) \($0.work.draft?.canonicalText ?? "") \($0.work.comment ?? "")" } == ["1 \"bad\" why"])
            try await fixture.submit("cy", 1, "good")
            #expect(await review(fixture, .accept) == "done")
            try await note()
            #expect(await refusal { try await fixture.submit("bo", 1, "bad") }.hasPrefix("conflict: "))
            #expect(await review(fixture, .correct("bad")) == "done")
            try await note()
            #expect(await review(fixture, .reopen) == "done")
            try await note()
            #expect(await review(fixture, .reopen).contains("is not reviewed"))
            #expect(
                seen == [
                    "complete - - [bo submitted, cy submitted] [1, 1, 0, 2]", "open - - [bo submitted, cy rejected] [1, 0, 0, 1]",
                    "accepted \"good\" bo [bo accepted, cy submitted] [1, 0, 1, 2]",
                    "corrected \"bad\" rex [bo submitted, cy submitted] [1, 0, 1, 2]",
                    "complete - - [bo submitted, cy submitted] [1, 1, 0, 2]",
                ])
            let history = try await fixture.labels.history("t", 1, as: Fixture.reviewer)
            #expect(
                history.map { "\($0.actor) \($0.action.rawValue) \($0.annotator ?? "-") \($0.value?.canonicalText ?? "-")" } == [
                    "bo submitted bo \"good\"", "cy submitted cy \"bad\"", "rex rejected cy \"bad\"", "cy submitted cy \"good\"",
                    "rex accepted bo \"good\"", "rex corrected - \"bad\"", "rex reopened rex \"bad\"",
                ])
        }
    }

    @Test func `undo gives back the last thing done, and history keeps it`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 3)
            let bo = Fixture.annotator("bo")
            for number in try await fixture.next("bo", count: 2) {
                fixture.clock.advance(seconds: 5)
                try await fixture.submit("bo", number, "good")
            }
            #expect(try await counts(fixture) == [3, 2, 0, 2])
            fixture.clock.advance(seconds: 1)
            let held = try await fixture.labels.undo("t", as: bo)
            #expect("\(held.item.number) \(held.work.draft?.canonicalText ?? "")" == "2 \"good\"")
            #expect(try await counts(fixture) == [3, 1, 0, 1])
            // Nobody else gets it meanwhile.
            #expect(try await fixture.next("cy", count: 3) == [3])
            try await fixture.submit("bo", 2, "bad")
            // A second thought without undo: a revision.
            fixture.clock.advance(seconds: 2)
            try await fixture.submit("bo", 2, "good")
            #expect(try await counts(fixture) == [3, 2, 0, 2])
            let actions = try await fixture.labels.history("t", 2, as: bo).map {
                "\($0.action.rawValue) \($0.value?.canonicalText ?? "")"
            }
            #expect(actions == ["submitted \"good\"", "withdrawn \"good\"", "submitted \"bad\"", "revised \"good\""])
            let progress = try await fixture.labels.progress("t", as: bo)
            let mine = progress["annotators"]?.arrayValue?.first
            // 5 s and, after the undo, 0 s and 2 s more: the 10 s that were taken back do not count.
            #expect(mine?["submitted"] == 2 && mine?["seconds"] == 7.0)
            // A skip is taken back too.
            try await fixture.labels.skip("t", 3, reason: nil, as: Fixture.annotator("cy"))
            #expect(try await fixture.labels.undo("t", as: Fixture.annotator("cy")).item.number == 3)
            #expect(await refusal { try await fixture.labels.undo("t", as: Fixture.annotator("di")) }.contains("has done nothing"))
        }
    }

    @Test func `who may do what`() async throws {
        try await Fixture.with { fixture in
            _ = try await fixture.task(rows: 2) { $0.reviewers = ["ann"] }
            let labels = fixture.labels
            let (bo, ann) = (Fixture.annotator("bo"), Fixture.annotator("ann"))
            #expect(try await fixture.next("bo") == [1])
            try await fixture.submit("bo", 1, "good")
            func publish(_ who: Principal) async -> String {
                await refusal {
                    try await labels.publish(
                        "t", branch: "main", include: .any, rule: nil, column: nil, message: nil, as: who)
                }
            }
            func decide(_ who: Principal) async -> String {
                await refusal { try await labels.review("t", 1, .accept, annotator: "bo", comment: nil, as: who) }
            }
            func agree(_ who: Principal) async -> String { await refusal { try await labels.agreement("t", as: who) } }
            func see(_ who: Principal) async -> String {
                await refusal { try await labels.item("t", 1, as: who) }
            }
            func label(_ who: Principal) async -> String { await refusal { try await labels.next("t", as: who) } }
            func first(_ texts: [String]) -> [String] { texts.map { String($0.prefix { $0 != ":" }) } }
            #expect(
                first([
                    await label(Fixture.viewer), await label(Fixture.stranger), await see(Fixture.stranger),
                    await see(Fixture.viewer), await decide(bo), await decide(Fixture.viewer), await agree(bo),
                    await agree(ann), await publish(Fixture.reviewer), await publish(bo), await decide(ann),
                    await publish(Fixture.lead),
                ]) == [
                    "forbidden", "forbidden", "forbidden", "done", "forbidden", "forbidden", "forbidden", "done", "forbidden",
                    "forbidden", "done", "done",
                ])
            // An annotator sees their own work only, and not what was decided.
            #expect(try await fixture.next("cy") == [2])
            let (item, work, _) = try await labels.item("t", 1, as: Fixture.annotator("cy"))
            #expect(work.isEmpty && item.final == nil)
            // Four eyes: a reviewer does not accept what they said themselves.
            try await fixture.submit("cy", 2, "good")
            _ = try await labels.review("t", 2, .reject, annotator: "cy", comment: nil, as: Fixture.reviewer)
            try await labels.release("t", 2, annotator: "cy", as: Fixture.reviewer)
            _ = try await labels.next("t", as: Fixture.reviewer)
            _ = try await labels.submit("t", 2, "bad", as: Fixture.reviewer)
            let own = await refusal {
                try await labels.review("t", 2, .accept, annotator: nil, comment: nil, as: Fixture.reviewer)
            }
            #expect(own.contains("cannot accept an annotation of their own"))
        }
    }

    @Test func `a task moves to a schema that fits`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 2)
            #expect(try await fixture.next("bo") == [1])
            try await fixture.submit("bo", 1, "bad")
            _ = try await fixture.schema("mood", ["kind": "class", "classes": ["good", "bad", "mixed"]])
            _ = try await fixture.schema("mood", ["kind": "class", "classes": ["good", "mixed"]])
            var changes = TaskChanges()
            changes.schemaVersion = 3
            let refused = await refusal { try await fixture.labels.update("t", changes, as: Fixture.lead) }
            #expect(refused.contains("t cannot move from version 1 of mood to 3: what was said about item 1 does not fit"))
            changes.schemaVersion = 2
            let task = try await fixture.labels.update("t", changes, as: Fixture.lead)
            #expect(task.schemaVersion == 2)
            #expect(try await fixture.next("bo") == [2])
            try await fixture.submit("bo", 2, "mixed")
            let kind = await refusal { try await fixture.schema("mood", ["kind": "text"]) }
            #expect(kind.contains("a version cannot be text"))
        }
    }
}
