extension Transaction {
    /// Inserts rows by few statements, which stay prepared.
    ///
    /// - Parameters:
    ///   - columns: `table (column, …)`; each row has a value for each.
    ///   - conflict: `ON CONFLICT …`.
    public func insert(into columns: SQL, _ rows: [[SQLValue]], _ conflict: SQL = "") throws {
        if dialect == .postgres, rows.count > 1, let arrays = Self.arrays(rows) {
            // One statement for any number of rows, whose text is always the same.
            try execute("INSERT INTO \(columns) SELECT * FROM unnest(\(SQL.joined(arrays, by: ", "))) \(conflict)")
            return
        }
        // Statements of 64, 32, 16 … 1 rows.
        var at = 0
        var size = 64
        while at < rows.count {
            while size > rows.count - at { size /= 2 }
            let values = rows[at..<at + size].map { row in "(\(SQL.joined(row.map { "\($0)" }, by: ", ")))" as SQL }
            try execute("INSERT INTO \(columns) VALUES \(SQL.joined(values, by: ", ")) \(conflict)")
            at += size
        }
    }

    /// A column's values each; nil where the type of one is not known, since all of it is NULL.
    private static func arrays(_ rows: [[SQLValue]]) -> [SQL]? {
        var arrays: [SQL] = []
        for column in rows[0].indices {
            let values = rows.map { $0[column] }
            guard let type = values.lazy.compactMap(\.postgresType).first else { return nil }
            arrays.append("\(array: values, of: type)")
        }
        return arrays
    }
}
