import Core
import Glibc
import Testing
import Transport

@testable import Objects

@Suite struct ChunkTests {
    private func entry(_ file: ChunkedFile) throws -> TreeEntry {
        TreeEntry(path: try RelativePath(parsing: "f"), object: file.object, chunks: file.chunks)
    }

    private func collect(_ stream: FileStream) async throws -> [UInt8] {
        var all: [UInt8] = []
        for try await piece in stream { all += piece }
        return all
    }

    @Test(arguments: Kind.available) func storesAndGivesBack(_ kind: Kind) async throws {
        let fixture = try await Fixture(kind)
        let store = fixture.store
        let window = 8 << 20
        // Around a chunk's least size and a window's; and bytes in which no cut is found.
        let files =
            [0, 1, Chunker.minimumBytes, Chunker.minimumBytes + 1, window - 1, window, window + 1, 2 * window + 5]
            .enumerated().map { noise($1, seed: UInt64($0)) } + [[UInt8](repeating: 7, count: 9 << 20)]
        for (index, bytes) in files.enumerated() {
            let path = try fixture.folder.file("f\(index)", bytes)
            let file = try await store.putChunked(file: path)
            #expect(file.object == ObjectInfo(digest: Digest.of(bytes), sizeBytes: Int64(bytes.count)))
            let list = try await store.chunkList(file.chunks)
            #expect(try ChunkList(decoding: list.encoded) == list && list.object == file.object)
            let sizes = list.chunks.map { Int($0.sizeBytes) }
            #expect(
                sizes.allSatisfy { $0 <= Chunker.maximumBytes }
                    && sizes.dropLast().allSatisfy { $0 >= Chunker.minimumBytes })
            try await store.check(file)
            let whole = try await collect(store.stream(entry(file))) == bytes
            #expect(whole, "\(index)")
            let copy = try contents(of: try await store.localPath(entry(file))) == bytes
            #expect(copy, "\(index)")
            let end = Int64(bytes.count)
            for range in [0..<10, 3..<end + 9, end / 2..<end / 2 + 1_500_000, end..<end + 1]
            where range.lowerBound <= range.upperBound {
                let part = range.clamped(to: 0..<end)
                let same =
                    try await collect(store.stream(entry(file), range: range))
                    == Array(bytes[Int(part.lowerBound)..<Int(part.upperBound)])
                #expect(same, "\(index) \(range)")
            }
        }
    }

    /// A change somewhere costs the chunks around it, also if all behind it moves.
    @Test func aSmallChangeStoresLittle() async throws {
        let fixture = try await Fixture(.disk)
        var bytes = noise(40 << 20, seed: 3)
        let path = try fixture.folder.file("f", bytes)
        let first = try await fixture.store.chunkList(try await fixture.store.putChunked(file: path).chunks)
        for edit in ["replaced", "inserted", "removed"] {
            let middle = bytes.count / 2 + 12_345
            switch edit {
            case "replaced": bytes.replaceSubrange(middle..<middle + 1000, with: noise(1000, seed: 9))
            case "inserted": bytes.insert(contentsOf: noise(1001, seed: 10), at: middle)
            default: bytes.removeSubrange(middle..<middle + 77_777)
            }
            let changed = try fixture.folder.file("f", bytes)
            let list = try await fixture.store.chunkList(try await fixture.store.putChunked(file: changed).chunks)
            let new = Set(list.chunks).subtracting(first.chunks).reduce(0) { $0 + $1.sizeBytes }
            #expect(new > 0 && new <= 3 * Int64(Chunker.maximumBytes), "\(edit): \(new)")
            bytes = noise(40 << 20, seed: 3)
        }
    }

    /// Where files are cut is part of the format: other cuts would store everything again.
    @Test func theCutsAreFixed() async throws {
        let folder = ScratchFolder()
        let list = try await ChunkList.scan(file: try folder.file("f", noise(10 << 20, seed: 1))) { _ in }
        let sizes: [Int64] = [
            524_902, 735_435, 720_083, 421_019, 556_381, 1_048_179, 703_443, 640_674, 545_027, 599_616, 529_465,
            546_638,
            775_387, 766_970, 277_762, 529_708, 337_843, 227_228,
        ]
        #expect(list.chunks.map(\.sizeBytes) == sizes)
        #expect(Digest.of(list.encoded).hex == "10bd31354f950079c2e5aed70cde80305b7baaa4487895b06bbdf2a4ec55c354")
    }

    @Test func refusesListsOfOtherFiles() async throws {
        let fixture = try await Fixture(.disk)
        let store = fixture.store
        let parts = [noise(1000, seed: 1), noise(2000, seed: 2)]
        let objects = try await store.putMany(parts)
        let whole = ObjectInfo(digest: Digest.of(parts[0] + parts[1]), sizeBytes: 3000)
        func put(_ list: ChunkList) async throws -> ChunkedFile {
            ChunkedFile(object: list.object, chunks: try await store.put(list.encoded).digest)
        }
        let good = try await put(ChunkList(object: whole, chunks: objects))
        try await store.check(good)
        let absent = ObjectInfo(digest: Digest.of("absent"), sizeBytes: 2000)
        let swapped = try await put(ChunkList(object: whole, chunks: objects.reversed()))
        let lying = try await put(
            ChunkList(
                object: whole, chunks: [objects[0], objects[0], ObjectInfo(digest: objects[0].digest, sizeBytes: 1000)])
        )
        let gone = try await put(ChunkList(object: whole, chunks: [objects[0], absent]))
        let text = ChunkedFile(object: whole, chunks: try await store.put(Array("x".utf8)).digest)
        for (file, code, read) in [
            (swapped, "invalid", "internal"), (lying, "invalid", "internal"), (gone, "not_found", "not_found"),
            (text, "invalid", "invalid"),
            (ChunkedFile(object: objects[0], chunks: good.chunks), "invalid", "internal"),
        ] {
            #expect(await errorCode { try await store.check(file) } == code)
            #expect(await errorCode { _ = try await collect(store.stream(entry(file))) } == read)
        }
        for bytes in [
            Array(ChunkList(object: whole, chunks: objects).encoded.dropLast()),
            ChunkList(object: absent, chunks: objects).encoded,
        ] {
            #expect(throws: SlipwayError.self) { try ChunkList(decoding: bytes) }
        }
    }

    @Test func aDamagedChunkIsNamedAndHealed() async throws {
        let fixture = try await Fixture(.disk)
        let bytes = noise(5 << 20, seed: 5)
        let path = try fixture.folder.file("f", bytes)
        let file = try await fixture.store.putChunked(file: path)
        let chunk = try await fixture.store.chunkList(file.chunks).chunks[1]
        try await fixture.corrupt(chunk.digest, noise(Int(chunk.sizeBytes), seed: 6))
        do {
            _ = try await collect(fixture.store.stream(entry(file)))
            Issue.record("the damage was not seen")
        } catch let error as SlipwayError {
            #expect(error.code == .internal && error.message.contains(chunk.digest.hex))
        }
        _ = try await fixture.store.putMany([Array(bytes[..<10])])
        _ = try await fixture.store.put(Array(noise(Int(chunk.sizeBytes), seed: 6)))
        // Only the chunk's own content repairs it.
        let list = try await fixture.store.chunkList(file.chunks)
        let start = Int(list.chunks[0].sizeBytes)
        _ = try await fixture.store.putMany([Array(bytes[start..<start + Int(chunk.sizeBytes)])])
        let healed = try await collect(fixture.store.stream(entry(file))) == bytes
        #expect(healed)
    }
}
