import Core
import Database
import Ledger
import Projects
import Tracking

/// A registered model of another registry, with its versions. Times are milliseconds since 1970.
public struct ModelRecord: Sendable, Hashable {
    public var name: String
    public var description: String
    public var created: Int64
    public var updated: Int64
    public var tags: [String: String] = [:]
    /// Versions by alias.
    public var aliases: [String: Int] = [:]
    public var versions: [VersionRecord] = []
    /// The highest number that was ever given, if it is known; numbers here go on from there.
    public var lastVersion = 0

    public init(name: String, description: String, created: Int64, updated: Int64) {
        (self.name, self.description, self.created, self.updated) = (name, description, created, updated)
    }

    public init(_ value: JSONValue) throws {
        let fields = try JSONFields(
            value, allowed: ["name", "description", "created", "updated", "tags", "aliases", "versions", "lastVersion"])
        name = try fields.string("name")
        description = try fields.optionalString("description") ?? ""
        created = Int64(try fields.int("created"))
        updated = Int64(try fields.int("updated"))
        tags = try fields.stringMap("tags")
        let named = try JSONFields(.object(fields.object("aliases")))
        for alias in named.fields.keys { aliases[alias] = try named.int(alias) }
        versions = try fields.array("versions").map(VersionRecord.init)
        lastVersion = try fields.optionalInt("lastVersion") ?? 0
        if lastVersion != 0 { try VersionRecord.check(lastVersion, "lastVersion") }
    }

    public var json: JSONValue {
        [
            "name": .string(name), "description": .string(description), "created": .int(created),
            "updated": .int(updated), "tags": JSONValue(tags), "aliases": .object(aliases.mapValues { JSONValue($0) }),
            "versions": .array(versions.map(\.json)), "lastVersion": JSONValue(lastVersion),
        ]
    }
}

/// A version of a model of another registry.
public struct VersionRecord: Sendable, Hashable {
    public var version: Int
    /// As Slipway names it: `runs:/…`, `models:/m-…`, or another place.
    public var source: String
    public var run: String?
    public var runLink: String?
    public var description: String
    public var user: String?
    public var stage: String
    public var created: Int64
    public var updated: Int64
    public var tags: [String: String] = [:]

    public init(version: Int, source: String, stage: String, description: String, created: Int64, updated: Int64) {
        (self.version, self.source, self.stage) = (version, source, stage)
        (self.description, self.created, self.updated) = (description, created, updated)
    }

    public init(_ value: JSONValue) throws {
        let fields = try JSONFields(
            value,
            allowed: [
                "version", "source", "run", "runLink", "description", "user", "stage", "created", "updated", "tags",
            ])
        version = try fields.int("version")
        try Self.check(version, "version")
        source = try fields.string("source")
        run = try fields.optionalString("run")
        runLink = try fields.optionalString("runLink")
        description = try fields.optionalString("description") ?? ""
        user = try fields.optionalString("user")
        stage = try fields.string("stage")
        created = Int64(try fields.int("created"))
        updated = Int64(try fields.int("updated"))
        tags = try fields.stringMap("tags")
    }

    /// Numbers here go on from those that come, so they must leave room.
    static let maximumNumber = 1_000_000_000

    fileprivate static func check(_ number: Int, _ field: String) throws {
        guard (1...maximumNumber).contains(number) else {
            throw SlipwayError.field(field, "is \(number)", expected: "1 to \(maximumNumber)")
        }
    }

    public var json: JSONValue {
        [
            "version": JSONValue(version), "source": .string(source), "run": JSONValue(run),
            "runLink": JSONValue(runLink), "description": .string(description), "user": JSONValue(user),
            "stage": .string(stage), "created": .int(created), "updated": .int(updated), "tags": JSONValue(tags),
        ]
    }
}

/// Taking in what another registry has: what is not here is added under its own number; what is here stays as it is.
extension RegistryService {
    /// Adds a model that is not here, its missing versions, and the aliases that nothing holds here. A version takes its
    /// files from its source, so runs and logged models come first.
    ///
    /// - Throws: `invalid` when a name cannot be one here; `forbidden` without the permissions to import runs, write models
    ///   and set aliases in the model's project.
    public func importModel(_ record: ModelRecord, project: String, as principal: Principal) async throws
        -> ImportOutcome
    {
        try ModelName.validate(record.name)
        for (key, value) in record.tags { try ModelTag.validate(key, value) }
        var outcome = ImportOutcome()
        let model = try await ensureModel(record, project: project, as: principal, &outcome)
        for version in record.versions.sorted(by: { $0.version < $1.version }) {
            try await add(version, to: model, as: principal, &outcome)
        }
        try await addAliases(record.aliases, to: model, as: principal, &outcome)
        return outcome
    }

    private func requireImport(_ principal: Principal, in project: String) throws {
        for permission in [Permission.importRuns, .writeModels, .promoteModels] {
            try principal.require(permission, in: project)
        }
    }

