import Core
import Database
import Foundation
import Ledger
import Platform
import TestSupport
import Testing
import Transport

@testable import Datasets

@Suite struct SourceSyncTests {
    private static func add(
        _ f: Fixture, _ name: String, _ kind: String, _ location: String, _ more: [String: JSONValue] = [:]
    ) async throws -> (status: Int, json: JSONValue) {
        let fields: [String: JSONValue] = [
            "name": .string(name), "project": "p", "kind": .string(kind), "location": .string(location),
        ]
        return try await f.ask("POST", "/sources", .object(fields.merging(more) { $1 }))
    }

    private static func sync(_ f: Fixture, _ name: String) async throws -> (status: Int, json: JSONValue) {
        try await f.ask("POST", "/sources/\(name)/sync")
    }

    @Test func `HTTP that did not change makes no version, and one that misbehaves never a torn one`() async throws {
        try await MisbehavingServer.with { server in
            try await Fixture.with { f in
                func state(_ name: String, _ path: String) async throws -> String {
                    _ = try await Self.add(f, name, "http", server.url(path), ["dataset": .string(name)])
                    let found = try await Self.sync(f, name)
                    guard found.status < 300 else { return "\(found.status)" }
                    return ["state", "version", "rows"].map { key in
                        let value = found.json[key] ?? .null
                        return value.stringValue ?? value.canonicalText
                    }.joined(separator: " ")
                }
                #expect(try await state("data", "/data.csv") == "new 1 2")
                #expect(try await state("data", "/data.csv") == "notModified 1 2")

                let http = HTTPClient()
                _ = try await http.send(
                    HTTPRequest(method: "POST", url: server.url("/data.csv"), body: .bytes(Array("n\n9\n".utf8))))
                #expect(try await state("data", "/data.csv") == "new 2 1")
                let read = try await f.get("GET", "/datasets/data/versions/2")["recipe"]?["read"]
                #expect(read?["etag"]?.stringValue?.hasPrefix("\"") == true)
                #expect(read?["file"]?.stringValue?.hasPrefix(server.url("/data.csv") + "#sha256:") == true)
                #expect(try await state("dated", "/dated.csv") == "new 1 1")
                #expect(try await state("dated", "/dated.csv") == "notModified 1 1")
                #expect(try await state("busy", "/busy.csv") == "new 1 1")
                for (name, first) in [("cut", 0), ("changed", 100_000), ("untagged", 0)] {
                    #expect(try await state(name, "/\(name).csv") == "new 1 50000", "\(name)")
                    let sums = try await f.get(
                        "POST", "/query",
                        [
                            "sql": "SELECT min(n), max(n), count(DISTINCT n) FROM t",
                            "inputs": ["t": .string("dataset:\(name)")],
                        ])
                    #expect(Fixture.text(sums) == "\(first),\(first + 49_999),50000", "\(name)")
                }
                #expect(try await state("shrunk", "/shrunk.csv") == "new 1 1")
                let asked = try JSONValue(parsing: try await http.send(HTTPRequest(url: server.url("/asked"))).body)
                #expect(asked["/cut.csv"] == 3 && asked["/busy.csv"] == 3 && asked["/dated.csv"] == 2)
                #expect(try await state("none", "/none.csv") == "503")
                #expect(
                    try await f.get("GET", "/sources/none")["problem"]?.stringValue?.contains("answered 404") == true)
            }
        }
    }

    @Test func `secrets are sealed, used, and shown to nobody`() async throws {
        try await MisbehavingServer.with { server in
            try await Fixture.with { f in
                func put(_ name: String, _ value: String) async throws -> JSONValue {
                    try await f.get("PUT", "/secrets/\(name)?project=p", ["value": .string(value)])
                }
                let shown = try await put("token", "s3cret-token")
                _ = try await put("pair", "ada:pw")
                for (name, secret, authentication) in [("a", "token", "bearer"), ("b", "pair", "basic")] {
                    _ = try await Self.add(
                        f, name, "http", server.url("/secret.csv"),
                        [
                            "dataset": .string(name), "secret": .string(secret),
                            "authentication": .string(authentication),
                        ])
                    #expect(try await Self.sync(f, name).status == 201)
                }
                // To another origin it does not go.
                _ = try await Self.add(
                    f, "c", "http", server.url("/to/localhost:\(server.port)/echo.csv"),
                    ["dataset": "c", "secret": "token"])
                #expect(try await Self.sync(f, "c").status == 201)
                #expect(try await f.rows("c") == "none")
                _ = try await Self.add(
                    f, "d", "http", server.url("/secret.csv"), ["dataset": "d", "secret": "unset"])
                let unset = try await Self.sync(f, "d")
                #expect(unset.status == 404 && "\(unset.json)".contains("secret set unset"))
                _ = try await put("token", "wr0ng-token")
                let refused = try await Self.sync(f, "a")
                #expect(refused.status == 503)
                let listed = try await f.get("GET", "/secrets?project=p")
                #expect(listed["items"]?.arrayValue?.map { $0["name"] } == ["pair", "token"])
                // Neither in an answer, nor in the database, nor in the ledger.
                let stored = try await f.platform.database.read { db in
                    try db.all("SELECT sealed FROM secret UNION ALL SELECT data FROM ledger_event") { try $0.text(0) }
                }
                let all = ([shown, listed, unset.json, refused.json].map(\.canonicalText) + stored).joined()
                for value in ["s3cret-token", "wr0ng-token", "ada:pw", "YWRhOnB3"] { #expect(!all.contains(value)) }
                let key = f.platform.dataDirectory + "/secret.key"
                #expect(
                    try FileManager.default.attributesOfItem(atPath: key)[.posixPermissions] as? Int == 0o600)
                // Moved to another name, or with another key, it does not open.
                try await f.platform.database.write { db in
                    try db.execute(
                        "UPDATE secret SET sealed = (SELECT sealed FROM secret WHERE name = 'pair') WHERE name = 'token'"
                    )
                }
                await #expect(throws: SlipwayError.self) { try await f.service.openSecret("token", project: "p") }
                #expect(try await f.service.openSecret("pair", project: "p").reveal == "ada:pw")
                try FileManager.default.removeItem(atPath: key)
                _ = try await put("new", "x")
                await #expect(throws: SlipwayError.self) { try await f.service.openSecret("pair", project: "p") }
                #expect(try await f.ask("DELETE", "/secrets/new?project=p").status == 204)
                #expect(try await f.ask("DELETE", "/secrets/new?project=p").status == 404)
            }
        }
    }

    @Test func `sources go where the policy lets them, also after a redirect`() async throws {
        try await MisbehavingServer.with { server in
            try await Fixture.with { f in
                func allow(_ hosts: JSONValue) async throws {
                    _ = try await f.get("PUT", "/source-policies/p", ["hosts": hosts])
                }
                func read(_ name: String, _ kind: String, _ location: String, _ more: [String: JSONValue] = [:])
                    async throws -> (status: Int, json: JSONValue)
                {
                    _ = try await Self.add(f, name, kind, location, more.merging(["dataset": .string(name)]) { $1 })
                    return try await Self.sync(f, name)
                }
                try await allow(["127.0.0.1"])
                #expect(try await read("listed", "http", server.url("/data.csv")).status == 201)
                let query: [String: JSONValue] = ["query": "SELECT 1"]
                setenv("AWS_ACCESS_KEY_ID", "k", 0)
                setenv("AWS_SECRET_ACCESS_KEY", "s", 0)
                expectAnswers([
                    (
                        "redirect", 403, "not among",
                        try await read("r", "http", server.url("/to/localhost:\(server.port)/data.csv"))
                    ),
                    ("name", 403, "not among", try await read("n", "http", "http://localhost:\(server.port)/data.csv")),
                    (
                        "S3", 403, "not among",
                        try await read("s", "s3", "s3://bucket/x?endpoint=http://localhost:\(server.port)")
                    ),
                    (
                        "PostgreSQL", 403, "not among",
                        try await read("pg", "postgres", "postgresql://u@localhost/x", query)
                    ),
                    (
                        "metadata", 403, "",
                        try await read("m", "http", server.url("/to/169.254.169.254/latest"))
                    ),
                ])
                try await allow(.null)
                // Private addresses are allowed here, link-local ones never are.
                expectAnswers([
                    ("metadata", 403, "not a public", try await Self.sync(f, "m")),
                    (
                        "metadata by PostgreSQL", 403, "not a public",
                        try await read("mp", "postgres", "postgresql://u@169.254.169.254/x", query)
                    ),
                    (
                        "service file", 400, "sets 'service'",
                        try await Self.add(f, "sv", "postgres", "postgresql:///x?service=y", query)
                    ),
                    (
                        "host, no list", 400, "is not a host",
                        try await f.ask("PUT", "/source-policies/p", ["hosts": ["http://x/"]])
                    ),
                ])
                let strict = OutboundPolicy(hosts: [], addresses: .publicOnly)
                for host in ["127.0.0.1", "localhost", "10.1.2.3", "169.254.169.254", "::1"] {
                    await #expect(throws: SlipwayError.self, "\(host)") { _ = try await strict.addresses(of: host) }
                }
                let owner = Principal(name: "o", role: nil, grants: ["p": .owner])
                await #expect(throws: SlipwayError.self) {
                    try await f.service.setSourcePolicy(
                        ProjectSourcePolicy(project: "p", hosts: nil, allowsPrivate: true), as: owner)
                }
            }
        }
    }

    @Test func `a database is read on from the last value, and given only so long`() async throws {
        try await Fixture.with { f in
            let path = f.folder + "/shop.db"
            let shop = try await Database.open(path)
            try await shop.write { db in
                try db.execute("CREATE TABLE sale (id INTEGER, t TEXT)")
                try db.execute("INSERT INTO sale VALUES (2, 'b'), (1, 'a'), (10, 'c')")
            }
            var sources: [(name: String, kind: String, location: String, query: String)] = [
                ("lite", "sqlite", path, "SELECT id, t FROM sale")
            ]
            if let url = TestDatabase.postgresURL, var parts = URLComponents(string: url), let password = parts.password
            {
                parts.password = nil
                _ = try await f.get("PUT", "/secrets/pg?project=p", ["value": .string(password)])
                sources.append(
                    ("pg", "postgres", parts.string ?? "", "SELECT g AS id, 'x' AS t FROM generate_series(1, 10) g"))
            }
            for source in sources {
                let secret: JSONValue = source.kind == "postgres" ? "pg" : .null
                let made = try await Self.add(
                    f, source.name, source.kind, source.location,
                    [
                        "query": .string(source.query), "dataset": .string(source.name), "mode": "append",
                        "watermark": "id", "secret": secret,
                    ])
                #expect(made.status == 201, "\(made.json)")
                let first = try await Self.sync(f, source.name)
                #expect(first.json["state"] == "new", "\(first.json)")
                let range = first.json["recipe"]?["details"]?["range"]
                #expect(range?["column"] == "id" && range?["after"] == .null)
                #expect(range?["through"] == (source.kind == "sqlite" ? 10 : "10"))
                #expect(try await Self.sync(f, source.name).json["state"] == "notModified")
            }
            #expect(try await f.rows("lite") == "1,a;2,b;10,c")
            try await shop.write { db in try db.execute("INSERT INTO sale VALUES (11, 'd')") }
            #expect(try await Self.sync(f, "lite").json["rows"] == 4)
            await shop.close()

            // A query that would never end.
            let endless = [
                (
                    "sqlite", path,
                    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r"
                ),
                ("postgres", sources.last?.location ?? "", "SELECT 1 FROM pg_sleep(60)"),
            ]
            for (kind, location, query) in endless.prefix(sources.count) {
                _ = try await Self.add(
                    f, "slow-\(kind)", kind, location,
                    [
                        "query": .string(query), "dataset": "slow", "timeoutSeconds": 1,
                        "secret": kind == "postgres" ? "pg" : .null,
                    ])
                let slow = try await Self.sync(f, "slow-\(kind)")
                #expect(slow.status == 504, "\(slow.json)")
            }
        }
    }

    @Test func `a source is due by its schedule, and late by its period, once`() async throws {
        try await Fixture.with { f in
            try f.file("a.csv", "n\n1\n")
            let made = try await Self.add(
                f, "a", "file", f.folder + "/a.csv",
                ["dataset": "a", "schedule": "* * * * *", "periodSeconds": 3600])
            #expect(made.json["freshness"]?["late"] == false)
            #expect(try await f.service.dueSources() == [])
            try await f.platform.database.write { db in
                try db.execute("UPDATE source SET created_ms = created_ms - 7200000")
            }
            #expect(try await f.service.dueSources() == ["a"])
            #expect(try await f.service.dueSources() == [])
            let types = try await f.platform.database.read { db in
                try db.all("SELECT type FROM ledger_event WHERE type LIKE 'source.%' ORDER BY sequence") {
                    try $0.text(0)
                }
            }
            #expect(types == ["source.created", "source.late"])
            #expect(try await f.get("GET", "/sources")["items"]?.arrayValue?.first?["freshness"]?["late"] == true)
            #expect(try await Self.sync(f, "a").json["state"] == "new")
            #expect(try await f.get("GET", "/sources/a")["freshness"]?["late"] == false)
            // The same again is no change, and lateness counts from the last one.
            #expect(try await Self.sync(f, "a").json["state"] == "unchanged")
            let wrong = try await f.ask("PATCH", "/sources/a", ["schedule": "never"])
            #expect(wrong.status == 400)
            let none = try await f.get("PATCH", "/sources/a", ["schedule": .null])
            #expect(none["settings"]?["schedule"] == .null && none["settings"]?["dataset"] == "a")
        }
    }
}

