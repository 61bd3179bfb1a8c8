import Database

enum LedgerSchema {
    static let migrations = [
        Migration(
            "ledger/0001-events",
            """
            CREATE TABLE ledger_event (
                sequence BIGINT PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                time_ms BIGINT NOT NULL,
                actor TEXT NOT NULL,
                type TEXT NOT NULL,
                subject TEXT NOT NULL,
                project TEXT,
                data TEXT NOT NULL,
                previous_hash TEXT NOT NULL,
                hash TEXT NOT NULL
            );
            CREATE INDEX ledger_event_subject ON ledger_event (subject, sequence);
            CREATE INDEX ledger_event_type ON ledger_event (type, sequence);
            CREATE TABLE ledger_cursor (
                name TEXT PRIMARY KEY,
                sequence BIGINT NOT NULL
            );
            CREATE TABLE lineage_edge (
                source TEXT NOT NULL,
                target TEXT NOT NULL,
                relation TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                PRIMARY KEY (target, source, relation)
            );
            CREATE INDEX lineage_edge_source ON lineage_edge (source);
            """)
    ]
}
