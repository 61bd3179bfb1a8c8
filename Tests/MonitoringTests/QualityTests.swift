import Core
import Testing

@testable import Monitoring

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
