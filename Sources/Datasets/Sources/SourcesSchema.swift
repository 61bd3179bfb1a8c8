import Database

enum SourcesSchema {
    static let migrations = [
        // Pushed events wait in `dataset_event_batch` until they become a version; their ids are remembered for longer.
        Migration(
            "datasets/0004-sources",
            """
            CREATE TABLE dataset_stream (
                dataset TEXT NOT NULL REFERENCES dataset (name),
                branch TEXT NOT NULL,
                flush_rows BIGINT NOT NULL,
                flush_seconds DOUBLE PRECISION NOT NULL,
                remember_seconds DOUBLE PRECISION NOT NULL,
                on_change TEXT NOT NULL,
                accepted BIGINT NOT NULL,
                PRIMARY KEY (dataset, branch)
            );
            CREATE TABLE dataset_event_id (
                dataset TEXT NOT NULL,
                branch TEXT NOT NULL,
                event_id TEXT NOT NULL,
                received_ms BIGINT NOT NULL,
                PRIMARY KEY (dataset, branch, event_id)
            ) {{without_rowid}};
            CREATE INDEX dataset_event_id_received ON dataset_event_id (received_ms);
            CREATE TABLE dataset_event_batch (
                dataset TEXT NOT NULL,
                branch TEXT NOT NULL,
                first_event BIGINT NOT NULL,
                events BIGINT NOT NULL,
                author TEXT NOT NULL,
                received_ms BIGINT NOT NULL,
                lines TEXT NOT NULL,
                PRIMARY KEY (dataset, branch, first_event)
            );
            CREATE TABLE secret (
                project TEXT NOT NULL,
                name TEXT NOT NULL,
                sealed TEXT NOT NULL,
                author TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                PRIMARY KEY (project, name)
            );
            CREATE TABLE source_policy (
                project TEXT PRIMARY KEY,
                hosts TEXT NOT NULL,
                allows_private BOOLEAN NOT NULL
            );
            ALTER TABLE source ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
            ALTER TABLE source ADD COLUMN checked_ms BIGINT;
            ALTER TABLE source ADD COLUMN changed_ms BIGINT;
            ALTER TABLE source ADD COLUMN late_ms BIGINT;
            ALTER TABLE source ADD COLUMN fired_ms BIGINT;
            ALTER TABLE source ADD COLUMN problem TEXT;
            """)
    ]
}
