import COnnxRuntime
import Core

/// Makes ONNX Runtime's values over the caller's tensors.
enum OrtInputs {
    /// Calls `body` with one value a tensor. Numeric values point into the tensors' own memory, which Swift keeps in
    /// place for the length of the call; ONNX Runtime only reads it. Text is copied, as the library keeps its own strings.
    static func with<R>(_ tensors: [Tensor], _ runtime: OnnxRuntime, _ body: ([OpaquePointer]) throws -> R) throws -> R
    {
        var values: [OpaquePointer] = []
        values.reserveCapacity(tensors.count)
        defer { for value in values { runtime.api.pointee.ReleaseValue(value) } }
        // One level a tensor: each must stay in place until the innermost call is over.
        func bind(_ index: Int) throws -> R {
            guard index < tensors.count else { return try body(values) }
            let tensor = tensors[index]
            let result = try tensor.values.withBytes { bytes in
                values.append(try numeric(tensor, bytes, runtime))
                return try bind(index + 1)
            }
            if let result { return result }
            if case .bytes(let strings) = tensor.values { values.append(try text(tensor, strings, runtime)) }
            return try bind(index + 1)
        }
        return try bind(0)
    }

    private static func numeric(_ tensor: Tensor, _ bytes: UnsafeRawBufferPointer, _ runtime: OnnxRuntime) throws
        -> OpaquePointer
    {
        var value: OpaquePointer?
        // An empty array may have no address; any will do, as nothing is read.
        let data =
            bytes.baseAddress.map(UnsafeMutableRawPointer.init(mutating:)) ?? UnsafeMutableRawPointer(runtime.cpu)
        try withShape(tensor.shape) { shape in
            try runtime.check(
                runtime.api.pointee.CreateTensorWithDataAsOrtValue(
                    runtime.cpu, data, bytes.count, shape.baseAddress, shape.count, tensor.type.onnx, &value))
        }
        guard let value else { throw OrtFailure(code: 0, message: "no value for '\(tensor.name)'") }
        return value
    }

    private static func text(_ tensor: Tensor, _ strings: [String], _ runtime: OnnxRuntime) throws -> OpaquePointer {
        let api = runtime.api.pointee
        var value: OpaquePointer?
        try withShape(tensor.shape) { shape in
            try runtime.check(
                api.CreateTensorAsOrtValue(runtime.allocator, shape.baseAddress, shape.count, tensor.type.onnx, &value))
        }
        guard let value else { throw OrtFailure(code: 0, message: "no value for '\(tensor.name)'") }
        guard !strings.isEmpty else { return value }
        // The strings one after another, each ended by NUL, and their places.
        var bytes: [CChar] = []
        var places: [Int] = []
        for string in strings {
            places.append(bytes.count)
            // NUL cannot be told from the end of a C string.
            guard !string.utf8.contains(0) else {
                api.ReleaseValue(value)
                throw SlipwayError.field(tensor.name, "a text contains a NUL character")
            }
            bytes.append(contentsOf: string.utf8CString)
        }
        let status = bytes.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            guard let base = buffer.baseAddress else { return nil }
            return places.map { base + $0 }.withUnsafeBufferPointer { pointers in
                pointers.baseAddress.flatMap { api.FillStringTensor(value, $0, pointers.count) }
            }
        }
        do { try runtime.check(status) } catch {
            api.ReleaseValue(value)
            throw error
        }
        return value
    }

    private static func withShape<R>(_ shape: [Int], _ body: (UnsafeBufferPointer<Int64>) throws -> R) rethrows -> R {
        try withUnsafeTemporaryAllocation(of: Int64.self, capacity: max(1, shape.count)) { buffer in
            for (i, size) in shape.enumerated() { buffer.initializeElement(at: i, to: Int64(size)) }
            return try body(UnsafeBufferPointer(rebasing: buffer[..<shape.count]))
        }
    }
}

/// Copies ONNX Runtime's values into tensors.
enum OrtOutput {
    static func tensor(_ value: OpaquePointer?, spec: TensorSpec, _ runtime: OnnxRuntime) throws -> Tensor {
        guard let value else { throw SlipwayError.field(spec.name, "the model left this output empty") }
        var kind: Int32 = 0
        try runtime.check(runtime.api.pointee.GetValueType(value, &kind))
        switch kind {
        case Int32(CORT_KIND_TENSOR):
            let (shape, values) = try contents(of: value, spec.name, runtime)
            return Tensor(name: spec.name, shape: shape, values: values)
        case Int32(CORT_KIND_SEQUENCE): return try zipMap(value, spec: spec, runtime)
        default: throw SlipwayError(.unsupported, "\(spec.name): the model returned a value of kind \(kind).")
        }
    }

