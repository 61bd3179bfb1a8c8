import Database

/// The tables of manifests and of held trees.
public enum ObjectsSchema {
    /// A folder has a row of its own, and every row says in which folder it is: so listings and the rule that no path is
    /// both file and folder take equality only, whatever order the database's collation gives to paths.
    public static let migrations = [
        Migration(
            "objects/0001-manifests",
            """
            CREATE TABLE object_manifest (
                id TEXT PRIMARY KEY,
                owner_ref TEXT NOT NULL,
                created_ms BIGINT NOT NULL
            );
            CREATE INDEX object_manifest_owner ON object_manifest (owner_ref);
            CREATE TABLE object_manifest_entry (
                manifest_id TEXT NOT NULL REFERENCES object_manifest (id) ON DELETE CASCADE,
                path TEXT NOT NULL,
                parent TEXT NOT NULL,
                digest TEXT NOT NULL,
                size_bytes BIGINT NOT NULL,
                created_ms BIGINT NOT NULL,
                PRIMARY KEY (manifest_id, path)
            ) {{without_rowid}};
            CREATE INDEX object_manifest_entry_parent ON object_manifest_entry (manifest_id, parent, path);
            CREATE INDEX object_manifest_entry_digest ON object_manifest_entry (digest);
            CREATE TABLE object_manifest_folder (
                manifest_id TEXT NOT NULL REFERENCES object_manifest (id) ON DELETE CASCADE,
                path TEXT NOT NULL,
                parent TEXT NOT NULL,
                PRIMARY KEY (manifest_id, path)
            ) {{without_rowid}};
            CREATE INDEX object_manifest_folder_parent ON object_manifest_folder (manifest_id, parent, path);
            """),
        Migration(
            "objects/0002-trees",
            """
            CREATE TABLE object_tree (
                owner_ref TEXT PRIMARY KEY,
                root TEXT NOT NULL,
                files BIGINT NOT NULL,
                size_bytes BIGINT NOT NULL,
                created_ms BIGINT NOT NULL,
                released_ms BIGINT
            );
            CREATE INDEX object_tree_created ON object_tree (created_ms, owner_ref);
            """),
    ]
}
