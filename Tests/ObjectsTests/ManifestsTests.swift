import Core
import Database
import TestSupport
import Testing

@testable import Objects

/// On SQLite and, where there is a server, on PostgreSQL.
@Suite struct ManifestsTests {
    private func with(_ dialect: Dialect, _ body: (Database) async throws -> Void) async throws {
        try await TestDatabase.with(dialect, ObjectsSchema.migrations, body)
    }

    private static func object(_ text: String) -> ObjectInfo {
        ObjectInfo(digest: Digest.of(text), sizeBytes: Int64(text.utf8.count))
    }

    private static func files(_ paths: [String]) throws -> [(path: RelativePath, object: ObjectInfo)] {
        try paths.map { (try RelativePath(parsing: $0), object($0)) }
    }

    @Test(arguments: TestDatabase.dialects) func listsFoldersByPage(_ dialect: Dialect) async throws {
        try await with(dialect) { database in
            let paths = [
                "model/MLmodel", "model/data/a.bin", "model/data/b.bin", "README", "a b/ü.txt", "model.txt", "z",
            ]
            let id = try await database.write { db in
                let id = try Manifests.create(db, owner: Ref(.run, "r1"))
                try Manifests.setMany(db, id, Self.files(paths))
                return id
            }
            func children(_ folder: String?, limit: Int) async throws -> [String] {
                var (all, after): ([String], Cursor?) = ([], nil)
                repeat {
                    let request = PageRequest(limit: limit, after: after)
                    let page = try await database.read { db in
                        try Manifests.children(db, id, of: folder.map { try RelativePath(parsing: $0) }, request)
                    }
                    all += page.items.map { $0.isFolder ? $0.path + "/" : "\($0.path) \($0.object?.sizeBytes ?? -1)" }
                    after = page.next
                } while after != nil
                return all
            }
            let root = ["a b/", "model/", "README 6", "model.txt 9", "z 1"]
            for limit in [1, 2, 3, 100] { #expect(Set(try await children(nil, limit: limit)) == Set(root), "\(limit)") }
            #expect(Array(try await children(nil, limit: 2).prefix(2)) == ["a b/", "model/"])
            #expect(try await children("model", limit: 2) == ["model/data/", "model/MLmodel 13"])
            #expect(try await children("model/data", limit: 1) == ["model/data/a.bin 16", "model/data/b.bin 16"])
            #expect(try await children("mod", limit: 1) == [])
            #expect(try await children("z", limit: 1) == [])
            let flat = try await database.read { db in
                let first = try Manifests.entries(db, id, PageRequest(limit: 4))
                let second = try Manifests.entries(db, id, PageRequest(limit: 4, after: first.next))
                return first.items + second.items
            }
            #expect(flat.map(\.path).sorted() == paths.sorted())
            #expect(
                try await database.read { try Manifests.totals($0, id) } == (
                    7, Int64(paths.reduce(0) { $0 + $1.utf8.count })
                ))
        }
    }

