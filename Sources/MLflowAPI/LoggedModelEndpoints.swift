import Core
import Tracking
import Web

extension MLflowRoutes {
    /// `logged-models/…`.
    var loggedModelRoutes: [Route] {
        endpoint(.post, "logged-models", .writeRuns, "makes a logged model that waits for its files.") {
            [tracking] fields, principal in
            var draft = LoggedModelDraft(
                experiment: try fields.required("experiment_id"), name: try fields.filled("name"))
            draft.type = try fields.filled("model_type")
            draft.sourceRun = try fields.filled("source_run_id")
            draft.params = try fields.keyValues("params")
            draft.tags = try fields.keyValues("tags")
            return Self.answer(try await tracking.createLoggedModel(draft, as: principal))
        }
            + endpoint(.post, "logged-models/search", .readRuns, "looks for logged models.") {
                [tracking] fields, principal in
                let page = try await tracking.searchLoggedModels(Self.modelSearch(fields), as: principal)
                return .mlflow { writer in
                    writer.list("models", page.items) { $0.fields(of: $1) }
                    writer.field("next_page_token", page.next?.description)
                }
            }
            + rawEndpoint(.get, "mlflow/logged-models/{model_id}", .readRuns, "one logged model.") {
                [tracking] request in
                let deleted = request.query("allow_deleted")?.lowercased() == "true"
                return Self.answer(
                    try await tracking.loggedModel(
                        request.parameter("model_id"), includingDeleted: deleted, as: request.principal))
            }
            + rawEndpoint(.patch, "mlflow/logged-models/{model_id}", .writeRuns, "sets the status of a logged model.") {
                [tracking] request in
                let fields = try await MLflowFields(request)
                guard let status = try fields.choice("status", LoggedModelStatus.mlflowChoices) else {
                    throw fields.missing("status")
                }
                return Self.answer(
                    try await tracking.finalizeLoggedModel(
                        request.parameter("model_id"), status: status, as: request.principal))
            }
            + rawEndpoint(.delete, "mlflow/logged-models/{model_id}", .writeRuns, "hides a logged model.") {
                [tracking] request in
                try await tracking.deleteLoggedModel(request.parameter("model_id"), as: request.principal)
                return .mlflowEmpty
            }
            + rawEndpoint(
                .post, "mlflow/logged-models/{model_id}/params", .writeRuns, "adds parameters of a logged model."
            ) { [tracking] request in
                let fields = try await MLflowFields(request)
                try await tracking.addLoggedModelParams(
                    fields.keyValues("params"), to: request.parameter("model_id"), as: request.principal)
                return .mlflowEmpty
            }
            + rawEndpoint(.patch, "mlflow/logged-models/{model_id}/tags", .writeRuns, "sets tags of a logged model.") {
                [tracking] request in
                let fields = try await MLflowFields(request)
                try await tracking.setLoggedModelTags(
                    fields.keyValues("tags"), on: request.parameter("model_id"), as: request.principal)
                return .mlflowEmpty
            }
            + rawEndpoint(
                .delete, "mlflow/logged-models/{model_id}/tags/{tag_key}", .writeRuns,
                "removes a tag of a logged model."
            ) {
                [tracking] request in
                try await tracking.deleteLoggedModelTag(
                    request.parameter("tag_key"), on: request.parameter("model_id"), as: request.principal)
                return .mlflowEmpty
            }
            + rawEndpoint(
                .get, "mlflow/logged-models/{model_id}/artifacts/directories", .readRuns,
                "lists a folder of a logged model."
            ) { [tracking] request in
                let model = try await tracking.loggedModel(request.parameter("model_id"), as: request.principal)
                let folder = try Self.folder(request.query("artifact_directory_path"))
                return try await Self.listing(
                    tracking, .model(model.id), root: model.artifactLocation, folder, as: request.principal)
            }
            + rawEndpoint(
                .get, "mlflow/logged-models/{model_id}/artifacts/files", .readRuns,
                "the bytes of a logged model's file."
            ) {
                [tracking] request in
                guard let text = request.query("artifact_file_path"), !text.isEmpty else {
                    throw SlipwayError(.invalid, "Request must include the \"artifact_file_path\" query parameter.")
                }
                return try await Self.file(
                    tracking, .model(request.parameter("model_id")), RelativePath(parsing: text), request)
            }
    }

    private static func answer(_ model: LoggedModel) -> Response {
        .mlflow { $0.message("model") { $0.fields(of: model) } }
    }

    private static func modelSearch(_ fields: MLflowFields) throws -> LoggedModelSearch {
        var search = LoggedModelSearch(experiments: try fields.strings("experiment_ids"))
        guard !search.experiments.isEmpty else { throw fields.missing("experiment_ids") }
        search.filter = try Filter.parse(fields.text("filter") ?? "")
        search.datasets = try fields.messages("datasets").map { dataset in
            guard let name = try dataset.filled("dataset_name") else {
                throw SlipwayError(.invalid, "`dataset_name` in the `datasets` clause must be specified.")
            }
            return LoggedModelSearch.Dataset(name: name, digest: try dataset.filled("dataset_digest"))
        }
        search.order = try fields.messages("order_by").map { order in
            // A plain name, not an expression: `metrics.a b` is the metric `a b`.
            let parts = try order.required("field_name").split(separator: ".", maxSplits: 1).map(String.init)
            let key = (parts.last ?? "").filter { $0 != "`" }
            return LoggedModelSearch.Order(
                SortTerm(
                    FilterField(entity: parts.count > 1 ? parts[0] : nil, key: key),
                    descending: try order.bool("ascending") == false),
                datasetName: try order.filled("dataset_name"), datasetDigest: try order.filled("dataset_digest"))
        }
        if let limit = try fields.int("max_results"), limit != 0 {
            search.limit = try fields.limit(default: 100, maximum: TrackingLimits.searchMaximum)
        }
        search.after = try fields.cursor()
        return search
    }
}
