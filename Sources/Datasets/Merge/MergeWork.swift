import Core
import Database
import Objects
import Platform
import Tables

/// A merge being worked out: its versions, its columns, and the files of its steps.
struct MergeWork {
    let dataset: Dataset
    let base: DatasetVersion?
    let ours: DatasetVersion
    let theirs: DatasetVersion
    let layout: MergeLayout
    let folder: String
    /// For whom the tables are asked.
    let principal: Principal
    var counts = MergeCounts()
    /// Units with conflicts.
    var conflicting: [Int] = []
    var plan: TableInput?
    var conflicts: TableInput?

    var sql: MergeSQL { MergeSQL(layout) }

    /// Whether the merge only adds rows, so that the files of ours stay as they are.
    var onlyAdds: Bool {
        counts.deleted == 0 && counts.edited == 0 && counts.conflicts == 0
            && layout.order.map { TableColumn(name: $0.name, type: $0.type) } == ours.columns
    }
}

extension DatasetsService {
    static let blameMaximumVersions = 24
    /// Conflicts times versions looked at, for who did what.
    static let blameMaximumCells = 3_000_000

    /// The columns of a merge, or the changes of the schema that contradict each other.
    func layout(
        _ dataset: Dataset, base: DatasetVersion?, ours: DatasetVersion, theirs: DatasetVersion, key: [String],
        granularity: MergeLayout.Granularity, decided: [String: MergeSide], rules: [MergeRule],
        as principal: Principal
    ) async throws -> MergeLayout {
        var decided = decided
        func attempt() throws -> MergeLayout {
            try MergeLayout(
                base: base?.columns ?? [], ours: ours.columns, theirs: theirs.columns, key: key,
                granularity: granularity, decided: decided)
        }
        /// A rule for one of the sides speaks for the schema too.
        func ruled(_ column: String) -> MergeSide? {
            let rule = rules.first {
                ($0.column == nil || $0.column?.lowercased() == column.lowercased())
                    && ($0.kind == .ours || $0.kind == .theirs)
            }
            return rule.map { $0.kind == .ours ? .ours : .theirs }
        }
        var layout = try attempt()
        var found = layout.conflicts
        for probe in layout.probes {
            guard let base else { continue }
            let side = probe.side == .ours ? ours : theirs
            let count =
                try await ask(
                    MergeSQL(layout).probe(probe, base: "base", side: "side", sideColumns: side.columns),
                    [try await input(base, name: "base"), try await input(side, name: "side")], for: principal
                ).first?.first?.intValue ?? 0
            guard count > 0 else { continue }
            func type(_ version: DatasetVersion) -> String? {
                version.columns.first { $0.name.lowercased() == probe.column.lowercased() }?.type
            }
            found.append(
                SchemaConflict(
                    column: probe.column, kind: probe.type == nil ? .dropped : .type, base: type(base),
                    ours: type(ours), theirs: type(theirs), rows: count))
        }
        guard !found.isEmpty else { return layout }
        let open = found.filter { conflict in
            guard let side = ruled(conflict.column) else { return true }
            decided[conflict.column.lowercased()] = side
            return false
        }
        guard open.isEmpty else { throw SchemaDisagreement(conflicts: open) }
        layout = try attempt()
        return layout
    }

    struct SchemaDisagreement: Error { let conflicts: [SchemaConflict] }

    /// Finds what theirs changed, plans it onto ours, and lists the conflicts with who made them.
    func work(out work: MergeWork, graph: VersionGraph) async throws -> MergeWork {
        var work = work
        let sql = work.sql
        for (side, version) in [(MergeSide.base, work.base), (.ours, work.ours), (.theirs, work.theirs)] {
            if let version { try await requireKey(sql.keyed, side, of: version, for: work.principal) }
        }
        let (base, theirs): (TableInput?, TableInput?)
        if let version = work.base, !work.layout.restored.isEmpty {
            (base, theirs) = (try await input(version, name: "base"), try await table(.theirs, of: work))
        } else if let version = work.base {
            (base, theirs) = try await inputsThatDiffer(version, name: "base", work.theirs, name: "theirs")
        } else {
            (base, theirs) = (nil, try await input(work.theirs, name: "theirs"))
        }
        let changes = try await step(
            sql.keyed.changes(from: base?.name, .base, to: theirs?.name, .theirs), [base, theirs], name: "changes",
            in: work.folder, for: work.principal)
        let ours = try await table(.ours, of: work)
        let plan = try await step(
            sql.plan(changes: "changes", ours: "ours"), [changes, ours], name: "plan", in: work.folder,
            for: work.principal)
        removeFile(changes.files[0])
        work.plan = plan
        let row = try await ask(sql.counts(plan: "plan"), [plan], for: work.principal).first ?? []
        func count(_ index: Int) -> Int64 { row.indices.contains(index) ? row[index].intValue ?? 0 : 0 }
        work.counts.added = count(0)
        work.counts.deleted = count(1)
        work.counts.edited = count(2)
        work.counts.cells = count(3)
        work.counts.rowsInConflict = count(4)
        work.counts.deleteConflicts = count(5)
        for (index, unit) in work.layout.units.enumerated() where count(7 + index) > 0 {
            work.conflicting.append(index)
            work.counts.byColumn[unit.name] = count(7 + index)
        }
        work.counts.conflicts = work.counts.byColumn.values.reduce(work.counts.deleteConflicts, +)
        work.counts.open = work.counts.conflicts
        guard work.counts.conflicts > 0 else { return work }
        let found = try await step(
            sql.conflicts(plan: "plan", units: work.conflicting), [plan], name: "found", in: work.folder,
            for: work.principal)
        work.conflicts = try await blame(found, work, graph)
        removeFile(found.files[0])
        return work
    }

