import Core
import Database
import Ledger

extension TrackingService {
    /// - Throws: `notFound` when there is no such experiment; `conflict` when it is deleted.
    public func createRun(_ draft: RunDraft, as principal: Principal) async throws -> Run {
        let experimentKey = try Experiment.key(of: draft.experiment)
        let checked = try TrackingRules.checked(LogBatch(tags: draft.tags), isSingle: false)
        let tagged = checked.tags.last { $0.key == RunDraft.nameTag }?.value
        let given = draft.name.flatMap { $0.isEmpty ? nil : $0 }
        if let given, let tagged, given != tagged {
            throw TrackingRules.invalid(
                "run_name",
                "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='\(given)', mlflow.runName='\(tagged)')."
            )
        }
        let name = given ?? tagged ?? RunName.make()
        let tags = (checked.tags + (tagged == nil ? [KeyValue(RunDraft.nameTag, name)] : [])).lastOfEachKey
        let now = now
        let id = ID.make(at: now)
        return try await newRuns.submit(
            NewRun(
                id: id, experiment: experimentKey, name: name, user: draft.user.flatMap { $0.isEmpty ? nil : $0 },
                status: draft.status, started: draft.started ?? now, tags: tags, principal: principal), create)
    }

    struct NewRun: Sendable {
        let id: String
        let experiment: Int64
        let name: String
        let user: String?
        let status: RunStatus
        let started: Timestamp
        let tags: [KeyValue]
        let principal: Principal
    }

    /// Makes runs that came together.
    func create(_ db: any Transaction, _ drafts: [NewRun]) throws -> [Result<Run, any Error>] {
        var found: [Int64: Experiment] = [:]
        for key in Set(drafts.map(\.experiment)) { found[key] = try experiments.experiment(db, key: key) }
        var key = try runs.nextKey(db)
        let results = drafts.map { draft in
            Result<Run, any Error> {
                guard let experiment = found[draft.experiment] else {
                    throw Self.noExperiment(String(draft.experiment))
                }
                try draft.principal.require(.writeRuns, in: experiment.project)
                try Self.requireActive(experiment)
                defer { key += 1 }
                let info = RunInfo(
                    id: draft.id, experiment: experiment.id, project: experiment.project, name: draft.name,
                    user: draft.user ?? draft.principal.name, status: draft.status, started: draft.started, ended: nil,
                    lifecycle: .active, artifactLocation: "\(experiment.artifactLocation)/\(draft.id)/artifacts",
                    key: key)
                return Run(
                    info: info, metrics: [], params: [], tags: draft.tags, datasets: [], modelInputs: [],
                    modelOutputs: [])
            }
        }
        let made = zip(drafts, results).compactMap { draft, result in
            (try? result.get()).map { (run: $0, principal: draft.principal) }
        }
        guard !made.isEmpty else { return results }
        try runs.insert(db, made.map { ($0.run.info, $0.run.tags) })
        try ledger.append(
            db,
            made.map { run, principal in
                Ledger.Draft(
                    "run.created", run.info.ref, project: run.info.project, by: principal,
                    data: ["experiment": .string(run.info.experiment), "name": .string(run.info.name)])
            })
        return results
    }

    /// - Throws: `notFound`.
    public func run(_ id: String, as principal: Principal) async throws -> Run {
        try await database.read { [self] db in
            try runs.runs(db, [try info(db, id, .readRuns, principal)])[0]
        }
    }

    /// What a run is, without what it logged.
    public func runInfo(_ id: String, as principal: Principal) async throws -> RunInfo {
        try await database.read { [self] db in try info(db, id, .readRuns, principal) }
    }

    /// Changes what is given. A run that comes to its end appends the event `run.finished`.
    @discardableResult
    public func updateRun(
        _ id: String, status: RunStatus? = nil, ended: Timestamp? = nil, name: String? = nil, as principal: Principal
    ) async throws -> RunInfo {
        let name = name.flatMap { $0.isEmpty ? nil : $0 }
        return try await database.write { [self] db in
            let run = try active(db, id, principal)
            let updated = RunInfo(
                id: run.id, experiment: run.experiment, project: run.project, name: name ?? run.name, user: run.user,
                status: status ?? run.status, started: run.started, ended: ended ?? run.ended, lifecycle: run.lifecycle,
                artifactLocation: run.artifactLocation, key: run.key)
            try runs.update(db, key: run.key, status: updated.status, ended: updated.ended, name: updated.name)
            if let name { try runs.setTags(db, run: run, [KeyValue(RunDraft.nameTag, name)]) }
            if updated.status.isEnd, updated.status != run.status {
                try ledger.append(
                    db, "run.finished", run.ref, project: run.project, by: principal,
                    data: ["status": .string(updated.status.rawValue), "experiment": .string(run.experiment)])
            }
            return updated
        }
    }

    /// Hides a run; its data stay.
    public func deleteRun(_ id: String, as principal: Principal) async throws {
        let now = now
        try await database.write { [self] db in
            let run = try info(db, id, .writeRuns, principal)
            try runs.setDeleted(db, key: run.key, at: now)
            if run.lifecycle == .active {
                try ledger.append(db, "run.deleted", run.ref, project: run.project, by: principal)
            }
        }
    }

