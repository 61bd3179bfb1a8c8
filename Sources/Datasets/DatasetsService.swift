import Core
import Database
import Ledger
import Objects
import Platform
import Projects
import Tables

extension Permission {
    static let readDatasets = Permission("datasets.read", .readers)
    static let writeDatasets = Permission("datasets.write", .makers.union([.annotator]))
    /// Sources make the server read files and reach other hosts.
    static let manageSources = Permission("sources.manage", .makers)
}

/// Datasets: immutable versions, slices, and where they come from.
public struct DatasetsService: Sendable {
    let platform: Platform
    let store = DatasetsStore()

    public init(_ platform: Platform) { self.platform = platform }

    // MARK: Looking things up

    public func dataset(_ name: String, as principal: Principal) async throws -> Dataset {
        guard let dataset = try await platform.database.read({ [store] in try store.dataset($0, name) }) else {
            throw SlipwayError.notFound(Ref(.dataset, name), hint: "'slipway data list' shows what there is.")
        }
        try principal.require(.readDatasets, in: dataset.project)
        return dataset
    }

    public func datasets(project: String?, _ page: PageRequest, as principal: Principal) async throws -> Page<Dataset> {
        let found = try await platform.database.read { [store] in try store.datasets($0, project: project, page) }
        return Page(items: found.items.filter { principal.may(.readDatasets, in: $0.project) }, next: found.next)
    }

    public func versions(_ name: String, _ page: PageRequest, as principal: Principal) async throws -> Page<
        DatasetVersion
    > {
        _ = try await dataset(name, as: principal)
        return try await platform.database.read { [store] in try store.versions($0, name, page) }
    }

    /// A version by `dataset:name@3`, `dataset:name@latest` or `dataset:name`; a slice's ref gives its dataset's newest version.
    public func resolve(_ ref: Ref, as principal: Principal) async throws -> DatasetVersion {
        switch ref.kind {
        case .slice:
            let slice = try await slice(ref, as: principal)
            return try await resolve(Ref(.dataset, slice.dataset), as: principal)
        case .dataset:
            let number = try ref.selector.flatMap { selector -> Int? in
                if selector == "latest" { return nil }
                guard let number = Int(selector) else {
                    throw SlipwayError.field(
                        "ref", "'\(selector)' is not a version of \(ref.name)", expected: "a number or 'latest'")
                }
                return number
            }
            let dataset = try await dataset(ref.name, as: principal)
            guard let version = try await platform.database.read({ [store] in try store.version($0, ref.name, number) })
            else {
                throw SlipwayError.notFound(
                    ref, hint: dataset.latest.map { "The newest version is \($0)." } ?? "It has no versions yet.")
            }
            return version
        default:
            throw SlipwayError.field(
                "ref", "\(ref) is not a dataset or a slice", expected: "dataset:name@3 or slice:name")
        }
    }

    /// The version whose content has this digest, if there is one.
    public func version(digest: Digest) async throws -> DatasetVersion? {
        try await platform.database.read { [store] in try store.version($0, digest: digest) }
    }

    public func files(of version: DatasetVersion) async throws -> [DatasetFile] {
        try await platform.database.read { db in
            var files: [DatasetFile] = []
            var page = PageRequest(limit: 10_000)
            while true {
                let found = try Manifests.entries(db, version.manifest, page)
                files += found.items.map {
                    DatasetFile(path: $0.path, digest: $0.object.digest, sizeBytes: $0.object.sizeBytes)
                }
                guard let next = found.next else { return files }
                page = PageRequest(limit: 10_000, after: next)
            }
        }
    }

    // MARK: Making versions

