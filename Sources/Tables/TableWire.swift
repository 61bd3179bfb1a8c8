import CDuckDB
import Core

/// Result rows on their way from a worker: column by column, chunk by chunk.
///
/// A JSON header (its length in 4 bytes, then `[[name, type], …]`), then chunks: the number of rows in 4 bytes, then for
/// each column a byte for its `WireKind`, a byte that says whether a byte a row follows with 0 for NULL, and the values
/// (numbers in 8 bytes, text and bytes with their length in 4 bytes before them; NULLs have no value). A chunk of no rows
/// ends the table; one last byte says whether it was truncated. Integers are little-endian.
enum WireKind: UInt8 {
    case null, bool, int, double, decimal, text, timestamp, date, time, bytes, json
    /// Digits of an integer of up to 128 bits.
    case wide
}

/// Writes chunks.
struct TableEncoder {
    private(set) var bytes: [UInt8]
    private let columns: [TableColumn]

    /// - Parameter prefix: what comes before all.
    init(columns: [TableColumn], prefix: [UInt8] = []) {
        self.columns = columns
        let header = JSONValue.array(columns.map { .array([.string($0.name), .string($0.type)]) }).canonicalBytes
        bytes = prefix
        put(UInt32(header.count))
        bytes += header
    }

    mutating func finish(truncated: Bool) -> [UInt8] {
        put(UInt32(0))
        bytes.append(truncated ? 1 : 0)
        return bytes
    }

    private mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func put(_ text: UnsafeRawBufferPointer) {
        put(UInt32(text.count))
        bytes.append(contentsOf: text)
    }

