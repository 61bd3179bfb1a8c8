import CommandKit
import Core

extension Contract {
    /// Reads a contract.
    ///
    /// - Throws: `invalid` with the line, for keys that are not known and for rules that nothing, or everything, fits.
    public init(yaml: String) throws {
        let (value, lines) = try YAMLDocument.parseWithLines(yaml)
        let root = try ContractNode(value: value, path: [], lines: lines).fields(
            [
                "owner", "description", "severity", "columns", "otherColumns", "keys", "foreignKeys", "rows",
                "freshness", "sql",
            ], what: "part of a contract")
        let severity = try root.severity(.block)
        var rules: [ContractRule] = []
        var columnLines: [String: Int] = [:]
        for (name, node) in try root["columns"]?.members("a mapping of column names") ?? [] {
            columnLines[name] = node.line
            rules += try Self.column(name, node, severity)
        }
        if let node = root["otherColumns"] {
            guard ["allow", "warn", "block"].contains(node.value.stringValue) else {
                throw node.fail("is not one of the choices", expected: "allow, warn or block")
            }
            if let severity = Severity(rawValue: try node.text()) {
                rules.append(
                    ContractRule(
                        name: "otherColumns", severity: severity, line: node.line,
                        check: .onlyColumns(columnLines.keys.sorted())))
            }
        }
        rules += try root["keys"].map { try Self.keys($0, severity) } ?? []
        rules += try (root["foreignKeys"]?.items ?? []).map { try Self.foreignKey($0, severity) }
        if let node = root["rows"] { rules.append(try Self.rows(node, severity)) }
        rules += try (root["freshness"]?.items ?? []).map { try Self.freshness($0, severity) }
        rules += try (root["sql"]?.items ?? []).map { try Self.sql($0, severity) }
        if let node = root["columns"], rules.isEmpty { throw node.fail("has no rule") }
        guard !rules.isEmpty else { throw root.fail("has no rule", expected: "columns, keys, rows, freshness or sql") }
        guard rules.count <= Self.maximumRules else { throw root.fail("has more than \(Self.maximumRules) rules") }
        var names: [String: Int] = [:]
        for rule in rules {
            if let line = names.updateValue(rule.line, forKey: rule.name) {
                throw SlipwayError(
                    .invalid,
                    "The contract cannot be used: line \(rule.line): \(rule.name) is on line \(line) already.",
                    details: ["line": String(rule.line), "field": rule.name])
            }
        }
        self.init(
            owner: try root["owner"]?.text(), description: try root["description"]?.text(), rules: rules,
            columnLines: columnLines)
    }

    // MARK: Columns

    private static let columnRules = [
        "type", "optional", "required", "nulls", "unique", "range", "allowed", "pattern", "length", "drift",
    ]

    private static func column(
        _ name: String, _ node: ContractNode, _ inherited: Severity
    ) throws -> [ContractRule] {
        // `store:` and nothing: the column is there, and that is all.
        guard !node.value.isNull else {
            return [ContractRule(name: "\(name).present", severity: inherited, line: node.line, check: .present(name))]
        }
        try node.fields(columnRules + ["severity", "description"], what: "rule for a column")
        let severity = try node.severity(inherited)
        var rules: [ContractRule] = []
        func add(_ kind: String, _ rule: ContractNode?, _ check: (ContractNode) throws -> ContractRule.Check?) throws {
            guard let rule, let check = try check(rule) else { return }
            rules.append(
                ContractRule(
                    name: "\(name).\(kind)", severity: try rule.severity(severity), line: rule.line, check: check))
        }
        if try node["optional"]?.flag() != true {
            rules.append(
                ContractRule(name: "\(name).present", severity: severity, line: node.line, check: .present(name)))
        }
        try add("type", node["type"]) { .type(name, try type($0)) }
        try add("required", node["required"]) { try isOn($0) ? .required(name) : nil }
        try add("nulls", node["nulls"]) { try nulls(name, $0, isRequired: node["required"].map(isOn) ?? false) }
        try add("unique", node["unique"]) { try isOn($0) ? .unique([name]) : nil }
        try add("range", node["range"]) { try range(name, $0) }
        try add("allowed", node["allowed"]) { try allowed(name, $0, range: node["range"]) }
        try add("pattern", node["pattern"]) { .pattern(name, try long($0, "matches").text()) }
        try add("length", node["length"]) { try length(name, $0) }
        try add("drift", node["drift"]) { try drift(name, $0) }
        try refuseMisfits(node)
        return rules
    }

    /// `required: true`, or `required: {severity: warn}`.
    private static func isOn(_ node: ContractNode) throws -> Bool {
        if case .object = node.value {
            try node.fields(["severity"], what: "part of this rule")
            return true
        }
        return try node.flag()
    }

    /// A rule's value: itself, or under `key` where there is a severity too.
    private static func long(_ node: ContractNode, _ key: String) throws -> ContractNode {
        guard case .object = node.value else { return node }
        try node.fields([key, "severity"], what: "part of this rule")
        guard let value = node[key] else { throw node.fail("has no '\(key)'") }
        return value
    }

