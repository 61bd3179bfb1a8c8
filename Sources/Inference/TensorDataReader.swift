import Core

/// Reads the `data` of one tensor: flat, or nested as its shape says.
struct TensorDataReader {
    let name: String
    let shape: [Int]
    let type: TensorType
    let missing: InferenceJSON.MissingValues
    let bodyBytes: Int

    func read(_ reader: inout JSONReader) throws -> TensorValues {
        switch type {
        case .bool: .bool(try elements(&reader, bool))
        case .uint8: .uint8(try elements(&reader, integer))
        case .uint16: .uint16(try elements(&reader, integer))
        case .uint32: .uint32(try elements(&reader, integer))
        case .uint64: .uint64(try elements(&reader, integer))
        case .int8: .int8(try elements(&reader, integer))
        case .int16: .int16(try elements(&reader, integer))
        case .int32: .int32(try elements(&reader, integer))
        case .int64: .int64(try elements(&reader, integer))
        case .fp16:
            .fp16(
                try elements(&reader) { reader, kind, index in
                    let value = try single(&reader, kind, index)
                    let bits = Half.bits(value)
                    guard bits & 0x7FFF != 0x7C00 || value.isInfinite else {
                        throw unfit(index, "is beyond FP16's \(65504)")
                    }
                    return bits
                })
        case .fp32: .fp32(try elements(&reader, single))
        case .fp64: .fp64(try elements(&reader, double))
        case .bytes: .bytes(try elements(&reader, text))
        }
    }

    // MARK: Elements

    private func double(_ reader: inout JSONReader, _ kind: JSONReader.Kind, _ index: Int) throws -> Double {
        switch kind {
        case .number:
            switch try reader.readNumber() {
            case .int(let number): return Double(number)
            case .number(let number):
                guard number.isFinite || missing == .nan else {
                    throw unfit(index, "is \(number.isNaN ? "NaN" : "infinite or beyond FP64")", "a finite number")
                }
                return number
            default: throw unfit(index, "is not a number")
            }
        case .null where missing == .nan:
            _ = try reader.readNull()
            return .nan
        default: throw unfit(index, "is \(try reader.readValue().kindName)")
        }
    }

    private func single(_ reader: inout JSONReader, _ kind: JSONReader.Kind, _ index: Int) throws -> Float {
        let wide = try double(&reader, kind, index)
        let value = Float(wide)
        guard value.isFinite || !wide.isFinite else { throw unfit(index, "is beyond FP32") }
        return value
    }

    private func integer<Number: FixedWidthInteger>(_ reader: inout JSONReader, _ kind: JSONReader.Kind, _ index: Int)
        throws -> Number
    {
        guard kind == .number || kind == .string else { throw unfit(index, "is \(try reader.readValue().kindName)") }
        // Text spells what JSON numbers of many clients cannot: whole numbers beyond 2^53.
        if kind == .string {
            guard let number = Number(try reader.readString()) else {
                throw unfit(index, "is text that spells no \(type.rawValue)")
            }
            return number
        }
        let number: Number? =
            switch try reader.readNumber() {
            case .int(let number): Number(exactly: number)
            // Beyond 2^53 a Double does not say which whole number was meant.
            case .number(let number) where number.magnitude <= 0x1p53: Number(exactly: number)
            default: nil
            }
        guard let number else {
            throw unfit(index, "is not a whole number from \(Number.min) to \(Number.max)", "one; beyond 2^63 as text")
        }
        return number
    }

    private func bool(_ reader: inout JSONReader, _ kind: JSONReader.Kind, _ index: Int) throws -> Bool {
        switch kind {
        case .bool: return try reader.readBool()
        case .number:
            switch try reader.readNumber() {
            case .int(0): return false
            case .int(1): return true
            default: throw unfit(index, "is a number other than 0 and 1", "true or false")
            }
        default: throw unfit(index, "is \(try reader.readValue().kindName)", "true or false")
        }
    }

    private func text(_ reader: inout JSONReader, _ kind: JSONReader.Kind, _ index: Int) throws -> String {
        guard kind == .string else { throw unfit(index, "is \(try reader.readValue().kindName)", "text") }
        return try reader.readString()
    }

    private func unfit(_ index: Int, _ problem: String, _ expected: String? = nil) -> SlipwayError {
        SlipwayError.field(name, "data element \(index) \(problem)", expected: expected ?? "\(type.rawValue)")
    }

    private func elements<Element>(
        _ reader: inout JSONReader, _ element: (inout JSONReader, JSONReader.Kind, Int) throws -> Element
    ) throws -> [Element] {
        let count = try Tensor.elementCount(shape, of: name)
        guard try reader.peekKind() == .array else {
            throw SlipwayError.field(name, "its data is not a list", expected: "a list")
        }
        // Two bytes an element at least: a false shape reserves no more than the body's size.
        var lists = NestedLists<Element>(
            name: name, shape: shape, count: count, reserving: min(count, bodyBytes / 2 + 1))
        try lists.read(&reader, element)
        guard lists.elements.count == count else {
            throw SlipwayError.field(
                name, "its data has \(lists.elements.count) values", expected: "\(count) for the shape \(shape)")
        }
        return lists.elements
    }
}

/// Collects the elements of lists, flat or nested as the shape says. A struct and not local functions: the variables that
/// those would share cost a third of the time.
private struct NestedLists<Element> {
    private let name: String
    private let shape: [Int]
    private let count: Int
    private(set) var elements: [Element] = []
    private var isNested = false
    /// The place of the list that is being read.
    private var path: [Int] = []

    init(name: String, shape: [Int], count: Int, reserving capacity: Int) {
        (self.name, self.shape, self.count) = (name, shape, count)
        elements.reserveCapacity(capacity)
    }

    mutating func read(
        _ reader: inout JSONReader, _ element: (inout JSONReader, JSONReader.Kind, Int) throws -> Element
    ) throws {
        let depth = path.count
        var size = 0
        try reader.readArray { reader in
            let kind = try reader.peekKind()
            let isList = kind == .array
            if depth == 0, size == 0 { isNested = isList }
            guard isList == (isNested && depth + 1 < shape.count) else {
                throw SlipwayError.field(
                    name, "\(place(size)) is \(isList ? "a list" : "no list")",
                    expected: "either flat data or lists nested as the shape \(shape) says")
            }
            if isList {
                path.append(size)
                try read(&reader, element)
                path.removeLast()
            } else {
                guard elements.count < count else {
                    throw SlipwayError.field(
                        name, "its data has more than \(count) values", expected: "\(count) for the shape \(shape)")
                }
                elements.append(try element(&reader, kind, elements.count))
            }
            size += 1
        }
        if isNested, size != shape[depth] {
            throw SlipwayError.field(
                name, "\(place(nil)) has \(size) entries", expected: "\(shape[depth]) for the shape \(shape)")
        }
    }

    private func place(_ index: Int?) -> String {
        "data" + (path + [index].compactMap(\.self)).map { "[\($0)]" }.joined()
    }
}
