import Core
import Objects
import Platform

extension DatasetsService {
    /// The files of a version, by path; Slipway's own among them only if the prefix asks for them.
    func fileEntries(
        _ ref: Ref, prefix: String, _ page: PageRequest, as principal: Principal
    ) async throws -> Page<TreeEntry> {
        let version = try await resolve(ref, as: principal)
        guard let root = version.tree else {
            let last = try Self.path(page)
            let all = try await entries(of: version).filter { $0.path.hasPrefix(prefix) && $0.path > last ?? "" }
            return Page(rows: all, limit: page.limit) { [.string($0.path)] }
        }
        let found = try await ObjectTree(platform.objects).entries(
            root, prefix: prefix, after: try Self.path(page), limit: page.limit + 2)
        let shown = FilesTree.isReserved(prefix) ? found : found.filter { !FilesTree.isReserved($0.path) }
        return Page(rows: shown, limit: page.limit) { [.string($0.path)] }
    }

    /// What is immediately in a folder of a version (nil: the root), by name.
    func fileChildren(
        _ ref: Ref, of folder: String?, _ page: PageRequest, as principal: Principal
    ) async throws -> Page<TreeChild> {
        let version = try await resolve(ref, as: principal)
        let root = try await tree(of: version)
        let found = try await ObjectTree(platform.objects).children(
            root, of: folder, after: try Self.path(page), limit: page.limit + 2)
        return Page(rows: found.filter { !FilesTree.isReserved($0.path) }, limit: page.limit) { [.string($0.path)] }
    }

    /// The paths in which a version differs from another of the dataset; Slipway's own among them, for copies.
    func fileChanges(
        _ ref: Ref, from: String?, _ page: PageRequest, as principal: Principal
    ) async throws -> Page<TreeChange> {
        let version = try await resolve(ref, as: principal)
        let before = try await from.asyncMap {
            try await tree(of: resolve(Ref(.dataset, version.dataset, selector: $0), as: principal))
        }
        let found = try await ObjectTree(platform.objects).changes(
            from: before, to: tree(of: version), after: try Self.path(page), limit: page.limit + 1)
        return Page(rows: found, limit: page.limit) { [.string($0.path)] }
    }

    /// One file of a version.
    func file(_ ref: Ref, _ path: String, as principal: Principal) async throws -> TreeEntry {
        let version = try await resolve(ref, as: principal)
        try await requirePersonalData(version, as: principal)
        return try await file(of: version, path)
    }

    /// - Throws: `notFound` when the version has no such file.
    func file(of version: DatasetVersion, _ path: String) async throws -> TreeEntry {
        let entry: TreeEntry?
        if let root = version.tree {
            entry = try await ObjectTree(platform.objects).entry(root, path: path)
        } else {
            entry = try await entries(of: version).first { $0.path == path }
        }
        guard let entry else {
            throw SlipwayError(.notFound, "\(version.ref) has no file '\(path.prefix(120))'.", ref: version.ref)
        }
        return entry
    }

    /// Files that are small enough to travel together.
    func filesToFetch(_ ref: Ref, _ paths: [String], as principal: Principal) async throws -> [TreeEntry] {
        let version = try await resolve(ref, as: principal)
        try await requirePersonalData(version, as: principal)
        let (root, tree) = (try await tree(of: version), ObjectTree(platform.objects))
        var entries: [TreeEntry] = []
        for path in paths {
            guard let entry = try await tree.entry(root, path: path) else {
                throw SlipwayError(.notFound, "\(version.ref) has no file '\(path.prefix(120))'.", ref: version.ref)
            }
            guard entry.chunks == nil, entry.object.sizeBytes <= ObjectFrames.maximumBytes else {
                throw SlipwayError(
                    .tooLarge, "'\(path.prefix(120))' is too large to travel with others; get it from …/files/ alone.")
            }
            entries.append(entry)
        }
        return entries
    }

    /// The tree of a version; of one of before there were trees, one that is made now and not kept.
    func tree(of version: DatasetVersion) async throws -> Digest {
        if let root = version.tree { return root }
        return try await ObjectTree(platform.objects).update(nil, put: entries(of: version)).digest
    }

    private static func path(_ page: PageRequest) throws -> String? {
        guard let cursor = page.after else { return nil }
        guard case .string(let path)? = cursor.keys.first, cursor.keys.count == 1 else {
            throw SlipwayError.field(
                "after", "is not a cursor of this listing", expected: "the 'next' of the previous page, unchanged")
        }
        return path
    }
}
