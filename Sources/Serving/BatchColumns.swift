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
        func real(_ number: Double, _ text: @autoclosure () -> String) {
            if number.isFinite { writer.raw(text()) } else { writer.writeNull() }
        }
        switch values {
        case .bool(let v): writer.write(v[at])
        case .uint8(let v): writer.raw(String(v[at]))
        case .uint16(let v): writer.raw(String(v[at]))
        case .uint32(let v): writer.raw(String(v[at]))
        case .uint64(let v): writer.raw(String(v[at]))
        case .int8(let v): writer.raw(String(v[at]))
        case .int16(let v): writer.raw(String(v[at]))
        case .int32(let v): writer.raw(String(v[at]))
        case .int64(let v): writer.raw(String(v[at]))
        case .fp16(let v):
            let number = TensorText.float(half: v[at])
            real(Double(number), number.description)
        case .fp32(let v): real(Double(v[at]), v[at].description)
        case .fp64(let v): real(v[at], v[at].description)
        case .bytes(let v): writer.write(v[at])
        }
    }
}
