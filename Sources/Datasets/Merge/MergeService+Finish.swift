import Core
import Database
import Ledger
import Objects
import Platform
import Tables

extension DatasetsService {
    /// Makes the merged version. The same again gives that version.
    ///
    /// - Throws: `conflict` while anything is open, or if the branch has moved on.
    public func commitMerge(_ id: String, message: String?, as principal: Principal) async throws -> (
        merge: DatasetMerge, version: DatasetVersion
    ) {
        var merge = try await merge(id, as: principal)
        try principal.require(.writeDatasets, in: merge.project)
        if merge.state == .merged, let number = merge.version {
            return (merge, try await resolve(Ref(.dataset, merge.dataset, version: number), as: principal))
        }
        try requireOpen(merge)
        guard merge.schemaConflicts.isEmpty else {
            throw SlipwayError(
                .conflict, "The columns are not decided: \(merge.schemaText).",
                details: ["schemaConflicts": String(merge.schemaConflicts.count)])
        }
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let work = try await work(of: merge, in: folder, as: principal)
        let decisions = try await decide(merge, work)
        guard decisions.counts.open == 0 else {
            let columns = decisions.counts.openByColumn.sorted { $0.key < $1.key }.map { "\($0.value) in \($0.key)" }
            let rows = decisions.counts.open - decisions.counts.openByColumn.values.reduce(0, +)
            let all = columns + (rows > 0 ? ["\(rows) deleted rows"] : [])
            throw SlipwayError(
                .conflict,
                "\(decisions.counts.open) conflicts are open: \(all.joined(separator: ", ")). Resolve them first.",
                details: ["open": String(decisions.counts.open)])
        }
        merge.counts = decisions.counts
        if let message { merge.message = message }
        let choices = try await platform.database.read { [mergeStore] in try mergeStore.choices($0, id) }
        let digest = Digest.of(
            JSONValue.array(choices.map { [.int($0.conflict), .string($0.choice), JSONValue($0.value)] }).canonicalText)
        do {
            let version = try await commit(merge, work, decisions.table, digest, as: principal)
            return (merge.merged(into: version), version)
        } catch let error as SlipwayError where error.code == .conflict && error.details["latest"] != nil {
            // Made before, by a request whose answer got lost.
            let (dataset, ours, theirs) = (merge.dataset, merge.ours, merge.theirs)
            guard
                let made = try await platform.database.read({ [mergeStore, store] db in
                    try mergeStore.merged(db, dataset, ours: ours, theirs: theirs).flatMap {
                        try store.version(db, dataset, .number($0))
                    }
                })
            else {
                throw SlipwayError(
                    .conflict,
                    "\(error.message.prefix { $0 != "." }). Merge \(merge.from) into \(merge.into) again: what is decided is kept where both sides are as they were.",
                    details: error.details, ref: error.ref)
            }
            let done = merge.merged(into: made)
            try await platform.database.write { [mergeStore] in try mergeStore.update($0, done) }
            return (done, made)
        }
    }

    /// Gives a merge up. Giving it up again is not an error.
    public func abandonMerge(_ id: String, as principal: Principal) async throws {
        let merge = try await merge(id, as: principal)
        try principal.require(.writeDatasets, in: merge.project)
        if merge.state == .merged { try requireOpen(merge) }
        try await abandon(merge, by: principal)
    }

    func abandon(_ merge: DatasetMerge, by principal: Principal) async throws {
        try await platform.database.write { [mergeStore, ledger = platform.ledger] db in
            guard var current = try mergeStore.merge(db, merge.id), current.state == .conflicts else { return }
            if let manifest = current.manifest { try Manifests.delete(db, manifest) }
            current.manifest = nil
            current.state = .abandoned
            try mergeStore.update(db, current)
            try ledger.append(
                db, "dataset.merge.abandoned", Ref(.dataset, merge.dataset), project: merge.project, by: principal,
                data: ["merge": .string(merge.id)])
        }
    }

    /// Takes over what was decided by hand in an earlier, open merge of the same two branches, wherever base, ours and
    /// theirs of a conflict are the same as then; the earlier merge is given up.
    func carryOver(
        to merge: DatasetMerge, _ work: MergeWork, by principal: Principal
    ) async throws -> DatasetMerge {
        let earlier = try await platform.database.read { [mergeStore] in
            try mergeStore.open($0, merge.dataset, from: merge.from, into: merge.into)
        }.filter { $0.id != merge.id && $0.key == merge.key && $0.granularity == merge.granularity }
        var changed = false
        for old in earlier where old.ours != merge.ours || old.theirs != merge.theirs {
            defer { changed = true }
            if let now = work.conflicts, old.manifest != nil,
                case let hands = try await platform.database.read({ [mergeStore] in try mergeStore.choices($0, old.id) }
                ),
                !hands.isEmpty
            {
                var then = try await self.work(of: old, in: work.folder, as: principal).conflicts
                then?.name = "earlier"
                let byUnit = Dictionary(
                    uniqueKeysWithValues: work.layout.units.enumerated().map { ($1.name, $0) })
                let oldLayout = try await versions(of: old, in: work.folder, as: principal).layout
                // Units go by name: the columns may be others now.
                let renumbered = oldLayout.units.enumerated().compactMap { index, unit in
                    byUnit[unit.name].map { "WHEN \(index) THEN \($0)" }
                }
                guard oldLayout.columns == work.layout.columns || !hands.contains(where: { $0.choice == "value" })
                else {
                    try await abandon(old, by: principal)
                    continue
                }
                let rows = try await ask(
                    """
                    SELECT e.id, c.id FROM earlier e JOIN conflicts c ON e.key = c.key
                    AND c.unit = CASE e.unit \(renumbered.joined(separator: " ")) ELSE -1 END
                    AND e.base IS NOT DISTINCT FROM c.base AND e.ours IS NOT DISTINCT FROM c.ours
                    AND e.theirs IS NOT DISTINCT FROM c.theirs
                    """, [then, now], maxRows: Self.choicesMaximum, for: principal)
                let numbers = Dictionary(
                    rows.compactMap { row in row[0].intValue.flatMap { a in row[1].intValue.map { (a, $0) } } }
                ) { a, _ in a }
                let kept = hands.compactMap { hand in
                    numbers[hand.conflict].map {
                        MergeStore.Choice(
                            conflict: $0, choice: hand.choice, value: hand.value, author: hand.author, made: hand.made)
                    }
                }
                try await platform.database.write { [mergeStore] db in
                    for (author, some) in Dictionary(grouping: kept, by: \.author) {
                        for (made, those) in Dictionary(grouping: some, by: \.made) {
                            try mergeStore.setChoices(db, merge.id, those, by: author, at: made)
                        }
                    }
                }
            }
            try await abandon(old, by: principal)
        }
        return changed ? try await recount(merge, work) : merge
    }
}
