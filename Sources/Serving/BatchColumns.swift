import Core
import Inference

/// A model's outputs as columns with one value a row: `prediction` for the only one, else the output's name, with the
/// class or the place behind it where an output has several values a row.
struct BatchColumns {
    private struct Column {
        let name: String
        let values: TensorValues
        let offset: Int
        let stride: Int
    }

    private let columns: [Column]
    private let rows: Int

    /// - Throws: `unsupported` for outputs that do not have one entry a row.
    init(_ outputs: [Tensor], rows: Int) throws {
        var columns: [Column] = []
        for output in outputs {
            guard output.shape.first == rows else {
                throw SlipwayError(
                    .unsupported,
                    "The output \(output.name) has the shape \(output.shape), not one entry for each of \(rows) rows.")
            }
            let width = output.shape.dropFirst().reduce(1, *)
            for place in 0..<width {
                let suffix =
                    width == 1
                    ? "" : "_" + (output.labels?.count == width ? output.labels?[place] ?? "" : String(place))
                let name = outputs.count == 1 && width == 1 ? "prediction" : output.name + suffix
                columns.append(Column(name: name, values: output.values, offset: place, stride: width))
            }
        }
        self.columns = columns
        self.rows = rows
    }

    var names: [String] { columns.map(\.name) }

    /// One JSON object a line.
    func lines(first: Int, rowColumn: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for row in 0..<rows {
            var writer = JSONWriter(reserving: 32 + 24 * columns.count)
            writer.object { writer in
                writer.key(rowColumn)
                writer.write(first + row)
                for column in columns {
                    writer.key(column.name)
                    Self.write(column.values, row * column.stride + column.offset, &writer)
                }
            }
            bytes += writer.bytes
            bytes.append(10)
        }
        return bytes
    }

    /// Tables have no word for NaN that all readers know: what is not finite is null.
    private static func write(_ values: TensorValues, _ at: Int, _ writer: inout JSONWriter) {
        guard case .fp16(let halves) = values else { return writer.element(values, at: at, notFinite: .null) }
        // Of a half, the digits of a Float.
        let number = Half.float(halves[at])
        if number.isFinite { writer.raw(number.description) } else { writer.writeNull() }
    }
}
