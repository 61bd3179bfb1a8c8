import Core
import Database
import Ledger
import Objects

/// What a client registers as a new version.
public struct VersionRequest: Sendable {
    /// `models:/m-…`, `runs:/RUN/path`, `mlflow-artifacts:/…`, `models:/NAME/3`, or a URI of another place.
    public var source: String
    /// The run that made it, when the source does not say.
    public var runID: String?
    public var loggedModelID: String?
    public var runLink: String?
    public var description: String
    public var tags: [String: String]

    public init(
        source: String, runID: String? = nil, loggedModelID: String? = nil, runLink: String? = nil,
        description: String = "",
        tags: [String: String] = [:]
    ) {
        self.source = source
        self.runID = runID
        self.loggedModelID = loggedModelID
        self.runLink = runLink
        self.description = description
        self.tags = tags
    }
}

extension RegistryService {
    /// Registers a version: takes the source's files by reference, so that the version stays when the run goes, and
    /// writes down its recipe.
    ///
    /// - Throws: `notFound` when there is no such model; `invalid` when the source names nothing that exists.
    public func createVersion(_ name: String, _ request: VersionRequest, as principal: Principal) async throws
        -> ModelVersion
    {
        for (key, value) in request.tags { try ModelTag.validate(key, value) }
        // Before the source is read: a missing model is the likelier mistake.
        _ = try await database.read { [self] db in try model(db, name, .writeModels, principal) }
        let intake = try await intake(request, as: principal)
        let now = now
        return try await database.write { [self] db in
            let model = try model(db, name, .writeModels, principal)
            let number = try store.insert(
                db, model: model.id,
                .init(
                    owner: principal.name, description: request.description, source: intake.source, runID: intake.runID,
                    loggedModelID: intake.loggedModelID, runLink: request.runLink, hasFiles: intake.files != nil,
                    recipe: intake.recipe,
                    card: intake.card, tags: request.tags),
                at: now)
            let version = try store.version(db, model, number)
            if let files = intake.files { try takeFiles(db, files, for: version.key, at: now) }
            for (source, relation) in intake.lineage { try ledger.link(db, version.ref, madeFrom: source, relation) }
            try ledger.append(
                db, "model.version.created", version.ref, project: model.project, by: principal,
                data: [
                    "source": .string(intake.source), "run": JSONValue(intake.runID),
                    "pipelineRun": JSONValue(intake.recipe.pipelineRun?.description),
                    "inputs": JSONValue(intake.recipe.inputs.map(\.name)),
                ])
            return version
        }
    }

    /// - Throws: `notFound`.
    public func version(_ name: String, _ number: Int, as principal: Principal) async throws -> ModelVersion {
        try await database.read { [self] db in try version(db, name, number, .readModels, principal).1 }
    }

    /// A page of the versions that the principal may read.
    ///
    /// - Parameters:
    ///   - filter: over `name`, `version_number`, `run_id`, `source_path`, `stage`, `project`, `tags.KEY` and the times.
    ///   - order: terms such as `version_number DESC`; the newest change first by default.
    public func searchVersions(
        _ filter: String = "", order: [String] = [], _ page: PageRequest, as principal: Principal
    ) async throws -> Page<ModelVersion> {
        try await searchVersions(where: nil, filter, order: order, page, as: principal)
    }

    /// A page of a model's versions, newest first.
    public func versions(of name: String, _ page: PageRequest, as principal: Principal) async throws -> Page<
        ModelVersion
    > {
        let model = try await model(name, as: principal)
        return try await searchVersions(
            where: "v.model = \(model.id)", "", order: ["version_number DESC"], page, as: principal)
    }

    private func searchVersions(
        where fixed: SQL?, _ filter: String, order: [String], _ page: PageRequest, as principal: Principal
    ) async throws -> Page<ModelVersion> {
        let filter = try Filter.parse(filter)
        let search = RegistrySearch(subject: .versions, dialect: database.dialect)
        let condition = SQL.all([try fixed ?? search.condition(filter), Self.readable(principal)])
        let order = try search.order(order)
        return try await database.read { [store] db in
            Page(
                rows: try store.versions(db, where: condition, order: order, after: page.after, limit: page.limit + 1),
                limit: page.limit,
                keys: { order.cursor($0).keys })
        }
    }

    /// The newest version of each stage; of these stages only, if any are named.
    public func latestVersions(_ name: String, stages: [ModelStage] = [], as principal: Principal) async throws
        -> [ModelVersion]
    {
        try await database.read { [self] db in
            let model = try model(db, name, .readModels, principal)
            return try store.latest(db, models: [model.id], perStage: true).filter {
                stages.isEmpty || stages.contains($0.stage)
            }
        }
    }

    /// The newest version of each stage, by the model's id.
    public func latestVersions(of models: [RegisteredModel]) async throws -> [String: [ModelVersion]] {
        let ids = models.map(\.id)
        return Dictionary(
            grouping: try await database.read { [store] db in try store.latest(db, models: ids, perStage: true) },
            by: \.modelID)
    }

    public func describeVersion(_ name: String, _ number: Int, _ text: String, as principal: Principal) async throws
        -> ModelVersion
    {
        try await changeVersion(name, number, "model.version.described", ["description": .string(text)], principal) {
            store, db, version, now in
            try store.setDescription(db, version.key, text, at: now)
        }
    }

    public func setVersionTag(_ name: String, _ number: Int, _ key: String, _ value: String, as principal: Principal)
        async throws
    {
        try ModelTag.validate(key, value)
        _ = try await changeVersion(
            name, number, "model.tag.set", ["key": .string(key), "value": .string(value)], principal
        ) { store, db, version, _ in
            try store.setTag(db, version.key, key, value)
        }
    }

    /// Takes a tag away, if it is there.
    public func deleteVersionTag(_ name: String, _ number: Int, _ key: String, as principal: Principal) async throws {
        _ = try await changeVersion(name, number, "model.tag.deleted", ["key": .string(key)], principal) {
            store, db, version, _ in
            _ = try store.deleteTag(db, version.key, key)
        }
    }

    /// Deletes a version with its files and ends the aliases that name it. Its number is not given again.
    public func deleteVersion(_ name: String, _ number: Int, as principal: Principal) async throws {
        let now = now
        try await database.write { [self] db in
            let (model, version) = try version(db, name, number, .writeModels, principal)
            try dropFiles(db, version.key)
            for alias in version.aliases { try appendAliasRemoved(db, model, alias, principal) }
            try store.delete(db, version.key, at: now)
            try store.touch(db, model: model.id, at: now)
            try ledger.append(db, "model.version.deleted", version.ref, project: model.project, by: principal)
        }
    }

    private func changeVersion(
        _ name: String, _ number: Int, _ event: String, _ data: JSONValue, _ principal: Principal,
        _ change: @escaping @Sendable (RegistryStore, any Transaction, ModelVersion, Timestamp) throws -> Void
    ) async throws -> ModelVersion {
        let now = now
        return try await database.write { [self] db in
            let (model, version) = try version(db, name, number, .writeModels, principal)
            try change(store, db, version, now)
            try ledger.append(db, event, version.ref, project: model.project, by: principal, data: data)
            return try store.version(db, model, number)
        }
    }
}
