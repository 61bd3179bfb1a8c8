import Core

/// What some points of a metric amount to: enough to draw them.
public struct MetricBucket: Sendable, Hashable {
    public internal(set) var points: Int
    public internal(set) var firstStep: Int64
    public internal(set) var lastStep: Int64
    public internal(set) var firstTime: Timestamp
    public internal(set) var lastTime: Timestamp
    /// Of the values that are finite; `finite` says how many they are, and without any these are 0.
    public internal(set) var minimum: Double
    public internal(set) var maximum: Double
    var sum: Double
    public internal(set) var finite: Int
    public internal(set) var nans: Int
    public internal(set) var positiveInfinities: Int
    public internal(set) var negativeInfinities: Int

    /// The arithmetic mean of the finite values.
    public var mean: Double? { finite == 0 ? nil : sum / Double(finite) }

    init(_ point: MetricPoint) {
        (points, firstStep, lastStep) = (1, point.step, point.step)
        (firstTime, lastTime) = (point.time, point.time)
        (minimum, maximum, sum, finite) = (0, 0, 0, 0)
        (nans, positiveInfinities, negativeInfinities) = (0, 0, 0)
        // MLflow's API keeps infinities as the largest finite number.
        if point.value.isNaN {
            nans = 1
        } else if point.value >= .greatestFiniteMagnitude {
            positiveInfinities = 1
        } else if point.value <= -.greatestFiniteMagnitude {
            negativeInfinities = 1
        } else {
            (minimum, maximum, sum, finite) = (point.value, point.value, point.value, 1)
        }
    }

    mutating func add(_ other: MetricBucket) {
        if other.finite > 0 {
            minimum = finite == 0 ? other.minimum : min(minimum, other.minimum)
            maximum = finite == 0 ? other.maximum : max(maximum, other.maximum)
        }
        points += other.points
        firstStep = min(firstStep, other.firstStep)
        lastStep = max(lastStep, other.lastStep)
        firstTime = min(firstTime, other.firstTime)
        lastTime = max(lastTime, other.lastTime)
        sum += other.sum
        finite += other.finite
        nans += other.nans
        positiveInfinities += other.positiveInfinities
        negativeInfinities += other.negativeInfinities
    }

    /// The buckets of a list of points, so many in each.
    static func of(_ points: [MetricPoint], each size: Int) -> [MetricBucket] {
        stride(from: 0, to: points.count, by: size).map { start in
            var bucket = MetricBucket(points[start])
            for point in points[(start + 1)..<min(start + size, points.count)] { bucket.add(MetricBucket(point)) }
            return bucket
        }
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("firstStep")
            writer.write(firstStep)
            writer.key("lastStep")
            writer.write(lastStep)
            writer.key("firstTime")
            writer.write(firstTime.description)
            writer.key("lastTime")
            writer.write(lastTime.description)
            writer.key("points")
            writer.write(points)
            if let mean {
                writer.key("min")
                writer.write(minimum)
                writer.key("max")
                writer.write(maximum)
                writer.key("mean")
                writer.write(mean)
            }
            for (name, count) in [
                ("nan", nans), ("positiveInfinity", positiveInfinities), ("negativeInfinity", negativeInfinities),
            ] where count > 0 {
                writer.key(name)
                writer.write(count)
            }
        }
    }
}

/// What the horizontal axis of a chart is.
public enum MetricAxis: String, Sendable, CaseIterable {
    case step
    case time

    func value(_ point: MetricPoint) -> Int64 { self == .step ? point.step : point.time.milliseconds }

    func range(_ bucket: MetricBucket) -> ClosedRange<Int64> {
        self == .step
            ? bucket.firstStep...bucket.lastStep : bucket.firstTime.milliseconds...bucket.lastTime.milliseconds
    }
}

/// One metric of one run, thinned out for drawing.
public struct MetricCurve: Sendable, Hashable {
    public let run: String
    public let metric: String
    /// How many points the buckets stand for.
    public let points: Int
    /// By the axis; where nothing was logged there is none.
    public let buckets: [MetricBucket]

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("run")
            writer.write(run)
            writer.key("metric")
            writer.write(metric)
            writer.key("points")
            writer.write(points)
            writer.key("buckets")
            writer.array { writer in for bucket in buckets { bucket.write(to: &writer) } }
        }
    }
}

/// Gathers points into buckets of equal width on an axis.
struct MetricSampler {
    private let axis: MetricAxis
    private let range: ClosedRange<Int64>
    private let width: Double
    private var buckets: [MetricBucket?]

    init(_ axis: MetricAxis, _ range: ClosedRange<Int64>, count: Int) {
        self.axis = axis
        self.range = range
        width = max((Double(range.upperBound) - Double(range.lowerBound)) / Double(count), .leastNormalMagnitude)
        buckets = Array(repeating: nil, count: count)
    }

    var filled: [MetricBucket] { buckets.compactMap { $0 } }

    /// Whether a bucket that was made before may go as a whole into the one where it begins: it has a place there, or it
    /// is so narrow that the border moves by less than half a pixel. No point is lost either way.
    func takes(_ bucket: MetricBucket) -> Bool {
        let own = axis.range(bucket)
        guard range.contains(own.lowerBound), range.contains(own.upperBound) else { return false }
        return place(own.lowerBound) == place(own.upperBound)
            || Double(own.upperBound) - Double(own.lowerBound) < width / 2
    }

    func isOutside(_ bucket: MetricBucket) -> Bool { !range.overlaps(axis.range(bucket)) }

    mutating func add(_ bucket: MetricBucket) {
        let at = place(axis.range(bucket).lowerBound)
        if buckets[at]?.add(bucket) == nil { buckets[at] = bucket }
    }

    mutating func add(_ points: [MetricPoint]) {
        for point in points where range.contains(axis.value(point)) { add(MetricBucket(point)) }
    }

    private func place(_ value: Int64) -> Int {
        min(Int((Double(value) - Double(range.lowerBound)) / width), buckets.count - 1)
    }
}
