import Database

enum MergeSchema {
    static let migrations = [
        Migration(
            "datasets/0005-merge",
            """
            CREATE TABLE dataset_merge (
                id TEXT PRIMARY KEY,
                dataset TEXT NOT NULL REFERENCES dataset (name),
                into_branch TEXT NOT NULL,
                from_name TEXT NOT NULL,
                base BIGINT,
                ours BIGINT NOT NULL,
                theirs BIGINT NOT NULL,
                key_columns TEXT NOT NULL,
                granularity TEXT NOT NULL,
                rules TEXT NOT NULL,
                decided TEXT NOT NULL,
                schema_conflicts TEXT NOT NULL,
                counts TEXT NOT NULL,
                manifest TEXT,
                state TEXT NOT NULL,
                request_digest TEXT NOT NULL,
                message TEXT NOT NULL,
                author TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                version BIGINT
            );
            CREATE INDEX dataset_merge_dataset ON dataset_merge (dataset, created_ms);
            CREATE TABLE dataset_merge_choice (
                merge_id TEXT NOT NULL REFERENCES dataset_merge (id),
                conflict BIGINT NOT NULL,
                choice TEXT NOT NULL,
                value TEXT,
                author TEXT NOT NULL,
                made_ms BIGINT NOT NULL,
                PRIMARY KEY (merge_id, conflict)
            );
            """)
    ]
}
