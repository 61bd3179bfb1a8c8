import Core
import Glibc
import Testing

@testable import Objects
@testable import Transport

/// What every backend does, run on each.
@Suite struct ConformanceTests {
    @Test(arguments: Kind.available) func storesWhatItIsGiven(_ kind: Kind) async throws {
        let fixture = try await Fixture(kind)
        let store = fixture.store
        let chunk = fixture.backend.traits.chunkBytes
        var expected: Set<Digest> = []
        // Around the sizes at which readers and uploads take another course (S3: parts above 16 MiB).
        for (index, count) in [0, 1, 1000, chunk - 1, chunk, chunk + 1, 4 * chunk + 3, (16 << 20) + 5].enumerated() {
            let bytes = noise(count, seed: UInt64(index))
            let object = ObjectInfo(digest: Digest.of(bytes), sizeBytes: Int64(count))
            let put: ObjectInfo
            switch index % 3 {
            case 0: put = try await store.put(contentsOf: pieces(bytes, of: 300_001))
            case 1: put = try await store.put(bytes)
            default: put = try await store.put(file: try fixture.folder.file("f\(index)", bytes))
            }
            #expect(try await (put, store.info(object.digest)) == (object, object), "\(count)")
            let (whole, streamed) = try await (store.read(object.digest), collect(store.stream(object.digest)))
            #expect(whole == bytes && streamed == bytes, "\(count)")
            expected.insert(object.digest)
        }
        #expect(try await fixture.listed() == expected.sorted())
        #expect(try await fixture.staged() == [])
        #expect(try await store.verifyAll() == [])
    }

    @Test(arguments: Kind.available) func storesManyAtOnce(_ kind: Kind) async throws {
        let fixture = try await Fixture(kind)
        let store = fixture.store
        let sizes = [0, 1, 40, 1000, 1000, 70_000, (1 << 20) + 3, Int(Pack.objectMaximumBytes), (4 << 20) + 1]
        var contents = sizes.enumerated().map { noise($1, seed: UInt64($0)) }
        contents.append(contents[3])
        let expected = contents.map { ObjectInfo(digest: Digest.of($0), sizeBytes: Int64($0.count)) }
        let alone = try await store.put(contents[5])
        let absent = Digest.of("absent")
        // Twice: what is there is not stored again.
        for _ in 0..<2 {
            #expect(try await store.putMany(contents) == expected)
            #expect(try await fixture.listed() == Set(expected.map(\.digest)).sorted())
            #expect(try await fixture.listed(limit: 2) == Set(expected.map(\.digest)).sorted())
            #expect(try await store.put(contents[3]) == expected[3])
            #expect(alone == expected[5])
        }
        let digests = expected.map(\.digest)
        let same = try await store.readMany(digests) == contents
        #expect(same)
        for (content, object) in zip(contents, expected) {
            let (whole, streamed) = try await (store.read(object.digest), collect(store.stream(object.digest)))
            let local = try ObjectsTests.contents(of: try await store.localPath(object.digest))
            let same = whole == content && streamed == content && local == content
            #expect(same, "\(object)")
            #expect(try await store.info(object.digest) == object)
        }
        #expect(try await collect(store.stream(digests[5], range: 10..<30)) == Array(contents[5][10..<30]))
        #expect(try await store.missing(among: [absent] + digests + [absent]) == [absent, absent])
        #expect(try await store.touch([digests[1], absent]) == [expected[1], nil])
        #expect(try await store.putMany([]) == [])
        let refusals = await [
            errorCode { _ = try await store.readMany([digests[0], absent]) },
            errorCode { _ = try await store.readMany(digests, maximumBytes: 1 << 20) },
        ]
        #expect(refusals == ["not_found", "too_large"])
        #expect(try await fixture.staged() == [])
        #expect(try await store.verifyAll() == [])

        // Damage is found, and healed by the next put, also of what is in a pack.
        try await fixture.corrupt(digests[4], noise(1000, seed: 99))
        #expect(await errorCode { _ = try await store.readMany(digests) } == "internal")
        #expect(try await store.verifyAll() == [digests[4]])
        _ = try await store.putMany([contents[4], contents[2]])
        #expect(try await store.read(digests[4]) == contents[4])
        #expect(try await store.verifyAll() == [])

        let later = Clock.system.now().adding(seconds: 3600)
        let live = Set([digests[0], digests[5], digests[8]])
        let report = try await store.collectGarbage(graceSeconds: 60, dryRun: false, now: later) {
            live.intersection($0)
        }
        #expect(report.removed == 6 && report.examined == 9)
        #expect(try await fixture.listed() == live.sorted())
        let rest =
            try await store.readMany([digests[0], digests[5], digests[8]]) == [contents[0], contents[5], contents[8]]
        #expect(rest)
        #expect(try await store.missing(among: digests).count == 7)
        #expect(try await store.putMany(contents) == expected)
        #expect(try await store.readMany(digests).count == 10)
    }

