import Core
import Database

/// SQL and nothing else.
struct PipelinesStore: Sendable {
    // MARK: Definitions

    func insert(_ db: any Transaction, _ version: PipelineVersion) throws {
        try db.execute(
            """
            INSERT INTO pipeline_version (pipeline, number, project, definition, code_manifest, code_digest, author, created_ms)
            VALUES (\(version.pipeline), \(version.number), \(version.project), \(version.definition.json), \(version.codeManifest),
                \(version.codeDigest), \(version.author), \(version.created))
            """)
    }

    /// nil for `number` means the newest.
    func version(_ db: any Transaction, _ name: String, _ number: Int?) throws -> PipelineVersion? {
        let condition: SQL = number.map { "number = \($0)" } ?? "TRUE"
        return try db.one(
            "\(Self.versionColumns) WHERE pipeline = \(name) AND \(condition) ORDER BY number DESC LIMIT 1",
            Self.version)
    }

    /// The newest version of each pipeline.
    func pipelines(_ db: any Transaction, project: String?) throws -> [PipelineVersion] {
        let condition: SQL = project.map { "project = \($0)" } ?? "TRUE"
        return try db.all(
            """
            \(Self.versionColumns) WHERE \(condition)
            AND number = (SELECT max(number) FROM pipeline_version o WHERE o.pipeline = pipeline_version.pipeline)
            ORDER BY pipeline LIMIT 1000
            """, Self.version)
    }

    private static let versionColumns: SQL = """
        SELECT pipeline, number, project, definition, code_manifest, code_digest, author, created_ms FROM pipeline_version
        """

    private static func version(_ row: any Row) throws -> PipelineVersion {
        PipelineVersion(
            pipeline: try row.text(0), project: try row.text(2), number: Int(try row.int(1)),
            definition: try PipelineDefinition(json: row.json(3)), codeManifest: try row.optionalText(4),
            codeDigest: try row.optionalText(5).map { try Digest(parsing: $0) }, author: try row.text(6),
            created: try row.time(7))
    }

    func setCode(_ db: any Transaction, _ pipeline: String, project: String, manifest: String, digest: Digest) throws {
        try db.execute(
            """
            INSERT INTO pipeline_code (pipeline, project, manifest, digest) VALUES (\(pipeline), \(project), \(manifest), \(digest))
            ON CONFLICT (pipeline) DO UPDATE SET manifest = excluded.manifest, digest = excluded.digest
            """)
    }

    func code(_ db: any Transaction, _ pipeline: String) throws -> (project: String, manifest: String, digest: Digest)?
    {
        try db.one("SELECT project, manifest, digest FROM pipeline_code WHERE pipeline = \(pipeline)") {
            (try $0.text(0), try $0.text(1), try $0.digest(2))
        }
    }

    /// When a schedule last fired; the first look sets it to `now`, so that nothing is caught up for the time before.
    func lastFired(_ db: any Transaction, _ pipeline: String, now: Timestamp) throws -> Timestamp {
        try db.execute(
            "INSERT INTO pipeline_schedule (pipeline, fired_ms) VALUES (\(pipeline), \(now)) ON CONFLICT (pipeline) DO NOTHING"
        )
        return try db.one("SELECT fired_ms FROM pipeline_schedule WHERE pipeline = \(pipeline)") { try $0.time(0) }
            ?? now
    }

    func setFired(_ db: any Transaction, _ pipeline: String, at time: Timestamp) throws {
        try db.execute("UPDATE pipeline_schedule SET fired_ms = \(time) WHERE pipeline = \(pipeline)")
    }

    // MARK: Runs

    /// False when a run of this pipeline for the same cause is there already.
    func insert(_ db: any Transaction, _ run: PipelineRun, steps: [String]) throws -> Bool {
        let inserted = try db.execute(
            """
            INSERT INTO pipeline_run (id, pipeline, version, project, state, params, pins, cause, actor, uses_cache, created_ms)
            VALUES (\(run.id), \(run.pipeline), \(run.version), \(run.project), \(run.state.rawValue), \(JSONValue.object(run.params)),
                \(JSONValue(run.pins)), \(run.cause), \(run.actor), \(run.usesCache), \(run.created)) ON CONFLICT DO NOTHING
            """)
        guard inserted == 1 else { return false }
        for (position, step) in steps.enumerated() {
            try db.execute(
                """
                INSERT INTO pipeline_step_run (run, step, position, state, attempt, outputs)
                VALUES (\(run.id), \(step), \(position), \(StepRun.State.pending.rawValue), 0, '{}')
                """)
        }
        return true
    }

    func run(_ db: any Transaction, _ id: String) throws -> PipelineRun? {
        try db.one("\(Self.runColumns) WHERE id = \(id)", Self.run)
    }

    func run(_ db: any Transaction, _ pipeline: String, cause: String) throws -> PipelineRun? {
        try db.one("\(Self.runColumns) WHERE pipeline = \(pipeline) AND cause = \(cause)", Self.run)
    }

    func runs(
        _ db: any Transaction, pipeline: String?, project: String?, state: String?, _ page: PageRequest
    ) throws -> Page<PipelineRun> {
        var conditions: [SQL] = []
        if let pipeline { conditions.append("pipeline = \(pipeline)") }
        if let project { conditions.append("project = \(project)") }
        if let state { conditions.append("state = \(state)") }
        if let keys = page.after?.keys, keys.count == 2, let time = keys[0].intValue, let id = keys[1].stringValue {
            conditions.append("created_ms < \(time) OR (created_ms = \(time) AND id < \(id))")
        }
        return try db.page(
            "\(Self.runColumns) WHERE \(SQL.all(conditions)) ORDER BY created_ms DESC, id DESC LIMIT \(page.limit + 1)",
            page,
            keys: { [.int($0.created.milliseconds), .string($0.id)] }, Self.run)
    }

