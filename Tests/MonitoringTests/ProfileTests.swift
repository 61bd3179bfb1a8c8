import Core
import Tables
import Testing

@testable import Monitoring

@Suite struct ProfileTests {
    /// A profile of values as `ReferenceBuilder` makes it, without the table engine.
    static func profile(_ values: [Double], missing: Int64 = 0) -> NumericProfile {
        let sorted = values.sorted()
        let quantiles = NumericProfile.ranks(of: Int64(sorted.count)).map { sorted[Int($0) - 1] }
        let points = Set(quantiles).sorted()
        let counts = points.indices.map { i in
            Int64(values.count { $0 <= points[i] && (i == 0 || $0 > points[i - 1]) })
        }
        return NumericProfile(
            quantiles: quantiles, counts: counts, missing: missing, mean: values.reduce(0, +) / Double(values.count))
    }

    static func report(_ profile: FeatureProfile, _ cells: [Cell]) -> FeatureReport {
        var window = FeatureWindow(profile)
        for cell in cells { window.add(cell) }
        return window.compare(name: "f")
    }

    @Test func `ranks of quantiles`() {
        let ranks = [1, 3, 200, 1000].map { NumericProfile.ranks(of: $0) }
        #expect(Set(ranks[0]) == [1] && Set(ranks[1]) == [1, 2, 3] && Set(ranks[2]) == Set(1...200))
        #expect([0, 1, 20, 199, 200].map { ranks[3][$0] } == [1, 5, 100, 995, 1000])
    }

    @Test func `bins end at the deciles`() {
        let profile = Self.profile((1...1000).map(Double.init))
        #expect(profile.edges == (1...9).map { Double($0) * 100 })
        #expect(profile.gathered(profile.fine) == Array(repeating: 100, count: 10))
        let report = Self.report(.numeric(profile), [0, 1, 100, 100.5, 900, 901, 1000, 1001, 5000].map { .number($0) })
        #expect(report.counts == [3, 1, 0, 0, 0, 0, 0, 0, 1, 4] && report.below == 1 && report.above == 2)
    }

    /// Seven of ten are zero: they are a bin of their own, and what falls below them shows.
    @Test func `a heap of zeros`() throws {
        let profile = Self.profile(Array(repeating: 0, count: 70) + (1...30).map(Double.init))
        #expect(profile.edges == [0, 0, 10, 20] && profile.gathered(profile.fine) == [0, 70, 10, 10, 10])
        let negative = Self.report(.numeric(profile), Array(repeating: .number(-1), count: 100))
        #expect(negative.counts == [100, 0, 0, 0, 0] && negative.ks == 1)
        let same = Self.report(
            .numeric(profile), Array(repeating: .number(0), count: 70) + (1...30).map { .number(Double($0)) })
        #expect(same.psi == 0 && same.ks == 0 && same.ksPValue == 1)
    }

    /// The grid of 200 quantiles loses at most the share of one bin: scipy.stats.ks_2samp says 0.2508 here.
    @Test func `the statistic on quantiles is near the exact one`() throws {
        let reference = (0..<5000).map { Double(($0 * 7919) % 5000) / 5000 }
        let current = (0..<1000).map { Double(($0 * 613) % 1000) / 1000 }.map { $0 * $0 }
        let report = Self.report(.numeric(Self.profile(reference)), current.map { .number($0) })
        // F(x) = x against F(x) = sqrt(x): the largest difference is 1/4, at x = 1/4.
        #expect(abs(try #require(report.ks) - 0.25) <= 0.005)
    }

    @Test func `single precision on both sides`() {
        // 0.1 as a model's FP32 input is a little more than 0.1.
        let report = Self.report(
            .numeric(Self.profile([Double(Float(0.1)), Double(Float(0.1)), 0.5, 0.5])),
            [.number(0.1), .number(Double(Float(0.1)))])
        #expect(report.below == 0 && report.counts.filter { $0 > 0 } == [2])
    }