    public func restoreRun(_ id: String, as principal: Principal) async throws {
        try await database.write { [self] db in
            let run = try info(db, id, .writeRuns, principal)
            try runs.setDeleted(db, key: run.key, at: nil)
            if run.lifecycle == .deleted {
                try ledger.append(db, "run.restored", run.ref, project: run.project, by: principal)
            }
        }
    }

    /// Runs of those experiments that the principal may read; others are passed over.
    public func searchRuns(_ search: RunSearch, as principal: Principal) async throws -> Page<Run> {
        try Self.checkLimit(search.limit)
        let keys = try search.experiments.map(Experiment.key)
        return try await database.read { [self] db in
            let page = try runs.search(db, experiments: try readable(db, keys, principal), search)
            return Page(items: try runs.runs(db, page.items), next: page.next)
        }
    }

    // MARK: Logging

    /// - Throws: `notFound` when the run has no such tag.
    public func deleteTag(_ key: String, run id: String, as principal: Principal) async throws {
        try await database.write { [self] db in
            let run = try active(db, id, principal)
            guard try runs.deleteTag(db, run: run.key, key) else {
                throw SlipwayError(.notFound, "No tag with name: \(key) in run with id \(id)")
            }
        }
    }

    /// Makes a tag's value from the one before, in one transaction.
    public func changeTag(
        _ key: String, run id: String, as principal: Principal, _ change: @escaping @Sendable (String?) throws -> String
    ) async throws {
        try await database.write { [self] db in
            let run = try active(db, id, principal)
            try runs.setTags(db, run: run, [KeyValue(key, try change(try runs.tag(db, run: run.key, key)))])
        }
    }

    /// Records datasets and logged models that a run uses. Datasets of Slipway join its lineage.
    public func logInputs(
        _ datasets: [DatasetInput], models used: [String] = [], run id: String, as principal: Principal
    ) async throws {
        guard datasets.count <= TrackingLimits.datasetsPerBatch else {
            throw TrackingRules.invalid(
                "datasets", "A batch logging request can contain at most \(TrackingLimits.datasetsPerBatch) datasets.")
        }
        try datasets.forEach(TrackingRules.dataset)
        try await database.write { [self] db in
            let run = try active(db, id, principal)
            let experiment = try Experiment.key(of: run.experiment)
            for dataset in datasets {
                try inputs.add(db, run: run.key, experiment: experiment, dataset)
                if let source = dataset.slipwayRef {
                    try ledger.link(db, run.ref, madeFrom: source, Self.relation(of: dataset.context))
                }
            }
            for model in used {
                try inputs.addModel(db, run: run.key, isOutput: false, model: model, step: 0)
                try ledger.link(db, run.ref, madeFrom: Ref(.loggedModel, model), "used")
            }
        }
    }

    /// Records logged models that a run made.
    public func logOutputs(_ outputs: [ModelOutput], run id: String, as principal: Principal) async throws {
        try await database.write { [self] db in
            let run = try active(db, id, principal)
            for output in outputs {
                try inputs.addModel(db, run: run.key, isOutput: true, model: output.model, step: output.step)
                try ledger.link(db, Ref(.loggedModel, output.model), madeFrom: run.ref, "logged-by")
            }
        }
    }

    // MARK: Parts

    func info(_ db: any Transaction, _ id: String, _ permission: Permission, _ principal: Principal) throws -> RunInfo {
        guard let run = try runs.info(db, id: id) else { throw SlipwayError.notFound(Ref(.run, id)) }
        try principal.require(permission, in: run.project)
        return run
    }

    /// A run that may be written to.
    func active(_ db: any Transaction, _ id: String, _ principal: Principal) throws -> RunInfo {
        try Self.active(try runs.info(db, id: id), id, principal)
    }

    static func active(_ run: RunInfo?, _ id: String, _ principal: Principal) throws -> RunInfo {
        guard let run else { throw SlipwayError.notFound(Ref(.run, id)) }
        try principal.require(.writeRuns, in: run.project)
        guard run.lifecycle == .active else {
            throw SlipwayError(
                .conflict, "The run \(id) must be in the 'active' state. Current state is deleted.",
                details: ["state": "deleted"], ref: run.ref)
        }
        return run
    }

    func setTags(_ db: any Transaction, _ run: RunInfo, _ tags: [KeyValue]) throws { try setTags(db, [(run, tags)]) }

    /// The tag that names a run names it indeed.
    func setTags(_ db: any Transaction, _ tags: [(run: RunInfo, tags: [KeyValue])]) throws {
        try runs.setTags(db, tags)
        for (run, tags) in tags {
            guard let name = tags.last(where: { $0.key == RunDraft.nameTag })?.value else { continue }
            try runs.update(db, key: run.key, status: run.status, ended: run.ended, name: name)
        }
    }

    static func relation(of context: String?) -> String {
        switch context?.lowercased() {
        case nil, "train", "training": "trained-on"
        case "eval", "evaluation", "test", "testing", "validation": "evaluated-on"
        default: "used"
        }
    }
}
