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

@Suite struct QualityTests {
    /// By hand: truths 3, 0, 8, 2, 5 and predictions 2.5, 1, 6, 2, 7.5; rmse by numpy.
    @Test func `errors of a regression`() {
        var count = QualityCount(quantile: 0.9)
        for (truth, prediction) in [(3.0, 2.5), (0, 1), (8, 6), (2, 2), (5, 7.5)] {
            count.add(prediction: Cell(prediction), truth: Cell(truth))
        }
        for (truth, prediction) in [
            (Cell.missing, Cell.number(1)), (.number(1), .missing), (.number(1), .number(.infinity)),
            (.text("x"), .number(1)),
        ] {
            count.add(prediction: prediction, truth: truth)
        }
        let report = count.report
        let rounded = [report.mae, report.rmse, report.bias, report.pinball].map {
            (($0 ?? .nan) * 1e9).rounded() / 1e9
        }
        #expect(report.rows == 5 && rounded == [1.2, 1.516575089, 0.2, 0.52] && report.errorRate == nil)
    }

    @Test func `wrong labels`() {
        var count = QualityCount(isClassification: true)
        for (prediction, truth) in [("a", "a"), ("b", "a"), ("a", "b"), ("c", "c")] {
            count.add(prediction: .text(prediction), truth: .text(truth))
        }
        count.add(prediction: .number(1), truth: Cell(true))
        count.add(prediction: .missing, truth: .text("a"))
        #expect(count.report == QualityReport(rows: 5, mae: nil, rmse: nil, bias: nil, pinball: nil, errorRate: 0.4))
    }

    @Test func `nothing has come in`() {
        #expect(QualityCount().report.measures.isEmpty)
    }

    @Test func `pinball loss leans with its quantile`() {
        let losses = [(10.0, 12.0), (12, 10), (10, 10)].map {
            QualityCount.pinballLoss(prediction: $0.0, truth: $0.1, quantile: 0.75)
        }
        #expect(losses == [1.5, 0.5, 0])
    }
}