    private static func type(_ node: ContractNode) throws -> ColumnType {
        let node = try long(node, "is")
        let text = try node.text()
        guard let type = ColumnType(text) else {
            let known = ColumnType.families + ColumnType.names
            throw node.fail(
                "is not a type: '\(text.prefix(60))'\(NearestName.hint(text, in: known))",
                expected: "\(ColumnType.families.joined(separator: ", ")) or one of DuckDB's types, such as BIGINT")
        }
        return type
    }

    private static func nulls(
        _ name: String, _ node: ContractNode, isRequired: Bool
    ) throws -> ContractRule.Check {
        try node.fields(["max", "severity"], what: "part of this rule")
        guard let bound = node["max"] else { throw node.fail("has no 'max'", expected: "a share, such as max: 0.05") }
        let share = try bound.number()
        guard (0..<1).contains(share) else {
            throw bound.fail("is not a share that says something", expected: "0 to below 1, such as 0.05")
        }
        if isRequired, share > 0 { throw node.fail("allows NULLs that 'required' forbids") }
        return .nulls(name, share)
    }

    private static func range(_ name: String, _ node: ContractNode) throws -> ContractRule.Check {
        try node.fields(["min", "max", "severity"], what: "part of a range")
        func bound(_ key: String) throws -> JSONValue? {
            guard let bound = node[key] else { return nil }
            if let text = bound.value.stringValue {
                guard (try? Timestamp(parsing: text)) != nil else {
                    throw bound.fail(
                        "is neither a number nor a time", expected: "a number, 2026-01-31 or 2026-01-31T12:00:00Z")
                }
                return bound.value
            }
            _ = try bound.number()
            return bound.value
        }
        let (minimum, maximum) = (try bound("min"), try bound("max"))
        guard minimum != nil || maximum != nil else { throw node.fail("is empty", expected: "min, max or both") }
        if let minimum, let maximum {
            guard (minimum.stringValue == nil) == (maximum.stringValue == nil) else {
                throw node.fail("goes from a \(minimum.kindName) to a \(maximum.kindName)")
            }
            guard precedes(minimum, maximum) else {
                throw node.fail("holds nothing: its min is above its max")
            }
        }
        return .range(name, minimum: minimum, maximum: maximum)
    }

    private static func precedes(_ a: JSONValue, _ b: JSONValue) -> Bool {
        if let x = a.stringValue, let y = b.stringValue, let x = try? Timestamp(parsing: x),
            let y = try? Timestamp(parsing: y)
        {
            return x <= y
        }
        return (a.doubleValue ?? 0) <= (b.doubleValue ?? 0)
    }

    private static func allowed(
        _ name: String, _ node: ContractNode, range: ContractNode?
    ) throws -> ContractRule.Check {
        let list = try long(node, "values")
        guard case .array(let values) = list.value, !values.isEmpty else {
            throw list.fail("allows nothing", expected: "a list of values")
        }
        for item in list.items {
            switch item.value {
            case .string, .int, .bool: break
            case .number(let number) where number.isFinite: break
            default: throw item.fail("is \(item.value.kindName)", expected: "text, a number, true or false")
            }
            guard let range, let number = item.value.doubleValue, item.value.stringValue == nil else { continue }
            if let low = range["min"]?.value.doubleValue, number < low {
                throw item.fail("is below the range's min, so it can never be")
            }
            if let high = range["max"]?.value.doubleValue, number > high {
                throw item.fail("is above the range's max, so it can never be")
            }
        }
        guard Set(values).count == values.count else { throw list.fail("has a value twice") }
        return .allowed(name, values)
    }

    private static func length(_ name: String, _ node: ContractNode) throws -> ContractRule.Check {
        let (low, high) = try bounds(node)
        return .length(name, minimum: low, maximum: high)
    }

    private static func bounds(_ node: ContractNode) throws -> (Int?, Int?) {
        try node.fields(["min", "max", "severity"], what: "part of this rule")
        let (low, high) = (try node["min"]?.count(), try node["max"]?.count())
        guard low != nil || high != nil else { throw node.fail("is empty", expected: "min, max or both") }
        if let low, let high, low > high { throw node.fail("holds nothing: its min is above its max") }
        return (low, high)
    }

    private static func drift(_ name: String, _ node: ContractNode) throws -> ContractRule.Check {
        try node.fields(["against", "psi", "ks", "severity"], what: "part of this rule")
        guard let against = node["against"] else {
            throw node.fail("has no 'against'", expected: "a reference, such as against: dataset:sales@3")
        }
        func bound(_ key: String, below limit: Double) throws -> Double? {
            guard let bound = node[key] else { return nil }
            let value = try bound.number()
            guard value > 0, value < limit else {
                throw bound.fail("is out of range", expected: "above 0\(limit.isFinite ? " and below \(limit)" : "")")
            }
            return value
        }
        let (psi, ks) = (try bound("psi", below: .infinity), try bound("ks", below: 1))
        guard psi != nil || ks != nil else { throw node.fail("has no bound", expected: "psi, ks or both") }
        return .drift(name, try against.ref(), populationStability: psi, kolmogorovSmirnov: ks)
    }

