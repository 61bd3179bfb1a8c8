import Core
import Database

/// A file of a manifest.
public struct ManifestEntry: Hashable, Sendable {
    public let path: String
    public let object: ObjectInfo
    public let created: Timestamp

    public init(path: String, object: ObjectInfo, created: Timestamp) {
        self.path = path
        self.object = object
        self.created = created
    }
}

/// What is immediately in a folder of a manifest.
public struct ManifestChild: Hashable, Sendable {
    /// From the manifest's root on.
    public let path: String
    /// nil for a folder.
    public let object: ObjectInfo?

    public init(path: String, object: ObjectInfo?) {
        self.path = path
        self.object = object
    }

    public var isFolder: Bool { object == nil }
}

/// Manifests: paths that lead to objects, in the database. What is in a manifest is live; what is in none is garbage.
///
/// Put or touch an object first, then commit the entry that refers to it within the grace period of the garbage
/// collection. A path is a file or a folder, never both; folders exist as long as there is something in them.
public enum Manifests {
    // MARK: Manifests

    /// Makes an empty manifest and returns its id.
    ///
    /// - Parameter owner: what the files belong to, such as `run:…` or `dataset:sales@3`.
    @discardableResult
    public static func create(
        _ db: any Transaction, owner: Ref, id: String = ID.make(), at time: Timestamp = Clock.system.now()
    ) throws -> String {
        try db.execute("INSERT INTO object_manifest (id, owner_ref, created_ms) VALUES (\(id), \(owner), \(time))")
        return id
    }

    /// Deletes a manifest with its entries, if it is there; the objects become garbage unless others refer to them.
    public static func delete(_ db: any Transaction, _ id: String) throws {
        try db.execute("DELETE FROM object_manifest WHERE id = \(id)")
    }

    /// The ids of what belongs to an owner, oldest first.
    public static func ids(_ db: any Transaction, owner: Ref) throws -> [String] {
        try db.all("SELECT id FROM object_manifest WHERE owner_ref = \(owner) ORDER BY created_ms, id") {
            try $0.text(0)
        }
    }

    /// Adds all entries of one manifest to another, which is empty.
    public static func copy(_ db: any Transaction, from: String, to: String) throws {
        try requireManifest(db, to)
        try db.execute(
            """
            INSERT INTO object_manifest_folder (manifest_id, path, parent)
            SELECT cast(\(to) AS TEXT), path, parent FROM object_manifest_folder WHERE manifest_id = \(from)
            """)
        try db.execute(
            """
            INSERT INTO object_manifest_entry (manifest_id, path, parent, digest, size_bytes, created_ms)
            SELECT cast(\(to) AS TEXT), path, parent, digest, size_bytes, created_ms
            FROM object_manifest_entry WHERE manifest_id = \(from)
            """)
    }

    // MARK: Entries

    /// Adds a file, or replaces the one of that path.
    ///
    /// - Throws: `notFound` if there is no such manifest; `conflict` if the path is a folder, or leads through a file.
    public static func set(
        _ db: any Transaction, _ id: String, path: RelativePath, object: ObjectInfo,
        at time: Timestamp = Clock.system.now()
    ) throws {
        try setMany(db, id, [(path, object)], at: time)
    }

    /// Adds files; of those with the same path the last counts. A few statements, however many files there are.
    public static func setMany(
        _ db: any Transaction, _ id: String, _ files: [(path: RelativePath, object: ObjectInfo)],
        at time: Timestamp = Clock.system.now()
    ) throws {
        try requireManifest(db, id)
        let entries = Dictionary(files.map { ($0.path.description, $0) }) { $1 }
        let folders = Set(files.flatMap { Self.folders(of: $0.path.components) })
        let paths = entries.keys.sorted()
        try refuseMixtures(db, id, paths: paths, folders: folders)
        for some in folders.sorted().chunks(of: 200) {
            let rows = some.map { "(\(id), \($0), \(parent($0)))" as SQL }
            try db.execute(
                """
                INSERT INTO object_manifest_folder (manifest_id, path, parent) VALUES \(SQL.joined(rows, by: ", "))
                ON CONFLICT (manifest_id, path) DO NOTHING
                """)
        }
        for some in paths.chunks(of: 200) {
            let rows = some.compactMap { path in
                entries[path].map {
                    "(\(id), \(path), \(parent(path)), \($0.object.digest), \($0.object.sizeBytes), \(time))" as SQL
                }
            }
            try db.execute(
                """
                INSERT INTO object_manifest_entry (manifest_id, path, parent, digest, size_bytes, created_ms)
                VALUES \(SQL.joined(rows, by: ", "))
                ON CONFLICT (manifest_id, path) DO UPDATE
                SET digest = excluded.digest, size_bytes = excluded.size_bytes, created_ms = excluded.created_ms
                """)
        }
    }

