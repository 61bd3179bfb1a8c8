import Core
import Database
import Objects
import Platform
import Tables

extension DatasetsService {
    /// The table of a version of files, named `name`: path, size_bytes, media_type, digest and the columns about the files.
    /// It is made when it is first asked for, and kept.
    func filesInput(_ version: DatasetVersion, name: String) async throws -> TableInput {
        guard let root = version.tree else { throw SlipwayError.notFound(version.ref) }
        let path = try await filesTable(root, columns: version.columns)
        return TableInput(name: name, files: [path], labels: ["\(version.ref)"], format: .parquet)
    }

    /// The same by the tree and all columns.
    func filesTable(_ root: Digest, columns: [TableColumn]) async throws -> String {
        try await tableCache.path(of: Digest.of("files \(root)")) { path in
            let folder = try platform.scratchFolder()
            defer { removeFolder(folder) }
            let listing = folder + "/files.csv"
            try await writeListing(root, to: listing)
            var inputs = [Self.listingInput(listing)]
            var (list, join) = ("", "")
            if let entry = try await ObjectTree(platform.objects).entry(root, path: FilesTree.metadata) {
                inputs.append(
                    TableInput(
                        name: "about", files: [try await platform.objects.localPath(entry)],
                        labels: [FilesTree.metadata], format: .parquet))
                for column in columns.dropFirst(FilesTree.ownColumns.count) {
                    list += ", a.\(DuckSQL.name(column.name)) AS \(DuckSQL.name(column.name))"
                }
                join = " LEFT JOIN about a ON a.path = f.path"
            }
            _ = try await platform.tables.write(
                """
                SELECT f.path AS path, CAST(f.size_bytes AS BIGINT) AS size_bytes, f.media_type AS media_type,
                    f.digest AS digest\(list) FROM files f\(join) ORDER BY f.path
                """, inputs: inputs, to: path, timeoutSeconds: Self.writeSeconds)
        }
    }

    /// What a rewritten table of files stands for: the tree of its files, and its metadata.
    ///
    /// - Parameter path: Parquet with `path`, perhaps `digest`, and the columns about the files.
    func filesContent(
        _ path: String, _ table: TableFile, base: DatasetVersion, parents: [Ref], in folder: String
    ) async throws -> Commit.Content {
        let tree = ObjectTree(platform.objects)
        guard let root = base.tree, table.columns.contains(where: { $0.name == "path" }) else {
            throw SlipwayError.field(
                "sql", "the rows have no column 'path'", expected: "one row a file of \(base.dataset)")
        }
        let new = TableInput(name: "new", files: [path], labels: ["the rewritten rows"], format: .parquet)
        let old = try await filesInput(base, name: "old")
        let hasDigest = table.columns.contains { $0.name == "digest" }
        let doubled = try await platform.tables.query(
            "SELECT path FROM new GROUP BY path HAVING count(*) > 1 OR path IS NULL LIMIT 1", inputs: [new],
            timeoutSeconds: Self.writeSeconds)
        if let row = doubled.rows.first {
            throw SlipwayError.field(
                "sql", "gives the path '\(row[0].json.stringValue?.prefix(120) ?? "NULL")' more than once",
                expected: "one row a file")
        }
        let sources = [root] + (try await trees(of: parents))
        let digest = hasDigest ? "n.digest" : "NULL"
        var next = root
        var last = ""
        while true {
            // Paths whose file is another one, or none.
            let changed = try await platform.tables.query(
                """
                SELECT coalesce(n.path, o.path) AS path, \(digest) AS digest, n.path IS NULL AS gone
                FROM new n FULL JOIN old o ON o.path = n.path
                WHERE coalesce(n.path, o.path) > $1
                    AND (n.path IS NULL OR o.path IS NULL\(hasDigest ? " OR n.digest IS DISTINCT FROM o.digest" : ""))
                ORDER BY 1 LIMIT \(Self.entriesAtOnce)
                """, parameters: [TableValue(.string(last))], inputs: [new, old], maxRows: Self.entriesAtOnce,
                timeoutSeconds: Self.writeSeconds)
            var (put, remove): ([TreeEntry], [String]) = ([], [])
            for row in changed.rows {
                guard let path = row[0].json.stringValue else { continue }
                if row[2].json == true {
                    remove.append(path)
                } else {
                    put.append(try await entry(path, digest: row[1].json.stringValue, in: sources))
                }
            }
            next = try await tree.update(next, put: put, remove: remove).digest
            guard changed.rows.count == Self.entriesAtOnce, let end = changed.rows.last?[0].json.stringValue else {
                break
            }
            last = end
        }
        return try await content(next, about: new, table, in: folder)
    }

    /// A file of that path in one of the trees, with that digest if one is said.
    private func entry(_ path: String, digest: String?, in trees: [Digest]) async throws -> TreeEntry {
        for root in trees {
            if let entry = try await ObjectTree(platform.objects).entry(root, path: path),
                digest == nil || entry.object.digest.hex == digest
            {
                return entry
            }
        }
        throw SlipwayError.field(
            "sql",
            "gives the path '\(path.prefix(120))'\(digest.map { " with the digest \($0.prefix(64))" } ?? ""), which is in none of the versions that it is made from",
            expected: "files of those versions")
    }

    private func trees(of parents: [Ref]) async throws -> [Digest] {
        var trees: [Digest] = []
        for parent in parents where parent.kind == .dataset {
            let version = try await platform.database.read { [store] in
                try store.version($0, parent.name, VersionSelector(parent.selector))
            }
            if let tree = version?.tree { trees.append(tree) }
        }
        return trees
    }

    /// The files of a tree with the columns of a table about them.
    private func content(
        _ root: Digest, about new: TableInput, _ table: TableFile, in folder: String
    ) async throws -> Commit.Content {
        let tree = ObjectTree(platform.objects)
        let plain = try await tree.update(root, put: [], remove: [FilesTree.metadata])
        let about = table.columns.filter { !FilesTree.ownColumns.contains($0.name) }
        var full = plain
        if !about.isEmpty {
            let list = about.map { DuckSQL.name($0.name) }
            let path = folder + "/metadata.parquet"
            // Files of which nothing is said have no row, as after an ordinary commit: equal content, equal digest.
            let said = list.map { "\($0) IS NOT NULL" }.joined(separator: " OR ")
            _ = try await platform.tables.write(
                "SELECT path, \(list.joined(separator: ", ")) FROM new WHERE \(said) ORDER BY path", inputs: [new],
                to: path, timeoutSeconds: Self.writeSeconds)
            let object = try await platform.objects.put(file: path, move: true)
            full = try await tree.update(
                plain.digest, put: [TreeEntry(path: FilesTree.metadataPath, object: object)])
        }
        return Commit.Content(
            kind: .files, root: full, columns: Self.ownColumns + about, rowCount: plain.files, files: plain.files,
            bytes: plain.bytes)
    }
}
