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

    /// `metrics/…`.
    var historyRoutes: [Route] {
        endpoint(.get, "metrics/get-history", .readRuns, "all points of a metric.") { [tracking] fields, principal in
            let key = try fields.required("metric_key")
            let limit = try fields.int("max_results")
            if let limit, limit <= 0 {
                throw SlipwayError(
                    .invalid,
                    "Invalid value \(limit) for parameter 'max_results' supplied. It must be a positive integer.",
                    details: ["field": "max_results"])
            }
            let page = try await tracking.history(
                run: fields.runID(), metric: key, limit: limit.map { Int(clamping: $0) }, after: fields.cursor(),
                as: principal)
            var writer = JSONWriter(reserving: 64 + page.items.count * 80)
            writer.object { writer in
                writer.list("metrics", page.items) { $0.fields(of: $1, key: key) }
                writer.field("next_page_token", page.next?.description)
            }
            return .json(writer.bytes)
        }
            + endpoint(
                .get, "metrics/get-history-bulk-interval", .readRuns, "points of a metric of several runs, thinned out."
            ) {
                [tracking] fields, principal in
                let runs = try fields.strings("run_ids")
                guard (1...100).contains(runs.count) else {
                    throw SlipwayError(
                        .invalid,
                        "GetMetricHistoryBulkInterval request must specify at most 100 run_ids. Received \(runs.count) run_ids."
                    )
                }
                let steps = (first: try fields.int("start_step"), last: try fields.int("end_step"))
                guard (steps.first == nil) == (steps.last == nil) else {
                    throw SlipwayError(
                        .invalid, "If either start step or end step are specified, both must be specified.")
                }
                guard steps.first ?? 0 <= steps.last ?? 0 else {
                    throw SlipwayError(
                        .invalid,
                        "end_step must be greater than start_step. Found start_step=\(steps.first ?? 0) and end_step=\(steps.last ?? 0)."
                    )
                }
                let limit = try fields.limit(default: 2500, maximum: 2500)
                return try await Self.histories(tracking, runs, fields.required("metric_key"), as: principal) {
                    points in
                    let kept = points.filter { $0.step >= steps.first ?? .min && $0.step <= steps.last ?? .max }
                    return Self.thinned(kept, to: limit)
                }
            }
            + [
                Route(
                    .get, "/ajax-api/2.0/mlflow/metrics/get-history-bulk", .readRuns,
                    "MLflow: points of a metric of several runs.", wire: .mlflow
                ) { [tracking] request in
                    let fields = try await MLflowFields(request)
                    let runs = try fields.strings("run_id")
                    guard (1...100).contains(runs.count) else {
                        throw SlipwayError(
                            .invalid,
                            "GetMetricHistoryBulk request must specify 1 to 100 run_ids. Received \(runs.count) run_ids."
                        )
                    }
                    let limit = min(try fields.int("max_results") ?? 25_000, 25_000)
                    return try await Self.histories(
                        tracking, runs.sorted(), fields.required("metric_key"), as: request.principal
                    ) { points in
                        Array(points.prefix(Int(max(limit, 0))))
                    }
                }
            ]
    }

    private static func histories(
        _ tracking: TrackingService, _ runs: [String], _ key: String, as principal: Principal,
        _ select: ([MetricPoint]) -> [MetricPoint]
    ) async throws -> Response {
        var found: [(run: String, point: MetricPoint)] = []
        for run in runs {
            let points = select(try await tracking.history(run: run, metric: key, as: principal).items)
            found += points.map { (run, $0) }
        }
        return .mlflow { writer in
            writer.list("metrics", found) { writer, item in
                writer.fields(of: item.point, key: key)
                writer.field("run_id", item.run)
            }
        }
    }

    /// So many points at even distances, the first and the last among them.
    static func thinned(_ points: [MetricPoint], to limit: Int) -> [MetricPoint] {
        guard points.count > limit else { return points }
        guard limit > 1 else { return Array(points.suffix(1)) }
        return (0..<limit).map { points[$0 * (points.count - 1) / (limit - 1)] }
    }
}
