import Core
import GRDB

/// SQLite in write-ahead mode through GRDB: readers on snapshots, one writer. `synchronous=FULL`: a commit is on disk
/// when it returns.
final class SQLiteEngine: Engine {
    let dialect = Dialect.sqlite
    private let pool: DatabasePool

    init(path: String, readers: Int) throws {
        var configuration = Configuration()
        configuration.maximumReaderCount = readers
        configuration.busyMode = .timeout(10)
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { db in
            try db.execute(
                sql:
                    "PRAGMA synchronous = FULL; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864"
            )
        }
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
        } catch {
            throw SlipwayError(
                .unavailable,
                "The SQLite database at \(path) cannot be opened. Is the folder there and writable, and no other program holding it?",
                cause: error)
        }
    }

    func read<T: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> T) async throws -> T {
        try await pool.read { db in try body(SQLiteTransaction(db: db)) }
    }

    func onWriter(_ work: @escaping @Sendable (any WriteConnection) -> Void) {
        pool.asyncWriteWithoutTransaction { db in work(SQLiteWriteConnection(db: db)) }
    }

    func close() async {
        try? await pool.writeWithoutTransaction { db in _ = try? db.checkpoint(.truncate) }
        try? pool.close()
    }
}

private struct SQLiteWriteConnection: WriteConnection {
    let db: GRDB.Database
    var transaction: any Transaction { SQLiteTransaction(db: db) }
    func begin() throws { try db.beginTransaction(.immediate) }
    func commit() throws { if db.isInsideTransaction { try db.commit() } }
    func rollback() { if db.isInsideTransaction { try? db.rollback() } }
    func savepoint() throws { try db.execute(sql: "SAVEPOINT w") }
    func releaseSavepoint() throws { try db.execute(sql: "RELEASE w") }
    func rollbackToSavepoint() throws { try db.execute(sql: "ROLLBACK TO w; RELEASE w") }
}

struct SQLiteTransaction: Transaction {
    let db: GRDB.Database
    let dialect = Dialect.sqlite

    func execute(_ sql: SQL) throws -> Int {
        try translating {
            let (text, parameters) = sql.rendered(for: .sqlite)
            let statement = try db.cachedStatement(sql: text)
            try statement.execute(arguments: StatementArguments(parameters.map(\.grdb)))
            return db.changesCount
        }
    }

    func forEach(_ sql: SQL, _ body: (any Row) throws -> Bool) throws {
        try translating {
            let (text, parameters) = sql.rendered(for: .sqlite)
            let statement = try db.cachedStatement(sql: text)
            let rows = try GRDB.Row.fetchCursor(statement, arguments: StatementArguments(parameters.map(\.grdb)))
            while let row = try rows.next() {
                guard try body(SQLiteRow(row: row)) else { break }
            }
        }
    }

    func integers(_ sql: SQL) throws -> [Int64] {
        try translating {
            let (text, parameters) = sql.rendered(for: .sqlite)
            return try Int64.fetchAll(
                db.cachedStatement(sql: text), arguments: StatementArguments(parameters.map(\.grdb)))
        }
    }

    private func translating<T>(_ body: () throws -> T) throws -> T {
        do { return try body() } catch let error as DatabaseError {
            throw error.resultCode == .SQLITE_CONSTRAINT
                ? SlipwayError(
                    .conflict, "A record with this identity exists already, or one that this needs does not.",
                    cause: error)
                : error.resultCode == .SQLITE_FULL
                    ? SlipwayError(
                        .unavailable, "The disk that holds the database is full. Free some space and try again.",
                        cause: error)
                    : SlipwayError(.internal, "Internal error in the database.", cause: error)
        }
    }
}

struct SQLiteRow: Row {
    let row: GRDB.Row

    func isNull(_ index: Int) -> Bool { row.hasNull(atIndex: index) }
    func int(_ index: Int) throws -> Int64 { try value(index) }
    func double(_ index: Int) throws -> Double { try value(index) }
    func text(_ index: Int) throws -> String { try value(index) }
    func bool(_ index: Int) throws -> Bool { try value(index) }

    private func value<T: DatabaseValueConvertible & StatementColumnConvertible>(_ index: Int) throws -> T {
        guard let value: T = row[index] else {
            throw SlipwayError(.internal, "Internal error in the database.", details: ["column": String(index)])
        }
        return value
    }
}

extension SQL.Parameter {
    fileprivate var grdb: GRDB.DatabaseValue {
        switch self {
        case .value(.int(let n)): n.databaseValue
        case .value(.double(let d)): d.databaseValue
        case .value(.text(let s)): s.databaseValue
        case .value(.bool(let b)): b.databaseValue
        case .value(.null), .array: .null
        }
    }
}
