import Core
import Database
import Ledger
import Objects
import Platform
import Projects
import Tables

/// What a new version is to be.
struct Commit: Sendable {
    let dataset: String
    let project: String
    var branch = Dataset.mainBranch
    /// Parquet files on this machine; moved into the object store.
    var parts: [(path: String, table: TableFile)] = []
    /// Parts that are in the object store already; they come after `parts`.
    var stored: [StoredPart] = []
    /// The parts of `stored` as they came, when those hold older rows too.
    var arrivals: [StoredPart]?
    /// In place of parts: what is in the store already.
    var content: Content?
    /// A version whose files the new one keeps, with the parts after them.
    var base: DatasetVersion?
    /// The last files of the base, by path, that the first new part stands for, and the rows in those (see
    /// `Compaction`).
    var replaces: (files: [String], rows: Int64) = ([], 0)
    /// What the branch's newest version must be when the new one is made.
    var expects = Head.any
    let recipe: Recipe
    /// What it was made from, for the lineage.
    let parents: [Ref]
    let message: String
    /// Of a merge: the version that was merged in.
    var merged: Int?
    /// The client's own id of an append: the same again gives the version that it made then.
    var key: String?
    /// The same content as the newest version gives that version.
    var reusesNewest = false
    /// What the tables in the recipe's SQL are, for the lineage of columns.
    var reads: [String: DatasetVersion] = [:]
    /// What else has to happen in the same transaction, once the version is made.
    var also: (@Sendable (any Transaction, DatasetVersion) throws -> Void)?

    /// A Parquet file in the object store.
    struct StoredPart: Sendable {
        let object: ObjectInfo
        let table: TableFile
    }

    /// A whole version whose files are in the store.
    struct Content: Sendable {
        let kind: Dataset.Kind
        let root: TreeRoot
        let columns: [TableColumn]
        let rowCount: Int64
        /// Without Slipway's own.
        let files: Int64
        let bytes: Int64
        /// Of a table whose parts came as objects: where they are on this machine.
        var parts: [String] = []
    }

    enum Head: Sendable {
        case any
        /// Exactly this version, or none; else `conflict` with the detail `latest`, saying who made what meanwhile.
        case exactly(Int?)
    }
}

extension DatasetsService {
    // MARK: Making versions

