import Core
import Database
import Ledger
import Platform

extension LabelsService {
    private static let placesPerStep = 5000
    private static let placesPerStatement = 500
    /// Items of which the disagreement is worked out at once.
    private static let itemsPerRead: Int64 = 2000

    /// Puts a task's items into another order. Items about which nothing is known come last, in the rows' order.
    public func reorder(_ name: String, by order: ItemOrder, seed: Int, as principal: Principal) async throws {
        let (task, definition) = try await platform.database.read { [self] db in
            let task = try require(db, name)
            return (task, try self.definition(db, of: task))
        }
        try principal.require(.manageLabels, in: task.project)
        try requireOpen(task)
        // Eight bytes an item: a million items are 8 MB.
        var urgency: [(urgency: Float, number: Int32)] = []
        var after: Int64 = 0
        while true {
            let some = try await urgencies(task, definition, order, seed, after: after)
            guard let last = some.last else { break }
            urgency += some
            after = Int64(last.number)
        }
        urgency.sort { $0.urgency != $1.urgency ? $0.urgency > $1.urgency : $0.number < $1.number }
        for start in stride(from: 0, to: urgency.count, by: Self.placesPerStep) {
            let places = urgency[start..<min(start + Self.placesPerStep, urgency.count)].enumerated().map {
                (number: Int64($1.number), position: Int64(start + $0 + 1))
            }
            try await platform.database.write { [items] db in
                for begin in stride(from: 0, to: places.count, by: Self.placesPerStatement) {
                    try items.setPositions(
                        db, task.id, places[begin..<min(begin + Self.placesPerStatement, places.count)])
                }
            }
        }
        try await platform.database.write { [self, ledger = platform.ledger] db in
            try store.resetCursors(db, task.id)
            var changed = try require(db, name)
            changed.settings.selection.order = order
            changed.settings.selection.seed = seed
            try store.update(db, changed)
            try ledger.append(
                db, "label-task.ordered", task.ref, project: task.project, by: principal,
                data: ["order": .string(order.rawValue), "seed": JSONValue(seed)])
        }
    }

    /// How urgent some items after a number are; the largest first. Below 0: nothing is known.
    private func urgencies(
        _ task: LabelTask, _ definition: LabelDefinition, _ order: ItemOrder, _ seed: Int, after: Int64
    ) async throws -> [(urgency: Float, number: Int32)] {
        let last = after + Self.itemsPerRead
        return try await platform.database.read { [self] db in
            let keys = try items.keys(db, task.id, after: after, through: last)
            var byNumber: [Int64: Float] = [:]
            switch order {
            case .original: break
            case .random:
                for (number, key) in keys {
                    let digest = Digest.of("\(seed)\u{1F}\(key)").hex.prefix(6)
                    byNumber[number] = Float(Int(digest, radix: 16) ?? 0)
                }
            case .entropy, .margin, .confidence:
                for label in try works.prelabels(db, task.id, from: after + 1, through: last) {
                    let value: Double? =
                        switch order {
                        case .entropy: label.entropy
                        case .margin: label.margin.map { 1 - $0 }
                        default: label.score.map { 1 - $0 }
                        }
                    // Of several models, the least sure one counts.
                    if let value { byNumber[label.number] = max(byNumber[label.number] ?? -1, Float(value)) }
                }
            case .disagreement:
                var said: [Int64: [LabelValue]] = [:]
                for vote in try works.votes(db, task.id, from: after + 1, through: last) {
                    if let json = vote.value { said[vote.number, default: []].append(try Self.kept(json, definition)) }
                }
                for label in try works.prelabels(db, task.id, from: after + 1, through: last) {
                    said[label.number, default: []].append(try Self.kept(label.value, definition))
                }
                for (number, values) in said where values.count > 1 {
                    byNumber[number] = Float(1 - Similarity.mean(values))
                }
            }
            return keys.map { (byNumber[$0.number] ?? -1, Int32($0.number)) }
        }
    }

    /// A value that was checked when it was kept.
    static func kept(_ json: JSONValue, _ definition: LabelDefinition) throws -> LabelValue {
        try LabelValue(parsing: json, definition, extent: .none)
    }
}
