import Core
import Database
import Ledger
import Objects

extension Permission {
    /// To remove for good what was deleted long enough ago.
    public static let purgeRuns = Permission("runs.purge", [.owner])
}

/// What a purge removed, or would remove.
public struct PurgeOutcome: Sendable, Hashable {
    public var runs = 0
    public var loggedModels = 0
    /// Whose runs are all gone.
    public var experiments = 0
    public var files = 0
    /// Of those files. What nothing else refers to is freed by the next collection of garbage.
    public var bytes: Int64 = 0
    /// The first of the runs.
    public var items: [String] = []

    public var json: JSONValue {
        [
            "runs": JSONValue(runs), "loggedModels": JSONValue(loggedModels), "experiments": JSONValue(experiments),
            "files": JSONValue(files), "bytes": .int(bytes), "items": JSONValue(items),
        ]
    }
}

extension TrackingService {
    private static let purgeGroup = 100

    /// Removes runs, logged models and experiments that were deleted before a moment, with their points and artifacts, for
    /// good. Registered versions keep their files.
    ///
    /// - Parameters:
    ///   - project: only of this one; nil for all in which the principal may.
    ///   - preview: counts, and removes nothing. Experiments whose runs would go first are counted only in earnest.
    public func purge(deletedBefore time: Timestamp, project: String?, preview: Bool, as principal: Principal)
        async throws -> PurgeOutcome
    {
        if let project { try principal.require(.purgeRuns, in: project) }
        let projects = project.map { [$0] } ?? principal.projects(with: .purgeRuns)
        var outcome = PurgeOutcome()
        if preview {
            return try await database.read { db in
                var outcome = PurgeOutcome()
                let store = CareStore()
                let runs = try store.deletedRuns(db, before: time, projects: projects, limit: Self.bulkMaximum)
                let models = try store.deletedModels(db, before: time, projects: projects, limit: Self.bulkMaximum)
                for run in runs { try outcome.count(db, run.ref) }
                for model in models { try outcome.count(db, Ref(.loggedModel, model.id)) }
                outcome.runs = runs.count
                outcome.items = runs.prefix(BulkOutcome.shown).map(\.id)
                outcome.loggedModels = models.count
                outcome.experiments = try store.emptyDeletedExperiments(db, before: time, projects: projects).count
                return outcome
            }
        }
        // Some at a time: others write meanwhile.
        while try await purgeSome(before: time, projects, &outcome, principal) {}
        let experiments = try await database.write { [ledger] db in
            let store = CareStore()
            let gone = try store.emptyDeletedExperiments(db, before: time, projects: projects)
            for key in gone {
                let project = try self.experiments.experiment(db, key: key)?.project
                try store.purge(db, experiment: key)
                try ledger.append(
                    db, "experiment.purged", Ref(.experiment, String(key)), project: project, by: principal)
            }
            return gone.count
        }
        outcome.experiments += experiments
        return outcome
    }

    /// - Returns: whether there may be more.
    private func purgeSome(
        before time: Timestamp, _ projects: [String]?, _ outcome: inout PurgeOutcome, _ principal: Principal
    ) async throws -> Bool {
        let before = outcome
        let (after, isMore) = try await database.write { [ledger] db in
            let store = CareStore()
            var outcome = before
            let runs = try store.deletedRuns(db, before: time, projects: projects, limit: Self.purgeGroup)
            for run in runs {
                try outcome.count(db, run.ref)
                try Self.drop(db, run.ref)
                try store.purge(db, run: run.key)
                try ledger.append(db, "run.purged", run.ref, project: run.project, by: principal)
            }
            let models = try store.deletedModels(db, before: time, projects: projects, limit: Self.purgeGroup)
            for model in models {
                let ref = Ref(.loggedModel, model.id)
                let project = try self.models.model(db, id: model.id)?.project
                try outcome.count(db, ref)
                try Self.drop(db, ref)
                try store.purge(db, model: model.key)
                try ledger.append(db, "model.purged", ref, project: project, by: principal)
            }
            outcome.runs += runs.count
            outcome.items += runs.prefix(BulkOutcome.shown - outcome.items.count).map(\.id)
            outcome.loggedModels += models.count
            return (outcome, runs.count + models.count > 0)
        }
        outcome = after
        return isMore
    }

    private static func drop(_ db: any Transaction, _ owner: Ref) throws {
        for id in try Manifests.ids(db, owner: owner) { try Manifests.delete(db, id) }
    }
}

extension PurgeOutcome {
    fileprivate mutating func count(_ db: any Transaction, _ owner: Ref) throws {
        for id in try Manifests.ids(db, owner: owner) {
            let totals = try Manifests.totals(db, id)
            files += totals.files
            bytes += totals.bytes
        }
    }
}
