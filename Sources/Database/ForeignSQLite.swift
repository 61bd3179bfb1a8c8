import Core
import GRDB

/// An SQLite file in another program's format that we write: no migrations of ours, one connection, one caller at a time.
public final class ForeignSQLite: Sendable {
    private let queue: DatabaseQueue

    /// Opens the file, or makes it.
    ///
    /// - Throws: `invalid` when it is no SQLite database.
    public init(path: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(10)
        do { queue = try DatabaseQueue(path: path, configuration: configuration) } catch {
            throw SlipwayError(
                .invalid, "\(path) cannot be opened as a SQLite database.", details: ["field": "path"], cause: error)
        }
    }

    /// One transaction, here and now: it blocks the caller.
    public func write<T>(_ body: (any Transaction) throws -> T) throws -> T {
        try queue.write { db in try body(SQLiteTransaction(db: db)) }
    }
}
