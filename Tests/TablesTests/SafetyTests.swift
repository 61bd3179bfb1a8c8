import Core
import Tables
import Testing

@Suite(.enabled(if: Workshop.isAvailable, "DuckDB's library and the slipway executable are needed"))
struct SafetyTests {
    /// What users may not do. `secret` stands for a CSV file that is there but no input, `mine` for the input's own file.
    static let hostile: [String] = [
        // Other files, by functions and by name.
        "SELECT * FROM read_csv('secret')", "SELECT * FROM read_csv_auto('secret')", "FROM 'secret'", "FROM \"secret\"",
        "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_blob('/etc/passwd')",
        "SELECT content FROM read_text('secret')",
        "SELECT * FROM glob('/etc/*')", "SELECT * FROM read_json('secret')",
        "SELECT * FROM read_ndjson_objects('secret')",
        "SELECT * FROM read_json_objects('secret')", "SELECT * FROM parquet_metadata('secret')",
        "SELECT * FROM parquet_schema('mine')",
        "SELECT * FROM parquet_kv_metadata('secret')", "SELECT * FROM parquet_bloom_probe('secret', 'a', 1)",
        "SELECT * FROM sniff_csv('secret')", "SELECT * FROM read_parquet('mine')",
        "SELECT * FROM parquet_scan(['mine'])",
        "SELECT * FROM read_duckdb('secret')", "SELECT * FROM 'https://example.org/x.parquet'",
        "SELECT * FROM '/proc/self/environ'",
        // The same, further down.
        "SELECT (SELECT count(*) FROM read_csv('secret'))", "WITH x AS (FROM 'secret') SELECT * FROM x",
        "SELECT * FROM t WHERE id IN (SELECT a FROM read_csv('secret'))",
        "SELECT 1 UNION ALL SELECT a FROM read_csv('secret')",
        "SELECT * FROM t, LATERAL (SELECT * FROM read_csv('secret'))", "SELECT list(SELECT a FROM 'secret')",
        "SELECT * FROM (VALUES ((SELECT a FROM 'secret')))", "SELECT * FROM t ORDER BY (SELECT max(a) FROM 'secret')",
        "SELECT * FROM t LIMIT (SELECT a FROM 'secret')",
        "SELECT sum(id) OVER (ORDER BY (SELECT max(a) FROM 'secret')) FROM t",
        "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT s.a FROM 'secret' s) SELECT * FROM r",
        "PIVOT (FROM 'secret') ON a IN (1) USING count(*)", "UNPIVOT 'secret' ON a INTO NAME n VALUE v",
        "DESCRIBE 'secret'", "SUMMARIZE 'secret'",
        "SELECT * FROM t JOIN 'secret' s ON s.a = t.id", "SELECT * FROM t SEMI JOIN 'secret' s ON s.a = t.id",
        // A name from a WITH, used where that WITH does not reach.
        "SELECT * FROM (WITH \"secret\" AS (SELECT 1) SELECT 2), 'secret'",
        "SELECT * FROM (WITH duckdb_settings AS (SELECT 1) SELECT 2), duckdb_settings",
        // Text that becomes a name or a statement.
        "SELECT * FROM query('FROM ''secret''')", "SELECT * FROM query_table('secret')",
        "SELECT * FROM query_table(['secret'])",
        "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('FROM ''secret'''))",
        "SELECT json_serialize_plan('FROM ''secret''')",
        "SELECT * FROM histogram('secret', a)", "SELECT * FROM histogram_values('secret', a)",
        // The server's own affairs.
        "SELECT * FROM duckdb_settings()", "SELECT * FROM duckdb_views()", "SELECT * FROM duckdb_views",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM information_schema.tables", "SELECT * FROM pg_catalog.pg_class",
        "SELECT * FROM system.main.duckdb_views",
        "SELECT current_setting('allowed_paths')", "SELECT getvariable('x')", "SELECT getenv('HOME')",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM duckdb_logs()", "SELECT * FROM duckdb_temporary_files()", "SELECT * FROM pragma_database_size()",
        "SHOW TABLES",
        "SHOW ALL TABLES", "SHOW DATABASES", "SELECT * FROM duckdb_extensions()",
        "SELECT * FROM which_secret('secret', 's3')",
        "SELECT pg_get_viewdef(0)",
        // Doing instead of asking.
        "SELECT * FROM enable_logging(storage = 'file', storage_config = {'path': '/tmp/slipway-log'})",
        "SELECT write_log('x')",
        "SELECT * FROM checkpoint()", "SELECT * FROM force_checkpoint()", "SELECT * FROM enable_profiling()",
        "SELECT nextval('s')",
        "SELECT * FROM arrow_scan(1, 2, 3)",
        "SELECT * FROM arrow_scan_dumb(1::BIGINT::POINTER, 1::POINTER, 1::POINTER)", "SELECT * FROM pandas_scan(1)",
        "SELECT * FROM seq_scan('t')", "SELECT * FROM test_all_types()",
        // No SELECT.
        "COPY t TO 'secret'", "COPY (SELECT 1) TO '/tmp/slipway-out'", "ATTACH 'secret' AS s", "INSTALL httpfs",
        "LOAD httpfs", "LOAD 'secret'",
        "PRAGMA database_list", "PRAGMA enable_profiling", "SET threads = 1", "SET enable_external_access = true",
        "RESET threads",
        "EXPORT DATABASE '/tmp/slipway-export'", "IMPORT DATABASE '/tmp'", "CREATE TABLE x AS SELECT 1",
        "CREATE MACRO m() AS TABLE FROM 'secret'",
        "CREATE SECRET (TYPE s3)", "INSERT INTO t VALUES (1)", "UPDATE t SET id = 1", "DELETE FROM t", "DROP VIEW t",
        "ALTER VIEW t RENAME TO u",
        "CALL enable_logging()", "CALL pragma_version()", "EXPLAIN ANALYZE SELECT 1", "EXPLAIN SELECT 1",
        "PREPARE p AS SELECT 1", "EXECUTE p",
        "DEALLOCATE p", "BEGIN", "CHECKPOINT", "VACUUM", "ANALYZE", "USE memory", "DETACH memory", "SET VARIABLE x = 1",
        "COMMENT ON VIEW t IS 'x'", "UPDATE EXTENSIONS", "TRUNCATE t",
        "MERGE INTO t USING t AS s ON t.id = s.id WHEN MATCHED THEN DELETE",
        "WITH x AS (INSERT INTO t VALUES (1) RETURNING id) SELECT * FROM x",
        // More than one, or none.
        "SELECT 1; SELECT 2", "SELECT 1; COPY t TO 'secret'", ";", "", "-- nothing", "SELECT 1; DROP VIEW t; --",
        "SELECT $$;$$; DROP VIEW t",
        // Out of the parentheses that a write puts around.
        "SELECT 1) TO '/tmp/slipway-out' (FORMAT csv); --", "SELECT 1) TO '/tmp/slipway-out' (FORMAT csv) --",
        // What the lexer might read differently.
        "SELECT 1 /* ; */; DROP VIEW t", "SELECT E'\\';'; DROP VIEW t --'", "SELECT \";\"\"\"; DROP VIEW t",
        "\u{0}SELECT 1", "SELECT 1\u{0}",
    ]

