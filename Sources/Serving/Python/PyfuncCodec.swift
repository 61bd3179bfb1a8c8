import Core
import Inference

/// A pyfunc model's signature as tensors, and the bodies of mlflow's scoring server made from them and read into them.
///
/// A column of the signature is a tensor with one value a row; a tensor of the signature is a tensor. Without a
/// signature, or with columns that are no scalars (lists, maps), there are no inputs: such a model takes MLflow's forms
/// only.
struct PyfuncCodec: Sendable {
    let inputs: [TensorSpec]
    let outputs: [TensorSpec]
    private let isFrame: Bool
    private let hasNames: Bool

    /// The name of an output that has none.
    static let output = "predictions"

    init(signature: JSONValue?) {
        let given = signature?["inputs"]?.arrayValue ?? []
        isFrame = !given.contains { $0["type"]?.stringValue == "tensor" }
        hasNames = given.allSatisfy { $0["name"]?.stringValue != nil }
        inputs = Self.specs(given, unnamed: "input") ?? []
        outputs = Self.specs(signature?["outputs"]?.arrayValue ?? [], unnamed: Self.output) ?? []
    }

    private static func specs(_ items: [JSONValue], unnamed: String) -> [TensorSpec]? {
        var specs: [TensorSpec] = []
        for (index, item) in items.enumerated() {
            let name = item["name"]?.stringValue ?? (items.count == 1 ? unnamed : "\(unnamed)-\(index)")
            if item["type"]?.stringValue == "tensor" {
                guard let spec = item["tensor-spec"], let type = type(spec["dtype"]?.stringValue) else { return nil }
                let shape = (spec["shape"]?.arrayValue ?? []).compactMap { $0.intValue.map { Int($0) } }
                specs.append(TensorSpec(name: name, type: type, shape: shape))
            } else {
                guard let type = type(item["type"]?.stringValue) else { return nil }
                specs.append(TensorSpec(name: name, type: type, shape: [-1]))
            }
        }
        return specs
    }

    /// MLflow's names of column types, and numpy's of tensors.
    private static func type(_ name: String?) -> TensorType? {
        switch name {
        case "boolean", "bool": .bool
        case "int8": .int8
        case "int16": .int16
        case "integer", "int32": .int32
        case "long", "int64": .int64
        case "uint8": .uint8
        case "uint16": .uint16
        case "uint32": .uint32
        case "uint64": .uint64
        case "float", "float32": .fp32
        case "double", "float64": .fp64
        case "string", "str", "object", "datetime": .bytes
        default: nil
        }
    }

    // MARK: The request

    /// - Throws: `unsupported` for a model without usable inputs; `invalid` naming the tensor that does not fit.
    func body(_ tensors: [Tensor]) throws -> [UInt8] {
        guard !inputs.isEmpty else {
            throw SlipwayError(
                .unsupported,
                "The model has no signature of columns or tensors, so it takes MLflow's forms only: POST /endpoints/NAME/invocations. Log it with a signature (mlflow.models.infer_signature) to ask it with tensors."
            )
        }
        let byName = Dictionary(tensors.map { ($0.name, $0) }) { a, _ in a }
        let ordered = try inputs.map { spec in
            guard let tensor = byName[spec.name] else {
                throw SlipwayError.field(
                    "inputs", "\(spec.name) is missing", expected: inputs.map(\.name).joined(separator: ", "))
            }
            guard tensor.type == spec.type else {
                throw SlipwayError.field(spec.name, "is \(tensor.type.rawValue)", expected: spec.type.rawValue)
            }
            return tensor
        }
        guard tensors.count == inputs.count else {
            throw SlipwayError.field(
                "inputs", "there are \(tensors.count)", expected: inputs.map(\.name).joined(separator: ", "))
        }
        var writer = JSONWriter(reserving: 64 + tensors.reduce(0) { $0 + $1.values.count * 12 })
        if isFrame { try frame(ordered, &writer) } else { arrays(ordered, &writer) }
        return writer.bytes
    }

