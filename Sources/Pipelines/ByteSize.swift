import Core

/// Amounts of memory as people write them.
enum ByteSize {
    private static let units: [String: Int64] = [
        "": 1, "B": 1, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000, "K": 1 << 10,
        "M": 1 << 20, "G": 1 << 30,
        "T": 1 << 40, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
    ]

    /// `2GiB`, `512MB`, `1.5G` (powers of two without the B), or a number of bytes.
    static func parse(_ value: JSONValue, field: String) throws -> Int64 {
        let text: String
        switch value {
        case .string(let given): text = given
        case .int, .number: text = value.canonicalText
        default: throw SlipwayError.field(field, "is \(value.kindName)", expected: "an amount such as 2GiB")
        }
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }.uppercased()
        guard let number = Double(digits), let factor = units[unit], number >= 0,
            let bytes = Int64(exactly: (number * Double(factor)).rounded())
        else {
            throw SlipwayError.field(
                field, "'\(text.prefix(40))' is not an amount of memory",
                expected: "a number and a unit, such as 512MiB or 2GB")
        }
        return bytes
    }
}
