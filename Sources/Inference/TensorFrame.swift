import Core

/// How the server and a worker process write requests and answers to each other, inside the frames of `WorkerPool`.
/// Both sides are the same executable, so there are no versions. Whole numbers are little-endian; docs/inference.md has
/// the layout. The server reads a worker's answer as it reads any outside bytes: a hostile model may have taken it over.
enum TensorFrame {
    enum Request: Hashable {
        /// Asks for `Answer.description`.
        case describe
        case infer([Tensor], outputs: [String]?)
    }

    struct Description: Hashable, Sendable {
        var version: String
        var inputs: [TensorSpec]
        var outputs: [TensorSpec]
        var unsupportedOutputs: [String: String]
    }

    enum Answer {
        case description(Description)
        case tensors([Tensor])
        case failure(SlipwayError)
    }

    static func encode(_ request: Request) -> [UInt8] {
        var writer = FrameWriter()
        switch request {
        case .describe: writer.number(UInt8(0))
        case .infer(let inputs, let outputs):
            writer.number(UInt8(1))
            writer.list(inputs) { $0.tensor($1) }
            writer.number(UInt8(outputs == nil ? 0 : 1))
            if let outputs { writer.list(outputs) { $0.text($1) } }
        }
        return writer.bytes
    }

    static func decodeRequest(_ bytes: [UInt8]) throws -> Request {
        try FrameReader.read(bytes) { reader in
            switch try reader.number(UInt8.self) {
            case 0: return .describe
            case 1:
                let inputs = try reader.list { try $0.tensor() }
                return .infer(
                    inputs, outputs: try reader.number(UInt8.self) == 0 ? nil : try reader.list { try $0.text() })
            default: throw FrameReader.malformed
            }
        }
    }

    static func encode(_ answer: Answer) -> [UInt8] {
        var writer = FrameWriter()
        switch answer {
        case .description(let description):
            writer.number(UInt8(0))
            writer.text(description.version)
            writer.list(description.inputs) { $0.spec($1) }
            writer.list(description.outputs) { $0.spec($1) }
            writer.list(description.unsupportedOutputs.sorted { $0.key < $1.key }) { writer, item in
                writer.text(item.key)
                writer.text(item.value)
            }
        case .tensors(let tensors):
            writer.number(UInt8(1))
            writer.list(tensors) { $0.tensor($1) }
        case .failure(let error):
            writer.number(UInt8(2))
            writer.text(error.code.rawValue)
            writer.text(error.message)
            writer.list(error.details.sorted { $0.key < $1.key }) { writer, item in
                writer.text(item.key)
                writer.text(item.value)
            }
        }
        return writer.bytes
    }

    static func decodeAnswer(_ bytes: [UInt8]) throws -> Answer {
        try FrameReader.read(bytes) { reader in
            switch try reader.number(UInt8.self) {
            case 0:
                let version = try reader.text()
                let inputs = try reader.list { try $0.spec() }
                let outputs = try reader.list { try $0.spec() }
                let unsupported = try reader.list { (try $0.text(), try $0.text()) }
                return .description(
                    Description(
                        version: version, inputs: inputs, outputs: outputs,
                        unsupportedOutputs: Dictionary(unsupported) { first, _ in first }))
            case 1: return .tensors(try reader.list { try $0.tensor() })
            case 2:
                guard let code = ErrorCode(rawValue: try reader.text()) else { throw FrameReader.malformed }
                let message = try reader.text()
                let details = try reader.list { (try $0.text(), try $0.text()) }
                return .failure(SlipwayError(code, message, details: Dictionary(details) { first, _ in first }))
            default: throw FrameReader.malformed
            }
        }
    }
}

/// Appends parts of a frame.
private struct FrameWriter {
    var bytes: [UInt8] = []

    mutating func number(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func text(_ text: String) {
        number(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func list<Item>(_ items: [Item], _ write: (inout FrameWriter, Item) -> Void) {
        number(UInt32(items.count))
        for item in items { write(&self, item) }
    }

    mutating func shape(_ shape: [Int]) {
        number(UInt8(clamping: shape.count))
        for size in shape.prefix(255) { number(Int64(size)) }
    }

    mutating func spec(_ spec: TensorSpec) {
        text(spec.name)
        number(UInt8(spec.type.onnx))
        shape(spec.shape)
    }

    mutating func tensor(_ tensor: Tensor) {
        text(tensor.name)
        number(UInt8(tensor.type.onnx))
        shape(tensor.shape)
        number(UInt8(tensor.labels == nil ? 0 : 1))
        if let labels = tensor.labels { list(labels) { $0.text($1) } }
        let numeric: Void? = tensor.values.withBytes { memory in
            number(UInt64(memory.count))
            bytes.append(contentsOf: memory)
        }
        if numeric == nil, case .bytes(let strings) = tensor.values { list(strings) { $0.text($1) } }
    }
}

/// Takes parts of a frame, checking every length against what is there.
private struct FrameReader {
    private let bytes: UnsafeRawBufferPointer
    private var at = 0

    static let malformed = SlipwayError(.unavailable, "The inference worker sent something that is not an answer.")

    static func read<R>(_ bytes: [UInt8], _ body: (inout FrameReader) throws -> R) throws -> R {
        try bytes.withUnsafeBytes { buffer in
            var reader = FrameReader(bytes: buffer)
            let result = try body(&reader)
            guard reader.at == buffer.count else { throw malformed }
            return result
        }
    }

    private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard count >= 0, count <= bytes.count - at else { throw Self.malformed }
        defer { at += count }
        return UnsafeRawBufferPointer(rebasing: bytes[at..<at + count])
    }

    mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type) throws -> Number {
        Number(littleEndian: try take(MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
    }

    mutating func text() throws -> String { String(decoding: try take(Int(try number(UInt32.self))), as: UTF8.self) }

    mutating func list<Item>(_ read: (inout FrameReader) throws -> Item) throws -> [Item] {
        let count = Int(try number(UInt32.self))
        var items: [Item] = []
        // An item takes four bytes at least, so a false count reserves no more than the frame's size.
        items.reserveCapacity(min(count, (bytes.count - at) / 4))
        for _ in 0..<count { items.append(try read(&self)) }
        return items
    }

    private mutating func shape() throws -> [Int] {
        let rank = Int(try number(UInt8.self))
        return try (0..<rank).map { _ in Int(try number(Int64.self)) }
    }

    private mutating func type() throws -> TensorType {
        guard let type = TensorType(onnx: Int32(try number(UInt8.self))) else { throw Self.malformed }
        return type
    }

    mutating func spec() throws -> TensorSpec { TensorSpec(name: try text(), type: try type(), shape: try shape()) }

    mutating func tensor() throws -> Tensor {
        let name = try text()
        let type = try type()
        let shape = try shape()
        let labels = try number(UInt8.self) == 0 ? nil : try list { try $0.text() }
        let values: TensorValues
        if let width = type.elementBytes {
            guard let size = Int(exactly: try number(UInt64.self)), size % width == 0,
                let numbers = TensorValues(copying: try take(size), as: type)
            else { throw Self.malformed }
            values = numbers
        } else {
            values = .bytes(try list { try $0.text() })
        }
        return Tensor(name: name, shape: shape, values: values, labels: labels)
    }
}
