import Core
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where an object is inside a pack.
struct PackEntry {
    /// Of the object's bytes.
    let offset: UInt64
    let length: UInt32
    /// When it was last put or touched, in whole seconds since 1970, rounded up; 0 if it was removed.
    let touched: UInt32

    static let stampNow: @Sendable () -> UInt32 = { stamp(Clock.system.now()) }

    static func stamp(_ time: Timestamp) -> UInt32 {
        UInt32(clamping: max(1, (time.milliseconds + 999) / 1000))
    }

    static func time(_ stamp: UInt32) -> Timestamp { Timestamp(milliseconds: Int64(stamp) * 1000) }
}

/// The index of a sealed pack: digests in order, in a file that is mapped, not read. docs/objects.md has the format.
///
/// Touched times are changed in place with atomic operations, which every process that maps the file sees. So a touch
/// and a removal of the same object need no lock: whichever comes second sees the first.
///
/// Unchecked: the mapping never moves or goes before the last reference, and what changes in it is atomic.
final class PackIndex: @unchecked Sendable {
    /// Also the pack's: both are named by it.
    let id: String
    let count: Int
    /// Of the pack, with its header and all that is dead in it.
    let packBytes: UInt64
    private let base: UnsafeMutableRawPointer
    private let mappedBytes: Int

    private static let magic = Array("slipway index 1\n".utf8)
    private static let headerBytes = 32
    private static let fanoutBytes = 256 * 4
    private static let entryBytes = 48
    private static var entriesAt: Int { headerBytes + fanoutBytes }

