import Core
import Database
import Ledger
import Objects
import Platform
import Tables

/// What to merge, and how.
public struct MergeRequest: Sendable {
    public let dataset: String
    /// A branch, a tag or a version's number.
    public let from: String
    public var into = Dataset.mainBranch
    public var key: [String]?
    var granularity = MergeLayout.Granularity.cell
    public var rules: [MergeRule] = []
    public var message = ""
    /// Only says what would come of it.
    public var isTrial = false
}

/// What came of asking for a merge.
public struct MergeOutcome: Sendable {
    public enum State: String, Sendable {
        case merged, conflicts
        /// Into already has all of it.
        case upToDate
        /// Into had not moved, so it is now where from is.
        case fastForward
        /// Of a trial: it would merge without a question.
        case mergeable
    }

    public let state: State
    public var version: DatasetVersion?
    public var merge: DatasetMerge?
    public let base: Int?
    public let counts: MergeCounts

    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "state": .string(state.rawValue), "counts": counts.json, "base": base.map { JSONValue($0) } ?? .null,
        ]
        if let version { fields["version"] = version.json }
        if let merge {
            fields["id"] = .string(merge.id)
            fields["merge"] = merge.json
        }
        return .object(fields)
    }
}

extension DatasetsService {
    var mergeStore: MergeStore { MergeStore() }

    /// Merges a version into a branch, by key.
    ///
    /// The same again gives the merge that is open already, or says that there is nothing to do. What rules decide is
    /// decided; anything else stays as conflicts in the merge that is returned, and no version is made.
    ///
    /// - Throws: `invalid` if there is no key, or if it does not identify the rows, with examples; `conflict` if the branch
    ///   moved meanwhile.
    public func merge(_ request: MergeRequest, as principal: Principal) async throws -> MergeOutcome {
        let dataset = try await dataset(request.dataset, as: principal)
        try principal.require(.writeDatasets, in: dataset.project)
        let theirs = try await resolve(Ref(.dataset, dataset.name, selector: request.from), as: principal)
        let ours = try await head(dataset, request.into)
        for version in [theirs, ours] { try await requirePersonalData(version, as: principal) }
        let graph = try await platform.database.read { [mergeStore] in
            try mergeStore.graph($0, dataset.name, upTo: max(ours.number, theirs.number))
        }
        let baseNumber = graph.mergeBase(ours.number, theirs.number)
        if baseNumber == theirs.number {
            return MergeOutcome(state: .upToDate, version: ours, base: baseNumber, counts: MergeCounts())
        }
        if baseNumber == ours.number {
            return try await fastForward(request, from: ours, to: theirs, by: principal)
        }
        let key = try keyColumns(request.key, of: dataset)
        guard !key.isEmpty else {
            throw SlipwayError.field(
                "key", "\(dataset.name) has none, and a merge goes by key",
                expected:
                    "the columns that identify a row: once for all with 'slipway data set \(dataset.name) --key COLUMN', or with this merge"
            )
        }
        let identity = Digest.of(
            JSONValue.array([
                JSONValue(ours.number), JSONValue(theirs.number), .string(request.into), JSONValue(key),
                .string(request.granularity.rawValue), .array(request.rules.map(\.json)),
            ]).canonicalText)
        if !request.isTrial,
            let known = try await platform.database.read({ [mergeStore] in
                try mergeStore.open($0, dataset.name, request: identity)
            })
        {
            return MergeOutcome(state: .conflicts, merge: known, base: baseNumber, counts: known.counts)
        }
        var merge = DatasetMerge(
            id: ID.make(), dataset: dataset.name, project: dataset.project, into: request.into, from: request.from,
            base: baseNumber, ours: ours.number, theirs: theirs.number, key: key, granularity: request.granularity,
            rules: request.rules, decided: [:], schemaConflicts: [], counts: MergeCounts(), manifest: nil,
            state: .conflicts, message: request.message, author: principal.name, created: platform.clock.now(),
            version: nil)
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let work: MergeWork
        do {
            work = try await prepare(merge, graph, in: folder, as: principal)
        } catch let disagreement as SchemaDisagreement {
            merge.schemaConflicts = disagreement.conflicts
            if !request.isTrial { try await keep(merge, request: identity, by: principal) }
            return MergeOutcome(
                state: .conflicts, merge: merge, base: baseNumber, counts: MergeCounts())
        }
        merge.counts = work.counts
        let decisions = try await decide(merge, work)
        merge.counts = decisions.counts
        if request.isTrial {
            return MergeOutcome(
                state: merge.counts.open == 0 ? .mergeable : .conflicts, base: baseNumber, counts: merge.counts)
        }
        if merge.counts.open == 0 {
            let version = try await commit(merge, work, decisions.table, nil, as: principal)
            return MergeOutcome(state: .merged, version: version, base: baseNumber, counts: merge.counts)
        }
        merge.manifest = try await keepFiles(work, of: merge)
        try await keep(merge, request: identity, by: principal)
        merge = try await carryOver(to: merge, work, by: principal)
        return MergeOutcome(state: .conflicts, merge: merge, base: baseNumber, counts: merge.counts)
    }

    private func head(_ dataset: Dataset, _ branch: String) async throws -> DatasetVersion {
        let found = try await platform.database.read { [store] db in
            (try store.named(db, dataset.name, branch), try store.version(db, dataset.name, .name(branch)))
        }
        guard let version = found.1 else {
            throw SlipwayError.notFound(
                Ref(.dataset, dataset.name, selector: branch),
                hint: "A merge goes into a branch: 'slipway data branch list \(dataset.name)' shows them.")
        }
        guard found.0?.kind != .tag else {
            throw SlipwayError.field("into", "'\(branch)' is a tag, and tags do not move", expected: "a branch")
        }
        return version
    }

