import Core
import Database

/// The order of a search, with pages by the sort keys of their last row.
struct SearchOrder: Sendable {
    /// A term: the column, and whether it descends.
    struct Term: Sendable {
        let column: SQL
        let name: String
        let descending: Bool
    }

    let terms: [Term]

    var clause: SQL {
        "ORDER BY " + SQL.joined(terms.map { $0.descending ? "\($0.column) DESC" : $0.column }, by: ", ")
    }

    /// The condition for rows that come after a cursor.
    func after(_ cursor: Cursor?) throws -> SQL {
        guard let keys = cursor?.keys else { return "TRUE" }
        guard keys.count == terms.count else { throw Self.notACursor() }
        let values = try keys.map { key -> SQLValue in
            switch key {
            case .int(let number): .int(number)
            case .string(let text): .text(text)
            default: throw Self.notACursor()
            }
        }
        return .any(
            terms.indices.map { last in
                let same = (0..<last).map { "\(terms[$0].column) = \(values[$0])" as SQL }
                let beyond: SQL =
                    terms[last].descending
                    ? "\(terms[last].column) < \(values[last])" : "\(terms[last].column) > \(values[last])"
                return .all(same + [beyond])
            })
    }

    private static func notACursor() -> SlipwayError {
        .field(
            "page_token", "is not of this listing",
            expected: "the token of the previous page, unchanged, with the same order")
    }
}

/// A search of models or versions: what its fields mean in SQL.
struct RegistrySearch: Sendable {
    enum Subject: Sendable {
        case models
        case versions
    }

    let subject: Subject
    let dialect: Dialect

    // MARK: Filter

    /// The condition for a filter. Prompts are left out unless the filter asks for them, as MLflow does.
    ///
    /// - Throws: `invalid` for fields and comparisons that the search does not know.
    func condition(_ filter: Filter?) throws -> SQL {
        let asksForPrompts = filter.map(Self.mentionsPromptTag) ?? false
        let hidden: [SQL] = asksForPrompts ? [] : [try tag(RegisteredModel.promptTag, .compare(.equal, .text("false")))]
        return .all(try filter.map { [try sql($0)] + hidden } ?? hidden)
    }

    private enum Test {
        case compare(Filter.Comparison, FilterValue)
        case isOneOf([FilterValue])
        case isNull
    }

    private func sql(_ filter: Filter) throws -> SQL {
        switch filter {
        case .and(let parts): .all(try parts.map(sql))
        case .or(let parts): .any(try parts.map(sql))
        case .not(let inner): "NOT (\(try sql(inner)))"
        case .compare(let field, let comparison, let value): try condition(field, .compare(comparison, value))
        case .isOneOf(let field, let values): try condition(field, .isOneOf(values))
        case .isNull(let field): try condition(field, .isNull)
        }
    }

    private func condition(_ field: FilterField, _ test: Test) throws -> SQL {
        switch field.entity?.lowercased() {
        case "tag", "tags": return try tag(field.key, test)
        case nil, "attribute", "attributes": break
        default: throw Self.invalid("'\(field)' is not a field; fields are \(names) and tags.KEY.")
        }
        switch (subject, field.key.lowercased()) {
        case (_, "name"): return try text("m.name", test, field)
        case (_, "creation_timestamp"): return try number(prefix + "created_ms", test, field)
        case (_, "last_updated_timestamp"): return try number(prefix + "updated_ms", test, field)
        case (_, "project"): return try text("m.project", test, field)
        case (.versions, "version_number"), (.versions, "version"): return try number("v.version", test, field)
        case (.versions, "run_id"): return try text("v.run_id", test, field)
        case (.versions, "source_path"), (.versions, "source"): return try text("v.source", test, field)
        case (.versions, "stage"), (.versions, "current_stage"): return try text("v.stage", test, field)
        default: throw Self.invalid("'\(field)' is not a field; fields are \(names) and tags.KEY.")
        }
    }

    private var prefix: SQL { subject == .models ? "m." : "v." }

    private var names: String {
        subject == .models
            ? "name, project, creation_timestamp, last_updated_timestamp"
            : "name, version_number, run_id, source_path, stage, project, creation_timestamp, last_updated_timestamp"
    }

    /// A tag that is not there fits no comparison; but whether something is a prompt is known of everything.
    private func tag(_ key: String, _ test: Test) throws -> SQL {
        let field = FilterField(entity: "tags", key: key)
        let rows: SQL =
            subject == .models
            ? "FROM registered_model_tag t WHERE t.model = m.id AND t.name = \(key)"
            : "FROM model_version_tag t WHERE t.model = v.model AND t.version = v.version AND t.name = \(key)"
        if case .isNull = test { return "NOT EXISTS (SELECT 1 \(rows))" }
        if key == RegisteredModel.promptTag {
            return try text("coalesce((SELECT lower(t.value) \(rows)), 'false')", test, field)
        }
        return "EXISTS (SELECT 1 \(rows) AND \(try text("t.value", test, field)))"
    }

    private static func mentionsPromptTag(_ filter: Filter) -> Bool {
        switch filter {
        case .and(let parts), .or(let parts): parts.contains(where: mentionsPromptTag)
        case .not(let inner): mentionsPromptTag(inner)
        case .compare(let field, _, _), .isOneOf(let field, _), .isNull(let field):
            field.key == RegisteredModel.promptTag
        }
    }

