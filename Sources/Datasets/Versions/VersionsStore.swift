import Core
import Database
import Tables

/// SQL and nothing else.
struct DatasetsStore: Sendable {
    // MARK: Datasets

    /// Makes the dataset if it is new, or was deleted; returns whether it did.
    func ensure(_ db: any Transaction, _ dataset: Dataset) throws -> Bool {
        try db.execute(
            """
            INSERT INTO dataset (name, project, kind, key_columns, description, created_ms)
            VALUES (\(dataset.name), \(dataset.project), \(dataset.kind.rawValue), \(JSONValue(dataset.key)),
                \(dataset.description), \(dataset.created))
            ON CONFLICT (name) DO UPDATE SET project = excluded.project, kind = excluded.kind,
                key_columns = excluded.key_columns, description = excluded.description,
                created_ms = excluded.created_ms, deleted_ms = NULL
            WHERE dataset.deleted_ms IS NOT NULL
            """) == 1
    }

    func update(_ db: any Transaction, _ name: String, key: [String]?, description: String?) throws {
        if let key { try db.execute("UPDATE dataset SET key_columns = \(JSONValue(key)) WHERE name = \(name)") }
        if let description {
            try db.execute("UPDATE dataset SET description = \(description) WHERE name = \(name)")
        }
    }

    func dataset(_ db: any Transaction, _ name: String) throws -> Dataset? {
        try db.one("\(Self.datasetColumns) WHERE d.name = \(name) AND d.deleted_ms IS NULL", Self.dataset)
    }

    func datasets(_ db: any Transaction, project: String?, _ page: PageRequest) throws -> Page<Dataset> {
        var conditions: [SQL] = ["d.deleted_ms IS NULL", "d.name > \(page.after?.keys.first?.stringValue ?? "")"]
        if let project { conditions.append("d.project = \(project)") }
        return try db.page(
            "\(Self.datasetColumns) WHERE \(SQL.all(conditions)) ORDER BY d.name LIMIT \(page.limit + 1)", page,
            keys: { [.string($0.name)] },
            Self.dataset)
    }

    private static let datasetColumns: SQL = """
        SELECT d.name, d.project, d.kind, d.key_columns, d.description, d.created_ms, b.number FROM dataset d
        LEFT JOIN dataset_named_version b ON b.dataset = d.name AND b.name = 'main'
        """

    private static func dataset(_ row: any Row) throws -> Dataset {
        Dataset(
            name: try row.text(0), project: try row.text(1), kind: Dataset.Kind(rawValue: try row.text(2)) ?? .table,
            key: try row.json(3).arrayValue?.compactMap(\.stringValue) ?? [], description: try row.text(4),
            created: try row.time(5), latest: try row.optionalInt(6).map(Int.init))
    }

    // MARK: Versions

    func nextNumber(_ db: any Transaction, _ dataset: String) throws -> Int {
        try db.one("SELECT coalesce(max(number), 0) + 1 FROM dataset_version WHERE dataset = \(dataset)") {
            Int(try $0.int(0))
        } ?? 1
    }

    func insert(_ db: any Transaction, _ version: DatasetVersion) throws {
        let columns: JSONValue = .array(version.columns.map { [.string($0.name), .string($0.type)] })
        try db.execute(
            """
            INSERT INTO dataset_version (dataset, number, manifest, digest, columns, row_count, size_bytes, file_count, message, author,
                created_ms, recipe, recipe_digest, branch, parent, merged, tree)
            VALUES (\(version.dataset), \(version.number), \(version.manifest), \(version.digest), \(columns), \(version.rowCount),
                \(version.sizeBytes), \(version.fileCount), \(version.message), \(version.author), \(version.created), \(version.recipe.json),
                \(version.recipe.digest), \(version.branch), \(version.parent), \(version.merged),
                \(version.tree))
            """)
    }

    func version(_ db: any Transaction, _ dataset: String, _ selector: VersionSelector) throws -> DatasetVersion? {
        let number: SQL
        switch selector {
        case .number(let n): number = "\(n)"
        case .latest: return try version(db, dataset, .name(Dataset.mainBranch))
        case .name(let name):
            number = "(SELECT number FROM dataset_named_version WHERE dataset = \(dataset) AND name = \(name))"
        }
        return try db.one(
            "\(Self.versionColumns) WHERE v.dataset = \(dataset) AND v.number = \(number)", Self.version)
    }

    func version(_ db: any Transaction, _ dataset: String, recipe: Digest) throws -> DatasetVersion? {
        try db.one(
            "\(Self.versionColumns) WHERE v.dataset = \(dataset) AND v.deleted_ms IS NULL AND v.recipe_digest = \(recipe) ORDER BY v.number DESC LIMIT 1",
            Self.version)
    }

    func version(_ db: any Transaction, digest: Digest) throws -> DatasetVersion? {
        try db.one(
            "\(Self.versionColumns) WHERE v.digest = \(digest) AND v.deleted_ms IS NULL ORDER BY v.created_ms DESC LIMIT 1",
            Self.version)
    }

