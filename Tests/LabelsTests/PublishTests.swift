import Core
import Database
import Datasets
import Ledger
import Platform
import Tables
import TestSupport
import Testing

@testable import Labels

/// Labels as columns of dataset versions.
@Suite struct PublishTests {
    private func publish(_ fixture: Fixture, _ include: LabelsIncluded = .complete, branch: String = "main", column: String? = nil)
        async throws -> PublishedLabels
    {
        try await fixture.labels.publish(
            "t", branch: branch, include: include, rule: nil, column: column, message: nil, as: Fixture.lead)
    }

    @Test func `labels become columns, and more labels another version`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 4)
            for (number, value) in zip(try await fixture.next("bo", count: 2), ["good", "bad"] as [JSONValue]) {
                try await fixture.submit("bo", number, value)
            }
            let first = try await publish(fixture)
            #expect("\(first.version.ref) \(first.labels) \(first.orphans) \(first.isNew)" == "dataset:reviews@2 2 0 true")
            #expect(
                first.version.columns.map { "\($0.name) \($0.type)" } == [
                    "id VARCHAR", "text VARCHAR", "mood VARCHAR", "mood_by VARCHAR", "mood_at TIMESTAMP", "mood_votes BIGINT",
                ])
            let list = "id, mood, mood_by, mood_votes"
            #expect(
                try await fixture.published(first.version, list) == ["r1 good bo 1", "r2 bad bo 1", "r3 - - -", "r4 - - -"])
            #expect(first.version.recipe.kind == "labels")
            let same = try await publish(fixture)
            #expect(same.version.number == 2 && !same.isNew)
            for number in try await fixture.next("cy", count: 2) { try await fixture.submit("cy", number, "good") }
            let second = try await publish(fixture)
            #expect(
                try await fixture.published(second.version, list) == ["r1 good bo 1", "r2 bad bo 1", "r3 good cy 1", "r4 good cy 1"])
            let made = try await fixture.platform.ledger.lineage(of: second.version.ref, .upstream, depth: 1)
            #expect(
                Set(made.map(\.source.description)) == [
                    "dataset:reviews@2", "label-task:t", "label-schema:mood@1", "user:bo", "user:cy",
                ])
            // On the version before, the old labels stay as they were.
            #expect(try await fixture.published(first.version, list).count == 4)
        }
    }

    @Test func `labels follow their rows when the dataset moves on, and orphans are shown`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 3)
            for number in try await fixture.next("bo", count: 3) { try await fixture.submit("bo", number, "good") }
            // r2 goes, r9 comes, the others change their place and text.
            try await fixture.rows("reviews", "id,text\nr9,new\nr3,changed\nr1,text 1\n", replacing: true)
            let published = try await publish(fixture)
            #expect("\(published.labels) \(published.orphans)" == "3 1")
            #expect(
                try await fixture.published(published.version, "id, text, mood")
                    == ["r1 text 1 good", "r3 changed good", "r9 new -"])
            let orphans = try await fixture.labels.orphans("t", branch: "main", limit: 10, as: Fixture.lead)
            #expect(orphans.count == 1 && orphans.keys == [["r2"]])
            // The row comes back, and its label with it.
            try await fixture.rows("reviews", "id,text,mood,mood_by,mood_at,mood_votes\nr2,text 2,,,,\n")
            let again = try await publish(fixture)
            #expect(
                try await fixture.published(again.version, "id, mood, mood_by")
                    == ["r1 good bo", "r2 good bo", "r3 good bo", "r9 - -"])
        }
    }

    @Test func `only what is complete or reviewed, by the rule`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.task(rows: 3, overlap: 3) { $0.annotators = ["bo": 1, "cy": 2, "di": 3] }
            let said: [(String, [JSONValue])] = [("bo", ["good", "good"]), ("cy", ["bad", "good"]), ("di", ["bad"])]
            for (name, values) in said {
                for (number, value) in zip(try await fixture.next(name, count: 2), values) {
                    try await fixture.submit(name, number, value)
                }
            }
            let majority = try await publish(fixture)
            #expect(try await fixture.published(majority.version, "id, mood, mood_by, mood_votes") == ["r1 bad cy 2", "r2 - - -", "r3 - - -"])
            let rank = try await fixture.labels.publish(
                "t", branch: "main", include: .any, rule: .rank, column: "by_rank", message: nil, as: Fixture.lead)
            #expect(
                try await fixture.published(rank.version, "id, mood, by_rank, by_rank_votes")
                    == ["r1 bad good 1", "r2 - good 2", "r3 - - -"])
            _ = try await fixture.labels.review("t", 2, .correct("bad"), annotator: nil, comment: nil, as: Fixture.reviewer)
            let reviewed = try await publish(fixture, .reviewed, column: "sure")
            #expect(try await fixture.published(reviewed.version, "id, sure, sure_by") == ["r1 - -", "r2 bad rex", "r3 - -"])
            let taken = await refusal { try await publish(fixture, column: "text") }
            #expect(taken.hasPrefix("conflict: dataset:reviews@4 has a column text of type VARCHAR, which is not a published label"))
        }
    }

    @Test func `shapes, numbers and keys of several columns`() async throws {
        try await Fixture.each { fixture in
            try await fixture.rows(
                "shots", "day,n,width,height\n2026-01-01,1,100,50\n2026-01-02,1,100,50\n", key: ["day", "n"])
            _ = try await fixture.schema("cats", ["kind": "boxes", "classes": ["cat"]])
            _ = try await fixture.schema("stars", ["kind": "number", "minimum": 0, "maximum": 5, "whole": true])
            let bo = Fixture.annotator("bo")
            for (name, schema) in [("boxes", "cats"), ("numbers", "stars")] {
                _ = try await fixture.labels.createTask(
                    TaskDraft(name: name, over: Ref(.dataset, "shots"), schema: Ref(.labelSchema, schema)), as: Fixture.lead)
            }
            let held = try await fixture.labels.next("boxes", as: bo)
            #expect(held.map(\.item.key.parts) == [["2026-01-01", "1"]])
            #expect(held.map(\.item.extent) == [.image(width: 100, height: 50)])
            let outside = await refusal {
                try await fixture.labels.submit(
                    "boxes", 1, [["class": "cat", "x": 90, "y": 0, "width": 20, "height": 5]], as: bo)
            }
            #expect(outside.contains("value[0]: reaches to (110.0, 5.0)"))
            _ = try await fixture.labels.submit("boxes", 1, [["class": "cat", "x": 1, "y": 2, "width": 3, "height": 4.5]], as: bo)
            _ = try await fixture.labels.next("numbers", count: 2, as: bo)
            _ = try await fixture.labels.submit("numbers", 2, 4, as: bo)
            for task in ["boxes", "numbers"] {
                _ = try await fixture.labels.publish(
                    task, branch: "main", include: .any, rule: nil, column: nil, message: nil, as: Fixture.lead)
            }
            let version = try await fixture.datasets.resolve(Ref(.dataset, "shots"), as: .system)
            #expect(
                try await fixture.published(version, "n, cats, stars, stars_votes", order: "day") == [
                    #"1 [{"class":"cat","height":4.5,"width":3.0,"x":1.0,"y":2.0}] - -"#, "1 - 4 1",
                ])
            let labels = try await fixture.labels.labels(of: "shots", ["2026-01-01", 1], as: Fixture.lead)
            #expect(labels.map { $0["task"]?.stringValue } == ["label-task:boxes", "label-task:numbers"])
        }
    }

    @Test func `a branch gets the labels, and main stays`() async throws {
        try await Fixture.with { fixture in
            _ = try await fixture.task(rows: 1)
            #expect(try await fixture.next("bo") == [1])
            try await fixture.submit("bo", 1, "good")
            #expect(await refusal { try await publish(fixture, branch: "labelled") }.hasPrefix("not_found"))
            _ = try await fixture.datasets.name(
                Ref(.dataset, "reviews"), "labelled", as: .branch, moving: false, by: Fixture.lead)
            let published = try await publish(fixture, branch: "labelled")
            let main = try await fixture.datasets.resolve(Ref(.dataset, "reviews"), as: .system)
            #expect("\(published.version.branch) \(published.version.number) \(main.number)" == "labelled 2 1")
        }
    }
}
