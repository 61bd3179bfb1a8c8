import Core
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The format of a pack: a header, then frames of a digest, a length and that many bytes.
enum Pack {
    static let magic = Array("slipway pack 1\n\0".utf8)
    /// 32 bytes of digest and 8 of length, little-endian.
    static let frameBytes = 40
    /// Bigger objects are files of their own.
    static let objectMaximumBytes: Int64 = 4 << 20

    /// A pack that has grown to one of these is sealed; it may grow past them by one batch.
    struct Limits {
        var bytes: UInt64 = 512 << 20
        var count = 1 << 17
    }

    /// Goes through the complete frames from `start` on and says where they end: the end of the file, or the begin of a
    /// frame that is cut or has other bytes than its digest says, which is what a crash in a write leaves.
    static func scan(
        _ file: Int32, _ path: String, from start: UInt64, _ body: (Digest, _ offset: UInt64, _ length: UInt32) -> Void
    ) throws -> UInt64 {
        let size = UInt64(try Files.status(file, path).sizeBytes)
        var at = start
        if at == 0 {
            guard try Files.read(file, path, offset: 0, count: magic.count) == magic else { return 0 }
            at = UInt64(magic.count)
        }
        while at + UInt64(frameBytes) <= size {
            let frame = try Files.read(file, path, offset: Int64(at), count: frameBytes)
            guard frame.count == frameBytes else { break }
            let (digest, length) = frame.withUnsafeBytes { bytes in
                (
                    Digest(bytes: UnsafeRawBufferPointer(rebasing: bytes[..<32])),
                    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 32, as: UInt64.self))
                )
            }
            let offset = at + UInt64(frameBytes)
            guard length <= UInt64(objectMaximumBytes), offset + length <= size else { break }
            let bytes = try Files.read(file, path, offset: Int64(offset), count: Int(length))
            guard bytes.count == Int(length), Digest.of(bytes) == digest else { break }
            body(digest, offset, UInt32(length))
            at = offset + length
        }
        return at
    }
}

/// A pack that is not sealed, and has its index in memory. One process writes it, which shows by its lock on the file;
/// others read what is complete.
///
/// Unchecked: the descriptor and the size are used by one thread at a time (`Packs.writing`); entries have a lock.
final class OpenPack: @unchecked Sendable {
    struct Entry {
        let offset: UInt64
        let length: UInt32
        var touched: UInt32
        /// Others must not see it before it is on disk.
        var isDurable: Bool
    }

    struct Entries {
        var byDigest: [Digest: Entry] = [:]
        /// What the pack was sealed into; touches go there from then on.
        var successor: PackIndex?
    }

    let id: String
    let path: String
    /// The end of what was written or, for another process's pack, seen.
    private(set) var size: UInt64 = 0
    let entries = Mutex(Entries())
    private(set) var file: Int32
    private(set) var isOwned = false
    /// How much was on disk after the last sync.
    private let synced = Atomic<UInt64>(0)
    /// After a failed sync nobody knows what is on disk: nothing more is added, and who waits for a sync hears of it.
    private let broken = Atomic<Bool>(false)
    var isBroken: Bool { broken.load(ordering: .acquiring) }

