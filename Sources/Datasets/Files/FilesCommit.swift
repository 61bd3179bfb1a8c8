import Core
import Database
import Ledger
import Objects
import Platform
import Tables

/// A change of a dataset's files that is to become a version.
public struct FilesCommit: Sendable {
    public enum Mode: String, Sendable, CaseIterable {
        /// The version has exactly the files that are put.
        case replace
        /// The version has the base's files but for those that are put and removed.
        case update
    }

    let dataset: String
    let project: String
    var branch = Dataset.mainBranch
    var mode = Mode.update
    /// The version on which the change was made; nil: the branch's head at the beginning of the commit.
    var base: Int?
    /// What the base must be; else it is taken for a version of another dataset that had this name.
    var baseDigest: Digest?
    var recipe = Recipe(kind: "files", inputs: [], details: [:])
    var parents: [Ref] = []
    var message = ""
    /// What the tree of the version must be: of a copy of another server's version.
    var expected: Digest?
}

/// What came of it, beside the version.
public struct FilesOutcome: Sendable {
    public let version: DatasetVersion
    public let isNew: Bool
    /// Changes that others made after the base and that were kept.
    public let merged: Bool
}

extension DatasetsService {
    static let touchAtOnce = 10_000

    /// Makes a version of files. What changed on the branch after `base` is kept if it touches other paths.
    ///
    /// - Parameter changes: batches of lines; read once.
    /// - Throws: `conflict` with the paths that both sides changed and who changed them; `invalid` for an object that is
    ///   not in the store.
    func commitFiles(
        _ commit: FilesCommit, changes: some AsyncSequence<[FileChange], any Error>, as principal: Principal
    ) async throws -> FilesOutcome {
        try principal.require(.writeDatasets, in: commit.project)
        try Name.validate(commit.dataset, field: "dataset")
        let (dataset, head) = try await platform.database.read { [store] db in
            (
                try store.dataset(db, commit.dataset),
                try store.version(db, commit.dataset, .name(commit.branch))
            )
        }
        if let dataset, dataset.project != commit.project { throw belongsElsewhere(commit.dataset) }
        var base = head
        if let number = commit.base {
            let ref = Ref(.dataset, commit.dataset, version: number)
            base = try await resolve(ref, as: principal)
            if let wanted = commit.baseDigest, base?.digest != wanted {
                throw SlipwayError.notFound(ref, hint: "The version of that number has other content.")
            }
        }
        let tree = ObjectTree(platform.objects)
        let given = try await take(changes, onto: commit.mode == .update ? base?.tree : nil, tree)
        if dataset?.kind == .table { return try await commitParts(commit, base: base, root: given.root, as: principal) }
        // Slipway's own entries stay whatever the client lists, unless it is a copy of another server's version.
        var metadata = given.metadataEntry
        if metadata == nil, let old = base?.tree { metadata = try await tree.entry(old, path: FilesTree.metadata) }
        let plain =
            metadata == nil
            ? given.root : try await tree.update(given.root.digest, put: [], remove: [FilesTree.metadata])
        return try await land(
            commit, onto: base, head: head, plain: plain, metadata: metadata, rows: given.rows, as: principal)
    }

    private struct Given {
        let root: TreeRoot
        let rows: (file: Digest, format: FileChange.MetadataFormat)?
        let metadataEntry: TreeEntry?
    }

    /// Puts the lines into a tree, batch by batch, having seen that their objects are there.
    private func take(
        _ changes: some AsyncSequence<[FileChange], any Error>, onto base: Digest?, _ tree: ObjectTree
    ) async throws -> Given {
        var root: TreeRoot?
        var rows: (file: Digest, format: FileChange.MetadataFormat)?
        var metadataEntry: TreeEntry?
        for try await batch in changes {
            var (put, remove): ([TreeEntry], [String]) = ([], [])
            var wanted: [ObjectInfo] = []
            for change in batch {
                switch change {
                case .put(let path, let digest, let size, let chunks):
                    let entry = TreeEntry(
                        path: path, object: ObjectInfo(digest: digest, sizeBytes: size), chunks: chunks)
                    if let chunks {
                        try await checkChunks(entry, chunks)
                    } else {
                        wanted.append(entry.object)
                    }
                    if entry.path == FilesTree.metadata {
                        metadataEntry = entry
                    } else if FilesTree.isReserved(entry.path) {
                        throw SlipwayError.field(
                            "path", "'\(entry.path)' is in the folder .slipway", expected: "a path outside it")
                    }
                    put.append(entry)
                case .remove(let path): remove.append(path.description)
                case .metadata(let digest, let format): rows = (digest, format)
                }
            }
            try await requireObjects(wanted)
            if !put.isEmpty || !remove.isEmpty {
                root = try await tree.update(root?.digest ?? base, put: put, remove: remove)
            }
        }
        if root == nil { root = try await tree.update(base, put: []) }
        guard let root else { throw SlipwayError(.internal, "The commit has no tree.") }
        return Given(root: root, rows: rows, metadataEntry: metadataEntry)
    }

