import Core

/// The size of an image, read from its first bytes only.
enum ImageHeader {
    /// Larger images are refused: decoded, one would take four times as many bytes.
    static let maximumPixels: Int64 = 500_000_000

    /// - Throws: `tooLarge` for an image of more pixels than are taken; the content alone tells what is an image.
    static func check(_ bytes: [UInt8], name: String) throws {
        guard let size = size(bytes) else { return }
        let (pixels, overflow) = size.width.multipliedReportingOverflow(by: size.height)
        guard !overflow, pixels <= maximumPixels else {
            throw SlipwayError(
                .tooLarge,
                "\(name) is an image of \(size.width) × \(size.height) pixels, more than the \(maximumPixels) that are taken. Cut it into tiles.",
                details: ["limit": String(maximumPixels)])
        }
    }

    /// Width and height of a PNG, GIF, JPEG, WebP or BMP; nil for anything else.
    static func size(_ bytes: [UInt8]) -> (width: Int64, height: Int64)? {
        guard bytes.count >= 26 else { return nil }
        func big(_ at: Int, _ count: Int) -> Int64 { (0..<count).reduce(0) { $0 << 8 | Int64(bytes[at + $1]) } }
        func little(_ at: Int, _ count: Int) -> Int64 {
            (0..<count).reduce(0) { $0 | Int64(bytes[at + $1]) << (8 * Int64($1)) }
        }
        func text(_ at: Int, _ text: String) -> Bool {
            bytes.count >= at + text.utf8.count && bytes[at...].starts(with: text.utf8)
        }
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]), text(12, "IHDR") {
            return (big(16, 4), big(20, 4))
        }
        if text(0, "GIF8") { return (little(6, 2), little(8, 2)) }
        if text(0, "BM"), little(14, 4) >= 40 {
            // Signed; a negative height only says that the rows go down.
            return (abs(Int64(Int32(truncatingIfNeeded: little(18, 4)))), abs(Int64(Int32(truncatingIfNeeded: little(22, 4)))))
        }
        if text(0, "RIFF"), text(8, "WEBP"), bytes.count >= 30 {
            if text(12, "VP8X") { return (little(24, 3) + 1, little(27, 3) + 1) }
            if text(12, "VP8L") {
                let bits = little(21, 4)
                return ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
            }
            if text(12, "VP8 ") { return (little(26, 2) & 0x3FFF, little(28, 2) & 0x3FFF) }
        }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return jpeg(bytes) }
        return nil
    }

    /// The frame header of a JPEG (ITU-T T.81, B.2.2) lies after segments of any length.
    private static func jpeg(_ bytes: [UInt8]) -> (width: Int64, height: Int64)? {
        var at = 2
        while at + 9 < bytes.count {
            guard bytes[at] == 0xFF else { return nil }
            let marker = bytes[at + 1]
            if marker == 0xFF {
                at += 1
            } else if (0xC0...0xCF).contains(marker), ![0xC4, 0xC8, 0xCC].contains(marker) {
                let height = Int64(bytes[at + 5]) << 8 | Int64(bytes[at + 6])
                return (Int64(bytes[at + 7]) << 8 | Int64(bytes[at + 8]), height)
            } else if (0xD0...0xD9).contains(marker) || marker == 0x01 {
                at += 2
            } else {
                at += 2 + (Int(bytes[at + 2]) << 8 | Int(bytes[at + 3]))
            }
        }
        return nil
    }
}
