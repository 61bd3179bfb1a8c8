import Core
import Database
import Ledger
import Objects

/// What is done to all runs of a search.
public enum BulkAction: Sendable {
    case setTags([KeyValue])
    case deleteTags([String])
    case delete
    case restore
    /// To another experiment, with the logged models that the run made. Artifacts keep their address.
    case move(to: String)
    /// Into another experiment, under a new id; artifacts are the same objects, so they take no space.
    case copy(to: String)
}

/// What a change of many things did, or would do.
public struct BulkOutcome: Sendable, Hashable {
    public var matched = 0
    public var changed = 0
    /// The first of the changed runs; of copies, the new ones.
    public var runs: [String] = []

    public var json: JSONValue {
        ["matched": JSONValue(matched), "changed": JSONValue(changed), "runs": JSONValue(runs)]
    }

    /// Ids that are shown.
    static let shown = 100
}

extension TrackingService {
    /// Runs that one bulk change may match.
    public static let bulkMaximum = 100_000
    private static let bulkGroup = 200

    /// Changes all runs that a search finds, whatever its order and page, in transactions of some runs each: when it is cut
    /// off, the rest is as it was, and saying it again does the rest.
    ///
    /// - Parameter preview: says how many it would be, and does nothing.
    /// - Throws: `notFound` and `forbidden` for experiments; `tooLarge` beyond `bulkMaximum`.
    public func changeRuns(_ search: RunSearch, _ action: BulkAction, preview: Bool, as principal: Principal)
        async throws -> BulkOutcome
    {
        let found = try await matching(search, as: principal)
        var outcome = BulkOutcome()
        outcome.matched = found.count
        let target = try await target(of: action, as: principal)
        if case .setTags(let tags) = action { _ = try TrackingRules.checked(LogBatch(tags: tags), isSingle: false) }
        let concerned = found.filter { Self.concerns(action, $0, target) }
        guard !preview else {
            outcome.changed = concerned.count
            outcome.runs = concerned.prefix(BulkOutcome.shown).map(\.id)
            return outcome
        }
        for start in stride(from: 0, to: concerned.count, by: Self.bulkGroup) {
            let some = Array(concerned[start..<min(start + Self.bulkGroup, concerned.count)])
            let now = now
            let changed = try await database.write { [self] db in
                try some.compactMap { run -> String? in
                    // It may have changed since it was found.
                    guard let run = try runs.info(db, id: run.id), Self.concerns(action, run, target) else {
                        return nil
                    }
                    try principal.require(.writeRuns, in: run.project)
                    return try apply(action, to: run, target, at: now, db, principal)
                }
            }
            outcome.changed += changed.count
            outcome.runs += changed.prefix(BulkOutcome.shown - outcome.runs.count)
        }
        return outcome
    }

    private func matching(_ search: RunSearch, as principal: Principal) async throws -> [RunInfo] {
        let keys = try search.experiments.map(Experiment.key)
        try await database.read { [self] db in
            for key in keys { _ = try experiment(db, key: key, .writeRuns, principal) }
        }
        var search = search
        (search.order, search.after, search.limit) = ([], nil, 1000)
        var found: [RunInfo] = []
        repeat {
            let page = search
            let part = try await database.read { [self] db in
                try runs.search(db, experiments: keys, page)
            }
            found += part.items
            search.after = part.next
            guard found.count <= Self.bulkMaximum else {
                throw SlipwayError(
                    .tooLarge, "More than \(Self.bulkMaximum) runs match. Narrow the filter.",
                    details: ["limit": String(Self.bulkMaximum)])
            }
        } while search.after != nil
        return found
    }

    private func target(of action: BulkAction, as principal: Principal) async throws -> Experiment? {
        switch action {
        case .move(let id), .copy(let id):
            let key = try Experiment.key(of: id)
            let target = try await database.read { [self] db in try experiment(db, key: key, .writeRuns, principal) }
            try Self.requireActive(target)
            return target
        default: return nil
        }
    }