    /// A side's table, with the columns back that it dropped and that stay.
    private func table(_ side: MergeSide, of work: MergeWork) async throws -> TableInput {
        let table = try await input(side == .ours ? work.ours : work.theirs, name: side.rawValue)
        let back = work.layout.restored.filter { $0.side == side }
        guard !back.isEmpty, let base = work.base else { return table }
        var restored = try await step(
            work.sql.restore(back, to: table.name, side, base: "base"), [table, try await input(base, name: "base")],
            name: "restored-" + side.rawValue, in: work.folder, for: work.principal)
        restored.name = side.rawValue
        return restored
    }

    /// Adds who made each side of the conflicts: walks each side's versions back to the base, within bounds.
    private func blame(_ found: TableInput, _ work: MergeWork, _ graph: VersionGraph) async throws -> TableInput {
        let limit = max(
            1, min(Self.blameMaximumVersions, Self.blameMaximumCells / Int(clamping: max(1, work.counts.conflicts))))
        var inputs = [found]
        func steps(_ head: DatasetVersion, _ prefix: String) async throws -> (steps: [MergeSQL.Step], isCut: Bool) {
            let (numbers, isCut) = graph.line(from: work.base?.number, to: head.number, limit: limit)
            var steps: [MergeSQL.Step] = []
            for number in numbers {
                if number == head.number {
                    steps.append(MergeSQL.Step(version: head, table: nil))
                    continue
                }
                guard
                    let version = try await platform.database.read({ [store] in
                        try store.version($0, head.dataset, .number(number))
                    })
                else { continue }
                let name = "\(prefix)\(number)"
                inputs.append(try await input(version, name: name))
                steps.append(MergeSQL.Step(version: version, table: name))
            }
            return (steps, isCut)
        }
        let (ours, oursIsCut) = try await steps(work.ours, "o")
        let (theirs, theirsIsCut) = try await steps(work.theirs, "t")
        return try await step(
            work.sql.blamed(
                conflicts: "found", units: work.conflicting, ours: ours, oursIsCut: oursIsCut, theirs: theirs,
                theirsIsCut: theirsIsCut), inputs, name: "conflicts", in: work.folder, for: work.principal)
    }

    /// Writes the merged version.
    ///
    /// - Parameter decisions: the file of `MergeDecisions.sql`, with nothing open; nil if there were no conflicts.
    func commit(
        _ work: MergeWork, into branch: String, decisions: TableInput?, recipe: Recipe, message: String,
        also: (@Sendable (any Transaction, DatasetVersion) throws -> Void)?, as principal: Principal
    ) async throws -> DatasetVersion {
        guard let plan = work.plan else { throw SlipwayError(.internal, "The merge has no plan.") }
        let parents = [work.ours.ref, work.theirs.ref]
        if work.onlyAdds, work.ours.kind == .table {
            var parts: [(path: String, table: TableFile)] = []
            if work.counts.added > 0 {
                let path = work.folder + "/added.parquet"
                let table = try await platform.tables.write(
                    work.sql.additions(plan: "plan"), inputs: [plan], to: path, timeoutSeconds: Self.writeSeconds)
                parts.append((path, table))
            }
            return try await commit(
                Commit(
                    dataset: work.ours.dataset, project: work.ours.project, branch: branch, parts: parts,
                    base: work.ours, expects: .exactly(work.ours.number), recipe: recipe, parents: parents,
                    message: message, merged: work.theirs.number, also: also), as: principal
            ).version
        }
        return try await rewrite(
            work.ours, branch: branch,
            sql: work.sql.result(
                plan: "plan", ours: "ours", decisions: decisions?.name, units: work.conflicting),
            inputs: [plan, try await table(.ours, of: work)] + (decisions.map { [$0] } ?? []), recipe: recipe,
            parents: parents, merged: work.theirs.number, message: message, also: also, as: principal)
    }
}
