import Core

/// Reads tar archives (POSIX.1-1988 ustar, with the long names of GNU and pax) that clients send: regular files only.
enum TarArchive {
    static let maximumFiles = 10_000

    /// The regular files, in order; folders and pax headers are passed over.
    ///
    /// - Throws: `invalid` for links, devices, paths that leave the folder, and broken archives.
    static func files(_ bytes: [UInt8]) throws -> [(path: RelativePath, bytes: [UInt8])] {
        var files: [(RelativePath, [UInt8])] = []
        var at = 0
        var longName: String?
        var isWhole = false
        while at + 512 <= bytes.count {
            let header = bytes[at..<at + 512]
            if header.allSatisfy({ $0 == 0 }) {
                isWhole = true
                break
            }
            func text(_ from: Int, _ length: Int) -> String {
                String(
                    decoding: header[(header.startIndex + from)..<(header.startIndex + from + length)].prefix {
                        $0 != 0
                    }, as: UTF8.self)
            }
            guard let size = Int(text(124, 12).filter { $0.isNumber }, radix: 8), checksumFits(header) else {
                throw SlipwayError.field("body", "is not a tar archive at byte \(at)", expected: "the output of tar -c")
            }
            let start = at + 512
            guard start + size <= bytes.count else {
                throw SlipwayError.field("body", "is a tar archive that was cut short")
            }
            let content = Array(bytes[start..<start + size])
            at = start + (size + 511) / 512 * 512
            let prefix = text(257, 5) == "ustar" ? text(345, 155) : ""
            let name = longName ?? (prefix.isEmpty ? text(0, 100) : prefix + "/" + text(0, 100))
            switch header[header.startIndex + 156] {
            case UInt8(ascii: "L"):
                longName = String(decoding: content.prefix { $0 != 0 }, as: UTF8.self)
                continue
            case UInt8(ascii: "x"):
                longName = paxPath(content) ?? longName
                continue
            case UInt8(ascii: "g"), UInt8(ascii: "5"): break
            case 0, UInt8(ascii: "0"):
                var path = name[...]
                while path.hasPrefix("./") { path = path.dropFirst(2) }
                files.append((try RelativePath(parsing: String(path), field: "body"), content))
            default:
                throw SlipwayError.field(
                    "body", "holds '\(name.prefix(120))', which is a link or a device", expected: "plain files")
            }
            longName = nil
            guard files.count <= maximumFiles else {
                throw SlipwayError(.tooLarge, "The archive has more than \(maximumFiles) files.")
            }
        }
        // POSIX ends an archive with blocks of zeros: without them it was cut short between two files.
        guard isWhole else { throw SlipwayError.field("body", "is a tar archive that was cut short") }
        return files
    }

    /// The header's sum with its own field read as blanks.
    private static func checksumFits(_ header: ArraySlice<UInt8>) -> Bool {
        let field = header[(header.startIndex + 148)..<(header.startIndex + 156)]
        let digits = String(decoding: field.filter { $0 >= 48 && $0 <= 55 }, as: UTF8.self)
        let sum = header.reduce(0) { $0 + Int($1) } - field.reduce(0) { $0 + Int($1) } + 8 * 32
        return Int(digits, radix: 8) == sum
    }

    /// `path` of a pax header: lines of "length key=value".
    private static func paxPath(_ content: [UInt8]) -> String? {
        for line in content.split(separator: 10) {
            let text = String(decoding: line, as: UTF8.self)
            if let range = text.split(separator: " ", maxSplits: 1).last, range.hasPrefix("path=") {
                return String(range.dropFirst(5))
            }
        }
        return nil
    }
}
