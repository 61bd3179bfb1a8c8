import Core
import Inference

/// Tensors as the prediction log keeps them.
enum TensorText {
    /// An object of tensors by name: a list where there is one value a row, else `{"shape", "data", "columns"?}`.
    static func object(_ tensors: [Tensor]) -> String {
        var writer = JSONWriter(reserving: 64 + tensors.reduce(0) { $0 + $1.values.count * 10 })
        writer.object { writer in
            for tensor in tensors {
                writer.key(tensor.name)
                write(tensor, to: &writer)
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func write(_ tensor: Tensor, to writer: inout JSONWriter) {
        let perRow = tensor.shape.dropFirst().reduce(1, *)
        guard !tensor.shape.isEmpty, perRow != 1 else {
            return writer.array { writer in writer.elements(tensor.values) }
        }
        writer.object { writer in
            if let labels = tensor.labels {
                writer.key("columns")
                writer.array { writer in for label in labels { writer.write(label) } }
            }
            writer.key("data")
            writer.array { writer in writer.elements(tensor.values) }
            writer.key("shape")
            writer.array { writer in for size in tensor.shape { writer.write(size) } }
        }
    }
}
