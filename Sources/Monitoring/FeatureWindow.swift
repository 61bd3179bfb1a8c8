import Core
import Tables

/// Counts a feature's values in a window of predictions with the reference's bins, in memory that does not grow.
struct FeatureWindow: Sendable {
    let profile: FeatureProfile
    /// Numbers: below the first point, up to each point, above the last. Categories: each value, then all others.
    private(set) var counts: [Int64]
    private(set) var missing: Int64 = 0
    private var sum = 0.0
    private let places: [String: Int]

    init(_ profile: FeatureProfile) {
        self.profile = profile
        switch profile {
        case .numeric(let numeric):
            // A reference without values has no bins: then all of the window counts as above.
            counts = Array(repeating: 0, count: numeric.points.count + 2)
            places = [:]
        case .categorical(let categorical):
            counts = Array(repeating: 0, count: categorical.values.count + 1)
            places = Dictionary(categorical.values.enumerated().map { ($1, $0) }) { first, _ in first }
        }
    }

    var present: Int64 { counts.reduce(0, +) }
    var rows: Int64 { present + missing }

    /// Counts one value. Text where the reference has numbers counts as missing, unless it spells one.
    mutating func add(_ cell: Cell) {
        switch profile {
        case .numeric(let numeric):
            guard let value = cell.number else { return missing += 1 }
            sum += value
            counts[Self.place(of: value, in: numeric.points)] += 1
        case .categorical(let categorical):
            guard let value = cell.category else { return missing += 1 }
            counts[places[value] ?? categorical.values.count] += 1
        }
    }

    mutating func addMissing(_ count: Int) { missing += Int64(count) }

    /// 0 below all points, `i + 1` in `(points[i-1], points[i]]`, and `points.count + 1` above all.
    private static func place(of value: Double, in points: [Double]) -> Int {
        guard let first = points.first, value >= first else { return points.isEmpty ? 1 : 0 }
        var (low, high) = (0, points.count)
        while low < high {
            let middle = (low + high) / 2
            if points[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low + 1
    }

    /// The window beside the reference.
    func compare(name: String) -> FeatureReport {
        var report = FeatureReport(
            name: name, rows: rows, missingRows: missing,
            referenceMissing: Self.share(profile.missing, profile.missing + profile.present))
        switch profile {
        case .numeric(let numeric):
            report.kind = .numeric
            report.mean = present > 0 ? sum / Double(present) : nil
            report.referenceMean = numeric.mean
            guard !numeric.points.isEmpty else { return report }
            (report.below, report.above) = (counts[0], counts[counts.count - 1])
            report.edges = numeric.edges
            report.referenceCounts = numeric.gathered(numeric.fine)
            report.counts = numeric.gathered(counts)
            if let test = Drift.kolmogorovSmirnov(reference: numeric.fine, current: counts) {
                (report.ks, report.ksPValue) = (test.statistic, test.pValue)
            }
        case .categorical(let categorical):
            report.kind = .categorical
            report.unseen = counts[counts.count - 1]
            report.values = categorical.values
            report.referenceCounts = categorical.counts + [categorical.other]
            report.counts = counts
        }
        report.psi = Drift.populationStability(reference: report.referenceCounts, current: report.counts)
        return report
    }

    static func share(_ part: Int64, _ whole: Int64) -> Double? {
        whole > 0 ? Double(part) / Double(whole) : nil
    }
}

/// One feature of a report.
public struct FeatureReport: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable { case numeric, categorical }

    public let name: String
    public internal(set) var kind = Kind.numeric
    /// Rows of the window, with or without a value.
    public let rows: Int64
    let missingRows: Int64
    /// The share of the reference's rows that have no value; nil where there are no rows.
    public let referenceMissing: Double?
    public internal(set) var psi: Double?
    /// The Kolmogorov-Smirnov statistic and its asymptotic p-value; numbers only.
    public internal(set) var ks: Double?
    public internal(set) var ksPValue: Double?
    public internal(set) var mean: Double?
    public internal(set) var referenceMean: Double?
    /// Numbers beyond all that the reference held.
    public internal(set) var below: Int64 = 0
    public internal(set) var above: Int64 = 0
    /// Categories: rows whose value is none of the reference's most frequent ones.
    public internal(set) var unseen: Int64 = 0
    /// Numbers: upper edges of all bins but the last. See `NumericProfile.edges`.
    public internal(set) var edges: [Double] = []
    /// Categories: what the bins stand for; the last, without a name, is for all others.
    public internal(set) var values: [String] = []
    public internal(set) var referenceCounts: [Int64] = []
    public internal(set) var counts: [Int64] = []

    /// The share of the window's rows that have no value.
    public var missing: Double? { FeatureWindow.share(missingRows, rows) }

    /// Rows with a value.
    var present: Int64 { rows - missingRows }

    /// How far the share of missing values is from that in the reference, either way.
    public var missingDifference: Double? {
        guard let missing, let referenceMissing else { return nil }
        return abs(missing - referenceMissing)
    }

    init(name: String, rows: Int64, missingRows: Int64, referenceMissing: Double?) {
        (self.name, self.rows, self.missingRows, self.referenceMissing) = (name, rows, missingRows, referenceMissing)
    }

    public var json: JSONValue {
        func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
        var fields: [String: JSONValue] = [
            "name": .string(name), "kind": .string(kind.rawValue), "rows": .int(rows), "missing": number(missing),
            "referenceMissing": number(referenceMissing), "psi": number(psi),
        ]
        var bins: [String: JSONValue] = [
            "reference": .array(referenceCounts.map { .int($0) }), "current": .array(counts.map { .int($0) }),
        ]
        switch kind {
        case .numeric:
            (fields["ks"], fields["ksPValue"]) = (number(ks), number(ksPValue))
            (fields["mean"], fields["referenceMean"]) = (number(mean), number(referenceMean))
            (fields["below"], fields["above"]) = (.int(below), .int(above))
            bins["upperEdges"] = .array(edges.map { .number($0) })
        case .categorical:
            fields["unseen"] = .int(unseen)
            bins["values"] = JSONValue(values)
        }
        fields["bins"] = .object(bins)
        return .object(fields)
    }
}
