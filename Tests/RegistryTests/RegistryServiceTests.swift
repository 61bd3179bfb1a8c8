import Core
import Database
import Ledger
import Platform
import Registry
import Testing

@Suite struct RegistryServiceTests {
    @Test func `models are made, described, tagged, renamed and deleted`() async throws {
        try await Fixture.each { f in
            let registry = f.registry
            let made = try await registry.createModel(
                "restock", project: "fresh", description: "first", tags: ["team": "fresh"], as: Fixture.ada)
            #expect([made.owner, made.description, made.tags["team"]] == ["ada", "first", "fresh"])
            #expect(
                await code { _ = try await registry.createModel("restock", project: "other", as: Fixture.stranger) }
                    == .conflict)
            #expect(
                await code { _ = try await registry.createModel("a/b", project: "fresh", as: Fixture.ada) } == .invalid)
            #expect(await code { _ = try await registry.createModel("x", project: "absent", as: .system) } == .notFound)
            _ = try await registry.describeModel("restock", "second", as: Fixture.ada)
            try await registry.setModelTag("restock", "note", "x", as: Fixture.ada)
            try await registry.deleteModelTag("restock", "team", as: Fixture.ada)
            try await registry.deleteModelTag("restock", "never", as: Fixture.ada)
            let run = try await f.run()
            _ = try await registry.createVersion(
                "restock", VersionRequest(source: "runs:/\(run)/model"), as: Fixture.ada)
            let renamed = try await registry.renameModel("restock", to: "reorder", as: Fixture.ada)
            #expect([renamed.name, renamed.description] == ["reorder", "second"])
            #expect(renamed.tags == ["note": "x"])
            #expect(await code { _ = try await registry.model("restock", as: Fixture.ada) } == .notFound)
            // The version keeps its files and leads back to its old name.
            let version = try await registry.version("reorder", 1, as: Fixture.ada)
            #expect(try await registry.files(of: version).count == 3)
            #expect(
                try await f.platform.ledger.lineage(of: version.ref, .upstream, depth: 2).contains {
                    $0.source == Ref(.run, run)
                })
            _ = try await registry.createModel("restock", project: "fresh", as: Fixture.ada)
            #expect(
                await code { _ = try await registry.renameModel("restock", to: "reorder", as: Fixture.ada) }
                    == .conflict)
            try await registry.deleteModel("reorder", as: Fixture.ada)
            #expect(await code { _ = try await registry.version("reorder", 1, as: Fixture.ada) } == .notFound)
            // The name is free.
            #expect(try await registry.createModel("reorder", project: "fresh", as: Fixture.ada).tags == [:])
            #expect(try await f.events(of: "reorder") == ["model.renamed", "model.deleted", "model.created"])
        }
    }

    @Test func `searches filter, order and page`() async throws {
        try await Fixture.each { f in
            for (name, tag) in [("beta", "x"), ("alpha", "y"), ("Gamma", "x"), ("delta", "z")] {
                _ = try await f.registry.createModel(name, project: "fresh", tags: ["kind": tag], as: Fixture.ada)
            }
            _ = try await f.registry.createModel(
                "greeting", project: "fresh", tags: ["mlflow.prompt.is_prompt": "true"], as: Fixture.ada)
            func names(_ filter: String, _ order: [String] = ["creation_timestamp"]) async throws -> [String] {
                try await f.registry.searchModels(filter, order: order, PageRequest(), as: Fixture.guest).items.map(
                    \.name)
            }
            let table: [(String, [String])] = [
                ("", ["beta", "alpha", "Gamma", "delta"]), ("name = 'beta'", ["beta"]),
                ("name != 'beta'", ["alpha", "Gamma", "delta"]),
                ("name LIKE '%a'", ["beta", "alpha", "Gamma", "delta"]), ("name LIKE 'g%'", []),
                ("name ILIKE 'g%'", ["Gamma"]),
                ("tags.kind = 'x'", ["beta", "Gamma"]), ("tags.kind != 'x' AND name LIKE 'a%'", ["alpha"]),
                ("tags.none != 'x'", []),
                ("name IN ('alpha', 'delta')", ["alpha", "delta"]),
                ("tags.kind = 'y' OR name = 'beta'", ["beta", "alpha"]),
                ("tags.`mlflow.prompt.is_prompt` = 'true'", ["greeting"]),
                ("tags.`mlflow.prompt.is_prompt` != 'true' AND tags.kind = 'z'", ["delta"]),
                ("name LIKE '%''; DROP TABLE registered_model --'", []), ("name LIKE '[abg]%'", []),
            ]
            for (filter, expected) in table { #expect(try await names(filter) == expected, "\(filter)") }
            for bad in ["nonsense = 'x'", "metrics.rmse > 1", "name > 'a'", "name = 3", "name ="] {
                #expect(await code { _ = try await names(bad) } == .invalid)
            }
            for bad in [["nonsense"], ["name", "name DESC"], ["tags.kind"]] {
                #expect(await code { _ = try await names("", bad) } == .invalid)
            }
            var pages: [[String]] = []
            var after: Cursor?
            repeat {
                let page = try await f.registry.searchModels(
                    "", order: ["name DESC"], PageRequest(limit: 3, after: after), as: Fixture.guest)
                pages.append(page.items.map(\.name))
                after = page.next
            } while after != nil
            // The two databases put capital letters in different places.
            #expect(pages.map(\.count) == [3, 1] && Set(pages.joined()).count == 4)
            #expect(try await f.registry.searchModels("", PageRequest(), as: Fixture.stranger).items == [])
        }
    }

    @Test func `versions are searched by run, tag, number and name`() async throws {
        try await Fixture.each { f in
            let made = try await f.restock(versions: [Fixture.ada, Fixture.ada])
            try await f.registry.setVersionTag("restock", 1, "checked", "yes", as: Fixture.ada)
            func found(_ filter: String, _ order: [String] = ["version_number"]) async throws -> [Int] {
                try await f.registry.searchVersions(filter, order: order, PageRequest(), as: Fixture.guest).items.map(
                    \.version)
            }
            let table: [(String, [Int])] = [
                ("name = 'restock'", [1, 2]), ("run_id = '\(made[1].runID ?? "")'", [2]), ("tags.checked = 'yes'", [1]),
                ("version_number > 1", [2]),
                ("version_number = '1'", [1]), ("source_path LIKE 'runs:/%'", [1, 2]),
                ("run_id IN ('\(made[0].runID ?? "")')", [1]),
                ("stage = 'None' AND NOT tags.checked = 'yes'", [2]), ("name = 'other'", []),
            ]
            for (filter, expected) in table { #expect(try await found(filter) == expected, "\(filter)") }
            // The newest change first; a tag is none.
            #expect(try await found("", []) == [2, 1])
            _ = try await f.registry.describeVersion("restock", 1, "checked", as: Fixture.ada)
            #expect(try await found("", []) == [1, 2])
            #expect(await code { _ = try await found("name LIKE 3") } == .invalid)
        }
    }

    @Test func `stages move and archive`() async throws {
        try await Fixture.each { f in
            try await f.restock(versions: [Fixture.ada, Fixture.ada, Fixture.ada])
            func move(_ number: Int, _ stage: ModelStage, archiving: Bool = false) async throws {
                _ = try await f.registry.moveToStage(
                    "restock", number, stage, archivingOthers: archiving, as: Fixture.ada)
            }
            try await move(1, .production)
            try await move(2, .production, archiving: true)
            let latest = try await f.registry.latestVersions("restock", as: Fixture.guest)
            #expect(latest.map { "\($0.version) \($0.stage.rawValue)" } == ["1 Archived", "2 Production", "3 None"])
            #expect(
                try await f.registry.latestVersions("restock", stages: [.production], as: Fixture.guest).map(\.version)
                    == [2])
            #expect(await code { try await move(3, .archived, archiving: true) } == .invalid)
            #expect(throws: SlipwayError.self) { try ModelStage(parsing: "Nowhere") }
        }
    }

    @Test func `who may do what`() async throws {
        try await Fixture.each { f in
            try await f.restock()
            let registry = f.registry
            let table: [(String, ErrorCode?)] = [
                ("guest reads", await code { _ = try await registry.model("restock", as: Fixture.guest) }),
                ("stranger reads", await code { _ = try await registry.model("restock", as: Fixture.stranger) }),
                ("guest tags", await code { try await registry.setModelTag("restock", "a", "b", as: Fixture.guest) }),
                (
                    "guest aliases",
                    await code { try await registry.setAlias("restock", "champion", to: 1, as: Fixture.guest) }
                ),
                (
                    "ada approves",
                    await code { _ = try await registry.decide("restock", 1, .approve, comment: "", as: Fixture.ada) }
                ),
                (
                    "bob sets a policy",
                    await code { _ = try await registry.setPolicy("restock", .open, as: Fixture.bob) }
                ),
                (
                    "bob approves",
                    await code { _ = try await registry.decide("restock", 1, .approve, comment: "", as: Fixture.bob) }
                ),
            ]
            #expect(table.filter { $0.1 == nil }.map(\.0) == ["guest reads", "bob approves"])
            #expect(Set(table.compactMap(\.1)) == [.forbidden])
        }
    }
}
