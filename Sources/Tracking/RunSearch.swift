import Core
import Database

/// What to look for among runs. Fields are `metrics.X`, `params.X`, `tags.X`, `dataset.name|digest|context` and
/// attributes such as `status` and `start_time`. Without an order, the latest started come first.
public struct RunSearch: Sendable {
    /// Ids; none finds nothing.
    public var experiments: [String]
    public var filter: Filter?
    public var view: LifecycleView = .active
    public var order: [SortTerm] = []
    public var limit: Int = 1000
    public var after: Cursor?

    public init(experiments: [String]) { self.experiments = experiments }
}

extension RunStore {
    /// One page. Its cost follows the runs of the experiments up to the page's end where the order is the plain one, and
    /// all of them where they must be sorted.
    func search(_ db: any Transaction, experiments: [Int64], _ search: RunSearch) throws -> Page<RunInfo> {
        guard !experiments.isEmpty else { return Page(items: [], next: nil) }
        let fields = RunFields(dialect: db.dialect)
        var conditions: [SQL] = ["r.experiment IN (\(list: experiments))"]
        if search.view != .all { conditions.append("r.is_deleted = \(search.view == .deleted)") }
        if let filter = search.filter { conditions.append(try filter.sql(fields.condition)) }
        let order = try RunOrder(search.order)
        var offset = 0
        if let after = search.after {
            if order.isPlain {
                guard after.keys.count == 2, let started = after.keys[0].intValue, let id = after.keys[1].stringValue
                else {
                    throw SlipwayError.field(
                        "page_token", "is not of this search", expected: "the token of the previous page")
                }
                conditions.append("r.started_ms < \(started) OR (r.started_ms = \(started) AND r.id > \(id))")
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
}

/// What a field of a search over runs is.
enum RunField: Hashable {
    case metric(String)
    case param(String)
    case tag(String)
    case dataset(String)
    case text(column: String)
    case number(column: String)

    /// - Throws: `invalid` for what is not a field of runs.
    init(_ field: FilterField) throws {
        switch field.entity {
        case "metric", "metrics": self = .metric(field.key)
        case "param", "params", "parameter", "parameters": self = .param(field.key)
        case "tag", "tags": self = .tag(field.key)
        case "dataset", "datasets":
            guard ["name", "digest", "context"].contains(field.key) else {
                throw ColumnTests.invalid(
                    "Invalid dataset key '\(field.key)' specified. Valid keys are name, digest and context.")
            }
            self = .dataset(field.key)
        case nil, "attribute", "attributes", "attr", "run": self = try Self.attribute(field.key)
        default:
            throw ColumnTests.invalid(
                "Invalid entity type '\(field.entity ?? "")'. Valid values are metric, parameter, tag, attribute and dataset."
            )
        }
    }

    private static func attribute(_ key: String) throws -> RunField {
        switch key {
        case "run_id": .text(column: "r.id")
        case "run_name", "run name", "Run name", "Run Name": .text(column: "r.name")
        case "user_id": .text(column: "r.user_name")
        case "status": .text(column: "r.status")
        case "artifact_uri": .text(column: "r.artifact_location")
        case "start_time", "created", "Created": .number(column: "r.started_ms")
        case "end_time": .number(column: "r.ended_ms")
        default:
            throw ColumnTests.invalid(
                "Invalid attribute key '\(key)' specified. Valid keys are run_id, run_name, user_id, status, artifact_uri, start_time and end_time."
            )
        }
    }
}

private struct RunFields {
    let dialect: Dialect

    func condition(_ field: FilterField, _ test: FieldTest) throws -> SQL {
        let columns = ColumnTests(dialect: dialect)
        switch try RunField(field) {
        case .text(let column): return try columns.text(SQL(stringLiteral: column), test, of: field)
        case .number(let column): return try columns.number(SQL(stringLiteral: column), test, of: field)
        case .param(let key): return try keyed("run_param", key, test, field, columns)
        case .tag(let key): return try keyed("run_tag", key, test, field, columns)
        case .metric(let key):
            let logged: SQL =
                "SELECT 1 FROM metric_latest l WHERE l.run = r.key AND l.metric = (SELECT id FROM metric_name WHERE name = \(key))"
            if case .isNull = test { return "NOT EXISTS (\(logged))" }
            let holds = try columns.number("l.value", test, of: field)
            // NaN is stored as 0: it equals nothing, and differs from everything.
            if case .compare(.notEqual, _) = test { return "EXISTS (\(logged) AND (\(holds) OR l.is_nan = \(true)))" }
            return "EXISTS (\(logged) AND \(holds) AND l.is_nan = \(false))"
        case .dataset(let key):
            let column: SQL = key == "context" ? "i.context" : key == "name" ? "d.name" : "d.digest"
            return
                """
                EXISTS (SELECT 1 FROM run_input i JOIN input_dataset d ON d.key = i.dataset
                    WHERE i.run = r.key AND \(try columns.text(column, test, of: field)))
                """
        }
    }

    private func keyed(_ table: String, _ key: String, _ test: FieldTest, _ field: FilterField, _ columns: ColumnTests)
        throws -> SQL
    {
        let found: SQL = "SELECT 1 FROM \(SQL(stringLiteral: table)) k WHERE k.run = r.key AND k.key = \(key)"
        if case .isNull = test { return "NOT EXISTS (\(found))" }
        return "EXISTS (\(found) AND \(try columns.text("k.value", test, of: field)))"
    }
}

/// ORDER BY of a search. What a run does not have comes last, whatever the direction; ties are broken by start, the
/// latest first, then by id.
private struct RunOrder {
    private(set) var joins: SQL = ""
    let terms: SQL
    /// Whether it is the order of the index.
    let isPlain: Bool

    init(_ order: [SortTerm]) throws {
        var pieces: [SQL] = []
        var seen: Set<RunField> = []
        for (index, term) in order.enumerated() {
            let field = try RunField(term.field)
            guard seen.insert(field).inserted else {
                throw ColumnTests.invalid("`order_by` contains duplicate fields: \(term.field)")
            }
            let alias = SQL(stringLiteral: "o\(index)")
            var column: SQL = "\(alias).value"
            switch field {
            case .text(let name), .number(let name): column = SQL(stringLiteral: name)
            case .param(let key):
                joins = joins + " LEFT JOIN run_param \(alias) ON \(alias).run = r.key AND \(alias).key = \(key)"
            case .tag(let key):
                joins = joins + " LEFT JOIN run_tag \(alias) ON \(alias).run = r.key AND \(alias).key = \(key)"
            case .metric(let key):
                joins =
                    joins
                    + " LEFT JOIN metric_latest \(alias) ON \(alias).run = r.key AND \(alias).metric = (SELECT id FROM metric_name WHERE name = \(key))"
                pieces.append("CASE WHEN \(alias).is_nan = \(true) THEN 1 WHEN \(column) IS NULL THEN 2 ELSE 0 END")
            case .dataset:
                throw ColumnTests.invalid(
                    "Runs cannot be ordered by '\(term.field)', since a run may have several datasets.")
            }
            if case .metric = field {} else { pieces.append("CASE WHEN \(column) IS NULL THEN 1 ELSE 0 END") }
            pieces.append(term.descending ? "\(column) DESC" : column)
        }
        if !seen.contains(.number(column: "r.started_ms")) { pieces.append("r.started_ms DESC") }
        pieces.append("r.id")
        terms = .joined(pieces, by: ", ")
        isPlain = order.isEmpty || order == [SortTerm(FilterField(entity: nil, key: "start_time"), descending: true)]
    }
}
