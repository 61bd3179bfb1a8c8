import CPostgres
import Core

/// The types that are read in binary form, by their ids in PostgreSQL's catalogue (`pg_type`).
enum PostgresType: Oid {
    case bool = 16
    case int8 = 20
    case int2 = 21
    case int4 = 23
    case text = 25
    case float8 = 701
    case int8Array = 1016
}

/// One row of a result, in text or in binary form (big-endian, as PostgreSQL sends its types).
struct PostgresRow: Row {
    let result: OpaquePointer
    let row: Int32

    func isNull(_ index: Int) -> Bool { PQgetisnull(result, row, Int32(index)) == 1 }

    func text(_ index: Int) throws -> String {
        let bytes = try bytes(index)
        switch binaryType(index) {
        case nil, .text: return String(decoding: bytes, as: UTF8.self)
        case .bool: return bytes.first == 0 ? "f" : "t"
        case .float8: return try double(index).description
        default: return String(try int(index))
        }
    }

    func int(_ index: Int) throws -> Int64 {
        let bytes = try bytes(index)
        switch (binaryType(index), bytes.count) {
        case (.int8, 8): return Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
        case (.int4, 4): return Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
        case (.int2, 2): return Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
        case (nil, _), (.text, _):
            guard let value = Int64(String(decoding: bytes, as: UTF8.self)) else { throw mismatch(index) }
            return value
        default: throw mismatch(index)
        }
    }

    func double(_ index: Int) throws -> Double {
        switch binaryType(index) {
        case .float8:
            let bytes = try bytes(index)
            guard bytes.count == 8 else { throw mismatch(index) }
            return Double(bitPattern: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)))
        case nil, .text:
            guard let value = Double(try text(index)) else { throw mismatch(index) }
            return value
        default: return Double(try int(index))
        }
    }

    func bool(_ index: Int) throws -> Bool {
        switch try text(index) {
        case "t", "1": true
        case "f", "0": false
        default: throw mismatch(index)
        }
    }

    /// An array of one dimension without NULL: its dimensions, whether it has NULL and the elements' type; its length and
    /// lower bound; then each element after its length in bytes. NULL is empty.
    func integers(_ index: Int) throws -> [Int64] {
        guard !isNull(index) else { return [] }
        let bytes = try bytes(index)
        func word(_ at: Int) -> Int { Int(Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: Int32.self))) }
        guard binaryType(index) == .int8Array, bytes.count >= 20, word(0) == 1, word(4) == 0,
            bytes.count == 20 + word(12) * 12
        else { throw mismatch(index) }
        return (0..<word(12)).map {
            Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: 24 + $0 * 12, as: Int64.self))
        }
    }

    private func bytes(_ index: Int) throws -> UnsafeRawBufferPointer {
        guard !isNull(index), let start = PQgetvalue(result, row, Int32(index)) else { throw mismatch(index) }
        return UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, row, Int32(index))))
    }

    /// nil for the text form.
    private func binaryType(_ index: Int) -> PostgresType? {
        PQfformat(result, Int32(index)) == 1 ? PostgresType(rawValue: PQftype(result, Int32(index))) : nil
    }

    private func mismatch(_ index: Int) -> SlipwayError {
        SlipwayError(.internal, "Internal error in the database.", details: ["column": String(index)])
    }
}

extension SQL.Parameter {
    /// Adds libpq's text form; false is NULL. Text with NUL inside cannot be stored by PostgreSQL: it is cut there.
    func appendPostgresText(to out: inout [UInt8]) -> Bool {
        switch self {
        case .value(let value):
            guard let text = value.postgresText else { return false }
            out.append(contentsOf: text.utf8)
        case .array(let values):
            out.append(UInt8(ascii: "{"))
            for (index, value) in values.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                switch (value, value.postgresText) {
                case (_, nil): out.append(contentsOf: "NULL".utf8)
                case (.text, let text?):
                    out.append(UInt8(ascii: "\""))
                    for byte in text.utf8.prefix(while: { $0 != 0 }) {
                        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { out.append(UInt8(ascii: "\\")) }
                        out.append(byte)
                    }
                    out.append(UInt8(ascii: "\""))
                case (_, let text?): out.append(contentsOf: text.utf8)
                }
            }
            out.append(UInt8(ascii: "}"))
        }
        return true
    }
}

extension SQLValue {
    /// The name of its type in PostgreSQL; nil for NULL.
    var postgresType: String? {
        switch self {
        case .null: nil
        case .int: "bigint"
        case .double: "double precision"
        case .text: "text"
        case .bool: "boolean"
        }
    }

    fileprivate var postgresText: String? {
        switch self {
        case .null: nil
        case .int(let n): String(n)
        case .double(let d): d.isNaN ? "NaN" : d.isInfinite ? (d > 0 ? "Infinity" : "-Infinity") : d.description
        case .text(let s): s
        case .bool(let b): b ? "t" : "f"
        }
    }
}
