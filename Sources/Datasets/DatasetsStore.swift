import Core
import Database
import Tables

/// SQL and nothing else.
struct DatasetsStore: Sendable {
    // MARK: Datasets

    /// Makes the dataset if it is new; returns whether it was.
    func ensure(_ db: any Transaction, name: String, project: String, description: String, at time: Timestamp) throws
        -> Bool
    {
        try db.execute(
            """
            INSERT INTO dataset (name, project, description, created_ms) VALUES (\(name), \(project), \(description), \(time))
            ON CONFLICT (name) DO NOTHING
            """) == 1
    }

    func dataset(_ db: any Transaction, _ name: String) throws -> Dataset? {
        try db.one("\(Self.datasetColumns) WHERE d.name = \(name)", Self.dataset)
    }

    func datasets(_ db: any Transaction, project: String?, _ page: PageRequest) throws -> Page<Dataset> {
        var conditions: [SQL] = ["d.name > \(page.after?.keys.first?.stringValue ?? "")"]
        if let project { conditions.append("d.project = \(project)") }
        return try db.page(
            "\(Self.datasetColumns) WHERE \(SQL.all(conditions)) ORDER BY d.name LIMIT \(page.limit + 1)", page,
            keys: { [.string($0.name)] },
            Self.dataset)
    }

    private static let datasetColumns: SQL = """
        SELECT d.name, d.project, d.description, d.created_ms, (SELECT max(number) FROM dataset_version v WHERE v.dataset = d.name) FROM dataset d
        """

    private static func dataset(_ row: any Row) throws -> Dataset {
        Dataset(
            name: try row.text(0), project: try row.text(1), description: try row.text(2), created: try row.time(3),
            latest: try row.optionalInt(4).map(Int.init))
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
                created_ms, recipe, recipe_digest)
            VALUES (\(version.dataset), \(version.number), \(version.manifest), \(version.digest), \(columns), \(version.rowCount),
                \(version.sizeBytes), \(version.fileCount), \(version.message), \(version.author), \(version.created), \(version.recipe.json),
                \(version.recipe.digest))
            """)
    }

    /// nil for `number` means the newest.
    func version(_ db: any Transaction, _ dataset: String, _ number: Int?) throws -> DatasetVersion? {
        let condition: SQL = number.map { "v.number = \($0)" } ?? "TRUE"
        return try db.one(
            "\(Self.versionColumns) WHERE v.dataset = \(dataset) AND \(condition) ORDER BY v.number DESC LIMIT 1",
            Self.version)
    }

    func version(_ db: any Transaction, _ dataset: String, recipe: Digest) throws -> DatasetVersion? {
        try db.one(
            "\(Self.versionColumns) WHERE v.dataset = \(dataset) AND v.recipe_digest = \(recipe) ORDER BY v.number DESC LIMIT 1",
            Self.version)
    }

    func version(_ db: any Transaction, digest: Digest) throws -> DatasetVersion? {
        try db.one("\(Self.versionColumns) WHERE v.digest = \(digest) ORDER BY v.created_ms DESC LIMIT 1", Self.version)
    }

    func versions(_ db: any Transaction, _ dataset: String, _ page: PageRequest) throws -> Page<DatasetVersion> {
        let before = page.after?.keys.first?.intValue ?? Int64.max
        return try db.page(
            "\(Self.versionColumns) WHERE v.dataset = \(dataset) AND v.number < \(before) ORDER BY v.number DESC LIMIT \(page.limit + 1)",
            page,
            keys: { [.int(Int64($0.number))] }, Self.version)
    }

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
            v.created_ms, v.recipe FROM dataset_version v JOIN dataset d ON d.name = v.dataset
        """

