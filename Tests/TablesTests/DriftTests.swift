import Core
import Testing

@testable import Tables

/// Figures that were worked out with numpy 2 and scipy 1.17 are marked so; the others by hand.
@Suite struct DriftTests {
    @Test(
        arguments: [
            ([10, 20, 70], [30, 30, 40], 0.41309722733851917),  // numpy
            ([5, 5, 0], [1, 1, 8], 2.874780054390593),  // numpy: an empty bin is no infinity
            ([100, 0], [0, 100], 10.501593877344705),  // numpy: (100/101)·ln 201, twice
            ([1000, 1000, 1000, 1000], [1, 2, 3, 4], 0.15134621260939757),  // numpy
            ([50, 50], [500, 500], 0.0),
        ] as [([Int64], [Int64], Double)])
    func `stability index`(reference: [Int64], current: [Int64], expected: Double) throws {
        let index = try #require(Drift.populationStability(reference: reference, current: current))
        #expect(abs(index - expected) < 1e-12)
    }

    @Test func `nothing is compared with nothing`() {
        #expect(Drift.populationStability(reference: [0, 0], current: [1, 2]) == nil)
        #expect(Drift.populationStability(reference: [], current: []) == nil)
        #expect(Drift.kolmogorovSmirnov(reference: [1, 2], current: [0, 0]) == nil)
    }

    /// Against scipy.special.kolmogorov, on both sides of the place where the series changes.
    @Test func `tail of Kolmogorov's distribution`() {
        let scipy: [(Double, Double)] = [
            (0, 1), (0.3, 0.9999906941986655), (0.5, 0.9639452436648751), (0.828, 0.4993296211937983),
            (0.999, 0.27107316411506394),
            (1, 0.26999967167735456), (1.36, 0.049485876755377876), (1.63, 0.009846364888486529),
            (2.5, 7.453306344157342e-06),
        ]
        let wrong = scipy.filter { abs(Drift.kolmogorovTail($0.0) - $0.1) > 1e-12 }
        #expect(wrong.isEmpty)
    }

    /// Two samples with ties, counted over all their values: scipy.stats.ks_2samp says 1/6, scipy.special.kolmogorov of
    /// that 0.0878….
    @Test func `two samples`() throws {
        let a: [Double] = (0..<150).map { (i: Int) -> Double in Double((i * i * 7 + 3 * i) % 101) / 10 }
        let b: [Double] = (0..<90).map { (i: Int) -> Double in Double((i * i * 5 + 11 * i) % 89) / 8 }
        let values = Set(a + b).sorted()
        func counts(_ sample: [Double]) -> [Int64] { values.map { value in Int64(sample.count { $0 == value }) } }
        let test = try #require(Drift.kolmogorovSmirnov(reference: counts(a), current: counts(b)))
        #expect(abs(test.statistic - 1.0 / 6) < 1e-12 && abs(test.pValue - 0.08786641394169108) < 1e-12)
    }
}
