import Core
import Foundation
import Ledger
import Objects
import Platform
import TestSupport
import Testing
import Web

@testable import Datasets

/// Marks of personal data, cards, Croissant and OpenLineage.
@Suite struct StandardsTests {
    private static let people = "id,email,town\n1,ann@example.org,Bonn\n2,bob@example.org,Köln\n"

    private static func mark(_ fixture: Fixture, _ dataset: String, _ column: String, _ body: JSONValue) async throws
        -> JSONValue
    {
        try await fixture.get("PUT", "/datasets/\(dataset)/columns/\(column)", body)
    }

    /// `email direct expression dataset:people.email`.
    private static func marks(_ fixture: Fixture, _ dataset: String) async throws -> [String] {
        let answer = try await fixture.get("GET", "/datasets/\(dataset)/columns")
        return (answer["items"]?.arrayValue ?? []).map { item in
            ["name", "pii", "basis", "origin"].compactMap { item[$0]?.stringValue }.filter { $0 != "" }
                .joined(separator: " ")
        }
    }

    @Test func `marks follow the expressions, by name where these cannot be followed`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { fixture in
                _ = try await fixture.append("people", Self.people.utf8)
                _ = try await Self.mark(fixture, "people", "email", ["pii": "direct", "kind": "email", "unit": "text"])
                _ = try await Self.mark(fixture, "people", "town", ["pii": "indirect"])
                func derive(_ name: String, _ sql: String, _ from: String = "people") async throws -> [String] {
                    _ = try await fixture.get(
                        "POST", "/datasets/\(name)/derive",
                        ["sql": .string(sql), "inputs": ["p": .string("dataset:\(from)")], "project": "p"])
                    return try await Self.marks(fixture, name)
                }
                let hashed = try await derive(
                    "hashed", "SELECT md5(email) AS h, id AS email, town || email AS both FROM p")
                #expect(
                    hashed == [
                        "both direct expression dataset:people.email", "h direct expression dataset:people.email",
                    ])
                // Two steps on.
                #expect(
                    try await derive("again", "SELECT length(h) AS n FROM p", "hashed")
                        == ["n direct expression dataset:hashed.h"])
                // PIVOT is not followed.
                #expect(
                    try await derive("wide", "SELECT * FROM (PIVOT p ON id IN (1, 2) USING count(*)) ORDER BY ALL") == [
                        "email direct name dataset:people.email", "town indirect name dataset:people.town",
                    ])
                // What a person said stays.
                _ = try await Self.mark(fixture, "hashed", "h", ["pii": "none"])
                #expect(
                    try await derive(
                        "hashed", "SELECT md5(email) AS h, id AS email, town || email AS both FROM p LIMIT 1")
                        == ["both direct expression dataset:people.email", "h none person"])
                // Appends and what is made of it keep the marks of the dataset.
                _ = try await fixture.append("people", "id,email,town\n3,x@example.org,Ulm\n".utf8)
                #expect(try await Self.marks(fixture, "people") == ["email direct person", "town indirect person"])
            }
        }
    }

    @Test func `a restricted dataset lets personal data out to few, and so does what is made of it`() async throws {
        try await Fixture.with { fixture in
            _ = try await fixture.append("people", Self.people.utf8)
            _ = try await fixture.append("towns", "town\nBonn\n".utf8)
            _ = try await Self.mark(fixture, "people", "email", ["pii": "direct"])
            _ = try await fixture.get("PUT", "/datasets/people/policy", ["pii": "restricted"])
            let service = fixture.service
            let owner = Principal(name: "olga", role: nil, grants: ["p": .owner])
            func outcome(_ work: () async throws -> Void) async -> String {
                do {
                    try await work()
                    return "yes"
                } catch let error as SlipwayError { return error.code.rawValue } catch { return "\(error)" }
            }
            let ref = Ref(.dataset, "people")
            var outcomes: [String] = []
            for principal in [Fixture.maker, owner] {
                outcomes.append(await outcome { _ = try await service.resolve(ref, as: principal) })
                outcomes.append(
                    await outcome {
                        _ = try await service.query(
                            "SELECT count(*) FROM p", inputs: ["p": ref], parameters: [], limit: 1, as: principal)
                    })
                outcomes.append(await outcome { _ = try await service.profile(ref, as: principal) })
                outcomes.append(
                    await outcome {
                        _ = try await service.materialize(ref, to: fixture.folder + "/" + ID.make(), as: principal)
                    })
                outcomes.append(
                    await outcome {
                        _ = try await service.derive(
                            "mails", project: "p", sql: "SELECT lower(email) AS m FROM p", inputs: ["p": ref],
                            parameters: [], message: "", as: principal)
                    })
                outcomes.append(await outcome { try await service.setPolicy("people", .open, as: principal) })
                try await service.setPolicy("people", .restricted, as: .system)
            }
            #expect(
                outcomes == ["yes"] + Array(repeating: "forbidden", count: 5) + Array(repeating: "yes", count: 6))
            // The owner's derivation carries mark and policy.
            let mails = Ref(.dataset, "mails")
            let answers = [
                await outcome { _ = try await service.profile(mails, as: Fixture.maker) },
                await outcome { _ = try await service.profile(Ref(.dataset, "towns"), as: Fixture.maker) },
                await outcome {
                    _ = try await service.mark(
                        "mails", column: "m", pii: ColumnMark.PII.none, kind: nil, description: nil, unit: nil,
                        as: Fixture.maker)
                },
            ]
            #expect(answers == ["forbidden", "yes", "forbidden"])
        }
    }

    @Test func `an SQL rule shows no personal data, whatever it calls it`() async throws {
        try await Fixture.with { fixture in
            _ = try await fixture.append("people", Self.people.utf8)
            _ = try await Self.mark(fixture, "people", "email", ["pii": "direct"])
            let yaml = """
                severity: warn
                sql:
                  - {name: followed, query: "SELECT upper(email) AS x, town FROM data"}
                  - {name: other, query: "PIVOT data ON id IN (1, 2) USING first(email)"}
                """
            let ref = Ref(.dataset, "people")
            func shown(_ report: JSONValue) -> String { report["rules"]?.canonicalText ?? "" }
            let open = shown(try await fixture.service.checkContract(ref, draft: yaml, as: Fixture.maker).json)
            #expect(open.contains("***") && open.contains("Bonn") && !open.lowercased().contains("@example"))
            _ = try await fixture.service.setContract("people", yaml: yaml, as: .system)
            _ = try await fixture.append("people", "id,email,town\n7,secret@example.org,Ulm\n".utf8)
            // Of a restricted dataset, those who may not read it see what is broken, and no rows.
            _ = try await fixture.get("PUT", "/datasets/people/policy", ["pii": "restricted"])
            await #expect(throws: SlipwayError.self) {
                try await fixture.service.checkContract(ref, draft: yaml, as: Fixture.maker)
            }
            let kept = [
                shown(try await fixture.service.quality(ref, as: .system)),
                shown(try await fixture.service.quality(ref, as: Fixture.maker)),
            ]
            #expect(kept.map { $0.contains("Bonn") } == [true, false])
            #expect(kept.map { $0.contains("followed") } == [true, true])
        }
    }

    @Test func `values of protected columns are not shown in reports`() async throws {
        try await Fixture.with { fixture in
            _ = try await fixture.append("people", Self.people.utf8)
            _ = try await Self.mark(fixture, "people", "email", ["pii": "direct"])
            _ = try await fixture.service.setContract(
                "people", yaml: "columns:\n  email: {pattern: '^z'}\n  town: {allowed: [Bonn]}\n", as: .system)
            let refused = try await fixture.append("people", "id,email,town\n7,secret@example.org,Ulm\n".utf8)
            let message = refused.json["error"]?["message"]?.stringValue ?? ""
            #expect(refused.status == 400 && message.contains("email ***") && message.contains("town Ulm"))
            #expect(!refused.json.canonicalText.contains("secret"))
        }
    }

    @Test(
        arguments: [
            ("email", ["ann@example.org", "b.c+d@x-y.co.uk"], ["ann@", "@x.org", "a@b", "a b@c.de", "a@b..de"]),
            ("iban", ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"], ["DE89370400440532013001", "XX"]),
            ("card", ["4111 1111 1111 1111", "5500-0000-0000-0004"], ["4111111111111112", "0000000000000000", "42"]),
            ("ip", ["192.168.0.1", "2001:db8::1", "fe80:0:0:0:0:0:0:1"], ["256.1.1.1", "1.2.3", "1:2", "12:30:15"]),
            (
                "phone", ["+49 228 1234567", "(0228) 123-4567", "0049 30 123456"],
                ["2026-01-31", "1234567", "12.50", "31.12.2025"]
            ),
        ])
    func `forms of personal data`(kind: String, good: [String], bad: [String]) throws {
        let form = try #require(PIISuggestion.forms.first { $0.kind == kind })
        #expect(good.filter { !form.holds($0) } == [] && bad.filter(form.holds) == [])
    }

    @Test func `suggestions are made from values and names, and never marked`() async throws {
        try await Fixture.with { fixture in
            let rows = (0..<30).map {
                "\($0),u\($0)@example.org,4111111111111111,10.0.0.\($0),Ann,\($0 % 3).5,2026-01-31\n"
            }
            _ = try await fixture.append("people", ("id,contact,pay,host,first_name,price,day\n" + rows.joined()).utf8)
            let answer = try await fixture.get("POST", "/datasets/people/columns/suggest")
            let found = (answer["items"]?.arrayValue ?? []).map { item in
                ["column", "kind", "basis"].compactMap { item[$0]?.stringValue }.joined(separator: " ")
            }
            #expect(
                found == ["contact email values", "pay card values", "host ip values", "first_name name name"])
            #expect(try await Self.marks(fixture, "people") == [])
        }
    }

    @Test(
        arguments: [
            ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
            (
                "[a](javascript:alert(1)) [b](https://x.org) [c](/d) [e](#f)",
                "[a](#alert(1)) [b](https://x.org) [c](/d) [e](#f)"
            ),
            ("[a](JaVa\\Script\\:alert(1)) [a]( data:text/html,x)", "[a](#alert(1)) [a]( #)"),
            ("[a](java&#115;cript:x)", "[a](#)"),
            ("[a]: vbscript:x\n[b]: https://y.org", "[a]: #\n[b]: https://y.org"),
            ("`<b>` & \u{1}x", "`&lt;b>` &amp; x"), ("![i](mailto:a@b.c \"t\")", "![i](mailto:a@b.c \"t\")"),
        ])
    func `a card's text is harmless`(text: String, safe: String) {
        let found = SafeMarkdown.text(text)
        let live = ["javascript:", "vbscript:", "data:", "<"].filter { found.lowercased().contains($0) }
        #expect(live == [])
        if !text.contains("javascript:alert") && !text.contains("JaVa") && !text.contains("&#115;") {
            #expect(found == safe)
        }
    }

    @Test func `a card is made of the record and the owner's words`() async throws {
        try await Fixture.with { fixture in
            _ = try await fixture.append("people", Self.people.utf8)
            _ = try await Self.mark(
                fixture, "people", "email", ["pii": "direct", "kind": "email", "description": "where | to <write>"])
            _ = try await fixture.get(
                "PUT", "/datasets/people/card",
                [
                    "text": "Ask **first**. <img onerror=x>", "license": "CC-BY-4.0", "creators": ["Ann"],
                    "responsible": ["dataBiases": "only two towns"],
                ])
            let card = try await fixture.ask("GET", "/datasets/people/card").json.stringValue ?? ""
            let lines = card.split(separator: "\n").map(String.init)
            let expected = [
                "# people", "| License | CC-BY-4.0 |",
                "| email | VARCHAR | where \\| to &lt;write> |  | direct: email |",
                "**Data biases**: only two towns", "Ask **first**. &lt;img onerror=x>", "| Rows | 2 |",
            ]
            #expect(expected.filter { !lines.contains($0) } == [], "\(card)")
            let wrong = try await fixture.ask("PUT", "/datasets/people/card", ["responsible": ["dataBias": "x"]])
            expectAnswers([("near", 400, "did you mean 'dataBiases'", wrong)])
        }
    }

    @Test func `a version goes out as Croissant and comes back in as the same rows`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { fixture in
                _ = try await fixture.append("people", Self.people.utf8)
                _ = try await fixture.append("people", "id,email,town\n3,x@example.org,\n".utf8)
                _ = try await fixture.get("PATCH", "/datasets/people", ["key": ["id"], "description": "Some people."])
                let out = try await fixture.get("GET", "/datasets/people/versions/2/croissant")
                // Its file is in the object store, so nothing is fetched.
                let made = try await fixture.ask("POST", "/datasets/copy/croissant?project=p", out)
                #expect(made.status == 201, "\(made.json.canonicalText)")
                #expect(try await fixture.rows("copy") == fixture.rows("people"))
                #expect(try await fixture.get("GET", "/datasets/copy")["key"] == ["id"])
                #expect(
                    try await fixture.ask("POST", "/datasets/copy/croissant?project=p", out).json["unchanged"] == true)
                let again = try await fixture.get("GET", "/datasets/people/versions/2/croissant")
                #expect(again == out)
            }
        }
    }

    @Test func `fields of a Croissant document have identifiers of their own, without white space`() async throws {
        try await Fixture.with { fixture in
            _ = try await fixture.append("odd", "a b,a_b,a\u{a0}b,\u{fc}\n1,2,3,4\n".utf8)
            let out = try await fixture.get("GET", "/datasets/odd/versions/1/croissant")
            let fields = out["recordSet"]?.arrayValue?.first?["field"]?.arrayValue ?? []
            #expect(
                fields.compactMap { $0["@id"]?.stringValue } == ["rows/a_b_", "rows/a_b", "rows/a_b__", "rows/\u{fc}"])
            #expect(fields.compactMap { $0["name"]?.stringValue } == ["a b", "a_b", "a\u{a0}b", "\u{fc}"])
            let made = try await fixture.ask("POST", "/datasets/copy/croissant?project=p", out)
            #expect(made.status == 201, "\(made.json.canonicalText)")
            #expect(try await Fixture.columns(fixture.get("GET", "/datasets/copy/versions/1")).hasPrefix("a b BIGINT"))
        }
    }

    @Test func `Croissant documents that are not read say why`() async throws {
        try await Fixture.with { fixture in
            func document(_ changes: [String: JSONValue]) -> JSONValue {
                let field: JSONValue = [
                    "name": "a", "dataType": "sc:Integer",
                    "source": ["fileObject": ["@id": "f"], "extract": ["column": "x"]],
                ]
                let base: [String: JSONValue] = [
                    "conformsTo": "http://mlcommons.org/croissant/1.1", "name": "d",
                    "distribution": [
                        [
                            "@type": "cr:FileObject", "@id": "f", "contentUrl": "f.csv", "encodingFormat": "text/csv",
                            "sha256": .string(Digest.of("x\n1\n2\n").hex),
                        ]
                    ], "recordSet": [["@id": "r", "name": "r", "field": [field]]],
                ]
                return .object(base.merging(changes) { $1 })
            }
            func send(_ changes: [String: JSONValue], _ query: String = "") async throws -> (
                status: Int, json: JSONValue
            ) { try await fixture.ask("POST", "/datasets/d/croissant?project=p\(query)", document(changes)) }
            let inline: JSONValue = [
                "@id": "s", "field": [["name": "s/n", "dataType": "sc:Text"], ["name": "v", "dataType": "sc:Float"]],
                "data": [["s/n": "one", "s/v": 1], ["s/n": "two", "s/v": 2.5]],
            ]
            expectAnswers([
                ("no version", 400, "conformsTo", try await send(["conformsTo": "http://mlcommons.org/croissant/0.8"])),
                ("not uploaded", 400, "no object has its sha256", try await send([:])),
                ("no set", 400, "recordSet", try await send(["recordSet": []])),
                ("wrong set", 400, "did you mean 'r'", try await send([:], "&recordSet=q")),
                (
                    "archive", 501, "only single files",
                    try await send([
                        "distribution": [
                            ["@type": "cr:FileSet", "@id": "f", "includes": "*", "containedIn": ["@id": "z"]]
                        ]
                    ])
                ),
                (
                    "format", 501, "is image/png",
                    try await send([
                        "distribution": [
                            ["@type": "cr:FileObject", "@id": "f", "contentUrl": "x", "encodingFormat": "image/png"]
                        ]
                    ])
                ),
            ])
            #expect(try await fixture.ask("GET", "/datasets/d").status == 404)
            _ = try await fixture.platform.objects.put(Array("x\n1\n2\n".utf8))
            #expect(try await send([:]).status == 201)
            #expect(try await fixture.rows("d") == "1;2")
            #expect(try await send(["recordSet": [inline]]).status == 201)
            #expect(try await fixture.rows("d") == "one,1.0;two,2.5")
        }
    }

    @Test func `versions are told as OpenLineage, in pages, with the lineage of their columns`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { fixture in
                _ = try await fixture.append("people", Self.people.utf8, query: "&origin=/data/people.csv")
                _ = try await fixture.get(
                    "POST", "/datasets/towns/derive",
                    [
                        "sql": "SELECT town, count(email) AS n FROM p GROUP BY town", "project": "p",
                        "inputs": ["p": "dataset:people"],
                    ])
                let first = try await fixture.get("GET", "/openlineage?limit=1")
                let next = first["next"]?.stringValue ?? ""
                let second = try await fixture.get("GET", "/openlineage?after=\(next)&limit=5")
                let events = (first["items"]?.arrayValue ?? []) + (second["items"]?.arrayValue ?? [])
                #expect(events.map { $0["job"]?["name"] } == ["people.append", "towns.derive"])
                #expect(second["next"] == nil)
                let names = events.map { event in
                    (event["inputs"]?.arrayValue ?? []).map {
                        "\($0["namespace"]?.stringValue ?? "") \($0["name"]?.stringValue ?? "")"
                    }
                }
                #expect(names == [["file /data/people.csv"], ["slipway people"]])
                let fields = events[1]["outputs"]?.arrayValue?.first?["facets"]?["columnLineage"]?["fields"]
                let found = (fields?.objectValue ?? [:]).mapValues { field in
                    (field["inputFields"]?.arrayValue ?? []).map { input in
                        "\(input["name"]?.stringValue ?? "").\(input["field"]?.stringValue ?? "") \(input["transformations"]?.arrayValue?.first?["subtype"]?.stringValue ?? "")"
                    }
                }
                #expect(found == ["town": ["people.town IDENTITY"], "n": ["people.email AGGREGATION"]])
                let none = try await fixture.get("GET", "/openlineage?after=\(second["last"]?.stringValue ?? "")")
                #expect(none["items"] == [])
                let other = Principal(name: "quinn", role: nil, grants: ["q": .viewer])
                let seen = try await fixture.service.openLineage(after: 0, limit: 10, namespace: "n", as: other)
                #expect(seen.events == [])
            }
        }
    }

    @Test(
        arguments: [
            ("/data/a.csv", "file", "/data/a.csv"), ("https://x.org/a/b.csv?k=v", "https://x.org", "/a/b.csv"),
            ("s3://bucket/a/b", "s3://bucket", "a/b"),
            ("postgresql://reader@db:5432/shop", "postgres://db:5432", "shop"),
        ])
    func `files have the names of OpenLineage's convention`(place: String, namespace: String, name: String) {
        let found = OpenLineage.name(ofFile: place)
        #expect(found?.namespace == namespace && found?.name == name)
    }
}
