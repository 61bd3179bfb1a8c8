import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The kinds of archives that are read.
public enum ArchiveFormat: String, Sendable, CaseIterable {
    case zip
    case tar
    /// A tar archive inside gzip (RFC 1952).
    case tarGzip = "tar.gz"

    /// By the ending of a file's name; nil if it names no archive.
    public init?(fileName: String) {
        let name = fileName.lowercased()
        if name.hasSuffix(".zip") {
            self = .zip
        } else if name.hasSuffix(".tar.gz") || name.hasSuffix(".tgz") {
            self = .tarGzip
        } else if name.hasSuffix(".tar") {
            self = .tar
        } else {
            return nil
        }
    }
}

/// What an archive from outside may unpack to. An archive beyond a limit is refused as a whole.
public struct ArchiveLimits: Sendable {
    public var entries = 2_000_000
    public var totalBytes: Int64 = 256 << 30
    /// How many times its own size an archive may unpack to, once that is more than `freeBytes`. Deflate cannot exceed
    /// 1032; photographs stay near 1, text near 10.
    public var ratio: Int64 = 200
    /// What may be unpacked whatever the ratio: small bombs do no harm.
    public var freeBytes: Int64 = 64 << 20

    public init() {}
}

/// A regular file of an archive.
public struct ArchiveEntry: Hashable, Sendable {
    public let path: RelativePath
    /// As the archive declares it; the content is refused if it has another size.
    public let sizeBytes: Int64
}

/// Reads the regular files of an archive, one after the other. Folders are passed over; symbolic and hard links, devices,
/// encrypted entries, two entries of one path and paths that leave the folder are refused (`invalid`, naming the entry).
/// Blocking; for one thread at a time.
public final class ArchiveReader {
    private let source: any EntrySource
    private let limits: ArchiveLimits
    private let archiveBytes: Int64
    private var entries = 0
    private var unpackedBytes: Int64 = 0
    private var entryRest: Int64 = 0
    private var seen: Set<Digest> = []

    /// - Throws: `invalid` if the file is no archive of that format.
    public init(path: String, format: ArchiveFormat, limits: ArchiveLimits = ArchiveLimits()) throws {
        let file = try ArchiveFile(path)
        archiveBytes = file.sizeBytes
        self.limits = limits
        source =
            switch format {
            case .zip: try ZipSource(file, limits)
            case .tar: TarSource(PlainBytes(file))
            case .tarGzip: TarSource(GzipBytes(file))
            }
    }

    /// The next file; nil after the last. What was not read of the one before is passed over, and checked.
    public func next() throws -> ArchiveEntry? {
        while entryRest > 0 { _ = try read(maximumBytes: 1 << 20) }
        guard let entry = try source.next() else { return nil }
        entries += 1
        guard entries <= limits.entries else {
            throw SlipwayError(
                .tooLarge, "The archive has more than the \(limits.entries) files that are taken.",
                details: ["limit": String(limits.entries)])
        }
        let path: RelativePath
        do { path = try RelativePath(parsing: entry.name) } catch let error as SlipwayError {
            throw SlipwayError(
                .invalid, "An entry of the archive is refused, and nothing was taken. \(error.message)",
                details: ["entry": Self.shown(entry.name, 1000)])
        }
        // Digests, because a set of a million paths would be large.
        guard seen.insert(Digest.of(path.description)).inserted else {
            throw ArchiveReader.refused(entry.name, "is there twice")
        }
        entryRest = entry.sizeBytes
        try count(0)
        guard entry.sizeBytes <= limits.totalBytes - unpackedBytes else { throw tooLarge() }
        if entry.sizeBytes == 0 { _ = try source.read(maximumBytes: 1) }
        return ArchiveEntry(path: path, sizeBytes: entry.sizeBytes)
    }

    /// The next bytes of the current file, at most so many; empty at its end.
    public func read(maximumBytes: Int) throws -> [UInt8] {
        guard entryRest > 0 else { return [] }
        let bytes = try source.read(maximumBytes: min(maximumBytes, Int(clamping: entryRest)))
        try count(Int64(bytes.count))
        entryRest -= Int64(bytes.count)
        return bytes
    }

    private func count(_ bytes: Int64) throws {
        unpackedBytes += bytes
        guard unpackedBytes <= limits.totalBytes else { throw tooLarge() }
        guard unpackedBytes <= max(limits.freeBytes, archiveBytes * limits.ratio) else {
            throw SlipwayError(
                .tooLarge,
                "The archive unpacks to more than \(limits.ratio) times its own size, as archives do that are made to fill a disk; it is refused. Unpack it yourself and add the folder if you trust it.",
                details: ["limit": String(limits.ratio)])
        }
    }

    private func tooLarge() -> SlipwayError {
        SlipwayError(
            .tooLarge, "The archive unpacks to more than the \(limits.totalBytes) bytes that are taken.",
            details: ["limit": String(limits.totalBytes)])
    }

    static func refused(_ name: String, _ problem: String) -> SlipwayError {
        SlipwayError(
            .invalid, "The archive's entry '\(shown(name, 200))' \(problem); nothing was taken.",
            details: ["entry": shown(name, 1000)])
    }

    private static func shown(_ name: String, _ length: Int) -> String {
        String(name.unicodeScalars.prefix(length).map { $0.value < 32 || $0.value == 127 ? "?" : Character($0) })
    }
}

/// An entry whose name was not looked at yet.
struct RawEntry {
    let name: String
    let sizeBytes: Int64
}

/// The regular files of one format. `read` gives at least one byte until the entry's declared size was given, and
/// checks what the format offers to check when the last byte (or, of an empty entry, the first) is asked for.
protocol EntrySource {
    func next() throws -> RawEntry?
    func read(maximumBytes: Int) throws -> [UInt8]
}

/// An archive on disk.
final class ArchiveFile {
    let sizeBytes: Int64
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            throw SlipwayError(.notFound, "The archive cannot be opened: \(String(cString: strerror(errno))).")
        }
        sizeBytes = Int64(status.st_size)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Up to `count` bytes from `offset` on; fewer only at the end.
    func read(_ offset: Int64, _ count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: max(0, count)) { buffer, filled in
            while filled < count, let base = buffer.baseAddress {
                let n = pread(descriptor, base + filled, count - filled, off_t(offset + Int64(filled)))
                if n < 0, errno == EINTR { continue }
                guard n >= 0 else {
                    throw SlipwayError(
                        .unavailable, "The archive cannot be read: \(String(cString: strerror(errno))).")
                }
                if n == 0 { break }
                filled += n
            }
        }
    }
}

extension [UInt8] {
    /// The little-endian number of `count` bytes at `offset`.
    func number(_ offset: Int, _ count: Int) -> UInt64 {
        (0..<count).reduce(0) { $0 | UInt64(self[offset + $1]) << (8 * UInt64($1)) }
    }
}
