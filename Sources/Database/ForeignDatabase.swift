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
        let query = query.trimmedStatement
        if url.hasPrefix("sqlite://") {
            return try await sqlite(String(url.dropFirst("sqlite://".count)), query) { fputs($0 + "\n", output) }
        }
        let database = try await Database.open(url, readers: 1)
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
                        fputs(try row.text(0) + "\n", output)
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

    private static func sqlite(_ path: String, _ query: String, _ write: @escaping (String) -> Void) async throws
        -> Int64
    {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        let queue: DatabaseQueue
        do { queue = try DatabaseQueue(path: path, configuration: configuration) } catch {
            throw SlipwayError(.unavailable, "The SQLite database \(path) cannot be opened.", cause: error)
        }
        nonisolated(unsafe) let write = write
        do {
            return try await queue.read { db in
                let rows = try GRDB.Row.fetchCursor(db, sql: query)
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
                    write(String(decoding: writer.bytes, as: UTF8.self))
                    count += 1
                }
                return count
            }
        } catch { throw refusal(error) }
    }

    private static func refusal(_ error: any Error) -> SlipwayError {
        if let known = error as? SlipwayError, known.code == .unavailable { return known }
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
