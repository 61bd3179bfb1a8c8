import Core

/// The raw bytes that follow the JSON of a request in the extension `binary_tensor_data`: the tensors in the order of the
/// inputs that have a `binary_data_size`, little-endian and row-major; BOOL is one byte, each BYTES element a 4-byte
/// length and that many bytes.
struct BinaryTensors {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// Takes the next `size` bytes as a tensor's values.
    mutating func take(_ size: Int, name: String, type: TensorType, shape: [Int]) throws -> TensorValues {
        guard size <= rest.count else {
            throw SlipwayError.field(
                name, "its binary_data_size is \(size)",
                expected: "at most the \(rest.count) bytes that are left of the body")
        }
        let count = try Tensor.elementCount(shape, of: name)
        let part = rest.prefix(size)
        rest = rest.dropFirst(size)
        guard let width = type.elementBytes else { return .bytes(try texts(part, count, name)) }
        let (expected, overflow) = count.multipliedReportingOverflow(by: width)
        guard !overflow, size == expected else {
            throw SlipwayError.field(
                name, "its binary_data_size is \(size)",
                expected: "\(overflow ? Int.max : expected) for \(type.rawValue) of shape \(shape)")
        }
        guard let values = part.withUnsafeBytes({ TensorValues(copying: $0, as: type) }) else {
            throw SlipwayError.field(name, "its raw bytes are not usable")
        }
        return values
    }

    func expectEnd() throws {
        guard rest.isEmpty else {
            throw SlipwayError.field(
                "inputs", "\(rest.count) raw bytes belong to no input", expected: "as many as all binary_data_size say")
        }
    }

    private func texts(_ bytes: ArraySlice<UInt8>, _ count: Int, _ name: String) throws -> [String] {
        let malformed = SlipwayError.field(
            name, "its raw bytes do not hold \(count) texts",
            expected: "for each a 4-byte little-endian length and that many bytes")
        // A text takes four bytes at least.
        guard count <= bytes.count / 4 else { throw malformed }
        var texts: [String] = []
        texts.reserveCapacity(count)
        var rest = bytes
        while !rest.isEmpty {
            guard rest.count >= 4, texts.count < count else { throw malformed }
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard length <= rest.count else { throw malformed }
            guard let text = String(validating: rest.prefix(length), as: UTF8.self) else {
                throw SlipwayError.field(name, "text \(texts.count) is not UTF-8", expected: "UTF-8")
            }
            texts.append(text)
            rest = rest.dropFirst(length)
        }
        guard texts.count == count else { throw malformed }
        return texts
    }

    static func encode(_ values: TensorValues) -> [UInt8] {
        if let bytes = values.withBytes({ Array($0) }) { return bytes }
        guard case .bytes(let texts) = values else { return [] }
        var bytes: [UInt8] = []
        for text in texts {
            withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: text.utf8)
        }
        return bytes
    }
}
