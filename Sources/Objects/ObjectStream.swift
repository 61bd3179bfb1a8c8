import Core

/// The bytes of an object, piece by piece, in constant memory. The last piece of a whole object comes only after the
/// digest of all was found right, now or, for a big file that is unchanged since, earlier in this process.
public struct ObjectStream: AsyncSequence, Sendable {
    public typealias Element = [UInt8]
    public typealias Failure = any Error

    let store: ObjectStore
    let digest: Digest
    let range: Range<Int64>?
    var trustsEarlierLooks = true

    public func makeAsyncIterator() -> Iterator {
        Iterator(store: store, digest: digest, range: range, trustsEarlierLooks: trustsEarlierLooks)
    }

    public struct Iterator: AsyncIteratorProtocol {
        private let store: ObjectStore
        private let digest: Digest
        private let range: Range<Int64>?
        private let trustsEarlierLooks: Bool
        private var bounds: Range<Int64>?
        private var hasher: Hasher256?
        private var stamp: FileStamp?
        /// Pieces that came together, last first.
        private var ready: [[UInt8]] = []
        private var isDone = false

        init(store: ObjectStore, digest: Digest, range: Range<Int64>?, trustsEarlierLooks: Bool) {
            self.trustsEarlierLooks = trustsEarlierLooks
            self.store = store
            self.digest = digest
            self.range = range
            if range == nil { hasher = Hasher256() }
        }

        public mutating func next() async throws -> [UInt8]? {
            if isDone { return nil }
            if bounds == nil { bounds = try await begin() }
            if ready.isEmpty { try await fill() }
            guard let piece = ready.popLast() else {
                isDone = true
                try verify()
                return nil
            }
            hasher?.update(piece)
            if ready.isEmpty, bounds?.isEmpty != false {
                isDone = true
                try verify()
            }
            return piece
        }

        private mutating func begin() async throws -> Range<Int64> {
            guard let object = try await store.info(digest) else { throw SlipwayError.noObject(digest) }
            if hasher != nil, let known = try await store.stamp(object) {
                if known.isVerified, trustsEarlierLooks { hasher = nil }
                stamp = known.stamp
            }
            return (range ?? 0..<object.sizeBytes).clamped(to: 0..<object.sizeBytes)
        }

        /// Asks for the next chunk; for several at once where asking takes long.
        private mutating func fill() async throws {
            guard let left = bounds, !left.isEmpty else { return }
            let traits = store.backend.traits
            let chunk = Int64(traits.chunkBytes)
            let starts = stride(from: left.lowerBound, to: left.upperBound, by: Int64.Stride(chunk)).prefix(
                traits.readsAhead ? 4 : 1)
            let ranges = starts.map { $0..<Swift.min($0 + chunk, left.upperBound) }
            let pieces = ranges.map { ObjectPiece(digest: digest, range: $0) }
            ready = try await store.backend.read(pieces).reversed()
            bounds = (ranges.last?.upperBound ?? left.upperBound)..<left.upperBound
        }

        private func verify() throws {
            guard let hasher else { return }
            guard hasher.finalize() == digest else { throw store.noteDamage(digest) }
            if let stamp { store.noteVerified(digest, stamp) }
        }
    }
}
