import Core
import Database

/// SQL of what is done to many runs at once.
struct CareStore: Sendable {
    func move(_ db: any Transaction, run: RunInfo, to experiment: Int64) throws {
        try db.execute("UPDATE run SET experiment = \(experiment) WHERE key = \(run.key)")
        // Searches find a run by these, in the indexes of its experiment.
        for table in ["metric_latest", "run_param", "run_tag"] as [SQL] {
            try db.execute("UPDATE \(table) SET experiment = \(experiment) WHERE run = \(run.key)")
        }
        try db.execute("UPDATE logged_model SET experiment = \(experiment) WHERE source_run = \(run.id)")
        // Datasets belong to an experiment: the caller adds them to the new one.
        try db.execute("DELETE FROM run_input WHERE run = \(run.key)")
    }

    // MARK: Purging

    /// Deleted before a moment, oldest first; only of these projects, if any are named.
    func deletedRuns(_ db: any Transaction, before time: Timestamp, projects: [String]?, limit: Int) throws -> [RunInfo]
    {
        try db.all(
            """
            \(RunStore.columns) WHERE r.is_deleted = \(true) AND r.deleted_ms < \(time) AND \(Self.within("r.experiment", projects))
            ORDER BY r.deleted_ms, r.key LIMIT \(limit)
            """, RunStore.row)
    }

    /// Deleted experiments without runs. The one with the highest id stays, so that no id is given twice.
    func emptyDeletedExperiments(_ db: any Transaction, before time: Timestamp, projects: [String]?) throws -> [Int64] {
        try db.all(
            """
            SELECT e.id FROM experiment e WHERE e.is_deleted = \(true) AND e.updated_ms < \(time)
                AND e.id < (SELECT max(id) FROM experiment) AND \(Self.within("e.id", projects))
                AND NOT EXISTS (SELECT 1 FROM run r WHERE r.experiment = e.id)
                AND NOT EXISTS (SELECT 1 FROM logged_model m WHERE m.experiment = e.id) ORDER BY e.id
            """
        ) { try $0.int(0) }
    }

    /// Logged models that were deleted, themselves or with their experiment.
    func deletedModels(_ db: any Transaction, before time: Timestamp, projects: [String]?, limit: Int) throws -> [(
        key: Int64, id: String
    )] {
        try db.all(
            """
            SELECT k.key, k.id FROM logged_model k JOIN experiment e ON e.id = k.experiment
            WHERE ((k.is_deleted = \(true) AND k.updated_ms < \(time)) OR (e.is_deleted = \(true) AND e.updated_ms < \(time)))
                AND \(Self.within("k.experiment", projects)) ORDER BY k.key LIMIT \(limit)
            """
        ) { (key: try $0.int(0), id: try $0.text(1)) }
    }

    private static func within(_ experiment: SQL, _ projects: [String]?) -> SQL {
        guard let projects else { return "TRUE" }
        return "\(experiment) IN (SELECT p.id FROM experiment p WHERE p.project IN (\(list: projects)))"
    }

    /// Everything that a run has in tables of its own.
    func purge(_ db: any Transaction, run: Int64) throws {
        for table in [
            "run_param", "run_tag", "metric_latest", "metric_tail", "metric_block", "metric_summary", "run_input",
            "run_model",
        ] {
            try db.execute("DELETE FROM \(SQL(stringLiteral: table)) WHERE run = \(run)")
        }
        try db.execute("DELETE FROM logged_model_metric WHERE run = \(run)")
        try db.execute("DELETE FROM run WHERE key = \(run)")
    }

    func purge(_ db: any Transaction, model: Int64) throws {
        for table in ["logged_model_param", "logged_model_tag", "logged_model_metric"] {
            try db.execute("DELETE FROM \(SQL(stringLiteral: table)) WHERE model = \(model)")
        }
        try db.execute("DELETE FROM logged_model WHERE key = \(model)")
    }

    func purge(_ db: any Transaction, experiment: Int64) throws {
        try db.execute("DELETE FROM input_dataset WHERE experiment = \(experiment)")
        try db.execute("DELETE FROM experiment_tag WHERE experiment = \(experiment)")
        try db.execute("DELETE FROM experiment WHERE id = \(experiment)")
    }
}