    /// Commits Parquet files as a new version. Files are moved into the object store.
    ///
    /// - Parameters:
    ///   - base: a version whose files the new one keeps (an append).
    ///   - isAppend: the new version must come right after `base` (be the first when that is nil), or nothing is lost only
    ///     by luck. `conflict` with the detail `latest` says that another version came first.
    ///   - key: with an append, the client's own id of it: the same key again gives the version that it made then.
    ///   - reusesNewest: the same content as the newest version gives that version.
    func commit(
        _ name: String, project: String, files: [(path: String, table: TableFile)], base: DatasetVersion?,
        isAppend: Bool = false, recipe: Recipe, parents: [Ref], message: String, key: String? = nil,
        reusesNewest: Bool = false, as principal: Principal
    ) async throws -> DatasetVersion {
        var added: [DatasetFile] = []
        let baseFiles = try await base.asyncMap { try await self.files(of: $0) } ?? []
        for (index, file) in files.enumerated() {
            let object = try await platform.objects.put(file: file.path, move: true)
            added.append(
                DatasetFile(
                    path: Self.partName(baseFiles.count + index), digest: object.digest, sizeBytes: object.sizeBytes))
        }
        let all = baseFiles + added
        let listing: JSONValue = .array(all.map { [.string($0.digest.hex), .int($0.sizeBytes)] })
        let draft = DatasetVersion(
            dataset: name, project: project, number: 0, manifest: "", digest: Digest.of(listing.canonicalText),
            columns: files.first?.table.columns ?? base?.columns ?? [],
            rowCount: (base?.rowCount ?? 0) + files.reduce(0) { $0 + $1.table.rows },
            sizeBytes: all.reduce(0) { $0 + $1.sizeBytes },
            fileCount: all.count, message: message, author: principal.name, created: platform.clock.now(),
            recipe: recipe)
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            try ProjectsStore().require(db, project)
            if try store.ensure(db, name: name, project: project, description: "", at: draft.created) {
                try ledger.append(db, "dataset.created", Ref(.dataset, name), project: project, by: principal)
            } else if let owner = try store.dataset(db, name)?.project, owner != project {
                throw SlipwayError(
                    .conflict, "The dataset \(name) belongs to the project \(owner), not to \(project).",
                    ref: Ref(.dataset, name))
            }
            if let key, let known = try store.appended(db, name, key: key),
                let made = try store.version(db, name, known)
            {
                return made
            }
            if reusesNewest, let newest = try store.version(db, name, nil), newest.digest == draft.digest {
                for parent in parents { try ledger.link(db, newest.ref, madeFrom: parent, recipe.kind) }
                return newest
            }
            let number = try store.nextNumber(db, name)
            if isAppend, (base?.number ?? 0) != number - 1 {
                throw SlipwayError(
                    .conflict, "Another version of \(name) was made meanwhile; try again.",
                    details: ["latest": String(number - 1)])
            }
            let ref = Ref(.dataset, name, version: number)
            let manifest = try Manifests.create(db, owner: ref, at: draft.created)
            try Manifests.setMany(
                db, manifest,
                all.map {
                    (try RelativePath(parsing: $0.path), ObjectInfo(digest: $0.digest, sizeBytes: $0.sizeBytes))
                }, at: draft.created)
            let version = draft.numbered(number, manifest: manifest)
            try store.insert(db, version)
            if let key { try store.rememberAppend(db, name, key: key, number: number) }
            for parent in parents { try ledger.link(db, ref, madeFrom: parent, recipe.kind) }
            if let base { try ledger.link(db, ref, madeFrom: base.ref, "append") }
            try ledger.append(
                db, "dataset.version.created", ref, project: project, by: principal,
                data: [
                    "digest": .string(version.digest.hex), "rows": .int(version.rowCount),
                    "files": JSONValue(version.fileCount),
                    "recipe": .string(recipe.kind),
                ])
            return version
        }
    }

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
            to: target, timeoutSeconds: 600)
        return try await commit(
            name, project: project, files: [(target, table)], base: nil, recipe: recipe, parents: parents,
            message: message, reusesNewest: true, as: principal)
    }

    static func partName(_ index: Int) -> String {
        "part-" + String(repeating: "0", count: max(0, 5 - String(index).count)) + "\(index).parquet"
    }

    // MARK: Slices

    /// Names a slice, or makes its next version.
    ///
    /// - Parameter condition: what follows WHERE, in DuckDB's SQL; tried out on the dataset before it is kept.
    public func createSlice(
        name: String, dataset datasetName: String, condition: String, description: String, as principal: Principal
    ) async throws -> Slice {
        try Name.validate(name)
        let version = try await resolve(Ref(.dataset, datasetName), as: principal)
        try principal.require(.writeDatasets, in: version.project)
        let now = platform.clock.now()
        let trial = Slice(
            name: name, version: 0, project: version.project, dataset: datasetName, condition: condition,
            description: description,
            owner: principal.name, created: now)
        // In two places, so that only a condition fits, with its brackets closed; profiles take it unchecked afterwards.
        _ = try await platform.tables.query(
            "SELECT count(CASE WHEN (\(condition)\n) THEN 1 END) FROM data WHERE (\(condition)\n)", parameters: [],
            inputs: [try await input(version, name: "data")], maxRows: 1, timeoutSeconds: 60)
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            let newest = try store.slice(db, name, nil)
            if let newest {
                guard newest.project == trial.project, newest.dataset == trial.dataset else {
                    throw SlipwayError(
                        .conflict, "The slice \(name) is over \(newest.dataset) in \(newest.project) already.",
                        ref: newest.ref)
                }
                if newest.condition == trial.condition, newest.description == trial.description { return newest }
            }
            let slice = trial.numbered((newest?.version ?? 0) + 1)
            try store.insert(db, slice)
            try ledger.append(db, "slice.created", slice.ref, project: slice.project, by: principal, data: slice.json)
            try ledger.link(db, slice.ref, madeFrom: Ref(.dataset, slice.dataset), "slice-of")
            return slice
        }
    }

    public func slice(_ ref: Ref, as principal: Principal) async throws -> Slice {
        guard let slice = try await platform.database.read({ [store] in try store.slice($0, ref.name, ref.version) })
        else {
            throw SlipwayError.notFound(ref)
        }
        try principal.require(.readDatasets, in: slice.project)
        return slice
    }

    public func slices(project: String?, dataset: String?, as principal: Principal) async throws -> [Slice] {
        try await platform.database.read { [store] in try store.slices($0, project: project, dataset: dataset) }
            .filter { principal.may(.readDatasets, in: $0.project) }
    }
}

extension DatasetVersion {
    fileprivate func numbered(_ number: Int, manifest: String) -> DatasetVersion {
        DatasetVersion(
            dataset: dataset, project: project, number: number, manifest: manifest, digest: digest, columns: columns,
            rowCount: rowCount,
            sizeBytes: sizeBytes, fileCount: fileCount, message: message, author: author, created: created,
            recipe: recipe)
    }
}

extension Slice {
    fileprivate func numbered(_ version: Int) -> Slice {
        Slice(
            name: name, version: version, project: project, dataset: dataset, condition: condition,
            description: description, owner: owner,
            created: created)
    }
}

extension Optional {
    func asyncMap<T>(_ transform: (Wrapped) async throws -> T) async rethrows -> T? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
