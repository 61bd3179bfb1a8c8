import CDuckDB
import Core

/// A failure that DuckDB reported, in its own words.
struct EngineError: Error {
    let message: String
}

/// A database in memory with one connection. Belongs to one thread, but for `interrupt`.
final class DuckDBInstance {
    let library: DuckDBLibrary
    private var database: cduck_database?
    private(set) var connection: cduck_connection?
    /// Asked before each statement whether to go on.
    var running: TablesEngine.Running?

    init(_ library: DuckDBLibrary, settings: [(name: String, value: String)]) throws {
        self.library = library
        var config: cduck_config?
        guard library.api.create_config(&config) == 0 else {
            throw EngineError(message: "no memory for a configuration")
        }
        defer { library.api.destroy_config(&config) }
        for (name, value) in settings where library.api.set_config(config, name, value) != 0 {
            throw EngineError(message: "DuckDB does not take the setting \(name)=\(value)")
        }
        var reason: UnsafeMutablePointer<CChar>?
        guard library.api.open_ext(":memory:", &database, config, &reason) == 0 else {
            defer { if let reason { library.api.free(reason) } }
            throw EngineError(message: reason.map { String(cString: $0) } ?? "DuckDB did not open a database")
        }
        guard library.api.connect(database, &connection) == 0 else {
            library.api.close(&database)
            throw EngineError(message: "DuckDB did not open a connection")
        }
    }

    deinit {
        if connection != nil { library.api.disconnect(&connection) }
        if database != nil { library.api.close(&database) }
    }

    /// Prepares, binds and executes one statement.
    ///
    /// - Parameter streaming: rows are made as they are fetched, so that a reader may stop early.
    func run(_ sql: String, _ parameters: [TableValue] = [], streaming: Bool = false) throws -> DuckDBResult {
        try running?.checkpoint()
        let statement = try DuckDBStatement(self, sql)
        try statement.bind(parameters)
        return try statement.execute(streaming: streaming)
    }

    /// All rows; for small results of our own statements.
    func rows(_ sql: String, _ parameters: [TableValue] = []) throws -> [[TableValue]] {
        let result = try run(sql, parameters)
        var rows: [[TableValue]] = []
        var encoder = TableEncoder(columns: result.columns.map(\.column))
        while let chunk = try result.nextChunk() { try encoder.append(chunk, rows: chunk.count) }
        rows = try TableDecoder.decode(encoder.finish(truncated: false)).rows
        return rows
    }
}

/// A statement that DuckDB has parsed and bound.
final class DuckDBStatement {
    private let instance: DuckDBInstance
    private var statement: cduck_statement?
    private let library: DuckDBLibrary

    init(_ instance: DuckDBInstance, _ sql: String) throws {
        self.instance = instance
        library = instance.library
        if sql.utf8.contains(0) { throw EngineError(message: "Parser Error: the text has a NUL character") }
        guard instance.library.api.prepare(instance.connection, sql, &statement) == 0 else {
            let message = instance.library.api.prepare_error(statement).map { String(cString: $0) }
            instance.library.api.destroy_prepare(&statement)
            throw EngineError(message: message ?? "the statement was not accepted")
        }
    }

    deinit { if statement != nil { library.api.destroy_prepare(&statement) } }

    var parameterCount: Int { Int(library.api.nparams(statement)) }

    func bind(_ parameters: [TableValue]) throws {
        guard parameters.count == parameterCount else {
            throw SlipwayError(
                .invalid, "The query has \(parameterCount) parameters and got \(parameters.count) values.",
                details: ["field": "parameters"])
        }
        for (offset, value) in parameters.enumerated() {
            guard bind(value, at: UInt64(offset + 1)) == 0 else {
                throw SlipwayError.field("parameters[\(offset)]", "was not accepted: \(value.text ?? "NULL")")
            }
        }
    }

    private func bind(_ value: TableValue, at index: UInt64) -> cduck_state {
        switch value {
        case .null: return library.api.bind_null(statement, index)
        case .bool(let flag): return library.api.bind_boolean(statement, index, flag)
        case .int(let n): return library.api.bind_int64(statement, index, n)
        case .double(let d): return library.api.bind_double(statement, index, d)
        case .decimal(let text):
            guard let decimal = Decimal(text) else { return 1 }
            return library.api.bind_decimal(statement, index, decimal.duck)
        case .text(let text), .json(let text):
            return library.api.bind_varchar_length(statement, index, text, UInt64(text.utf8.count))
        case .timestamp(let micros): return library.api.bind_timestamp(statement, index, micros)
        case .date(let days): return library.api.bind_date(statement, index, days)
        case .time(let micros): return library.api.bind_time(statement, index, micros)
        case .bytes(let bytes): return library.api.bind_blob(statement, index, bytes, UInt64(bytes.count))
        }
    }

    func execute(streaming: Bool = false) throws -> DuckDBResult {
        var raw = cduck_result()
        let state: cduck_state
        if streaming, let stream = library.api.execute_prepared_streaming {
            state = stream(statement, &raw)
        } else {
            state = library.api.execute_prepared(statement, &raw)
        }
        let result = DuckDBResult(instance, raw)
        guard state == 0 else { throw EngineError(message: result.error ?? "the statement failed") }
        return result
    }
}

/// Rows, chunk by chunk.
final class DuckDBResult {
    private let instance: DuckDBInstance
    private var raw: cduck_result
    /// In their order; made once.
    let columns: [ResultColumn]

    struct ResultColumn {
        let column: TableColumn
        let type: DuckDBType
    }

    init(_ instance: DuckDBInstance, _ raw: cduck_result) {
        self.instance = instance
        var raw = raw
        let api = instance.library.api
        columns = (0..<api.column_count(&raw)).map { index in
            var logical = api.column_logical_type(&raw, index)
            defer { api.destroy_logical_type(&logical) }
            let type = DuckDBType(logical, instance.library)
            let name = api.column_name(&raw, index).map { String(cString: $0) } ?? ""
            return ResultColumn(column: TableColumn(name: name, type: type.name), type: type)
        }
        self.raw = raw
    }

    deinit { instance.library.api.destroy_result(&raw) }

    var error: String? { instance.library.api.result_error(&raw).map { String(cString: $0) } }

    /// The next rows; nil at the end.
    func nextChunk() throws -> DuckDBChunk? {
        guard let chunk = instance.library.api.fetch_chunk(raw) else {
            if let error, !error.isEmpty { throw EngineError(message: error) }
            return nil
        }
        return DuckDBChunk(self, chunk, instance.library)
    }
}

/// Up to 2048 rows, column by column.
final class DuckDBChunk {
    private let result: DuckDBResult
    private let library: DuckDBLibrary
    private var raw: cduck_chunk?
    let count: Int

    init(_ result: DuckDBResult, _ raw: cduck_chunk, _ library: DuckDBLibrary) {
        self.result = result
        self.raw = raw
        self.library = library
        count = Int(library.api.data_chunk_get_size(raw))
    }

    deinit { library.api.destroy_data_chunk(&raw) }

    func vector(_ column: Int) -> DuckDBVector {
        DuckDBVector(library.api.data_chunk_get_vector(raw, UInt64(column)), result.columns[column].type, library)
    }
}
