import Core
import Database
import Synchronization
import TestSupport
import Testing

@Suite struct GatheredWritesTests {
    @Test func `writes that come together are answered each for itself`() async throws {
        try await TestDatabase.each(DatabaseTests.migrations) { database in
            struct Planned: Error {}
            let gathered = GatheredWrites<Int, Int>(database, isFollowed: false)
            let calls = Counter()
            // Its answer comes after the news of all commits before it.
            _ = try await gathered.submit(1) { db, _ in [.success(1)] }
            let seen = database.commits.count
            let answers = await withTaskGroup(of: Int?.self) { group in
                for i in 0..<500 {
                    group.addTask {
                        try? await gathered.submit(i) { db, requests in
                            calls.add()
                            // Multiples of 5 are refused; 6 and 8 have the same identity as 7, which breaks the whole call.
                            let accepted = requests.filter { $0 % 5 != 0 }
                            try db.insert(
                                into: "item (id, n)",
                                accepted.map { ["i\((6...8).contains($0) ? 7 : $0)".sqlValue, $0.sqlValue] })
                            return requests.map { $0 % 5 == 0 ? .failure(Planned()) : .success($0 * 2) }
                        }
                    }
                }
                return await group.reduce(into: [Int]()) { if let answer = $1 { $0.append(answer / 2) } }
            }
            let stored = try await database.read { db in try db.integers("SELECT n FROM item") }
            #expect(answers.sorted() == stored.map(Int.init).sorted())
            let expected = (0..<500).filter { $0 % 5 != 0 && !(6...8).contains($0) }
            #expect(Set(answers).subtracting(6...8) == Set(expected) && answers.count == expected.count + 1)
            #expect(calls.count < 500)
            #expect(database.commits.count == seen)
        }
    }

    @Test func `lists and rows keep every value`() async throws {
        try await TestDatabase.each(DatabaseTests.migrations) { database in
            let texts = ["", "NULL", "a,b", "{x}", #"say "hi" \ back\\"#, "ü\n漢字", "'quoted'"]
            let numbers: [Double?] = [0.1, -.infinity, .infinity, 5e-324, nil, 1e-7, 1e300]
            try await database.write { db in
                try db.insert(
                    into: "item (id, n, x, ok, tags)",
                    zip(texts, numbers).enumerated().map { index, row in
                        [
                            row.0.sqlValue, (Int64.max - Int64(index)).sqlValue, row.1?.sqlValue ?? .null,
                            .bool(index.isMultiple(of: 2)), .null,
                        ]
                    }, "ON CONFLICT DO NOTHING")
            }
            let (found, few, none, others) = try await database.read { db in
                (
                    try db.all("SELECT id, x, ok, n FROM item WHERE id IN (\(list: texts + ["other"])) ORDER BY n DESC")
                    {
                        "\(try $0.text(0))|\(try $0.optionalDouble(1)?.description ?? "nil")|\(try $0.bool(2))|\(try $0.int(3))"
                    },
                    try db.integers("SELECT n FROM item WHERE n IN (\(list: [Int64.max, 3]))"),
                    try db.integers("SELECT n FROM item WHERE id IN (\(list: [String]()))"),
                    try db.integers("SELECT n FROM item WHERE id NOT IN (\(list: Array(texts.dropLast())))")
                )
            }
            let expected = zip(texts, numbers).enumerated().map { index, row in
                "\(row.0)|\(row.1?.description ?? "nil")|\(index.isMultiple(of: 2))|\(Int64.max - Int64(index))"
            }
            #expect(found == expected)
            #expect([few, none, others] == [[.max], [], [.max - 6]])
        }
    }
}

/// Counts calls from several threads.
private final class Counter: Sendable {
    private let calls = Mutex(0)
    var count: Int { calls.withLock { $0 } }
    func add() { calls.withLock { $0 += 1 } }
}
