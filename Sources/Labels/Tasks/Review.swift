import Core
import Database
import Ledger
import Platform

/// What a reviewer says about an item.
public enum ReviewDecision: Sendable {
    /// An annotation is the item's label.
    case accept
    /// An annotation is to be done again.
    case reject
    /// The label is this.
    case correct(JSONValue)
    /// What was decided is open again.
    case reopen
}

extension LabelsService {
    /// Decides about an item.
    ///
    /// - Parameter annotator: whose annotation is accepted or rejected; may be left out when there is only one, or (to
    ///   accept) when all say the same.
    /// - Throws: `forbidden` when a reviewer accepts their own annotation, unless they own the project.
    public func review(
        _ name: String, _ number: Int64, _ decision: ReviewDecision, annotator: String?, comment: String?,
        as principal: Principal
    ) async throws -> LabelItem {
        let comment = try Self.comment(comment)
        let corrected: JSONValue? =
            if case .correct(let value) = decision {
                try await checked(value, name, number, as: principal).json
            } else { nil }
        let now = platform.clock.now()
        return try await platform.database.write { [self] db in
            let task = try require(db, name)
            try requireReviewer(task, principal)
            try requireOpen(task)
            let kind = try self.definition(db, of: task).kind
            guard let item = try items.item(db, task, kind, number) else { throw noItem(task, number) }
            let work = try works.work(db, task.id, number)
            var change = LabelChange(
                number: number, time: now, actor: principal.name, action: .corrected, annotator: nil, value: corrected,
                comment: comment, seconds: nil)
            switch decision {
            case .correct:
                try decide(
                    db, task, item, .corrected, LabelItem.Final(value: corrected ?? .null, by: principal.name, at: now))
                for var one in work where one.state == .accepted {
                    one.state = .submitted
                    try works.put(db, task.id, one)
                }
            case .accept:
                let chosen = try Self.chosen(work, annotator, task, number, allSameWillDo: true)
                guard mayAccept(chosen.annotator, task, principal) else {
                    throw SlipwayError(
                        .forbidden,
                        "\(principal.name) cannot accept an annotation of their own; another reviewer can.",
                        ref: task.ref)
                }
                try accept(db, task, item, work, chosen, comment, at: now, by: principal)
                guard let after = try items.item(db, task, kind, number) else { throw noItem(task, number) }
                return after
            case .reject:
                var chosen = try Self.chosen(work, annotator, task, number, allSameWillDo: false)
                if item.state.isReviewed { try decide(db, task, item, .complete, nil) }
                guard let reopened = try items.item(db, task, kind, number) else { throw noItem(task, number) }
                try removeVote(db, task, reopened)
                (chosen.state, chosen.comment) = (.rejected, comment)
                try works.put(db, task.id, chosen)
                try store.count(db, task.id, annotator: chosen.annotator, submitted: -1, rejected: 1, at: now)
                change = change.about(.rejected, chosen.annotator, chosen.value)
            case .reopen:
                guard item.state.isReviewed else {
                    throw SlipwayError(.conflict, "Item \(number) of \(task.name) is not reviewed.", ref: task.ref)
                }
                try decide(db, task, item, .complete, nil)
                for var one in work where one.state == .accepted {
                    one.state = .submitted
                    try works.put(db, task.id, one)
                }
                change = change.about(.reopened, item.final?.by, item.final?.value)
            }
            try works.remember(db, task.id, change)
            guard let after = try items.item(db, task, kind, number) else { throw noItem(task, number) }
            return after
        }
    }

    /// Sets what a reviewer decided, or (nil) that nothing is decided, and keeps the task's counts.
    private func decide(
        _ db: any Transaction, _ task: LabelTask, _ item: LabelItem, _ state: LabelItem.State, _ final: LabelItem.Final?
    ) throws {
        let open: LabelItem.State = item.votes >= task.overlap ? .complete : .open
        let after = final == nil ? open : state
        try items.set(db, task.id, item.number, state: after, final: final)
        try store.count(
            db, task.id, complete: (after == .complete ? 1 : 0) - (item.state == .complete ? 1 : 0),
            reviewed: (after.isReviewed ? 1 : 0) - (item.state.isReviewed ? 1 : 0))
    }

    /// Makes an annotation the item's label.
    func accept(
        _ db: any Transaction, _ task: LabelTask, _ item: LabelItem, _ work: [LabelWork], _ chosen: LabelWork,
        _ comment: String?, at now: Timestamp, by principal: Principal
    ) throws {
        try decide(
            db, task, item, .accepted,
            LabelItem.Final(value: chosen.value ?? .null, by: chosen.annotator, at: chosen.done ?? now))
        for var one in work where one.state == .accepted || one.annotator == chosen.annotator {
            one.state = one.annotator == chosen.annotator ? .accepted : .submitted
            try works.put(db, task.id, one)
        }
        try store.count(db, task.id, annotator: chosen.annotator, accepted: 1, at: now)
        try works.remember(
            db, task.id,
            LabelChange(
                number: item.number, time: now, actor: principal.name, action: .accepted, annotator: chosen.annotator,
                value: chosen.value, comment: comment, seconds: nil))
    }

    /// Nobody accepts their own annotation but an owner.
    func mayAccept(_ annotator: String, _ task: LabelTask, _ principal: Principal) -> Bool {
        annotator != principal.name || principal.may(.publishLabels, in: task.project)
    }

    private static func chosen(
        _ work: [LabelWork], _ annotator: String?, _ task: LabelTask, _ number: Int64, allSameWillDo: Bool
    ) throws -> LabelWork {
        let votes = work.filter(\.state.isVote)
        if let annotator {
            guard let found = votes.first(where: { $0.annotator == annotator }) else {
                throw SlipwayError(
                    .notFound, "\(annotator) has no annotation of item \(number) of \(task.name).", ref: task.ref)
            }
            return found
        }
        guard let first = votes.first else {
            throw SlipwayError(.conflict, "Item \(number) of \(task.name) has no annotation yet.", ref: task.ref)
        }
        guard votes.count == 1 || (allSameWillDo && votes.allSatisfy { $0.value == first.value }) else {
            throw SlipwayError.field(
                "annotator", "is missing, and \(votes.count) people annotated item \(number)",
                expected: votes.map(\.annotator).joined(separator: " or "))
        }
        return first
    }
}

extension LabelChange {
    fileprivate func about(_ action: Action, _ annotator: String?, _ value: JSONValue?) -> LabelChange {
        LabelChange(
            number: number, time: time, actor: actor, action: action, annotator: annotator, value: value,
            comment: comment,
            seconds: nil)
    }
}
