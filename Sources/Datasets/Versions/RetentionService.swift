import Core
import Database
import Ledger
import Logging
import Platform

extension DatasetsService {
    public func retention(_ name: String, as principal: Principal) async throws -> RetentionRule? {
        _ = try await dataset(name, as: principal)
        return try await platform.database.read { [store] in try store.retention($0, name) }
    }

    /// Sets the rule, or removes it (nil). Nothing is deleted yet.
    public func setRetention(_ name: String, _ rule: RetentionRule?, as principal: Principal) async throws {
        let dataset = try await self.dataset(name, as: principal)
        try principal.require(.deleteDatasets, in: dataset.project)
        let now = platform.clock.now()
        try await platform.database.write { [store, ledger = platform.ledger] db in
            if let rule {
                try store.setRetention(db, name, rule, by: principal.name, at: now)
            } else {
                try store.removeRetention(db, name)
            }
            try ledger.append(
                db, "dataset.retention.set", dataset.ref, project: dataset.project, by: principal,
                data: ["rule": rule?.json ?? .null])
        }
    }

    /// Deletes the versions that the dataset's rule does not keep, or says what that would free.
    public func applyRetention(_ name: String, dryRun: Bool, as principal: Principal) async throws -> RetentionOutcome {
        let dataset = try await self.dataset(name, as: principal)
        try principal.require(.deleteDatasets, in: dataset.project)
        let (rule, named) = try await platform.database.read { [store] db in
            (
                try store.retention(db, name),
                try store.named(db, name, .branch) + store.named(db, name, .tag)
            )
        }
        guard let rule else {
            throw SlipwayError(
                .notFound, "\(name) has no retention rule. Set one: slipway data retain \(name) --keep-last 10.",
                ref: dataset.ref)
        }
        let versions = try await allVersions(of: name)
        let expired = rule.expired(versions, named: named, now: platform.clock.now())
        let held = try await modelsMade(from: expired)
        let going = expired.filter { held[$0.ref] == nil }
        let deletion = try await delete(going, of: nil, dryRun: dryRun, force: false, as: principal)
        if !dryRun {
            let now = platform.clock.now()
            try await platform.database.write { [store] in try store.setRetentionApplied($0, name, at: now) }
        }
        return RetentionOutcome(rule: rule, deletion: deletion, kept: versions.count - going.count, held: held)
    }

    private static let retentionPeriodSeconds = 86_400.0
    private static let retentionLookSeconds = 600.0

    /// Applies the automatic rules, each once a day; until it is cancelled.
    func retainForever() async throws {
        while true {
            try await Task.sleep(for: .seconds(Self.retentionLookSeconds))
            let due = platform.clock.now().adding(seconds: -Self.retentionPeriodSeconds)
            for name in try await platform.database.read({ [store] in try store.retentionsDue($0, before: due) }) {
                do {
                    let outcome = try await applyRetention(name, dryRun: false, as: .system)
                    let count = outcome.deletion.versions.count
                    if count > 0 { platform.logger.info("Retention deleted \(count) versions of \(name).") }
                } catch is CancellationError {
                    throw CancellationError()
                } catch {
                    platform.logger.warning("Retention of \(name) failed.", metadata: ["cause": "\(error)"])
                }
            }
        }
    }
}
