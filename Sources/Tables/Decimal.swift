import CDuckDB

/// An exact decimal number: `value / 10^scale`, at most 38 digits.
struct Decimal: Hashable {
    let value: Int128
    let scale: Int
    let width: Int

    /// Parses plain digits with an optional sign and point.
    init?(_ text: String) {
        var digits = text[...]
        let negative = digits.hasPrefix("-")
        if negative || digits.hasPrefix("+") { digits = digits.dropFirst() }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ $0.utf8.allSatisfy { $0 >= 48 && $0 <= 57 } }) else { return nil }
        let all = parts.joined()
        guard !all.isEmpty, all.utf8.count <= 38, let magnitude = Int128(all) else { return nil }
        value = negative ? -magnitude : magnitude
        scale = parts.count == 2 ? parts[1].utf8.count : 0
        width = max(all.utf8.count, 1)
    }

    var duck: cduck_decimal {
        cduck_decimal(
            width: UInt8(width), scale: UInt8(scale),
            value: cduck_hugeint(
                lower: UInt64(truncatingIfNeeded: value), upper: Int64(truncatingIfNeeded: value >> 64)))
    }

    /// `value / 10^scale` in digits.
    static func text(_ value: Int128, scale: Int) -> String {
        guard scale > 0 else { return String(value) }
        var digits = String(value.magnitude)
        if digits.utf8.count <= scale { digits = String(repeating: "0", count: scale + 1 - digits.utf8.count) + digits }
        let point = digits.index(digits.endIndex, offsetBy: -scale)
        return "\(value < 0 ? "-" : "")\(digits[..<point]).\(digits[point...])"
    }
}
