import Core
import GRDB

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Reading a query of a database that is not Slipway's own.
public enum ForeignDatabase {
    /// Writes the rows of `query` as JSON, one a line. The query runs in a read-only transaction.
    ///
    /// - Parameter url: `sqlite:///path` or `postgresql://…`.
    /// - Returns: the number of rows.
    /// - Throws: `invalid` when the query is refused; `unavailable` when the database cannot be reached.
    public static func export(url: String, query: String, to path: String) async throws -> Int64 {
        guard let file = fopen(path, "w") else { throw SlipwayError(.unavailable, "A work file cannot be written.") }
        // Used by one thread at a time: the one that reads the rows.
        nonisolated(unsafe) let output = file
        defer { fclose(file) }
        // A full disk must not pass for the end of the rows.
        let write: @Sendable (String) throws -> Void = { line in
            guard fputs(line + "\n", output) >= 0 else { throw cannotWrite() }
        }
        let count = try await export(url: url, query: query.trimmedStatement, write)
        guard fflush(file) == 0 else { throw cannotWrite() }
        return count
    }

    private static func cannotWrite() -> SlipwayError {
        SlipwayError(.unavailable, "A work file cannot be written: \(String(cString: strerror(errno))).")
    }

    private static func export(url: String, query: String, _ write: @escaping @Sendable (String) throws -> Void)
        async throws -> Int64
    {
        if url.hasPrefix("sqlite://") {
            return try await sqlite(String(url.dropFirst("sqlite://".count)), query, write)
        }
        let database: Database
        do { database = try await Database.open(url, readers: 1) } catch {
            throw SlipwayError(
                .unavailable, "The source's PostgreSQL cannot be reached. Check its location and that it runs.",
                cause: (error as? SlipwayError)?.cause ?? error)
        }
        do {
            let count = try await database.read { db in
                var count: Int64 = 0
                try db.execute(
                    SQL(
                        stringLiteral: "DECLARE rows NO SCROLL CURSOR FOR SELECT row_to_json(q)::text FROM (\(query)) q"
                    ))
                while true {
                    var batch = 0
                    try db.forEach("FETCH 5000 FROM rows") { row in
                        try write(try row.text(0))
                        batch += 1
                        return true
                    }
                    count += Int64(batch)
                    if batch == 0 { return count }
                }
            }
            await database.close()
            return count
        } catch {
            await database.close()
            throw refusal(error)
        }
    }

    private static func sqlite(
        _ path: String, _ query: String, _ write: @escaping @Sendable (String) throws -> Void
    ) async throws -> Int64 {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        let queue: DatabaseQueue
        do { queue = try DatabaseQueue(path: path, configuration: configuration) } catch {
            throw SlipwayError(
                .invalid, "\(path) cannot be opened as a SQLite database.", details: ["field": "location"], cause: error
            )
        }
        do {
            return try await queue.read { db in
                let statement = try db.makeStatement(sql: query)
                // ATTACH, VACUUM INTO and the like reach other files, and give no columns.
                guard statement.isReadonly, statement.columnCount > 0 else {
                    throw SlipwayError.field("query", "is not a SELECT", expected: "one SELECT")
                }
                let rows = try GRDB.Row.fetchCursor(statement)
                var count: Int64 = 0
                while let row = try rows.next() {
                    var writer = JSONWriter()
                    writer.object { writer in
                        for (name, value) in row {
                            writer.key(name)
                            switch value.storage {
                            case .null: writer.writeNull()
                            case .int64(let number): writer.write(number)
                            case .double(let number): number.isFinite ? writer.write(number) : writer.writeNull()
                            case .string(let text): writer.write(text)
                            case .blob(let data): writer.write(Hex.encode(data))
                            }
                        }
                    }
                    try write(String(decoding: writer.bytes, as: UTF8.self))
                    count += 1
                }
                return count
            }
        } catch { throw refusal(error) }
    }

    private static func refusal(_ error: any Error) -> SlipwayError {
        if let known = error as? SlipwayError, known.code == .unavailable || known.code == .invalid { return known }
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
