import Core
import Database
import Platform
import Tables

/// What tracking shows to `slipway sql`. Names are those of MLflow's API and of its data frames of runs.
enum RunTables {
    static let all: [SQLTable] = [
        experiments, experimentTags, runs, params, tags, RunMetricTables.newest, RunMetricTables.history, inputs,
        loggedModels,
    ]

    private static let runID = SQLTable.Column("run_id", .varchar, repeats: true)

    private static let experiments = SQLTable(
        "experiments", "Experiments.", .readRuns,
        [
            .init("experiment_id", .varchar), .init("name", .varchar), .init("project", .varchar, repeats: true),
            .init("lifecycle_stage", .varchar, repeats: true, "active or deleted"),
            .init("artifact_location", .varchar),
            .init("creation_time", .timestamp), .init("last_update_time", .timestamp),
        ],
        .whole { db, project, rows in
            try db.forEach(
                """
                SELECT id, name, is_deleted, artifact_location, created_ms, updated_ms FROM experiment
                WHERE project = \(project) ORDER BY id
                """
            ) { row in
                try rows.text(String(row.int(0)))
                try rows.text(row.text(1))
                try rows.text(project)
                try rows.text(stage(row.bool(2)))
                try rows.text(row.text(3))
                try rows.int(row.int(4))
                try rows.int(row.int(5))
                return true
            }
        })

    private static let experimentTags = SQLTable(
        "experiment_tags", "Tags of experiments.", .readRuns,
        [
            .init("experiment_id", .varchar, repeats: true), .init("key", .varchar, repeats: true),
            .init("value", .varchar, repeats: true),
        ],
        .whole { db, project, rows in
            try db.forEach(
                """
                SELECT t.experiment, t.key, t.value FROM experiment_tag t JOIN experiment e ON e.id = t.experiment
                WHERE e.project = \(project) ORDER BY t.experiment, t.key
                """
            ) { row in
                try rows.text(String(row.int(0)))
                try rows.text(row.text(1))
                try rows.text(row.text(2))
                return true
            }
        })

    private static let runs = SQLTable(
        "runs", "Runs, deleted ones too: see lifecycle_stage.", .readRuns,
        [
            .init("run_id", .varchar), .init("run_name", .varchar, repeats: true),
            .init("experiment_id", .varchar, repeats: true), .init("experiment_name", .varchar, repeats: true),
            .init("project", .varchar, repeats: true), .init("user_id", .varchar, repeats: true),
            .init("status", .varchar, repeats: true, "RUNNING, SCHEDULED, FINISHED, FAILED or KILLED"),
            .init("start_time", .timestamp, "UTC"), .init("end_time", .timestamp, "UTC; NULL while it runs"),
            .init("lifecycle_stage", .varchar, repeats: true, "active or deleted"), .init("artifact_uri", .varchar),
        ],
        .whole { db, project, rows in
            try each(db, project) { experiment, name in
                let id = String(experiment)
                try db.forEach(
                    """
                    SELECT id, name, user_name, status, started_ms, ended_ms, is_deleted, artifact_location FROM run
                    WHERE experiment = \(experiment) ORDER BY started_ms, key
                    """
                ) { row in
                    try rows.text(row.text(0))
                    try rows.text(row.text(1))
                    try rows.text(id)
                    try rows.text(name)
                    try rows.text(project)
                    try rows.text(row.text(2))
                    try rows.text(row.text(3))
                    try rows.int(row.int(4))
                    try rows.int(row.optionalInt(5))
                    try rows.text(stage(row.bool(6)))
                    try rows.text(row.text(7))
                    return true
                }
            }
        })

    private static let params = keyValues("params", "Parameters of runs.", "run_param")
    private static let tags = keyValues("tags", "Tags of runs.", "run_tag")

    private static func keyValues(_ name: String, _ about: String, _ table: SQL) -> SQLTable {
        SQLTable(
            name, about, .readRuns,
            [runID, .init("key", .varchar, repeats: true), .init("value", .varchar, repeats: true)],
            .whole { db, project, rows in
                try each(db, project) { experiment, _ in
                    try db.forEach(
                        """
                        SELECT r.id, t.key, t.value FROM run r JOIN \(table) t ON t.run = r.key
                        WHERE r.experiment = \(experiment)
                        """
                    ) { row in
                        try rows.text(row.text(0))
                        try rows.text(row.text(1))
                        try rows.text(row.text(2))
                        return true
                    }
                }
            })
    }

    private static let inputs = SQLTable(
        "inputs", "The datasets that runs used.", .readRuns,
        [
            runID, .init("name", .varchar, repeats: true), .init("digest", .varchar, repeats: true),
            .init("context", .varchar, repeats: true, "such as training"),
            .init("source_type", .varchar, repeats: true),
            .init("source", .varchar, repeats: true),
        ],
        .whole { db, project, rows in
            try each(db, project) { experiment, _ in
                try db.forEach(
                    """
                    SELECT r.id, d.name, d.digest, i.context, d.source_type, d.source FROM run r
                    JOIN run_input i ON i.run = r.key JOIN input_dataset d ON d.key = i.dataset
                    WHERE r.experiment = \(experiment) ORDER BY r.key, i.dataset
                    """
                ) { row in
                    for column in 0..<6 { try rows.text(row.optionalText(column)) }
                    return true
                }
            }
        })

    private static let loggedModels = SQLTable(
        "logged_models", "Models that runs logged.", .readRuns,
        [
            .init("model_id", .varchar), .init("experiment_id", .varchar, repeats: true),
            .init("name", .varchar, repeats: true), .init("model_type", .varchar, repeats: true),
            .init("status", .varchar, repeats: true), .init("source_run_id", .varchar),
            .init("creation_time", .timestamp), .init("lifecycle_stage", .varchar, repeats: true, "active or deleted"),
        ],
        .whole { db, project, rows in
            try each(db, project) { experiment, _ in
                let id = String(experiment)
                try db.forEach(
                    """
                    SELECT id, name, type, status, source_run, created_ms, is_deleted FROM logged_model
                    WHERE experiment = \(experiment) ORDER BY created_ms, id
                    """
                ) { row in
                    try rows.text(row.text(0))
                    try rows.text(id)
                    for column in 1...4 { try rows.text(row.optionalText(column)) }
                    try rows.int(row.int(5))
                    try rows.text(stage(row.bool(6)))
                    return true
                }
            }
        })

    // MARK: Parts

    /// The experiments of a project, one after the other: each statement reads one range of an index.
    static func each(_ db: any Transaction, _ project: String, _ body: (_ id: Int64, _ name: String) throws -> Void)
        throws
    {
        let found = try db.all("SELECT id, name FROM experiment WHERE project = \(project) ORDER BY id") {
            (try $0.int(0), try $0.text(1))
        }
        for (id, name) in found { try body(id, name) }
    }

    private static func stage(_ isDeleted: Bool) -> String { isDeleted ? "deleted" : "active" }
}
