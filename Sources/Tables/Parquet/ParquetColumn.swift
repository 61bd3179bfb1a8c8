import Core

/// A column of a file that `ParquetWriter` writes.
public struct ParquetColumn: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable {
        case bigint = "BIGINT"
        case double = "DOUBLE"
        case boolean = "BOOLEAN"
        case varchar = "VARCHAR"
        /// Milliseconds since 1970, UTC.
        case timestamp = "TIMESTAMP"
    }

    public let name: String
    public let kind: Kind
    /// Of texts: whether many rows share a value, so that each is written once for a group of rows.
    public let repeats: Bool

    public init(_ name: String, _ kind: Kind, repeats: Bool = false) {
        self.name = name
        self.kind = kind
        self.repeats = repeats && kind == .varchar
    }
}

/// The values of one column within a group of rows, on their way into pages.
struct ParquetColumnChunk {
    let column: ParquetColumn
    private(set) var count = 0
    /// Plainly encoded: the values, or those of the dictionary.
    private var values: [UInt8] = []
    private var flags: [Bool] = []
    private var present = RunLengths()
    private var places = RunLengths()
    private var dictionary: [String: UInt32] = [:]
    private var last: (text: String, place: UInt32)?

    init(_ column: ParquetColumn) { self.column = column }

    /// About what it takes in memory.
    var byteCount: Int { values.count }

    mutating func null() {
        present.append(0)
        count += 1
    }

    mutating func int(_ value: Int64) {
        added()
        values.putLittleEndian(value)
    }

    mutating func double(_ value: Double) {
        added()
        values.putLittleEndian(value.bitPattern)
    }

    mutating func bool(_ value: Bool) {
        added()
        flags.append(value)
    }

    mutating func text(_ value: String) {
        added()
        guard column.repeats else { return put(value) }
        if let last, last.text == value { return places.append(last.place) }
        let place: UInt32
        if let known = dictionary[value] {
            place = known
        } else {
            place = UInt32(dictionary.count)
            dictionary[value] = place
            put(value)
        }
        last = (value, place)
        places.append(place)
    }

    private mutating func added() {
        present.append(1)
        count += 1
    }

    private mutating func put(_ value: String) {
        var value = value
        value.withUTF8 { bytes in
            values.putLittleEndian(UInt32(bytes.count))
            values.append(contentsOf: bytes)
        }
    }

    // MARK: Pages

    /// What the file's footer says of a chunk.
    struct Place {
        let column: ParquetColumn
        let values: Int
        let size: Int
        let dictionaryOffset: Int64?
        let dataOffset: Int64
        /// The least and the greatest text, by their bytes, of a column that repeats.
        let bounds: (low: [UInt8], high: [UInt8])?
    }

    /// The pages of the chunk, which begins at `offset` of the file.
    func pages(at offset: Int64) -> (bytes: [UInt8], place: Place) {
        var bytes: [UInt8] = []
        if column.repeats {
            bytes += Self.header(kind: 2, size: values.count) { header in
                header.structure(7) {
                    $0.int32(1, dictionary.count)
                    $0.int32(2, Encoding.plain)
                }
            }
            bytes += values
        }
        let dataOffset = offset + Int64(bytes.count)
        var data: [UInt8] = []
        let levels = present.encoded(bitWidth: 1)
        data.putLittleEndian(UInt32(levels.count))
        data += levels
        if column.repeats {
            let width = max(1, UInt32.bitWidth - UInt32(max(1, dictionary.count) - 1).leadingZeroBitCount)
            data.append(UInt8(width))
            data += places.encoded(bitWidth: width)
        } else if column.kind == .boolean {
            data += Self.packed(flags)
        } else {
            data += values
        }
        bytes += Self.header(kind: 0, size: data.count) { header in
            header.structure(5) {
                $0.int32(1, count)
                $0.int32(2, column.repeats ? Encoding.dictionary : Encoding.plain)
                $0.int32(3, Encoding.runLengths)
                $0.int32(4, Encoding.runLengths)
            }
        }
        bytes += data
        return (
            bytes,
            Place(
                column: column, values: count, size: bytes.count, dictionaryOffset: column.repeats ? offset : nil,
                dataOffset: dataOffset, bounds: bounds)
        )
    }

    private var bounds: (low: [UInt8], high: [UInt8])? {
        // Swift orders texts by Unicode's rules, Parquet by bytes.
        let texts = dictionary.keys.map { Array($0.utf8) }
        guard let low = texts.min(by: { $0.lexicographicallyPrecedes($1) }),
            let high = texts.max(by: { $0.lexicographicallyPrecedes($1) }), low.count + high.count <= 512
        else { return nil }
        return (low, high)
    }

    enum Encoding {
        static let plain = 0
        static let runLengths = 3
        static let dictionary = 8
    }

    private static func header(kind: Int, size: Int, _ body: (inout ThriftWriter) -> Void) -> [UInt8] {
        var header = ThriftWriter()
        header.int32(1, kind)
        header.int32(2, size)
        header.int32(3, size)
        body(&header)
        return header.finish()
    }

    private static func packed(_ flags: [Bool]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (flags.count + 7) / 8)
        for (index, flag) in flags.enumerated() where flag { bytes[index / 8] |= 1 << UInt8(index % 8) }
        return bytes
    }
}

/// Small numbers as runs of equal ones: Parquet's RLE/bit-packing hybrid, with runs only.
private struct RunLengths {
    private var runs: [(value: UInt32, count: UInt32)] = []

    mutating func append(_ value: UInt32) {
        if let end = runs.indices.last, runs[end].value == value {
            runs[end].count += 1
        } else {
            runs.append((value, 1))
        }
    }

    func encoded(bitWidth: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for run in runs {
            bytes.putLEB128(UInt64(run.count) << 1)
            for place in 0..<((bitWidth + 7) / 8) { bytes.append(UInt8(truncatingIfNeeded: run.value >> (8 * place))) }
        }
        return bytes
    }
}
