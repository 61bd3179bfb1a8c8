#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How far one distribution lies from another, both given as counts over the same bins.
public enum Drift {
    /// The population stability index: the sum over the bins of `(c - r) ln(c / r)`, where `r` and `c` are a bin's shares
    /// in the reference and in the current data. It is Jeffreys' divergence, the Kullback-Leibler divergence taken both
    /// ways (Kullback and Leibler, "On Information and Sufficiency", 1951); the name, and the reading that up to 0.1 is
    /// stable and above 0.25 has shifted, are from Siddiqi, "Credit Risk Scorecards", 2006.
    ///
    /// Every bin is given half a row before the shares are taken, `(n + 1/2) / (N + B/2)` (Jeffreys' prior; Krichevsky and
    /// Trofimov, 1981), so an empty bin does not make the index infinite. Data drawn from the reference itself still has
    /// an index of about `(1/N + 1/n) (B - 1)` (Yurdakul, "Statistical Properties of Population Stability Index", 2018):
    /// ten bins and 200 rows give 0.045.
    ///
    /// - Returns: nil when either side has no rows.
    public static func populationStability(reference: [Int64], current: [Int64]) -> Double? {
        precondition(reference.count == current.count, "the two sides have different bins")
        let (referenceTotal, currentTotal) = (reference.reduce(0, +), current.reduce(0, +))
        guard referenceTotal > 0, currentTotal > 0 else { return nil }
        let half = Double(reference.count) / 2
        return zip(reference, current).reduce(0) { sum, bin in
            let r = (Double(bin.0) + 0.5) / (Double(referenceTotal) + half)
            let c = (Double(bin.1) + 0.5) / (Double(currentTotal) + half)
            return sum + (c - r) * log(c / r)
        }
    }

    /// The two-sample Kolmogorov-Smirnov statistic on binned cumulative shares: the largest difference between the two
    /// empirical distribution functions at the bins' upper edges.
    ///
    /// Between the edges the true difference can be larger, by at most the larger of the two shares of one bin. With the
    /// edges of `NumericProfile` that is about half a percent where the data moves little, and nothing where a bin holds
    /// one value.
    ///
    /// - Returns: nil when either side has no rows.
    public static func kolmogorovSmirnov(reference: [Int64], current: [Int64]) -> (statistic: Double, pValue: Double)? {
        precondition(reference.count == current.count, "the two sides have different bins")
        let n = Double(reference.reduce(0, +))
        let m = Double(current.reduce(0, +))
        guard n > 0, m > 0 else { return nil }
        var (statistic, r, c) = (0.0, 0.0, 0.0)
        for bin in zip(reference, current) {
            r += Double(bin.0)
            c += Double(bin.1)
            statistic = max(statistic, abs(r / n - c / m))
        }
        return (statistic, kolmogorovTail(statistic * (n * m / (n + m)).squareRoot()))
    }

    /// The chance that Kolmogorov's limiting distribution exceeds `x`: the asymptotic p-value of the two-sample statistic
    /// `D` at `x = D sqrt(nm / (n + m))` (Kolmogorov 1933, Smirnov 1948).
    ///
    /// It takes rows as independent and values as continuous: ties make it too large, rows that resemble their neighbours
    /// too small.
    static func kolmogorovTail(_ x: Double) -> Double {
        guard x > 0 else { return 1 }
        var sum = 0.0
        if x < 1 {
            // The series of the tail converges slowly here; this is the same function by Jacobi's theta identity.
            let scale = -Double.pi * Double.pi / (8 * x * x)
            for k in 0..<20 {
                let odd = Double(2 * k + 1)
                sum += exp(odd * odd * scale)
            }
            return min(1, max(0, 1 - (2 * Double.pi).squareRoot() / x * sum))
        }
        for k in 1...10 {
            let term = exp(-2 * Double(k * k) * x * x)
            sum += k % 2 == 1 ? term : -term
        }
        return min(1, max(0, 2 * sum))
    }
}
