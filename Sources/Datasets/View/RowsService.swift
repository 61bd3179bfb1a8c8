import Core
import Objects
import Platform
import Tables

/// Which rows of a version or slice to show, and which part of them.
public struct RowsQuery: Sendable {
    /// As `Filter` parses it.
    public var filter: String?
    /// Text that any column of text contains.
    public var search: String?
    /// All when empty.
    public var columns: [String]
    /// `price DESC, day`
    public var order: String?

    public init(filter: String? = nil, search: String? = nil, columns: [String] = [], order: String? = nil) {
        self.filter = filter
        self.search = search
        self.columns = columns
        self.order = order
    }
}

/// The rows of a version or slice as one table: files, and a condition that a slice puts on them.
struct RowSource {
    let version: DatasetVersion
    let input: TableInput
    let condition: String?

    /// The condition and the filter together, in SQL.
    func condition(and filter: String?) throws -> String? {
        let filter = try filter.flatMap { try Filter.parse($0) }?.condition(columns: version.columns)
        let parts = [condition, filter].compactMap { $0 }
        return parts.isEmpty ? nil : parts.map { "(\($0)\n)" }.joined(separator: " AND ")
    }
}

extension DatasetsService {
    /// How long a page may take.
    static let pageSeconds: Double = 30

    /// - Throws: `invalid` for a column that is not there, naming those that are.
    func rowSource(_ ref: Ref, as principal: Principal) async throws -> RowSource {
        guard ref.kind == .slice else {
            let version = try await resolve(ref, as: principal)
            try await requirePersonalData(version, as: principal)
            var input = try await input(version, name: "data")
            input.columns = version.columns
            return RowSource(version: version, input: input, condition: nil)
        }
        let plan = try await plan(ref, name: "data", as: principal)
        var input =
            plan.condition == nil
            ? TableInput(name: "data", files: [try await evaluated(plan)], labels: [ref.description], format: .parquet)
            : plan.inputs[0]
        input.columns = plan.version.columns
        return RowSource(version: plan.version, input: input, condition: plan.condition)
    }

    private func pageQuery(_ source: RowSource, _ query: RowsQuery, _ place: PageQuery.Place, limit: Int) throws
        -> PageQuery
    {
        PageQuery(
            columns: query.columns.isEmpty ? nil : try columns(query.columns, of: source.version),
            condition: try source.condition(and: query.filter),
            search: query.search.flatMap { $0.isEmpty ? nil : $0 }, order: try order(query.order, of: source.version),
            place: place, limit: limit)
    }

    /// A page of rows.
    func rows(_ ref: Ref, _ query: RowsQuery, _ place: PageQuery.Place, limit: Int, as principal: Principal)
        async throws -> (page: TablePage<TableResult>, files: [FileView]?)
    {
        let source = try await rowSource(ref, as: principal)
        var page = try pageQuery(source, query, place, limit: limit)
        guard source.version.kind == .files else {
            return (
                try await platform.tables.page(
                    of: source.input, page, timeoutSeconds: Self.pageSeconds, for: .interactive(principal)), nil
            )
        }
        // What says where a file is and what it is, whether asked for or not.
        let shown = page.columns ?? source.version.columns.map(\.name)
        let known = Set(source.version.columns.map(\.name))
        page.columns = shown + FileView.columns.filter { known.contains($0) && !shown.contains($0) }
        let found = try await platform.tables.page(
            of: source.input, page, timeoutSeconds: Self.pageSeconds, for: .interactive(principal))
        return (found.map { $0.prefix(columns: shown.count) }, await fileViews(source.version, found.rows))
    }

    /// A page of rows as a stream in Arrow's form.
    func arrowRows(_ ref: Ref, _ query: RowsQuery, _ place: PageQuery.Place, limit: Int, as principal: Principal)
        async throws -> TablePage<[UInt8]>
    {
        let source = try await rowSource(ref, as: principal)
        let page = try pageQuery(source, query, place, limit: limit)
        return try await platform.tables.arrowPage(
            of: source.input, page, timeoutSeconds: Self.pageSeconds, for: .interactive(principal))
    }

    private func columns(_ names: [String], of version: DatasetVersion) throws -> [String] {
        let known = version.columns.map(\.name)
        for name in names where !known.contains(name) {
            throw SlipwayError.field(
                "columns", "there is no column '\(name.prefix(80))'",
                expected: "one of \(known.joined(separator: ", "))")
        }
        return names
    }

    private func order(_ text: String?, of version: DatasetVersion) throws -> [PageQuery.Order] {
        let known = Set(version.columns.map(\.name))
        return try (text ?? "").split(separator: ",").map { part in
            let term = try SortTerm(parsing: String(part))
            let column = term.field.entity.map { "\($0).\(term.field.key)" } ?? term.field.key
            guard known.contains(column) else {
                throw SlipwayError.field(
                    "order", "there is no column '\(column.prefix(80))'",
                    expected: "one of \(known.sorted().joined(separator: ", "))")
            }
            return PageQuery.Order(column: column, descending: term.descending)
        }
    }

    // MARK: All rows at once

    /// In which form a whole table leaves the server.
    enum DataFormat: String, CaseIterable {
        case arrow, csv, parquet
    }

    enum DataAnswer {
        case stream(TableStream)
        /// The bytes of one Parquet file that is kept as it is.
        case object(DatasetFile)
        /// A Parquet file that was made for this answer, in a folder to be removed after it.
        case file(path: String, folder: String, sizeBytes: Int64)
    }

    /// All rows of a version or slice that fit, in their order, however many.
    func data(_ ref: Ref, _ query: RowsQuery, limit: Int?, as format: DataFormat, by principal: Principal)
        async throws -> (answer: DataAnswer, version: DatasetVersion)
    {
        let source = try await rowSource(ref, as: principal)
        let page = try pageQuery(source, query, .start, limit: 1)
        let isWhole = page.columns == nil && page.condition == nil && page.search == nil && page.order.isEmpty
        if format == .parquet, isWhole, limit == nil, ref.kind == .dataset, source.version.kind == .table {
            let files = try await files(of: source.version)
            if files.count == 1 { return (.object(files[0]), source.version) }
        }
        let sql = page.select(from: "data", columns: source.version.columns, limit: limit)
        guard let form = RowFormat(rawValue: format.rawValue) else {
            let folder = try platform.scratchFolder()
            do {
                let path = folder + "/data.parquet"
                let file = try await platform.tables.write(
                    sql, inputs: [source.input], to: path, timeoutSeconds: 600, for: .query(principal))
                return (.file(path: path, folder: folder, sizeBytes: file.sizeBytes), source.version)
            } catch {
                removeFolder(folder)
                throw error
            }
        }
        let stream = try await platform.tables.stream(sql, inputs: [source.input], as: form, for: .query(principal))
        return (.stream(stream), source.version)
    }
}
