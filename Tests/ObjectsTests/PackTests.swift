import Core
import Glibc
import Testing
import Transport

@testable import Objects

@Suite struct PackTests {
    private let pool = BlockingPool(name: "test", threads: 4)
    private static let none: @Sendable ([Digest]) async throws -> Set<Digest> = { _ in [] }

    private func open(_ folder: ScratchFolder, limits: Pack.Limits = Pack.Limits()) throws -> ObjectStore {
        ObjectStore(backend: try DiskBackend(folder: folder.path + "/store", pool: pool, limits: limits), pool: pool)
    }

    private func files(_ folder: ScratchFolder, _ suffix: String) throws -> [String] {
        (try Files.names(in: folder.path + "/store/packs") ?? []).filter { $0.hasSuffix(suffix) }.sorted()
            .map { "\(folder.path)/store/packs/\($0)" }
    }

    private func contents(_ range: Range<Int>, bytes: Int = 300) -> [[UInt8]] {
        range.map { noise(bytes, seed: UInt64($0)) }
    }

    /// What a store that is opened anew reads.
    private func found(_ folder: ScratchFolder, _ contents: [[UInt8]]) async throws -> Int {
        let store = try open(folder)
        return contents.count - (try await store.missing(among: contents.map { Digest.of($0) })).count
    }

    @Test func aBatchIsOneFileAndFullPacksAreSealed() async throws {
        let folder = ScratchFolder()
        var store = try open(folder, limits: Pack.Limits(bytes: 1 << 20, count: 100))
        let all = contents(0..<250)
        _ = try await store.putMany(Array(all[..<90]))
        #expect(try (files(folder, ".pack").count, files(folder, ".index").count) == (1, 0))
        for start in stride(from: 90, to: 250, by: 20) { _ = try await store.putMany(Array(all[start..<start + 20])) }
        #expect(try (files(folder, ".pack").count, files(folder, ".index").count) == (3, 2))
        for _ in 0..<2 {
            let same = try await store.readMany(all.map { Digest.of($0) }) == all
            #expect(same)
            #expect(try await store.verifyAll() == [])
            store = try open(folder)
        }
    }

    /// What kill -9 or a power cut in the middle of a batch leaves at the end of a pack is ignored, and cut off by the next
    /// batch.
    @Test(arguments: ["half a frame", "half an object", "zeros", "other bytes", "half a header", "nothing"])
    func aTornEndIsIgnoredAndCutOff(_ end: String) async throws {
        let folder = ScratchFolder()
        let (old, new) = (contents(0..<20), contents(100..<110))
        do {
            let store = try open(folder)
            if end != "half a header" && end != "nothing" { _ = try await store.putMany(old) }
        }
        let frame = Digest.of(new[0]).bytes + [44, 1, 0, 0, 0, 0, 0, 0]
        let (path, tail): (String, [UInt8]) =
            switch end {
            case "half a frame": (try files(folder, ".pack")[0], Array(frame[..<20]))
            case "half an object": (try files(folder, ".pack")[0], frame + new[0][..<100])
            case "zeros": (try files(folder, ".pack")[0], [UInt8](repeating: 0, count: 5000))
            case "other bytes": (try files(folder, ".pack")[0], frame + new[1] + frame + new[0])
            case "half a header": (folder.path + "/store/packs/\(ID.make()).pack", Array(Pack.magic[..<5]))
            default: (folder.path + "/store/packs/\(ID.make()).pack", [])
            }
        let file = try #require(fopen(path, "a"))
        fwrite(tail, 1, tail.count, file)
        fclose(file)
        let there = end == "half a header" || end == "nothing" ? 0 : 20
        #expect(try await found(folder, old) == there)
        #expect(try await found(folder, new) == 0)
        do {
            let store = try open(folder)
            _ = try await store.putMany(new)
            #expect(try await store.readMany(new.map { Digest.of($0) }) == new)
            #expect(try await store.verifyAll() == [])
        }
        #expect(try await found(folder, old + new) == there + 10)
        #expect(try files(folder, ".pack") == [path])
        #expect(Files.status(path)?.sizeBytes == Int64(16 + (there + 10) * 340))
    }

