import Core
import Inference

/// Rows for a model, before it is known what the model takes.
public enum Frame: Sendable {
    /// Rows with named columns.
    case table(columns: [String], rows: [[JSONValue]])
    /// Arrays by name, each with one value (or array) a row.
    case named([String: JSONValue])
    /// One array without a name.
    case bare(JSONValue)

    public var rowCount: Int {
        switch self {
        case .table(_, let rows): rows.count
        case .named(let arrays): arrays.values.first?.arrayValue?.count ?? 0
        case .bare(let array): array.arrayValue?.count ?? 0
        }
    }
}

/// Makes a model's input tensors from a frame: columns go to the inputs of their names, or side by side into the one
/// matrix that the model takes.
public struct FrameBinding {
    let inputs: [TensorSpec]
    /// The names of the matrix's columns, when the model's signature has them.
    let columns: [String]?

    public init(_ model: ServedModel) { self.init(inputs: model.inputs, columns: model.columns) }

    init(inputs: [TensorSpec], columns: [String]?) {
        self.inputs = inputs
        self.columns = columns
    }

    /// What a model is asked with.
    public struct Bound: Sendable {
        public var tensors: [Tensor]
        /// The columns' names as the client gave them, when the model has none of its own.
        public var columns: [String]?
    }

    /// - Throws: `invalid`, naming the missing and unknown columns, or the cell that does not fit the input's type.
    public func bind(_ frame: Frame) throws -> Bound {
        switch frame {
        case .table(let names, let rows): return try bind(table: names, rows)
        case .named(let arrays):
            if takesMatrix, let input = inputs.first, arrays[input.name] == nil || arrays.count > 1 {
                return try bind(table: arrays.keys.sorted(), Self.transpose(arrays))
            }
            try requireSame(Set(arrays.keys), Set(inputs.map(\.name)), what: "inputs")
            return Bound(tensors: try inputs.map { try tensor(arrays[$0.name] ?? .null, $0) })
        case .bare(let array):
            guard let input = inputs.first, inputs.count == 1 else {
                throw SlipwayError.field(
                    "inputs", "have no names, and the model has \(inputs.count) inputs",
                    expected: "values for " + inputs.map(\.name).joined(separator: ", "))
            }
            return Bound(tensors: [try tensor(array, input)])
        }
    }

    /// One matrix whose columns are features.
    private var takesMatrix: Bool { inputs.count == 1 && inputs[0].shape.count == 2 }

    private func bind(table names: [String], _ rows: [[JSONValue]]) throws -> Bound {
        guard takesMatrix, let input = inputs.first else {
            try requireSame(Set(names), Set(inputs.map(\.name)), what: "columns")
            let places = Dictionary(names.enumerated().map { ($1, $0) }) { a, _ in a }
            return Bound(
                tensors: try inputs.map { spec in
                    let place = places[spec.name] ?? 0
                    guard spec.shape.count <= 2, spec.shape.count < 2 || spec.shape[1] == 1 || spec.shape[1] == -1
                    else {
                        throw SlipwayError.field(
                            spec.name, "takes \(spec.shape), not one value a row",
                            expected: "the form 'inputs' with nested lists")
                    }
                    return Tensor(
                        name: spec.name, shape: spec.shape.count == 2 ? [rows.count, 1] : [rows.count],
                        values: try Cells.values(rows.map { $0[place] }, spec.type) { "\(spec.name), row \($0)" })
                })
        }
        var order = Array(names.indices)
        if let columns {
            try requireSame(Set(names), Set(columns), what: "columns")
            let places = Dictionary(names.enumerated().map { ($1, $0) }) { a, _ in a }
            order = columns.map { places[$0] ?? 0 }
        } else if input.shape[1] >= 0, input.shape[1] != names.count {
            throw SlipwayError.field(
                "columns", "there are \(names.count)",
                expected: "\(input.shape[1]) for the input \(input.name), in its order")
        }
        var cells: [JSONValue] = []
        cells.reserveCapacity(rows.count * order.count)
        for row in rows { for place in order { cells.append(row[place]) } }
        let width = max(1, order.count)
        let values = try Cells.values(cells, input.type) { "\(names[order[$0 % width]]), row \($0 / width)" }
        return Bound(
            tensors: [Tensor(name: input.name, shape: [rows.count, order.count], values: values)],
            columns: columns == nil ? names : nil)
    }

    private func requireSame(_ given: Set<String>, _ wanted: Set<String>, what: String) throws {
        let missing = wanted.subtracting(given).sorted()
        let unknown = given.subtracting(wanted).sorted()
        guard !missing.isEmpty || !unknown.isEmpty else { return }
        func list(_ names: [String]) -> String {
            names.prefix(20).joined(separator: ", ") + (names.count > 20 ? " and \(names.count - 20) more" : "")
        }
        let problems =
            (missing.isEmpty ? [] : ["missing: \(list(missing))"])
            + (unknown.isEmpty ? [] : ["unknown: \(list(unknown))"])
        throw SlipwayError(
            .invalid, "\(what): \(problems.joined(separator: "; ")).",
            details: [
                "field": what, "missing": missing.joined(separator: ","), "unknown": unknown.joined(separator: ","),
            ])
    }

    /// Columns by name turned into rows.
    private static func transpose(_ arrays: [String: JSONValue]) throws -> [[JSONValue]] {
        let names = arrays.keys.sorted()
        let columns = try names.map { name in
            guard let cells = arrays[name]?.arrayValue else {
                throw SlipwayError.field(
                    "inputs.\(name)", "is \(arrays[name]?.kindName ?? "missing")", expected: "a list of values")
            }
            return cells
        }
        let count = columns.first?.count ?? 0
        for (name, column) in zip(names, columns) where column.count != count {
            throw SlipwayError.field(
                "inputs.\(name)", "has \(column.count) values", expected: "\(count), as \(names[0]) has")
        }
        return (0..<count).map { row in columns.map { $0[row] } }
    }

    /// A nested list as a tensor; its shape is that of the lists.
    private func tensor(_ value: JSONValue, _ spec: TensorSpec) throws -> Tensor {
        var (shape, cells) = try Cells.flatten(value) { _ in
            .field(spec.name, "its lists are not of one length", expected: "a full array of \(spec.shape)")
        }
        // One value a row for a model that takes a matrix of one column.
        if shape.count == 1, spec.shape.count == 2, spec.shape[1] == 1 { shape.append(1) }
        return Tensor(
            name: spec.name, shape: shape, values: try Cells.values(cells, spec.type) { "\(spec.name), value \($0)" })
    }
}
