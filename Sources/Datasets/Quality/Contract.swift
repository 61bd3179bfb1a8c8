import Core

/// What a dataset promises, in rules that every commit is checked against. Written as YAML (see docs/datasets.md), which
/// is kept as it was written.
public struct Contract: Sendable, Hashable {
    public enum Severity: String, Sendable, Hashable {
        /// The version is made, and the report kept with it says what is wrong.
        case warn
        /// The commit is refused.
        case block
    }

    /// Who answers for it.
    public let owner: String?
    public let description: String?
    public let rules: [ContractRule]
    /// The line (from 1) on which each named column stands.
    let columnLines: [String: Int]

    static let maximumRules = 2000
}

/// One rule of a contract.
public struct ContractRule: Sendable, Hashable {
    /// `price.range`, `key(store, day)`, `sql(no negative totals)`: names the rule in reports.
    public let name: String
    public let severity: Contract.Severity
    /// Where it stands in the YAML, from 1.
    public let line: Int
    let check: Check

    enum Check: Sendable, Hashable {
        /// The column is there.
        case present(String)
        /// No column is there that the contract does not name.
        case onlyColumns([String])
        case type(String, ColumnType)
        case required(String)
        /// The share of NULLs, at most.
        case nulls(String, Double)
        case range(String, minimum: JSONValue?, maximum: JSONValue?)
        case allowed(String, [JSONValue])
        case pattern(String, String)
        /// Of text in characters, of lists in items.
        case length(String, minimum: Int?, maximum: Int?)
        /// No two rows have the same values in all of these; rows with a NULL in one of them are not compared.
        case unique([String])
        case foreignKey([String], Ref, [String])
        case rows(minimum: Int?, maximum: Int?)
        /// The newest value of a time column is at most so many seconds old.
        case freshness(String, Int)
        case sourceFreshness(String, Int)
        case drift(String, Ref, populationStability: Double?, kolmogorovSmirnov: Double?)
        /// A SELECT that must give no rows.
        case sql(String, [String: Ref])
    }

    /// The column that the rule is about, if it is about one.
    var column: String? {
        switch check {
        case .present(let name), .type(let name, _), .required(let name), .nulls(let name, _), .range(let name, _, _),
            .allowed(let name, _), .pattern(let name, _), .length(let name, _, _), .freshness(let name, _),
            .drift(let name, _, _, _):
            name
        case .onlyColumns, .unique, .foreignKey, .rows, .sourceFreshness, .sql: nil
        }
    }

    /// The columns that must be there for the rule to be checked.
    var columns: [String] {
        switch check {
        case .unique(let names), .foreignKey(let names, _, _): names
        case .present, .onlyColumns, .rows, .sourceFreshness, .sql: []
        default: column.map { [$0] } ?? []
        }
    }
}

/// A column's type as a contract names it: DuckDB's, or a family of those.
enum ColumnType: Sendable, Hashable {
    case exactly(String)
    /// `whole`, `number`, `text`, `boolean`, `date`, `timestamp`.
    case family(String)

    static let families = ["whole", "number", "text", "boolean", "date", "timestamp"]
    /// The names that a DuckDB type may begin with.
    static let names = [
        "BIGINT", "BIT", "BLOB", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "ENUM", "FLOAT", "HUGEINT", "INTEGER",
        "INTERVAL", "JSON", "MAP", "SMALLINT", "STRUCT", "TIME", "TIMESTAMP", "TINYINT", "UBIGINT", "UHUGEINT",
        "UINTEGER", "UNION", "USMALLINT", "UTINYINT", "UUID", "VARCHAR",
    ]

    init?(_ text: String) {
        if Self.families.contains(text) {
            self = .family(text)
            return
        }
        let upper = text.uppercased()
        let base = upper.prefix { $0.isLetter }
        guard Self.names.contains(String(base)) else { return nil }
        self = .exactly(upper)
    }

    func holds(_ type: String) -> Bool {
        switch self {
        case .exactly(let name): return type.uppercased() == name
        case .family(let family):
            let whole: Set = [
                "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
                "UHUGEINT",
            ]
            let isList = type.hasSuffix("]")
            switch family {
            case "whole": return whole.contains(type)
            case "number":
                return whole.contains(type) || ["FLOAT", "DOUBLE"].contains(type)
                    || type.hasPrefix("DECIMAL") && !isList
            case "text": return type == "VARCHAR" || type.hasPrefix("ENUM(") && !isList
            case "boolean": return type == "BOOLEAN"
            case "date": return type == "DATE"
            default: return type.hasPrefix("TIMESTAMP") && !isList
            }
        }
    }

    var description: String {
        switch self {
        case .exactly(let name), .family(let name): name
        }
    }
}

/// A contract as it is kept: one line of numbers a dataset.
public struct StoredContract: Sendable {
    public let dataset: String
    public let number: Int
    public let yaml: String
    public let author: String
    public let created: Timestamp
    public let contract: Contract

    var json: JSONValue {
        [
            "dataset": .string(dataset), "contract": JSONValue(number), "yaml": .string(yaml),
            "author": .string(author), "created": JSONValue(created), "owner": JSONValue(contract.owner),
            "description": JSONValue(contract.description),
            "rules": .array(
                contract.rules.map {
                    [
                        "rule": .string($0.name), "severity": .string($0.severity.rawValue),
                        "line": JSONValue($0.line),
                    ]
                }),
        ]
    }
}
