import CPostgres
import Core

/// One libpq connection with its prepared statements. For one thread at a time.
final class PostgresSession: Transaction {
    let dialect = Dialect.postgres
    /// Statements that are kept prepared; past this the connection forgets all and begins anew.
    private static let preparedMaximum = 500

    private let open: () -> OpaquePointer?
    private var connection: OpaquePointer?
    private var prepared: [String: String] = [:]

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

    private func run<T>(_ sql: SQL, _ body: (OpaquePointer) throws -> T) throws -> T {
        let (text, values) = sql.rendered
        guard !values.isEmpty || prepared[text] != nil || !Self.isDefinition(text) else {
            return try check(PQexec(connection, text), body)
        }
        let name = try prepare(text)
        // One flat buffer of NUL-terminated texts, and where each begins; libpq copies before it returns.
        var flat: [CChar] = []
        var offsets: [Int?] = []
        for value in values {
            let text = value.postgresText
            offsets.append(text == nil ? nil : flat.count)
            if let text { flat.append(contentsOf: text) }
        }
        let result = flat.withUnsafeBufferPointer { buffer in
            let pointers = offsets.map { offset in offset.flatMap { at in buffer.baseAddress.map { $0 + at } } }
            return PQexecPrepared(connection, name, Int32(pointers.count), pointers, nil, nil, 0)
        }
        return try check(result, body)
    }

    private func prepare(_ text: String) throws -> String {
        if let name = prepared[text] { return name }
        if prepared.count >= Self.preparedMaximum {
            try command("DEALLOCATE ALL")
            prepared = [:]
        }
        let name = "s\(prepared.count)"
        try check(PQprepare(connection, name, text, 0, nil)) { _ in }
        prepared[text] = name
        return name
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

private struct PostgresRow: Row {
    let result: OpaquePointer
    let row: Int32

    func isNull(_ index: Int) -> Bool { PQgetisnull(result, row, Int32(index)) == 1 }

    func text(_ index: Int) throws -> String {
        guard !isNull(index), let bytes = PQgetvalue(result, row, Int32(index)) else { throw mismatch(index) }
        return String(cString: bytes)
    }

    func int(_ index: Int) throws -> Int64 {
        guard let value = Int64(try text(index)) else { throw mismatch(index) }
        return value
    }

    func double(_ index: Int) throws -> Double {
        guard let value = Double(try text(index)) else { throw mismatch(index) }
        return value
    }

    func bool(_ index: Int) throws -> Bool {
        switch try text(index) {
        case "t", "1": true
        case "f", "0": false
        default: throw mismatch(index)
        }
    }

    private func mismatch(_ index: Int) -> SlipwayError {
        SlipwayError(.internal, "Internal error in the database.", details: ["column": String(index)])
    }
}

extension SQLValue {
    /// libpq's text form, ending with NUL; nil is NULL. Text with NUL inside cannot be stored by PostgreSQL: it is cut there.
    fileprivate var postgresText: [CChar]? {
        let text: String
        switch self {
        case .null: return nil
        case .int(let n): text = String(n)
        case .double(let d): text = d.isNaN ? "NaN" : d.isInfinite ? (d > 0 ? "Infinity" : "-Infinity") : d.description
        case .text(let s): text = s
        case .bool(let b): text = b ? "t" : "f"
        }
        return text.utf8CString.map { $0 }
    }
}
