import Core
import Inference

/// Tensors as the prediction log keeps them.
public enum TensorText {
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
        guard !tensor.shape.isEmpty, perRow != 1 else { return values(tensor.values, to: &writer) }
        writer.object { writer in
            if let labels = tensor.labels {
                writer.key("columns")
                writer.array { writer in for label in labels { writer.write(label) } }
            }
            writer.key("data")
            values(tensor.values, to: &writer)
            writer.key("shape")
            writer.array { writer in for size in tensor.shape { writer.write(size) } }
        }
    }

    private static func values(_ values: TensorValues, to writer: inout JSONWriter) {
        func integers(_ numbers: [some FixedWidthInteger], _ writer: inout JSONWriter) {
            for number in numbers { writer.raw(String(number)) }
        }
        /// As few digits as give the same value back.
        func single(_ number: Float, _ writer: inout JSONWriter) {
            if number.isFinite { writer.raw(number.description) } else { writer.write(Double(number)) }
        }
        writer.array { writer in
            switch values {
            case .bool(let flags): for flag in flags { writer.write(flag) }
            case .uint8(let numbers): integers(numbers, &writer)
            case .uint16(let numbers): integers(numbers, &writer)
            case .uint32(let numbers): integers(numbers, &writer)
            case .uint64(let numbers): integers(numbers, &writer)
            case .int8(let numbers): integers(numbers, &writer)
            case .int16(let numbers): integers(numbers, &writer)
            case .int32(let numbers): integers(numbers, &writer)
            case .int64(let numbers): integers(numbers, &writer)
            case .fp16(let halves): for half in halves { single(float(half: half), &writer) }
            case .fp32(let numbers): for number in numbers { single(number, &writer) }
            case .fp64(let numbers): for number in numbers { writer.write(number) }
            case .bytes(let texts): for text in texts { writer.write(text) }
            }
        }
    }

    /// IEEE 754 binary16 widened: exponent bias 15 to 127, ten fraction bits to 23.
    public static func float(half: UInt16) -> Float {
        let sign = UInt32(half & 0x8000) << 16
        let exponent = UInt32(half >> 10) & 0x1F
        let fraction = UInt32(half & 0x3FF)
        switch exponent {
        case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        case 0:
            // Zero and subnormals: the fraction counts units of 2^-24.
            let magnitude = Float(fraction) * 0x1p-24
            return sign == 0 ? magnitude : -magnitude
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}
