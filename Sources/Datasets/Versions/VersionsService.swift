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
    let tableCache: TableCache
    let driftReferences = DriftReferences()
    /// Who appends to which branch.
    let turns = Turns()
    let events: EventFlusher

    /// How much disk the rows of evaluated slices may take.
    private static let cacheMaximumBytes: Int64 = 20 << 30

    public init(_ platform: Platform) {
        self.platform = platform
        tableCache = TableCache(
            folder: platform.dataDirectory + "/cache/tables", maximumBytes: Self.cacheMaximumBytes)
        events = EventFlusher(clock: platform.clock)
    }

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

    /// Newest first; of one branch, or of all.
    public func versions(
        _ name: String, branch: String? = nil, _ page: PageRequest, as principal: Principal
    ) async throws -> Page<DatasetVersion> {
        _ = try await dataset(name, as: principal)
        return try await platform.database.read { [store] in
            try store.versions($0, name, branch: branch, page)
        }
    }

    /// Makes an empty dataset; the same again is not an error.
    public func create(
        _ name: String, project: String, kind: Dataset.Kind, key: [String], description: String,
        as principal: Principal
    ) async throws -> Dataset {
        try principal.require(.writeDatasets, in: project)
        try Name.validate(name)
        let wanted = Dataset(
            name: name, project: project, kind: kind, key: kind == .files ? ["path"] : key, description: description,
            created: platform.clock.now(), latest: nil)
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            try ProjectsStore().require(db, project)
            if try store.ensure(db, wanted) {
                try ledger.append(
                    db, "dataset.created", wanted.ref, project: project, by: principal,
                    data: ["kind": .string(kind.rawValue), "key": JSONValue(wanted.key)])
                return wanted
            }
            guard let known = try store.dataset(db, name), known.project == project, known.kind == kind else {
                throw SlipwayError(.conflict, "There is already another dataset named \(name).", ref: wanted.ref)
            }
            return known
        }
    }

    /// Changes what is said about a dataset: its key columns, which its newest version must have, and its description.
    public func update(
        _ name: String, key: [String]?, description: String?, as principal: Principal
    ) async throws -> Dataset {
        let known = try await dataset(name, as: principal)
        try principal.require(.writeDatasets, in: known.project)
        if let key {
            if known.kind == .files, key != ["path"] {
                throw SlipwayError.field("key", "cannot be changed: files are known by their path")
            }
            try await requireColumns(key, of: known, field: "key")
        }
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            try store.update(db, name, key: key, description: description)
            try ledger.append(
                db, "dataset.updated", known.ref, project: known.project, by: principal,
                data: ["key": key.map { JSONValue($0) } ?? .null, "description": JSONValue(description)])
            guard let changed = try store.dataset(db, name) else { throw SlipwayError.notFound(known.ref) }
            return changed
        }
    }

    private func requireColumns(_ names: [String], of dataset: Dataset, field: String) async throws {
        guard
            let newest = try await platform.database.read({ [store] in try store.version($0, dataset.name, .latest) })
        else { return }
        let known = newest.columns.map(\.name)
        for name in names where !known.contains(name) {
            throw SlipwayError.field(
                field, "\(newest.ref) has no column '\(name.prefix(80))'",
                expected: "some of \(known.joined(separator: ", "))")
        }
    }

    /// A version by number (`dataset:name@3`), tag or branch (`dataset:name@prod`); without a selector, or with `latest`,
    /// the head of main. A slice's ref gives the version that it chooses from.
    ///
    /// - Throws: `notFound`, also for a version whose files were deleted, unless `orDeleted`.
    public func resolve(
        _ ref: Ref, orDeleted: Bool = false, as principal: Principal
    ) async throws -> DatasetVersion {
        switch ref.kind {
        case .slice:
            let chain = try await chain(ref, as: principal)
            let pinned = try SliceSelector(ref.selector).datasetVersion
            return try await resolve(
                pinned.map { Ref(.dataset, chain.top.dataset, version: $0) } ?? chain.base, orDeleted: orDeleted,
                as: principal)
        case .dataset:
            let dataset = try await dataset(ref.name, as: principal)
            guard
                let version = try await platform.database.read({ [store] in
                    try store.version($0, ref.name, VersionSelector(ref.selector))
                })
            else {
                throw SlipwayError.notFound(
                    ref,
                    hint: dataset.latest.map {
                        "The newest version is \($0); 'slipway data branch list \(ref.name)' and 'data tag list' show names."
                    } ?? "It has no versions yet.")
            }
            if let deleted = version.deleted, !orDeleted {
                throw SlipwayError.notFound(
                    version.ref, hint: "Its files were deleted at \(deleted); 'slipway data show' has its record.")
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

    /// The files of a version, by path, without Slipway's own; all of them in memory.
    public func files(of version: DatasetVersion) async throws -> [DatasetFile] {
        try await entries(of: version).filter { !FilesTree.isReserved($0.path) }.map {
            DatasetFile(path: $0.path, digest: $0.object.digest, sizeBytes: $0.object.sizeBytes)
        }
    }

    /// The files of a version as they are stored, by path; those of old versions come from their manifest.
    func entries(of version: DatasetVersion) async throws -> [TreeEntry] {
        if let root = version.tree {
            let tree = ObjectTree(platform.objects)
            var entries: [TreeEntry] = []
            while true {
                let some = try await tree.entries(root, after: entries.last?.path, limit: Self.entriesAtOnce)
                entries += some
                if some.count < Self.entriesAtOnce { return entries }
            }
        }
        return try await platform.database.read { db in
            var entries: [TreeEntry] = []
            var page = PageRequest(limit: Self.entriesAtOnce)
            while true {
                let found = try Manifests.entries(db, version.manifest, page)
                entries += try found.items.map {
                    TreeEntry(path: try RelativePath(parsing: $0.path), object: $0.object)
                }
                guard let next = found.next else { return entries }
                page = PageRequest(limit: Self.entriesAtOnce, after: next)
            }
        }
    }

    static let entriesAtOnce = 10_000
}

extension Optional {
    func asyncMap<T>(_ transform: (Wrapped) async throws -> T) async rethrows -> T? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
