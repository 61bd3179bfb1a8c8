import Core
import Traces
import Tracking
import Web

extension MLflowRoutes {
    private static let recordsMaximum = 10_000

    /// `datasets/…`: evaluation datasets and their records.
    var evaluationDatasetRoutes: [Route] {
        let one = "mlflow/datasets/{dataset_id}"
        return endpoint(.post, "datasets/create", version: "3.0", .writeRuns, "makes an evaluation dataset.") {
            [evaluation] fields, principal in
            let experiments = try fields.strings("experiment_ids")
            let dataset = try await evaluation.create(
                name: fields.required("name"), experiments: experiments, tags: fields.serializedMap("tags"),
                project: Self.project(fields), as: principal)
            return .mlflow { $0.message("dataset") { $0.fields(of: dataset, experiments: experiments) } }
        }
            + ["post", "get"].flatMap { method in
                endpoint(
                    method == "get" ? .get : .post, "datasets/search", version: "3.0", .readRuns,
                    "looks for evaluation datasets."
                ) { [evaluation] fields, principal in
                    let page = try await evaluation.search(Self.datasetSearch(fields), as: principal)
                    return .mlflow { writer in
                        writer.list("datasets", page.items) { $0.fields(of: $1, experiments: []) }
                        writer.field("next_page_token", page.next?.description)
                    }
                }
            }
            + rawEndpoint(.get, one, version: "3.0", .readRuns, "one evaluation dataset.") { [evaluation] request in
                Self.answer(try await evaluation.dataset(request.parameter("dataset_id"), as: request.principal))
            }
            + rawEndpoint(.delete, one, version: "3.0", .writeRuns, "deletes an evaluation dataset.") {
                [evaluation] request in
                try await evaluation.delete(request.parameter("dataset_id"), as: request.principal)
                return .mlflowEmpty
            }
            + rawEndpoint(.patch, one + "/tags", version: "3.0", .writeRuns, "sets tags of an evaluation dataset.") {
                [evaluation] request in
                let fields = try await MLflowFields(request)
                try await evaluation.setTags(
                    fields.serializedMap("tags"), on: request.parameter("dataset_id"), as: request.principal)
                return .mlflowEmpty
            }
            + rawEndpoint(
                .delete, one + "/tags/{key}", version: "3.0", .writeRuns, "removes a tag of an evaluation dataset."
            ) { [evaluation] request in
                try await evaluation.deleteTag(
                    request.parameter("key"), on: request.parameter("dataset_id"), as: request.principal)
                return .mlflowEmpty
            }
            + recordRoutes(one)
            + rawEndpoint(
                .get, one + "/experiment-ids", version: "3.0", .readRuns, "the experiments of an evaluation dataset."
            ) { [evaluation] request in
                let ids = try await evaluation.experiments(of: request.parameter("dataset_id"), as: request.principal)
                return .json(ids.isEmpty ? [:] : ["experiment_ids": .array(ids.map { .string($0) })])
            }
            + rawEndpoint(
                .post, one + "/add-experiments", version: "3.0", .writeRuns,
                "adds experiments to an evaluation dataset."
            ) { [evaluation] request in
                let ids = try await MLflowFields(request).strings("experiment_ids")
                return Self.answer(
                    try await evaluation.setExperiments(
                        of: request.parameter("dataset_id"), adding: ids, as: request.principal))
            }
            + rawEndpoint(
                .post, one + "/remove-experiments", version: "3.0", .writeRuns,
                "removes experiments from an evaluation dataset."
            ) { [evaluation] request in
                let ids = try await MLflowFields(request).strings("experiment_ids")
                return Self.answer(
                    try await evaluation.setExperiments(
                        of: request.parameter("dataset_id"), removing: ids, as: request.principal))
            }
    }

    private func recordRoutes(_ dataset: String) -> [Route] {
        let path = dataset + "/records"
        return rawEndpoint(.post, path, version: "3.0", .writeRuns, "merges records into an evaluation dataset.") {
            [evaluation] request in
            let fields = try await MLflowFields(request)
            let text = try fields.required("records")
            guard let records = (try? JSONValue(parsing: text))?.arrayValue else {
                throw fields.invalid("records", .string(String(text.prefix(80))), "a JSON list as text was expected")
            }
            let counts = try await evaluation.merge(
                records, into: request.parameter("dataset_id"), as: request.principal)
            return .mlflow { writer in
                writer.field("inserted_count", Int64(counts.inserted))
                writer.field("updated_count", Int64(counts.updated))
            }
        }
            + rawEndpoint(.get, path, version: "3.0", .readRuns, "the records of an evaluation dataset.") {
                [evaluation] request in
                let fields = try await MLflowFields(request)
                let page = try await evaluation.records(
                    of: request.parameter("dataset_id"),
                    limit: fields.limit(default: 1000, maximum: Self.recordsMaximum), after: fields.cursor(),
                    as: request.principal)
                // The protocol has the list as text.
                let records = JSONValue.array(page.items.map(\.mlflowForm)).canonicalText
                return .mlflow { writer in
                    writer.field("records", records)
                    writer.field("next_page_token", page.next?.description)
                }
            }
            + rawEndpoint(.delete, path, version: "3.0", .writeRuns, "deletes records of an evaluation dataset.") {
                [evaluation] request in
                let ids = try await MLflowFields(request).strings("dataset_record_ids")
                let count = try await evaluation.deleteRecords(
                    ids, of: request.parameter("dataset_id"), as: request.principal)
                return .mlflow { $0.field("deleted_count", Int64(count)) }
            }
    }