    /// Removes a file; says whether there was one.
    @discardableResult
    public static func remove(_ db: any Transaction, _ id: String, path: RelativePath) throws -> Bool {
        let count = try db.execute(
            "DELETE FROM object_manifest_entry WHERE manifest_id = \(id) AND path = \(path.description)")
        if count > 0 { try dropEmptyFolders(db, id, from: parent(path.description)) }
        return count > 0
    }

    /// Removes a folder with all in it; says how many files there were.
    @discardableResult
    public static func removeFolder(_ db: any Transaction, _ id: String, path: RelativePath) throws -> Int {
        var level = [path.description]
        var folders: [String] = []
        while !level.isEmpty {
            folders += level
            level = try level.chunks(of: 200).flatMap { some in
                try db.all(
                    "SELECT path FROM object_manifest_folder WHERE manifest_id = \(id) AND parent IN (\(list: Array(some)))"
                ) { try $0.text(0) }
            }
        }
        var count = 0
        for some in folders.chunks(of: 200).map(Array.init) {
            count += try db.execute(
                "DELETE FROM object_manifest_entry WHERE manifest_id = \(id) AND parent IN (\(list: some))")
            try db.execute("DELETE FROM object_manifest_folder WHERE manifest_id = \(id) AND path IN (\(list: some))")
        }
        try dropEmptyFolders(db, id, from: parent(path.description))
        return count
    }

    // MARK: Looking

    /// The file of that path; nil if there is none.
    public static func entry(_ db: any Transaction, _ id: String, path: RelativePath) throws -> ManifestEntry? {
        try db.one(
            """
            SELECT path, digest, size_bytes, created_ms FROM object_manifest_entry
            WHERE manifest_id = \(id) AND path = \(path.description)
            """, entry)
    }

    /// All files, by path, in the database's order.
    public static func entries(_ db: any Transaction, _ id: String, _ page: PageRequest = PageRequest()) throws -> Page<
        ManifestEntry
    > {
        let after = try page.after.map { cursor -> String in
            guard case .string(let path)? = cursor.keys.first, cursor.keys.count == 1 else { throw notACursor() }
            return path
        }
        return try db.page(
            """
            SELECT path, digest, size_bytes, created_ms FROM object_manifest_entry
            WHERE manifest_id = \(id) AND path > \(after ?? "") ORDER BY path LIMIT \(page.limit + 1)
            """, page, keys: { [.string($0.path)] }, entry)
    }

    /// What is immediately in a folder (nil: the root): folders first, then files, each by name. A folder that does not
    /// exist is empty.
    public static func children(
        _ db: any Transaction, _ id: String, of folder: RelativePath?, _ page: PageRequest = PageRequest()
    ) throws -> Page<ManifestChild> {
        let parent = folder?.description ?? ""
        var (afterFolder, afterFile): (String?, String?) = ("", "")
        if let keys = page.after?.keys {
            guard keys.count == 2, case .string(let path) = keys[1] else { throw notACursor() }
            (afterFolder, afterFile) = keys[0] == "folder" ? (path, "") : (nil, path)
        }
        var rows: [ManifestChild] = []
        if let afterFolder {
            rows = try db.all(
                """
                SELECT path FROM object_manifest_folder WHERE manifest_id = \(id) AND parent = \(parent)
                AND path > \(afterFolder) ORDER BY path LIMIT \(page.limit + 1)
                """
            ) { ManifestChild(path: try $0.text(0), object: nil) }
        }
        if rows.count <= page.limit {
            rows += try db.all(
                """
                SELECT path, digest, size_bytes, created_ms FROM object_manifest_entry
                WHERE manifest_id = \(id) AND parent = \(parent) AND path > \(afterFile)
                ORDER BY path LIMIT \(page.limit + 1 - rows.count)
                """
            ) { row in
                let entry = try entry(row)
                return ManifestChild(path: entry.path, object: entry.object)
            }
        }
        return Page(rows: rows, limit: page.limit) { [$0.isFolder ? "folder" : "file", .string($0.path)] }
    }

