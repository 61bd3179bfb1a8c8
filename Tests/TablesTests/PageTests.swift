import Core
import Testing

@testable import Tables

/// Pages of a table of three files of differing columns, against the whole table sorted by DuckDB.
@Suite(.enabled(if: Workshop.isAvailable)) struct PageTests {
    /// `id` is the row's number in the table. Ties, NULLs, NaN, infinities and both zeros are in it.
    private func table(_ shop: Workshop, _ tables: Tables) async throws -> TableInput {
        let source = try shop.file("source.csv", "n\n" + (0..<90).map(String.init).joined(separator: "\n"))
        let rows = TableInput(name: "s", files: [source], format: .csv)
        let columns = """
            n AS id, CASE WHEN n % 7 = 0 THEN NULL ELSE n % 5 END AS g,
            CASE WHEN n % 11 = 0 THEN NULL WHEN n % 10 = 1 THEN 'nan'::DOUBLE WHEN n % 10 = 2 THEN 'inf'::DOUBLE
                WHEN n % 10 = 3 THEN '-inf'::DOUBLE WHEN n % 10 = 4 THEN -0.0 WHEN n % 10 = 5 THEN 0.0
                ELSE n / 7 - 3 END AS d,
            CASE WHEN n % 6 = 0 THEN '' WHEN n % 6 = 1 THEN NULL ELSE chr(97 + (n * 7 % 13)::INT) || '''"é%_' END AS t
            """
        let more = """
            , (n % 4)::DECIMAL(9, 2) / 3 AS c, DATE '2020-01-01' + (n % 8)::INT AS y,
            TIMESTAMPTZ '2020-01-01 00:00:00+00' + to_microseconds(n % 3) AS z, n % 2 = 0 AS b,
            (CASE n % 3 WHEN 0 THEN 'low' WHEN 1 THEN 'high' END)::ENUM('low', 'high') AS e, [n, n + 1] AS l
            """
        var files: [String] = []
        for (name, range, extra) in [("a", 0..<40, more), ("b", 40..<41, ""), ("c", 41..<90, more)] {
            let path = shop.path("\(name).parquet")
            _ = try await tables.write(
                "SELECT \(columns)\(extra) FROM s WHERE n >= \(range.lowerBound) AND n < \(range.upperBound) ORDER BY n",
                inputs: [rows], to: path)
            files.append(path)
        }
        return TableInput(name: "data", files: files, format: .parquet)
    }

    struct View: Sendable, CustomTestStringConvertible {
        var condition: String?
        var search: String?
        /// `g, d desc`
        var order = ""
        var testDescription: String { [condition, search, order].compactMap { $0 }.joined(separator: " / ") }

        var terms: [PageQuery.Order] {
            order.split(separator: ",").map { term in
                let words = term.split(separator: " ")
                return PageQuery.Order(column: String(words[0]), descending: words.count > 1)
            }
        }

        /// The same in plain SQL.
        var sql: String {
            var conditions = condition.map { ["(\($0))"] } ?? []
            if let search {
                conditions.append("(t ILIKE '%\(search)%' OR e::VARCHAR ILIKE '%\(search)%')")
            }
            let keys = terms.map { "\($0.column) \($0.descending ? "DESC" : "ASC") NULLS LAST" } + ["id"]
            return
                "SELECT id FROM data WHERE \((conditions + ["true"]).joined(separator: " AND ")) ORDER BY \(keys.joined(separator: ", "))"
        }
    }

    private static let views = [
        View(), View(condition: "id % 3 = 0"), View(condition: "id > 200"), View(search: "C"), View(search: "HIGH"),
        View(order: "g"), View(order: "g desc"), View(order: "d"), View(order: "d desc"), View(order: "t desc"),
        View(order: "c, b desc"), View(order: "y desc, z"), View(order: "z, e desc"), View(order: "e, g desc, t"),
        View(order: "b"), View(condition: "g IS NOT NULL", order: "d desc, g"),
        View(condition: "id < 60", search: "d", order: "t"),
    ]

    @Test(arguments: [7, 40])
    func `Pages show every row once, in both directions and from any row, with an index and without`(limit: Int)
        async throws
    {
        let shop = Workshop()
        let tables = shop.tables()
        let input = try await table(shop, tables)
        var known = input
        known.columns = try await tables.columns(of: input)
        var wrong: [String] = []
        for view in Self.views {
            let expected = try await tables.query(view.sql, inputs: [input]).rows.map { $0[0].intValue ?? -1 }
            for (input, mode) in [(input, "scan"), (known, "index")] {
                var query = PageQuery(
                    columns: ["t", "id"], condition: view.condition, search: view.search, order: view.terms,
                    limit: limit)
                if mode == "index" {
                    // Makes the index, if the view has one.
                    for place in [0, 5, expected.count - 3, expected.count, expected.count + 9] where place >= 0 {
                        query.place = .at(Int64(place))
                        let page = try await tables.page(of: input, query)
                        let part = Array(expected.dropFirst(place).prefix(limit))
                        if page.rows.rows.map({ $0[1].intValue ?? -1 }) != part || page.total != Int64(expected.count) {
                            wrong.append("\(mode) \(view.testDescription) at \(place)")
                        }
                    }
                }
                for backwards in [false, true] {
                    let seen = try await walk(tables, input, query, backwards: backwards, from: expected.last)
                    if seen != (backwards ? Array(expected.dropLast()) : expected) {
                        wrong.append("\(mode) \(view.testDescription) backwards \(backwards): \(seen)")
                    }
                }
            }
        }
        #expect(wrong == [])
        await tables.shutdown()
    }

    /// All rows of a view, page after page; backwards from a row.
    private func walk(_ tables: Tables, _ input: TableInput, _ query: PageQuery, backwards: Bool, from last: Int64?)
        async throws -> [Int64]
    {
        var query = query
        var seen: [Int64] = []
        query.place = .start
        if backwards {
            guard let last else { return [] }
            query.place = .before(RowPlace(row: last))
        }
        for _ in 0..<100 {
            let page = try await tables.page(of: input, query)
            let ids = page.rows.rows.map { $0[1].intValue ?? -1 }
            guard ids == page.rowNumbers, page.rows.columns.map(\.name) == ["t", "id"] else { return [-1] }
            seen = backwards ? ids + seen : seen + ids
            guard backwards ? page.hasBefore : page.hasAfter, let next = backwards ? page.first : page.last else {
                return seen
            }
            query.place = backwards ? .before(next) : .after(next)
        }
        return seen
    }

    @Test func `What cannot be paged is refused in words`() async throws {
        let shop = Workshop()
        let tables = shop.tables()
        let input = try await table(shop, tables)
        _ = try await tables.write(
            "SELECT 1 AS file_row_number FROM data LIMIT 1", inputs: [input], to: shop.path("odd.parquet"))
        let odd = TableInput(name: "data", files: [shop.path("odd.parquet")], format: .parquet)
        func refusal(_ input: TableInput, _ query: PageQuery) async -> String? {
            await failure { _ = try await tables.page(of: input, query) }
        }
        let answers = [
            await refusal(input, PageQuery(order: [.init(column: "nope")], limit: 5)),
            await refusal(input, PageQuery(columns: ["nope"], limit: 5)),
            await refusal(input, PageQuery(order: [.init(column: "l")], limit: 5)),
            await refusal(input, PageQuery(place: .after(RowPlace(row: 90)), limit: 5)),
            await refusal(input, PageQuery(place: .before(RowPlace(row: -1)), limit: 5)),
            await refusal(odd, PageQuery(limit: 5)),
        ]
        let known = "Available: data has id, g, d, t, c, y, z, b, e, l"
        #expect(
            answers == [
                "invalid: There is no column 'nope'. \(known).", "invalid: There is no column 'nope'. \(known).",
                "invalid: order: 'l' is of the type BIGINT[], which has no order here; expected columns of numbers, text, times or booleans.",
                "invalid: after: is not a cursor of these rows.", "invalid: after: is not a cursor of these rows.",
                "unsupported: The table has a column 'file_row_number', a name that the reader needs for itself. Make a version that calls it otherwise.",
            ])
        await tables.shutdown()
    }
}
