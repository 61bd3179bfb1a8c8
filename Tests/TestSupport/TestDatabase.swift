import Core
import Database
import Foundation

/// Real databases for tests: SQLite in a temporary file always, PostgreSQL in a schema of its own when
/// `SLIPWAY_TEST_POSTGRES` names a server.
public enum TestDatabase {
    public static var postgresURL: String? {
        ProcessInfo.processInfo.environment["SLIPWAY_TEST_POSTGRES"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The dialects that can be tested here.
    public static var dialects: [Dialect] { postgresURL == nil ? [.sqlite] : Dialect.allCases }

    /// Runs `body` once on each database, with `migrations` applied.
    public static func each(_ migrations: [Migration], _ body: (Database) async throws -> Void) async throws {
        for dialect in dialects { try await with(dialect, migrations, body) }
    }

    public static func with(_ dialect: Dialect, _ migrations: [Migration], _ body: (Database) async throws -> Void)
        async throws
    {
        switch dialect {
        case .sqlite:
            try await TemporaryFolder.with { folder in
                let database = try await Database.open(folder + "/test.db")
                try await database.migrate(migrations)
                try await body(database)
                await database.close()
            }
        case .postgres:
            guard let base = postgresURL else { return }
            let schema = "t_" + ID.make().suffix(20)
            let admin = try await Database.open(base, readers: 1)
            try await admin.write { db in try db.execute(SQL(stringLiteral: "CREATE SCHEMA \(schema)")) }
            let database = try await Database.open(
                base + (base.contains("?") ? "&" : "?") + "options=-csearch_path%3D\(schema)", readers: 2)
            do {
                try await database.migrate(migrations)
                try await body(database)
            } catch {
                await database.close()
                _ = try? await admin.write { db in try db.execute(SQL(stringLiteral: "DROP SCHEMA \(schema) CASCADE")) }
                await admin.close()
                throw error
            }
            await database.close()
            try await admin.write { db in try db.execute(SQL(stringLiteral: "DROP SCHEMA \(schema) CASCADE")) }
            await admin.close()
        }
    }
}

/// A folder that is gone after the test.
public enum TemporaryFolder {
    public static func with<T>(_ body: (String) async throws -> T) async throws -> T {
        let path = NSTemporaryDirectory() + "slipway-test-" + ID.make()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }
}
