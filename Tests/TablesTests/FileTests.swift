import Core
import Tables
import Testing

@Suite(.enabled(if: Workshop.isAvailable, "DuckDB's library and the slipway executable are needed"))
struct FileTests {
    struct Damage: Sendable {
        let name: String
        let bytes: [UInt8]
        var format = TableInput.Format.csv
        /// What the message says, in this order.
        let says: [String]
    }

    private static func far(_ tail: [UInt8]) -> [UInt8] {
        Array("id,name\n".utf8) + Array(String(repeating: "1,abc\n", count: 300_000).utf8) + tail
    }

    @Test func `Damaged files are named, with what is wrong and where`() async throws {
        let shop = Workshop()
        let tables = shop.tables()
        _ = try await tables.write(
            "SELECT i, md5(i::VARCHAR) AS h FROM range(20000) t(i)", inputs: [], to: shop.path("good.parquet"))
        let good = try shop.bytes("good.parquet")
        var footless = good
        for index in good.count - 200..<good.count - 8 { footless[index] ^= 0x55 }
        let cases: [Damage] = [
            Damage(
                name: "cut.parquet", bytes: Array(good.prefix(good.count / 2)), format: .parquet,
                says: ["invalid: cut.parquet is cut off", "footer is missing after \(good.count / 2) bytes"]),
            Damage(name: "empty.parquet", bytes: [], format: .parquet, says: ["invalid: empty.parquet is empty"]),
            Damage(
                name: "text.parquet", bytes: Array("id,name\n1,x\n".utf8), format: .parquet,
                says: ["text.parquet is not a Parquet file; it looks like text, perhaps CSV"]),
            Damage(
                name: "zip.parquet", bytes: [0x50, 0x4B, 3, 4, 0, 0], format: .parquet,
                says: ["zip.parquet is not a Parquet file; it looks like a ZIP"]),
            Damage(name: "footless.parquet", bytes: footless, format: .parquet, says: ["invalid: "]),
            Damage(
                name: "latin.csv", bytes: Array("id,name\n1,abc\n2,caf".utf8) + [0xE9] + Array("\n".utf8),
                says: ["latin.csv is not UTF-8: the byte 0xe9 at offset 19, line 3", "latin-1"]),
            Damage(
                name: "far.csv", bytes: Self.far(Array("2,caf".utf8) + [0xE9, 10]),
                says: ["far.csv is not UTF-8: the byte 0xe9 at offset 1800013, line 300002", "latin-1"]),
            Damage(
                name: "wide.csv", bytes: [0xFF, 0xFE, 0x61, 0, 0x2C, 0, 0x62, 0, 10, 0],
                says: ["wide.csv is not UTF-8: it begins with the mark of UTF-16", "utf-16"]),
            Damage(
                name: "types.csv", bytes: Self.far(Array("x,abc\n".utf8)),
                says: [
                    "types.csv cannot be read", "Line: 300002", "column \"id\"", "Could not convert string \"x\"",
                    "allText",
                ]),
            Damage(
                name: "ragged.csv", bytes: Array("a,b\n1,2\n3,4,5\n6\n7,8\n".utf8),
                says: ["ragged.csv cannot be read", "differing numbers of fields"]),
            Damage(
                name: "open.json", bytes: Array("[{\"a\":1},{\"a\":2".utf8), format: .json,
                says: ["open.json cannot be read: Malformed JSON", "open.json", "unexpected end of data"]),
            Damage(
                name: "broken.ndjson", bytes: Array("{\"a\":1}\n{\"a\":\n{\"a\":3}\n".utf8), format: .json,
                says: ["broken.ndjson cannot be read: Malformed JSON", "line"]),
        ]
        for item in cases {
            let input = TableInput(name: "t", files: [try shop.file(item.name, item.bytes)], format: item.format)
            let outcome =
                await failure { _ = try await tables.query("SELECT max(COLUMNS(*)) FROM t", inputs: [input]) }
                ?? "it was read"
            var rest = outcome[...]
            for text in item.says {
                guard let place = rest.firstRange(of: text) else {
                    Issue.record("\(item.name): no '\(text)' in: \(outcome)")
                    break
                }
                rest = rest[place.upperBound...]
            }
            if outcome.contains(shop.folder) { Issue.record("\(item.name) tells its path: \(outcome)") }
        }
        let labelled = TableInput(name: "t", files: [shop.path("missing")], labels: ["data/2017.csv"], format: .csv)
        #expect(
            await failure { _ = try await tables.columns(of: labelled) } == "not_found: data/2017.csv is not there.")
        await tables.shutdown()
    }

    @Test func `Encodings, compression and text columns`() async throws {
        let shop = Workshop()
        let tables = shop.tables()
        let wide = Array("id,name\n7,café\n".utf16).reduce(into: [UInt8]([0xFF, 0xFE])) {
            $0 += [UInt8($1 & 255), UInt8($1 >> 8)]
        }
        let texts = try shop.file("texts", "id,zip\n1,01234\n2,x\n")
        let inputs = [
            TableInput(name: "w", files: [try shop.file("wide", wide)], format: .csv, encoding: .utf16),
            TableInput(name: "x", files: [texts], format: .csv, allText: true),
            TableInput(
                name: "y", files: [try shop.file("pipes", "1|a,b\n2|c,d\n")], format: .csv, delimiter: "|",
                header: false),
        ]
        let result = try await tables.query(
            "SELECT w.id, w.name, x.id, x.zip, y.column1 FROM w, x, y ORDER BY x.id, y.column0 LIMIT 1", inputs: inputs)
        #expect(result.rows == [[.int(7), .text("café"), .text("1"), .text("01234"), .text("a,b")]])
        _ = try await tables.query("SELECT 1", inputs: [])
        await tables.shutdown()
    }

    struct Mistake: Sendable {
        let sql: String
        let message: String
    }

    @Test func `Mistakes in SQL are explained with what there is`() async throws {
        let shop = Workshop()
        let tables = shop.tables()
        let sales = TableInput(name: "sales", files: [try shop.file("s", "id,amount,Region\n1,2.5,n\n")], format: .csv)
        let stores = TableInput(name: "stores", files: [try shop.file("t", "id,city\n1,x\n")], format: .csv)
        for item in [
            Mistake(
                sql: "SELECT amnt FROM sales",
                message:
                    "invalid: There is no column 'amnt'. Available: sales has id, amount, Region; stores has id, city."),
            Mistake(
                sql: "SELECT s.\"colour\" FROM sales s",
                message:
                    "invalid: There is no column 'colour'. Available: sales has id, amount, Region; stores has id, city."
            ),
            Mistake(
                sql: "SELECT * FROM sale",
                message: "invalid: There is no table 'sale'. The tables of this query are sales, stores."),
            Mistake(sql: "SELEC 1", message: "invalid: The SQL cannot be read: syntax error at or near \"SELEC\""),
            Mistake(
                sql: "SELECT 'x'::INTEGER",
                message:
                    "invalid: The query failed. Could not convert string 'x' to INT32"
            ),
            Mistake(sql: "SELECT 1; SELECT 2", message: "invalid: sql: has 2 statements; expected one SELECT."),
            Mistake(
                sql: "DROP TABLE sales",
                message:
                    "forbidden: Only one SELECT may run here (also WITH, FROM, VALUES, DESCRIBE and SUMMARIZE). PIVOT needs its values: PIVOT t ON c IN ('a', 'b') USING sum(x)."
            ),
            Mistake(
                sql: "SELECT * FROM read_csv('x')",
                message:
                    "forbidden: A query may not use the function read_csv in FROM. Queries read the tables they are given (sales, stores)."
            ),
        ] {
            let outcome = await failure { _ = try await tables.query(item.sql, inputs: [sales, stores]) }
            #expect(outcome?.hasPrefix(item.message) == true, "\(outcome ?? "it ran")")
        }
        #expect(
            await failure { _ = try await tables.write("SELECT amnt FROM sales", inputs: [sales], to: shop.path("o")) }
                == "invalid: There is no column 'amnt'. Available: sales has id, amount, Region.")
        await tables.shutdown()
    }
}
