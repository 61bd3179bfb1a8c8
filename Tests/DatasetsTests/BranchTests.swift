import Core
import Database
import Datasets
import TestSupport
import Testing

@Suite struct BranchTests {
    /// Branch, number and parent of each version, newest first.
    private func line(_ f: Fixture, _ query: String = "") async throws -> [String] {
        (try await f.get("GET", "/datasets/sales/versions" + query)["items"]?.arrayValue ?? []).map {
            "\($0["version"]?.intValue ?? 0) \($0["branch"]?.stringValue ?? "") \($0["parent"]?.intValue ?? 0)"
        }
    }

    @Test(arguments: TestDatabase.dialects)
    func `versions are made on branches, and names stand for them`(_ dialect: Dialect) async throws {
        try await Fixture.with(dialect: dialect) { f in
            _ = try await f.append("sales", "day,units\n2017-01-01,1\n".utf8)
            _ = try await f.append("sales", "day,units\n2017-01-02,2\n".utf8)
            _ = try await f.get("PUT", "/datasets/sales/branches/fix", ["from": "1"])
            _ = try await f.append("sales", "day,units\n2017-01-03,3\n".utf8, query: "&branch=fix")
            _ = try await f.append("sales", "day,units\n2017-01-04,4\n".utf8)
            _ = try await f.append("sales", "day,units\n2017-01-05,5\n".utf8, query: "&branch=fix")
            let all = try await line(f)
            let fix = try await line(f, "?branch=fix")
            // The same in pages of one.
            var paged: [String] = []
            var after = ""
            repeat {
                let page = try await f.get("GET", "/datasets/sales/versions?branch=fix&limit=1" + after)
                paged += (page["items"]?.arrayValue ?? []).map { String($0["version"]?.intValue ?? 0) }
                after = page["next"]?.stringValue.map { "&after=\($0)" } ?? ""
            } while !after.isEmpty
            #expect(all == ["5 fix 3", "4 main 2", "3 fix 1", "2 main 1", "1 main 0"])
            #expect(fix == ["5 fix 3", "3 fix 1", "1 main 0"] && paged == ["5", "3", "1"])
            #expect(try await f.rows("sales", "fix") == "2017-01-01,1;2017-01-03,3;2017-01-05,5")
            #expect(try await f.rows("sales") == "2017-01-01,1;2017-01-02,2;2017-01-04,4")

            _ = try await f.get("PUT", "/datasets/sales/tags/prod", ["from": "2"])
            _ = try await f.get("PUT", "/datasets/sales/tags/prod", ["from": "fix", "move": true])
            _ = try await f.get("DELETE", "/datasets/sales/branches/fix")
            #expect(try await f.rows("sales", "prod") == "2017-01-01,1;2017-01-03,3;2017-01-05,5")
            #expect(try await f.get("GET", "/datasets/sales")["latest"]?.intValue == 4)
            expectAnswers([
                ("moved tag", 409, "version 5", try await f.ask("PUT", "/datasets/sales/tags/prod", ["from": "1"])),
                ("a number", 400, "would read as a version", try await f.ask("PUT", "/datasets/sales/tags/7", [:])),
                ("latest", 400, "would read", try await f.ask("PUT", "/datasets/sales/branches/latest", [:])),
                ("main", 409, "stays", try await f.ask("DELETE", "/datasets/sales/branches/main")),
                ("gone", 404, "sales@fix", try await f.ask("DELETE", "/datasets/sales/branches/fix")),
                ("a tag as a branch", 404, "sales@prod", try await f.ask("DELETE", "/datasets/sales/branches/prod")),
                ("unknown", 404, "branch list", try await f.ask("GET", "/datasets/sales/versions/fix")),
                (
                    "onto a tag", 409, "tags do not move",
                    try await f.ask(
                        "POST", "/datasets/sales/derive",
                        ["sql": "SELECT * FROM s", "inputs": ["s": "dataset:sales"], "project": "p", "branch": "prod"])
                ),
                (
                    "onto no branch", 404, "data branch create sales nope",
                    try await f.ask(
                        "POST", "/datasets/sales/derive",
                        ["sql": "SELECT * FROM s", "inputs": ["s": "dataset:sales"], "project": "p", "branch": "nope"])
                ),
            ])
        }
    }

    @Test func `a key names columns that there are`() async throws {
        try await Fixture.with { f in
            _ = try await f.append("sales", "day,units\n2017-01-01,1\n".utf8)
            let set = try await f.get("PATCH", "/datasets/sales", ["key": ["day"], "description": "Tills"])
            #expect(set["key"] == ["day"] && set["description"] == "Tills" && set["kind"] == "table")
            let made = try await f.get("POST", "/datasets", ["name": "photos", "project": "p", "kind": "files"])
            #expect(made["key"] == ["path"])
            expectAnswers([
                ("unknown", 400, "day, units", try await f.ask("PATCH", "/datasets/sales", ["key": ["shop"]])),
                ("files", 400, "path", try await f.ask("PATCH", "/datasets/photos", ["key": ["id"]])),
                ("kind", 400, "table or files", try await f.ask("POST", "/datasets", ["name": "x", "kind": "y"])),
                (
                    "other kind", 409, "another dataset",
                    try await f.ask("POST", "/datasets", ["name": "photos", "project": "p"])
                ),
            ])
        }
    }
}
