import Core
import Tables

/// A named series of immutable versions.
public struct Dataset: Sendable, Hashable {
    public let name: String
    public let project: String
    public let description: String
    public let created: Timestamp
    /// The newest version's number; nil before the first.
    public let latest: Int?

    public var ref: Ref { Ref(.dataset, name) }

    public var json: JSONValue {
        [
            "name": .string(name), "ref": JSONValue(ref), "project": .string(project),
            "description": .string(description),
            "created": JSONValue(created), "latest": latest.map { JSONValue($0) } ?? .null,
        ]
    }
}

/// One immutable version: Parquet files under their hashes, a schema, and how it was made.
public struct DatasetVersion: Sendable, Hashable {
    public let dataset: String
    public let project: String
    public let number: Int
    public let manifest: String
    /// SHA-256 over the canonical list of the files: equal digests, equal content.
    public let digest: Digest
    public let columns: [TableColumn]
    public let rowCount: Int64
    public let sizeBytes: Int64
    public let fileCount: Int
    public let message: String
    public let author: String
    public let created: Timestamp
    public let recipe: Recipe

    public var ref: Ref { Ref(.dataset, dataset, version: number) }

    public var json: JSONValue {
        [
            "dataset": .string(dataset), "ref": JSONValue(ref), "project": .string(project),
            "version": JSONValue(number),
            "digest": .string("sha256:" + digest.hex), "rows": .int(rowCount), "sizeBytes": .int(sizeBytes),
            "files": JSONValue(fileCount),
            "columns": .array(columns.map { ["name": .string($0.name), "type": .string($0.type)] }),
            "message": .string(message),
            "author": .string(author), "created": JSONValue(created), "recipe": recipe.json,
        ]
    }
}

/// What a thing was made from and how. Equal recipes make equal things, so the digest is a cache key.
public struct Recipe: Sendable, Hashable {
    /// `import`, `append`, `derive`, `step` …
    public let kind: String
    /// Refs (or file URLs with their digests) that went in.
    public let inputs: [String]
    /// Everything else that matters: SQL, parameters, code digest, environment digest, seed.
    public let details: JSONValue

    public init(kind: String, inputs: [String], details: JSONValue) {
        self.kind = kind
        self.inputs = inputs
        self.details = details
    }

    public var json: JSONValue { ["kind": .string(kind), "inputs": JSONValue(inputs), "details": details] }

    public var digest: Digest { Digest.of(json.canonicalText) }

    init(_ json: JSONValue) {
        kind = json["kind"]?.stringValue ?? ""
        inputs = json["inputs"]?.arrayValue?.compactMap(\.stringValue) ?? []
        details = json["details"] ?? [:]
    }
}

/// One file of a version.
public struct DatasetFile: Sendable, Hashable {
    public let path: String
    public let digest: Digest
    public let sizeBytes: Int64
}

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

/// Where data comes from.
public struct Source: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable { case file, http, s3, postgres, sqlite }

    public let name: String
    public let project: String
    public let kind: Kind
    /// A path or glob, a URL, an `s3://` prefix, a database URL or file; never with a password.
    public let location: String
    /// For databases: what to read.
    public let query: String?
    public let format: TableInput.Format?
    public let encoding: TableInput.Encoding
    public let created: Timestamp
    /// When it was last read, and what was seen then (ETag, sizes, digest).
    public let lastImported: Timestamp?
    public let lastSeen: JSONValue?

    public var ref: Ref { Ref(.source, name) }

    public var json: JSONValue {
        [
            "name": .string(name), "ref": JSONValue(ref), "project": .string(project), "kind": .string(kind.rawValue),
            "location": .string(location), "query": JSONValue(query), "format": JSONValue(format?.rawValue),
            "encoding": .string(encoding.rawValue), "created": JSONValue(created),
            "lastImported": lastImported.map { JSONValue($0) } ?? .null, "lastSeen": lastSeen ?? .null,
        ]
    }
}

/// Two versions side by side.
public struct DatasetDiff: Sendable {
    public let from: DatasetVersion
    public let to: DatasetVersion
    public let rowsAdded: Int64
    public let rowsRemoved: Int64
    public let statistics: [JSONValue]

    public var json: JSONValue {
        let old = Dictionary(from.columns.map { ($0.name, $0.type) }) { a, _ in a }
        let new = Dictionary(to.columns.map { ($0.name, $0.type) }) { a, _ in a }
        let changed = from.columns.filter { column in new[column.name].map { $0 != column.type } ?? false }
        return [
            "from": JSONValue(from.ref), "to": JSONValue(to.ref), "same": .bool(from.digest == to.digest),
            "schema": [
                "added": JSONValue(to.columns.map(\.name).filter { old[$0] == nil }),
                "removed": JSONValue(from.columns.map(\.name).filter { new[$0] == nil }),
                "changed": .array(
                    changed.map { ["name": .string($0.name), "from": .string($0.type), "to": JSONValue(new[$0.name])] }),
            ],
            "rows": [
                "from": .int(from.rowCount), "to": .int(to.rowCount), "added": .int(rowsAdded),
                "removed": .int(rowsRemoved),
            ],
            "statistics": .array(statistics),
        ]
    }
}
