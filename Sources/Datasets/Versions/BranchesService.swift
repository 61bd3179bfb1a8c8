import Core
import Database
import Ledger
import Platform

extension DatasetsService {
    /// The branches or the tags of a dataset, by name.
    public func named(
        _ dataset: String, _ kind: NamedVersion.Kind, as principal: Principal
    ) async throws -> [NamedVersion] {
        _ = try await self.dataset(dataset, as: principal)
        return try await platform.database.read { [store] in try store.named($0, dataset, kind) }
    }

    /// Makes a branch or a tag at a version.
    ///
    /// The same again is not an error. A branch that is there stays where it is: `conflict` if that is another version,
    /// since moving it could lose versions made on it.
    public func name(
        _ version: Ref, _ name: String, as kind: NamedVersion.Kind, moving: Bool = false, by principal: Principal
    ) async throws -> NamedVersion {
        let version = try await resolve(version, as: principal)
        try principal.require(.writeDatasets, in: version.project)
        try NamedVersion.validate(name, field: kind.rawValue)
        let wanted = NamedVersion(
            kind: kind, dataset: version.dataset, name: name, number: version.number, author: principal.name,
            created: platform.clock.now())
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            if let known = try store.named(db, version.dataset, name) {
                if known.kind == kind, known.number == version.number { return known }
                guard known.kind == kind, kind == .tag, moving else {
                    throw SlipwayError(
                        .conflict,
                        "The \(known.kind.rawValue) \(name) of \(version.dataset) is at version \(known.number) already.",
                        details: ["version": String(known.number)], ref: known.ref)
                }
            }
            try store.set(db, wanted)
            try ledger.append(
                db, "dataset.\(kind.rawValue).set", wanted.ref, project: version.project, by: principal,
                data: ["version": JSONValue(version.number)])
            return wanted
        }
    }

    /// Removes a branch or a tag; the versions stay. Main stays too.
    public func removeName(
        _ dataset: String, _ name: String, _ kind: NamedVersion.Kind, as principal: Principal
    ) async throws {
        let owner = try await self.dataset(dataset, as: principal)
        try principal.require(.writeDatasets, in: owner.project)
        guard name != Dataset.mainBranch else {
            throw SlipwayError(
                .conflict, "The branch main of \(dataset) stays as long as the dataset does.", ref: owner.ref)
        }
        try await platform.database.write { [store, ledger = platform.ledger] db in
            guard let known = try store.named(db, dataset, name), known.kind == kind else {
                throw SlipwayError.notFound(Ref(.dataset, dataset, selector: name))
            }
            try store.removeNamed(db, dataset, name)
            try ledger.append(
                db, "dataset.\(kind.rawValue).removed", known.ref, project: owner.project, by: principal,
                data: ["version": JSONValue(known.number)])
        }
    }
}
