import Core

/// Where a project's events are sent.
public struct Webhook: Sendable, Hashable {
    public enum Status: String, Sendable, CaseIterable {
        case active = "ACTIVE"
        case disabled = "DISABLED"
    }

    public let id: String
    public let project: String
    public var name: String
    public var description: String?
    public var url: String
    public var events: [WebhookEvent]
    public var status: Status
    /// The secret of the signatures, as `SecretBox` seals it.
    var sealedSecret: String?
    public let author: String
    public let created: Timestamp
    public var updated: Timestamp

    static let nameLength = 63
    static let urlBytes = 2048
    static let descriptionLength = 1000
    static let secretBytes = 1024

    public var json: JSONValue {
        [
            "id": .string(id), "project": .string(project), "name": .string(name),
            "description": JSONValue(description), "url": .string(url), "events": JSONValue(events.map(\.description)),
            "status": .string(status.rawValue.lowercased()), "signed": .bool(sealedSecret != nil),
            "author": .string(author), "created": JSONValue(created), "updated": JSONValue(updated),
        ]
    }

    /// - Throws: `invalid` for the first field that breaks a rule; the messages begin as MLflow's do.
    func validate() throws {
        let isWord: (UInt8) -> Bool = {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
        }
        guard (1...Self.nameLength).contains(name.utf8.count), name.utf8.first.map(isWord) == true,
            name.utf8.last.map(isWord) == true,
            name.utf8.allSatisfy({ isWord($0) || ".-_".utf8.contains($0) })
        else {
            throw SlipwayError(
                .invalid,
                "Webhook name '\(name.prefix(80))' is invalid. It must start and end with a letter or digit, have at most \(Self.nameLength) characters, and contain only letters, digits, '.', '_' and '-'.",
                details: ["field": "name"])
        }
        guard !events.isEmpty else {
            throw SlipwayError(
                .invalid, "Webhook events must be a non-empty list of events.", details: ["field": "events"])
        }
        guard (description ?? "").unicodeScalars.count <= Self.descriptionLength else {
            throw SlipwayError.field("description", "is longer than \(Self.descriptionLength) characters")
        }
    }
}

/// What a webhook can be told, in MLflow's words: what it is about, and what happened to it.
public struct WebhookEvent: Sendable, Hashable, CustomStringConvertible {
    public let entity: String
    public let action: String

    public var description: String { "\(entity).\(action)" }

    /// All that there are. MLflow's `budget_policy.exceeded` is not among them: there is no gateway with budgets here.
    public static let all: [WebhookEvent] = [
        ("registered_model", ["created"]), ("model_version", ["created"]), ("model_version_tag", ["set", "deleted"]),
        ("model_version_alias", ["created", "deleted"]), ("prompt", ["created"]), ("prompt_version", ["created"]),
        ("prompt_tag", ["set", "deleted"]), ("prompt_version_tag", ["set", "deleted"]),
        ("prompt_alias", ["created", "deleted"]),
    ].flatMap { entity, actions in actions.map { WebhookEvent(known: entity, $0) } }

    private init(known entity: String, _ action: String) {
        self.entity = entity
        self.action = action
    }

    /// - Throws: `invalid` for what is none of `all`.
    public init(entity: String, action: String) throws {
        let wanted = WebhookEvent(known: entity.lowercased(), action.lowercased())
        guard Self.all.contains(wanted) else {
            throw SlipwayError(
                .invalid,
                "Invalid action '\(action.prefix(40))' for entity '\(entity.prefix(40))'. The events are: \(Self.all.map(\.description).joined(separator: ", ")).",
                details: ["field": "events"])
        }
        self = wanted
    }

    /// Parses `model_version.created`.
    public init(parsing text: String) throws {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        try self.init(entity: parts[0], action: parts.count == 2 ? parts[1] : "")
    }
}

/// One event on its way to one webhook, and how that went.
public struct WebhookDelivery: Sendable, Hashable {
    public enum State: String, Sendable, CaseIterable {
        case pending, delivered, failed
    }

    public let id: String
    public let webhook: String
    public let event: String
    public let state: State
    /// Tries so far.
    public let attempts: Int
    public let created: Timestamp
    /// When it will be tried again; nil when it will not.
    public let due: Timestamp?
    public let finished: Timestamp?
    /// The status of the last answer.
    public let responseStatus: Int?
    /// What went wrong the last time.
    public let error: String?
    /// The JSON that is sent.
    let body: String

    public var json: JSONValue {
        [
            "id": .string(id), "webhook": .string(webhook), "event": .string(event), "state": .string(state.rawValue),
            "attempts": JSONValue(attempts), "created": JSONValue(created), "due": due.map { JSONValue($0) } ?? .null,
            "finished": finished.map { JSONValue($0) } ?? .null,
            "responseStatus": responseStatus.map { .int(Int64($0)) } ?? .null, "error": JSONValue(error),
        ]
    }
}
