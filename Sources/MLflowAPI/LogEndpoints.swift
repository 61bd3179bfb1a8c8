import Core
import Tracking
import Web

extension MLflowRoutes {
    /// `runs/log-…` and the tags of runs.
    var logRoutes: [Route] {
        rawEndpoint(.post, "mlflow/runs/log-batch", .writeRuns, "logs metrics, parameters and tags.") {
            [tracking] request in
            let (run, batch) = try LogBatchReader.read(try await request.bytes(maximumBytes: LogBatchReader.bodyBytes))
            try await tracking.log(batch, run: run, as: request.principal)
            return .mlflowEmpty
        }
            + endpoint(.post, "runs/log-metric", .writeRuns, "logs one point of a metric.") {
                [tracking] fields, principal in
                let key = try fields.required("key")
                guard let value = try fields.double("value") else { throw fields.missing("value") }
                guard let time = try fields.int("timestamp") else { throw fields.missing("timestamp") }
                let subject = try fields.filled("model_id").map {
                    LoggedMetric.Subject(
                        model: $0, datasetName: try fields.filled("dataset_name"),
                        datasetDigest: try fields.filled("dataset_digest"))
                }
                let point = MetricPoint(
                    step: try fields.int("step") ?? 0, time: Timestamp(milliseconds: time),
                    value: LogBatchReader.storable(value))
                let batch = LogBatch(metrics: [LoggedMetric(key: key, point: point, subject: subject)])
                try await tracking.log(batch, run: fields.runID(), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "runs/log-parameter", .writeRuns, "logs a parameter.") { [tracking] fields, principal in
                let param = KeyValue(try fields.required("key"), try fields.text("value") ?? "")
                try await tracking.log(LogBatch(params: [param]), run: fields.runID(), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "runs/set-tag", .writeRuns, "sets a tag of a run.") { [tracking] fields, principal in
                let tag = KeyValue(try fields.required("key"), try fields.text("value") ?? "")
                try await tracking.log(LogBatch(tags: [tag]), run: fields.runID(), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "runs/delete-tag", .writeRuns, "removes a tag of a run.") {
                [tracking] fields, principal in
                try await tracking.deleteTag(fields.required("key"), run: fields.required("run_id"), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "runs/log-inputs", .writeRuns, "records datasets and models that a run uses.") {
                [tracking] fields, principal in
                let datasets = try fields.messages("datasets").map(Self.datasetInput)
                let models = try fields.messages("models").map { try $0.required("model_id") }
                try await tracking.logInputs(datasets, models: models, run: fields.required("run_id"), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "runs/outputs", .writeRuns, "records models that a run made.") {
                [tracking] fields, principal in
                let outputs = try fields.messages("models").map {
                    ModelOutput(model: try $0.required("model_id"), step: try $0.int("step") ?? 0)
                }
                guard fields["models"] != nil else { throw fields.missing("models") }
                try await tracking.logOutputs(outputs, run: fields.required("run_id"), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "runs/log-model", .writeRuns, "records a model in a run's tags, as old clients do.") {
                [tracking] fields, principal in
                let run = try fields.required("run_id")
                let text = try fields.required("model_json")
                guard let model = try? JSONValue(parsing: text), let known = model.objectValue else {
                    throw SlipwayError(.invalid, "Malformed model info. \n \(text.prefix(500)) \n is not a valid JSON.")
                }
                let absent = ["artifact_path", "flavors", "utc_time_created", "run_id"].filter { known[$0] == nil }
                guard absent.isEmpty else {
                    throw SlipwayError(
                        .invalid, "Model json is missing mandatory fields: \(absent.joined(separator: ", "))")
                }
                try await tracking.changeTag("mlflow.log-model.history", run: run, as: principal) { old in
                    let before = try old.map { try JSONValue(parsing: $0).arrayValue ?? [] } ?? []
                    return JSONValue.array(before + [model]).canonicalText
                }
                return .mlflowEmpty
            }
    }

    private static func datasetInput(_ fields: MLflowFields) throws -> DatasetInput {
        guard let dataset = try fields.message("dataset") else { throw fields.missing("dataset") }
        return DatasetInput(
            name: try dataset.required("name"), digest: try dataset.required("digest"),
            sourceType: try dataset.text("source_type") ?? "", source: try dataset.text("source") ?? "",
            schema: try dataset.text("schema"), profile: try dataset.text("profile"), tags: try fields.keyValues("tags")
        )
    }
}

/// Reads a `LogBatch` message without building a tree: the one request that comes with a thousand points.
enum LogBatchReader {
    static let bodyBytes = 16 << 20

    static func read(_ bytes: [UInt8]) throws -> (run: String, batch: LogBatch) {
        var reader = JSONReader(bytes)
        var run: String?
        var batch = LogBatch()
        guard bytes.contains(where: { $0 > 32 }) else { throw missing("run_id") }
        try reader.readObject { reader, field in
            switch field {
            case "run_id", "runId", "run_uuid": run = try text(&reader, "run_id")
            case "metrics":
                try list(&reader, field) { reader, index in batch.metrics.append(try metric(&reader, index)) }
            case "params":
                try list(&reader, field) { reader, index in batch.params.append(try pair(&reader, "params", index)) }
            case "tags":
                try list(&reader, field) { reader, index in batch.tags.append(try pair(&reader, "tags", index)) }
            default: try reader.skipValue()
            }
        }
        try reader.expectEnd()
        guard let run, !run.isEmpty else { throw missing("run_id") }
        return (run, batch)
    }

    /// MLflow stores no infinities: it takes the largest finite number of that sign for one.
    static func storable(_ value: Double) -> Double {
        value.isInfinite ? (value > 0 ? Double.greatestFiniteMagnitude : -Double.greatestFiniteMagnitude) : value
    }

    private static func metric(_ reader: inout JSONReader, _ index: Int) throws -> LoggedMetric {
        var key: String?
        var value: Double?
        var time: Int64?
        var step: Int64 = 0
        var model: String?
        var datasetName: String?
        var datasetDigest: String?
        try reader.readObject { reader, field in
            switch field {
            case "key": key = try text(&reader, "metrics[\(index)].key")
            case "value": value = try number(&reader, "metrics", index, field) { try $0.readDouble() }
            case "timestamp": time = try number(&reader, "metrics", index, field) { try $0.readInt() }
            case "step": step = try number(&reader, "metrics", index, field) { try $0.readInt() } ?? 0
            case "model_id", "modelId": model = try text(&reader, field)
            case "dataset_name", "datasetName": datasetName = try text(&reader, field)
            case "dataset_digest", "datasetDigest": datasetDigest = try text(&reader, field)
            default: try reader.skipValue()
            }
        }
        guard let key, !key.isEmpty else { throw missing("metrics[\(index)].key") }
        guard let value else { throw missing("metrics[\(index)].value") }
        guard let time else { throw missing("metrics[\(index)].timestamp") }
        func filled(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
        return LoggedMetric(
            key: key, point: MetricPoint(step: step, time: Timestamp(milliseconds: time), value: storable(value)),
            subject: filled(model).map {
                LoggedMetric.Subject(model: $0, datasetName: filled(datasetName), datasetDigest: filled(datasetDigest))
            })
    }

    private static func pair(_ reader: inout JSONReader, _ name: String, _ index: Int) throws -> KeyValue {
        var key: String?
        var value = ""
        try reader.readObject { reader, field in
            switch field {
            case "key": key = try text(&reader, "\(name)[\(index)].key")
            case "value": value = try text(&reader, "\(name)[\(index)].value") ?? ""
            default: try reader.skipValue()
            }
        }
        guard let key, !key.isEmpty else { throw missing("\(name)[\(index)].key") }
        return KeyValue(key, value)
    }

    private static func list(
        _ reader: inout JSONReader, _ name: String, _ element: (inout JSONReader, Int) throws -> Void
    ) throws {
        if try reader.readNull() { return }
        guard try reader.peekKind() == .array else {
            throw invalid(name, try reader.readValue(), "a list was expected")
        }
        var index = 0
        try reader.readArray { reader in
            guard try reader.peekKind() == .object else {
                throw invalid("\(name)[\(index)]", try reader.readValue(), "an object was expected")
            }
            try element(&reader, index)
            index += 1
        }
    }

    private static func text(_ reader: inout JSONReader, _ path: @autoclosure () -> String) throws -> String? {
        switch try reader.peekKind() {
        case .string: return try reader.readString()
        case .null:
            _ = try reader.readNull()
            return nil
        default: throw invalid(path(), try reader.readValue(), "text was expected")
        }
    }

    /// A number or text that spells one. What is neither is read as a value, to be shown in the message.
    private static func number<T>(
        _ reader: inout JSONReader, _ list: String, _ index: Int, _ field: String,
        _ read: (inout JSONReader) throws -> T
    ) throws -> T? {
        if try reader.readNull() { return nil }
        let before = reader
        do { return try read(&reader) } catch {
            reader = before
            throw invalid("\(list)[\(index)].\(field)", try reader.readValue(), "a number was expected")
        }
    }

    private static func missing(_ path: String) -> SlipwayError {
        SlipwayError(
            .invalid,
            "Missing value for required parameter '\(path)'. See the API docs for more information about request parameters.",
            details: ["field": path])
    }

    private static func invalid(_ path: String, _ value: JSONValue, _ hint: String) -> SlipwayError {
        SlipwayError(
            .invalid,
            "Invalid value \(value.canonicalText.prefix(500)) for parameter '\(path)' supplied: Hint: \(hint).",
            details: ["field": path])
    }
}
