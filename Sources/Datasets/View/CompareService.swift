import Core
import Platform
import Tables

/// Two versions or slices side by side.
struct Comparison {
    struct Side {
        let ref: Ref
        let profile: TableProfile
    }

    struct ColumnPair {
        let name: String
        let left: ColumnProfile
        let right: ColumnProfile
        /// nil for columns of which no distribution is shown: nested ones, and text of which most values differ.
        let distribution: PairedDistribution?
    }

    let left: Side
    let right: Side
    let columns: [ColumnPair]

    var json: JSONValue {
        let old = Dictionary(left.profile.columns.map { ($0.name, $0.type) }) { a, _ in a }
        let new = Dictionary(right.profile.columns.map { ($0.name, $0.type) }) { a, _ in a }
        func side(_ side: Side) -> JSONValue { ["ref": JSONValue(side.ref), "rows": .int(side.profile.rowCount)] }
        return [
            "left": side(left), "right": side(right),
            "schema": [
                "onlyLeft": JSONValue(left.profile.columns.map(\.name).filter { new[$0] == nil }),
                "onlyRight": JSONValue(right.profile.columns.map(\.name).filter { old[$0] == nil }),
                "types": .array(
                    columns.filter { $0.left.type != $0.right.type }.map {
                        ["name": .string($0.name), "left": .string($0.left.type), "right": .string($0.right.type)]
                    }),
            ],
            "columns": .array(
                columns.map { pair in
                    [
                        "name": .string(pair.name), "left": pair.left.json, "right": pair.right.json,
                        "distribution": pair.distribution?.json ?? .null,
                        "distance": pair.distribution?.distance.map { .number($0) } ?? .null,
                    ]
                }),
        ]
    }
}

extension DatasetsService {
    /// Values that a distribution of text shows at most.
    private static let valuesShown = 20

    /// Both sides' profiles, and for each column that both have, its distribution on common bins and how far the two are
    /// apart.
    func compare(_ left: Ref, _ right: Ref, as principal: Principal) async throws -> Comparison {
        let sources = (try await rowSource(left, as: principal), try await rowSource(right, as: principal))
        let sides = (
            Comparison.Side(
                ref: try await pin(left, as: principal).ref,
                profile: try TableProfile(json: await profile(left, as: principal))),
            Comparison.Side(
                ref: try await pin(right, as: principal).ref,
                profile: try TableProfile(json: await profile(right, as: principal)))
        )
        let others = Dictionary(sides.1.profile.columns.map { ($0.name, $0) }) { a, _ in a }
        let pairs = sides.0.profile.columns.compactMap { column in others[column.name].map { (column, $0) } }
        let texts = pairs.compactMap { pair in Self.values(pair.0, pair.1).map { (pair.0.name, $0) } }
        let counted = (
            try await counts(of: texts, in: sources.0, as: principal),
            try await counts(of: texts, in: sources.1, as: principal)
        )
        var columns: [Comparison.ColumnPair] = []
        for (a, b) in pairs {
            var distribution: PairedDistribution?
            if let values = texts.first(where: { $0.0 == a.name })?.1, let first = counted.0[a.name],
                let second = counted.1[a.name]
            {
                distribution = PairedDistribution(bins: .values(values), left: first, right: second)
            } else if let edges = Self.edges(a, b) {
                distribution = PairedDistribution(
                    bins: .edges(edges), left: try await histogram(a.name, edges, sources.0, principal),
                    right: try await histogram(b.name, edges, sources.1, principal))
            }
            columns.append(.init(name: a.name, left: a, right: b, distribution: distribution))
        }
        return Comparison(left: sides.0, right: sides.1, columns: columns)
    }

    /// The values that either side has most of, for text and booleans.
    private static func values(_ a: ColumnProfile, _ b: ColumnProfile) -> [String]? {
        guard a.kind == b.kind, a.kind == .text || a.kind == .boolean else { return nil }
        guard !a.topValues.isEmpty || !b.topValues.isEmpty else { return nil }
        var sums: [String: Double] = [:]
        for side in [a, b] {
            let all = Double(max(1, side.topValues.reduce(0) { $0 + $1.count }))
            for value in side.topValues { sums[value.value, default: 0] += Double(value.count) / all }
        }
        return sums.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(valuesShown).map(\.key)
    }

    /// Edges for numbers and times of both sides: over the middle 98 percent of both, so that a single far value does not
    /// take all the room; whole numbers of few values have one bin each.
    private static func edges(_ a: ColumnProfile, _ b: ColumnProfile) -> [Double]? {
        guard a.kind == b.kind, a.kind == .number || a.kind == .time else { return nil }
        let shown = [a, b].compactMap(\.histogram)
        guard let lowest = shown.compactMap(\.edges.first).min(), let highest = shown.compactMap(\.edges.last).max()
        else { return nil }
        let isWhole = [a, b].allSatisfy { TableColumn(name: $0.name, type: $0.type).isWholeNumber }
        if isWhole, highest - lowest <= Double(TableHistogram.binsAtMost) {
            return TableHistogram.edges(from: lowest, to: highest, isWhole: true)
        }
        let quantiles = [a, b].flatMap(\.quantiles).map(\.value)
        guard let low = quantiles.min(), let high = quantiles.max() else { return nil }
        return TableHistogram.edges(from: low, to: high, isWhole: isWhole)
    }

    private func histogram(_ column: String, _ edges: [Double], _ source: RowSource, _ principal: Principal)
        async throws -> PairedDistribution.Counts
    {
        let found = try await platform.tables.histogram(
            of: source.input, column: column, edges: edges, filter: source.condition, for: .query(principal))
        return PairedDistribution.Counts(
            bins: found.counts, below: found.below, above: found.above, other: found.notNumbers, nulls: found.nulls)
    }

    /// One pass for all columns.
    private func counts(of columns: [(name: String, values: [String])], in source: RowSource, as principal: Principal)
        async throws -> [String: PairedDistribution.Counts]
    {
        guard !columns.isEmpty else { return [:] }
        var expressions: [String] = []
        for (name, values) in columns {
            // As profiles show them.
            let text = "left(CAST(\(DuckSQL.name(name)) AS VARCHAR), 200)"
            expressions += values.map { "count_if(\(text) = \(DuckSQL.text($0)))" }
            expressions += ["count(\(DuckSQL.name(name)))", "count(*)"]
        }
        let filter = source.condition.map { " WHERE (\($0)\n)" } ?? ""
        let row = try await platform.tables.query(
            "SELECT \(expressions.joined(separator: ", ")) FROM data\(filter)", inputs: [source.input], maxRows: 1,
            for: .query(principal)
        ).rows[0].map { $0.intValue ?? 0 }
        var at = 0
        var found: [String: PairedDistribution.Counts] = [:]
        for (name, values) in columns {
            let bins = Array(row[at..<at + values.count])
            let (present, all) = (row[at + values.count], row[at + values.count + 1])
            at += values.count + 2
            found[name] = PairedDistribution.Counts(
                bins: bins, other: present - bins.reduce(0, +), nulls: all - present)
        }
        return found
    }
}
