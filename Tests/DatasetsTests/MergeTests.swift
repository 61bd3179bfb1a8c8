import Core
import Database
import Foundation
import TestSupport
import Testing

@testable import Datasets

@Suite struct MergeTests {
    /// Edits at random, from a seed that a failure names.
    private struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var x = state ^ (state >> 33)
            x = x &* 0xFF51_AFD7_ED55_8CCD
            return x ^ (x >> 33)
        }
    }

    private typealias Model = [Int: [String]]

    private static func text(_ rows: Model) -> String {
        (["k,a,b,c"] + rows.sorted { $0.key < $1.key }.map { "\($0.key)," + $0.value.joined(separator: ",") })
            .joined(separator: "  ")
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func `edits that do not overlap are both there, in either direction`(_ seed: UInt64) async throws {
        var dice = Dice(state: seed)
        var base: Model = [:]
        for key in 1...40 { base[key] = ["a\(key)", "b\(key)", "c\(key)"] }
        var (ours, theirs, both) = (base, base, base)
        for key in 1...40 {
            let isOurs = Bool.random(using: &dice)
            switch Int.random(in: 0..<4, using: &dice) {
            case 0:
                if isOurs { ours[key] = nil } else { theirs[key] = nil }
                both[key] = nil
            case 1:
                for column in 0..<3 {
                    let value = "\(isOurs ? "o" : "t")\(Int.random(in: 0..<9, using: &dice))"
                    switch Int.random(in: 0..<3, using: &dice) {
                    case 0: ours[key]?[column] = value
                    case 1: theirs[key]?[column] = value
                    default: continue
                    }
                    both[key]?[column] = value
                }
            default: continue
            }
        }
        for key in 41...50 {
            let row = ["x", "y", "z\(key)"]
            if Bool.random(using: &dice) { ours[key] = row } else { theirs[key] = row }
            both[key] = row
        }
        let (o, t, expected) = (ours, theirs, both)
        try await Fixture.with { f in
            let merge = try await MergeFixture(f, base: Self.text(base), ours: Self.text(o), theirs: Self.text(t))
            #expect(try await merge.merge(from: "3")["state"] == "merged")
            #expect(try await merge.merge(into: "side", from: "2")["state"] == "merged")
            let wanted = MergeFixture.sorted(Self.text(expected))
            #expect(try await [merge.table("main"), merge.table("side")] == [wanted, wanted])
            // What was merged is merged.
            let before = try await f.traces()
            #expect(try await merge.merge(from: "3")["state"] == "upToDate")
            // Two merges of the same two versions: nothing is in conflict any more, and the tables stay.
            #expect(try await f.traces() == before)
            #expect(try await merge.merge(from: "side")["state"] == "merged")
            #expect(try await merge.table("main") == wanted)
        }
    }

    @Test(arguments: [11, 12, 13] as [UInt64])
    func `ours one way is theirs the other way`(_ seed: UInt64) async throws {
        var dice = Dice(state: seed)
        var base: Model = [:]
        for key in 1...30 { base[key] = ["a", "b", "c"] }
        var sides = [base, base]
        for side in 0..<2 {
            for key in 1...30 {
                switch Int.random(in: 0..<5, using: &dice) {
                case 0: sides[side][key] = nil
                case 1, 2:
                    sides[side][key]?[Int.random(in: 0..<3, using: &dice)] = "\(Int.random(in: 0..<3, using: &dice))x"
                default: continue
                }
            }
        }
        let (o, t) = (sides[0], sides[1])
        try await Fixture.with { f in
            let merge = try await MergeFixture(f, base: Self.text(base), ours: Self.text(o), theirs: Self.text(t))
            // By hand-written rules of a merge, the conflicts are these.
            var expected = 0
            for key in 1...30 {
                switch (o[key], t[key]) {
                case (let x?, let y?):
                    expected +=
                        (0..<3).filter { x[$0] != y[$0] && x[$0] != base[key]?[$0] && y[$0] != base[key]?[$0] }.count
                case (let x?, nil): expected += x == base[key] ? 0 : 1
                case (nil, let y?): expected += y == base[key] ? 0 : 1
                case (nil, nil): continue
                }
            }
            let trial = try await f.get("POST", "/datasets/d/merge", ["from": "3", "trial": true])
            #expect(trial["counts"]?["conflicts"] == JSONValue(expected) && expected > 0)
            #expect(try await merge.merge(rules: ["": "ours"], from: "3")["state"] == "merged")
            #expect(try await merge.merge(rules: ["": "theirs"], into: "side", from: "2")["state"] == "merged")
            #expect(try await merge.table("main") == merge.table("side"))
        }
    }

    @Test func `conflicts say who did what, and are decided by hand, by rule and in bulk`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { f in
                let merge = try await MergeFixture(
                    f, base: "k,a,n  1,x,1  2,x,2  3,x,3  4,x,4", ours: "k,a,n  1,y,1  2,y,2  3,y,3  4,y,4",
                    theirs: "k,a,n  1,z,10  2,z,20  3,z,30  4,z,40")
                // Others work on: versions 4 (ours) and 5 and 6 (theirs).
                let mia = Fixture.maker
                func change(_ sql: String, _ branch: String, _ who: Principal) async throws {
                    _ = try await f.service.derive(
                        "d", project: "p", sql: sql, inputs: ["d": Ref(.dataset, "d", selector: branch)],
                        parameters: [],
                        message: "", branch: branch, as: who)
                }
                try await change("SELECT k, a, CASE WHEN k = 2 THEN 22 ELSE n END AS n FROM d", "main", mia)
                try await change("SELECT k, CASE WHEN k = 3 THEN 'w' ELSE a END AS a, n FROM d", "side", mia)
                try await change("SELECT * FROM d WHERE k < 9 OR a = 'nobody'", "side", .system)
                let outcome = try await merge.merge()
                guard let id = outcome["id"]?.stringValue else {
                    Issue.record("no merge: \(outcome.canonicalText)")
                    return
                }
                #expect(
                    outcome["counts"]?["byColumn"] == ["a": 4, "n": 1] && outcome["counts"]?["open"] == 5
                        && outcome["counts"]?["edited"] == 3)
                #expect(try await merge.merge()["id"]?.stringValue == id)
                let items = try await f.get("GET", "/merges/\(id)/conflicts?limit=3")
                let rest = try await f.get(
                    "GET", "/merges/\(id)/conflicts?limit=3&after=\(items["next"]?.stringValue ?? "")")
                let all = (items["items"]?.arrayValue ?? []) + (rest["items"]?.arrayValue ?? [])
                let who = all.map { item in
                    func side(_ side: JSONValue?) -> String {
                        "\(side?["value"]?.canonicalText ?? "") @\(side?["version"]?.canonicalText ?? "") \(side?["author"]?.stringValue ?? "")"
                    }
                    return
                        "\(item["key"]?.canonicalText ?? "") \(item["column"]?.stringValue ?? "") \(item["base"]?.canonicalText ?? ""): \(side(item["ours"])), \(side(item["theirs"]))"
                }
                let system = Principal.system.name
                #expect(
                    who == [
                        "{\"k\":1} a \"x\": \"y\" @2 \(system), \"z\" @3 \(system)",
                        "{\"k\":2} a \"x\": \"y\" @2 \(system), \"z\" @3 \(system)",
                        "{\"k\":2} n 2: 22 @4 mia, 20 @3 \(system)",
                        "{\"k\":3} a \"x\": \"y\" @2 \(system), \"w\" @5 mia",
                        "{\"k\":4} a \"x\": \"y\" @2 \(system), \"z\" @3 \(system)",
                    ])
                func resolve(_ list: JSONValue) async throws -> (status: Int, json: JSONValue) {
                    try await f.ask("POST", "/merges/\(id)/resolutions", list)
                }
                expectAnswers([
                    (
                        "open", 409, "5 conflicts are open: 4 in a, 1 in n",
                        try await f.ask("POST", "/merges/\(id)/commit")
                    ),
                    (
                        "key", 400, "there is no conflict",
                        try await resolve([["key": ["k": 9], "column": "a", "take": "ours"]])
                    ),
                    (
                        "key's columns", 400, "an object with k",
                        try await resolve([["key": ["a": 1], "column": "a", "take": "ours"]])
                    ),
                    (
                        "column", 400, "one of a, n",
                        try await resolve([["key": ["k": 1], "column": "q", "take": "ours"]])
                    ),
                    ("side", 400, "ours, theirs", try await resolve([["key": ["k": 1], "take": "both"]])),
                    (
                        "value", 400, "does not fit the column n",
                        try await resolve([["key": ["k": 2], "column": "n", "value": "many"]])
                    ),
                    (
                        "two", 400, "one of take",
                        try await resolve([["key": ["k": 2], "take": "ours", "rule": "ours"]])
                    ),
                    ("rule", 400, "is not a rule", try await resolve([["rule": "best"]])),
                    ("nothing", 400, "is empty", try await resolve([])),
                    ("merge", 404, "no merge", try await f.ask("GET", "/merges/nope")),
                ])
                #expect(try await f.get("GET", "/merges/\(id)")["counts"]?["open"] == 5)
                let some = try await resolve([
                    ["key": ["k": 1], "take": "theirs"], ["key": ["k": "2"], "column": "n", "value": 7],
                    ["id": 3, "take": "base"],
                ])
                #expect(some.json["counts"]?["open"] == 2)
                let decided = try await f.get("GET", "/merges/\(id)/conflicts?state=decided")["items"]?.arrayValue ?? []
                #expect(
                    decided.map {
                        "\($0["decision"]?["take"]?.stringValue ?? "") \($0["decision"]?["how"]?.stringValue ?? "") \($0["decision"]?["value"]?.canonicalText ?? "")"
                    }
                        == ["theirs hand ", "value hand 7", "base hand "])
                // A rule decides what is open, and leaves alone what a person said.
                #expect(try await resolve([["rule": "newest", "column": "a"]]).json["counts"]?["open"] == 0)
                #expect(try await resolve([["id": 3, "take": "open"]]).json["counts"]?["open"] == 0)
                let made = try await f.get("POST", "/merges/\(id)/commit", ["message": "done"])
                #expect(made["version"]?["message"] == "done" && made["merge"]?["state"] == "merged")
                #expect(try await merge.table("main") == "k,a,n  1,z,10  2,z,7  3,w,30  4,z,40")
                #expect(
                    try await f.get("POST", "/merges/\(id)/commit")["version"]?["version"]
                        == made["version"]?["version"])
                #expect(try await resolve([["rule": "ours"]]).status == 409)
            }
        }
    }

    @Test func `a branch that moves on keeps what was decided`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { f in
                let merge = try await MergeFixture(
                    f, base: "k,a  1,x  2,x  3,x", ours: "k,a  1,y  2,y  3,x", theirs: "k,a  1,z  2,z  3,x")
                let first = try await merge.merge()["id"]?.stringValue ?? ""
                _ = try await f.get(
                    "POST", "/merges/\(first)/resolutions",
                    [["id": 0, "take": "theirs"], ["id": 1, "column": "a", "value": "mine"]])
                try await merge.write("k,a  1,y  2,other  3,new", on: "main")
                let late = try await f.ask("POST", "/merges/\(first)/commit")
                #expect(late.status == 409 && late.json["error"]?["message"]?.stringValue?.contains("again") == true)
                let second = try await merge.merge()
                #expect(second["counts"]?["conflicts"] == 2 && second["counts"]?["open"] == 1)
                #expect(try await f.get("GET", "/merges/\(first)")["state"] == "abandoned")
                _ = try await f.get(
                    "POST", "/merges/\(second["id"]?.stringValue ?? "")/resolutions", [["rule": "ours"]])
                _ = try await f.get("POST", "/merges/\(second["id"]?.stringValue ?? "")/commit")
                #expect(try await merge.table("main") == "k,a  1,z  2,other  3,new")
                let states = try await f.get("GET", "/datasets/d/merges")["items"]?.arrayValue?.compactMap {
                    $0["state"]?.stringValue
                }
                #expect(Set(states ?? []) == ["merged", "abandoned"])
            }
        }
    }

    @Test func `a branch that stood still is moved, and appends keep their files`() async throws {
        try await Fixture.with { f in
            _ = try await f.get("POST", "/datasets", ["name": "d", "project": "p", "key": ["k"]])
            func append(_ text: String, _ branch: String) async throws {
                let answer = try await f.append("d", text.utf8, query: "&branch=\(branch)")
                #expect(answer.status == 201)
            }
            try await append("k,a\n1,x\n", "main")
            _ = try await f.get("PUT", "/datasets/d/branches/side", ["from": "1"])
            try await append("k,a\n2,y\n", "side")
            let merge: JSONValue = ["from": "side"]
            let forward = try await f.get("POST", "/datasets/d/merge", merge)
            #expect(forward["state"] == "fastForward" && forward["version"]?["version"] == 2)
            #expect(try await f.get("GET", "/datasets/d")["latest"] == 2)
            try await append("k,a\n3,z\n", "side")
            try await append("k,a\n4,w\n", "main")
            let merged = try await f.get("POST", "/datasets/d/merge", merge)
            #expect(merged["version"]?["files"] == 4 && merged["version"]?["rows"] == 4)
            #expect(try await f.rows("d") == "1,x;2,y;4,w;3,z")
            // Criss-cross: the newest common ancestor counts.
            #expect(
                try await f.get("POST", "/datasets/d/merge", ["from": "main", "into": "side"])["state"] == "fastForward"
            )
            expectAnswers([
                ("tag", 409, "", try await f.ask("PUT", "/datasets/d/tags/main", ["from": "1"])),
                ("no branch", 404, "d@nope", try await f.ask("POST", "/datasets/d/merge", ["from": "nope"])),
                (
                    "into", 404, "branch",
                    try await f.ask("POST", "/datasets/d/merge", ["from": "side", "into": "nope"])
                ),
            ])
        }
    }

    @Test func `keys that do not hold are refused with examples`() async throws {
        try await Fixture.with { f in
            let merge = try await MergeFixture(
                f, base: "k,a  1,x  2,x", ours: "k,a  1,y  2,x", theirs: "k,a  1,z  1,w  -,v  2,x", key: [])
            let before = try await f.traces()
            func ask(_ key: JSONValue) async throws -> (status: Int, json: JSONValue) {
                try await f.ask("POST", "/datasets/d/merge", ["from": "side", "key": key])
            }
            expectAnswers([
                ("none", 400, "goes by key", try await ask(.null)),
                ("twice", 400, "(k = 1) is there 2 times", try await ask(["k"])),
                ("null", 400, "(k = NULL) is NULL in 1 rows", try await ask(["k"])),
                ("unknown", 400, "'q' is not in all versions", try await ask(["q"])),
                ("diff", 400, "is there 2 times", try await f.ask("GET", "/datasets/d/diff?from=1&to=3&key=k")),
            ])
            #expect(try await f.traces() == before)
            _ = merge
        }
    }

    @Test func `a diff by key names rows and cells, page by page`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { f in
                _ = try await MergeFixture(
                    f, base: "k,a,l,l_by,l_at  1,x,-,-,-  2,x,cat,ann,t1  3,x,cat,ann,t1  4,x,-,-,-",
                    ours: "k,a,l,l_by,l_at,n  1,x,cat,ann,t1,5  2,y,dog,bob,t2,6  3,x,-,-,-,7  5,x,-,-,-,8",
                    theirs: "k,a,l,l_by,l_at  1,x,-,-,-  2,x,cat,ann,t1  3,x,cat,ann,t1  4,x,-,-,-")
                let diff = try await f.get("GET", "/datasets/d/diff?from=1&to=main&statistics=false")
                #expect(diff["rows"] == ["from": 4, "to": 4, "added": 1, "removed": 1, "changed": 3])
                #expect(diff["schema"]?["added"] == ["n"] && diff["key"] == ["k"])
                #expect(
                    diff["labels"] == [["name": "l", "set": 1, "changed": 1, "cleared": 1]]
                        && diff["cells"]?.arrayValue?.first == ["column": "a", "changed": 1])
                var kinds: [String] = []
                var after = ""
                repeat {
                    let page = try await f.get("GET", "/datasets/d/diff?from=1&to=2&kind=all&limit=2\(after)")
                    kinds += (page["items"]?.arrayValue ?? []).map {
                        "\($0["kind"]?.stringValue ?? "") \($0["key"]?["k"]?.canonicalText ?? "") \(($0["cells"]?.arrayValue ?? []).compactMap { $0["column"]?.stringValue }.joined(separator: ","))"
                    }
                    after = page["next"]?.stringValue.map { "&after=\($0)" } ?? ""
                } while !after.isEmpty
                #expect(
                    kinds == [
                        "changed 1 l,l_by,l_at,n", "changed 2 a,l,l_by,l_at,n", "changed 3 l,l_by,l_at,n",
                        "removed 4 a,l,l_by,l_at,n", "added 5 a,l,l_by,l_at,n",
                    ])
                let multisets = try await f.get("GET", "/datasets/d/diff?from=1&to=2&key=none&statistics=false")
                #expect(multisets["rows"] == ["from": 4, "to": 4, "added": 4, "removed": 4])
                expectAnswers([
                    ("kind", 400, "added, removed", try await f.ask("GET", "/datasets/d/diff?from=1&to=2&kind=odd")),
                    ("from", 400, "two versions", try await f.ask("GET", "/datasets/d/diff?from=1")),
                    ("version", 404, "d@9", try await f.ask("GET", "/datasets/d/diff?from=1&to=9")),
                ])
            }
        }
    }

    @Test func `files merge by path, with what is said about them`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { f in
                _ = try await f.files("pics", ["a": "1", "b": "2", "c": "3", "d": "4"])
                _ = try await f.get("PUT", "/datasets/pics/branches/side", ["from": "1"])
                _ = try await f.files("pics", ["a": "ours", "b": "both", "c": nil, "e": "new"])
                _ = try await f.files("pics", ["b": "other", "d": nil, "f": "theirs"], branch: "side")
                // A label beside the files, by the way that labels are published.
                let head = try await f.service.resolve(Ref(.dataset, "pics", selector: "side"), as: Fixture.maker)
                _ = try await f.service.rewrite(
                    head, branch: "side", sql: "SELECT *, CASE WHEN path = 'a' THEN 'cat' END AS label FROM p",
                    inputs: [try await f.service.input(head, name: "p")],
                    recipe: Recipe(kind: "label", inputs: [], details: [:]), parents: [], message: "",
                    as: Fixture.maker)
                let outcome = try await f.get("POST", "/datasets/pics/merge", ["from": "side"])
                let id = outcome["id"]?.stringValue ?? ""
                let conflicts = try await f.get("GET", "/merges/\(id)/conflicts")["items"]?.arrayValue ?? []
                #expect(conflicts.map { $0["key"]?["path"] } == ["b"] && conflicts.first?["column"] == "digest")
                _ = try await f.get("POST", "/merges/\(id)/resolutions", [["key": ["path": "b"], "take": "theirs"]])
                let made = try await f.get("POST", "/merges/\(id)/commit")
                #expect(made["version"]?["files"] == 4 && made["version"]?["merged"] == 4)
                #expect(try await f.tree("pics") == ["a": "ours", "b": "other", "e": "new", "f": "theirs"])
                #expect(
                    try await f.query("SELECT path, size_bytes, label FROM p ORDER BY path", "pics") == [
                        ["a", 4, "cat"], ["b", 5, .null], ["e", 3, .null], ["f", 6, .null],
                    ])
                let diff = try await f.get("GET", "/datasets/pics/diff?from=1&to=main&statistics=false")
                #expect(diff["files"] == ["added": 2, "removed": 2, "changed": 2] && diff["key"] == ["path"])
            }
        }
    }
}
