import Core
import Yams

/// Reads a YAML document as a JSON value, by the core schema of YAML 1.2: `yes`, `on` and dates are text, not booleans or
/// times. What could blow up a server (depth, aliases that multiply) is bounded.
public enum YAMLDocument {
    public static let maximumBytes = 256 * 1024
    public static let maximumNodes = 20_000

    /// - Throws: `invalid` with line and column; `tooLarge` past a bound.
    public static func parse(_ text: String) throws -> JSONValue { try parseWithLines(text).value }

    /// The document with every scalar as the text that stands there, but null: for files that another program wrote and
    /// whose fields are typed by their names. A digest such as `12345e67` is not a number then.
    public static func parseTexts(_ text: String, maximumBytes: Int = maximumBytes) throws -> JSONValue {
        try read(text, maximumBytes: maximumBytes, Reader(textsOnly: true)).value
    }

    /// The document, and the line (from 1) of each of its keys and list items, by the way that leads there: the item
    /// `rules[2].name` has the path `["rules", "2", "name"]`.
    public static func parseWithLines(_ text: String) throws -> (value: JSONValue, lines: [[String]: Int]) {
        try read(text, maximumBytes: maximumBytes, Reader(textsOnly: false))
    }

    private static func read(_ text: String, maximumBytes: Int, _ reader: Reader) throws
        -> (value: JSONValue, lines: [[String]: Int])
    {
        guard text.utf8.count <= maximumBytes else {
            throw SlipwayError(.tooLarge, "The YAML is over \(maximumBytes) bytes.")
        }
        try checkDepth(text)
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw failure(error)
        }
        guard let node else { throw SlipwayError(.invalid, "The YAML is empty.") }
        var reader = reader
        let value = try reader.value(node, [])
        return (value, reader.lines)
    }

    /// The parser calls itself for every level, so the levels are bounded before it starts. In flow style each takes a
    /// bracket; in block style each takes at least one column of the spaces and marks (`- `, `? `) that a line begins with.
    /// Quotes are not minded: text with more open brackets than this is not ours.
    private static func checkDepth(_ text: String) throws {
        let marks = Set(" \t-?:".utf8)
        var brackets = 0
        for line in text.utf8.split(separator: 10) {
            for byte in line {
                if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") { brackets += 1 }
                if byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") { brackets = max(0, brackets - 1) }
                guard brackets <= Limits.jsonDepth else { throw tooDeep }
            }
            guard line.prefix(while: marks.contains).count <= 2 * Limits.jsonDepth else { throw tooDeep }
        }
    }

    private static var tooDeep: SlipwayError {
        SlipwayError(.tooLarge, "The YAML is nested more than \(Limits.jsonDepth) deep.")
    }

    private struct Reader {
        let textsOnly: Bool
        var count = 0
        var lines: [[String]: Int] = [:]

        init(textsOnly: Bool) { self.textsOnly = textsOnly }

        mutating func value(_ node: Node, _ path: [String]) throws -> JSONValue {
            count += 1
            guard count <= maximumNodes else {
                throw SlipwayError(
                    .tooLarge, "The YAML has more than \(maximumNodes) values, counting what its aliases repeat.")
            }
            guard path.count <= Limits.jsonDepth else { throw tooDeep }
            switch node {
            case .scalar(let scalar):
                let value = try YAMLDocument.scalar(scalar)
                return textsOnly && !value.isNull ? .string(scalar.string) : value
            case .sequence(let items):
                return .array(
                    try items.enumerated().map { index, item in
                        lines[path + [String(index)]] = item.mark?.line
                        return try value(item, path + [String(index)])
                    })
            case .mapping(let pairs):
                var fields: [String: JSONValue] = [:]
                for (key, item) in pairs {
                    guard case .scalar(let name) = key else { throw failure("a key is a list or a mapping", key.mark) }
                    if name.string == "<<", name.style == .plain {
                        throw failure("merge keys (<<) are not supported", key.mark)
                    }
                    lines[path + [name.string]] = name.mark?.line
                    fields[name.string] = try value(item, path + [name.string])
                }
                return .object(fields)
            case .alias: throw failure("an alias stands where it cannot be followed", node.mark)
            }
        }
    }

    private static func scalar(_ scalar: Node.Scalar) throws -> JSONValue {
        let text = scalar.string
        // `!` and nothing: no tag was written.
        switch scalar.tag.rawValue {
        case "", "!": break
        case Tag.Name.str.rawValue: return .string(text)
        default: throw failure("the tag \(scalar.tag.rawValue) is not supported", scalar.mark)
        }
        guard scalar.style == .plain else { return .string(text) }
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case ".nan", ".NaN", ".NAN": return .number(.nan)
        case ".inf", ".Inf", ".INF", "+.inf": return .number(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .number(-.infinity)
        default: break
        }
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
        guard text.utf8.count - digits.count <= 1, let first = digits.first,
            (48...57).contains(first) || first == UInt8(ascii: ".")
        else {
            return .string(text)
        }
        // 007 is a code, not a number.
        if first == 48, digits.count > 1, digits.dropFirst().allSatisfy({ (48...57).contains($0) }) {
            return .string(text)
        }
        if let whole = Int64(text) { return .int(whole) }
        let isNumeric = digits.allSatisfy { (48...57).contains($0) || "eE.+-".utf8.contains($0) }
        return isNumeric ? Double(text).map { .number($0) } ?? .string(text) : .string(text)
    }

    private static func failure(_ problem: String, _ mark: Mark?) -> SlipwayError {
        let place = mark.map { " at line \($0.line), column \($0.column)" } ?? ""
        return SlipwayError(
            .invalid, "The YAML is not usable\(place): \(problem).",
            details: mark.map { ["line": String($0.line)] } ?? [:])
    }

    private static func failure(_ error: YamlError) -> SlipwayError {
        switch error {
        case .scanner(_, let problem, let mark, let yaml), .parser(_, let problem, let mark, let yaml),
            .composer(_, let problem, let mark, let yaml):
            let line =
                yaml.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(mark.line - 1).first ?? ""
            let hint = line.contains(": *") ? " (text that begins with '*', such as a schedule, needs quotes)" : ""
            return failure(problem + hint, mark)
        case .duplicatedKeysInMapping(let duplicates, let context):
            return failure(
                "\(duplicates.map { "\($0)" }.sorted().joined(separator: ", ")) is there twice", context.mark)
        default: return SlipwayError(.invalid, "The YAML is not usable: \(error).")
        }
    }
}
