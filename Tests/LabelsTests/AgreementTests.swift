import Core
import Foundation
import Testing

@testable import Labels

/// Measures of agreement against figures that others have published.
@Suite struct AgreementTests {
    private func rounded(_ value: Double?, _ digits: Double = 1000) -> Double? { value.map { ($0 * digits).rounded() / digits } }

    /// Two readers of 50 proposals, a worked example in Wikipedia's "Cohen's kappa": 20 both yes, 15 both no, 5 and 10
    /// different: 0.4. And with equal observed agreement (60 of 100) but other habits: 0.1304 and 0.2593.
    @Test func `Cohen's kappa of published tables`() {
        func kappa(_ bothYes: Int, _ yesNo: Int, _ noYes: Int, _ bothNo: Int) -> Double? {
            var table = ConfusionTable(classes: 2)
            for (a, b, count) in [(0, 0, bothYes), (0, 1, yesNo), (1, 0, noYes), (1, 1, bothNo)] {
                for _ in 0..<count { table.add(a, b) }
            }
            return rounded(table.kappa(), 10_000)
        }
        #expect(
            [kappa(20, 5, 10, 15), kappa(45, 15, 25, 15), kappa(25, 35, 5, 35), kappa(7, 0, 0, 0), kappa(0, 0, 0, 0)]
                == [0.4, 0.1304, 0.2593, nil, nil])
    }

    /// Ten subjects, fourteen raters, five classes: a worked example in Wikipedia's "Fleiss' kappa": 0.210.
    @Test func `Fleiss' kappa of a published table`() {
        let table = [
            [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1], [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
        ]
        var fleiss = FleissKappa(raters: 14, classes: 5)
        for row in table { fleiss.add(row.enumerated().flatMap { Array(repeating: $0, count: $1) }) }
        var unanimous = FleissKappa(raters: 2, classes: 2)
        unanimous.add([0, 0])
        #expect([rounded(fleiss.kappa), unanimous.kappa] == [0.21, nil])
    }

    /// Four observers, twelve units, some missed: section C of Krippendorff, "Computing Krippendorff's Alpha-Reliability"
    /// (2011): 0.743 nominal, 0.815 ordinal, 0.849 interval. Section B, two observers of twelve units, five values: 0.692.
    @Test func `Krippendorff's alpha of published data`() {
        let none = 0
        let observers = [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, none, none, none], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, none, 3],
            [none, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, none], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, none],
        ]
        var alpha = KrippendorffAlpha(values: 5)
        var interval = IntervalAlpha()
        for unit in 0..<12 {
            let values = observers.map { $0[unit] }.filter { $0 != none }
            alpha.add(values.map { $0 - 1 })
            interval.add(values.map { Double($0) })
        }
        var nominal = KrippendorffAlpha(values: 5)
        for (a, b) in zip([1, 1, 2, 2, 4, 3, 3, 3, 5, 4, 4, 1], [2, 1, 2, 2, 2, 3, 3, 3, 5, 4, 4, 4]) { nominal.add([a - 1, b - 1]) }
        #expect(
            [
                rounded(alpha.alpha(.nominal)), rounded(alpha.alpha(.ordinal)), rounded(alpha.alpha(.interval)),
                rounded(alpha.alpha(.interval, numbers: [1, 2, 3, 4, 5])), rounded(interval.alpha),
                rounded(nominal.alpha(.nominal)), KrippendorffAlpha(values: 3).alpha(.nominal),
            ] == [0.743, 0.815, 0.849, 0.849, 0.849, 0.692, nil])
        #expect(alpha.units == 11)
    }

    @Test func `overlaps of shapes`() {
        func box(_ x: Double, _ y: Double, _ w: Double, _ h: Double) -> Box { Box(x: x, y: y, width: w, height: h) }
        func polygon(_ points: (Double, Double)...) -> Polygon { Polygon(parts: [points.map { Point(x: $0.0, y: $0.1) }]) }
        let square = polygon((0, 0), (10, 0), (10, 10), (0, 10))
        // An L: the square without its upper right quarter; and a square that lies over that corner.
        let angle = polygon((0, 0), (5, 0), (5, 5), (10, 5), (10, 10), (0, 10))
        let corner = polygon((5, 0), (10, 0), (10, 5), (5, 5))
        let turned = polygon((0, 10), (10, 10), (10, 0), (0, 0))
        let parts = Polygon(parts: [[Point(x: 0, y: 0), Point(x: 5, y: 0), Point(x: 5, y: 10), Point(x: 0, y: 10)],
            [Point(x: 5, y: 0), Point(x: 10, y: 0), Point(x: 10, y: 10), Point(x: 5, y: 10)]])
        let cases: [(name: String, got: Double, want: Double)] = [
            ("boxes side by side", box(0, 0, 10, 10).overlap(with: box(5, 0, 10, 10)), 50.0 / 150),
            ("boxes apart", box(0, 0, 10, 10).overlap(with: box(10, 0, 10, 10)), 0),
            ("a box in a box", box(0, 0, 10, 10).overlap(with: box(2, 2, 5, 5)), 0.25),
            ("an L in its square", square.overlap(with: angle), 0.75),
            ("an L and its missing corner", angle.overlap(with: corner), 0),
            ("the same, turned the other way", square.overlap(with: turned), 1),
            ("a square in two parts", square.overlap(with: parts), 1),
            ("an L and itself", angle.overlap(with: angle), 1),
            ("spans", Span(start: 0, end: 10).overlap(with: Span(start: 5, end: 15)), 5.0 / 15),
            ("ranges", SeriesRange(start: 0, end: 1).overlap(with: SeriesRange(start: 0.5, end: 1)), 0.5),
        ]
        #expect(cases.filter { abs($0.got - $0.want) > 1e-12 }.map { "\($0.name): \($0.got)" } == [])
    }

    /// Where taking the best pair first would spoil the rest.
    @Test func `shapes are matched for the best sum`() {
        let worth = [[0.9, 0.8], [0.8, 0.1]]
        let pairs = Assignment.best(worth).map { "\($0.0)-\($0.1)" }.sorted()
        let wide = Assignment.best([[0.1, 0.9, 0.2]]).map { "\($0.0)-\($0.1)" }
        let tall = Assignment.best([[0.1], [0.9], [0.2]]).map { "\($0.0)-\($0.1)" }
        #expect([pairs, wide, tall, Assignment.best([]).map { "\($0)" }] == [["0-1", "1-0"], ["0-1"], ["1-0"], []])
        let a = [Shape(name: "cat", outline: Box(x: 0, y: 0, width: 10, height: 10))]
        let b = [Shape(name: "dog", outline: Box(x: 0, y: 0, width: 10, height: 10))]
        #expect([Similarity.shapes(a, b).similarity, Similarity.shapes(a, a).similarity] == [0, 1])
    }

    /// The Hungarian method against all orders of small tables.
    @Test func `the matching is the best there is`() {
        var state: UInt64 = 7
        func chance() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 40) / Double(1 << 24)
        }
        func orders(_ n: Int) -> [[Int]] {
            n == 0 ? [[]] : orders(n - 1).flatMap { order in (0...order.count).map { at in
                var next = order
                next.insert(n - 1, at: at)
                return next
            } }
        }
        var wrong = 0
        for _ in 0..<50 {
            let worth = (0..<5).map { _ in (0..<5).map { _ in chance() } }
            let best = orders(5).map { order in order.enumerated().reduce(0) { $0 + worth[$1.offset][$1.element] } }.max() ?? 0
            let got = Assignment.best(worth).reduce(0) { $0 + worth[$1.0][$1.1] }
            if abs(best - got) > 1e-9 { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test func `uncertainty of probabilities`() {
        func round(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }
        #expect(
            [
                round(Uncertainty.entropy([0.5, 0.5])), round(Uncertainty.entropy([1, 0])),
                round(Uncertainty.entropy([0.25, 0.25, 0.25, 0.25])), round(Uncertainty.margin([0.2, 0.5, 0.3])),
                // −0.9·log2 0.9 − 0.1·log2 0.1
                round(Uncertainty.entropy([0.9, 0.1])),
            ] == [1, 0, 1, 0.2, 0.468996])
    }

    @Test func `the label of a row by majority, by rank and by review`() {
        func vote(_ who: String, _ value: String, _ at: Int64) -> Consensus.Vote {
            Consensus.Vote(annotator: who, value: .name(value), at: Timestamp(milliseconds: at))
        }
        func says(_ votes: [Consensus.Vote], _ rule: ConsensusRule, _ ranks: [String: Int] = [:], _ final: Consensus.Vote? = nil)
            -> String
        {
            let label = Consensus.label(votes, rule, ranks: ranks, final: final)
            return label.map { "\($0.value.json.canonicalText) \($0.by) \($0.votes)" } ?? "none"
        }
        let three = [vote("a", "x", 3), vote("b", "y", 1), vote("c", "y", 2)]
        #expect(
            [
                says(three, .majority), says(three, .rank, ["a": 1, "b": 2]), says(three, .rank),
                says([three[0], three[1]], .majority), says([three[0], three[1]], .majority, ["a": 1]),
                says(three, .majority, [:], vote("r", "z", 9)), says([], .majority),
            ] == [
                "\"y\" b 2", "\"x\" a 1", "\"y\" b 2", "\"y\" b 1", "\"x\" a 1", "\"z\" r 1", "none",
            ])
    }
}
