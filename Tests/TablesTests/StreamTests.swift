import Core
import Foundation
import Testing

@testable import Tables

/// Rows as streams of bytes. That other programs understand the Arrow ones is tested with pyarrow in Tests/clients.
@Suite(.enabled(if: Workshop.isAvailable)) struct StreamTests {
    private func numbers(_ shop: Workshop, _ tables: Tables, _ count: Int) async throws -> TableInput {
        let path = shop.path("numbers.parquet")
        _ = try await tables.write(
            "SELECT i, 'text ' || i AS t FROM range(\(count)) r(i)", inputs: [], to: path)
        return TableInput(name: "data", files: [path], format: .parquet)
    }

    @Test func `CSV has quotes where they are needed, and tells an empty text from NULL`() async throws {
        let shop = Workshop()
        let tables = shop.tables()
        var bytes: [UInt8] = []
        let stream = try await tables.stream(
            """
            SELECT * FROM (VALUES (1, 'a', 1.5::DOUBLE, [1, 2]), (NULL, '', 'nan'::DOUBLE, NULL),
                (3, 'x,"y"' || chr(10), NULL, []), ($1, ' é ', 0.1, [3])) t("n,o", t, d, l);
            """, parameters: [.int(9)], inputs: [], as: .csv)
        let rows = try await stream.send { bytes += $0 }
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == "\"n,o\",t,d,l\r\n1,a,1.5,\"[1, 2]\"\r\n,\"\",nan,\r\n3,\"x,\"\"y\"\"\n\",,[]\r\n9,\" é \",0.1,[3]\r\n"
        )
        #expect(rows == 4)
        await tables.shutdown()
    }

    @Test func `A query that cannot run is refused before the first byte, one that fails later when it does`()
        async throws
    {
        let shop = Workshop()
        let tables = shop.tables()
        let data = try await numbers(shop, tables, 400_000)
        func refusal(_ sql: String) async -> String? {
            await failure {
                let stream = try await tables.stream(sql, inputs: [data], as: .arrow)
                try await stream.send { _ in }
            }
        }
        var taken = 0
        let late = await failure {
            let stream = try await tables.stream(
                "SELECT CASE WHEN i = 390000 THEN error('too far') ELSE t END FROM data", inputs: [data], as: .arrow)
            try await stream.send { taken += $0.count }
        }
        #expect(
            [await refusal("SELECT nope FROM data"), await refusal("COPY data TO '/tmp/x'")] == [
                "invalid: There is no column 'nope'. Available: data has i, t.",
                "forbidden: Only one SELECT may run here (also WITH, FROM, VALUES, DESCRIBE and SUMMARIZE). PIVOT needs its values: PIVOT t ON c IN ('a', 'b') USING sum(x).",
            ])
        #expect(late?.contains("too far") == true && taken > 1 << 20)
        await tables.shutdown()
    }

    @Test func `What fails before there are rows is refused, and a sort that needs memory has it`() async throws {
        let shop = Workshop()
        let tables = shop.tables(memoryBytes: 1 << 30)
        func stream(_ sql: String) async throws -> Int64 {
            try await tables.stream(sql, inputs: [], as: .arrow).send { _ in }
        }
        let early = await failure {
            _ = try await tables.stream(
                "SELECT sum(CASE WHEN i = 5 THEN error('too soon') ELSE i END) FROM range(10) r(i)", inputs: [],
                as: .arrow)
        }
        #expect(early?.contains("too soon") == true)
        // One group of 20 million numbers: some 400 MB, which cannot be spilled.
        #expect(try await stream("SELECT len(list(i)) AS n FROM range(20000000) r(i)") == 1)
        await tables.shutdown()
    }

    @Test func `A reader that stops frees the one worker, and none waits for more than its pace`() async throws {
        let shop = Workshop()
        let tables = shop.tables(workers: 1)
        let data = try await numbers(shop, tables, 3_000_000)
        var stream: TableStream? = try await tables.stream("SELECT * FROM data", inputs: [data], as: .arrow)
        // The stream is held and nothing taken: the worker is busy with it.
        let blocked = await failure {
            _ = try await tables.query("SELECT 1", inputs: [], timeoutSeconds: 0.3)
        }
        #expect(blocked?.hasPrefix("deadline_exceeded: No worker was free within 0.3 s") == true)
        struct Enough: Error {}
        var pieces = 0
        let stopped = await failure {
            try await stream?.send { _ in
                pieces += 1
                if pieces == 3 { throw Enough() }
            }
        }
        #expect(stopped == "Enough()")
        #expect(try await tables.query("SELECT 42", inputs: [], timeoutSeconds: 10).rows == [[.int(42)]])
        // Letting go of one that was never read does the same.
        stream = try await tables.stream("SELECT * FROM data", inputs: [data], as: .csv)
        stream = nil
        #expect(try await tables.query("SELECT 43", inputs: [], timeoutSeconds: 10).rows == [[.int(43)]])
        await tables.shutdown()
    }

    @Test func `A whole table goes through in bounded memory`() async throws {
        let shop = Workshop()
        let tables = shop.tables(workers: 1)
        let data = try await numbers(shop, tables, 2_500_000)
        let before = Self.residentBytes()
        var bytes = 0
        var largest = 0
        let stream = try await tables.stream("SELECT * FROM data", inputs: [data], as: .arrow)
        let rows = try await stream.send { piece in
            bytes += piece.count
            largest = max(largest, piece.count)
        }
        #expect(rows == 2_500_000)
        #expect(bytes > 50_000_000 && largest < 4 << 20)
        #expect(Self.residentBytes() - before < 40 << 20)
        await tables.shutdown()
    }

    private static func residentBytes() -> Int {
        let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * 4096
    }
}
