import Core
import Database
import Tracking

/// What to look for among traces. Fields are `status`, `timestamp_ms`, `execution_time_ms`, `end_time_ms`, `request_id`,
/// `client_request_id`, `name`, `run_id`, `prompt`, `text`; `tags.X`, `metadata.X`; `span.name`, `span.type`,
/// `span.status`, `span.content`, `span.attributes.X`; `feedback.X`, `expectation.X`, `issue.id`. Conditions on spans that
/// are joined by AND hold for one span. Without an order, the latest come first.
public struct TraceSearch: Sendable {
    /// Ids; none finds nothing.
    public var experiments: [String]
    public var filter: Filter?
    public var order: [SortTerm] = []
    public var limit = 100
    public var after: Cursor?

    public init(experiments: [String]) { self.experiments = experiments }
}

extension TraceStore {
    /// One page. In the plain order its cost follows the page and what the filter passes over.
    func search(_ db: any Transaction, experiments: [Int64], _ search: TraceSearch) throws -> Page<TraceInfo> {
        guard !experiments.isEmpty else { return Page(items: [], next: nil) }
        var conditions: [SQL] = ["t.experiment IN (\(list: experiments))"]
        if let filter = search.filter { conditions.append(try TraceFields(dialect: db.dialect).condition(filter)) }
        let order = try TraceOrder(search.order)
        var offset = 0
        if let after = search.after {
            if order.isPlain {
                guard after.keys.count == 2, let started = after.keys[0].intValue, let id = after.keys[1].stringValue
                else {
                    throw SlipwayError.field(
                        "page_token", "is not of this search", expected: "the token of the previous page")
                }
                conditions.append("t.started_ms < \(started) OR (t.started_ms = \(started) AND t.id > \(id))")
            } else {
                offset = try after.offset
            }
        }
        let rows = try db.all(
            """
            \(Self.columns) \(order.joins) WHERE \(SQL.all(conditions)) ORDER BY \(order.terms)
            LIMIT \(search.limit + 1) OFFSET \(offset)
            """, Self.row)
        if order.isPlain {
            return Page(rows: rows, limit: search.limit) { [.int($0.started.milliseconds), .string($0.id)] }
        }
        return Page(
            items: Array(rows.prefix(search.limit)),
            next: rows.count > search.limit ? Cursor(offset: offset + search.limit) : nil)
    }

    /// How many traces of the experiments meet all of the filters.
    func count(_ db: any Transaction, experiments: [Int64], _ filters: [Filter]) throws -> Int64 {
        guard !experiments.isEmpty else { return 0 }
        let fields = TraceFields(dialect: db.dialect)
        let conditions = try filters.map(fields.condition) + ["t.experiment IN (\(list: experiments))"]
        return try db.one("SELECT count(*) FROM trace t WHERE \(SQL.all(conditions))") { try $0.int(0) } ?? 0
    }
}

/// What a field of a search over traces is.
enum TraceField: Hashable {
    case text(column: String)
    case number(column: String)
    case tag(String)
    case metadata(String)
    case prompt
    case span(column: String)
    case spanContent
    case spanAttribute(String)
    case assessment(AssessmentKind, name: String)
    case issue

    /// - Throws: `invalid` for what is not a field of traces.
    init(_ field: FilterField) throws {
        switch field.entity {
        case nil, "attribute", "attributes", "attr", "trace": self = try Self.attribute(field.key)
        case "tag", "tags":
            self =
                field.key == TraceKey.name
                ? .text(column: "t.name") : field.key == "mlflow.linkedPrompts" ? .prompt : .tag(field.key)
        case "metadata", "request_metadata": self = .metadata(field.key)
        case "span": self = try Self.span(field.key)
        case "feedback": self = .assessment(.feedback, name: field.key)
        case "expectation": self = .assessment(.expectation, name: field.key)
        case "issue" where field.key == "id": self = .issue
        default:
            throw ColumnTests.invalid(
                "Invalid entity type '\(field.entity ?? "")'. Valid values are attribute, trace, tag, metadata, span, feedback, expectation and issue."
            )
        }
    }

