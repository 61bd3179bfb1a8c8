import Core
import Database
import Ledger
import Platform

extension LabelsService {
    /// One annotation as JSON.
    static let annotationMaximumBytes = 1 << 20
    static let commentMaximumBytes = 4096

    static func comment(_ text: String?) throws -> String? {
        guard let text, !text.isEmpty else { return nil }
        guard text.utf8.count <= commentMaximumBytes else {
            throw SlipwayError.field("comment", "is over \(commentMaximumBytes) bytes")
        }
        return text
    }

    /// Submits an annotation of an item that one holds, or a better one for an item that one has submitted and nobody has
    /// reviewed.
    ///
    /// - Parameter seconds: the time that it took, where the client knows better than the time since the item was handed
    ///   out.
    /// - Throws: `invalid` when the value does not fit the schema or the item, naming the part; `conflict` when the item is
    ///   not the annotator's to label.
    public func submit(
        _ name: String, _ number: Int64, _ value: JSONValue, seconds: Double? = nil, comment: String? = nil,
        as principal: Principal
    ) async throws -> LabelWork {
        let comment = try Self.comment(comment)
        if let seconds, !(0...86_400).contains(seconds) {
            throw SlipwayError.field("seconds", "is out of range", expected: "0 to 86400")
        }
        // Checked before the transaction: a large drawing must not hold up everybody's writes.
        let parsed = try await checked(value, name, number, as: principal).json
        let now = platform.clock.now()
        return try await platform.database.write { [self] db in
            let task = try require(db, name)
            try requireAnnotator(task, principal)
            let kind = try self.definition(db, of: task).kind
            guard let item = try items.item(db, task, kind, number) else { throw noItem(task, number) }
            var work =
                try works.work(db, task.id, number, principal.name)
                ?? LabelWork(number: number, annotator: principal.name, state: .expired, started: now)
            let isRevision = work.state == .submitted
            guard !item.state.isReviewed || !isRevision else {
                throw SlipwayError(
                    .conflict, "Item \(number) of \(task.name) is reviewed; ask a reviewer to reopen it.", ref: task.ref)
            }
            switch work.state {
            case .leased, .rejected, .submitted: break
            case .accepted:
                throw SlipwayError(
                    .conflict, "Your annotation of item \(number) is accepted; ask a reviewer to reopen it.", ref: task.ref)
            case .expired, .skipped:
                guard item.assignee == nil || item.assignee == principal.name,
                    try items.takeSlot(db, task.id, number)
                else {
                    throw SlipwayError(
                        .conflict,
                        "Item \(number) of \(task.name) is in as many hands as it needs\(work.draft == nil ? "" : "; your lease had ended, and your draft is kept").",
                        details: ["item": String(number)], ref: task.ref)
                }
            }
            let spent = seconds ?? min(86_400, Double(now.milliseconds - work.started.milliseconds) / 1000)
            let before = isRevision ? work.seconds ?? 0 : 0
            (work.state, work.value, work.draft, work.lease) = (.submitted, parsed, nil, nil)
            (work.done, work.comment, work.seconds, work.origin) = (now, comment, before + spent, nil)
            try works.put(db, task.id, work)
            if !isRevision { try addVote(db, task, item) }
            try store.count(
                db, task.id, annotator: principal.name, submitted: isRevision ? 0 : 1, seconds: spent, at: now)
            try works.remember(
                db, task.id,
                LabelChange(
                    number: number, time: now, actor: principal.name, action: isRevision ? .revised : .submitted,
                    annotator: principal.name, value: parsed, comment: comment, seconds: spent))
            return work
        }
    }

    /// Parses a value against the task's schema and the item's size.
    func checked(_ value: JSONValue, _ name: String, _ number: Int64, as principal: Principal) async throws -> LabelValue {
        let (task, definition, found) = try await platform.database.read { [self] db in
            let task = try require(db, name)
            let definition = try self.definition(db, of: task)
            return (task, definition, try items.item(db, task, definition.kind, number))
        }
        try principal.require(.annotateLabels, in: task.project)
        guard let found else { throw noItem(task, number) }
        guard value.canonicalBytes.count <= Self.annotationMaximumBytes else {
            throw SlipwayError(.tooLarge, "value: is over \(Self.annotationMaximumBytes) bytes.")
        }
        let extent = try await self.extent(of: found, task, definition, as: principal)
        return try LabelValue(parsing: value, definition, extent: extent)
    }

    func addVote(_ db: any Transaction, _ task: LabelTask, _ item: LabelItem) throws {
        let votes = item.votes + 1
        let becomesComplete = item.state == .open && votes >= task.overlap
        try items.set(db, task.id, item.number, state: becomesComplete ? .complete : item.state, votes: votes)
        try store.count(db, task.id, complete: becomesComplete ? 1 : 0, annotations: 1)
    }

