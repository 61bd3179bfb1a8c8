import Core
import Datasets
import Tables

/// Builds a monitor's reference out of a dataset version or a slice, with queries; no row leaves the table engine.
struct ReferenceBuilder: Sendable {
    let datasets: DatasetsService

    /// How many columns one query reads: its memory grows with them.
    private static let batch = 8

    /// What a ref means now. All queries of one reference read this, whatever is added meanwhile.
    struct Basis: Sendable {
        /// Exactly the rows: a dataset version, or a slice on one.
        let ref: Ref
        let version: DatasetVersion
        let slice: Slice?

        func isBasis(of reference: Reference) -> Bool {
            reference.dataset == version.ref && reference.slice == slice?.ref
        }
    }

    func basis(_ ref: Ref, as principal: Principal) async throws -> Basis {
        let exact = try await datasets.pin(ref, as: principal).ref
        return Basis(
            ref: exact, version: try await datasets.resolve(exact, as: principal),
            slice: ref.kind == .slice ? try await datasets.slice(exact, as: principal) : nil)
    }

    /// - Parameter features: columns; nil for all that can be watched.
    /// - Throws: `invalid` for a feature that is no column or is of a type that cannot be watched, and when there are no
    ///   rows.
    func build(_ basis: Basis, features: [String]?, as principal: Principal) async throws -> Reference {
        let (version, slice) = (basis.version, basis.slice)
        let columns = try Self.choose(features, from: version)
        let rows = Rows(datasets: datasets, ref: basis.ref, principal: principal)
        let count = try await rows.query("SELECT count(*) FROM").first?.first?.intValue ?? 0
        guard count > 0 else {
            throw SlipwayError.field(
                "reference", "\(slice?.ref ?? version.ref) has no rows",
                expected: "the rows that the model was trained on")
        }
        var profiles: [String: FeatureProfile] = [:]
        let numeric = columns.filter { Self.kind($0) == .numeric }.map(\.name)
        for start in stride(from: 0, to: numeric.count, by: Self.batch) {
            let names = Array(numeric[start..<min(start + Self.batch, numeric.count)])
            profiles.merge(try await Self.numbers(names, in: rows, total: count)) { first, _ in first }
        }
        for column in columns where Self.kind(column) == .categorical {
            profiles[column.name] = try await Self.categories(column.name, in: rows, total: count)
        }
        return Reference(dataset: version.ref, slice: slice?.ref, rows: count, features: profiles)
    }

    private static func choose(_ features: [String]?, from version: DatasetVersion) throws -> [TableColumn] {
        guard let features else {
            let usable = version.columns.filter { kind($0) != nil }
            guard !usable.isEmpty else {
                throw SlipwayError.field("reference", "\(version.ref) has no column of numbers, booleans or text")
            }
            return Array(usable.prefix(MonitorSpec.maximumFeatures))
        }
        return try features.map { name in
            guard let column = version.columns.first(where: { $0.name == name }) else {
                throw SlipwayError.field(
                    "features", "\(version.ref) has no column '\(name.prefix(80))'",
                    expected: "some of " + version.columns.prefix(100).map(\.name).joined(separator: ", "))
            }
            guard kind(column) != nil else {
                throw SlipwayError.field(
                    "features", "the column '\(name)' is of the type \(column.type)",
                    expected: "numbers, booleans or text")
            }
            return column
        }
    }

    static func kind(_ column: TableColumn) -> FeatureReport.Kind? {
        if column.isNumeric || column.type == "BOOLEAN" { return .numeric }
        let isText = column.type == "VARCHAR" || column.type == "UUID" || column.type.hasPrefix("ENUM(")
        return isText && !column.type.hasSuffix("]") ? .categorical : nil
    }

    // MARK: Numbers

