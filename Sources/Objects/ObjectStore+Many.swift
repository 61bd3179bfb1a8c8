import Core
import Transport

extension ObjectStore {
    /// Stores many contents that are in memory, at about the price of their hashes: those of up to 4 MiB go into packs on
    /// disk, with one sync for all, and are sent to S3 in parallel. All are durable when this returns; if it throws, some
    /// may be.
    ///
    /// - Returns: what each is stored as, in the order given.
    public func putMany(_ contents: [[UInt8]]) async throws -> [ObjectInfo] {
        try await putMany(slices: contents.map { $0[...] })
    }

    func putMany(slices contents: [ArraySlice<UInt8>]) async throws -> [ObjectInfo] {
        let objects = try await hash(contents)
        if !objects.isEmpty { try await commit(zip(objects, contents).map { ($0, .small($1)) }) }
        return objects
    }

    /// Two threads share bigger batches.
    private func hash(_ contents: [ArraySlice<UInt8>]) async throws -> [ObjectInfo] {
        @Sendable func hash(_ some: ArraySlice<ArraySlice<UInt8>>) async throws -> [ObjectInfo] {
            try await pool.run { cancellation in
                try some.map { content in
                    try cancellation.check()
                    return ObjectInfo(
                        digest: content.withUnsafeBytes { Digest.of($0) }, sizeBytes: Int64(content.count))
                }
            }
        }
        let middle = contents.count / 2
        guard contents.reduce(0, { $0 + $1.count }) > 1 << 20, middle > 0 else { return try await hash(contents[...]) }
        async let first = hash(contents[..<middle])
        async let second = hash(contents[middle...])
        return try await first + second
    }

    /// The digests of those that are not in the store, in the order given. The grace period of the others starts anew, so
    /// that they may be referred to.
    public func missing(among digests: [Digest]) async throws -> [Digest] {
        zip(digests, try await touch(digests)).compactMap { $1 == nil ? $0 : nil }
    }

    /// For each digest the object if it is in the store; its grace period starts anew.
    public func touch(_ digests: [Digest]) async throws -> [ObjectInfo?] {
        digests.isEmpty ? [] : try await backend.info(digests, touching: true)
    }

    /// Whole objects, verified, in the order given.
    ///
    /// - Parameter maximumBytes: of all together.
    /// - Throws: `notFound`; `tooLarge`; `internal` if one is damaged.
    public func readMany(_ digests: [Digest], maximumBytes: Int64 = 64 << 20) async throws -> [[UInt8]] {
        guard !digests.isEmpty else { return [] }
        var sum: Int64 = 0
        for (digest, object) in zip(digests, try await backend.info(digests, touching: false)) {
            guard let object else { throw SlipwayError.noObject(digest) }
            sum += object.sizeBytes
        }
        guard sum <= maximumBytes else {
            throw SlipwayError(
                .tooLarge, "The objects have \(sum) bytes, more than the \(maximumBytes) that are read at once.",
                details: ["limit": String(maximumBytes)])
        }
        let contents = try await backend.read(digests.map { ObjectPiece(digest: $0) })
        let bad = try await pool.run { cancellation in
            try zip(digests, contents).first { digest, bytes in
                try cancellation.check()
                return Digest.of(bytes) != digest
            }
        }
        if let bad { throw noteDamage(bad.0) }
        return contents
    }
}
