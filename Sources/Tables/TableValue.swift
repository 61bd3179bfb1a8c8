import Core

/// A cell of a table, or a parameter of a query.
public enum TableValue: Hashable, Sendable {
    case null
    case bool(Bool)
    /// All whole numbers that fit into 64 bits.
    case int(Int64)
    case double(Double)
    /// DECIMAL, and whole numbers beyond 64 bits, in plain decimal digits: the value is exact.
    case decimal(String)
    case text(String)
    /// Microseconds since 1970-01-01 00:00 UTC. A TIMESTAMP without a zone is taken as UTC; nanoseconds are cut off.
    case timestamp(microseconds: Int64)
    /// Days since 1970-01-01.
    case date(days: Int32)
    /// Microseconds since midnight.
    case time(microseconds: Int64)
    case bytes([UInt8])
    /// LIST, ARRAY, STRUCT, MAP, UNION and JSON: their JSON text.
    case json(String)

    public var isNull: Bool { self == .null }

    /// A number, if this is one.
    public var doubleValue: Double? {
        switch self {
        case .int(let n): Double(n)
        case .double(let d): d
        case .decimal(let text): Double(text)
        case .bool(let flag): flag ? 1 : 0
        default: nil
        }
    }

    public var intValue: Int64? {
        switch self {
        case .int(let n): n
        case .double(let d): Int64(exactly: d)
        case .decimal(let text): Int64(text)
        default: nil
        }
    }

    /// The value as text, as it would stand in a CSV file; nil for NULL.
    public var text: String? {
        switch self {
        case .null: nil
        case .bool(let flag): flag ? "true" : "false"
        case .int(let n): String(n)
        case .double(let d): d.description
        case .decimal(let text), .text(let text), .json(let text): text
        case .timestamp(let micros): Calendar.timestamp(micros)
        case .date(let days): Calendar.date(days)
        case .time(let micros): Calendar.time(micros)
        case .bytes(let bytes): Hex.encode(bytes)
        }
    }

    /// The value as JSON: decimals as numbers if no digit is lost, else as text; times as RFC 3339 text; bytes as
    /// hexadecimal text.
    public var json: JSONValue {
        switch self {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .int(let n): .int(n)
        case .double(let d): .number(d)
        case .decimal(let text): Self.exactNumber(text) ?? .string(text)
        case .json(let text): (try? JSONValue(parsing: text)) ?? .string(text)
        case .text, .timestamp, .date, .time, .bytes: JSONValue(text)
        }
    }

    /// A decimal of up to 15 digits survives the way through a Double.
    private static func exactNumber(_ text: String) -> JSONValue? {
        if let whole = Int64(text) { return .int(whole) }
        guard text.utf8.count(where: { $0 >= 48 && $0 <= 57 }) <= 15 else { return nil }
        return Double(text).map { .number($0) }
    }

    /// A parameter from JSON: lists and objects become JSON text.
    public init(_ value: JSONValue) {
        switch value {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .int(let n): self = .int(n)
        case .number(let d): self = .double(d)
        case .string(let text): self = .text(text)
        case .array, .object: self = .json(value.canonicalText)
        }
    }
}

/// Dates and times as text.
enum Calendar {
    private static func pad(_ n: Int64, _ width: Int) -> String {
        let digits = String(n)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// `2017-06-01`; DuckDB keeps its infinities at the ends of the range.
    static func date(_ days: Int32) -> String {
        if days == .max { return "infinity" }
        if days <= -.max { return "-infinity" }
        let civil = CivilTime(Timestamp(milliseconds: Int64(days) * 86_400_000))
        let year = civil.year < 0 ? "-" + pad(Int64(-civil.year), 4) : pad(Int64(civil.year), 4)
        return "\(year)-\(pad(Int64(civil.month), 2))-\(pad(Int64(civil.day), 2))"
    }

    /// `04:05:06` with a fraction only if there is one.
    static func time(_ micros: Int64) -> String {
        let seconds = micros / 1_000_000
        let clock = "\(pad(seconds / 3600, 2)):\(pad(seconds / 60 % 60, 2)):\(pad(seconds % 60, 2))"
        var fraction = pad(micros % 1_000_000, 6)
        while fraction.last == "0" { fraction.removeLast() }
        return fraction.isEmpty ? clock : "\(clock).\(fraction)"
    }

    /// `2017-06-01T04:05:06.5Z`.
    static func timestamp(_ micros: Int64) -> String {
        if micros == .max { return "infinity" }
        if micros <= -.max { return "-infinity" }
        let day: Int64 = 86_400_000_000
        let days = micros >= 0 ? micros / day : (micros - (day - 1)) / day
        return "\(date(Int32(clamping: days)))T\(time(micros - days * day))Z"
    }

    /// An ISO 8601 duration such as `P1M2DT3.5S`; months, days and seconds are kept apart, as in SQL.
    static func interval(months: Int32, days: Int32, micros: Int64) -> String {
        var text = "P"
        if months != 0 { text += "\(months)M" }
        if days != 0 { text += "\(days)D" }
        if micros != 0 || text == "P" {
            let magnitude = micros.magnitude
            var fraction = pad(Int64(magnitude % 1_000_000), 6)
            while fraction.last == "0" { fraction.removeLast() }
            text += "T\(micros < 0 ? "-" : "")\(magnitude / 1_000_000)\(fraction.isEmpty ? "" : "." + fraction)S"
        }
        return text
    }
}
