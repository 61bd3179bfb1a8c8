import Core
import GRDB

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What to read from a database that is not Slipway's own.
public struct ForeignQuery: Sendable {
    public enum Place: Sendable {
        /// An SQLite file.
        case file(String)
        /// PostgreSQL, with the addresses that may be connected to; nil leaves the look-up to libpq.
        case postgres(PostgresPlace, password: Secret<String>?, addresses: [String]?)
    }

    public let place: Place
    /// One SELECT.
    public let query: String
    /// Only the rows in which this column is beyond a value (nil: all), in its order.
    public var watermark: (column: String, after: JSONValue?)?
    /// How long the query may take; nil for no limit.
    public var timeoutSeconds: Double?

    public init(
        _ place: Place, query: String, watermark: (column: String, after: JSONValue?)? = nil,
        timeoutSeconds: Double? = nil
    ) {
        self.place = place
        self.query = query.trimmedStatement
        self.watermark = watermark
        self.timeoutSeconds = timeoutSeconds
    }

    /// The query with its watermark around it; `parameter` stands for the value.
    func text(_ parameter: String) -> String {
        guard let watermark else { return query }
        let column =
            "w.\""
            + watermark.column.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\"\"") + "\""
        let condition =
            watermark.after == nil ? "\(column) IS NOT NULL" : "\(column) > \(parameter)"
        return "SELECT * FROM (\(query)\n) w WHERE \(condition) ORDER BY \(column)"
    }
}

/// What was read.
public struct ForeignRows: Sendable, Hashable {
    public let rows: Int64
    /// The last value of the watermark's column.
    public let watermark: JSONValue?
    /// Of PostgreSQL: the snapshot that the query saw (`pg_current_snapshot()`); of SQLite: its data version and change
    /// counter, as the file's header has it.
    public let snapshot: String?
}

/// Reading a query of a database that is not Slipway's own.
public enum ForeignDatabase {
    /// Writes the rows of a query as JSON, one a line. The query runs in a read-only transaction.
    ///
    /// - Throws: `invalid` when the query is refused; `unavailable` when the database cannot be reached;
    ///   `deadlineExceeded`.
    public static func export(_ query: ForeignQuery, to path: String) async throws -> ForeignRows {
        guard let file = fopen(path, "w") else { throw SlipwayError(.unavailable, "A work file cannot be written.") }
        // Used by one thread at a time: the one that reads the rows.
        nonisolated(unsafe) let output = file
        defer { fclose(file) }
        // A full disk must not pass for the end of the rows.
        let write: @Sendable (String) throws -> Void = { line in
            guard fputs(line + "\n", output) >= 0 else { throw cannotWrite() }
        }
        let found: ForeignRows
        switch query.place {
        case .file(let path): found = try await sqlite(path, query, write)
        case .postgres(let place, let password, let addresses):
            found = try await ForeignPostgres.export(place, password, addresses, query, write)
        }
        guard fflush(file) == 0 else { throw cannotWrite() }
        return found
    }

    private static func cannotWrite() -> SlipwayError {
        SlipwayError(.unavailable, "A work file cannot be written: \(String(cString: strerror(errno))).")
    }

    private static func sqlite(
        _ path: String, _ query: ForeignQuery, _ write: @escaping @Sendable (String) throws -> Void
    ) async throws -> ForeignRows {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        let queue: DatabaseQueue
        do { queue = try DatabaseQueue(path: path, configuration: configuration) } catch {
            throw SlipwayError(
                .invalid, "\(path) cannot be opened as a SQLite database.", details: ["field": "location"], cause: error
            )
        }
        let started = Clock.monotonicNanoseconds()
        do {
            return try await withThrowingTaskGroup(of: ForeignRows?.self) { group in
                group.addTask { try await read(queue, query, write) }
                if let seconds = query.timeoutSeconds {
                    group.addTask {
                        try await Task.sleep(for: .seconds(seconds))
                        // SQLite looks at this as it steps through its program.
                        queue.interrupt()
                        return nil
                    }
                }
                defer { group.cancelAll() }
                while let found = try await group.next() { if let found { return found } }
                throw tooLong(started)
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_INTERRUPT {
            try Task.checkCancellation()
            throw tooLong(started)
        } catch { throw refusal(error) }
    }

    private static func read(
        _ queue: DatabaseQueue, _ query: ForeignQuery, _ write: @escaping @Sendable (String) throws -> Void
    ) async throws -> ForeignRows {
        try await queue.read { db in
            let statement = try db.makeStatement(sql: query.query)
            // ATTACH, VACUUM INTO and the like reach other files, and give no columns.
            guard statement.isReadonly, statement.columnCount > 0 else {
                throw SlipwayError.field("query", "is not a SELECT", expected: "one SELECT")
            }
            var whole = statement
            if let watermark = query.watermark {
                whole = try db.makeStatement(sql: query.text("?"))
                if let after = watermark.after { whole.arguments = [bound(after)] }
            }
            let rows = try GRDB.Row.fetchCursor(whole)
            var count: Int64 = 0
            var last: JSONValue?
            while let row = try rows.next() {
                var writer = JSONWriter()
                writer.object { writer in
                    for (name, value) in row {
                        writer.key(name)
                        let value = json(value)
                        if name == query.watermark?.column { last = value }
                        writer.write(value)
                    }
                }
                try write(String(decoding: writer.bytes, as: UTF8.self))
                count += 1
            }
            let version = try Int64.fetchOne(db, sql: "PRAGMA data_version")
            return ForeignRows(
                rows: count, watermark: last ?? query.watermark?.after,
                snapshot: version.map { "data_version \($0)" })
        }
    }

    private static func json(_ value: DatabaseValue) -> JSONValue {
        switch value.storage {
        case .null: .null
        case .int64(let number): .int(number)
        case .double(let number): number.isFinite ? .number(number) : .null
        case .string(let text): .string(text)
        case .blob(let data): .string(Hex.encode(data))
        }
    }

    private static func bound(_ value: JSONValue) -> DatabaseValue {
        if case .int(let number) = value { return number.databaseValue }
        return value.doubleValue.flatMap { value.stringValue == nil ? $0.databaseValue : nil }
            ?? (value.stringValue ?? "").databaseValue
    }

    static func tooLong(_ started: UInt64) -> SlipwayError {
        SlipwayError(
            .deadlineExceeded,
            "The source's database did not answer the query in \((Clock.monotonicNanoseconds() - started) / 1_000_000_000) s. Ask for less, or allow more time (timeoutSeconds)."
        )
    }

    static func refusal(_ error: any Error) -> SlipwayError {
        if let known = error as? SlipwayError,
            [.unavailable, .invalid, .deadlineExceeded, .cancelled, .forbidden].contains(known.code)
        {
            return known
        }
        let reason = (error as? SlipwayError)?.cause.map { "\($0)" } ?? "\(error)"
        return SlipwayError(
            .invalid, "The source's database refused the query: \(reason.prefix(400))", details: ["field": "query"],
            cause: error)
    }
}

extension String {
    /// Without the white space and semicolons at its end.
    fileprivate var trimmedStatement: String {
        var text = self[...]
        while let last = text.last, last == ";" || last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
