import Core
import Testing

@testable import Tables

@Suite(.enabled(if: Workshop.isAvailable, "DuckDB's library and the slipway executable are needed"))
struct ParquetTests {
    @Test func `the engine reads what the writer wrote, over groups of rows`() async throws {
        let shop = Workshop()
        let tables = shop.tables()
        let columns = [
            ParquetColumn("id", .bigint), ParquetColumn("word", .varchar, repeats: true),
            ParquetColumn("text", .varchar), ParquetColumn("x", .double), ParquetColumn("yes", .boolean),
            ParquetColumn("moment", .timestamp), ParquetColumn("nothing", .varchar, repeats: true),
        ]
        let words = ["a", "", "né", "long word"]
        for count in [0, 1, 70_000] {
            let path = shop.path("\(count).parquet")
            let writer = try ParquetWriter(path, columns)
            for row in 0..<count {
                try writer.int(Int64(row) - 5)
                try writer.text(row % 7 == 0 ? nil : words[row % 4])
                try writer.text("row \(row)")
                try writer.double(row % 3 == 0 ? nil : row == 1 ? .nan : Double(row) / 2)
                try writer.bool(row % 5 == 0)
                try writer.int(Int64(row) * 1000)
                try writer.text(nil)
            }
            try writer.finish()
            let result = try await tables.query(
                """
                SELECT count(*), sum(id), count(word), count(DISTINCT word), count(DISTINCT text),
                    sum(x) FILTER (WHERE NOT isnan(x)), count(x), sum(yes::INT), epoch_ms(max(moment)), count(nothing),
                    count(*) FILTER (WHERE word = 'né'), count(*) FILTER (WHERE text = 'row ' || (id + 5))
                FROM t
                """, inputs: [TableInput(name: "t", files: [path], format: .parquet)])
            let rows = (0..<count).map { $0 }
            let said = rows.filter { $0 % 7 != 0 }
            let measured = rows.filter { $0 % 3 != 0 && $0 != 1 }
            let expected: [TableValue] = [
                .int(Int64(count)), count == 0 ? .null : .int(Int64(rows.reduce(0) { $0 + $1 - 5 })),
                .int(Int64(said.count)), .int(Int64(Set(said.map { $0 % 4 }).count)), .int(Int64(count)),
                measured.isEmpty ? .null : .double(measured.reduce(0) { $0 + Double($1) / 2 }),
                .int(Int64(rows.filter { $0 % 3 != 0 }.count)),
                count == 0 ? .null : .int(Int64(rows.filter { $0 % 5 == 0 }.count)),
                count == 0 ? .null : .int(Int64(count - 1) * 1000), .int(0),
                .int(Int64(said.filter { $0 % 4 == 2 }.count)), .int(Int64(count)),
            ]
            #expect(result.rows == [expected], "\(count)")
            #expect(
                try await tables.columns(of: TableInput(name: "t", files: [path], format: .parquet))
                    == columns.map { TableColumn(name: $0.name, type: $0.kind.rawValue) })
        }
        await tables.shutdown()
    }
}