    private static func attribute(_ key: String) throws -> TraceField {
        switch key.lowercased() {
        case "request_id", "trace_id": .text(column: "t.id")
        case "client_request_id": .text(column: "t.client_request_id")
        case "status", "state": .text(column: "t.state")
        case "timestamp", "timestamp_ms": .number(column: "t.started_ms")
        case "execution_time", "execution_time_ms": .number(column: "t.duration_ms")
        case "end_time", "end_time_ms": .number(column: "(t.started_ms + COALESCE(t.duration_ms, 0))")
        case "name": .text(column: "t.name")
        case "run_id": .metadata(TraceKey.sourceRun)
        case "prompt": .prompt
        case "text": .spanContent
        default:
            throw ColumnTests.invalid(
                "Invalid attribute key '\(key)' specified. Valid keys are request_id, client_request_id, status, timestamp_ms, execution_time_ms, end_time_ms, name, run_id, prompt and text."
            )
        }
    }

    private static func span(_ key: String) throws -> TraceField {
        switch key {
        case "name", "type", "status": return .span(column: "s." + key)
        case "content": return .spanContent
        default:
            guard key.hasPrefix("attributes."), key.utf8.count > 11 else {
                throw ColumnTests.invalid(
                    "Invalid span attribute '\(key)'. Supported attributes: name, status, type, content, attributes.<attribute_name>."
                )
            }
            return .spanAttribute(String(key.dropFirst(11)))
        }
    }
}

private struct TraceFields {
    let dialect: Dialect
    private var columns: ColumnTests { ColumnTests(dialect: dialect) }

    init(dialect: Dialect) { self.dialect = dialect }

    func condition(_ filter: Filter) throws -> SQL {
        switch filter {
        case .and(let parts):
            // Conditions on spans are about one span.
            var others: [SQL] = []
            var ofOneSpan: [SQL] = []
            for part in parts {
                if let test = try spanTest(part) { ofOneSpan.append(test) } else { others.append(try condition(part)) }
            }
            if !ofOneSpan.isEmpty { others.append(Self.someSpan(ofOneSpan)) }
            return .all(others)
        case .or(let parts): return .any(try parts.map(condition))
        case .not(let inner):
            // "NOT IN" and "NOT LIKE" of a span mean a span of which that does not hold.
            if let test = try spanTest(filter) { return Self.someSpan([test]) }
            return "NOT (\(try condition(inner)))"
        case .compare(let field, let comparison, let value):
            if let test = try spanTest(filter) { return Self.someSpan([test]) }
            return try condition(field, .compare(comparison, value))
        case .isOneOf(let field, let values):
            if let test = try spanTest(filter) { return Self.someSpan([test]) }
            return try condition(field, .isOneOf(values))
        case .isNull(let field):
            if let test = try spanTest(filter) { return Self.someSpan([test]) }
            return try condition(field, .isNull)
        }
    }

    private static func someSpan(_ tests: [SQL]) -> SQL {
        "EXISTS (SELECT 1 FROM trace_span s WHERE s.trace = t.key AND \(SQL.all(tests)))"
    }

    // MARK: Spans

    /// The test of one span; nil if the filter is about something else.
    private func spanTest(_ filter: Filter) throws -> SQL? {
        switch filter {
        case .compare(let field, let comparison, let value): return try spanTest(field, .compare(comparison, value))
        case .isOneOf(let field, let values): return try spanTest(field, .isOneOf(values))
        case .isNull(let field): return try spanTest(field, .isNull)
        case .not(let inner):
            switch inner {
            case .compare, .isOneOf, .isNull: return try spanTest(inner).map { "NOT (\($0))" }
            default: return nil
            }
        case .and, .or: return nil
        }
    }

