import CPostgres
import Core

/// Where a PostgreSQL is, parsed by libpq itself, with nothing in it that reaches beyond the one server: no files, no
/// services, no options.
public struct PostgresPlace: Sendable, Hashable {
    /// A name or address; nil when it is left to libpq (a socket of this machine).
    public let host: String?
    let parameters: [String: String]

    private static let allowed: Set<String> = [
        "host", "port", "dbname", "user", "sslmode", "channel_binding", "application_name", "connect_timeout",
    ]

    /// - Throws: `invalid`, naming `location` and the keyword.
    public init(parsing url: String) throws {
        func fail(_ problem: String) -> SlipwayError {
            .field(
                "location", problem,
                expected:
                    "postgresql://USER@HOST:PORT/DATABASE, with \(Self.allowed.sorted().joined(separator: ", ")) only")
        }
        guard url.hasPrefix("postgresql://") || url.hasPrefix("postgres://") else { throw fail("is another URL") }
        guard let options = PQconninfoParse(url, nil) else { throw fail("is not a PostgreSQL URL") }
        defer { PQconninfoFree(options) }
        var found: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                let name = String(cString: keyword)
                guard Self.allowed.contains(name) else { throw fail("sets '\(name)'") }
                found[name] = String(cString: value)
            }
            option += 1
        }
        if let host = found["host"], host.contains(",") { throw fail("names several hosts") }
        host = found["host"].flatMap { $0.isEmpty || $0.hasPrefix("/") || $0.hasPrefix("@") ? nil : $0 }
        parameters = found
    }

    /// What libpq is given.
    func parameters(_ password: Secret<String>?, _ addresses: [String]?) -> [String: String] {
        var all = parameters
        all["connect_timeout"] = all["connect_timeout"] ?? "10"
        if let password { all["password"] = password.reveal }
        if let host, let addresses, !addresses.isEmpty {
            // The name is still what certificates and password files are looked up by.
            all["host"] = addresses.map { _ in host }.joined(separator: ",")
            all["hostaddr"] = addresses.joined(separator: ",")
        }
        return all
    }
}

enum ForeignPostgres {
    private static let batchRows = 5000

    static func export(
        _ place: PostgresPlace, _ password: Secret<String>?, _ addresses: [String]?, _ query: ForeignQuery,
        _ write: @escaping @Sendable (String) throws -> Void
    ) async throws -> ForeignRows {
        let connection = PostgresConnection(parameters: place.parameters(password, addresses), label: "source")
        return try await connection.run { session in
            defer { session.disconnect() }
            do { try session.connect() } catch {
                // libpq's text may name the user and the host, and never the password, which is not in the URL.
                throw SlipwayError(
                    .unavailable,
                    "The source's PostgreSQL cannot be reached, or does not let \(place.parameters["user"] ?? "its user") in. Check its location, its secret and that it runs.",
                    cause: (error as? SlipwayError)?.cause ?? error)
            }
            do { return try read(session, query, write) } catch { throw ForeignDatabase.refusal(error) }
        }
    }

    private static func read(
        _ session: PostgresSession, _ query: ForeignQuery, _ write: (String) throws -> Void
    ) throws -> ForeignRows {
        let started = Clock.monotonicNanoseconds()
        /// Each statement may take what is left.
        func limit() throws {
            guard let seconds = query.timeoutSeconds else { return }
            let left = seconds - Double(Clock.monotonicNanoseconds() - started) / 1e9
            guard left > 0 else { throw ForeignDatabase.tooLong(started) }
            try session.command("SET LOCAL statement_timeout = \(max(1, Int(left * 1000)))")
        }
        try session.command("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try session.command("SET LOCAL TimeZone = 'UTC'")
        try session.command("SET LOCAL DateStyle = 'ISO'")
        try session.command("SET LOCAL lock_timeout = '10s'")
        do {
            try limit()
            let snapshot = try session.one("SELECT txid_current_snapshot()::text") { try $0.text(0) }
            var select = "SELECT row_to_json(w)::text, NULL FROM (\(query.query)\n) w"
            if let watermark = query.watermark {
                let column =
                    "w.\""
                    + watermark.column.split(separator: "\"", omittingEmptySubsequences: false)
                    .joined(separator: "\"\"") + "\""
                let after = watermark.after.map { $0.stringValue ?? $0.canonicalText }
                let condition = try after.map { "\(column) > \(try session.literal($0))" } ?? "\(column) IS NOT NULL"
                select =
                    "SELECT row_to_json(w)::text, \(column)::text FROM (\(query.query)\n) w WHERE \(condition) ORDER BY \(column)"
            }
            // Prepared, so that there cannot be a second statement behind it.
            _ = try session.execute(SQL(stringLiteral: "DECLARE rows NO SCROLL CURSOR FOR \(select)"))
            var count: Int64 = 0
            var last: String?
            while true {
                try limit()
                var batch = 0
                try session.forEach(SQL(stringLiteral: "FETCH \(batchRows) FROM rows")) { row in
                    try write(try row.text(0))
                    last = try row.optionalText(1)
                    batch += 1
                    return true
                }
                count += Int64(batch)
                if batch == 0 { break }
            }
            try session.command("COMMIT")
            return ForeignRows(
                rows: count, watermark: last.map { .string($0) } ?? query.watermark?.after, snapshot: snapshot)
        } catch let error as SlipwayError {
            try? session.command("ROLLBACK")
            // query_canceled: by the time limit.
            if (error.cause as? PostgresFailure)?.sqlState == "57014" { throw ForeignDatabase.tooLong(started) }
            throw error
        }
    }
}
