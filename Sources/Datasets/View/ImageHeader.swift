/// The format and size of an image, read from the first bytes of its file; nothing is decoded.
///
/// Sources: PNG (W3C, 11.2.2 IHDR), JPEG (ITU-T T.81, B.2.2, and B.1.1.3 for the markers), GIF89a (18, Logical Screen
/// Descriptor), WebP (RFC 9649, 2.4 to 2.7, with VP8 by RFC 6386, 9.1).
public struct ImageHeader: Hashable, Sendable {
    public enum Format: String, Sendable, CaseIterable {
        case png, jpeg, gif, webp

        public var mediaType: String { "image/\(rawValue)" }
    }

    public let format: Format
    public let width: Int
    public let height: Int

    /// So many first bytes hold the size of all but oddly made files: JPEG has it after its metadata.
    public static let bytesNeeded = 256 << 10
    /// A side longer than this is refused by `isReasonable`.
    public static let maximumSide = 65_535
    /// More pixels than this are refused by `isReasonable`: 100 million, 400 MB when decoded.
    public static let maximumPixels = 100_000_000

    /// Whether a viewer may be asked to decode it.
    public var isReasonable: Bool {
        (1...Self.maximumSide).contains(width) && (1...Self.maximumSide).contains(height)
            && width * height <= Self.maximumPixels
    }

    public init(format: Format, width: Int, height: Int) {
        self.format = format
        self.width = width
        self.height = height
    }

    /// nil for what is none of the formats, or is cut off before its size.
    public init?(_ bytes: some Collection<UInt8>) {
        // Of what is no image nothing is copied: this looks at every file that is stored.
        guard let first = bytes.first, Self.firstBytes.contains(first) else { return nil }
        let bytes = Array(bytes.prefix(Self.bytesNeeded))
        guard let found = Self.png(bytes) ?? Self.gif(bytes) ?? Self.webp(bytes) ?? Self.jpeg(bytes) else { return nil }
        self = found
    }

    /// Of PNG, GIF, WebP and JPEG.
    private static let firstBytes: [UInt8] = [0x89, 0x47, 0x52, 0xFF]

    private static func has(_ bytes: [UInt8], _ text: StaticString, at place: Int) -> Bool {
        place + text.utf8CodeUnitCount <= bytes.count
            && (0..<text.utf8CodeUnitCount).allSatisfy { bytes[place + $0] == text.utf8Start[$0] }
    }

    private static func big(_ bytes: [UInt8], _ place: Int, _ count: Int) -> Int {
        bytes[place..<place + count].reduce(0) { $0 << 8 | Int($1) }
    }

    private static func little(_ bytes: [UInt8], _ place: Int, _ count: Int) -> Int {
        bytes[place..<place + count].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private static func png(_ bytes: [UInt8]) -> ImageHeader? {
        guard bytes.count >= 24, bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
            has(bytes, "IHDR", at: 12)
        else { return nil }
        return ImageHeader(format: .png, width: big(bytes, 16, 4), height: big(bytes, 20, 4))
    }

    private static func gif(_ bytes: [UInt8]) -> ImageHeader? {
        guard bytes.count >= 10, has(bytes, "GIF87a", at: 0) || has(bytes, "GIF89a", at: 0) else { return nil }
        return ImageHeader(format: .gif, width: little(bytes, 6, 2), height: little(bytes, 8, 2))
    }

    private static func webp(_ bytes: [UInt8]) -> ImageHeader? {
        guard bytes.count >= 30, has(bytes, "RIFF", at: 0), has(bytes, "WEBP", at: 8) else { return nil }
        if has(bytes, "VP8X", at: 12) {
            return ImageHeader(format: .webp, width: little(bytes, 24, 3) + 1, height: little(bytes, 27, 3) + 1)
        }
        if has(bytes, "VP8L", at: 12), bytes[20] == 0x2F {
            let bits = little(bytes, 21, 4)
            return ImageHeader(format: .webp, width: bits & 0x3FFF + 1, height: bits >> 14 & 0x3FFF + 1)
        }
        guard has(bytes, "VP8 ", at: 12), bytes[23] == 0x9D, bytes[24] == 0x01, bytes[25] == 0x2A else { return nil }
        return ImageHeader(
            format: .webp, width: little(bytes, 26, 2) & 0x3FFF, height: little(bytes, 28, 2) & 0x3FFF)
    }

    /// Goes from marker to marker until a start of frame, which has the size.
    private static func jpeg(_ bytes: [UInt8]) -> ImageHeader? {
        guard bytes.starts(with: [0xFF, 0xD8, 0xFF]) else { return nil }
        var at = 2
        while at + 4 <= bytes.count {
            guard bytes[at] == 0xFF else { return nil }
            let marker = bytes[at + 1]
            // Fill bytes, and markers that stand alone.
            if marker == 0xFF || marker == 0x01 || (0xD0...0xD8).contains(marker) {
                at += marker == 0xFF ? 1 : 2
                continue
            }
            // The scan or the end, without a frame before it.
            if marker == 0xDA || marker == 0xD9 { return nil }
            let isFrame = (0xC0...0xCF).contains(marker) && ![0xC4, 0xC8, 0xCC].contains(marker)
            if isFrame {
                guard at + 9 <= bytes.count else { return nil }
                return ImageHeader(format: .jpeg, width: big(bytes, at + 7, 2), height: big(bytes, at + 5, 2))
            }
            let length = big(bytes, at + 2, 2)
            guard length >= 2 else { return nil }
            at += 2 + length
        }
        return nil
    }
}
