import Core

/// A named, versioned query over a dataset or over another slice, used alike by view, training, evaluation, gates and
/// monitoring.
public struct Slice: Sendable, Hashable {
    public let name: String
    public let version: Int
    public let project: String
    /// What it chooses from: a dataset (its main branch, or the version, tag or branch that the ref says), or a version of
    /// another slice.
    public let over: Ref
    /// The dataset at the bottom.
    public let dataset: String
    public let rule: SliceRule
    public let description: String
    /// What it is used for: training, evaluation, a gate …
    public let purpose: String
    public let owner: String
    public let created: Timestamp

    public var ref: Ref { Ref(.slice, name, version: version) }

    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "name": .string(name), "ref": JSONValue(ref), "version": JSONValue(version), "project": .string(project),
            "over": JSONValue(over), "dataset": .string(dataset), "rule": rule.json, "summary": .string(rule.summary),
            "description": .string(description), "purpose": .string(purpose), "owner": .string(owner),
            "created": JSONValue(created),
        ]
        if case .condition(let sql) = rule { fields["where"] = .string(sql) }
        return .object(fields)
    }
}

/// Which version of a slice, on which version of its dataset: what follows `@` in its ref. `2` is version 2 on the newest
/// version of the dataset, `2.5` the same on version 5 of the dataset: what a run that read the slice writes down.
struct SliceSelector: Sendable, Hashable {
    var version: Int?
    var datasetVersion: Int?

    /// - Throws: `invalid` for anything else.
    init(_ text: String?) throws {
        guard let text, text != "latest" else { return }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(parts.count), parts.allSatisfy({ ($0 ?? 0) > 0 }) else {
            throw SlipwayError.field(
                "ref", "'\(text.prefix(40))' is not a version of a slice",
                expected: "a number, or two as in @2.5: version 2 of the slice on version 5 of its dataset")
        }
        version = parts[0]
        if parts.count == 2 { datasetVersion = parts[1] }
    }

    /// The ref of a slice on exactly one version of its dataset.
    static func pinned(_ slice: Slice, on version: DatasetVersion) -> Ref {
        Ref(.slice, slice.name, selector: "\(slice.version).\(version.number)")
    }
}

/// How a slice chooses rows.
public enum SliceRule: Sendable, Hashable {
    /// What follows WHERE, in DuckDB's SQL.
    case condition(String)
    /// A filter as the listings take it: `price > 2 AND store = '31'`.
    case filter(String)
    case split(Split)
    case wrong(Wrong)

    /// One part of a division of the rows into parts that do not overlap.
    public struct Split: Sendable, Hashable {
        public enum Kind: String, Sendable, CaseIterable {
            /// By a hash of the key: a row keeps its part when others come or go.
            case random
            /// By rank of that hash within each stratum: each has the same shares, up to one row.
            case stratified
            /// By time: each part begins where the one before it ends.
            case time
        }

        public let kind: Kind
        public let parts: [Part]
        /// The part that this slice is.
        public let part: String
        /// Another seed gives another division.
        public let seed: Int
        /// Of `stratified`: the columns whose values are the strata.
        public let by: [String]
        /// Rows with the same values here stay together; the dataset's key, or whole rows, by default. For `random` only.
        public let unit: [String]
        /// Of `time`: the column.
        public let time: String?
        /// Of `time`: where the second, third … part begins; by shares of the rows when empty.
        public let at: [String]

        public struct Part: Sendable, Hashable {
            public let name: String
            /// Of all rows, between 0 and 1; the parts' shares need not add up to 1, the rest is in none.
            public let fraction: Double
        }
    }

    /// The rows that a model got wrong: by predictions for the same keys.
    public struct Wrong: Sendable, Hashable {
        /// A dataset version (or branch, or tag) with predictions, one row a key.
        public let predictions: Ref
        public let key: [String]
        public let prediction: String
        /// The column with what was right; of the predictions if they have it, else of the rows.
        public let truth: String
        /// For numbers: how far off is still right.
        public let tolerance: Double?
    }

    /// In one line.
    public var summary: String {
        switch self {
        case .condition(let sql): return sql
        case .filter(let text): return text
        case .split(let split):
            let shares = split.parts.map { "\($0.name) \($0.fraction)" }.joined(separator: ", ")
            let how =
                switch split.kind {
                case .random:
                    "seed \(split.seed)" + (split.unit.isEmpty ? "" : ", by \(split.unit.joined(separator: ", "))")
                case .stratified: "by \(split.by.joined(separator: ", ")), seed \(split.seed)"
                case .time:
                    "by \(split.time ?? "")" + (split.at.isEmpty ? "" : ", at \(split.at.joined(separator: ", "))")
                }
            return "\(split.part) of \(split.kind.rawValue) split (\(shares); \(how))"
        case .wrong(let wrong):
            let within = wrong.tolerance.map { " by more than \($0)" } ?? ""
            return "\(wrong.prediction) differs from \(wrong.truth)\(within) in \(wrong.predictions)"
        }
    }

    /// Canonical; part of recipes.
    public var json: JSONValue {
        switch self {
        case .condition(let sql): return ["where": .string(sql)]
        case .filter(let text): return ["filter": .string(text)]
        case .split(let split): return ["split": split.json]
        case .wrong(let wrong): return ["wrong": wrong.json]
        }
    }
}

