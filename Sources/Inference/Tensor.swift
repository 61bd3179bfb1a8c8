import Core

/// Element types under their Open Inference Protocol (V2) names. `BYTES` is ONNX's string; BF16 is not offered.
public enum TensorType: String, Hashable, Sendable, CaseIterable, Codable {
    case bool = "BOOL"
    case uint8 = "UINT8"
    case uint16 = "UINT16"
    case uint32 = "UINT32"
    case uint64 = "UINT64"
    case int8 = "INT8"
    case int16 = "INT16"
    case int32 = "INT32"
    case int64 = "INT64"
    case fp16 = "FP16"
    case fp32 = "FP32"
    case fp64 = "FP64"
    case bytes = "BYTES"

    /// Bytes an element; nil for `bytes`, whose elements have lengths of their own.
    public var elementBytes: Int? {
        switch self {
        case .bool, .uint8, .int8: 1
        case .uint16, .int16, .fp16: 2
        case .uint32, .int32, .fp32: 4
        case .uint64, .int64, .fp64: 8
        case .bytes: nil
        }
    }

    /// The types whose values may be NaN.
    public var isFloatingPoint: Bool { self == .fp16 || self == .fp32 || self == .fp64 }
}

/// An input or output as the model declares it.
public struct TensorSpec: Hashable, Sendable, Codable {
    public let name: String
    public let type: TensorType
    /// Sizes; -1 is free (most often the number of rows). Empty: a scalar, or a model that declares no shape.
    public let shape: [Int]

    public init(name: String, type: TensorType, shape: [Int]) {
        self.name = name
        self.type = type
        self.shape = shape
    }
}

/// A named array in row-major order.
public struct Tensor: Hashable, Sendable {
    public var name: String
    public var shape: [Int]
    public var values: TensorValues
    /// What the entries of the last dimension stand for, when the model says so: the classes of a scikit-learn
    /// classifier whose probabilities come as maps (ZipMap).
    public var labels: [String]?

    public init(name: String, shape: [Int], values: TensorValues, labels: [String]? = nil) {
        self.name = name
        self.shape = shape
        self.values = values
        self.labels = labels
    }

    public var type: TensorType { values.type }

    /// The first dimension, or 1 for a scalar.
    public var rows: Int { shape.first ?? 1 }

    /// The number of elements that a shape holds.
    ///
    /// - Throws: `invalid` when a size is negative or the product overflows.
    public static func elementCount(_ shape: [Int], of name: String) throws -> Int {
        var count = 1
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard size >= 0, !overflow else {
                throw SlipwayError.field(
                    name, "its shape \(shape) is not usable", expected: "sizes of 0 or more with a product below 2^63")
            }
            count = product
        }
        return count
    }
}

/// The elements of a tensor. FP16 is kept as its 16 bits (IEEE 754 binary16): not every platform has `Float16`.
public enum TensorValues: Hashable, Sendable {
    case bool([Bool])
    case uint8([UInt8])
    case uint16([UInt16])
    case uint32([UInt32])
    case uint64([UInt64])
    case int8([Int8])
    case int16([Int16])
    case int32([Int32])
    case int64([Int64])
    case fp16([UInt16])
    case fp32([Float])
    case fp64([Double])
    /// Text in UTF-8. Where a model returns bytes that are not, each faulty one becomes U+FFFD.
    case bytes([String])

    public var type: TensorType {
        switch self {
        case .bool: .bool
        case .uint8: .uint8
        case .uint16: .uint16
        case .uint32: .uint32
        case .uint64: .uint64
        case .int8: .int8
        case .int16: .int16
        case .int32: .int32
        case .int64: .int64
        case .fp16: .fp16
        case .fp32: .fp32
        case .fp64: .fp64
        case .bytes: .bytes
        }
    }

    public var count: Int {
        switch self {
        case .bool(let v): v.count
        case .uint8(let v): v.count
        case .uint16(let v): v.count
        case .uint32(let v): v.count
        case .uint64(let v): v.count
        case .int8(let v): v.count
        case .int16(let v): v.count
        case .int32(let v): v.count
        case .int64(let v): v.count
        case .fp16(let v): v.count
        case .fp32(let v): v.count
        case .fp64(let v): v.count
        case .bytes(let v): v.count
        }
    }

    /// Calls `body` with the elements' memory; nil for `bytes`.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R? {
        switch self {
        case .bool(let v): try v.withUnsafeBytes(body)
        case .uint8(let v): try v.withUnsafeBytes(body)
        case .uint16(let v): try v.withUnsafeBytes(body)
        case .uint32(let v): try v.withUnsafeBytes(body)
        case .uint64(let v): try v.withUnsafeBytes(body)
        case .int8(let v): try v.withUnsafeBytes(body)
        case .int16(let v): try v.withUnsafeBytes(body)
        case .int32(let v): try v.withUnsafeBytes(body)
        case .int64(let v): try v.withUnsafeBytes(body)
        case .fp16(let v): try v.withUnsafeBytes(body)
        case .fp32(let v): try v.withUnsafeBytes(body)
        case .fp64(let v): try v.withUnsafeBytes(body)
        case .bytes: nil
        }
    }

    /// Copies native-endian elements; `source` must hold whole elements, and need not be aligned. Nil for `bytes`.
    init?(copying source: UnsafeRawBufferPointer, as type: TensorType) {
        switch type {
        // A Bool must be 0 or 1, whatever the memory says.
        case .bool: self = .bool(source.map { $0 != 0 })
        case .uint8: self = .uint8(Self.copy(source))
        case .uint16: self = .uint16(Self.copy(source))
        case .uint32: self = .uint32(Self.copy(source))
        case .uint64: self = .uint64(Self.copy(source))
        case .int8: self = .int8(Self.copy(source))
        case .int16: self = .int16(Self.copy(source))
        case .int32: self = .int32(Self.copy(source))
        case .int64: self = .int64(Self.copy(source))
        case .fp16: self = .fp16(Self.copy(source))
        case .fp32: self = .fp32(Self.copy(source))
        case .fp64: self = .fp64(Self.copy(source))
        case .bytes: return nil
        }
    }

    private static func copy<T: BitwiseCopyable>(_ source: UnsafeRawBufferPointer) -> [T] {
        let count = source.count / MemoryLayout<T>.stride
        return Array(unsafeUninitializedCapacity: count) { buffer, filled in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: source[..<(count * MemoryLayout<T>.stride)]))
            filled = count
        }
    }
}

/// Conversions between FP16's bits and `Float`, exact one way and rounded to nearest even the other (IEEE 754).
public enum Half {
    public static func float(_ bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10 & 0x1F)
        let fraction = UInt32(bits & 0x3FF)
        switch exponent {
        case 0: return (sign == 0 ? 1 : -1) * Float(fraction) * 0x1p-24
        case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }

    public static func bits(_ value: Float) -> UInt16 {
        let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16 & 0x8000)
        if value.isNaN { return sign | 0x7E00 }
        let size = value.magnitude
        // 65520 is half-way between the largest finite half and the next step.
        if size >= 65520 { return sign | 0x7C00 }
        // Subnormal: whole multiples of 2^-24.
        if size < 0x1p-14 { return sign | UInt16((size * 0x1p24).rounded(.toNearestOrEven)) }
        // A carry out of the fraction moves into the exponent, which is what rounding up to the next power needs.
        let rebased = size.bitPattern - 112 << 23
        let rounded = rebased &+ 0xFFF &+ (rebased >> 13 & 1)
        return sign | UInt16(truncatingIfNeeded: rounded >> 13)
    }
}
