import Database

enum SlicesSchema {
    static let migrations = [
        // `condition` stays what older slices have; `rule` is empty for them.
        Migration(
            "datasets/0006-slices",
            """
            ALTER TABLE slice ADD COLUMN over_ref TEXT NOT NULL DEFAULT '';
            ALTER TABLE slice ADD COLUMN rule TEXT NOT NULL DEFAULT '';
            ALTER TABLE slice ADD COLUMN purpose TEXT NOT NULL DEFAULT '';
            """)
    ]
}
