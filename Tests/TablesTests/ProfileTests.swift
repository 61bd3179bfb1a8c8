import Core
import Tables
import Testing

@Suite(.enabled(if: Workshop.isAvailable, "DuckDB's library and the slipway executable are needed"))
struct ProfileTests {
    /// Ten rows whose figures are easy to work out by hand.
    private func sample(_ shop: Workshop, _ tables: Tables) async throws -> TableInput {
        let sql = """
            SELECT i AS whole, i / 4 AS real, CASE WHEN i < 6 THEN 'a' WHEN i < 9 THEN 'b' END AS name, i % 2 = 0 AS flag,
              DATE '2017-01-01' + i::INTEGER AS day, i::DECIMAL(5,1) AS exact, [i] AS list, 'NaN'::DOUBLE AS nothing,
              CASE i WHEN 0 THEN 'inf' WHEN 1 THEN 'nan' WHEN 2 THEN '1e300' WHEN 3 THEN '-1e300' ELSE '0' END::DOUBLE AS wild,
              NULL::INTEGER AS empty
            FROM range(10) t(i)
            """
        _ = try await tables.write(sql, inputs: [], to: shop.path("sample.parquet"))
        return TableInput(name: "t", files: [shop.path("sample.parquet")], format: .parquet)
    }

    @Test func `A profile has the figures of each kind of column`() async throws {
        let shop = Workshop()
        let tables = shop.tables()
        let profile = try await tables.profile(of: try await sample(shop, tables))
        #expect(profile.rowCount == 10)
        func line(_ c: ColumnProfile) -> String {
            [
                c.name, c.kind.rawValue, "nulls \(c.nullCount)", "distinct \(c.distinctCount.map(String.init) ?? "-")",
                "\(c.minimum ?? "-")..\(c.maximum ?? "-")", "odd \(c.notFiniteCount)",
                "mean \(c.mean.map { "\($0)" } ?? "-")",
                "bins \(c.histogram.map { "\($0.counts)" } ?? "-")",
                "top \(c.topValues.map { "\($0.value)=\($0.count)" }.joined(separator: " "))",
            ].joined(separator: ", ")
        }
        let ten = [Int64](repeating: 1, count: 10)
        #expect(
            profile.columns.filter { $0.name != "real" && $0.name != "day" && $0.name != "exact" && $0.name != "wild" }
                .map(line) == [
                    "whole, number, nulls 0, distinct 10, 0..9, odd 0, mean 4.5, bins \(ten), top 0=1 1=1 2=1 3=1 4=1 5=1 6=1 7=1 8=1 9=1",
                    "name, text, nulls 1, distinct 2, a..b, odd 0, mean -, bins -, top a=6 b=3",
                    "flag, boolean, nulls 0, distinct 2, false..true, odd 0, mean -, bins -, top false=5 true=5",
                    "list, other, nulls 0, distinct -, -..-, odd 0, mean -, bins -, top ",
                    "nothing, number, nulls 0, distinct 1, -..-, odd 10, mean -, bins -, top ",
                    "empty, number, nulls 10, distinct 0, -..-, odd 0, mean -, bins -, top ",
                ])
        func column(_ name: String) throws -> ColumnProfile { try #require(profile.columns.first { $0.name == name }) }
        // Twenty bins over 0...2.25; the values are 0, 0.25, 0.5 …, the last on the upper edge.
        let (real, day, exact, wild) = (try column("real"), try column("day"), try column("exact"), try column("wild"))
        #expect(
            real.histogram?.counts.reduce(0, +) == 10 && real.histogram?.edges.first == 0
                && real.histogram?.edges.last == 2.25)
        #expect(real.histogram?.counts.filter { $0 == 1 }.count == 10 && real.histogram?.counts.count == 20)
        #expect(
            [day.minimum, day.maximum, exact.minimum, exact.maximum] == ["2017-01-01", "2017-01-10", "0.0", "9.0"])
        let middle: Double = 1_483_617_600
        #expect(day.mean == middle && day.quantiles[3].value == middle)
        #expect(
            real.quantiles.map(\.probability) == [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
                && real.quantiles[3].value == 1.125)
        // The squares overflow, so there is no deviation; the rest is there.
        #expect([wild.notFiniteCount, wild.histogram?.counts.reduce(0, +) ?? 0] == [2, 8])
        #expect(
            [wild.minimum, wild.maximum] == ["-1e+300", "1e+300"] && wild.standardDeviation == nil
                && real.standardDeviation.map { abs($0 - 0.7569) < 1e-4 } == true)
        // The JSON forms agree.
        #expect(try TableProfile(json: JSONValue(parsing: profile.json.canonicalText)) == profile)
        await tables.shutdown()
    }

    @Test func `Profiles of a choice of columns and rows`() async throws {
        let shop = Workshop()
        let tables = shop.tables()
        let input = try await sample(shop, tables)
        let some = try await tables.profile(of: input, filter: "\"whole\" >= 8", columns: ["name", "WHOLE"])
        #expect(some.rowCount == 2 && some.columns.map(\.name) == ["name", "whole"] && some.columns[0].nullCount == 1)
        let none = try await tables.profile(of: input, filter: "false", columns: ["real", "name"])
        #expect(none.rowCount == 0 && none.columns.map(\.minimum) == [nil, nil] && none.columns[0].histogram == nil)
        #expect(
            await failure { _ = try await tables.profile(of: input, columns: ["Wholes"]) }
                == "invalid: There is no column 'Wholes'. Available: t has whole, real, name, flag, day, exact, list, nothing, wild, empty."
        )
        await tables.shutdown()
    }

    struct Binned: Sendable {
        let column: String
        let edges: [Double]
        var expected: TableHistogram?
        var error: String?
    }

    @Test func `Histograms count every row once`() async throws {
        let shop = Workshop()
        let tables = shop.tables()
        let input = try await sample(shop, tables)
        for item in [
            // 0...9: one below, [1, 3) and [3, 5], four above.
            Binned(
                column: "whole", edges: [1, 3, 5],
                expected: .init(edges: [1, 3, 5], counts: [2, 3], below: 1, above: 4, nulls: 0, notNumbers: 0)),
            Binned(
                column: "real", edges: [0.1, 0.5, 2.25],
                expected: .init(edges: [0.1, 0.5, 2.25], counts: [1, 8], below: 1, above: 0, nulls: 0, notNumbers: 0)),
            Binned(
                column: "wild", edges: [-1, 0, 1],
                expected: .init(edges: [-1, 0, 1], counts: [0, 6], below: 1, above: 2, nulls: 0, notNumbers: 1)),
            Binned(
                column: "empty", edges: [0, 1],
                expected: .init(edges: [0, 1], counts: [0], below: 0, above: 0, nulls: 10, notNumbers: 0)),
            Binned(
                column: "day", edges: [1_483_228_800, 1_483_315_200],
                expected: .init(
                    edges: [1_483_228_800, 1_483_315_200], counts: [2], below: 0, above: 8, nulls: 0, notNumbers: 0)),
            Binned(
                column: "name", edges: [0, 1],
                error: "invalid: column: 'name' is of the type VARCHAR; expected numbers or times."),
            Binned(
                column: "whole", edges: [1, 1],
                error: "invalid: edges: do not do; expected 2 to 1001 finite numbers, each larger than the one before."),
        ] {
            var found: TableHistogram?
            let error = await failure {
                found = try await tables.histogram(of: input, column: item.column, edges: item.edges)
            }
            #expect(
                found == item.expected && error == item.error,
                "\(item.column): \(String(describing: found)) \(error ?? "")")
            if let found { #expect(found.total == 10) }
        }
        await tables.shutdown()
    }
}
