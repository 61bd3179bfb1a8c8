import Core

/// The worker's side of a page: finds out which rows it has, reading only what decides that, then reads these rows.
/// DuckDB skips the row groups of a Parquet file that a condition on `file_row_number` excludes, so that the second step
/// costs the same at any depth.
struct PageReader {
    private let instance: DuckDBInstance
    private let input: TableInput
    /// Of all files together.
    private let columns: [TableColumn]

    /// Names that no column has by chance.
    private static let file = "\"slipway file\""
    private static let row = "\"slipway row\""
    /// File and row in one number.
    private static let code = "(\(file) * \(rowsPerFile) + \(row))"
    private static let rowsPerFile: Int64 = 1 << 40
    /// Each of so many files is asked for its rows alone; more are read together.
    private static let filesAlone = 16

    init(_ instance: DuckDBInstance, _ input: TableInput, _ columns: [TableColumn]) throws {
        self.instance = instance
        self.input = input
        self.columns = columns
        guard input.format == .parquet else { throw SlipwayError(.internal, "Pages are read from Parquet files only.") }
        for name in ["file_row_number", "file_index"] where columns.contains(where: { $0.name.lowercased() == name }) {
            throw SlipwayError(
                .unsupported,
                "The table has a column '\(name)', a name that the reader needs for itself. Make a version that calls it otherwise.",
                details: ["column": name])
        }
    }

    /// - Returns: the rows' places and whether there are more, then the rows themselves.
    func page(_ job: PageJob) throws -> (runs: [RowRun], more: Bool, sql: String) {
        let wanted = try job.query.columns?.map { try column($0) } ?? columns
        switch job.source {
        case .rows(let runs): return (runs, false, try fetch(runs, wanted))
        case .scan(let from, let backwards):
            let (runs, more) = try find(job.query, from: from, backwards: backwards)
            return (runs, more, try fetch(runs, wanted))
        }
    }

    // MARK: Which rows

    private func find(_ query: PageQuery, from: (file: Int, row: Int64)?, backwards: Bool) throws -> ([RowRun], Bool) {
        let found: [(Int, Int64)]
        if query.order.isEmpty, !backwards {
            found = try inFileOrder(query, from: from)
        } else {
            found = try sorted(query, from: from, backwards: backwards)
        }
        var places = Array(found.prefix(query.limit))
        if backwards { places.reverse() }
        var runs: [RowRun] = []
        for (file, row) in places {
            if let last = runs.last, last.file == file, last.first + last.count == row {
                runs[runs.count - 1].count += 1
            } else {
                runs.append(RowRun(file: file, first: row, count: 1))
            }
        }
        return (runs, found.count > query.limit)
    }

    /// As the rows lie: the file of the given row from there on, then the others; reading stops when there are enough.
    private func inFileOrder(_ query: PageQuery, from: (file: Int, row: Int64)?) throws -> [(Int, Int64)] {
        var found: [(Int, Int64)] = []
        func look(_ files: [Int], _ further: [String]) throws {
            guard !files.isEmpty, found.count <= query.limit else { return }
            let conditions = try self.conditions(query) + further
            found += try places(
                """
                SELECT \(Self.file), \(Self.row) FROM \(relation(files)) \(Self.filter(conditions))
                LIMIT \(query.limit + 1 - found.count)
                """)
        }
        let all = Array(input.files.indices)
        guard let from else {
            try look(all, [])
            return found
        }
        guard all.indices.contains(from.file) else { throw Self.strangeCursor }
        try look([from.file], ["\(Self.row) > \(from.row)"])
        try look(Array(all[(from.file + 1)...]), [])
        return found
    }

    private func sorted(_ query: PageQuery, from: (file: Int, row: Int64)?, backwards: Bool) throws -> [(Int, Int64)] {
        let keyset = try keyset(query.order, backwards: backwards)
        var conditions = try self.conditions(query)
        var parameters: [TableValue] = []
        if let from {
            let place = keyset.condition(place: from, values: try values(keyset.keys, at: from))
            conditions.append(place.sql)
            parameters = place.parameters
        }
        var files = Array(input.files.indices)
        if query.order.isEmpty, let from { files = Array(files[...from.file]) }
        return try places(
            """
            SELECT \(Self.file), \(Self.row) FROM \(relation(files)) \(Self.filter(conditions))
            ORDER BY \(keyset.orderBy) LIMIT \(query.limit + 1)
            """, parameters)
    }

    /// Every row of a view, in its order.
    func all(_ query: PageQuery) throws -> DuckDBResult {
        let conditions = try self.conditions(query)
        var sql = "SELECT \(Self.file), \(Self.row) FROM \(try relation(Array(input.files.indices)))"
        sql += " " + Self.filter(conditions)
        if !query.order.isEmpty { sql += " ORDER BY \(try keyset(query.order, backwards: false).orderBy)" }
        return try instance.run(sql, streaming: true)
    }

    private func keyset(_ order: [PageQuery.Order], backwards: Bool) throws -> Keyset {
        let keys = try order.map { term -> Keyset.Key in
            let column = try column(term.column)
            let expression = ColumnExpression(column)
            guard !expression.isNested else {
                throw SlipwayError.field(
                    "order", "'\(column.name)' is of the type \(column.type), which has no order here",
                    expected: "columns of numbers, text, times or booleans")
            }
            return Keyset.Key(
                name: expression.name, type: column.type == "JSON" ? "VARCHAR" : column.type,
                descending: term.descending)
        }
        return Keyset(keys: keys, backwards: backwards, file: Self.file, row: Self.row)
    }

