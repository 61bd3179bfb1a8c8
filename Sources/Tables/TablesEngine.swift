import CDuckDB
import Core
import Processes
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What a worker does with a request. Every request gets a database of its own: in memory, fresh, with access to exactly
/// the request's files, closed after the answer. The next one is opened while nobody waits.
final class TablesEngine {
    struct Settings {
        var threads: Int
        /// What a request may have that does not fit into `ordinaryBytes`.
        var memoryBytes: Int64
        var temporaryBytes: Int64
        /// A folder of this worker's own.
        var temporaryDirectory: String
    }

    /// What a request has at first. DuckDB takes what it is given, ten times what it needs for a copy of a large table, and
    /// is hardly slower with this; where it is not enough (very wide tables), the request is done again with all.
    static let ordinaryBytes: Int64 = 240 << 20

    private let library: DuckDBLibrary
    private let settings: Settings
    private let running: Running
    private var next: DuckDBInstance?
    private var systemViews: Set<String>?

    /// The connection that is at work, for the thread that interrupts it.
    final class Running: Sendable {
        private let connection = Mutex<UInt>(0)
        /// Set by an interrupt until the next request; catches one that comes between two statements.
        private let stopping = Atomic(false)
        private let library: DuckDBLibrary

        init(_ library: DuckDBLibrary) { self.library = library }

        func set(_ instance: DuckDBInstance?) {
            let address = UInt(bitPattern: instance?.connection)
            connection.withLock {
                $0 = address
                stopping.store(false, ordering: .relaxed)
            }
        }

        /// - Throws: as DuckDB does when a statement is interrupted.
        func checkpoint() throws {
            if stopping.load(ordering: .relaxed) { throw EngineError(message: "INTERRUPT Error: Interrupted!") }
        }

        /// Asks the statement that is running to stop.
        func interrupt() {
            connection.withLock { address in
                stopping.store(true, ordering: .relaxed)
                if let pointer = OpaquePointer(bitPattern: address) { library.api.interrupt(pointer) }
            }
        }
    }

    init(_ library: DuckDBLibrary, _ settings: Settings, running: Running) {
        self.library = library
        self.settings = settings
        self.running = running
    }

    /// Opens the next database ahead of its request.
    func prepare() {
        if next == nil { next = try? open() }
    }

    /// - Parameter memoryBytes: at most what the settings say.
    func open(memoryBytes: Int64 = ordinaryBytes) throws -> DuckDBInstance {
        let instance = try DuckDBInstance(
            library,
            settings: [
                ("threads", String(settings.threads)), ("memory_limit", "\(min(memoryBytes, settings.memoryBytes))B"),
                ("autoinstall_known_extensions", "false"), ("autoload_known_extensions", "false"),
                ("allow_community_extensions", "false"), ("allow_unsigned_extensions", "false"),
            ])
        for statement in [
            "SET temp_directory = \(SQLText.literal(settings.temporaryDirectory))",
            "SET max_temp_directory_size = '\(settings.temporaryBytes)B'",
            "SET allow_persistent_secrets = false",
        ] { _ = try instance.run(statement) }
        // Builds without ICU have no zones to set.
        _ = try? instance.run("SET TimeZone = 'UTC'")
        return instance
    }

    /// The answer to a request, failures included.
    ///
    /// - Parameter emit: takes the parts of an answer that comes in parts.
    func answer(_ request: [UInt8], emit: WorkerLoop.Emit) -> [UInt8] {
        do {
            let request = try TablesRequest(parsing: request)
            var hasBegun = false
            do {
                return try perform(request, next ?? open()) { part in
                    hasBegun = true
                    try emit(part)
                }
            } catch let error as SlipwayError
                where error.details["limit"] == "memory" && !hasBegun && settings.memoryBytes > Self.ordinaryBytes
            {
                return try perform(request, open(memoryBytes: settings.memoryBytes), emit)
            }
        } catch {
            return [AnswerKind.failure.rawValue] + EngineErrors.slipway(error, memoryBytes: settings.memoryBytes).wire
        }
    }

    private func perform(_ request: TablesRequest, _ instance: DuckDBInstance, _ emit: WorkerLoop.Emit) throws
        -> [UInt8]
    {
        next = nil
        running.set(instance)
        instance.running = running
        defer { running.set(nil) }
        var session = TablesSession(instance, request.inputs)
        do {
            try session.open(alsoWriting: request.operation.outputPath, withViews: request.operation.readsViews)
            if systemViews == nil {
                let rows = try instance.rows("SELECT DISTINCT lower(view_name) FROM duckdb_views() WHERE internal")
                systemViews = Set(rows.compactMap { $0[0].text })
            }
            return try session.perform(request.operation, systemViews: systemViews ?? [], emit: emit)
        } catch let error as EngineError {
            throw EngineErrors.explain(
                error, inputs: request.inputs, columns: session.knownColumns, output: request.operation.outputPath)
        }
    }
}

extension TablesRequest.Operation {
    /// The file that a write makes before it is renamed.
    fileprivate var outputPath: String? {
        if case .write(_, _, let path) = self { return path }
        return nil
    }

    /// Whether it is asked of the inputs by their names.
    fileprivate var readsViews: Bool {
        switch self {
        case .query, .write, .stream, .columns, .rowCount, .profile, .histogram: true
        case .rowCounts, .page, .index: false
        }
    }
}
