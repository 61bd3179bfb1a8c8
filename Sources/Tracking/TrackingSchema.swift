import Database

/// Runs, models, datasets and metric names have short numeric ids inside the database, so that the many rows that
/// belong to them are small; the ids that the world sees are text.
enum TrackingSchema {
    static let migrations = [
        Migration(
            "tracking/0001-runs",
            """
            CREATE TABLE experiment (
                id BIGINT PRIMARY KEY,
                name TEXT NOT NULL UNIQUE,
                project TEXT NOT NULL,
                artifact_location TEXT NOT NULL,
                is_deleted BOOLEAN NOT NULL,
                created_ms BIGINT NOT NULL,
                updated_ms BIGINT NOT NULL
            ) {{without_rowid}};
            CREATE INDEX experiment_project ON experiment (project);
            CREATE TABLE experiment_tag (
                experiment BIGINT NOT NULL REFERENCES experiment (id),
                key TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (experiment, key)
            ) {{without_rowid}};
            CREATE TABLE run (
                key BIGINT PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                experiment BIGINT NOT NULL REFERENCES experiment (id),
                name TEXT NOT NULL,
                user_name TEXT NOT NULL,
                status TEXT NOT NULL,
                started_ms BIGINT NOT NULL,
                ended_ms BIGINT,
                is_deleted BOOLEAN NOT NULL,
                deleted_ms BIGINT,
                artifact_location TEXT NOT NULL
            ) {{without_rowid}};
            CREATE INDEX run_experiment_started ON run (experiment, started_ms DESC, id);
            CREATE TABLE run_param (
                run BIGINT NOT NULL,
                key TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (run, key)
            ) {{without_rowid}};
            CREATE TABLE run_tag (
                run BIGINT NOT NULL,
                key TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (run, key)
            ) {{without_rowid}};
            CREATE TABLE metric_name (
                id BIGINT PRIMARY KEY,
                name TEXT NOT NULL UNIQUE
            ) {{without_rowid}};
            CREATE TABLE metric_latest (
                run BIGINT NOT NULL,
                metric BIGINT NOT NULL,
                step BIGINT NOT NULL,
                time_ms BIGINT NOT NULL,
                value DOUBLE PRECISION NOT NULL,
                is_nan BOOLEAN NOT NULL,
                PRIMARY KEY (run, metric)
            ) {{without_rowid}};
            CREATE TABLE metric_tail (
                run BIGINT NOT NULL,
                sequence BIGINT NOT NULL,
                pack TEXT NOT NULL,
                PRIMARY KEY (run, sequence)
            );
            CREATE TABLE metric_block (
                run BIGINT NOT NULL,
                metric BIGINT NOT NULL,
                sequence BIGINT NOT NULL,
                points BIGINT NOT NULL,
                pack TEXT NOT NULL,
                PRIMARY KEY (run, metric, sequence)
            );
            """),
        Migration(
            "tracking/0002-inputs-and-models",
            """
            CREATE TABLE input_dataset (
                key BIGINT PRIMARY KEY,
                experiment BIGINT NOT NULL,
                name TEXT NOT NULL,
                digest TEXT NOT NULL,
                source_type TEXT NOT NULL,
                source TEXT NOT NULL,
                schema TEXT,
                profile TEXT,
                UNIQUE (experiment, name, digest)
            );
            CREATE TABLE run_input (
                run BIGINT NOT NULL,
                dataset BIGINT NOT NULL,
                context TEXT,
                tags TEXT NOT NULL,
                PRIMARY KEY (run, dataset)
            ) {{without_rowid}};
            CREATE INDEX run_input_dataset ON run_input (dataset);
            CREATE TABLE logged_model (
                key BIGINT PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                experiment BIGINT NOT NULL REFERENCES experiment (id),
                name TEXT NOT NULL,
                type TEXT,
                status TEXT NOT NULL,
                source_run TEXT,
                artifact_location TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                updated_ms BIGINT NOT NULL,
                is_deleted BOOLEAN NOT NULL
            ) {{without_rowid}};
            CREATE INDEX logged_model_experiment_created ON logged_model (experiment, created_ms DESC, id);
            CREATE TABLE logged_model_param (
                model BIGINT NOT NULL,
                key TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (model, key)
            ) {{without_rowid}};
            CREATE TABLE logged_model_tag (
                model BIGINT NOT NULL,
                key TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (model, key)
            ) {{without_rowid}};
            CREATE TABLE logged_model_metric (
                model BIGINT NOT NULL,
                metric BIGINT NOT NULL,
                time_ms BIGINT NOT NULL,
                step BIGINT NOT NULL,
                run BIGINT NOT NULL,
                value DOUBLE PRECISION NOT NULL,
                is_nan BOOLEAN NOT NULL,
                dataset_name TEXT,
                dataset_digest TEXT,
                PRIMARY KEY (model, metric, time_ms, step, run)
            ) {{without_rowid}};
            CREATE TABLE run_model (
                run BIGINT NOT NULL,
                role TEXT NOT NULL CHECK (role IN ('input', 'output')),
                model TEXT NOT NULL,
                step BIGINT NOT NULL,
                PRIMARY KEY (run, role, model, step)
            ) {{without_rowid}};
            """),
        Migration(
            "tracking/0003-search",
            // What a search looks at is in indexes that begin with the experiment. `short` is the value's first 128
            // characters, because PostgreSQL's index entries have a limit.
            """
            ALTER TABLE metric_latest ADD COLUMN experiment BIGINT NOT NULL DEFAULT 0;
            UPDATE metric_latest SET experiment = (SELECT r.experiment FROM run r WHERE r.key = metric_latest.run);
            CREATE INDEX metric_latest_search ON metric_latest (experiment, metric, is_nan, value, run);
            ALTER TABLE run_param ADD COLUMN experiment BIGINT NOT NULL DEFAULT 0;
            ALTER TABLE run_param ADD COLUMN short TEXT {{by_bytes}} NOT NULL DEFAULT '';
            UPDATE run_param SET short = substr(value, 1, 128),
                experiment = (SELECT r.experiment FROM run r WHERE r.key = run_param.run);
            CREATE INDEX run_param_search ON run_param (experiment, key, short, run);
            ALTER TABLE run_tag ADD COLUMN experiment BIGINT NOT NULL DEFAULT 0;
            ALTER TABLE run_tag ADD COLUMN short TEXT {{by_bytes}} NOT NULL DEFAULT '';
            UPDATE run_tag SET short = substr(value, 1, 128),
                experiment = (SELECT r.experiment FROM run r WHERE r.key = run_tag.run);
            CREATE INDEX run_tag_search ON run_tag (experiment, key, short, run);
            CREATE INDEX run_deleted ON run (experiment, key) WHERE is_deleted;
            CREATE INDEX run_status ON run (experiment, status, key);
            CREATE INDEX run_ended ON run (experiment, ended_ms, key);
            DROP INDEX run_experiment_started;
            CREATE INDEX run_started ON run (experiment, started_ms, key);
            """),
        Migration(
            "tracking/0004-metric-summaries",
            """
            CREATE TABLE metric_summary (
                run BIGINT NOT NULL,
                metric BIGINT NOT NULL,
                sequence BIGINT NOT NULL,
                parts TEXT NOT NULL,
                PRIMARY KEY (run, metric, sequence)
            ) {{without_rowid}};
            """),
        Migration(
            "tracking/0005-saved-searches",
            """
            CREATE TABLE saved_search (
                project TEXT NOT NULL,
                owner TEXT NOT NULL,
                name TEXT NOT NULL,
                search TEXT NOT NULL,
                saved_by TEXT NOT NULL,
                saved_ms BIGINT NOT NULL,
                PRIMARY KEY (project, owner, name)
            ) {{without_rowid}};
            """),
    ]
}
