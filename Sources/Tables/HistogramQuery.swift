import Core

/// A column as SQL expressions.
struct ColumnExpression {
    let column: TableColumn
    let kind: ColumnProfile.Kind
    /// The quoted name.
    var name: String { SQLText.name(column.name) }

    init(_ column: TableColumn) {
        self.column = column
        kind =
            if column.isNumeric {
                .number
            } else if column.type == "DATE" || (column.type.hasPrefix("TIMESTAMP") && !column.type.hasSuffix("]")) {
                .time
            } else if column.type == "BOOLEAN" {
                .boolean
            } else if column.type == "VARCHAR" || column.type == "UUID"
                || column.type.hasPrefix("ENUM(") && !column.type.hasSuffix("]")
            {
                .text
            } else {
                .other
            }
    }

    var isFloating: Bool { column.type == "FLOAT" || column.type == "DOUBLE" }
    /// Whether there are values that `number` leaves out.
    var mayBeInfinite: Bool { isFloating || kind == .time }
    var isWhole: Bool { kind == .number && !isFloating && !column.type.hasPrefix("DECIMAL") }
    /// Whether DuckDB can count its distinct values and order it cheaply.
    var isNested: Bool {
        column.type.hasSuffix("]") || ["STRUCT(", "MAP(", "UNION("].contains(where: column.type.hasPrefix)
    }

    /// The finite values as DOUBLE (times: seconds since 1970), the others as NULL.
    var number: String {
        switch kind {
        case .number: isFloating ? "CASE WHEN isfinite(\(name)) THEN \(name)::DOUBLE END" : "\(name)::DOUBLE"
        case .time: "CASE WHEN isfinite(\(name)) THEN epoch(\(name)) END"
        default: "NULL::DOUBLE"
        }
    }

    static func doubles(_ values: [Double]) -> String {
        // By way of text, which is read exactly; a bare 0.1 would be a DECIMAL first.
        "\(SQLText.list(values.map(\.description)))::DOUBLE[]"
    }
}

/// Counts between edges, in one pass beside any others.
struct HistogramQuery {
    private let edges: [Double]
    /// Counts of the bins from the highest down, then three counts.
    let expressions: [String]

    /// - Throws: `invalid` for fewer than two edges, edges that do not rise, or a column that has no numbers.
    init(_ column: TableColumn, edges: [Double]) throws {
        let expression = ColumnExpression(column)
        guard expression.kind == .number || expression.kind == .time else {
            throw SlipwayError.field(
                "column", "'\(column.name)' is of the type \(column.type)", expected: "numbers or times")
        }
        guard edges.count >= 2, edges.count <= 1001, edges.allSatisfy(\.isFinite),
            zip(edges, edges.dropFirst()).allSatisfy(<)
        else {
            throw SlipwayError.field(
                "edges", "do not do", expected: "2 to 1001 finite numbers, each larger than the one before")
        }
        self.edges = edges
        let name = expression.name
        let number = expression.isFloating ? "CASE WHEN NOT isnan(\(name)) THEN \(name)::DOUBLE END" : expression.number
        let notNumber = expression.isFloating ? "isnan(\(name))" : "false"
        expressions =
            [Self.counts(number, edges), "count_if(\(number) = '\(edges[edges.count - 1])'::DOUBLE)"]
            + ["count(\(number))", "count_if(\(notNumber))", "count(*)", "count(\(name))"]
    }

    /// DuckDB's bins hold their upper edge (`x <= edge`). Ours hold the lower one, so both sides are negated: the answer
    /// has the bin at and above the highest edge first.
    static func counts(_ number: String, _ edges: [Double]) -> String {
        "map_values(histogram(-(\(number)), \(ColumnExpression.doubles(edges.reversed().map { -$0 }))))"
    }

    func result(_ row: [TableValue]) -> TableHistogram {
        let counted = row[0].json.arrayValue?.compactMap(\.intValue) ?? []
        let bins = counted.isEmpty ? [Int64](repeating: 0, count: edges.count) : Array(counted.prefix(edges.count))
        let numbers = row.dropFirst().map { $0.intValue ?? 0 }
        let (onLastEdge, counts, notNumbers, rows, present) = (
            numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
        )
        var rising = Array(bins.dropFirst().reversed())
        rising[rising.count - 1] += onLastEdge
        let above = bins[0] - onLastEdge
        // Infinite times have no place among seconds; they are neither NULL nor a number.
        return TableHistogram(
            edges: edges, counts: rising, below: counts - above - rising.reduce(0, +), above: above,
            nulls: rows - present,
            notNumbers: notNumbers + (present - counts - notNumbers))
    }
}
