import Core

/// One row of a result, read by position (0-based). Valid only inside the closure that it is handed to.
public protocol Row {
    func isNull(_ index: Int) -> Bool
    /// - Throws: `internal` when the column is NULL or of another type.
    func int(_ index: Int) throws -> Int64
    func double(_ index: Int) throws -> Double
    func text(_ index: Int) throws -> String
    func bool(_ index: Int) throws -> Bool
}

extension Row {
    public func optionalInt(_ index: Int) throws -> Int64? { isNull(index) ? nil : try int(index) }
    public func optionalDouble(_ index: Int) throws -> Double? { isNull(index) ? nil : try double(index) }
    public func optionalText(_ index: Int) throws -> String? { isNull(index) ? nil : try text(index) }
    public func time(_ index: Int) throws -> Timestamp { Timestamp(milliseconds: try int(index)) }
    public func optionalTime(_ index: Int) throws -> Timestamp? {
        try optionalInt(index).map(Timestamp.init(milliseconds:))
    }
    public func ref(_ index: Int) throws -> Ref { try Ref(parsing: text(index)) }
    public func json(_ index: Int) throws -> JSONValue { try JSONValue(parsing: text(index)) }
    public func digest(_ index: Int) throws -> Digest { try Digest(parsing: text(index)) }
}

/// A transaction on either database. Its calls are synchronous: nothing may be awaited while it is open.
/// Closures that get one may run again after a serialization failure, so they change nothing but the database.
public protocol Transaction {
    /// Which database this is, for the few statements that differ.
    var dialect: Dialect { get }
    /// Runs a statement; returns the number of rows that it changed.
    @discardableResult
    func execute(_ sql: SQL) throws -> Int
    /// Hands each row to `body` until that returns false.
    func forEach(_ sql: SQL, _ body: (any Row) throws -> Bool) throws
    /// The only column of all rows, whole numbers and never NULL; quicker than row by row, in no order that holds.
    func integers(_ sql: SQL) throws -> [Int64]
}

extension Transaction {
    /// All rows, mapped.
    public func all<T>(_ sql: SQL, _ map: (any Row) throws -> T) throws -> [T] {
        var result: [T] = []
        try forEach(sql) { row in
            result.append(try map(row))
            return true
        }
        return result
    }

    /// The first row, mapped; nil when there is none.
    public func one<T>(_ sql: SQL, _ map: (any Row) throws -> T) throws -> T? {
        var result: T?
        try forEach(sql) { row in
            result = try map(row)
            return false
        }
        return result
    }

    /// Whether the statement gives any row.
    public func exists(_ sql: SQL) throws -> Bool { try one(sql) { _ in true } ?? false }

    /// One page: `sql` must order its rows and read `page.limit + 1` of them.
    public func page<T: Sendable>(
        _ sql: SQL, _ request: PageRequest, keys: (T) -> [JSONValue], _ map: (any Row) throws -> T
    ) throws -> Page<T> {
        Page(rows: try all(sql, map), limit: request.limit, keys: keys)
    }
}

public enum Dialect: String, Sendable, CaseIterable {
    case sqlite, postgres
}

/// A step of the schema, applied once, in order, never edited after it has landed. Its SQL is for both databases;
/// `{{without_rowid}}` stands for SQLite's `WITHOUT ROWID` and for nothing on PostgreSQL; `{{by_bytes}}` for PostgreSQL's
/// `COLLATE "C"`, which orders text by its bytes, as SQLite does anyway.
public struct Migration: Sendable {
    /// `feature/0001-title`; unique.
    public let id: String
    let statements: String

    public init(_ id: String, _ statements: String) {
        self.id = id
        self.statements = statements
    }

    func text(for dialect: Dialect) -> String {
        statements.replacingAll("{{without_rowid}}", with: dialect == .sqlite ? "WITHOUT ROWID" : "")
            .replacingAll("{{by_bytes}}", with: dialect == .sqlite ? "" : "COLLATE \"C\"")
    }

    var checksum: String { Digest.of(statements).hex }
}

extension String {
    fileprivate func replacingAll(_ token: String, with text: String) -> String {
        split(separator: token, omittingEmptySubsequences: false).joined(separator: text)
    }
}
