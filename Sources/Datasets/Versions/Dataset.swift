import Core
import Tables

/// A named series of immutable versions.
public struct Dataset: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable {
        /// Rows in Parquet files.
        case table
        /// Files of any sort, with columns about each.
        case files
    }

    /// The branch that is there from the first version on, and that a name without a selector means.
    public static let mainBranch = "main"

    public let name: String
    public let project: String
    public let kind: Kind
    /// The columns that together identify a row, for diffs, merges and labels; empty when nobody said. Of files: `path`.
    public let key: [String]
    public let description: String
    public let created: Timestamp
    /// The number of main's head; nil before the first version.
    public let latest: Int?

    public var ref: Ref { Ref(.dataset, name) }

    /// What is brought is of the other kind.
    var holdsOther: SlipwayError {
        let holds =
            kind == .files
            ? "files, not rows; use 'slipway data add'" : "rows, not files; use 'slipway data append'"
        return SlipwayError(.conflict, "The dataset \(name) holds \(holds).", ref: ref)
    }

    public var json: JSONValue {
        [
            "name": .string(name), "ref": JSONValue(ref), "project": .string(project), "kind": .string(kind.rawValue),
            "key": JSONValue(key), "description": .string(description),
            "created": JSONValue(created), "latest": latest.map { JSONValue($0) } ?? .null,
        ]
    }
}

/// One immutable version: Parquet files under their hashes, a schema, and how it was made.
public struct DatasetVersion: Sendable, Hashable {
    public let dataset: String
    public let project: String
    public let kind: Dataset.Kind
    public let number: Int
    /// The branch on which it was made.
    public let branch: String
    /// The version before it on that branch.
    public let parent: Int?
    /// Of a merge: the version that was merged in.
    public let merged: Int?
    /// The root of the tree of its files; nil for a version of before there were trees, whose files are in `manifest`.
    public let tree: Digest?
    public let manifest: String
    /// The tree's root (of versions of before there were trees, SHA-256 over the list of the files): equal digests, equal
    /// content.
    public let digest: Digest
    public let columns: [TableColumn]
    public let rowCount: Int64
    public let sizeBytes: Int64
    public let fileCount: Int
    public let message: String
    public let author: String
    public let created: Timestamp
    public let recipe: Recipe
    /// When its files were given up; what it was and how it was made stays known.
    public let deleted: Timestamp?

    public var ref: Ref { Ref(.dataset, dataset, version: number) }

    public var json: JSONValue {
        [
            "dataset": .string(dataset), "ref": JSONValue(ref), "project": .string(project),
            "kind": .string(kind.rawValue), "version": JSONValue(number), "branch": .string(branch),
            "parent": parent.map { JSONValue($0) } ?? .null, "merged": merged.map { JSONValue($0) } ?? .null,
            "digest": .string("sha256:" + digest.hex), "rows": .int(rowCount), "sizeBytes": .int(sizeBytes),
            "files": JSONValue(fileCount),
            "columns": .array(columns.map { ["name": .string($0.name), "type": .string($0.type)] }),
            "message": .string(message),
            "author": .string(author), "created": JSONValue(created), "recipe": recipe.json,
            "tree": tree.map { .string($0.hex) } ?? .null,
            "deleted": deleted.map { JSONValue($0) } ?? .null,
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
    /// How exactly the inputs were read (ETags, snapshots, times): for the record, and no part of the digest.
    public let read: JSONValue?

    public init(kind: String, inputs: [String], details: JSONValue, read: JSONValue? = nil) {
        self.kind = kind
        self.inputs = inputs
        self.details = details
        self.read = read
    }

    public var json: JSONValue {
        guard let read, case .object(var fields) = identity else { return identity }
        fields["read"] = read
        return .object(fields)
    }

    /// The same recipe with more about how it was read.
    func reading(_ more: [String: JSONValue]) -> Recipe {
        Recipe(
            kind: kind, inputs: inputs, details: details,
            read: .object((read?.objectValue ?? [:]).merging(more) { $1 }))
    }

    private var identity: JSONValue {
        ["kind": .string(kind), "inputs": JSONValue(inputs), "details": details]
    }

    public var digest: Digest { Digest.of(identity.canonicalText) }

    init(_ json: JSONValue) {
        kind = json["kind"]?.stringValue ?? ""
        inputs = json["inputs"]?.arrayValue?.compactMap(\.stringValue) ?? []
        details = json["details"] ?? [:]
        read = json["read"]
    }
}

/// Which version of a dataset is meant: what follows `@` in its ref.
public enum VersionSelector: Sendable, Hashable {
    /// The head of main: no selector, or `latest`.
    case latest
    case number(Int)
    /// A tag or a branch.
    case name(String)

    public init(_ text: String?) {
        switch text {
        case nil, "latest": self = .latest
        case let text?: self = Int(text).map { .number($0) } ?? .name(text)
        }
    }
}

/// A name for a version that moves on with each version made on it (a branch), or stays (a tag).
public struct NamedVersion: Sendable, Hashable {
    public enum Kind: String, Sendable { case branch, tag }

    public let kind: Kind
    public let dataset: String
    public let name: String
    /// A branch's newest version; a tag's version.
    public let number: Int
    public let author: String
    public let created: Timestamp

    public var ref: Ref { Ref(.dataset, dataset, selector: name) }

    public var json: JSONValue {
        [
            "kind": .string(kind.rawValue), "name": .string(name), "ref": JSONValue(ref),
            "version": JSONValue(number), "author": .string(author), "created": JSONValue(created),
        ]
    }

    /// - Throws: `invalid` for a name that could be mistaken for a number or for `latest`.
    static func validate(_ name: String, field: String) throws {
        try Name.validate(name, field: field)
        guard Int(name) == nil, name != "latest" else {
            throw SlipwayError.field(
                field, "'\(name)' would read as a version", expected: "a name that is neither a number nor 'latest'")
        }
    }
}

/// One file of a version.
public struct DatasetFile: Sendable, Hashable {
    public let path: String
    public let digest: Digest
    public let sizeBytes: Int64
}
