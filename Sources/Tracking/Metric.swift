import Core

/// One measured value of a metric.
public struct MetricPoint: Sendable, Hashable {
    public let step: Int64
    public let time: Timestamp
    /// May be NaN.
    public let value: Double

    public init(step: Int64, time: Timestamp, value: Double) {
        self.step = step
        self.time = time
        self.value = value
    }

    /// NaN counts as 0 where points are put in order.
    private var rank: Double { value.isNaN ? 0 : value }

    /// Whether this is the newer point: a higher step, then a later time, then a higher value.
    public func isNewer(than other: MetricPoint) -> Bool {
        if step != other.step { return step > other.step }
        if time != other.time { return time > other.time }
        return rank > other.rank
    }

    /// The order of a history: time, then step, then value; NaN just after 0.
    func precedes(_ other: MetricPoint) -> Bool {
        if time != other.time { return time < other.time }
        if step != other.step { return step < other.step }
        if rank != other.rank { return rank < other.rank }
        return !value.isNaN && other.value.isNaN
    }

    func isIdentical(to other: MetricPoint) -> Bool {
        step == other.step && time == other.time && (value == other.value || (value.isNaN && other.value.isNaN))
    }
}

/// The newest point of a metric.
public struct LatestMetric: Sendable, Hashable {
    public let key: String
    public let point: MetricPoint
}

/// A point as a client logs it.
public struct LoggedMetric: Sendable {
    public let key: String
    public let point: MetricPoint
    /// Set when the value measures a logged model, perhaps on a dataset.
    public let subject: Subject?

    public struct Subject: Sendable, Hashable {
        public let model: String
        public let datasetName: String?
        public let datasetDigest: String?
        public init(model: String, datasetName: String?, datasetDigest: String?) {
            self.model = model
            self.datasetName = datasetName
            self.datasetDigest = datasetDigest
        }
    }

    public init(key: String, point: MetricPoint, subject: Subject? = nil) {
        self.key = key
        self.point = point
        self.subject = subject
    }
}

/// What a run logs in one go: all of it is stored, or none.
public struct LogBatch: Sendable {
    public var metrics: [LoggedMetric] = []
    public var params: [KeyValue] = []
    public var tags: [KeyValue] = []

    public init(metrics: [LoggedMetric] = [], params: [KeyValue] = [], tags: [KeyValue] = []) {
        self.metrics = metrics
        self.params = params
        self.tags = tags
    }
}

extension [MetricPoint] {
    /// In the order of a history, each identical point once.
    public var asHistory: [MetricPoint] {
        var isOrdered = true
        for index in indices.dropFirst() where !self[index - 1].precedes(self[index]) {
            isOrdered = false
            break
        }
        if isOrdered { return self }
        var out: [MetricPoint] = []
        out.reserveCapacity(count)
        for point in sorted(by: { $0.precedes($1) }) where out.last.map({ !$0.isIdentical(to: point) }) ?? true {
            out.append(point)
        }
        return out
    }
}
