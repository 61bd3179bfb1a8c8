import Core
import Tracking
import Web

extension MLflowRoutes {
    /// `runs/…`, without those that log.
    var runRoutes: [Route] {
        endpoint(.post, "runs/create", .writeRuns, "begins a run.") { [tracking] fields, principal in
            var draft = RunDraft(
                experiment: try fields.filled("experiment_id") ?? "0", name: try fields.filled("run_name"))
            draft.user = try fields.filled("user_id")
            draft.started = try fields.int("start_time").map(Timestamp.init(milliseconds:))
            draft.tags = try fields.keyValues("tags")
            let run = try await tracking.createRun(draft, as: principal)
            return .mlflow { $0.message("run") { $0.fields(of: run) } }
        }
            + endpoint(.get, "runs/get", .readRuns, "one run.") { [tracking] fields, principal in
                let run = try await tracking.run(fields.runID(), as: principal)
                return .mlflow { $0.message("run") { $0.fields(of: run) } }
            }
            + endpoint(.post, "runs/update", .writeRuns, "changes a run's status, end or name.") {
                [tracking] fields, principal in
                let info = try await tracking.updateRun(
                    fields.runID(), status: fields.choice("status", RunStatus.mlflowChoices),
                    ended: fields.int("end_time").map(Timestamp.init(milliseconds:)), name: fields.filled("run_name"),
                    as: principal)
                return .mlflow { $0.message("run_info") { $0.fields(of: info) } }
            }
            + endpoint(.post, "runs/delete", .writeRuns, "hides a run.") { [tracking] fields, principal in
                try await tracking.deleteRun(fields.required("run_id"), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "runs/restore", .writeRuns, "brings a run back.") { [tracking] fields, principal in
                try await tracking.restoreRun(fields.required("run_id"), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "runs/search", .readRuns, "looks for runs.") { [tracking] fields, principal in
                var search = RunSearch(experiments: try fields.strings("experiment_ids"))
                search.filter = try Filter.parse(fields.text("filter") ?? "")
                search.view = try fields.choice("run_view_type", LifecycleView.mlflowChoices) ?? .active
                search.order = try fields.strings("order_by").map { try SortTerm(parsing: $0) }
                search.limit = try fields.limit(default: 1000, maximum: TrackingLimits.searchMaximum)
                search.after = try fields.cursor()
                let page = try await tracking.searchRuns(search, as: principal)
                return .mlflow { writer in
                    writer.list("runs", page.items) { $0.fields(of: $1) }
                    writer.field("next_page_token", page.next?.description)
                }
            }
    }
}
