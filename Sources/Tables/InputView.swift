import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Makes an input's files visible as a table.
struct InputView {
    private let input: TableInput

    init(_ input: TableInput) { self.input = input }

    /// Creates the view and returns its columns.
    ///
    /// - Throws: `invalid` naming the file that is missing, empty, cut off, of another format or encoding.
    func create(in instance: DuckDBInstance) throws -> [TableColumn] {
        guard !input.name.isEmpty, !input.name.utf8.contains(0), input.name.utf8.count <= Limits.nameBytes else {
            throw SlipwayError.field("inputs", "has a table with an empty or overlong name")
        }
        try FileTriage.requireReadable(input)
        var reader = try self.reader(delimiter: input.delimiter, header: input.header)
        // Known columns of Parquet spare the look into the files; the view says if they are damaged.
        var columns = try (input.format == .parquet ? input.columns : nil) ?? describe(reader, in: instance)
        // Rows of differing lengths make the sniffer fall back to one column of whole lines; a separator in that
        // column's name gives it away. Then the likely dialect is asked for, which names the line that does not fit.
        if input.format == .csv, input.delimiter == nil, columns.count == 1,
            let delimiter = columns[0].name.first(where: { ",;\t|".contains($0) })
        {
            reader = try self.reader(delimiter: String(delimiter), header: true)
            columns = try describe(reader, in: instance)
        }
        var list = "*"
        if input.positions, input.format == .parquet {
            // Both are virtual columns of read_parquet: read only where a query asks for them.
            list += ", filename AS \(SQLText.name(TableInput.positionColumns.file))"
            list += ", file_row_number AS \(SQLText.name(TableInput.positionColumns.row))"
        }
        _ = try instance.run("CREATE VIEW \(SQLText.name(input.name)) AS SELECT \(list) FROM \(reader)")
        return columns
    }

    /// What the files hold, without making a view.
    func columns(in instance: DuckDBInstance) throws -> [TableColumn] {
        try describe(try reader(delimiter: input.delimiter, header: input.header), in: instance)
    }

    private func describe(_ reader: String, in instance: DuckDBInstance) throws -> [TableColumn] {
        try instance.rows("DESCRIBE SELECT * FROM \(reader)").map { row in
            TableColumn(name: row[0].text ?? "", type: row[1].text ?? "")
        }
    }

    /// The table function that reads the files.
    private func reader(delimiter: String?, header: Bool?) throws -> String {
        let files = SQLText.list(input.files)
        // By name, so that files of a dataset may differ in the order of their columns, and gain some.
        let union = input.files.count > 1 ? ", union_by_name = true" : ""
        // The parts of a path are no columns, whatever they look like.
        let flat = ", hive_partitioning = false"
        switch input.format {
        case .parquet: return "read_parquet(\(files)\(union)\(flat))"
        case .json:
            let columns = input.columns.map { columns in
                let pairs = columns.map { "\(SQLText.literal($0.name)): \(SQLText.literal($0.type))" }
                return ", columns = {\(pairs.joined(separator: ", "))}"
            }
            return "read_json(\(files)\(columns ?? union)\(flat)\(FileTriage.compression(input)))"
        case .csv:
            var options = "\(union)\(flat)\(FileTriage.compression(input))"
            if input.encoding != .utf8 { options += ", encoding = '\(input.encoding.rawValue)'" }
            if let delimiter {
                guard delimiter.utf8.count <= 4, !delimiter.isEmpty else {
                    throw SlipwayError.field(
                        "delimiter", "'\(delimiter)' is not one", expected: "one to four bytes, such as ',' or a tab")
                }
                options += ", delim = \(SQLText.literal(delimiter))"
            }
            if let header { options += ", header = \(header)" }
            if input.allText { options += ", all_varchar = true" }
            return "read_csv(\(files)\(options))"
        }
    }
}
