import Core
import Database

/// Versions of models.
extension RegistryStore {
    private static let columns: SQL = """
        SELECT v.model, m.name, v.version, m.project, v.owner, v.description, v.source, v.run_id, v.logged_model_id, v.run_link, v.has_files,
            v.stage, v.created_ms, v.updated_ms, v.recipe, v.card, m.approvals_required
        FROM model_version v JOIN registered_model m ON m.id = v.model
        """

    /// What a new version begins with.
    struct VersionDraft: Sendable {
        var owner: String
        var description: String
        var source: String
        var runID: String?
        var loggedModelID: String?
        var runLink: String?
        var hasFiles: Bool
        var recipe: ModelRecipe
        var card: ModelCard?
        var tags: [String: String]
    }

    /// Numbers are never given twice, not even when a version is deleted.
    func insert(_ db: any Transaction, model: String, _ draft: VersionDraft, at time: Timestamp) throws -> Int {
        try db.execute(
            "UPDATE registered_model SET last_version = last_version + 1, updated_ms = \(time) WHERE id = \(model)")
        guard
            let version = try db.one(
                "SELECT last_version FROM registered_model WHERE id = \(model)", { Int(try $0.int(0)) })
        else {
            throw SlipwayError(.notFound, "The model is gone.")
        }
        try db.execute(
            """
            INSERT INTO model_version (model, version, owner, description, source, run_id, logged_model_id, run_link, has_files, stage,
                created_ms, updated_ms, recipe, pipeline_run, card)
            VALUES (\(model), \(version), \(draft.owner), \(draft.description), \(draft.source), \(draft.runID), \(draft.loggedModelID),
                \(draft.runLink), \(draft.hasFiles), \(ModelStage.none.rawValue), \(time), \(time), \(draft.recipe.json),
                \(draft.recipe.pipelineRun?.name), \(draft.card?.stored))
            """)
        for (key, value) in draft.tags { try setTag(db, VersionKey(modelID: model, version: version), key, value) }
        return version
    }

    /// - Throws: `notFound`.
    func version(_ db: any Transaction, _ model: RegisteredModel, _ number: Int) throws -> ModelVersion {
        let row = try db.one(
            "\(Self.columns) WHERE v.model = \(model.id) AND v.version = \(number) AND v.deleted_ms IS NULL",
            Self.version)
        guard let row else {
            throw SlipwayError.notFound(Ref(.model, model.name, version: number))
        }
        return try complete(db, [row])[0]
    }

    /// Rows of a search, in its order.
    func versions(_ db: any Transaction, where condition: SQL, order: SearchOrder, after: Cursor?, limit: Int) throws
        -> [ModelVersion]
    {
        let rows = try db.all(
            """
            \(Self.columns) WHERE v.deleted_ms IS NULL AND m.deleted_ms IS NULL AND (\(condition)) AND (\(order.after(after)))
            \(order.clause) LIMIT \(limit)
            """, Self.version)
        return try complete(db, rows)
    }

    /// The newest version of each of these models, in each stage or whatever the stage.
    func latest(_ db: any Transaction, models: [String], perStage: Bool) throws -> [ModelVersion] {
        var rows: [(ModelVersion, required: Int)] = []
        for some in models.chunks(of: 200) {
            let sameStage: SQL = perStage ? " AND n.stage = v.stage" : ""
            rows += try db.all(
                """
                \(Self.columns) WHERE v.model IN (\(list: Array(some))) AND v.deleted_ms IS NULL AND NOT EXISTS (
                    SELECT 1 FROM model_version n WHERE n.model = v.model AND n.version > v.version AND n.deleted_ms IS NULL\(sameStage))
                ORDER BY v.model, v.version
                """, Self.version)
        }
        return try complete(db, rows)
    }

    func setDescription(_ db: any Transaction, _ key: VersionKey, _ text: String, at time: Timestamp) throws {
        try db.execute(
            "UPDATE model_version SET description = \(text), updated_ms = \(time) WHERE model = \(key.modelID) AND version = \(key.version)"
        )
    }

    /// Notes that the version has taken its files.
    func setContent(_ db: any Transaction, _ key: VersionKey, recipe: ModelRecipe, card: ModelCard?, at time: Timestamp)
        throws
    {
        try db.execute(
            """
            UPDATE model_version SET has_files = \(true), recipe = \(recipe.json), pipeline_run = \(recipe.pipelineRun?.name),
                card = \(card?.stored), updated_ms = \(time)
            WHERE model = \(key.modelID) AND version = \(key.version)
            """)
    }

    func setStage(_ db: any Transaction, _ key: VersionKey, _ stage: ModelStage, at time: Timestamp) throws {
        try db.execute(
            "UPDATE model_version SET stage = \(stage.rawValue), updated_ms = \(time) WHERE model = \(key.modelID) AND version = \(key.version)"
        )
    }

