import Core
import Objects
import Platform
import Tables

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Columns about files: a Parquet table in the version's own tree, one row for each file that has any.
extension DatasetsService {
    /// The tree with its metadata: the old rows without those of files that are gone, and new rows over them.
    ///
    /// - Returns: the tree, and the columns of the version's table.
    func withMetadata(
        _ plain: TreeRoot, old: TreeEntry?, rows: (file: Digest, format: FileChange.MetadataFormat)?,
        base: DatasetVersion?
    ) async throws -> (TreeRoot, [TableColumn]) {
        let tree = ObjectTree(platform.objects)
        guard old != nil || rows != nil else { return (plain, Self.ownColumns) }
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let oldInput = try await old.asyncMap {
            TableInput(
                name: "old", files: [try await platform.objects.localPath($0)], labels: [FilesTree.metadata],
                format: .parquet)
        }
        let oldColumns = try await oldInput.asyncMap { try await aboutColumns(of: $0) } ?? []
        if rows == nil, let old, try await !losesFiles(plain, base) {
            let root = try await tree.update(plain.digest, put: [old])
            return (root, Self.ownColumns + oldColumns)
        }
        let listing = folder + "/files.csv"
        try await writeListing(plain.digest, to: listing)
        let files = Self.listingInput(listing)
        var inputs = [files]
        var columns: [(sql: String, column: TableColumn)] = []
        var from: String
        if let rows {
            let new = try await newRows(rows)
            let newColumns = try await aboutColumns(of: new)
            try await checkRows(new, files)
            inputs.append(new)
            from = "FROM files f LEFT JOIN new n ON n.path = f.path"
            for column in oldColumns {
                let name = DuckSQL.name(column.name)
                let isNew = newColumns.contains { $0.name == column.name }
                columns.append(
                    (
                        isNew
                            ? "CASE WHEN n.path IS NULL THEN o.\(name) ELSE CAST(n.\(name) AS \(column.type)) END"
                            : "o.\(name)", column
                    ))
            }
            for column in newColumns where !oldColumns.contains(where: { $0.name == column.name }) {
                columns.append(("n.\(DuckSQL.name(column.name))", column))
            }
            if let oldInput {
                inputs.append(oldInput)
                from += " LEFT JOIN old o ON o.path = f.path WHERE n.path IS NOT NULL OR o.path IS NOT NULL"
            } else {
                from += " WHERE n.path IS NOT NULL"
            }
        } else {
            inputs += [oldInput].compactMap { $0 }
            columns = oldColumns.map { ("o.\(DuckSQL.name($0.name))", $0) }
            from = "FROM files f JOIN old o ON o.path = f.path"
        }
        let list = columns.map { "\($0.sql) AS \(DuckSQL.name($0.column.name))" }.joined(separator: ", ")
        let path = folder + "/metadata.parquet"
        let written = try await platform.tables.write(
            "SELECT f.path AS path\(list.isEmpty ? "" : ", ")\(list) \(from) ORDER BY f.path", inputs: inputs,
            to: path, timeoutSeconds: Self.writeSeconds)
        guard written.rows > 0, !columns.isEmpty else { return (plain, Self.ownColumns) }
        let object = try await platform.objects.put(file: path, move: true)
        let root = try await tree.update(
            plain.digest, put: [TreeEntry(path: FilesTree.metadataPath, object: object)])
        return (root, Self.ownColumns + written.columns.dropFirst())
    }

    /// The columns that every table of files has.
    static let ownColumns = [
        TableColumn(name: "path", type: "VARCHAR"), TableColumn(name: "size_bytes", type: "BIGINT"),
        TableColumn(name: "media_type", type: "VARCHAR"), TableColumn(name: "digest", type: "VARCHAR"),
    ]

    /// The columns about files of a table that must have a column `path`.
    func aboutColumns(of input: TableInput) async throws -> [TableColumn] {
        let columns = try await platform.tables.columns(of: input)
        guard columns.contains(where: { $0.name == "path" }) else {
            throw SlipwayError.field(
                "metadata", "the table has no column 'path' but \(columns.map(\.name).joined(separator: ", "))",
                expected: "one row a file, with its path in the column 'path'")
        }
        // A table that Slipway gave and that was edited has the columns that follow from the files.
        return columns.filter { !FilesTree.ownColumns.contains($0.name) }
    }

