import Core

/// In which form rows leave a worker as bytes for someone else.
public enum RowFormat: String, Sendable, Hashable, CaseIterable {
    /// Arrow's IPC streaming format: schema, record batches, end. Nested values are JSON text.
    case arrow
    /// RFC 4180 with a header line: NULL is nothing, an empty text is `""`.
    case csv

    /// The type of HTTP bodies in this form.
    public var mediaType: String {
        switch self {
        case .arrow: "application/vnd.apache.arrow.stream"
        case .csv: "text/csv; charset=utf-8"
        }
    }
}

/// Turns chunks of a result into pieces of a stream, each of a bounded size.
protocol RowEncoder {
    /// - Throws: `unsupported` for a column of a type that has no form here.
    init(_ columns: [DuckDBResult.ResultColumn]) throws

    /// What comes before all rows.
    mutating func begin() -> [UInt8]

    /// Takes rows of a chunk, as many as fit into the piece that is being filled.
    ///
    /// - Returns: where the rest begins; `rows.upperBound` when all were taken.
    mutating func append(_ chunk: DuckDBChunk, _ rows: Range<Int>) throws -> Int

    /// Whether it is time to `take`.
    var isFull: Bool { get }

    /// The piece, if it has any rows.
    mutating func take() -> [UInt8]?

    /// What comes after all rows.
    mutating func end() -> [UInt8]
}

enum RowPieces {
    /// A piece has no more rows.
    static let rows = 65_536
    /// A piece is cut after so many bytes; one row may be longer.
    static let bytes = 1 << 20
    /// No piece with more than one row is longer.
    static let maximumBytes = 64 << 20
}

/// Arrow record batches.
struct ArrowEncoder: RowEncoder {
    private let fields: [ArrowField]
    private var columns: [ArrowColumn]
    private var count = 0

    init(_ columns: [DuckDBResult.ResultColumn]) throws {
        fields = try columns.map { try ArrowField($0.column, $0.type) }
        self.columns = fields.map(ArrowColumn.init)
    }

    mutating func begin() -> [UInt8] { ArrowMessage.schema(fields) }

    mutating func append(_ chunk: DuckDBChunk, _ rows: Range<Int>) throws -> Int {
        var end = rows.upperBound
        // Only texts can make a chunk long.
        for (index, column) in columns.enumerated() where column.field.type == .utf8 || column.field.type == .binary {
            let vector = chunk.vector(index)
            var length = 0
            for row in rows.lowerBound..<end where !vector.isNull(row) {
                length += vector.textLength(row)
                if length > RowPieces.maximumBytes, row > rows.lowerBound {
                    end = row
                    break
                }
            }
        }
        let taken = rows.lowerBound..<end
        for index in columns.indices { try columns[index].append(chunk.vector(index), taken) }
        count += taken.count
        return end
    }

    var isFull: Bool {
        count >= RowPieces.rows || columns.reduce(0) { $0 + $1.byteCount } >= RowPieces.bytes
    }

    mutating func take() -> [UInt8]? {
        guard count > 0 else { return nil }
        var nodes: [(Int64, Int64)] = []
        var buffers: [[UInt8]] = []
        for index in columns.indices {
            let (node, own) = columns[index].take()
            nodes.append(node)
            buffers += own
        }
        defer { count = 0 }
        return ArrowMessage.batch(rows: count, nodes: nodes, buffers: buffers)
    }

    mutating func end() -> [UInt8] { ArrowMessage.end }
}

/// Lines of CSV, of a result whose columns are all VARCHAR.
struct CSVEncoder: RowEncoder {
    private let names: [String]
    private var bytes: [UInt8] = []

    init(_ columns: [DuckDBResult.ResultColumn]) throws { names = columns.map(\.column.name) }

