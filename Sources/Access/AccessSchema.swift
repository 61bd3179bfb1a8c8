import Database

enum AccessSchema {
    static let migrations = [
        Migration(
            "access/0001-principals",
            """
            CREATE TABLE principal (
                name TEXT PRIMARY KEY,
                kind TEXT NOT NULL CHECK (kind IN ('user', 'service')),
                role TEXT,
                created_ms BIGINT NOT NULL
            );
            CREATE TABLE project_grant (
                project TEXT NOT NULL,
                principal TEXT NOT NULL REFERENCES principal (name),
                role TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                PRIMARY KEY (project, principal)
            );
            CREATE INDEX project_grant_principal ON project_grant (principal);
            CREATE TABLE token (
                id TEXT PRIMARY KEY,
                principal TEXT NOT NULL REFERENCES principal (name),
                label TEXT NOT NULL,
                secret_hash TEXT NOT NULL,
                scopes TEXT,
                created_ms BIGINT NOT NULL,
                expires_ms BIGINT,
                revoked_ms BIGINT
            );
            CREATE INDEX token_principal ON token (principal);
            """),
        Migration(
            "access/0002-sessions",
            """
            ALTER TABLE token ADD COLUMN parent TEXT;
            """),
    ]
}