    /// An index is made from its pack again if it is lost or damaged.
    @Test(arguments: ["lost", "cut", "text", "ahead"]) func indexesAreMadeAgain(_ damage: String) async throws {
        let folder = ScratchFolder()
        let (all, more) = (contents(0..<120), contents(200..<210))
        do {
            let store = try open(folder, limits: Pack.Limits(bytes: 1 << 20, count: 100))
            for part in [all, more] { _ = try await store.putMany(part) }
        }
        let index = try #require(try files(folder, ".index").first)
        switch damage {
        case "lost": unlink(index)
        case "cut": truncate(index, 5000)
        // The pack as a backup copied it, a while before its index.
        case "ahead":
            let pack = index.replacing(".index", with: ".pack")
            truncate(pack, off_t(try #require(Files.status(pack)).sizeBytes - 340 * 30 - 7))
        default:
            _ = try folder.file("store/packs/" + (index.split(separator: "/").last.map(String.init) ?? ""), [1, 2])
        }
        let lost = damage == "ahead" ? 31 : 0
        #expect(try await found(folder, all + more) == 130 - lost)
        let store = try open(folder)
        _ = try await store.putMany(contents(300..<301))
        _ = try await store.collectGarbage(graceSeconds: 60, dryRun: false) { Set($0) }
        #expect(try await found(folder, all + more + contents(300..<301)) == 131 - lost)
        _ = try await store.putMany(all)
        #expect(try await store.verifyAll() == [])
        #expect(try await found(folder, all + more) == 130)
    }

    /// A second process reads what the first adds, and the other way round; neither writes into the other's pack.
    @Test func twoProcessesMayAdd() async throws {
        let folder = ScratchFolder()
        let limits = Pack.Limits(bytes: 1 << 20, count: 30)
        let (a, b) = (try open(folder, limits: limits), try open(folder, limits: limits))
        var all: [[UInt8]] = []
        for round in 0..<10 {
            let new = contents(round * 100..<round * 100 + 10)
            _ = try await (round % 2 == 0 ? a : b).putMany(new)
            all += new
            for store in [a, b] {
                let same = try await store.readMany(all.map { Digest.of($0) }) == all
                #expect(same)
            }
        }
        // The same content in both: found once, and in the listing once.
        async let one = a.putMany(contents(5000..<5050))
        async let two = b.putMany(contents(5000..<5050))
        _ = try await (one, two)
        var listed: [Digest] = []
        while true {
            let page = try await a.backend.list(after: listed.last, limit: 7)
            if page.isEmpty { break }
            listed += page.map(\.info.digest)
        }
        #expect(listed == Set((all + contents(5000..<5050)).map { Digest.of($0) }).sorted())
    }

    /// Packs that are mostly dead are rewritten; a reader in another process, which has the old ones mapped, goes on.
    @Test func deadPacksShrink() async throws {
        let folder = ScratchFolder()
        let limits = Pack.Limits(bytes: 1 << 20, count: 100)
        let store = try open(folder, limits: limits)
        let all = contents(0..<350)
        for start in stride(from: 0, to: 350, by: 50) { _ = try await store.putMany(Array(all[start..<start + 50])) }
        let reader = try open(folder, limits: limits)
        let digests = all.map { Digest.of($0) }
        func bytes() throws -> Int64 {
            try files(folder, ".pack").reduce(0) { $0 + (Files.status($1)?.sizeBytes ?? 0) }
        }
        let before = try bytes()
        let later = Clock.system.now().adding(seconds: 3600)
        // Of the first pack nothing lives, of the second a fifth, of the third all, and half of the one that is open.
        let live = Set(digests[100..<120] + digests[200..<325])
        let dry = try await store.collectGarbage(graceSeconds: 60, dryRun: true, now: later) { live.intersection($0) }
        #expect(try dry.removed == 205 && bytes() == before)
        let report = try await store.collectGarbage(graceSeconds: 60, dryRun: false, now: later) {
            live.intersection($0)
        }
        #expect(report.removed == 205)
        #expect(try bytes() == Int64(145 * 340 + 3 * 16))
        for some in [store, reader, try open(folder)] {
            #expect(try await some.missing(among: digests) == digests.filter { !live.contains($0) })
            let same = try await some.readMany(Array(digests[200..<325])) == Array(all[200..<325])
            #expect(same)
        }
        #expect(try await store.putMany(all).count == 350)
        #expect(try await reader.missing(among: digests) == [])
    }

    /// Whoever puts or touches what is being collected has it afterwards.
    @Test func aTouchAndARemovalComeOneAfterTheOther() async throws {
        let folder = ScratchFolder()
        let limits = Pack.Limits(bytes: 1 << 20, count: 20)
        let (store, other) = (try open(folder, limits: limits), try open(folder, limits: limits))
        for round in 0..<30 {
            let all = contents(round * 100..<round * 100 + 41)
            for part in [all[..<20], all[20..<40], all[40...]] { _ = try await store.putMany(Array(part)) }
            let digests = all.map { Digest.of($0) }
            for index in try files(folder, ".index") { try backdate(index) }
            async let collected = store.collectGarbage(graceSeconds: 60, dryRun: false, isLive: Self.none)
            async let put = other.putMany(Array(all[..<10]))
            async let touched = other.touch(Array(digests[10..<40]))
            let (_, _, there) = try await (collected, put, touched)
            let kept = zip(digests[10..<40], there).compactMap { $1 == nil ? nil : $0 }
            for some in [store, other] {
                #expect(try await some.readMany(digests[..<10] + kept).count == 10 + kept.count)
            }
        }
    }

    /// As if all in a sealed pack was last touched an hour ago.
    private func backdate(_ index: String) throws {
        let file = Glibc.open(index, O_RDWR)
        defer { close(file) }
        let count = Int((try Files.status(file, index).sizeBytes - 1056) / 48)
        for at in 0..<count {
            var stamp = UInt32(0)
            pread(file, &stamp, 4, off_t(1056 + at * 48 + 44))
            guard stamp != 0 else { continue }
            stamp = PackEntry.stampNow() - 3600
            pwrite(file, &stamp, 4, off_t(1056 + at * 48 + 44))
        }
    }
}
