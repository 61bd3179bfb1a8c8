import Core
import Platform
import Tables
import TestSupport
import Testing

@testable import Datasets

/// Which columns a SELECT's columns read.
@Suite struct StandardsLineageTests {
    private static let tables = ["t": ["id", "email", "price", "l"], "u": ["id", "Name", "email"]]

    /// `out: t.email ~, u.id Σ`: `=` for identity, `~` for transformation, `Σ` for aggregation.
    private static func lineage(_ sql: String, _ platform: Platform) async throws -> String {
        let tree = try await platform.tables.query(
            "SELECT json_serialize_sql($1::VARCHAR)::VARCHAR", parameters: [.text(sql)], inputs: [], maxRows: 1)
        do {
            let outputs = try SQLLineage(tables: tables).outputs(
                of: JSONValue(parsing: tree.rows.first?.first?.text ?? ""))
            return outputs.map { output in
                let marks: [ColumnLineage.Kind: String] = [.identity: "=", .transformation: "~", .aggregation: "Σ"]
                let sources = output.sources.map { "\($0.table).\($0.column)\(marks[$1] ?? "")" }.sorted()
                return "\(output.name):\(sources.joined(separator: ","))"
            }.joined(separator: " ")
        } catch let problem as SQLLineage.NotFollowed {
            return "not followed: \(problem.what)"
        }
    }

    @Test func `expressions are followed to the columns they read`() async throws {
        let cases = [
            ("SELECT id, upper(email) AS e, 1 AS one FROM t", "id:t.id= e:t.email~ one:"),
            ("SELECT * FROM t", "id:t.id= email:t.email= price:t.price= l:t.l="),
            ("FROM u", "id:u.id= Name:u.Name= email:u.email="),
            ("SELECT a.* EXCLUDE (l, price) REPLACE (lower(email) AS email) FROM t a", "id:t.id= email:t.email~"),
            ("SELECT max(price) m, count(*) n FROM t GROUP BY email", "m:t.priceΣ n:"),
            ("SELECT t.id, u.name FROM t JOIN u ON t.email = u.email", "id:t.id= name:u.Name="),
            (
                "SELECT * FROM t JOIN u USING (id, email)",
                "id:t.id=,u.id= email:t.email=,u.email= price:t.price= l:t.l= Name:u.Name="
            ),
            ("SELECT x.e FROM (SELECT email || id AS e FROM t) x", "e:t.email~,t.id~"),
            ("WITH a AS (SELECT email e FROM t), b(f) AS (SELECT e FROM a) SELECT f FROM b", "f:t.email="),
            ("SELECT email FROM t UNION ALL SELECT name FROM u", "email:t.email=,u.Name="),
            ("SELECT id, email FROM t UNION ALL BY NAME SELECT email FROM u", "id:t.id= email:t.email=,u.email="),
            ("SELECT email AS e, e || 'x' AS f FROM t", "e:t.email= f:t.email~"),
            ("SELECT (SELECT max(email) FROM u WHERE u.id = t.id) AS m FROM t", "m:u.emailΣ"),
            ("SELECT list_transform(l, lambda x : x + price) AS a FROM t", "a:t.l~,t.price~"),
            ("SELECT y FROM t, unnest(t.l) AS x(y)", "y:t.l~"),
            ("SELECT row_number() OVER (PARTITION BY email) AS n FROM t", "n:t.email~"),
            ("SELECT CASE WHEN email IS NULL THEN 0 ELSE price END AS p FROM t", "p:t.email~,t.price~"),
            ("SELECT t FROM t", "t:t.email~,t.id~,t.l~,t.price~"),
            ("SELECT * FROM (VALUES (1, 2)) v(a, b)", "a: b:"),
            ("SELECT id FROM t SEMI JOIN u USING (id)", "id:t.id="),
            (
                "WITH RECURSIVE r AS (SELECT id, email FROM t UNION ALL SELECT id + 1, email FROM r WHERE id < 3) SELECT * FROM r",
                "id:t.id~ email:t.email="
            ),
            ("PIVOT t ON id IN (1, 2) USING sum(price)", "not followed: PIVOT"),
            ("SELECT COLUMNS('e.*') FROM t", "not followed: COLUMNS(…)"),
            ("SELECT * FROM range(3)", "not followed: * of a function"),
        ]
        try await TestPlatform.with { platform in
            var wrong: [String] = []
            for (sql, expected) in cases {
                let found = try await Self.lineage(sql, platform)
                if found != expected { wrong.append("\(sql)\n  \(found)\n  \(expected)") }
            }
            #expect(wrong == [], "\(wrong.joined(separator: "\n"))")
        }
    }
}
