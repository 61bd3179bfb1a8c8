import Core
import Tables

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