@Suite struct BrokenRowTests {
    @Test func `a value that does not fit names its place, and costs what was chosen`() async throws {
        try await Fixture.with { f in
            let first = "n,x,t\n1,1.5,a\n"
            // The header is line 1; a fraction is no whole number.
            let bad = "n,x,t\n2,2.5,b\n3.5,1,c\n4,oops,d\n"
            let lines =
                #"{"n": 2, "x": 2.5, "t": "b"}"# + "\n" + #"{"n": 3.5, "x": 1, "t": "c"}"# + "\n"
                + #"{"n": 4, "x": "oops", "t": "d"}"# + "\n"
            let cases = [
                ("csv", first, bad, "line 3, column n: '3.5' does not fit the type BIGINT"),
                ("ndjson", #"{"n": 1, "x": 1.5, "t": "a"}"# + "\n", lines, "line 2, column n: '3.5' does not fit"),
            ]
            for (format, first, bad, message) in cases {
                let place = try f.file("a.\(format)", first)
                #expect(try await f.importFile(format, place, into: format).status == 201)
                try f.file("a.\(format)", bad)
                func load(_ badRows: String?) async throws -> (status: Int, json: JSONValue) {
                    try await f.ask(
                        "POST", "/sources/\(format)/import",
                        [
                            "dataset": .string(format), "mode": "append",
                            "badRows": badRows.map { .string($0) } ?? .null,
                        ])
                }
                let stopped = try await load(nil)
                expectAnswers([("stop", 400, message, stopped)])
                let details = stopped.json["error"]?["details"]
                #expect(details?["file"]?.stringValue == place && details?["column"] == "n")
                let skipped = try await load("skip")
                #expect(try await f.rows(format) == "1,1.5,a;2,2.5,b")
                let rejected = skipped.json["recipe"]?["read"]?["rejected"]
                #expect(rejected?["rows"] == 2, "\(skipped.json)")
                _ = try await load("keep")
                #expect(try await f.rows(format) == "1,1.5,a;2,2.5,b;2,2.5,b;null,1.0,c;4,null,d")
            }
            // Columns that differ: what is missing, what is new, and the choices.
            let place = try f.file("b.csv", "n,t,more\n5,e,7\n")
            let differs = try await f.importFile("other", place, into: "csv", mode: "append")
            expectAnswers([("columns", 400, "the columns x are missing; more are not known", differs)])
            #expect(differs.json["error"]?["details"]?["choices"] == "fail,evolve,ignore")
            _ = try await f.importFile("other", place, into: "csv", mode: "append", onChange: "ignore")
            #expect(try await f.rows("csv", "latest", "&filter=n%20%3D%205") == "5,null,e")
            let evolved = try await f.importFile("other", place, into: "csv", mode: "append", onChange: "evolve")
            #expect(Fixture.columns(evolved.json) == "n BIGINT,x DOUBLE,t VARCHAR,more BIGINT")
        }
    }
}
