import Core

/// Writes a zip archive piece by piece: stored entries, nothing compressed (PKWARE, APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12
/// and 4.3.16; names are UTF-8 by flag 11).
struct ZipWriter {
    /// Beyond these the format needs its 64-bit records, which are not written.
    static let entriesMaximum = 65_535
    static let bytesMaximum = 0xFFFF_FFFF

    private var directory: [UInt8] = []
    private var offset = 0
    private var entries = 0

    /// The bytes of one more file.
    mutating func add(_ path: String, _ content: [UInt8]) throws -> [UInt8] {
        let name = Array(path.utf8)
        let checksum = CRC32.of(content)
        var fields: [UInt8] = []
        fields.append(20, bytes: 2)
        fields.append(0x0800, bytes: 2)
        fields.append(0, bytes: 2)
        // 1980-01-01 00:00, the first moment that there is: the same labels give the same archive.
        fields.append(0, bytes: 2)
        fields.append(0x0021, bytes: 2)
        fields.append(Int(checksum), bytes: 4)
        fields.append(content.count, bytes: 4)
        fields.append(content.count, bytes: 4)
        fields.append(name.count, bytes: 2)
        fields.append(0, bytes: 2)
        var out: [UInt8] = []
        out.append(0x0403_4b50, bytes: 4)
        out += fields + name + content
        directory.append(0x0201_4b50, bytes: 4)
        directory.append(20, bytes: 2)
        directory += fields
        directory += [UInt8](repeating: 0, count: 10)
        directory.append(offset, bytes: 4)
        directory += name
        offset += out.count
        entries += 1
        guard entries <= Self.entriesMaximum, offset + directory.count <= Self.bytesMaximum else {
            throw SlipwayError(
                .tooLarge, "There are over \(Self.entriesMaximum) files or 4 GiB; export a smaller task, or as COCO.")
        }
        return out
    }

    /// What ends the archive.
    func end() -> [UInt8] {
        var out = directory
        out.append(0x0605_4b50, bytes: 4)
        out.append(0, bytes: 4)
        out.append(entries, bytes: 2)
        out.append(entries, bytes: 2)
        out.append(directory.count, bytes: 4)
        out.append(offset, bytes: 4)
        out.append(0, bytes: 2)
        return out
    }
}

/// The cyclic redundancy check of zip, PNG and Ethernet (ISO 3309; PNG 1.2, appendix D).
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
    }

    static func of(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ ($0 >> 8) }
    }
}

extension [UInt8] {
    /// Little-endian.
    fileprivate mutating func append(_ number: Int, bytes: Int) {
        for index in 0..<bytes { append(UInt8(truncatingIfNeeded: number >> (8 * index))) }
    }
}
