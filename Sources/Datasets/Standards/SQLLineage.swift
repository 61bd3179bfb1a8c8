import Core

/// Reads off a SELECT's syntax tree (DuckDB's `json_serialize_sql`) which columns of which tables each of its columns
/// reads. What only chooses, joins, groups or orders rows does not count.
struct SQLLineage {
    typealias Kind = ColumnLineage.Kind
    /// A column of an input table.
    struct Place: Hashable { let table: String, column: String }
    typealias Sources = [Place: Kind]
    struct Output { var name: String, sources: Sources }

    /// The tree has something that is not followed here (PIVOT, COLUMNS(…), a table function's `*`).
    struct NotFollowed: Error { let what: String }

    /// Columns by table, as they are named.
    let tables: [String: [String]]

    /// The columns of the one statement, in order.
    ///
    /// - Throws: `NotFollowed`.
    func outputs(of tree: JSONValue) throws -> [Output] {
        guard tree["error"]?.boolValue != true, let statements = tree["statements"]?.arrayValue, statements.count == 1,
            let node = statements[0]["node"]
        else { throw NotFollowed(what: "a statement that cannot be read") }
        return try query(node, Scope())
    }

    /// What names mean at a place.
    private struct Scope {
        struct Relation {
            var name: String
            var columns: [Output]
            /// Of a table function: what any column of it, whatever its name, comes from.
            var open: Sources?
        }
        var withs: [String: [Output]] = [:]
        var relations: [Relation] = []
        /// Those of the queries around.
        var outer: [Relation] = []
        /// Columns before this one in the same SELECT, by their alias.
        var aliases: [String: Sources] = [:]
        var parameters: Set<String> = []
    }

    // MARK: Queries

    private func query(_ node: JSONValue, _ scope: Scope) throws -> [Output] {
        var scope = scope
        for entry in node["cte_map"]?["map"]?.arrayValue ?? [] {
            guard let name = entry["key"]?.stringValue, let inner = entry["value"]?["query"]?["node"] else {
                throw NotFollowed(what: "a WITH of an unknown form")
            }
            let aliases = (entry["value"]?["aliases"]?.arrayValue ?? []).compactMap(\.stringValue)
            scope.withs[name.lowercased()] = Self.renamed(try query(inner, scope), aliases)
        }
        switch node["type"]?.stringValue {
        case "SELECT_NODE": return try select(node, scope)
        case "SET_OPERATION_NODE":
            guard let left = node["left"], let right = node["right"] else {
                throw NotFollowed(what: "a set operation of an unknown form")
            }
            return Self.united(
                try query(left, scope), try query(right, scope),
                byName: node["setop_type"]?.stringValue == "UNION_BY_NAME")
        case "RECURSIVE_CTE_NODE":
            guard let name = node["cte_name"]?.stringValue, let left = node["left"], let right = node["right"] else {
                throw NotFollowed(what: "a recursive WITH of an unknown form")
            }
            var found = Self.renamed(
                try query(left, scope), (node["aliases"]?.arrayValue ?? []).compactMap(\.stringValue))
            // What is read grows with each turn, until it does not.
            for _ in 0...found.count {
                scope.withs[name.lowercased()] = found
                found = Self.united(found, try query(right, scope), byName: false)
            }
            return found
        case let other: throw NotFollowed(what: other ?? "a query of an unknown form")
        }
    }

    private func select(_ node: JSONValue, _ scope: Scope) throws -> [Output] {
        var scope = scope
        scope.outer = scope.relations + scope.outer
        (scope.relations, scope.aliases) = ([], [:])
        if let from = node["from_table"] { scope.relations = try relations(from, scope) }
        var outputs: [Output] = []
        for item in node["select_list"]?.arrayValue ?? [] {
            if item["class"]?.stringValue == "STAR" {
                outputs += try star(item, scope)
                continue
            }
            let sources = try read(item, scope)
            let alias = item["alias"]?.stringValue ?? ""
            let name = alias.isEmpty ? item["column_names"]?.arrayValue?.last?.stringValue ?? "" : alias
            outputs.append(Output(name: name, sources: sources))
            if !alias.isEmpty { scope.aliases[alias.lowercased()] = sources }
        }
        return outputs
    }

