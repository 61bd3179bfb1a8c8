import COnnxRuntime
import Core

extension OnnxRuntime {
    func check(_ status: OpaquePointer?) throws { try OrtFailure.check(api, status) }
}

/// Reads what a session declares about its inputs and outputs.
struct SessionPorts {
    var inputs: [TensorSpec] = []
    var outputs: [TensorSpec] = []
    var unsupportedOutputs: [String: String] = [:]

    init(runtime: OnnxRuntime, session: OpaquePointer) throws {
        let api = runtime.api.pointee
        var count = 0
        try runtime.check(api.SessionGetInputCount(session, &count))
        for i in 0..<count {
            let name = try Self.name(runtime) { api.SessionGetInputName(session, i, runtime.allocator, $0) }
            switch try Self.port(runtime, { api.SessionGetInputTypeInfo(session, i, $0) }) {
            case .tensor(let type, let shape): inputs.append(TensorSpec(name: name, type: type, shape: shape))
            case .maps: throw Self.refuse(name, "sequences of maps are returned, not taken")
            case .unsupported(let reason): throw Self.refuse(name, reason)
            }
        }
        try runtime.check(api.SessionGetOutputCount(session, &count))
        for i in 0..<count {
            let name = try Self.name(runtime) { api.SessionGetOutputName(session, i, runtime.allocator, $0) }
            switch try Self.port(runtime, { api.SessionGetOutputTypeInfo(session, i, $0) }) {
            case .tensor(let type, let shape): outputs.append(TensorSpec(name: name, type: type, shape: shape))
            case .maps(let type): outputs.append(TensorSpec(name: name, type: type, shape: [-1, -1]))
            case .unsupported(let reason): unsupportedOutputs[name] = reason
            }
        }
        guard !outputs.isEmpty else {
            let reasons = unsupportedOutputs.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
            throw SlipwayError(
                .unsupported, "The model has no output that can be returned (\(reasons.joined(separator: "; "))).")
        }
    }

    private static func refuse(_ name: String, _ reason: String) -> SlipwayError {
        SlipwayError(.unsupported, "The model's input '\(name)' cannot be given: \(reason).", details: ["field": name])
    }

    private static func name(
        _ runtime: OnnxRuntime, _ call: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> OpaquePointer?
    ) throws -> String {
        var raw: UnsafeMutablePointer<CChar>?
        try runtime.check(call(&raw))
        guard let raw else { return "" }
        defer { runtime.api.pointee.ReleaseStatus(runtime.api.pointee.AllocatorFree(runtime.allocator, raw)) }
        return String(cString: raw)
    }

    private enum Port {
        case tensor(TensorType, [Int])
        /// ZipMap: a sequence with one map a row, from class to value.
        case maps(TensorType)
        case unsupported(String)
    }

    private static func port(
        _ runtime: OnnxRuntime, _ call: (UnsafeMutablePointer<OpaquePointer?>) -> OpaquePointer?
    ) throws -> Port {
        let api = runtime.api.pointee
        var info: OpaquePointer?
        try runtime.check(call(&info))
        defer { api.ReleaseTypeInfo(info) }
        guard let info else { return .unsupported("it has no type") }
        switch try kind(runtime, info) {
        case Int32(CORT_KIND_TENSOR):
            guard let (element, shape) = try tensor(runtime, info) else { return .unsupported("it has no tensor type") }
            guard let type = TensorType(onnx: element) else {
                return .unsupported("its element type \(element) is not offered")
            }
            return .tensor(type, shape)
        case Int32(CORT_KIND_SEQUENCE): return try sequence(runtime, info)
        default: return .unsupported("it is neither a tensor nor a sequence of maps")
        }
    }

    private static func kind(_ runtime: OnnxRuntime, _ info: OpaquePointer) throws -> Int32 {
        var kind: Int32 = 0
        try runtime.check(runtime.api.pointee.GetOnnxTypeFromTypeInfo(info, &kind))
        return kind
    }

    private static func sequence(_ runtime: OnnxRuntime, _ info: OpaquePointer) throws -> Port {
        let api = runtime.api.pointee
        let refusal = Port.unsupported("it is a sequence of something other than maps from class to number")
        // A cast returns a view; only what a getter returns is ours to release.
        var view: OpaquePointer?
        try runtime.check(api.CastTypeInfoToSequenceTypeInfo(info, &view))
        guard let view else { return refusal }
        var element: OpaquePointer?
        try runtime.check(api.GetSequenceElementType(view, &element))
        defer { api.ReleaseTypeInfo(element) }
        guard let element, try kind(runtime, element) == Int32(CORT_KIND_MAP) else { return refusal }
        var map: OpaquePointer?
        try runtime.check(api.CastTypeInfoToMapTypeInfo(element, &map))
        guard let map else { return refusal }
        var key: Int32 = 0
        try runtime.check(api.GetMapKeyType(map, &key))
        var value: OpaquePointer?
        try runtime.check(api.GetMapValueType(map, &value))
        defer { api.ReleaseTypeInfo(value) }
        guard key == Int32(CORT_INT64) || key == Int32(CORT_STRING), let value,
            try kind(runtime, value) == Int32(CORT_KIND_TENSOR),
            let (code, _) = try tensor(runtime, value), let type = TensorType(onnx: code),
            type == .fp32 || type == .fp64
        else { return refusal }
        return .maps(type)
    }

    private static func tensor(_ runtime: OnnxRuntime, _ info: OpaquePointer) throws -> (Int32, [Int])? {
        let api = runtime.api.pointee
        var view: OpaquePointer?
        try runtime.check(api.CastTypeInfoToTensorInfo(info, &view))
        guard let view else { return nil }
        var element: Int32 = 0
        try runtime.check(api.GetTensorElementType(view, &element))
        return (element, try OrtOutput.shape(view, runtime).map { $0 < 0 ? -1 : $0 })
    }
}

extension TensorType {
    /// From the number of an ONNX element type.
    init?(onnx code: Int32) {
        switch Int(code) {
        case Int(CORT_BOOL): self = .bool
        case Int(CORT_UINT8): self = .uint8
        case Int(CORT_UINT16): self = .uint16
        case Int(CORT_UINT32): self = .uint32
        case Int(CORT_UINT64): self = .uint64
        case Int(CORT_INT8): self = .int8
        case Int(CORT_INT16): self = .int16
        case Int(CORT_INT32): self = .int32
        case Int(CORT_INT64): self = .int64
        case Int(CORT_FLOAT16): self = .fp16
        case Int(CORT_FLOAT): self = .fp32
        case Int(CORT_DOUBLE): self = .fp64
        case Int(CORT_STRING): self = .bytes
        default: return nil
        }
    }

    /// The number of the ONNX element type.
    var onnx: Int32 {
        switch self {
        case .bool: Int32(CORT_BOOL)
        case .uint8: Int32(CORT_UINT8)
        case .uint16: Int32(CORT_UINT16)
        case .uint32: Int32(CORT_UINT32)
        case .uint64: Int32(CORT_UINT64)
        case .int8: Int32(CORT_INT8)
        case .int16: Int32(CORT_INT16)
        case .int32: Int32(CORT_INT32)
        case .int64: Int32(CORT_INT64)
        case .fp16: Int32(CORT_FLOAT16)
        case .fp32: Int32(CORT_FLOAT)
        case .fp64: Int32(CORT_DOUBLE)
        case .bytes: Int32(CORT_STRING)
        }
    }
}