    private static func numbers(_ names: [String], in rows: Rows, total: Int64) async throws -> [String: FeatureProfile]
    {
        let values = names.enumerated().map { "\(number($1)) AS v\($0)" }.joined(separator: ", ")
        let places = names.indices
        let summary = try await rows.query(
            "SELECT " + places.map { "count(v\($0)), avg(v\($0))" }.joined(separator: ", ") + " FROM", values)
        var quantiles: [[Double]] = []
        for place in places {
            let present = summary.first?[place * 2].intValue ?? 0
            quantiles.append(try await Self.quantiles(number(names[place]), in: rows, present: present))
        }
        // DuckDB's bins hold their upper edge, as those of the profile do.
        let edges = quantiles.map { Array(Set($0)).sorted() }
        let counted = places.filter { !edges[$0].isEmpty }
        let counts =
            counted.isEmpty
            ? []
            : columns(
                try await rows.query(
                    "SELECT "
                        + counted.map { "unnest(map_values(histogram(v\($0), \(list(edges[$0]))::DOUBLE[])))" }
                        .joined(separator: ", ") + " FROM", values), count: counted.count)
        var profiles: [String: FeatureProfile] = [:]
        for place in places {
            let present = summary.first?[place * 2].intValue ?? 0
            let binned = counted.firstIndex(of: place).map { counts[$0].map { Int64($0) } } ?? []
            guard binned.count == edges[place].count, binned.reduce(0, +) == present else {
                throw SlipwayError(.internal, "The counts of the column \(names[place]) do not add up.")
            }
            profiles[names[place]] = .numeric(
                NumericProfile(
                    quantiles: quantiles[place], counts: binned, missing: total - present,
                    mean: summary.first?[place * 2 + 1].doubleValue))
        }
        return profiles
    }

    /// The values at `NumericProfile.steps` equal steps of rank. One sort does it; DuckDB's quantile_disc passes over the
    /// column again for each of them.
    private static func quantiles(_ value: String, in rows: Rows, present: Int64) async throws -> [Double] {
        guard present > 0 else { return [] }
        let ranks = NumericProfile.ranks(of: present)
        let wanted = Set(ranks).sorted().map(String.init).joined(separator: ",")
        let found = try await rows.query(
            "SELECT r, v FROM (SELECT v, row_number() OVER (ORDER BY v) AS r FROM", "\(value) AS v",
            "WHERE v IS NOT NULL) WHERE r IN (\(wanted))")
        let values = Dictionary(found.map { ($0[0].intValue ?? 0, $0[1].doubleValue ?? .nan) }) { first, _ in first }
        return try ranks.map { rank in
            guard let value = values[rank] else {
                throw SlipwayError(.internal, "The value of rank \(rank) is missing.")
            }
            return value
        }
    }

    /// As `Cell.number`: single precision, NaN as NULL, infinities as the largest number.
    private static func number(_ name: String) -> String {
        let value = "\(quoted(name))::DOUBLE"
        let largest = "'\(Cell.largest.description)'::DOUBLE"
        // Not left to greatest and least, which pass over NULL.
        return
            "CASE WHEN \(value) IS NULL OR isnan(\(value)) THEN NULL ELSE greatest(least(\(value), \(largest)), -\(largest))::FLOAT::DOUBLE END"
    }

    /// Numbers by way of text, which is read exactly.
    private static func list(_ values: [Double]) -> String {
        "[" + values.map { "'\($0.description)'::DOUBLE" }.joined(separator: ",") + "]"
    }

    /// The cells that are not NULL, column by column.
    private static func columns(_ rows: [[TableValue]], count: Int) -> [[Double]] {
        (0..<count).map { column in rows.compactMap { $0[column].doubleValue } }
    }

    // MARK: Categories

    private static func categories(_ name: String, in rows: Rows, total: Int64) async throws -> FeatureProfile {
        let value = "left(\(quoted(name))::VARCHAR, \(Cell.categoryLength)) AS v"
        let found = try await rows.query(
            """
            SELECT v, count(*), sum(count(*)) OVER () FROM
            """, value,
            "WHERE v IS NOT NULL GROUP BY v ORDER BY 2 DESC, 1 LIMIT \(CategoricalProfile.maximumValues)")
        let counts = found.map { $0[1].intValue ?? 0 }
        let present = found.first?[2].intValue ?? 0
        return .categorical(
            CategoricalProfile(
                values: found.map { $0[0].text ?? "" }, counts: counts, other: present - counts.reduce(0, +),
                missing: total - present))
    }

    private static func quoted(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}

/// The rows of one dataset version or of a slice on one.
private struct Rows {
    let datasets: DatasetsService
    let ref: Ref
    let principal: Principal

    /// `select` ends before the table; `columns` is what the table has; `rest` follows it.
    func query(_ select: String, _ columns: String = "1", _ rest: String = "") async throws -> [[TableValue]] {
        try await datasets.query(
            "\(select) (SELECT \(columns) FROM data) \(rest)", inputs: ["data": ref], parameters: [], limit: 10_000,
            as: principal
        ).rows
    }
}