    @Test func `what is missing`() throws {
        let profile = Self.profile([1, 2, 3], missing: 1)
        let cells: [Cell] = [
            Cell(JSONValue.null), Cell(JSONValue.string("NaN")), Cell(.nan), .text("no number"), .text("2"), Cell(true),
            .number(.infinity), .number(3),
        ]
        let report = Self.report(.numeric(profile), cells)
        #expect(
            report.rows == 8 && report.missing == 0.5 && report.referenceMissing == 0.25
                && report.missingDifference == 0.25)
        #expect(report.above == 1 && report.present == 4)
    }

    @Test func `categories`() throws {
        let profile = CategoricalProfile(values: ["a", "b"], counts: [60, 30], other: 10, missing: 0)
        let report = Self.report(.categorical(profile), [.text("a"), .text("b"), .text("c"), .number(7), .missing])
        #expect(report.counts == [1, 1, 2] && report.unseen == 2 && report.missing == 0.2 && report.ks == nil)
        // (1.5/5.5 - 60.5/101.5) ln(…) + (1.5/5.5 - 30.5/101.5) ln(…) + (2.5/5.5 - 10.5/101.5) ln(…), by numpy.
        #expect(abs(try #require(report.psi) - 0.7751977838589188) < 1e-9)
        #expect(Cell.number(7).category == "7" && Cell.number(0.5).category == "0.5")
    }

    @Test func `an empty reference and an empty window`() {
        let empty = NumericProfile(quantiles: [], counts: [], missing: 3, mean: nil)
        let report = Self.report(.numeric(empty), [.number(1), .missing])
        #expect(report.psi == nil && report.ks == nil && report.rows == 2 && report.missing == 0.5)
        #expect(Self.report(.numeric(Self.profile([1, 2])), []).psi == nil)
    }

    @Test func `profiles survive JSON`() throws {
        let numeric = FeatureProfile.numeric(Self.profile([0.1, -3e38, 2, 2, 2, 5.25], missing: 2))
        let categorical = FeatureProfile.categorical(
            CategoricalProfile(values: ["ä\"b", ""], counts: [3, 1], other: 9, missing: 1))
        let reference = Reference(
            dataset: Ref(.dataset, "d", version: 3), slice: Ref(.slice, "s", version: 1), rows: 8,
            features: ["n": numeric, "c": categorical])
        #expect(try Reference(JSONValue(parsing: reference.json.canonicalText)) == reference)
    }
}

@Suite struct PredictionTableTests {
    private static func cells(_ json: JSONValue, _ column: String, names: [String: [String]] = [:]) -> [Cell]? {
        PredictionTable(json, names: names).column(column).map { column in (0..<column.rows).map(column.cell) }
    }

    @Test func `columns of all forms`() {
        let inputs: JSONValue = [
            "price": [1, 2.5], "shop": ["a", nil], "nested": [[1, 2], [3, 4]],
            "scalar": ["shape": [2, 1], "data": [7, "NaN"]],
            "x": ["shape": [2, 3], "data": [1, 2, 3, 4, 5, 6], "columns": ["p", "q", "r"]], "odd": [[1], [2, 3]],
            "empty": [],
        ]
        let found = ["price", "shop", "nested[1]", "scalar", "q", "x[2]", "odd", "empty", "nested", "x"].map {
            Self.cells(inputs, $0)
        }
        #expect(
            found == [
                [.number(1), .number(2.5)], [.text("a"), .missing], [.number(2), .number(4)], [.number(7), .missing],
                [.number(2), .number(5)], [.number(3), .number(6)], nil, [], nil, nil,
            ])
    }

    @Test func `the monitor's own names go first`() {
        let inputs: JSONValue = ["x": ["shape": [1, 2], "data": [1, 2]], "y": [[3, 4]]]
        let names = ["x": ["a", "b"], "y": ["c", "d"]]
        #expect(
            Self.cells(inputs, "b", names: names) == [.number(2)]
                && Self.cells(inputs, "c", names: names) == [.number(3)])
        // Names that do not fit the width are no names.
        #expect(Self.cells(inputs, "a", names: ["x": ["a"]]) == nil)
    }

    @Test func `a row too many`() {
        let column = PredictionTable(["x": [1]]).column("x")
        #expect(column?.cell(1) == .missing)
    }
}
