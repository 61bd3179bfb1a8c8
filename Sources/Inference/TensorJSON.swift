import Core

/// Elements of tensors as JSON. Real numbers have as few digits as give the same value back.
extension JSONWriter {
    /// How NaN and infinities, which JSON does not have, are written.
    public enum NotFinite: Sendable {
        /// "NaN", "Infinity", "-Infinity", as protobuf's JSON form has it.
        case text
        case null
    }

    /// All elements, within an array that is open; what is not finite is text.
    public mutating func elements(_ values: TensorValues) {
        switch values {
        case .bool(let flags): for flag in flags { write(flag) }
        case .uint8(let numbers): integers(numbers)
        case .uint16(let numbers): integers(numbers)
        case .uint32(let numbers): integers(numbers)
        case .uint64(let numbers): integers(numbers)
        case .int8(let numbers): integers(numbers)
        case .int16(let numbers): integers(numbers)
        case .int32(let numbers): integers(numbers)
        case .int64(let numbers): integers(numbers)
        case .fp16(let halves): for half in halves { single(Half.float(half), .text) }
        case .fp32(let numbers): for number in numbers { single(number, .text) }
        case .fp64(let numbers): for number in numbers { write(number) }
        case .bytes(let texts): for text in texts { write(text) }
        }
    }

    /// One element. A half is written as the double that it is, digit by digit.
    public mutating func element(_ values: TensorValues, at index: Int, notFinite: NotFinite = .text) {
        switch values {
        case .bool(let flags): write(flags[index])
        case .uint8(let numbers): raw(String(numbers[index]))
        case .uint16(let numbers): raw(String(numbers[index]))
        case .uint32(let numbers): raw(String(numbers[index]))
        case .uint64(let numbers): raw(String(numbers[index]))
        case .int8(let numbers): raw(String(numbers[index]))
        case .int16(let numbers): raw(String(numbers[index]))
        case .int32(let numbers): raw(String(numbers[index]))
        case .int64(let numbers): raw(String(numbers[index]))
        case .fp16(let halves): double(Double(Half.float(halves[index])), notFinite)
        case .fp32(let numbers): single(numbers[index], notFinite)
        case .fp64(let numbers): double(numbers[index], notFinite)
        case .bytes(let texts): write(texts[index])
        }
    }

    private mutating func integers(_ numbers: [some FixedWidthInteger]) {
        for number in numbers { raw(String(number)) }
    }

    private mutating func single(_ number: Float, _ notFinite: NotFinite) {
        if number.isFinite { raw(number.description) } else { double(Double(number), notFinite) }
    }

    private mutating func double(_ number: Double, _ notFinite: NotFinite) {
        if notFinite == .null, !number.isFinite { writeNull() } else { write(number) }
    }
}
