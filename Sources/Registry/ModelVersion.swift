import Core

/// One version of a registered model: its files, what they were made from and how, and what people decided about it.
public struct ModelVersion: Sendable, Hashable {
    public let modelID: String
    public let name: String
    public let version: Int
    public let project: String
    /// Who registered it. The rule against approving one's own work looks at this.
    public let owner: String
    public let description: String
    /// What was registered, as the client named it: `models:/m-…`, `runs:/…/model`, `mlflow-artifacts:/…`.
    public let source: String
    public let runID: String?
    public let loggedModelID: String?
    /// A page about the run, when it ran elsewhere.
    public let runLink: String?
    /// Whether the version holds its files itself. One whose source is elsewhere, or was empty when it was registered,
    /// does not.
    public let hasFiles: Bool
    public let stage: ModelStage
    public let created: Timestamp
    public let updated: Timestamp
    public let tags: [String: String]
    public let aliases: [String]
    public let recipe: ModelRecipe
    /// What its MLmodel file says; nil when it has none.
    public let card: ModelCard?
    public let approval: ApprovalState

    public var ref: Ref { Ref(.model, name, version: version) }
    public var key: VersionKey { VersionKey(modelID: modelID, version: version) }

    public var json: JSONValue {
        [
            "name": .string(name), "version": JSONValue(version), "ref": JSONValue(ref), "project": .string(project),
            "owner": .string(owner),
            "description": .string(description), "source": .string(source),
            "run": JSONValue(runID.map { Ref(.run, $0).description }),
            "loggedModel": JSONValue(loggedModelID.map { Ref(.loggedModel, $0).description }),
            "runLink": JSONValue(runLink),
            "hasFiles": .bool(hasFiles), "stage": .string(stage.rawValue),
            "created": JSONValue(created), "updated": JSONValue(updated), "tags": JSONValue(tags),
            "aliases": JSONValue(aliases),
            "recipe": recipe.json, "signature": card?.signature ?? .null, "flavors": card?.flavors ?? .null,
            "approval": .string(approval.rawValue),
        ]
    }
}

/// Names a version for good, whatever the model is called.
public struct VersionKey: Sendable, Hashable {
    public let modelID: String
    public let version: Int

    public init(modelID: String, version: Int) {
        self.modelID = modelID
        self.version = version
    }

    /// Owner of the manifest that holds the version's files.
    var manifest: Ref { Ref(.model, modelID, version: version) }
}

/// MLflow's fixed stages. Aliases do better; old scripts still move versions between these.
public enum ModelStage: String, Sendable, CaseIterable {
    case none = "None"
    case staging = "Staging"
    case production = "Production"
    case archived = "Archived"

    /// Stages of which there is usually one version.
    public var isActive: Bool { self == .staging || self == .production }

    /// In any case, as MLflow takes it.
    ///
    /// - Throws: `invalid`.
    public init(parsing text: String) throws {
        guard let stage = Self.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() }) else {
            throw SlipwayError.field(
                "stage", "'\(text.prefix(40))' is not a stage",
                expected: "one of " + Self.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self = stage
    }
}

/// From when to when an alias named a version.
public struct AliasInterval: Sendable, Hashable {
    public let alias: String
    public let version: Int
    public let from: Timestamp
    /// nil: until now.
    public let until: Timestamp?
    public let setBy: String
    /// `set`, `promoted`.
    public let reason: String

    public var json: JSONValue {
        [
            "alias": .string(alias), "version": JSONValue(version), "from": JSONValue(from),
            "until": until.map { JSONValue($0) } ?? .null,
            "setBy": .string(setBy), "reason": .string(reason),
        ]
    }
}

/// Metrics of a version on one evaluation dataset or slice.
public struct Evaluation: Sendable, Hashable {
    public let id: String
    /// With its version: `dataset:sales@3`.
    public let dataset: Ref?
    public let slice: Ref?
    public let run: Ref?
    /// Finite or not: a NaN is kept and never wins.
    public let metrics: [String: Double]
    public let created: Timestamp
    public let createdBy: String

    public init(
        id: String, dataset: Ref?, slice: Ref?, run: Ref?, metrics: [String: Double], created: Timestamp,
        createdBy: String
    ) {
        self.id = id
        self.dataset = dataset
        self.slice = slice
        self.run = run
        self.metrics = metrics
        self.created = created
        self.createdBy = createdBy
    }

    /// What it was measured on, in words.
    public var subject: String { [dataset, slice].compactMap { $0?.description }.joined(separator: " ") }

    public var json: JSONValue {
        [
            "id": .string(id), "dataset": JSONValue(dataset?.description), "slice": JSONValue(slice?.description),
            "run": JSONValue(run?.description), "metrics": MetricMap.json(metrics), "created": JSONValue(created),
            "createdBy": .string(createdBy),
        ]
    }
}

/// Metrics as JSON: numbers that JSON has no form for are text, as protobuf's JSON form writes them.
enum MetricMap {
    static func json(_ metrics: [String: Double]) -> JSONValue {
        .object(
            metrics.mapValues { value in
                if value.isFinite { return .number(value) }
                return .string(value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity")
            })
    }

    static func parse(_ value: JSONValue?, field: String) throws -> [String: Double] {
        guard let fields = value?.objectValue else {
            throw SlipwayError.field(field, "is not an object", expected: "numbers by name")
        }
        return try fields.reduce(into: [:]) { result, item in
            guard let number = item.value.doubleValue else {
                throw SlipwayError.field("\(field).\(item.key)", "is \(item.value.kindName)", expected: "a number")
            }
            result[item.key] = number
        }
    }
}
