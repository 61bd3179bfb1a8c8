import Core

/// A value of an attribute of a span: `AnyValue` of OpenTelemetry's `common.proto`.
public indirect enum AttributeValue: Hashable, Sendable {
    case none
    case text(String)
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case bytes([UInt8])
    case list([AttributeValue])
    /// In the order in which they came.
    case map([Attribute])

    /// What it is as JSON; bytes as base64.
    public var json: JSONValue {
        switch self {
        case .none: .null
        case .text(let text): .string(text)
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .double(let number): .number(number)
        case .bytes(let bytes): .string(Base64.encode(bytes))
        case .list(let items): .array(items.map(\.json))
        case .map(let entries): .object(entries.map)
        }
    }

    /// Like `json`; text that is a JSON document counts as that document, since some exporters send values so.
    var unwrapped: JSONValue {
        guard case .text(let text) = self, let value = try? JSONValue(parsing: text) else { return json }
        return value
    }

    /// Text as it is, everything else as JSON in the spacing of Python's `json.dumps`, which clients show.
    var shownText: String {
        if case .text(let text) = self { return text }
        var out = ""
        write(shown: &out)
        return out
    }

    /// The value with what is nested deeper than `depth` as JSON text, so that the JSON that it is kept in stays readable.
    func flattened(_ depth: Int) -> AttributeValue {
        switch self {
        case .list(let items): depth == 0 ? .text(shownText) : .list(items.map { $0.flattened(depth - 1) })
        case .map(let entries):
            depth == 0
                ? .text(shownText) : .map(entries.map { Attribute($0.key, $0.value.flattened(depth - 1)) })
        default: self
        }
    }

    private func write(shown out: inout String) {
        func quoted(_ text: String) -> String { JSONValue.string(text).canonicalText }
        switch self {
        case .list(let items):
            out += "["
            for (index, item) in items.enumerated() {
                if index > 0 { out += ", " }
                item.write(shown: &out)
            }
            out += "]"
        case .map(let entries):
            out += "{"
            for (index, entry) in entries.enumerated() {
                out += (index > 0 ? ", " : "") + quoted(entry.key) + ": "
                entry.value.write(shown: &out)
            }
            out += "}"
        default: out += json.canonicalText
        }
    }
}

public struct Attribute: Hashable, Sendable {
    public let key: String
    public let value: AttributeValue

    public init(_ key: String, _ value: AttributeValue) {
        self.key = key
        self.value = value
    }
}

extension [Attribute] {
    /// By key; the last of equal keys counts.
    var map: [String: JSONValue] { Dictionary(self.map { ($0.key, $0.value.json) }) { $1 } }

    subscript(key: String) -> AttributeValue? { last { $0.key == key }?.value }
}

/// OTLP's messages in protocol buffers' JSON form with the proto's own field names, as MLflow's API shows spans.
extension JSONWriter {
    mutating func write(_ attributes: [Attribute]) {
        array { writer in
            for attribute in attributes {
                writer.object { writer in
                    writer.key("key")
                    writer.write(attribute.key)
                    if attribute.value != .none {
                        writer.key("value")
                        writer.write(attribute.value)
                    }
                }
            }
        }
    }

    mutating func write(_ value: AttributeValue) {
        object { writer in
            switch value {
            case .none: break
            case .text(let text):
                writer.key("string_value")
                writer.write(text)
            case .bool(let flag):
                writer.key("bool_value")
                writer.write(flag)
            case .int(let number):
                writer.key("int_value")
                writer.write(number)
            case .double(let number):
                writer.key("double_value")
                writer.write(number)
            case .bytes(let bytes):
                writer.key("bytes_value")
                writer.write(Base64.encode(bytes))
            case .list(let items):
                writer.key("array_value")
                writer.object { writer in
                    guard !items.isEmpty else { return }
                    writer.key("values")
                    writer.array { writer in for item in items { writer.write(item) } }
                }
            case .map(let entries):
                writer.key("kvlist_value")
                writer.object { writer in
                    guard !entries.isEmpty else { return }
                    writer.key("values")
                    writer.write(entries)
                }
            }
        }
    }
}

extension AttributeValue {
    /// Reads what `write` wrote, or OTLP/JSON, whose field names are in camel case.
    ///
    /// - Throws: `invalid` for another shape; `tooLarge` past the nesting limit.
    init(json value: JSONValue, depth: Int = 0) throws {
        guard depth <= TraceLimits.attributeDepth else { throw SlipwayError.tooDeepAttribute }
        func field(_ snake: String, _ camel: String) -> JSONValue? { value[camel] ?? value[snake] }
        if value.isNull || value.objectValue?.isEmpty == true {
            self = .none
        } else if let text = field("string_value", "stringValue")?.stringValue {
            self = .text(text.withoutNUL)
        } else if let flag = field("bool_value", "boolValue")?.boolValue {
            self = .bool(flag)
        } else if let number = field("int_value", "intValue")?.intValue {
            self = .int(number)
        } else if let number = field("double_value", "doubleValue")?.doubleValue {
            self = .double(number)
        } else if let text = field("bytes_value", "bytesValue")?.stringValue, let bytes = Base64.decode(text) {
            self = .bytes(bytes)
        } else if let list = field("array_value", "arrayValue") {
            self = .list(try (list["values"]?.arrayValue ?? []).map { try AttributeValue(json: $0, depth: depth + 1) })
        } else if let list = field("kvlist_value", "kvlistValue") {
            self = .map(try [Attribute](json: list["values"] ?? .null, depth: depth + 1))
        } else {
            throw ProtobufReader.malformed
        }
    }
}

extension [Attribute] {
    init(json value: JSONValue, depth: Int = 0) throws {
        if value.isNull {
            self = []
            return
        }
        guard let items = value.arrayValue else { throw ProtobufReader.malformed }
        self = try items.map { item in
            guard let key = item["key"]?.stringValue else { throw ProtobufReader.malformed }
            return Attribute(key.withoutNUL, try AttributeValue(json: item["value"] ?? .null, depth: depth))
        }
    }
}

extension SlipwayError {
    static let tooDeepAttribute = SlipwayError(
        .tooLarge, "An attribute of a span is nested more than \(TraceLimits.attributeDepth) deep.")
}
