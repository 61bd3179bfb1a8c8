import Core
import Database
import Ledger
import Platform
import Tables

/// What is found out about a commit before its transaction, and written down in it.
struct CommitChecks: Sendable {
    var report: QualityReport?
    /// Marks of personal data that the new version's columns inherit.
    var marks: [ColumnMark] = []
    var lineage: ColumnLineage?
    /// Whether what it is made of is under the policy `restricted`.
    var isRestricted = false

    /// Part of the commit's transaction.
    func record(
        _ db: any Transaction, _ version: DatasetVersion, _ store: DatasetsStore, _ ledger: Ledger,
        by principal: Principal
    ) throws {
        if let report, let contract = report.contract {
            try store.insertQuality(db, version, contract: contract, report)
            if report.outcome != .passed {
                try ledger.append(
                    db, "dataset.quality", version.ref, project: version.project, by: principal, data: report.eventData)
            }
        }
        if let lineage { try store.insertLineage(db, version, lineage) }
        for mark in marks { try store.carry(db, mark) }
        if isRestricted { try store.restrict(db, version.dataset, by: principal.name, at: version.created) }
    }
}

extension DatasetsService {
    /// Asks the dataset's contract of a commit's rows, and what its columns inherit.
    ///
    /// - Throws: `invalid` with the report when a rule that blocks is broken.
    func checks(_ commit: Commit, baseFiles: Int, as principal: Principal) async throws -> CommitChecks {
        let (dataset, stored) = try await platform.database.read { [store] db in
            (try store.dataset(db, commit.dataset), try store.contract(db, commit.dataset, nil))
        }
        var checks = CommitChecks()
        try await inherit(&checks, commit)
        // Of another project's dataset nothing is checked: the commit is about to be refused.
        guard let dataset, let stored, dataset.project == commit.project else { return checks }
        var labels = commit.parts.indices.map { Self.partName(baseFiles + $0) }
        if commit.parts.count == 1, commit.recipe.inputs.count == 1, ["import", "append"].contains(commit.recipe.kind) {
            labels = [Self.withoutDigest(commit.recipe.inputs[0])]
        }
        let source = commit.recipe.details["source"]?.stringValue.flatMap { try? Ref(parsing: $0) }
        let subject = try await subject(
            dataset, parts: commit.parts, labels: labels, base: commit.base, source: source)
        let report = try await QualityCheck(
            service: self, subject: subject, now: platform.clock.now(), principal: principal
        ).run(stored.contract, number: stored.number)
        if report.outcome == .blocked {
            try await platform.database.write { [ledger = platform.ledger] db in
                try ledger.append(
                    db, "dataset.quality", dataset.ref, project: dataset.project, by: principal, data: report.eventData)
            }
            throw report.refusal
        }
        checks.report = report
        return checks
    }

    /// `/data/day-1.csv` of `/data/day-1.csv#sha256:…`.
    static func withoutDigest(_ label: String) -> String {
        guard let end = label.ranges(of: "#sha256:").last else { return label }
        return String(label[..<end.lowerBound])
    }
}
