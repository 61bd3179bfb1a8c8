import Core
import Database
import Ledger
import Objects
import Platform

extension Permission {
    static let deleteDatasets = Permission("datasets.delete", .makers)
    /// Versions that registered models were made from: without them no model can be made again or explained.
    static let deleteTrainingData = Permission("datasets.delete-training-data", [.owner])
}

/// What a deletion would take away, or took away.
public struct Deletion: Sendable {
    public let versions: [DatasetVersion]
    /// Registered models that were made from these versions.
    public let models: [Ref: [Ref]]
    /// What only these versions hold: the next garbage collection frees it.
    public let freedObjects: Int
    public let freedBytes: Int64
    public let isDryRun: Bool

    public var json: JSONValue {
        [
            "dryRun": .bool(isDryRun), "versions": .array(versions.map { JSONValue($0.ref) }),
            "count": JSONValue(versions.count),
            "frees": ["objects": JSONValue(freedObjects), "bytes": .int(freedBytes)],
            "models": .array(
                models.sorted { $0.key < $1.key }.map { version, models in
                    ["version": JSONValue(version), "models": .array(models.map { JSONValue($0) })]
                }),
        ]
    }
}

extension DatasetsService {
    /// Gives up the files of a version; its record and its lineage stay.
    ///
    /// - Parameter force: also if registered models were made from it, which takes the owner's role.
    /// - Throws: `conflict` for the head of a branch, a tagged version, and one that models were made from (without `force`).
    public func deleteVersion(
        _ ref: Ref, dryRun: Bool, force: Bool, as principal: Principal
    ) async throws -> Deletion {
        let version = try await resolve(ref, as: principal)
        try principal.require(.deleteDatasets, in: version.project)
        let names = try await platform.database.read { [store] db in
            try store.named(db, version.dataset, .branch) + store.named(db, version.dataset, .tag)
        }.filter { $0.number == version.number }
        if let name = names.first {
            throw SlipwayError(
                .conflict,
                name.kind == .branch
                    ? "\(version.ref) is the head of the branch \(name.name). Delete the whole dataset, the branch, or an older version."
                    : "\(version.ref) is tagged \(name.name). Remove the tag first: slipway data tag rm \(version.dataset) \(name.name).",
                ref: version.ref)
        }
        return try await delete([version], of: nil, dryRun: dryRun, force: force, as: principal)
    }

    /// Gives up all versions, branches and tags of a dataset, and its name.
    public func deleteDataset(
        _ name: String, dryRun: Bool, force: Bool, as principal: Principal
    ) async throws -> Deletion {
        let dataset = try await self.dataset(name, as: principal)
        try principal.require(.deleteDatasets, in: dataset.project)
        let versions = try await allVersions(of: name)
        return try await delete(versions, of: dataset, dryRun: dryRun, force: force, as: principal)
    }

    /// Those whose files are there, newest first.
    func allVersions(of name: String) async throws -> [DatasetVersion] {
        var versions: [DatasetVersion] = []
        var page = PageRequest(limit: 1000)
        while true {
            let found = try await platform.database.read { [store, page] in
                try store.versions($0, name, branch: nil, page)
            }
            versions += found.items
            guard let next = found.next else { return versions }
            page = PageRequest(limit: 1000, after: next)
        }
    }

