import Core
import Database
import Objects
import Tables

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file of buffered events as a table with given columns: first every value as it was sent, then cast one by one, so
/// that a value that does not fit costs its own row and no other.
struct EventTable {
    let path: String
    let label: String
    let columns: [TableColumn]

    /// Every column as JSON.
    var input: TableInput {
        TableInput(
            name: "data", files: [path], labels: [label], format: .json,
            columns: columns.map { TableColumn(name: $0.name, type: "JSON") })
    }

    var selectFitting: String {
        let list = columns.map { "\(Self.value($0)) AS \(DuckSQL.name($0.name))" }.joined(separator: ", ")
        return "SELECT \(list) FROM data WHERE NOT (\(misfit))"
    }

    var selectMisfits: String { "SELECT * FROM data WHERE \(misfit)" }

    private var misfit: String {
        columns.map { column in
            let name = DuckSQL.name(column.name)
            return "((\(name) ->> '$') IS NOT NULL AND (\(Self.value(column))) IS NULL)"
        }.joined(separator: " OR ")
    }

    private static func value(_ column: TableColumn) -> String {
        let name = DuckSQL.name(column.name)
        if column.type == "JSON" { return name }
        if column.type == "VARCHAR" { return "(\(name) ->> '$')" }
        let isNested = column.type.hasSuffix("]") || column.type.hasSuffix(")") && !column.type.hasPrefix("DECIMAL")
        return isNested
            ? "TRY_CAST(\(name) AS \(column.type))" : "TRY_CAST((\(name) ->> '$') AS \(column.type))"
    }
}

/// Rows that could not be taken, kept beside the version that they are missing from.
enum RejectedRows {
    /// The file's name in a manifest of its own, whose owner is the version.
    static let path = "rejected.parquet"

    static func keep(_ db: any Transaction, _ object: ObjectInfo, of version: DatasetVersion) throws {
        let manifest = try Manifests.create(db, owner: version.ref, at: version.created)
        try Manifests.set(
            db, manifest, path: try RelativePath(parsing: path), object: object, at: version.created)
    }
}

/// A work file that is written line by line.
final class LineFile {
    private let file: UnsafeMutablePointer<FILE>
    private var isOpen = true

    init(_ path: String) throws {
        guard let file = fopen(path, "w") else { throw Self.failure() }
        self.file = file
    }

    deinit { if isOpen { fclose(file) } }

    func write(_ line: String) throws {
        guard fputs(line, file) >= 0, putc(10, file) != EOF else { throw Self.failure() }
    }

    /// - Throws: `unavailable` if not all of it could be written: a full disk must not pass for the end of the rows.
    func close() throws {
        isOpen = false
        guard fclose(file) == 0 else { throw Self.failure() }
    }

    private static func failure() -> SlipwayError {
        SlipwayError(.unavailable, "A work file cannot be written: \(String(cString: strerror(errno))).")
    }
}
