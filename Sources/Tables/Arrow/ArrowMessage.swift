import Core

/// Messages of Arrow's IPC streaming format, metadata version 5
/// (https://arrow.apache.org/docs/format/Columnar.html, "Serialization and Interprocess Communication"; numbers and slots
/// from format/Schema.fbs and format/Message.fbs).
enum ArrowMessage {
    private static let metadataVersion: Int16 = 4  // V5

    private enum Header: UInt8 {
        case schema = 1
        case recordBatch = 3
    }

    static func schema(_ fields: [ArrowField]) -> [UInt8] {
        var writer = FlatBufferWriter()
        let items = fields.map { $0.write(to: &writer) }
        let list = writer.vector(items)
        return frame(&writer, .schema, writer.table([(1, .offset(list))]), body: [])
    }

    /// - Parameters:
    ///   - nodes: rows and NULLs, a column each.
    ///   - buffers: in the order that the columns' types ask for.
    static func batch(rows: Int, nodes: [(Int64, Int64)], buffers: [[UInt8]]) -> [UInt8] {
        var places: [(Int64, Int64)] = []
        places.reserveCapacity(buffers.count)
        var length = 0
        for buffer in buffers {
            places.append((Int64(length), Int64(buffer.count)))
            length += padded(buffer.count)
        }
        var body: [UInt8] = []
        body.reserveCapacity(length)
        for buffer in buffers {
            body.append(contentsOf: buffer)
            body.append(contentsOf: repeatElement(0, count: padded(buffer.count) - buffer.count))
        }
        var writer = FlatBufferWriter()
        let list = writer.vector(places)
        let columns = writer.vector(nodes)
        let batch = writer.table([(0, .int64(Int64(rows))), (1, .offset(columns)), (2, .offset(list))])
        return frame(&writer, .recordBatch, batch, body: body)
    }

    /// The end of a stream.
    static let end: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]

    /// Buffers begin at multiples of 64 bytes, as the format recommends.
    private static func padded(_ count: Int) -> Int { (count + 63) / 64 * 64 }

    private static func frame(
        _ writer: inout FlatBufferWriter, _ kind: Header, _ header: FlatBufferWriter.Position, body: [UInt8]
    ) -> [UInt8] {
        let message = writer.table([
            (0, .int16(metadataVersion)), (1, .uint8(kind.rawValue)), (2, .offset(header)),
            (3, .int64(Int64(body.count))),
        ])
        // A multiple of 8, and so is what stands before it.
        let metadata = writer.finish(message)
        var bytes: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
        bytes.reserveCapacity(8 + metadata.count + body.count)
        withUnsafeBytes(of: UInt32(metadata.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: metadata)
        bytes.append(contentsOf: body)
        return bytes
    }
}

/// A column's type in Arrow.
enum ArrowType: Hashable {
    case null
    case int(bits: Int32, signed: Bool)
    case float
    case double
    case binary
    case utf8
    case bool
    /// 128 bits.
    case decimal(precision: Int32, scale: Int32)
    case date
    /// Microseconds of a day.
    case time
    case timestamp(Unit, utc: Bool)

    enum Unit: Int16 {
        case seconds, milliseconds, microseconds, nanoseconds
    }

    /// The number in the union `Type`, and the table that goes with it.
    fileprivate func write(to writer: inout FlatBufferWriter) -> (kind: UInt8, table: FlatBufferWriter.Position) {
        switch self {
        case .null: (1, writer.table([]))
        case .int(let bits, let signed): (2, writer.table([(0, .int32(bits)), (1, .bool(signed))]))
        case .float: (3, writer.table([(0, .int16(1))]))
        case .double: (3, writer.table([(0, .int16(2))]))
        case .binary: (4, writer.table([]))
        case .utf8: (5, writer.table([]))
        case .bool: (6, writer.table([]))
        case .decimal(let precision, let scale):
            (7, writer.table([(0, .int32(precision)), (1, .int32(scale)), (2, .int32(128))]))
        case .date: (8, writer.table([(0, .int16(0))]))
        case .time: (9, writer.table([(0, .int16(Unit.microseconds.rawValue)), (1, .int32(64))]))
        case .timestamp(let unit, false): (10, writer.table([(0, .int16(unit.rawValue))]))
        case .timestamp(let unit, true): timestamp(unit, &writer)
        }
    }

    private func timestamp(_ unit: Unit, _ writer: inout FlatBufferWriter) -> (UInt8, FlatBufferWriter.Position) {
        let zone = writer.string("UTC")
        return (10, writer.table([(0, .int16(unit.rawValue)), (1, .offset(zone))]))
    }
}

struct ArrowField {
    let name: String
    let type: ArrowType
    /// DuckDB's name of the type: kept as metadata, for what Arrow's type does not say (JSON, ENUM, UUID).
    let sqlType: String

    fileprivate func write(to writer: inout FlatBufferWriter) -> FlatBufferWriter.Position {
        let key = writer.string("slipway:type")
        let value = writer.string(sqlType)
        let pair = writer.table([(0, .offset(key)), (1, .offset(value))])
        let metadata = writer.vector([pair])
        let children = writer.vector([FlatBufferWriter.Position]())
        let (kind, table) = type.write(to: &writer)
        let name = writer.string(name)
        return writer.table([
            (0, .offset(name)), (1, .bool(true)), (2, .uint8(kind)), (3, .offset(table)), (5, .offset(children)),
            (6, .offset(metadata)),
        ])
    }
}

extension ArrowField {
    /// - Throws: `unsupported` for a type that has no form here.
    init(_ column: TableColumn, _ type: DuckDBType) throws {
        name = column.name
        sqlType = column.type
        switch type {
        case .decimal(let width, let scale, _): self.type = .decimal(precision: Int32(width), scale: Int32(scale))
        case .enumeration, .list, .array, .structure, .map, .union, .json: self.type = .utf8
        case .unsupported: throw TableEncoder.unsupported(column)
        case .plain(let plain):
            self.type =
                switch plain {
                case .boolean: .bool
                case .tinyint: .int(bits: 8, signed: true)
                case .smallint: .int(bits: 16, signed: true)
                case .integer: .int(bits: 32, signed: true)
                case .bigint: .int(bits: 64, signed: true)
                case .utinyint: .int(bits: 8, signed: false)
                case .usmallint: .int(bits: 16, signed: false)
                case .uinteger: .int(bits: 32, signed: false)
                case .ubigint: .int(bits: 64, signed: false)
                case .hugeint, .uhugeint: .decimal(precision: 38, scale: 0)
                case .float: .float
                case .double: .double
                case .varchar, .interval, .uuid: .utf8
                case .blob: .binary
                case .date: .date
                case .time: .time
                case .timestamp: .timestamp(.microseconds, utc: false)
                case .timestampSeconds: .timestamp(.seconds, utc: false)
                case .timestampMilliseconds: .timestamp(.milliseconds, utc: false)
                case .timestampNanoseconds: .timestamp(.nanoseconds, utc: false)
                case .timestampZone: .timestamp(.microseconds, utc: true)
                case .null: .null
                }
        }
    }
}
