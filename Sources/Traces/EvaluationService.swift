import Core
import Database
import Ledger
import Platform
import Projects
import Tracking

/// Evaluation datasets and scorers. A dataset belongs to the project of the first experiment that it was made for.
public final class EvaluationService: Sendable {
    private let platform: Platform
    private let traces: TraceService
    private let store = EvaluationStore()
    /// Bytes of one record, and records of one request.
    private static let recordBytes = 4 << 20
    private static let recordsPerRequest = 10_000
    private static let scorerBytes = 1 << 20

    public init(_ platform: Platform, traces: TraceService) {
        self.platform = platform
        self.traces = traces
    }

    private var database: Database { platform.database }
    private var ledger: Ledger { platform.ledger }
    private var now: Timestamp { platform.clock.now() }

    // MARK: Datasets

    /// - Parameter project: where it belongs if it is for no experiment.
    /// - Throws: `notFound` when there is no such experiment or project.
    public func create(
        name: String, experiments: [String], tags: [KeyValue], project: String, as principal: Principal
    ) async throws -> EvaluationDataset {
        guard !name.isEmpty, name.unicodeScalars.count <= 255, !name.utf8.contains(0) else {
            throw SlipwayError.field("name", "is empty or longer than 255 characters", expected: "a short name")
        }
        let tags = try tags.map(TraceRules.tag)
        let keys = try experiments.map(TraceService.experimentKey)
        let now = now
        let user = tags.last { $0.key == EvaluationRecordDraft.userTag }?.value
        return try await database.write { [self] db in
            let homes = try keys.map { try traces.home(db, $0, .writeRuns, principal) }
            let project = homes.first?.project ?? project
            try principal.require(.writeRuns, in: project)
            try ProjectsStore().require(db, project)
            let dataset = EvaluationDataset(
                id: "d-" + ID.make(), name: name, project: project, digest: EvaluationDataset.digest(name, now),
                schema: nil, records: 0, created: now, updated: now, createdBy: user, updatedBy: user, tags: tags)
            try store.insert(db, dataset, experiments: keys)
            try ledger.append(
                db, "evaluation-dataset.created", dataset.ref, project: project, by: principal,
                data: ["name": .string(name)])
            return dataset
        }
    }

    /// - Throws: `notFound`.
    public func dataset(_ id: String, as principal: Principal) async throws -> EvaluationDataset {
        try await database.read { [self] db in try dataset(db, id, .readRuns, principal) }
    }

    /// One that is not there is no fault.
    public func delete(_ id: String, as principal: Principal) async throws {
        try await database.write { [self] db in
            guard let found = try store.dataset(db, id) else { return }
            try principal.require(.writeRuns, in: found.project)
            try store.delete(db, id)
            try ledger.append(
                db, "evaluation-dataset.deleted", found.ref, project: found.project, by: principal,
                data: ["name": .string(found.name)])
        }
    }

    /// The datasets that the principal may read.
    public func search(_ search: EvaluationDatasetSearch, as principal: Principal) async throws
        -> Page<EvaluationDataset>
    {
        guard (1...TrackingLimits.searchMaximum).contains(search.limit) else {
            throw SlipwayError.field("max_results", "is out of range", expected: "1 to \(TrackingLimits.searchMaximum)")
        }
        let keys = search.experiments.isEmpty ? nil : try search.experiments.map(TraceService.experimentKey)
        return try await database.read { [self] db in
            try store.search(db, search, experiments: keys, projects: principal.projects(with: .readRuns))
        }
    }

    public func setTags(_ tags: [KeyValue], on id: String, as principal: Principal) async throws {
        let tags = try tags.map(TraceRules.tag)
        try await database.write { [self] db in
            try store.setTags(db, try dataset(db, id, .writeRuns, principal).id, tags)
        }
    }

    /// One that is not there is no fault.
    public func deleteTag(_ key: String, on id: String, as principal: Principal) async throws {
        try await database.write { [self] db in
            try store.deleteTag(db, try dataset(db, id, .writeRuns, principal).id, key)
        }
    }

    public func experiments(of id: String, as principal: Principal) async throws -> [String] {
        try await database.read { [self] db in try store.experiments(db, try dataset(db, id, .readRuns, principal).id) }
    }