    /// Sees that objects are in the store in the size that the client says, and starts their grace period anew.
    private func requireObjects(_ wanted: [ObjectInfo]) async throws {
        var at = 0
        while at < wanted.count {
            let some = wanted[at..<min(at + Self.touchAtOnce, wanted.count)]
            let found = try await platform.objects.touch(some.map(\.digest))
            for (object, there) in zip(some, found) where there != object {
                throw SlipwayError(
                    .invalid,
                    there == nil
                        ? "There is no object \(object.digest). Send it first: POST /api/v1/objects/batch."
                        : "The object \(object.digest) has another size than the \(object.sizeBytes) bytes that are said.",
                    details: ["digest": object.digest.hex], ref: Ref(.object, object.digest.hex))
            }
            at += Self.touchAtOnce
        }
    }

    /// Sees that a file's chunks are there and say that they make the file. Each chunk was verified when it came; that
    /// they make the whole is verified whenever it is read whole, so that a commit need not read what was sent before.
    private func checkChunks(_ entry: TreeEntry, _ chunks: Digest) async throws {
        try await requireObjects(platform.objects.touch([chunks]).compactMap { $0 })
        let list = try await platform.objects.chunkList(chunks)
        guard list.object == entry.object else {
            throw SlipwayError.field(
                "chunks", "the list \(chunks) is of another file than \(entry.path)", expected: "its own chunk list")
        }
        try await requireObjects(list.chunks)
    }

    // MARK: Landing

    /// Makes the version, on top of whatever others made meanwhile.
    private func land(
        _ commit: FilesCommit, onto base: DatasetVersion?, head: DatasetVersion?, plain: TreeRoot,
        metadata: TreeEntry?, rows: (file: Digest, format: FileChange.MetadataFormat)?, as principal: Principal
    ) async throws -> FilesOutcome {
        var head = head
        for _ in 1...20 {
            var (root, kept, about) = (plain, false, metadata)
            if let head, head.number != base?.number {
                root = try await merge(plain, base: base, head: head, commit)
                kept = true
                let theirs = try await metadataEntry(of: head)
                let before = try await base.asyncMap { try await metadataEntry(of: $0) } ?? nil
                if rows != nil, theirs?.object != before?.object {
                    throw overtaken(commit, head, paths: [FilesTree.metadata])
                }
                about = theirs
            }
            let (final, columns) = try await withMetadata(root, old: about, rows: rows, base: base)
            if let expected = commit.expected, final.digest != expected {
                throw SlipwayError(
                    .conflict, "The files give the version \(final.digest) and not \(expected) as they should.",
                    details: ["digest": final.digest.hex])
            }
            if let head, head.tree == final.digest {
                return FilesOutcome(version: head, isNew: false, merged: kept)
            }
            let own = try await ownTotals(final, hasMetadata: columns.count > FilesTree.ownColumns.count)
            let content = Commit.Content(
                kind: .files, root: final, columns: columns, rowCount: own.files, files: own.files, bytes: own.bytes)
            do {
                let made = try await self.commit(
                    Commit(
                        dataset: commit.dataset, project: commit.project, branch: commit.branch, content: content,
                        base: head, expects: .exactly(head?.number), recipe: commit.recipe, parents: commit.parents,
                        message: commit.message), as: principal)
                return FilesOutcome(version: made.version, isNew: made.isNew, merged: kept)
            } catch let error as SlipwayError where error.code == .conflict && error.details["latest"] != nil {
                head = try await newest(commit.dataset, commit.branch)
            }
        }
        throw SlipwayError(.conflict, "The dataset \(commit.dataset) changes too fast; try again.")
    }

    /// The head's files with the changes from `base` to `plain`.
    private func merge(
        _ plain: TreeRoot, base: DatasetVersion?, head: DatasetVersion, _ commit: FilesCommit
    ) async throws -> TreeRoot {
        let tree = ObjectTree(platform.objects)
        var (ours, theirs) = (
            TreeChanges(tree, from: base?.tree, to: plain.digest), TreeChanges(tree, from: base?.tree, to: head.tree)
        )
        var result = try await tree.update(head.tree, put: [], remove: [FilesTree.metadata])
        var conflicts: [String] = []
        var (put, remove): ([TreeEntry], [String]) = ([], [])
        var other = try await theirs.next()
        while let mine = try await ours.next() {
            while let there = other, TreeChanges.isBefore(there.path, mine.path) { other = try await theirs.next() }
            if let there = other, PathKey(there.path) == PathKey(mine.path) {
                if there.after != mine.after, conflicts.count < 20 { conflicts.append(mine.path) }
                continue
            }
            if let entry = mine.after { put.append(entry) } else { remove.append(mine.path) }
            if put.count + remove.count >= Self.entriesAtOnce {
                result = try await tree.update(result.digest, put: put, remove: remove)
                (put, remove) = ([], [])
            }
        }
        guard conflicts.isEmpty else { throw overtaken(commit, head, paths: conflicts) }
        return try await tree.update(result.digest, put: put, remove: remove)
    }

