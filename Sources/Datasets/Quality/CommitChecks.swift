import Core
import Database
import Ledger
import Platform
import Tables

/// What is found out about a commit before its transaction, and written down in it.
struct CommitChecks: Sendable {
    var report: QualityReport?
    /// The number of the contract that was asked, ended ones too; nil if there never was one. A commit whose contract is
    /// another by the time of its transaction begins again.
    var contract: Int?
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
        try recordReport(db, version, store, ledger, by: principal)
        if let lineage { try store.insertLineage(db, version, lineage) }
        for mark in marks { try store.carry(db, mark) }
        if isRestricted { try store.restrict(db, version.dataset, by: principal.name, at: version.created) }
    }

    /// Keeps the report with the version.
    func recordReport(
        _ db: any Transaction, _ version: DatasetVersion, _ store: DatasetsStore, _ ledger: Ledger,
        by principal: Principal
    ) throws {
        guard let report, let contract = report.contract else { return }
        try store.keepQuality(db, version, contract: contract, report)
        if report.outcome != .passed {
            try ledger.append(
                db, "dataset.quality", version.ref, project: version.project, by: principal, data: report.eventData)
        }
    }

    /// Sees in the transaction that the contract is still the one that was asked.
    ///
    /// - Throws: `conflict` with the detail `latest`, as when another version came first: the same again asks the new one.
    func requireContract(
        _ db: any Transaction, of dataset: String, head: DatasetVersion?, _ store: DatasetsStore
    ) throws {
        let now = try store.contractNumber(db, dataset)
        guard now == contract else {
            throw SlipwayError(
                .conflict,
                "The contract of \(dataset) was changed meanwhile (it has the number \(now ?? 0)); try again.",
                details: ["latest": String(head?.number ?? 0)], ref: Ref(.dataset, dataset))
        }
    }
}

extension DatasetsService {
    /// Asks the dataset's contract of a commit's rows, and what its columns inherit.
    ///
    /// - Throws: `invalid` with the report when a rule that blocks is broken.
    func checks(_ commit: Commit, baseFiles: Int, as principal: Principal) async throws -> CommitChecks {
        let (dataset, number, stored) = try await platform.database.read { [store] db in
            (
                try store.dataset(db, commit.dataset), try store.contractNumber(db, commit.dataset),
                try store.contract(db, commit.dataset, nil)
            )
        }
        var checks = CommitChecks()
        checks.contract = number
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
        try await refuse(report, project: dataset.project, as: principal)
        checks.report = report
        return checks
    }

    /// Asks the dataset's contract of a version that is to become a branch's newest one as it is: what it was asked when it
    /// was made, if anything, may have been another contract, and only of the rows that were new then.
    ///
    /// - Throws: `invalid` with the report when a rule that blocks is broken.
    func checks(moving version: DatasetVersion, as principal: Principal) async throws -> CommitChecks {
        let (number, stored) = try await platform.database.read { [store] db in
            (try store.contractNumber(db, version.dataset), try store.contract(db, version.dataset, nil))
        }
        var checks = CommitChecks()
        checks.contract = number
        guard let stored else { return checks }
        let report = try await check(version, stored.contract, number: stored.number, as: principal)
        try await refuse(report, project: version.project, as: principal)
        checks.report = report
        return checks
    }

    private func refuse(_ report: QualityReport, project: String, as principal: Principal) async throws {
        guard report.outcome == .blocked else { return }
        try await platform.database.write { [ledger = platform.ledger] db in
            try ledger.append(
                db, "dataset.quality", Ref(.dataset, report.dataset), project: project, by: principal,
                data: report.eventData)
        }
        throw report.refusal
    }

    /// `/data/day-1.csv` of `/data/day-1.csv#sha256:…`.
    static func withoutDigest(_ label: String) -> String {
        guard let end = label.ranges(of: "#sha256:").last else { return label }
        return String(label[..<end.lowerBound])
    }
}