    public func setExperiments(
        of id: String, adding: [String] = [], removing: [String] = [], as principal: Principal
    ) async throws -> EvaluationDataset {
        let added = try adding.map(TraceService.experimentKey)
        let removed = try removing.map(TraceService.experimentKey)
        let now = now
        return try await database.write { [self] db in
            var found = try dataset(db, id, .writeRuns, principal)
            for key in added { _ = try traces.home(db, key, .writeRuns, principal) }
            try store.add(db, id, experiments: added)
            try store.remove(db, id, experiments: removed)
            found.updated = now
            try store.update(db, found)
            return found
        }
    }

    // MARK: Records

    /// One page, in the order in which they were made.
    public func records(of id: String, limit: Int, after: Cursor?, as principal: Principal) async throws
        -> Page<EvaluationRecord>
    {
        try await database.read { [self] db in
            try store.records(db, try dataset(db, id, .readRuns, principal).id, limit: limit, after: after)
        }
    }

    /// Adds records, or merges them into those with equal inputs; all or nothing.
    public func merge(_ records: [JSONValue], into id: String, as principal: Principal) async throws -> (
        inserted: Int, updated: Int
    ) {
        guard records.count <= Self.recordsPerRequest else {
            throw SlipwayError(.tooLarge, "At most \(Self.recordsPerRequest) records a request; got \(records.count).")
        }
        let drafts = try records.map { record in
            guard record.canonicalBytes.count <= Self.recordBytes else {
                throw SlipwayError(.tooLarge, "A record is over \(Self.recordBytes) bytes.")
            }
            return try EvaluationRecordDraft(record)
        }
        let now = now
        return try await database.write { [self] db in
            var found = try dataset(db, id, .writeRuns, principal)
            var inserted = 0
            for draft in drafts {
                if let old = try store.record(db, id, digest: draft.digest) {
                    try store.put(db, draft.merged(into: old, at: now), digest: draft.digest)
                } else {
                    try store.put(db, draft.made(in: id, at: now), digest: draft.digest)
                    inserted += 1
                }
            }
            found.records += Int64(inserted)
            found.schema = EvaluationRecordDraft.schema(found.schema, with: drafts)
            found.digest = EvaluationDataset.digest(found.name, now)
            found.updated = now
            found.updatedBy = drafts.compactMap(\.user).last
            try store.update(db, found)
            try ledger.append(
                db, "evaluation-dataset.changed", found.ref, project: found.project, by: principal,
                data: ["records": .int(found.records), "digest": .string(found.digest)])
            return (inserted, drafts.count - inserted)
        }
    }

    /// - Returns: how many were deleted.
    public func deleteRecords(_ ids: [String], of id: String, as principal: Principal) async throws -> Int {
        try await database.write { [self] db in
            var found = try dataset(db, id, .writeRuns, principal)
            let deleted = try store.deleteRecords(db, id, ids: ids)
            guard deleted > 0 else { return 0 }
            found.records -= Int64(deleted)
            try store.update(db, found)
            try ledger.append(
                db, "evaluation-dataset.changed", found.ref, project: found.project, by: principal,
                data: ["records": .int(found.records), "digest": .string(found.digest)])
            return deleted
        }
    }

    private func dataset(_ db: any Transaction, _ id: String, _ permission: Permission, _ principal: Principal) throws
        -> EvaluationDataset
    {
        guard let found = try store.dataset(db, id) else {
            throw SlipwayError(
                .notFound, "Evaluation dataset with id '\(id)' not found", ref: Ref(.evaluationDataset, id))
        }
        try principal.require(permission, in: found.project)
        return found
    }

    // MARK: Scorers