    /// The branch had not moved since the other side left it: it is put where the other side is.
    private func fastForward(
        _ request: MergeRequest, from ours: DatasetVersion, to theirs: DatasetVersion, by principal: Principal
    ) async throws -> MergeOutcome {
        let done = MergeOutcome(
            state: .fastForward, version: theirs, base: ours.number, counts: MergeCounts())
        if request.isTrial { return done }
        let checks = try await checks(moving: theirs, as: principal)
        try await platform.database.write { [store, ledger = platform.ledger] db in
            guard let head = try store.named(db, ours.dataset, request.into), head.number == ours.number else {
                throw SlipwayError(
                    .conflict, "The branch \(request.into) of \(ours.dataset) moved meanwhile; merge again.",
                    ref: ours.ref)
            }
            try checks.requireContract(db, of: ours.dataset, head: ours, store)
            try checks.recordReport(db, theirs, store, ledger, by: principal)
            try store.set(
                db,
                NamedVersion(
                    kind: .branch, dataset: ours.dataset, name: request.into, number: theirs.number,
                    author: head.author, created: head.created))
            try ledger.append(
                db, "dataset.branch.set", head.ref, project: ours.project, by: principal,
                data: ["version": JSONValue(theirs.number), "from": JSONValue(ours.number)])
        }
        return done
    }

    /// Works a merge out from its versions.
    func prepare(
        _ merge: DatasetMerge, _ graph: VersionGraph, in folder: String, as principal: Principal
    ) async throws -> MergeWork {
        let work = try await versions(of: merge, in: folder, as: principal)
        return try await self.work(out: work, graph: graph)
    }

    /// The versions and columns of a merge.
    func versions(of merge: DatasetMerge, in folder: String, as principal: Principal) async throws -> MergeWork {
        func version(_ number: Int) async throws -> DatasetVersion {
            try await resolve(Ref(.dataset, merge.dataset, version: number), as: principal)
        }
        let dataset = try await dataset(merge.dataset, as: principal)
        let base = try await merge.base.asyncMap { try await version($0) }
        let (ours, theirs) = (try await version(merge.ours), try await version(merge.theirs))
        let layout = try await layout(
            dataset, base: base, ours: ours, theirs: theirs, key: merge.key, granularity: merge.granularity,
            decided: merge.decided, rules: merge.rules, as: principal)
        for rule in merge.rules {
            guard let column = rule.column, !layout.units.contains(where: { $0.name == column }) else { continue }
            throw SlipwayError.field(
                "rules", "there is no column '\(column.prefix(80))' that can be in conflict",
                expected: "some of \(layout.units.map(\.name).joined(separator: ", "))")
        }
        return MergeWork(
            dataset: dataset, base: base, ours: ours, theirs: theirs, layout: layout, folder: folder,
            principal: principal)
    }

    /// The files of the steps as objects, so that resolving costs no new merge.
    func keepFiles(_ work: MergeWork, of merge: DatasetMerge) async throws -> String {
        var files: [(RelativePath, ObjectInfo)] = []
        for (name, table) in [("plan.parquet", work.plan), ("conflicts.parquet", work.conflicts)] {
            guard let table else { continue }
            files.append((try RelativePath(parsing: name), try await platform.objects.put(file: table.files[0])))
        }
        let kept = files
        return try await platform.database.write { db in
            let manifest = try Manifests.create(db, owner: Ref(.dataset, merge.dataset))
            try Manifests.setMany(db, manifest, kept)
            return manifest
        }
    }

    private func keep(_ merge: DatasetMerge, request: Digest, by principal: Principal) async throws {
        try await platform.database.write { [mergeStore, ledger = platform.ledger] db in
            try mergeStore.insert(db, merge, request: request)
            try ledger.append(
                db, "dataset.merge.started", Ref(.dataset, merge.dataset), project: merge.project, by: principal,
                data: [
                    "merge": .string(merge.id), "ours": JSONValue(merge.ours), "theirs": JSONValue(merge.theirs),
                    "conflicts": .int(merge.counts.conflicts),
                ])
        }
    }

    /// Makes the version of a merge of which nothing is open; a merge that was kept is closed in the same transaction.
    ///
    /// - Throws: `conflict` if the merge was given up meanwhile, or the branch has moved on.
    func commit(
        _ merge: DatasetMerge, _ work: MergeWork, _ decisions: TableInput?, _ choices: Digest?,
        as principal: Principal
    ) async throws -> DatasetVersion {
        func input(_ name: String, _ version: DatasetVersion?) -> String? {
            version.map { "\(name)=dataset:\($0.dataset)@\($0.number) sha256:\($0.digest.hex)" }
        }
        let recipe = Recipe(
            kind: "merge",
            inputs: [("base", work.base), ("ours", work.ours), ("theirs", work.theirs)].compactMap(input),
            details: [
                "key": JSONValue(merge.key), "by": .string(merge.granularity.rawValue),
                "rules": .array(merge.rules.map(\.json)),
                "schema": JSONValue(merge.decided.mapValues(\.rawValue)),
                "choices": choices.map { .string("sha256:" + $0.hex) } ?? .null,
                "merge": choices == nil ? .null : .string(merge.id), "counts": merge.counts.json,
            ])
        let message = merge.message.isEmpty ? "Merge \(merge.from) into \(merge.into)" : merge.message
        return try await commit(
            work, into: merge.into, decisions: decisions, recipe: recipe, message: message,
            also: { [mergeStore] db, version in
                guard let current = try mergeStore.merge(db, merge.id) else { return }
                guard current.state == .conflicts else { throw current.isClosed }
                try mergeStore.update(db, merge.merged(into: version))
            }, as: principal)
    }
}
