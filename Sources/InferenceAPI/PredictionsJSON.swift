import Core
import Inference
import Serving

/// `{"predictions": […]}`: one entry a row. A model with one output gives its values (a list where a row has several);
/// one with several gives objects by output.
enum PredictionsJSON {
    static func write(_ outputs: [Tensor], rows: Int) -> [UInt8] {
        // An output that is not one entry a row (a scalar, say) is the same for all rows.
        let count =
            outputs.allSatisfy { $0.shape.first == outputs.first?.shape.first } ? outputs.first?.rows ?? rows : rows
        var writer = JSONWriter(reserving: 32 + outputs.reduce(0) { $0 + $1.values.count * 14 })
        writer.object { writer in
            writer.key("predictions")
            writer.array { writer in
                for row in 0..<count {
                    guard outputs.count != 1 else {
                        write(outputs[0], row, count, &writer)
                        continue
                    }
                    writer.object { writer in
                        for output in outputs {
                            writer.key(output.name)
                            write(output, row, count, &writer)
                        }
                    }
                }
            }
        }
        return writer.bytes
    }

    private static func write(_ output: Tensor, _ row: Int, _ rows: Int, _ writer: inout JSONWriter) {
        let isPerRow = !output.shape.isEmpty && output.shape[0] == rows
        let width = isPerRow ? output.shape.dropFirst().reduce(1, *) : output.values.count
        let start = isPerRow ? row * width : 0
        if width == 1 { return writer.element(output.values, at: start) }
        if let labels = output.labels, labels.count == width {
            return writer.object { writer in
                for (place, label) in labels.enumerated() {
                    writer.key(label)
                    writer.element(output.values, at: start + place)
                }
            }
        }
        writer.array { writer in for place in start..<start + width { writer.element(output.values, at: place) } }
    }
}
