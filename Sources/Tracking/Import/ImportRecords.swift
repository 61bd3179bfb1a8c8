import Core

/// What another tracking store says of an experiment. Times in all records are milliseconds since 1970.
public struct ExperimentRecord: Sendable, Hashable {
    /// Its id there; kept where it is free here.
    public var id: String
    public var name: String
    /// Where its artifacts stay; nil when they come along.
    public var artifactLocation: String?
    public var isDeleted = false
    public var created: Int64
    public var updated: Int64
    public var tags: [String: String] = [:]

    public init(id: String, name: String, created: Int64, updated: Int64) {
        (self.id, self.name, self.created, self.updated) = (id, name, created, updated)
    }

    public init(_ value: JSONValue) throws {
        let fields = try JSONFields(
            value, allowed: ["id", "name", "artifactLocation", "deleted", "created", "updated", "tags"])
        id = try fields.string("id")
        name = try fields.string("name")
        artifactLocation = try fields.optionalString("artifactLocation")
        isDeleted = try fields.bool("deleted", default: false)
        created = Int64(try fields.int("created"))
        updated = Int64(try fields.int("updated"))
        tags = try fields.stringMap("tags")
    }

    public var json: JSONValue {
        [
            "id": .string(id), "name": .string(name), "artifactLocation": JSONValue(artifactLocation),
            "deleted": .bool(isDeleted), "created": .int(created), "updated": .int(updated), "tags": JSONValue(tags),
        ]
    }
}

/// A run of another store, but for its metric points and artifacts.
public struct RunRecord: Sendable, Hashable {
    /// The same here as there.
    public var id: String
    /// The experiment's id: in a source its own, in a request Slipway's.
    public var experiment: String
    public var name: String
    public var user: String
    public var status: RunStatus
    public var started: Int64
    public var ended: Int64?
    /// When it was deleted; nil when it is not.
    public var deleted: Int64?
    /// Where its artifacts stay; nil when they come along.
    public var artifactLocation: String?
    public var params: [String: String] = [:]
    public var tags: [String: String] = [:]
    public var datasets: [DatasetInput] = []
    public var modelInputs: [String] = []
    public var modelOutputs: [ModelOutput] = []
    /// Values that tags had there before. A tag that has one of them here is brought up to date; one that has another was
    /// changed here, and stays.
    public var earlierTags: [String: [String]] = [:]

    public init(id: String, experiment: String, name: String, user: String, status: RunStatus, started: Int64) {
        (self.id, self.experiment, self.name) = (id, experiment, name)
        (self.user, self.status, self.started) = (user, status, started)
    }

