import Core
import Database

extension TrackingService {
    /// All points of a metric, or a page of them, ordered by time, step and value. A metric that was never logged has
    /// none. A page costs what it shows where points were logged in order of time.
    public func history(
        run id: String, metric: String, limit: Int? = nil, after: Cursor? = nil, as principal: Principal
    ) async throws -> Page<MetricPoint> {
        let offset = try after?.offset ?? 0
        return try await database.read { [self] db in
            let run = try info(db, id, .readRuns, principal)
            guard let metric = try metrics.ids(db, of: [metric])[metric] else { return Page(items: [], next: nil) }
            let series = try MetricSeries(db, run: run.key, metric: metric)
            let limit = limit ?? .max
            let page = try series.page(db, offset: offset, limit: limit)
            return Page(items: page.points, next: page.isLast ? nil : Cursor(offset: offset + limit))
        }
    }

    /// Metrics of runs, thinned out to buckets of equal width on an axis that all of them share. No value hides: each
    /// bucket has the least, the greatest and the mean of its points, and counts those that are not finite. A metric that
    /// a run does not have gives an empty curve.
    ///
    /// - Parameters:
    ///   - points: how many buckets the axis has: one a pixel.
    ///   - range: the part of the axis to show; all of it by default.
    /// - Throws: `invalid` past the limits; `notFound` when there is no such run.
    public func curves(
        runs ids: [String], metrics names: [String], points: Int, axis: MetricAxis = .step,
        range: (from: Int64?, to: Int64?) = (nil, nil), as principal: Principal
    ) async throws -> [MetricCurve] {
        guard (1...TrackingLimits.curvePoints).contains(points) else {
            throw SlipwayError.field(
                "points", "'\(points)' is out of range",
                expected: "a whole number from 1 to \(TrackingLimits.curvePoints)")
        }
        guard !ids.isEmpty, !names.isEmpty, ids.count * names.count <= TrackingLimits.curves else {
            throw SlipwayError.field(
                "metric", "\(ids.count) runs of \(names.count) metrics were asked for",
                expected: "at least one of each, and at most \(TrackingLimits.curves) curves")
        }
        return try await database.read { [self] db in
            let known = try metrics.ids(db, of: names)
            var found: [(run: String, metric: String, series: MetricSeries?)] = []
            for id in ids {
                let run = try info(db, id, .readRuns, principal)
                for name in names {
                    found.append((id, name, try known[name].map { try MetricSeries(db, run: run.key, metric: $0) }))
                }
            }
            let ranges = try found.compactMap { try $0.series?.range(db, on: axis) }
            let low = range.from ?? ranges.map(\.lowerBound).min() ?? 0
            let high = range.to ?? ranges.map(\.upperBound).max() ?? 0
            return try found.map { run, metric, series in
                var sampler = MetricSampler(axis, low...max(low, high), count: points)
                if low <= high { try series?.sample(db, into: &sampler) }
                let buckets = sampler.filled
                return MetricCurve(
                    run: run, metric: metric, points: buckets.reduce(0) { $0 + $1.points }, buckets: buckets)
            }
        }
    }
}
