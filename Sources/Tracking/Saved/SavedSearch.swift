import Core

/// A search over the runs of a project under a name.
public struct SavedSearch: Sendable, Hashable {
    public let project: String
    public let name: String
    /// Whose it is; nil for one that all of the project share.
    public let owner: String?
    public var terms: Terms
    public let savedBy: String
    public let saved: Timestamp

    /// What is looked for.
    public struct Terms: Sendable, Hashable {
        /// A filter expression; empty for all runs.
        public var filter = ""
        /// `metrics.rmse`, `start_time DESC` …
        public var order: [String] = []
        /// What to show of each run: `metrics.rmse`, `params.lr`, `tags.stage`.
        public var columns: [String] = []
        /// Ids; none for all experiments of the project.
        public var experiments: [String] = []
        public var view: LifecycleView = .active

        public init() {}
    }

    /// Saved searches of a project, shared ones and those of one person each.
    static let maximum = 1000
    static let columnsMaximum = 100

    public var json: JSONValue {
        [
            "project": .string(project), "name": .string(name), "owner": JSONValue(owner),
            "shared": .bool(owner == nil),
            "filter": .string(terms.filter), "order": JSONValue(terms.order), "columns": JSONValue(terms.columns),
            "experiments": JSONValue(terms.experiments), "view": .string(terms.view.rawValue),
            "savedBy": .string(savedBy), "saved": JSONValue(saved),
        ]
    }
}

extension SavedSearch.Terms {
    /// The fields that a body may have.
    static let fields: Set<String> = ["filter", "order", "columns", "experiments", "view"]

    /// - Throws: `invalid` for what is not a search: a filter or an order that cannot be read, unknown fields.
    init(_ body: JSONFields) throws {
        filter = try body.optionalString("filter") ?? ""
        order = try body.strings("order")
        columns = try body.strings("columns")
        experiments = try body.strings("experiments")
        if let text = try body.optionalString("view") {
            guard let known = LifecycleView(rawValue: text) else {
                throw SlipwayError.field(
                    "view", "'\(text.prefix(20))' is not a view", expected: "active, deleted or all")
            }
            view = known
        }
        guard columns.count <= SavedSearch.columnsMaximum else {
            throw SlipwayError.field(
                "columns", "has \(columns.count) of them", expected: "at most \(SavedSearch.columnsMaximum)")
        }
        for column in columns { _ = try RunField(SortTerm(parsing: column).field) }
        _ = try Filter.parse(filter)
        _ = try terms()
        for experiment in experiments { _ = try Experiment.key(of: experiment) }
    }

    var json: JSONValue {
        [
            "filter": .string(filter), "order": JSONValue(order), "columns": JSONValue(columns),
            "experiments": JSONValue(experiments), "view": .string(view.rawValue),
        ]
    }

    func terms() throws -> [SortTerm] { try order.map { try SortTerm(parsing: $0) } }
}
