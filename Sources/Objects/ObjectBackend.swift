import Core

/// What an object is: the SHA-256 of its bytes, which is its name, and how many there are.
public struct ObjectInfo: Hashable, Sendable {
    public let digest: Digest
    public let sizeBytes: Int64

    public init(digest: Digest, sizeBytes: Int64) {
        self.digest = digest
        self.sizeBytes = sizeBytes
    }
}

/// An object as a backend lists it.
public struct StoredObject: Hashable, Sendable {
    public let info: ObjectInfo
    /// When it was last put or touched.
    public let touched: Timestamp

    public init(info: ObjectInfo, touched: Timestamp) {
        self.info = info
        self.touched = touched
    }
}

/// The bytes of an object on their way into a backend, whose digest is known already.
public enum ObjectContent: Sendable {
    case bytes([UInt8])
    /// Bytes that may share a file with others: for many objects of at most `Pack.objectMaximumBytes`.
    case small(ArraySlice<UInt8>)
    /// A file in the backend's staging folder: complete, mode 0444, not synced. It is gone when the commit
    /// succeeded, and remains the caller's if it failed.
    case staged(path: String)
}

/// An object, or a part of it, to be read.
public struct ObjectPiece: Hashable, Sendable {
    public let digest: Digest
    /// nil for the whole object.
    public let range: Range<Int64>?

    public init(digest: Digest, range: Range<Int64>? = nil) {
        self.digest = digest
        self.range = range
    }
}

/// Where the bytes of an object can be had without the store.
public enum ObjectLocation: Hashable, Sendable {
    /// A file that must only be read.
    case file(path: String)
    /// A URL that lets its bearer GET the object for a while.
    case url(String)
}

/// What is fixed about a backend.
public struct ObjectBackendTraits: Hashable, Sendable {
    /// Where uploads are collected before their digest is known.
    public let stagingFolder: String
    /// How many bytes a streaming reader asks for at once.
    public let chunkBytes: Int
    /// Whether a streaming reader should ask for the next chunk before it needs it, because asking takes long.
    public let readsAhead: Bool

    public init(stagingFolder: String, chunkBytes: Int, readsAhead: Bool) {
        self.stagingFolder = stagingFolder
        self.chunkBytes = chunkBytes
        self.readsAhead = readsAhead
    }
}

/// A place that holds objects. Its calls may run concurrently. One conformance suite in the tests says what each must do.
public protocol ObjectBackend: Sendable {
    var traits: ObjectBackendTraits { get }

    /// Stores objects; they are durable, and their touched times are now, when this returns. If an object is there
    /// already with that size, its bytes stay, unless `replacing`.
    func commit(_ objects: [(object: ObjectInfo, content: ObjectContent)], replacing: Bool) async throws

    /// For each digest the object if it is there, at a cost that does not depend on how many there are.
    ///
    /// - Parameter touching: also moves the touched times to now (S3: unless newer than ten minutes).
    func info(_ digests: [Digest], touching: Bool) async throws -> [ObjectInfo?]

    /// Exactly the bytes that are asked for, in that order, not verified.
    ///
    /// - Throws: `notFound`; `internal` if an object is shorter than its piece.
    func read(_ pieces: [ObjectPiece]) async throws -> [[UInt8]]

    /// Objects with digests after `after`, in order, about `limit` of them; empty at the end only.
    func list(after: Digest?, limit: Int) async throws -> [StoredObject]

    /// Deletes each object unless it was touched at or after `untouchedSince`; says which are gone.
    func delete(_ digests: [Digest], untouchedSince: Timestamp) async throws -> [Bool]

    /// Where the object can be had directly, if it is there; nil if it has to be read through the store.
    func location(of digest: Digest, expiresSeconds: Int) async throws -> ObjectLocation?

    /// Removes what uploads that never ended left before `cutoff`, and gives space of deleted objects back to the disk; in
    /// a dry run only counts the leftovers.
    func removeLeftovers(before cutoff: Timestamp, dryRun: Bool) async throws -> (count: Int, bytes: Int64)
}

extension ObjectBackend {
    func info(_ digest: Digest, touching: Bool) async throws -> ObjectInfo? {
        try await info([digest], touching: touching)[0]
    }

    func read(_ digest: Digest, range: Range<Int64>) async throws -> [UInt8] {
        try await read([ObjectPiece(digest: digest, range: range)])[0]
    }
}

extension SlipwayError {
    /// An object that is not in the store.
    static func noObject(_ digest: Digest) -> SlipwayError {
        .notFound(Ref(.object, digest.hex), hint: "It was never stored, or was collected as garbage.")
    }

    /// An object whose bytes are not those of its name.
    static func damaged(_ digest: Digest, _ problem: String) -> SlipwayError {
        SlipwayError(
            .internal,
            "The stored object \(digest) is damaged: \(problem). Storing the same content again repairs it; otherwise restore it from a backup.",
            ref: Ref(.object, digest.hex))
    }
}
