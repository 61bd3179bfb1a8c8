import Core

/// A sequence of bytes.
protocol ByteSource {
    /// Some bytes, at most so many; empty at the end.
    func read(maximumBytes: Int) throws -> [UInt8]
}

/// A file as it is.
final class PlainBytes: ByteSource {
    private let file: ArchiveFile
    private var at: Int64 = 0

    init(_ file: ArchiveFile) { self.file = file }

    func read(maximumBytes: Int) throws -> [UInt8] {
        let bytes = try file.read(at, maximumBytes)
        at += Int64(bytes.count)
        return bytes
    }
}

/// What a gzip file holds; several members one after the other are one stream (RFC 1952, 2.2).
final class GzipBytes: ByteSource {
    private let plain: PlainBytes
    private var inflate: Inflate?
    private var left: [UInt8] = []

    init(_ file: ArchiveFile) { plain = PlainBytes(file) }

    func read(maximumBytes: Int) throws -> [UInt8] {
        while true {
            if inflate == nil {
                if left.isEmpty { left = try plain.read(maximumBytes: 256 << 10) }
                // Zeros after the last member are padding.
                if left.allSatisfy({ $0 == 0 }) { return [] }
                inflate = try Inflate(.gzip)
            }
            guard let inflate else { return [] }
            let bytes = try inflate.read(maximumBytes: maximumBytes) {
                defer { left = [] }
                return left.isEmpty ? try plain.read(maximumBytes: 256 << 10) : left
            }
            if inflate.isAtEnd {
                left = inflate.rest
                self.inflate = nil
            }
            if !bytes.isEmpty { return bytes }
        }
    }
}

/// Tar archives after POSIX.1 (ustar and pax), with GNU's long names and large sizes.
final class TarSource: EntrySource {
    private let bytes: any ByteSource
    private var buffer: [UInt8] = []
    private var at = 0
    /// Of the current entry: what is left of it, and of the zeros after it.
    private var rest: Int64 = 0
    private var padding = 0

    private static let block = 512
    private static let readBytes = 256 << 10
    /// Of the records that hold a long name.
    private static let recordMaximumBytes: Int64 = 1 << 20

    init(_ bytes: any ByteSource) { self.bytes = bytes }

    func next() throws -> RawEntry? {
        var long: (name: String?, size: Int64?) = (nil, nil)
        while true {
            while rest > 0 { _ = try read(maximumBytes: Self.readBytes) }
            try skipPadding()
            let header = try take(Self.block)
            guard header.count == Self.block else {
                throw SlipwayError(.invalid, "The archive was cut short: a tar archive ends with blocks of zeros.")
            }
            if header.allSatisfy({ $0 == 0 }) { return nil }
            guard checksumFits(header), let declared = Self.size(header) else {
                throw SlipwayError(.invalid, "The archive is no tar archive, or is damaged.")
            }
            func text(_ from: Int, _ length: Int) -> String {
                String(decoding: header[from..<(from + length)].prefix { $0 != 0 }, as: UTF8.self)
            }
            let prefix = text(257, 5) == "ustar" && header[263] == 48 ? text(345, 155) : ""
            let name = long.name ?? (prefix.isEmpty ? text(0, 100) : prefix + "/" + text(0, 100))
            let size = long.size ?? declared
            switch header[156] {
            case UInt8(ascii: "L"): long.name = String(decoding: try record(declared).prefix { $0 != 0 }, as: UTF8.self)
            case UInt8(ascii: "x"):
                let fields = Self.paxFields(try record(declared))
                guard fields["GNU.sparse.major"] == nil, fields["GNU.sparse.map"] == nil else {
                    throw ArchiveReader.refused(fields["path"] ?? name, "is a sparse file")
                }
                if let path = fields["path"] { long.name = path }
                if let size = fields["size"].flatMap({ Int64($0) }), size >= 0 { long.size = size }
            case UInt8(ascii: "g"): _ = try record(declared)
            case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
                if name.hasSuffix("/") {
                    long = (nil, nil)
                    begin(size)
                    continue
                }
                begin(size)
                // `tar -C folder .` writes every name with "./" before it.
                return RawEntry(name: name.hasPrefix("./") ? String(name.dropFirst(2)) : name, sizeBytes: size)
            case UInt8(ascii: "5"):
                long = (nil, nil)
                begin(size)
            default: throw ArchiveReader.refused(name, "is a link, a device or a sparse file")
            }
        }
    }

