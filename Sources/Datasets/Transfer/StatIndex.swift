import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the client knows of a folder that it added or checked out: each file's content as of then, so that a file that
/// was not touched is not read again, and the version that the folder was.
///
/// One file a folder in the client's cache folder; a lost or broken one only costs time.
struct StatIndex: Sendable {
    struct Entry: Sendable {
        let path: String
        let stamp: FileStamp
        let digest: Digest
        let chunks: Digest?
    }

    /// The version that the folder's files were when this was written.
    struct Base: Sendable, Hashable {
        let server: String
        let dataset: String
        let branch: String
        /// The folder of the dataset that this folder is; empty for all of it.
        let prefix: String
        let version: Int
        let digest: String

        func isOf(_ server: String, _ dataset: String, _ prefix: String) -> Bool {
            self.server == server && self.dataset == dataset && self.prefix == prefix
        }
    }

    var base: Base?
    /// In the order of their paths' bytes.
    var entries: [Entry] = []
    /// When the files were looked at.
    private(set) var takenNanoseconds: Int64 = 0

    private static let magic = Array("slipway index 1\n".utf8)
    /// A file that changed so shortly before it was looked at could change again without another time stamp.
    private static let doubtNanoseconds: Int64 = 20_000_000

    init(base: Base? = nil, entries: [Entry] = [], takenNanoseconds: Int64 = 0) {
        self.base = base
        self.entries = entries
        self.takenNanoseconds = takenNanoseconds
    }

    /// Whether the entry still tells the content of a file with this stamp.
    func holds(_ entry: Entry, for stamp: FileStamp) -> Bool {
        entry.stamp == stamp
            && max(stamp.modifiedNanoseconds, stamp.changedNanoseconds) < takenNanoseconds - Self.doubtNanoseconds
    }

    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    // MARK: On disk

    /// The client's cache folder: `SLIPWAY_CACHE`, else `slipway` in `XDG_CACHE_HOME` or `~/.cache`.
    static var cacheFolder: String {
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        return variable("SLIPWAY_CACHE")
            ?? (variable("XDG_CACHE_HOME") ?? (variable("HOME") ?? "/tmp") + "/.cache") + "/slipway"
    }

    /// Where the index of a folder (by its absolute path) is, for one dataset of one server: a folder that goes to two
    /// servers is known to both.
    static func path(
        of folder: String, server: String, dataset: String, prefix: String, _ ending: String = "index"
    ) -> String {
        let key = [folder, server, dataset, prefix].joined(separator: "\0")
        return "\(cacheFolder)/folders/\(Digest.of(key).hex.prefix(40)).\(ending)"
    }