    @Test func `Nothing but one SELECT over the inputs runs`() async throws {
        let shop = Workshop()
        let tables = shop.tables(workers: 2)
        let secret = try shop.file("secret.csv", "a\n4711\n")
        let mine = try shop.file("mine.csv", "id\n1\n")
        let input = TableInput(name: "t", files: [mine], format: .csv)
        let before = Set(
            Workshop.names("/tmp").filter {
                $0.hasPrefix("slipway-log") || $0.hasPrefix("slipway-out") || $0.hasPrefix("slipway-export")
            })
        for text in Self.hostile {
            let sql = text.replacing("secret", with: secret).replacing("mine", with: mine)
            var outcomes = [await failure { _ = try await tables.query(sql, inputs: [input]) }]
            outcomes.append(
                await failure { _ = try await tables.write(sql, inputs: [input], to: shop.path("out.parquet")) })
            for outcome in outcomes {
                // Refused in words, not by a crash, and without telling a path.
                guard let outcome, outcome.hasPrefix("forbidden:") || outcome.hasPrefix("invalid:") else {
                    Issue.record("\(text): \(outcome ?? "it ran")")
                    continue
                }
                if outcome.contains(shop.folder), !sql.contains(shop.folder) {
                    Issue.record("\(text) tells a path: \(outcome)")
                }
            }
        }
        let after = Set(
            Workshop.names("/tmp").filter {
                $0.hasPrefix("slipway-log") || $0.hasPrefix("slipway-out") || $0.hasPrefix("slipway-export")
            })
        #expect(after == before)
        #expect(try await tables.query("SELECT * FROM t", inputs: [input]).rows == [[.int(1)]])
        await tables.shutdown()
    }

