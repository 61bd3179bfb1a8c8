import Core
import Platform
import Tables

/// Which two splits to look at, and by what.
public struct LeakageQuestion: Sendable {
    /// What a model learns from.
    public let left: Ref
    /// What it is tested on.
    public let right: Ref
    public let key: [String]
    public let text: String?
    public let time: String?
    public let ignore: [String]
}

/// Looks for what a test split should not share with a training split.
///
/// Near-duplicates of text are pairs whose sets of three-word shingles have a Jaccard similarity of at least 0.8; candidates
/// come from MinHash signatures in bands (Broder, "On the resemblance and containment of documents", 1997): 20 hashes in
/// 5 bands of 4, which finds a pair at 0.8 with a chance of 93 %, one at 0.9 with more than 99 %. Of tables they are rows whose
/// numbers are equal to three significant digits and whose other columns are equal without regard to case and spaces.
struct LeakageCheck {
    let left: [TableColumn]
    let right: [TableColumn]
    let question: LeakageQuestion
    let key: [String]

    static let examples = 5
    static let hashes = 20
    static let bandHashes = 4
    static let similarity = 0.8

    /// Columns of both, without the ignored ones.
    private var shared: [TableColumn] {
        left.filter { column in
            right.contains { $0.name == column.name } && !question.ignore.contains(column.name)
        }
    }

    /// Each gives `right` rows that leak, and some of them as JSON.
    func queries() throws -> [(kind: String, about: [String], sql: String)] {
        for name in question.key + question.ignore + [question.text, question.time].compactMap({ $0 }) {
            guard left.contains(where: { $0.name == name }), right.contains(where: { $0.name == name }) else {
                throw SlipwayError.field(
                    "column", "'\(name.prefix(80))' is not in both",
                    expected: "some of \(left.map(\.name).joined(separator: ", "))")
            }
        }
        var list: [(String, [String], String)] = []
        if !key.isEmpty { list.append(("shared-keys", key, Self.common(key.map { ($0, DuckSQL.name($0)) }))) }
        let rest = shared.filter { !key.contains($0.name) }
        if !rest.isEmpty {
            list.append(("same-rows", rest.map(\.name), Self.common(rest.map { ($0.name, DuckSQL.name($0.name)) })))
            let rounded = rest.map { ($0.name, Self.rounded($0)) }
            list.append(("near-rows", rest.map(\.name), Self.common(rounded)))
        }
        if let text = question.text { list.append(("near-text", [text], Self.nearText(DuckSQL.name(text)))) }
        if let time = question.time {
            let name = DuckSQL.name(time)
            list.append(
                (
                    "time-order", [time],
                    """
                    SELECT (SELECT count(*) FROM l WHERE \(name) >= b.first),
                        (SELECT to_json([CAST(max(\(name)) AS VARCHAR), CAST(b.first AS VARCHAR)]) FROM l)
                    FROM (SELECT min(\(name)) AS first FROM r) b
                    """
                ))
        }
        return list
    }

    /// Rows of `r` whose expressions are equal to those of some row of `l`; NULLs are equal to each other.
    private static func common(_ expressions: [(name: String, sql: String)]) -> String {
        let list = expressions.enumerated().map { "\($1.sql) AS c\($0)" }.joined(separator: ", ")
        let same = expressions.indices.map { "a.c\($0) IS NOT DISTINCT FROM b.c\($0)" }.joined(separator: " AND ")
        let object = expressions.enumerated().map { "\(DuckSQL.text($1.name)), a.c\($0)" }.joined(separator: ", ")
        return """
            WITH hit AS (SELECT json_object(\(object)) AS example
                FROM (SELECT \(list) FROM r) a SEMI JOIN (SELECT DISTINCT \(list) FROM l) b ON \(same))
            SELECT count(*), (SELECT to_json(list(example)) FROM (SELECT DISTINCT example FROM hit LIMIT \(examples)))
            FROM hit
            """
    }

