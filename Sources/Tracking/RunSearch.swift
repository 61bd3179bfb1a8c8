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
    /// One page. Its cost follows the experiments' values of the fields in the filter, and the page; where there is no
    /// filter, the page alone.
    func search(
        _ db: any Transaction, experiments: [Int64], _ search: RunSearch, sortMaximum: Int = 4096,
        mergedMaximum: Int = 64
    ) throws -> Page<RunInfo> {
        guard !experiments.isEmpty else { return Page(items: [], next: nil) }
        if db.dialect == .postgres {
            // Its plans follow statistics, which lag behind: an index walked in its order is right here always.
            _ = try db.exists(
                "SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)")
        }
        // Each of a few experiments gives its own page, and these are merged; many are searched as one.
        let parts = experiments.count <= mergedMaximum ? experiments.map { [$0] } : [experiments]
        let order = try RunOrder(search.order, RunFinder(db, experiments: []), sortMaximum: sortMaximum)
        let after = try search.after.map(order.place)
        let places = try order.merged(
            parts.map { experiments in
                let finder = RunFinder(db, experiments: experiments)
                var found = try search.filter.map(finder.runs) ?? .all
                switch search.view {
                case .active: found = found.subtracting(try finder.deleted())
                case .deleted: found = found.intersection(try finder.deleted())
                case .all: break
                }
                return try RunOrder(search.order, finder, sortMaximum: sortMaximum)
                    .page(found, after: after, limit: search.limit + 1)
            })
        let shown = places.prefix(search.limit)
        let next = places.count > search.limit ? shown.last.map(order.cursor) : nil
        return Page(items: try infos(db, keys: shown.map(\.key)), next: next)
    }

    /// In the order of `keys`.
    private func infos(_ db: any Transaction, keys: [Int64]) throws -> [RunInfo] {
        var found: [Int64: RunInfo] = [:]
        try Rows.lists(of: keys) { list in
            for info in try db.all("\(Self.columns) WHERE r.key IN (\(list: list))", Self.row) {
                found[info.key] = info
            }
        }
        return keys.compactMap { found[$0] }
    }
}

/// What a field of a search over runs is.
enum RunField: Hashable {
    case metric(String)
    case param(String)
    case tag(String)
    case dataset(String)
    /// A column of the run itself. Its name is not one: that is its tag `mlflow.runName`, which has an index.
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
        case "run_id": .text(column: "id")
        case "run_name", "run name", "Run name", "Run Name": .tag(RunDraft.nameTag)
        case "user_id": .text(column: "user_name")
        case "status": .text(column: "status")
        case "artifact_uri": .text(column: "artifact_location")
        case "start_time", "created", "Created": .number(column: "started_ms")
        case "end_time": .number(column: "ended_ms")
        default:
            throw ColumnTests.invalid(
                "Invalid attribute key '\(key)' specified. Valid keys are run_id, run_name, user_id, status, artifact_uri, start_time and end_time."
            )
        }
    }
}
