import Core
import Database

/// Aliases with their history, evaluations, approvals.
extension RegistryStore {
    // MARK: Aliases

    func aliasVersion(_ db: any Transaction, model: String, _ alias: String) throws -> Int? {
        try db.one("SELECT version FROM model_alias WHERE model = \(model) AND alias = \(alias) AND until_ms IS NULL") {
            Int(try $0.int(0))
        }
    }

    /// Ends the interval of the alias, if one is open, and begins another.
    func setAlias(
        _ db: any Transaction, _ key: VersionKey, _ alias: String, by principal: String, reason: String,
        at time: Timestamp
    ) throws {
        _ = try endAlias(db, model: key.modelID, alias, at: time)
        try db.execute(
            """
            INSERT INTO model_alias (id, model, alias, version, from_ms, set_by, reason)
            VALUES (\(ID.make(at: time)), \(key.modelID), \(alias), \(key.version), \(time), \(principal), \(reason))
            """)
    }

    func endAlias(_ db: any Transaction, model: String, _ alias: String, at time: Timestamp) throws -> Bool {
        try db.execute(
            "UPDATE model_alias SET until_ms = \(time) WHERE model = \(model) AND alias = \(alias) AND until_ms IS NULL"
        ) > 0
    }

    /// Newest first; `alias` nil is all of them.
    func aliasHistory(_ db: any Transaction, model: String, alias: String?, limit: Int) throws -> [AliasInterval] {
        let condition: SQL = alias.map { "alias = \($0)" } ?? "TRUE"
        return try db.all(
            """
            SELECT alias, version, from_ms, until_ms, set_by, reason FROM model_alias WHERE model = \(model) AND \(condition)
            ORDER BY from_ms DESC, id DESC LIMIT \(limit)
            """
        ) { row in
            AliasInterval(
                alias: try row.text(0), version: Int(try row.int(1)), from: try row.time(2),
                until: try row.optionalTime(3),
                setBy: try row.text(4), reason: try row.text(5))
        }
    }

    // MARK: Evaluations

    func insert(_ db: any Transaction, _ key: VersionKey, _ evaluation: Evaluation) throws {
        try db.execute(
            """
            INSERT INTO model_evaluation (id, model, version, dataset, slice, run, metrics, created_ms, created_by)
            VALUES (\(evaluation.id), \(key.modelID), \(key.version), \(evaluation.dataset), \(evaluation.slice), \(evaluation.run),
                \(MetricMap.json(evaluation.metrics)), \(evaluation.created), \(evaluation.createdBy))
            """)
    }

    /// Oldest first; the newest `limit` of them.
    func evaluations(_ db: any Transaction, _ key: VersionKey, limit: Int = 1000) throws -> [Evaluation] {
        let rows = try db.all(
            """
            SELECT id, dataset, slice, run, metrics, created_ms, created_by FROM model_evaluation
            WHERE model = \(key.modelID) AND version = \(key.version) ORDER BY created_ms DESC, id DESC LIMIT \(limit)
            """
        ) { row in
            func ref(_ index: Int) throws -> Ref? { try row.optionalText(index).map { try Ref(parsing: $0) } }
            return Evaluation(
                id: try row.text(0), dataset: try ref(1), slice: try ref(2), run: try ref(3),
                metrics: try MetricMap.parse(row.json(4), field: "metrics"), created: try row.time(5),
                createdBy: try row.text(6))
        }
        return rows.reversed()
    }

    // MARK: Approvals

    func insert(_ db: any Transaction, _ key: VersionKey, _ approval: Approval) throws {
        try db.execute(
            """
            INSERT INTO model_approval (id, model, version, decision, comment, decided_by, decided_ms)
            VALUES (\(ID.make(at: approval.time)), \(key.modelID), \(key.version), \(approval.decision.rawValue), \(approval.comment),
                \(approval.by), \(approval.time))
            """)
    }

    /// Oldest first.
    func approvals(_ db: any Transaction, _ key: VersionKey) throws -> [Approval] {
        try db.all(
            """
            SELECT decision, comment, decided_by, decided_ms FROM model_approval
            WHERE model = \(key.modelID) AND version = \(key.version) ORDER BY decided_ms, id
            """
        ) { try Self.approval($0, from: 0) }
    }

    static func approval(_ row: any Row, from index: Int) throws -> Approval {
        Approval(
            decision: Approval.Decision(rawValue: try row.text(index)) ?? .reject, comment: try row.text(index + 1),
            by: try row.text(index + 2), time: try row.time(index + 3))
    }
}