    private func star(_ item: JSONValue, _ scope: Scope) throws -> [Output] {
        guard item["columns"]?.boolValue != true, item["expr"]?.isNull ?? true,
            item["rename_list"]?.arrayValue?.isEmpty ?? true,
            item["qualified_exclude_list"]?.arrayValue?.isEmpty ?? true
        else { throw NotFollowed(what: "COLUMNS(…)") }
        let wanted = item["relation_name"]?.stringValue ?? ""
        let relations = scope.relations.filter { wanted.isEmpty || $0.name.lowercased() == wanted.lowercased() }
        guard !relations.isEmpty, relations.allSatisfy({ $0.open == nil }) else {
            throw NotFollowed(what: "* of a function")
        }
        let excluded = Set((item["exclude_list"]?.arrayValue ?? []).compactMap { $0.stringValue?.lowercased() })
        var replaced: [String: JSONValue] = [:]
        for entry in item["replace_list"]?.arrayValue ?? [] {
            if let key = entry["key"]?.stringValue { replaced[key.lowercased()] = entry["value"] }
        }
        return try relations.flatMap(\.columns).filter { !excluded.contains($0.name.lowercased()) }.map { column in
            guard let other = replaced[column.name.lowercased()] else { return column }
            return Output(name: column.name, sources: try read(other, scope))
        }
    }

    // MARK: FROM

    private func relations(_ from: JSONValue, _ scope: Scope) throws -> [Scope.Relation] {
        let alias = from["alias"]?.stringValue ?? ""
        let renames = (from["column_name_alias"]?.arrayValue ?? []).compactMap(\.stringValue)
        switch from["type"]?.stringValue {
        case "EMPTY", nil: return []
        case "BASE_TABLE":
            let name = from["table_name"]?.stringValue ?? ""
            let columns: [Output]
            if let known = scope.withs[name.lowercased()] {
                columns = known
            } else if let (table, names) = tables.first(where: { $0.key.lowercased() == name.lowercased() }) {
                columns = names.map { Output(name: $0, sources: [Place(table: table, column: $0): .identity]) }
            } else {
                throw NotFollowed(what: "the table \(name)")
            }
            return [.init(name: alias.isEmpty ? name : alias, columns: Self.renamed(columns, renames))]
        case "SUBQUERY":
            guard let node = from["subquery"]?["node"] else { throw NotFollowed(what: "a subquery") }
            return [.init(name: alias, columns: Self.renamed(try query(node, scope), renames))]
        case "JOIN":
            guard let left = from["left"], let right = from["right"] else { throw NotFollowed(what: "a join") }
            let before = try relations(left, scope)
            var inner = scope
            inner.relations += before
            let after = try relations(right, inner)
            if ["SEMI", "ANTI"].contains(from["join_type"]?.stringValue) { return before }
            var shared = (from["using_columns"]?.arrayValue ?? []).compactMap { $0.stringValue?.lowercased() }
            if from["ref_type"]?.stringValue == "NATURAL" {
                let names = Set(before.flatMap(\.columns).map { $0.name.lowercased() })
                shared = after.flatMap(\.columns).map { $0.name.lowercased() }.filter(names.contains)
            }
            return Self.joined(before, after, on: Set(shared))
        case "EXPRESSION_LIST":
            let rows = try (from["values"]?.arrayValue ?? []).map { row in
                try (row.arrayValue ?? []).map { Output(name: "", sources: try read($0, scope)) }
            }
            var columns = rows.dropFirst().reduce(rows.first ?? []) { Self.united($0, $1, byName: false) }
            for index in columns.indices { columns[index].name = "col\(index)" }
            return [.init(name: alias, columns: Self.renamed(columns, renames))]
        case "TABLE_FUNCTION":
            let sources = try from["function"].map { try read($0, scope) } ?? [:]
            let name = alias.isEmpty ? from["function"]?["function_name"]?.stringValue ?? "" : alias
            return [
                .init(name: name, columns: renames.map { Output(name: $0, sources: sources) }, open: sources)
            ]
        case let other?: throw NotFollowed(what: other)
        }
    }

    /// In USING, a column stands once, and comes from both sides.
    private static func joined(
        _ before: [Scope.Relation], _ after: [Scope.Relation], on shared: Set<String>
    ) -> [Scope.Relation] {
        guard !shared.isEmpty else { return before + after }
        var (left, right) = (before, after)
        for r in right.indices {
            for column in right[r].columns where shared.contains(column.name.lowercased()) {
                for l in left.indices {
                    for c in left[l].columns.indices
                    where left[l].columns[c].name.lowercased() == column.name.lowercased() {
                        left[l].columns[c].sources.merge(column.sources) { max($0, $1) }
                    }
                }
            }
            right[r].columns.removeAll { shared.contains($0.name.lowercased()) }
        }
        return left + right
    }

    // MARK: Expressions

    private static let aggregates: Set<String> = [
        "any_value", "approx_count_distinct", "approx_quantile", "arg_max", "arg_min", "array_agg", "avg", "bool_and",
        "bool_or", "corr", "count", "entropy", "first", "histogram", "kurtosis", "last", "list", "mad", "max", "max_by",
        "mean", "median", "min", "min_by", "mode", "product", "quantile", "quantile_cont", "quantile_disc", "skewness",
        "stddev", "stddev_pop", "stddev_samp", "string_agg", "sum", "var_pop", "var_samp", "variance",
    ]

