import Core
import Database

/// A rerun of a version's recipe, and what it showed.
public struct ReproductionRecord: Sendable, Hashable {
    public enum State: String, Sendable {
        case running
        case finished
        /// The rerun came to no model.
        case failed
    }

    public let id: String
    public let key: VersionKey
    /// Relative, for metrics.
    public let tolerance: Double
    /// Whether the version that the rerun registers stays.
    public let keeps: Bool
    public let state: State
    public let pipelineRun: String?
    /// `Reproduction.json` once it is finished.
    public let result: JSONValue?
    public let problem: String?
    public let startedBy: String
    public let created: Timestamp
    public let ended: Timestamp?

    /// What started the pipeline run; one reproduction starts one run.
    var cause: String { Ref(.request, "reproduction-\(id)").description }

    public var json: JSONValue {
        [
            "id": .string(id), "state": .string(state.rawValue), "tolerance": .number(tolerance), "keep": .bool(keeps),
            "pipelineRun": JSONValue(pipelineRun.map { Ref(.pipelineRun, $0).description }), "result": result ?? .null,
            "verdict": result?["verdict"] ?? .null, "problem": JSONValue(problem), "startedBy": .string(startedBy),
            "created": JSONValue(created), "ended": ended.map { JSONValue($0) } ?? .null,
        ]
    }
}

extension RegistryStore {
    private static let columns: SQL = """
        SELECT id, model, version, tolerance, keeps, state, pipeline_run, result, problem, started_by, created_ms, ended_ms FROM model_reproduction
        """

    func insert(_ db: any Transaction, _ record: ReproductionRecord) throws {
        try db.execute(
            """
            INSERT INTO model_reproduction (id, model, version, tolerance, keeps, state, pipeline_run, started_by, created_ms)
            VALUES (\(record.id), \(record.key.modelID), \(record.key.version), \(record.tolerance), \(record.keeps), \(record.state.rawValue),
                \(record.pipelineRun), \(record.startedBy), \(record.created))
            """)
    }

    func reproduction(_ db: any Transaction, _ id: String) throws -> ReproductionRecord? {
        try db.one("\(Self.columns) WHERE id = \(id)", Self.record)
    }

    func reproduction(_ db: any Transaction, pipelineRun: String) throws -> ReproductionRecord? {
        try db.one("\(Self.columns) WHERE pipeline_run = \(pipelineRun) AND state = 'running'", Self.record)
    }

    /// Those whose pipeline run has not been asked for: the server stopped in between.
    func unstartedReproductions(_ db: any Transaction) throws -> [ReproductionRecord] {
        try db.all("\(Self.columns) WHERE pipeline_run IS NULL AND state = 'running' ORDER BY id", Self.record)
    }

    /// Newest first.
    func reproductions(_ db: any Transaction, _ key: VersionKey, limit: Int = 100) throws -> [ReproductionRecord] {
        try db.all(
            "\(Self.columns) WHERE model = \(key.modelID) AND version = \(key.version) ORDER BY created_ms DESC, id DESC LIMIT \(limit)",
            Self.record)
    }

    func setRun(_ db: any Transaction, reproduction id: String, _ run: String) throws {
        try db.execute("UPDATE model_reproduction SET pipeline_run = \(run) WHERE id = \(id)")
    }

    /// Says whether it was still running.
    func end(
        _ db: any Transaction, reproduction id: String, _ state: ReproductionRecord.State, result: JSONValue?,
        problem: String?, at time: Timestamp
    ) throws -> Bool {
        try db.execute(
            """
            UPDATE model_reproduction SET state = \(state.rawValue), result = \(result), problem = \(problem), ended_ms = \(time)
            WHERE id = \(id) AND state = 'running'
            """) == 1
    }

    /// The newest version of a model that a pipeline run made; of the named step, if that made one.
    func version(_ db: any Transaction, _ model: RegisteredModel, madeBy run: String, step: String?) throws
        -> ModelVersion?
    {
        let numbers = try db.all(
            "SELECT version FROM model_version WHERE model = \(model.id) AND pipeline_run = \(run) AND deleted_ms IS NULL ORDER BY version DESC"
        ) { Int(try $0.int(0)) }
        let versions = try numbers.map { try version(db, model, $0) }
        return versions.first { $0.recipe.step == step } ?? versions.first
    }

    private static func record(_ row: any Row) throws -> ReproductionRecord {
        ReproductionRecord(
            id: try row.text(0), key: VersionKey(modelID: try row.text(1), version: Int(try row.int(2))),
            tolerance: try row.double(3),
            keeps: try row.bool(4), state: ReproductionRecord.State(rawValue: try row.text(5)) ?? .failed,
            pipelineRun: try row.optionalText(6),
            result: try row.optionalText(7).map { try JSONValue(parsing: $0) }, problem: try row.optionalText(8),
            startedBy: try row.text(9),
            created: try row.time(10), ended: try row.optionalTime(11))
    }
}
