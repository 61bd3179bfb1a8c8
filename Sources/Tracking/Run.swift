import Core

/// One execution that is tracked. The numbers and texts that it logged are in `Run`.
public struct RunInfo: Sendable, Hashable {
    public let id: String
    public let experiment: String
    public let project: String
    public let name: String
    /// Whom the client named as its user.
    public let user: String
    public let status: RunStatus
    public let started: Timestamp
    public let ended: Timestamp?
    public let lifecycle: Lifecycle
    public let artifactLocation: String
    /// The id in the database.
    let key: Int64

    public var ref: Ref { Ref(.run, id) }
    var experimentKey: Int64 { Int64(experiment) ?? 0 }
}

public enum RunStatus: String, Sendable, Hashable, CaseIterable {
    case running = "RUNNING"
    case scheduled = "SCHEDULED"
    case finished = "FINISHED"
    case failed = "FAILED"
    case killed = "KILLED"

    public var isEnd: Bool { self == .finished || self == .failed || self == .killed }
}

/// A run with what it logged.
public struct Run: Sendable, Hashable {
    public let info: RunInfo
    /// The newest point of each metric, by key.
    public let metrics: [LatestMetric]
    public let params: [KeyValue]
    public let tags: [KeyValue]
    public let datasets: [DatasetInput]
    /// Ids of the logged models that it used.
    public let modelInputs: [String]
    public let modelOutputs: [ModelOutput]

    /// The newest value of a metric.
    public func metric(_ key: String) -> Double? { metrics.first { $0.key == key }?.point.value }

    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "id": .string(info.id), "ref": JSONValue(info.ref), "name": .string(info.name),
            "experiment": .string(info.experiment), "project": .string(info.project), "user": .string(info.user),
            "status": .string(info.status.rawValue), "started": JSONValue(info.started),
            "ended": info.ended.map { JSONValue($0) } ?? .null, "lifecycle": .string(info.lifecycle.rawValue),
            "artifactLocation": .string(info.artifactLocation), "params": JSONValue(params.map),
            "tags": JSONValue(tags.map),
            "metrics": .object(
                Dictionary(metrics.map { ($0.key, JSONValue.number($0.point.value)) }) { _, last in last }),
        ]
        if !datasets.isEmpty { fields["datasets"] = .array(datasets.map(\.json)) }
        if !modelInputs.isEmpty { fields["modelInputs"] = JSONValue(modelInputs) }
        if !modelOutputs.isEmpty { fields["modelOutputs"] = JSONValue(modelOutputs.map(\.model)) }
        return .object(fields)
    }
}

/// What a new run begins with.
public struct RunDraft: Sendable {
    public var experiment: String
    /// Invented when nil and when no tag `mlflow.runName` names it.
    public var name: String?
    public var user: String?
    public var started: Timestamp?
    public var status: RunStatus = .running
    public var tags: [KeyValue] = []

    public init(experiment: String, name: String? = nil) {
        self.experiment = experiment
        self.name = name
    }

    /// The tag in which MLflow's clients keep a run's name.
    public static let nameTag = "mlflow.runName"
}

/// A dataset that a run used. A source, digest or name that is a ref such as `dataset:sales@3` joins the run to that
/// dataset version's lineage.
public struct DatasetInput: Sendable, Hashable {
    public let name: String
    public let digest: String
    public let sourceType: String
    public let source: String
    /// JSON text, as the client sent it.
    public let schema: String?
    /// JSON text, as the client sent it.
    public let profile: String?
    public let tags: [KeyValue]

    public init(
        name: String, digest: String, sourceType: String, source: String, schema: String? = nil, profile: String? = nil,
        tags: [KeyValue] = []
    ) {
        self.name = name
        self.digest = digest
        self.sourceType = sourceType
        self.source = source
        self.schema = schema
        self.profile = profile
        self.tags = tags
    }

    /// What it was used for: the tag `mlflow.data.context`.
    public var context: String? { tags.first { $0.key == "mlflow.data.context" }?.value }

    /// The Slipway dataset version (or slice) that this names, if it does.
    public var slipwayRef: Ref? {
        var candidates = [source, digest, name]
        if let fields = (try? JSONValue(parsing: source))?.objectValue {
            candidates += ["ref", "uri", "url", "path"].compactMap { fields[$0]?.stringValue }
        }
        for text in candidates {
            let bare = text.hasPrefix("slipway://") ? String(text.dropFirst("slipway://".count)) : text
            if let ref = try? Ref(parsing: bare), ref.kind == .slice || (ref.kind == .dataset && ref.version != nil) {
                return ref
            }
        }
        return nil
    }

    var json: JSONValue {
        [
            "name": .string(name), "digest": .string(digest), "sourceType": .string(sourceType),
            "source": .string(source),
            "schema": JSONValue(schema), "tags": JSONValue(tags.map), "ref": JSONValue(slipwayRef?.description),
        ]
    }
}

/// A logged model that a run made.
public struct ModelOutput: Sendable, Hashable {
    public let model: String
    public let step: Int64

    public init(model: String, step: Int64) {
        self.model = model
        self.step = step
    }
}
