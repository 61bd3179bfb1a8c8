import Database

enum MonitoringSchema {
    static let migrations = [
        Migration(
            "monitoring/0001-monitors",
            """
            CREATE TABLE monitor (
                name TEXT PRIMARY KEY,
                project TEXT NOT NULL,
                version BIGINT NOT NULL,
                every_seconds DOUBLE PRECISION,
                next_ms BIGINT
            );
            CREATE INDEX monitor_next ON monitor (next_ms);
            CREATE TABLE monitor_version (
                monitor TEXT NOT NULL REFERENCES monitor (name),
                number BIGINT NOT NULL,
                spec TEXT NOT NULL,
                reference TEXT NOT NULL,
                author TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                PRIMARY KEY (monitor, number)
            );
            CREATE TABLE monitor_report (
                id TEXT PRIMARY KEY,
                monitor TEXT NOT NULL,
                version BIGINT NOT NULL,
                at_ms BIGINT NOT NULL,
                status TEXT NOT NULL,
                body TEXT NOT NULL,
                alert TEXT,
                created_ms BIGINT NOT NULL
            );
            CREATE INDEX monitor_report_monitor ON monitor_report (monitor, at_ms, id);
            CREATE TABLE monitor_alert (
                id TEXT PRIMARY KEY,
                monitor TEXT NOT NULL,
                version BIGINT NOT NULL,
                project TEXT NOT NULL,
                state TEXT NOT NULL,
                opened_ms BIGINT NOT NULL,
                seen_ms BIGINT NOT NULL,
                resolved_ms BIGINT,
                report TEXT NOT NULL,
                summary TEXT NOT NULL,
                acknowledged_by TEXT,
                comment TEXT
            );
            CREATE INDEX monitor_alert_monitor ON monitor_alert (monitor, state);
            CREATE INDEX monitor_alert_state ON monitor_alert (state, id);
            CREATE TABLE monitor_start (
                event TEXT PRIMARY KEY,
                alert TEXT NOT NULL REFERENCES monitor_alert (id),
                monitor TEXT NOT NULL,
                project TEXT NOT NULL,
                pipeline TEXT NOT NULL,
                params TEXT NOT NULL,
                at_ms BIGINT NOT NULL,
                state TEXT NOT NULL,
                run TEXT,
                problem TEXT
            );
            CREATE INDEX monitor_start_alert ON monitor_start (alert, at_ms);
            CREATE INDEX monitor_start_monitor ON monitor_start (monitor, at_ms);
            CREATE INDEX monitor_start_state ON monitor_start (state);
            """)
    ]
}