    public init(_ value: JSONValue) throws {
        let fields = try JSONFields(
            value,
            allowed: [
                "id", "experiment", "name", "user", "status", "started", "ended", "deleted", "artifactLocation",
                "params",
                "tags", "datasets", "modelInputs", "modelOutputs", "earlierTags",
            ])
        id = try fields.string("id")
        experiment = try fields.string("experiment")
        name = try fields.string("name")
        user = try fields.string("user")
        guard let status = RunStatus(rawValue: try fields.string("status")) else {
            throw SlipwayError.field(
                "status", "is not a run's status",
                expected: "one of " + RunStatus.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.status = status
        started = Int64(try fields.int("started"))
        ended = try fields.optionalInt("ended").map { Int64($0) }
        deleted = try fields.optionalInt("deleted").map { Int64($0) }
        artifactLocation = try fields.optionalString("artifactLocation")
        params = try fields.stringMap("params")
        tags = try fields.stringMap("tags")
        datasets = try fields.array("datasets").map(DatasetInput.init(record:))
        modelInputs = try fields.strings("modelInputs")
        modelOutputs = try fields.array("modelOutputs").map {
            let output = try JSONFields($0, allowed: ["model", "step"])
            return ModelOutput(model: try output.string("model"), step: Int64(try output.int("step")))
        }
        earlierTags = try (fields["earlierTags"]?.objectValue ?? [:]).mapValues { values in
            try (values.arrayValue ?? []).map { value in
                guard let text = value.stringValue else {
                    throw SlipwayError.field(
                        "earlierTags", "has something that is not text", expected: "lists of texts")
                }
                return text
            }
        }
    }

    public var json: JSONValue {
        var fields = content
        fields["experiment"] = .string(experiment)
        fields["artifactLocation"] = JSONValue(artifactLocation)
        if !earlierTags.isEmpty { fields["earlierTags"] = .object(earlierTags.mapValues { JSONValue($0) }) }
        return .object(fields)
    }

    /// What must be equal on both sides: everything but where the run and its artifacts are.
    private var content: [String: JSONValue] {
        [
            "id": .string(id), "name": .string(name), "user": .string(user), "status": .string(status.rawValue),
            "started": .int(started), "ended": ended.map { .int($0) } ?? .null,
            "deleted": deleted.map { .int($0) } ?? .null, "params": JSONValue(params), "tags": JSONValue(tags),
            "datasets": .array(datasets.map(\.record).sorted { $0.canonicalText < $1.canonicalText }),
            "modelInputs": JSONValue(modelInputs.sorted()),
            "modelOutputs": .array(
                modelOutputs.sorted { ($0.step, $0.model) < ($1.step, $1.model) }.map {
                    ["model": .string($0.model), "step": .int($0.step)]
                }),
        ]
    }

    /// SHA-256 of the canonical JSON of what the run is and logged, but for points, artifacts and places.
    public var digest: Digest { Digest.of(JSONValue.object(content).canonicalBytes) }

    /// Cut to the limits that every run here has, and named by its tag, as if it had been logged here.
    public var normalized: RunRecord {
        get throws {
            var record = self
            // Checked in the pieces that a client would send, by the same rules.
            record.params = try Dictionary(
                uniqueKeysWithValues: params.map { key, value in
                    let checked = try TrackingRules.checked(LogBatch(params: [KeyValue(key, value)]), isSingle: true)
                    return (key, checked.params[0].value)
                })
            record.tags = try Dictionary(
                uniqueKeysWithValues: tags.map { key, value in
                    let checked = try TrackingRules.checked(LogBatch(tags: [KeyValue(key, value)]), isSingle: true)
                    return (key, checked.tags[0].value)
                })
            record.earlierTags = try earlierTags.reduce(into: [:]) { found, tag in
                found[tag.key] = try tag.value.map {
                    try TrackingRules.checked(LogBatch(tags: [KeyValue(tag.key, $0)]), isSingle: true).tags[0].value
                }
            }
            if record.name.isEmpty { record.name = record.tags[RunDraft.nameTag] ?? String(id.prefix(8)) }
            record.tags[RunDraft.nameTag] = record.tags[RunDraft.nameTag] ?? record.name
            return record
        }
    }
}

/// A logged model of another store.
public struct LoggedModelRecord: Sendable, Hashable {
    public var id: String
    public var experiment: String
    public var name: String
    public var type: String?
    public var status: LoggedModelStatus
    public var sourceRun: String?
    public var artifactLocation: String?
    public var created: Int64
    public var updated: Int64
    public var isDeleted = false
    public var params: [String: String] = [:]
    public var tags: [String: String] = [:]
    public var metrics: [Measured] = []

    /// A value that a run measured on the model.
    public struct Measured: Sendable, Hashable {
        public var key: String
        public var run: String
        public var point: MetricPoint
        public var datasetName: String?
        public var datasetDigest: String?

        public init(key: String, run: String, point: MetricPoint, datasetName: String?, datasetDigest: String?) {
            (self.key, self.run, self.point) = (key, run, point)
            (self.datasetName, self.datasetDigest) = (datasetName, datasetDigest)
        }
    }

    public init(
        id: String, experiment: String, name: String, status: LoggedModelStatus, created: Int64, updated: Int64
    ) {
        (self.id, self.experiment, self.name, self.status) = (id, experiment, name, status)
        (self.created, self.updated) = (created, updated)
    }

    public init(_ value: JSONValue) throws {
        let fields = try JSONFields(
            value,
            allowed: [
                "id", "experiment", "name", "type", "status", "sourceRun", "artifactLocation", "created", "updated",
                "deleted", "params", "tags", "metrics",
            ])
        id = try fields.string("id")
        experiment = try fields.string("experiment")
        name = try fields.string("name")
        type = try fields.optionalString("type")
        guard let status = LoggedModelStatus(rawValue: try fields.string("status")) else {
            throw SlipwayError.field("status", "is not a logged model's status", expected: "PENDING, READY or FAILED")
        }
        self.status = status
        sourceRun = try fields.optionalString("sourceRun")
        artifactLocation = try fields.optionalString("artifactLocation")
        created = Int64(try fields.int("created"))
        updated = Int64(try fields.int("updated"))
        isDeleted = try fields.bool("deleted", default: false)
        params = try fields.stringMap("params")
        tags = try fields.stringMap("tags")
        metrics = try fields.array("metrics").map { item in
            let item = try JSONFields(item, allowed: ["key", "run", "point", "datasetName", "datasetDigest"])
            return Measured(
                key: try item.string("key"), run: try item.string("run"),
                point: try MetricPoint(record: item["point"] ?? .null),
                datasetName: try item.optionalString("datasetName"),
                datasetDigest: try item.optionalString("datasetDigest"))
        }
    }

    public var json: JSONValue {
        [
            "id": .string(id), "experiment": .string(experiment), "name": .string(name), "type": JSONValue(type),
            "status": .string(status.rawValue), "sourceRun": JSONValue(sourceRun),
            "artifactLocation": JSONValue(artifactLocation), "created": .int(created), "updated": .int(updated),
            "deleted": .bool(isDeleted), "params": JSONValue(params), "tags": JSONValue(tags),
            "metrics": .array(
                metrics.map {
                    [
                        "key": .string($0.key), "run": .string($0.run), "point": $0.point.record,
                        "datasetName": JSONValue($0.datasetName), "datasetDigest": JSONValue($0.datasetDigest),
                    ]
                }),
        ]
    }
}

/// Points of one metric of a run.
public struct PointsRecord: Sendable, Hashable {
    public var run: String
    public var key: String
    public var points: [MetricPoint]

    public init(run: String, key: String, points: [MetricPoint]) {
        (self.run, self.key, self.points) = (run, key, points)
    }

    public init(_ value: JSONValue) throws {
        let fields = try JSONFields(value, allowed: ["run", "key", "points"])
        run = try fields.string("run")
        key = try fields.string("key")
        points = try fields.array("points").map(MetricPoint.init(record:))
    }

    public var json: JSONValue {
        ["run": .string(run), "key": .string(key), "points": .array(points.map(\.record))]
    }
}

extension MetricPoint {
    /// `[step, time, value]`; what JSON has no number for is text, as in protobuf's JSON form.
    init(record: JSONValue) throws {
        guard let parts = record.arrayValue, parts.count == 3, let step = parts[0].intValue,
            let time = parts[1].intValue, let value = parts[2].doubleValue
        else {
            throw SlipwayError.field(
                "points", "has something that is not a point", expected: "[step, time in ms, value]")
        }
        self.init(step: step, time: Timestamp(milliseconds: time), value: value)
    }

    var record: JSONValue {
        let shown: JSONValue =
            value.isFinite
            ? .number(value) : .string(value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity")
        return [.int(step), .int(time.milliseconds), shown]
    }
}

/// A set of metric points as a count and a sum, whatever their order: two sides that have the same points have the same
/// sum. Each point counts with the first 16 bytes of the SHA-256 of its metric's name and its bits, added modulo 2^64 in
/// two words.
public struct PointSum: Sendable, Hashable {
    public private(set) var count: Int64 = 0
    private var high: UInt64 = 0
    private var low: UInt64 = 0

    public init() {}

    public mutating func add(_ key: String, _ point: MetricPoint) {
        var bytes = Array(key.utf8)
        bytes.append(0)
        // NaN is one value, and so is zero.
        let bits = point.value.isNaN ? Double.nan.bitPattern : (point.value == 0 ? 0 : point.value.bitPattern)
        for word in [UInt64(bitPattern: point.step), UInt64(bitPattern: point.time.milliseconds), bits] {
            withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
        }
        let (a, b) = Digest.of(bytes).withBytes {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        high &+= UInt64(littleEndian: a)
        low &+= UInt64(littleEndian: b)
        count += 1
    }

    /// The sum in hexadecimal.
    public var text: String {
        withUnsafeBytes(of: high.bigEndian) { Hex.encode($0) } + withUnsafeBytes(of: low.bigEndian) { Hex.encode($0) }
    }
}

extension DatasetInput {
    public init(record: JSONValue) throws {
        let fields = try JSONFields(
            record, allowed: ["name", "digest", "sourceType", "source", "schema", "profile", "tags"])
        self.init(
            name: try fields.string("name"), digest: try fields.string("digest"),
            sourceType: try fields.string("sourceType"), source: try fields.string("source"),
            schema: try fields.optionalString("schema"), profile: try fields.optionalString("profile"),
            tags: try fields.stringMap("tags").sorted { $0.key < $1.key }.map { KeyValue($0.key, $0.value) })
    }

    public var record: JSONValue {
        [
            "name": .string(name), "digest": .string(digest), "sourceType": .string(sourceType),
            "source": .string(source), "schema": JSONValue(schema), "profile": JSONValue(profile),
            "tags": JSONValue(tags.map),
        ]
    }
}