    static func shape(_ info: OpaquePointer, _ runtime: OnnxRuntime) throws -> [Int] {
        let api = runtime.api.pointee
        var rank = 0
        try runtime.check(api.GetDimensionsCount(info, &rank))
        guard rank > 0 else { return [] }
        return try withUnsafeTemporaryAllocation(of: Int64.self, capacity: rank) { buffer in
            buffer.initialize(repeating: 0)
            guard let base = buffer.baseAddress else { return [] }
            try runtime.check(api.GetDimensions(info, base, rank))
            return buffer.map(Int.init)
        }
    }

    private static func contents(of value: OpaquePointer, _ name: String, _ runtime: OnnxRuntime) throws -> (
        [Int], TensorValues
    ) {
        let api = runtime.api.pointee
        var info: OpaquePointer?
        try runtime.check(api.GetTensorTypeAndShape(value, &info))
        defer { api.ReleaseTensorTypeAndShapeInfo(info) }
        guard let info else { throw OrtFailure(code: 0, message: "no type for '\(name)'") }
        var code: Int32 = 0
        try runtime.check(api.GetTensorElementType(info, &code))
        guard let type = TensorType(onnx: code) else {
            throw SlipwayError(
                .unsupported, "\(name): the model returned elements of type \(code), which is not offered.")
        }
        let shape = try shape(info, runtime)
        var count = 0
        try runtime.check(api.GetTensorShapeElementCount(info, &count))
        guard let width = type.elementBytes else {
            return (shape, .bytes(try strings(of: value, count: count, runtime)))
        }
        var data: UnsafeMutableRawPointer?
        try runtime.check(api.GetTensorMutableData(value, &data))
        let bytes = UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : count * width)
        guard let values = TensorValues(copying: bytes, as: type), values.count == count else {
            throw OrtFailure(code: 0, message: "no data for '\(name)'")
        }
        return (shape, values)
    }

    private static func strings(of value: OpaquePointer, count: Int, _ runtime: OnnxRuntime) throws -> [String] {
        guard count > 0 else { return [] }
        let api = runtime.api.pointee
        var length = 0
        try runtime.check(api.GetStringTensorDataLength(value, &length))
        var bytes = [UInt8](repeating: 0, count: max(1, length))
        var offsets = [Int](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            try runtime.check(api.GetStringTensorContent(value, base, length, &offsets, count))
        }
        return offsets.indices.map { i in
            String(decoding: bytes[offsets[i]..<(i + 1 < count ? offsets[i + 1] : length)], as: UTF8.self)
        }
    }

    /// A sequence of maps as a tensor of one row a map and one column a key. The library returns a map's keys in
    /// ascending order; every row must have the same ones.
    private static func zipMap(_ sequence: OpaquePointer, spec: TensorSpec, _ runtime: OnnxRuntime) throws -> Tensor {
        let api = runtime.api.pointee
        var rows = 0
        try runtime.check(api.GetValueCount(sequence, &rows))
        var keys: TensorValues?
        var singles: [Float] = []
        var doubles: [Double] = []
        for row in 0..<rows {
            let map = try item(sequence, row, runtime)
            defer { api.ReleaseValue(map) }
            let (keyValue, numberValue) = (try item(map, 0, runtime), try item(map, 1, runtime))
            defer {
                api.ReleaseValue(keyValue)
                api.ReleaseValue(numberValue)
            }
            let rowKeys = try contents(of: keyValue, spec.name, runtime).1
            guard keys == nil || keys == rowKeys else {
                throw SlipwayError(
                    .unsupported,
                    "\(spec.name): the model's maps have different keys in different rows, so they make no table.")
            }
            keys = rowKeys
            switch try contents(of: numberValue, spec.name, runtime).1 {
            case .fp32(let numbers): singles += numbers
            case .fp64(let numbers): doubles += numbers
            default:
                throw SlipwayError(.unsupported, "\(spec.name): the model's maps hold something other than numbers.")
            }
        }
        let labels: [String] =
            switch keys {
            case .int64(let numbers): numbers.map(String.init)
            case .bytes(let names): names
            default: []
            }
        return Tensor(
            name: spec.name, shape: [rows, labels.count], values: spec.type == .fp64 ? .fp64(doubles) : .fp32(singles),
            labels: labels)
    }

    private static func item(_ value: OpaquePointer, _ index: Int, _ runtime: OnnxRuntime) throws -> OpaquePointer {
        var item: OpaquePointer?
        try runtime.check(runtime.api.pointee.GetValue(value, Int32(clamping: index), runtime.allocator, &item))
        guard let item else { throw OrtFailure(code: 0, message: "an item is missing") }
        return item
    }
}
