import Core

/// A model by name: the line of its versions, who owns it, and what a version must pass.
public struct RegisteredModel: Sendable, Hashable {
    /// Stays the same when the model is renamed.
    public let id: String
    public let name: String
    public let project: String
    public let owner: String
    public let description: String
    public let created: Timestamp
    public let updated: Timestamp
    public let tags: [String: String]
    /// The version that each alias names now.
    public let aliases: [String: Int]
    public let policy: ModelPolicy

    public var ref: Ref { Ref(.model, name) }

    /// MLflow keeps prompts as registered models with this tag.
    public var isPrompt: Bool { tags[Self.promptTag]?.lowercased() == "true" }
    static let promptTag = "mlflow.prompt.is_prompt"

    public var json: JSONValue {
        [
            "name": .string(name), "ref": JSONValue(ref), "project": .string(project), "owner": .string(owner),
            "description": .string(description), "created": JSONValue(created), "updated": JSONValue(updated),
            "tags": JSONValue(tags),
            "aliases": .object(aliases.mapValues { JSONValue($0) }), "policy": policy.json,
        ]
    }
}

/// The rule for names of registered models: MLflow's (anything without `/` and `:`), less what a ref cannot spell.
enum ModelName {
    static let maximumBytes = 256

    /// - Throws: `invalid`, naming `field`.
    @discardableResult
    static func validate(_ text: String, field: String = "name") throws -> String {
        let problem: String? =
            if text.allSatisfy(\.isWhitespace) { "is empty" } else if text.utf8.count > maximumBytes {
                "is longer than \(maximumBytes) bytes"
            } else if let bad = text.first(where: { "/:@".contains($0) }) {
                "contains '\(bad)'"
            } else if text == "." || text == ".." {
                "is '\(text)'"
            } else if text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
                "contains a control character"
            } else { nil }
        if let problem {
            throw SlipwayError.field(field, problem, expected: "1 to \(maximumBytes) bytes without '/', ':' and '@'")
        }
        return text
    }
}

/// A label that names one version of a model at a time, such as `champion`.
enum ModelAlias {
    static let maximumBytes = 200

    /// - Throws: `invalid` for other characters than letters, digits, `_`, `-`, and for labels that mean something else.
    @discardableResult
    static func validate(_ text: String) throws -> String {
        let isWord = text.utf8.allSatisfy {
            ($0 >= 48 && $0 <= 57) || ($0 >= 65 && $0 <= 90) || ($0 >= 97 && $0 <= 122) || $0 == UInt8(ascii: "_")
                || $0 == UInt8(ascii: "-")
        }
        guard !text.isEmpty, text.utf8.count <= maximumBytes, isWord else {
            throw SlipwayError.field(
                "alias", "'\(text.prefix(80))' is not a valid alias",
                expected: "1 to \(maximumBytes) letters, digits, '-' or '_'")
        }
        guard text.lowercased() != "latest" else {
            throw SlipwayError.field("alias", "'latest' is reserved: it is always the newest version")
        }
        // `5` would read as a version number in a ref; `v5` does in MLflow's URIs.
        let digits = text.lowercased().hasPrefix("v") ? text.dropFirst() : text[...]
        guard digits.isEmpty || !digits.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else {
            throw SlipwayError.field(
                "alias", "'\(text)' reads as a version number", expected: "a word such as champion")
        }
        return text
    }
}

/// Tags of models and versions: MLflow's limits.
enum ModelTag {
    static let maximumKeyBytes = 250
    static let maximumValueBytes = 100_000

    static func validate(_ key: String, _ value: String) throws {
        guard !key.isEmpty, key.utf8.count <= maximumKeyBytes, !key.unicodeScalars.contains(where: { $0.value < 32 })
        else {
            throw SlipwayError.field(
                "key", "'\(key.prefix(80))' is not a tag's key",
                expected: "1 to \(maximumKeyBytes) bytes without control characters")
        }
        guard value.utf8.count <= maximumValueBytes else {
            throw SlipwayError(
                .tooLarge, "The tag \(key.prefix(80)) is over \(maximumValueBytes) bytes.",
                details: ["field": "value", "limit": String(maximumValueBytes)])
        }
    }
}
