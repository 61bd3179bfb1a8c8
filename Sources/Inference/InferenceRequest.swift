import Core

/// A request of the Open Inference Protocol (V2), parsed.
public struct InferenceRequest: Hashable, Sendable {
    /// An output that is asked for.
    public struct Output: Hashable, Sendable {
        public var name: String
        public var parameters: [String: JSONValue]

        public init(name: String, parameters: [String: JSONValue] = [:]) {
            self.name = name
            self.parameters = parameters
        }
    }

    public var id: String?
    public var parameters: [String: JSONValue]
    public var inputs: [Tensor]
    /// Empty: all of the model's.
    public var outputs: [Output]

    public init(id: String? = nil, parameters: [String: JSONValue] = [:], inputs: [Tensor] = [], outputs: [Output] = [])
    {
        self.id = id
        self.parameters = parameters
        self.inputs = inputs
        self.outputs = outputs
    }

    /// The outputs to compute, as `ModelRunner.infer` takes them.
    public var outputNames: [String]? { outputs.isEmpty ? nil : outputs.map(\.name) }

    /// Whether an output is to be answered as raw bytes after the JSON (the extension `binary_tensor_data`): its own
    /// parameter `binary_data`, else the request's `binary_data_output`.
    public func wantsBinary(_ output: String) -> Bool {
        let own = outputs.first { $0.name == output }?.parameters["binary_data"]?.boolValue
        return own ?? parameters["binary_data_output"]?.boolValue ?? false
    }
}

/// Reads and writes the JSON form of the Open Inference Protocol (V2, kserve/open-inference-protocol) with its extension
/// `binary_tensor_data`. Tensor data goes straight between bytes and arrays: no tree of values is built.
public enum InferenceJSON {
    /// The header that tells where the JSON ends and the raw bytes begin.
    public static let headerLengthField = "Inference-Header-Content-Length"

    /// What `null` and `NaN` in the data of a floating-point input mean.
    public enum MissingValues: Sendable {
        /// An error: most models answer nonsense for them.
        case refused
        /// A missing value, given to the model as NaN; infinities are taken too.
        case nan
    }

    /// Parses the body of an inference request.
    ///
    /// - Parameters:
    ///   - headerLength: the length of the JSON, from `Inference-Header-Content-Length`; nil when there is no binary part.
    /// - Throws: `invalid`, naming the input and what was expected; `tooLarge` for JSON that is nested too deep.
    public static func parseRequest(
        _ body: [UInt8], headerLength: Int? = nil, missing: MissingValues = .refused
    ) throws -> InferenceRequest {
        var binary: BinaryTensors?
        if let headerLength {
            guard (0...body.count).contains(headerLength) else {
                throw SlipwayError.field(
                    headerLengthField, "\(headerLength) is not usable",
                    expected: "at most the body's \(body.count) bytes")
            }
            binary = BinaryTensors(body[headerLength...])
        }
        var reader = JSONReader(headerLength.map { Array(body[..<$0]) } ?? body)
        var request = InferenceRequest()
        var hasInputs = false
        try reader.readObject { reader, key in
            switch key {
            case "id":
                guard try !reader.readNull() else { return }
                guard try reader.peekKind() == .string else {
                    throw SlipwayError.field("id", "is not text", expected: "text")
                }
                request.id = try reader.readString()
            case "parameters": request.parameters = try parameters(&reader, of: "parameters")
            case "inputs":
                guard try reader.peekKind() == .array else {
                    throw SlipwayError.field("inputs", "is not a list", expected: "a list of tensors")
                }
                hasInputs = true
                try reader.readArray { reader in
                    request.inputs.append(
                        try input(
                            &reader, number: request.inputs.count, bodyBytes: body.count, missing: missing, &binary))
                }
            case "outputs": request.outputs = try outputs(&reader)
            default: try reader.skipValue()
            }
        }
        try reader.expectEnd()
        guard hasInputs else { throw SlipwayError.field("inputs", "is missing", expected: "a list of tensors") }
        try binary?.expectEnd()
        return request
    }

    static func parameters(_ reader: inout JSONReader, of name: String) throws -> [String: JSONValue] {
        if try reader.readNull() { return [:] }
        guard case .object(let fields) = try reader.readValue() else {
            throw SlipwayError.field(name, "is not an object", expected: "an object")
        }
        return fields
    }