    private func newRows(_ rows: (file: Digest, format: FileChange.MetadataFormat)) async throws -> TableInput {
        let format: TableInput.Format =
            switch rows.format {
            case .parquet: .parquet
            case .csv: .csv
            case .ndjson: .json
            }
        return TableInput(
            name: "new", files: [try await platform.objects.localPath(rows.file)],
            labels: ["metadata.\(rows.format.rawValue)"], format: format)
    }

    /// - Throws: `invalid`, naming paths that are there twice or have no file.
    private func checkRows(_ new: TableInput, _ files: TableInput) async throws {
        let wrong = try await platform.tables.query(
            """
            SELECT CAST(n.path AS VARCHAR) AS path, count(*) AS times, bool_or(f.path IS NULL) AS missing
            FROM new n LEFT JOIN files f ON f.path = CAST(n.path AS VARCHAR)
            GROUP BY ALL HAVING count(*) > 1 OR bool_or(f.path IS NULL) ORDER BY missing DESC, path LIMIT 5
            """, inputs: [new, files], timeoutSeconds: Self.writeSeconds)
        guard let first = wrong.rows.first else { return }
        let names = wrong.rows.map { "'\($0[0].json.stringValue?.prefix(120) ?? "(empty)")'" }.joined(separator: ", ")
        throw SlipwayError.field(
            "metadata",
            first[2].json == true ? "there is no file \(names)" : "the path \(names) is there more than once",
            expected: "one row for each path that has something to say, with paths of files of the dataset")
    }

    /// Whether a file of the base is gone.
    private func losesFiles(_ plain: TreeRoot, _ base: DatasetVersion?) async throws -> Bool {
        guard let before = base?.tree else { return false }
        var changes = TreeChanges(ObjectTree(platform.objects), from: before, to: plain.digest)
        while let change = try await changes.next() { if change.after == nil { return true } }
        return false
    }

    // MARK: Listings

    /// The input that `writeListing` wrote, named `files`.
    static func listingInput(_ path: String) -> TableInput {
        TableInput(
            name: "files", files: [path], labels: ["the list of files"], format: .csv, delimiter: ",", header: true,
            allText: true)
    }

    /// Writes the files of a tree as CSV: path, size_bytes, media_type, digest.
    func writeListing(_ root: Digest, to path: String) async throws {
        let tree = ObjectTree(platform.objects)
        let file = try WorkFile(path)
        try file.write("\"path\",\"size_bytes\",\"media_type\",\"digest\"\n")
        var last: String?
        while true {
            let entries = try await tree.entries(root, after: last, limit: Self.entriesAtOnce)
            var text = ""
            for entry in entries where !FilesTree.isReserved(entry.path) {
                text += "\""
                text +=
                    entry.path.contains("\"")
                    ? entry.path.split(separator: "\"", omittingEmptySubsequences: false)
                        .joined(separator: "\"\"") : entry.path
                text +=
                    "\",\"\(entry.object.sizeBytes)\",\"\(MediaType.of(entry.path))\",\"\(entry.object.digest.hex)\"\n"
            }
            try file.write(text)
            guard entries.count == Self.entriesAtOnce, let end = entries.last else { break }
            last = end.path
        }
        try file.close()
    }
}

/// A file of ours that is written once. For one task at a time.
final class WorkFile {
    private var stream: UnsafeMutablePointer<FILE>?
    private let path: String

    init(_ path: String) throws {
        self.path = path
        stream = fopen(path, "wxe")
        if stream == nil { throw failure() }
    }

    deinit { if let stream { fclose(stream) } }

    func write(_ text: String) throws {
        var text = text
        try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
    }

    func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

    private func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard let stream, fwrite(bytes.baseAddress, 1, bytes.count, stream) == bytes.count else {
            throw failure(bytes.count)
        }
    }

    func close() throws {
        guard let open = stream else { return }
        stream = nil
        guard fclose(open) == 0 else { throw failure() }
    }

    private func failure(_ bytes: Int = 1) -> SlipwayError {
        let number = errno
        if number == ENOSPC || number == EDQUOT {
            let free = LocalTarget.freeBytes(path) ?? 0
            let missing = max(1, Int64(bytes) - free)
            return SlipwayError(
                .unavailable,
                "The disk of the server's data is full: at least \(missing) bytes are missing (\(free) are free). Free some space and try again; what was half written is gone.",
                details: ["missingBytes": String(missing), "freeBytes": String(free)])
        }
        return SlipwayError(
            .unavailable, "A work file cannot be written: \(String(cString: strerror(number))).",
            details: ["file": path])
    }
}
