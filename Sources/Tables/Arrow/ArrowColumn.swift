import CDuckDB
import Core

/// The values of one column on their way into a record batch: DuckDB's vectors become Arrow's buffers, most of them by
/// copying.
struct ArrowColumn {
    let field: ArrowField
    private var count = 0
    private var nulls = 0
    /// A bit a row, set when there is a value; empty until there is a NULL.
    private var validity: [UInt8] = []
    /// For text and bytes: where each value ends.
    private var offsets: [UInt8] = []
    private var values: [UInt8] = []

    init(_ field: ArrowField) {
        self.field = field
        reset()
    }

    /// How much of a batch this column fills by now.
    var byteCount: Int { values.count + offsets.count + validity.count }

    /// What Arrow lays out for the column, after which it is empty again.
    mutating func take() -> (node: (Int64, Int64), buffers: [[UInt8]]) {
        defer { reset() }
        let node = (Int64(count), Int64(nulls))
        switch field.type {
        case .null: return ((Int64(count), Int64(count)), [])
        case .utf8, .binary: return (node, [validity, offsets, values])
        default: return (node, [validity, values])
        }
    }

    private mutating func reset() {
        count = 0
        nulls = 0
        validity = []
        values = []
        offsets = []
        if field.type == .utf8 || field.type == .binary { offsets = [0, 0, 0, 0] }
    }

    // MARK: Appending

    /// - Parameter rows: of the vector.
    /// - Throws: `invalid` for an integer that has more digits than Arrow's decimals.
    mutating func append(_ vector: DuckDBVector, _ rows: Range<Int>) throws {
        appendValidity(vector, rows)
        defer { count += rows.count }
        switch field.type {
        case .null: break
        case .bool: appendBits(rows) { !vector.isNull($0) && vector.load($0, as: UInt8.self) != 0 }
        case .int(let bits, _): copy(vector, rows, width: Int(bits) / 8)
        case .float, .date: copy(vector, rows, width: 4)
        case .double, .time, .timestamp: copy(vector, rows, width: 8)
        case .decimal: try appendDecimals(vector, rows)
        case .binary, .utf8: appendTexts(vector, rows)
        }
    }

    private mutating func appendValidity(_ vector: DuckDBVector, _ rows: Range<Int>) {
        guard vector.hasNulls, rows.contains(where: vector.isNull) else {
            guard !validity.isEmpty else { return }
            return Self.appendBits(to: &validity, from: count, rows) { _ in true }
        }
        if validity.isEmpty {
            // All rows before these had values.
            Self.appendBits(to: &validity, from: 0, 0..<count) { _ in true }
        }
        nulls += rows.count(where: vector.isNull)
        Self.appendBits(to: &validity, from: count, rows) { !vector.isNull($0) }
    }

    private mutating func appendBits(_ rows: Range<Int>, _ bit: (Int) -> Bool) {
        Self.appendBits(to: &values, from: count, rows, bit)
    }

    private static func appendBits(
        to bytes: inout [UInt8], from start: Int, _ rows: Range<Int>, _ bit: (Int) -> Bool
    ) {
        let needed = (start + rows.count + 7) / 8
        if bytes.count < needed { bytes.append(contentsOf: repeatElement(0, count: needed - bytes.count)) }
        for (offset, row) in rows.enumerated() where bit(row) {
            bytes[(start + offset) >> 3] |= 1 << UInt8((start + offset) & 7)
        }
    }

    /// What stands at NULLs is not looked at by readers; it is zeroed, so that nothing of another row shows.
    private mutating func copy(_ vector: DuckDBVector, _ rows: Range<Int>, width: Int) {
        guard let data = vector.data else { return }
        let start = values.count
        values.append(
            contentsOf: UnsafeRawBufferPointer(start: data + rows.lowerBound * width, count: rows.count * width))
        guard vector.hasNulls else { return }
        for (offset, row) in rows.enumerated() where vector.isNull(row) {
            for index in start + offset * width..<start + (offset + 1) * width { values[index] = 0 }
        }
    }

    private static let maximumDigits = Int128(99_999_999_999_999_999_999_999_999_999_999_999_999)

    private mutating func appendDecimals(_ vector: DuckDBVector, _ rows: Range<Int>) throws {
        var storage = DuckDBType.Plain.hugeint
        switch vector.type {
        case .decimal(_, _, let inner): storage = inner
        case .plain(let plain): storage = plain
        default: break
        }
        for row in rows {
            var value: Int128 = 0
            if !vector.isNull(row) {
                if storage == .uhugeint {
                    let wide = UInt128(vector.load(row, as: cduck_hugeint.self))
                    guard let narrow = Int128(exactly: wide) else { throw tooWide() }
                    value = narrow
                } else {
                    value = vector.integer(row, storage)
                }
                guard value.magnitude <= Self.maximumDigits.magnitude else { throw tooWide() }
            }
            withUnsafeBytes(of: value.littleEndian) { values.append(contentsOf: $0) }
        }
    }

    private func tooWide() -> SlipwayError {
        SlipwayError(
            .invalid,
            "The column '\(field.name)' has an integer of more than 38 digits, which Arrow's decimals do not hold. Cast it, as in CAST(\(SQLText.name(field.name)) AS VARCHAR).",
            details: ["column": field.name])
    }

    private mutating func appendTexts(_ vector: DuckDBVector, _ rows: Range<Int>) {
        switch vector.type {
        case .plain(.varchar), .plain(.blob), .json:
            for row in rows {
                if !vector.isNull(row) { values.append(contentsOf: vector.bytes(row)) }
                endText()
            }
        case .plain(.uuid): appendStrings(rows, vector) { vector.uuid($0) }
        case .plain(.interval):
            appendStrings(rows, vector) { row in
                let value = vector.load(row, as: cduck_interval.self)
                return Calendar.interval(months: value.months, days: value.days, micros: value.micros)
            }
        case .enumeration(let names, let storage):
            appendStrings(rows, vector) { names[Int(vector.integer($0, storage))] }
        default:
            for row in rows {
                if !vector.isNull(row) {
                    var writer = JSONWriter()
                    vector.write(row, to: &writer)
                    values.append(contentsOf: writer.bytes)
                }
                endText()
            }
        }
    }

    private mutating func appendStrings(_ rows: Range<Int>, _ vector: DuckDBVector, _ text: (Int) -> String) {
        for row in rows {
            if !vector.isNull(row) { values.append(contentsOf: text(row).utf8) }
            endText()
        }
    }

    private mutating func endText() {
        // A batch is cut long before its values reach 2 GiB.
        withUnsafeBytes(of: Int32(truncatingIfNeeded: values.count).littleEndian) { offsets.append(contentsOf: $0) }
    }
}