    private static func outputs(_ reader: inout JSONReader) throws -> [InferenceRequest.Output] {
        if try reader.readNull() { return [] }
        guard try reader.peekKind() == .array else {
            throw SlipwayError.field("outputs", "is not a list", expected: "a list of objects with a name")
        }
        var outputs: [InferenceRequest.Output] = []
        try reader.readArray { reader in
            let place = "outputs[\(outputs.count)]"
            guard try reader.peekKind() == .object else {
                throw SlipwayError.field(place, "is not an object", expected: "an object with a name")
            }
            var name: String?
            var fields: [String: JSONValue] = [:]
            try reader.readObject { reader, key in
                switch key {
                case "name" where try reader.peekKind() == .string: name = try reader.readString()
                case "parameters": fields = try parameters(&reader, of: "\(place).parameters")
                default: try reader.skipValue()
                }
            }
            guard let name else {
                throw SlipwayError.field("\(place).name", "is missing", expected: "the name of an output")
            }
            outputs.append(InferenceRequest.Output(name: name, parameters: fields))
        }
        return outputs
    }

    private static func input(
        _ reader: inout JSONReader, number: Int, bodyBytes: Int, missing: MissingValues, _ binary: inout BinaryTensors?
    ) throws -> Tensor {
        let place = "inputs[\(number)]"
        guard try reader.peekKind() == .object else {
            throw SlipwayError.field(
                place, "is not an object", expected: "an object with name, datatype, shape and data")
        }
        var name: String?
        var shape: [Int]?
        var type: TensorType?
        var binarySize: Int?
        var values: TensorValues?
        // A copy of the reader where the data began, when they came before what is needed to read them.
        var earlier: JSONReader?
        try reader.readObject { reader, key in
            switch key {
            case "name":
                guard try reader.peekKind() == .string else {
                    throw SlipwayError.field("\(place).name", "is not text", expected: "the name of an input")
                }
                name = try reader.readString()
            case "datatype": type = try datatype(&reader, name ?? place)
            case "shape": shape = try sizes(&reader, name ?? place)
            case "parameters":
                let fields = try parameters(&reader, of: "\(name ?? place).parameters")
                if let size = fields["binary_data_size"] {
                    guard let count = size.intValue, count >= 0 else {
                        throw SlipwayError.field(
                            name ?? place, "its binary_data_size is not usable", expected: "a number of bytes")
                    }
                    binarySize = Int(count)
                }
            case "data":
                if let name, let shape, let type {
                    values = try TensorDataReader(
                        name: name, shape: shape, type: type, missing: missing, bodyBytes: bodyBytes
                    ).read(&reader)
                } else {
                    earlier = reader
                    try reader.skipValue()
                }
            default: try reader.skipValue()
            }
        }
        guard let name else {
            throw SlipwayError.field("\(place).name", "is missing", expected: "the name of an input")
        }
        guard let type else { throw SlipwayError.field(name, "its datatype is missing", expected: knownTypes) }
        guard let shape else {
            throw SlipwayError.field(name, "its shape is missing", expected: "a list of sizes such as [1, 4]")
        }
        if var earlier {
            values = try TensorDataReader(name: name, shape: shape, type: type, missing: missing, bodyBytes: bodyBytes)
                .read(&earlier)
        }
        if let binarySize {
            guard values == nil else { throw SlipwayError.field(name, "it has both data and binary_data_size") }
            guard binary != nil else {
                throw SlipwayError.field(
                    name, "it has binary_data_size, but the request has no header \(headerLengthField)")
            }
            values = try binary?.take(binarySize, name: name, type: type, shape: shape)
        }
        guard let values else {
            throw SlipwayError.field(name, "its data is missing", expected: "a list of \(type.rawValue) values")
        }
        return Tensor(name: name, shape: shape, values: values)
    }

    private static let knownTypes = "one of " + TensorType.allCases.map(\.rawValue).joined(separator: ", ")

    private static func datatype(_ reader: inout JSONReader, _ name: String) throws -> TensorType {
        let value = try reader.readValue()
        guard let type = value.stringValue.flatMap(TensorType.init) else {
            let shown = value.stringValue.map { "'\($0.prefix(20))'" } ?? value.kindName
            throw SlipwayError.field(name, "its datatype is \(shown)", expected: knownTypes)
        }
        return type
    }

    private static func sizes(_ reader: inout JSONReader, _ name: String) throws -> [Int] {
        let expected = "a list of whole numbers of 0 or more, such as [1, 4]"
        guard try reader.peekKind() == .array else {
            throw SlipwayError.field(name, "its shape is not a list", expected: expected)
        }
        var shape: [Int] = []
        try reader.readArray { reader in
            guard try reader.peekKind() == .number, case .int(let size) = try reader.readNumber(), size >= 0,
                shape.count < 64
            else {
                throw SlipwayError.field(name, "its shape is not usable", expected: expected)
            }
            shape.append(Int(size))
        }
        return shape
    }
}
