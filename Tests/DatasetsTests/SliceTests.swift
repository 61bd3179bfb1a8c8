import Core
import Database
import Datasets
import TestSupport
import Testing

@Suite struct SliceTests {
    /// 1000 rows: 100 households with 10 rows each, three stores, a day each.
    private static let sales: String = {
        var text = "id,household,store,day,units\n"
        for id in 0..<1000 {
            let day = id / 10 + 1
            let date = "2017-\(day < 32 ? "01" : day < 60 ? "02" : day < 91 ? "03" : "04")"
            let inMonth = day < 32 ? day : day < 60 ? day - 31 : day < 91 ? day - 59 : day - 90
            text += "\(id),\(id % 100),\(id % 10 < 7 ? "a" : id % 10 < 9 ? "b" : "c"),"
            text += "\(date)-\(inMonth < 10 ? "0" : "")\(inMonth),\(id % 5)\n"
        }
        return text
    }()

    private func rows(_ f: Fixture, _ slice: String, columns: String = "id") async throws -> [String] {
        let answer = try await f.get("GET", "/slices/\(slice)/rows?limit=1000&columns=\(columns)")
        return Fixture.text(answer).split(separator: ";").map(String.init)
    }

    private func split(_ f: Fixture, _ prefix: String, _ split: JSONValue, over: String = "dataset:sales") async throws
    {
        _ = try await f.get(
            "POST", "/slices/split", ["prefix": .string(prefix), "over": .string(over), "split": split])
    }

    private static func part(_ name: String, _ fraction: Double) -> JSONValue {
        ["name": .string(name), "fraction": JSONValue(fraction)]
    }

    @Test(arguments: TestDatabase.dialects)
    func `splits divide the rows, the same whenever they are asked`(_ dialect: Dialect) async throws {
        try await Fixture.with(dialect: dialect) { f in
            _ = try await f.append("sales", Self.sales.utf8)
            _ = try await f.get("PATCH", "/datasets/sales", ["key": ["id"]])
            let parts: JSONValue = [Self.part("train", 0.7), Self.part("valid", 0.1), Self.part("test", 0.2)]
            try await split(f, "r", ["kind": "random", "parts": parts, "seed": 7])
            try await split(f, "h", ["kind": "random", "parts": parts, "unit": ["household"]])
            try await split(f, "s", ["kind": "stratified", "parts": parts, "by": ["store"]])
            try await split(f, "t", ["kind": "time", "parts": parts, "time": "day"])
            try await split(
                f, "at",
                ["kind": "time", "parts": [["name": "a"], ["name": "b"]], "time": "day", "at": ["2017-03-01"]])
            for prefix in ["r", "h", "s", "t"] {
                var all: [String] = []
                for part in ["train", "valid", "test"] { all += try await rows(f, "\(prefix)-\(part)") }
                #expect(all.count == 1000 && Set(all).count == 1000, "\(prefix): \(all.count)")
            }
            let train = try await rows(f, "r-train")
            #expect((650...750).contains(train.count))
            // By hash of the key: rows that come later move nobody.
            _ = try await f.append("sales", "id,household,store,day,units\n5000,1,a,2017-05-01,1\n".utf8)
            #expect(Set(try await rows(f, "r-train")).subtracting(["5000"]) == Set(train))
            // Households stay together.
            let (left, right) = (
                Set(try await rows(f, "h-train", columns: "household")),
                Set(try await rows(f, "h-test", columns: "household"))
            )
            #expect(left.isDisjoint(with: right) && !right.isEmpty)
            // Each store has its share, up to a row. The pinned ref is of the dataset's first version.
            let strata = try await f.get(
                "POST", "/query",
                [
                    "sql": "SELECT store, count(*) FROM s GROUP BY store ORDER BY store",
                    "inputs": ["s": "slice:s-test@1.1"],
                ])
            #expect(Fixture.text(strata) == "a,140;b,40;c,20")
            let (early, late) = (
                try await rows(f, "at-a", columns: "day"), try await rows(f, "at-b", columns: "day")
            )
            #expect(early.max() == "2017-02-28" && late.min() == "2017-03-01" && early.count + late.count == 1001)
        }
    }

