import Core
import Database
import Ledger
import Objects
import Platform

extension TrackingService {
    /// Stores a file among the owner's artifacts, or replaces the one of that path; constant memory.
    ///
    /// - Throws: `notFound` when there is no such owner; `conflict` when the path is a folder or leads through a file, or
    ///   the owner keeps its artifacts elsewhere.
    @discardableResult
    public func putArtifact(
        _ contents: some AsyncSequence<[UInt8], any Error> & Sendable, at path: RelativePath, of owner: ArtifactOwner,
        maximumBytes: Int64? = nil, as principal: Principal
    ) async throws -> ObjectInfo {
        // Before the bytes: nobody uploads gigabytes to learn that there is no such run.
        try TrackingRules.artifactPath(path.description)
        _ = try await database.read { [self] db in try requireKept(db, owner, .writeRuns, principal) }
        let object = try await platform.objects.put(contentsOf: contents, maximumBytes: maximumBytes)
        try await setArtifacts([(path, object)], of: owner, as: principal)
        return object
    }

    /// Refers to objects that are in the store already, as the owner's artifacts.
    public func setArtifacts(
        _ files: [(path: RelativePath, object: ObjectInfo)], of owner: ArtifactOwner, as principal: Principal
    ) async throws {
        for file in files { try TrackingRules.artifactPath(file.path.description) }
        let now = now
        try await database.write { [self] db in
            try requireKept(db, owner, .writeRuns, principal)
            let manifest =
                try Self.manifest(db, owner)
                ?? Manifests.create(db, owner: owner.ref, id: owner.ref.description, at: now)
            try Manifests.setMany(db, manifest, files, at: now)
        }
    }

    /// What is immediately in a folder (nil: the owner's own), folders first; a folder that does not exist is empty.
    public func artifacts(
        in folder: RelativePath?, of owner: ArtifactOwner, as principal: Principal
    ) async throws -> [ArtifactEntry] {
        try await database.read { [self] db in
            try requireKept(db, owner, .readRuns, principal)
            guard let manifest = try Self.manifest(db, owner) else { return [] }
            var entries: [ArtifactEntry] = []
            var after: Cursor?
            repeat {
                let page = try Manifests.children(db, manifest, of: folder, PageRequest(limit: 1000, after: after))
                entries += page.items.map {
                    ArtifactEntry(path: $0.path, sizeBytes: $0.object?.sizeBytes, digest: $0.object?.digest)
                }
                after = page.next
            } while after != nil
            return entries
        }
    }

    /// All files below a folder (nil: all), by path.
    public func artifactFiles(
        below folder: RelativePath?, of owner: ArtifactOwner, as principal: Principal
    ) async throws -> [(path: String, object: ObjectInfo)] {
        let prefix = folder.map { $0.description + "/" } ?? ""
        return try await database.read { [self] db in
            try requireKept(db, owner, .readRuns, principal)
            guard let manifest = try Self.manifest(db, owner) else { return [] }
            var files: [(path: String, object: ObjectInfo)] = []
            var after: Cursor?
            repeat {
                let page = try Manifests.entries(db, manifest, PageRequest(limit: 1000, after: after))
                files += page.items.filter { $0.path.hasPrefix(prefix) }.map { ($0.path, $0.object) }
                after = page.next
            } while after != nil
            return files
        }
    }

    /// The object of one file; its bytes are `platform.objects.stream` of it.
    ///
    /// - Throws: `notFound`; `invalid` for a folder.
    public func artifact(
        _ path: RelativePath, of owner: ArtifactOwner, as principal: Principal
    ) async throws -> (object: ObjectInfo, stream: ObjectStream) {
        let object = try await database.read { [self] db -> ObjectInfo in
            try requireKept(db, owner, .readRuns, principal)
            if let manifest = try Self.manifest(db, owner) {
                if let entry = try Manifests.entry(db, manifest, path: path) { return entry.object }
                if try !Manifests.children(db, manifest, of: path, PageRequest(limit: 1)).items.isEmpty {
                    throw SlipwayError.field(
                        "path", "Artifact path refers to a directory, not a file: '\(path)'",
                        expected: "the path of a file")
                }
            }
            throw SlipwayError(
                .notFound, "No such artifact: '\(path)'", details: ["path": path.description], ref: owner.ref)
        }
        return (object, platform.objects.stream(object.digest))
    }

    /// Removes a file, or a folder with all in it; what is not there is removed already. The bytes go when nothing else
    /// refers to them.
    public func deleteArtifacts(_ path: RelativePath?, of owner: ArtifactOwner, as principal: Principal) async throws {
        try await database.write { [self] db in
            let project = try requireKept(db, owner, .writeRuns, principal)
            guard let manifest = try Self.manifest(db, owner) else { return }
            var count = 1
            if let path {
                if try !Manifests.remove(db, manifest, path: path) {
                    count = try Manifests.removeFolder(db, manifest, path: path)
                }
            } else {
                try Manifests.delete(db, manifest)
            }
            if count > 0 {
                try ledger.append(
                    db, "artifacts.deleted", owner.ref, project: project, by: principal,
                    data: ["path": JSONValue(path?.description)])
            }
        }
    }

    /// The owner that a location names, if it exists and keeps its artifacts there.
    ///
    /// - Throws: `notFound`.
    public func owner(at location: ArtifactLocation, as principal: Principal) async throws -> ArtifactOwner {
        try await database.read { [self] db in
            guard let found = try place(db, location.owner), found.location == location.root else {
                throw SlipwayError.notFound(location.owner.ref)
            }
            try principal.require(.readRuns, in: found.project)
            return location.owner
        }
    }

    // MARK: Parts

    private func place(_ db: any Transaction, _ owner: ArtifactOwner) throws -> (location: String, project: String)? {
        switch owner {
        case .run(let id): try runs.info(db, id: id).map { ($0.artifactLocation, $0.project) }
        case .model(let id): try models.model(db, id: id).map { ($0.artifactLocation, $0.project) }
        }
    }

    /// - Returns: the owner's project.
    @discardableResult
    func requireKept(
        _ db: any Transaction, _ owner: ArtifactOwner, _ permission: Permission, _ principal: Principal
    ) throws -> String {
        guard let found = try place(db, owner) else { throw SlipwayError.notFound(owner.ref) }
        try principal.require(permission, in: found.project)
        guard found.location.hasPrefix(ArtifactLocation.scheme) else {
            throw SlipwayError(
                .conflict, "\(owner.ref) keeps its artifacts at \(found.location.prefix(200)), not in this server.",
                details: ["state": "elsewhere"], ref: owner.ref)
        }
        return found.project
    }

    private static func manifest(_ db: any Transaction, _ owner: ArtifactOwner) throws -> String? {
        try Manifests.ids(db, owner: owner.ref).first
    }
}
