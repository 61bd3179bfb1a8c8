import Core
import Database
import Ledger
import Platform

/// An item in somebody's hands.
public struct HeldItem: Sendable {
    public let item: LabelItem
    public let work: LabelWork
    public let prelabels: [Prelabel]

    public var json: JSONValue {
        var fields = item.json.objectValue ?? [:]
        // What others decided is no business of somebody who is still to judge.
        for name in ["final", "votes", "slots"] { fields[name] = nil }
        fields["state"] = .string(work.state.rawValue)
        fields["leaseEnds"] = work.lease.map { JSONValue($0) } ?? .null
        fields["draft"] = work.draft ?? .null
        fields["comment"] = JSONValue(work.comment)
        fields["prelabels"] = .array(prelabels.map(\.json))
        return .object(fields)
    }
}

/// Handing out items. The order of the queue is (position, number); an index holds only items with a free slot. Each
/// annotator has a place in it up to which nothing is left for them, so that `next` looks neither at what is done nor
/// again at what they have had. An item that comes back (a lease that ended, a skip) is put just before everyone's place.
extension LabelsService {
    static let heldMaximum = 20
    /// Leases that one call of `next` clears away.
    private static let overdueStep = 50

    /// Hands out items: first what the annotator holds already, then what a reviewer sent back, then the next in the
    /// queue. Nobody gets an item that they have had, and no item is in more hands than it needs annotations.
    ///
    /// - Parameter count: how many the annotator wants to hold, 1 to 20.
    public func next(_ name: String, count: Int = 1, as principal: Principal) async throws -> [HeldItem] {
        guard (1...Self.heldMaximum).contains(count) else {
            throw SlipwayError.field("count", "is \(count)", expected: "1 to \(Self.heldMaximum)")
        }
        let now = platform.clock.now()
        let me = principal.name
        let held = try await platform.database.write { [self] db in
            let task = try require(db, name)
            try requireAnnotator(task, principal, handsOut: true)
            let definition = try self.definition(db, of: task)
            try returnOverdue(db, task, at: now)
            let lease = now.adding(seconds: Double(task.settings.leaseSeconds))
            var held: [LabelWork] = []
            for var work in try works.work(db, task.id, of: me, .leased, limit: count) {
                work.lease = lease
                try works.put(db, task.id, work)
                held.append(work)
            }
            if held.count < count {
                for var work in try works.work(db, task.id, of: me, .rejected, limit: count - held.count) {
                    work.state = .leased
                    work.draft = work.draft ?? work.value
                    work.started = now
                    work.lease = lease
                    try works.put(db, task.id, work)
                    held.append(work)
                }
            }
            var cursor = try store.annotator(db, task.id, me)?.cursor ?? (0, 0)
            var moved = false
            while held.count < count, let found = try items.next(db, task.id, me, after: cursor) {
                guard try items.takeSlot(db, task.id, found.number) else { continue }
                let draft = try works.work(db, task.id, found.number, me)?.draft
                let work = LabelWork(
                    number: found.number, annotator: me, state: .leased, draft: draft, started: now, lease: lease)
                try works.put(db, task.id, work)
                held.append(work)
                cursor = found
                moved = true
            }
            if moved { try store.setCursor(db, task.id, me, cursor, at: now) }
            return try held.map { try self.held(db, task, definition, $0) }
        }
        return try await withExtents(name, held, as: principal)
    }

    func held(_ db: any Transaction, _ task: LabelTask, _ definition: LabelDefinition, _ work: LabelWork) throws -> HeldItem {
        guard let item = try items.item(db, task, definition.kind, work.number) else { throw noItem(task, work.number) }
        let prelabels =
            task.settings.showsPrelabels
            ? try works.prelabels(db, task.id, from: work.number, through: work.number) : []
        return HeldItem(item: item, work: work, prelabels: prelabels)
    }

    func noItem(_ task: LabelTask, _ number: Int64) -> SlipwayError {
        SlipwayError(.notFound, "The task \(task.name) has no item \(number).", ref: task.ref)
    }

    /// Gives back what was handed out and not submitted in time; drafts are kept for who wrote them.
    private func returnOverdue(_ db: any Transaction, _ task: LabelTask, at now: Timestamp) throws {
        let overdue = try works.overdue(db, task.id, at: now, limit: Self.overdueStep)
        guard !overdue.isEmpty else { return }
        let position = try store.queueFront(db, task.id) + 1
        for var work in overdue {
            work.state = .expired
            try works.put(db, task.id, work)
            try items.returnSlot(db, task.id, work.number, position: position)
        }
    }

