import Core
import Database
import TestSupport
import Testing

@testable import Objects

@Suite struct TreeCollectionTests {
    /// Versions of a dataset that share most of their files: releasing one frees what it alone holds, and says so before.
    @Test(arguments: TestDatabase.dialects, Kind.available) func freesWhatOnlyReleasedTreesHold(
        _ dialect: Dialect, _ kind: Kind
    ) async throws {
        try await TestDatabase.with(dialect, ObjectsSchema.migrations) { database in
            let fixture = try await Fixture(kind)
            let store = fixture.store
            let tree = ObjectTree(store)
            func files(_ names: Range<Int>) async throws -> [TreeEntry] {
                let objects = try await store.putMany(names.map { noise(1000, seed: UInt64($0)) })
                return try zip(names, objects).map { TreeEntry(path: try RelativePath(parsing: "f/\($0)"), object: $1) }
            }
            let big = noise(3 << 20, seed: 77)
            let chunked = try await store.putChunked(file: try fixture.folder.file("big", big))
            let list = try await store.chunkList(chunked.chunks)
            let bigEntry = TreeEntry(
                path: try RelativePath(parsing: "big"), object: chunked.object, chunks: chunked.chunks)

            let first = try await tree.update(nil, put: try await files(0..<30))
            let second = try await tree.update(
                first.digest, put: try await files(30..<40) + [bigEntry], remove: ["f/0"])
            let other = try await tree.update(nil, put: try await files(35..<45))
            let kept = try await store.putMany([Array("in a manifest".utf8), noise(1000, seed: 33)])
            try await database.write { db in
                for (name, version, root) in [("photos", 1, first), ("photos", 2, second), ("other", 1, other)] {
                    try TreeRoots.hold(db, owner: Ref(.dataset, name, version: version), root: root)
                }
                let manifest = try Manifests.create(db, owner: Ref(.run, "r"))
                for (index, object) in kept.enumerated() {
                    try Manifests.set(db, manifest, path: try RelativePath(parsing: "m\(index)"), object: object)
                }
            }
            let later = Clock.system.now().adding(seconds: 100_000)
            let (v1, v2) = (Ref(.dataset, "photos", version: 1), Ref(.dataset, "photos", version: 2))
            func collect(dryRun: Bool) async throws -> GarbageReport {
                try await store.collectGarbage(in: database, dryRun: dryRun, now: later)
            }
            #expect(try await collect(dryRun: false).removed == 0)
            // Both trees are one leaf, so each has a node of its own.
            func nodeBytes(_ root: TreeRoot) async throws -> Int64 { Int64(try await store.read(root.digest).count) }
            // Of the second: f/30 to f/34 without f/33, which a manifest has; the chunks and their list; the node.
            let expected = GarbageOwner(
                owner: "dataset:photos", objects: 4 + list.chunks.count + 2,
                bytes: 4000 + Int64(big.count) + Int64(list.encoded.count) + (try await nodeBytes(second)))
            #expect(try await store.preview(releasing: [v2], in: database) == expected)
            #expect(try await store.preview(releasing: [v1], in: database).objects == 2)
            #expect(try await store.preview(releasing: [v1, v2], in: database).objects == expected.objects + 2 + 29)

            #expect(try await database.write { try TreeRoots.release($0, owner: v2) })
            #expect(try await database.write { try TreeRoots.release($0, owner: v2) } == false)
            #expect(try await database.read { try TreeRoots.root($0, owner: v2) } == nil)
            #expect(try await database.read { try TreeRoots.root($0, owner: v1) } == first)
            let dry = try await collect(dryRun: true)
            #expect(dry.owners == [expected] && (dry.removed, dry.removedBytes) == (expected.objects, expected.bytes))
            let real = try await collect(dryRun: false)
            #expect(
                real.owners == [expected] && (real.removed, real.removedBytes) == (expected.objects, expected.bytes))
            #expect(try await tree.check(first.digest) == first)
            #expect(try await tree.check(other.digest) == other)
            let there = try await tree.entries(first.digest, limit: 100) + tree.entries(other.digest, limit: 100)
            #expect(try await store.missing(among: there.map(\.object.digest) + kept.map(\.digest)) == [])
            #expect(try await store.info(second.digest) == nil)
            #expect(try await collect(dryRun: false).owners == [])

            // A held tree of which a node is missing stops the collection before it removes anything.
            let orphan = try await store.put(Array("nothing refers to this".utf8))
            try await database.write { try TreeRoots.hold($0, owner: v2, root: second) }
            #expect(await errorCode { _ = try await collect(dryRun: false) } == "not_found")
            #expect(try await store.info(orphan.digest) == orphan)
        }
    }

    @Test func marksAreReadInOrderWhateverTheirNumber() throws {
        let folder = ScratchFolder()
        let marks = Marks(folder: folder.path, runMarks: 10)
        var expected: [Digest: Set<UInt32>] = [:]
        for i in 0..<95 {
            let (digest, group) = (Digest.of("\(i % 40)"), UInt32(i % 3))
            try marks.add(Mark(digest: digest, sizeBytes: 1, group: group))
            expected[digest, default: []].insert(group)
        }
        try marks.begin()
        for digest in ((0..<60).map { Digest.of("\($0)") }).sorted() {
            #expect(try Set(marks.find(digest).map(\.group)) == expected[digest] ?? [])
        }
        #expect(try marks.next() == nil)
    }
}