    mutating func begin() -> [UInt8] {
        var line: [UInt8] = []
        for (index, name) in names.enumerated() {
            if index > 0 { line.append(UInt8(ascii: ",")) }
            var name = name
            name.withUTF8 { Self.put(UnsafeRawBufferPointer($0), into: &line) }
        }
        return line + [13, 10]
    }

    mutating func append(_ chunk: DuckDBChunk, _ rows: Range<Int>) throws -> Int {
        let vectors = names.indices.map { chunk.vector($0) }
        for row in rows {
            for (index, vector) in vectors.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                if !vector.isNull(row) { Self.put(vector.bytes(row), into: &bytes) }
            }
            bytes.append(13)
            bytes.append(10)
            if bytes.count > RowPieces.maximumBytes { return row + 1 }
        }
        return rows.upperBound
    }

    var isFull: Bool { bytes.count >= RowPieces.bytes }

    mutating func take() -> [UInt8]? {
        defer { bytes = [] }
        return bytes.isEmpty ? nil : bytes
    }

    mutating func end() -> [UInt8] { [] }

    /// A field, in quotes where they are needed.
    private static func put(_ text: UnsafeRawBufferPointer, into bytes: inout [UInt8]) {
        let needsQuotes =
            text.isEmpty || text.contains { $0 == 34 || $0 == 44 || $0 == 10 || $0 == 13 } || text[0] == 32
            || text[text.count - 1] == 32
        guard needsQuotes else { return bytes.append(contentsOf: text) }
        bytes.append(34)
        for byte in text {
            if byte == 34 { bytes.append(34) }
            bytes.append(byte)
        }
        bytes.append(34)
    }
}

extension DuckDBVector {
    /// At least the number of bytes that the value takes as text; nested values count nothing here.
    fileprivate func textLength(_ row: Int) -> Int {
        switch type {
        case .plain(.varchar), .plain(.blob), .json: bytes(row).count
        default: 36
        }
    }
}

extension TablesSession {
    /// Runs a user's SELECT and sends its rows on as they come.
    ///
    /// - Returns: how many there were, as the answer.
    func stream(
        _ sql: String, _ parameters: [TableValue], _ format: RowFormat, maxRows: Int,
        _ emit: ([UInt8]) throws -> Void
    ) throws -> JSONValue {
        switch format {
        case .arrow:
            try stream(
                try instance.run(sql, parameters, streaming: true), as: ArrowEncoder.self, maxRows: maxRows, emit)
        case .csv:
            try stream(try texts(sql, parameters), as: CSVEncoder.self, maxRows: maxRows, emit)
        }
    }

    /// The rows in DuckDB's own texts of all types.
    private func texts(_ sql: String, _ parameters: [TableValue]) throws -> DuckDBResult {
        // Prepared by itself first, so that messages speak of the user's text and not of ours around it.
        _ = try DuckDBStatement(instance, sql)
        return try instance.run(
            "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n\(sql)\n)", parameters, streaming: true)
    }

    func stream<Encoder: RowEncoder>(
        _ result: DuckDBResult, as type: Encoder.Type, maxRows: Int = .max, _ emit: ([UInt8]) throws -> Void
    ) throws -> JSONValue {
        var encoder = try Encoder(result.columns)
        // Nothing leaves before there are rows: what fails until then is told as an error, or done again with more memory.
        var next = try result.nextChunk()
        try emit(encoder.begin())
        var rows: Int64 = 0
        while rows < maxRows, let chunk = next {
            let end = min(chunk.count, maxRows - Int(rows))
            var at = 0
            while at < end {
                at = try encoder.append(chunk, at..<end)
                if encoder.isFull || at < end, let piece = encoder.take() {
                    try instance.running?.checkpoint()
                    try emit(piece)
                }
            }
            rows += Int64(end)
            if rows < maxRows { next = try result.nextChunk() }
        }
        if let piece = encoder.take() { try emit(piece) }
        let end = encoder.end()
        if !end.isEmpty { try emit(end) }
        return ["rows": .int(rows)]
    }
}
