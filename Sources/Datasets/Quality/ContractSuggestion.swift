import Core
import Platform
import Tables

/// Drafts a contract that holds for the data it is drafted from. What is sure to be meant (types, no NULLs, keys) blocks,
/// what may only happen to be so (ranges, values) warns.
struct ContractSuggestion {
    /// Text of at most so many values, each seen often, is taken for a set of categories.
    static let categoriesMaximum = 10
    static let rowsPerCategory: Int64 = 20

    let version: DatasetVersion
    let key: [String]
    let profile: TableProfile
    /// Columns in which no value was found twice.
    let unique: Set<String>
    let author: String

    var yaml: String {
        var lines = [
            "# Suggested from \(version.ref) (\(version.rowCount) rows). It holds for that version; read it before you set",
            "# it: a range that was seen is not yet a range that is meant.", "owner: \(Self.text(author))",
            "severity: block", "columns:",
        ]
        for column in profile.columns { lines += rules(column) }
        lines.append("otherColumns: warn")
        if !key.isEmpty { lines += ["keys:", "  - [\(key.map(Self.text).joined(separator: ", "))]"] }
        lines += ["rows:", "  min: 1"]
        return lines.joined(separator: "\n") + "\n"
    }

    private func rules(_ column: ColumnProfile) -> [String] {
        var lines = ["  \(Self.text(column.name)):", "    type: \(Self.text(column.type))"]
        let rows = profile.rowCount
        if column.nullCount == 0, rows > 0 {
            lines.append("    required: true")
        } else if rows > 0, column.nullCount < rows {
            // Half as many again as were seen, in whole percent.
            let share = Double(column.nullCount) / Double(rows) * 1.5
            let bound = (share * 100).rounded(.up) / 100
            if bound < 1 { lines.append("    nulls: {max: \(bound), severity: warn}") }
        }
        if unique.contains(column.name), key != [column.name] { lines.append("    unique: true") }
        let present = rows - column.nullCount
        let counted = column.topValues.reduce(0) { $0 + $1.count }
        if column.kind == .text, !column.topValues.isEmpty, column.topValues.count <= Self.categoriesMaximum,
            counted == present, present >= Int64(column.topValues.count) * Self.rowsPerCategory,
            column.topValues.allSatisfy({ $0.value.count < 200 })
        {
            let values = column.topValues.map { Self.text($0.value) }.joined(separator: ", ")
            lines.append("    allowed: {values: [\(values)], severity: warn}")
        }
        if column.kind == .number, column.notFiniteCount == 0, let low = column.minimum, let high = column.maximum,
            Double(low) != nil, Double(high) != nil
        {
            lines.append("    range: {min: \(low), max: \(high), severity: warn}")
        }
        return lines
    }

    /// Text as YAML that is read back as this text.
    static func text(_ text: String) -> String {
        let plain =
            text.utf8.first.map { ($0 | 32) >= 97 && ($0 | 32) <= 122 } == true
            && text.utf8.allSatisfy {
                ($0 | 32) >= 97 && ($0 | 32) <= 122 || $0 >= 48 && $0 <= 57 || $0 == 95 || $0 == 45 || $0 == 46
            }
        let words: Set = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        // JSON's text is YAML's double-quoted text.
        return plain && !words.contains(text.lowercased()) ? text : JSONValue.string(text).canonicalText
    }
}

extension DatasetsService {
    /// Drafts a contract from a version's profile, as YAML.
    public func suggestContract(_ ref: Ref, as principal: Principal) async throws -> String {
        let version = try await resolve(ref, as: principal)
        let owner = try await dataset(version.dataset, as: principal)
        let profile = try await TableProfile(json: self.profile(version.ref, as: principal))
        // The profile's count is an estimate; whether a value comes twice is asked of the columns where it may not.
        let candidates = profile.columns.filter {
            ($0.distinctCount ?? 0) * 10 > (profile.rowCount - $0.nullCount) * 9
                && $0.nullCount == 0 && profile.rowCount > 1 && ($0.kind == .text || $0.kind == .number)
                && !["FLOAT", "DOUBLE"].contains($0.type)
        }.prefix(20)
        var unique: Set<String> = []
        for candidate in candidates {
            let name = DuckSQL.name(candidate.name)
            let count = try await platform.tables.query(
                "SELECT count(DISTINCT \(name)) FROM data", inputs: [input(version, name: "data")], maxRows: 1,
                timeoutSeconds: Self.writeSeconds)
            if count.rows.first?.first?.intValue == profile.rowCount { unique.insert(candidate.name) }
        }
        return ContractSuggestion(
            version: version, key: owner.key, profile: profile, unique: unique, author: principal.name
        ).yaml
    }
}
