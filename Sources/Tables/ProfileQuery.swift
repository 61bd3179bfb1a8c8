import Core

/// A profile in two passes over the data, and one over each column that has top values.
struct ProfileQuery {
    static let probabilities = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
    static let maximumBins = 20
    static let topCount = 10

    private let instance: DuckDBInstance
    private let source: String
    private let columns: [ColumnExpression]

    init(_ instance: DuckDBInstance, source: String, columns: [TableColumn]) {
        self.instance = instance
        self.source = source
        self.columns = columns.map(ColumnExpression.init)
    }

    /// What the first pass tells of a column.
    private struct Summary {
        var present: Int64 = 0
        var distinct: Int64?
        var minimum: TableValue = .null
        var maximum: TableValue = .null
        var finite: Int64 = 0
        var lowest: Double?
        var highest: Double?
        var quantiles: [Double] = []
        var mean: Double?
        var deviation: Double?
    }

    func run() throws -> TableProfile {
        let (rowCount, summaries) = try summarise()
        let histograms = try histograms(summaries)
        let profiles = try columns.indices.map { index -> ColumnProfile in
            let (column, summary) = (columns[index], summaries[index])
            return ColumnProfile(
                name: column.column.name, type: column.column.type, kind: column.kind,
                nullCount: rowCount - summary.present,
                distinctCount: summary.distinct.map { min($0, summary.present) }, minimum: summary.minimum.text,
                maximum: summary.maximum.text,
                notFiniteCount: column.kind == .number || column.kind == .time ? summary.present - summary.finite : 0,
                mean: summary.mean, standardDeviation: summary.deviation,
                quantiles: zip(Self.probabilities, summary.quantiles).map { .init(probability: $0, value: $1) },
                histogram: histograms[index], topValues: try topValues(column, summary))
        }
        return TableProfile(rowCount: rowCount, columns: profiles)
    }

    // MARK: First pass

    private func summarise() throws -> (Int64, [Summary]) {
        let row: [TableValue]
        var deviations: [String: Double]?
        do {
            row = try firstPass(deviations: true)
        } catch let error as EngineError where error.message.contains("out of range") {
            // Squares of numbers beyond 1e150 do not fit, and one column of them fails all: each by itself then.
            row = try firstPass(deviations: false)
            deviations = try eachDeviation()
        }
        var cells = row.makeIterator()
        func next() -> TableValue { cells.next() ?? .null }
        let rowCount = next().intValue ?? 0
        let summaries = columns.map { column -> Summary in
            var summary = Summary()
            summary.present = next().intValue ?? 0
            if !column.isNested { summary.distinct = next().intValue }
            if !column.isNested {
                summary.minimum = next()
                summary.maximum = next()
            }
            guard column.kind == .number || column.kind == .time else { return summary }
            if column.mayBeInfinite {
                summary.finite = next().intValue ?? 0
                summary.lowest = next().doubleValue
                summary.highest = next().doubleValue
            } else {
                summary.finite = summary.present
                summary.lowest = summary.minimum.doubleValue
                summary.highest = summary.maximum.doubleValue
            }
            summary.quantiles = next().json.arrayValue?.compactMap(\.doubleValue) ?? []
            summary.mean = next().doubleValue.flatMap { $0.isFinite ? $0 : nil }
            guard column.kind == .number else { return summary }
            let deviation = next().doubleValue
            summary.deviation = (deviations.map { $0[column.name] } ?? deviation).flatMap { $0.isFinite ? $0 : nil }
            return summary
        }
        return (rowCount, summaries)
    }

    private func eachDeviation() throws -> [String: Double] {
        var found: [String: Double] = [:]
        for column in columns where column.kind == .number {
            do {
                found[column.name] = try instance.rows("SELECT stddev_samp(\(column.number)) FROM \(source)")[0][0]
                    .doubleValue
            } catch let error as EngineError where error.message.contains("out of range") {}
        }
        return found
    }