    /// How many files a manifest has, and their bytes.
    public static func totals(_ db: any Transaction, _ id: String) throws -> (files: Int, bytes: Int64) {
        try db.one(
            """
            SELECT count(*), cast(coalesce(sum(size_bytes), 0) AS BIGINT) FROM object_manifest_entry
            WHERE manifest_id = \(id)
            """
        ) { (files: Int(try $0.int(0)), bytes: try $0.int(1)) } ?? (0, 0)
    }

    // MARK: Liveness

    /// Digests that are in any manifest, each once, in order, after `after`.
    public static func liveDigests(_ db: any Transaction, after: Digest?, limit: Int = 1000) throws -> [Digest] {
        try db.all(
            """
            SELECT DISTINCT digest FROM object_manifest_entry WHERE digest > \(after?.hex ?? "")
            ORDER BY digest LIMIT \(limit)
            """
        ) { try $0.digest(0) }
    }

    /// Which of these digests are in any manifest: for `ObjectStore.collectGarbage`.
    public static func live(_ db: any Transaction, among digests: [Digest]) throws -> Set<Digest> {
        var live: Set<Digest> = []
        for some in digests.chunks(of: 500) {
            live.formUnion(
                try db.all(
                    "SELECT DISTINCT digest FROM object_manifest_entry WHERE digest IN (\(list: Array(some)))"
                ) { try $0.digest(0) })
        }
        return live
    }

    // MARK: Parts

    private static func entry(_ row: any Row) throws -> ManifestEntry {
        ManifestEntry(
            path: try row.text(0), object: ObjectInfo(digest: try row.digest(1), sizeBytes: try row.int(2)),
            created: try row.time(3))
    }

    private static func notACursor() -> SlipwayError {
        .field("after", "is not a cursor of this listing", expected: "the 'next' value of the previous page, unchanged")
    }

    private static func requireManifest(_ db: any Transaction, _ id: String) throws {
        guard try db.exists("SELECT 1 FROM object_manifest WHERE id = \(id)") else {
            throw SlipwayError(.notFound, "The manifest \(id) does not exist.", details: ["manifest": id])
        }
    }

    /// The path of the folder that something is in; empty for the root.
    private static func parent(_ path: String) -> String {
        path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? ""
    }

    /// All folders that a path leads through.
    private static func folders(of components: [String]) -> [String] {
        (1..<components.count).map { components[..<$0].joined(separator: "/") }
    }

    private static func refuseMixtures(
        _ db: any Transaction, _ id: String, paths: [String], folders: Set<String>
    ) throws {
        func fail(_ path: String, _ problem: String) -> SlipwayError {
            SlipwayError(
                .conflict, "path: '\(path.prefix(200))' \(problem).", details: ["field": "path", "path": path])
        }
        if let both = paths.first(where: folders.contains) { throw fail(both, "is both a file and a folder here") }
        for some in paths.chunks(of: 500) {
            let found = try db.one(
                "SELECT path FROM object_manifest_folder WHERE manifest_id = \(id) AND path IN (\(list: Array(some)))"
            ) { try $0.text(0) }
            if let found { throw fail(found, "is a folder; a file cannot take its place") }
        }
        for some in folders.sorted().chunks(of: 500) {
            let found = try db.one(
                "SELECT path FROM object_manifest_entry WHERE manifest_id = \(id) AND path IN (\(list: Array(some)))"
            ) { try $0.text(0) }
            if let found { throw fail(found, "is a file; nothing can be stored below it") }
        }
    }

    private static func dropEmptyFolders(_ db: any Transaction, _ id: String, from path: String) throws {
        var at = path
        while !at.isEmpty {
            let count = try db.execute(
                """
                DELETE FROM object_manifest_folder WHERE manifest_id = \(id) AND path = \(at)
                AND NOT EXISTS (SELECT 1 FROM object_manifest_entry WHERE manifest_id = \(id) AND parent = \(at))
                AND NOT EXISTS (SELECT 1 FROM object_manifest_folder f WHERE f.manifest_id = \(id) AND f.parent = \(at))
                """)
            if count == 0 { return }
            at = parent(at)
        }
    }
}

extension Array {
    /// Consecutive parts of at most `size` elements.
    fileprivate func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