    private func spanTest(_ field: FilterField, _ test: FieldTest) throws -> SQL? {
        switch try TraceField(field) {
        case .span(let column): return try columns.text(SQL(stringLiteral: column), test, of: field)
        case .spanContent:
            guard case .compare(let comparison, _) = test, comparison == .like || comparison == .ilike else {
                throw ColumnTests.invalid("'\(field)' can be compared by LIKE and ILIKE only.")
            }
            return .any([try columns.text("s.name", test, of: field), try columns.text("s.body", test, of: field)])
        case .spanAttribute(let key): return try attributeTest(key, test, field)
        default: return nil
        }
    }

    /// The attributes are a list of `{"key", "value": {"…_value": …}}` in the span's body. Structured values are compared
    /// as their JSON.
    private func attributeTest(_ key: String, _ test: FieldTest, _ field: FilterField) throws -> SQL {
        let scalars = ["string_value", "int_value", "double_value"]
        let elements: SQL
        let name: SQL
        let value: SQL
        switch dialect {
        case .sqlite:
            elements = "json_each(s.body, '$.attributes') x"
            name = "json_extract(x.value, '$.key')"
            let texts = scalars.map { SQL(stringLiteral: "json_extract(x.value, '$.value.\($0)')") }
            let flag: SQL =
                "CASE json_extract(x.value, '$.value.bool_value') WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
            value = "CAST(COALESCE(\(SQL.joined(texts, by: ", ")), \(flag), json_extract(x.value, '$.value')) AS TEXT)"
        case .postgres:
            elements = "jsonb_array_elements(COALESCE(CAST(s.body AS JSONB) -> 'attributes', '[]')) x (value)"
            name = "x.value ->> 'key'"
            let texts = (scalars + ["bool_value"]).map { SQL(stringLiteral: "x.value -> 'value' ->> '\($0)'") }
            value = "COALESCE(\(SQL.joined(texts, by: ", ")), x.value ->> 'value')"
        }
        let present: SQL = "SELECT 1 FROM \(elements) WHERE \(name) = \(key)"
        if case .isNull = test { return "NOT EXISTS (\(present))" }
        return "EXISTS (\(present) AND \(try columns.text(value, test, of: field)))"
    }

    // MARK: Everything else

    private func condition(_ field: FilterField, _ test: FieldTest) throws -> SQL {
        switch try TraceField(field) {
        case .text(let column): return try columns.text(SQL(stringLiteral: column), test, of: field)
        case .number(let column): return try columns.number(SQL(stringLiteral: column), test, of: field)
        case .tag(let key): return try keyed("trace_tag", key, test, field)
        case .metadata(TraceKey.sourceRun):
            let inMetadata = try keyed("trace_metadata", TraceKey.sourceRun, test, field)
            guard case .compare(.equal, let value) = test else { return inMetadata }
            return .any([inMetadata, linked(.run, try ColumnTests.text(value, of: field))])
        case .metadata(let key): return try keyed("trace_metadata", key, test, field)
        case .prompt:
            guard case .compare(.equal, let value) = test else {
                throw ColumnTests.invalid(
                    "Invalid comparator for prompts filter. Only '=' is supported with format: prompt = \"name/version\""
                )
            }
            let text = try ColumnTests.text(value, of: field)
            guard text.split(separator: "/", omittingEmptySubsequences: false).count == 2 else {
                throw ColumnTests.invalid(
                    "Invalid prompts filter value '\(text.prefix(200))'. Expected format: prompt = \"name/version\"")
            }
            return linked(.prompt, text)
        case .issue:
            guard case .compare(.equal, let value) = test else {
                throw ColumnTests.invalid("'issue.id' can be compared by = only.")
            }
            return
                "EXISTS (SELECT 1 FROM trace_assessment a WHERE a.trace = t.key AND a.kind = 'issue' AND a.name = \(try ColumnTests.text(value, of: field)))"
        case .assessment(let kind, let name): return try assessed(kind, name, test, field)
        case .span, .spanContent, .spanAttribute: return "FALSE"
        }
    }