    func removeVote(_ db: any Transaction, _ task: LabelTask, _ item: LabelItem) throws {
        let votes = item.votes - 1
        let wasComplete = item.state == .complete
        try items.set(
            db, task.id, item.number, state: wasComplete && votes < task.overlap ? .open : item.state, votes: votes)
        try store.count(db, task.id, complete: wasComplete && votes < task.overlap ? -1 : 0, annotations: -1)
    }

    /// Takes back what the annotator did last in a task: the item is in their hands again, with what they had said as the
    /// draft. What was withdrawn stays in the item's history.
    public func undo(_ name: String, as principal: Principal) async throws -> HeldItem {
        let now = platform.clock.now()
        let held = try await platform.database.write { [self] db in
            let task = try require(db, name)
            try requireAnnotator(task, principal)
            let definition = try self.definition(db, of: task)
            guard var work = try works.lastDone(db, task.id, principal.name) else {
                throw SlipwayError(
                    .conflict, "\(principal.name) has done nothing in \(task.name) that could be taken back.", ref: task.ref)
            }
            guard let item = try items.item(db, task, definition.kind, work.number) else {
                throw noItem(task, work.number)
            }
            guard !item.state.isReviewed, work.state != .accepted else {
                throw SlipwayError(
                    .conflict, "Your last annotation, of item \(work.number), is reviewed; ask a reviewer to reopen it.",
                    ref: task.ref)
            }
            let wasSkipped = work.state == .skipped
            if wasSkipped {
                guard try items.takeSlot(db, task.id, work.number) else {
                    throw SlipwayError(
                        .conflict, "Item \(work.number), which you skipped, is in other hands now.", ref: task.ref)
                }
                try store.count(db, task.id, annotator: principal.name, skipped: -1, at: now)
            } else {
                try removeVote(db, task, item)
                try store.count(
                    db, task.id, annotator: principal.name, submitted: -1, seconds: -(work.seconds ?? 0), at: now)
            }
            try works.remember(
                db, task.id,
                LabelChange(
                    number: work.number, time: now, actor: principal.name, action: .withdrawn, annotator: principal.name,
                    value: work.value, comment: nil, seconds: nil))
            (work.state, work.draft, work.value, work.done) = (.leased, work.value ?? work.draft, nil, nil)
            (work.started, work.seconds) = (now, nil)
            work.lease = now.adding(seconds: Double(task.settings.leaseSeconds))
            try works.put(db, task.id, work)
            return try self.held(db, task, definition, work)
        }
        return try await withExtents(name, [held], as: principal)[0]
    }

    // MARK: Looking

    /// An item with everybody's annotations for a reviewer, and with one's own for an annotator.
    public func item(_ name: String, _ number: Int64, as principal: Principal) async throws -> (
        item: LabelItem, work: [LabelWork], prelabels: [Prelabel]
    ) {
        let (task, item, work, prelabels) = try await platform.database.read { [self] db in
            let task = try require(db, name)
            let definition = try self.definition(db, of: task)
            guard let item = try items.item(db, task, definition.kind, number) else { throw noItem(task, number) }
            return (
                task, item, try works.work(db, task.id, number),
                try works.prelabels(db, task.id, from: number, through: number)
            )
        }
        try principal.require(.readLabels, in: task.project)
        if isReviewer(task, principal) { return (item, work, prelabels) }
        return (
            item.withoutDecision, work.filter { $0.annotator == principal.name },
            task.settings.showsPrelabels ? prelabels : []
        )
    }

    public func items(_ name: String, state: LabelItem.State?, _ page: PageRequest, as principal: Principal) async throws
        -> Page<LabelItem>
    {
        let (task, found) = try await platform.database.read { [self] db in
            let task = try require(db, name)
            return (task, try items.items(db, task, self.definition(db, of: task).kind, state: state, page))
        }
        try principal.require(.readLabels, in: task.project)
        return isReviewer(task, principal) ? found : found.map(\.withoutDecision)
    }

    /// All that happened to an item, oldest first.
    public func history(_ name: String, _ number: Int64, as principal: Principal) async throws -> [LabelChange] {
        let (task, changes) = try await platform.database.read { [self] db in
            let task = try require(db, name)
            return (task, try works.history(db, task.id, number))
        }
        try principal.require(.readLabels, in: task.project)
        return isReviewer(task, principal) ? changes : changes.filter { $0.annotator == principal.name }
    }

    /// What the principal has done in a task, the latest first.
    public func mine(_ name: String, _ page: PageRequest, as principal: Principal) async throws -> Page<LabelWork> {
        let (task, found) = try await platform.database.read { [self] db in
            let task = try require(db, name)
            return (task, try works.work(db, task.id, of: principal.name, page))
        }
        try principal.require(.annotateLabels, in: task.project)
        return found
    }
}

extension LabelItem {
    /// As an annotator sees it, who must not be told what others decided.
    fileprivate var withoutDecision: LabelItem {
        LabelItem(
            number: number, key: key, slots: slots, votes: votes, state: state, assignee: assignee, extent: extent,
            sourceID: sourceID, final: nil)
    }
}
