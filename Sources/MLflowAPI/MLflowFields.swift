import Core
import Tracking
import Web

/// The fields of a request in the JSON form of MLflow's protocol buffers: of a GET from the query, else from the body;
/// those in the path count as well. Absent and `null` are the same; unknown fields are passed over, and a field may be
/// written in camel case too, as protocol buffers allow.
public struct MLflowFields: Sendable {
    /// Datasets bring schemas and profiles of megabytes.
    private static let bodyBytes = 32 << 20

    private var fields: [String: JSONValue]
    private var lists: [String: [String]] = [:]
    private let path: String
    /// Whence it came; nil for a message within another.
    public let request: Request?

    public init(_ request: Request) async throws {
        self.request = request
        path = ""
        if request.method == .get || request.method == .head {
            fields = request.queryMap.mapValues { .string($0) }
            for name in fields.keys { lists[name] = request.queryAll(name) }
        } else {
            let bytes = try await request.bytes(maximumBytes: Self.bodyBytes)
            fields = try Self.object(bytes)
        }
    }

    private init(_ fields: [String: JSONValue], path: String) {
        self.fields = fields
        self.path = path
        request = nil
    }

    /// Old clients send the document as JSON text within JSON.
    private static func object(_ bytes: [UInt8]) throws -> [String: JSONValue] {
        guard bytes.contains(where: { $0 > 32 }) else { return [:] }
        var value = try JSONValue(parsing: bytes)
        if case .string(let text) = value { value = try JSONValue(parsing: text) }
        if value.isNull { return [:] }
        guard let fields = value.objectValue else {
            throw SlipwayError(.invalid, "The request's body is \(value.kindName); expected a JSON object.")
        }
        return fields
    }

    /// The value of a field, if it is there.
    public subscript(name: String) -> JSONValue? {
        guard let value = fields[name] ?? fields[Self.camelCase(name)], !value.isNull else { return nil }
        return value
    }

    // MARK: Scalars

    /// Text that must be there and not be empty.
    public func required(_ name: String) throws -> String {
        guard let text = try text(name), !text.isEmpty else { throw missing(name) }
        return text
    }

    public func text(_ name: String) throws -> String? {
        guard let value = self[name] else { return nil }
        guard let text = value.stringValue else { throw invalid(name, value, "text was expected") }
        return text
    }

    /// Text; empty text counts as absent, as in protocol buffers.
    public func filled(_ name: String) throws -> String? { try text(name).flatMap { $0.isEmpty ? nil : $0 } }

    /// A whole number, or text that spells one.
    public func int(_ name: String) throws -> Int64? {
        guard let value = self[name] else { return nil }
        guard let number = value.intValue else { throw invalid(name, value, "a whole number was expected") }
        return number
    }

    /// A number, or text that spells one, NaN and infinities included.
    public func double(_ name: String) throws -> Double? {
        guard let value = self[name] else { return nil }
        guard let number = value.doubleValue else { throw invalid(name, value, "a number was expected") }
        return number
    }

    public func bool(_ name: String) throws -> Bool? {
        guard let value = self[name] else { return nil }
        switch value {
        case .bool(let flag): return flag
        case .string(let text) where text.lowercased() == "true": return true
        case .string(let text) where text.lowercased() == "false": return false
        default: throw invalid(name, value, "'true' or 'false' was expected")
        }
    }

    /// A value of an enumeration, by its name or its number.
    public func choice<Value>(_ name: String, _ choices: [(name: String, number: Int64, value: Value)]) throws -> Value?
    {
        guard let value = self[name] else { return nil }
        let found = choices.first { choice in
            value.intValue == choice.number || value.stringValue == choice.name
        }
        guard let found else {
            throw invalid(name, value, "one of \(choices.map(\.name).joined(separator: ", ")) was expected")
        }
        return found.value
    }

    /// A number of rows, from 1 to `maximum`.
    public func limit(_ name: String = "max_results", default: Int, maximum: Int) throws -> Int {
        guard let number = try int(name) else { return `default` }
        guard number >= 1, number <= maximum else {
            throw invalid(name, .int(number), "a number from 1 to \(maximum) was expected")
        }
        return Int(number)
    }

    /// The token of a page before.
    public func cursor(_ name: String = "page_token") throws -> Cursor? {
        try filled(name).map { try Cursor(parsing: $0) }
    }

    /// The run that the request is about; `run_uuid` is its old name.
    public func runID() throws -> String {
        if let id = try filled("run_id") { return id }
        if let id = try filled("run_uuid") { return id }
        throw missing("run_id")
    }

    // MARK: Lists

    /// A repeated field of text; in a query, the name is repeated.
    public func strings(_ name: String) throws -> [String] {
        if let list = lists[name] { return list }
        return try array(name).map { value in
            guard let text = value.stringValue else { throw invalid(name, value, "a list of text was expected") }
            return text
        }
    }

    /// A repeated field of messages.
    public func messages(_ name: String) throws -> [MLflowFields] {
        try array(name).enumerated().map { index, value in
            guard let fields = value.objectValue else {
                throw invalid("\(name)[\(index)]", value, "an object was expected")
            }
            return MLflowFields(fields, path: "\(self.name(name))[\(index)]")
        }
    }

    /// A message within this one.
    public func message(_ name: String) throws -> MLflowFields? {
        guard let value = self[name] else { return nil }
        guard let fields = value.objectValue else { throw invalid(name, value, "an object was expected") }
        return MLflowFields(fields, path: self.name(name))
    }

    /// Parameters or tags: a repeated field of `{"key", "value"}`.
    public func keyValues(_ name: String) throws -> [KeyValue] {
        try messages(name).map { KeyValue(try $0.required("key"), try $0.text("value") ?? "") }
    }

    private func array(_ name: String) throws -> [JSONValue] {
        guard let value = self[name] else { return [] }
        guard let items = value.arrayValue else { throw invalid(name, value, "a list was expected") }
        return items
    }

    // MARK: Errors

    private static let seeDocs = " See the API docs for more information about request parameters."

    public func missing(_ name: String) -> SlipwayError {
        SlipwayError(
            .invalid, "Missing value for required parameter '\(self.name(name))'." + Self.seeDocs,
            details: ["field": self.name(name)])
    }

    /// Clients match the beginning of this message.
    public func invalid(_ name: String, _ value: JSONValue, _ hint: String) -> SlipwayError {
        SlipwayError(
            .invalid,
            "Invalid value \(value.canonicalText.prefix(500)) for parameter '\(self.name(name))' supplied: Hint: \(hint)."
                + Self.seeDocs,
            details: ["field": self.name(name)])
    }

    private func name(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    private static func camelCase(_ name: String) -> String {
        let parts = name.split(separator: "_")
        return parts.dropFirst().reduce(into: parts.first.map(String.init) ?? "") {
            $0 += $1.prefix(1).uppercased() + $1.dropFirst()
        }
    }
}

extension Response {
    /// The empty message.
    static let mlflowEmpty = Response.json([:])

    /// A message written by hand.
    static func mlflow(_ body: (inout JSONWriter) -> Void) -> Response {
        var writer = JSONWriter()
        writer.object(body)
        return .json(writer.bytes)
    }
}
