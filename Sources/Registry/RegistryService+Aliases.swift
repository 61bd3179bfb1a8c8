import Core
import Database
import Ledger

extension RegistryService {
    /// Moves an alias to a version.
    ///
    /// - Throws: `conflict` when the model's policy protects the alias and the version lacks approvals.
    public func setAlias(_ name: String, _ alias: String, to number: Int, as principal: Principal) async throws {
        try ModelAlias.validate(alias)
        let now = now
        try await database.write { [self] db in
            let (model, version) = try version(db, name, number, .promoteModels, principal)
            try requireApproval(db, model, version, for: alias)
            try moveAlias(db, model, version, alias, reason: "set", principal, now)
        }
    }

    /// Ends an alias, if it is there.
    public func deleteAlias(_ name: String, _ alias: String, as principal: Principal) async throws {
        try ModelAlias.validate(alias)
        let now = now
        try await database.write { [self] db in
            let model = try model(db, name, .promoteModels, principal)
            guard try store.endAlias(db, model: model.id, alias, at: now) else { return }
            try store.touch(db, model: model.id, at: now)
            try appendAliasRemoved(db, model, alias, principal)
        }
    }

    /// The version that an alias names; `latest` is the newest version.
    ///
    /// - Throws: `notFound` when the model has no such alias.
    public func version(_ name: String, alias: String, as principal: Principal) async throws -> ModelVersion {
        try await database.read { [self] db in
            try version(db, try model(db, name, .readModels, principal), alias: alias)
        }
    }

    /// When an alias named which version, newest first; nil is all aliases.
    public func aliasHistory(_ name: String, alias: String? = nil, limit: Int = 1000, as principal: Principal)
        async throws -> [AliasInterval]
    {
        try await database.read { [self] db in
            try store.aliasHistory(
                db, model: try model(db, name, .readModels, principal).id, alias: alias, limit: limit)
        }
    }

    /// Moves a version to one of MLflow's stages.
    ///
    /// - Parameter archivingOthers: archive what is in the stage already; only for active stages.
    /// - Throws: `conflict` when the policy protects `production` and the version lacks approvals.
    public func moveToStage(
        _ name: String, _ number: Int, _ stage: ModelStage, archivingOthers: Bool, as principal: Principal
    ) async throws -> ModelVersion {
        guard !archivingOthers || stage.isActive else {
            throw SlipwayError.field(
                "archive_existing_versions", "'\(stage.rawValue)' is not an active stage",
                expected: "Staging or Production")
        }
        let now = now
        return try await database.write { [self] db in
            let (model, version) = try version(db, name, number, .promoteModels, principal)
            if stage == .production { try requireApproval(db, model, version, for: "production") }
            let archived = archivingOthers ? try store.archiveOthers(db, version.key, in: stage, at: now) : []
            try store.setStage(db, version.key, stage, at: now)
            try store.touch(db, model: model.id, at: now)
            try ledger.append(
                db, "model.version.stage.changed", version.ref, project: model.project, by: principal,
                data: [
                    "from": .string(version.stage.rawValue), "to": .string(stage.rawValue),
                    "archived": .array(archived.map { JSONValue($0) }),
                ])
            return try store.version(db, model, number)
        }
    }

    // MARK: Parts

    func version(_ db: any Transaction, _ model: RegisteredModel, alias: String) throws -> ModelVersion {
        if alias.lowercased() == "latest" {
            guard let newest = try store.latest(db, models: [model.id], perStage: false).first else {
                throw SlipwayError(.notFound, "\(model.ref) has no versions.", ref: model.ref)
            }
            return newest
        }
        guard let number = try store.aliasVersion(db, model: model.id, alias) else {
            let known = model.aliases.keys.sorted().joined(separator: ", ")
            let ref = Ref(.model, model.name, selector: alias)
            throw SlipwayError(
                .notFound,
                "\(ref) does not exist. \(model.ref) has \(known.isEmpty ? "no aliases" : "the aliases \(known)").",
                details: ["alias": alias], ref: ref)
        }
        return try store.version(db, model, number)
    }

    func requireApproval(_ db: any Transaction, _ model: RegisteredModel, _ version: ModelVersion, for alias: String)
        throws
    {
        let gate = ApprovalGate(policy: model.policy, alias: alias, approvals: try store.approvals(db, version.key))
        guard let refusal = gate.refusal else { return }
        throw SlipwayError(
            .conflict,
            "\(version.ref) cannot take '\(alias)': \(refusal). An ML engineer or owner who did not register it approves "
                + "with 'slipway model approve \(version.name) \(version.version)'.",
            details: ["state": version.approval.rawValue, "alias": alias], ref: version.ref)
    }

    func moveAlias(
        _ db: any Transaction, _ model: RegisteredModel, _ version: ModelVersion, _ alias: String, reason: String,
        _ principal: Principal,
        _ now: Timestamp
    ) throws {
        let before = try store.aliasVersion(db, model: model.id, alias)
        // Setting it again changes nothing, so there is no new interval and no event.
        guard before != version.version else { return }
        try store.setAlias(db, version.key, alias, by: principal.name, reason: reason, at: now)
        try store.touch(db, model: model.id, at: now)
        try ledger.append(
            db, "model.alias.set", version.ref, project: model.project, by: principal,
            data: [
                "alias": .string(alias),
                "before": before.map { JSONValue(Ref(.model, model.name, version: $0)) } ?? .null,
                "reason": .string(reason),
            ])
    }

    func appendAliasRemoved(_ db: any Transaction, _ model: RegisteredModel, _ alias: String, _ principal: Principal)
        throws
    {
        try ledger.append(
            db, "model.alias.removed", model.ref, project: model.project, by: principal,
            data: [
                "alias": .string(alias),
                "before": model.aliases[alias].map { JSONValue(Ref(.model, model.name, version: $0)) } ?? .null,
            ])
    }
}