    @Test func `Ordinary queries are not in the way`() async throws {
        let shop = Workshop()
        let tables = shop.tables()
        let input = TableInput(
            name: "My Table", files: [try shop.file("m.csv", "id,name\n1,a\n2,b\n3,b\n")], format: .csv)
        let nested = String(repeating: "(", count: 150) + "1" + String(repeating: "+1)", count: 150)
        for sql in [
            "SELECT * FROM \"my table\"", "FROM \"My Table\" SELECT name, count(*) GROUP BY ALL",
            "WITH x AS (SELECT 1 AS a) SELECT * FROM x, \"My Table\"",
            "VALUES (1), (2)", "TABLE \"My Table\"", "SELECT unnest([1, 2])", "SELECT * FROM unnest([1, 2])",
            "SELECT * FROM generate_series(1, 3)",
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT sum(n) FROM r",
            "PIVOT \"My Table\" ON name IN ('a', 'b') USING count(*)", "UNPIVOT \"My Table\" ON id INTO NAME n VALUE v",
            "DESCRIBE \"My Table\"",
            "SUMMARIZE \"My Table\"",
            "SELECT list_transform([1, 2], lambda x: x + 1), [y * 2 for y in [1, 2]], {'function': 'read_csv'}",
            "SELECT 'read_csv(''x'')' AS \"FROM 'x'\", ';' -- ; comment\n;", "SELECT COLUMNS('i.*') FROM \"My Table\"",
            "SELECT row_number() OVER w FROM \"My Table\" WINDOW w AS (PARTITION BY name ORDER BY id)",
            "SELECT \(nested)",
            "SELECT * FROM \"My Table\" a JOIN \"My Table\" b USING (id) QUALIFY row_number() OVER () = 1",
            "SELECT * FROM \"My Table\" USING SAMPLE 2 ROWS",
            "SELECT * FROM json_each('{\"a\": 1}')", "SELECT '\\u0041' || $$a;b$$",
            "SELECT min(id) FILTER (WHERE name = 'b') FROM \"My Table\";;",
        ] {
            let outcome = await failure { _ = try await tables.query(sql, inputs: [input]) }
            if let outcome { Issue.record("\(sql): \(outcome)") }
        }
        await tables.shutdown()
    }

    @Test func `Memory, time and crashes cost one request`() async throws {
        let shop = Workshop()
        let tables = shop.tables(memoryBytes: 128 << 20)
        let memory = await failure {
            _ = try await tables.query("SELECT list(i) FROM range(100000000) t(i)", inputs: [])
        }
        #expect(
            memory?.hasPrefix("tooLarge: The query needs more memory") == true
                || memory?.hasPrefix("too_large: The query needs more") == true, "\(memory ?? "it ran")")
        let late = await failure {
            _ = try await tables.query(
                "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 7", inputs: [],
                timeoutSeconds: 0.5)
        }
        #expect(late == "deadline_exceeded: The work did not end within 0.5 s and was stopped.")
        // A sort that does not fit into memory goes to disk and comes back; no file of it is left.
        let spilled = try await tables.query(
            "SELECT i, md5(i::VARCHAR) AS h FROM range(3000000) t(i) ORDER BY h", inputs: [], maxRows: 1)
        #expect(spilled.rows.first?[1].text?.hasPrefix("00000") == true)
        let left = Workshop.names(shop.path("temporary")).flatMap { Workshop.names(shop.path("temporary/\($0)")) }
        #expect(left == [])
        await tables.shutdown()
    }

    @Test func `A request that needs more memory than most is done again with all there is`() async throws {
        let shop = Workshop()
        // A list lies in memory whole, so that nothing of it can go to disk.
        let sql = "SELECT len(list(i)) FROM range(20000000) t(i)"
        let few = shop.tables(memoryBytes: 240 << 20)
        let refused = await failure { _ = try await few.query(sql, inputs: []) }
        #expect(refused?.hasSuffix("The limit is 240 MiB.") == true, "\(refused ?? "it ran")")
        await few.shutdown()
        let all = shop.tables(memoryBytes: 2 << 30)
        #expect(try await all.query(sql, inputs: []).rows == [[.int(20_000_000)]])
        await all.shutdown()
    }

    @Test func `A missing library is explained`() async throws {
        let shop = Workshop()
        let tables = shop.tables(library: "/no/such/libduckdb.so")
        let expected =
            "Tables need DuckDB's shared library (libduckdb 1.5 or newer), which was not found. Tried: /no/such/libduckdb.so: no such file. Run scripts/setup, or install it and name its path in SLIPWAY_DUCKDB_LIBRARY."
        #expect(tables.availability == expected)
        #expect(await failure { _ = try await tables.query("SELECT 1", inputs: []) } == "unavailable: " + expected)
        // A file that is no library.
        let other = shop.tables(library: try shop.file("fake.so", "no library"))
        let outcome = await failure { _ = try await other.query("SELECT 1", inputs: []) }
        #expect(
            outcome?.contains("fake.so: ") == true && outcome?.contains("Run scripts/setup") == true,
            "\(outcome ?? "it ran")")
        await tables.shutdown()
        await other.shutdown()
    }
}