    private func firstPass(deviations: Bool) throws -> [TableValue] {
        var expressions = ["count(*)"]
        for column in columns {
            let name = column.name
            expressions.append("count(\(name))")
            if column.isNested { continue }
            expressions.append("approx_count_distinct(\(name))")
            let ordered = column.isFloating ? column.number : name
            for function in ["min", "max"] {
                expressions.append(
                    column.kind == .text || column.kind == .other
                        ? "left(\(function)(\(ordered))::VARCHAR, 200)" : "\(function)(\(ordered))")
            }
            guard column.kind == .number || column.kind == .time else { continue }
            let number = column.number
            if column.mayBeInfinite { expressions += ["count(\(number))", "min(\(number))", "max(\(number))"] }
            expressions += [
                "approx_quantile(\(number), [\(Self.probabilities.map(\.description).joined(separator: ", "))])",
                "avg(\(number))",
            ]
            if column.kind == .number { expressions.append(deviations ? "stddev_samp(\(number))" : "NULL") }
        }
        return try instance.rows("SELECT \(expressions.joined(separator: ", ")) FROM \(source)")[0]
    }

    // MARK: Second pass

    private func histograms(_ summaries: [Summary]) throws -> [Int: ColumnProfile.Histogram] {
        var edges: [Int: [Double]] = [:]
        for index in columns.indices {
            if let lowest = summaries[index].lowest, let highest = summaries[index].highest, lowest.isFinite,
                highest.isFinite
            {
                edges[index] = Self.edges(lowest, highest, isWhole: columns[index].isWhole)
            }
        }
        let order = edges.keys.sorted()
        guard !order.isEmpty else { return [:] }
        let expressions = order.map { HistogramQuery.counts(columns[$0].number, edges[$0] ?? []) }
        let row = try instance.rows("SELECT \(expressions.joined(separator: ", ")) FROM \(source)")[0]
        return Dictionary(
            uniqueKeysWithValues: zip(order, row).map { index, cell in
                let edges = edges[index] ?? []
                let bins = (cell.json.arrayValue?.compactMap(\.intValue) ?? []).prefix(edges.count)
                var counts = Array(bins.dropFirst().reversed())
                // The first is the maximum itself, which belongs to the last bin.
                if let atMaximum = bins.first, !counts.isEmpty { counts[counts.count - 1] += atMaximum }
                return (index, ColumnProfile.Histogram(edges: edges, counts: counts))
            })
    }

    static func edges(_ lowest: Double, _ highest: Double, isWhole: Bool) -> [Double] {
        if isWhole, highest - lowest < Double(maximumBins) {
            return (0...Int(highest - lowest) + 1).map { lowest + Double($0) }
        }
        if lowest == highest {
            // As wide as it takes for the two edges to differ.
            let width = max(0.5, lowest.magnitude.ulp)
            return [lowest - width, lowest + width]
        }
        let step = highest / Double(maximumBins) - lowest / Double(maximumBins)
        let inner = (0..<maximumBins).map { lowest + Double($0) * step }
        // Numbers next to each other leave no room for twenty edges.
        let rising = inner.reduce(into: [Double]()) { if $1 > ($0.last ?? -.infinity), $1 < highest { $0.append($1) } }
        return rising + [highest]
    }

    // MARK: Top values

    private func topValues(_ column: ColumnExpression, _ summary: Summary) throws -> [ColumnProfile.TopValue] {
        let distinct = summary.distinct ?? 0
        let isWanted =
            switch column.kind {
            case .text: distinct <= 1000 || distinct < summary.present / 2
            case .boolean: true
            case .number: column.isWhole && distinct <= 100
            case .time, .other: false
            }
        guard isWanted, summary.present > 0 else { return [] }
        let name = column.name
        return try instance.rows(
            """
            SELECT left(\(name)::VARCHAR, 200), count(*) FROM \(source) WHERE \(name) IS NOT NULL
            GROUP BY \(name) ORDER BY 2 DESC, \(name) LIMIT \(Self.topCount)
            """
        ).map { row in ColumnProfile.TopValue(value: row[0].text ?? "", count: row[1].intValue ?? 0) }
    }
}