    private func values(_ keys: [Keyset.Key], at place: (file: Int, row: Int64)) throws -> [String?] {
        guard input.files.indices.contains(place.file) else { throw Self.strangeCursor }
        let texts = keys.map { "CAST(\($0.name) AS VARCHAR)" } + ["''"]
        let rows = try instance.rows(
            "SELECT \(texts.joined(separator: ", ")) FROM \(relation([place.file])) WHERE \(Self.row) = \(place.row)")
        guard let row = rows.first else { throw Self.strangeCursor }
        return row.dropLast().map(\.text)
    }

    private func conditions(_ query: PageQuery) throws -> [String] {
        var conditions: [String] = []
        if let condition = query.condition { conditions.append("(\n\(condition)\n)") }
        if let search = query.search { conditions.append(PageQuery.containing(search, columns)) }
        return conditions
    }

    private static func filter(_ conditions: [String]) -> String {
        conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
    }

    private func places(_ sql: String, _ parameters: [TableValue] = []) throws -> [(Int, Int64)] {
        try instance.rows(sql, parameters).map { (Int($0[0].intValue ?? 0), $0[1].intValue ?? 0) }
    }

    private static let strangeCursor = SlipwayError.field(
        "after", "is not a cursor of these rows", expected: "the 'next' or 'previous' of a page of the same table")

    // MARK: The rows

    /// A SELECT of exactly these rows, in this order.
    private func fetch(_ runs: [RowRun], _ wanted: [TableColumn]) throws -> String {
        let list = wanted.map { SQLText.name($0.name) }.joined(separator: ", ")
        guard !list.isEmpty else { throw SlipwayError.field("columns", "names none", expected: "at least one column") }
        let byFile = Dictionary(grouping: runs, by: \.file)
        let files = byFile.keys.sorted()
        guard !files.isEmpty else { return "SELECT \(list) FROM \(try relation([0])) WHERE false" }
        let source: String
        if files.count <= Self.filesAlone {
            source = try files.map { file in
                let rows = Self.condition(byFile[file] ?? [], Self.row, offset: 0)
                return "SELECT * FROM \(try relation([file])) WHERE \(rows)"
            }.joined(separator: " UNION ALL ")
        } else {
            let codes = files.map { file in
                Self.condition(byFile[file] ?? [], Self.code, offset: Int64(file) * Self.rowsPerFile)
            }
            source = "SELECT * FROM \(try relation(files)) WHERE \(codes.joined(separator: " OR "))"
        }
        // Rows that come as they lie need no list of places.
        let codes = runs.flatMap { run in (0..<run.count).map { Int64(run.file) * Self.rowsPerFile + run.first + $0 } }
        let rises = zip(codes, codes.dropFirst()).allSatisfy(<)
        let order =
            rises
            ? "\(Self.file), \(Self.row)"
            : "list_position([\(codes.map(String.init).joined(separator: ", "))], \(Self.code))"
        return "SELECT \(list) FROM (\(source)) ORDER BY \(order)"
    }

    /// A range or one list: that is what lets the reader skip row groups.
    private static func condition(_ runs: [RowRun], _ expression: String, offset: Int64) -> String {
        if runs.count == 1, let run = runs.first, run.count > 1 {
            return "\(expression) BETWEEN \(offset + run.first) AND \(offset + run.first + run.count - 1)"
        }
        let rows = runs.flatMap { run in (0..<run.count).map { String(offset + run.first + $0) } }
        return "\(expression) IN (\(rows.joined(separator: ", ")))"
    }

    // MARK: Parts

    /// Some of the files as a table that has all columns, and for each row its file and place. Named like the input.
    private func relation(_ files: [Int]) throws -> String {
        let paths = SQLText.list(files.map { input.files[$0] })
        let reader = "read_parquet(\(paths), union_by_name = true, hive_partitioning = false)"
        let present = try instance.rows("DESCRIBE SELECT * FROM \(reader)").reduce(into: [String: String]()) {
            $0[($1[0].text ?? "").lowercased()] = $1[1].text ?? ""
        }
        let list = columns.map { column -> String in
            let name = SQLText.name(column.name)
            switch present[column.name.lowercased()] {
            case column.type?: return name
            case nil: return "CAST(NULL AS \(column.type)) AS \(name)"
            default: return "CAST(\(name) AS \(column.type)) AS \(name)"
            }
        }
        // The files are counted from 0 within the call.
        let number =
            files.count == 1
            ? "CAST(\(files[0]) AS BIGINT)"
            : files.last == files.count - 1 ? "CAST(file_index AS BIGINT)" : "\(files)[file_index::BIGINT + 1]::BIGINT"
        return
            "(SELECT \(number) AS \(Self.file), CAST(file_row_number AS BIGINT) AS \(Self.row), \(list.joined(separator: ", ")) FROM \(reader)) AS \(SQLText.name(input.name))"
    }

    private func column(_ name: String) throws -> TableColumn {
        guard
            let column = columns.first(where: { $0.name == name })
                ?? columns.first(where: { $0.name.lowercased() == name.lowercased() })
        else { throw EngineErrors.unknownColumn(name, [input.name: columns]) }
        return column
    }
}

extension TableColumn {
    /// Whether a search for text looks here.
    public var isText: Bool {
        type == "VARCHAR" || type == "JSON" || type == "UUID" || type.hasPrefix("ENUM(") && !type.hasSuffix("]")
    }
}
