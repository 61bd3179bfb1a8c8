import Core

/// How predictions compare with the truth that came in later.
public struct QualityReport: Hashable, Sendable {
    /// Rows whose truth is known.
    public let rows: Int64
    /// Mean absolute error.
    public let mae: Double?
    /// Root of the mean squared error.
    public let rmse: Double?
    /// Mean of prediction minus truth: above 0, the model says too much.
    public let bias: Double?
    /// Mean pinball loss at the quantile that the monitor names.
    public let pinball: Double?
    /// The share of labels that are wrong.
    public let errorRate: Double?

    public var json: JSONValue {
        var fields: [String: JSONValue] = ["rows": .int(rows)]
        for (name, value) in measures { fields[name.rawValue] = .number(value) }
        return .object(fields)
    }

    /// Those that there are.
    var measures: [(Measure, Double)] {
        [(.mae, mae), (.rmse, rmse), (.bias, bias), (.pinball, pinball), (.errorRate, errorRate)].compactMap {
            name, value in value.map { (name, $0) }
        }
    }
}

/// Adds up pairs of prediction and truth in constant memory.
struct QualityCount: Sendable {
    /// The quantile that the prediction stands for, if it is one.
    let quantile: Double?
    let isClassification: Bool
    private(set) var rows: Int64 = 0
    private var absolute = 0.0
    private var squared = 0.0
    private var signed = 0.0
    private var pinball = 0.0
    private var wrong: Int64 = 0

    init(quantile: Double? = nil, isClassification: Bool = false) {
        self.quantile = quantile
        self.isClassification = isClassification
    }

    /// Counts a pair; one that has no value on either side (or, for numbers, no finite one) is left out.
    mutating func add(prediction: Cell, truth: Cell) {
        if isClassification {
            guard let label = prediction.category, let wanted = truth.category else { return }
            rows += 1
            if label != wanted { wrong += 1 }
            return
        }
        guard case .number(let predicted) = prediction, case .number(let actual) = truth, predicted.isFinite,
            actual.isFinite
        else { return }
        rows += 1
        let error = predicted - actual
        absolute += abs(error)
        squared += error * error
        signed += error
        if let quantile { pinball += Self.pinballLoss(prediction: predicted, truth: actual, quantile: quantile) }
    }

    var report: QualityReport {
        let n = Double(rows)
        func mean(_ sum: Double, _ isWanted: Bool) -> Double? { isWanted && rows > 0 ? sum / n : nil }
        return QualityReport(
            rows: rows, mae: mean(absolute, !isClassification), rmse: mean(squared, !isClassification)?.squareRoot(),
            bias: mean(signed, !isClassification), pinball: mean(pinball, !isClassification && quantile != nil),
            errorRate: mean(Double(wrong), isClassification))
    }

    /// The loss whose expectation is least at the quantile `q`: `q (y - p)` where the truth `y` lies above the prediction
    /// `p`, else `(1 - q) (p - y)` (Koenker and Bassett, "Regression Quantiles", 1978).
    static func pinballLoss(prediction: Double, truth: Double, quantile: Double) -> Double {
        let difference = truth - prediction
        return max(quantile * difference, (quantile - 1) * difference)
    }
}
