import Core
import Synchronization
import Transport

extension ObjectStore {
    /// Stores a file in chunks; only those that are not there yet are written. For files from
    /// `ChunkedFile.thresholdBytes` on that may change a little. The whole's SHA-256 remains its identity.
    ///
    /// - Throws: `notFound`; `invalid` for what is no plain file; `conflict` if it changes meanwhile.
    public func putChunked(file path: String) async throws -> ChunkedFile {
        // What is ahead may be there already, so this is what a full disk lacks at most.
        let ahead = Mutex(Files.status(path)?.sizeBytes ?? 0)
        let list = try await ChunkList.scan(file: path) { chunks in
            let there = try await self.touch(chunks.map(\.object.digest))
            let new = zip(chunks, there).compactMap { $1 == nil ? $0 : nil }
            let rest = ahead.withLock { rest in
                rest -= chunks.reduce(0) { $0 + $1.object.sizeBytes }
                return rest
            }
            do {
                if !new.isEmpty { try await self.commit(new.map { ($0.object, .small($0.bytes)) }) }
            } catch let error as SlipwayError {
                guard let missing = error.details["missingBytes"].flatMap({ Int64($0) }),
                    let free = error.details["freeBytes"].flatMap({ Int64($0) })
                else { throw error }
                throw Files.diskIsFull(missingBytes: missing + max(0, rest), freeBytes: free, error.cause)
            }
        }
        let object = try await putMany([list.encoded])
        return ChunkedFile(object: list.object, chunks: object[0].digest)
    }

    /// - Throws: `notFound`; `invalid` if the object is no chunk list.
    public func chunkList(_ digest: Digest) async throws -> ChunkList {
        try ChunkList(decoding: try await read(digest))
    }

    /// Makes sure that the chunks make the whole: for lists that came from elsewhere.
    ///
    /// - Throws: `invalid` if they make another file; `notFound` if one is missing.
    public func check(_ file: ChunkedFile) async throws {
        func fail() -> SlipwayError {
            SlipwayError(
                .invalid, "The chunks of \(file.chunks) do not make the file \(file.object.digest).",
                ref: Ref(.object, file.chunks.hex))
        }
        let list = try await chunkList(file.chunks)
        guard list.object == file.object else { throw fail() }
        let hasher = Hasher256()
        for chunk in list.chunks {
            let bytes = try await read(chunk.digest, maximumBytes: Int64(Chunker.maximumBytes))
            guard bytes.count == chunk.sizeBytes else { throw fail() }
            hasher.update(bytes)
        }
        guard hasher.finalize() == file.object.digest else { throw fail() }
    }

    /// The bytes of a file, or a range of them (cut to its size), piece by piece, whether it is stored whole or in chunks.
    /// Whole files are verified: the last piece comes only after the digest was found right. So is each chunk of a range.
    public func stream(_ entry: TreeEntry, range: Range<Int64>? = nil) -> FileStream {
        FileStream(store: self, entry: entry, range: range)
    }

    /// Like `localPath` of an object; a file in chunks is put together in the cache.
    public func localPath(_ entry: TreeEntry) async throws -> String {
        guard entry.chunks != nil else { return try await localPath(entry.object.digest) }
        guard let cache else { throw SlipwayError(.internal, "The object store has no cache for local copies.") }
        return try await cache.path(of: entry.object.digest) { file in
            for try await bytes in FileStream(store: self, entry: entry, range: nil, isVerified: false) {
                try await self.pool.run { _ in try file.append(bytes) }
            }
        }
    }
}

/// The bytes of a file of a tree. See `ObjectStore.stream`.
public struct FileStream: AsyncSequence, Sendable {
    public typealias Element = [UInt8]
    public typealias Failure = any Error

    let store: ObjectStore
    let entry: TreeEntry
    let range: Range<Int64>?
    /// False where the reader hashes the whole himself.
    var isVerified = true

    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    public struct Iterator: AsyncIteratorProtocol {
        private let store: ObjectStore
        private let entry: TreeEntry
        private let bounds: Range<Int64>
        private let isVerified: Bool
        private var object: ObjectStream.Iterator?
        private var whole: Hasher256?
        private var chunks: [ObjectInfo]?
        private var at = 0
        /// Where chunk `at` begins in the file.
        private var offset: Int64 = 0

        init(_ stream: FileStream) {
            (store, entry, isVerified) = (stream.store, stream.entry, stream.isVerified)
            let range = stream.range
            let all = 0..<entry.object.sizeBytes
            bounds = range?.clamped(to: all) ?? all
            if entry.chunks == nil {
                object = store.stream(entry.object.digest, range: range).makeAsyncIterator()
            } else if range == nil, isVerified {
                whole = Hasher256()
            }
        }

        public mutating func next() async throws -> [UInt8]? {
            if object != nil { return try await object?.next() }
            if chunks == nil { try await begin() }
            guard let chunks else { return nil }
            while at < chunks.count, offset + chunks[at].sizeBytes <= bounds.lowerBound {
                offset += chunks[at].sizeBytes
                at += 1
            }
            guard at < chunks.count, offset < bounds.upperBound else { return nil }
            let chunk = chunks[at]
            let wanted = (offset..<offset + chunk.sizeBytes).clamped(to: bounds)
            let part = (wanted.lowerBound - offset)..<(wanted.upperBound - offset)
            at += 1
            offset += chunk.sizeBytes
            if whole != nil || !isVerified {
                let bytes = try await store.backend.read(chunk.digest, range: part)
                whole?.update(bytes)
                if let whole, at == chunks.count, whole.finalize() != entry.object.digest {
                    throw try await damage(chunks)
                }
                return bytes
            }
            let bytes = try await store.read(chunk.digest, maximumBytes: Int64(Chunker.maximumBytes))
            guard Int64(bytes.count) == chunk.sizeBytes else {
                throw SlipwayError.damaged(chunk.digest, "its size is wrong")
            }
            return part.count == bytes.count ? bytes : Array(bytes[Int(part.lowerBound)..<Int(part.upperBound)])
        }

        private mutating func begin() async throws {
            guard let digest = entry.chunks else { return }
            let list = try await store.chunkList(digest)
            guard list.object == entry.object else {
                throw SlipwayError.damaged(entry.object.digest, "its chunk list is of another file")
            }
            if list.chunks.isEmpty, let whole, whole.finalize() != entry.object.digest {
                throw SlipwayError.damaged(entry.object.digest, "its chunk list is empty")
            }
            chunks = list.chunks
        }

        /// Which chunk it was, so that the next put of it repairs it.
        private func damage(_ chunks: [ObjectInfo]) async throws -> SlipwayError {
            for chunk in chunks { _ = try await store.read(chunk.digest, maximumBytes: Int64(Chunker.maximumBytes)) }
            return SlipwayError.damaged(entry.object.digest, "its chunks make another file")
        }
    }
}
