import Core
import Registry
import Tracking

/// The registry's types as MLflow's messages. Numbers of versions are text, as its clients expect.
extension JSONWriter {
    /// - Parameter latest: the newest version of each stage.
    mutating func fields(of model: RegisteredModel, latest: [ModelVersion]) {
        field("name", model.name)
        field("creation_timestamp", model.created)
        field("last_updated_timestamp", model.updated)
        field("user_id", model.owner)
        if !model.description.isEmpty { field("description", model.description) }
        list("latest_versions", latest) { $0.fields(of: $1) }
        keyValues("tags", model.tags.sorted { $0.key < $1.key }.map { KeyValue($0.key, $0.value) })
        list("aliases", model.aliases.sorted { $0.key < $1.key }) { writer, alias in
            writer.field("alias", alias.key)
            writer.field("version", String(alias.value))
        }
    }

    mutating func fields(of version: ModelVersion) {
        field("name", version.name)
        field("version", String(version.version))
        field("creation_timestamp", version.created)
        field("last_updated_timestamp", version.updated)
        field("user_id", version.owner)
        field("current_stage", version.stage.rawValue)
        if !version.description.isEmpty { field("description", version.description) }
        field("source", version.source)
        field("run_id", version.runID)
        field("model_id", version.loggedModelID)
        // Registering takes one transaction, so no client has to wait for it.
        field("status", "READY")
        field("run_link", version.runLink ?? "")
        keyValues("tags", version.tags.sorted { $0.key < $1.key }.map { KeyValue($0.key, $0.value) })
        if !version.aliases.isEmpty {
            key("aliases")
            array { writer in
                for alias in version.aliases { writer.write(alias) }
            }
        }
    }
}
