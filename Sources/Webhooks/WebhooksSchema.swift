import Database

enum WebhooksSchema {
    static let migrations = [
        Migration(
            "webhooks/0001-webhooks",
            """
            CREATE TABLE webhook (
                id TEXT PRIMARY KEY,
                project TEXT NOT NULL,
                name TEXT NOT NULL,
                description TEXT,
                url TEXT NOT NULL,
                events TEXT NOT NULL,
                status TEXT NOT NULL,
                secret TEXT,
                author TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                updated_ms BIGINT NOT NULL
            );
            CREATE INDEX webhook_project ON webhook (project, created_ms);
            CREATE TABLE webhook_delivery (
                id TEXT PRIMARY KEY,
                webhook_id TEXT NOT NULL,
                event_id TEXT NOT NULL,
                event TEXT NOT NULL,
                state TEXT NOT NULL,
                attempts BIGINT NOT NULL,
                body TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                due_ms BIGINT,
                finished_ms BIGINT,
                response_status BIGINT,
                error TEXT,
                UNIQUE (webhook_id, event_id, event)
            );
            CREATE INDEX webhook_delivery_due ON webhook_delivery (due_ms);
            CREATE INDEX webhook_delivery_log ON webhook_delivery (webhook_id, created_ms, id);
            """)
    ]
}
