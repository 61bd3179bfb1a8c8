import Core
import Database
import Ledger
import Platform
import Web

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How unsure a model is about a class.
enum Uncertainty {
    /// The entropy of some probabilities over the largest that so many can have: 0 (sure) to 1 (nothing is known).
    /// Shannon, "A Mathematical Theory of Communication" (1948), section 6.
    static func entropy(_ probabilities: [Double]) -> Double {
        guard probabilities.count > 1 else { return 0 }
        let sum = probabilities.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
        return min(1, sum / log(Double(probabilities.count)))
    }

    /// How far the likeliest is ahead of the second: 0 (a tie) to 1. Settles, "Active Learning Literature Survey" (2009),
    /// section 3.1.
    static func margin(_ probabilities: [Double]) -> Double {
        let sorted = probabilities.sorted(by: >)
        return (sorted.first ?? 0) - (sorted.dropFirst().first ?? 0)
    }
}

/// What a client sends about one item: `{"key", "value", "score", "probabilities": {class: p}}`.
public struct PrelabelDraft: Sendable {
    public let key: JSONValue
    public let value: JSONValue?
    public let score: Double?
    public let probabilities: [String: Double]

    public init(key: JSONValue, value: JSONValue?, score: Double?, probabilities: [String: Double]) {
        (self.key, self.value, self.score, self.probabilities) = (key, value, score, probabilities)
    }

    init(_ json: JSONValue, path: String) throws {
        let fields = try JSONFields(json, allowed: ["key", "value", "score", "probabilities"], path: path)
        guard let key = fields["key"], !key.isNull else {
            throw SlipwayError.field("\(path).key", "is missing", expected: "the row's key")
        }
        self.key = key
        value = fields["value"].flatMap { $0.isNull ? nil : $0 }
        score = try fields.optionalDouble("score")
        probabilities = try fields.object("probabilities").mapValues { value in
            guard let p = value.doubleValue, p >= 0, p <= 1.000001 else {
                throw SlipwayError.field("\(path).probabilities", "are out of range", expected: "0 to 1 each")
            }
            return p
        }
    }

    /// The label: given, or the likeliest class.
    func label(_ number: Int64, model: Ref, _ definition: LabelDefinition, _ extent: ItemExtent, path: String) throws
        -> Prelabel
    {
        if let score, !(0...1).contains(score) {
            throw SlipwayError.field("\(path).score", "is out of range", expected: "0 to 1")
        }
        if !probabilities.isEmpty {
            guard definition.kind == .class else {
                throw SlipwayError.field("\(path).probabilities", "are for kind class", expected: "a value and a score")
            }
            let unknown = probabilities.keys.filter { definition.labelClass($0) == nil }.sorted()
            guard unknown.isEmpty else { throw LabelValue.unknown(unknown, definition, "\(path).probabilities") }
        }
        // Ties go to the class that stands first in the schema.
        let likeliest = definition.classes.map { (name: $0.name, p: probabilities[$0.name] ?? 0) }
            .reduce(nil as (name: String, p: Double)?) { best, one in one.p > (best?.p ?? 0) ? one : best }
        guard let json = value ?? likeliest.map({ .string($0.name) }) else {
            throw SlipwayError.field("\(path).value", "is missing", expected: "a value, or probabilities of classes")
        }
        // Classes that are not named have no probability, but they count among those that there are.
        let all = probabilities.isEmpty ? [] : definition.classes.map { probabilities[$0.name] ?? 0 }
        return Prelabel(
            number: number, model: model.description,
            value: try LabelValue(parsing: json, definition, extent: extent, path: "\(path).value").json,
            score: score ?? likeliest?.p, entropy: all.isEmpty ? nil : Uncertainty.entropy(all),
            margin: all.isEmpty ? nil : Uncertainty.margin(all))
    }
}

extension LabelsService {
    /// Pre-labels that are written in one transaction.
    static let prelabelsPerStep = 1000
    static let prelabelsMaximumBytes: Int64 = 4 << 30

    /// Notes what a model says about a task's items. Sent again, a model's label replaces the one before.
    ///
    /// - Parameters:
    ///   - model: a version: `model:iris@3`.
    ///   - drafts: gives the next few, until there are none.
    /// - Returns: how many items got a label, and the first keys that the task does not have.
    public func prelabel(
        _ name: String, model: Ref, as principal: Principal, drafts: () async throws -> [PrelabelDraft]?
    ) async throws -> (labelled: Int, unknown: Int, unknownKeys: [[String]]) {
        guard model.kind == .model, model.selector != nil else {
            throw SlipwayError.field("model", "'\(model)' is not a model's version", expected: "model:name@3")
        }
        let (task, definition) = try await platform.database.read { [self] db in
            let task = try require(db, name)
            return (task, try self.definition(db, of: task))
        }
        try principal.require(.manageLabels, in: task.project)
        try requireOpen(task)
        var (labelled, unknown, line) = (0, 0, 0)
        var unknownKeys: [[String]] = []
        while let some = try await drafts() {
            let first = line
            let keyed = try some.enumerated().map { index, draft in
                (draft, try RowKey(draft.key, columns: task.settings.key, path: "line \(first + index + 1): key"))
            }
            line += some.count
            let now = platform.clock.now()
            let missing = try await platform.database.write { [self] db in
                var missing: [[String]] = []
                for (index, (draft, key)) in keyed.enumerated() {
                    guard let number = try items.number(db, task.id, key: key),
                        let item = try items.item(db, task, definition.kind, number)
                    else {
                        missing.append(key.parts)
                        continue
                    }
                    let label = try draft.label(
                        number, model: model, definition, item.extent, path: "line \(first + index + 1)")
                    try works.put(db, task.id, label, at: now)
                }
                return missing
            }
            labelled += some.count - missing.count
            unknown += missing.count
            unknownKeys += missing.prefix(20 - min(20, unknownKeys.count))
        }
        let (done, strange) = (labelled, unknown)
        try await platform.database.write { [ledger = platform.ledger] db in
            try ledger.append(
                db, "label-task.prelabelled", task.ref, project: task.project, by: principal,
                data: ["model": JSONValue(model), "items": JSONValue(done), "unknown": JSONValue(strange)])
            try ledger.link(db, task.ref, madeFrom: model, "pre-labelled-by")
        }
        if [.entropy, .margin, .confidence, .disagreement].contains(task.settings.selection.order) {
            try await reorder(name, by: task.settings.selection.order, seed: task.settings.selection.seed, as: principal)
        }
        return (labelled, unknown, unknownKeys)
    }

    /// The keys of items without a label of a model, after a number: what an endpoint is still to be asked about.
    public func unlabelled(_ name: String, by model: Ref, after number: Int64, limit: Int, as principal: Principal)
        async throws -> (task: LabelTask, keys: [(number: Int64, key: RowKey)])
    {
        let (task, found) = try await platform.database.read { [self] db in
            let task = try require(db, name)
            return (
                task, try works.withoutPrelabel(db, task.id, model.description, after: number, limit: limit)
            )
        }
        try principal.require(.manageLabels, in: task.project)
        return (task, found)
    }
}