    private static func version(_ row: any Row) throws -> DatasetVersion {
        let columns = try row.json(5).arrayValue ?? []
        return DatasetVersion(
            dataset: try row.text(0), project: try row.text(1), number: Int(try row.int(2)), manifest: try row.text(3),
            digest: try row.digest(4),
            columns: columns.compactMap { pair in
                guard let items = pair.arrayValue, items.count == 2, let name = items[0].stringValue,
                    let type = items[1].stringValue
                else { return nil }
                return TableColumn(name: name, type: type)
            },
            rowCount: try row.int(6), sizeBytes: try row.int(7), fileCount: Int(try row.int(8)),
            message: try row.text(9), author: try row.text(10),
            created: try row.time(11), recipe: Recipe(try row.json(12)))
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

    // MARK: Slices

    func insert(_ db: any Transaction, _ slice: Slice) throws {
        try db.execute(
            """
            INSERT INTO slice (name, version, project, dataset, condition, description, owner, created_ms)
            VALUES (\(slice.name), \(slice.version), \(slice.project), \(slice.dataset), \(slice.condition), \(slice.description), \(slice.owner),
                \(slice.created))
            """)
    }

    func slice(_ db: any Transaction, _ name: String, _ version: Int?) throws -> Slice? {
        let condition: SQL = version.map { "version = \($0)" } ?? "TRUE"
        return try db.one(
            "\(Self.sliceColumns) WHERE name = \(name) AND \(condition) ORDER BY version DESC LIMIT 1", Self.slice)
    }

    /// The newest version of each slice.
    func slices(_ db: any Transaction, project: String?, dataset: String?) throws -> [Slice] {
        var conditions: [SQL] = ["version = (SELECT max(version) FROM slice o WHERE o.name = slice.name)"]
        if let project { conditions.append("project = \(project)") }
        if let dataset { conditions.append("dataset = \(dataset)") }
        return try db.all("\(Self.sliceColumns) WHERE \(SQL.all(conditions)) ORDER BY name LIMIT 1000", Self.slice)
    }

    private static let sliceColumns: SQL =
        "SELECT name, version, project, dataset, condition, description, owner, created_ms FROM slice"

    private static func slice(_ row: any Row) throws -> Slice {
        Slice(
            name: try row.text(0), version: Int(try row.int(1)), project: try row.text(2), dataset: try row.text(3),
            condition: try row.text(4),
            description: try row.text(5), owner: try row.text(6), created: try row.time(7))
    }

    // MARK: Sources

    func insert(_ db: any Transaction, _ source: Source) throws -> Bool {
        try db.execute(
            """
            INSERT INTO source (name, project, kind, location, query, format, encoding, created_ms)
            VALUES (\(source.name), \(source.project), \(source.kind.rawValue), \(source.location), \(source.query), \(source.format?.rawValue),
                \(source.encoding.rawValue), \(source.created)) ON CONFLICT (name) DO NOTHING
            """) == 1
    }

    func source(_ db: any Transaction, _ name: String) throws -> Source? {
        try db.one("\(Self.sourceColumns) WHERE name = \(name)", Self.source)
    }

    func sources(_ db: any Transaction, project: String?) throws -> [Source] {
        let condition: SQL = project.map { "project = \($0)" } ?? "TRUE"
        return try db.all("\(Self.sourceColumns) WHERE \(condition) ORDER BY name LIMIT 1000", Self.source)
    }

    func markImported(_ db: any Transaction, _ name: String, at time: Timestamp, seen: JSONValue) throws {
        try db.execute("UPDATE source SET imported_ms = \(time), seen = \(seen) WHERE name = \(name)")
    }

    private static let sourceColumns: SQL =
        "SELECT name, project, kind, location, query, format, encoding, created_ms, imported_ms, seen FROM source"

    private static func source(_ row: any Row) throws -> Source {
        Source(
            name: try row.text(0), project: try row.text(1), kind: Source.Kind(rawValue: try row.text(2)) ?? .file,
            location: try row.text(3),
            query: try row.optionalText(4), format: try row.optionalText(5).flatMap(TableInput.Format.init(rawValue:)),
            encoding: TableInput.Encoding(rawValue: try row.text(6)) ?? .utf8, created: try row.time(7),
            lastImported: try row.optionalTime(8),
            lastSeen: try row.optionalText(9).map { try JSONValue(parsing: $0) })
    }
}
