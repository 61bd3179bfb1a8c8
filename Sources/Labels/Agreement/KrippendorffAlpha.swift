/// Krippendorff's alpha: agreement of any number of people, any of whom may have missed any item.
/// Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011); Hayes and Krippendorff, "Answering the Call for a
/// Standard Reliability Measure for Coding Data", Communication Methods and Measures 1 (2007).
struct KrippendorffAlpha: Sendable {
    enum Level: String, Sendable {
        /// Values are equal or not.
        case nominal
        /// Values have an order.
        case ordinal
        /// Values are numbers whose differences mean something.
        case interval
    }

    /// How often values were given to the same item: the matrix of coincidences, by first × count + second.
    private var coincidences: [Int: Double] = [:]
    private let count: Int
    private(set) var units = 0

    /// - Parameter values: how many different values there are.
    init(values: Int) { count = values }

    /// - Parameter values: what the people who judged one item said, as places in the order of values.
    mutating func add(_ values: [Int]) {
        guard values.count > 1 else { return }
        units += 1
        let weight = 1 / Double(values.count - 1)
        for (i, a) in values.enumerated() {
            for (j, b) in values.enumerated() where i != j { coincidences[a * count + b, default: 0] += weight }
        }
    }

    /// 1 is perfect, 0 is chance; nil when it is not defined: no item that two people judged, or one value only.
    ///
    /// - Parameter numbers: of the interval level: the number that each value stands for; by default its place.
    func alpha(_ level: Level, numbers: [Double]? = nil) -> Double? {
        var totals = [Double](repeating: 0, count: count)
        for (cell, weight) in coincidences { totals[cell / count] += weight }
        let n = totals.reduce(0, +)
        guard n > 1 else { return nil }
        // What lies below each value, for the ordinal distance: half of both ends and all between.
        var below = [Double](repeating: 0, count: count + 1)
        for index in 0..<count { below[index + 1] = below[index] + totals[index] }
        func distance(_ a: Int, _ b: Int) -> Double {
            if a == b { return 0 }
            switch level {
            case .nominal: return 1
            case .ordinal:
                let (low, high) = (min(a, b), max(a, b))
                let between = below[high + 1] - below[low] - (totals[low] + totals[high]) / 2
                return between * between
            case .interval:
                let difference = numbers.map { $0[a] - $0[b] } ?? Double(a - b)
                return difference * difference
            }
        }
        let observed = coincidences.reduce(0) { $0 + $1.value * distance($1.key / count, $1.key % count) } / n
        var expected = 0.0
        for a in 0..<count where totals[a] > 0 {
            for b in 0..<count where totals[b] > 0 && b != a { expected += totals[a] * totals[b] * distance(a, b) }
        }
        expected /= n * (n - 1)
        return expected > 0 ? 1 - observed / expected : nil
    }
}

/// Krippendorff's alpha at the interval level over numbers as they come: the same as above in constant memory, since the sum
/// of the squared differences of all pairs of m numbers is 2·m·Σx² − 2·(Σx)².
struct IntervalAlpha: Sendable {
    private(set) var units = 0
    private var origin: Double?
    private var (count, sum, squares, within) = (0.0, 0.0, 0.0, 0.0)

    mutating func add(_ numbers: [Double]) {
        guard numbers.count > 1, let first = numbers.first else { return }
        units += 1
        // Sums about a number that is near them all lose fewer digits.
        let origin = origin ?? first
        self.origin = origin
        let m = Double(numbers.count)
        let mean = numbers.reduce(0, +) / m
        within += 2 * m * numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (m - 1)
        count += m
        for number in numbers {
            sum += number - origin
            squares += (number - origin) * (number - origin)
        }
    }

    var alpha: Double? {
        guard count > 1 else { return nil }
        let expected = (2 * count * squares - 2 * sum * sum) / (count * (count - 1))
        return expected > 0 ? 1 - (within / count) / expected : nil
    }
}
