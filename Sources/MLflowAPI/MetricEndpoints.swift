import Core
import Tracking
import Web

extension MLflowRoutes {
    /// Points of an answer that is written in one piece; a longer history is streamed by pieces of this size.
    static let historyPiece = 100_000
    /// MLflow's limits of its bulk endpoints.
    private static let bulkRuns = 100
    private static let bulkPoints = 25_000
    private static let intervalPoints = 2500

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
            let run = try fields.runID()
            let page = try await tracking.history(
                run: run, metric: key, limit: limit.map { Int(clamping: $0) } ?? Self.historyPiece,
                after: fields.cursor(), as: principal)
            if limit == nil, page.next != nil {
                return Self.streamed(page, key: key) {
                    try await tracking.history(
                        run: run, metric: key, limit: Self.historyPiece, after: $0, as: principal)
                }
            }
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
                guard (1...Self.bulkRuns).contains(runs.count) else {
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
                let limit = try fields.limit(default: Self.intervalPoints, maximum: Self.intervalPoints)
                let key = try fields.required("metric_key")
                var found: [(run: String, point: MetricPoint)] = []
                for run in runs {
                    let points = try await tracking.history(run: run, metric: key, as: principal).items
                    let kept = points.filter { $0.step >= steps.first ?? .min && $0.step <= steps.last ?? .max }
                    found += Self.thinned(kept, to: limit).map { (run, $0) }
                }
                return Self.answer(found, key: key)
            }
            + [
                Route(
                    .get, "/ajax-api/2.0/mlflow/metrics/get-history-bulk", .readRuns,
                    "MLflow: points of a metric of several runs.", wire: .mlflow
                ) { [tracking] request in
                    let fields = try await MLflowFields(request)
                    let runs = try fields.strings("run_id")
                    guard (1...Self.bulkRuns).contains(runs.count) else {
                        throw SlipwayError(
                            .invalid,
                            "GetMetricHistoryBulk request must specify 1 to 100 run_ids. Received \(runs.count) run_ids."
                        )
                    }
                    // The limit is that of the whole answer, as on MLflow's server.
                    let limit = min(Int(clamping: try fields.int("max_results") ?? .max), Self.bulkPoints)
                    let key = try fields.required("metric_key")
                    var found: [(run: String, point: MetricPoint)] = []
                    for run in Set(runs).sorted() where found.count < limit {
                        let page = try await tracking.history(
                            run: run, metric: key, limit: limit - found.count, as: request.principal)
                        found += page.items.map { (run, $0) }
                    }
                    return Self.answer(found, key: key)
                }
            ]
    }

    private static func answer(_ found: [(run: String, point: MetricPoint)], key: String) -> Response {
        .mlflow { writer in
            writer.list("metrics", found) { writer, item in
                writer.fields(of: item.point, key: key)
                writer.field("run_id", item.run)
            }
        }
    }

    /// A history too long to hold, piece by piece. What is logged meanwhile may be in it.
    private static func streamed(
        _ first: Page<MetricPoint>, key: String, _ next: @escaping @Sendable (Cursor) async throws -> Page<MetricPoint>
    ) -> Response {
        Response(
            status: 200, headers: [("Content-Type", "application/json")],
            body: .stream(length: nil) { out in
                try await out.write("{\"metrics\":[")
                var page = first
                var isFirst = true
                while true {
                    var writer = JSONWriter(reserving: 64 + page.items.count * 80)
                    writer.array { writer in
                        for point in page.items { writer.object { $0.fields(of: point, key: key) } }
                    }
                    // Its items without its brackets.
                    try await out.write((isFirst ? [] : [UInt8(ascii: ",")]) + writer.bytes.dropFirst().dropLast())
                    isFirst = false
                    guard let after = page.next else { break }
                    page = try await next(after)
                    if page.items.isEmpty { break }
                }
                try await out.write("]}")
            })
    }

    /// So many points: by step, the first of each of so many equal groups, and the last of all; as MLflow's server thins
    /// them out.
    static func thinned(_ points: [MetricPoint], to limit: Int) -> [MetricPoint] {
        let ordered = points.sorted { a, b in
            if a.step != b.step { return a.step < b.step }
            if a.time != b.time { return a.time < b.time }
            let (x, y) = (a.value.isNaN ? 0 : a.value, b.value.isNaN ? 0 : b.value)
            return x != y ? x < y : !a.value.isNaN && b.value.isNaN
        }
        guard ordered.count > limit, let last = ordered.last else { return ordered }
        let (size, larger) = ordered.count.quotientAndRemainder(dividingBy: limit)
        return (0..<limit - 1).map { ordered[$0 * size + min($0, larger)] } + [last]
    }
}
