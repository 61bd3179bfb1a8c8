import Core
import Database
import Foundation
import TestSupport
import Testing

@Suite struct ForeignDatabaseTests {
    /// What is written for a query, or the error's code.
    private func export(_ url: String, _ query: String, to path: String) async -> String {
        do {
            let count = try await ForeignDatabase.export(ForeignQuery(Self.place(url), query: query), to: path).rows
            let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
            return "\(count) \(text.split(separator: "\n").joined(separator: " "))"
        } catch { return (error as? SlipwayError)?.code.rawValue ?? "\(error)" }
    }

    private static func place(_ url: String) throws -> ForeignQuery.Place {
        guard url.hasPrefix("postgres") else { return .file(String(url.dropFirst("sqlite://".count))) }
        // A password in a URL is not taken: it comes by itself.
        var parts = try #require(URLComponents(string: url))
        let password = parts.password.map { Secret($0) }
        parts.password = nil
        return .postgres(try PostgresPlace(parsing: try #require(parts.string)), password: password, addresses: nil)
    }

    @Test func `rows come out as JSON lines, and nothing but reading is done`() async throws {
        try await TemporaryFolder.with { folder in
            let shop = try await Database.open(folder + "/shop.db")
            try await shop.write { db in
                try db.execute("CREATE TABLE t (n INTEGER, s TEXT, x REAL, b BLOB)")
                try db.execute(
                    "INSERT INTO t VALUES (9223372036854775807, 'a\"\\é' || char(10), 1e300 * 1e300, x'0f'), (NULL, NULL, NULL, NULL)"
                )
            }
            await shop.close()
            let url = "sqlite://" + folder + "/shop.db"
            let out = folder + "/out"
            let cases: [(String, String, String)] = [
                (
                    url, "SELECT * FROM t ; ;",
                    #"2 {"n":9223372036854775807,"s":"a\"\\é\n","x":null,"b":"0f"} {"n":null,"s":null,"x":null,"b":null}"#
                ),
                (url, "SELECT 1 AS a WHERE 0", "0 "), (url, "WITH w AS (SELECT 2 AS a) SELECT a FROM w", #"1 {"a":2}"#),
                (url, "", "invalid"), (url, ";", "invalid"), (url, "SELECT 1; SELECT 2", "invalid"),
                (url, "SELEC", "invalid"),
                (url, "DELETE FROM t", "invalid"), (url, "UPDATE t SET n = 1 RETURNING n", "invalid"),
                (url, "PRAGMA journal_mode = DELETE", "invalid"), (url, "ATTACH '\(folder)/other.db' AS o", "invalid"),
                (url, "VACUUM INTO '\(folder)/copy.db'", "invalid"), (url, "SELECT load_extension('x')", "invalid"),
                ("sqlite:///none/such.db", "SELECT 1", "invalid"),
            ]
            var wrong: [String] = []
            for (url, query, expected) in cases {
                let got = await export(url, query, to: out)
                if got != expected { wrong.append("\(query): \(got)") }
            }
            if await export(url, "SELECT 1", to: folder + "/none/out") != "unavailable" {
                wrong.append("a folder that is not there")
            }
            // A full disk is an error, never the end of the rows.
            if await export(url, "SELECT 1 AS a", to: "/dev/full") != "unavailable" { wrong.append("a full disk") }
            #expect(wrong == [])
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder).filter {
                    $0.hasSuffix("copy.db") || $0.hasSuffix("other.db")
                } == [])
        }
    }

    @Test(.enabled(if: TestDatabase.postgresURL != nil))
    func `PostgreSQL is read in pieces and in a transaction that cannot write`() async throws {
        let url = TestDatabase.postgresURL ?? ""
        try await TemporaryFolder.with { folder in
            let cases: [(String, String)] = [
                (
                    "SELECT 1 AS a, 'é\"' AS s, 1.50::numeric AS d, NULL AS z;",
                    #"1 {"a":1,"s":"é\"","d":1.50,"z":null}"#
                ),
                ("SELECT 1 AS a WHERE false", "0 "), ("CREATE TABLE x (n int)", "invalid"),
                ("SELECT 1) q; SELECT (1", "invalid"),
                ("SELECT nextval('nothing')", "invalid"), ("SELECT 1; SELECT 2", "invalid"), ("", "invalid"),
                ("WITH w AS (DELETE FROM pg_description RETURNING 1) SELECT * FROM w", "invalid"),
            ]
            var wrong: [String] = []
            for (query, expected) in cases {
                let got = await export(url, query, to: folder + "/out")
                if got != expected { wrong.append("\(query): \(got)") }
            }
            #expect(wrong == [])
            #expect(
                await export(url, "SELECT g FROM generate_series(1, 12345) g", to: folder + "/out").hasPrefix("12345 "))
        }
    }
}
