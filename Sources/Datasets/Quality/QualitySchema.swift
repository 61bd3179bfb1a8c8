import Database

enum QualitySchema {
    static let migrations = [
        Migration(
            "datasets/0007-quality",
            """
            CREATE TABLE dataset_contract (
                dataset TEXT NOT NULL REFERENCES dataset (name),
                number BIGINT NOT NULL,
                yaml TEXT NOT NULL,
                author TEXT NOT NULL,
                created_ms BIGINT NOT NULL,
                PRIMARY KEY (dataset, number)
            );
            CREATE TABLE dataset_quality (
                dataset TEXT NOT NULL,
                number BIGINT NOT NULL,
                contract BIGINT NOT NULL,
                outcome TEXT NOT NULL,
                report TEXT NOT NULL,
                PRIMARY KEY (dataset, number)
            );
            CREATE TABLE dataset_column (
                dataset TEXT NOT NULL REFERENCES dataset (name),
                name TEXT NOT NULL,
                pii TEXT,
                pii_kind TEXT,
                description TEXT NOT NULL,
                unit TEXT,
                basis TEXT NOT NULL,
                origin TEXT NOT NULL,
                author TEXT NOT NULL,
                updated_ms BIGINT NOT NULL,
                PRIMARY KEY (dataset, name)
            );
            CREATE TABLE dataset_record (
                dataset TEXT PRIMARY KEY REFERENCES dataset (name),
                card TEXT NOT NULL,
                facts TEXT NOT NULL,
                pii_policy TEXT NOT NULL,
                author TEXT NOT NULL,
                updated_ms BIGINT NOT NULL
            );
            CREATE TABLE dataset_column_lineage (
                dataset TEXT NOT NULL,
                number BIGINT NOT NULL,
                columns TEXT NOT NULL,
                PRIMARY KEY (dataset, number)
            );
            CREATE TABLE dataset_export (
                dataset TEXT NOT NULL,
                number BIGINT NOT NULL,
                name TEXT NOT NULL,
                digest TEXT NOT NULL,
                size_bytes BIGINT NOT NULL,
                PRIMARY KEY (dataset, number, name)
            );
            CREATE TABLE openlineage_target (
                name TEXT PRIMARY KEY,
                url TEXT NOT NULL,
                namespace TEXT NOT NULL,
                sequence BIGINT NOT NULL,
                attempts BIGINT NOT NULL,
                next_ms BIGINT NOT NULL,
                delivered BIGINT NOT NULL,
                refused BIGINT NOT NULL,
                error TEXT,
                author TEXT NOT NULL,
                created_ms BIGINT NOT NULL
            );
            """)
    ]
}
