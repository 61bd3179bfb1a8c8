import Database

enum ServingSchema {
    static let migrations = [
        Migration(
            "serving/0001-endpoints",
            """
            CREATE TABLE endpoint (
                name TEXT PRIMARY KEY,
                project TEXT NOT NULL,
                model_name TEXT NOT NULL,
                model_selector TEXT,
                log_rate DOUBLE PRECISION NOT NULL,
                log_mode TEXT NOT NULL,
                isolation TEXT NOT NULL,
                owner TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                updated_ms BIGINT NOT NULL
            );
            CREATE TABLE prediction_layout (
                id TEXT PRIMARY KEY,
                columns TEXT NOT NULL
            );
            CREATE TABLE prediction (
                id TEXT PRIMARY KEY,
                endpoint TEXT NOT NULL,
                project TEXT NOT NULL,
                model TEXT NOT NULL,
                version BIGINT NOT NULL,
                time_ms BIGINT NOT NULL,
                row_count BIGINT NOT NULL,
                layout TEXT,
                inputs TEXT NOT NULL,
                outputs TEXT NOT NULL,
                request_id TEXT NOT NULL,
                principal TEXT NOT NULL
            );
            CREATE INDEX prediction_endpoint ON prediction (endpoint, time_ms, id);
            CREATE TABLE prediction_feedback (
                prediction TEXT NOT NULL,
                row_number BIGINT NOT NULL,
                value TEXT NOT NULL,
                time_ms BIGINT NOT NULL,
                told_by TEXT NOT NULL,
                PRIMARY KEY (prediction, row_number)
            ) {{without_rowid}};
            """)
    ]
}
