import Core

/// Work on the labels of some rows: which rows, under which schema, by whom, how often each.
public struct LabelTask: Sendable, Hashable {
    public enum State: String, Sendable, CaseIterable {
        /// Its items are being made.
        case preparing
        case open
        /// Nothing is handed out; what was handed out may be submitted.
        case paused
        /// Nothing changes any more.
        case closed
    }

    public let id: Int64
    public let name: String
    public let project: String
    public let dataset: String
    public let datasetVersion: Int
    public let schemaName: String
    public let schemaVersion: Int
    public var settings: Settings
    /// How many people label each item.
    public var overlap: Int
    public var state: State
    public let author: String
    public let created: Timestamp
    public var counts = Counts()

    /// How far the work is.
    public struct Counts: Sendable, Hashable {
        public var items: Int64 = 0
        /// Items that have all their annotations.
        public var complete: Int64 = 0
        /// Items whose label a reviewer accepted or corrected.
        public var reviewed: Int64 = 0
        /// Annotations of people.
        public var annotations: Int64 = 0
    }

    /// What is looked at less often than the rest.
    public struct Settings: Sendable, Hashable {
        /// What the items were made from: `dataset:sales@3`, `slice:odd@1`.
        public var over: String
        /// The columns that identify a row.
        public var key: [String]
        /// The label's column in published versions.
        public var column: String
        /// Of spans and ranges: the column with the text, or with the axis.
        public var content: String?
        public var selection: ItemSelection
        public var leaseSeconds: Int
        /// Who may annotate, with a rank (1 is the most trusted); empty: all annotators of the project.
        public var annotators: [String: Int]
        /// Who may review beside those who always may.
        public var reviewers: [String]
        /// Whether annotators see what models said.
        public var showsPrelabels: Bool
        public var rule: ConsensusRule
        /// Whether the dataset's items are files.
        public var isFiles: Bool
        /// Of boxes and polygons on a table: the columns with the image's width and height, or two numbers.
        public var size: [JSONValue] = []
    }

    public var ref: Ref { Ref(.labelTask, name) }
    public var schemaRef: Ref { Ref(.labelSchema, schemaName, version: schemaVersion) }
    public var datasetRef: Ref { Ref(.dataset, dataset, version: datasetVersion) }

    public var json: JSONValue {
        var fields = settings.json.objectValue ?? [:]
        fields["name"] = .string(name)
        fields["ref"] = JSONValue(ref)
        fields["project"] = .string(project)
        fields["dataset"] = JSONValue(datasetRef)
        fields["schema"] = JSONValue(schemaRef)
        fields["overlap"] = JSONValue(overlap)
        fields["state"] = .string(state.rawValue)
        fields["author"] = .string(author)
        fields["created"] = JSONValue(created)
        fields["items"] = .int(counts.items)
        fields["complete"] = .int(counts.complete)
        fields["reviewed"] = .int(counts.reviewed)
        fields["annotations"] = .int(counts.annotations)
        return .object(fields)
    }
}

/// Which of several annotations is a row's label. What a reviewer accepted or corrected always wins.
public enum ConsensusRule: String, Sendable, CaseIterable {
    /// The value that most gave; among equals the one of the annotator who ranks highest, then the earliest.
    case majority
    /// The value of the annotator who ranks highest.
    case rank
}

/// In which order a task's items come.
public enum ItemOrder: String, Sendable, CaseIterable {
    /// As the rows are in the dataset.
    case original
    /// By chance, from a seed.
    case random
    /// The models' most uncertain first, by the entropy of the classes' probabilities (Shannon 1948).
    case entropy
    /// … by how close the two likeliest classes are (margin sampling: Scheffer, Decomain and Wrobel 2001).
    case margin
    /// … by how little the likeliest class has (least confidence: Culotta and McCallum 2005).
    case confidence
    /// Those first about which annotators and models disagree most.
    case disagreement
}

/// Which rows become items, and in which order.
public struct ItemSelection: Sendable, Hashable {
    /// So many rows, drawn by chance; nil for all.
    public var sample: Int?
    public var seed: Int
    public var order: ItemOrder

    public init(sample: Int? = nil, seed: Int = 0, order: ItemOrder = .original) {
        (self.sample, self.seed, self.order) = (sample, seed, order)
    }

    init(_ fields: JSONFields) throws {
        sample = try fields.optionalInt("sample")
        if let sample, sample < 1 { throw SlipwayError.field("select.sample", "is below 1") }
        seed = try fields.optionalInt("seed") ?? 0
        order = try Self.order(fields.optionalString("order") ?? "original", field: "select.order")
    }

    static func order(_ text: String, field: String) throws -> ItemOrder {
        guard let order = ItemOrder(rawValue: text) else {
            throw SlipwayError.field(
                field, "'\(text.prefix(40))' is not an order",
                expected: ItemOrder.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return order
    }

    var json: JSONValue {
        ["sample": sample.map { JSONValue($0) } ?? .null, "seed": JSONValue(seed), "order": .string(order.rawValue)]
    }
}

extension LabelTask.Settings {
    var json: JSONValue {
        [
            "over": .string(over), "key": JSONValue(key), "column": .string(column), "content": JSONValue(content),
            "select": selection.json, "leaseSeconds": JSONValue(leaseSeconds),
            "annotators": .object(annotators.mapValues { JSONValue($0) }), "reviewers": JSONValue(reviewers),
            "showPrelabels": .bool(showsPrelabels), "rule": .string(rule.rawValue), "files": .bool(isFiles),
            "size": .array(size),
        ]
    }

    /// As it was kept.
    init(kept json: JSONValue) throws {
        let fields = try JSONFields(json)
        over = try fields.string("over")
        key = try fields.strings("key")
        column = try fields.string("column")
        content = try fields.optionalString("content")
        selection = try ItemSelection(JSONFields(json["select"] ?? [:]))
        leaseSeconds = try fields.int("leaseSeconds")
        annotators = try fields.object("annotators").compactMapValues { $0.intValue.map { Int($0) } }
        reviewers = try fields.strings("reviewers")
        showsPrelabels = try fields.bool("showPrelabels", default: true)
        rule = ConsensusRule(rawValue: try fields.string("rule")) ?? .majority
        isFiles = try fields.bool("files", default: false)
        size = try fields.array("size")
    }
}
