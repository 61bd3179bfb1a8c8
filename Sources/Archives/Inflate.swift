import CZlib
import Core

/// Decompresses a stream by zlib. For one thread at a time.
final class Inflate {
    enum Wrapping: Int32 {
        /// Bare deflate (RFC 1951), as in zip archives.
        case raw = -15
        /// RFC 1952.
        case gzip = 31
    }

    private var stream = z_stream()
    private(set) var isAtEnd = false
    /// What zlib has not taken yet.
    private var input: [UInt8] = []
    private var consumed = 0

    init(_ wrapping: Wrapping) throws {
        guard slipway_inflate_init(&stream, wrapping.rawValue) == Z_OK else {
            throw SlipwayError(.internal, "zlib cannot be set up.")
        }
    }

    deinit { inflateEnd(&stream) }

    /// What follows the end of the compressed stream, as far as it was fed.
    var rest: [UInt8] { Array(input[consumed...]) }

    /// Some bytes, at most `maximumBytes`; asks `feed` for input when it needs some. Empty at the end.
    ///
    /// - Throws: `invalid` for what is not deflate, or ends too early.
    func read(maximumBytes: Int, feed: () throws -> [UInt8]) throws -> [UInt8] {
        while !isAtEnd {
            if consumed == input.count {
                input = try feed()
                consumed = 0
                guard !input.isEmpty else { throw Self.broken("was cut short") }
            }
            let out = try step(maximumBytes)
            if !out.isEmpty { return out }
        }
        return []
    }

    private func step(_ maximumBytes: Int) throws -> [UInt8] {
        var code = Z_OK
        let out = [UInt8](unsafeUninitializedCapacity: maximumBytes) { buffer, filled in
            input.withUnsafeMutableBufferPointer { bytes in
                guard let start = bytes.baseAddress else { return }
                stream.next_in = start + consumed
                stream.avail_in = UInt32(bytes.count - consumed)
                stream.next_out = buffer.baseAddress
                stream.avail_out = UInt32(maximumBytes)
                code = inflate(&stream, Z_NO_FLUSH)
                consumed = bytes.count - Int(stream.avail_in)
                filled = maximumBytes - Int(stream.avail_out)
            }
        }
        switch code {
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END: isAtEnd = true
        default: throw Self.broken("is damaged")
        }
        return out
    }

    private static func broken(_ what: String) -> SlipwayError {
        SlipwayError(.invalid, "The compressed data of the archive \(what).")
    }
}

/// CRC-32 as in zip and gzip.
struct Checksum {
    private(set) var value: UInt = 0

    mutating func update(_ bytes: [UInt8]) {
        value = bytes.withUnsafeBufferPointer { crc32(value, $0.baseAddress, UInt32($0.count)) }
    }
}
