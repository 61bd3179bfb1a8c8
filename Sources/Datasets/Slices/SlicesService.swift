import Core
import Database
import Ledger
import Platform
import Tables

extension DatasetsService {
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

extension Slice {
    fileprivate func numbered(_ version: Int) -> Slice {
        Slice(
            name: name, version: version, project: project, dataset: dataset, condition: condition,
            description: description, owner: owner,
            created: created)
    }
}
