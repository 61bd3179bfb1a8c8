import Core
import Platform
import Tables

/// What a plot of columns over another needs: its range cut into as many pieces as there are pixels, and in each the
/// smallest, the largest and the mean value, so that no peak is lost however many rows lie under a pixel.
struct SeriesQuery {
    /// A column of numbers or times.
    var x: String
    /// Columns of numbers.
    var y: [String]
    var buckets = 400
    /// The ends of the range, in the form of `x`: numbers, or times as RFC 3339 text; nil for the data's own.
    var from: String?
    var to: String?
    var filter: String?

    static let bucketsMaximum = 4000
    static let columnsMaximum = 20
}

struct Series {
    let x: TableColumn
    let isTime: Bool
    let from: Double
    let to: Double
    let rows: Int64
    /// Buckets that have rows: where each begins, how many rows it has, and for each column minimum, maximum, mean.
    let starts: [Double]
    let counts: [Int64]
    let columns: [(name: String, minimum: [Double?], maximum: [Double?], mean: [Double?])]

    var json: JSONValue {
        func numbers(_ values: [Double?]) -> JSONValue { .array(values.map { $0.map { .number($0) } ?? .null }) }
        return [
            // Times are seconds since 1970-01-01 UTC.
            "x": ["name": .string(x.name), "type": .string(x.type), "unit": isTime ? "seconds" : .null],
            "from": .number(from), "to": .number(to), "rows": .int(rows), "starts": numbers(starts),
            "counts": .array(counts.map { .int($0) }),
            "series": .array(
                columns.map {
                    [
                        "name": .string($0.name), "minimum": numbers($0.minimum), "maximum": numbers($0.maximum),
                        "mean": numbers($0.mean),
                    ]
                }),
        ]
    }
}

extension DatasetsService {
    /// - Throws: `invalid` for columns that are missing or of another type, and for a range that is none.
    func series(_ ref: Ref, _ query: SeriesQuery, as principal: Principal) async throws -> Series {
        let source = try await rowSource(ref, as: principal)
        func column(_ name: String, field: String, _ fits: (TableColumn) -> Bool, _ expected: String) throws
            -> TableColumn
        {
            guard let column = source.version.columns.first(where: { $0.name == name }), fits(column) else {
                let fitting = source.version.columns.filter(fits).map(\.name).joined(separator: ", ")
                throw SlipwayError.field(
                    field, "'\(name.prefix(80))' is no column of \(expected)",
                    expected: fitting.isEmpty ? "a table that has one" : "one of \(fitting)")
            }
            return column
        }
        let x = try column(query.x, field: "x", { $0.isNumeric || $0.isTime }, "numbers or times")
        guard (1...SeriesQuery.columnsMaximum).contains(query.y.count) else {
            throw SlipwayError.field(
                "y", "names \(query.y.count) columns", expected: "1 to \(SeriesQuery.columnsMaximum)")
        }
        let y = try query.y.map { try column($0, field: "y", \.isNumeric, "numbers") }
        guard (1...SeriesQuery.bucketsMaximum).contains(query.buckets) else {
            throw SlipwayError.field(
                "buckets", "is out of range", expected: "1 to \(SeriesQuery.bucketsMaximum)")
        }
        let name = DuckSQL.name(x.name)
        let value = x.isTime ? "epoch(\(name))" : "CAST(\(name) AS DOUBLE)"
        let condition = (try source.condition(and: query.filter).map { ["(\($0)\n)"] } ?? []) + ["isfinite(\(name))"]
        let finite = x.isTime || x.type == "DOUBLE" || x.type == "FLOAT" ? condition : Array(condition.dropLast())
        let filter = (finite + ["\(name) IS NOT NULL"]).joined(separator: " AND ")

        func ask(_ sql: String, _ parameters: [TableValue]) async throws -> [[TableValue]] {
            try await platform.tables.query(
                sql, parameters: parameters, inputs: [source.input], maxRows: SeriesQuery.bucketsMaximum + 1,
                timeoutSeconds: Self.pageSeconds, for: .interactive(principal)
            ).rows
        }
        let bound = x.isTime ? "epoch(CAST($%::VARCHAR AS TIMESTAMPTZ))" : "CAST($%::VARCHAR AS DOUBLE)"
        func end(_ number: Int, _ text: String?, _ otherwise: String) -> String {
            text == nil ? otherwise : bound.replacing("%", with: String(number))
        }
        let given = [query.from, query.to].compactMap { $0 }.map { TableValue.text($0) }
        let range = try await ask(
            """
            SELECT \(end(1, query.from, "min(\(value))")), \(end(query.from == nil ? 1 : 2, query.to, "max(\(value))"))
            FROM data WHERE \(filter)
            """, given)[0].map(\.doubleValue)
        guard let from = range[0], let to = range[1] else {
            return Series(
                x: x, isTime: x.isTime, from: 0, to: 0, rows: 0, starts: [], counts: [],
                columns: y.map { ($0.name, [], [], []) })
        }
        guard from <= to, from.isFinite, to.isFinite else {
            throw SlipwayError.field("from, to", "are no range", expected: "from before to")
        }
        let width = to > from ? (to - from) / Double(query.buckets) : 1
        let bucket = "least(CAST(floor((\(value) - $1) / $2) AS BIGINT), \(query.buckets - 1))"
        let cells = y.flatMap { column -> [String] in
            let name = "CAST(\(DuckSQL.name(column.name)) AS DOUBLE)"
            let finite = "CASE WHEN isfinite(\(name)) THEN \(name) END"
            return ["min(\(finite))", "max(\(finite))", "avg(\(finite))"]
        }
        let rows = try await ask(
            """
            SELECT \(bucket), count(*), \(cells.joined(separator: ", ")) FROM data
            WHERE \(filter) AND \(value) >= $1 AND \(value) <= $3 GROUP BY 1 ORDER BY 1
            """, [.double(from), .double(width), .double(to)])
        let counts = rows.map { $0[1].intValue ?? 0 }
        return Series(
            x: x, isTime: x.isTime, from: from, to: to, rows: counts.reduce(0, +),
            starts: rows.map { from + Double($0[0].intValue ?? 0) * width }, counts: counts,
            columns: y.enumerated().map { index, column in
                func cell(_ offset: Int) -> [Double?] { rows.map { $0[2 + 3 * index + offset].doubleValue } }
                return (column.name, cell(0), cell(1), cell(2))
            })
    }
}
