import Core

/// What a feature looked like in the reference: counts over bins that were cut there, with which any later data can be
/// counted too.
public enum FeatureProfile: Hashable, Sendable {
    case numeric(NumericProfile)
    case categorical(CategoricalProfile)

    public var missing: Int64 {
        switch self {
        case .numeric(let profile): profile.missing
        case .categorical(let profile): profile.missing
        }
    }

    /// Rows with a value.
    public var present: Int64 {
        switch self {
        case .numeric(let profile): profile.counts.reduce(0, +)
        case .categorical(let profile): profile.counts.reduce(profile.other, +)
        }
    }

    public var json: JSONValue {
        switch self {
        case .numeric(let profile): profile.json
        case .categorical(let profile): profile.json
        }
    }

    /// - Throws: `invalid`, naming what is missing.
    public init(_ json: JSONValue) throws {
        let fields = try JSONFields(json)
        self =
            try fields.string("kind") == "numeric"
            ? .numeric(try NumericProfile(fields)) : .categorical(try CategoricalProfile(fields))
    }

    public init(numeric: NumericProfile) { self = .numeric(numeric) }
    public init(categorical: CategoricalProfile) { self = .categorical(categorical) }
}

/// Numbers by the reference's quantiles.
public struct NumericProfile: Hashable, Sendable {
    /// The reference's values at the probabilities 0, 1/200 … 1, each once, rising: the first is the minimum, the last the
    /// maximum. Single precision (see `Cell.number`).
    public let points: [Double]
    /// How many values lie in `(points[i-1], points[i]]`; the first counts the minimum itself.
    public let counts: [Int64]
    /// Where among `points` the deciles 1 to 9 lie, each once: the edges of the bins of the population stability index.
    public let deciles: [Int]
    public let missing: Int64
    public let mean: Double?

    public static let steps = 200
    /// The ranks, from 1, of the quantiles among `count` values: of each share the first value up to which it lies.
    public static func ranks(of count: Int64) -> [Int64] {
        (0...Int64(steps)).map { max(1, ($0 * count + Int64(steps) - 1) / Int64(steps)) }
    }

    /// - Parameters:
    ///   - quantiles: the values at `ranks`; empty when there are none.
    ///   - counts: values up to and including each different quantile and above the one before it.
    public init(quantiles: [Double], counts: [Int64], missing: Int64, mean: Double?) {
        points = quantiles.reduce(into: []) { points, value in if points.last != value { points.append(value) } }
        precondition(points.count == counts.count, "one count for each different quantile")
        self.counts = counts
        let places = Dictionary(uniqueKeysWithValues: points.enumerated().map { ($1, $0) })
        deciles = (1...9).reduce(into: []) { found, decile in
            guard !quantiles.isEmpty, let place = places[quantiles[decile * Self.steps / 10]] else { return }
            if found.last != place { found.append(place) }
        }
        self.missing = missing
        self.mean = mean
    }

    /// Over `points.count + 2` bins: below the first point, the counts, above the last.
    public var fine: [Int64] { points.isEmpty ? [] : [0] + counts + [0] }

    /// Fine counts gathered into the bins of the stability index: up to and including each decile, and above the last. What
    /// lies below the minimum has a bin of its own only where the first decile is the minimum, so that a new value below a
    /// heap of equal ones shows.
    public func gathered(_ fine: [Int64]) -> [Int64] {
        guard !fine.isEmpty else { return [] }
        var bins: [Int64] = []
        var start = 0
        if deciles.first == 0 {
            bins.append(fine[0])
            start = 1
        }
        for decile in deciles {
            bins.append(fine[start...decile + 1].reduce(0, +))
            start = decile + 2
        }
        return bins + [fine[start...].reduce(0, +)]
    }

    /// The upper edges of all bins of the stability index but the last, which has none. An open first bin that ends below
    /// the minimum is given the minimum as its edge a second time.
    public var edges: [Double] { (deciles.first == 0 ? [points[0]] : []) + deciles.map { points[$0] } }

    fileprivate init(_ fields: JSONFields) throws {
        points = try fields.array("points").compactMap(\.doubleValue)
        counts = try fields.array("counts").compactMap(\.intValue)
        deciles = try fields.array("deciles").compactMap { $0.intValue.map(Int.init) }
        missing = Int64(try fields.int("missing"))
        mean = try fields.optionalDouble("mean")
        guard points.count == counts.count, deciles.allSatisfy(points.indices.contains) else {
            throw SlipwayError.field("reference", "its counts do not fit its points")
        }
    }

    fileprivate var json: JSONValue {
        [
            "kind": "numeric", "points": .array(points.map { .number($0) }), "counts": .array(counts.map { .int($0) }),
            "deciles": .array(deciles.map { JSONValue($0) }), "missing": .int(missing),
            "mean": mean.map { .number($0) } ?? .null,
        ]
    }
}

/// Text by the reference's most frequent values.
public struct CategoricalProfile: Hashable, Sendable {
    /// The most frequent first.
    public let values: [String]
    public let counts: [Int64]
    /// Rows with any other value.
    public let other: Int64
    public let missing: Int64

    public static let maximumValues = 50

    public init(values: [String], counts: [Int64], other: Int64, missing: Int64) {
        precondition(values.count == counts.count, "one count for each value")
        (self.values, self.counts, self.other, self.missing) = (values, counts, other, missing)
    }

    fileprivate init(_ fields: JSONFields) throws {
        values = try fields.strings("values")
        counts = try fields.array("counts").compactMap(\.intValue)
        other = Int64(try fields.int("other"))
        missing = Int64(try fields.int("missing"))
        guard values.count == counts.count else {
            throw SlipwayError.field("reference", "its counts do not fit its values")
        }
    }

    fileprivate var json: JSONValue {
        [
            "kind": "categorical", "values": JSONValue(values), "counts": .array(counts.map { .int($0) }),
            "other": .int(other),
            "missing": .int(missing),
        ]
    }
}
