import Core
import Database
import Datasets
import Ledger
import Platform
import Tables

/// What can be changed about a task.
public struct TaskChanges: Sendable {
    public var state: LabelTask.State?
    public var overlap: Int?
    public var leaseSeconds: Int?
    public var annotators: [String: Int]?
    public var reviewers: [String]?
    public var showsPrelabels: Bool?
    public var rule: ConsensusRule?
    /// Another version of the same schema.
    public var schemaVersion: Int?

    public init() {}
}

extension LabelsService {
    public func update(_ name: String, _ changes: TaskChanges, as principal: Principal) async throws -> LabelTask {
        if let overlap = changes.overlap, !(1...Self.overlapMaximum).contains(overlap) {
            throw SlipwayError.field("overlap", "is \(overlap)", expected: "1 to \(Self.overlapMaximum)")
        }
        if let lease = changes.leaseSeconds, !Self.leaseSecondsRange.contains(lease) {
            throw SlipwayError.field(
                "leaseSeconds", "is \(lease)",
                expected: "\(Self.leaseSecondsRange.lowerBound) to \(Self.leaseSecondsRange.upperBound)")
        }
        if let version = changes.schemaVersion { try await requireFitting(name, version, as: principal) }
        return try await platform.database.write { [self, ledger = platform.ledger] db in
            var task = try require(db, name)
            try principal.require(.manageLabels, in: task.project)
            guard task.state != .preparing else {
                throw SlipwayError(.conflict, "The task \(name) is being made.", ref: task.ref)
            }
            guard task.state != .closed || changes.state == .open else {
                throw SlipwayError(.conflict, "The task \(name) is closed; open it first.", ref: task.ref)
            }
            if let state = changes.state {
                guard state != .preparing else { throw SlipwayError.field("state", "cannot be set to preparing") }
                task.state = state
            }
            if let overlap = changes.overlap, overlap != task.overlap {
                guard overlap > task.overlap else {
                    throw SlipwayError.field(
                        "overlap", "is \(overlap), below the \(task.overlap) that people were asked for",
                        expected: "a larger number")
                }
                // What was complete may be open again, behind the places that annotators have reached.
                let before = try items.completeCount(db, task.id)
                try items.addSlots(db, task.id, overlap - task.overlap, overlap: overlap)
                let after = try items.completeCount(db, task.id)
                try store.count(db, task.id, complete: Int(after - before))
                try store.resetCursors(db, task.id)
                task.overlap = overlap
            }
            task.settings.leaseSeconds = changes.leaseSeconds ?? task.settings.leaseSeconds
            task.settings.annotators = changes.annotators ?? task.settings.annotators
            task.settings.reviewers = changes.reviewers ?? task.settings.reviewers
            task.settings.showsPrelabels = changes.showsPrelabels ?? task.settings.showsPrelabels
            task.settings.rule = changes.rule ?? task.settings.rule
            try store.update(db, task, schemaVersion: changes.schemaVersion)
            let changed = try require(db, name)
            try ledger.append(
                db, "label-task.updated", task.ref, project: task.project, by: principal, data: changed.json)
            return changed
        }
    }

    /// Sees that all that was said in a task can be said under another version of its schema.
    private func requireFitting(_ name: String, _ version: Int, as principal: Principal) async throws {
        let task = try await self.task(name, as: principal)
        let schema = try await self.schema(task.schemaName, version: version, as: principal)
        for first in stride(from: Int64(1), through: task.counts.items, by: 2000) {
            let said = try await platform.database.read { [works] db in
                try works.values(db, task.id, from: first, through: first + 1999)
            }
            for (number, value) in said {
                do { _ = try LabelValue(parsing: value, schema.definition, extent: .none) } catch let error as SlipwayError {
                    throw SlipwayError(
                        .conflict,
                        "\(name) cannot move from version \(task.schemaVersion) of \(schema.name) to \(version): what was said about item \(number) does not fit. \(error.message)",
                        details: ["item": String(number)], ref: schema.ref)
                }
            }
        }
    }

    /// How far a task is, in all and by annotator.
    public func progress(_ name: String, as principal: Principal) async throws -> JSONValue {
        let (task, people) = try await platform.database.read { [self] db in
            let task = try require(db, name)
            return (task, try store.annotators(db, task.id))
        }
        try principal.require(.readLabels, in: task.project)
        let mayAll = isReviewer(task, principal)
        let spent = people.reduce(0) { $0 + $1.seconds }
        let done = people.reduce(0) { $0 + $1.submitted }
        return [
            "task": .string(task.name), "state": .string(task.state.rawValue), "items": .int(task.counts.items),
            "open": .int(task.counts.items - task.counts.complete - task.counts.reviewed),
            "complete": .int(task.counts.complete), "reviewed": .int(task.counts.reviewed),
            "annotations": .int(task.counts.annotations), "wanted": .int(task.counts.items * Int64(task.overlap)),
            "seconds": .number(spent), "secondsPerItem": done > 0 ? .number(spent / Double(done)) : .null,
            "annotators": .array(people.filter { mayAll || $0.name == principal.name }.map(\.json)),
        ]
    }

    /// The row that an item is about, as it is in the task's version.
    public func row(_ name: String, _ number: Int64, as principal: Principal) async throws -> JSONValue {
        let (task, item) = try await platform.database.read { [self] db in
            let task = try require(db, name)
            return (task, try items.item(db, task, self.definition(db, of: task).kind, number))
        }
        try principal.require(.readLabels, in: task.project)
        guard let item else { throw noItem(task, number) }
        let condition = task.settings.key.indices.map {
            "CAST(\(SQLName.quote(task.settings.key[$0])) AS VARCHAR) = $\($0 + 1)"
        }.joined(separator: " AND ")
        let found = try await datasets.query(
            "SELECT * FROM data WHERE \(condition) LIMIT 1", inputs: ["data": task.datasetRef],
            parameters: item.key.parts.map { .string($0) }, limit: 1, as: principal)
        guard let row = found.rows.first else { throw noItem(task, number) }
        var fields: [String: JSONValue] = [:]
        for (column, value) in zip(found.columns, row) { fields[column.name] = value.json }
        var answer: [String: JSONValue] = ["item": .int(number), "row": .object(fields)]
        if task.settings.isFiles, let path = item.key.parts.first {
            answer["file"] = .string("/api/v1/datasets/\(task.dataset)/versions/\(task.datasetVersion)/files/\(path)")
        }
        return .object(answer)
    }

    /// All labels of one row of a dataset, of every task.
    public func labels(of dataset: String, _ key: JSONValue, as principal: Principal) async throws -> [JSONValue] {
        let known = try await datasets.dataset(dataset, as: principal)
        try principal.require(.readLabels, in: known.project)
        var found: [JSONValue] = []
        var page = PageRequest(limit: 1000)
        while true {
            let asked = page
            let tasks = try await platform.database.read { [store] in
                try store.tasks($0, project: nil, dataset: dataset, state: nil, asked)
            }
            for task in tasks.items {
                let rowKey = try RowKey(key, columns: task.settings.key)
                let number = try await platform.database.read { [items] in try items.number($0, task.id, key: rowKey) }
                guard let number else { continue }
                let (item, work, prelabels) = try await self.item(task.name, number, as: principal)
                found.append([
                    "task": JSONValue(task.ref), "schema": JSONValue(task.schemaRef), "item": item.json,
                    "annotations": .array(work.map(\.json)), "prelabels": .array(prelabels.map(\.json)),
                ])
            }
            guard let next = tasks.next else { return found }
            page = PageRequest(limit: 1000, after: next)
        }
    }
}
