import Core

/// What a table holds, column by column.
public struct TableProfile: Hashable, Sendable, Codable {
    public let rowCount: Int64
    public let columns: [ColumnProfile]

    public init(rowCount: Int64, columns: [ColumnProfile]) {
        self.rowCount = rowCount
        self.columns = columns
    }
}

/// What one column holds.
public struct ColumnProfile: Hashable, Sendable, Codable {
    public enum Kind: String, Hashable, Sendable, Codable {
        case number, time, boolean, text, other
    }

    /// A value below which the share `probability` of the values lies.
    public struct Quantile: Hashable, Sendable, Codable {
        public let probability: Double
        public let value: Double
    }

    public struct TopValue: Hashable, Sendable, Codable {
        /// At most 200 characters of it.
        public let value: String
        public let count: Int64
    }

    public struct Histogram: Hashable, Sendable, Codable {
        /// Rising, one more than there are bins; the last bin holds its upper edge too.
        public let edges: [Double]
        public let counts: [Int64]
    }

    public let name: String
    /// DuckDB's name.
    public let type: String
    public let kind: Kind
    public let nullCount: Int64
    /// By HyperLogLog: good to a few percent. nil for nested types.
    public let distinctCount: Int64?
    /// As text, at most 200 characters. Of floating-point columns: of the finite values.
    public let minimum: String?
    public let maximum: String?
    /// Numbers that are NaN or infinite, which all figures below leave out.
    public let notFiniteCount: Int64
    /// The figures below are of numbers, and of times in seconds since 1970-01-01 UTC.
    public let mean: Double?
    /// Of a sample (n - 1). For numbers only; nil when it is too large for a Double.
    public let standardDeviation: Double?
    /// At 0.01, 0.05, 0.25, 0.5, 0.75, 0.95 and 0.99, by t-digest.
    public let quantiles: [Quantile]
    /// At most 20 bins of equal width from the minimum to the maximum; whole numbers of up to 20 values have one bin each.
    public let histogram: Histogram?
    /// The ten most frequent values of text, booleans and whole numbers of at most 100 different values; none for text of
    /// which more than half the values differ.
    public let topValues: [TopValue]
}

// MARK: JSON, in the same form as Codable gives

extension TableProfile {
    public var json: JSONValue { ["rowCount": .int(rowCount), "columns": .array(columns.map(\.json))] }

    /// - Throws: `invalid`, naming what is missing.
    public init(json: JSONValue) throws {
        let fields = try JSONFields(json)
        self.init(
            rowCount: Int64(try fields.int("rowCount")),
            columns: try fields.array("columns").map { try ColumnProfile(json: $0) })
    }
}

extension ColumnProfile {
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "name": .string(name), "type": .string(type), "kind": .string(kind.rawValue), "nullCount": .int(nullCount),
            "notFiniteCount": .int(notFiniteCount),
            "quantiles": .array(
                quantiles.map { ["probability": .number($0.probability), "value": .number($0.value)] }),
            "topValues": .array(topValues.map { ["value": .string($0.value), "count": .int($0.count)] }),
        ]
        fields["distinctCount"] = distinctCount.map { .int($0) }
        fields["minimum"] = minimum.map { .string($0) }
        fields["maximum"] = maximum.map { .string($0) }
        fields["mean"] = mean.map { .number($0) }
        fields["standardDeviation"] = standardDeviation.map { .number($0) }
        fields["histogram"] = histogram.map {
            ["edges": .array($0.edges.map { .number($0) }), "counts": .array($0.counts.map { .int($0) })]
        }
        return .object(fields)
    }

    public init(json: JSONValue) throws {
        let fields = try JSONFields(json)
        guard let kind = Kind(rawValue: try fields.string("kind")) else {
            throw SlipwayError.field("kind", "is not a known kind")
        }
        self.init(
            name: try fields.string("name"), type: try fields.string("type"), kind: kind,
            nullCount: Int64(try fields.int("nullCount")),
            distinctCount: try fields.optionalInt("distinctCount").map(Int64.init),
            minimum: try fields.optionalString("minimum"),
            maximum: try fields.optionalString("maximum"), notFiniteCount: Int64(try fields.int("notFiniteCount")),
            mean: try fields.optionalDouble("mean"), standardDeviation: try fields.optionalDouble("standardDeviation"),
            quantiles: try fields.array("quantiles").map {
                let item = try JSONFields($0)
                return Quantile(probability: try item.double("probability"), value: try item.double("value"))
            },
            histogram: try fields["histogram"].map {
                let item = try JSONFields($0)
                return Histogram(
                    edges: try item.array("edges").compactMap(\.doubleValue),
                    counts: try item.array("counts").compactMap(\.intValue))
            },
            topValues: try fields.array("topValues").map {
                let item = try JSONFields($0)
                return TopValue(value: try item.string("value"), count: Int64(try item.int("count")))
            })
    }
}

extension TableHistogram {
    var json: JSONValue {
        [
            "edges": .array(edges.map { .number($0) }), "counts": .array(counts.map { .int($0) }), "below": .int(below),
            "above": .int(above), "nulls": .int(nulls), "notNumbers": .int(notNumbers),
        ]
    }

    init(json: JSONValue) throws {
        let fields = try JSONFields(json)
        self.init(
            edges: try fields.array("edges").compactMap(\.doubleValue),
            counts: try fields.array("counts").compactMap(\.intValue),
            below: Int64(try fields.int("below")), above: Int64(try fields.int("above")),
            nulls: Int64(try fields.int("nulls")),
            notNumbers: Int64(try fields.int("notNumbers")))
    }
}
