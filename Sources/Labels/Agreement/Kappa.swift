/// How two people put the same items into classes: a table with a row for each class of the first and a column for each
/// of the second.
struct ConfusionTable: Sendable {
    private let classes: Int
    /// By first × classes + second.
    private var counts: [Int: Int] = [:]
    private(set) var items = 0

    init(classes: Int) { self.classes = classes }

    mutating func add(_ first: Int, _ second: Int) {
        counts[first * classes + second, default: 0] += 1
        items += 1
    }

    /// The share of items about which they agree.
    var observed: Double? { items > 0 ? Double((0..<classes).reduce(0) { $0 + (counts[$1 * classes + $1] ?? 0) }) / Double(items) : nil }

    enum Weights: Sendable {
        /// All disagreements are alike.
        case none
        /// A disagreement weighs as the square of the distance between the classes' places.
        case quadratic
    }

    /// Cohen's kappa: how far they agree beyond what their habits alone would give. 1 is perfect, 0 is chance.
    /// Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological Measurement 20 (1960); weighted:
    /// Cohen, "Weighted kappa", Psychological Bulletin 70 (1968).
    ///
    /// - Returns: nil when it is not defined: no items, or both only ever used one and the same class.
    func kappa(_ weights: Weights = .none) -> Double? {
        guard items > 0 else { return nil }
        var rows = [Double](repeating: 0, count: classes)
        var columns = rows
        var observed = 0.0
        func weight(_ i: Int, _ j: Int) -> Double {
            switch weights {
            case .none: i == j ? 0 : 1
            case .quadratic: Double((i - j) * (i - j))
            }
        }
        let n = Double(items)
        for (cell, count) in counts {
            let (i, j) = (cell / classes, cell % classes)
            rows[i] += Double(count) / n
            columns[j] += Double(count) / n
            observed += weight(i, j) * Double(count) / n
        }
        var expected = 0.0
        for i in 0..<classes where rows[i] > 0 {
            for j in 0..<classes where columns[j] > 0 { expected += weight(i, j) * rows[i] * columns[j] }
        }
        return expected > 0 ? 1 - observed / expected : nil
    }
}

/// Fleiss' kappa: agreement of the same number of ratings of each item, not necessarily by the same people.
/// Fleiss, "Measuring nominal scale agreement among many raters", Psychological Bulletin 76 (1971).
struct FleissKappa: Sendable {
    let raters: Int
    private(set) var items = 0
    private var agreement = 0.0
    private var totals: [Double]

    init(raters: Int, classes: Int) {
        self.raters = raters
        totals = [Double](repeating: 0, count: classes)
    }

    /// - Parameter ratings: the classes that one item got; as many as there are raters.
    mutating func add(_ ratings: [Int]) {
        var counts: [Int: Double] = [:]
        for rating in ratings {
            counts[rating, default: 0] += 1
            totals[rating] += 1
        }
        let n = Double(raters)
        agreement += (counts.values.reduce(0) { $0 + $1 * $1 } - n) / (n * (n - 1))
        items += 1
    }

    /// nil when it is not defined: no items, fewer than two raters, or one class only.
    var kappa: Double? {
        guard items > 0, raters > 1 else { return nil }
        let all = Double(items * raters)
        let expected = totals.reduce(0) { $0 + ($1 / all) * ($1 / all) }
        guard expected < 1 else { return nil }
        return (agreement / Double(items) - expected) / (1 - expected)
    }
}