    /// Both sides changed the same.
    private func overtaken(_ commit: FilesCommit, _ head: DatasetVersion, paths: [String]) -> SlipwayError {
        let shown = paths.prefix(5).joined(separator: ", ") + (paths.count > 5 ? " and others" : "")
        return SlipwayError(
            .conflict,
            "\(head.author) made \(head.ref) on \(commit.branch) meanwhile, and both sides changed \(shown). Check out \(head.ref), put your changes on it and add again, or add to a branch of your own.",
            details: [
                "paths": paths.joined(separator: "\n"), "author": head.author, "made": head.created.description,
                "message": head.message, "branch": commit.branch, "head": String(head.number),
            ], ref: head.ref)
    }

    /// The files and bytes of a tree without Slipway's own entry.
    private func ownTotals(_ root: TreeRoot, hasMetadata: Bool) async throws -> (files: Int64, bytes: Int64) {
        guard hasMetadata,
            let entry = try await ObjectTree(platform.objects).entry(root.digest, path: FilesTree.metadata)
        else { return (root.files, root.bytes) }
        return (root.files - 1, root.bytes - entry.object.sizeBytes)
    }

    func metadataEntry(of version: DatasetVersion) async throws -> TreeEntry? {
        guard let root = version.tree else { return nil }
        return try await ObjectTree(platform.objects).entry(root, path: FilesTree.metadata)
    }

    // MARK: Copies of tables

    /// A version of a table whose Parquet parts came as objects, from another server.
    private func commitParts(
        _ commit: FilesCommit, base: DatasetVersion?, root: TreeRoot, as principal: Principal
    ) async throws -> FilesOutcome {
        guard commit.expected == nil || root.digest == commit.expected else {
            throw SlipwayError(.conflict, "The parts give another version than they should.")
        }
        let head = try await newest(commit.dataset, commit.branch)
        if let head, head.tree == root.digest { return FilesOutcome(version: head, isNew: false, merged: false) }
        let entries = try await ObjectTree(platform.objects).entries(root.digest, limit: Self.entriesAtOnce)
        var paths: [String] = []
        for (index, entry) in entries.enumerated() {
            guard entry.path == Self.partName(index) else {
                throw SlipwayError(
                    .invalid,
                    "\(commit.dataset) holds rows, not files: '\(entry.path.prefix(120))' cannot be added. Use 'slipway data append' for rows, or another dataset for files.",
                    ref: Ref(.dataset, commit.dataset))
            }
            paths.append(try await platform.objects.localPath(entry))
        }
        guard !paths.isEmpty, entries.count < Self.entriesAtOnce else {
            throw SlipwayError(.invalid, "A table takes 1 to \(Self.entriesAtOnce - 1) parts.")
        }
        let input = TableInput(name: "data", files: paths, labels: entries.map(\.path), format: .parquet)
        let content = Commit.Content(
            kind: .table, root: root, columns: try await platform.tables.columns(of: input),
            rowCount: try await platform.tables.rowCount(of: input), files: root.files, bytes: root.bytes, parts: paths)
        let made = try await self.commit(
            Commit(
                dataset: commit.dataset, project: commit.project, branch: commit.branch, content: content,
                expects: .exactly(base?.number), recipe: commit.recipe, parents: commit.parents,
                message: commit.message), as: principal)
        return FilesOutcome(version: made.version, isNew: made.isNew, merged: false)
    }
}

/// The differences of two trees, by path, page by page.
struct TreeChanges {
    private let tree: ObjectTree
    private let from: Digest?
    private let to: Digest?
    private var page: ArraySlice<TreeChange> = []
    private var last: String?
    private var isDone = false

    private static let limit = 5000

    init(_ tree: ObjectTree, from: Digest?, to: Digest?) {
        (self.tree, self.from, self.to) = (tree, from, to)
    }

    /// Slipway's own entries are passed over.
    mutating func next() async throws -> TreeChange? {
        while true {
            if let change = page.popFirst() {
                if FilesTree.isReserved(change.path) { continue }
                return change
            }
            if isDone { return nil }
            let found = try await tree.changes(from: from, to: to, after: last, limit: Self.limit)
            isDone = found.count < Self.limit
            last = found.last?.path
            page = found[...]
        }
    }

    /// The order of trees: by bytes.
    static func isBefore(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }
}