    private func ensureModel(
        _ record: ModelRecord, project: String, as principal: Principal, _ outcome: inout ImportOutcome
    ) async throws -> RegisteredModel {
        let created = Timestamp(milliseconds: record.created)
        let fresh = RegisteredModel(
            id: ID.make(at: now), name: record.name, project: project, owner: principal.name,
            description: record.description, created: created, updated: Timestamp(milliseconds: record.updated),
            tags: record.tags, aliases: [:], policy: .open)
        let (model, isNew) = try await database.write { [self] db -> (RegisteredModel, Bool) in
            if let id = try store.id(db, named: record.name) {
                let here = try store.model(db, record.name)
                try requireImport(principal, in: here.project)
                for (key, value) in record.tags where here.tags[key] == nil {
                    try store.setTag(db, model: id, key, value)
                }
                return (here, false)
            }
            try requireImport(principal, in: project)
            try ProjectsStore().require(db, project)
            guard try store.insert(db, fresh) else {
                throw SlipwayError(.conflict, "The model '\(record.name)' was made by another meanwhile. Try again.")
            }
            try ledger.append(
                db, "model.created", fresh.ref, project: project, by: principal,
                data: [
                    "description": .string(record.description), "tags": JSONValue(record.tags), "imported": true,
                ])
            return (fresh, true)
        }
        try await database.write { [store] db in try store.raise(db, model: model.id, to: record.lastVersion) }
        if isNew { outcome.added += 1 } else { outcome.present += 1 }
        return model
    }

    private func add(
        _ record: VersionRecord, to model: RegisteredModel, as principal: Principal, _ outcome: inout ImportOutcome
    ) async throws {
        let stage = try ModelStage(parsing: record.stage)
        for (key, value) in record.tags { try ModelTag.validate(key, value) }
        let key = VersionKey(modelID: model.id, version: record.version)
        let source = try await database.read { [store] db in try store.source(db, key) }
        if let source {
            outcome.present += 1
            if source != record.source {
                outcome.problems.append(
                    "\(Ref(.model, model.name, version: record.version)) is here from another source: \(source)")
            }
            return
        }
        let request = VersionRequest(source: record.source, runID: record.run, runLink: record.runLink)
        var intake: VersionIntake
        do { intake = try await self.intake(request, as: principal) } catch let error as SlipwayError
            where error.code == .invalid || error.code == .notFound
        {
            // A source that was deleted there: the version is history all the same.
            intake = VersionIntake(source: record.source)
            intake.runID = record.run
            outcome.problems.append("\(Ref(.model, model.name, version: record.version)): \(error.message)")
        }
        let taken = intake
        try await database.write { [self] db in
            try store.insert(
                db, key, record, stage: stage,
                .init(
                    owner: record.user ?? principal.name, description: record.description, source: record.source,
                    runID: taken.runID, loggedModelID: taken.loggedModelID, runLink: record.runLink,
                    hasFiles: taken.files != nil, recipe: taken.recipe, card: taken.card, tags: record.tags))
            let time = Timestamp(milliseconds: record.created)
            if let files = taken.files { try takeFiles(db, files, for: key, at: time) }
            let ref = Ref(.model, model.name, version: record.version)
            for (source, relation) in taken.lineage { try ledger.link(db, ref, madeFrom: source, relation) }
            try ledger.append(
                db, "model.version.imported", ref, project: model.project, by: principal,
                data: ["source": .string(record.source), "run": JSONValue(taken.runID), "stage": .string(record.stage)])
        }
        outcome.added += 1
    }

    private func addAliases(
        _ aliases: [String: Int], to model: RegisteredModel, as principal: Principal, _ outcome: inout ImportOutcome
    ) async throws {
        for (alias, number) in aliases.sorted(by: { $0.key < $1.key }) {
            let holder = try await database.read { [store] db in
                try store.aliasVersion(db, model: model.id, alias)
            }
            if let holder {
                if holder != number {
                    outcome.problems.append("model:\(model.name): '\(alias)' names version \(holder) here")
                }
                continue
            }
            do { try await setAlias(model.name, alias, to: number, as: principal) } catch let error as SlipwayError
                where [.conflict, .invalid, .notFound].contains(error.code)
            { outcome.problems.append("model:\(model.name)@\(alias): \(error.message)") }
        }
    }
}

extension RegistryStore {
    fileprivate func id(_ db: any Transaction, named name: String) throws -> String? {
        try db.one("SELECT id FROM registered_model WHERE name = \(name) AND deleted_ms IS NULL") { try $0.text(0) }
    }

    /// Of a version, be it deleted or not.
    fileprivate func source(_ db: any Transaction, _ key: VersionKey) throws -> String? {
        try db.one("SELECT source FROM model_version WHERE model = \(key.modelID) AND version = \(key.version)") {
            try $0.text(0)
        }
    }

    /// Numbers up to this one are not given again.
    fileprivate func raise(_ db: any Transaction, model: String, to version: Int) throws {
        try db.execute(
            "UPDATE registered_model SET last_version = \(version) WHERE id = \(model) AND last_version < \(version)")
    }

    /// Puts a version in under a number of its own.
    fileprivate func insert(
        _ db: any Transaction, _ key: VersionKey, _ record: VersionRecord, stage: ModelStage, _ draft: VersionDraft
    ) throws {
        try raise(db, model: key.modelID, to: key.version)
        try db.execute(
            """
            INSERT INTO model_version (model, version, owner, description, source, run_id, logged_model_id, run_link, has_files, stage,
                created_ms, updated_ms, recipe, pipeline_run, card)
            VALUES (\(key.modelID), \(key.version), \(draft.owner), \(draft.description), \(draft.source), \(draft.runID),
                \(draft.loggedModelID), \(draft.runLink), \(draft.hasFiles), \(stage.rawValue), \(record.created),
                \(record.updated), \(draft.recipe.json), \(draft.recipe.pipelineRun?.name), \(draft.card?.stored))
            """)
        for (name, value) in draft.tags { try setTag(db, key, name, value) }
    }
}
