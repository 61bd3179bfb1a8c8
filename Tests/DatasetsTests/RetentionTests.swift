import Core
import Database
import Ledger
import Objects
import Platform
import TestSupport
import Testing

@testable import Datasets

@Suite struct RetentionTests {
    /// `3 main 40` is version 3 on main, made 40 days ago.
    private static func version(_ text: String) -> DatasetVersion {
        let parts = text.split(separator: " ")
        return DatasetVersion(
            dataset: "d", project: "p", kind: .files, number: Int(parts[0]) ?? 0, branch: String(parts[1]), parent: nil,
            merged: nil, tree: nil, manifest: "", digest: .of("d"), columns: [], rowCount: 0, sizeBytes: 0,
            fileCount: 0,
            message: "", author: "ada", created: Timestamp(milliseconds: -(Int64(parts[2]) ?? 0) * 86_400_000),
            recipe: Recipe(kind: "files", inputs: [], details: [:]), deleted: nil)
    }

    static let rules: [(keepLast: Int?, keepDays: Int?, keepTagged: Bool, wanted: [Int])] = [
        (1, nil, true, [4, 3, 1]), (1, nil, false, [4, 3, 2, 1]), (2, nil, true, [3, 1]), (100, nil, true, []),
        (nil, 25, true, [3, 1]), (nil, 1000, false, []), (1, 15, true, [4, 3, 1]), (1, 25, true, [3, 1]),
        (3, 15, true, [1]),
    ]

    @Test(arguments: rules) func `a version goes only if no rule keeps it`(
        _ keepLast: Int?, _ keepDays: Int?, _ keepTagged: Bool, _ wanted: [Int]
    ) throws {
        let versions = ["7 side 50", "6 main 0", "5 side 60", "4 main 20", "3 main 30", "2 main 40", "1 main 50"].map(
            Self.version)
        func named(_ kind: NamedVersion.Kind, _ name: String, _ number: Int) -> NamedVersion {
            NamedVersion(
                kind: kind, dataset: "d", name: name, number: number, author: "ada", created: Timestamp(milliseconds: 0)
            )
        }
        // Version 5 is kept as the head of a branch that was made from it.
        let rule = try RetentionRule(keepLast: keepLast, keepDays: keepDays, keepTagged: keepTagged)
        let expired = rule.expired(
            versions,
            named: [
                named(.branch, "main", 6), named(.branch, "side", 7), named(.branch, "old", 5), named(.tag, "prod", 2),
            ],
            now: Timestamp(milliseconds: 0))
        #expect(expired.map(\.number) == wanted)
    }

    @Test func `a rule that keeps nothing is refused`() {
        for (last, days) in [(nil, nil), (0, nil), (nil, -1), (2_000_000, nil)] as [(Int?, Int?)] {
            #expect(throws: SlipwayError.self) { try RetentionRule(keepLast: last, keepDays: days) }
        }
    }

    @Test func `data that a registered model was made from takes force and an owner`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { f in
                for text in ["1", "2", "3", "4"] { try await f.files("pics", ["a": text]) }
                // A model of version 1, through a run; one of version 3, which came after version 2.
                let platform = f.platform
                try await platform.database.write { db in
                    for (version, run, model) in [(1, "r1", "m"), (3, "r3", "n")] {
                        try platform.ledger.link(
                            db, Ref(.run, run), madeFrom: Ref(.dataset, "pics", version: version), "used")
                        try platform.ledger.link(
                            db, Ref(.model, model, version: 1), madeFrom: Ref(.run, run), "registered-from")
                    }
                }
                let first = Ref(.dataset, "pics", version: 1)
                let owner = Principal(name: "olga", role: nil, grants: ["p": .owner])
                func remove(_ ref: Ref, dryRun: Bool = false, force: Bool = false, as who: Principal) async throws
                    -> Deletion
                {
                    try await f.service.deleteVersion(ref, dryRun: dryRun, force: force, as: who)
                }
                let preview = try await remove(first, dryRun: true, as: Fixture.maker)
                #expect(preview.models == [first: [Ref(.model, "m", version: 1)]] && preview.isDryRun)
                #expect(preview.freedObjects > 0)
                let warned = try await #require(throws: SlipwayError.self) { try await remove(first, as: owner) }
                #expect(warned.code == .conflict && warned.details["models"] == "model:m@1")
                let refused = try await #require(throws: SlipwayError.self) {
                    try await remove(first, force: true, as: Fixture.maker)
                }
                #expect(refused.code == .forbidden)
                // A rule never deletes them: of 1, 2 and 3 only 2 goes.
                try await f.service.setRetention(
                    "pics", try RetentionRule(keepLast: 1, keepDays: nil), as: Fixture.maker)
                let outcome = try await f.service.applyRetention("pics", dryRun: false, as: Fixture.maker)
                #expect(outcome.deletion.versions.map(\.number) == [2])
                #expect(outcome.held.keys.sorted() == [first, Ref(.dataset, "pics", version: 3)] && outcome.kept == 3)
                #expect(try await remove(first, force: true, as: owner).versions.map(\.number) == [1])
                #expect(try await f.tree("pics") == ["a": "4"])
                let events = try await f.ask("GET", "/datasets/pics/versions/1")
                #expect(events.json["deleted"]?.isNull == false && events.json["recipe"]?["kind"] == "files")
            }
        }
    }
}
