import Core

/// Zip archives after PKWARE's APPNOTE.TXT 6.3: stored and deflated entries, with zip64. The central directory is what
/// counts; local headers only say where the data begins.
final class ZipSource: EntrySource {
    private struct Entry {
        let name: String
        let method: UInt64
        let checksum: UInt64
        let compressed: Int64
        let size: Int64
        let offset: Int64
    }

    private let file: ArchiveFile
    private var entries: [Entry] = []
    private var index = 0
    // The entry that is being read.
    private var current: Entry?
    private var at: Int64 = 0
    private var rest: Int64 = 0
    private var given: Int64 = 0
    private var inflate: Inflate?
    private var sum = Checksum()

    private static let blockBytes = 256 << 10
    private static let directoryMaximumBytes: Int64 = 512 << 20

    init(_ file: ArchiveFile, _ limits: ArchiveLimits) throws {
        self.file = file
        let (count, size, offset) = try Self.directory(file)
        guard count <= UInt64(limits.entries), size <= Self.directoryMaximumBytes else {
            throw SlipwayError(
                .tooLarge, "The archive has \(count) entries, more than the \(limits.entries) that are taken.",
                details: ["limit": String(limits.entries)])
        }
        let directory = try file.read(offset, Int(size))
        guard directory.count == Int(size) else { throw Self.broken("was cut short") }
        var at = 0
        for _ in 0..<count {
            guard at + 46 <= directory.count, directory.number(at, 4) == 0x0201_4b50 else {
                throw Self.broken("has a damaged list of entries")
            }
            let lengths = (0..<3).map { Int(directory.number(at + 28 + 2 * $0, 2)) }
            let end = at + 46 + lengths[0] + lengths[1] + lengths[2]
            guard end <= directory.count else { throw Self.broken("has a damaged list of entries") }
            if let entry = try Self.entry(directory, at, lengths) { entries.append(entry) }
            at = end
        }
        // Bombs without a high ratio let many entries share one piece of the file (D. Fifield, "A better zip bomb").
        entries.sort { $0.offset < $1.offset }
        for (entry, next) in zip(entries, entries.dropFirst())
        where next.offset - entry.offset < 30 + entry.compressed {
            throw ArchiveReader.refused(next.name, "lies over another one")
        }
    }

    /// The number of entries, the size and the place of the central directory.
    private static func directory(_ file: ArchiveFile) throws -> (UInt64, Int64, Int64) {
        let length = min(file.sizeBytes, 22 + 65_535)
        let tail = try file.read(file.sizeBytes - length, Int(length))
        guard tail.count >= 22,
            let end = stride(from: tail.count - 22, through: 0, by: -1).first(where: {
                tail.number($0, 4) == 0x0605_4b50 && $0 + 22 + Int(tail.number($0 + 20, 2)) == tail.count
            })
        else { throw broken("is no zip archive, or was cut short") }
        var (count, size, offset) = (tail.number(end + 10, 2), tail.number(end + 12, 4), tail.number(end + 16, 4))
        if count == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF {
            let locator = try file.read(file.sizeBytes - length + Int64(end) - 20, 20)
            guard locator.count == 20, locator.number(0, 4) == 0x0706_4b50, locator.number(8, 8) < Int64.max else {
                throw broken("has a damaged zip64 record")
            }
            let record = try file.read(Int64(locator.number(8, 8)), 56)
            guard record.count == 56, record.number(0, 4) == 0x0606_4b50 else {
                throw broken("has a damaged zip64 record")
            }
            (count, size, offset) = (record.number(32, 8), record.number(40, 8), record.number(48, 8))
        }
        guard size <= UInt64(file.sizeBytes), offset <= UInt64(file.sizeBytes) - size else {
            throw broken("has a damaged list of entries")
        }
        return (count, Int64(size), Int64(offset))
    }

