import Core
import Web

extension TrackingRoutes {
    private static let drawing: [Route.Parameter] = [
        .init("points", "Buckets of equal width on the axis, each with the least, the greatest and the mean value."),
        .init("axis", "step (default) or time."),
        .init("from", "Where the axis begins: a step, or milliseconds since 1970; the first point by default."),
        .init("to", "Where the axis ends; the last point by default."),
    ]

    var metrics: [Route] {
        [
            Route(
                .get, "/api/v1/runs/{id}/metrics/{metric+}", .readRuns,
                "The points of a metric, by time; with `points`, thinned out for drawing.",
                query: [
                    .init("limit", "Points a page; all by default."),
                    .init("after", "The 'next' of the previous page."),
                ] + Self.drawing
            ) { request in
                let (run, metric) = (request.parameter("id"), request.parameter("metric"))
                if request.query("points") != nil {
                    let curve = try await curves(request, runs: [run], metrics: [metric])[0]
                    return Self.answer { $0.write(curve) }
                }
                let limit = try request.query("limit") == nil ? nil : request.page(maximum: 100_000).limit
                let points = try await service.history(
                    run: run, metric: metric, limit: limit,
                    after: request.query("after").map { try Cursor(parsing: $0) }, as: request.principal)
                return Self.answer(points)
            },
            Route(
                .get, "/api/v1/metrics", .readRuns,
                "Metrics of several runs, thinned out for drawing on one axis.",
                query: [
                    .init("run", "A run's id; repeated for several."), .init("metric", "A metric; may be repeated."),
                ] + Self.drawing
            ) { request in
                let curves = try await curves(
                    request, runs: request.queryAll("run"), metrics: request.queryAll("metric"))
                return Self.answer { writer in
                    writer.object { writer in
                        writer.key("items")
                        writer.array { writer in for curve in curves { writer.write(curve) } }
                    }
                }
            },
        ]
    }

    private func curves(_ request: Request, runs: [String], metrics: [String]) async throws -> [MetricCurve] {
        let axis = request.query("axis") ?? "step"
        guard let axis = MetricAxis(rawValue: axis) else {
            throw SlipwayError.field("axis", "'\(axis.prefix(20))' is not an axis", expected: "step or time")
        }
        func number(_ name: String) throws -> Int64? {
            guard let text = request.query(name) else { return nil }
            guard let number = Int64(text) else {
                throw SlipwayError.field(name, "'\(text.prefix(20))' is no number", expected: "a whole number")
            }
            return number
        }
        return try await service.curves(
            runs: runs, metrics: metrics, points: Int(clamping: try number("points") ?? 1000), axis: axis,
            range: (try number("from"), try number("to")), as: request.principal)
    }

    private static func answer(_ page: Page<MetricPoint>) -> Response {
        answer { writer in
            writer.object { writer in
                writer.key("items")
                writer.array { writer in
                    for point in page.items {
                        writer.object { writer in
                            writer.key("step")
                            writer.write(point.step)
                            writer.key("time")
                            writer.write(point.time.description)
                            writer.key("value")
                            writer.write(point.value)
                        }
                    }
                }
                if let next = page.next {
                    writer.key("next")
                    writer.write(next.description)
                }
            }
        }
    }

    private static func answer(_ body: (inout JSONWriter) -> Void) -> Response {
        var writer = JSONWriter()
        body(&writer)
        return .json(writer.bytes)
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ curve: MetricCurve) { curve.write(to: &self) }
}