    private static func concerns(_ action: BulkAction, _ run: RunInfo, _ target: Experiment?) -> Bool {
        switch action {
        case .setTags, .deleteTags, .delete: run.lifecycle == .active
        case .restore: run.lifecycle == .deleted
        case .move: run.lifecycle == .active && run.experiment != target?.id
        case .copy: run.lifecycle == .active
        }
    }

    /// - Returns: the run's id; of a copy, the new one.
    private func apply(
        _ action: BulkAction, to run: RunInfo, _ target: Experiment?, at now: Timestamp, _ db: any Transaction,
        _ principal: Principal
    ) throws -> String {
        switch action {
        case .setTags(let tags): try setTags(db, run, tags)
        case .deleteTags(let keys): for key in keys { _ = try runs.deleteTag(db, run: run.key, key) }
        case .delete:
            try runs.setDeleted(db, key: run.key, at: now)
            try ledger.append(db, "run.deleted", run.ref, project: run.project, by: principal)
        case .restore:
            try runs.setDeleted(db, key: run.key, at: nil)
            try ledger.append(db, "run.restored", run.ref, project: run.project, by: principal)
        case .move:
            guard let target else { return run.id }
            try move(db, run, to: target)
            try ledger.append(
                db, "run.moved", run.ref, project: target.project, by: principal,
                data: ["from": .string(run.experiment), "to": .string(target.id)])
        case .copy:
            guard let target else { return run.id }
            return try copy(db, run, to: target, at: now, principal)
        }
        return run.id
    }

    private func move(_ db: any Transaction, _ run: RunInfo, to target: Experiment) throws {
        let key = try Experiment.key(of: target.id)
        let datasets = try runs.runs(db, [run])[0].datasets
        try CareStore().move(db, run: run, to: key)
        for dataset in datasets { try inputs.add(db, run: run.key, experiment: key, dataset) }
    }

    private func copy(
        _ db: any Transaction, _ original: RunInfo, to target: Experiment, at now: Timestamp, _ principal: Principal
    ) throws -> String {
        let experimentKey = try Experiment.key(of: target.id)
        let whole = try runs.runs(db, [original])[0]
        let id = ID.make(at: now)
        let info = RunInfo(
            id: id, experiment: target.id, project: target.project, name: original.name, user: original.user,
            status: original.status, started: original.started, ended: original.ended, lifecycle: .active,
            artifactLocation: "\(target.artifactLocation)/\(id)/artifacts", key: try runs.nextKey(db))
        try runs.insert(db, info, tags: whole.tags + [KeyValue("slipway.copiedFrom", original.id)])
        try runs.insertParams(db, [(info, whole.params)])
        for dataset in whole.datasets { try inputs.add(db, run: info.key, experiment: experimentKey, dataset) }
        for model in whole.modelInputs {
            try inputs.addModel(db, run: info.key, isOutput: false, model: model, step: 0)
        }
        for output in whole.modelOutputs {
            try inputs.addModel(db, run: info.key, isOutput: true, model: output.model, step: output.step)
        }
        var groups: [MetricPack.Group] = []
        let ids = try metrics.ids(db, of: whole.metrics.map(\.key))
        try ImportStore().histories(db, run: original.key) { name, points in
            if let id = ids[name] { groups.append((id, points)) }
        }
        try metrics.append(db, to: info, groups)
        if let from = try Manifests.ids(db, owner: original.ref).first {
            let to = try Manifests.create(db, owner: info.ref, id: info.ref.description, at: now)
            try Manifests.copy(db, from: from, to: to)
        }
        try ledger.link(db, info.ref, madeFrom: original.ref, "copied-from")
        try ledger.append(
            db, "run.copied", info.ref, project: target.project, by: principal,
            data: ["from": .string(original.id), "experiment": .string(target.id)])
        return id
    }
}