    /// - Parameter dataset: goes as well.
    func delete(
        _ versions: [DatasetVersion], of dataset: Dataset?, dryRun: Bool, force: Bool, as principal: Principal
    ) async throws -> Deletion {
        let models = try await modelsMade(from: versions)
        let freed = try await platform.objects.preview(
            releasing: Set(versions.filter { $0.tree != nil }.map(\.ref)), in: platform.database)
        let deletion = Deletion(
            versions: versions, models: models, freedObjects: freed.objects, freedBytes: freed.bytes, isDryRun: dryRun)
        if dryRun { return deletion }
        if !models.isEmpty {
            let shown = models.sorted { $0.key < $1.key }.prefix(3).map { version, models in
                "\(models.map(\.description).joined(separator: ", ")) from \(version)"
            }.joined(separator: "; ")
            guard force else {
                throw SlipwayError(
                    .conflict,
                    "Registered models were made from this data: \(shown). Without it they cannot be made again or explained. An owner can delete it all the same with --force.",
                    details: ["models": models.values.flatMap { $0 }.map(\.description).joined(separator: ",")],
                    ref: versions.first?.ref)
            }
            for project in Set(versions.map(\.project)) { try principal.require(.deleteTrainingData, in: project) }
        }
        let now = platform.clock.now()
        try await platform.database.write { [store, ledger = platform.ledger] db in
            for version in versions {
                // A branch or a tag may have come meanwhile.
                if dataset == nil, try store.isNamed(db, version) {
                    throw SlipwayError(
                        .conflict, "\(version.ref) has got a branch or a tag meanwhile.", ref: version.ref)
                }
                guard try store.markDeleted(db, version, at: now, by: principal.name) else { continue }
                if version.tree != nil {
                    try TreeRoots.release(db, owner: version.ref, at: now)
                } else {
                    try Manifests.delete(db, version.manifest)
                }
                try ledger.append(
                    db, "dataset.version.deleted", version.ref, project: version.project, by: principal,
                    data: [
                        "digest": .string(version.digest.hex), "bytes": .int(version.sizeBytes),
                        "models": .array((models[version.ref] ?? []).map { JSONValue($0) }),
                    ])
            }
            if let dataset {
                try store.removeDataset(db, dataset.name, at: now)
                try ledger.append(db, "dataset.deleted", dataset.ref, project: dataset.project, by: principal)
            }
        }
        return deletion
    }

    /// The registered models that were made from each version: through runs, steps and the like, but not through versions
    /// that were made from it, which have files of their own.
    func modelsMade(from versions: [DatasetVersion]) async throws -> [Ref: [Ref]] {
        var models: [Ref: [Ref]] = [:]
        for version in versions {
            var seen: Set<Ref> = [version.ref]
            var frontier = [version.ref]
            var found: Set<Ref> = []
            for _ in 0..<Self.lineageDepth where !frontier.isEmpty {
                var next: [Ref] = []
                for ref in frontier {
                    for edge in try await platform.ledger.lineage(of: ref, .downstream, depth: 1)
                    where edge.target.kind != .dataset && seen.insert(edge.target).inserted {
                        if edge.target.kind == .model { found.insert(edge.target) } else { next.append(edge.target) }
                    }
                }
                frontier = next
            }
            if !found.isEmpty { models[version.ref] = found.sorted() }
        }
        return models
    }

    private static let lineageDepth = 20
}

extension DatasetsStore {
    /// Whether a branch or a tag is at a version.
    func isNamed(_ db: any Transaction, _ version: DatasetVersion) throws -> Bool {
        try db.exists(
            "SELECT 1 FROM dataset_named_version WHERE dataset = \(version.dataset) AND number = \(version.number)")
    }

    /// Whether the version's files were there until now.
    func markDeleted(_ db: any Transaction, _ version: DatasetVersion, at time: Timestamp, by name: String) throws
        -> Bool
    {
        try db.execute(
            """
            UPDATE dataset_version SET deleted_ms = \(time), deleted_by = \(name)
            WHERE dataset = \(version.dataset) AND number = \(version.number) AND deleted_ms IS NULL
            """) == 1
    }

    func removeDataset(_ db: any Transaction, _ name: String, at time: Timestamp) throws {
        try db.execute("DELETE FROM dataset_named_version WHERE dataset = \(name)")
        try db.execute("DELETE FROM dataset_retention WHERE dataset = \(name)")
        try db.execute("DELETE FROM dataset_append_key WHERE dataset = \(name)")
        try db.execute("UPDATE dataset SET deleted_ms = \(time) WHERE name = \(name)")
    }
}
