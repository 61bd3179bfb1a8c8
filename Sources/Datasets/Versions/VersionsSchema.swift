import Database

enum VersionsSchema {
    static let migrations = [
        Migration(
            "datasets/0001-datasets",
            """
            CREATE TABLE source (
                name TEXT PRIMARY KEY,
                project TEXT NOT NULL,
                kind TEXT NOT NULL,
                location TEXT NOT NULL,
                query TEXT,
                format TEXT,
                encoding TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                imported_ms BIGINT,
                seen TEXT
            );
            CREATE TABLE dataset (
                name TEXT PRIMARY KEY,
                project TEXT NOT NULL,
                description TEXT NOT NULL,
                created_ms BIGINT NOT NULL
            );
            CREATE INDEX dataset_project ON dataset (project, name);
            CREATE TABLE dataset_version (
                dataset TEXT NOT NULL REFERENCES dataset (name),
                number BIGINT NOT NULL,
                manifest TEXT NOT NULL,
                digest TEXT NOT NULL,
                columns TEXT NOT NULL,
                row_count BIGINT NOT NULL,
                size_bytes BIGINT NOT NULL,
                file_count BIGINT NOT NULL,
                message TEXT NOT NULL,
                author TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                recipe TEXT NOT NULL,
                recipe_digest TEXT NOT NULL,
                profile TEXT,
                PRIMARY KEY (dataset, number)
            );
            CREATE INDEX dataset_version_recipe ON dataset_version (dataset, recipe_digest);
            CREATE INDEX dataset_version_digest ON dataset_version (digest);
            CREATE TABLE dataset_append_key (
                dataset TEXT NOT NULL,
                append_key TEXT NOT NULL,
                number BIGINT NOT NULL,
                PRIMARY KEY (dataset, append_key)
            );
            CREATE TABLE slice (
                name TEXT NOT NULL,
                version BIGINT NOT NULL,
                project TEXT NOT NULL,
                dataset TEXT NOT NULL,
                condition TEXT NOT NULL,
                description TEXT NOT NULL,
                owner TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                PRIMARY KEY (name, version)
            );
            """),
        Migration(
            "datasets/0002-branches",
            """
            ALTER TABLE dataset ADD COLUMN kind TEXT NOT NULL DEFAULT 'table';
            ALTER TABLE dataset ADD COLUMN key_columns TEXT NOT NULL DEFAULT '[]';
            ALTER TABLE dataset_version ADD COLUMN branch TEXT NOT NULL DEFAULT 'main';
            ALTER TABLE dataset_version ADD COLUMN parent BIGINT;
            ALTER TABLE dataset_version ADD COLUMN merged BIGINT;
            UPDATE dataset_version SET parent = number - 1 WHERE number > 1;
            CREATE TABLE dataset_named_version (
                dataset TEXT NOT NULL REFERENCES dataset (name),
                name TEXT NOT NULL,
                kind TEXT NOT NULL,
                number BIGINT NOT NULL,
                author TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                PRIMARY KEY (dataset, name)
            );
            INSERT INTO dataset_named_version (dataset, name, kind, number, author, created_ms)
            SELECT dataset, 'main', 'branch', max(number), 'slipway', min(created_ms) FROM dataset_version
            GROUP BY dataset;
            """),
        Migration(
            "datasets/0003-files",
            """
            ALTER TABLE dataset ADD COLUMN deleted_ms BIGINT;
            ALTER TABLE dataset_version ADD COLUMN tree TEXT;
            ALTER TABLE dataset_version ADD COLUMN deleted_ms BIGINT;
            ALTER TABLE dataset_version ADD COLUMN deleted_by TEXT;
            CREATE TABLE dataset_retention (
                dataset TEXT PRIMARY KEY REFERENCES dataset (name),
                keep_last BIGINT,
                keep_days BIGINT,
                keep_tagged BOOLEAN NOT NULL,
                is_automatic BOOLEAN NOT NULL,
                author TEXT NOT NULL,
                changed_ms BIGINT NOT NULL,
                applied_ms BIGINT
            );
            """),
    ]
}
