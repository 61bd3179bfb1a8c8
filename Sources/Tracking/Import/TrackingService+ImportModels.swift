import Core
import Database
import Ledger

extension TrackingService {
    /// Adds logged models that are not here; one that waits here for its files becomes what it is there.
    public func importLoggedModels(_ records: [LoggedModelRecord], as principal: Principal) async throws
        -> ImportOutcome
    {
        for record in records {
            guard record.id.hasPrefix("m-"), record.id.utf8.count <= 36,
                record.id.utf8.dropFirst(2).allSatisfy({ Self.isHexDigit($0) || $0 == UInt8(ascii: "-") })
            else { throw SlipwayError.field("id", "'\(record.id.prefix(80))' is not a logged model's id") }
            try TrackingRules.modelName(record.name)
        }
        return try await database.write { [self] db in
            var outcome = ImportOutcome()
            for record in records {
                if let here = try models.model(db, id: record.id) {
                    try principal.require(.importRuns, in: here.project)
                    if here.status == .pending, record.status != .pending {
                        try models.setStatus(
                            db, key: here.key, record.status, at: Timestamp(milliseconds: record.updated))
                        outcome.changed += 1
                    } else {
                        outcome.present += 1
                    }
                    try addMetrics(db, record, model: here.key)
                    continue
                }
                try insert(db, record, principal)
                outcome.added += 1
            }
            return outcome
        }
    }

    private func insert(_ db: any Transaction, _ record: LoggedModelRecord, _ principal: Principal) throws {
        let experimentKey = try Experiment.key(of: record.experiment)
        let experiment = try experiment(db, key: experimentKey, .importRuns, principal)
        let model = LoggedModel(
            id: record.id, experiment: experiment.id, project: experiment.project, name: record.name,
            type: record.type, status: record.status, sourceRun: record.sourceRun,
            artifactLocation: record.artifactLocation
                ?? "\(experiment.artifactLocation)/models/\(record.id)/artifacts",
            created: Timestamp(milliseconds: record.created), updated: Timestamp(milliseconds: record.updated),
            lifecycle: .active, params: record.params.map { KeyValue($0.key, $0.value) },
            tags: record.tags.map { KeyValue($0.key, $0.value) }, metrics: [], key: try models.nextKey(db))
        try models.insert(db, model, experiment: experimentKey)
        if record.isDeleted { try ImportStore().setLifecycle(db, model: record, key: model.key) }
        try addMetrics(db, record, model: model.key)
        if let run = record.sourceRun, try runs.info(db, id: run) != nil {
            try ledger.link(db, model.ref, madeFrom: Ref(.run, run), "logged-by")
        }
        try ledger.append(
            db, "model.imported", model.ref, project: model.project, by: principal,
            data: ["name": .string(model.name), "experiment": .string(model.experiment)])
    }

    private func addMetrics(_ db: any Transaction, _ record: LoggedModelRecord, model: Int64) throws {
        let ids = try metrics.idsMade(db, for: Array(Set(record.metrics.map(\.key))).sorted())
        for (id, measured) in Dictionary(grouping: record.metrics, by: \.run) {
            guard let run = try runs.info(db, id: id) else { continue }
            try metrics.append(
                db, run: run.key,
                models: measured.compactMap { item in
                    ids[item.key].map {
                        MetricStore.ModelPoint(
                            model: model, metric: $0, point: item.point,
                            subject: .init(
                                model: record.id, datasetName: item.datasetName, datasetDigest: item.datasetDigest))
                    }
                })
        }
    }
}