    private mutating func put(_ text: String) {
        put(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// Appends the first rows of a chunk.
    ///
    /// - Throws: `unsupported` for a column of a type that has no form here.
    mutating func append(_ chunk: DuckDBChunk, rows: Int) throws {
        guard rows > 0 else { return }
        put(UInt32(rows))
        for index in columns.indices { try append(chunk.vector(index), rows, columns[index]) }
    }

    private mutating func append(_ vector: DuckDBVector, _ rows: Int, _ column: TableColumn) throws {
        bytes.append(try Self.kind(vector.type, column).rawValue)
        bytes.append(vector.hasNulls ? 1 : 0)
        if vector.hasNulls { for row in 0..<rows { bytes.append(vector.isNull(row) ? 0 : 1) } }
        for row in 0..<rows where !vector.isNull(row) { put(vector, row) }
    }

    static func unsupported(_ column: TableColumn) -> SlipwayError {
        SlipwayError(
            .unsupported,
            "The column '\(column.name)' is of the type \(column.type), which has no form here. Cast it, as in CAST(\(SQLText.name(column.name)) AS VARCHAR).",
            details: ["column": column.name])
    }

    private static func kind(_ type: DuckDBType, _ column: TableColumn) throws -> WireKind {
        switch type {
        case .decimal: return .decimal
        case .enumeration: return .text
        case .list, .array, .structure, .map, .union, .json: return .json
        case .unsupported: throw unsupported(column)
        case .plain(let plain):
            switch plain {
            case .boolean: return .bool
            case .tinyint, .smallint, .integer, .bigint, .utinyint, .usmallint, .uinteger: return .int
            case .ubigint, .hugeint, .uhugeint: return .wide
            case .float, .double: return .double
            case .varchar, .interval, .uuid: return .text
            case .blob: return .bytes
            case .timestamp, .timestampSeconds, .timestampMilliseconds, .timestampNanoseconds, .timestampZone:
                return .timestamp
            case .date: return .date
            case .time: return .time
            case .null: return .null
            }
        }
    }

    private mutating func put(_ vector: DuckDBVector, _ row: Int) {
        switch vector.type {
        case .plain(let plain):
            switch plain {
            case .boolean: put(vector.load(row, as: UInt8.self))
            case .float: put(Double(vector.load(row, as: Float.self)).bitPattern)
            case .double: put(vector.load(row, as: Double.self).bitPattern)
            case .bigint, .time: put(vector.load(row, as: Int64.self))
            case .varchar, .blob: put(vector.bytes(row))
            case .uuid: put(vector.uuid(row))
            case .date: put(Int64(vector.load(row, as: Int32.self)))
            case .timestamp, .timestampSeconds, .timestampMilliseconds, .timestampNanoseconds, .timestampZone:
                put(vector.micros(row, plain))
            case .interval:
                let value = vector.load(row, as: cduck_interval.self)
                put(Calendar.interval(months: value.months, days: value.days, micros: value.micros))
            case .uhugeint: put(String(UInt128(vector.load(row, as: cduck_hugeint.self))))
            case .ubigint, .hugeint: put(String(vector.integer(row, plain)))
            case .null: break
            default: put(Int64(truncatingIfNeeded: vector.integer(row, plain)))
            }
        case .decimal(_, let scale, let storage): put(Decimal.text(vector.integer(row, storage), scale: scale))
        case .enumeration(let values, let storage): put(values[Int(vector.integer(row, storage))])
        case .json: put(vector.bytes(row))
        default:
            var writer = JSONWriter()
            vector.write(row, to: &writer)
            writer.bytes.withUnsafeBytes { put($0) }
        }
    }
}

/// Reads what `TableEncoder` wrote.
struct TableDecoder {
    private let bytes: [UInt8]
    private var at = 0

    /// - Throws: `internal` when the bytes are not a whole table.
    static func decode(_ bytes: [UInt8], from start: Int = 0) throws -> TableResult {
        var decoder = TableDecoder(bytes: bytes, at: start)
        let header = try JSONValue(parsing: Array(try decoder.take(Int(try decoder.number(UInt32.self)))))
        let columns = (header.arrayValue ?? []).compactMap { pair -> TableColumn? in
            guard let pair = pair.arrayValue, pair.count == 2, let name = pair[0].stringValue,
                let type = pair[1].stringValue
            else {
                return nil
            }
            return TableColumn(name: name, type: type)
        }
        var rows: [[TableValue]] = []
        while case let count = Int(try decoder.number(UInt32.self)), count > 0 {
            let first = rows.count
            rows.reserveCapacity(first + count)
            for _ in 0..<count {
                var row: [TableValue] = []
                row.reserveCapacity(columns.count)
                rows.append(row)
            }
            for _ in columns { try decoder.column(count) { rows[first + $0].append($1) } }
        }
        return TableResult(columns: columns, rows: rows, truncated: try decoder.number(UInt8.self) == 1)
    }

    private mutating func column(_ count: Int, _ put: (Int, TableValue) -> Void) throws {
        guard let kind = WireKind(rawValue: try number(UInt8.self)) else { throw Self.damaged }
        let valid = try number(UInt8.self) == 1 ? Array(try take(count)) : nil
        for row in 0..<count {
            if let valid, valid[row] == 0 { put(row, .null) } else { put(row, try value(kind)) }
        }
    }

    private mutating func value(_ kind: WireKind) throws -> TableValue {
        switch kind {
        case .null: return .null
        case .bool: return .bool(try number(UInt8.self) != 0)
        case .int: return .int(try number(Int64.self))
        case .double: return .double(Double(bitPattern: try number(UInt64.self)))
        case .timestamp: return .timestamp(microseconds: try number(Int64.self))
        case .date: return .date(days: Int32(truncatingIfNeeded: try number(Int64.self)))
        case .time: return .time(microseconds: try number(Int64.self))
        case .bytes: return .bytes(Array(try take(Int(try number(UInt32.self)))))
        case .decimal: return .decimal(try text())
        case .text: return .text(try text())
        case .json: return .json(try text())
        case .wide:
            let digits = try text()
            return Int64(digits).map { .int($0) } ?? .decimal(digits)
        }
    }

    private mutating func text() throws -> String {
        String(decoding: try take(Int(try number(UInt32.self))), as: UTF8.self)
    }

    private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count <= bytes.count - at else { throw Self.damaged }
        defer { at += count }
        return bytes[at..<at + count]
    }

    private mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        let size = Number.bitWidth / 8
        guard size <= bytes.count - at else { throw Self.damaged }
        defer { at += size }
        return bytes.withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: type)) }
    }

    private static let damaged = SlipwayError(.internal, "A worker's answer is cut off.")
}
