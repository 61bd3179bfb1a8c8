import Core

/// One value of a feature or an output.
enum Cell: Hashable, Sendable {
    /// null, or NaN: how a float tensor says that a value is missing.
    case missing
    case number(Double)
    case text(String)

    init(_ value: JSONValue) {
        switch value {
        case .null: self = .missing
        case .bool(let flag): self = .number(flag ? 1 : 0)
        case .int(let number): self = .number(Double(number))
        case .number(let number): self = number.isNaN ? .missing : .number(number)
        // As JSON writes what has no number of its own.
        case .string("NaN"): self = .missing
        case .string("Infinity"): self = .number(.infinity)
        case .string("-Infinity"): self = .number(-.infinity)
        case .string(let text): self = .text(text)
        case .array, .object: self = .text(value.canonicalText)
        }
    }

    init(_ value: Double) { self = value.isNaN ? .missing : .number(value) }

    /// The value at single precision, which is what most models take: a value that only one side has rounded must not
    /// fall on the other side of a bin's edge. Infinities become the largest finite number.
    var number: Double? {
        switch self {
        case .missing: nil
        case .number(let value): Self.single(value)
        case .text(let text): Double(text).flatMap { $0.isNaN ? nil : Self.single($0) }
        }
    }

    /// The value as a category; whole numbers without a fraction.
    var category: String? {
        switch self {
        case .missing: nil
        case .number(let value): Int64(exactly: value).map(String.init) ?? value.description
        case .text(let text): String(String.UnicodeScalarView(text.unicodeScalars.prefix(Self.categoryLength)))
        }
    }

    /// Longer text is told apart by its beginning only; in characters (Unicode scalar values).
    static let categoryLength = 200
    static let largest = Double(Float.greatestFiniteMagnitude)

    private static func single(_ value: Double) -> Double {
        Double(Float(min(max(value, -largest), largest)))
    }
}
