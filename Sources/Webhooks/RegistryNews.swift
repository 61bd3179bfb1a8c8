import Core
import Ledger
import Registry

/// A thing that happened, as a webhook is told it.
struct WebhookMessage: Sendable {
    let event: WebhookEvent
    /// What MLflow's documentation calls the payload: the fields depend on the event.
    let data: JSONValue
}

/// The registry's events of the ledger in MLflow's words. A prompt is a registered model, and has events of its own.
struct RegistryNews: Sendable {
    static let types: Set<String> = [
        "model.created", "model.version.created", "model.tag.set", "model.tag.deleted", "model.alias.set",
        "model.alias.removed",
    ]
    /// Tags that make a model a prompt are not told.
    private static let promptTags: Set<String> = ["mlflow.prompt.is_prompt", "_mlflow_prompt_type"]
    private static let promptText = "mlflow.prompt.text"

    let registry: RegistryService

    /// nil for what MLflow has no event for.
    func message(of event: Event) async throws -> WebhookMessage? {
        let name = event.subject.name
        let version = event.subject.version
        let model = try? await registry.model(name, as: .system)
        let isPrompt = model?.isPrompt ?? Self.isPrompt(event.data["tags"])
        var data: [String: JSONValue] = ["name": .string(name)]
        if let version { data["version"] = .string(String(version)) }
        for key in ["key", "value", "alias"] where event.data[key] != nil { data[key] = event.data[key] }

        let entity: String
        let action: String
        switch event.type {
        case "model.created":
            (entity, action) = (isPrompt ? "prompt" : "registered_model", "created")
            data["tags"] = Self.tags(event.data["tags"]?.objectValue ?? [:], isPrompt)
            data["description"] = event.data["description"] ?? .null
        case "model.version.created":
            (entity, action) = (isPrompt ? "prompt_version" : "model_version", "created")
            let made = try? await registry.version(name, version ?? 0, as: .system)
            var tags = (made?.tags ?? [:]).mapValues { JSONValue.string($0) }
            if isPrompt {
                data["template"] = tags.removeValue(forKey: Self.promptText) ?? .null
            } else {
                data["source"] = event.data["source"] ?? .null
                data["run_id"] = event.data["run"] ?? .null
            }
            data["tags"] = Self.tags(tags, isPrompt)
            data["description"] = made.flatMap { $0.description.isEmpty ? nil : .string($0.description) } ?? .null
        case "model.tag.set", "model.tag.deleted":
            if version == nil, !isPrompt { return nil }
            let prefix = version == nil ? "prompt" : isPrompt ? "prompt_version" : "model_version"
            (entity, action) = (prefix + "_tag", event.type == "model.tag.set" ? "set" : "deleted")
        default:
            let isSet = event.type == "model.alias.set"
            (entity, action) = (isPrompt ? "prompt_alias" : "model_version_alias", isSet ? "created" : "deleted")
        }
        return WebhookMessage(event: try WebhookEvent(entity: entity, action: action), data: .object(data))
    }

    private static func isPrompt(_ tags: JSONValue?) -> Bool {
        tags?["mlflow.prompt.is_prompt"]?.stringValue?.lowercased() == "true"
    }

    private static func tags(_ tags: [String: JSONValue], _ isPrompt: Bool) -> JSONValue {
        .object(isPrompt ? tags.filter { !promptTags.contains($0.key) } : tags)
    }
}

extension WebhookEvent {
    /// A payload to try a webhook with.
    var example: JSONValue {
        var data: [String: JSONValue] = ["name": "example"]
        switch (entity, action) {
        case ("registered_model", _), ("prompt", _):
            data.merge(["tags": ["team": "example"], "description": "Sent by a test."]) { $1 }
        case ("model_version", _):
            data.merge([
                "version": "1", "source": "models:/m-example", "run_id": "example", "tags": ["team": "example"],
                "description": "Sent by a test.",
            ]) { $1 }
        case ("prompt_version", _):
            data.merge([
                "version": "1", "template": "Hello {{name}}!", "tags": ["team": "example"],
                "description": "Sent by a test.",
            ]) { $1 }
        case ("prompt_tag", "set"): data.merge(["key": "team", "value": "example"]) { $1 }
        case ("prompt_tag", _): data["key"] = "team"
        case (_, "set"): data.merge(["version": "1", "key": "team", "value": "example"]) { $1 }
        case ("model_version_tag", _), ("prompt_version_tag", _): data.merge(["version": "1", "key": "team"]) { $1 }
        case (_, "created"): data.merge(["alias": "champion", "version": "1"]) { $1 }
        default: data["alias"] = "champion"
        }
        return .object(data)
    }
}