    /// A pack that is there: reads its frames.
    init(reading path: String, id: String) throws {
        self.id = id
        self.path = path
        file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw Files.failure("opened", path) }
        try readOn()
    }

    /// A new pack, ours.
    init(making path: String, id: String) throws {
        self.id = id
        self.path = path
        file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0, flock(file, LOCK_EX | LOCK_NB) == 0 else { throw Files.failure("made", path) }
        isOwned = true
        try Pack.magic.withUnsafeBytes { try Files.writeAll(file, path, $0) }
        size = UInt64(Pack.magic.count)
        guard fsync(file) == 0 else { throw Files.failure("synced", path) }
        synced.store(size, ordering: .releasing)
    }

    deinit { if file >= 0 { close(file) } }

    /// Takes in what another process has added.
    func readOn() throws {
        let now = PackEntry.stampNow()
        var found: [(Digest, Entry)] = []
        size = try Pack.scan(file, path, from: size) { digest, offset, length in
            found.append((digest, Entry(offset: offset, length: length, touched: now, isDurable: true)))
        }
        entries.withLock { entries in
            for (digest, entry) in found { entries.byDigest[digest] = entry }
        }
    }

    /// Makes the pack ours if no living process has it, and cuts off an incomplete end.
    func adopt() throws -> Bool {
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else { return false }
        isOwned = true
        try readOn()
        // A crash may have come before the header was complete.
        if size == 0 {
            guard ftruncate(file, 0) == 0 else { throw Files.failure("cut", path) }
            try write(Pack.magic[...], at: 0)
            size = UInt64(Pack.magic.count)
        }
        guard ftruncate(file, off_t(size)) == 0, fsync(file) == 0 else { throw Files.failure("cut", path) }
        synced.store(size, ordering: .releasing)
        return true
    }

    func find(_ digest: Digest) -> PackEntry? {
        entries.withLock { entries in
            guard let entry = entries.byDigest[digest], entry.isDurable else { return nil }
            return PackEntry(offset: entry.offset, length: entry.length, touched: entry.touched)
        }
    }

    /// nil if it is not here, or not on disk yet.
    func touch(_ digest: Digest, _ time: UInt32) -> PackEntry? {
        entries.withLock { entries in
            if let successor = entries.successor { return successor.touch(digest, time) }
            guard let entry = entries.byDigest[digest], entry.isDurable else { return nil }
            entries.byDigest[digest]?.touched = max(entry.touched, time)
            return PackEntry(offset: entry.offset, length: entry.length, touched: max(entry.touched, time))
        }
    }

    /// See `PackIndex.remove`. Only until the next start: then the pack is read again.
    func remove(_ digest: Digest, untouchedSince cutoff: UInt32) -> Bool {
        entries.withLock { entries in
            if let successor = entries.successor { return successor.remove(digest, untouchedSince: cutoff) }
            guard let entry = entries.byDigest[digest] else { return true }
            guard isOwned, entry.isDurable, entry.touched < cutoff else { return false }
            entries.byDigest[digest] = nil
            return true
        }
    }

    // MARK: Writing (by the owner, one thread at a time)

    /// Adds frames, or nothing. They count when `sync` and `publish` have returned.
    func append(_ objects: [(object: ObjectInfo, bytes: ArraySlice<UInt8>)]) throws {
        let start = size
        let now = PackEntry.stampNow()
        var added: [(Digest, Entry)] = []
        added.reserveCapacity(objects.count)
        do {
            var buffer: [UInt8] = []
            buffer.reserveCapacity(Self.bufferBytes + Pack.frameBytes)
            var at = size
            let end = objects.reduce(size) { $0 + UInt64(Pack.frameBytes + $1.bytes.count) }
            func flush() throws {
                try write(buffer[...], at: at, before: end)
                at += UInt64(buffer.count)
                buffer.removeAll(keepingCapacity: true)
            }
            for (object, bytes) in objects {
                object.digest.withBytes { buffer.append(contentsOf: $0) }
                withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { buffer.append(contentsOf: $0) }
                let offset = at + UInt64(buffer.count)
                if buffer.count + bytes.count > Self.bufferBytes {
                    try flush()
                    try write(bytes, at: at, before: end)
                    at += UInt64(bytes.count)
                } else {
                    buffer.append(contentsOf: bytes)
                }
                let entry = Entry(offset: offset, length: UInt32(bytes.count), touched: now, isDurable: false)
                added.append((object.digest, entry))
            }
            try flush()
            size = at
        } catch {
            // Half a batch would be the end of the pack for whoever reads it after a crash.
            if ftruncate(file, off_t(start)) != 0 { broken.store(true, ordering: .releasing) }
            throw error
        }
        entries.withLock { entries in
            for (digest, entry) in added where entries.byDigest[digest] == nil { entries.byDigest[digest] = entry }
        }
    }

    private static let bufferBytes = 1 << 20

    private func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64, before end: UInt64? = nil) throws {
        let missing = end.map { Int64($0 - offset) }
        try bytes.withUnsafeBytes { try Files.writeAll(file, path, $0, at: Int64(offset), ofWhichMissing: missing) }
    }

    /// Brings all that was appended before to disk.
    func sync() throws {
        let end = size
        guard fdatasync(file) == 0 else {
            broken.store(true, ordering: .releasing)
            throw Files.failure("synced", path)
        }
        // Another thread's sync may have failed for the same bytes, and this one was told nothing.
        guard !isBroken else {
            errno = EIO
            throw Files.failure("synced", path)
        }
        _ = synced.max(end, ordering: .acquiringAndReleasing)
    }

    /// Gives back the touched times of objects that were in another pack.
    func restore(_ times: some Sequence<(Digest, UInt32)>) {
        entries.withLock { entries in
            for (digest, touched) in times { entries.byDigest[digest]?.touched = touched }
        }
    }

    func publish(_ digests: some Sequence<Digest>) {
        entries.withLock { entries in
            for digest in digests { entries.byDigest[digest]?.isDurable = true }
        }
    }

    var count: Int { entries.withLock { $0.byDigest.count } }

    func isFull(_ limits: Pack.Limits) -> Bool { size >= limits.bytes || count >= limits.count }

    /// Makes the pack unchangeable: its index goes to disk.
    func seal(temporary: String, final: String) throws -> PackIndex {
        if isBroken {
            size = synced.load(ordering: .acquiring)
            guard size > 0, ftruncate(file, off_t(size)) == 0, fsync(file) == 0 else {
                throw Files.failure("cut", path)
            }
            entries.withLock { entries in entries.byDigest = entries.byDigest.filter(\.value.isDurable) }
        } else {
            try sync()
        }
        let all = entries.withLock { entries in
            entries.byDigest.map { digest, entry in
                (
                    digest: digest,
                    entry: PackEntry(offset: entry.offset, length: entry.length, touched: entry.touched)
                )
            }
        }
        try PackIndex.write(all, packBytes: size, to: temporary)
        guard rename(temporary, final) == 0 else { throw Files.failure("renamed", final) }
        let index = try PackIndex(mapping: final, id: id)
        entries.withLock { entries in
            for (digest, before) in all {
                if let entry = entries.byDigest[digest] {
                    if entry.touched > before.touched { _ = index.touch(digest, entry.touched) }
                } else {
                    _ = index.remove(digest, untouchedSince: .max)
                }
            }
            entries.successor = index
        }
        return index
    }
}