    private static func rounded(_ column: TableColumn) -> String {
        let name = DuckSQL.name(column.name)
        if column.type == "DOUBLE" || column.type == "FLOAT" || column.type.hasPrefix("DECIMAL") {
            return """
                CASE WHEN \(name) = 0 OR isinf(CAST(\(name) AS DOUBLE)) OR isnan(CAST(\(name) AS DOUBLE)) THEN CAST(\(name) AS DOUBLE)
                ELSE round(CAST(\(name) AS DOUBLE), 2 - CAST(floor(log10(abs(CAST(\(name) AS DOUBLE)))) AS INTEGER)) END
                """
        }
        if column.type == "VARCHAR" { return "lower(regexp_replace(\(name), '\\s+', ' ', 'g'))" }
        return name
    }

    private static func nearText(_ name: String) -> String {
        let bands = (0..<(hashes / bandHashes)).map { band in
            let parts = (0..<bandHashes).map { "list_min([hash(x, \(band * bandHashes + $0)) FOR x IN s])" }
            return "SELECT id, s, \(band) AS band, hash(\(parts.joined(separator: ", "))) AS bucket FROM side"
        }.joined(separator: " UNION ALL ")
        func side(_ table: String) -> String {
            """
            SELECT id, s FROM (SELECT t AS id, list_distinct(list_transform(range(1, greatest(len(w) - 1, 2)),
                i -> array_to_string(w[i:i + 2], ' '))) AS s
                FROM (SELECT DISTINCT \(name) AS t, regexp_split_to_array(lower(trim(\(name))), '\\W+') AS w
                    FROM \(table) WHERE \(name) IS NOT NULL)) WHERE len(s) > 0
            """
        }
        let left = "WITH side AS (\(side("l"))) \(bands)"
        let right = "WITH side AS (\(side("r"))) \(bands)"
        let jaccard = "len(list_intersect(a.s, b.s)) / len(list_distinct(list_concat(a.s, b.s)))"
        return """
            WITH a AS (\(left)), b AS (\(right)),
            hit AS (SELECT DISTINCT b.id AS text, a.id AS other FROM a JOIN b ON a.band = b.band AND a.bucket = b.bucket
                WHERE \(jaccard) >= \(similarity))
            SELECT (SELECT count(*) FROM r WHERE \(name) IN (SELECT text FROM hit)),
                (SELECT to_json(list(json_object('right', text, 'left', other))) FROM (SELECT * FROM hit LIMIT \(examples)))
            """
    }
}

extension DatasetsService {
    /// What one split shares with another that it should not.
    ///
    /// - Returns: per check the rows of `right` (for time: of `left`) that leak, some of them, and a verdict:
    ///   `leak` when keys, rows or the order of time are broken, `suspect` for near-duplicates, else `none`.
    public func leakage(_ question: LeakageQuestion, as principal: Principal) async throws -> JSONValue {
        let left = try await rows(of: question.left, name: "l", as: principal)
        let right = try await rows(of: question.right, name: "r", as: principal)
        let dataset = try await dataset(left.version.dataset, as: principal)
        let isSame = left.version.dataset == right.version.dataset
        let check = LeakageCheck(
            left: try await platform.tables.columns(of: left.input),
            right: try await platform.tables.columns(of: right.input), question: question,
            key: question.key.isEmpty && isSame ? dataset.key : question.key)
        var checks: [JSONValue] = []
        var verdict = "none"
        for (kind, about, sql) in try check.queries() {
            let result = try await platform.tables.query(
                sql, parameters: [], inputs: [left.input, right.input], maxRows: 1, timeoutSeconds: 600)
            let count = result.rows.first?.first?.intValue ?? 0
            let last = result.rows.first?.last?.json
            let examples = last?.stringValue.flatMap { try? JSONValue(parsing: $0) } ?? last
            let severity = kind.hasPrefix("near") ? "suspect" : "leak"
            if count > 0, verdict != "leak" { verdict = severity }
            checks.append([
                "check": .string(kind), "columns": JSONValue(about), "rows": .int(count),
                "verdict": .string(count > 0 ? severity : "none"), "examples": examples ?? .array([]),
            ])
        }
        return [
            "left": JSONValue(left.ref), "right": JSONValue(right.ref), "verdict": .string(verdict),
            "checks": .array(checks),
        ]
    }
}
