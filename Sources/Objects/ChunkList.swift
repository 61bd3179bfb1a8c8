import Core
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A piece of a file, with its bytes.
public struct Chunk: Sendable {
    public let object: ObjectInfo
    public let bytes: ArraySlice<UInt8>
}

/// A file that is stored in chunks.
public struct ChunkedFile: Hashable, Sendable {
    /// The whole file, which no object holds.
    public let object: ObjectInfo
    /// The object with the chunk list.
    public let chunks: Digest

    /// Files from this size on are worth it.
    public static let thresholdBytes: Int64 = 8 << 20

    public init(object: ObjectInfo, chunks: Digest) {
        self.object = object
        self.chunks = chunks
    }
}

/// Which chunks make a file. docs/objects.md has its form as an object.
public struct ChunkList: Hashable, Sendable {
    /// The whole file.
    public let object: ObjectInfo
    /// In the order of the file.
    public let chunks: [ObjectInfo]

    private static let magic = Array("slipway chunk 1\n".utf8)

    init(object: ObjectInfo, chunks: [ObjectInfo]) {
        self.object = object
        self.chunks = chunks
    }

    public var encoded: [UInt8] {
        var out = Self.magic + object.digest.bytes
        out.reserveCapacity(64 + chunks.count * 36)
        Varint.append(UInt64(object.sizeBytes), to: &out)
        Varint.append(UInt64(chunks.count), to: &out)
        for chunk in chunks {
            chunk.digest.withBytes { out.append(contentsOf: $0) }
            Varint.append(UInt64(chunk.sizeBytes), to: &out)
        }
        return out
    }

    /// - Throws: `invalid` for bytes that are no chunk list. Whether the chunks make that file only `ObjectStore.check` can
    ///   say.
    public init(decoding bytes: [UInt8]) throws {
        let list = bytes.withUnsafeBytes { raw -> ChunkList? in
            guard bytes.starts(with: Self.magic) else { return nil }
            var reader = Varint.Reader(raw, at: Self.magic.count)
            guard let whole = reader.digest(), let size = reader.number().flatMap(Int64.init(exactly:)),
                let count = reader.number(), count <= UInt64(raw.count) / 33
            else { return nil }
            var (chunks, sum): ([ObjectInfo], UInt64) = ([], 0)
            chunks.reserveCapacity(Int(count))
            for _ in 0..<count {
                guard let digest = reader.digest(), let length = reader.number(), length > 0,
                    length <= UInt64(Chunker.maximumBytes)
                else { return nil }
                chunks.append(ObjectInfo(digest: digest, sizeBytes: Int64(length)))
                sum += length
            }
            guard reader.isAtEnd, sum == UInt64(size) else { return nil }
            return ChunkList(object: ObjectInfo(digest: whole, sizeBytes: size), chunks: chunks)
        }
        guard let list else { throw SlipwayError(.invalid, "The object is no usable chunk list.") }
        self = list
    }

    /// Cuts a file into chunks and gives them to `body`, some at a time and in order; one thread hashes the whole, another
    /// the chunks, while `body` has those before. Two windows of 12 MiB are in memory.
    ///
    /// - Throws: `notFound`; `invalid` for what is no plain file; `conflict` if it changes meanwhile; what `body` throws.
    public static func scan(
        file path: String, _ body: @Sendable ([Chunk]) async throws -> Void
    ) async throws -> ChunkList {
        let pool = BlockingPool(name: "chunks", threads: 2)
        let scan = try await pool.run { _ in try FileScan(path) }
        var chunks: [ObjectInfo] = []
        var ready: [Chunk] = []
        repeat {
            try await pool.run { _ in try scan.readOn() }
            // Both use different parts of the scan, and it moves on only when both are done.
            let before = ready
            async let given: Void = before.isEmpty ? () : body(before)
            async let hashed: Void = pool.run { _ in scan.hashWhole() }
            async let cut = pool.run { cancellation in try scan.cut(cancellation) }
            (ready, _, _) = try await (cut, hashed, given)
            chunks += ready.map(\.object)
        } while !scan.isAtEnd
        if !ready.isEmpty { try await body(ready) }
        return ChunkList(object: try await pool.run { _ in try scan.finish() }, chunks: chunks)
    }
}

/// A file on its way through windows of memory. Unchecked: `hashWhole` and `cut` run at the same time and touch different
/// variables, both only read the window; the rest runs alone.
private final class FileScan: @unchecked Sendable {
    private let file: PlainFile
    private let whole = Hasher256()
    /// This window, and the one whose chunks are somebody's while this one is read. Their memory is used in turn.
    private var window = [UInt8](repeating: 0, count: FileScan.windowBytes + Chunker.maximumBytes)
    private var other = [UInt8](repeating: 0, count: FileScan.windowBytes + Chunker.maximumBytes)
    /// How far the window is filled.
    private var end = 0
    /// From where on the whole's hash has not seen it.
    private var new = 0
    /// Where the next chunk begins in it.
    private var start = 0
    private var position: Int64 = 0
    private(set) var isAtEnd = false

    private static let windowBytes = 8 << 20

    init(_ path: String) throws { file = try PlainFile(opening: path) }

    /// Goes on to the next window, which begins with the chunk that the last one cut off.
    func readOn() throws {
        swap(&window, &other)
        let (rest, from) = (end - start, start)
        let position = position
        let count = try window.withUnsafeMutableBytes { target in
            other.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[from..<from + rest])) }
            return try Files.read(
                file.descriptor, file.path, offset: position,
                into: UnsafeMutableRawBufferPointer(rebasing: target[rest..<rest + Self.windowBytes]))
        }
        (start, new, end) = (0, rest, rest + count)
        self.position += Int64(count)
        isAtEnd = count < Self.windowBytes
    }

    func hashWhole() { window.withUnsafeBytes { whole.update(UnsafeRawBufferPointer(rebasing: $0[new..<end])) } }

    func cut(_ cancellation: Cancellation) throws -> [Chunk] {
        var chunks: [Chunk] = []
        var at = start
        try window.withUnsafeBytes { raw in
            while let length = Chunker.cut(UnsafeRawBufferPointer(rebasing: raw[at..<end]), isEnd: isAtEnd) {
                try cancellation.check()
                let digest = Digest.of(UnsafeRawBufferPointer(rebasing: raw[at..<at + length]))
                chunks.append(
                    Chunk(
                        object: ObjectInfo(digest: digest, sizeBytes: Int64(length)), bytes: window[at..<at + length]))
                at += length
            }
        }
        start = at
        return chunks
    }

    func finish() throws -> ObjectInfo {
        try file.requireUnchanged()
        return ObjectInfo(digest: whole.finalize(), sizeBytes: position)
    }
}