    @Test func `slices are of slices, keep their version, and know what they are for`() async throws {
        try await Fixture.with { f in
            _ = try await f.append("sales", Self.sales.utf8)
            _ = try await f.get(
                "POST", "/slices",
                [
                    "name": "a", "dataset": "sales", "where": "store = 'a'", "purpose": "evaluation",
                    "description": "Store a", "owner": "ben",
                ])
            _ = try await f.get("POST", "/slices", ["name": "aa", "over": "slice:a", "filter": "units > 3"])
            let size = try await f.get("GET", "/slices/aa/size")
            #expect(size["rows"] == 100 && size["of"] == 1000 && size["slice"] == "slice:aa@1.1")
            // Another version of the lower one leaves the upper as it was.
            _ = try await f.get("POST", "/slices", ["name": "a", "over": "dataset:sales", "where": "store = 'c'"])
            #expect(try await f.get("GET", "/slices/aa/size")["rows"] == 100)
            #expect(try await f.get("GET", "/slices/a/size")["rows"] == 100)
            #expect(try await f.get("GET", "/slices/a/size?version=1")["rows"] == 700)
            let first = try await f.get("GET", "/slices/a?version=1")
            #expect(first["purpose"] == "evaluation" && first["owner"] == "ben" && first["where"] == "store = 'a'")
            let derived = try await f.get(
                "POST", "/datasets/n/derive",
                ["sql": "SELECT count(*) AS n FROM s", "inputs": ["s": "slice:aa"], "project": "p"])
            #expect(derived["rows"] == 1)
            let profile = try await f.get("GET", "/slices/aa/profile")
            #expect(profile["rowCount"] == 100)
            expectAnswers([
                (
                    "two rules", 400, "exactly one",
                    try await f.ask(
                        "POST", "/slices", ["name": "x", "dataset": "sales", "where": "1=1", "filter": "units > 1"])
                ),
                ("no rule", 400, "are missing", try await f.ask("POST", "/slices", ["name": "x", "dataset": "sales"])),
                (
                    "unknown column", 400, "colour",
                    try await f.ask("POST", "/slices", ["name": "x", "dataset": "sales", "filter": "colour = 1"])
                ),
                (
                    "broken out", 400, "",
                    try await f.ask(
                        "POST", "/slices", ["name": "x", "dataset": "sales", "where": "1=1) UNION SELECT * FROM (data"])
                ),
                (
                    "shares", 400, "above 1",
                    try await f.ask(
                        "POST", "/slices/split",
                        [
                            "prefix": "x", "dataset": "sales",
                            "split": ["kind": "random", "parts": [Self.part("a", 0.8), Self.part("b", 0.3)]],
                        ])
                ),
                (
                    "strata", 400, "split.by",
                    try await f.ask(
                        "POST", "/slices/split",
                        [
                            "prefix": "x", "dataset": "sales",
                            "split": ["kind": "stratified", "parts": [Self.part("a", 0.8)]],
                        ])
                ),
                ("selector", 400, "two as in", try await f.ask("GET", "/slices/a?version=1.x")),
            ])
        }
    }

