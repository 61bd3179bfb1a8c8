import Core
import Database

/// SQL and nothing else: registered models and their tags. Versions, aliases and decisions are in extensions.
struct RegistryStore: Sendable {
    private static let columns: SQL = """
        SELECT m.id, m.name, m.project, m.owner, m.description, m.created_ms, m.updated_ms, m.approvals_required, m.self_approval,
            m.protected_aliases
        FROM registered_model m
        """

    /// Says whether the name was free.
    func insert(_ db: any Transaction, _ model: RegisteredModel) throws -> Bool {
        guard try !db.exists("SELECT 1 FROM registered_model WHERE name = \(model.name) AND deleted_ms IS NULL") else {
            return false
        }
        try db.execute(
            """
            INSERT INTO registered_model (id, name, project, owner, description, created_ms, updated_ms, last_version, approvals_required,
                self_approval, protected_aliases)
            VALUES (\(model.id), \(model.name), \(model.project), \(model.owner), \(model.description), \(model.created), \(model.updated), 0,
                \(model.policy.approvalsRequired), \(model.policy.allowsSelfApproval), \(JSONValue(model.policy.protectedAliases)))
            """)
        for (key, value) in model.tags { try setTag(db, model: model.id, key, value) }
        return true
    }

    /// - Throws: `notFound`.
    func model(_ db: any Transaction, _ name: String) throws -> RegisteredModel {
        guard let row = try db.one("\(Self.columns) WHERE m.name = \(name) AND m.deleted_ms IS NULL", Self.model) else {
            throw SlipwayError.notFound(Ref(.model, name))
        }
        return try complete(db, [row])[0]
    }

    func name(_ db: any Transaction, id: String) throws -> String? {
        try db.one("SELECT name FROM registered_model WHERE id = \(id) AND deleted_ms IS NULL") { try $0.text(0) }
    }

    /// Rows of a search, in its order.
    func models(_ db: any Transaction, where condition: SQL, order: SearchOrder, after: Cursor?, limit: Int) throws
        -> [RegisteredModel]
    {
        let rows = try db.all(
            """
            \(Self.columns) WHERE m.deleted_ms IS NULL AND (\(condition)) AND (\(order.after(after))) \(order.clause) LIMIT \(limit)
            """, Self.model)
        return try complete(db, rows)
    }

    func rename(_ db: any Transaction, model: String, to name: String, at time: Timestamp) throws -> Bool {
        guard
            try !db.exists(
                "SELECT 1 FROM registered_model WHERE name = \(name) AND deleted_ms IS NULL AND id <> \(model)")
        else { return false }
        try db.execute("UPDATE registered_model SET name = \(name), updated_ms = \(time) WHERE id = \(model)")
        try db.execute("UPDATE model_version SET updated_ms = \(time) WHERE model = \(model) AND deleted_ms IS NULL")
        return true
    }

    func setDescription(_ db: any Transaction, model: String, _ text: String, at time: Timestamp) throws {
        try db.execute("UPDATE registered_model SET description = \(text), updated_ms = \(time) WHERE id = \(model)")
    }

    func setPolicy(_ db: any Transaction, model: String, _ policy: ModelPolicy, at time: Timestamp) throws {
        try db.execute(
            """
            UPDATE registered_model SET approvals_required = \(policy.approvalsRequired), self_approval = \(policy.allowsSelfApproval),
                protected_aliases = \(JSONValue(policy.protectedAliases)), updated_ms = \(time) WHERE id = \(model)
            """)
    }

    func touch(_ db: any Transaction, model: String, at time: Timestamp) throws {
        try db.execute("UPDATE registered_model SET updated_ms = \(time) WHERE id = \(model)")
    }

    func delete(_ db: any Transaction, model: String, at time: Timestamp) throws {
        try db.execute("UPDATE registered_model SET deleted_ms = \(time) WHERE id = \(model)")
        try db.execute("UPDATE model_version SET deleted_ms = \(time) WHERE model = \(model) AND deleted_ms IS NULL")
        try db.execute("UPDATE model_alias SET until_ms = \(time) WHERE model = \(model) AND until_ms IS NULL")
    }

    func setTag(_ db: any Transaction, model: String, _ key: String, _ value: String) throws {
        try db.execute(
            """
            INSERT INTO registered_model_tag (model, name, value) VALUES (\(model), \(key), \(value))
            ON CONFLICT (model, name) DO UPDATE SET value = excluded.value
            """)
    }

    func deleteTag(_ db: any Transaction, model: String, _ key: String) throws -> Bool {
        try db.execute("DELETE FROM registered_model_tag WHERE model = \(model) AND name = \(key)") > 0
    }

    private static func model(_ row: any Row) throws -> RegisteredModel {
        RegisteredModel(
            id: try row.text(0), name: try row.text(1), project: try row.text(2), owner: try row.text(3),
            description: try row.text(4),
            created: try row.time(5), updated: try row.time(6), tags: [:], aliases: [:],
            policy: ModelPolicy(
                approvalsRequired: Int(try row.int(7)), allowsSelfApproval: try row.bool(8),
                protectedAliases: try row.json(9).arrayValue?.compactMap(\.stringValue) ?? []))
    }

    /// Adds tags and aliases with one statement each for a few hundred models.
    private func complete(_ db: any Transaction, _ models: [RegisteredModel]) throws -> [RegisteredModel] {
        var tags: [String: [String: String]] = [:]
        var aliases: [String: [String: Int]] = [:]
        for some in models.map(\.id).chunks(of: 200) {
            try db.forEach("SELECT model, name, value FROM registered_model_tag WHERE model IN (\(list: Array(some)))")
            { row in
                tags[try row.text(0), default: [:]][try row.text(1)] = try row.text(2)
                return true
            }
            try db.forEach(
                "SELECT model, alias, version FROM model_alias WHERE until_ms IS NULL AND model IN (\(list: Array(some)))"
            ) { row in
                aliases[try row.text(0), default: [:]][try row.text(1)] = Int(try row.int(2))
                return true
            }
        }
        return models.map { model in
            RegisteredModel(
                id: model.id, name: model.name, project: model.project, owner: model.owner,
                description: model.description,
                created: model.created, updated: model.updated, tags: tags[model.id] ?? [:],
                aliases: aliases[model.id] ?? [:],
                policy: model.policy)
        }
    }
}

extension Array {
    /// Consecutive parts of at most `size` elements.
    func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
