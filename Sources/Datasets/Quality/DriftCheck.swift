import Core
import Synchronization
import Tables

/// How far the new rows of a column lie from a reference: the same figures as a monitor's (`Drift`), with the bins cut in
/// the reference.
struct DriftCheck {
    let check: QualityCheck

    /// With fewer values, rows drawn from the reference itself would often seem to have drifted (see `Drift`).
    static let minimumValues: Int64 = 200

    func judge(
        _ rule: ContractRule, _ column: String, _ ref: Ref, psi: Double?, ks: Double?
    ) async throws -> QualityReport.Result {
        let type = check.subject.types[column] ?? ""
        let value = Self.number(column, type)
        if value == nil, ks != nil {
            return .init(
                rule, passed: false, scope: .none, problem: "the column is \(type); ks takes numbers and times")
        }
        let reference = try await reference(ref, column, type)
        let counts: (fine: [Int64], coarse: [Int64], reference: [Int64])
        switch reference {
        case .numeric(let profile):
            let fine = try await fine(profile, value ?? "")
            counts = (fine, profile.gathered(fine), profile.gathered(profile.fine))
        case .categorical(let profile):
            let found = try await categories(profile, column)
            counts = (found, found, profile.counts + [profile.other])
        }
        let present = counts.fine.reduce(0, +)
        guard present >= Self.minimumValues, reference.present >= Self.minimumValues else {
            return .init(
                rule, passed: true,
                problem:
                    "not judged: \(present) values against \(reference.present) in \(ref); it takes \(Self.minimumValues) each"
            )
        }
        var measured: [String: JSONValue] = ["reference": JSONValue(ref)]
        var problems: [String] = []
        let index = Drift.populationStability(reference: counts.reference, current: counts.coarse) ?? 0
        measured["psi"] = .number(index)
        if let psi, index > psi { problems.append("PSI is \(QualityCheck.short(index)), at most \(psi) is allowed") }
        if case .numeric(let profile) = reference,
            let test = Drift.kolmogorovSmirnov(reference: profile.fine, current: counts.fine)
        {
            measured["ks"] = .number(test.statistic)
            if let ks, test.statistic > ks {
                problems.append("KS is \(QualityCheck.short(test.statistic)), at most \(ks) is allowed")
            }
        }
        var result = QualityReport.Result(
            rule, passed: problems.isEmpty,
            problem: problems.isEmpty ? nil : problems.joined(separator: ", ") + ", against \(ref)")
        result.measured = measured
        return result
    }

    // MARK: The reference

    private func reference(_ ref: Ref, _ column: String, _ type: String) async throws -> FeatureProfile {
        let (pinned, digest) = try await check.service.pin(ref, as: .system)
        let key = DriftReferences.Key(ref: pinned, digest: digest, column: column, type: type)
        if let known = check.service.driftReferences[key] { return known }
        let known = try await check.service.columns(of: ref)
        guard let other = known.first(where: { $0.name == column }) else {
            throw SlipwayError(
                .invalid, "\(ref) has no column '\(column)'\(NearestName.hint(column, in: known.map(\.name))).")
        }
        let binding = try await check.service.bind(["reference": pinned.kind == .slice ? ref : pinned], as: .system)
        func rows(_ sql: String, limit: Int = 1) async throws -> [[TableValue]] {
            try await check.query(binding.sql(sql), binding.inputs, limit: limit)
        }
        let profile: FeatureProfile
        switch (Self.number(column, type), Self.number(column, other.type)) {
        case (.some, let value?): profile = .numeric(try await numbers(value, rows))
        case (nil, nil): profile = .categorical(try await categories(column, rows))
        default:
            throw SlipwayError(.invalid, "The column '\(column)' is \(type) here and \(other.type) in \(ref).")
        }
        check.service.driftReferences[key] = profile
        return profile
    }

    private func numbers(
        _ value: String, _ rows: (String, Int) async throws -> [[TableValue]]
    ) async throws -> NumericProfile {
        let steps = NumericProfile.steps
        let shares = (0...steps).map { (Double($0) / Double(steps)).description }.joined(separator: ", ")
        let row =
            try await rows(
                "SELECT count(*), count(v), min(v), max(v), avg(v), approx_quantile(v, [\(shares)]) FROM (SELECT \(value) AS v FROM reference)",
                1
            ).first ?? []
        guard row.count == 6, let low = row[2].doubleValue, let high = row[3].doubleValue else {
            return NumericProfile(quantiles: [], counts: [], missing: row.first?.intValue ?? 0, mean: nil)
        }
        // The estimates are the bins' edges, no more; what lies between them is counted exactly.
        var quantiles = (row[5].json.arrayValue?.compactMap(\.doubleValue) ?? []).map { min(max($0, low), high) }
        quantiles.sort()
        guard quantiles.count == steps + 1 else {
            throw SlipwayError(.internal, "DuckDB gave \(quantiles.count) quantiles.")
        }
        (quantiles[0], quantiles[steps]) = (low, high)
        let edges = Set(quantiles).sorted()
        let counted = try await rows(
            "SELECT map_values(histogram(\(value), \(Self.list(edges)))) FROM reference", 1)
        let counts = counted.first?.first?.json.arrayValue?.compactMap(\.intValue) ?? []
        return NumericProfile(
            quantiles: quantiles, counts: Array(counts.prefix(edges.count)),
            missing: (row[0].intValue ?? 0) - (row[1].intValue ?? 0), mean: row[4].doubleValue)
    }