    /// Newest first. Of a branch: its head, the version before that, and so on down the first parents.
    func versions(_ db: any Transaction, _ dataset: String, branch: String?, _ page: PageRequest) throws -> Page<
        DatasetVersion
    > {
        let before = page.after?.keys.first?.intValue ?? Int64.max
        guard let branch else {
            return try db.page(
                """
                \(Self.versionColumns) WHERE v.dataset = \(dataset) AND v.deleted_ms IS NULL AND v.number < \(before)
                ORDER BY v.number DESC LIMIT \(page.limit + 1)
                """, page, keys: { [.int(Int64($0.number))] }, Self.version)
        }
        // A parent's number is lower than its child's, so the cursor says where to go on.
        let start: SQL =
            page.after == nil
            ? "(SELECT number FROM dataset_named_version WHERE dataset = \(dataset) AND name = \(branch))"
            : "(SELECT parent FROM dataset_version WHERE dataset = \(dataset) AND number = \(before))"
        return try db.page(
            """
            WITH RECURSIVE line (number, depth) AS (
                SELECT number, 1 FROM dataset_version WHERE dataset = \(dataset) AND number = \(start)
                UNION ALL
                SELECT p.parent, line.depth + 1 FROM line
                JOIN dataset_version p ON p.dataset = \(dataset) AND p.number = line.number
                WHERE p.parent IS NOT NULL AND line.depth <= \(page.limit + Self.deletedInARow)
            )
            \(Self.versionColumns) WHERE v.dataset = \(dataset) AND v.deleted_ms IS NULL AND v.number IN (SELECT number FROM line)
            ORDER BY v.number DESC LIMIT \(page.limit + 1)
            """, page, keys: { [.int(Int64($0.number))] }, Self.version)
    }

    /// So many deleted versions a page of a branch passes over.
    private static let deletedInARow = 10_000

    // MARK: Branches and tags

    func named(_ db: any Transaction, _ dataset: String, _ name: String) throws -> NamedVersion? {
        try db.one("\(Self.namedColumns) WHERE dataset = \(dataset) AND name = \(name)", Self.named)
    }

    func named(_ db: any Transaction, _ dataset: String, _ kind: NamedVersion.Kind) throws -> [NamedVersion] {
        try db.all(
            "\(Self.namedColumns) WHERE dataset = \(dataset) AND kind = \(kind.rawValue) ORDER BY name LIMIT 10000",
            Self.named)
    }

    func set(_ db: any Transaction, _ named: NamedVersion) throws {
        try db.execute(
            """
            INSERT INTO dataset_named_version (dataset, name, kind, number, author, created_ms)
            VALUES (\(named.dataset), \(named.name), \(named.kind.rawValue), \(named.number), \(named.author),
                \(named.created))
            ON CONFLICT (dataset, name) DO UPDATE SET number = excluded.number
            """)
    }

    func removeNamed(_ db: any Transaction, _ dataset: String, _ name: String) throws {
        try db.execute("DELETE FROM dataset_named_version WHERE dataset = \(dataset) AND name = \(name)")
    }

    private static let namedColumns: SQL =
        "SELECT kind, dataset, name, number, author, created_ms FROM dataset_named_version"

    private static func named(_ row: any Row) throws -> NamedVersion {
        NamedVersion(
            kind: NamedVersion.Kind(rawValue: try row.text(0)) ?? .branch, dataset: try row.text(1),
            name: try row.text(2), number: Int(try row.int(3)), author: try row.text(4), created: try row.time(5))
    }

    // MARK: Profiles

    func profile(_ db: any Transaction, _ version: DatasetVersion) throws -> JSONValue? {
        try db.one(
            "SELECT profile FROM dataset_version WHERE dataset = \(version.dataset) AND number = \(version.number)"
        ) {
            try $0.optionalText(0).map { try JSONValue(parsing: $0) }
        }.flatMap { $0 }
    }

    func setProfile(_ db: any Transaction, _ version: DatasetVersion, _ profile: JSONValue) throws {
        try db.execute(
            "UPDATE dataset_version SET profile = \(profile) WHERE dataset = \(version.dataset) AND number = \(version.number)"
        )
    }

    private static let versionColumns: SQL = """
        SELECT v.dataset, d.project, v.number, v.manifest, v.digest, v.columns, v.row_count, v.size_bytes, v.file_count, v.message, v.author,
            v.created_ms, v.recipe, d.kind, v.branch, v.parent, v.merged, v.tree, v.deleted_ms FROM dataset_version v JOIN dataset d ON d.name = v.dataset
        """

    private static func version(_ row: any Row) throws -> DatasetVersion {
        let columns = try row.json(5).arrayValue ?? []
        return DatasetVersion(
            dataset: try row.text(0), project: try row.text(1),
            kind: Dataset.Kind(rawValue: try row.text(13)) ?? .table,
            number: Int(try row.int(2)), branch: try row.text(14), parent: try row.optionalInt(15).map(Int.init),
            merged: try row.optionalInt(16).map(Int.init),
            tree: try row.optionalText(17).map { try Digest(parsing: $0) }, manifest: try row.text(3),
            digest: try row.digest(4),
            columns: columns.compactMap { pair in
                guard let items = pair.arrayValue, items.count == 2, let name = items[0].stringValue,
                    let type = items[1].stringValue
                else { return nil }
                return TableColumn(name: name, type: type)
            },
            rowCount: try row.int(6), sizeBytes: try row.int(7), fileCount: Int(try row.int(8)),
            message: try row.text(9), author: try row.text(10),
            created: try row.time(11), recipe: Recipe(try row.json(12)), deleted: try row.optionalTime(18))
    }

    // MARK: Appends

    func appended(_ db: any Transaction, _ dataset: String, key: String) throws -> Int? {
        try db.one("SELECT number FROM dataset_append_key WHERE dataset = \(dataset) AND append_key = \(key)") {
            Int(try $0.int(0))
        }
    }

    func rememberAppend(_ db: any Transaction, _ dataset: String, key: String, number: Int) throws {
        try db.execute(
            "INSERT INTO dataset_append_key (dataset, append_key, number) VALUES (\(dataset), \(key), \(number))")
    }
}