    /// An empty index if there is none, or it is broken.
    init(reading path: String) {
        guard let bytes = try? Self.contents(path), bytes.starts(with: Self.magic) else { return }
        var at = Self.magic.count
        func number() -> UInt64? {
            guard at + 8 <= bytes.count else { return nil }
            defer { at += 8 }
            return bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: UInt64.self)) }
        }
        func text() -> String? {
            guard let count = number(), count < 1 << 20, at + Int(count) <= bytes.count else { return nil }
            defer { at += Int(count) }
            return String(decoding: bytes[at..<(at + Int(count))], as: UTF8.self)
        }
        func digest() -> Digest? {
            guard at + 32 <= bytes.count else { return nil }
            defer { at += 32 }
            return bytes.withUnsafeBytes { Digest(bytes: UnsafeRawBufferPointer(rebasing: $0[at..<(at + 32)])) }
        }
        guard let taken = number(), let head = text(), let count = number() else { return }
        let fields = try? JSONValue(parsing: head)
        entries.reserveCapacity(Int(clamping: min(count, 10_000_000)))
        for _ in 0..<count {
            guard let path = text(), let size = number(), let modified = number(), let changed = number(),
                let inode = number(), let content = digest(), let flag = number()
            else {
                entries = []
                return
            }
            let stamp = FileStamp(
                sizeBytes: Int64(bitPattern: size), modifiedNanoseconds: Int64(bitPattern: modified),
                changedNanoseconds: Int64(bitPattern: changed), inode: inode)
            var chunks: Digest?
            if flag == 1 {
                guard let list = digest() else {
                    entries = []
                    return
                }
                chunks = list
            }
            entries.append(Entry(path: path, stamp: stamp, digest: content, chunks: chunks))
        }
        takenNanoseconds = Int64(bitPattern: taken)
        if let fields, let server = fields["server"]?.stringValue, let dataset = fields["dataset"]?.stringValue,
            let branch = fields["branch"]?.stringValue, let version = fields["version"]?.intValue
        {
            base = Base(
                server: server, dataset: dataset, branch: branch, prefix: fields["prefix"]?.stringValue ?? "",
                version: Int(version), digest: fields["digest"]?.stringValue ?? "")
        }
    }

    /// Writes the index whole or not at all.
    func write(to path: String) throws {
        var out = Self.magic
        out.reserveCapacity(entries.count * 160)
        func number(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { out.append(contentsOf: $0) } }
        func text(_ text: String) {
            number(UInt64(text.utf8.count))
            out.append(contentsOf: text.utf8)
        }
        number(UInt64(bitPattern: takenNanoseconds))
        let head: JSONValue =
            base.map {
                [
                    "server": .string($0.server), "dataset": .string($0.dataset), "branch": .string($0.branch),
                    "prefix": .string($0.prefix), "version": JSONValue($0.version),
                    "digest": .string($0.digest),
                ]
            } ?? [:]
        text(head.canonicalText)
        number(UInt64(entries.count))
        for entry in entries {
            text(entry.path)
            number(UInt64(bitPattern: entry.stamp.sizeBytes))
            number(UInt64(bitPattern: entry.stamp.modifiedNanoseconds))
            number(UInt64(bitPattern: entry.stamp.changedNanoseconds))
            number(entry.stamp.inode)
            entry.digest.withBytes { out.append(contentsOf: $0) }
            number(entry.chunks == nil ? 0 : 1)
            entry.chunks?.withBytes { out.append(contentsOf: $0) }
        }
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        try makeFolder(folder)
        let temporary = "\(path).\(ID.make())"
        let file = try WorkFile(temporary)
        try file.write(out)
        try file.close()
        guard rename(temporary, path) == 0 else { throw LocalFolder.failure("written", path) }
    }

    private static func contents(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else { throw LocalFolder.failure("read", path) }
        defer { close(descriptor) }
        return try FileBytes.read(descriptor, path, count: Int(status.st_size))
    }
}

/// Blocking reads of files on the client's machine.
enum FileBytes {
    /// Up to `count` bytes from the current place on.
    static func read(_ descriptor: Int32, _ path: String, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count, let base = buffer.baseAddress {
                let n = systemRead(descriptor, base + filled, count - filled)
                if n < 0, errno == EINTR { continue }
                guard n >= 0 else { throw LocalFolder.failure("read", path) }
                if n == 0 { break }
                filled += n
            }
        }
    }

    private static func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, buffer, count)
        #else
            Darwin.read(descriptor, buffer, count)
        #endif
    }

    /// The first bytes of a file, up to `count`.
    static func start(_ path: String, _ count: Int) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw LocalFolder.failure("read", path) }
        defer { close(descriptor) }
        return try read(descriptor, path, count: count)
    }

    /// A file that must have the size that it was seen with, whole.
    static func whole(_ path: String, _ stamp: FileStamp) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw LocalFolder.failure("read", path) }
        defer { close(descriptor) }
        // One byte more would show that it grew.
        let bytes = try read(descriptor, path, count: Int(stamp.sizeBytes) + 1)
        guard bytes.count == Int(stamp.sizeBytes) else {
            throw SlipwayError(.conflict, "\(path) changed while it was read. Add it when nobody writes it any more.")
        }
        return bytes
    }
}
