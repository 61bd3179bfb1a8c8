import Database

enum PipelinesSchema {
    static let migrations = [
        Migration(
            "pipelines/0001-pipelines",
            """
            CREATE TABLE pipeline_version (
                pipeline TEXT NOT NULL,
                number BIGINT NOT NULL,
                project TEXT NOT NULL,
                definition TEXT NOT NULL,
                code_manifest TEXT,
                code_digest TEXT,
                author TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                PRIMARY KEY (pipeline, number)
            );
            CREATE TABLE pipeline_code (
                pipeline TEXT PRIMARY KEY,
                project TEXT NOT NULL,
                manifest TEXT NOT NULL,
                digest TEXT NOT NULL
            );
            CREATE TABLE pipeline_schedule (
                pipeline TEXT PRIMARY KEY,
                fired_ms BIGINT NOT NULL
            );
            CREATE TABLE pipeline_run (
                id TEXT PRIMARY KEY,
                pipeline TEXT NOT NULL,
                version BIGINT NOT NULL,
                project TEXT NOT NULL,
                state TEXT NOT NULL,
                params TEXT NOT NULL,
                pins TEXT NOT NULL,
                cause TEXT,
                actor TEXT NOT NULL,
                uses_cache BOOLEAN NOT NULL,
                created_ms BIGINT NOT NULL,
                started_ms BIGINT,
                ended_ms BIGINT,
                problem TEXT
            );
            CREATE INDEX pipeline_run_pipeline ON pipeline_run (pipeline, created_ms);
            CREATE INDEX pipeline_run_state ON pipeline_run (state, created_ms);
            CREATE UNIQUE INDEX pipeline_run_cause ON pipeline_run (pipeline, cause);
            CREATE TABLE pipeline_step_run (
                run TEXT NOT NULL REFERENCES pipeline_run (id),
                step TEXT NOT NULL,
                position BIGINT NOT NULL,
                state TEXT NOT NULL,
                attempt BIGINT NOT NULL,
                recipe TEXT,
                recipe_digest TEXT,
                cached_from TEXT,
                outputs TEXT NOT NULL,
                problem TEXT,
                usage TEXT,
                started_ms BIGINT,
                ended_ms BIGINT,
                PRIMARY KEY (run, step)
            );
            CREATE INDEX pipeline_step_run_recipe ON pipeline_step_run (recipe_digest, ended_ms);
            """)
    ]
}
