import Core

/// How the table engine is found and bounded.
public struct TablesConfiguration: Sendable {
    /// A path of DuckDB's shared library; nil looks in the usual places (see `DuckDBLibrary.candidates`).
    public var library: String?
    /// The executable that is started as `worker tables`; nil for the running one.
    public var executable: String?
    /// How many requests are worked on at once. With more than one, one of them never does long work, and no caller's
    /// requests hold all of them.
    public var workers: Int
    /// What DuckDB may hold in memory, a worker; beyond it, it spills to the temporary folder.
    public var memoryBytes: Int64
    /// What it may spill, a worker.
    public var temporaryBytes: Int64
    /// Threads a worker.
    public var threads: Int
    /// For requests that do not say.
    public var timeoutSeconds: Double
    /// A folder that belongs to this server alone; workers make folders of their own inside.
    public var temporaryDirectory: String

    public init(
        library: String? = nil, executable: String? = nil, workers: Int = 3, memoryBytes: Int64 = 2 << 30,
        temporaryBytes: Int64 = 20 << 30, threads: Int = 2, timeoutSeconds: Double = 60, temporaryDirectory: String
    ) {
        self.library = library
        self.executable = executable
        self.workers = workers
        self.memoryBytes = memoryBytes
        self.temporaryBytes = temporaryBytes
        self.threads = threads
        self.timeoutSeconds = timeoutSeconds
        self.temporaryDirectory = temporaryDirectory
    }
}

/// A column of a table or a result.
public struct TableColumn: Hashable, Sendable, Codable {
    public let name: String
    /// DuckDB's SQL name of the type, such as `BIGINT`, `DECIMAL(9,2)` or `STRUCT(a INTEGER)[]`.
    public let type: String

    public init(name: String, type: String) {
        self.name = name
        self.type = type
    }

    /// Whether values of this type are numbers.
    public var isNumeric: Bool {
        type.hasPrefix("DECIMAL") && !type.hasSuffix("]")
            || [
                "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
                "UHUGEINT", "FLOAT", "DOUBLE",
            ].contains(type)
    }
}

extension TableColumn {
    /// Whether values are whole numbers.
    public var isWholeNumber: Bool {
        isNumeric && type != "FLOAT" && type != "DOUBLE" && !type.hasPrefix("DECIMAL")
    }

    /// Whether values are dates, or times on them.
    public var isTime: Bool { type == "DATE" || type.hasPrefix("TIMESTAMP") && !type.hasSuffix("]") }
}

/// Files that a query sees as a table.
public struct TableInput: Hashable, Sendable {
    public enum Format: String, Hashable, Sendable, Codable, CaseIterable {
        case parquet
        /// Separated text with or without a header line; separator, quotes and types are found out from the file.
        case csv
        /// One document a line, or one array of documents.
        case json
    }

    /// How the text of a CSV file is written.
    public enum Encoding: String, Hashable, Sendable, Codable, CaseIterable {
        case utf8 = "utf-8"
        case latin1 = "latin-1"
        case utf16 = "utf-16"
    }

    /// The table's name in SQL.
    public var name: String
    /// Absolute paths. They are trusted: the caller vouches that the query may read them.
    public var files: [String]
    /// What messages call the files, in the same order; nil for the last part of each path.
    public var labels: [String]?
    public var format: Format
    /// For CSV.
    public var encoding: Encoding
    /// For CSV: one character; nil finds it out.
    public var delimiter: String?
    /// For CSV: whether the first line has the names; nil finds it out.
    public var header: Bool?
    /// For CSV: takes every column as text.
    public var allText: Bool
    /// For Parquet: what the files hold together, if it is known; spares pages the reading of all footers.
    public var columns: [TableColumn]?
    /// For Parquet: adds the columns `positionColumns`, so that a query can say where a row stands.
    public var positions = false

    /// The path of a row's file, and the row's number in it, from 0.
    public static let positionColumns = (file: "slipway file", row: "slipway row")

    public init(
        name: String, files: [String], labels: [String]? = nil, format: Format, encoding: Encoding = .utf8,
        delimiter: String? = nil, header: Bool? = nil, allText: Bool = false, columns: [TableColumn]? = nil
    ) {
        self.name = name
        self.files = files
        self.labels = labels
        self.format = format
        self.encoding = encoding
        self.delimiter = delimiter
        self.header = header
        self.allText = allText
        self.columns = columns
    }

    /// What messages call the file at `index`.
    public func label(_ index: Int) -> String {
        if let labels, labels.indices.contains(index) { return labels[index] }
        return files[index].split(separator: "/").last.map(String.init) ?? files[index]
    }
}

/// What a query gave.
public struct TableResult: Hashable, Sendable {
    public let columns: [TableColumn]
    /// At most as many as were asked for.
    public let rows: [[TableValue]]
    /// Whether there were more.
    public let truncated: Bool

    public init(columns: [TableColumn], rows: [[TableValue]], truncated: Bool) {
        self.columns = columns
        self.rows = rows
        self.truncated = truncated
    }
}

/// A Parquet file that was written.
public struct TableFile: Hashable, Sendable {
    public let rows: Int64
    public let columns: [TableColumn]
    public let sizeBytes: Int64

    public init(rows: Int64, columns: [TableColumn], sizeBytes: Int64) {
        self.rows = rows
        self.columns = columns
        self.sizeBytes = sizeBytes
    }
}

/// How many values of a column fall between edges.
public struct TableHistogram: Hashable, Sendable, Codable {
    /// Rising; one more than there are bins.
    public let edges: [Double]
    /// Bin `i` holds `edges[i] <= x < edges[i+1]`; the last bin also holds its upper edge.
    public let counts: [Int64]
    public let below: Int64
    public let above: Int64
    /// NULLs.
    public let nulls: Int64
    /// NaN; infinities count as below or above.
    public let notNumbers: Int64

    /// Histograms of profiles have no more bins.
    public static let binsAtMost = ProfileQuery.maximumBins

    /// Edges of at most `binsAtMost` bins of equal width between two numbers; one bin a value for few whole numbers.
    public static func edges(from lowest: Double, to highest: Double, isWhole: Bool) -> [Double] {
        ProfileQuery.edges(lowest, highest, isWhole: isWhole)
    }

    /// All rows.
    public var total: Int64 { counts.reduce(below + above + nulls + notNumbers, +) }

    public init(edges: [Double], counts: [Int64], below: Int64, above: Int64, nulls: Int64, notNumbers: Int64) {
        self.edges = edges
        self.counts = counts
        self.below = below
        self.above = above
        self.nulls = nulls
        self.notNumbers = notNumbers
    }
}
