import Core
import Database

/// A tree that somebody holds, or held until the next collection.
public struct HeldTree: Hashable, Sendable {
    public let owner: Ref
    public let root: TreeRoot
    public let isReleased: Bool
    let created: Timestamp
}

/// Which trees are live: what is in a held tree is live, as what is in a manifest is.
///
/// Hold a tree within the grace period of the garbage collection after it was made, and in the transaction that makes
/// sure that its base is held still: then no node that the two share can go between them.
public enum TreeRoots {
    /// An owner has one tree; another one takes the place of the first.
    public static func hold(
        _ db: any Transaction, owner: Ref, root: TreeRoot, at time: Timestamp = Clock.system.now()
    ) throws {
        try db.execute(
            """
            INSERT INTO object_tree (owner_ref, root, files, size_bytes, created_ms)
            VALUES (\(owner), \(root.digest), \(root.files), \(root.bytes), \(time))
            ON CONFLICT (owner_ref) DO UPDATE SET root = excluded.root, files = excluded.files,
            size_bytes = excluded.size_bytes, created_ms = excluded.created_ms, released_ms = NULL
            """)
    }

    /// What only this owner's tree holds goes with the next collection, which says whose it was. Says whether there was
    /// one.
    @discardableResult
    public static func release(_ db: any Transaction, owner: Ref, at time: Timestamp = Clock.system.now()) throws
        -> Bool
    {
        try db.execute(
            "UPDATE object_tree SET released_ms = \(time) WHERE owner_ref = \(owner) AND released_ms IS NULL") > 0
    }

    /// The tree that an owner holds; nil if it holds none.
    public static func root(_ db: any Transaction, owner: Ref) throws -> TreeRoot? {
        try db.one(
            """
            SELECT root, files, size_bytes FROM object_tree WHERE owner_ref = \(owner) AND released_ms IS NULL
            """
        ) { TreeRoot(digest: try $0.digest(0), files: try $0.int(1), bytes: try $0.int(2)) }
    }

    /// All trees, oldest first: one that is made while they are listed comes later, and is not missed.
    static func all(_ db: any Transaction, after last: HeldTree?, limit: Int) throws -> [HeldTree] {
        let after =
            last.map {
                "WHERE created_ms > \($0.created) OR (created_ms = \($0.created) AND owner_ref > \($0.owner))" as SQL
            }
            ?? ""
        return try db.all(
            """
            SELECT owner_ref, root, files, size_bytes, released_ms, created_ms FROM object_tree \(after)
            ORDER BY created_ms, owner_ref LIMIT \(limit)
            """
        ) { row in
            HeldTree(
                owner: try row.ref(0),
                root: TreeRoot(digest: try row.digest(1), files: try row.int(2), bytes: try row.int(3)),
                isReleased: try row.optionalInt(4) != nil, created: try row.time(5))
        }
    }

    /// Forgets whose the trees were that were released before.
    static func forget(_ db: any Transaction, releasedBefore time: Timestamp) throws {
        try db.execute("DELETE FROM object_tree WHERE released_ms < \(time)")
    }
}