    @Test(arguments: Kind.available) func readsRanges(_ kind: Kind) async throws {
        let fixture = try await Fixture(kind)
        let bytes = noise(fixture.backend.traits.chunkBytes * 2 + 100, seed: 1)
        let object = try await fixture.store.put(bytes)
        let end = Int64(bytes.count)
        let ranges: [(Range<Int64>, Range<Int>)] = [
            (0..<10, 0..<10), (5..<end, 5..<bytes.count), (end - 1..<end + 50, bytes.count - 1..<bytes.count),
            (end..<end + 5, 0..<0), (7..<7, 0..<0),
        ]
        for (range, part) in ranges {
            #expect(
                try await collect(fixture.store.stream(object.digest, range: range)) == Array(bytes[part]), "\(range)")
        }
    }

    @Test(arguments: Kind.available) func refusesAndLeavesNothing(_ kind: Kind) async throws {
        let fixture = try await Fixture(kind)
        let (store, folder) = (fixture.store, fixture.folder)
        let missing = Digest.of("missing")
        let bytes = noise(2_500_000, seed: 2)
        symlink("/etc/hostname", folder.path + "/link")
        let file = try folder.file("plain", [1, 2, 3])
        let cases: [(String, String, () async throws -> Void)] = [
            ("read", "not_found", { _ = try await store.read(missing) }),
            ("stream", "not_found", { _ = try await collect(store.stream(missing)) }),
            ("local", "not_found", { _ = try await store.localPath(missing) }),
            (
                "limit", "too_large",
                { _ = try await store.put(contentsOf: pieces(bytes, of: 70_000), maximumBytes: 2_499_999) }
            ),
            (
                "broken", "unavailable",
                {
                    let gone = SlipwayError(.unavailable, "gone")
                    _ = try await store.put(contentsOf: pieces(bytes, of: 70_000, failing: gone))
                }
            ),
            ("no file", "not_found", { _ = try await store.put(file: folder.path + "/nothing") }),
            ("symlink", "invalid", { _ = try await store.put(file: folder.path + "/link") }),
            ("symlink, move", "invalid", { _ = try await store.put(file: folder.path + "/link", move: true) }),
            ("folder", "invalid", { _ = try await store.put(file: folder.path) }),
            ("device", "invalid", { _ = try await store.put(file: "/dev/zero") }),
            (
                "memory", "too_large",
                { _ = try await store.read(try await store.put(file: file).digest, maximumBytes: 2) }
            ),
        ]
        for (name, code, body) in cases {
            #expect(await errorCode(body) == code, "\(name)")
        }
        #expect(try await store.info(missing) == nil)
        #expect(try await store.touch(missing) == nil)
        #expect(try await fixture.listed() == [Digest.of([1, 2, 3] as [UInt8])])
        #expect(try await fixture.staged() == [])
    }

    @Test(arguments: Kind.available) func movesFiles(_ kind: Kind) async throws {
        let fixture = try await Fixture(kind)
        let bytes = noise(2_000_000, seed: 3)
        for name in ["a", "b"] {
            let path = try fixture.folder.file(name, bytes)
            #expect(try await fixture.store.put(file: path, move: true).digest == Digest.of(bytes))
            #expect(access(path, F_OK) != 0)
        }
        // A second name for the same file would let it be changed behind the store's back: it is copied.
        let path = try fixture.folder.file("c", [1])
        link(path, fixture.folder.path + "/d")
        let object = try await fixture.store.put(file: path, move: true)
        _ = try fixture.folder.file("d", [9])
        #expect(try await fixture.store.read(object.digest) == [1])
        #expect(try await fixture.listed().count == 2)
    }

    /// A backend that fails leaves a moved file where it was, and nothing in its own folders.
    @Test func aFailedMoveGivesTheFileBack() async throws {
        let folder = ScratchFolder()
        let pool = BlockingPool(name: "test", threads: 2)
        let disk = try DiskBackend(folder: folder.path + "/store", pool: pool)
        let store = ObjectStore(backend: disk, pool: pool)
        let path = try folder.file("a", [1, 2, 3])
        // A file where the subfolder belongs, for the first two digits of this content's digest.
        _ = try folder.file("store/objects/\(Digest.of([1, 2, 3] as [UInt8]).hex.prefix(2))", [])
        for move in [true, false] {
            #expect(await errorCode { _ = try await store.put(file: path, move: move) } == "unavailable")
            #expect(try contents(of: path) == [1, 2, 3])
        }
        #expect(await errorCode { _ = try await store.put(contentsOf: pieces([1, 2, 3], of: 1)) } == "unavailable")
        // A staged file goes with the last that holds it, which may be a thread that has not come to its end.
        for _ in 0..<500 where try Files.names(in: disk.traits.stagingFolder) != [] {
            try await Task.sleep(nanoseconds: 10_000_000)
        }
        #expect(try Files.names(in: disk.traits.stagingFolder) == [])
    }

    @Test(arguments: Kind.available) func concurrentPutsOfTheSame(_ kind: Kind) async throws {
        let fixture = try await Fixture(kind)
        let store = fixture.store
        let digests = try await withThrowingTaskGroup(of: Digest.self) { group in
            for i in 0..<40 { group.addTask { try await store.put(noise(3000, seed: UInt64(i % 4))).digest } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(try await fixture.listed() == digests.sorted())
        #expect(digests.count == 4)
        for digest in digests { #expect(try await store.read(digest).count == 3000) }
    }

    @Test(arguments: Kind.available) func listsInPages(_ kind: Kind) async throws {
        let fixture = try await Fixture(kind)
        let store = fixture.store
        let expected = try await withThrowingTaskGroup(of: Digest.self) { group in
            for i in 0..<25 { group.addTask { try await store.put([UInt8(i)]).digest } }
            return try await group.reduce(into: []) { $0.append($1) }.sorted()
        }
        for limit in [1, 7, 25, 1000] { #expect(try await fixture.listed(limit: limit) == expected, "\(limit)") }
    }

    @Test(arguments: Kind.available) func findsDamageAndIsHealedByAPut(_ kind: Kind) async throws {
        let fixture = try await Fixture(kind)
        let store = fixture.store
        let bytes = noise(fixture.backend.traits.chunkBytes + 10, seed: 5)
        let object = try await store.put(bytes)
        let good = try await store.put(Array("good".utf8))
        // A flipped bit, and a cut end.
        for wrong in [[bytes[0] ^ 1] + bytes.dropFirst(), Array(bytes.dropLast(3))] {
            try await fixture.corrupt(object.digest, wrong)
            #expect(await errorCode { _ = try await store.read(object.digest) } == "internal")
            #expect(await errorCode { _ = try await collect(store.stream(object.digest)) } == "internal")
            #expect(try await store.verifyAll() == [object.digest])
            _ = try await store.put(bytes)
            #expect(try await store.read(object.digest) == bytes)
        }
        #expect(try await store.read(good.digest) == Array("good".utf8))
    }

    @Test(arguments: Kind.available) func givesLocalFilesAndURLs(_ kind: Kind) async throws {
        let fixture = try await Fixture(kind)
        let store = fixture.store
        let bytes = noise(700_000, seed: 6)
        let object = try await store.put(bytes)
        // Many at once share one download.
        let paths = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 { group.addTask { try await store.localPath(object.digest) } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(paths.count == 1)
        let path = try #require(paths.first)
        #expect(try contents(of: path) == bytes)
        let url = try await store.presignedURL(object.digest, expiresSeconds: 60)
        guard kind == .s3 else { return #expect(url == nil) }
        let client = HTTPClient()
        #expect(try await client.send(HTTPRequest(url: try #require(url))).body == bytes)
        #expect(try await client.send(HTTPRequest(url: String(try #require(url).dropLast()) + "x")).status == 403)
    }

    @Test(arguments: Kind.available) func collectsGarbage(_ kind: Kind) async throws {
        let fixture = try await Fixture(kind)
        let store = fixture.store
        let live = try await store.put(Array("live".utf8))
        let dead = try await store.put(Array("dead".utf8))
        let later = Clock.system.now().adding(seconds: 3600)
        let isLive: @Sendable ([Digest]) async throws -> Set<Digest> = { Set($0.filter { $0 == live.digest }) }

        var expected = GarbageReport(isDryRun: true)
        (expected.examined, expected.examinedBytes, expected.young, expected.youngBytes) = (2, 8, 2, 8)
        let early = try await store.collectGarbage(graceSeconds: 7200, dryRun: true, now: later, isLive: isLive)
        #expect(early == expected)

        (expected.young, expected.youngBytes, expected.removed, expected.removedBytes) = (0, 0, 1, 4)
        let dry = try await store.collectGarbage(graceSeconds: 60, dryRun: true, now: later, isLive: isLive)
        #expect(dry == expected)
        #expect(try await fixture.listed().count == 2)

        struct Fault: Error {}
        await #expect(throws: Fault.self) {
            try await store.collectGarbage(graceSeconds: 60, dryRun: false, now: later) { _ in throw Fault() }
        }
        #expect(try await fixture.listed().count == 2)

        let real = try await store.collectGarbage(graceSeconds: 60, dryRun: false, now: later, isLive: isLive)
        #expect(!real.isDryRun && (real.removed, real.removedBytes) == (1, 4))
        #expect(try await fixture.listed() == [live.digest])
        #expect(try await store.info(dead.digest) == nil)
    }

    /// Who puts content that is about to be collected keeps it.
    @Test(arguments: Kind.available, [false, true]) func aPutSavesFromCollection(_ kind: Kind, big: Bool) async throws {
        let fixture = try await Fixture(kind)
        let store = fixture.store
        let bytes = noise(big ? 2_000_000 : 2000, seed: 7)
        let digest = try await store.put(bytes).digest
        // Old enough, also for a service that counts whole seconds.
        let deadline = Clock.monotonicNanoseconds() + 20_000_000_000
        while let object = try await fixture.backend.list(after: nil, limit: 1).first,
            object.touched >= Clock.system.now().adding(seconds: -3), Clock.monotonicNanoseconds() < deadline
        { try await Task.sleep(nanoseconds: 100_000_000) }
        let (backend, isS3) = (fixture.backend as? S3Backend, kind == .s3)
        let report = try await store.collectGarbage(graceSeconds: 2, dryRun: false) { asked in
            #expect(asked == [digest])
            _ = try await store.put(bytes)
            // S3 spares itself the copy of an object younger than ten minutes: what it would do later.
            if isS3 && big { try await backend?.refresh(digest, sizeBytes: Int64(bytes.count)) }
            return []
        }
        #expect(report.removed == 0)
        #expect(try await store.read(digest) == bytes)
    }
}
