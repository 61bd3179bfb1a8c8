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
        return try await database.write { [self] db in
            let experiment = try experiment(db, key: experimentKey, .writeRuns, principal)
            try Self.requireActive(experiment)
            let key = try runs.nextKey(db)
            let info = RunInfo(
                id: id, experiment: experiment.id, project: experiment.project, name: name,
                user: draft.user.flatMap { $0.isEmpty ? nil : $0 } ?? principal.name, status: draft.status,
                started: draft.started ?? now, ended: nil, lifecycle: .active,
                artifactLocation: "\(experiment.artifactLocation)/\(id)/artifacts", key: key)
            try runs.insert(db, info, key: key, experiment: experimentKey, tags: tags)
            try ledger.append(
                db, "run.created", info.ref, project: info.project, by: principal,
                data: ["experiment": .string(info.experiment), "name": .string(name)])
            return Run(info: info, metrics: [], params: [], tags: tags, datasets: [], modelInputs: [], modelOutputs: [])
        }
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

    /// Stores all of a batch, or nothing of it. Identical points are kept once.
    ///
    /// - Throws: `notFound` when there is no such run; `conflict` when it is deleted, or a parameter has another value
    ///   already; `invalid` when the batch breaks a rule.
    public func log(_ batch: LogBatch, run id: String, as principal: Principal) async throws {
        let isSingle = batch.metrics.count + batch.params.count + batch.tags.count == 1
        let batch = try TrackingRules.checked(batch, isSingle: isSingle)
        let groups = Self.grouped(batch.metrics)
        let subjects = batch.metrics.filter { $0.subject != nil }
        let known = knownNames(groups.map(\.key))
        let made = try await database.write { [self] db in
            let run = try active(db, id, principal)
            let clashes = try runs.addParams(db, run: run, batch.params)
            guard clashes.isEmpty else { throw Self.changedParams(clashes, run: id) }
            if !batch.tags.isEmpty { try setTags(db, run, batch.tags) }
            let missing = groups.map(\.key).filter { known[$0] == nil }
            let made = missing.isEmpty ? [:] : try metrics.idsMade(db, for: missing)
            func metricID(_ name: String) -> Int64 { known[name] ?? made[name] ?? 0 }
            try metrics.append(db, to: run, groups.map { (metricID($0.key), $0.points) })
            if !subjects.isEmpty {
                let keys = try models.keys(db, of: Array(Set(subjects.compactMap(\.subject?.model))))
                let points = try subjects.compactMap { metric -> MetricStore.ModelPoint? in
                    guard let subject = metric.subject else { return nil }
                    guard let model = keys[subject.model] else { throw Self.noModel(subject.model) }
                    return MetricStore.ModelPoint(
                        model: model, metric: metricID(metric.key), point: metric.point, subject: subject)
                }
                try metrics.append(db, run: run.key, models: points)
            }
            return made
        }
        if !made.isEmpty { remember(made) }
    }

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
        let run = try info(db, id, .writeRuns, principal)
        guard run.lifecycle == .active else {
            throw SlipwayError(
                .conflict, "The run \(id) must be in the 'active' state. Current state is deleted.",
                details: ["state": "deleted"], ref: run.ref)
        }
        return run
    }

    /// The tag that names a run names it indeed.
    func setTags(_ db: any Transaction, _ run: RunInfo, _ tags: [KeyValue]) throws {
        try runs.setTags(db, run: run, tags)
        if let name = tags.last(where: { $0.key == RunDraft.nameTag })?.value {
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

    private static func changedParams(_ clashes: [(key: String, old: String, new: String)], run id: String)
        -> SlipwayError
    {
        let list = clashes.map { "'\($0.key)' (was '\($0.old.prefix(200))', now '\($0.new.prefix(200))')" }
        return SlipwayError(
            .conflict,
            "Changing param values is not allowed. Params were already logged for run ID='\(id)': \(list.joined(separator: ", ")).",
            details: ["state": "logged", "field": clashes.first?.key ?? ""], ref: Ref(.run, id))
    }

    /// By metric, in the order of first appearance.
    private static func grouped(_ metrics: [LoggedMetric]) -> [(key: String, points: [MetricPoint])] {
        var groups: [(key: String, points: [MetricPoint])] = []
        var places: [String: Int] = [:]
        for metric in metrics {
            if let place = places[metric.key] {
                groups[place].points.append(metric.point)
            } else {
                places[metric.key] = groups.count
                groups.append((metric.key, [metric.point]))
            }
        }
        return groups
    }
}
