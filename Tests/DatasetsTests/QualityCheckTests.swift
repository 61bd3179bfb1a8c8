import Core
import Database
import Foundation
import Ledger
import Platform
import TestSupport
import Testing
import Web

@testable import Datasets

/// Contracts on commits: what is refused, what is kept, what is read.
@Suite struct QualityCheckTests {
    private static let rows = """
        store,day,price,code,email
        1,2026-01-01,1.5,A,ann@example.org
        2,2026-01-01,2.5,B,bob@example.org
        3,2026-01-02,3.5,A,
        """

    /// Sets a contract; the answer.
    private static func set(_ fixture: Fixture, _ dataset: String, _ yaml: String) async throws -> (
        status: Int, json: JSONValue
    ) {
        let answer = await fixture.application.respond(
            method: "PUT", target: "/api/v1/datasets/\(dataset)/contract",
            headers: [("host", "localhost"), ("content-type", "application/yaml")], body: .init(Array(yaml.utf8)))
        return (answer.status, try JSONValue(parsing: try await answer.collect()))
    }

    private static func check(_ fixture: Fixture, _ dataset: String, _ body: String, type: String) async throws
        -> JSONValue
    {
        let answer = await fixture.application.respond(
            method: "POST", target: "/api/v1/datasets/\(dataset)/contract/check",
            headers: [("host", "localhost"), ("content-type", type)], body: .init(Array(body.utf8)))
        return try JSONValue(parsing: try await answer.collect())
    }

    /// `rule scope count` of the rules that are broken, with the first example.
    private static func broken(_ report: JSONValue) -> [String] {
        (report["rules"]?.arrayValue ?? []).filter { $0["passed"] == false }.map { rule in
            let example = rule["examples"]?.arrayValue?.first.map { " " + $0.canonicalText } ?? ""
            return
                "\(rule["rule"]?.stringValue ?? "") \(rule["scope"]?.stringValue ?? "") \(rule["count"]?.intValue.map(String.init) ?? rule["problem"]?.stringValue ?? "?")\(example)"
        }
    }

