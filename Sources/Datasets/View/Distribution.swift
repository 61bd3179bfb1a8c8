import Core
import Tables

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The values of one column on two sides, counted over the same bins.
struct PairedDistribution {
    enum Bins {
        /// Of numbers, or of times in seconds since 1970; between rising edges.
        case edges([Double])
        case values([String])
    }

    /// One side.
    struct Counts {
        var bins: [Int64]
        /// Outside of the edges, or not among the values.
        var below: Int64 = 0
        var above: Int64 = 0
        var other: Int64 = 0
        var nulls: Int64

        var all: [Int64] { bins + [below, above, other, nulls] }

        var json: JSONValue {
            [
                "counts": .array(bins.map { .int($0) }), "below": .int(below), "above": .int(above),
                "other": .int(other), "nulls": .int(nulls),
            ]
        }
    }

    let bins: Bins
    let left: Counts
    let right: Counts

    var distance: Double? { Self.jensenShannon(left.all, right.all) }

    var json: JSONValue {
        var fields: [String: JSONValue] = ["left": left.json, "right": right.json]
        switch bins {
        case .edges(let edges): fields["edges"] = .array(edges.map { .number($0) })
        case .values(let values): fields["values"] = JSONValue(values)
        }
        return .object(fields)
    }

    /// The Jensen-Shannon distance between two histograms: the square root of the mean of the Kullback-Leibler divergences
    /// of both from their mixture, with logarithms to the base 2 (Lin, "Divergence measures based on the Shannon entropy",
    /// 1991; that the root is a metric: Endres and Schindelin, 2003). 0 for equal shares, 1 where no bin has values of both.
    ///
    /// - Returns: nil when either side is empty.
    static func jensenShannon(_ a: [Int64], _ b: [Int64]) -> Double? {
        let (m, n) = (Double(a.reduce(0, +)), Double(b.reduce(0, +)))
        guard m > 0, n > 0 else { return nil }
        var divergence = 0.0
        for (x, y) in zip(a, b) {
            let (p, q) = (Double(x) / m, Double(y) / n)
            let middle = (p + q) / 2
            if p > 0 { divergence += p * log2(p / middle) / 2 }
            if q > 0 { divergence += q * log2(q / middle) / 2 }
        }
        return min(1, max(0, divergence)).squareRoot()
    }
}