    private func categories(
        _ column: String, _ rows: (String, Int) async throws -> [[TableValue]]
    ) async throws -> CategoricalProfile {
        let found = try await rows(
            """
            SELECT v, n, sum(n) OVER ()::BIGINT FROM (SELECT \(Self.text(column)) AS v, count(*) AS n FROM reference
            WHERE \(DuckSQL.name(column)) IS NOT NULL GROUP BY v)
            ORDER BY n DESC, v LIMIT \(CategoricalProfile.maximumValues)
            """, CategoricalProfile.maximumValues)
        let counts = found.map { $0[1].intValue ?? 0 }
        return CategoricalProfile(
            values: found.map { $0[0].text ?? "" }, counts: counts,
            other: (found.first?[2].intValue ?? 0) - counts.reduce(0, +), missing: 0)
    }

    // MARK: The new rows

    /// Below the reference's first point, up to each point, above the last.
    private func fine(_ profile: NumericProfile, _ value: String) async throws -> [Int64] {
        guard let lowest = profile.points.first else { return [] }
        let row =
            try await check.query(
                "SELECT map_values(histogram(v, \(Self.list(profile.points)))), count_if(v < '\(lowest)'::DOUBLE), count(v) FROM (SELECT \(value) AS v FROM new)",
                [check.subject.new], limit: 1
            ).first ?? []
        guard row.count == 3 else { return [] }
        var counts = Array((row[0].json.arrayValue?.compactMap(\.intValue) ?? []).prefix(profile.points.count))
        if counts.isEmpty { counts = Array(repeating: 0, count: profile.points.count) }
        let (below, all) = (row[1].intValue ?? 0, row[2].intValue ?? 0)
        let above = all - counts.reduce(0, +)
        counts[0] -= below
        return [below] + counts + [above]
    }

    private func categories(_ profile: CategoricalProfile, _ column: String) async throws -> [Int64] {
        let known = profile.values.map(DuckSQL.text).joined(separator: ", ")
        let list = known.isEmpty ? "NULL" : "CASE WHEN v IN (\(known)) THEN v END"
        let found = try await check.query(
            "SELECT \(list) AS g, count(*) FROM (SELECT \(Self.text(column)) AS v FROM new WHERE \(DuckSQL.name(column)) IS NOT NULL) GROUP BY g",
            [check.subject.new], limit: CategoricalProfile.maximumValues + 1)
        let counts = Dictionary(found.map { ($0[0].text, $0[1].intValue ?? 0) }) { first, _ in first }
        return profile.values.map { counts[$0] ?? 0 } + [counts[nil] ?? 0]
    }

    // MARK: SQL

    /// A column's finite values as DOUBLE, times as seconds; nil for what has no order.
    static func number(_ column: String, _ type: String) -> String? {
        let name = DuckSQL.name(column)
        if QualitySQL.isTime(type) { return "CASE WHEN isfinite(\(name)) THEN epoch(\(name)) END" }
        guard TableColumn(name: column, type: type).isNumeric else { return nil }
        return "CASE WHEN isfinite(\(name)::DOUBLE) THEN \(name)::DOUBLE END"
    }

    private static func text(_ column: String) -> String { "left(\(DuckSQL.name(column))::VARCHAR, 200)" }

    private static func list(_ values: [Double]) -> String {
        "[" + values.map { "'\($0.description)'" }.joined(separator: ", ") + "]::DOUBLE[]"
    }
}

/// References that were counted already: a version does not change, so neither do they.
final class DriftReferences: Sendable {
    struct Key: Hashable {
        let ref: Ref
        let digest: Digest
        let column: String
        let type: String
    }

    private static let maximum = 256
    private let known = Mutex<[Key: FeatureProfile]>([:])

    subscript(key: Key) -> FeatureProfile? {
        get { known.withLock { $0[key] } }
        set {
            known.withLock { known in
                if known.count >= Self.maximum { known.removeAll() }
                known[key] = newValue
            }
        }
    }
}