    /// Runs that want work, oldest first.
    func open(_ db: any Transaction, limit: Int) throws -> [PipelineRun] {
        try db.all(
            "\(Self.runColumns) WHERE state IN ('queued', 'running', 'cancelling') ORDER BY created_ms, id LIMIT \(limit)",
            Self.run)
    }

    func setState(_ db: any Transaction, _ id: String, _ state: PipelineRun.State, at time: Timestamp, problem: String?)
        throws
    {
        if state.isEnd {
            try db.execute(
                "UPDATE pipeline_run SET state = \(state.rawValue), ended_ms = \(time), problem = \(problem) WHERE id = \(id)"
            )
        } else if state == .running {
            try db.execute(
                "UPDATE pipeline_run SET state = 'running', started_ms = coalesce(started_ms, \(time)) WHERE id = \(id)"
            )
        } else {
            try db.execute("UPDATE pipeline_run SET state = \(state.rawValue) WHERE id = \(id)")
        }
    }

    private static let runColumns: SQL = """
        SELECT id, pipeline, version, project, state, params, pins, cause, actor, uses_cache, created_ms, started_ms, ended_ms, problem
        FROM pipeline_run
        """

    private static func run(_ row: any Row) throws -> PipelineRun {
        PipelineRun(
            id: try row.text(0), pipeline: try row.text(1), version: Int(try row.int(2)), project: try row.text(3),
            state: PipelineRun.State(rawValue: try row.text(4)) ?? .failed, params: try row.json(5).objectValue ?? [:],
            pins: (try row.json(6).objectValue ?? [:]).compactMapValues(\.stringValue), cause: try row.optionalText(7),
            actor: try row.text(8), usesCache: try row.bool(9), created: try row.time(10),
            started: try row.optionalTime(11), ended: try row.optionalTime(12), problem: try row.optionalText(13))
    }

    // MARK: Steps

    func steps(_ db: any Transaction, of run: String) throws -> [StepRun] {
        try db.all("\(Self.stepColumns) WHERE run = \(run) ORDER BY position", Self.step)
    }

    func startStep(_ db: any Transaction, run: String, step: String, recipe: StepRecipe, at time: Timestamp) throws
        -> Int
    {
        try db.execute(
            """
            UPDATE pipeline_step_run SET state = 'running', attempt = attempt + 1, recipe = \(recipe.json),
                recipe_digest = \(recipe.digest), started_ms = \(time), problem = NULL WHERE run = \(run) AND step = \(step)
            """)
        return try db.one("SELECT attempt FROM pipeline_step_run WHERE run = \(run) AND step = \(step)") {
            Int(try $0.int(0))
        } ?? 1
    }

    func endStep(
        _ db: any Transaction, run: String, step: String, _ state: StepRun.State, outputs: [String: StepResult],
        cachedFrom: String? = nil, problem: String? = nil, usage: JSONValue? = nil, at time: Timestamp
    ) throws {
        try db.execute(
            """
            UPDATE pipeline_step_run SET state = \(state.rawValue), outputs = \(JSONValue.object(outputs.mapValues(\.json))),
                cached_from = \(cachedFrom), problem = \(problem), usage = \(usage), ended_ms = \(time)
            WHERE run = \(run) AND step = \(step)
            """)
    }

    /// Of a step that is served from the cache.
    func noteRecipe(_ db: any Transaction, run: String, step: String, recipe: StepRecipe, at time: Timestamp) throws {
        try db.execute(
            """
            UPDATE pipeline_step_run SET recipe = \(recipe.json), recipe_digest = \(recipe.digest), started_ms = \(time)
            WHERE run = \(run) AND step = \(step)
            """)
    }

    /// The newest success with this recipe whose files are still there.
    func cached(_ db: any Transaction, recipe: Digest) throws -> StepRun? {
        let found = try db.all(
            """
            \(Self.stepColumns) WHERE recipe_digest = \(recipe) AND state = 'succeeded' ORDER BY ended_ms DESC LIMIT 5
            """, Self.step)
        return try found.first { step in
            try step.outputs.values.allSatisfy {
                try db.exists("SELECT 1 FROM object_manifest WHERE id = \($0.manifest)")
            }
        }
    }

    /// What a server that died left as running, to be run again.
    func resetRunningSteps(_ db: any Transaction) throws -> Int {
        try db.execute("UPDATE pipeline_step_run SET state = 'pending' WHERE state = 'running'")
    }

    private static let stepColumns: SQL = """
        SELECT run, step, state, attempt, recipe, recipe_digest, cached_from, outputs, problem, usage, started_ms, ended_ms
        FROM pipeline_step_run
        """

    private static func step(_ row: any Row) throws -> StepRun {
        StepRun(
            run: try row.text(0), step: try row.text(1), state: StepRun.State(rawValue: try row.text(2)) ?? .failed,
            attempt: Int(try row.int(3)), recipe: try row.optionalText(4).map { try JSONValue(parsing: $0) },
            recipeDigest: try row.optionalText(5).map { try Digest(parsing: $0) }, cachedFrom: try row.optionalText(6),
            outputs: try (row.json(7).objectValue ?? [:]).mapValues(StepResult.init), problem: try row.optionalText(8),
            usage: try row.optionalText(9).map { try JSONValue(parsing: $0) }, started: try row.optionalTime(10),
            ended: try row.optionalTime(11))
    }
}
