import Core
import Database

extension TrackingService {
    /// Stores all of a batch, or nothing of it. Identical points are kept once.
    ///
    /// - Throws: `notFound` when there is no such run; `conflict` when it is deleted, or a parameter has another value
    ///   already; `invalid` when the batch breaks a rule.
    public func log(_ batch: LogBatch, run id: String, as principal: Principal) async throws {
        let isSingle = batch.metrics.count + batch.params.count + batch.tags.count == 1
        let batch = try TrackingRules.checked(batch, isSingle: isSingle)
        let metrics = Self.grouped(batch.metrics)
        let made = try await logs.submit(
            LogRequest(
                run: id, batch: batch, metrics: metrics, known: knownNames(metrics.map(\.key)), principal: principal),
            log)
        if !made.isEmpty { remember(made) }
    }

    struct LogRequest: Sendable {
        let run: String
        let batch: LogBatch
        /// The batch's points by metric.
        let metrics: [(key: String, points: [MetricPoint])]
        /// The ids of those names that are known.
        let known: [String: Int64]
        let principal: Principal

        var models: [String] { batch.metrics.compactMap(\.subject?.model) }
    }

    /// Stores batches that came together; answers with the ids that metrics' names were given.
    private func log(_ db: any Transaction, _ requests: [LogRequest]) throws -> [Result<[String: Int64], any Error>] {
        let found = try runs.infos(db, ids: Array(Set(requests.map(\.run))))
        let modelKeys = try models.keys(db, of: Array(Set(requests.flatMap(\.models))))
        var params = try presentParams(db, requests, found)
        var newParams: [(run: RunInfo, params: [KeyValue])] = []
        // Whom to refuse is known before anything is written.
        let checked = requests.map { request in
            Result<RunInfo, any Error> {
                let run = try Self.active(found[request.run], request.run, request.principal)
                let present = params[run.key] ?? [:]
                let clashes = request.batch.params.compactMap { param in
                    present[param.key].flatMap { $0 == param.value ? nil : (param.key, $0, param.value) }
                }
                guard clashes.isEmpty else { throw Self.changedParams(clashes, run: run.id) }
                if let model = request.models.first(where: { modelKeys[$0] == nil }) { throw Self.noModel(model) }
                let added = request.batch.params.filter { present[$0.key] == nil }
                for param in added { params[run.key, default: [:]][param.key] = param.value }
                newParams.append((run, added))
                return run
            }
        }
        let accepted = zip(requests, checked).compactMap { request, run in
            (try? run.get()).map { (run: $0, request: request) }
        }
        try runs.insertParams(db, newParams)
        try setTags(db, accepted.map { ($0.run, $0.request.batch.tags) })
        let unknown = accepted.reduce(into: Set<String>()) { names, log in
            for metric in log.request.metrics where log.request.known[metric.key] == nil { names.insert(metric.key) }
        }
        let made = try metrics.idsMade(db, for: unknown.sorted())
        func metricID(_ name: String, _ request: LogRequest) -> Int64 { request.known[name] ?? made[name] ?? 0 }
        try metrics.append(
            db,
            accepted.map { run, request in
                (run, request.metrics.map { (metricID($0.key, request), $0.points) })
            })
        for (run, request) in accepted where !request.models.isEmpty {
            let points = request.batch.metrics.compactMap { metric in
                metric.subject.map {
                    MetricStore.ModelPoint(
                        model: modelKeys[$0.model] ?? 0, metric: metricID(metric.key, request), point: metric.point,
                        subject: $0)
                }
            }
            try metrics.append(db, run: run.key, models: points)
        }
        return checked.map { run in run.map { _ in made } }
    }

    /// The values that the runs have of the parameters that they log.
    private func presentParams(
        _ db: any Transaction, _ requests: [LogRequest], _ found: [String: RunInfo]
    ) throws -> [Int64: [String: String]] {
        var wanted: [Int64: Set<String>] = [:]
        for request in requests where !request.batch.params.isEmpty {
            guard let run = found[request.run] else { continue }
            wanted[run.key, default: []].formUnion(request.batch.params.map(\.key))
        }
        return wanted.isEmpty ? [:] : try runs.params(db, wanted)
    }

    private static func changedParams(_ clashes: [(key: String, old: String, new: String)], run id: String)
        -> SlipwayError
    {
        let list = clashes.map { "'\($0.key)' (was '\($0.old.prefix(200))', now '\($0.new.prefix(200))')" }
        return SlipwayError(
            .conflict,
            "Changing param values is not allowed. Params were already logged for run ID='\(id)': \(list.joined(separator: ", ")).",
            details: ["state": "logged", "field": clashes.first?.key ?? ""], ref: Ref(.run, id))
    }

    /// By metric, in the order of first appearance.
    private static func grouped(_ metrics: [LoggedMetric]) -> [(key: String, points: [MetricPoint])] {
        var groups: [(key: String, points: [MetricPoint])] = []
        var places: [String: Int] = [:]
        for metric in metrics {
            if let place = places[metric.key] {
                groups[place].points.append(metric.point)
            } else {
                places[metric.key] = groups.count
                groups.append((metric.key, [metric.point]))
            }
        }
        return groups
    }
}
