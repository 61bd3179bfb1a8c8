import Core
import Testing

@testable import Tables

/// The engine's own locks, without the check of the syntax tree in front of them.
@Suite(.enabled(if: Workshop.isAvailable, "DuckDB's library is needed"))
struct LockTests {
    @Test func `A locked database reaches no file but the inputs`() async throws {
        let shop = Workshop()
        let library = try DuckDBLibrary.load(explicit: Workshop.library)
        let secret = try shop.file("secret.csv", "a\n4711\n")
        let mine = try shop.file("mine.csv", "id\n1\n")
        let engine = TablesEngine(
            library,
            .init(
                threads: 1, memoryBytes: 256 << 20, temporaryBytes: 1 << 30, temporaryDirectory: shop.path("temporary")),
            running: .init(library))
        let instance = try engine.open()
        var session = TablesSession(instance, [TableInput(name: "t", files: [mine], format: .csv)])
        try session.open(alsoWriting: nil, withViews: true)
        var reached: [String] = []
        for sql in [
            "SELECT * FROM read_csv('secret')", "FROM 'secret'", "SELECT * FROM read_text('/etc/passwd')",
            "SELECT * FROM read_blob('secret')",
            "SELECT * FROM glob('/etc/*')", "SELECT * FROM read_json('secret')",
            "SELECT * FROM parquet_metadata('secret')",
            "SELECT * FROM sniff_csv('secret')", "SELECT * FROM read_csv('mine/../secret.csv')",
            "SELECT * FROM read_csv('/proc/self/environ')",
            "SELECT * FROM query_table('secret')", "SELECT * FROM query('FROM ''secret''')", "COPY t TO 'secret.out'",
            "COPY t TO 'mine'",
            "ATTACH 'secret' AS s", "ATTACH 'new.db' AS s", "INSTALL httpfs", "LOAD httpfs", "LOAD 'secret'",
            "EXPORT DATABASE 'secret.export'",
            "SET enable_external_access = true", "SET allowed_paths = ['secret']", "SET allowed_directories = ['/']",
            "RESET lock_configuration",
            "SET lock_configuration = false", "SET temp_directory = '/tmp'", "RESET enable_external_access",
        ] {
            let text = sql.replacing("secret", with: secret).replacing("mine", with: mine)
            if (try? instance.rows(text)) != nil { reached.append(sql) }
        }
        #expect(reached == [])
        #expect(try shop.bytes("mine.csv") == Array("id\n1\n".utf8))
        #expect(try shop.bytes("secret.csv") == Array("a\n4711\n".utf8))
    }

    struct Cut: Sendable {
        let sql: String
        let kept: String
    }

    @Test(arguments: [
        Cut(sql: "SELECT 1;", kept: "SELECT 1"), Cut(sql: "SELECT 1 ; -- x", kept: "SELECT 1 "),
        Cut(sql: "SELECT ';' -- ;\n; x", kept: "SELECT ';' -- ;\n"),
        Cut(sql: "SELECT \";\", $$;$$, $a$;$$;$a$ /* ; */;", kept: "SELECT \";\", $$;$$, $a$;$$;$a$ /* ; */"),
        Cut(sql: "SELECT $1;", kept: "SELECT $1"),
        Cut(sql: "SELECT 'it''s;'", kept: "SELECT 'it''s;'"), Cut(sql: "SELECT 'open;", kept: "SELECT 'open;"),
    ])
    func `The last semicolon is cut off`(_ item: Cut) {
        #expect(SQLText.withoutSemicolon(item.sql) == item.kept)
    }
}
