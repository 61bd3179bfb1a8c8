import Core

/// A named, versioned query over a dataset, used alike by view, training, evaluation, gates and monitoring.
public struct Slice: Sendable, Hashable {
    public let name: String
    public let version: Int
    public let project: String
    public let dataset: String
    /// A condition in DuckDB's SQL: what follows WHERE.
    public let condition: String
    public let description: String
    public let owner: String
    public let created: Timestamp

    public var ref: Ref { Ref(.slice, name, version: version) }

    public var json: JSONValue {
        [
            "name": .string(name), "ref": JSONValue(ref), "version": JSONValue(version), "project": .string(project),
            "dataset": .string(dataset), "where": .string(condition), "description": .string(description),
            "owner": .string(owner),
            "created": JSONValue(created),
        ]
    }
}