    private func frame(_ columns: [Tensor], _ writer: inout JSONWriter) throws {
        let rows = columns[0].values.count
        for column in columns where column.values.count != rows || column.shape.dropFirst().contains(where: { $0 != 1 })
        {
            throw SlipwayError.field(column.name, "has the shape \(column.shape)", expected: "[\(rows)]")
        }
        writer.object { writer in
            writer.key("dataframe_split")
            writer.object { writer in
                if hasNames {
                    writer.key("columns")
                    writer.array { writer in for column in columns { writer.write(column.name) } }
                }
                writer.key("data")
                writer.array { writer in
                    for row in 0..<rows {
                        writer.array { writer in
                            for column in columns { writer.element(column.values, at: row, notFinite: .null) }
                        }
                    }
                }
            }
        }
    }

    private func arrays(_ tensors: [Tensor], _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("inputs")
            if hasNames {
                writer.object { writer in
                    for tensor in tensors {
                        writer.key(tensor.name)
                        var at = 0
                        Self.nested(tensor, 0, &at, &writer)
                    }
                }
            } else {
                var at = 0
                Self.nested(tensors[0], 0, &at, &writer)
            }
        }
    }

    private static func nested(_ tensor: Tensor, _ depth: Int, _ at: inout Int, _ writer: inout JSONWriter) {
        guard depth < tensor.shape.count else {
            writer.element(tensor.values, at: at, notFinite: .null)
            at += 1
            return
        }
        writer.array { writer in
            for _ in 0..<tensor.shape[depth] { nested(tensor, depth + 1, &at, &writer) }
        }
    }

    // MARK: The answer

    /// Reads `{"predictions": …}`: a list of values or of lists is one output, a list of objects (a data frame) or an
    /// object of lists one output for each name.
    ///
    /// - Throws: `unsupported` for an answer that is no table and no array.
    func outputs(of bytes: [UInt8]) throws -> [Tensor] {
        let document = try JSONValue(parsing: bytes)
        guard let value = document["predictions"] else { throw Self.unreadable(document) }
        if let columns = value.objectValue {
            return try columns.keys.sorted().map { try tensor(columns[$0] ?? .null, named: $0) }
        }
        guard let rows = value.arrayValue else { return [try tensor(.array([value]), named: Self.output)] }
        if let first = rows.first?.objectValue {
            let names = outputs.map(\.name).filter { first[$0] != nil }
            let order = names.count == first.count ? names : first.keys.sorted()
            return try order.map { name in try tensor(.array(rows.map { $0[name] ?? .null }), named: name) }
        }
        return [try tensor(value, named: outputs.count == 1 ? outputs[0].name : Self.output)]
    }

    private func tensor(_ value: JSONValue, named name: String) throws -> Tensor {
        let (shape, cells) = try Cells.flatten(value, uneven: Self.unreadable)
        if let object = cells.first(where: { $0.objectValue != nil }) { throw Self.unreadable(object) }
        let declared = outputs.first { $0.name == name }?.type
        let values = try Cells.values(cells, declared.flatMap { fits(cells, $0) } ?? Self.type(of: cells)) {
            "\(name), value \($0)"
        }
        return Tensor(name: name, shape: shape, values: values)
    }

    /// The declared type, unless the values say otherwise: a signature is what somebody wrote, the answer is the answer.
    private func fits(_ cells: [JSONValue], _ type: TensorType) -> TensorType? {
        (try? Cells.values(cells, type) { _ in "" }) == nil ? nil : type
    }

    private static func type(of cells: [JSONValue]) -> TensorType {
        var isWhole = true
        for cell in cells {
            switch cell {
            case .bool: if cells.allSatisfy({ if case .bool = $0 { true } else { false } }) { return .bool }
            case .string, .array, .object: return .bytes
            case .int: continue
            case .number, .null: isWhole = false
            }
        }
        return isWhole && !cells.isEmpty ? .int64 : .fp64
    }

    private static func unreadable(_ value: JSONValue) -> SlipwayError {
        SlipwayError(
            .unsupported,
            "The model's answer is \(value.kindName), not a table or an array; ask it by /endpoints/NAME/invocations.")
    }
}