    private func linked(_ kind: TraceStore.LinkKind, _ target: String) -> SQL {
        "EXISTS (SELECT 1 FROM trace_link k WHERE k.kind = \(kind.rawValue) AND k.target = \(target) AND k.trace = t.key)"
    }

    private func keyed(_ table: String, _ key: String, _ test: FieldTest, _ field: FilterField) throws -> SQL {
        let found: SQL = "SELECT 1 FROM \(SQL(stringLiteral: table)) k WHERE k.trace = t.key AND k.key = \(key)"
        if case .isNull = test { return "NOT EXISTS (\(found))" }
        return "EXISTS (\(found) AND \(try columns.text("k.value", test, of: field)))"
    }

    /// Values of assessments are JSON: numbers are compared as numbers, text with the value's text or its JSON.
    private func assessed(_ kind: AssessmentKind, _ name: String, _ test: FieldTest, _ field: FilterField) throws
        -> SQL
    {
        let found: SQL =
            "SELECT 1 FROM trace_assessment a WHERE a.trace = t.key AND a.kind = \(kind.rawValue) AND a.name = \(name) AND a.is_valid = \(true)"
        if case .isNull = test { return "NOT EXISTS (\(found))" }
        if case .compare(_, .number) = test {
            return "EXISTS (\(found) AND a.number IS NOT NULL AND \(try columns.number("a.number", test, of: field)))"
        }
        if case .compare(let comparison, let value) = test, comparison == .equal || comparison == .notEqual {
            let text = try ColumnTests.text(value, of: field)
            let holds: SQL = "a.value IN (\(text), \(JSONValue.string(text)))"
            return "EXISTS (\(found) AND \(comparison == .equal ? holds : "NOT (\(holds))"))"
        }
        return "EXISTS (\(found) AND \(try columns.text("a.value", test, of: field)))"
    }
}

/// ORDER BY of a search. What a trace does not have comes last; ties are broken by start, the latest first, then by id.
private struct TraceOrder {
    private(set) var joins: SQL = ""
    let terms: SQL
    /// Whether it is the order of the index.
    let isPlain: Bool

    init(_ order: [SortTerm]) throws {
        var pieces: [SQL] = []
        var seen: Set<TraceField> = []
        for (index, term) in order.enumerated() {
            let field: TraceField =
                term.field == FilterField(entity: nil, key: "experiment_id")
                ? .number(column: "t.experiment") : try TraceField(term.field)
            guard seen.insert(field).inserted else {
                throw ColumnTests.invalid("`order_by` contains duplicate fields: \(term.field)")
            }
            let alias = SQL(stringLiteral: "o\(index)")
            var column: SQL = "\(alias).value"
            switch field {
            case .text(let name), .number(let name): column = SQL(stringLiteral: name)
            case .tag(let key):
                joins = joins + " LEFT JOIN trace_tag \(alias) ON \(alias).trace = t.key AND \(alias).key = \(key)"
            case .metadata(let key):
                joins = joins + " LEFT JOIN trace_metadata \(alias) ON \(alias).trace = t.key AND \(alias).key = \(key)"
            default: throw ColumnTests.invalid("Invalid order_by entity: '\(term.field)'.")
            }
            pieces.append("CASE WHEN \(column) IS NULL THEN 1 ELSE 0 END")
            pieces.append(term.descending ? "\(column) DESC" : column)
        }
        isPlain = pieces.isEmpty || (seen == [.number(column: "t.started_ms")] && order[0].descending)
        if isPlain { pieces = [] }
        if isPlain || !seen.contains(.number(column: "t.started_ms")) { pieces.append("t.started_ms DESC") }
        pieces.append("t.id")
        terms = .joined(pieces, by: ", ")
    }
}
