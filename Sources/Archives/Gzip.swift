import Core

/// Whole bodies in gzip (RFC 1952), in memory.
public enum Gzip {
    private static let pieceBytes = 64 << 10

    /// - Throws: `invalid` for what is damaged or is followed by something; `tooLarge` when it unpacks to more than
    ///   `maximumBytes`, of which no more is unpacked.
    public static func unpack(_ bytes: [UInt8], maximumBytes: Int) throws -> [UInt8] {
        let inflate = try Inflate(.gzip)
        var rest: [UInt8]? = bytes
        var out: [UInt8] = []
        while !inflate.isAtEnd {
            let piece = try inflate.read(maximumBytes: pieceBytes) {
                defer { rest = nil }
                return rest ?? []
            }
            guard out.count + piece.count <= maximumBytes else {
                throw SlipwayError(
                    .tooLarge, "The body unpacks to more than \(maximumBytes) bytes.",
                    details: ["limit": String(maximumBytes)])
            }
            out += piece
        }
        guard inflate.rest.isEmpty else {
            throw SlipwayError(.invalid, "Something follows the compressed data of the body.")
        }
        return out
    }
}
