import Core

/// One row of a task.
public struct LabelItem: Sendable, Hashable {
    public enum State: String, Sendable, CaseIterable {
        /// Needs more annotations.
        case open
        /// Has all of them; a reviewer may look at it.
        case complete
        /// A reviewer took one annotation as the label.
        case accepted
        /// A reviewer wrote the label.
        case corrected

        var isReviewed: Bool { self == .accepted || self == .corrected }
    }

    /// Its place among the task's items, from 1; stays the same.
    public let number: Int64
    public let key: RowKey
    /// How many more may work on it now.
    public let slots: Int
    /// How many people's annotations count.
    public let votes: Int
    public let state: State
    /// Who alone gets it; nil: whoever asks.
    public let assignee: String?
    public let extent: ItemExtent
    /// Its id in the file that it was imported from (COCO's image id).
    public let sourceID: String?
    /// What a reviewer decided.
    public let final: Final?

    public struct Final: Sendable, Hashable {
        public let value: JSONValue
        public let by: String
        public let at: Timestamp

        var json: JSONValue { ["value": value, "by": .string(by), "at": JSONValue(at)] }
    }

    public var json: JSONValue {
        [
            "item": .int(number), "key": JSONValue(key.parts), "slots": JSONValue(slots), "votes": JSONValue(votes),
            "state": .string(state.rawValue), "assignee": JSONValue(assignee), "extent": extent.json,
            "final": final?.json ?? .null,
        ]
    }
}

/// The values of a row's key columns as text: what ties a label to its row in every version.
public struct RowKey: Sendable, Hashable {
    public let parts: [String]

    static let maximumBytes = 2000

    public init(_ parts: [String]) { self.parts = parts }

    /// A key as a client writes it: one value, or a list with one value for each key column.
    ///
    /// - Throws: `invalid` when the number of values is another than that of the key columns.
    init(_ json: JSONValue, columns: [String], path: String = "key") throws {
        let values = json.arrayValue ?? [json]
        guard values.count == columns.count else {
            throw SlipwayError.field(
                path, "has \(values.count) values", expected: "one for each of \(columns.joined(separator: ", "))")
        }
        parts = try values.map { value in
            switch value {
            case .string(let text): return text
            case .int(let number): return String(number)
            case .number(let number): return number.description
            case .bool(let flag): return String(flag)
            default: throw SlipwayError.field(path, "holds \(value.kindName)", expected: "text, a number or a boolean")
            }
        }
    }

    /// As it is kept: a JSON list of texts.
    var text: String { JSONValue(parts).canonicalText }

    init(kept text: String) throws {
        parts = try JSONValue(parsing: text).arrayValue?.compactMap(\.stringValue) ?? []
    }
}

/// What one annotator has to do with one item, now.
public struct LabelWork: Sendable, Hashable {
    public enum State: String, Sendable, CaseIterable {
        /// Handed out until the lease ends.
        case leased
        /// The lease ended before anything came.
        case expired
        case submitted
        case skipped
        /// A reviewer took it as the item's label.
        case accepted
        /// A reviewer wants it done again.
        case rejected

        /// Whether it holds one of the item's slots.
        var holdsSlot: Bool { self != .expired && self != .skipped }
        /// Whether it is an annotation that counts.
        var isVote: Bool { self == .submitted || self == .accepted }
    }

    public let number: Int64
    public let annotator: String
    public var state: State
    public var value: JSONValue?
    public var draft: JSONValue?
    /// Where the annotation comes from when nobody made it here: `import:coco`.
    public var origin: String?
    public var comment: String?
    public var started: Timestamp
    public var lease: Timestamp?
    public var done: Timestamp?
    public var seconds: Double?

    public var json: JSONValue {
        [
            "item": .int(number), "annotator": .string(annotator), "state": .string(state.rawValue),
            "value": value ?? .null, "draft": draft ?? .null, "origin": JSONValue(origin), "comment": JSONValue(comment),
            "leaseEnds": state == .leased ? lease.map { JSONValue($0) } ?? .null : .null,
            "at": done.map { JSONValue($0) } ?? .null, "seconds": seconds.map { .number($0) } ?? .null,
        ]
    }
}

/// What a model said about an item. Never counts as a person's annotation.
public struct Prelabel: Sendable, Hashable {
    public let number: Int64
    /// `model:iris@3`.
    public let model: String
    public let value: JSONValue
    /// The model's confidence, 0 to 1.
    public let score: Double?
    /// Of the classes' probabilities, 0 (sure) to 1 (each is equally likely).
    public let entropy: Double?
    /// How far the likeliest class is ahead of the next, 0 to 1.
    public let margin: Double?

    public var json: JSONValue {
        [
            "origin": .string(model), "value": value, "score": score.map { .number($0) } ?? .null,
            "entropy": entropy.map { .number($0) } ?? .null, "margin": margin.map { .number($0) } ?? .null,
        ]
    }
}

/// One thing that happened to an item's labels; kept for ever.
public struct LabelChange: Sendable, Hashable {
    public enum Action: String, Sendable {
        case submitted, revised, skipped, withdrawn, accepted, rejected, corrected, reopened, imported, released
    }

    public let number: Int64
    public let time: Timestamp
    public let actor: String
    public let action: Action
    /// Whose annotation it is about.
    public let annotator: String?
    public let value: JSONValue?
    public let comment: String?
    public let seconds: Double?

    public var json: JSONValue {
        [
            "item": .int(number), "time": JSONValue(time), "actor": .string(actor), "action": .string(action.rawValue),
            "annotator": JSONValue(annotator), "value": value ?? .null, "comment": JSONValue(comment),
            "seconds": seconds.map { .number($0) } ?? .null,
        ]
    }
}