extension SliceRule.Split {
    /// At most so many parts.
    static let partsMaximum = 20

    var json: JSONValue {
        [
            "kind": .string(kind.rawValue), "part": .string(part), "seed": JSONValue(seed), "by": JSONValue(by),
            "unit": JSONValue(unit), "time": JSONValue(time), "at": JSONValue(at),
            "parts": .array(parts.map { ["name": .string($0.name), "fraction": JSONValue($0.fraction)] }),
        ]
    }

    /// This division, with another of its parts.
    func with(part: String) -> SliceRule.Split {
        SliceRule.Split(
            kind: kind, parts: parts, part: part, seed: seed, by: by, unit: unit, time: time, at: at)
    }

    /// - Throws: `invalid`, naming the field.
    init(_ fields: JSONFields, part fixedPart: String? = nil) throws {
        let kindText = try fields.string("kind")
        guard let kind = Kind(rawValue: kindText) else {
            throw SlipwayError.field(
                "split.kind", "'\(kindText.prefix(40))' is not a kind",
                expected: Kind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        let at = try fields.strings("at")
        let parts = try fields.array("parts").map { item in
            let part = try JSONFields(item)
            return Part(
                name: try Name.validate(try part.string("name"), field: "split.parts.name"),
                fraction: part["fraction"]?.doubleValue ?? 0)
        }
        guard (1...Self.partsMaximum).contains(parts.count), Set(parts.map(\.name)).count == parts.count else {
            throw SlipwayError.field(
                "split.parts", "are \(parts.count) or not all of different names",
                expected: "1 to \(Self.partsMaximum), as in [{\"name\": \"train\", \"fraction\": 0.8}, …]")
        }
        if kind == .time, !at.isEmpty {
            guard at.count == parts.count - 1 else {
                throw SlipwayError.field(
                    "split.at", "has \(at.count) times for \(parts.count) parts",
                    expected: "the time at which each part but the first begins")
            }
        } else {
            let sum = parts.reduce(0) { $0 + $1.fraction }
            guard parts.allSatisfy({ $0.fraction > 0 && $0.fraction <= 1 }), sum <= 1.000_000_1 else {
                throw SlipwayError.field(
                    "split.parts", "have shares that are not above 0 or are together above 1 (\(sum))",
                    expected: "fractions such as 0.8 and 0.2")
            }
        }
        let part = try fixedPart ?? fields.optionalString("part") ?? parts[0].name
        guard parts.contains(where: { $0.name == part }) else {
            throw SlipwayError.field(
                "split.part", "'\(part.prefix(80))' is none of the parts",
                expected: parts.map(\.name).joined(separator: ", "))
        }
        let (by, time) = (try fields.strings("by"), try fields.optionalString("time"))
        if kind == .stratified, by.isEmpty {
            throw SlipwayError.field("split.by", "is missing", expected: "the columns whose values are the strata")
        }
        if kind == .time, time == nil {
            throw SlipwayError.field("split.time", "is missing", expected: "the column with the time")
        }
        self.init(
            kind: kind, parts: parts, part: part, seed: try fields.optionalInt("seed") ?? 0, by: by,
            unit: try fields.strings("unit"), time: time, at: at)
    }
}

extension SliceRule.Wrong {
    var json: JSONValue {
        [
            "predictions": JSONValue(predictions), "key": JSONValue(key), "prediction": .string(prediction),
            "truth": .string(truth), "tolerance": tolerance.map { JSONValue($0) } ?? .null,
        ]
    }

    /// - Throws: `invalid`, naming the field.
    init(_ fields: JSONFields) throws {
        let predictions = try Ref(parsing: fields.string("predictions"))
        guard predictions.kind == .dataset else {
            throw SlipwayError.field("wrong.predictions", "is \(predictions)", expected: "a dataset of predictions")
        }
        let tolerance = fields["tolerance"]?.doubleValue
        guard tolerance.map({ $0 >= 0 && $0.isFinite }) ?? true else {
            throw SlipwayError.field("wrong.tolerance", "is below 0", expected: "how far off is still right")
        }
        self.init(
            predictions: predictions, key: try fields.strings("key"),
            prediction: try fields.string("prediction"), truth: try fields.string("truth"), tolerance: tolerance)
    }
}

extension SliceRule {
    /// Exactly one of `where`, `filter`, `split`, `wrong`.
    ///
    /// - Throws: `invalid`, naming the field.
    init(_ fields: JSONFields) throws {
        let given = ["where", "filter", "split", "wrong"].filter { fields[$0].map { !$0.isNull } ?? false }
        switch given {
        case ["where"]: self = .condition(try fields.string("where"))
        case ["filter"]:
            let text = try fields.string("filter")
            guard try Filter.parse(text) != nil else { throw SlipwayError.field("filter", "is empty") }
            self = .filter(text)
        case ["split"]: self = .split(try Split(JSONFields(fields["split"] ?? .null)))
        case ["wrong"]: self = .wrong(try Wrong(JSONFields(fields["wrong"] ?? .null)))
        default:
            throw SlipwayError.field(
                "where, filter, split, wrong", given.isEmpty ? "are missing" : "are there together",
                expected: "exactly one of them")
        }
    }
}
