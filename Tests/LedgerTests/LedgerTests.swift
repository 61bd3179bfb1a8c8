import Core
import Database
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Ledger

/// Appends `count` events of one type, each in a transaction of its own.
func append(
    _ ledger: Ledger, _ count: Int, _ type: String = "thing.done", subject: Ref = Ref(.dataset, "d", version: 1)
)
    async throws
{
    for number in 0..<count {
        try await ledger.database.write { db in
            _ = try ledger.append(
                db, type, subject, project: "p", by: .system,
                data: ["number": JSONValue(number), "text": "é\n\"", "x": 1.5])
        }
    }
}

@Suite struct LedgerTests {
    @Test func `the chain is whole, and an edit of any column of any event shows`() async throws {
        let columns: [(column: String, edit: String)] = [
            ("sequence", "sequence = 100"), ("id", "id = 'f' || substr(id, 2)"), ("time_ms", "time_ms = time_ms + 1"),
            ("actor", "actor = 'eve'"), ("type", "type = 'thing.undone'"), ("subject", "subject = 'dataset:d@2'"),
            ("project", "project = 'q'"), ("project null", "project = NULL"), ("data", #"data = '{"number":9}'"#),
            ("previous_hash", "previous_hash = '" + String(repeating: "0", count: 63) + "1'"),
            ("hash", "hash = '" + String(repeating: "a", count: 64) + "'"),
        ]
        try await TestDatabase.each(Ledger.migrations) { database in
            let ledger = Ledger(database: database)
            #expect(try await ledger.verify().events == 0)
            try await append(ledger, 5)
            let whole = try await ledger.verify()
            #expect(whole.firstFault == nil && whole.events == 5)
            #expect(try await ledger.events(after: 4, limit: 1).first?.hash == whole.head)

            var missed: [String] = []
            let victims: [Int64] = [1, 3, 5]
            for (column, edit) in columns {
                for victim in victims {
                    // Edited, looked at, and put back by the failed write.
                    let copy = try await Self.withEdit(
                        database, "UPDATE ledger_event SET \(edit) WHERE sequence = \(victim)"
                    ) {
                        try await ledger.verify().firstFault?.sequence
                    }
                    if copy == nil { missed.append("\(column) of \(victim)") }
                }
            }
            for victim in [1, 3] {
                let found = try await Self.withEdit(database, "DELETE FROM ledger_event WHERE sequence = \(victim)") {
                    try await ledger.verify().firstFault?.sequence
                }
                if found == nil { missed.append("deletion of \(victim)") }
            }
            // A chain that was cut at its end is whole in itself: the head that was noted elsewhere tells.
            let cut = try await Self.withEdit(database, "DELETE FROM ledger_event WHERE sequence = 5") {
                try await ledger.verify().head
            }
            if cut == whole.head { missed.append("the end") }
            #expect(missed == [])
            #expect(try await ledger.verify().firstFault == nil)
        }
    }

    /// Makes an edit, looks, and restores the table.
    private static func withEdit<T>(_ database: Database, _ edit: String, _ look: () async throws -> T) async throws
        -> T
    {
        try await database.write { db in
            try db.execute("CREATE TABLE kept AS SELECT * FROM ledger_event")
            try db.execute(SQL(stringLiteral: edit))
        }
        let result = try await look()
        try await database.write { db in
            try db.execute("DELETE FROM ledger_event")
            try db.execute("INSERT INTO ledger_event SELECT * FROM kept")
            try db.execute("DROP TABLE kept")
        }
        return result
    }

    @Test func `concurrent appends leave no gap, and failed writes no event`() async throws {
        try await TestDatabase.each(Ledger.migrations) { database in
            let ledger = Ledger(database: database)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<8 {
                    group.addTask { try await append(ledger, 20, "w\(writer).done") }
                }
                // A write that fails takes its events with it.
                group.addTask {
                    for _ in 0..<10 {
                        await #expect(throws: SlipwayError.self) {
                            try await database.write { db in
                                _ = try ledger.append(db, "never", Ref(.run, "r"), project: nil, by: .system)
                                throw SlipwayError(.conflict, "No.")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let result = try await ledger.verify()
            #expect(result.firstFault == nil && result.events == 160)
            #expect(try await ledger.events(after: 0, .init(type: "never"), limit: 10).isEmpty)
        }
    }

    @Test func `events are found by subject, type and project, newest first by pages`() async throws {
        try await TestDatabase.each(Ledger.migrations) { database in
            let ledger = Ledger(database: database)
            let d = Ref(.dataset, "d")
            for subject in [d, Ref(.dataset, "d", version: 1), Ref(.dataset, "d", version: 12), Ref(.dataset, "d2")] {
                try await append(ledger, 1, "dataset.version.created", subject: subject)
            }
            try await append(ledger, 1, "dataset", subject: Ref(.dataset, "e"))
            try await append(ledger, 1, "datasets.created", subject: Ref(.dataset, "d-2", version: 1))
            let queries: [(Ledger.Query, [Int64])] = [
                (.init(subject: d), [1, 2, 3]), (.init(subject: Ref(.dataset, "d", version: 1)), [2]),
                (.init(type: "dataset."), [1, 2, 3, 4]), (.init(type: "dataset"), [5]),
                (.init(type: "dataset.version."), [1, 2, 3, 4]),
                (.init(project: "p"), [1, 2, 3, 4, 5, 6]), (.init(project: "q"), []),
                (.init(subject: d, type: "data."), []),
            ]
            var wrong: [String] = []
            for (query, expected) in queries {
                let found = try await ledger.events(after: 0, query, limit: 10).map(\.sequence)
                if found != expected { wrong.append("\(query): \(found)") }
            }
            #expect(wrong == [])
            var paged: [Int64] = []
            var page = PageRequest(limit: 2)
            while true {
                let found = try await ledger.page(.init(project: "p"), page)
                paged += found.items.map(\.sequence)
                guard let next = found.next else { break }
                page = PageRequest(limit: 2, after: next)
            }
            #expect(paged == [6, 5, 4, 3, 2, 1])
        }
    }

    @Test func `lineage goes both ways, to its depth, and round cycles once`() async throws {
        @Sendable func ref(_ name: String) -> Ref { Ref(.dataset, name) }
        try await TestDatabase.each(Ledger.migrations) { database in
            let ledger = Ledger(database: database)
            let edges = [("a", "b"), ("b", "c"), ("c", "d"), ("b", "d"), ("d", "b"), ("x", "d")]
            try await database.write { db in
                for (source, target) in edges + edges {
                    try ledger.link(db, ref(target), madeFrom: ref(source), "derive")
                }
            }
            let virtual = LineageSource(kinds: [.dataset]) { at, direction in
                at == ref("a") && direction == .upstream
                    ? [LineageEdge(source: Ref(.file, "/f"), target: at, relation: "read")] : []
            }
            func walk(_ from: String, _ direction: LineageDirection, depth: Int = 20) async throws -> Set<String> {
                let found = try await ledger.lineage(of: ref(from), direction, depth: depth, sources: [virtual])
                #expect(Set(found).count == found.count)
                return Set(found.map { "\($0.source.name)>\($0.target.name)" })
            }
            #expect(try await walk("d", .upstream) == ["c>d", "b>d", "x>d", "b>c", "a>b", "d>b", "/f>a"])
            #expect(try await walk("d", .upstream, depth: 1) == ["c>d", "b>d", "x>d"])
            #expect(try await walk("a", .downstream) == ["a>b", "b>c", "b>d", "c>d", "d>b"])
            #expect(try await walk("x", .downstream, depth: 2) == ["x>d", "d>b"])
            #expect(try await walk("nothing", .upstream) == [])
        }
    }
}
