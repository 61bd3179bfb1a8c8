import Core
import Logging
import Processes
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Tables in files: asks, profiles and writes them with DuckDB, in worker processes that are bounded in memory and time
/// and reach only the files that a request names. See docs/tables.md for what holds and why.
public final class Tables: Sendable {
    private let configuration: TablesConfiguration
    let pool: WorkerPool
    let indexes: RowIndexes
    /// How many rows the files of a table have, by the digest of their paths.
    let counts = Mutex<[Digest: RowNumbers]>([:])
    /// Whether the library has been seen; only a library that is missing is looked for again.
    private let isFound = Atomic(false)

    public init(_ configuration: TablesConfiguration, logger: Logger = Logger(label: "slipway.tables")) {
        self.configuration = configuration
        indexes = RowIndexes(folder: configuration.temporaryDirectory + "/rows")
        var environment = ["TZ": "UTC", "LC_ALL": "C"]
        for name in [
            "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", DuckDBLibrary.environmentVariable, DuckDBLibrary.preloadVariable,
        ] {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        pool = WorkerPool(
            kind: "tables", executable: configuration.executable, arguments: TablesWorker.arguments(configuration),
            environment: environment, size: configuration.workers, logger: logger)
    }

    /// nil if the engine's library is there, else what to install.
    public var availability: String? {
        if isFound.load(ordering: .relaxed) { return nil }
        let hint = DuckDBLibrary.missingHint(explicit: configuration.library)
        if hint == nil { isFound.store(true, ordering: .relaxed) }
        return hint
    }

    /// The longest SQL text that is taken, in bytes.
    public static let maximumQueryBytes = 256 * 1024

    /// Runs a user's SELECT over the inputs.
    ///
    /// - Parameters:
    ///   - parameters: for `$1`, `$2` … in the text.
    ///   - maxRows: how many rows are returned at most; the rest is not even computed where the query allows it.
    ///   - timeoutSeconds: nil for the configured one; waiting for a free worker included.
    /// - Throws: `forbidden` for anything but one SELECT over the inputs; `invalid` for SQL that is wrong, naming the
    ///   column or table, and for files that are damaged, naming the file; `tooLarge` beyond memory or 256 MiB of result;
    ///   `deadlineExceeded`, `cancelled`, and `unavailable` when the library is missing or the worker ended.
    public func query(
        _ sql: String, parameters: [TableValue] = [], inputs: [TableInput], maxRows: Int = 10_000,
        timeoutSeconds: Double? = nil, for caller: TablesCaller = .system
    ) async throws -> TableResult {
        guard maxRows >= 0 else { throw SlipwayError.field("maxRows", "is negative") }
        try Self.requireModest(sql)
        let answer = try await ask(
            .query(sql: sql, parameters: parameters, maxRows: maxRows), inputs, timeoutSeconds, .table, caller)
        return try TableDecoder.decode(answer, from: 1)
    }

    /// Runs a user's SELECT into one Parquet file (Zstandard). The file appears at `path` whole and synced to disk, or not
    /// at all; one that is there is replaced.
    ///
    /// - Throws: as `query`.
    public func write(
        _ sql: String, parameters: [TableValue] = [], inputs: [TableInput], to path: String,
        timeoutSeconds: Double? = nil, for caller: TablesCaller = .system
    ) async throws -> TableFile {
        try Self.requireModest(sql)
        let temporary = "\(path).tmp-\(ID.make())"
        do {
            let answer = try await ask(
                .write(sql: sql, parameters: parameters, path: temporary), inputs, timeoutSeconds, .json,
                caller)
            let fields = try JSONFields(JSONValue(parsing: Array(answer.dropFirst())))
            let size = try await OwnThread.run(name: "sync") { try Self.publish(temporary, as: path) }
            return TableFile(
                rows: Int64(try fields.int("rows")), columns: try Self.columns(fields.array("columns")), sizeBytes: size
            )
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// The columns of an input: of Parquet from its footer, of CSV and JSON from their first lines.
    public func columns(of input: TableInput, timeoutSeconds: Double? = nil, for caller: TablesCaller = .system)
        async throws -> [TableColumn]
    {
        let answer = try await ask(.columns, [input], timeoutSeconds, .json, caller)
        return try Self.columns(JSONValue(parsing: Array(answer.dropFirst())).arrayValue ?? [])
    }

    /// The number of rows of an input; of Parquet from its footer.
    public func rowCount(of input: TableInput, timeoutSeconds: Double? = nil, for caller: TablesCaller = .system)
        async throws
        -> Int64
    {
        let answer = try await ask(.rowCount, [input], timeoutSeconds, .json, caller)
        return try JSONValue(parsing: Array(answer.dropFirst())).intValue ?? 0
    }

    /// What an input holds; costs less than one SUMMARIZE.
    ///
    /// - Parameters:
    ///   - filter: a condition in SQL that Slipway made itself: it is not checked, only locked in as everything is.
    ///   - columns: which, and in which order; nil for all.
    /// - Throws: `invalid` for an unknown column, naming those that there are.
    public func profile(
        of input: TableInput, filter: String? = nil, columns: [String]? = nil, timeoutSeconds: Double? = nil,
        for caller: TablesCaller = .system
    ) async throws -> TableProfile {
        let answer = try await ask(
            .profile(filter: filter, columns: columns), [input], timeoutSeconds, .json, caller)
        return try TableProfile(json: JSONValue(parsing: Array(answer.dropFirst())))
    }

    /// Counts the values of a column of numbers (or times, in seconds since 1970) between edges.
    ///
    /// - Throws: `invalid` for an unknown column, a column of another type, or edges that do not rise.
    public func histogram(
        of input: TableInput, column: String, edges: [Double], filter: String? = nil, timeoutSeconds: Double? = nil,
        for caller: TablesCaller = .system
    ) async throws -> TableHistogram {
        let answer = try await ask(
            .histogram(column: column, edges: edges, filter: filter), [input], timeoutSeconds, .json, caller)
        return try TableHistogram(json: JSONValue(parsing: Array(answer.dropFirst())))
    }

    /// Ends the workers.
    public func shutdown() async { await pool.shutdown() }

    func requireAvailable() throws {
        if let availability { throw SlipwayError(.unavailable, availability) }
    }

    func ask(
        _ operation: TablesRequest.Operation, _ inputs: [TableInput], _ timeoutSeconds: Double?,
        _ expected: AnswerKind, _ caller: TablesCaller
    ) async throws -> [UInt8] {
        try requireAvailable()
        let answer = try await pool.call(
            TablesRequest(operation, inputs: inputs).bytes,
            deadlineSeconds: timeoutSeconds ?? configuration.timeoutSeconds, for: caller.worker)
        guard answer.first == expected.rawValue else { throw Self.failure(answer) }
        return answer
    }

    /// What an answer says that is not the expected one.
    static func failure(_ answer: [UInt8]) -> SlipwayError {
        guard answer.first == AnswerKind.failure.rawValue else {
            return SlipwayError(.internal, "A tables worker gave an answer of an unknown form.")
        }
        return SlipwayError(wire: Array(answer.dropFirst()))
    }

    static func requireModest(_ sql: String) throws {
        guard sql.utf8.count <= maximumQueryBytes else {
            throw SlipwayError(.tooLarge, "The SQL is over \(maximumQueryBytes) bytes.", details: ["field": "sql"])
        }
    }

    private static func columns(_ items: [JSONValue]) throws -> [TableColumn] {
        try items.map { item in
            let fields = try JSONFields(item)
            return TableColumn(name: try fields.string("name"), type: try fields.string("type"))
        }
    }

    /// Syncs a file, gives it its name and syncs the folder, so that after a crash it is there whole or not at all.
    private static func publish(_ temporary: String, as path: String) throws -> Int64 {
        func failure(_ what: String) -> SlipwayError {
            SlipwayError(.unavailable, "Cannot \(what) the written table: \(SystemError.current).")
        }
        let file = try Descriptor.reading(temporary)
        guard fsync(file.number) == 0 else { throw failure("sync") }
        var info = stat()
        guard fstat(file.number, &info) == 0 else { throw failure("look at") }
        guard rename(temporary, path) == 0 else { throw failure("rename") }
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        if let parent = try? Descriptor.reading(folder.isEmpty ? "/" : folder) { fsync(parent.number) }
        return Int64(info.st_size)
    }
}
