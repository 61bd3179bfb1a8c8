import Core
import Database
import Ledger
import Objects
import Platform
import Tables
import Web

extension Permission {
    /// Contracts, cards and marks say what a dataset is to everyone.
    static let governDatasets = Permission("datasets.govern", .makers)
}

extension DatasetsService {
    // MARK: Contracts

    /// The contract that holds now, or an earlier one by its number.
    public func contract(_ dataset: String, number: Int? = nil, as principal: Principal) async throws -> StoredContract
    {
        let owner = try await self.dataset(dataset, as: principal)
        guard
            let found = try await platform.database.read({ [store] in try store.contract($0, dataset, number) })
        else {
            throw SlipwayError(
                .notFound,
                "\(owner.ref) has no contract\(number.map { " with the number \($0)" } ?? ""). 'slipway data contract suggest \(dataset)' drafts one.",
                ref: owner.ref)
        }
        return found
    }

    /// Sets the contract of a dataset; the same text again changes nothing. An empty text ends the contract.
    ///
    /// - Returns: the contract, and notes on what the newest version would not fit by its columns alone.
    /// - Throws: `invalid` with the line for what cannot be used; `notFound` for a reference that is not there.
    public func setContract(
        _ dataset: String, yaml: String, as principal: Principal
    ) async throws -> (contract: StoredContract?, notes: [String]) {
        let owner = try await self.dataset(dataset, as: principal)
        try principal.require(.governDatasets, in: owner.project)
        let known = try await platform.database.read { [store] in try store.contract($0, dataset, nil) }
        if known?.yaml == yaml { return (known, []) }
        var notes: [String] = []
        if !yaml.isEmpty {
            let contract = try Contract(yaml: yaml)
            try await tryOut(contract, of: owner, as: principal)
            notes = try await self.notes(on: contract, of: owner)
        }
        let now = platform.clock.now()
        let stored = try await platform.database.write { [store, ledger = platform.ledger] db in
            let number = try store.insertContract(db, dataset, yaml: yaml, author: principal.name, at: now)
            try ledger.append(
                db, "dataset.contract.set", owner.ref, project: owner.project, by: principal,
                data: [
                    "contract": JSONValue(number), "sha256": .string(Digest.of(yaml).hex), "ended": .bool(yaml.isEmpty),
                ])
            return try store.contract(db, dataset, nil)
        }
        return (stored, notes)
    }

    /// Sees that all that a contract refers to is there and may be read, and that its patterns and SQL can be run.
    private func tryOut(_ contract: Contract, of dataset: Dataset, as principal: Principal) async throws {
        func at<T>(_ rule: ContractRule, _ work: () async throws -> T) async throws -> T {
            do { return try await work() } catch let error as SlipwayError {
                throw SlipwayError(
                    error.code, "The contract cannot be used: line \(rule.line): \(rule.name): \(error.message)",
                    details: ["line": String(rule.line), "field": rule.name], ref: error.ref)
            }
        }
        let newest = try await newest(dataset.name, Dataset.mainBranch)
        for rule in contract.rules {
            switch rule.check {
            case .pattern(_, let pattern):
                _ = try await at(rule) {
                    try await platform.tables.query(
                        "SELECT regexp_matches('', \(DuckSQL.text(pattern)))", inputs: [], maxRows: 1)
                }
            case .foreignKey(_, let ref, let target):
                try await at(rule) {
                    guard ref != dataset.ref else {
                        throw SlipwayError(
                            .invalid, "A foreign key leads to another dataset; use an SQL rule over 'data' for this.")
                    }
                    let columns = try await resolve(ref, as: principal).columns.map(\.name)
                    for name in target where !columns.contains(name) {
                        throw SlipwayError(
                            .invalid, "\(ref) has no column '\(name)'\(NearestName.hint(name, in: columns)).")
                    }
                }
            case .drift(let column, let ref, _, _):
                try await at(rule) {
                    let columns = try await resolve(ref, as: principal).columns.map(\.name)
                    guard columns.contains(column) else {
                        throw SlipwayError(
                            .invalid, "\(ref) has no column '\(column)'\(NearestName.hint(column, in: columns)).")
                    }
                }
            case .sourceFreshness(let name, _): _ = try await at(rule) { try await source(name, as: principal) }
            case .sql(let sql, let named):
                try await at(rule) {
                    let binding = try await bind(named, as: principal)
                    guard let newest else { return }
                    let inputs = [try await input(newest, name: "data"), try await input(newest, name: "new")]
                    // Planned, not run.
                    _ = try await platform.tables.query(
                        binding.sql("SELECT * FROM (\(sql)\n) LIMIT 0"), inputs: inputs + binding.inputs, maxRows: 1)
                }
            default: break
            }
        }
    }

    private func notes(on contract: Contract, of dataset: Dataset) async throws -> [String] {
        guard let newest = try await newest(dataset.name, Dataset.mainBranch) else { return [] }
        let columns = newest.columns.map(\.name)
        var seen: Set<String> = []
        return contract.rules.flatMap { rule in
            (rule.columns + (rule.column.map { [$0] } ?? [])).filter {
                !columns.contains($0) && seen.insert($0).inserted
            }
            .map { "line \(rule.line): \(newest.ref) has no column '\($0)'\(NearestName.hint($0, in: columns))" }
        }
    }

    // MARK: Checks

    /// The report that is kept with a version.
    public func quality(_ ref: Ref, as principal: Principal) async throws -> JSONValue {
        let version = try await resolve(ref, as: principal)
        guard let report = try await platform.database.read({ [store] in try store.quality($0, version) }) else {
            throw SlipwayError(
                .notFound,
                "\(version.ref) was made without a contract, so there is no report. 'slipway data contract check \(version.dataset) --version \(version.number)' checks it now.",
                ref: version.ref)
        }
        // Its examples are rows, chosen for who made the version.
        return try await restrictedColumns(of: version.dataset, version.columns, as: principal).isEmpty
            ? report : QualityReport.withoutExamples(report)
    }

