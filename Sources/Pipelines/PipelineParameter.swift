import Core

/// A parameter of a pipeline: runs may set it, steps use it as `${params.name}`.
public struct PipelineParameter: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case text, integer, number, boolean
    }
    public let name: String
    public let kind: Kind
    /// nil: each run must set it.
    public let defaultValue: JSONValue?
    public let description: String?
    /// When not empty, the only values allowed.
    public let choices: [JSONValue]

    /// From `horizon: 14`, or from `horizon: {type: integer, default: 14, description: …, choices: […]}`; without a default it
    /// is required.
    init(name: String, _ value: JSONValue) throws {
        let path = "params.\(name)"
        self.name = try Name.validate(name, field: "params")
        guard case .object = value else {
            guard let kind = Self.kind(of: value) else {
                throw SlipwayError.field(
                    path, "is \(value.kindName)",
                    expected: "a default (text, number, true or false), or {type: text} if each run must set it")
            }
            (self.kind, defaultValue, description, choices) = (kind, value, nil, [])
            return
        }
        let fields = try JSONFields(value, allowed: ["type", "default", "description", "choices"], path: path)
        let given = value["default"].flatMap { $0.isNull ? nil : $0 }
        let kindText = try fields.optionalString("type")
        let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
        guard let kind = kindText.map(Kind.init(rawValue:)) ?? given.map(Self.kind) ?? .text else {
            throw SlipwayError.field(
                "\(path).type", "'\(kindText ?? given?.kindName ?? "")' is not a type", expected: "one of \(known)")
        }
        self.kind = kind
        description = try fields.optionalString("description")
        choices = try fields.array("choices").map { try Self.coerce($0, to: kind, field: "\(path).choices") }
        defaultValue = try given.map { try Self.coerce($0, to: kind, field: "\(path).default") }
        if let defaultValue, !choices.isEmpty, !choices.contains(defaultValue) {
            throw SlipwayError.field("\(path).default", "is not among the choices")
        }
    }

    private static func kind(of value: JSONValue) -> Kind? {
        switch value {
        case .string: .text
        case .int: .integer
        case .number: .number
        case .bool: .boolean
        case .null, .array, .object: nil
        }
    }

    /// Takes a value of the kind, or text that spells one (as from a command line).
    private static func coerce(_ value: JSONValue, to kind: Kind, field: String) throws -> JSONValue {
        let result: JSONValue? =
            switch kind {
            case .text:
                switch value {
                case .string: value
                case .int, .number, .bool: .string(value.canonicalText)
                case .null, .array, .object: nil
                }
            case .integer: value.intValue.map { .int($0) }
            case .number: value.doubleValue.flatMap { $0.isFinite ? .number($0) : nil }
            case .boolean:
                switch value {
                case .bool: value
                case .string("true"): true
                case .string("false"): false
                default: nil
                }
            }
        guard let result else {
            let shown = value.stringValue.map { "'\($0.prefix(80))'" } ?? value.kindName
            let article = kind == .integer ? "an" : "a"
            throw SlipwayError.field(
                field, "is \(shown)",
                expected: kind == .text ? "text" : kind == .boolean ? "true or false" : "\(article) \(kind.rawValue)")
        }
        return result
    }

    /// The values of a run: what was given, and the defaults of the rest.
    ///
    /// - Throws: `invalid` for an unknown parameter, a value of the wrong kind or not among the choices, a missing one.
    public static func resolve(_ parameters: [PipelineParameter], given: [String: JSONValue]) throws -> [String:
        JSONValue]
    {
        let known = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0) })
        if let unknown = given.keys.filter({ known[$0] == nil }).min() {
            throw SlipwayError.field(
                "params.\(unknown)", "the pipeline has no such parameter", expected: Self.oneOf(known.keys))
        }
        var values: [String: JSONValue] = [:]
        for parameter in parameters {
            let field = "params.\(parameter.name)"
            guard
                let value = try given[parameter.name].map({ try coerce($0, to: parameter.kind, field: field) })
                    ?? parameter.defaultValue
            else {
                throw SlipwayError.field(field, "has no default, so each run must set it")
            }
            guard parameter.choices.isEmpty || parameter.choices.contains(value) else {
                let shown = parameter.choices.map(Template.text).joined(separator: ", ")
                throw SlipwayError.field(
                    field, "'\(Template.text(of: value).prefix(80))' is not allowed", expected: "one of \(shown)")
            }
            values[parameter.name] = value
        }
        return values
    }

    static func oneOf(_ names: some Collection<String>) -> String {
        names.isEmpty ? "none: there are none" : "one of \(names.sorted().joined(separator: ", "))"
    }

    var json: JSONValue {
        var fields: [String: JSONValue] = ["type": .string(kind.rawValue)]
        if let defaultValue { fields["default"] = defaultValue }
        if let description { fields["description"] = .string(description) }
        if !choices.isEmpty { fields["choices"] = .array(choices) }
        return .object(fields)
    }
}
