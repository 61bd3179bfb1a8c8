/// Writes structures in Thrift's compact protocol, as Parquet's metadata is written
/// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
struct ThriftWriter {
    private(set) var bytes: [UInt8] = []
    /// The number of the field that was written last, of each structure that is open.
    private var last: [Int] = [0]

    private enum Kind: UInt8 {
        case yes = 1
        case no = 2
        case int32 = 5
        case int64 = 6
        case binary = 8
        case list = 9
        case structure = 12
    }

    /// Ends the outermost structure.
    mutating func finish() -> [UInt8] {
        bytes.append(0)
        return bytes
    }

    mutating func int32(_ field: Int, _ value: Int) {
        begin(field, .int32)
        zigzag(Int64(value))
    }

    mutating func int64(_ field: Int, _ value: Int64) {
        begin(field, .int64)
        zigzag(value)
    }

    mutating func bool(_ field: Int, _ value: Bool) { begin(field, value ? .yes : .no) }

    mutating func binary(_ field: Int, _ value: [UInt8]) {
        begin(field, .binary)
        put(value)
    }

    mutating func structure(_ field: Int, _ body: (inout ThriftWriter) -> Void) {
        begin(field, .structure)
        nested(body)
    }

    mutating func structures<T>(_ field: Int, _ items: [T], _ body: (inout ThriftWriter, T) -> Void) {
        begin(field, .list)
        head(items.count, .structure)
        for item in items { nested { body(&$0, item) } }
    }

    mutating func int32s(_ field: Int, _ items: [Int]) {
        begin(field, .list)
        head(items.count, .int32)
        for item in items { zigzag(Int64(item)) }
    }

    mutating func binaries(_ field: Int, _ items: [[UInt8]]) {
        begin(field, .list)
        head(items.count, .binary)
        for item in items { put(item) }
    }

    // MARK: Parts

    private mutating func nested(_ body: (inout ThriftWriter) -> Void) {
        last.append(0)
        body(&self)
        bytes.append(0)
        last.removeLast()
    }

    /// Fields are written in rising order, at most 15 apart, so the short form always does.
    private mutating func begin(_ field: Int, _ kind: Kind) {
        bytes.append(UInt8(field - last[last.count - 1]) << 4 | kind.rawValue)
        last[last.count - 1] = field
    }

    private mutating func head(_ count: Int, _ kind: Kind) {
        if count < 15 {
            bytes.append(UInt8(count) << 4 | kind.rawValue)
        } else {
            bytes.append(0xF0 | kind.rawValue)
            bytes.putLEB128(UInt64(count))
        }
    }

    private mutating func put(_ value: [UInt8]) {
        bytes.putLEB128(UInt64(value.count))
        bytes += value
    }

    private mutating func zigzag(_ value: Int64) { bytes.putLEB128(UInt64(bitPattern: (value &<< 1) ^ (value &>> 63))) }
}

extension [UInt8] {
    /// Unsigned LEB128.
    mutating func putLEB128(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func putLittleEndian(_ number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}
