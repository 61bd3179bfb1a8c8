import CommandKit
import Core
import Database
import Platform
import TestSupport
import Testing

@testable import Datasets

/// How merges end, and what is shown on the way.
@Suite struct MergeFinishTests {
    @Test func `a merge is closed with its version, or there is no version`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { f in
                let merge = try await MergeFixture(f, base: "k,a  1,x", ours: "k,a  1,y", theirs: "k,a  1,z")
                let id = try await merge.merge()["id"]?.stringValue ?? ""
                _ = try await f.get("POST", "/merges/\(id)/resolutions", [["rule": "theirs"]])
                // The record cannot be closed, as when the server is killed before it is.
                let (on, off) =
                    dialect == .sqlite
                    ? (
                        "CREATE TRIGGER stop BEFORE UPDATE ON dataset_merge WHEN NEW.state = 'merged' BEGIN SELECT RAISE(ABORT, 'stop'); END",
                        "DROP TRIGGER stop"
                    )
                    : (
                        "ALTER TABLE dataset_merge ADD CONSTRAINT stop CHECK (state <> 'merged')",
                        "ALTER TABLE dataset_merge DROP CONSTRAINT stop"
                    )
                func execute(_ sql: String) async throws {
                    try await f.platform.database.write { try $0.execute(SQL(stringLiteral: sql)) }
                }
                let before = try await f.get("GET", "/datasets/d/versions")
                try await execute(on)
                #expect(try await f.ask("POST", "/merges/\(id)/commit").status >= 400)
                #expect(try await f.get("GET", "/datasets/d/versions") == before)
                try await execute(off)
                let made = try await f.get("POST", "/merges/\(id)/commit")
                #expect(made["version"]?["version"] == 4 && made["merge"]?["version"] == 4)
                #expect(try await f.get("GET", "/merges/\(id)")["state"] == "merged")
            }
        }
    }

    @Test func `what is said for all columns decides their cells, too`() async throws {
        try await Fixture.with { f in
            let merge = try await MergeFixture(
                f, base: "k,a  1,x  2,x", ours: "k,a,n  1,x,1  2,y,2", theirs: "k,a,n  1,x,one  2,z,two")
            let id = try await merge.merge()["id"]?.stringValue ?? ""
            let decided = try await f.get("POST", "/merges/\(id)/resolutions", [["rule": "theirs"]])
            #expect(decided["schemaConflicts"] == [] && decided["counts"]?["open"] == 0)
            _ = try await f.get("POST", "/merges/\(id)/commit")
            #expect(try await merge.table("main") == "k,a,n  1,x,one  2,z,two")
        }
    }

    @Test func `the merged table keeps the order of ours`() async throws {
        try await Fixture.with { f in
            let merge = try await MergeFixture(
                f, base: "k,a  4,n  0,n  1,n  2,n  3,n", ours: "k,a  0,n  1,n  2,edit  3,n",
                theirs: "k,a  5,new  4,n  0,n  1,n  3,n")
            #expect(try await merge.merge(rules: ["": "filled"])["state"] == "merged")
            #expect(try await f.rows("d") == "0,n;1,n;2,edit;3,n;5,new")
        }
    }

    @Test func `NaN that stays NaN is no change`() async throws {
        try await Fixture.with { f in
            _ = try await f.get("POST", "/datasets", ["name": "d", "project": "p", "key": ["k"]])
            for text in ["x", "y"] {
                _ = try await f.service.derive(
                    "d", project: "p", sql: "SELECT 1 AS k, CAST('nan' AS DOUBLE) AS v, '\(text)' AS t", inputs: [:],
                    parameters: [], message: "", as: .system)
            }
            let page = try await f.get("GET", "/datasets/d/diff?from=1&to=2&kind=changed")
            #expect(
                page["items"]?.arrayValue?.first?["cells"] == [["column": "t", "from": "x", "to": "y"]],
                "\(page.canonicalText)")
        }
    }

    @Test func `columns of text line up by what they take on a terminal`() {
        let table = Table.text(
            rows: [["a", "1"], ["日本語", "2"], ["🎉é", "3"], [String(repeating: "語", count: 50), "4"]],
            titles: ["Name", "N"])
        let cut = String(repeating: "語", count: 39)
        let pad = { (text: String, width: Int) in text + String(repeating: " ", count: 82 - width) }
        #expect(
            table.split(separator: "\n").map(String.init) == [
                pad("NAME", 4) + "N", pad("a", 1) + "1", pad("日本語", 6) + "2", pad("🎉é", 3) + "3",
                pad(cut + "…", 79) + "4",
            ])
    }
}
