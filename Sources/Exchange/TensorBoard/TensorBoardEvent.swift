import Core

/// What is taken of an `Event` (`tensorboard/compat/proto/event.proto`, `summary.proto`, `tensor.proto`).
struct TensorBoardEvent {
    var time: Int64 = 0
    var step: Int64 = 0
    var values: [Value] = []
    var hasGraph = false

    struct Value {
        var tag = ""
        var plugin = ""
        /// What the plugin says of itself.
        var content: ArraySlice<UInt8> = []
        var kind = Content.none
    }

    enum Content {
        case none
        case scalar(Double)
        case texts([String])
        case image, histogram, audio, tensor
    }

    init(_ bytes: ArraySlice<UInt8>) throws {
        try ProtoFields.each(bytes) { number, value in
            switch number {
            case 1:
                // Seconds; what is no time is none.
                if let seconds = value.double, (0...1e12).contains(seconds) { time = Int64((seconds * 1000).rounded()) }
            case 2: step = value.int ?? 0
            case 4, 9: hasGraph = true
            case 5:
                try ProtoFields.each(value.bytes ?? []) { number, value in
                    if number == 1, let body = value.bytes { values.append(try Self.value(body)) }
                }
            default: break
            }
        }
    }

    private static func value(_ body: ArraySlice<UInt8>) throws -> Value {
        var found = Value()
        try ProtoFields.each(body) { number, value in
            switch number {
            case 1: found.tag = value.text ?? ""
            case 2: if let number = value.float { found.kind = .scalar(number) }
            case 4: found.kind = .image
            case 5: found.kind = .histogram
            case 6: found.kind = .audio
            case 8: if let body = value.bytes { found.kind = try tensor(body) }
            case 9:
                try ProtoFields.each(value.bytes ?? []) { number, value in
                    guard number == 1, let plugin = value.bytes else { return }
                    try ProtoFields.each(plugin) { number, value in
                        if number == 1 { found.plugin = value.text ?? "" }
                        if number == 2 { found.content = value.bytes ?? [] }
                    }
                }
            default: break
            }
        }
        return found
    }

    /// A tensor of one number, or of texts; what has more numbers is `tensor`.
    private static func tensor(_ body: ArraySlice<UInt8>) throws -> Content {
        var type: Int64 = 0
        var raw: ArraySlice<UInt8> = []
        var numbers: [Double] = []
        var texts: [String] = []
        func packed(_ value: ProtoFields.Value, _ size: Int, _ number: (ArraySlice<UInt8>) -> Double) {
            guard let bytes = value.bytes, bytes.count % size == 0 else { return }
            for index in 0..<min(bytes.count / size, 2) { numbers.append(number(bytes.dropFirst(index * size))) }
        }
        try ProtoFields.each(body) { number, value in
            switch number {
            case 1: type = value.int ?? 0
            case 4: raw = value.bytes ?? []
            case 5:
                if let number = value.float { numbers.append(number) }
                packed(value, 4) { Double(Float(bitPattern: $0.little(UInt32.self, at: 0))) }
            case 6:
                if let number = value.double { numbers.append(number) }
                packed(value, 8) { Double(bitPattern: $0.little(UInt64.self, at: 0)) }
            case 7, 10:
                if let number = value.int { numbers.append(Double(number)) }
                if let bytes = value.bytes { numbers += try ProtoFields.varints(bytes).prefix(2).map(Double.init) }
            case 8: if let text = value.text { texts.append(text) }
            default: break
            }
        }
        if !texts.isEmpty { return .texts(texts) }
        if !raw.isEmpty {
            // As DataType numbers them.
            switch (type, raw.count) {
            case (1, 4): return .scalar(Double(Float(bitPattern: raw.little(UInt32.self, at: 0))))
            case (2, 8): return .scalar(Double(bitPattern: raw.little(UInt64.self, at: 0)))
            case (3, 4): return .scalar(Double(raw.little(Int32.self, at: 0)))
            case (9, 8): return .scalar(Double(raw.little(Int64.self, at: 0)))
            case (14, 2): return .scalar(Double(Float(bitPattern: UInt32(raw.little(UInt16.self, at: 0)) << 16)))
            default: return .tensor
            }
        }
        return numbers.count == 1 ? .scalar(numbers[0]) : .tensor
    }
}
