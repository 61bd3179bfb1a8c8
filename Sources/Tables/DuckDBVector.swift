import CDuckDB
import Core

/// One column of a chunk, or the values inside a nested one.
struct DuckDBVector {
    let type: DuckDBType
    let data: UnsafeMutableRawPointer?
    /// A bit a row, set when the row is not NULL; nil when none is.
    private let validity: UnsafeMutablePointer<UInt64>?
    private let raw: cduck_vector?
    private let library: DuckDBLibrary

    init(_ raw: cduck_vector?, _ type: DuckDBType, _ library: DuckDBLibrary) {
        self.raw = raw
        self.type = type
        self.library = library
        data = library.api.vector_get_data(raw)
        validity = library.api.vector_get_validity(raw)
    }

    var hasNulls: Bool { validity != nil }

    func isNull(_ row: Int) -> Bool {
        guard let validity else { return false }
        return validity[row >> 6] & (1 << (UInt64(row) & 63)) == 0
    }

    @inline(__always)
    func load<Value>(_ row: Int, as type: Value.Type) -> Value {
        // DuckDB gives data for every type that is loaded this way.
        data.unsafelyUnwrapped.assumingMemoryBound(to: type)[row]
    }

    /// The bytes of a VARCHAR or BLOB; valid as long as the chunk.
    func bytes(_ row: Int) -> UnsafeRawBufferPointer {
        let entry = data.unsafelyUnwrapped.assumingMemoryBound(to: cduck_string.self) + row
        let length = Int(entry.pointee.length)
        if length <= 12 {
            // The text begins after the length.
            return UnsafeRawBufferPointer(start: UnsafeRawPointer(entry) + 4, count: length)
        }
        return UnsafeRawBufferPointer(start: entry.pointee.pointer, count: length)
    }

    func text(_ row: Int) -> String { String(decoding: bytes(row), as: UTF8.self) }

    /// A value of one of the integer types.
    func integer(_ row: Int, _ plain: DuckDBType.Plain) -> Int128 {
        switch plain {
        case .tinyint: Int128(load(row, as: Int8.self))
        case .smallint: Int128(load(row, as: Int16.self))
        case .integer: Int128(load(row, as: Int32.self))
        case .bigint: Int128(load(row, as: Int64.self))
        case .utinyint: Int128(load(row, as: UInt8.self))
        case .usmallint: Int128(load(row, as: UInt16.self))
        case .uinteger: Int128(load(row, as: UInt32.self))
        case .ubigint: Int128(load(row, as: UInt64.self))
        default: Int128(load(row, as: cduck_hugeint.self))
        }
    }