    /// Archives the other versions in a stage; returns their numbers.
    func archiveOthers(_ db: any Transaction, _ key: VersionKey, in stage: ModelStage, at time: Timestamp) throws
        -> [Int]
    {
        let others = try db.all(
            """
            SELECT version FROM model_version WHERE model = \(key.modelID) AND version <> \(key.version) AND stage = \(stage.rawValue)
                AND deleted_ms IS NULL ORDER BY version
            """
        ) { Int(try $0.int(0)) }
        for other in others { try setStage(db, VersionKey(modelID: key.modelID, version: other), .archived, at: time) }
        return others
    }

    /// Ends the version and every alias that names it. Its row stays: predictions and decisions refer to it.
    func delete(_ db: any Transaction, _ key: VersionKey, at time: Timestamp) throws {
        try db.execute(
            "UPDATE model_version SET deleted_ms = \(time), updated_ms = \(time) WHERE model = \(key.modelID) AND version = \(key.version)"
        )
        try db.execute(
            "UPDATE model_alias SET until_ms = \(time) WHERE model = \(key.modelID) AND version = \(key.version) AND until_ms IS NULL"
        )
    }

    /// Whether a source was registered for the model, be the version deleted or not.
    func hasVersion(_ db: any Transaction, model: String, source: String) throws -> Bool {
        try db.exists("SELECT 1 FROM model_version WHERE model = \(model) AND source = \(source)")
    }

    /// Numbers of a model's versions that are not deleted.
    func numbers(_ db: any Transaction, model: String) throws -> [Int] {
        try db.all("SELECT version FROM model_version WHERE model = \(model) AND deleted_ms IS NULL ORDER BY version") {
            Int(try $0.int(0))
        }
    }

    func setTag(_ db: any Transaction, _ version: VersionKey, _ key: String, _ value: String) throws {
        try db.execute(
            """
            INSERT INTO model_version_tag (model, version, name, value) VALUES (\(version.modelID), \(version.version), \(key), \(value))
            ON CONFLICT (model, version, name) DO UPDATE SET value = excluded.value
            """)
    }

    func deleteTag(_ db: any Transaction, _ version: VersionKey, _ key: String) throws -> Bool {
        try db.execute(
            "DELETE FROM model_version_tag WHERE model = \(version.modelID) AND version = \(version.version) AND name = \(key)"
        ) > 0
    }

    private static func version(_ row: any Row) throws -> (ModelVersion, required: Int) {
        let version = ModelVersion(
            modelID: try row.text(0), name: try row.text(1), version: Int(try row.int(2)), project: try row.text(3),
            owner: try row.text(4),
            description: try row.text(5), source: try row.text(6), runID: try row.optionalText(7),
            loggedModelID: try row.optionalText(8),
            runLink: try row.optionalText(9), hasFiles: try row.bool(10),
            stage: ModelStage(rawValue: try row.text(11)) ?? .none,
            created: try row.time(12), updated: try row.time(13), tags: [:], aliases: [],
            recipe: try ModelRecipe(stored: row.json(14)),
            card: try row.optionalText(15).map { ModelCard(stored: try JSONValue(parsing: $0)) }, approval: .pending)
        return (version, Int(try row.int(16)))
    }

    /// Adds tags, aliases and the state of approval with one statement each for a hundred versions.
    private func complete(_ db: any Transaction, _ rows: [(ModelVersion, required: Int)]) throws -> [ModelVersion] {
        var tags: [VersionKey: [String: String]] = [:]
        var aliases: [VersionKey: [String]] = [:]
        var approvals: [VersionKey: [Approval]] = [:]
        for some in rows.map(\.0.key).chunks(of: 100) {
            let match = SQL.any(some.map { "model = \($0.modelID) AND version = \($0.version)" })
            try db.forEach("SELECT model, version, name, value FROM model_version_tag WHERE \(match)") { row in
                tags[try Self.key(row), default: [:]][try row.text(2)] = try row.text(3)
                return true
            }
            try db.forEach(
                "SELECT model, version, alias FROM model_alias WHERE until_ms IS NULL AND (\(match)) ORDER BY alias"
            ) { row in
                aliases[try Self.key(row), default: []].append(try row.text(2))
                return true
            }
            try db.forEach(
                "SELECT model, version, decision, comment, decided_by, decided_ms FROM model_approval WHERE \(match) ORDER BY id"
            ) { row in
                approvals[try Self.key(row), default: []].append(try Self.approval(row, from: 2))
                return true
            }
        }
        return rows.map { v, required in
            ModelVersion(
                modelID: v.modelID, name: v.name, version: v.version, project: v.project, owner: v.owner,
                description: v.description,
                source: v.source, runID: v.runID, loggedModelID: v.loggedModelID, runLink: v.runLink,
                hasFiles: v.hasFiles,
                stage: v.stage, created: v.created, updated: v.updated, tags: tags[v.key] ?? [:],
                aliases: aliases[v.key] ?? [], recipe: v.recipe, card: v.card,
                approval: ApprovalState(approvals[v.key] ?? [], required: required))
        }
    }

    private static func key(_ row: any Row) throws -> VersionKey {
        VersionKey(modelID: try row.text(0), version: Int(try row.int(1)))
    }
}
