/// A JSON document as a value. Whole numbers that fit are `int`; other numbers are `number`.
public enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Parses one JSON document (RFC 8259).
    ///
    /// - Throws: `invalid` with the byte offset; `tooLarge` past `Limits.jsonDepth`.
    public init(parsing bytes: [UInt8]) throws {
        var reader = JSONReader(bytes)
        self = try reader.readValue()
        try reader.expectEnd()
    }

    public init(parsing text: String) throws { try self.init(parsing: Array(text.utf8)) }

    /// The document as compact text with sorted keys: equal values give equal bytes, so it can be hashed and signed.
    public var canonicalText: String { String(decoding: canonicalBytes, as: UTF8.self) }

    public var canonicalBytes: [UInt8] {
        var writer = JSONWriter()
        writer.write(self)
        return writer.bytes
    }

    /// Indented text with sorted keys, for people.
    public var prettyText: String {
        var writer = JSONWriter(indent: 2)
        writer.write(self)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    public subscript(key: String) -> JSONValue? {
        if case .object(let fields) = self { return fields[key] }
        return nil
    }

    public var isNull: Bool { self == .null }

    public var stringValue: String? {
        if case .string(let s) = self { return s }
        return nil
    }

    public var boolValue: Bool? {
        if case .bool(let b) = self { return b }
        return nil
    }

    /// A whole number; also from text such as `"3"`, as protobuf's JSON form writes 64-bit integers.
    public var intValue: Int64? {
        switch self {
        case .int(let n): n
        case .number(let d): Int64(exactly: d)
        case .string(let s): Int64(s)
        default: nil
        }
    }

    /// A number; also `"NaN"`, `"Infinity"` and `"-Infinity"`, as protobuf's JSON form writes them.
    public var doubleValue: Double? {
        switch self {
        case .int(let n): Double(n)
        case .number(let d): d
        case .string("NaN"): .nan
        case .string("Infinity"): .infinity
        case .string("-Infinity"): -.infinity
        case .string(let s): Double(s)
        default: nil
        }
    }

    public var arrayValue: [JSONValue]? {
        if case .array(let items) = self { return items }
        return nil
    }

    public var objectValue: [String: JSONValue]? {
        if case .object(let fields) = self { return fields }
        return nil
    }

    /// What kind of value this is, for messages.
    public var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int, .number: "a number"
        case .string: "text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral, ExpressibleByStringInterpolation
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements) { _, b in b })
    }
    public init(nilLiteral: ()) { self = .null }

    public init(_ value: String?) { self = value.map { .string($0) } ?? .null }
    public init(_ value: Int) { self = .int(Int64(value)) }
    public init(_ value: Int64) { self = .int(value) }
    public init(_ value: Double) { self = .number(value) }
    public init(_ value: Bool) { self = .bool(value) }
    public init(_ value: Ref) { self = .string(value.description) }
    /// RFC 3339 text.
    public init(_ value: Timestamp) { self = .string(value.description) }
    public init(_ values: [String]) { self = .array(values.map { .string($0) }) }
    public init(_ values: [String: String]) { self = .object(values.mapValues { .string($0) }) }
}

extension JSONValue: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

/// Reading the fields of an object that a client sent: each accessor names the field when it is wrong.
public struct JSONFields: Sendable {
    public let fields: [String: JSONValue]
    private let path: String

    /// - Throws: `invalid` when `value` is not an object, or has a field that is not among `allowed`.
    public init(_ value: JSONValue, allowed: Set<String>? = nil, path: String = "") throws {
        guard case .object(let fields) = value else {
            throw SlipwayError.field(path.isEmpty ? "body" : path, "is \(value.kindName)", expected: "an object")
        }
        self.fields = fields
        self.path = path
        if let allowed, let unknown = fields.keys.filter({ !allowed.contains($0) }).min() {
            throw SlipwayError.field(
                name(unknown), "is not a known field", expected: "one of \(allowed.sorted().joined(separator: ", "))")
        }
    }

    private func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private func need<T>(_ key: String, _ kind: String, _ get: (JSONValue) -> T?) throws -> T {
        guard let value = try optional(key, kind, get) else {
            throw SlipwayError.field(name(key), "is missing", expected: kind)
        }
        return value
    }

    private func optional<T>(_ key: String, _ kind: String, _ get: (JSONValue) -> T?) throws -> T? {
        guard let value = fields[key], value != .null else { return nil }
        guard let result = get(value) else {
            throw SlipwayError.field(name(key), "is \(value.kindName)", expected: kind)
        }
        return result
    }

    public func string(_ key: String) throws -> String { try need(key, "text", \.stringValue) }
    public func optionalString(_ key: String) throws -> String? { try optional(key, "text", \.stringValue) }
    public func int(_ key: String) throws -> Int {
        try need(key, "a whole number") { $0.intValue.flatMap { Int(exactly: $0) } }
    }
    public func optionalInt(_ key: String) throws -> Int? {
        try optional(key, "a whole number") { $0.intValue.flatMap { Int(exactly: $0) } }
    }
    public func double(_ key: String) throws -> Double { try need(key, "a number", \.doubleValue) }
    public func optionalDouble(_ key: String) throws -> Double? { try optional(key, "a number", \.doubleValue) }
    public func bool(_ key: String, default value: Bool) throws -> Bool {
        try optional(key, "true or false", \.boolValue) ?? value
    }
    public func array(_ key: String) throws -> [JSONValue] { try optional(key, "a list", \.arrayValue) ?? [] }
    public func strings(_ key: String) throws -> [String] {
        try array(key).enumerated().map { index, item in
            guard let text = item.stringValue else {
                throw SlipwayError.field("\(name(key))[\(index)]", "is \(item.kindName)", expected: "text")
            }
            return text
        }
    }
    public func object(_ key: String) throws -> [String: JSONValue] {
        try optional(key, "an object", \.objectValue) ?? [:]
    }
    /// An object whose values are text; numbers and booleans are taken as their text.
    public func stringMap(_ key: String) throws -> [String: String] {
        try object(key).reduce(into: [:]) { result, item in
            switch item.value {
            case .string(let s): result[item.key] = s
            case .int(let n): result[item.key] = String(n)
            case .number(let d): result[item.key] = String(d)
            case .bool(let b): result[item.key] = String(b)
            default: throw SlipwayError.field("\(name(key)).\(item.key)", "is \(item.value.kindName)", expected: "text")
            }
        }
    }
    public func ref(_ key: String) throws -> Ref { try Ref(parsing: string(key)) }
    public func optionalRef(_ key: String) throws -> Ref? { try optionalString(key).map { try Ref(parsing: $0) } }
    public subscript(key: String) -> JSONValue? { fields[key] }
}
