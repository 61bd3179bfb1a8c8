import Core
import Database
import Ledger
import Platform
import Tables

extension Permission {
    /// Reading protected columns of a dataset under the policy `restricted`.
    static let readPersonalData = Permission("datasets.personal", [.owner])
}

extension DatasetsService {
    // MARK: Marks

    /// Every column of the newest version with what is said of it, and marks of columns that are gone.
    public func columnMarks(_ dataset: String, as principal: Principal) async throws -> [ColumnMark] {
        _ = try await self.dataset(dataset, as: principal)
        return try await platform.database.read { [store] in try store.marks($0, dataset) }
    }

    /// Says what a column is. What is nil stays as it is.
    public func mark(
        _ dataset: String, column: String, pii: ColumnMark.PII?, kind: String?, description: String?, unit: String?,
        as principal: Principal
    ) async throws -> ColumnMark {
        let owner = try await self.dataset(dataset, as: principal)
        try principal.require(.governDatasets, in: owner.project)
        for (field, text) in [("kind", kind), ("description", description), ("unit", unit)]
        where (text?.utf8.count ?? 0) > 2000 {
            throw SlipwayError.field(field, "is over 2000 bytes")
        }
        let columns = try await columnsEverSeen(owner)
        guard columns.contains(column) else {
            throw SlipwayError.field(
                "column", "\(owner.ref) has no column '\(column.prefix(80))'\(NearestName.hint(column, in: columns))",
                expected: "one of \(columns.joined(separator: ", "))")
        }
        let now = platform.clock.now()
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            let known = try store.marks(db, dataset).first { $0.name == column }
            // To take protection away from a column takes as much as to see it.
            if known?.pii?.isProtected == true, let pii, !pii.isProtected {
                try Self.requirePersonal(try store.record(db, dataset)?.policy, owner.project, principal)
            }
            let mark = ColumnMark(
                dataset: dataset, name: column, pii: pii ?? known?.pii,
                kind: kind ?? (pii == nil ? known?.kind : nil), description: description ?? known?.description ?? "",
                unit: unit ?? known?.unit, basis: pii == nil ? known?.basis ?? .person : .person,
                origin: pii == nil ? known?.origin ?? "" : "", author: principal.name, updated: now)
            try store.setMark(db, mark)
            try ledger.append(
                db, "dataset.column.marked", owner.ref, project: owner.project, by: principal,
                data: ["column": .string(column), "pii": JSONValue(mark.pii?.rawValue), "kind": JSONValue(mark.kind)])
            return mark
        }
    }

    /// The columns of the heads of all branches.
    private func columnsEverSeen(_ dataset: Dataset) async throws -> [String] {
        let heads = try await platform.database.read { [store] db in
            try store.named(db, dataset.name, .branch).compactMap {
                try store.version(db, dataset.name, .number($0.number))
            }
        }
        guard !heads.isEmpty else { throw SlipwayError.notFound(dataset.ref, hint: "It has no versions yet.") }
        var seen: Set<String> = []
        return heads.flatMap(\.columns).map(\.name).filter { seen.insert($0).inserted }
    }

    /// The columns whose values are not shown in reports.
    func personalColumns(of dataset: String) async throws -> Set<String> {
        let marks = try await platform.database.read { [store] in try store.marks($0, dataset) }
        return Set(marks.filter { $0.pii?.isProtected == true }.map(\.name))
    }

    // MARK: Policy

    public func setPolicy(_ dataset: String, _ policy: PIIPolicy, as principal: Principal) async throws {
        let owner = try await self.dataset(dataset, as: principal)
        try principal.require(.governDatasets, in: owner.project)
        let now = platform.clock.now()
        try await platform.database.write { [store, ledger = platform.ledger] db in
            var record = try store.record(db, dataset) ?? DatasetRecord()
            guard record.policy != policy else { return }
            if policy == .open { try Self.requirePersonal(record.policy, owner.project, principal) }
            (record.policy, record.author, record.updated) = (policy, principal.name, now)
            try store.setRecord(db, dataset, record)
            try ledger.append(
                db, "dataset.policy.set", owner.ref, project: owner.project, by: principal,
                data: ["pii": .string(policy.rawValue)])
        }
    }

    public func policy(_ dataset: String, as principal: Principal) async throws -> PIIPolicy {
        _ = try await self.dataset(dataset, as: principal)
        return try await platform.database.read { [store] in try store.record($0, dataset)?.policy } ?? .open
    }

    /// Lets a version's values out, or not.
    ///
    /// - Throws: `forbidden` when the dataset is under the policy `restricted`, has protected columns, and the principal
    ///   may not read personal data.
    func requirePersonalData(_ version: DatasetVersion, as principal: Principal) async throws {
        let hidden = try await restrictedColumns(of: version.dataset, version.columns, as: principal)
        guard hidden.isEmpty else {
            throw SlipwayError(
                .forbidden,
                "\(version.ref) holds personal data (\(hidden.prefix(10).joined(separator: ", "))) and is restricted; \(principal.name) needs the permission \(Permission.readPersonalData), which an owner of \(version.project) has.",
                details: ["permission": Permission.readPersonalData.name], ref: version.ref)
        }
    }

    /// The protected ones among a dataset's columns, if it is under the policy `restricted` and the principal may not read
    /// personal data.
    func restrictedColumns(
        of dataset: String, _ columns: [TableColumn], as principal: Principal
    ) async throws -> [String] {
        let columns = Set(columns.map(\.name))
        return try await platform.database.read { [store] db in
            guard let project = try store.dataset(db, dataset)?.project,
                !principal.may(.readPersonalData, in: project),
                try store.record(db, dataset)?.policy == .restricted
            else { return [] }
            return try store.marks(db, dataset).filter { $0.pii?.isProtected == true && columns.contains($0.name) }
                .map(\.name)
        }
    }

    private static func requirePersonal(_ policy: PIIPolicy?, _ project: String, _ principal: Principal) throws {
        if policy == .restricted { try principal.require(.readPersonalData, in: project) }
    }

    // MARK: Inheritance

    /// What the columns of a commit inherit from what it is made of: by the expressions where its SQL can be followed,
    /// else by their names.
    func inherit(_ checks: inout CommitChecks, _ commit: Commit) async throws {
        let columns = commit.parts.first?.table.columns.map(\.name) ?? []
        let parents = Set((commit.parents + commit.reads.values.map(\.ref)).filter { $0.kind == .dataset }.map(\.name))
            .subtracting([commit.dataset])
        if let sql = commit.recipe.details["sql"]?.stringValue, !commit.reads.isEmpty {
            checks.lineage = try await lineage(of: sql, commit.reads, columns: columns)
        }
        guard !parents.isEmpty else { return }
        let (marks, restricted) = try await platform.database.read { [store] db in
            (
                Dictionary(uniqueKeysWithValues: try parents.map { ($0, try store.marks(db, $0)) }),
                try parents.filter { try store.record(db, $0)?.policy == .restricted }
            )
        }
        let now = platform.clock.now()
        var found: [String: ColumnMark] = [:]
        func add(_ mark: ColumnMark?, _ column: String, _ basis: ColumnMark.Basis) {
            guard let mark, let pii = mark.pii, pii != .none, pii > found[column]?.pii ?? .none else { return }
            found[column] = mark.carried(to: commit.dataset, column, basis, at: now)
            if pii.isProtected, restricted.contains(mark.dataset) { checks.isRestricted = true }
        }
        if let lineage = checks.lineage {
            for column in lineage.columns {
                for source in column.sources where source.ref.name != commit.dataset {
                    add(marks[source.ref.name]?.first { $0.name == source.column }, column.name, .expression)
                }
            }
        } else {
            for mark in marks.values.joined() {
                for column in columns where column.lowercased() == mark.name.lowercased() { add(mark, column, .name) }
            }
        }
        checks.marks = found.values.sorted { $0.name < $1.name }
    }

    /// nil when the SQL cannot be followed.
    private func lineage(
        of sql: String, _ reads: [String: DatasetVersion], columns: [String]
    ) async throws -> ColumnLineage? {
        let outputs = try await outputs(of: sql, reads.mapValues { $0.columns.map(\.name) })
        guard let outputs, outputs.count == columns.count else { return nil }
        return ColumnLineage(
            columns: zip(columns, outputs).map { name, output in
                let sources = output.sources.compactMap { place, kind in
                    reads[place.table].map {
                        ColumnLineage.Source(ref: $0.ref, column: place.column, kind: kind)
                    }
                }
                return ColumnLineage.Column(
                    name: name, sources: sources.sorted { ($0.ref, $0.column) < ($1.ref, $1.column) })
            })
    }

    /// What each column of a SELECT reads, of tables with these columns; nil when the SQL cannot be followed.
    func outputs(of sql: String, _ tables: [String: [String]]) async throws -> [SQLLineage.Output]? {
        do {
            let text = try await platform.tables.query(
                "SELECT json_serialize_sql($1::VARCHAR)::VARCHAR", parameters: [.text(sql)], inputs: [], maxRows: 1
            ).rows.first?.first?.text
            return try SQLLineage(tables: tables).outputs(of: JSONValue(parsing: text ?? ""))
        } catch is SQLLineage.NotFollowed {
            return nil
        } catch let error as SlipwayError where [.invalid, .tooLarge, .forbidden].contains(error.code) {
            // Nested deeper than JSON is read here; the SELECT itself ran.
            return nil
        }
    }
}