    /// DuckDB keeps UUIDs as integers with the highest bit turned, so that they sort.
    func uuid(_ row: Int) -> String {
        let value = load(row, as: cduck_hugeint.self)
        let high = UInt64(bitPattern: value.upper) ^ (1 << 63)
        let hex = Hex.encode(
            (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
                + (0..<8).map { UInt8(truncatingIfNeeded: value.lower >> (56 - 8 * $0)) })
        var text = ""
        for (index, digit) in hex.enumerated() {
            if [8, 12, 16, 20].contains(index) { text += "-" }
            text.append(digit)
        }
        return text
    }

    /// Microseconds of any of the TIMESTAMP types.
    func micros(_ row: Int, _ plain: DuckDBType.Plain) -> Int64 {
        let value = load(row, as: Int64.self)
        // The infinities stay what they are.
        if value == .max || value <= -.max { return value }
        switch plain {
        case .timestampSeconds: return value.multipliedReportingOverflow(by: 1_000_000).partialValue
        case .timestampMilliseconds: return value.multipliedReportingOverflow(by: 1000).partialValue
        case .timestampNanoseconds: return value >= 0 ? value / 1000 : (value - 999) / 1000
        default: return value
        }
    }

    /// The value as JSON, for nested types.
    func write(_ row: Int, to writer: inout JSONWriter) {
        if isNull(row) { return writer.writeNull() }
        switch type {
        case .plain(let plain): write(row, plain, to: &writer)
        case .decimal(_, let scale, let storage):
            writer.write(TableValue.decimal(Decimal.text(integer(row, storage), scale: scale)).json)
        case .enumeration(let values, let storage): writer.write(values[Int(integer(row, storage))])
        case .json: writer.raw(text(row))
        case .list(let element):
            let entry = load(row, as: cduck_list_entry.self)
            let child = DuckDBVector(library.api.list_vector_get_child(raw), element, library)
            writer.array { writer in
                for index in 0..<Int(entry.length) { child.write(Int(entry.offset) + index, to: &writer) }
            }
        case .array(let element, let count):
            let child = DuckDBVector(library.api.array_vector_get_child(raw), element, library)
            writer.array { writer in for index in 0..<count { child.write(row * count + index, to: &writer) } }
        case .structure(let members):
            writer.object { writer in
                for (index, member) in members.enumerated() {
                    writer.key(member.name)
                    self.member(index, member.type).write(row, to: &writer)
                }
            }
        case .map(let key, let value): writeMap(row, key, value, to: &writer)
        case .union(let members):
            // The first member of the storage says which of the others counts.
            let tag = Int(member(0, .plain(.utinyint)).load(row, as: UInt8.self))
            member(tag + 1, members[tag].type).write(row, to: &writer)
        case .unsupported: writer.writeNull()
        }
    }

    private func member(_ index: Int, _ type: DuckDBType) -> DuckDBVector {
        DuckDBVector(library.api.struct_vector_get_child(raw, UInt64(index)), type, library)
    }

    /// A map is a list of key and value. With text keys it becomes an object, else a list of pairs.
    private func writeMap(_ row: Int, _ key: DuckDBType, _ value: DuckDBType, to writer: inout JSONWriter) {
        let entry = load(row, as: cduck_list_entry.self)
        let pairs = DuckDBVector(
            library.api.list_vector_get_child(raw), .structure([("key", key), ("value", value)]), library)
        let (keys, values) = (pairs.member(0, key), pairs.member(1, value))
        let range = Int(entry.offset)..<Int(entry.offset + entry.length)
        if case .plain(.varchar) = key {
            writer.object { writer in
                for index in range {
                    writer.key(keys.text(index))
                    values.write(index, to: &writer)
                }
            }
        } else {
            writer.array { writer in
                for index in range {
                    writer.array { writer in
                        keys.write(index, to: &writer)
                        values.write(index, to: &writer)
                    }
                }
            }
        }
    }

    private func write(_ row: Int, _ plain: DuckDBType.Plain, to writer: inout JSONWriter) {
        switch plain {
        case .boolean: writer.write(load(row, as: Bool.self))
        case .float: writer.write(Double(load(row, as: Float.self)))
        case .double: writer.write(load(row, as: Double.self))
        case .varchar: writer.write(text(row))
        case .blob: writer.write(Hex.encode(bytes(row)))
        case .uuid: writer.write(uuid(row))
        case .date: writer.write(Calendar.date(load(row, as: Int32.self)))
        case .time: writer.write(Calendar.time(load(row, as: Int64.self)))
        case .timestamp, .timestampSeconds, .timestampMilliseconds, .timestampNanoseconds, .timestampZone:
            writer.write(Calendar.timestamp(micros(row, plain)))
        case .interval:
            let value = load(row, as: cduck_interval.self)
            writer.write(Calendar.interval(months: value.months, days: value.days, micros: value.micros))
        case .uhugeint: writer.raw(String(UInt128(load(row, as: cduck_hugeint.self))))
        case .null: writer.writeNull()
        default: writer.raw(String(integer(row, plain)))
        }
    }
}

extension Int128 {
    init(_ value: cduck_hugeint) { self = Int128(value.upper) << 64 | Int128(value.lower) }
}

extension UInt128 {
    init(_ value: cduck_hugeint) { self = UInt128(UInt64(bitPattern: value.upper)) << 64 | UInt128(value.lower) }
}