    private func text(_ column: SQL, _ test: Test, _ field: FilterField) throws -> SQL {
        func text(_ value: FilterValue) throws -> String {
            guard case .text(let text) = value else {
                throw Self.invalid("'\(field)' is text: compare it with text in quotes.")
            }
            return text
        }
        switch test {
        case .isNull: return "\(column) IS NULL"
        case .isOneOf(let values): return "\(column) IN (\(list: try values.map(text)))"
        case .compare(let comparison, let value):
            let value = try text(value)
            switch comparison {
            case .equal: return "\(column) = \(value)"
            case .notEqual: return "\(column) <> \(value)"
            // SQLite's LIKE never minds the case of ASCII letters, its GLOB does.
            case .like:
                return dialect == .sqlite ? "\(column) GLOB \(Self.glob(value))" : "\(column) LIKE \(value) ESCAPE ''"
            case .ilike: return dialect == .sqlite ? "\(column) LIKE \(value)" : "\(column) ILIKE \(value) ESCAPE ''"
            case .less, .lessOrEqual, .greater, .greaterOrEqual:
                throw Self.invalid("'\(field)' is text: use =, !=, LIKE, ILIKE, IN or IS NULL.")
            }
        }
    }

    private func number(_ column: SQL, _ test: Test, _ field: FilterField) throws -> SQL {
        func number(_ value: FilterValue) throws -> Int64 {
            switch value {
            case .number(let number):
                if let whole = Int64(exactly: number) { return whole }
            case .text(let text):
                if let whole = Int64(text) { return whole }
            case .bool: break
            }
            throw Self.invalid("Invalid value for numeric attribute '\(field)': compare it with a whole number.")
        }
        switch test {
        case .isNull: return "\(column) IS NULL"
        case .isOneOf(let values): return .any(try values.map { "\(column) = \(try number($0))" })
        case .compare(let comparison, let value):
            let value = try number(value)
            switch comparison {
            case .equal: return "\(column) = \(value)"
            case .notEqual: return "\(column) <> \(value)"
            case .less: return "\(column) < \(value)"
            case .lessOrEqual: return "\(column) <= \(value)"
            case .greater: return "\(column) > \(value)"
            case .greaterOrEqual: return "\(column) >= \(value)"
            case .like, .ilike: throw Self.invalid("'\(field)' is a number: use =, !=, <, <=, > or >=.")
            }
        }
    }

    private static func glob(_ pattern: String) -> String {
        var glob = ""
        for c in pattern.unicodeScalars {
            switch c {
            case "%": glob += "*"
            case "_": glob += "?"
            case "*", "?", "[": glob += "[\(c)]"
            default: glob.unicodeScalars.append(c)
            }
        }
        return glob
    }

    private static func invalid(_ message: String) -> SlipwayError {
        SlipwayError(.invalid, message, details: ["field": "filter"])
    }

    // MARK: Order

    /// The order for `ORDER BY` terms such as `name DESC`, completed so that no two rows are equal.
    ///
    /// - Throws: `invalid` for unknown and repeated fields.
    func order(_ texts: [String]) throws -> SearchOrder {
        var terms: [SearchOrder.Term] = []
        func add(_ name: String, _ descending: Bool) throws {
            let known: (name: String, column: SQL)? =
                switch (subject, name) {
                case (_, "name"): ("name", "m.name")
                case (_, "creation_timestamp"): ("created", prefix + "created_ms")
                case (_, "last_updated_timestamp"), (.models, "timestamp"): ("updated", prefix + "updated_ms")
                case (.versions, "version_number"), (.versions, "version"): ("version", "v.version")
                default: nil
                }
            guard let known else {
                throw SlipwayError.field(
                    "order_by", "'\(name.prefix(80))' is not a field of this search",
                    expected: subject == .models
                        ? "name, creation_timestamp or last_updated_timestamp"
                        : "name, version_number, creation_timestamp or last_updated_timestamp")
            }
            guard !terms.contains(where: { $0.name == known.name }) else {
                throw SlipwayError.field("order_by", "`order_by` contains duplicate fields")
            }
            terms.append(.init(column: known.column, name: known.name, descending: descending))
        }
        for text in texts {
            let term = try SortTerm(parsing: text)
            guard term.field.entity.map({ ["attribute", "attributes"].contains($0.lowercased()) }) ?? true else {
                throw SlipwayError.field("order_by", "'\(term.field)' cannot order this search")
            }
            try add(term.field.key, term.descending)
        }
        if subject == .versions, texts.isEmpty { try add("last_updated_timestamp", true) }
        if !terms.contains(where: { $0.name == "name" }) { try add("name", false) }
        if subject == .versions, !terms.contains(where: { $0.name == "version" }) { try add("version_number", true) }
        return SearchOrder(terms: terms)
    }
}

extension SearchOrder {
    func cursor(_ model: RegisteredModel) -> Cursor {
        Cursor(
            terms.map {
                $0.name == "name"
                    ? .string(model.name) : .int(($0.name == "created" ? model.created : model.updated).milliseconds)
            })
    }

    func cursor(_ version: ModelVersion) -> Cursor {
        Cursor(
            terms.map { term in
                switch term.name {
                case "name": .string(version.name)
                case "version": JSONValue(version.version)
                case "created": .int(version.created.milliseconds)
                default: .int(version.updated.milliseconds)
                }
            })
    }
}