    /// Makes a version.
    ///
    /// - Returns: the version, and whether it is new.
    /// - Throws: `conflict` when the branch is not what the commit expects; `notFound` for a branch that nobody made;
    ///   `invalid` with the report when the rows break the dataset's contract.
    func commit(_ commit: Commit, as principal: Principal) async throws -> (version: DatasetVersion, isNew: Bool) {
        let (name, base, recipe) = (commit.dataset, commit.base, commit.recipe)
        // Contracts look at the parts before the store takes them.
        let checks = try await checks(checkable(commit), baseFiles: base?.fileCount ?? 0, as: principal)
        let content = try await content(of: commit)
        let draft = DatasetVersion(
            dataset: name, project: commit.project, kind: content.kind, number: 0, branch: commit.branch,
            parent: nil, merged: commit.merged, tree: content.root.digest, manifest: "", digest: content.root.digest,
            columns: content.columns, rowCount: content.rowCount, sizeBytes: content.bytes,
            fileCount: Int(content.files), message: commit.message, author: principal.name,
            created: platform.clock.now(), recipe: recipe, deleted: nil)
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            let dataset = try Self.prepare(db, commit, draft, store, ledger, principal)
            if let key = commit.key, let known = try store.appended(db, name, key: key),
                let made = try store.version(db, name, .number(known))
            {
                return (made, false)
            }
            let head = try store.version(db, name, .name(commit.branch))
            if commit.reusesNewest, let head, head.digest == draft.digest {
                for parent in commit.parents { try ledger.link(db, head.ref, madeFrom: parent, recipe.kind) }
                return (head, false)
            }
            if case .exactly(let expected) = commit.expects, head?.number != expected {
                throw Self.overtaken(dataset, commit.branch, head)
            }
            try checks.requireContract(db, of: name, head: head, store)
            // The new tree shares nodes with the base's, which therefore must be held still.
            if let base, try store.version(db, base.dataset, .number(base.number))?.deleted != nil {
                throw SlipwayError(.conflict, "\(base.ref) was deleted meanwhile; try again.", ref: base.ref)
            }
            let number = try store.nextNumber(db, name)
            let ref = Ref(.dataset, name, version: number)
            try TreeRoots.hold(db, owner: ref, root: content.root, at: draft.created)
            let version = draft.numbered(number, parent: head?.number)
            try store.insert(db, version)
            try store.set(
                db,
                NamedVersion(
                    kind: .branch, dataset: name, name: commit.branch, number: number, author: principal.name,
                    created: draft.created))
            if let key = commit.key { try store.rememberAppend(db, name, key: key, number: number) }
            for parent in commit.parents { try ledger.link(db, ref, madeFrom: parent, recipe.kind) }
            if let base { try ledger.link(db, ref, madeFrom: base.ref, content.kind == .files ? "files" : "append") }
            try checks.record(db, version, store, ledger, by: principal)
            try ledger.append(
                db, "dataset.version.created", ref, project: commit.project, by: principal,
                data: [
                    "digest": .string(version.digest.hex), "rows": .int(version.rowCount),
                    "files": JSONValue(version.fileCount), "branch": .string(version.branch),
                    "recipe": .string(recipe.kind),
                ])
            try commit.also?(db, version)
            return (version, true)
        }
    }

    /// The commit as contracts and marks look at it: with all its rows as parts if they are in the store already.
    private func checkable(_ commit: Commit) async throws -> Commit {
        var checkable = commit
        guard let content = commit.content else {
            for part in commit.arrivals ?? commit.stored {
                checkable.parts.append((try await platform.objects.localPath(part.object.digest), part.table))
            }
            return checkable
        }
        checkable.base = nil
        var paths = content.parts
        if content.kind == .files {
            let hasContract = try await platform.database.read { [store] in
                try store.contract($0, commit.dataset, nil) != nil
            }
            // The table of the files is made only if somebody looks into it.
            paths = [hasContract ? try await filesTable(content.root.digest, columns: content.columns) : ""]
        }
        checkable.parts = paths.enumerated().map { index, path in
            (
                path,
                TableFile(rows: index == 0 ? content.rowCount : 0, columns: content.columns, sizeBytes: content.bytes)
            )
        }
        return checkable
    }

    /// The tree of what a commit says. It costs what is new, not what the base has.
    private func content(of commit: Commit) async throws -> Commit.Content {
        if let content = commit.content { return content }
        let base = commit.base
        let replaced = Set(commit.replaces.files)
        var added: [TreeEntry] = []
        // What is in no tree yet comes from a version of before there were trees.
        if let base, base.tree == nil {
            added = try await entries(of: base).filter { !replaced.contains($0.path.description) }
        }
        var parts: [Commit.StoredPart] = []
        for part in commit.parts {
            parts.append(
                .init(object: try await platform.objects.put(file: part.path, move: true), table: part.table))
        }
        parts += commit.stored
        let first = (base?.fileCount ?? 0) - replaced.count
        var gone = replaced
        for (index, part) in parts.enumerated() {
            // In the place of the first file that it stands for, so that the order of the rows stays.
            let name =
                index == 0 ? commit.replaces.files.first ?? Self.partName(first) : Self.partName(first + index)
            gone.remove(name)
            added.append(TreeEntry(path: try RelativePath(parsing: name), object: part.object))
        }
        let root = try await ObjectTree(platform.objects).update(
            base?.tree, put: added, remove: base?.tree == nil ? [] : gone.sorted())
        return Commit.Content(
            kind: .table, root: root, columns: parts.first?.table.columns ?? base?.columns ?? [],
            rowCount: (base?.rowCount ?? 0) - commit.replaces.rows + parts.reduce(0) { $0 + $1.table.rows },
            files: root.files, bytes: root.bytes)
    }

    /// Makes the dataset if it is new, and sees that the branch may be written.
    private static func prepare(
        _ db: any Transaction, _ commit: Commit, _ draft: DatasetVersion, _ store: DatasetsStore, _ ledger: Ledger,
        _ principal: Principal
    ) throws -> Dataset {
        try ProjectsStore().require(db, commit.project)
        let fresh = Dataset(
            name: commit.dataset, project: commit.project, kind: draft.kind,
            key: draft.kind == .files ? ["path"] : [], description: "",
            created: draft.created, latest: nil)
        if try store.ensure(db, fresh) {
            try ledger.append(db, "dataset.created", fresh.ref, project: commit.project, by: principal)
        }
        guard let dataset = try store.dataset(db, commit.dataset) else { throw SlipwayError.notFound(fresh.ref) }
        guard dataset.project == commit.project else {
            throw SlipwayError(
                .conflict,
                "The dataset \(dataset.name) belongs to the project \(dataset.project), not to \(commit.project).",
                ref: dataset.ref)
        }
        guard dataset.kind == draft.kind else {
            throw dataset.holdsOther
        }
        switch try store.named(db, dataset.name, commit.branch)?.kind {
        case .branch: break
        case .tag:
            throw SlipwayError(
                .conflict, "\(commit.branch) is a tag of \(dataset.name), and tags do not move; name a branch.",
                ref: Ref(.dataset, dataset.name, selector: commit.branch))
        case nil where commit.branch == Dataset.mainBranch: break
        case nil:
            throw SlipwayError.notFound(
                Ref(.dataset, dataset.name, selector: commit.branch),
                hint: "Make the branch first: slipway data branch create \(dataset.name) \(commit.branch).")
        }
        return dataset
    }

    /// Another version came first.
    private static func overtaken(_ dataset: Dataset, _ branch: String, _ head: DatasetVersion?) -> SlipwayError {
        guard let head else {
            return SlipwayError(
                .conflict, "\(dataset.name) has no version on \(branch) any more.", details: ["latest": "0"],
                ref: dataset.ref)
        }
        return SlipwayError(
            .conflict,
            "\(head.author) made \(head.ref) on \(branch) meanwhile (\(head.recipe.kind), \(head.rowCount) rows). Try again on top of it, or work on a branch of your own and merge.",
            details: [
                "latest": String(head.number), "branch": branch, "author": head.author,
                "made": head.created.description, "message": head.message,
            ], ref: head.ref)
    }

    /// Makes the version after `base` on a branch, with all its rows given by one SELECT: merges, published labels and
    /// whatever else changes rows.
    ///
    /// - Parameters:
    ///   - inputs: tables of the SELECT; those of versions by `input(_:name:)`.
    ///   - base: what the branch's newest version must be. If it has files, the SELECT gives their `path` and the columns
    ///     about them; files that it leaves out are gone. With a column `digest`, a path's file may come from the version
    ///     of that path among `parents` that has this digest.
    ///   - also: what else has to happen in the same transaction.
    /// - Throws: `conflict` when the branch has moved on.
    public func rewrite(
        _ base: DatasetVersion, branch: String, sql: String, inputs: [TableInput], recipe: Recipe, parents: [Ref],
        merged: Int? = nil, message: String, also: (@Sendable (any Transaction, DatasetVersion) throws -> Void)? = nil,
        as principal: Principal
    ) async throws -> DatasetVersion {
        try principal.require(.writeDatasets, in: base.project)
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let path = folder + "/part.parquet"
        let table = try await platform.tables.write(
            sql, parameters: [], inputs: inputs, to: path, timeoutSeconds: Self.writeSeconds)
        if base.kind == .files {
            let content = try await filesContent(path, table, base: base, parents: parents, in: folder)
            return try await commit(
                Commit(
                    dataset: base.dataset, project: base.project, branch: branch, content: content,
                    expects: .exactly(base.number), recipe: recipe, parents: parents + [base.ref], message: message,
                    merged: merged, also: also), as: principal
            ).version
        }
        return try await commit(
            Commit(
                dataset: base.dataset, project: base.project, branch: branch, parts: [(path, table)],
                expects: .exactly(base.number), recipe: recipe, parents: parents + [base.ref], message: message,
                merged: merged, also: also), as: principal
        ).version
    }

    /// How long writing a version's rows may take.
    static let writeSeconds = 1800.0

    /// Commits the Parquet files in a folder that a pipeline step wrote as a new version; the same content as the newest
    /// version gives that version.
    public func commitFolder(
        _ name: String, project: String, paths: [String], recipe: Recipe, parents: [Ref], message: String,
        as principal: Principal
    ) async throws -> DatasetVersion {
        try principal.require(.writeDatasets, in: project)
        try Name.validate(name, field: "dataset")
        guard !paths.isEmpty else {
            throw SlipwayError.field(
                "outputs", "the step wrote no Parquet file for the dataset \(name)", expected: "at least one *.parquet")
        }
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let target = folder + "/part.parquet"
        let table = try await platform.tables.write(
            "SELECT * FROM data", parameters: [], inputs: [TableInput(name: "data", files: paths, format: .parquet)],
            to: target, timeoutSeconds: Self.writeSeconds)
        return try await commit(
            Commit(
                dataset: name, project: project, parts: [(target, table)], recipe: recipe, parents: parents,
                message: message, reusesNewest: true), as: principal
        ).version
    }

    static func partName(_ index: Int) -> String {
        "part-" + String(repeating: "0", count: max(0, 5 - String(index).count)) + "\(index).parquet"
    }
}

extension DatasetVersion {
    fileprivate func numbered(_ number: Int, parent: Int?) -> DatasetVersion {
        DatasetVersion(
            dataset: dataset, project: project, kind: kind, number: number, branch: branch, parent: parent,
            merged: merged, tree: tree, manifest: manifest, digest: digest, columns: columns, rowCount: rowCount,
            sizeBytes: sizeBytes, fileCount: fileCount, message: message, author: author, created: created,
            recipe: recipe, deleted: nil)
    }
}
