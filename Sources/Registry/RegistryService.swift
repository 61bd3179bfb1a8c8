import Core
import Database
import Datasets
import Ledger
import Objects
import Pipelines
import Platform
import Projects
import Tracking

/// Registered models and their versions: each use case once, for every wire.
public final class RegistryService: Sendable {
    let platform: Platform
    let datasets: DatasetsService
    let tracking: TrackingService
    let pipelines: PipelinesService
    let store = RegistryStore()

    public init(_ platform: Platform, datasets: DatasetsService, tracking: TrackingService, pipelines: PipelinesService)
    {
        self.platform = platform
        self.datasets = datasets
        self.tracking = tracking
        self.pipelines = pipelines
    }

    var database: Database { platform.database }
    var ledger: Ledger { platform.ledger }
    var objects: ObjectStore { platform.objects }
    var now: Timestamp { platform.clock.now() }

    // MARK: Models

    /// - Throws: `conflict` when the name is taken; `notFound` when there is no such project.
    public func createModel(
        _ name: String, project: String, description: String = "", tags: [String: String] = [:], as principal: Principal
    ) async throws -> RegisteredModel {
        try principal.require(.writeModels, in: project)
        try ModelName.validate(name)
        for (key, value) in tags { try ModelTag.validate(key, value) }
        let now = now
        let model = RegisteredModel(
            id: ID.make(at: now), name: name, project: project, owner: principal.name, description: description,
            created: now, updated: now,
            tags: tags, aliases: [:], policy: .open)
        return try await database.write { [store, ledger] db in
            try ProjectsStore().require(db, project)
            guard try store.insert(db, model) else { throw Self.nameTaken(name) }
            try ledger.append(
                db, "model.created", model.ref, project: project, by: principal,
                data: ["description": .string(description), "tags": JSONValue(tags)])
            return model
        }
    }

    /// - Throws: `notFound`.
    public func model(_ name: String, as principal: Principal) async throws -> RegisteredModel {
        try await database.read { [self] db in try model(db, name, .readModels, principal) }
    }

    /// A page of the models that the principal may read.
    ///
    /// - Parameters:
    ///   - filter: over `name`, `project`, `tags.KEY`, `creation_timestamp`, `last_updated_timestamp`.
    ///   - order: terms such as `name DESC`.
    public func searchModels(
        _ filter: String = "", order: [String] = [], _ page: PageRequest, as principal: Principal
    ) async throws -> Page<RegisteredModel> {
        let filter = try Filter.parse(filter)
        let search = RegistrySearch(subject: .models, dialect: database.dialect)
        let condition = SQL.all([try search.condition(filter), Self.readable(principal)])
        let order = try search.order(order)
        return try await database.read { [store] db in
            Page(
                rows: try store.models(db, where: condition, order: order, after: page.after, limit: page.limit + 1),
                limit: page.limit,
                keys: { order.cursor($0).keys })
        }
    }

    /// Gives a model another name. What was recorded under the old name keeps it; lineage leads from the new versions to
    /// the old names.
    ///
    /// - Throws: `conflict` when the name is taken.
    public func renameModel(_ name: String, to newName: String, as principal: Principal) async throws -> RegisteredModel
    {
        try ModelName.validate(newName, field: "new_name")
        let now = now
        return try await database.write { [self] db in
            let model = try model(db, name, .writeModels, principal)
            guard try store.rename(db, model: model.id, to: newName, at: now) else { throw Self.nameTaken(newName) }
            for number in try store.numbers(db, model: model.id) where name != newName {
                try ledger.link(
                    db, Ref(.model, newName, version: number), madeFrom: Ref(.model, name, version: number),
                    "renamed-from")
            }
            try ledger.append(
                db, "model.renamed", Ref(.model, newName), project: model.project, by: principal,
                data: ["from": .string(name)])
            return try store.model(db, newName)
        }
    }

    public func describeModel(_ name: String, _ text: String, as principal: Principal) async throws -> RegisteredModel {
        let now = now
        return try await database.write { [self] db in
            let model = try model(db, name, .writeModels, principal)
            try store.setDescription(db, model: model.id, text, at: now)
            try ledger.append(
                db, "model.described", model.ref, project: model.project, by: principal,
                data: ["description": .string(text)])
            return try store.model(db, name)
        }
    }

    /// Deletes a model with all its versions and aliases. The record of what happened to it stays; its name is free.
    public func deleteModel(_ name: String, as principal: Principal) async throws {
        let now = now
        try await database.write { [self] db in
            let model = try model(db, name, .writeModels, principal)
            for number in try store.numbers(db, model: model.id) {
                try dropFiles(db, VersionKey(modelID: model.id, version: number))
            }
            for alias in model.aliases.keys.sorted() { try appendAliasRemoved(db, model, alias, principal) }
            try store.delete(db, model: model.id, at: now)
            try ledger.append(db, "model.deleted", model.ref, project: model.project, by: principal)
        }
    }

    public func setModelTag(_ name: String, _ key: String, _ value: String, as principal: Principal) async throws {
        try ModelTag.validate(key, value)
        let now = now
        try await database.write { [self] db in
            let model = try model(db, name, .writeModels, principal)
            try store.setTag(db, model: model.id, key, value)
            try store.touch(db, model: model.id, at: now)
            try ledger.append(
                db, "model.tag.set", model.ref, project: model.project, by: principal,
                data: ["key": .string(key), "value": .string(value)])
        }
    }

    /// Takes a tag away, if it is there.
    public func deleteModelTag(_ name: String, _ key: String, as principal: Principal) async throws {
        let now = now
        try await database.write { [self] db in
            let model = try model(db, name, .writeModels, principal)
            guard try store.deleteTag(db, model: model.id, key) else { return }
            try store.touch(db, model: model.id, at: now)
            try ledger.append(
                db, "model.tag.deleted", model.ref, project: model.project, by: principal, data: ["key": .string(key)])
        }
    }

    /// Sets what a version needs before it may take a protected alias.
    public func setPolicy(_ name: String, _ policy: ModelPolicy, as principal: Principal) async throws
        -> RegisteredModel
    {
        let policy = try policy.validated()
        let now = now
        return try await database.write { [self] db in
            let model = try model(db, name, .governModels, principal)
            try store.setPolicy(db, model: model.id, policy, at: now)
            try ledger.append(
                db, "model.policy.set", model.ref, project: model.project, by: principal, data: policy.json)
            return try store.model(db, name)
        }
    }

    // MARK: Parts

    func model(_ db: any Transaction, _ name: String, _ permission: Permission, _ principal: Principal) throws
        -> RegisteredModel
    {
        try ModelName.validate(name)
        let model = try store.model(db, name)
        try principal.require(permission, in: model.project)
        return model
    }

    func version(
        _ db: any Transaction, _ name: String, _ number: Int, _ permission: Permission, _ principal: Principal
    ) throws -> (RegisteredModel, ModelVersion) {
        let model = try model(db, name, permission, principal)
        return (model, try store.version(db, model, number))
    }

    /// The condition for models of projects that the principal may read.
    static func readable(_ principal: Principal) -> SQL {
        if principal.may(.readModels, in: nil) { return "TRUE" }
        return "m.project IN (\(list: principal.grants.keys.filter { principal.may(.readModels, in: $0) }.sorted()))"
    }

    static func nameTaken(_ name: String) -> SlipwayError {
        SlipwayError(.conflict, "Registered Model (name=\(name)) already exists.", ref: Ref(.model, name))
    }
}