    @Test func `what a model got wrong is a slice`() async throws {
        try await Fixture.with { f in
            _ = try await f.append("truth", "id,label,y\n1,cat,1.0\n2,dog,2.0\n3,cat,3.0\n4,dog,4.0\n".utf8)
            _ = try await f.append("scored", "id,guess,z\n1,cat,1.1\n2,cat,2.9\n3,,3.0\n9,dog,0\n".utf8)
            func wrong(_ name: String, _ fields: [String: JSONValue]) -> JSONValue {
                [
                    "name": .string(name), "over": "dataset:truth",
                    "wrong": .object(fields.merging(["predictions": "dataset:scored", "key": ["id"]]) { a, _ in a }),
                ]
            }
            _ = try await f.get("POST", "/slices", wrong("classes", ["prediction": "guess", "truth": "label"]))
            _ = try await f.get("POST", "/slices", wrong("far", ["prediction": "z", "truth": "y", "tolerance": 0.5]))
            #expect(try await rows(f, "classes") == ["2", "3"])
            #expect(try await rows(f, "far") == ["2"])
            // Other predictions, other rows: nothing stale is shown.
            _ = try await f.append("scored", "id,guess,z\n4,cat,9\n".utf8)
            #expect(try await rows(f, "classes").sorted() == ["2", "3", "4"])
            let refused = wrong("bad", ["prediction": "guess", "truth": "label", "tolerance": 1])
            expectAnswers([
                ("tolerance of classes", 400, "is for numbers", try await f.ask("POST", "/slices", refused)),
                (
                    "unknown", 400, "no column 'nope'",
                    try await f.ask("POST", "/slices", wrong("bad", ["prediction": "nope", "truth": "label"]))
                ),
            ])
        }
    }

    @Test func `a condition stays within its slice, and one that no longer fits says so`() async throws {
        try await Fixture.with { f in
            _ = try await f.append("s", "id,x\n1,1\n2,2\n3,3\n".utf8)
            _ = try await f.get("POST", "/slices", ["name": "big", "over": "dataset:s", "where": "x > 2"])
            for condition in ["x > 1) OR (1=1", "x > 1 THEN 1 END) OR (CASE WHEN true"] {
                let answer = try await f.ask(
                    "POST", "/slices", ["name": "all", "over": "slice:big", "where": .string(condition)])
                #expect(answer.status == 400, "\(condition)")
            }
            _ = try await f.service.derive(
                "s", project: "p", sql: "SELECT id FROM s", inputs: ["s": Ref(.dataset, "s")], parameters: [],
                message: "", as: .system)
            let size = try await f.ask("GET", "/slices/big/size")
            #expect(
                size.status == 400
                    && size.json["error"]?["message"]?.stringValue?.hasPrefix("slice:big@1 does not fit dataset:s@2")
                        == true
            )
        }
    }

    @Test func `leaks between splits are found`() async throws {
        try await Fixture.with { f in
            let words = "the quick brown fox jumps over the lazy dog near the old river bank at dawn today"
            _ = try await f.append(
                "l", "id,text,x,day\n1,\(words),1.001,2020-01-01\n2,alpha beta gamma delta,5,2020-01-05\n".utf8)
            _ = try await f.append(
                "r",
                "id,text,x,day\n2,something else entirely here,7,2020-01-04\n3,\(words) again,8,2020-01-09\n4,alpha beta gamma delta,5,2020-01-05\n"
                    .utf8)
            _ = try await f.append("clean", "id,text,x,day\n77,nothing of it,70,2021-01-01\n".utf8)
            func check(_ right: String) async throws -> (verdict: JSONValue?, rows: [String], keys: JSONValue?) {
                let answer = try await f.get(
                    "POST", "/slices/leakage",
                    ["left": "dataset:l", "right": .string(right), "key": ["id"], "text": "text", "time": "day"])
                let checks = answer["checks"]?.arrayValue ?? []
                return (
                    answer["verdict"],
                    checks.map { "\($0["check"]?.stringValue ?? "") \($0["rows"]?.intValue ?? -1)" },
                    checks.first?["examples"]
                )
            }
            let found = try await check("dataset:r")
            #expect(
                found.rows == ["shared-keys 1", "same-rows 1", "near-rows 1", "near-text 2", "time-order 1"])
            #expect(found.verdict == "leak" && found.keys == [["id": 2]])
            let clean = try await check("dataset:clean")
            #expect(clean.verdict == "none", "\(clean.rows)")
        }
    }
}
