import Core
import Database
import Platform

/// How far the annotators of a task agree, gathered item by item.
struct AgreementReport: Sendable {
    /// Shapes that overlap at least so much are the same thing, as in PASCAL VOC's evaluation (Everingham et al. 2010).
    static let sameThing = 0.5
    private static let leastShown = 20

    private struct Pair: Sendable {
        var items = 0
        var same = 0
        var similarity = 0.0
        var table: ConfusionTable?
        var (overlap, matched) = (0.0, 0)
        var (hits, exact, shapes) = (0, 0, 0)
    }

    private let definition: LabelDefinition
    private let place: [String: Int]
    private var items = 0
    private var annotations = 0
    private var pairs: [[String]: Pair] = [:]
    private var fleiss: [Int: FleissKappa] = [:]
    private var alpha: KrippendorffAlpha
    private var interval = IntervalAlpha()
    /// Of sets of classes: for each class, whether it was among them.
    private var perClass: [KrippendorffAlpha]
    private var least: [(agreement: Double, number: Int64)] = []

    init(_ definition: LabelDefinition) {
        self.definition = definition
        place = Dictionary(uniqueKeysWithValues: definition.classes.enumerated().map { ($1.name, $0) })
        alpha = KrippendorffAlpha(values: max(1, definition.classes.count))
        perClass =
            definition.kind == .multiClass
            ? definition.classes.map { _ in KrippendorffAlpha(values: 2) } : []
    }

    /// What people said about one item.
    mutating func add(_ number: Int64, _ said: [(annotator: String, value: LabelValue)]) {
        guard said.count > 1 else { return }
        items += 1
        annotations += said.count
        let sorted = said.sorted { $0.annotator < $1.annotator }
        var total = 0.0
        for i in sorted.indices {
            for j in sorted.indices where j > i { total += add(sorted[i], sorted[j]) }
        }
        let mean = total / Double(sorted.count * (sorted.count - 1) / 2)
        if mean < 1 {
            least.append((mean, number))
            least.sort { ($0.agreement, $0.number) < ($1.agreement, $1.number) }
            if least.count > Self.leastShown { least.removeLast() }
        }
        let values = said.map(\.value)
        switch definition.kind {
        case .class:
            let ratings = values.compactMap { value in if case .name(let name) = value { place[name] } else { nil } }
            alpha.add(ratings)
            fleiss[
                ratings.count, default: FleissKappa(raters: ratings.count, classes: definition.classes.count)
            ].add(ratings)
        case .number:
            interval.add(values.compactMap { value in if case .number(let number) = value { number } else { nil } })
        case .multiClass:
            for (index, one) in definition.classes.enumerated() {
                perClass[index].add(values.map { $0.classNames.contains(one.name) ? 1 : 0 })
            }
        default: break
        }
    }

    private mutating func add(
        _ a: (annotator: String, value: LabelValue), _ b: (annotator: String, value: LabelValue)
    ) -> Double {
        var pair = pairs[[a.annotator, b.annotator]] ?? Pair()
        pair.items += 1
        let match = Similarity.match(a.value, b.value)
        let similarity = match?.similarity ?? Similarity.of(a.value, b.value)
        pair.similarity += similarity
        pair.same += similarity == 1 ? 1 : 0
        if let match {
            pair.overlap += match.overlaps.reduce(0, +)
            pair.matched += match.overlaps.count
            pair.hits += match.hits(Self.sameThing)
            pair.exact += match.hits(1)
            pair.shapes += match.first + match.second
        }
        if case (.name(let mine), .name(let theirs)) = (a.value, b.value), let i = place[mine], let j = place[theirs] {
            pair.table = pair.table ?? ConfusionTable(classes: place.count)
            pair.table?.add(i, j)
        }
        pairs[[a.annotator, b.annotator]] = pair
        return similarity
    }

    var json: JSONValue {
        func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
        var fields: [String: JSONValue] = [
            "kind": .string(definition.kind.rawValue), "items": JSONValue(items), "annotations": JSONValue(annotations),
            "pairs": .array(pairs.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { json($0.key, $0.value) }),
            "leastAgreed": .array(
                least.map { ["item": .int($0.number), "agreement": .number($0.agreement)] }),
        ]
        switch definition.kind {
        case .class:
            fields["krippendorff"] = [
                "nominal": number(alpha.alpha(.nominal)),
                "ordinal": definition.isOrdered ? number(alpha.alpha(.ordinal)) : .null,
                "interval": definition.isOrdered ? number(alpha.alpha(.interval)) : .null,
            ]
            // Fleiss' kappa is for items with equally many ratings: those with the number that most items have.
            let most = fleiss.values.max { ($0.items, $0.raters) < ($1.items, $1.raters) }
            fields["fleiss"] = most.map {
                ["raters": JSONValue($0.raters), "items": JSONValue($0.items), "kappa": number($0.kappa)]
            } ?? .null
        case .number: fields["krippendorff"] = ["interval": number(interval.alpha)]
        case .multiClass:
            fields["krippendorffByClass"] = .object(
                Dictionary(uniqueKeysWithValues: zip(definition.classes, perClass).map { ($0.name, number($1.alpha(.nominal))) }))
        default: break
        }
        return .object(fields)
    }

    private func json(_ names: [String], _ pair: Pair) -> JSONValue {
        func ratio(_ part: Double, _ whole: Int) -> JSONValue { whole > 0 ? .number(part / Double(whole)) : .null }
        var fields: [String: JSONValue] = [
            "a": .string(names[0]), "b": .string(names[1]), "items": JSONValue(pair.items),
            "same": ratio(Double(pair.same), pair.items), "similarity": ratio(pair.similarity, pair.items),
        ]
        if let table = pair.table {
            fields["kappa"] = table.kappa().map { .number($0) } ?? .null
            if definition.isOrdered { fields["weightedKappa"] = table.kappa(.quadratic).map { .number($0) } ?? .null }
        }
        if definition.kind.hasShapes {
            fields["meanIoU"] = ratio(pair.overlap, pair.matched)
            fields["f1"] = ratio(2 * Double(pair.hits), pair.shapes)
            fields["exactF1"] = ratio(2 * Double(pair.exact), pair.shapes)
        }
        return .object(fields)
    }
}

extension LabelsService {
    private static let itemsPerAgreementRead = 2000

    /// How far the annotators of a task agree. Only people count; what a reviewer decided does not.
    public func agreement(_ name: String, as principal: Principal) async throws -> JSONValue {
        let (task, definition) = try await platform.database.read { [self] db in
            let task = try require(db, name)
            return (task, try self.definition(db, of: task))
        }
        try requireReviewer(task, principal)
        var report = AgreementReport(definition)
        var after: Int64 = 0
        while true {
            let from = after
            let (last, votes) = try await platform.database.read { [self] db in
                let labelled = try items.labelled(
                    db, task, definition.kind, after: from, limit: Self.itemsPerAgreementRead)
                guard let first = labelled.first, let last = labelled.last else { return (nil as Int64?, [LabelWork]()) }
                return (last.number, try works.votes(db, task.id, from: first.number, through: last.number))
            }
            guard let last else { break }
            after = last
            var start = votes.startIndex
            while start < votes.endIndex {
                let end = votes[start...].firstIndex { $0.number != votes[start].number } ?? votes.endIndex
                report.add(
                    votes[start].number,
                    try votes[start..<end].compactMap { vote in
                        try vote.value.map { (vote.annotator, try Self.kept($0, definition)) }
                    })
                start = end
            }
        }
        return report.json
    }
}
