import Core

/// A model that a run logged: files under its own location, and what is known of it. A registered model's version is
/// made from one.
public struct LoggedModel: Sendable, Hashable {
    /// `m-` and 32 hexadecimal digits.
    public let id: String
    public let experiment: String
    public let project: String
    public let name: String
    public let type: String?
    public let status: LoggedModelStatus
    public let sourceRun: String?
    public let artifactLocation: String
    public let created: Timestamp
    public let updated: Timestamp
    public let lifecycle: Lifecycle
    public let params: [KeyValue]
    public let tags: [KeyValue]
    public let metrics: [ModelMetric]
    /// The id in the database.
    let key: Int64

    public var ref: Ref { Ref(.loggedModel, id) }

    public var json: JSONValue {
        [
            "id": .string(id), "ref": JSONValue(ref), "name": .string(name), "experiment": .string(experiment),
            "project": .string(project), "type": JSONValue(type), "status": .string(status.rawValue),
            "sourceRun": JSONValue(sourceRun), "artifactLocation": .string(artifactLocation),
            "created": JSONValue(created), "updated": JSONValue(updated), "params": JSONValue(params.map),
            "tags": JSONValue(tags.map),
            "metrics": .array(metrics.map { ["key": .string($0.key), "value": .number($0.point.value)] }),
        ]
    }
}

public enum LoggedModelStatus: String, Sendable, Hashable, CaseIterable {
    case pending = "PENDING"
    case ready = "READY"
    case failed = "FAILED"
}

/// A value measured on a logged model, by the run that measured it.
public struct ModelMetric: Sendable, Hashable {
    public let key: String
    public let point: MetricPoint
    public let run: String
    public let datasetName: String?
    public let datasetDigest: String?
}

/// What a new logged model begins with.
public struct LoggedModelDraft: Sendable {
    public var experiment: String
    public var name: String?
    public var type: String?
    public var sourceRun: String?
    public var params: [KeyValue] = []
    public var tags: [KeyValue] = []

    public init(experiment: String, name: String? = nil) {
        self.experiment = experiment
        self.name = name
    }
}
