import Core
import Database

/// What is here, as the records that another store takes in: the way out has the form of the way in.
extension TrackingService {
    /// The runs of an experiment, deleted ones too, in the order in which they came; with the first page, how many.
    public func exportRuns(of experiment: String, _ page: PageRequest, as principal: Principal) async throws
        -> (page: Page<RunRecord>, total: Int64?)
    {
        try await database.read { [self] db in
            let key = try Experiment.key(of: experiment)
            _ = try self.experiment(db, key: key, .readRuns, principal)
            let after = try page.after?.offset ?? 0
            let infos = try db.all(
                """
                \(RunStore.columns) WHERE r.experiment = \(key) AND r.key > \(Int64(after)) ORDER BY r.key
                LIMIT \(page.limit + 1)
                """, RunStore.row)
            let shown = infos.prefix(page.limit)
            let total =
                try page.after == nil
                ? db.one("SELECT count(*) FROM run WHERE experiment = \(key)") { try $0.int(0) } : nil
            return (
                Page(
                    items: try shown.map { try record(db, $0) },
                    next: infos.count > page.limit ? shown.last.map { Cursor(offset: Int($0.key)) } : nil), total
            )
        }
    }

    /// The logged models of an experiment, deleted ones too, in the order in which they came.
    public func exportLoggedModels(of experiment: String, _ page: PageRequest, as principal: Principal) async throws
        -> Page<LoggedModelRecord>
    {
        try await database.read { [self] db in
            let key = try Experiment.key(of: experiment)
            _ = try self.experiment(db, key: key, .readRuns, principal)
            let after = try page.after?.offset ?? 0
            let found = try models.all(db, experiment: key, after: Int64(after), limit: page.limit + 1)
            let shown = found.prefix(page.limit)
            return Page(
                items: shown.map(\.record),
                next: found.count > page.limit ? shown.last.map { Cursor(offset: Int($0.key)) } : nil)
        }
    }
}

extension LoggedModel {
    fileprivate var record: LoggedModelRecord {
        var record = LoggedModelRecord(
            id: id, experiment: experiment, name: name, status: status, created: created.milliseconds,
            updated: updated.milliseconds)
        record.type = type
        record.sourceRun = sourceRun
        record.artifactLocation = artifactLocation
        record.isDeleted = lifecycle == .deleted
        record.params = params.map
        record.tags = tags.map
        record.metrics = metrics.map {
            .init(
                key: $0.key, run: $0.run, point: $0.point, datasetName: $0.datasetName, datasetDigest: $0.datasetDigest)
        }
        return record
    }
}