    /// Keeps what somebody has so far, and their lease with it.
    public func saveDraft(_ name: String, _ number: Int64, _ draft: JSONValue, as principal: Principal) async throws
        -> Timestamp
    {
        guard draft.canonicalBytes.count <= Self.annotationMaximumBytes else {
            throw SlipwayError(.tooLarge, "The draft is over \(Self.annotationMaximumBytes) bytes.")
        }
        let now = platform.clock.now()
        return try await platform.database.write { [self] db in
            let task = try require(db, name)
            try requireAnnotator(task, principal)
            guard var work = try works.work(db, task.id, number, principal.name), work.state == .leased else {
                throw notHeld(task, number, principal)
            }
            work.draft = draft
            let lease = now.adding(seconds: Double(task.settings.leaseSeconds))
            work.lease = lease
            try works.put(db, task.id, work)
            return lease
        }
    }

    func notHeld(_ task: LabelTask, _ number: Int64, _ principal: Principal) -> SlipwayError {
        SlipwayError(
            .conflict, "\(principal.name) does not hold item \(number) of \(task.name); 'next' hands items out.",
            details: ["item": String(number)], ref: task.ref)
    }

    /// Passes an item over: this annotator does not get it again, others do.
    public func skip(_ name: String, _ number: Int64, reason: String?, as principal: Principal) async throws {
        let now = platform.clock.now()
        let reason = try Self.comment(reason)
        try await platform.database.write { [self] db in
            let task = try require(db, name)
            try requireAnnotator(task, principal)
            guard var work = try works.work(db, task.id, number, principal.name), work.state == .leased else {
                throw notHeld(task, number, principal)
            }
            (work.state, work.comment, work.done, work.lease) = (.skipped, reason, now, nil)
            try works.put(db, task.id, work)
            try items.returnSlot(db, task.id, number, position: store.queueFront(db, task.id) + 1)
            try store.count(db, task.id, annotator: principal.name, skipped: 1, at: now)
            try works.remember(
                db, task.id,
                LabelChange(
                    number: number, time: now, actor: principal.name, action: .skipped, annotator: principal.name,
                    value: nil, comment: reason, seconds: nil))
        }
    }

    /// Gives an item back that one holds, or (a reviewer) that another holds or was asked to redo.
    public func release(_ name: String, _ number: Int64, annotator: String?, as principal: Principal) async throws {
        let now = platform.clock.now()
        let whose = annotator ?? principal.name
        try await platform.database.write { [self] db in
            let task = try require(db, name)
            if whose == principal.name { try requireAnnotator(task, principal) } else { try requireReviewer(task, principal) }
            guard var work = try works.work(db, task.id, number, whose), work.state == .leased || work.state == .rejected
            else {
                throw SlipwayError(.conflict, "\(whose) does not hold item \(number) of \(task.name).", ref: task.ref)
            }
            (work.state, work.lease) = (.expired, nil)
            try works.put(db, task.id, work)
            try items.returnSlot(db, task.id, number, position: store.queueFront(db, task.id) + 1)
            try works.remember(
                db, task.id,
                LabelChange(
                    number: number, time: now, actor: principal.name, action: .released, annotator: whose, value: nil,
                    comment: nil, seconds: nil))
        }
    }

    /// Makes items somebody's own: only they get them. Either some items, or the next so many that are nobody's.
    ///
    /// - Parameter annotator: nil makes them everybody's again.
    /// - Returns: how many items it were.
    public func assign(
        _ name: String, to annotator: String?, items numbers: [Int64], count: Int?, as principal: Principal
    ) async throws -> Int {
        try await platform.database.write { [self, ledger = platform.ledger] db in
            let task = try require(db, name)
            try principal.require(.manageLabels, in: task.project)
            try requireOpen(task)
            let chosen = try count.map { try items.unassigned(db, task.id, limit: min($0, 100_000)) } ?? numbers
            let position = try store.queueFront(db, task.id) + 1
            for number in chosen {
                guard try items.assign(db, task.id, number, to: annotator, position: position) else {
                    throw noItem(task, number)
                }
            }
            try ledger.append(
                db, "label-task.assigned", task.ref, project: task.project, by: principal,
                data: ["annotator": JSONValue(annotator), "items": JSONValue(chosen.count)])
            return chosen.count
        }
    }
}
