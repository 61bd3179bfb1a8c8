import Core

/// The fields of a message in protobuf's wire format, one after the other, whatever the message is: readers pick those that
/// they know. Source: protobuf.dev, "Encoding".
struct ProtoFields {
    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes(ArraySlice<UInt8>)
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// - Throws: `invalid` when the bytes are no message.
    mutating func next() throws -> (number: Int, value: Value)? {
        guard !rest.isEmpty else { return nil }
        let key = try varint()
        guard let number = Int(exactly: key >> 3), number > 0 else { throw Self.broken }
        switch key & 7 {
        case 0: return (number, .varint(try varint()))
        case 1: return (number, .fixed64(try fixed(8)))
        case 2:
            let length = try varint()
            guard length <= UInt64(rest.count) else { throw Self.broken }
            let bytes = rest.prefix(Int(length))
            rest = rest.dropFirst(Int(length))
            return (number, .bytes(bytes))
        case 5: return (number, .fixed32(UInt32(truncatingIfNeeded: try fixed(4))))
        default: throw Self.broken
        }
    }

    /// Hands over every field.
    static func each(_ bytes: ArraySlice<UInt8>, _ body: (_ number: Int, _ value: Value) throws -> Void) throws {
        var fields = ProtoFields(bytes)
        while let (number, value) = try fields.next() { try body(number, value) }
    }

    /// A packed list of whole numbers.
    static func varints(_ bytes: ArraySlice<UInt8>) throws -> [Int64] {
        var fields = ProtoFields(bytes)
        var numbers: [Int64] = []
        while !fields.rest.isEmpty { numbers.append(Int64(bitPattern: try fields.varint())) }
        return numbers
    }

    private static var broken: SlipwayError { SlipwayError(.invalid, "is no message of protobuf") }

    private mutating func varint() throws -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64, let byte = rest.popFirst() {
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw Self.broken
    }

    private mutating func fixed(_ count: Int) throws -> UInt64 {
        guard rest.count >= count else { throw Self.broken }
        var value: UInt64 = 0
        for (index, byte) in rest.prefix(count).enumerated() { value |= UInt64(byte) << UInt64(8 * index) }
        rest = rest.dropFirst(count)
        return value
    }
}

extension ProtoFields.Value {
    var bytes: ArraySlice<UInt8>? { if case .bytes(let bytes) = self { bytes } else { nil } }
    var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
    var int: Int64? { if case .varint(let value) = self { Int64(bitPattern: value) } else { nil } }
    var double: Double? { if case .fixed64(let bits) = self { Double(bitPattern: bits) } else { nil } }
    var float: Double? { if case .fixed32(let bits) = self { Double(Float(bitPattern: bits)) } else { nil } }
}
