import Database

/// Traces have short numeric ids inside the database, as runs have. Rows of spans come in the order of their traces, and
/// hold bodies of some kilobytes, so they are plain rows behind an index.
enum TracesSchema {
    static let migrations = [
        Migration(
            "traces/0001-traces",
            """
            CREATE TABLE trace (
                key BIGINT PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                experiment BIGINT NOT NULL,
                started_ms BIGINT NOT NULL,
                duration_ms BIGINT,
                state TEXT NOT NULL,
                name TEXT,
                client_request_id TEXT,
                request_preview TEXT,
                response_preview TEXT,
                is_final BOOLEAN NOT NULL,
                manifest TEXT
            ) {{without_rowid}};
            CREATE INDEX trace_experiment_started ON trace (experiment, started_ms DESC, id);
            CREATE TABLE trace_tag (
                trace BIGINT NOT NULL,
                key TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (trace, key)
            ) {{without_rowid}};
            CREATE TABLE trace_metadata (
                trace BIGINT NOT NULL,
                key TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (trace, key)
            ) {{without_rowid}};
            CREATE TABLE trace_span (
                trace BIGINT NOT NULL,
                id TEXT NOT NULL,
                parent TEXT,
                name TEXT NOT NULL,
                type TEXT,
                status TEXT NOT NULL,
                started_ns BIGINT NOT NULL,
                ended_ns BIGINT,
                body TEXT NOT NULL,
                object TEXT,
                PRIMARY KEY (trace, id)
            );
            CREATE TABLE trace_link (
                trace BIGINT NOT NULL,
                kind TEXT NOT NULL CHECK (kind IN ('run', 'prompt')),
                target TEXT NOT NULL,
                PRIMARY KEY (kind, target, trace)
            ) {{without_rowid}};
            CREATE INDEX trace_link_trace ON trace_link (trace);
            CREATE TABLE trace_assessment (
                trace BIGINT NOT NULL,
                id TEXT NOT NULL,
                name TEXT NOT NULL,
                kind TEXT NOT NULL CHECK (kind IN ('feedback', 'expectation', 'issue')),
                value TEXT NOT NULL,
                number DOUBLE PRECISION,
                error TEXT,
                source_type TEXT NOT NULL,
                source_id TEXT,
                rationale TEXT,
                metadata TEXT NOT NULL,
                span TEXT,
                created_ms BIGINT NOT NULL,
                updated_ms BIGINT NOT NULL,
                overrides TEXT,
                is_valid BOOLEAN NOT NULL,
                PRIMARY KEY (trace, id)
            ) {{without_rowid}};
            """),
        Migration(
            "traces/0002-evaluation",
            """
            CREATE TABLE evaluation_dataset (
                id TEXT PRIMARY KEY,
                name TEXT NOT NULL,
                project TEXT NOT NULL,
                digest TEXT NOT NULL,
                schema TEXT,
                records BIGINT NOT NULL,
                created_ms BIGINT NOT NULL,
                updated_ms BIGINT NOT NULL,
                created_by TEXT,
                updated_by TEXT
            ) {{without_rowid}};
            CREATE INDEX evaluation_dataset_created ON evaluation_dataset (created_ms DESC, id);
            CREATE TABLE evaluation_dataset_tag (
                dataset TEXT NOT NULL,
                key TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (dataset, key)
            ) {{without_rowid}};
            CREATE TABLE evaluation_dataset_experiment (
                dataset TEXT NOT NULL,
                experiment BIGINT NOT NULL,
                PRIMARY KEY (dataset, experiment)
            ) {{without_rowid}};
            CREATE INDEX evaluation_dataset_of_experiment ON evaluation_dataset_experiment (experiment);
            CREATE TABLE evaluation_record (
                dataset TEXT NOT NULL,
                input_digest TEXT NOT NULL,
                id TEXT NOT NULL,
                inputs TEXT NOT NULL,
                outputs TEXT,
                expectations TEXT,
                tags TEXT,
                source TEXT,
                source_type TEXT,
                source_id TEXT,
                created_ms BIGINT NOT NULL,
                updated_ms BIGINT NOT NULL,
                created_by TEXT,
                updated_by TEXT,
                PRIMARY KEY (dataset, input_digest)
            );
            CREATE INDEX evaluation_record_created ON evaluation_record (dataset, created_ms, id);
            CREATE TABLE scorer (
                id TEXT NOT NULL,
                experiment BIGINT NOT NULL,
                name TEXT NOT NULL,
                version BIGINT NOT NULL,
                serialized TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                PRIMARY KEY (experiment, name, version)
            );
            """),
        Migration(
            "traces/0003-source-run",
            // A run's id has 32 characters; whatever else a client wrote there must fit into PostgreSQL's index, too.
            """
            CREATE INDEX trace_source_run ON trace_metadata (substr(value, 1, 32)) WHERE key = 'mlflow.sourceRun';
            """),
    ]
}
