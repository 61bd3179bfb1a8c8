import Core

/// A named group of runs.
public struct Experiment: Sendable, Hashable {
    /// A whole number in decimal, as MLflow's clients expect; "0" is the experiment `Default`.
    public let id: String
    /// Unique on the server.
    public let name: String
    public let project: String
    /// Where its runs keep their artifacts: `mlflow-artifacts:/<id>` unless its maker chose another place.
    public let artifactLocation: String
    public let lifecycle: Lifecycle
    public let created: Timestamp
    public let updated: Timestamp
    /// By key.
    public let tags: [KeyValue]

    public var ref: Ref { Ref(.experiment, id) }

    public var json: JSONValue {
        [
            "id": .string(id), "ref": JSONValue(ref), "name": .string(name), "project": .string(project),
            "artifactLocation": .string(artifactLocation), "lifecycle": .string(lifecycle.rawValue),
            "created": JSONValue(created), "updated": JSONValue(updated), "tags": JSONValue(tags.map),
        ]
    }

    /// The id in the database.
    ///
    /// - Throws: `invalid` when it is not a whole number.
    static func key(of id: String) throws -> Int64 {
        guard let key = Int64(id) else {
            throw SlipwayError(
                .invalid, "Invalid experiment ID '\(id.prefix(80))'. Experiment ID must be a valid integer.",
                details: ["field": "experiment_id"])
        }
        return key
    }
}

/// Deleted things stay, hidden, and can be restored.
public enum Lifecycle: String, Sendable, Hashable, CaseIterable {
    case active
    case deleted
}

/// Which lifecycles a search looks at.
public enum LifecycleView: String, Sendable, CaseIterable {
    case active
    case deleted
    case all
}

/// A parameter or a tag.
public struct KeyValue: Sendable, Hashable {
    public let key: String
    public let value: String

    public init(_ key: String, _ value: String) {
        self.key = key
        self.value = value
    }
}

extension [KeyValue] {
    /// The value of each key.
    public var map: [String: String] { Dictionary(self.map { ($0.key, $0.value) }) { _, last in last } }

    /// One value a key, the last one, ordered by key.
    var lastOfEachKey: [KeyValue] { map.sorted { $0.key < $1.key }.map { KeyValue($0.key, $0.value) } }
}