    /// Rules that no value of the named type can be asked.
    private static func refuseMisfits(_ node: ContractNode) throws {
        guard let type = node["type"] else { return }
        let named = try Self.type(type).description
        let isNumber = ColumnType.family("number").holds(named) || ["whole", "number"].contains(named)
        let isTime = named.hasPrefix("TIMESTAMP") || ["DATE", "date", "timestamp"].contains(named)
        let isText = ["VARCHAR", "text"].contains(named)
        if let range = node["range"] {
            guard isNumber || isTime else {
                throw range.fail("does not fit the type \(named)", expected: "a number or a time")
            }
            for bound in ["min", "max"].compactMap({ range[$0] }) where (bound.value.stringValue != nil) != isTime {
                throw bound.fail("does not fit the type \(named)")
            }
        }
        for rule in ["pattern", "length"] where isNumber || isTime || ["BOOLEAN", "boolean"].contains(named) {
            if let rule = node[rule] { throw rule.fail("does not fit the type \(named)", expected: "text") }
        }
        if let drift = node["drift"], let ks = drift["ks"], isText {
            throw ks.fail("does not fit the type \(named)", expected: "psi, which counts categories")
        }
    }

    // MARK: The whole table

    private static func keys(_ node: ContractNode, _ inherited: Severity) throws -> [ContractRule] {
        guard case .array = node.value else { throw node.fail("is \(node.value.kindName)", expected: "a list of keys") }
        return try node.items.map { item in
            var list = item
            if case .object = item.value {
                try item.fields(["columns", "severity"], what: "part of a key")
                guard let columns = item["columns"] else { throw item.fail("has no 'columns'") }
                list = columns
            }
            let columns = try list.texts()
            guard Set(columns).count == columns.count, !columns.isEmpty else { throw list.fail("has a column twice") }
            return ContractRule(
                name: "key(\(columns.joined(separator: ", ")))", severity: try item.severity(inherited),
                line: item.line, check: .unique(columns))
        }
    }

    private static func foreignKey(_ node: ContractNode, _ inherited: Severity) throws -> ContractRule {
        try node.fields(["columns", "references", "to", "severity"], what: "part of a foreign key")
        guard let list = node["columns"], let references = node["references"] else {
            throw node.fail("needs 'columns' and 'references'")
        }
        let columns = try list.texts()
        let target = try node["to"]?.texts() ?? columns
        guard target.count == columns.count else {
            throw node.fail("names \(columns.count) columns and \(target.count) to match them with")
        }
        let ref = try references.ref()
        return ContractRule(
            name: "foreignKey(\(columns.joined(separator: ", ")) -> \(ref.name))",
            severity: try node.severity(inherited), line: node.line, check: .foreignKey(columns, ref, target))
    }

    private static func rows(_ node: ContractNode, _ inherited: Severity) throws -> ContractRule {
        let (low, high) = try bounds(node)
        return ContractRule(
            name: "rows", severity: try node.severity(inherited), line: node.line,
            check: .rows(minimum: low, maximum: high))
    }

    private static func freshness(_ node: ContractNode, _ inherited: Severity) throws -> ContractRule {
        try node.fields(["column", "source", "within", "severity"], what: "part of a freshness rule")
        guard let within = node["within"] else { throw node.fail("has no 'within'", expected: "such as within: 36h") }
        let severity = try node.severity(inherited)
        switch (node["column"], node["source"]) {
        case (let column?, nil):
            let name = try column.text()
            return ContractRule(
                name: "\(name).freshness", severity: severity, line: node.line,
                check: .freshness(name, try within.seconds()))
        case (nil, let source?):
            let name = try source.text()
            return ContractRule(
                name: "freshness(source \(name))", severity: severity, line: node.line,
                check: .sourceFreshness(name, try within.seconds()))
        default: throw node.fail("needs either 'column' or 'source'")
        }
    }

    private static func sql(_ node: ContractNode, _ inherited: Severity) throws -> ContractRule {
        try node.fields(["name", "query", "inputs", "severity"], what: "part of an SQL rule")
        guard let name = node["name"], let query = node["query"] else { throw node.fail("needs 'name' and 'query'") }
        var inputs: [String: Ref] = [:]
        for (table, ref) in try node["inputs"]?.members("table: ref") ?? [] {
            guard Name.isValid(table), table != "data", table != "new" else {
                throw ref.fail("cannot be a table's name here: 'data' and 'new' are the dataset's own")
            }
            inputs[table] = try ref.ref()
        }
        return ContractRule(
            name: "sql(\(try name.text()))", severity: try node.severity(inherited), line: node.line,
            check: .sql(try query.text(), inputs))
    }
}
