import Core

/// A part of a contract's YAML with its place, for messages.
struct ContractNode {
    let value: JSONValue
    let path: [String]
    let lines: [[String]: Int]

    /// The line on which it stands, from 1; that of what it is in where the parser noted none.
    var line: Int {
        var path = path[...]
        while true {
            if let line = lines[Array(path)] { return line }
            guard !path.isEmpty else { return 1 }
            path.removeLast()
        }
    }

    func fail(_ problem: String, expected: String? = nil) -> SlipwayError {
        let field = path.joined(separator: ".")
        return SlipwayError(
            .invalid,
            "The contract cannot be used: line \(line): \(field.isEmpty ? "" : field + " ")\(problem)\(expected.map { "; expected " + $0 } ?? "").",
            details: ["line": String(line), "field": field])
    }

    subscript(key: String) -> ContractNode? {
        guard let child = value[key], !child.isNull else { return nil }
        return ContractNode(value: child, path: path + [key], lines: lines)
    }

    /// - Throws: when it is no mapping, or has a key that is not among these.
    @discardableResult
    func fields(_ known: [String], what: String) throws -> ContractNode {
        guard case .object(let fields) = value else { throw fail("is \(value.kindName)", expected: "a mapping") }
        let unknown = fields.keys.filter { !known.contains($0) }
            .map { ContractNode(value: .null, path: path + [$0], lines: lines) }
        if let first = unknown.min(by: { ($0.line, $0.path.last ?? "") < ($1.line, $1.path.last ?? "") }) {
            let hint = NearestName.hint(first.path.last ?? "", in: known)
            throw first.fail("is not a known \(what)\(hint)", expected: "one of \(known.joined(separator: ", "))")
        }
        return self
    }

    /// The items of a list; what is no list is its only item.
    var items: [ContractNode] {
        guard case .array(let values) = value else { return [self] }
        return values.enumerated().map { ContractNode(value: $1, path: path + [String($0)], lines: lines) }
    }

    /// The members of a mapping, in the order of the file.
    func members(_ expected: String) throws -> [(name: String, node: ContractNode)] {
        guard case .object(let fields) = value else { throw fail("is \(value.kindName)", expected: expected) }
        return fields.map { ($0, ContractNode(value: $1, path: path + [$0], lines: lines)) }
            .sorted { ($0.1.line, $0.0) < ($1.1.line, $1.0) }
    }

    func text() throws -> String {
        guard let text = value.stringValue, !text.isEmpty else {
            throw fail("is \(value.stringValue == nil ? value.kindName : "empty")", expected: "text")
        }
        return text
    }

    func number() throws -> Double {
        switch value {
        case .int(let n): return Double(n)
        case .number(let d) where d.isFinite: return d
        default: throw fail("is \(value.kindName)", expected: "a number")
        }
    }

    func count() throws -> Int {
        guard case .int(let n) = value, n >= 0 else {
            throw fail("is not a whole number from 0 up", expected: "a number such as 1000")
        }
        return Int(n)
    }

    func flag() throws -> Bool {
        guard let flag = value.boolValue else { throw fail("is \(value.kindName)", expected: "true or false") }
        return flag
    }

    func texts() throws -> [String] { try items.map { try $0.text() } }

    /// A duration such as `36h`, in seconds.
    func seconds() throws -> Int {
        let text = value.stringValue ?? ""
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int(text.dropLast()), count > 0,
            count <= 1_000_000
        else { throw fail("is not a duration", expected: "a number and s, m, h, d or w, such as 36h") }
        return count * unit
    }

    /// A dataset or slice.
    func ref() throws -> Ref {
        do {
            let ref = try Ref(parsing: text())
            guard ref.kind == .dataset || ref.kind == .slice else { throw fail("names a \(ref.kind.rawValue)") }
            return ref
        } catch let error as SlipwayError where error.details["line"] == nil {
            throw fail("is not a ref", expected: "dataset:sales@3, dataset:sales or slice:weekend")
        }
    }

    func severity(_ inherited: Contract.Severity) throws -> Contract.Severity {
        guard case .object = value, let node = self["severity"] else { return inherited }
        guard let severity = node.value.stringValue.flatMap(Contract.Severity.init(rawValue:)) else {
            let hint = NearestName.hint(node.value.stringValue ?? "", in: ["warn", "block"])
            throw node.fail("is not a severity\(hint)", expected: "warn or block")
        }
        return severity
    }
}
