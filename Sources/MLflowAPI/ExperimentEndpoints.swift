import Core
import Tracking
import Web

extension MLflowRoutes {
    /// `experiments/…`.
    var experimentRoutes: [Route] {
        endpoint(.post, "experiments/create", .writeRuns, "creates an experiment.") { [tracking] fields, principal in
            let experiment = try await tracking.createExperiment(
                name: fields.required("name"), project: Self.project(fields),
                artifactLocation: fields.filled("artifact_location"),
                tags: fields.keyValues("tags"), as: principal)
            return .mlflow { $0.field("experiment_id", experiment.id) }
        }
            + endpoint(.get, "experiments/get", .readRuns, "one experiment.") { [tracking] fields, principal in
                Self.answer(try await tracking.experiment(fields.required("experiment_id"), as: principal))
            }
            + endpoint(.get, "experiments/get-by-name", .readRuns, "one experiment by name.") {
                [tracking] fields, principal in
                let name = try fields.required("experiment_name")
                guard let experiment = try await tracking.experiment(named: name, as: principal) else {
                    throw SlipwayError(.notFound, "Could not find experiment with name '\(name)'")
                }
                return Self.answer(experiment)
            }
            + [Method.get, .post].flatMap { method in
                endpoint(method, "experiments/search", .readRuns, "looks for experiments.") {
                    [tracking] fields, principal in
                    try await Self.search(tracking, fields, as: principal)
                }
            }
            + endpoint(.post, "experiments/update", .writeRuns, "renames an experiment.") {
                [tracking] fields, principal in
                let id = try fields.required("experiment_id")
                try await tracking.renameExperiment(id, to: fields.required("new_name"), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "experiments/delete", .writeRuns, "hides an experiment and its runs.") {
                [tracking] fields, principal in
                try await tracking.deleteExperiment(fields.required("experiment_id"), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "experiments/restore", .writeRuns, "brings an experiment back.") {
                [tracking] fields, principal in
                try await tracking.restoreExperiment(fields.required("experiment_id"), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "experiments/set-experiment-tag", .writeRuns, "sets a tag of an experiment.") {
                [tracking] fields, principal in
                let tag = KeyValue(try fields.required("key"), try fields.text("value") ?? "")
                try await tracking.setExperimentTag(tag, on: fields.required("experiment_id"), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "experiments/delete-experiment-tag", .writeRuns, "removes a tag of an experiment.") {
                [tracking] fields, principal in
                try await tracking.deleteExperimentTag(
                    fields.required("key"), on: fields.required("experiment_id"), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "experiments/search-datasets", .readRuns, "the datasets that runs of experiments used.") {
                [tracking] fields, principal in
                let ids = try fields.strings("experiment_ids")
                guard (1...20).contains(ids.count) else {
                    throw SlipwayError(
                        .invalid, "SearchDatasets request must specify 1 to 20 experiment_ids; got \(ids.count).")
                }
                let summaries = try await tracking.datasets(of: ids, as: principal)
                return .mlflow { writer in
                    writer.list("dataset_summaries", summaries) { writer, summary in
                        writer.field("experiment_id", summary.experiment)
                        writer.field("name", summary.name)
                        writer.field("digest", summary.digest)
                        writer.field("context", summary.context)
                    }
                }
            }
    }

    /// Where something new goes: MLflow's workspace if the client names one, since the principal has that project only,
    /// else the request's project.
    static func project(_ fields: MLflowFields) -> String { fields.request?.project ?? "default" }

    private static func answer(_ experiment: Experiment) -> Response {
        .mlflow { $0.message("experiment") { $0.fields(of: experiment) } }
    }

    private static func search(_ tracking: TrackingService, _ fields: MLflowFields, as principal: Principal)
        async throws -> Response
    {
        var search = ExperimentSearch()
        search.filter = try Filter.parse(fields.text("filter") ?? "")
        search.view = try fields.choice("view_type", LifecycleView.mlflowChoices) ?? .active
        search.order = try fields.strings("order_by").map { try SortTerm(parsing: $0) }
        search.limit = try fields.limit(default: 1000, maximum: TrackingLimits.searchMaximum)
        search.after = try fields.cursor()
        let page = try await tracking.searchExperiments(search, as: principal)
        return .mlflow { writer in
            writer.list("experiments", page.items) { $0.fields(of: $1) }
            writer.field("next_page_token", page.next?.description)
        }
    }
}
