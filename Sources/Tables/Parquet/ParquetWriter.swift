import Core
import Processes

/// Writes rows into a Parquet file without an engine: rows that come one by one out of Slipway's own database. Values are
/// given in the order of the columns, row after row; memory holds one group of rows.
///
/// The format is https://github.com/apache/parquet-format: data pages of version 1, not compressed, texts that repeat as
/// dictionaries. The file is not synced: it is for what can be made again.
public final class ParquetWriter {
    /// Rows of a group.
    static let groupRows = 65_536
    /// A group is cut after so many bytes; one row may be longer.
    static let groupBytes = 16 << 20

    /// Rows so far.
    public private(set) var rows: Int64 = 0
    /// Bytes so far, those that are still in memory not counted.
    public private(set) var sizeBytes: Int64 = 0

    private let file: Descriptor
    private let columns: [ParquetColumn]
    private var chunks: [ParquetColumnChunk]
    private var groups: [(rows: Int64, places: [ParquetColumnChunk.Place])] = []
    private var column = 0
    private var groupSize = 0

    /// - Throws: `unavailable` when the file cannot be made.
    public init(_ path: String, _ columns: [ParquetColumn]) throws {
        file = try .writing(path)
        self.columns = columns
        chunks = columns.map(ParquetColumnChunk.init)
        try write(Self.magic)
    }

    public func text(_ value: String?) throws {
        if let value {
            chunks[column].text(value)
            groupSize += value.utf8.count
        } else {
            chunks[column].null()
        }
        try advance()
    }

    /// A whole number, or a time in milliseconds.
    public func int(_ value: Int64?) throws {
        if let value { chunks[column].int(value) } else { chunks[column].null() }
        try advance()
    }

    public func double(_ value: Double?) throws {
        if let value { chunks[column].double(value) } else { chunks[column].null() }
        try advance()
    }

    public func bool(_ value: Bool?) throws {
        if let value { chunks[column].bool(value) } else { chunks[column].null() }
        try advance()
    }

    /// Writes what is left, and the footer.
    public func finish() throws {
        try flush()
        var footer = ThriftWriter()
        footer.int32(1, 1)
        footer.structures(2, [nil] + columns.map { Optional($0) }) { element, column in
            guard let column else {
                element.binary(4, Array("schema".utf8))
                element.int32(5, columns.count)
                return
            }
            column.describe(in: &element)
        }
        footer.int64(3, rows)
        footer.structures(4, groups) { group, item in
            group.structures(1, item.places) { chunk, place in
                chunk.int64(2, place.dataOffset)
                chunk.structure(3) { place.describe(in: &$0) }
            }
            group.int64(2, item.places.reduce(0) { $0 + Int64($1.size) })
            group.int64(3, item.rows)
        }
        footer.binary(6, Array("slipway".utf8))
        var bytes = footer.finish()
        bytes.putLittleEndian(UInt32(bytes.count))
        try write(bytes + Self.magic)
    }

    // MARK: Parts

    private static let magic = Array("PAR1".utf8)

    private func advance() throws {
        column += 1
        guard column == chunks.count else { return }
        column = 0
        rows += 1
        if chunks[0].count >= Self.groupRows || groupSize >= Self.groupBytes { try flush() }
    }

    private func flush() throws {
        let count = chunks.first?.count ?? 0
        guard count > 0 else { return }
        var places: [ParquetColumnChunk.Place] = []
        for index in chunks.indices {
            let (bytes, place) = chunks[index].pages(at: sizeBytes)
            try write(bytes)
            places.append(place)
            chunks[index] = ParquetColumnChunk(columns[index])
        }
        groups.append((Int64(count), places))
        groupSize = 0
    }

    private func write(_ bytes: [UInt8]) throws {
        try file.write(bytes)
        sizeBytes += Int64(bytes.count)
    }
}

extension ParquetColumn {
    /// Parquet's number of the physical type.
    fileprivate var physicalType: Int {
        switch kind {
        case .boolean: 0
        case .bigint, .timestamp: 2
        case .double: 5
        case .varchar: 6
        }
    }

    fileprivate func describe(in element: inout ThriftWriter) {
        element.int32(1, physicalType)
        element.int32(3, 1)
        element.binary(4, Array(name.utf8))
        switch kind {
        case .varchar:
            element.int32(6, 0)
            element.structure(10) { $0.structure(1) { _ in } }
        case .timestamp:
            // Not "adjusted to UTC", which readers take for a type with a time zone.
            element.structure(10) { logical in
                logical.structure(8) { type in
                    type.bool(1, false)
                    type.structure(2) { $0.structure(1) { _ in } }
                }
            }
        default: break
        }
    }
}

extension ParquetColumnChunk.Place {
    fileprivate func describe(in chunk: inout ThriftWriter) {
        chunk.int32(1, column.physicalType)
        chunk.int32s(
            2,
            column.repeats
                ? [
                    ParquetColumnChunk.Encoding.plain, ParquetColumnChunk.Encoding.runLengths,
                    ParquetColumnChunk.Encoding.dictionary,
                ] : [ParquetColumnChunk.Encoding.plain, ParquetColumnChunk.Encoding.runLengths])
        chunk.binaries(3, [Array(column.name.utf8)])
        chunk.int32(4, 0)
        chunk.int64(5, Int64(values))
        chunk.int64(6, Int64(size))
        chunk.int64(7, Int64(size))
        chunk.int64(9, dataOffset)
        if let dictionaryOffset { chunk.int64(11, dictionaryOffset) }
        if let bounds {
            chunk.structure(12) {
                $0.binary(5, bounds.high)
                $0.binary(6, bounds.low)
            }
        }
    }
}
