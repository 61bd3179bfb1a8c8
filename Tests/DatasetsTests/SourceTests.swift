import Core
import Database
import Foundation
import Ledger
import Objects
import Platform
import TestSupport
import Testing
import Web

@testable import Datasets

@Suite struct SourceTests {
    @Test func `CSV, JSON and Parquet are imported, and the same content gives the same version`() async throws {
        try await Fixture.with { f in
            try f.file("a.csv", "n,t\n1,x\n2,\n")
            try f.file("b1.ndjson", "{\"n\": 1, \"t\": \"x\"}\n{\"n\": 2}\n")
            try f.file("b2.ndjson", "{\"n\": 3, \"t\": null}\n")
            let csv = try await f.importFile("csv", f.folder + "/a.csv", into: "a")
            #expect(csv.status == 201)
            let json = try await f.importFile("json", f.folder + "/b*.ndjson", into: "b")
            #expect(
                [Fixture.columns(csv.json), Fixture.columns(json.json)] == ["n BIGINT,t VARCHAR", "n BIGINT,t VARCHAR"])
            #expect(try await [f.rows("a"), f.rows("b")] == ["1,x;2,null", "1,x;2,null;3,null"])
            let part = await f.application.respond(
                method: "GET", target: "/api/v1/datasets/a/versions/1/files/part-00000.parquet",
                headers: [("host", "localhost")],
                body: .init())
            try f.file("c.parquet", try await part.collect())
            #expect(try await f.importFile("parquet", f.folder + "/c.parquet", into: "c").status == 201)
            #expect(try await f.rows("c") == "1,x;2,null")

            // Read again: nothing new. Changed: a new version. Appended: on top.
            let body: JSONValue = ["dataset": "a"]
            #expect(try await f.get("POST", "/sources/csv/import", body)["version"] == 1)
            try f.file("a.csv", "n,t\n9,z\n")
            #expect(try await f.get("POST", "/sources/csv/import", body)["version"] == 2)
            let more = try await f.get("POST", "/sources/csv/import", ["dataset": "a", "mode": "append"])
            #expect(more["version"] == 3)
            #expect(try await f.rows("a") == "9,z;9,z")
            let source = try await f.get("GET", "/sources/csv")
            #expect(source["lastImported"]?.isNull == false && source["lastSeen"]?["files"]?.arrayValue?.count == 1)
            let up = try await f.platform.ledger.lineage(of: Ref(.dataset, "a", version: 2), .upstream)
            #expect(Set(up.map { $0.source.kind.rawValue }) == ["source", "file"])
            #expect(up.contains { $0.source.name.hasPrefix(f.folder + "/a.csv#sha256:") })
            // The same source again is not an error; another under its name is.
            let same = try await f.ask(
                "POST", "/sources",
                ["name": "csv", "project": "p", "kind": "file", "location": .string(f.folder + "/a.csv")])
            let other = try await f.ask(
                "POST", "/sources", ["name": "csv", "project": "p", "kind": "file", "location": "/else.csv"])
            #expect(same.status == 201 && other.status == 409)
        }
    }

    @Test func `a gzip file that was cut off between two lines is no shorter table`() async throws {
        try await Fixture.with { f in
            // "id,x\n1,1\n", flushed as writers of logs do, then "2,2\n" and the checksum.
            let whole: [UInt8] = [
                31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 202, 76, 209, 169, 224, 50, 212, 49, 228, 2, 0, 0, 0, 255, 255,
                51, 210, 49, 226, 2, 0, 194, 109, 76, 243, 13, 0, 0, 0,
            ]
            for (name, bytes) in [
                ("cut", Array(whole.prefix(25))), ("sum", whole.dropLast(8) + [0, 0, 0, 0] + whole.suffix(4)),
                ("whole", whole),
            ] { try f.file(name + ".csv.gz", bytes) }
            func read(_ name: String) async throws -> (status: Int, json: JSONValue) {
                try await f.importFile(name, f.folder + "/\(name).csv.gz", into: name)
            }
            expectAnswers([
                ("cut", 400, "/cut.csv.gz is not a whole gzip file", try await read("cut")),
                ("sum", 400, "damaged", try await read("sum")), ("whole", 201, "", try await read("whole")),
            ])
            #expect(try await f.rows("whole") == "1,1;2,2")
        }
    }

    @Test func `files outside the roots stay unread, also through links and dots`() async throws {
        try await Fixture.with { f in
            try await TemporaryFolder.with { outside in
                try Data("secret\n1\n".utf8).write(to: URL(filePath: outside + "/secret.csv"))
                let manager = FileManager.default
                try manager.createSymbolicLink(
                    atPath: f.folder + "/link.csv", withDestinationPath: outside + "/secret.csv")
                try manager.createSymbolicLink(atPath: f.folder + "/folder", withDestinationPath: outside)
                try manager.createSymbolicLink(
                    atPath: f.folder + "/dangling.csv", withDestinationPath: outside + "/none")
                try manager.createDirectory(atPath: f.folder + "/empty.csv", withIntermediateDirectories: true)
                try f.file("good.csv", "a\n1\n")
                let sibling = f.platform.dataDirectory + "-other"
                try manager.createDirectory(atPath: sibling, withIntermediateDirectories: true)
                defer { try? manager.removeItem(atPath: sibling) }
                try Data("secret\n1\n".utf8).write(to: URL(filePath: sibling + "/a.csv"))
                let before = try await f.traces()
                let places: [(String, Int, String)] = [
                    (outside + "/secret.csv", 403, "outside"), (f.folder + "/link.csv", 403, "outside"),
                    (f.folder + "/folder/secret.csv", 403, "outside"), (f.folder + "/folder/*.csv", 403, "outside"),
                    (f.folder + "/*.csv", 403, "outside"), (f.folder + "/../../../../../../etc/passwd", 403, "outside"),
                    (f.folder + "/good.csv/../../../../../etc/passwd", 403, "outside"), ("/etc/*", 403, "outside"),
                    ("/etc/nothing-here", 403, "outside"), (sibling + "/a.csv", 403, "outside"),
                    ("/proc/self/environ", 403, "outside"),
                    (outside + "/no/such/folder/x.csv", 403, "outside"),
                    (f.folder + "/dangling.csv", 404, "No file"), (f.folder + "/none.csv", 404, "No file"),
                    (f.folder + "/no/such/x.csv", 404, "No file"), (f.folder + "/empty.csv", 404, "No file"),
                    ("relative.csv", 400, "location"), ("~/x.csv", 400, "location"), ("", 400, "location"),
                    ("file:///etc/passwd", 400, "location"), (f.folder + "/good.xyz", 404, "No file"),
                ]
                var cases: [(name: String, status: Int, message: String, got: (status: Int, json: JSONValue))] = []
                for (index, place) in places.enumerated() {
                    let got = try await f.importFile("s\(index)", place.0, into: "d")
                    cases.append((place.0, place.1, place.2, got))
                    // A refusal names what was asked for, never what is there.
                    if got.json.canonicalText.contains("secret.csv"), !place.0.contains("secret.csv") {
                        cases.append((place.0, 0, "names a file outside", got))
                    }
                }
                expectAnswers(cases)
                #expect(
                    try await f.traces().filter { !$0.hasPrefix("events") } == before.filter { !$0.hasPrefix("events") }
                )
                let listed = try await f.get("GET", "/datasets")["items"]?.arrayValue?.count
                #expect(listed == 0)
            }
        }
    }

    @Test func `a source that is described wrongly is refused`() async throws {
        try await Fixture.with { f in
            func make(_ kind: String, _ location: String, _ more: [String: JSONValue] = [:]) async throws -> (
                status: Int, json: JSONValue
            ) {
                let fields: [String: JSONValue] = [
                    "name": "s", "project": "p", "kind": .string(kind), "location": .string(location),
                ]
                return try await f.ask("POST", "/sources", .object(fields.merging(more) { $1 }))
            }
            let query: [String: JSONValue] = ["query": "SELECT 1"]
            expectAnswers([
                ("kind", 400, "kind", try await make("ftp", "/x")),
                ("location of another kind", 400, "location", try await make("http", "/x.csv")),
                ("file URL", 400, "location", try await make("http", "file:///etc/passwd")),
                (
                    "password", 400, "holds a password",
                    try await make("postgres", "postgresql://u:secret@db/shop", query)
                ),
                (
                    "password in the query", 400, "holds a password",
                    try await make("postgres", "postgresql://u@db/shop?sslmode=require&Password=x", query)
                ),
                (
                    "password for HTTP", 400, "holds a password",
                    try await make("http", "https://u:secret@example.org/a.csv")
                ),
                (
                    "password behind slashes", 400, "holds a password",
                    try await make("http", "https:////u:secret@example.org/a.csv")
                ),
                ("S3 keys", 400, "holds a password", try await make("s3", "s3://key:secret@bucket/x")),
                ("no query", 400, "query", try await make("sqlite", "/x.db")),
                ("format", 400, "format", try await make("file", "/x", ["format": "xlsx"])),
                ("encoding", 400, "encoding", try await make("file", "/x.csv", ["encoding": "x"])),
                ("name", 400, "name", try await make("file", "/x.csv", ["name": "../x"])),
                ("project", 404, "project:none", try await make("file", "/x.csv", ["project": "none"])),
                ("long", 400, "location", try await make("file", "/" + String(repeating: "x", count: 3000))),
                ("field", 400, "loc", try await f.ask("POST", "/sources", ["name": "s", "loc": "/x"])),
                (
                    "unknown source", 404, "source:none",
                    try await f.ask("POST", "/sources/none/import", ["dataset": "d"])
                ),
            ])
            #expect(try await f.get("GET", "/sources")["items"]?.arrayValue?.count == 0)
            _ = try await make("file", f.folder + "/a.csv")
            try f.file("a.csv", "a\n1\n")
            expectAnswers([
                ("mode", 400, "mode", try await f.ask("POST", "/sources/s/import", ["dataset": "d", "mode": "merge"])),
                ("dataset", 400, "dataset", try await f.ask("POST", "/sources/s/import", ["dataset": "a/b"])),
                ("empty file", 400, "is empty", try await f.importFile("e", try f.file("empty.csv", ""), into: "d")),
            ])
        }
    }

    @Test func `SQLite and PostgreSQL are read by a query, and by nothing but a query`() async throws {
        try await Fixture.with { f in
            let path = f.folder + "/shop.db"
            let shop = try await Database.open(path)
            try await shop.write { db in
                try db.execute("CREATE TABLE sale (n INTEGER, t TEXT, x REAL, b BLOB)")
                try db.execute("INSERT INTO sale VALUES (1, 'é', 0.5, x'00ff'), (2, NULL, 2, NULL)")
            }
            await shop.close()
            func load(_ name: String, _ kind: String, _ location: String, _ query: String) async throws -> (
                status: Int, json: JSONValue
            ) {
                let made = try await f.ask(
                    "POST", "/sources",
                    [
                        "name": .string(name), "project": "p", "kind": .string(kind), "location": .string(location),
                        "query": .string(query),
                    ])
                guard made.status == 201 else { return made }
                return try await f.ask("POST", "/sources/\(name)/import", ["dataset": .string(name)])
            }
            #expect(try await load("lite", "sqlite", path, "SELECT n, t, x, b FROM sale ORDER BY n;").status == 201)
            #expect(try await f.rows("lite") == "1,é,0.5,00ff;2,null,2.0,null")
            let before = try await f.traces().filter { !$0.hasPrefix("events") }
            expectAnswers([
                ("no rows", 409, "no rows", try await load("l1", "sqlite", path, "SELECT * FROM sale WHERE n > 9")),
                ("bad SQL", 400, "nothing", try await load("l2", "sqlite", path, "SELECT * FROM nothing")),
                ("two", 400, "query", try await load("l3", "sqlite", path, "SELECT 1; SELECT 2")),
                ("writing", 400, "SELECT", try await load("l4", "sqlite", path, "DELETE FROM sale")),
                ("returning", 400, "SELECT", try await load("l5", "sqlite", path, "DELETE FROM sale RETURNING n")),
                ("attaching", 400, "SELECT", try await load("l6", "sqlite", path, "ATTACH '/etc/passwd' AS x")),
                ("vacuuming", 400, "", try await load("l7", "sqlite", path, "VACUUM INTO '\(f.folder)/copy.db'")),
                ("outside", 403, "outside", try await load("l8", "sqlite", "/etc/passwd", "SELECT 1")),
                (
                    "not a database", 400, "SQLite",
                    try await load("l9", "sqlite", try f.file("x.db", "not a database, surely"), "SELECT 1 FROM sale")
                ),
            ])
            #expect(!FileManager.default.fileExists(atPath: f.folder + "/copy.db"))
            #expect(try await f.traces().filter { !$0.hasPrefix("events") } == before)

            guard let url = TestDatabase.postgresURL, let place = Self.withoutPassword(url) else { return }
            // As the message that refuses a password says: a password file. libpq reads the variable of this process.
            let file = try f.file("pgpass", "*:*:*:*:\(place.password)\n")
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
            setenv("PGPASSFILE", file, 1)
            defer { unsetenv("PGPASSFILE") }
            #expect(
                try await load(
                    "pg", "postgres", place.url,
                    "SELECT g AS n, g::text || 'é' AS t, NULL::int AS z FROM generate_series(1, 6000) g"
                ).status == 201)
            #expect(try await f.get("GET", "/datasets/pg/versions/1")["rows"] == 6000)
            expectAnswers([
                ("bad SQL", 400, "nothing", try await load("p1", "postgres", place.url, "SELECT * FROM nothing")),
                ("writing", 400, "query", try await load("p2", "postgres", place.url, "CREATE TABLE x (n int)")),
                (
                    "breaking out", 400, "query",
                    try await load("p3", "postgres", place.url, "SELECT 1) q; DROP TABLE x; SELECT (1")
                ),
                (
                    "unreachable", 503, "The source's PostgreSQL",
                    try await load("p4", "postgres", "postgresql://nobody@127.0.0.1:9/x", "SELECT 1")
                ),
            ])
        }
    }

    private static func withoutPassword(_ url: String) -> (url: String, password: String)? {
        guard let parts = URLComponents(string: url), let password = parts.password else { return nil }
        var bare = parts
        bare.password = nil
        return bare.string.map { ($0, password) }
    }

    @Test func `HTTP is read, and says what came instead`() async throws {
        try await Fixture.with { f in
            try f.file("a.csv", "a,b\n1,x\n")
            let server = Process()
            server.executableURL = URL(filePath: "/usr/bin/python3")
            server.arguments = ["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", f.folder]
            let output = Pipe()
            server.standardOutput = output
            server.standardError = FileHandle.nullDevice
            try server.run()
            defer { kill(server.processIdentifier, SIGKILL) }
            let greeting = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
            let port = try #require(greeting.split(separator: " ").lazy.compactMap { Int($0) }.first { $0 > 1000 })
            func load(_ name: String, _ path: String) async throws -> (status: Int, json: JSONValue) {
                _ = try await f.ask(
                    "POST", "/sources",
                    [
                        "name": .string(name), "project": "p", "kind": "http",
                        "location": .string("http://127.0.0.1:\(port)/\(path)"),
                    ])
                return try await f.ask("POST", "/sources/\(name)/import", ["dataset": .string(name)])
            }
            #expect(try await load("web", "a.csv?token=1").status == 201)
            #expect(try await f.rows("web") == "1,x")
            expectAnswers([
                ("missing", 503, "404", try await load("w1", "none.csv")),
                ("unknown format", 400, "format", try await load("w2", "?x=a.csv")),
            ])
        }
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["SLIPWAY_TEST_S3_ENDPOINT"] != nil))
    func `an S3 prefix is read`() async throws {
        let environment = ProcessInfo.processInfo.environment
        try await Fixture.with { f in
            setenv("AWS_ACCESS_KEY_ID", environment["SLIPWAY_TEST_S3_KEY"] ?? "", 1)
            setenv("AWS_SECRET_ACCESS_KEY", environment["SLIPWAY_TEST_S3_SECRET"] ?? "", 1)
            defer {
                unsetenv("AWS_ACCESS_KEY_ID")
                unsetenv("AWS_SECRET_ACCESS_KEY")
            }
            let prefix = "sources-\(ID.make())"
            let location =
                "s3://\(environment["SLIPWAY_TEST_S3_BUCKET"] ?? "")/\(prefix)?endpoint=\(environment["SLIPWAY_TEST_S3_ENDPOINT"] ?? "")&region=us-east-1"
            let place = try S3Location(parsing: location, field: "location")
            let client = S3Client(
                location: place,
                credentials: try S3Credentials(environment: [
                    "AWS_ACCESS_KEY_ID": environment["SLIPWAY_TEST_S3_KEY"] ?? "",
                    "AWS_SECRET_ACCESS_KEY": environment["SLIPWAY_TEST_S3_SECRET"] ?? "",
                ]), http: f.platform.http)
            for name in ["1", "2"] {
                let body = Array("n\n\(name)\n".utf8)
                try await client.put("\(prefix)/\(name).csv", body)
            }
            _ = try await f.get(
                "POST", "/sources", ["name": "s3", "project": "p", "kind": "s3", "location": .string(location)])
            #expect(try await f.get("POST", "/sources/s3/import", ["dataset": "d"])["rows"] == 2)
            let nothing = location.replacingOccurrences(of: prefix, with: prefix + "-none")
            _ = try await f.get(
                "POST", "/sources", ["name": "none", "project": "p", "kind": "s3", "location": .string(nothing)])
            #expect(try await f.ask("POST", "/sources/none/import", ["dataset": "e"]).status == 404)
        }
    }
}
