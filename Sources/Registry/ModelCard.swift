import Core
import Yams

/// What a model's `MLmodel` file says about it: its flavors and its signature.
public struct ModelCard: Sendable, Hashable {
    /// By flavor (`onnx`, `python_function` …), as in the file.
    public let flavors: JSONValue
    /// `{"inputs": […], "outputs": […], "params": […]}` with the column or tensor specs; nil when the model has none.
    public let signature: JSONValue?
    /// The mlflow version that wrote it.
    public let writer: String?

    static let fileName = "MLmodel"
    /// Far above any real one.
    static let maximumBytes = 1024 * 1024

    init(flavors: JSONValue, signature: JSONValue?, writer: String?) {
        self.flavors = flavors
        self.signature = signature
        self.writer = writer
    }

    /// Parses the YAML of an `MLmodel` file. The signature's parts are JSON text inside the YAML.
    ///
    /// - Throws: `invalid`, saying what is wrong with the file.
    public init(parsing yaml: String) throws {
        let document: JSONValue
        do {
            guard yaml.utf8.count <= Self.maximumBytes, let node = try Yams.compose(yaml: yaml) else {
                throw YamlError.no
            }
            document = try Self.value(node, depth: 0)
        } catch {
            throw SlipwayError(
                .invalid, "The file MLmodel is not YAML that can be read.", details: ["field": Self.fileName],
                cause: error)
        }
        guard document.objectValue != nil else {
            throw SlipwayError.field(
                Self.fileName, "is \(document.kindName)", expected: "a YAML mapping with the key flavors")
        }
        flavors = document["flavors"] ?? [:]
        writer = document["mlflow_version"]?.stringValue
        signature = try Self.signature(document["signature"] ?? .null)
    }

    private static func signature(_ value: JSONValue) throws -> JSONValue? {
        guard let parts = value.objectValue else { return nil }
        var out: [String: JSONValue] = [:]
        for part in ["inputs", "outputs", "params"] {
            guard let found = parts[part], found != .null else { continue }
            // mlflow writes each part as a JSON text; a mapping is taken as it is.
            out[part] = try found.stringValue.map { try JSONValue(parsing: $0) } ?? found
        }
        return out.isEmpty ? nil : .object(out)
    }

    /// The ONNX file that the flavor `onnx` names, relative to the model's folder.
    public var onnxPath: String? { flavors["onnx"]?["data"]?.stringValue }

    var stored: JSONValue { ["flavors": flavors, "signature": signature ?? .null, "writer": JSONValue(writer)] }

    init(stored value: JSONValue) {
        flavors = value["flavors"] ?? [:]
        signature = value["signature"].flatMap { $0.isNull ? nil : $0 }
        writer = value["writer"]?.stringValue
    }

    private enum YamlError: Error {
        case no
        case tooDeep
    }

    private static func value(_ node: Node, depth: Int) throws -> JSONValue {
        guard depth < Limits.jsonDepth else { throw YamlError.tooDeep }
        switch node {
        case .scalar(let scalar):
            if scalar.style == .singleQuoted || scalar.style == .doubleQuoted { return .string(scalar.string) }
            if node.null != nil { return .null }
            if let flag = node.bool, ["true", "false"].contains(scalar.string.lowercased()) { return .bool(flag) }
            if let number = Int64(scalar.string) { return .int(number) }
            if let number = Double(scalar.string), number.isFinite, scalar.string.contains(".") {
                return .number(number)
            }
            return .string(scalar.string)
        case .sequence(let items): return .array(try items.map { try value($0, depth: depth + 1) })
        case .mapping(let pairs):
            return .object(
                try pairs.reduce(into: [:]) { result, pair in
                    result[pair.key.string ?? ""] = try value(pair.value, depth: depth + 1)
                })
        case .alias: throw YamlError.no
        }
    }
}
