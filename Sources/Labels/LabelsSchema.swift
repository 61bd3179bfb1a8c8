import Database

enum LabelsSchema {
    static let migrations = [
        // `slots` of an item is the overlap less those who have it or have done it; the queue is an index over the items
        // that have any, so its length does not matter. `work` is the present, `history` never changes.
        Migration(
            "labels/0001-labels",
            """
            CREATE TABLE label_schema (
                name TEXT NOT NULL,
                version BIGINT NOT NULL,
                project TEXT NOT NULL,
                definition TEXT NOT NULL,
                author TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                PRIMARY KEY (name, version)
            );
            CREATE TABLE label_task (
                id BIGINT PRIMARY KEY,
                name TEXT NOT NULL UNIQUE,
                project TEXT NOT NULL,
                dataset TEXT NOT NULL,
                dataset_version BIGINT NOT NULL,
                schema_name TEXT NOT NULL,
                schema_version BIGINT NOT NULL,
                settings TEXT NOT NULL,
                overlap BIGINT NOT NULL,
                state TEXT NOT NULL,
                author TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                item_count BIGINT NOT NULL,
                complete_count BIGINT NOT NULL,
                reviewed_count BIGINT NOT NULL,
                annotation_count BIGINT NOT NULL
            );
            CREATE INDEX label_task_dataset ON label_task (dataset);
            CREATE TABLE label_item (
                task_id BIGINT NOT NULL,
                number BIGINT NOT NULL,
                row_key TEXT NOT NULL,
                position BIGINT NOT NULL,
                slots BIGINT NOT NULL,
                votes BIGINT NOT NULL,
                state TEXT NOT NULL,
                assignee TEXT,
                extent_a DOUBLE PRECISION,
                extent_b DOUBLE PRECISION,
                source_id TEXT,
                final_value TEXT,
                final_by TEXT,
                final_ms BIGINT,
                PRIMARY KEY (task_id, number)
            ) {{without_rowid}};
            CREATE UNIQUE INDEX label_item_key ON label_item (task_id, row_key);
            CREATE INDEX label_item_queue ON label_item (task_id, position, number) WHERE slots > 0;
            CREATE INDEX label_item_labelled ON label_item (task_id, number) WHERE votes > 0 OR final_ms IS NOT NULL;
            CREATE INDEX label_item_complete ON label_item (task_id, number) WHERE state = 'complete';
            CREATE TABLE label_work (
                task_id BIGINT NOT NULL,
                number BIGINT NOT NULL,
                annotator TEXT NOT NULL,
                state TEXT NOT NULL,
                value TEXT,
                draft TEXT,
                origin TEXT,
                comment TEXT,
                started_ms BIGINT NOT NULL,
                lease_ms BIGINT,
                done_ms BIGINT,
                seconds DOUBLE PRECISION,
                PRIMARY KEY (task_id, number, annotator)
            ) {{without_rowid}};
            CREATE INDEX label_work_lease ON label_work (task_id, lease_ms) WHERE state = 'leased';
            CREATE INDEX label_work_annotator ON label_work (task_id, annotator, state, done_ms);
            CREATE TABLE label_history (
                task_id BIGINT NOT NULL,
                number BIGINT NOT NULL,
                revision BIGINT NOT NULL,
                time_ms BIGINT NOT NULL,
                actor TEXT NOT NULL,
                action TEXT NOT NULL,
                annotator TEXT,
                value TEXT,
                comment TEXT,
                seconds DOUBLE PRECISION,
                PRIMARY KEY (task_id, number, revision)
            ) {{without_rowid}};
            CREATE TABLE label_prelabel (
                task_id BIGINT NOT NULL,
                number BIGINT NOT NULL,
                model TEXT NOT NULL,
                value TEXT NOT NULL,
                score DOUBLE PRECISION,
                entropy DOUBLE PRECISION,
                margin DOUBLE PRECISION,
                created_ms BIGINT NOT NULL,
                PRIMARY KEY (task_id, number, model)
            ) {{without_rowid}};
            CREATE TABLE label_annotator (
                task_id BIGINT NOT NULL,
                name TEXT NOT NULL,
                cursor_position BIGINT NOT NULL,
                cursor_number BIGINT NOT NULL,
                submitted BIGINT NOT NULL,
                skipped BIGINT NOT NULL,
                accepted BIGINT NOT NULL,
                rejected BIGINT NOT NULL,
                seconds DOUBLE PRECISION NOT NULL,
                last_ms BIGINT NOT NULL,
                PRIMARY KEY (task_id, name)
            ) {{without_rowid}};
            """)
    ]
}
