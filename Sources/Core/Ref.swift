/// The kinds of things that a ref can name.
public enum RefKind: String, Sendable, CaseIterable, Codable {
    case project, source, dataset, slice, experiment, run, model, pipeline, job, endpoint, prediction, monitor, alert
    case user, token, object, file, event, request, trace, scorer
    case loggedModel = "logged-model"
    case evaluationDataset = "evaluation-dataset"
    case pipelineRun = "pipeline-run"
    case labelSchema = "label-schema"
    case labelTask = "label-task"
}

/// Names any of Slipway's nouns in one string, everywhere the same: `dataset:sales@3`, `run:1f…`, `model:restock@5`.
/// The part after `@` is a version number (`@3`) or a label that resolves to one (`@champion`).
public struct Ref: Hashable, Sendable {
    public let kind: RefKind
    public let name: String
    /// The text after `@`, if any.
    public let selector: String?

    /// A ref made by Slipway itself: the name is trusted.
    public init(_ kind: RefKind, _ name: String, selector: String? = nil) {
        self.kind = kind
        self.name = name
        self.selector = selector
    }

    /// A ref to a numbered version.
    public init(_ kind: RefKind, _ name: String, version: Int) {
        self.init(kind, name, selector: String(version))
    }

    /// The version number, when the selector is one.
    public var version: Int? { selector.flatMap(Int.init) }

    /// Parses `kind:name[@selector]`.
    ///
    /// - Throws: `invalid`, naming the part that is wrong.
    public init(parsing text: String) throws {
        guard let colon = text.firstIndex(of: ":") else {
            throw SlipwayError.field(
                "ref", "'\(text.prefix(80))' has no kind", expected: "kind:name, as in dataset:sales@3")
        }
        let kindText = String(text[..<colon])
        guard let kind = RefKind(rawValue: kindText) else {
            let known = RefKind.allCases.map(\.rawValue).sorted().joined(separator: ", ")
            throw SlipwayError.field("ref", "'\(kindText.prefix(40))' is not a kind", expected: "one of \(known)")
        }
        var rest = text[text.index(after: colon)...]
        var selector: String?
        if kind != .file, kind != .object, let at = rest.lastIndex(of: "@") {
            selector = String(rest[rest.index(after: at)...])
            rest = rest[..<at]
            guard let selector, Name.isValid(selector) else {
                throw SlipwayError.field("ref", "nothing usable follows '@'", expected: "a version number or an alias")
            }
        }
        guard !rest.isEmpty, rest.utf8.count <= Limits.refBytes, !rest.unicodeScalars.contains(where: { $0.value < 32 })
        else {
            throw SlipwayError.field("ref", "the name after '\(kindText):' is empty or too long")
        }
        self.init(kind, String(rest), selector: selector)
    }
}

extension Ref: CustomStringConvertible, Codable, Comparable {
    public var description: String { "\(kind.rawValue):\(name)\(selector.map { "@" + $0 } ?? "")" }

    public init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public static func < (a: Ref, b: Ref) -> Bool { a.description < b.description }
}
