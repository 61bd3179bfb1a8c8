#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A pull reader over JSON bytes (RFC 8259): the hot paths (metrics, inference) take what they need without building a
/// tree. Also accepts bare `NaN`, `Infinity` and `-Infinity`, which Python's `json` writes.
public struct JSONReader {
    private let bytes: [UInt8]
    private var at = 0
    private var depth = 0

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The kind of value that comes next.
    public enum Kind: Sendable { case object, array, string, number, bool, null }

    public mutating func peekKind() throws -> Kind {
        skipSpace()
        guard at < bytes.count else { throw failure("the document ends too early") }
        switch bytes[at] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "N"), UInt8(ascii: "I"), 48...57: return .number
        default: throw failure("'\(Character(UnicodeScalar(bytes[at])))' begins no value")
        }
    }

    /// Reads an object, handing each key to `field`, which must read or skip its value.
    public mutating func readObject(_ field: (inout JSONReader, String) throws -> Void) throws {
        try open(UInt8(ascii: "{"))
        if try close(UInt8(ascii: "}")) { return }
        while true {
            skipSpace()
            let key = try readString()
            skipSpace()
            try take(UInt8(ascii: ":"))
            try field(&self, key)
            if try !more(UInt8(ascii: "}")) { return }
        }
    }

    /// Reads an array, calling `element` before each of its values, which it must read or skip.
    public mutating func readArray(_ element: (inout JSONReader) throws -> Void) throws {
        try open(UInt8(ascii: "["))
        if try close(UInt8(ascii: "]")) { return }
        while true {
            try element(&self)
            if try !more(UInt8(ascii: "]")) { return }
        }
    }

    public mutating func readValue() throws -> JSONValue {
        switch try peekKind() {
        case .object:
            var fields: [String: JSONValue] = [:]
            try readObject { reader, key in fields[key] = try reader.readValue() }
            return .object(fields)
        case .array:
            var items: [JSONValue] = []
            try readArray { reader in items.append(try reader.readValue()) }
            return .array(items)
        case .string: return .string(try readString())
        case .number: return try readNumber()
        case .bool: return .bool(try readBool())
        case .null:
            try word("null")
            return .null
        }
    }

    public mutating func skipValue() throws { _ = try readValue() }

    /// The bytes of the next value as they were written, so that no digit of a number is lost.
    public mutating func readRaw() throws -> ArraySlice<UInt8> {
        skipSpace()
        let start = at
        try skipValue()
        return bytes[start..<at]
    }

    /// Takes `null` if it comes next.
    public mutating func readNull() throws -> Bool {
        guard try peekKind() == .null else { return false }
        try word("null")
        return true
    }

    public mutating func readBool() throws -> Bool {
        skipSpace()
        if at < bytes.count, bytes[at] == UInt8(ascii: "t") {
            try word("true")
            return true
        }
        try word("false")
        return false
    }

    /// A number, or text that spells one (`"3"`, `"NaN"`).
    public mutating func readDouble() throws -> Double {
        let value = try peekKind() == .string ? JSONValue.string(try readString()) : try readNumber()
        guard let number = value.doubleValue else { throw failure("a number was expected") }
        return number
    }

    /// A whole number, or text that spells one.
    public mutating func readInt() throws -> Int64 {
        let value = try peekKind() == .string ? JSONValue.string(try readString()) : try readNumber()
        guard let number = value.intValue else { throw failure("a whole number was expected") }
        return number
    }

    public mutating func readNumber() throws -> JSONValue {
        skipSpace()
        let scan = bytes.withUnsafeBufferPointer { NumberScan($0, from: at) }
        switch scan.result {
        case .whole(let number):
            at = scan.end
            return .int(number)
        case .real(let number):
            at = scan.end
            return .number(number)
        case .word(let word, let number):
            at = scan.end
            try self.word(word)
            return .number(number)
        case .long:
            // strtod reads until the first byte that cannot belong to a number; the copy ends with NUL.
            let length = scan.end - at
            let value = withUnsafeTemporaryAllocation(of: CChar.self, capacity: length + 1) { buffer -> Double? in
                for i in 0..<length { buffer[i] = CChar(bitPattern: bytes[at + i]) }
                buffer[length] = 0
                return buffer.baseAddress.map { strtod($0, nil) }
            }
            at = scan.end
            return .number(value ?? .nan)
        case .problem(let problem):
            at = scan.end
            throw failure("\(problem)")
        }
    }

    public mutating func readString() throws -> String {
        skipSpace()
        try take(UInt8(ascii: "\""))
        let start = at
        var bits: UInt8 = 0
        while at < bytes.count, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\\"), bytes[at] >= 32 {
            bits |= bytes[at]
            at += 1
        }
        if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
            at += 1
            guard bits < 0x80 else { return try text(bytes[start..<at - 1]) }
            // ASCII, as almost all keys and many values are, needs no look at whether it is UTF-8.
            return bytes.withUnsafeBufferPointer {
                String(decoding: UnsafeBufferPointer(rebasing: $0[start..<at - 1]), as: UTF8.self)
            }
        }
        var out = Array(bytes[start..<at])
        while at < bytes.count {
            let b = bytes[at]
            at += 1
            switch b {
            case UInt8(ascii: "\""): return try text(out[...])
            case UInt8(ascii: "\\"): try escape(into: &out)
            case 0..<32: throw failure("text has a raw control character")
            default: out.append(b)
            }
        }
        throw failure("text does not end")
    }

    public mutating func expectEnd() throws {
        skipSpace()
        guard at == bytes.count else { throw failure("something follows the document") }
    }

    public func failure(_ problem: String) -> SlipwayError {
        SlipwayError(.invalid, "The JSON is not usable at byte \(at): \(problem).", details: ["offset": String(at)])
    }

    // MARK: Parts

    private mutating func escape(into out: inout [UInt8]) throws {
        guard at < bytes.count else { throw failure("text does not end") }
        let b = bytes[at]
        at += 1
        switch b {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(b)
        case UInt8(ascii: "b"): out.append(8)
        case UInt8(ascii: "f"): out.append(12)
        case UInt8(ascii: "n"): out.append(10)
        case UInt8(ascii: "r"): out.append(13)
        case UInt8(ascii: "t"): out.append(9)
        case UInt8(ascii: "u"):
            var code = try hex4()
            if code >= 0xD800, code < 0xDC00, at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"),
                bytes[at + 1] == UInt8(ascii: "u")
            {
                at += 2
                let low = try hex4()
                guard low >= 0xDC00, low < 0xE000 else { throw failure("a surrogate has no pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = UnicodeScalar(code) else { throw failure("a surrogate has no pair") }
            out.append(contentsOf: Array(String(Character(scalar)).utf8))
        default: throw failure("an unknown escape")
        }
    }

    private mutating func hex4() throws -> UInt32 {
        guard at + 4 <= bytes.count, let code = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        else {
            throw failure("four hexadecimal digits were expected")
        }
        at += 4
        return code
    }

    private func text(_ slice: ArraySlice<UInt8>) throws -> String {
        guard let text = String(validating: slice, as: UTF8.self) else { throw failure("text is not UTF-8") }
        return text
    }

    private mutating func skipSpace() {
        while at < bytes.count, bytes[at] == 32 || bytes[at] == 10 || bytes[at] == 13 || bytes[at] == 9 { at += 1 }
    }

    private mutating func take(_ byte: UInt8) throws {
        guard at < bytes.count else { throw failure("the document ends too early") }
        guard bytes[at] == byte else {
            throw failure("'\(Character(UnicodeScalar(byte)))' was expected")
        }
        at += 1
    }

    private mutating func word(_ word: StaticString) throws {
        let count = word.utf8CodeUnitCount
        guard at + count <= bytes.count, (0..<count).allSatisfy({ bytes[at + $0] == word.utf8Start[$0] }) else {
            throw failure("'\(word)' was expected")
        }
        at += count
    }

    private mutating func open(_ byte: UInt8) throws {
        skipSpace()
        try take(byte)
        depth += 1
        guard depth <= Limits.jsonDepth else {
            throw SlipwayError(.tooLarge, "The JSON is nested more than \(Limits.jsonDepth) deep.")
        }
    }

    private mutating func close(_ byte: UInt8) throws -> Bool {
        skipSpace()
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        depth -= 1
        return true
    }

    private mutating func more(_ end: UInt8) throws -> Bool {
        if try close(end) { return false }
        try take(UInt8(ascii: ","))
        return true
    }
}

/// One number of JSON, scanned in place.
private struct NumberScan {
    enum Result {
        case whole(Int64)
        case real(Double)
        /// A word of Python's that is to follow, and what it means.
        case word(StaticString, Double)
        /// Well formed, but with more digits or a larger exponent than the quick conversion is exact for.
        case long
        case problem(StaticString)
    }
    private(set) var result: Result
    /// Behind the number; at the place of the problem.
    private(set) var end: Int

    /// The powers of ten that a Double holds exactly.
    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20,
        1e21, 1e22,
    ]

    init(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) {
        var i = start
        let count = bytes.count
        var negative = false
        if i < count, bytes[i] == UInt8(ascii: "-") {
            negative = true
            i += 1
        }
        if i < count, bytes[i] > 57 {
            switch bytes[i] {
            case UInt8(ascii: "N") where !negative: (result, end) = (.word("NaN", .nan), i)
            case UInt8(ascii: "I"): (result, end) = (.word("Infinity", negative ? -.infinity : .infinity), i)
            default: (result, end) = (.problem("a digit was expected"), i)
            }
            return
        }
        var mantissa: UInt64 = 0
        let digits = i
        while i < count, bytes[i] &- 48 <= 9 {
            // Wraps after 19 digits, when the value is not used.
            mantissa = mantissa &* 10 &+ UInt64(bytes[i] &- 48)
            i += 1
        }
        var significant = i - digits
        guard significant > 0 else {
            (result, end) = (.problem("a digit was expected"), i)
            return
        }
        guard significant == 1 || bytes[digits] != 48 else {
            (result, end) = (.problem("a number begins with 0"), i)
            return
        }
        var exponent = 0
        var isWhole = true
        if i < count, bytes[i] == UInt8(ascii: ".") {
            isWhole = false
            i += 1
            let fraction = i
            while i < count, bytes[i] &- 48 <= 9 {
                mantissa = mantissa &* 10 &+ UInt64(bytes[i] &- 48)
                i += 1
            }
            guard i > fraction else {
                (result, end) = (.problem("a digit was expected after '.'"), i)
                return
            }
            significant += i - fraction
            exponent = fraction - i
        }
        if i < count, bytes[i] | 32 == UInt8(ascii: "e") {
            isWhole = false
            i += 1
            var down = false
            if i < count, bytes[i] == UInt8(ascii: "+") || bytes[i] == UInt8(ascii: "-") {
                down = bytes[i] == UInt8(ascii: "-")
                i += 1
            }
            let from = i
            var power = 0
            while i < count, bytes[i] &- 48 <= 9 {
                power = min(power * 10 + Int(bytes[i] &- 48), 100_000)
                i += 1
            }
            guard i > from else {
                (result, end) = (.problem("a digit was expected in the exponent"), i)
                return
            }
            exponent += down ? -power : power
        }
        end = i
        // 10^19 - 1 fits into 64 bits.
        guard significant <= 19 else {
            result = .long
            return
        }
        if isWhole {
            let limit = UInt64(Int64.max) + (negative ? 1 : 0)
            result =
                mantissa <= limit
                ? .whole(negative ? Int64(truncatingIfNeeded: 0 &- mantissa) : Int64(mantissa)) : .long
        } else if mantissa <= 1 << 53, exponent.magnitude <= 22 {
            // Both factors are exact, so the one rounding is the right one (Clinger 1990).
            let magnitude =
                exponent < 0 ? Double(mantissa) / Self.powers[-exponent] : Double(mantissa) * Self.powers[exponent]
            result = .real(negative ? -magnitude : magnitude)
        } else {
            result = .long
        }
    }
}
