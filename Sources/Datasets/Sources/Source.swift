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

/// What happens with rows whose columns are not those of the dataset that they go to.
enum OnSchemaChange: String, Sendable, CaseIterable {
    /// They are refused, with what differs.
    case fail
    /// New columns are taken on; rows without a column have NULL there.
    case evolve
    /// New columns are dropped; rows without a column have NULL there.
    case ignore

    /// - Throws: `invalid`, naming the field.
    init?(parsing text: String?, field: String) throws {
        guard let text else { return nil }
        guard let choice = OnSchemaChange(rawValue: text) else {
            throw SlipwayError.field(
                field, "'\(text.prefix(40))' is not a choice",
                expected: Self.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self = choice
    }
}
