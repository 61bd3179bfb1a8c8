import Core
import Database
import Ledger
import Objects
import Platform
import Projects
import Synchronization

extension Permission {
    /// Experiments, runs, logged models, their artifacts.
    public static let readRuns = Permission("runs.read", .readers)
    public static let writeRuns = Permission("runs.write", .makers)
}

/// Experiments, runs and logged models: each use case once, for every wire.
public final class TrackingService: Sendable {
    let platform: Platform
    let experiments = ExperimentStore()
    let runs = RunStore()
    let metrics = MetricStore()
    let inputs = InputStore()
    let models = LoggedModelStore()
    /// Ids of metric names that are committed. A name's id never changes.
    private let names = Mutex<[String: Int64]>([:])
    private static let namesMaximum = 100_000

    let newRuns: GatheredWrites<NewRun, Run>
    /// What runs log wakes nobody: triggers, webhooks and pipelines act on events.
    let logs: GatheredWrites<LogRequest, [String: Int64]>

    public init(_ platform: Platform) {
        self.platform = platform
        newRuns = GatheredWrites(platform.database)
        logs = GatheredWrites(platform.database, isFollowed: false)
    }

    var database: Database { platform.database }
    var ledger: Ledger { platform.ledger }
    var now: Timestamp { platform.clock.now() }
    /// Where the bytes of artifacts are.
    public var objects: ObjectStore { platform.objects }

    func knownNames(_ wanted: [String]) -> [String: Int64] {
        names.withLock { names in
            var found: [String: Int64] = [:]
            for name in wanted { found[name] = names[name] }
            return found
        }
    }

    func remember(_ made: [String: Int64]) {
        names.withLock { names in
            if names.count + made.count > Self.namesMaximum { names.removeAll() }
            names.merge(made) { _, new in new }
        }
    }

    // MARK: Experiments

    /// - Parameter artifactLocation: where its runs keep artifacts; nil for Slipway's own store.
    /// - Throws: `conflict` when the name is taken; `notFound` when there is no such project.
    public func createExperiment(
        name: String, project: String, artifactLocation: String? = nil, tags: [KeyValue] = [], as principal: Principal
    ) async throws -> Experiment {
        try principal.require(.writeRuns, in: project)
        try TrackingRules.experimentName(name)
        try tags.forEach(TrackingRules.experimentTag)
        // "mlflow-artifacts:/x/" and "mlflow-artifacts:/x" are one place.
        let location = artifactLocation.map { String($0.reversed().drop { $0 == "/" }.reversed()) }
        if let location { try TrackingRules.artifactLocation(location) }
        let now = now
        return try await database.write { [experiments, ledger] db in
            try ProjectsStore().require(db, project)
            let key = try experiments.nextKey(db)
            let experiment = Experiment(
                id: String(key), name: name, project: project,
                artifactLocation: location ?? ArtifactLocation.root(ofExperiment: String(key)), lifecycle: .active,
                created: now, updated: now, tags: tags.lastOfEachKey)
            guard try experiments.insert(db, key: key, experiment) else { throw Self.nameTaken(name) }
            try ledger.append(
                db, "experiment.created", experiment.ref, project: project, by: principal, data: ["name": .string(name)]
            )
            return experiment
        }
    }

    /// - Throws: `notFound`.
    public func experiment(_ id: String, as principal: Principal) async throws -> Experiment {
        let key = try Experiment.key(of: id)
        return try await database.read { [self] db in try experiment(db, key: key, .readRuns, principal) }
    }

    /// The experiment of this name, deleted or not; nil when there is none that the principal may read.
    public func experiment(named name: String, as principal: Principal) async throws -> Experiment? {
        let found = try await database.read { [experiments] db in try experiments.experiment(db, named: name) }
        return found.flatMap { principal.may(.readRuns, in: $0.project) ? $0 : nil }
    }

    /// The experiment of this name; made in `project` when there is none.
    ///
    /// - Throws: `conflict` when one of another project has the name, or it is deleted.
    public func ensureExperiment(named name: String, project: String, as principal: Principal) async throws
        -> Experiment
    {
        func checked(_ experiment: Experiment) throws -> Experiment {
            guard experiment.project == project, experiment.lifecycle == .active else { throw Self.nameTaken(name) }
            return experiment
        }
        if let found = try await experiment(named: name, as: principal) { return try checked(found) }
        do {
            return try await createExperiment(name: name, project: project, as: principal)
        } catch let error as SlipwayError where error.code == .conflict {
            // Another made it meanwhile.
            guard let found = try await experiment(named: name, as: principal) else { throw error }
            return try checked(found)
        }
    }

    /// The experiments that the principal may read.
    public func searchExperiments(_ search: ExperimentSearch, as principal: Principal) async throws -> Page<Experiment>
    {
        try Self.checkLimit(search.limit)
        return try await database.read { [experiments] db in
            try experiments.search(db, search, projects: principal.projects(with: .readRuns))
        }
    }

    /// - Throws: `conflict` when the name is taken or the experiment is deleted.
    public func renameExperiment(_ id: String, to name: String, as principal: Principal) async throws {
        try TrackingRules.experimentName(name)
        let now = now
        try await change(id, principal, "experiment.renamed", data: ["name": .string(name)]) {
            [experiments] db, key, experiment in
            try Self.requireActive(experiment)
            guard try experiments.rename(db, key: key, to: name, at: now) else { throw Self.nameTaken(name) }
        }
    }

