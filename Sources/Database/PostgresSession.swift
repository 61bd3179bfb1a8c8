import CPostgres
import Core

/// One libpq connection with its prepared statements. For one thread at a time.
final class PostgresSession: Transaction {
    let dialect = Dialect.postgres
    /// Statements that are kept prepared; past this the connection forgets all and begins anew.
    private static let preparedMaximum = 500

    private let open: () -> OpaquePointer?
    private var connection: OpaquePointer?
    private var prepared: [String: Prepared] = [:]

    private struct Prepared {
        let name: String
        /// Whether its results come in binary form, which costs neither side the printing and reading of numbers.
        let isBinary: Bool
    }

    init(open: @escaping () -> OpaquePointer?) { self.open = open }

    deinit { disconnect() }

    var isInTransaction: Bool { connection.map { PQtransactionStatus($0) != PQTRANS_IDLE } ?? false }

    func connect() throws {
        disconnect()
        let opened = open()
        connection = opened
        guard PQstatus(opened) == CONNECTION_OK else {
            // libpq's text may repeat the URL with its password: it goes to the log as the cause, never to the client.
            let cause = PostgresFailure(sqlState: "", text: opened.map { String(cString: PQerrorMessage($0)) } ?? "")
            disconnect()
            throw SlipwayError(
                .unavailable, "PostgreSQL cannot be reached. Check --database and that the server runs.", cause: cause)
        }
        // A plan that was made while a table was empty reads it whole, and stays until statistics are gathered, which a
        // bulk write outruns: every query here is meant to take an index, so reading whole tables counts as dear. That
        // would also count as worth compiling, which it never is.
        try command("SET client_min_messages = warning; SET enable_seqscan = off; SET jit = off")
    }

    func connectIfNeeded() throws {
        if let connection, PQstatus(connection) == CONNECTION_OK { return }
        try connect()
    }

    func disconnect() {
        if let connection { PQfinish(connection) }
        connection = nil
        prepared = [:]
    }

    /// A text as a literal of SQL, for the statements that take no parameters.
    func literal(_ text: String) throws -> String {
        guard let quoted = PQescapeLiteral(connection, text, text.utf8.count) else { throw failure(nil) }
        defer { PQfreemem(quoted) }
        return String(cString: quoted)
    }

    /// A statement without parameters or rows of interest.
    func command(_ text: String) throws { try check(PQexec(connection, text)) { _ in } }

    func execute(_ sql: SQL) throws -> Int {
        try run(sql) { Int(String(cString: PQcmdTuples($0))) ?? 0 }
    }

    func forEach(_ sql: SQL, _ body: (any Row) throws -> Bool) throws {
        try run(sql) { result in
            for index in 0..<PQntuples(result) {
                guard try body(PostgresRow(result: result, row: index)) else { break }
            }
        }
    }

    func integers(_ sql: SQL) throws -> [Int64] {
        // One array instead of a row each.
        try run("SELECT array_agg(n) FROM (\(sql)) AS found (n)") { result in
            try PostgresRow(result: result, row: 0).integers(0)
        }
    }

    private func run<T>(_ sql: SQL, _ body: (OpaquePointer) throws -> T) throws -> T {
        let (text, parameters) = sql.rendered(for: .postgres)
        guard !parameters.isEmpty || prepared[text] != nil || !Self.isDefinition(text) else {
            return try check(PQexec(connection, text), body)
        }
        let statement = try prepare(text)
        // One flat buffer of NUL-terminated texts, and where each begins; libpq copies before it returns.
        var flat: [UInt8] = []
        let offsets = parameters.map { parameter -> Int? in
            let at = flat.count
            guard parameter.appendPostgresText(to: &flat) else { return nil }
            flat.append(0)
            return at
        }
        let result = flat.withUnsafeBytes { buffer in
            let start = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let pointers = offsets.map { offset in offset.flatMap { at in start.map { $0 + at } } }
            return PQexecPrepared(
                connection, statement.name, Int32(pointers.count), pointers, nil, nil, statement.isBinary ? 1 : 0)
        }
        return try check(result, body)
    }

    private func prepare(_ text: String) throws -> Prepared {
        if let statement = prepared[text] { return statement }
        if prepared.count >= Self.preparedMaximum {
            try command("DEALLOCATE ALL")
            prepared = [:]
        }
        let name = "s\(prepared.count)"
        try check(PQprepare(connection, name, text, 0, nil)) { _ in }
        let isBinary = try check(PQdescribePrepared(connection, name)) { result in
            (0..<PQnfields(result)).allSatisfy { PostgresType(rawValue: PQftype(result, $0)) != nil }
        }
        let statement = Prepared(name: name, isBinary: isBinary)
        prepared[text] = statement
        return statement
    }

    private static func isDefinition(_ text: String) -> Bool {
        let head = text.drop { $0.isWhitespace }.prefix(6).uppercased()
        return head.hasPrefix("CREATE") || head.hasPrefix("ALTER") || head.hasPrefix("DROP")
    }

    @discardableResult
    private func check<T>(_ result: OpaquePointer?, _ body: (OpaquePointer) throws -> T) throws -> T {
        guard let result else { throw failure(nil) }
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else { throw failure(result) }
        return try body(result)
    }

    private func failure(_ result: OpaquePointer?) -> SlipwayError {
        // 'C' is PG_DIAG_SQLSTATE.
        let state = result.flatMap { PQresultErrorField($0, 67) }.map { String(cString: $0) } ?? ""
        let cause = PostgresFailure(
            sqlState: state, text: connection.map { String(cString: PQerrorMessage($0)) } ?? "no connection")
        if state.hasPrefix("23") {
            return SlipwayError(
                .conflict, "A record with this identity exists already, or one that this needs does not.", cause: cause)
        }
        if connection.map({ PQstatus($0) != CONNECTION_OK }) ?? true {
            return SlipwayError(.unavailable, "The connection to PostgreSQL broke; try again.", cause: cause)
        }
        return SlipwayError(.internal, "Internal error in the database.", cause: cause)
    }
}

/// What PostgreSQL said; for the log.
struct PostgresFailure: Error, CustomStringConvertible {
    let sqlState: String
    let text: String
    var description: String { "PostgreSQL \(sqlState): \(text)" }
}
