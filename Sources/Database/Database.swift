import Core
import Logging

/// Slipway's database: SQLite in a file or PostgreSQL, chosen by URL, with the same promises.
///
/// - Reads run concurrently, each on one snapshot.
/// - Writes are serialized. Small writes that arrive together share one commit (group commit); each caller returns only
///   after the commit that holds its write is on disk. A failed write leaves no trace and does not hurt its neighbours.
public final class Database: Sendable {
    private let engine: any Engine
    let writer: GroupCommit
    /// Tells when something was committed, for those who follow a table.
    public let commits = CommitSignal()

    public var dialect: Dialect { engine.dialect }

    /// Opens `sqlite:///absolute/path`, a bare path, or `postgresql://user@host/name`.
    ///
    /// - Throws: `invalid` for other URLs; `unavailable` when the database cannot be opened.
    public static func open(_ url: String, readers: Int = 4) async throws -> Database {
        if url.hasPrefix("postgresql://") || url.hasPrefix("postgres://") {
            return Database(engine: try await PostgresEngine.open(url, readers: readers))
        }
        var path = url
        if url.hasPrefix("sqlite:") {
            path = String(url.dropFirst("sqlite:".count))
            if path.hasPrefix("//") { path = String(path.dropFirst(2)) }
        } else if url.contains("://") || !url.contains("/") {
            throw SlipwayError.field(
                "database", "the URL's scheme is not known",
                expected: "sqlite:///path/slipway.db or postgresql://user@host/name")
        }
        return Database(engine: try SQLiteEngine(path: path, readers: readers))
    }

    private init(engine: any Engine) {
        self.engine = engine
        writer = GroupCommit(engine: engine, commits: commits)
    }

    /// Runs `body` on a snapshot. Writing in it fails.
    public func read<T: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> T) async throws -> T {
        try await engine.read(body)
    }

    /// Runs `body` in a transaction and returns after it is durable.
    ///
    /// - Parameter isFollowed: false for what nobody waits for (`commits`): then nobody is woken to look.
    @discardableResult
    public func write<T: Sendable>(
        isFollowed: Bool = true, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        try await writer.submit(isFollowed: isFollowed, body)
    }

    /// Brings the schema up to `migrations`.
    ///
    /// - Throws: `conflict` when the database has migrations that this program does not know (it was used by a newer
    ///   one), or one whose text has changed.
    public func migrate(_ migrations: [Migration]) async throws {
        let dialect = engine.dialect
        try await write { db in
            for statement in [
                "CREATE TABLE IF NOT EXISTS schema_migration (id TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_ms BIGINT NOT NULL)"
            ] as [SQL] { try db.execute(statement) }
        }
        let applied = try await read { db in
            try db.all("SELECT id, checksum FROM schema_migration ORDER BY id") { (try $0.text(0), try $0.text(1)) }
        }
        let known = Dictionary(migrations.map { ($0.id, $0) }) { a, _ in a }
        precondition(known.count == migrations.count, "two migrations have the same id")
        for (id, checksum) in applied {
            guard let migration = known[id] else {
                throw SlipwayError(
                    .conflict,
                    "The database has the migration \(id), which this version of slipway does not know: it was used by a newer one. Start that version, or point --database at another database."
                )
            }
            guard migration.checksum == checksum else {
                throw SlipwayError(
                    .conflict,
                    "The migration \(id) in the database differs from this program's. Migrations never change; use the program that made the database."
                )
            }
        }
        let done = Set(applied.map(\.0))
        for migration in migrations where !done.contains(migration.id) {
            try await write { db in
                for statement in splitStatements(migration.text(for: dialect)) {
                    try db.execute(SQL(stringLiteral: statement))
                }
                try db.execute(
                    "INSERT INTO schema_migration (id, checksum, applied_ms) VALUES (\(migration.id), \(migration.checksum), \(Clock.system.now()))"
                )
            }
        }
    }

    /// The schema as text that is the same for the same schema, to be checked in and compared.
    public func schemaDump() async throws -> String { try await engine.read(SchemaDump.text) }

    /// Waits for the writes under way and closes.
    public func close() async {
        await writer.drain()
        await engine.close()
    }
}

/// What the two databases must offer.
protocol Engine: Sendable {
    var dialect: Dialect { get }
    func read<T: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> T) async throws -> T
    /// Runs `work` on the writer's thread, where `WriteConnection` may be used.
    func onWriter(_ work: @escaping @Sendable (any WriteConnection) -> Void)
    func close() async
}

/// The one connection that writes; used on its own thread only.
protocol WriteConnection {
    var transaction: any Transaction { get }
    func begin() throws
    func commit() throws
    func rollback()
    func savepoint() throws
    func releaseSavepoint() throws
    func rollbackToSavepoint() throws
}

/// Splits at semicolons that end a line: migrations hold plain statements only.
func splitStatements(_ text: String) -> [String] {
    var out: [String] = []
    var current = ""
    for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
        current += (current.isEmpty ? "" : "\n") + line
        let trimmed = line.reversed().drop { $0 == " " || $0 == "\t" }
        if trimmed.first == ";" {
            out.append(String(current.dropLast(line.count - trimmed.count + 1)))
            current = ""
        }
    }
    if current.contains(where: { !$0.isWhitespace }) { out.append(current) }
    return out
}