    /// - Throws: `internal` for a file that is no index.
    init(mapping path: String, id: String) throws {
        let file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw Files.failure("opened", path) }
        defer { close(file) }
        let bytes = Int(try Files.status(file, path).sizeBytes)
        guard bytes >= Self.entriesAt,
            let base = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), base != MAP_FAILED
        else { throw Self.broken(path) }
        self.base = base
        self.id = id
        mappedBytes = bytes
        count = Int(UInt64(littleEndian: base.load(fromByteOffset: 16, as: UInt64.self)))
        packBytes = UInt64(littleEndian: base.load(fromByteOffset: 24, as: UInt64.self))
        let isWhole =
            memcmp(base, Self.magic, 16) == 0 && count >= 0 && count < 1 << 40
            && bytes == Self.entriesAt + count * Self.entryBytes
        guard isWhole else { throw Self.broken(path) }
    }

    deinit { munmap(base, mappedBytes) }

    private static func broken(_ path: String) -> SlipwayError {
        SlipwayError(
            .internal,
            "An index of the object store is broken.",
            cause: FileFailure(verb: "understood", path: path, number: EINVAL))
    }

    // MARK: Looking

    func digest(_ at: Int) -> Digest {
        Digest(bytes: UnsafeRawBufferPointer(start: base + Self.entriesAt + at * Self.entryBytes, count: 32))
    }

    func entry(_ at: Int) -> PackEntry {
        let entry = base + Self.entriesAt + at * Self.entryBytes
        return PackEntry(
            offset: UInt64(littleEndian: entry.load(fromByteOffset: 32, as: UInt64.self)),
            length: UInt32(littleEndian: entry.load(fromByteOffset: 40, as: UInt32.self)),
            touched: stamp(at).pointee.load(ordering: .acquiring))
    }

    private func stamp(_ at: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
        (base + Self.entriesAt + at * Self.entryBytes + 44).assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    /// The first position whose digest is not below this one.
    func lowerBound(_ digest: Digest) -> Int {
        let first = Int(digest.leadingWord >> 56)
        var low = first == 0 ? 0 : fanout(first - 1)
        var high = fanout(first)
        while low < high {
            let middle = (low + high) / 2
            if self.digest(middle) < digest { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// How many digests begin with this byte or a lower one.
    private func fanout(_ byte: Int) -> Int {
        min(count, Int(UInt32(littleEndian: base.load(fromByteOffset: Self.headerBytes + byte * 4, as: UInt32.self))))
    }

    func position(_ digest: Digest) -> Int? {
        let at = lowerBound(digest)
        return at < count && self.digest(at) == digest ? at : nil
    }

    func find(_ digest: Digest) -> PackEntry? {
        guard let at = position(digest) else { return nil }
        let entry = entry(at)
        return entry.touched == 0 ? nil : entry
    }

    // MARK: Touching and removing

    /// Makes the object's touched time at least this; nil if it is not here or was removed.
    func touch(_ digest: Digest, _ time: UInt32) -> PackEntry? {
        guard let at = position(digest) else { return nil }
        var now = stamp(at).pointee.load(ordering: .acquiring)
        while now != 0, now < time {
            let done = stamp(at).pointee.compareExchange(
                expected: now, desired: time, ordering: .acquiringAndReleasing)
            if done.exchanged { break }
            now = done.original
        }
        return now == 0 ? nil : entry(at)
    }

    /// Removes the object unless it was touched at `cutoff` or later; says whether it is gone.
    func remove(_ digest: Digest, untouchedSince cutoff: UInt32) -> Bool {
        guard let at = position(digest) else { return true }
        var now = stamp(at).pointee.load(ordering: .acquiring)
        while now != 0 {
            if now >= cutoff { return false }
            let done = stamp(at).pointee.compareExchange(expected: now, desired: 0, ordering: .acquiringAndReleasing)
            if done.exchanged { return true }
            now = done.original
        }
        return true
    }

    /// Removes everything, telling when each object was last touched.
    func retire(_ body: (Digest, _ touched: UInt32) -> Void) {
        for at in 0..<count {
            let last = stamp(at).pointee.exchange(0, ordering: .acquiringAndReleasing)
            if last != 0 { body(digest(at), last) }
        }
    }

    /// Bytes of the pack that hold objects.
    var liveBytes: UInt64 {
        (0..<count).reduce(0) { sum, at in
            let entry = entry(at)
            return entry.touched == 0 ? sum : sum + UInt64(Pack.frameBytes) + UInt64(entry.length)
        }
    }

    // MARK: Making

    /// Writes an index under a temporary name, synced.
    static func write(_ entries: [(digest: Digest, entry: PackEntry)], packBytes: UInt64, to path: String) throws {
        let sorted = entries.sorted { $0.digest < $1.digest }
        let size = entriesAt + sorted.count * entryBytes
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            let out = UnsafeMutableRawBufferPointer(buffer)
            out.copyBytes(from: magic)
            out.storeBytes(of: UInt64(sorted.count).littleEndian, toByteOffset: 16, as: UInt64.self)
            out.storeBytes(of: packBytes.littleEndian, toByteOffset: 24, as: UInt64.self)
            var next = 0
            for byte in 0..<256 {
                while next < sorted.count, sorted[next].digest.leadingWord >> 56 <= UInt64(byte) { next += 1 }
                out.storeBytes(of: UInt32(next).littleEndian, toByteOffset: headerBytes + byte * 4, as: UInt32.self)
            }
            for (at, item) in sorted.enumerated() {
                let start = entriesAt + at * entryBytes
                item.digest.withBytes { UnsafeMutableRawBufferPointer(rebasing: out[start...]).copyMemory(from: $0) }
                out.storeBytes(of: item.entry.offset.littleEndian, toByteOffset: start + 32, as: UInt64.self)
                out.storeBytes(of: item.entry.length.littleEndian, toByteOffset: start + 40, as: UInt32.self)
                out.storeBytes(of: item.entry.touched, toByteOffset: start + 44, as: UInt32.self)
            }
            filled = size
        }
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Files.failure("made", path) }
        defer { close(file) }
        try bytes.withUnsafeBytes { try Files.writeAll(file, path, $0) }
        guard fsync(file) == 0 else { throw Files.failure("synced", path) }
    }
}