    /// nil for a folder.
    private static func entry(_ bytes: [UInt8], _ at: Int, _ lengths: [Int]) throws -> Entry? {
        let nameBytes = bytes[(at + 46)..<(at + 46 + lengths[0])]
        guard let name = String(validating: nameBytes, as: UTF8.self) else {
            throw ArchiveReader.refused(
                String(decoding: nameBytes, as: UTF8.self), "has a name that is not UTF-8; pack it with a current tool")
        }
        // Made by Unix: the upper half of the attributes is the mode, whose type tells links and devices.
        let type = (bytes.number(at + 38, 4) >> 16) & 0o170000
        if name.hasSuffix("/") || type == 0o040000 { return nil }
        guard type == 0 || type == 0o100000 else { throw ArchiveReader.refused(name, "is a link or a device") }
        guard bytes.number(at + 8, 2) & 0x41 == 0 else { throw ArchiveReader.refused(name, "is encrypted") }
        let method = bytes.number(at + 10, 2)
        guard method == 0 || method == 8 else {
            throw ArchiveReader.refused(name, "is packed by method \(method); stored and deflated entries are read")
        }
        var (compressed, size, offset) = (
            bytes.number(at + 20, 4), bytes.number(at + 24, 4), bytes.number(at + 42, 4)
        )
        var extra = at + 46 + lengths[0]
        let end = extra + lengths[1]
        while extra + 4 <= end {
            let (id, length) = (bytes.number(extra, 2), Int(bytes.number(extra + 2, 2)))
            var field = extra + 4
            guard field + length <= end else { break }
            func take(_ value: inout UInt64) {
                guard value == 0xFFFF_FFFF, field + 8 <= extra + 4 + length else { return }
                value = bytes.number(field, 8)
                field += 8
            }
            if id == 1 {
                take(&size)
                take(&compressed)
                take(&offset)
            }
            extra += 4 + length
        }
        guard let compressed = Int64(exactly: compressed), let size = Int64(exactly: size),
            let offset = Int64(exactly: offset), method == 8 || compressed == size
        else { throw ArchiveReader.refused(name, "has impossible sizes") }
        return Entry(
            name: name, method: method, checksum: bytes.number(at + 16, 4), compressed: compressed, size: size,
            offset: offset)
    }

    func next() throws -> RawEntry? {
        guard index < entries.count else { return nil }
        let entry = entries[index]
        index += 1
        let header = try file.read(entry.offset, 30)
        guard header.count == 30, header.number(0, 4) == 0x0403_4b50 else {
            throw ArchiveReader.refused(entry.name, "has no header where the list says")
        }
        current = entry
        at = entry.offset + 30 + Int64(header.number(26, 2) + header.number(28, 2))
        (rest, given, sum) = (entry.compressed, 0, Checksum())
        inflate = entry.method == 8 ? try Inflate(.raw) : nil
        return RawEntry(name: entry.name, sizeBytes: entry.size)
    }

    func read(maximumBytes: Int) throws -> [UInt8] {
        guard let entry = current else { return [] }
        var bytes: [UInt8] = []
        if given < entry.size {
            bytes =
                try inflate.map { try $0.read(maximumBytes: maximumBytes, feed: feed) } ?? feed(maximumBytes)
            guard !bytes.isEmpty else { throw ArchiveReader.refused(entry.name, "is shorter than it says") }
            sum.update(bytes)
            given += Int64(bytes.count)
        }
        if given >= entry.size {
            if let inflate, try !inflate.read(maximumBytes: 1, feed: feed).isEmpty {
                throw ArchiveReader.refused(entry.name, "is longer than it says")
            }
            guard UInt64(sum.value) == entry.checksum else {
                throw ArchiveReader.refused(entry.name, "is damaged: its CRC-32 is another")
            }
            current = nil
        }
        return bytes
    }

    private func feed() throws -> [UInt8] { try feed(Self.blockBytes) }

    private func feed(_ maximumBytes: Int) throws -> [UInt8] {
        let bytes = try file.read(at, Int(min(rest, Int64(maximumBytes))))
        at += Int64(bytes.count)
        rest -= Int64(bytes.count)
        return bytes
    }

    private static func broken(_ what: String) -> SlipwayError { SlipwayError(.invalid, "The archive \(what).") }
}
