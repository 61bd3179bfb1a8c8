import Core

/// Reads the protocol buffers wire format (protobuf.dev, "Encoding") of a message that lies in memory. It copies nothing
/// but what it is asked for, and refuses what is malformed.
struct ProtobufReader {
    private let bytes: ArraySlice<UInt8>
    private var at: Int

    enum WireType: UInt8 {
        case varint = 0
        case fixed64 = 1
        case bytes = 2
        case fixed32 = 5
    }

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        at = bytes.startIndex
    }

    /// The next field's number and type; nil at the end of the message. Its value must be read or skipped then.
    mutating func next() throws -> (field: UInt64, type: WireType)? {
        guard at < bytes.endIndex else { return nil }
        let tag = try varint()
        guard tag >> 3 > 0, tag >> 3 < 1 << 29, let type = WireType(rawValue: UInt8(tag & 7)) else {
            throw Self.malformed
        }
        return (tag >> 3, type)
    }

    mutating func varint() throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard at < bytes.endIndex else { throw Self.malformed }
            let byte = bytes[at]
            at += 1
            value |= UInt64(byte & 127) << shift
            // The tenth byte holds the last bit of 64.
            guard shift < 63 || byte < 2 else { throw Self.malformed }
            if byte < 128 { return value }
        }
        throw Self.malformed
    }

    mutating func fixed64() throws -> UInt64 {
        guard bytes.endIndex - at >= 8 else { throw Self.malformed }
        defer { at += 8 }
        return (0..<8).reduce(0) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) }
    }

    /// A time in nanoseconds.
    mutating func nanoseconds() throws -> Int64 {
        guard let value = Int64(exactly: try fixed64()) else { throw Self.malformed }
        return value
    }

    mutating func lengthDelimited() throws -> ArraySlice<UInt8> {
        guard let length = Int(exactly: try varint()), length <= bytes.endIndex - at else { throw Self.malformed }
        defer { at += length }
        return bytes[at..<at + length]
    }

    /// Text. NUL, which PostgreSQL has no place for, is left out.
    mutating func text() throws -> String {
        guard let text = String(validating: try lengthDelimited(), as: UTF8.self) else { throw Self.malformed }
        return text.withoutNUL
    }

    /// A message within this one.
    mutating func message() throws -> ProtobufReader { ProtobufReader(try lengthDelimited()) }

    mutating func skip(_ type: WireType) throws {
        switch type {
        case .varint: _ = try varint()
        case .fixed64: _ = try fixed64()
        case .bytes: _ = try lengthDelimited()
        case .fixed32:
            guard bytes.endIndex - at >= 4 else { throw Self.malformed }
            at += 4
        }
    }

    static let malformed = SlipwayError(
        .invalid, "Invalid OpenTelemetry format: the body is not an ExportTraceServiceRequest.")
}

extension String {
    var withoutNUL: String {
        guard utf8.contains(0) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.filter { $0.value != 0 }))
    }
}