    /// What an expression reads.
    private func read(_ node: JSONValue, _ scope: Scope) throws -> Sources {
        switch node {
        case .array(let items):
            return try items.reduce(into: [:]) { $0.merge(try read($1, scope)) { max($0, $1) } }
        case .object(let fields):
            switch fields["class"]?.stringValue {
            case "COLUMN_REF":
                return try column((fields["column_names"]?.arrayValue ?? []).compactMap(\.stringValue), scope)
            case "STAR": throw NotFollowed(what: "COLUMNS(…)")
            case "SUBQUERY":
                var found: Sources = [:]
                if let inner = fields["subquery"]?["node"] {
                    for output in try query(inner, scope) { found.merge(output.sources) { max($0, $1) } }
                }
                if let child = fields["child"], !child.isNull {
                    found.merge(try read(child, scope)) { max($0, $1) }
                }
                return Self.atLeast(.transformation, found)
            case "LAMBDA":
                var inner = scope
                inner.parameters.formUnion(Self.names(fields["lhs"] ?? .null))
                return Self.atLeast(.transformation, try read(fields["expr"] ?? .null, inner))
            case nil:
                return try fields.values.reduce(into: [:]) { $0.merge(try read($1, scope)) { max($0, $1) } }
            default:
                var kind = Kind.transformation
                if let name = fields["function_name"]?.stringValue, Self.aggregates.contains(name.lowercased()) {
                    kind = .aggregation
                }
                let found: Sources = try fields.values.reduce(into: [:]) {
                    $0.merge(try read($1, scope)) { max($0, $1) }
                }
                return Self.atLeast(kind, found)
            }
        default: return [:]
        }
    }

    /// `[column]`, `[table, column]`, `[column, field]`, `[table, column, field]`.
    private func column(_ names: [String], _ scope: Scope) throws -> Sources {
        guard let first = names.first?.lowercased() else { return [:] }
        if scope.parameters.contains(first) { return [:] }
        for relations in [scope.relations, scope.outer] {
            if names.count > 1 {
                let second = names[1].lowercased()
                for relation in relations where relation.name.lowercased() == first {
                    if let found = relation.columns.first(where: { $0.name.lowercased() == second }) {
                        return names.count > 2 ? Self.atLeast(.transformation, found.sources) : found.sources
                    }
                    if let open = relation.open { return Self.atLeast(.transformation, open) }
                    // A column that USING took from this side stands on the other.
                    if let merged = Self.named(second, in: relations) { return merged }
                }
            }
            if let found = Self.named(first, in: relations) {
                return names.count > 1 ? Self.atLeast(.transformation, found) : found
            }
            if names.count == 1, let relation = relations.first(where: { $0.name.lowercased() == first }) {
                // The whole row.
                let all = relation.columns.reduce(into: relation.open ?? [:]) { $0.merge($1.sources) { max($0, $1) } }
                return Self.atLeast(.transformation, all)
            }
            if relations.isEmpty == false, let alias = scope.aliases[first] { return alias }
            if let open = relations.first(where: { $0.open != nil })?.open {
                return Self.atLeast(.transformation, open)
            }
        }
        if let alias = scope.aliases[first] { return alias }
        throw NotFollowed(what: "the column \(names.joined(separator: "."))")
    }

    private static func named(_ name: String, in relations: [Scope.Relation]) -> Sources? {
        let found = relations.flatMap(\.columns).filter { $0.name.lowercased() == name }
        guard !found.isEmpty else { return nil }
        return found.reduce(into: [:]) { $0.merge($1.sources) { max($0, $1) } }
    }

    /// The names in the parameters of a lambda.
    private static func names(_ node: JSONValue) -> Set<String> {
        switch node {
        case .array(let items): return items.reduce(into: []) { $0.formUnion(names($1)) }
        case .object(let fields):
            if let parts = fields["column_names"]?.arrayValue {
                return Set(parts.compactMap { $0.stringValue?.lowercased() })
            }
            return fields.values.reduce(into: []) { $0.formUnion(names($1)) }
        default: return []
        }
    }

    private static func atLeast(_ kind: Kind, _ sources: Sources) -> Sources { sources.mapValues { max(kind, $0) } }

    private static func renamed(_ columns: [Output], _ names: [String]) -> [Output] {
        columns.enumerated().map { index, column in
            index < names.count ? Output(name: names[index], sources: column.sources) : column
        }
    }

    private static func united(_ a: [Output], _ b: [Output], byName: Bool) -> [Output] {
        if byName {
            var united = a
            for column in b {
                if let index = united.firstIndex(where: { $0.name.lowercased() == column.name.lowercased() }) {
                    united[index].sources.merge(column.sources) { max($0, $1) }
                } else {
                    united.append(column)
                }
            }
            return united
        }
        return a.enumerated().map { index, column in
            guard index < b.count else { return column }
            return Output(name: column.name, sources: column.sources.merging(b[index].sources) { max($0, $1) })
        }
    }
}
