import Core

/// What a threshold can be set on.
public enum Measure: String, Hashable, Sendable, CaseIterable, Comparable {
    /// A feature's population stability index.
    case psi
    /// A feature's Kolmogorov-Smirnov statistic.
    case ks
    /// The difference between a feature's shares of missing values, now and in the reference.
    case missing
    case mae, rmse, bias, pinball, errorRate

    public static func < (a: Measure, b: Measure) -> Bool { a.rawValue < b.rawValue }
}

/// From where on a measure counts as drift: above the threshold. The bias counts by its size, either way.
public struct Thresholds: Hashable, Sendable {
    public let limits: [Measure: Double]

    /// What holds when nothing is said: a population stability index above 0.2.
    public static let standard = Thresholds([.psi: 0.2])

    init(_ limits: [Measure: Double]) { self.limits = limits }

    init(_ json: [String: JSONValue]) throws {
        var limits: [Measure: Double] = [:]
        for (name, value) in json {
            guard let measure = Measure(rawValue: name) else {
                throw SlipwayError.field(
                    "thresholds.\(name.prefix(40))", "is not a measure",
                    expected: "one of " + Measure.allCases.map(\.rawValue).joined(separator: ", "))
            }
            guard let limit = value.doubleValue, limit.isFinite, limit >= 0 else {
                throw SlipwayError.field(
                    "thresholds.\(name)", "is \(value.kindName)", expected: "a number of 0 or more")
            }
            limits[measure] = limit
        }
        self.init(limits)
    }

    private static let ofFeatures: Set<Measure> = [.psi, .ks, .missing]
    var judgesFeatures: Bool { limits.keys.contains(where: Self.ofFeatures.contains) }
    var judgesQuality: Bool { !limits.keys.allSatisfy(Self.ofFeatures.contains) }

    var json: JSONValue {
        .object(Dictionary(uniqueKeysWithValues: limits.map { ($0.key.rawValue, .number($0.value)) }))
    }

    /// What of a window's figures lies above its threshold.
    ///
    /// - Parameter minimumRows: a feature with fewer values, and quality over fewer rows, are not judged.
    func crossings(features: [FeatureReport], quality: QualityReport?, minimumRows: Int) -> [Crossing] {
        var found: [Crossing] = []
        func judge(_ measure: Measure, _ value: Double?, feature: String?) {
            guard let limit = limits[measure], let value, abs(value) > limit else { return }
            found.append(Crossing(measure: measure, feature: feature, value: value, threshold: limit))
        }
        for feature in features where feature.rows >= minimumRows {
            if feature.present >= minimumRows {
                judge(.psi, feature.psi, feature: feature.name)
                judge(.ks, feature.ks, feature: feature.name)
            }
            judge(.missing, feature.missingDifference, feature: feature.name)
        }
        if let quality, quality.rows >= minimumRows {
            for (measure, value) in quality.measures { judge(measure, value, feature: nil) }
        }
        return found
    }
}

/// A measure above its threshold.
public struct Crossing: Hashable, Sendable {
    public let measure: Measure
    /// nil for the quality of the predictions.
    public let feature: String?
    public let value: Double
    public let threshold: Double

    public var json: JSONValue {
        [
            "measure": .string(measure.rawValue), "feature": JSONValue(feature), "value": .number(value),
            "threshold": .number(threshold),
        ]
    }

    /// `psi of mean7 is 0.31 (limit 0.2)`.
    public var text: String {
        func short(_ number: Double) -> String { ((number * 1e4).rounded() / 1e4).description }
        return "\(measure.rawValue)\(feature.map { " of " + $0 } ?? "") is \(short(value)) (limit \(short(threshold)))"
    }
}