    @Test(arguments: TestDatabase.dialects) func aPathIsAFileOrAFolder(_ dialect: Dialect) async throws {
        try await with(dialect) { database in
            let id = try await database.write { db in
                let id = try Manifests.create(db, owner: Ref(.run, "r1"))
                try Manifests.setMany(db, id, Self.files(["a/b/c", "f"]))
                return id
            }
            let cases: [([String], String)] = [
                (["a"], "conflict"), (["a/b"], "conflict"), (["f/x"], "conflict"), (["n", "n/m"], "conflict"),
                (["a/b/c/d"], "conflict"),
                (["a/b/d", "f"], "none"),
            ]
            for (paths, code) in cases {
                #expect(
                    await errorCode { try await database.write { try Manifests.setMany($0, id, Self.files(paths)) } }
                        == code, "\(paths)")
            }
            #expect(
                await errorCode { try await database.write { try Manifests.setMany($0, "none", Self.files(["x"])) } }
                    == "not_found")
            // When the last file of a folder goes, its name is free.
            let outcome = try await database.write { db in
                let removed = try ["a/b/c", "a/b/d", "a/b/d"].map {
                    try Manifests.remove(db, id, path: RelativePath(parsing: $0))
                }
                try Manifests.setMany(db, id, Self.files(["a"]))
                return removed
            }
            #expect(outcome == [true, true, false])
        }
    }

    @Test(arguments: TestDatabase.dialects) func replacesRemovesAndCopies(_ dialect: Dialect) async throws {
        try await with(dialect) { database in
            let path = try RelativePath(parsing: "m/x")
            let time = Timestamp(milliseconds: 1000)
            let (first, second) = try await database.write { db in
                let first = try Manifests.create(db, owner: Ref(.dataset, "sales", version: 1))
                try Manifests.set(db, first, path: path, object: Self.object("old"), at: time)
                try Manifests.set(db, first, path: path, object: Self.object("new!"), at: time.adding(seconds: 1))
                try Manifests.setMany(db, first, Self.files((0..<450).map { "m/deep/\($0)/f" }))
                let second = try Manifests.create(db, owner: Ref(.dataset, "sales", version: 2))
                try Manifests.copy(db, from: first, to: second)
                return (first, second)
            }
            let found = try await database.read { try Manifests.entry($0, second, path: path) }
            #expect(found == ManifestEntry(path: "m/x", object: Self.object("new!"), created: time.adding(seconds: 1)))
            let removed = try await database.write {
                try Manifests.removeFolder($0, first, path: RelativePath(parsing: "m/deep"))
            }
            let left = try await database.read { db in
                (
                    try Manifests.totals(db, first).files, try Manifests.totals(db, second).files,
                    try Manifests.children(db, first, of: nil).items.count
                )
            }
            #expect((removed, left.0, left.1, left.2) == (450, 1, 451, 1))
            let ids = try await database.read { try Manifests.ids($0, owner: Ref(.dataset, "sales", version: 2)) }
            #expect(ids == [second])
        }
    }

    @Test(arguments: TestDatabase.dialects) func whatIsInAManifestIsLive(_ dialect: Dialect) async throws {
        try await with(dialect) { database in
            let (one, two) = try await database.write { db in
                let one = try Manifests.create(db, owner: Ref(.run, "1"))
                let two = try Manifests.create(db, owner: Ref(.run, "2"))
                try Manifests.setMany(db, one, Self.files((0..<30).map(String.init)))
                try Manifests.setMany(db, two, Self.files(["7", "extra"]))
                return (one, two)
            }
            let digests = (0..<30).map { Digest.of(String($0)) }.sorted()
            func live() async throws -> [Digest] {
                try await database.read { db in
                    var all: [Digest] = []
                    while case let page = try Manifests.liveDigests(db, after: all.last, limit: 7), !page.isEmpty {
                        all += page
                    }
                    return all
                }
            }
            #expect(try await live() == (digests + [Digest.of("extra")]).sorted())
            try await database.write { try Manifests.delete($0, one) }
            #expect(try await live() == [Digest.of("7"), Digest.of("extra")].sorted())
            let among = try await database.read { try Manifests.live($0, among: digests + [Digest.of("none")]) }
            #expect(among == [Digest.of("7")])
            #expect(await errorCode { try await database.write { try Manifests.delete($0, two) } } == "none")
            #expect(try await live() == [])
        }
    }

    /// The whole way: files into objects, objects into a manifest, the manifest away, the objects away.
    @Test func collectionFollowsTheManifests() async throws {
        try await with(.sqlite) { database in
            let fixture = try await Fixture(.disk)
            let objects = try await (fixture.store.put([1]), fixture.store.put([2]), fixture.store.put([3]))
            let (kept, dropped) = try await database.write { db in
                let kept = try Manifests.create(db, owner: Ref(.run, "1"))
                let dropped = try Manifests.create(db, owner: Ref(.run, "2"))
                try Manifests.set(db, kept, path: RelativePath(parsing: "a"), object: objects.0)
                try Manifests.set(db, dropped, path: RelativePath(parsing: "a"), object: objects.0)
                try Manifests.set(db, dropped, path: RelativePath(parsing: "b"), object: objects.1)
                return (kept, dropped)
            }
            let later = Clock.system.now().adding(seconds: 90_000)
            func collect() async throws -> Int {
                try await fixture.store.collectGarbage(dryRun: false, now: later) { asked in
                    try await database.read { try Manifests.live($0, among: asked) }
                }.removed
            }
            let before = try await collect()
            try await database.write { try Manifests.delete($0, dropped) }
            let after = try await collect()
            #expect((before, after) == (1, 1))
            #expect(try await fixture.listed() == [objects.0.digest])
            #expect(try await database.read { try Manifests.totals($0, kept).files } == 1)
        }
    }
}