    /// A new version of the experiment's scorer of this name. The server keeps what it is given and runs nothing of it.
    ///
    /// - Throws: `invalid` for what is no JSON, or holds a function's source: clients would run it as they load it.
    public func register(_ name: String, serialized: String, in experiment: String, as principal: Principal)
        async throws -> Scorer
    {
        let key = try TraceService.experimentKey(experiment)
        guard !name.isEmpty, name.unicodeScalars.count <= 256, !name.utf8.contains(0) else {
            throw SlipwayError.field("name", "is empty or longer than 256 characters", expected: "a short name")
        }
        guard serialized.utf8.count <= Self.scorerBytes else {
            throw SlipwayError(.tooLarge, "serialized_scorer is over \(Self.scorerBytes) bytes.")
        }
        guard let value = try? JSONValue(parsing: serialized), !serialized.utf8.contains(0) else {
            throw SlipwayError(
                .invalid, "serialized_scorer must be valid JSON", details: ["field": "serialized_scorer"])
        }
        guard !Self.holdsSource(value) else {
            throw SlipwayError(
                .invalid,
                "Custom scorer registration (using @scorer decorator) is disabled: whoever loads such a scorer runs its source. Keep the function in your code, or register a built-in scorer or a make_judge() scorer.",
                details: ["field": "serialized_scorer"])
        }
        let now = now
        return try await database.write { [self] db in
            let home = try traces.home(db, key, .writeRuns, principal)
            let last = try store.versions(db, experiment: key, name: name).last
            let scorer = Scorer(
                id: last?.id ?? ID.make(), experiment: experiment, name: name, version: (last?.version ?? 0) + 1,
                serialized: serialized, created: now)
            try store.insert(db, scorer, experiment: key)
            try ledger.append(
                db, "scorer.registered", Ref(.scorer, scorer.id, version: Int(scorer.version)), project: home.project,
                by: principal, data: ["name": .string(name), "experiment": .string(experiment)])
            return scorer
        }
    }

    /// The newest version of each scorer of the experiments that the principal may read; none given is all.
    public func scorers(in experiments: [String], as principal: Principal) async throws -> [Scorer] {
        var experiments = experiments
        if experiments.isEmpty {
            var all = ExperimentSearch()
            all.limit = TrackingLimits.searchMaximum
            experiments = try await traces.tracking.searchExperiments(all, as: principal).items.map(\.id)
        }
        let keys = try experiments.map(TraceService.experimentKey)
        return try await database.read { [self] db in
            try store.scorers(db, experiments: try traces.readable(db, keys, principal))
        }
    }

    /// The versions of a scorer, the oldest first.
    ///
    /// - Throws: `notFound` when there is none.
    public func scorerVersions(_ name: String, in experiment: String, as principal: Principal) async throws -> [Scorer]
    {
        let key = try TraceService.experimentKey(experiment)
        return try await database.read { [self] db in
            _ = try traces.home(db, key, .readRuns, principal)
            let versions = try store.versions(db, experiment: key, name: name)
            guard !versions.isEmpty else { throw Self.noScorer(name, experiment) }
            return versions
        }
    }

    /// Deletes one version, or all.
    ///
    /// - Throws: `notFound` when there is none.
    public func deleteScorer(_ name: String, version: Int64?, in experiment: String, as principal: Principal)
        async throws
    {
        let key = try TraceService.experimentKey(experiment)
        try await database.write { [self] db in
            let home = try traces.home(db, key, .writeRuns, principal)
            let versions = try store.versions(db, experiment: key, name: name)
            guard let id = versions.first?.id,
                try store.deleteScorer(db, experiment: key, name: name, version: version) > 0
            else { throw Self.noScorer(name, experiment) }
            try ledger.append(
                db, "scorer.deleted", Ref(.scorer, id, selector: version.map(String.init)), project: home.project,
                by: principal, data: ["name": .string(name), "experiment": .string(experiment)])
        }
    }

    static func noScorer(_ name: String, _ experiment: String) -> SlipwayError {
        SlipwayError(.notFound, "Scorer with name '\(name)' not found for experiment \(experiment).")
    }

    /// Whether a function's source is anywhere within.
    private static func holdsSource(_ value: JSONValue) -> Bool {
        switch value {
        case .object(let fields):
            fields.contains { $0.key == "call_source" && !$0.value.isNull || holdsSource($0.value) }
        case .array(let items): items.contains(where: holdsSource)
        // Scorers nest others as JSON within text.
        case .string(let text) where text.contains("call_source"):
            (try? JSONValue(parsing: text)).map(holdsSource) ?? false
        default: false
        }
    }
}