    @Test func `each rule finds its rows, in one report`() async throws {
        try await Fixture.with { fixture in
            let notes = [",note", ",n", ",", ","]
            let rows = zip(Self.rows.split(separator: "\n"), notes).map { $0 + $1 }.joined(separator: "\n")
            _ = try await fixture.append("sales", rows.utf8)
            _ = try await fixture.append("stores", "id,name\n1,North\n2,South\n".utf8)
            let yaml = """
                columns:
                  store: {type: DOUBLE, range: {min: 2}, unique: true}
                  day: {range: {max: '2026-01-01'}}
                  price: {allowed: [1.5, 2.5]}
                  code: {allowed: [A], pattern: '^B', length: {min: 2}}
                  email: {required: true, pattern: '@'}
                  note: {nulls: {max: 0.2}}
                  colour: {required: true}
                  shape: {optional: true, required: true}
                otherColumns: block
                keys: [[day], [code, hue]]
                foreignKeys: [{columns: store, references: dataset:stores, to: id}]
                rows: {min: 4}
                freshness: [{column: day, within: 1d}]
                sql:
                  - {name: cheap, query: SELECT store FROM data WHERE price < 3 ORDER BY store}
                  - {name: fine, query: SELECT store FROM new WHERE price < 0}
                """
            let report = try await Self.check(fixture, "sales", yaml, type: "application/yaml")
            func at(_ row: Int, _ values: String) -> String {
                "{\"file\":\"dataset:sales@1/part-00000.parquet\",\"row\":\(row),\"values\":\(values)}"
            }
            let expected = [
                "store.type none the column is BIGINT, not DOUBLE",
                "store.range new 1 \(at(1, "{\"store\":1}"))",
                "day.range new 1 \(at(3, "{\"day\":\"2026-01-02\"}"))",
                "price.allowed new 1 \(at(3, "{\"price\":3.5}"))",
                "code.allowed new 1 \(at(2, "{\"code\":\"B\"}"))",
                "code.pattern new 2 \(at(1, "{\"code\":\"A\"}"))",
                "code.length new 3 \(at(1, "{\"code\":\"A\"}"))",
                "email.required new 1 \(at(3, "{\"email\":null}"))",
                "note.nulls all 2",
                "colour.present none there is no column 'colour'",
                "key(day) new 2 \(at(1, "{\"day\":\"2026-01-01\"}"))",
                "key(code, hue) none there is no column 'hue'",
                "foreignKey(store -> stores) new 1 \(at(3, "{\"store\":3}"))",
                "rows all the version has 3 rows; expected at least 4",
                "day.freshness new the newest value is 2026-01-02T23:59:59.999Z, ",
                "sql(cheap) all 2 {\"values\":{\"store\":1}}",
            ]
            // What follows is the time of the check.
            let found = Self.broken(report).map {
                $0.prefix { $0 != "," } + ($0.hasPrefix("day.fresh") ? ", " : $0.drop { $0 != "," })
            }
            #expect(found.map(String.init).sorted() == expected.sorted())
            #expect(report["outcome"] == "blocked")
            #expect(try await fixture.ask("GET", "/datasets/sales/contract").status == 404)
        }
    }

    @Test func `a rule that blocks refuses the commit and leaves nothing but an event`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { fixture in
                _ = try await fixture.append("sales", Self.rows.utf8)
                let made = try await Self.set(
                    fixture, "sales", "columns:\n  price: {range: {min: 0}}\n  cod: {required: true, severity: warn}\n")
                #expect(made.json["contract"] == 1)
                #expect(made.json["notes"] == ["line 3: dataset:sales@1 has no column 'cod'; did you mean 'code'"])
                let before = try await fixture.traces()
                let refused = try await fixture.append(
                    "sales", "store,day,price,code,email\n4,2026-01-03,5,A,\n5,2026-01-03,-1,B,x@y.z\n".utf8,
                    query: "&origin=/data/day-3.csv")
                #expect(refused.status == 400)
                #expect(
                    refused.json["error"]?["message"]
                        == "Nothing was committed: the rows break 1 rule of the contract of sales (number 1): price.range: 1 row, as in file /data/day-3.csv row 2: price -1.0."
                )
                let report = try JSONValue(parsing: refused.json["error"]?["details"]?["report"]?.stringValue ?? "")
                #expect(Self.broken(report).count == 2 && report["outcome"] == "blocked")
                let events = before.first { $0.hasPrefix("events") } ?? ""
                let count = (Int(events.dropFirst(7)) ?? 0) + 1
                #expect(try await fixture.traces() == before.map { $0 == events ? "events \(count)" : $0 })
                #expect(try await fixture.rows("sales").split(separator: ";").count == 3)
            }
        }
    }

    @Test func `a branch moves only to what fits the contract, and one that is set in between counts`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { fixture in
                let header = "store,day,price,code,email\n"
                _ = try await fixture.append("sales", Self.rows.utf8)
                _ = try await fixture.get("PUT", "/datasets/sales/branches/fix", ["from": "1"])
                _ = try await fixture.append("sales", (header + "4,2026-01-03,-1,A,\n").utf8, query: "&branch=fix")
                let sales = Ref(.dataset, "sales", version: 2)
                let before = try await fixture.service.checks(
                    moving: fixture.service.resolve(sales, as: .system), as: .system)
                _ = try await Self.set(fixture, "sales", "columns:\n  price: {range: {min: 0}}\n")
                let store = DatasetsStore()
                await #expect(throws: SlipwayError.self) {
                    try await fixture.platform.database.read { db in
                        try before.requireContract(db, of: "sales", head: nil, store)
                    }
                }
                // The rows that break it were there before it was; the newest of the branch fits.
                let fits = try await fixture.append(
                    "sales", (header + "5,2026-01-03,1,A,\n").utf8, query: "&branch=fix")
                let merge: JSONValue = ["from": "fix"]
                let refused = try await fixture.ask("POST", "/datasets/sales/merge", merge)
                expectAnswers([("fits", 201, "", fits), ("merge", 400, "price.range: 1 row", refused)])
                #expect(try await fixture.get("GET", "/datasets/sales")["latest"] == 1)
                _ = try await Self.set(fixture, "sales", "columns:\n  price: {range: {min: 0}, severity: warn}\n")
                #expect(try await fixture.get("POST", "/datasets/sales/merge", merge)["state"] == "fastForward")
                // The report is about all rows now.
                let report = try await fixture.get("GET", "/datasets/sales/versions/3/quality")
                #expect(report["contract"] == 2 && report["outcome"] == "warned")
            }
        }
    }

    @Test func `a rule that warns keeps its report with the version`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { fixture in
                _ = try await fixture.append("sales", Self.rows.utf8)
                _ = try await Self.set(
                    fixture, "sales",
                    "severity: warn\ncolumns:\n  price: {range: {min: 0}}\n  email: {required: true}\n")
                let made = try await fixture.append(
                    "sales", "store,day,price,code,email\n5,2026-01-03,-1,B,secret@example.org\n".utf8)
                #expect(made.status == 201)
                let report = try await fixture.get("GET", "/datasets/sales/versions/2/quality")
                #expect(report["outcome"] == "warned" && report["rows"] == ["new": 1, "all": 4])
                let example = "{\"file\":\"request.csv\",\"row\":1,\"values\":{\"price\":-1.0}}"
                #expect(Self.broken(report) == ["price.range new 1 \(example)"])
                // What was there before the contract is not read again.
                #expect(try await fixture.ask("GET", "/datasets/sales/versions/1/quality").status == 404)
                let events = try await fixture.platform.ledger.events(
                    after: 0, .init(type: "dataset.quality"), limit: 10)
                let failed: JSONValue = [["rule": "price.range", "severity": "warn", "count": 1]]
                #expect(events.map(\.data) == [["outcome": "warned", "contract": 1, "failed": failed]])
                #expect(events.map(\.subject) == [Ref(.dataset, "sales", version: 2)])
            }
        }
    }

    @Test func `a key holds between new rows, and against the rows that are kept`() async throws {
        try await Fixture.with { fixture in
            _ = try await fixture.append("sales", Self.rows.utf8)
            _ = try await Self.set(fixture, "sales", "keys: [[store, day]]\n")
            func add(_ rows: String) async throws -> String {
                let answer = try await fixture.append("sales", "store,day,price,code,email\n\(rows)".utf8)
                return answer.json["error"]?["message"]?.stringValue ?? "made"
            }
            let messages = [
                try await add("1,2026-01-02,1,A,\n1,2026-01-03,1,A,\n"),
                try await add("9,2026-01-09,1,A,\n9,2026-01-09,2,A,\n"),
                try await add("7,2026-01-09,1,A,\n3,2026-01-02,2,A,\n"),
                // NULL is not the same as NULL.
                try await add(",2026-01-09,1,A,\n,2026-01-09,2,A,\n"),
            ]
            let prefix =
                "Nothing was committed: the rows break 1 rule of the contract of sales (number 1): key(store, day): "
            #expect(
                messages == [
                    "made",
                    prefix + "2 rows, as in file request.csv row 1: day 2026-01-09, store 9.",
                    prefix
                        + "1 row (1 have a key that the dataset has already), as in file request.csv row 2: day 2026-01-02, store 3.",
                    "made",
                ])
        }
    }

    @Test func `drift is measured against a reference, with the monitors' formula`() async throws {
        try await Fixture.with { fixture in
            func csv(_ values: [(Int, String)]) -> String { "x,c\n" + values.map { "\($0.0),\($0.1)\n" }.joined() }
            let reference = (0..<1000).map { ($0 % 100, $0 % 4 == 0 ? "a" : "b") }
            _ = try await fixture.append("metric", csv(reference).utf8)
            _ = try await Self.set(
                fixture, "metric",
                """
                columns:
                  x: {drift: {against: 'dataset:metric@1', psi: 0.2, ks: 0.2}}
                  c: {drift: {against: 'dataset:metric@1', psi: 0.2, severity: warn}}
                """)
            let same = try await fixture.append("metric", csv(reference.shuffled()).utf8)
            let few = try await fixture.append("metric", csv([(500, "z")]).utf8)
            let moved = try await fixture.append("metric", csv(reference.map { ($0.0 + 60, "b") }).utf8)
            let statuses: [Int] = [same.status, few.status, moved.status]
            #expect(statuses == [201, 201, 400])
            let calm = try await fixture.get("GET", "/datasets/metric/versions/2/quality")
            let figures = (calm["rules"]?.arrayValue ?? []).compactMap { $0["measured"] }
            #expect(figures.map { $0["psi"]?.doubleValue ?? -1 } == [0, 0])
            #expect(figures.first?["ks"]?.doubleValue == 0)
            let message = moved.json["error"]?["message"]?.stringValue ?? ""
            #expect(message.contains("x.drift: PSI is ") && message.contains("KS is 0.6, at most 0.2 is allowed"))
        }
    }

    @Test func `what cannot be read or run is refused when the contract is set`() async throws {
        try await Fixture.with { fixture in
            _ = try await fixture.append("sales", Self.rows.utf8)
            _ = try await fixture.append("stores", "id\n1\n".utf8)
            var cases: [(name: String, status: Int, message: String, got: (status: Int, json: JSONValue))] = []
            for (yaml, status, message) in [
                ("columns:\n  a:\n    pattern: '['\n", 400, "line 3: a.pattern: "),
                ("foreignKeys: [{columns: store, references: dataset:none}]", 404, "line 1: foreignKey(store -> none)"),
                ("foreignKeys: [{columns: store, references: dataset:stores, to: idd}]", 400, "did you mean 'id'"),
                ("foreignKeys: [{columns: store, references: dataset:sales}]", 400, "leads to another dataset"),
                ("sql: [{name: x, query: SELECT nope FROM data}]", 400, "line 1: sql(x): "),
                ("sql: [{name: x, query: DROP TABLE data}]", 400, "line 1: sql(x): The SQL cannot be read"),
                ("sql: [{name: x, query: \"SELECT * FROM read_csv('/etc/passwd')\"}]", 403, "read_csv"),
                ("freshness: [{source: none, within: 1d}]", 404, "source:none does not exist"),
                ("columns:\n  x: {drift: {against: 'dataset:stores', psi: 0.1}}", 400, "has no column 'x'"),
            ] {
                cases.append((yaml, status, message, try await Self.set(fixture, "sales", yaml)))
            }
            expectAnswers(cases)
        }
    }

    @Test func `what is suggested holds for the version it was suggested from`() async throws {
        try await Fixture.with { fixture in
            let names = ["yes", "no: really", "it's", "ü"]
            let rows = (0..<400).map {
                "\($0),\(names[$0 % 4]),\($0 % 7 == 0 ? "" : "\($0)e-3"),2026-01-0\($0 % 9 + 1)\n"
            }
            _ = try await fixture.append("t", ("id,\"a: b\",x,day\n" + rows.joined()).utf8)
            let suggested = try await fixture.ask("POST", "/datasets/t/contract/suggest")
            let yaml = suggested.json.stringValue ?? ""
            #expect(suggested.status == 200 && yaml.contains("allowed: {values: ["))
            let report = try await Self.check(fixture, "t", yaml, type: "application/yaml")
            #expect(report["outcome"] == "passed", "\(yaml) \(report.canonicalText)")
            let rules = (report["rules"]?.arrayValue ?? []).compactMap { $0["rule"]?.stringValue }
            #expect(
                rules == [
                    "id.present", "id.type", "id.required", "id.unique", "id.range", "a: b.present", "a: b.type",
                    "a: b.required", "a: b.allowed", "x.present", "x.type", "x.nulls", "x.range", "day.present",
                    "day.type", "day.required", "otherColumns", "rows",
                ])
            #expect(try await Self.set(fixture, "t", yaml).status == 200)
            let rows2 = try await Self.check(
                fixture, "t", "id,\"a: b\",x,day\n0,maybe,0.005,2026-01-01\n", type: "text/csv")
            #expect(rows2["outcome"] == "blocked")
            #expect(Self.broken(rows2).map { String($0.prefix(9)) } == ["id.unique", "a: b.allo"])
        }
    }

    @Test func `only makers set contracts, and the same again is the same contract`() async throws {
        try await Fixture.with { fixture in
            _ = try await fixture.append("sales", Self.rows.utf8)
            let viewer = Principal(name: "vic", role: nil, grants: ["p": .viewer])
            let error = await #expect(throws: SlipwayError.self) {
                _ = try await fixture.service.setContract("sales", yaml: "rows: {min: 1}", as: viewer)
            }
            #expect(error?.code == .forbidden)
            let numbers = [
                try await Self.set(fixture, "sales", "rows: {min: 1}").json["contract"],
                try await Self.set(fixture, "sales", "rows: {min: 1}").json["contract"],
                try await Self.set(fixture, "sales", "rows: {min: 2}").json["contract"],
            ]
            #expect(numbers == [1, 1, 2])
            #expect(try await fixture.get("GET", "/datasets/sales/contract?number=1")["yaml"] == "rows: {min: 1}")
            #expect(try await fixture.ask("DELETE", "/datasets/sales/contract").status == 204)
            #expect(try await fixture.ask("GET", "/datasets/sales/contract").status == 404)
        }
    }
}