    /// Checks a version against the contract that holds now, or a draft; nothing is kept.
    public func checkContract(_ ref: Ref, draft: String?, as principal: Principal) async throws -> QualityReport {
        let version = try await resolve(ref, as: principal)
        // Rules count and show rows, and whoever drafts them chooses which.
        try await requirePersonalData(version, as: principal)
        let owner = try await dataset(version.dataset, as: principal)
        let (contract, number) = try await contractOrDraft(owner, draft, as: principal)
        return try await check(version, contract, number: number, as: principal)
    }

    /// Asks a contract of all rows of a version.
    func check(
        _ version: DatasetVersion, _ contract: Contract, number: Int?, as principal: Principal
    ) async throws -> QualityReport {
        let owner = try await dataset(version.dataset, as: .system)
        var table = try await input(version, name: "new")
        table.positions = true
        let subject = QualitySubject(
            dataset: owner.name, key: owner.key, columns: version.columns, new: table, newRows: version.rowCount,
            hidden: try await personalColumns(of: owner.name))
        return try await QualityCheck(service: self, subject: subject, now: platform.clock.now(), principal: principal)
            .run(contract, number: number)
    }

    private func contractOrDraft(
        _ dataset: Dataset, _ draft: String?, as principal: Principal
    ) async throws -> (Contract, Int?) {
        if let draft {
            let contract = try Contract(yaml: draft)
            try await tryOut(contract, of: dataset, as: principal)
            return (contract, nil)
        }
        let stored = try await contract(dataset.name, as: principal)
        return (stored.contract, stored.number)
    }

    /// Checks rows as if they were appended; nothing is kept.
    public func checkRows(
        _ dataset: String, body: RequestBody, format: TableInput.Format, encoding: TableInput.Encoding,
        branch: String, as principal: Principal
    ) async throws -> QualityReport {
        let owner = try await self.dataset(dataset, as: principal)
        try principal.require(.writeDatasets, in: owner.project)
        let stored = try await contract(dataset, as: principal)
        let raw = try await platform.objects.put(contentsOf: body, maximumBytes: Self.appendMaximumBytes)
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let base = try await newest(dataset, branch)
        let table = TableInput(
            name: "data", files: [try await platform.objects.localPath(raw.digest)],
            labels: ["request.\(format.rawValue)"], format: format, encoding: encoding)
        let part = try await convert(table, onto: base, replaces: false, Conversion(), in: folder).part
        let subject = try await subject(
            owner, parts: [(try await platform.objects.localPath(part.object.digest), part.table)],
            labels: table.labels ?? [], base: base, source: nil)
        return try await QualityCheck(service: self, subject: subject, now: platform.clock.now(), principal: principal)
            .run(stored.contract, number: stored.number)
    }

    func subject(
        _ dataset: Dataset, parts: [(path: String, table: TableFile)], labels: [String], base: DatasetVersion?,
        source: Ref?
    ) async throws -> QualitySubject {
        var new = TableInput(name: "new", files: parts.map(\.path), labels: labels, format: .parquet)
        if parts.isEmpty, let base { new = try await input(base, name: "new") }
        new.positions = true
        let kept = parts.isEmpty ? nil : base
        return QualitySubject(
            dataset: dataset.name, key: dataset.key, columns: parts.first?.table.columns ?? base?.columns ?? [],
            new: new, newRows: parts.isEmpty ? base?.rowCount ?? 0 : parts.reduce(0) { $0 + $1.table.rows },
            base: try await kept.asyncMap { try await input($0, name: "base") }, baseRows: kept?.rowCount ?? 0,
            hidden: try await personalColumns(of: dataset.name), source: source)
    }

    // MARK: What rules ask for

    /// When a source was last seen to have changed, or read at all; nil if it never was.
    func lastChange(of source: String) async throws -> Timestamp? {
        guard let source = try await platform.database.read({ [store] in try store.source($0, source) }) else {
            throw SlipwayError.notFound(Ref(.source, source))
        }
        return source.changed ?? source.lastImported
    }

    func columns(of ref: Ref) async throws -> [TableColumn] { try await resolve(ref, as: .system).columns }

    func mayRead(_ refs: [Ref], as principal: Principal) async throws -> Bool {
        for ref in refs {
            let version = try await resolve(ref, as: .system)
            guard principal.may(.readDatasets, in: version.project),
                try await restrictedColumns(of: version.dataset, version.columns, as: principal).isEmpty
            else { return false }
        }
        return true
    }

    /// The columns of an SQL rule's answer whose values are not shown: those that read personal data, under whatever
    /// name. All of them if any table has such columns and the SQL cannot be followed.
    func personalOutputs(
        of sql: String, _ outputs: [String], subject: QualitySubject, _ binding: Binding
    ) async throws -> Set<Int> {
        var tables = ["data": subject.columns.map(\.name), "new": subject.columns.map(\.name)]
        var hidden = ["data": subject.hidden, "new": subject.hidden]
        for (name, version) in binding.versions {
            tables[name] = version.columns.map(\.name)
            hidden[name] = try await personalColumns(of: version.dataset)
        }
        guard hidden.values.contains(where: { !$0.isEmpty }) else { return [] }
        guard let followed = try await self.outputs(of: sql, tables), followed.count == outputs.count else {
            return Set(outputs.indices)
        }
        return Set(
            followed.indices.filter { index in
                followed[index].sources.contains { hidden[$0.key.table]?.contains($0.key.column) == true }
            })
    }
}
