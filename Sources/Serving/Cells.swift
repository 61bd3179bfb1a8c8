import Core
import Inference

/// Casts cells to the element type of an input.
enum Cells {
    /// The values of a nested list in order, and its shape, which is that of the first list at each depth.
    ///
    /// - Parameter uneven: the error for a value that does not fit the shape.
    static func flatten(
        _ value: JSONValue, uneven: (JSONValue) -> SlipwayError
    ) throws -> (shape: [Int], cells: [JSONValue]) {
        var shape: [Int] = []
        var level = value
        while let items = level.arrayValue {
            shape.append(items.count)
            guard let first = items.first else { break }
            level = first
        }
        var cells: [JSONValue] = []
        func add(_ value: JSONValue, _ depth: Int) throws {
            guard depth < shape.count else {
                guard value.arrayValue == nil else { throw uneven(value) }
                return cells.append(value)
            }
            guard let items = value.arrayValue, items.count == shape[depth] else { throw uneven(value) }
            for item in items { try add(item, depth + 1) }
        }
        try add(value, 0)
        return (shape, cells)
    }

    /// - Throws: `invalid`, naming the cell by `place`.
    static func values(_ cells: [JSONValue], _ type: TensorType, place: (Int) -> String) throws -> TensorValues {
        func integers<T: FixedWidthInteger>(_: T.Type) throws -> [T] {
            try cells.enumerated().map { index, cell in
                guard let number = integer(cell).flatMap({ T(exactly: $0) }) ?? wide(cell) else {
                    throw refusal(cell, place(index), "a whole number of \(type.rawValue)")
                }
                return number
            }
        }
        switch type {
        case .bool:
            return .bool(
                try cells.enumerated().map { index, cell in
                    guard let flag = flag(cell) else { throw refusal(cell, place(index), "true or false") }
                    return flag
                })
        case .int8: return .int8(try integers(Int8.self))
        case .int16: return .int16(try integers(Int16.self))
        case .int32: return .int32(try integers(Int32.self))
        case .int64: return .int64(try integers(Int64.self))
        case .uint8: return .uint8(try integers(UInt8.self))
        case .uint16: return .uint16(try integers(UInt16.self))
        case .uint32: return .uint32(try integers(UInt32.self))
        case .uint64: return .uint64(try integers(UInt64.self))
        case .fp32: return .fp32(try numbers(cells, place).map { Float($0) })
        case .fp64: return .fp64(try numbers(cells, place))
        case .fp16:
            throw SlipwayError(
                .unsupported, "The model takes FP16; ask it by /v2/models/…/infer, which has a type for that.")
        case .bytes:
            return .bytes(
                try cells.enumerated().map { index, cell in
                    switch cell {
                    case .string(let text): return text
                    case .int(let number): return String(number)
                    case .number(let number): return number.description
                    case .bool(let flag): return String(flag)
                    case .null, .array, .object: throw refusal(cell, place(index), "text")
                    }
                })
        }
    }

    /// Missing values are NaN.
    private static func numbers(_ cells: [JSONValue], _ place: (Int) -> String) throws -> [Double] {
        try cells.enumerated().map { index, cell in
            switch cell {
            case .null: return .nan
            case .int(let number): return Double(number)
            case .number(let number): return number
            case .bool(let flag): return flag ? 1 : 0
            case .string(let text):
                guard let number = Double(text) else { throw refusal(cell, place(index), "a number") }
                return number
            case .array, .object: throw refusal(cell, place(index), "a number")
            }
        }
    }

    private static func integer(_ cell: JSONValue) -> Int64? {
        switch cell {
        case .bool(let flag): flag ? 1 : 0
        // A data frame with missing values elsewhere writes 3 as 3.0.
        case .string(let text): Int64(text) ?? Double(text).flatMap { Int64(exactly: $0) }
        default: cell.intValue
        }
    }

    /// Whole numbers above 2^63-1 come as text.
    private static func wide<T: FixedWidthInteger>(_ cell: JSONValue) -> T? { cell.stringValue.flatMap { T($0) } }

    private static func flag(_ cell: JSONValue) -> Bool? {
        switch cell {
        case .bool(let flag): flag
        case .int(0), .string("0"), .string("false"), .string("False"): false
        case .int(1), .string("1"), .string("true"), .string("True"): true
        default: nil
        }
    }

    private static func refusal(_ cell: JSONValue, _ place: String, _ expected: String) -> SlipwayError {
        let shown =
            switch cell {
            case .null: "is missing"
            case .array, .object: "is \(cell.kindName)"
            default: "is \(cell.canonicalText.prefix(40))"
            }
        return .field(place, shown, expected: expected)
    }
}
