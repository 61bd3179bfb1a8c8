import Core
import Database
import Ledger
import Projects

extension TrackingService {
    private var saved: SavedSearchStore { SavedSearchStore() }

    /// Saves a search, or replaces the one of that name.
    ///
    /// - Parameter shared: for all of the project, which takes `runs.write`; else for the principal alone.
    /// - Throws: `invalid` for a search that could not be made; `tooLarge` past the number of them.
    public func saveSearch(
        _ name: String, _ terms: SavedSearch.Terms, project: String, shared: Bool, as principal: Principal
    ) async throws -> SavedSearch {
        try principal.require(shared ? .writeRuns : .readRuns, in: project)
        try Name.validate(name)
        let search = SavedSearch(
            project: project, name: name, owner: shared ? nil : principal.name, terms: terms, savedBy: principal.name,
            saved: now)
        return try await database.write { [self] db in
            try ProjectsStore().require(db, project)
            for id in terms.experiments {
                let experiment = try experiment(db, key: Experiment.key(of: id), .readRuns, principal)
                guard experiment.project == project else {
                    throw SlipwayError.field(
                        "experiments", "has \(id), which is of the project \(experiment.project)",
                        expected: "experiments of the project \(project)")
                }
            }
            // Asked of no experiment: says what a search would say of fields, types and order.
            let finder = RunFinder(db, experiments: [])
            if let filter = try Filter.parse(terms.filter) { _ = try finder.runs(filter) }
            _ = try RunOrder(try terms.terms(), finder, sortMaximum: 1)
            let isNew = try saved.one(db, project: project, owner: search.owner, name: name) == nil
            guard try !isNew || saved.count(db, project: project, owner: search.owner) < SavedSearch.maximum else {
                throw SlipwayError(
                    .tooLarge, "There are \(SavedSearch.maximum) saved searches already. Delete some.",
                    details: ["limit": String(SavedSearch.maximum)])
            }
            try saved.put(db, search)
            try ledger.append(
                db, "search.saved", Ref(.project, project), project: project, by: principal,
                data: ["name": .string(name), "shared": .bool(shared)])
            return search
        }
    }

    /// The principal's own searches and those that the project shares, by name.
    public func savedSearches(project: String, as principal: Principal) async throws -> [SavedSearch] {
        try principal.require(.readRuns, in: project)
        return try await database.read { [saved] db in
            try ProjectsStore().require(db, project)
            return try saved.all(db, project: project, owner: principal.name)
        }
    }

    /// The search of this name: the principal's own, else the shared one.
    ///
    /// - Throws: `notFound`.
    public func savedSearch(_ name: String, project: String, as principal: Principal) async throws -> SavedSearch {
        try principal.require(.readRuns, in: project)
        return try await database.read { [saved] db in
            guard
                let found = try saved.one(db, project: project, owner: principal.name, name: name)
                    ?? saved.one(db, project: project, owner: nil, name: name)
            else { throw Self.noSearch(name, project) }
            return found
        }
    }

    /// - Parameter shared: the one that the project shares; else the principal's own.
    /// - Throws: `notFound`.
    public func deleteSavedSearch(_ name: String, project: String, shared: Bool, as principal: Principal) async throws {
        try principal.require(shared ? .writeRuns : .readRuns, in: project)
        try await database.write { [saved, ledger] db in
            guard try saved.delete(db, project: project, owner: shared ? nil : principal.name, name: name) else {
                throw Self.noSearch(name, project)
            }
            try ledger.append(
                db, "search.deleted", Ref(.project, project), project: project, by: principal,
                data: ["name": .string(name), "shared": .bool(shared)])
        }
    }

    private static func noSearch(_ name: String, _ project: String) -> SlipwayError {
        SlipwayError(
            .notFound,
            "There is no saved search '\(name.prefix(80))' in the project \(project). 'slipway run saved' lists those that there are."
        )
    }
}
