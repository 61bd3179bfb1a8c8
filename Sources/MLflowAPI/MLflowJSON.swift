import Core
import Tracking

/// Tracking's types as MLflow's messages. Unset fields are left out, as are empty lists.
extension JSONWriter {
    mutating func field(_ name: String, _ value: String?) {
        guard let value else { return }
        key(name)
        write(value)
    }

    mutating func field(_ name: String, _ value: Int64?) {
        guard let value else { return }
        key(name)
        write(value)
    }

    mutating func field(_ name: String, _ time: Timestamp?) { field(name, time?.milliseconds) }

    /// A repeated field.
    mutating func list<Item>(_ name: String, _ items: [Item], _ body: (inout JSONWriter, Item) -> Void) {
        guard !items.isEmpty else { return }
        key(name)
        array { writer in
            for item in items { writer.object { body(&$0, item) } }
        }
    }

    mutating func message(_ name: String, _ body: (inout JSONWriter) -> Void) {
        key(name)
        object(body)
    }

    mutating func keyValues(_ name: String, _ items: [KeyValue]) {
        list(name, items) { writer, item in
            writer.field("key", item.key)
            writer.field("value", item.value)
        }
    }

    // MARK: Experiments and runs

    mutating func fields(of experiment: Experiment) {
        field("experiment_id", experiment.id)
        field("name", experiment.name)
        field("artifact_location", experiment.artifactLocation)
        field("lifecycle_stage", experiment.lifecycle.rawValue)
        field("last_update_time", experiment.updated)
        field("creation_time", experiment.created)
        keyValues("tags", experiment.tags)
        field("workspace", experiment.project)
    }

    mutating func fields(of info: RunInfo) {
        field("run_id", info.id)
        field("run_uuid", info.id)
        field("run_name", info.name)
        field("experiment_id", info.experiment)
        field("user_id", info.user)
        field("status", info.status.rawValue)
        field("start_time", info.started)
        field("end_time", info.ended)
        field("artifact_uri", info.artifactLocation)
        field("lifecycle_stage", info.lifecycle.rawValue)
    }

    mutating func fields(of run: Run) {
        message("info") { $0.fields(of: run.info) }
        message("data") { writer in
            writer.list("metrics", run.metrics) { $0.fields(of: $1.point, key: $1.key) }
            writer.keyValues("params", run.params)
            writer.keyValues("tags", run.tags)
        }
        message("inputs") { writer in
            writer.list("dataset_inputs", run.datasets) { $0.fields(of: $1) }
            writer.list("model_inputs", run.modelInputs) { $0.field("model_id", $1) }
        }
        message("outputs") { writer in
            writer.list("model_outputs", run.modelOutputs) { writer, output in
                writer.field("model_id", output.model)
                writer.field("step", output.step)
            }
        }
    }

    mutating func fields(of point: MetricPoint, key name: String) {
        key("key")
        write(name)
        key("value")
        write(point.value)
        key("timestamp")
        write(point.time.milliseconds)
        key("step")
        write(point.step)
    }

    mutating func fields(of input: DatasetInput) {
        keyValues("tags", input.tags)
        message("dataset") { writer in
            writer.field("name", input.name)
            writer.field("digest", input.digest)
            writer.field("source_type", input.sourceType)
            writer.field("source", input.source)
            writer.field("schema", input.schema)
            writer.field("profile", input.profile)
        }
    }

    // MARK: Logged models

    mutating func fields(of model: LoggedModel) {
        message("info") { writer in
            writer.field("model_id", model.id)
            writer.field("experiment_id", model.experiment)
            writer.field("name", model.name)
            writer.field("creation_timestamp_ms", model.created)
            writer.field("last_updated_timestamp_ms", model.updated)
            writer.field("artifact_uri", model.artifactLocation)
            writer.field("status", model.status.mlflowName)
            writer.field("model_type", model.type)
            writer.field("source_run_id", model.sourceRun)
            writer.keyValues("tags", model.tags)
        }
        message("data") { writer in
            writer.keyValues("params", model.params)
            writer.list("metrics", model.metrics) { writer, metric in
                writer.fields(of: metric.point, key: metric.key)
                writer.field("dataset_name", metric.datasetName)
                writer.field("dataset_digest", metric.datasetDigest)
                writer.field("model_id", model.id)
                writer.field("run_id", metric.run)
            }
        }
    }

    // MARK: Artifacts

    /// - Parameter name: what the listing calls the file: its whole path or its last part.
    mutating func fields(of entry: ArtifactEntry, named name: String) {
        field("path", name)
        key("is_dir")
        write(entry.isFolder)
        field("file_size", entry.sizeBytes)
    }
}

extension LoggedModelStatus {
    static let mlflowChoices: [(name: String, number: Int64, value: LoggedModelStatus)] = [
        ("LOGGED_MODEL_PENDING", 1, .pending), ("LOGGED_MODEL_READY", 2, .ready),
        ("LOGGED_MODEL_UPLOAD_FAILED", 3, .failed),
    ]

    var mlflowName: String {
        switch self {
        case .pending: "LOGGED_MODEL_PENDING"
        case .ready: "LOGGED_MODEL_READY"
        case .failed: "LOGGED_MODEL_UPLOAD_FAILED"
        }
    }
}

extension RunStatus {
    static let mlflowChoices: [(name: String, number: Int64, value: RunStatus)] = [
        ("RUNNING", 1, .running), ("SCHEDULED", 2, .scheduled), ("FINISHED", 3, .finished), ("FAILED", 4, .failed),
        ("KILLED", 5, .killed),
    ]
}

extension LifecycleView {
    static let mlflowChoices: [(name: String, number: Int64, value: LifecycleView)] = [
        ("ACTIVE_ONLY", 1, .active), ("DELETED_ONLY", 2, .deleted), ("ALL", 3, .all),
    ]
}