    /// Hides the experiment and its runs.
    ///
    /// - Throws: `notFound` when it is deleted already.
    public func deleteExperiment(_ id: String, as principal: Principal) async throws {
        let now = now
        try await change(id, principal, "experiment.deleted") { [experiments] db, key, experiment in
            guard experiment.lifecycle == .active else { throw Self.noExperiment(id) }
            try experiments.setDeleted(db, key: key, true, at: now)
        }
    }

    /// Brings a deleted experiment and its runs back.
    ///
    /// - Throws: `notFound` when it is not deleted.
    public func restoreExperiment(_ id: String, as principal: Principal) async throws {
        let now = now
        try await change(id, principal, "experiment.restored") { [experiments] db, key, experiment in
            guard experiment.lifecycle == .deleted else { throw Self.noExperiment(id) }
            try experiments.setDeleted(db, key: key, false, at: now)
        }
    }

    public func setExperimentTag(_ tag: KeyValue, on id: String, as principal: Principal) async throws {
        try TrackingRules.experimentTag(tag)
        try await change(id, principal, nil) { [experiments] db, key, experiment in
            try Self.requireActive(experiment)
            try experiments.setTag(db, key: key, tag)
        }
    }

    /// - Throws: `notFound` when the experiment has no such tag.
    public func deleteExperimentTag(_ tag: String, on id: String, as principal: Principal) async throws {
        try await change(id, principal, nil) { [experiments] db, key, experiment in
            try Self.requireActive(experiment)
            guard try experiments.deleteTag(db, key: key, tag) else {
                throw SlipwayError(.notFound, "No tag with name: \(tag) in experiment with id \(id)")
            }
        }
    }

    /// The experiment "0", which clients use that name none.
    func ensureDefaultExperiment() async throws {
        let now = now
        try await database.write { [experiments, ledger] db in
            guard try experiments.experiment(db, key: 0) == nil else { return }
            let experiment = Experiment(
                id: "0", name: "Default", project: "default",
                artifactLocation: ArtifactLocation.root(ofExperiment: "0"),
                lifecycle: .active, created: now, updated: now, tags: [])
            if try experiments.insert(db, key: 0, experiment) {
                try ledger.append(
                    db, "experiment.created", experiment.ref, project: "default", by: .system, data: ["name": "Default"]
                )
            }
        }
    }

    /// The datasets that runs of these experiments used.
    public func datasets(of ids: [String], limit: Int = 1000, as principal: Principal) async throws -> [DatasetSummary]
    {
        let keys = try ids.map(Experiment.key)
        return try await database.read { [self] db in
            try inputs.summaries(db, experiments: try readable(db, keys, principal), limit: limit)
        }
    }

    // MARK: Parts

    func experiment(
        _ db: any Transaction, key: Int64, _ permission: Permission, _ principal: Principal
    ) throws -> Experiment {
        guard let found = try experiments.experiment(db, key: key) else { throw Self.noExperiment(String(key)) }
        try principal.require(permission, in: found.project)
        return found
    }

    /// Those of the experiments that exist and that the principal may read.
    func readable(_ db: any Transaction, _ keys: [Int64], _ principal: Principal) throws -> [Int64] {
        try experiments.projects(db, of: Array(Set(keys)).sorted())
            .filter { principal.may(.readRuns, in: $0.project) }.map(\.key)
            .reduce(into: []) { if $0.last != $1 { $0.append($1) } }
    }

    private func change(
        _ id: String, _ principal: Principal, _ event: String?, data: JSONValue = [:],
        _ body: @escaping @Sendable (any Transaction, Int64, Experiment) throws -> Void
    ) async throws {
        let key = try Experiment.key(of: id)
        try await database.write { [self] db in
            let experiment = try experiment(db, key: key, .writeRuns, principal)
            try body(db, key, experiment)
            if let event {
                try ledger.append(db, event, experiment.ref, project: experiment.project, by: principal, data: data)
            }
        }
    }

    static func checkLimit(_ limit: Int) throws {
        guard (1...TrackingLimits.searchMaximum).contains(limit) else {
            throw TrackingRules.invalid(
                "max_results",
                "Invalid value \(limit) for parameter 'max_results' supplied: it must be from 1 to \(TrackingLimits.searchMaximum)."
            )
        }
    }

    static func requireActive(_ experiment: Experiment) throws {
        guard experiment.lifecycle == .active else {
            throw SlipwayError(
                .conflict, "The experiment \(experiment.id) must be in the 'active' state. Current state is deleted.",
                details: ["state": "deleted"], ref: experiment.ref)
        }
    }

    static func noExperiment(_ id: String) -> SlipwayError { .notFound(Ref(.experiment, id)) }

    private static func nameTaken(_ name: String) -> SlipwayError {
        SlipwayError(
            .conflict,
            "Experiment '\(name)' already exists, perhaps deleted or in a project that you may not read. Names are unique on the server: take another, or restore that one."
        )
    }
}

extension Principal {
    /// The projects in which the principal may do something; nil means all.
    public func projects(with permission: Permission) -> [String]? {
        if may(permission, in: nil) { return nil }
        return grants.keys.filter { may(permission, in: $0) }.sorted()
    }
}