    func read(maximumBytes: Int) throws -> [UInt8] {
        guard rest > 0 else { return [] }
        if at == buffer.count { try refill() }
        let count = min(Int(min(rest, Int64(maximumBytes))), buffer.count - at)
        guard count > 0 else { throw SlipwayError(.invalid, "The archive was cut short inside an entry.") }
        defer { at += count }
        rest -= Int64(count)
        return Array(buffer[at..<(at + count)])
    }

    private func begin(_ size: Int64) {
        rest = size
        padding = Int((512 - size % 512) % 512)
    }

    private func record(_ size: Int64) throws -> [UInt8] {
        guard size <= Self.recordMaximumBytes else {
            throw SlipwayError(.invalid, "The archive has a name of \(size) bytes.")
        }
        begin(size)
        var out: [UInt8] = []
        while rest > 0 { out += try read(maximumBytes: Self.readBytes) }
        return out
    }

    private func skipPadding() throws {
        let gone = try take(padding)
        guard gone.count == padding else { throw SlipwayError(.invalid, "The archive was cut short.") }
        padding = 0
    }

    /// So many bytes; fewer at the end.
    private func take(_ count: Int) throws -> [UInt8] {
        var out: [UInt8] = []
        while out.count < count {
            if at == buffer.count { try refill() }
            guard at < buffer.count else { break }
            let piece = min(count - out.count, buffer.count - at)
            out += buffer[at..<(at + piece)]
            at += piece
        }
        return out
    }

    private func refill() throws {
        buffer = try bytes.read(maximumBytes: Self.readBytes)
        at = 0
    }

    /// Octal digits, or GNU's big-endian number behind a byte with the top bit.
    private static func size(_ header: [UInt8]) -> Int64? {
        let field = header[124..<136]
        if header[124] & 0x80 != 0 {
            guard header[124] == 0x80, field.dropFirst().prefix(4).allSatisfy({ $0 == 0 }), header[129] < 0x80 else {
                return nil
            }
            return field.suffix(7).reduce(0) { $0 << 8 | Int64($1) }
        }
        let digits = field.drop { $0 == 32 }.prefix { $0 != 0 && $0 != 32 }
        guard digits.allSatisfy({ (48...55).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 << 3 | Int64($1 - 48) }
    }

    /// The sum of all bytes, with the field of the sum itself taken as spaces.
    private func checksumFits(_ header: [UInt8]) -> Bool {
        let digits = header[148..<156].drop { $0 == 32 }.prefix { (48...55).contains($0) }
        let sum = header.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
        return !digits.isEmpty && digits.reduce(0) { $0 << 3 | Int($1 - 48) } == sum
    }

    /// `12 path=name\n` …
    private static func paxFields(_ bytes: [UInt8]) -> [String: String] {
        var fields: [String: String] = [:]
        var at = 0
        while let space = bytes[at...].firstIndex(of: 32),
            let length = Int(String(decoding: bytes[at..<space], as: UTF8.self)), length > 0,
            at + length <= bytes.count, space < at + length
        {
            let pair = bytes[(space + 1)..<(at + length - 1)]
            if let equals = pair.firstIndex(of: UInt8(ascii: "=")) {
                fields[String(decoding: pair[..<equals], as: UTF8.self)] = String(
                    decoding: pair[pair.index(after: equals)...], as: UTF8.self)
            }
            at += length
            if at >= bytes.count { break }
        }
        return fields
    }
}
