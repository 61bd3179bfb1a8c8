import Database

enum RegistrySchema {
    static let migrations = [
        Migration(
            "registry/0001-models",
            """
            CREATE TABLE registered_model (
                id TEXT PRIMARY KEY,
                name TEXT NOT NULL,
                project TEXT NOT NULL,
                owner TEXT NOT NULL,
                description TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                updated_ms BIGINT NOT NULL,
                deleted_ms BIGINT,
                last_version BIGINT NOT NULL,
                approvals_required BIGINT NOT NULL,
                self_approval BOOLEAN NOT NULL,
                protected_aliases TEXT NOT NULL
            );
            CREATE UNIQUE INDEX registered_model_name ON registered_model (name) WHERE deleted_ms IS NULL;
            CREATE TABLE registered_model_tag (
                model TEXT NOT NULL REFERENCES registered_model (id),
                name TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (model, name)
            ) {{without_rowid}};
            CREATE INDEX registered_model_tag_name ON registered_model_tag (name);
            CREATE TABLE model_version (
                model TEXT NOT NULL REFERENCES registered_model (id),
                version BIGINT NOT NULL,
                owner TEXT NOT NULL,
                description TEXT NOT NULL,
                source TEXT NOT NULL,
                run_id TEXT,
                logged_model_id TEXT,
                run_link TEXT,
                has_files BOOLEAN NOT NULL,
                stage TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                updated_ms BIGINT NOT NULL,
                deleted_ms BIGINT,
                recipe TEXT NOT NULL,
                pipeline_run TEXT,
                card TEXT,
                PRIMARY KEY (model, version)
            );
            CREATE INDEX model_version_run ON model_version (run_id);
            CREATE INDEX model_version_pipeline_run ON model_version (pipeline_run);
            CREATE INDEX model_version_updated ON model_version (updated_ms);
            CREATE TABLE model_version_tag (
                model TEXT NOT NULL,
                version BIGINT NOT NULL,
                name TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (model, version, name)
            ) {{without_rowid}};
            CREATE TABLE model_alias (
                id TEXT PRIMARY KEY,
                model TEXT NOT NULL,
                alias TEXT NOT NULL,
                version BIGINT NOT NULL,
                from_ms BIGINT NOT NULL,
                until_ms BIGINT,
                set_by TEXT NOT NULL,
                reason TEXT NOT NULL
            );
            CREATE UNIQUE INDEX model_alias_current ON model_alias (model, alias) WHERE until_ms IS NULL;
            CREATE INDEX model_alias_history ON model_alias (model, alias, from_ms);
            CREATE TABLE model_evaluation (
                id TEXT PRIMARY KEY,
                model TEXT NOT NULL,
                version BIGINT NOT NULL,
                dataset TEXT,
                slice TEXT,
                run TEXT,
                metrics TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                created_by TEXT NOT NULL
            );
            CREATE INDEX model_evaluation_version ON model_evaluation (model, version, id);
            CREATE TABLE model_approval (
                id TEXT PRIMARY KEY,
                model TEXT NOT NULL,
                version BIGINT NOT NULL,
                decision TEXT NOT NULL CHECK (decision IN ('approve', 'reject')),
                comment TEXT NOT NULL,
                decided_by TEXT NOT NULL,
                decided_ms BIGINT NOT NULL
            );
            CREATE INDEX model_approval_version ON model_approval (model, version, id);
            CREATE TABLE model_reproduction (
                id TEXT PRIMARY KEY,
                model TEXT NOT NULL,
                version BIGINT NOT NULL,
                tolerance DOUBLE PRECISION NOT NULL,
                keeps BOOLEAN NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'failed')),
                pipeline_run TEXT,
                result TEXT,
                problem TEXT,
                started_by TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                ended_ms BIGINT
            );
            CREATE INDEX model_reproduction_version ON model_reproduction (model, version, id);
            CREATE INDEX model_reproduction_run ON model_reproduction (pipeline_run);
            """)
    ]
}
