import Core
import Database
import Ledger
import Platform
import Tables

extension DatasetsService {
    /// A slice of a slice of a slice …: at most so many.
    static let sliceDepthMaximum = 16

    /// Names a slice, or makes its next version. The same again is not an error.
    ///
    /// - Parameters:
    ///   - over: a dataset (with a version, tag or branch, or main's newest) or a slice, whose newest version it is then.
    ///   - rule: tried out on what there is before it is kept.
    public func createSlice(
        name: String, over: Ref, rule: SliceRule, description: String = "", purpose: String = "", owner: String? = nil,
        as principal: Principal
    ) async throws -> Slice {
        try Name.validate(name)
        let dataset: String
        let project: String
        let pinned: Ref
        switch over.kind {
        case .slice:
            let base = try await slice(over, as: principal)
            (dataset, project, pinned) = (base.dataset, base.project, base.ref)
        default:
            let version = try await resolve(over, as: principal)
            (dataset, project, pinned) = (version.dataset, version.project, over)
        }
        try principal.require(.writeDatasets, in: project)
        let trial = Slice(
            name: name, version: 0, project: project, over: pinned, dataset: dataset, rule: rule,
            description: description, purpose: purpose, owner: owner ?? principal.name,
            created: platform.clock.now())
        try await tryOut(trial, as: principal)
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            let newest = try store.slice(db, name, nil)
            if let newest {
                guard newest.project == trial.project, newest.dataset == trial.dataset else {
                    throw SlipwayError(
                        .conflict, "The slice \(name) is over \(newest.dataset) in \(newest.project) already.",
                        ref: newest.ref)
                }
                if newest == trial.numbered(newest.version, created: newest.created) { return newest }
            }
            let slice = trial.numbered((newest?.version ?? 0) + 1)
            try store.insert(db, slice)
            try ledger.append(db, "slice.created", slice.ref, project: slice.project, by: principal, data: slice.json)
            let above = pinned.kind == .slice ? pinned : Ref(.dataset, slice.dataset, selector: pinned.selector)
            try ledger.link(db, slice.ref, madeFrom: above, "slice-of")
            if case .wrong(let wrong) = rule { try ledger.link(db, slice.ref, madeFrom: wrong.predictions, "slice-of") }
            return slice
        }
    }

    /// The rule must give rows' columns and nothing else.
    private func tryOut(_ slice: Slice, as principal: Principal) async throws {
        var chain = SliceChain(slice: slice)
        if slice.over.kind == .slice { chain = try await self.chain(slice.over, as: principal).with(slice) }
        let plan = try await plan(chain, datasetVersion: nil, name: "data", as: principal)
        if case .condition(let condition) = slice.rule {
            // With brackets around it and without, so that only a condition fits whose own are closed: 'a) OR (b' would
            // take rows that a slice below it leaves out.
            _ = try await platform.tables.query(
                "SELECT count(CASE WHEN \(condition)\n THEN 1 END) FROM data WHERE (\(condition)\n)", parameters: [],
                inputs: plan.inputs.filter { $0.name == "data" }, maxRows: 1, timeoutSeconds: 60)
        }
        _ = try await platform.tables.query(
            "SELECT count(*) FROM (\(plan.sql)\n)", parameters: [], inputs: plan.inputs, maxRows: 1,
            timeoutSeconds: 60)
    }

    /// Makes all parts of a split at once: `PREFIX-PART` each.
    public func createSplit(
        prefix: String, over: Ref, split: SliceRule.Split, description: String, purpose: String,
        as principal: Principal
    ) async throws -> [Slice] {
        var made: [Slice] = []
        for part in split.parts {
            made.append(
                try await createSlice(
                    name: "\(prefix)-\(part.name)", over: over, rule: .split(split.with(part: part.name)),
                    description: description, purpose: purpose, owner: nil, as: principal))
        }
        return made
    }

    public func slice(_ ref: Ref, as principal: Principal) async throws -> Slice {
        let selector = try SliceSelector(ref.selector)
        guard
            let slice = try await platform.database.read({ [store] in
                try store.slice($0, ref.name, selector.version)
            })
        else {
            throw SlipwayError.notFound(ref, hint: "'slipway slice list' shows what there is.")
        }
        try principal.require(.readDatasets, in: slice.project)
        return slice
    }

    public func slices(project: String?, dataset: String?, as principal: Principal) async throws -> [Slice] {
        try await platform.database.read { [store] in try store.slices($0, project: project, dataset: dataset) }
            .filter { principal.may(.readDatasets, in: $0.project) }
    }

    /// How many rows a slice has now, of how many.
    public func size(ofSlice ref: Ref, as principal: Principal) async throws -> JSONValue {
        let rows = try await rows(of: ref, name: "data", as: principal)
        let count = try await platform.tables.rowCount(of: rows.input)
        let all = rows.version.rowCount
        return [
            "slice": JSONValue(rows.ref), "dataset": JSONValue(rows.version.ref), "rows": .int(count), "of": .int(all),
            "share": all == 0 ? .null : JSONValue(Double(count) / Double(all)),
        ]
    }
}

extension Slice {
    fileprivate func numbered(_ version: Int, created: Timestamp? = nil) -> Slice {
        Slice(
            name: name, version: version, project: project, over: over, dataset: dataset, rule: rule,
            description: description, purpose: purpose, owner: owner, created: created ?? self.created)
    }
}
