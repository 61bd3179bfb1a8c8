import Core
import Database
import Foundation
import Ledger
import Platform
import TestSupport
import Testing
import Web

@testable import Datasets

@Suite struct ReadTests {
    /// Thirty days, three stores, units from 0 to 4.
    private static let sales: String = {
        var text = "day,store,units,price\n"
        for n in 0..<30 {
            text += "2017-01-\(n < 9 ? "0" : "")\(n + 1),\(["a", "b", "c"][n % 3]),\(n % 5),\(Double(n) / 4)\n"
        }
        return text
    }()

    @Test func `rows are filtered, ordered and paged, and ties keep their place`() async throws {
        try await Fixture.with { f in
            _ = try await f.append("sales", Self.sales.utf8)
            let base = "/datasets/sales/versions/1/rows"
            let encoded = "units%20%3E%203%20AND%20store%20%3D%20'a'"
            #expect(
                Fixture.text(try await f.get("GET", base + "?filter=\(encoded)&columns=units,day&order=day%20DESC"))
                    == "4,2017-01-25;4,2017-01-10")
            // Page by page in an order with many ties: every row once.
            var seen: [String] = []
            var after = ""
            repeat {
                let page = try await f.get("GET", base + "?order=units&columns=day,units&limit=7\(after)")
                seen += Fixture.text(page).split(separator: ";").map(String.init)
                after = page["next"]?.stringValue.map { "&after=\($0)" } ?? ""
            } while !after.isEmpty
            let days = seen.map { $0.split(separator: ",")[0] }
            #expect(Set(days).count == 30 && seen.count == 30)
            let units = seen.compactMap { $0.split(separator: ",").last.flatMap { Int($0) } }
            #expect(units == units.sorted())
            #expect(
                Array(days.prefix(6)) == [
                    "2017-01-01", "2017-01-06", "2017-01-11", "2017-01-16", "2017-01-21", "2017-01-26",
                ])
            let negative = Cursor([.int(-5)]).description
            expectAnswers([
                ("unknown column in filter", 400, "colour", try await f.ask("GET", base + "?filter=colour%20%3D%201")),
                ("unknown column", 400, "colour", try await f.ask("GET", base + "?columns=day,colour")),
                ("unknown order", 400, "colour", try await f.ask("GET", base + "?order=colour")),
                ("SQL in the filter", 400, "filter", try await f.ask("GET", base + "?filter=1%3D1%3BDROP")),
                ("SQL in the order", 400, "", try await f.ask("GET", base + "?order=day%3B%20DROP%20TABLE%20data")),
                ("quote in a column", 400, "column", try await f.ask("GET", base + "?columns=day%22%20FROM%20x--")),
                ("text against a number", 400, "", try await f.ask("GET", base + "?filter=units%20%3D%20'x'")),
                ("limit", 400, "limit", try await f.ask("GET", base + "?limit=0")),
                ("cursor", 400, "after", try await f.ask("GET", base + "?after=\(negative)")),
                ("version", 404, "The newest version is 1", try await f.ask("GET", "/datasets/sales/versions/2/rows")),
                ("version text", 404, "newest", try await f.ask("GET", "/datasets/sales/versions/newest/rows")),
                ("dataset", 404, "dataset:nope", try await f.ask("GET", "/datasets/nope/versions/1/rows")),
                (
                    "file", 404, "no file",
                    try await f.ask("GET", "/datasets/sales/versions/1/files/..%2F..%2Fslipway.db")
                ),
            ])
        }
    }

    @Test func `SQL derives versions, with a cache by recipe`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { f in
                _ = try await f.append("sales", Self.sales.utf8)
                _ = try await f.get(
                    "POST", "/slices", ["name": "bigger", "dataset": "sales", "where": "units > 2 -- comment"])
                func derive(_ sql: String, _ inputs: JSONValue, _ params: JSONValue = []) async throws -> (
                    status: Int, json: JSONValue
                ) {
                    try await f.ask(
                        "POST", "/datasets/daily/derive",
                        ["project": "p", "sql": .string(sql), "inputs": inputs, "params": params])
                }
                let sql =
                    "SELECT store, sum(units)::INTEGER AS units FROM s WHERE units <> ? GROUP BY store ORDER BY store"
                let first = try await derive(sql, ["s": "slice:bigger"], [4])
                #expect(first.status == 201 && first.json["version"] == 1)
                #expect(try await f.rows("daily") == "a,6;b,6;c,6")
                let same = try await derive(sql, ["s": "slice:bigger"], [4])
                #expect(same.status == 200 && same.json["version"] == 1 && same.json["unchanged"] == true)
                let other = try await derive(sql, ["s": "slice:bigger"], [3])
                #expect(other.status == 201 && other.json["version"] == 2)
                #expect(try await f.rows("daily") == "a,8;b,8;c,8")
                // New content of an input, or a new condition of the slice, is a new recipe.
                _ = try await f.append("sales", "day,store,units,price\n2017-03-01,a,5,1\n".utf8)
                let third = try await derive(sql, ["s": "slice:bigger"], [3])
                _ = try await f.get("POST", "/slices", ["name": "bigger", "dataset": "sales", "where": "units > 1"])
                let fourth = try await derive(sql, ["s": "slice:bigger"], [3])
                #expect([third.json["version"], fourth.json["version"]] == [3, 4])
                let recipe = fourth.json["recipe"]?.canonicalText ?? ""
                #expect(recipe.contains("slice:bigger@2 [units > 1]") && recipe.contains("dataset:sales sha256:"))
                let up = try await f.platform.ledger.lineage(of: Ref(.dataset, "daily", version: 4), .upstream)
                let sources = Set(up.map(\.source.description).filter { !$0.hasPrefix("file:") })
                #expect(sources == ["dataset:sales@2", "dataset:sales@1", "slice:bigger@2", "dataset:sales"])
                try file(f)
                let before = try await f.traces()
                let secret = f.folder + "/secret.csv"
                expectAnswers([
                    (
                        "a file by name", 400, "There is no table",
                        try await derive("SELECT * FROM '\(secret)'", ["s": "dataset:sales"])
                    ),
                    (
                        "a file by function", 403, "read_csv",
                        try await derive("SELECT * FROM read_csv('\(secret)')", ["s": "dataset:sales"])
                    ),
                    (
                        "its text", 403, "",
                        try await derive("SELECT * FROM s, read_text('/etc/passwd')", ["s": "dataset:sales"])
                    ),
                    (
                        "a web page", 400, "There is no table",
                        try await derive("SELECT * FROM 'http://127.0.0.1:9/x.csv'", ["s": "dataset:sales"])
                    ),
                    (
                        "a statement", 403, "",
                        try await derive("COPY s TO '\(f.folder)/out.csv'", ["s": "dataset:sales"])
                    ),
                    (
                        "two statements", 400, "one SELECT",
                        try await derive("SELECT 1; SELECT 2", ["s": "dataset:sales"])
                    ),
                    ("unknown table", 400, "", try await derive("SELECT * FROM t", ["s": "dataset:sales"])),
                    ("unknown column", 400, "colour", try await derive("SELECT colour FROM s", ["s": "dataset:sales"])),
                    ("unknown ref", 404, "dataset:nope", try await derive("SELECT 1", ["s": "dataset:nope"])),
                    ("unknown slice", 404, "slice:nope", try await derive("SELECT 1", ["s": "slice:nope"])),
                    ("a model", 400, "ref", try await derive("SELECT 1", ["s": "model:m"])),
                    ("not a ref", 400, "ref", try await derive("SELECT 1", ["s": "sales"])),
                    ("name of an input", 400, "inputs", try await derive("SELECT 1", ["a b": "dataset:sales"])),
                    (
                        "no SQL", 400, "sql",
                        try await f.ask("POST", "/datasets/daily/derive", ["inputs": [:], "project": "p"])
                    ),
                    (
                        "a failing cast", 400, "",
                        try await derive("SELECT CAST(store AS INTEGER) AS n FROM s", ["s": "dataset:sales"])
                    ),
                ])
                #expect(try await f.traces() == before)
                #expect(!FileManager.default.fileExists(atPath: f.folder + "/out.csv"))
            }
        }
    }

    private func file(_ f: Fixture) throws { try f.file("secret.csv", "a\n1\n") }

    @Test func `slices are conditions and nothing else`() async throws {
        try await Fixture.with { f in
            _ = try await f.append("sales", Self.sales.utf8)
            func slice(_ name: String, _ condition: String) async throws -> (status: Int, json: JSONValue) {
                try await f.ask(
                    "POST", "/slices", ["name": .string(name), "dataset": "sales", "where": .string(condition)])
            }
            #expect(try await slice("a", "store = 'a' AND units >= 3").json["version"] == 1)
            #expect(try await slice("a", "store = 'a' AND units >= 3").json["version"] == 1)
            #expect(try await slice("a", "store = 'a' AND units = 4").json["version"] == 2)
            #expect(Fixture.text(try await f.get("GET", "/slices/a/rows?columns=day")) == "2017-01-10;2017-01-25")
            #expect(try await f.get("GET", "/slices/a?version=1")["where"] == "store = 'a' AND units >= 3")
            #expect(try await f.get("GET", "/slices/a/profile")["rowCount"] == 2)
            try f.file("secret.csv", "a\n1\n")
            expectAnswers([
                ("closes the bracket", 400, "", try await slice("b", "TRUE) UNION SELECT * FROM (SELECT 1")),
                ("comments it away", 400, "", try await slice("b", "TRUE) --")),
                ("two", 400, "", try await slice("b", "TRUE; SELECT 1")),
                (
                    "a file", 400, "There is no table",
                    try await slice("b", "units IN (SELECT a FROM '\(f.folder)/secret.csv')")
                ),
                ("no condition", 400, "", try await slice("b", "")),
                ("unknown column", 400, "colour", try await slice("b", "colour = 1")),
                ("an aggregate", 400, "", try await slice("b", "count(*) > 1")),
                ("a parameter", 400, "", try await slice("b", "units > ?")),
                (
                    "unknown dataset", 404, "dataset:x",
                    try await f.ask("POST", "/slices", ["name": "b", "dataset": "x", "where": "TRUE"])
                ),
            ])
            #expect(try await f.get("GET", "/slices")["items"]?.arrayValue?.count == 1)
        }
    }

    @Test func `a profile is computed once, and a diff says what changed`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { f in
                try f.file("a.csv", "k,n\na,1\na,1\nb,2\n")
                _ = try await f.importFile("one", f.folder + "/a.csv", into: "d")
                try f.file("b.csv", "k,n,m\na,1,x\nc,30,y\n")
                _ = try await f.importFile("two", f.folder + "/b.csv", into: "d", onChange: "evolve")
                let profile = try await f.get("GET", "/datasets/d/versions/1/profile")
                #expect(profile["rowCount"] == 3)
                // Kept with the version: what is stored is what is answered.
                let marked: JSONValue = ["rowCount": 3, "columns": [], "kept": true]
                try await f.platform.database.write { db in
                    try db.execute("UPDATE dataset_version SET profile = \(marked) WHERE dataset = 'd' AND number = 1")
                }
                #expect(try await f.get("GET", "/datasets/d/versions/1/profile") == marked)
                try await f.platform.database.write { db in
                    try db.execute("UPDATE dataset_version SET profile = \(profile) WHERE dataset = 'd' AND number = 1")
                }
                let diff = try await f.get("GET", "/datasets/d/diff?from=1&to=2")
                #expect(diff["schema"] == ["added": ["m"], "removed": [], "changed": []])
                #expect(diff["rows"] == ["from": 3, "to": 2, "added": 1, "removed": 2])
                let changes = (diff["statistics"]?.arrayValue ?? []).first { $0["name"] == "n" }?["changes"]
                #expect(changes?["maximum"] == ["from": "2", "to": "30"])
                let same = try await f.get("GET", "/datasets/d/diff?from=2&to=2")
                #expect(same["same"] == true && same["rows"] == ["from": 2, "to": 2, "added": 0, "removed": 0])
                expectAnswers([("from", 404, "d@x", try await f.ask("GET", "/datasets/d/diff?from=x&to=2"))])
            }
        }
    }
}