    private static func answer(_ dataset: EvaluationDataset) -> Response {
        .mlflow { $0.message("dataset") { $0.fields(of: dataset, experiments: []) } }
    }

    private static func datasetSearch(_ fields: MLflowFields) throws -> EvaluationDatasetSearch {
        var search = EvaluationDatasetSearch()
        search.experiments = try fields.strings("experiment_ids")
        search.filter = try Filter.parse(fields.text("filter_string") ?? "")
        search.order = try fields.strings("order_by").map { try SortTerm(parsing: $0) }
        search.limit = try fields.limit(default: 1000, maximum: TrackingLimits.searchMaximum)
        search.after = try fields.cursor()
        return search
    }

    // MARK: Scorers

    /// `scorers/…`.
    var scorerRoutes: [Route] {
        endpoint(.post, "scorers/register", version: "3.0", .writeRuns, "adds a version of a scorer.") {
            [evaluation] fields, principal in
            let scorer = try await evaluation.register(
                fields.required("name"), serialized: fields.required("serialized_scorer"),
                in: fields.required("experiment_id"), as: principal)
            return .mlflow { writer in
                writer.field("version", scorer.version)
                writer.field("scorer_id", scorer.id)
                writer.field("experiment_id", scorer.experiment)
                writer.field("name", scorer.name)
                writer.field("serialized_scorer", scorer.serialized)
                writer.field("creation_time", scorer.created)
            }
        }
            + endpoint(.get, "scorers/list", version: "3.0", .readRuns, "the newest version of each scorer.") {
                [evaluation] fields, principal in
                var experiments = try fields.strings("experiment_ids")
                if let one = try fields.filled("experiment_id") { experiments.append(one) }
                let scorers = try await evaluation.scorers(in: experiments, as: principal)
                return .mlflow { $0.list("scorers", scorers) { $0.fields(of: $1) } }
            }
            + endpoint(.get, "scorers/versions", version: "3.0", .readRuns, "the versions of a scorer.") {
                [evaluation] fields, principal in
                let scorers = try await evaluation.scorerVersions(
                    fields.required("name"), in: fields.required("experiment_id"), as: principal)
                return .mlflow { $0.list("scorers", scorers) { $0.fields(of: $1) } }
            }
            + endpoint(
                .get, "scorers/get", version: "3.0", .readRuns, "one version of a scorer; the newest if none is named."
            ) { [evaluation] fields, principal in
                let (name, experiment) = (try fields.required("name"), try fields.required("experiment_id"))
                let version = try fields.int("version")
                let versions = try await evaluation.scorerVersions(name, in: experiment, as: principal)
                guard let scorer = versions.last(where: { version == nil || $0.version == version }) else {
                    throw SlipwayError(
                        .notFound,
                        "Scorer with name '\(name)' and version \(version ?? 0) not found for experiment \(experiment)."
                    )
                }
                return .mlflow { $0.message("scorer") { $0.fields(of: scorer) } }
            }
            + endpoint(.delete, "scorers/delete", version: "3.0", .writeRuns, "deletes a version of a scorer, or all.")
        {
            [evaluation] fields, principal in
            try await evaluation.deleteScorer(
                fields.required("name"), version: fields.int("version"), in: fields.required("experiment_id"),
                as: principal)
            return .mlflowEmpty
        }
    }
}

extension JSONWriter {
    /// - Parameter experiments: named in the answer to a new dataset only.
    fileprivate mutating func fields(of dataset: EvaluationDataset, experiments: [String]) {
        field("dataset_id", dataset.id)
        field("name", dataset.name)
        field("tags", JSONValue(dataset.tags.map).canonicalText)
        field("schema", dataset.schema?.canonicalText)
        field("profile", dataset.records > 0 ? "{\"num_records\": \(dataset.records)}" : nil)
        field("digest", dataset.digest)
        field("created_time", dataset.created)
        field("last_update_time", dataset.updated)
        field("created_by", dataset.createdBy)
        field("last_updated_by", dataset.updatedBy)
        guard !experiments.isEmpty else { return }
        key("experiment_ids")
        array { writer in for id in experiments { writer.write(id) } }
    }

    fileprivate mutating func fields(of scorer: Scorer) {
        key("experiment_id")
        raw(scorer.experiment)
        field("scorer_name", scorer.name)
        field("scorer_version", scorer.version)
        field("serialized_scorer", scorer.serialized)
        field("creation_time", scorer.created)
        field("scorer_id", scorer.id)
    }
}

extension EvaluationRecord {
    fileprivate var mlflowForm: JSONValue {
        var fields: [String: JSONValue] = [
            "dataset_record_id": .string(id), "dataset_id": .string(dataset), "inputs": inputs,
            "created_time": .int(created.milliseconds), "last_update_time": .int(updated.milliseconds),
        ]
        fields["outputs"] = outputs
        fields["expectations"] = expectations
        fields["tags"] = tags
        fields["source"] = source
        fields["source_type"] = sourceType.map { .string($0) }
        fields["source_id"] = sourceID.map { .string($0) }
        fields["created_by"] = createdBy.map { .string($0) }
        fields["last_updated_by"] = updatedBy.map { .string($0) }
        return .object(fields)
    }
}
