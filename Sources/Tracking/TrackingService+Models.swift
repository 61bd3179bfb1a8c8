import Core
import Database
import Ledger

extension TrackingService {
    /// Makes a logged model that waits for its files.
    ///
    /// - Throws: `notFound` when there is no such experiment; `conflict` when it is deleted.
    public func createLoggedModel(_ draft: LoggedModelDraft, as principal: Principal) async throws -> LoggedModel {
        let experimentKey = try Experiment.key(of: draft.experiment)
        if let name = draft.name { try TrackingRules.modelName(name) }
        let now = now
        let id = "m-" + ID.make(at: now)
        return try await database.write { [self] db in
            let experiment = try experiment(db, key: experimentKey, .writeRuns, principal)
            try Self.requireActive(experiment)
            let model = LoggedModel(
                id: id, experiment: experiment.id, project: experiment.project, name: draft.name ?? RunName.make(),
                type: draft.type.flatMap { $0.isEmpty ? nil : $0 }, status: .pending,
                sourceRun: draft.sourceRun.flatMap { $0.isEmpty ? nil : $0 },
                artifactLocation: "\(experiment.artifactLocation)/models/\(id)/artifacts", created: now, updated: now,
                lifecycle: .active, params: draft.params.lastOfEachKey, tags: draft.tags.lastOfEachKey, metrics: [],
                key: try models.nextKey(db))
            try models.insert(db, model, experiment: experimentKey)
            if let run = model.sourceRun, try runs.info(db, id: run) != nil {
                try ledger.link(db, model.ref, madeFrom: Ref(.run, run), "logged-by")
            }
            return model
        }
    }

    /// - Throws: `notFound`; also when it is deleted, unless deleted ones are asked for.
    public func loggedModel(_ id: String, includingDeleted: Bool = false, as principal: Principal) async throws
        -> LoggedModel
    {
        try await database.read { [self] db in
            let model = try model(db, id, .readRuns, principal)
            guard includingDeleted || model.lifecycle == .active else { throw Self.noModel(id) }
            return model
        }
    }

    /// Sets the status. A model that is ready appends the event `model.logged`.
    public func finalizeLoggedModel(_ id: String, status: LoggedModelStatus, as principal: Principal) async throws
        -> LoggedModel
    {
        let now = now
        return try await database.write { [self] db in
            let before = try model(db, id, .writeRuns, principal)
            try models.setStatus(db, key: before.key, status, at: now)
            if before.status != status, status != .pending {
                try ledger.append(
                    db, status == .ready ? "model.logged" : "model.logging-failed", before.ref, project: before.project,
                    by: principal,
                    data: [
                        "name": .string(before.name), "experiment": .string(before.experiment),
                        "run": JSONValue(before.sourceRun),
                    ])
            }
            return try model(db, id, .writeRuns, principal)
        }
    }

    public func deleteLoggedModel(_ id: String, as principal: Principal) async throws {
        let now = now
        try await database.write { [self] db in
            let model = try model(db, id, .writeRuns, principal)
            try models.setDeleted(db, key: model.key, at: now)
            if model.lifecycle == .active {
                try ledger.append(db, "model.deleted", model.ref, project: model.project, by: principal)
            }
        }
    }

    public func addLoggedModelParams(_ params: [KeyValue], to id: String, as principal: Principal) async throws {
        try await database.write { [self] db in
            try models.setParams(db, model: try model(db, id, .writeRuns, principal).key, params)
        }
    }

    public func setLoggedModelTags(_ tags: [KeyValue], on id: String, as principal: Principal) async throws {
        try await database.write { [self] db in
            try models.setTags(db, model: try model(db, id, .writeRuns, principal).key, tags)
        }
    }

    /// - Throws: `notFound` when it has no such tag.
    public func deleteLoggedModelTag(_ key: String, on id: String, as principal: Principal) async throws {
        try await database.write { [self] db in
            guard try models.deleteTag(db, model: try model(db, id, .writeRuns, principal).key, key) else {
                throw SlipwayError(.notFound, "No tag with key '\(key)' found for model with ID '\(id)'.")
            }
        }
    }

    /// Models of those experiments that the principal may read; others are passed over.
    public func searchLoggedModels(_ search: LoggedModelSearch, as principal: Principal) async throws -> Page<
        LoggedModel
    > {
        try Self.checkLimit(search.limit)
        let keys = try search.experiments.map(Experiment.key)
        return try await database.read { [self] db in
            try models.search(db, experiments: try readable(db, keys, principal), search)
        }
    }

    // MARK: Parts

    func model(_ db: any Transaction, _ id: String, _ permission: Permission, _ principal: Principal) throws
        -> LoggedModel
    {
        guard let model = try models.model(db, id: id) else { throw Self.noModel(id) }
        try principal.require(permission, in: model.project)
        return model
    }

    static func noModel(_ id: String) -> SlipwayError { .notFound(Ref(.loggedModel, id)) }
}
