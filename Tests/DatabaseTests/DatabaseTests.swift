import Core
import Database
import TestSupport
import Testing

@Suite struct DatabaseTests {
    static let migrations = [
        Migration(
            "test/0001-item",
            """
            CREATE TABLE item (id TEXT PRIMARY KEY, n BIGINT NOT NULL, x DOUBLE PRECISION, ok BOOLEAN NOT NULL DEFAULT FALSE, tags TEXT);
            CREATE INDEX item_n ON item (n);
            """)
    ]

    @Test func `values come back as they went in`() async throws {
        try await TestDatabase.each(Self.migrations) { database in
            let text = "Robert'); DROP TABLE item;-- ü \n 漢字"
            try await database.write { db in
                try db.execute(
                    "INSERT INTO item (id, n, x, ok, tags) VALUES (\(text), \(Int64.max), \(0.1), \(true), \(nil as String?))"
                )
            }
            let row = try await database.read { db in
                try db.one("SELECT id, n, x, ok, tags FROM item WHERE ok AND id IN (\(list: [text, "other"]))") {
                    "\(try $0.text(0))|\(try $0.int(1))|\(try $0.double(2))|\(try $0.bool(3))|\(try $0.optionalText(4) ?? "nil")"
                }
            }
            #expect(row == "\(text)|\(Int64.max)|0.1|true|nil")
        }
    }

    @Test func `a failed write leaves no trace and does not hurt its neighbours`() async throws {
        try await TestDatabase.each(Self.migrations) { database in
            struct Planned: Error {}
            let outcomes = await withTaskGroup(of: Bool.self) { group in
                for i in 0..<200 {
                    group.addTask {
                        do {
                            try await database.write { db in
                                try db.execute("INSERT INTO item (id, n) VALUES (\("i\(i)"), \(i))")
                                if i % 5 == 0 { throw Planned() }
                            }
                            return true
                        } catch { return false }
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            let (count, bad) = try await database.read { db in
                (
                    try db.one("SELECT count(*) FROM item") { try $0.int(0) } ?? -1,
                    try db.one("SELECT count(*) FROM item WHERE n % 5 = 0") { try $0.int(0) } ?? -1
                )
            }
            #expect([Int64(outcomes), count, bad] == [160, 160, 0])
        }
    }

    @Test func `a broken rule of the schema is a conflict`() async throws {
        try await TestDatabase.each(Self.migrations) { database in
            let insert: @Sendable (any Transaction) throws -> Void = {
                try $0.execute("INSERT INTO item (id, n) VALUES ('a', 1)")
            }
            try await database.write(insert)
            let error = await #expect(throws: SlipwayError.self) { try await database.write(insert) }
            #expect(error?.code == .conflict)
            // The connection still works.
            try await database.write { try $0.execute("INSERT INTO item (id, n) VALUES ('b', 1)") }
        }
    }

    @Test func `reading cannot write`() async throws {
        try await TestDatabase.each(Self.migrations) { database in
            await #expect(throws: SlipwayError.self) {
                try await database.read { db in _ = try db.execute("INSERT INTO item (id, n) VALUES ('a', 1)") }
            }
        }
    }

    @Test func `a newer or changed schema is refused`() async throws {
        try await TestDatabase.each(Self.migrations) { database in
            try await database.migrate(Self.migrations)
            let changed = [Migration("test/0001-item", "CREATE TABLE item (id TEXT PRIMARY KEY);")]
            for wrong in [[], changed] {
                let error = await #expect(throws: SlipwayError.self) { try await database.migrate(wrong) }
                #expect(error?.code == .conflict)
            }
        }
    }

    @Test func `waiting for a commit ends with it`() async throws {
        try await TestDatabase.each(Self.migrations) { database in
            let seen = database.commits.count
            async let waited: Void = database.commits.wait(after: seen, timeoutSeconds: 30)
            try await database.write { try $0.execute("INSERT INTO item (id, n) VALUES ('a', 1)") }
            await waited
            #expect(database.commits.count > seen)
        }
    }
}
