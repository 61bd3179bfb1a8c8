import Core

/// One look at a table of Parquet files: which rows, in which order, and which part of them.
///
/// Rows have a total order: by `order`, then by file and place in the file, so that pages repeat nothing and lose nothing.
/// NULLs come last, whatever the direction; NaN is larger than all numbers.
public struct PageQuery: Hashable, Sendable {
    public struct Order: Hashable, Sendable {
        public let column: String
        public let descending: Bool

        public init(column: String, descending: Bool = false) {
            self.column = column
            self.descending = descending
        }
    }

    /// Where a page begins or ends.
    public enum Place: Hashable, Sendable {
        case start
        case after(RowPlace)
        /// The page that ends right before it, in the same order.
        case before(RowPlace)
        /// The row with this number (from 0) among the rows of this view.
        case at(Int64)
    }

    /// In this order; nil for all.
    public var columns: [String]?
    /// A condition in SQL that Slipway made or checked itself.
    public var condition: String?
    /// Rows of which any column of text contains this, whatever its case.
    public var search: String?
    public var order: [Order]
    public var place: Place
    public var limit: Int

    public init(
        columns: [String]? = nil, condition: String? = nil, search: String? = nil, order: [Order] = [],
        place: Place = .start, limit: Int
    ) {
        self.columns = columns
        self.condition = condition
        self.search = search
        self.order = order
        self.place = place
        self.limit = limit
    }

    /// The rows of the whole view, in the order of its pages, as one SELECT over a table of that name.
    public func select(from table: String, columns known: [TableColumn], limit: Int? = nil) -> String {
        let list = (columns ?? known.map(\.name)).map(SQLText.name).joined(separator: ", ")
        var conditions = condition.map { ["(\n\($0)\n)"] } ?? []
        if let search { conditions.append(Self.containing(search, known)) }
        let filter = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        let end = limit.map { " LIMIT \($0)" } ?? ""
        guard !order.isEmpty else { return "SELECT \(list) FROM \(SQLText.name(table))\(filter)\(end)" }
        // DuckDB's sort keeps no order among equals.
        let place = SQLText.name("slipway row")
        let keys = order.map { "\(SQLText.name($0.column)) \($0.descending ? "DESC" : "ASC") NULLS LAST" } + [place]
        return """
            SELECT \(list) FROM (SELECT *, row_number() OVER () AS \(place) FROM \(SQLText.name(table))\(filter))
            ORDER BY \(keys.joined(separator: ", "))\(end)
            """
    }

    /// The condition that a row has the text in any column of text.
    static func containing(_ text: String, _ columns: [TableColumn]) -> String {
        // Written as bytes, so that no character of it means anything in SQL.
        let hex = Array(text.utf8).map { "\\x" + Hex.encode([$0]) }.joined()
        let parts = columns.filter(\.isText).map { column in
            "contains(lower(CAST(\(SQLText.name(column.name)) AS VARCHAR)), lower(decode('\(hex)'::BLOB)))"
        }
        return parts.isEmpty ? "false" : "(\(parts.joined(separator: " OR ")))"
    }

    /// All rows as they lie.
    var isPlain: Bool { condition == nil && search == nil && order.isEmpty }
}

/// A row of a table, for cursors.
public struct RowPlace: Hashable, Sendable {
    /// Its number in the table, counted through the files as they lie, from 0.
    public let row: Int64
    /// Its number in the view that the page was of, if that is known: makes the next page cheaper.
    public let position: Int64?

    public init(row: Int64, position: Int64? = nil) {
        self.row = row
        self.position = position
    }
}

/// A page of rows.
public struct TablePage<Rows: Sendable>: Sendable {
    public let rows: Rows
    /// The number of each row in the table (not in the view), as in `RowPlace`.
    public let rowNumbers: [Int64]
    /// The number of the first row in the view, if it is known.
    public let position: Int64?
    /// How many rows the view has, if that is known.
    public let total: Int64?
    public let hasBefore: Bool
    public let hasAfter: Bool

    public func map<Other: Sendable>(_ transform: (Rows) throws -> Other) rethrows -> TablePage<Other> {
        TablePage<Other>(
            rows: try transform(rows), rowNumbers: rowNumbers, position: position, total: total, hasBefore: hasBefore,
            hasAfter: hasAfter)
    }

    public var first: RowPlace? { rowNumbers.first.map { RowPlace(row: $0, position: position) } }

    public var last: RowPlace? {
        rowNumbers.last.map { RowPlace(row: $0, position: position.map { $0 + Int64(rowNumbers.count) - 1 }) }
    }
}

/// A run of rows that follow each other in one file.
struct RowRun: Hashable {
    let file: Int
    let first: Int64
    var count: Int64
}

/// The numbers of rows of a table's files, and what follows from them.
struct RowNumbers: Hashable, Sendable {
    /// The number of the first row of each file, and at the end the number of all rows.
    let starts: [Int64]

    init(counts: [Int64]) { starts = counts.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) } }

    var total: Int64 { starts.last ?? 0 }

    func number(file: Int, row: Int64) -> Int64 { starts[file] + row }

    /// The file and the place in it; the number must be below `total`.
    func place(_ number: Int64) -> (file: Int, row: Int64) {
        // The last file that begins at or before it; empty files begin where the next does.
        var (low, high) = (0, starts.count - 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= number { low = middle } else { high = middle }
        }
        return (low, number - starts[low])
    }

    /// The rows, joined where they follow each other in a file.
    func runs(_ numbers: some Sequence<Int64>) -> [RowRun] {
        var runs: [RowRun] = []
        for number in numbers {
            let (file, row) = place(number)
            if let last = runs.last, last.file == file, last.first + last.count == row {
                runs[runs.count - 1].count += 1
            } else {
                runs.append(RowRun(file: file, first: row, count: 1))
            }
        }
        return runs
    }

    func numbers(_ runs: [RowRun]) -> [Int64] {
        runs.flatMap { run in (0..<run.count).map { starts[run.file] + run.first + $0 } }
    }
}
