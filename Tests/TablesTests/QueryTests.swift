import Core
import Tables
import Testing

@Suite(.enabled(if: Workshop.isAvailable, "DuckDB's library and the slipway executable are needed"))
struct QueryTests {
    struct Typed: Sendable, CustomTestStringConvertible {
        let sql: String
        let type: String
        let value: TableValue
        var testDescription: String { sql }
    }

    /// One row of every type, in one request.
    static let typed: [Typed] = [
        Typed(sql: "true", type: "BOOLEAN", value: .bool(true)),
        Typed(sql: "(-5)::TINYINT", type: "TINYINT", value: .int(-5)),
        Typed(sql: "200::UTINYINT", type: "UTINYINT", value: .int(200)),
        Typed(sql: "(-300)::SMALLINT", type: "SMALLINT", value: .int(-300)),
        Typed(sql: "60000::USMALLINT", type: "USMALLINT", value: .int(60000)),
        Typed(sql: "7", type: "INTEGER", value: .int(7)),
        Typed(sql: "4000000000::UINTEGER", type: "UINTEGER", value: .int(4_000_000_000)),
        Typed(sql: "9007199254740993", type: "BIGINT", value: .int(9_007_199_254_740_993)),
        Typed(sql: "18446744073709551615::UBIGINT", type: "UBIGINT", value: .decimal("18446744073709551615")),
        Typed(sql: "12::HUGEINT", type: "HUGEINT", value: .int(12)),
        Typed(
            sql: "(-170141183460469231731687303715884105727)::HUGEINT", type: "HUGEINT",
            value: .decimal("-170141183460469231731687303715884105727")),
        Typed(
            sql: "340282366920938463463374607431768211455::UHUGEINT", type: "UHUGEINT",
            value: .decimal("340282366920938463463374607431768211455")),
        Typed(sql: "1.5::FLOAT", type: "FLOAT", value: .double(1.5)),
        Typed(sql: "0.1::DOUBLE", type: "DOUBLE", value: .double(0.1)),
        Typed(sql: "(-0.05)::DECIMAL(4,2)", type: "DECIMAL(4,2)", value: .decimal("-0.05")),
        Typed(sql: "123456.789::DECIMAL(9,3)", type: "DECIMAL(9,3)", value: .decimal("123456.789")),
        Typed(
            sql: "12345678901234567890123456789.123456789::DECIMAL(38,9)", type: "DECIMAL(38,9)",
            value: .decimal("12345678901234567890123456789.123456789")),
        Typed(sql: "'short'", type: "VARCHAR", value: .text("short")),
        Typed(
            sql: "'long enough to live elsewhere é'", type: "VARCHAR", value: .text("long enough to live elsewhere é")),
        Typed(sql: "''", type: "VARCHAR", value: .text("")),
        Typed(sql: "DATE '1969-12-31'", type: "DATE", value: .date(days: -1)),
        Typed(
            sql: "TIMESTAMP '2017-06-01 04:05:06.5'", type: "TIMESTAMP",
            value: .timestamp(microseconds: 1_496_289_906_500_000)),
        Typed(
            sql: "TIMESTAMP_S '2017-06-01 04:05:06'", type: "TIMESTAMP_S",
            value: .timestamp(microseconds: 1_496_289_906_000_000)),
        Typed(
            sql: "TIMESTAMP_MS '2017-06-01 04:05:06.123'", type: "TIMESTAMP_MS",
            value: .timestamp(microseconds: 1_496_289_906_123_000)),
        Typed(
            sql: "TIMESTAMP_NS '2017-06-01 04:05:06.123456789'", type: "TIMESTAMP_NS",
            value: .timestamp(microseconds: 1_496_289_906_123_456)),
        Typed(
            sql: "TIMESTAMPTZ '2017-06-01 04:05:06+02'", type: "TIMESTAMP WITH TIME ZONE",
            value: .timestamp(microseconds: 1_496_282_706_000_000)),
        Typed(sql: "TIME '04:05:06.25'", type: "TIME", value: .time(microseconds: 14_706_250_000)),
        Typed(sql: "INTERVAL '14 months 3 days 1.5 seconds'", type: "INTERVAL", value: .text("P14M3DT1.5S")),
        Typed(sql: "'\\x00\\xFF'::BLOB", type: "BLOB", value: .bytes([0, 255])),
        Typed(
            sql: "'0b0b0b0b-1c1c-2d2d-3e3e-4f4f4f4f4f4f'::UUID", type: "UUID",
            value: .text("0b0b0b0b-1c1c-2d2d-3e3e-4f4f4f4f4f4f")),
        Typed(sql: "'b'::ENUM('a', 'b')", type: "ENUM('a', 'b')", value: .text("b")),
        Typed(sql: "[1, NULL, 3]", type: "INTEGER[]", value: .json("[1,null,3]")),
        Typed(sql: "[1.5, 2.5]::DOUBLE[2]", type: "DOUBLE[2]", value: .json("[1.5,2.5]")),
        Typed(
            sql: "{'a': 1, 'odd name': ['x', 'y\"']}", type: "STRUCT(a INTEGER, \"odd name\" VARCHAR[])",
            value: .json(#"{"a":1,"odd name":["x","y\""]}"#)),
        Typed(sql: "MAP {'k': DATE '2017-01-01'}", type: "MAP(VARCHAR, DATE)", value: .json(#"{"k":"2017-01-01"}"#)),
        Typed(sql: "MAP {1: 0.25::DECIMAL(4,2)}", type: "MAP(INTEGER, DECIMAL(4,2))", value: .json("[[1,0.25]]")),
        Typed(sql: "union_value(num := 2)", type: "UNION(num INTEGER)", value: .json("2")),
        Typed(sql: "'{\"a\": [1]}'::JSON", type: "JSON", value: .json("{\"a\": [1]}")),
        Typed(sql: "NULL::BIGINT", type: "BIGINT", value: .null),
        Typed(sql: "NULL::VARCHAR[]", type: "VARCHAR[]", value: .null),
        Typed(sql: "NULL", type: "NULL", value: .null),
    ]

    @Test func `Every common type arrives typed`() async throws {
        let shop = Workshop()
        let tables = shop.tables()
        let sql = "SELECT " + Self.typed.enumerated().map { "\($1.sql) AS c\($0)" }.joined(separator: ", ")
        let result = try await tables.query(sql, inputs: [])
        for (index, item) in Self.typed.enumerated()
        where [result.columns[index].type] != [item.type] || result.rows[0][index] != item.value {
            // SELECT NULL is an integer to DuckDB.
            if item.type == "NULL", result.rows[0][index] == .null { continue }
            Issue.record(
                "\(item.sql): \(result.columns[index].type) \(result.rows[0][index]), not \(item.type) \(item.value)")
        }
        await tables.shutdown()
    }

    @Test func `Parameters keep their types`() async throws {
        let shop = Workshop()
        let tables = shop.tables()
        let values: [TableValue] = [
            .null, .bool(false), .int(-3), .double(0.1), .decimal("-12.345"), .text("it's; -- $1"), .date(days: 17_000),
            .timestamp(microseconds: 1_500_000_000_123_456), .time(microseconds: 1), .bytes([1, 0, 2]), .json("[1]"),
        ]
        let names = values.indices.map { "$\($0 + 1)" }
        let result = try await tables.query("SELECT \(names.joined(separator: ", "))", parameters: values, inputs: [])
        var expected = values
        expected[10] = .text("[1]")
        #expect(result.rows == [expected])
        #expect(
            await failure { _ = try await tables.query("SELECT $1, $2", parameters: [.int(1)], inputs: []) }
                == "invalid: The query has 2 parameters and got 1 values.")
        await tables.shutdown()
    }

    @Test func `Rows beyond the limit are cut and said so`() async throws {
        let shop = Workshop()
        let tables = shop.tables()
        func ask(_ sql: String, _ limit: Int) async throws -> [Int] {
            let result = try await tables.query(sql, inputs: [], maxRows: limit)
            return [result.rows.count, result.truncated ? 1 : 0, Int(result.rows.last?[0].intValue ?? -1)]
        }
        // The last would take minutes if it were not stopped early.
        let given = [
            try await ask("SELECT * FROM range(5000)", 5000), try await ask("SELECT * FROM range(5000)", 4999),
            try await ask("SELECT * FROM range(5000)", 0), try await ask("SELECT * FROM range(0)", 10),
            try await ask("SELECT * FROM range(5000) t(i) ORDER BY i DESC;  -- done;", 2),
            try await ask("FROM range(100000000000)", 3),
        ]
        #expect(given == [[5000, 0, 4999], [4999, 1, 4998], [0, 1, -1], [0, 0, -1], [2, 1, 4998], [3, 1, 2]])
        await tables.shutdown()
    }

    @Test func `Inputs of all formats join, and a dataset of several files is one table`() async throws {
        let shop = Workshop()
        let tables = shop.tables()
        let csv = TableInput(
            name: "sales",
            files: [
                try shop.file("a1", "id;amount\n1;2,5\n2;3,5\n"), try shop.file("a2", "amount;id;extra\n9,5;3;x\n"),
            ], format: .csv)
        let json = TableInput(
            name: "names", files: [try shop.file("b", "{\"id\":1,\"name\":\"one\"}\n{\"id\":3,\"name\":\"three\"}\n")],
            format: .json)
        let array = TableInput(name: "arr", files: [try shop.file("c", "[{\"id\":1},{\"id\":2}]")], format: .json)
        let latin = TableInput(
            name: "latin", files: [try shop.file("d", Array("id,name\n1,caf".utf8) + [0xE9, 10])], format: .csv,
            encoding: .latin1)
        let all = [csv, json, array, latin]
        let result = try await tables.query(
            "SELECT s.id, n.name, s.extra, l.name FROM sales s JOIN names n USING (id) LEFT JOIN latin l USING (id) ORDER BY 1",
            inputs: all)
        #expect(
            result.rows == [
                [.int(1), .text("one"), .null, .text("café")], [.int(3), .text("three"), .text("x"), .null],
            ])
        let file = try await tables.write(
            "SELECT id, id / 2 AS half FROM arr WHERE id >= $1", parameters: [.int(1)], inputs: all,
            to: shop.path("out.parquet"))
        #expect(
            file.rows == 2 && file.columns == [.init(name: "id", type: "BIGINT"), .init(name: "half", type: "DOUBLE")])
        let written = TableInput(name: "t", files: [shop.path("out.parquet")], format: .parquet)
        #expect(try await tables.rowCount(of: written) == 2)
        #expect(try await tables.columns(of: written) == file.columns)
        #expect(Int(file.sizeBytes) == (try shop.bytes("out.parquet")).count)
        #expect(Workshop.names(shop.folder).filter { $0.contains("tmp-") } == [])
        await tables.shutdown()
    }
}
