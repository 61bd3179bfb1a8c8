import Core
import Database
import Datasets
import Ledger

extension RegistryService {
    // MARK: Approvals

    /// Records a person's word on a version.
    ///
    /// - Throws: `forbidden` when the principal registered the version and the policy does not let it approve its own.
    public func decide(
        _ name: String, _ number: Int, _ decision: Approval.Decision, comment: String, as principal: Principal
    ) async throws -> ModelVersion {
        let now = now
        return try await database.write { [self] db in
            let (model, version) = try version(db, name, number, .approveModels, principal)
            if decision == .approve, version.owner == principal.name, !model.policy.allowsSelfApproval {
                throw SlipwayError(
                    .forbidden,
                    "\(principal.name) registered \(version.ref) and so cannot approve it. Another ML engineer or owner can; "
                        + "or an owner allows it with 'slipway model policy \(name) --self-approval'.",
                    details: ["owner": version.owner], ref: version.ref)
            }
            try store.insert(
                db, version.key, Approval(decision: decision, comment: comment, by: principal.name, time: now))
            let after = try store.version(db, model, number)
            try ledger.append(
                db, decision == .approve ? "model.approved" : "model.rejected", version.ref, project: model.project,
                by: principal,
                data: ["comment": .string(comment), "state": .string(after.approval.rawValue)])
            return after
        }
    }

    /// Oldest first.
    public func approvals(_ version: ModelVersion) async throws -> [Approval] {
        try await database.read { [store] db in try store.approvals(db, version.key) }
    }

    // MARK: Evaluations

    /// Records metrics of a version on a dataset version, or on a slice of one. Measuring again adds another record; the
    /// newest counts. What was measured on is written down with its version numbers, so that only like is compared.
    ///
    /// - Parameters:
    ///   - dataset: a version, or nil with a slice: then the newest version of the slice's dataset.
    ///   - metrics: by name; a NaN is kept and never wins.
    /// - Throws: `invalid` when neither is named or they do not fit together; `notFound`.
    public func evaluate(
        _ name: String, _ number: Int, dataset: Ref?, slice: Ref?, run: Ref? = nil, metrics: [String: Double],
        as principal: Principal
    ) async throws -> Evaluation {
        let (dataset, slice) = try await pinned(dataset, slice, as: principal)
        if let run, run.kind != .run { throw SlipwayError.field("run", "is \(run)", expected: "a run") }
        guard !metrics.isEmpty, metrics.count <= 1000, metrics.keys.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 250 })
        else {
            throw SlipwayError.field("metrics", "has \(metrics.count) entries", expected: "1 to 1000 numbers by name")
        }
        let now = now
        let evaluation = Evaluation(
            id: ID.make(at: now), dataset: dataset, slice: slice, run: run, metrics: metrics, created: now,
            createdBy: principal.name)
        return try await database.write { [self] db in
            let (model, version) = try version(db, name, number, .writeModels, principal)
            try store.insert(db, version.key, evaluation)
            for source in [dataset, slice].compactMap({ $0 }) {
                try ledger.link(db, version.ref, madeFrom: source, "evaluated-on")
            }
            try ledger.append(
                db, "model.evaluated", version.ref, project: model.project, by: principal, data: evaluation.json)
            return evaluation
        }
    }

    /// The refs with version numbers.
    private func pinned(_ dataset: Ref?, _ slice: Ref?, as principal: Principal) async throws -> (
        dataset: Ref, slice: Ref?
    ) {
        var dataset = dataset
        var slice = slice
        if let named = slice {
            guard named.kind == .slice else {
                throw SlipwayError.field("slice", "is \(named)", expected: "a slice such as slice:perishable")
            }
            let found = try await datasets.slice(named, as: principal)
            guard dataset.map({ $0.name == found.dataset }) ?? true else {
                throw SlipwayError.field(
                    "slice", "\(found.ref) is a slice of dataset:\(found.dataset), not of \(dataset?.name ?? "")")
            }
            dataset = dataset ?? Ref(.dataset, found.dataset)
            slice = found.ref
        }
        guard let dataset else {
            throw SlipwayError.field(
                "dataset", "is missing, and so is slice",
                expected: "what the metrics were measured on, as in dataset:sales@3")
        }
        guard dataset.kind == .dataset else {
            throw SlipwayError.field("dataset", "is \(dataset)", expected: "a dataset such as dataset:sales@3")
        }
        return (Ref(.dataset, dataset.name, version: try await datasets.resolve(dataset, as: principal).number), slice)
    }

    /// Oldest first.
    public func evaluations(_ version: ModelVersion) async throws -> [Evaluation] {
        try await database.read { [store] db in try store.evaluations(db, version.key) }
    }

    // MARK: Promotion

    /// Gives an alias to a version if it beats the holder and has its approvals, in one transaction.
    ///
    /// - Throws: `conflict` with the reasons when it does not; the refusal is on record as `model.promotion.refused`.
    public func promote(
        _ name: String, _ number: Int, to alias: String, by promotion: Promotion, as principal: Principal
    ) async throws -> Promotion.Decision {
        try ModelAlias.validate(alias)
        let now = now
        let ref = Ref(.model, name, version: number)
        let decision = try await database.write { [self] db in
            let (model, version) = try version(db, name, number, .promoteModels, principal)
            func contender(_ version: ModelVersion) throws -> Promotion.Contender {
                Promotion.Contender(ref: version.ref, evaluations: try store.evaluations(db, version.key))
            }
            let holder = try store.aliasVersion(db, model: model.id, alias).map { try store.version(db, model, $0) }
            let gate = ApprovalGate(policy: model.policy, alias: alias, approvals: try store.approvals(db, version.key))
            let decision = promotion.decide(
                challenger: try contender(version), holder: try holder.map(contender), approvalRefusal: gate.refusal)
            var data = decision.json.objectValue ?? [:]
            data["alias"] = .string(alias)
            data["metric"] = .string(promotion.metric)
            data["direction"] = .string(promotion.direction.rawValue)
            data["minimumImprovement"] = .string(promotion.minimumImprovement.description)
            data["holder"] = JSONValue(holder?.ref.description)
            if decision.promotes {
                try moveAlias(db, model, version, alias, reason: "promoted", principal, now)
            }
            try ledger.append(
                db, decision.promotes ? "model.promoted" : "model.promotion.refused", version.ref,
                project: model.project, by: principal,
                data: .object(data))
            return decision
        }
        guard decision.promotes else {
            throw SlipwayError(
                .conflict, "\(ref) does not take '\(alias)': \(decision.reasons.joined(separator: "; ")).",
                details: ["state": "refused", "alias": alias], ref: ref)
        }
        return decision
    }
}
