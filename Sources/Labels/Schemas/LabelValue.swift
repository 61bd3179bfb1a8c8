import Core

/// What an annotation says; made only by parsing, so it fits its schema and its item.
public enum LabelValue: Sendable, Hashable {
    case name(String)
    /// In the schema's order, none twice.
    case names([String])
    case number(Double)
    case text(String)
    case boxes([Shape<Box>])
    case polygons([Shape<Polygon>])
    case spans([Shape<Span>])
    case ranges([Shape<SeriesRange>])
}

/// Something drawn on an item, with its class.
public struct Shape<Outline: ShapeOutline>: Sendable, Hashable {
    public let name: String
    public let outline: Outline
    /// The id that it had where it comes from, so that it leaves with the same.
    public var id: String?
    public var attributes: [String: JSONValue] = [:]
    /// Of a model's shape: how sure the model is, 0 to 1.
    public var score: Double?

    public init(name: String, outline: Outline, id: String? = nil) {
        self.name = name
        self.outline = outline
        self.id = id
    }

    /// Class and place, which is what annotators agree about; ids and scores do not matter.
    func isSame(as other: Self) -> Bool {
        name == other.name && outline == other.outline && attributes == other.attributes
    }

    var json: JSONValue {
        var fields = outline.fields
        fields["class"] = .string(name)
        if let id { fields["id"] = .string(id) }
        if !attributes.isEmpty { fields["attributes"] = .object(attributes) }
        if let score { fields["score"] = .number(score) }
        return .object(fields)
    }
}

/// The place of a shape.
public protocol ShapeOutline: Sendable, Hashable {
    static var fieldNames: Set<String> { get }
    var fields: [String: JSONValue] { get }
    init(_ fields: JSONFields, path: String) throws
    /// - Throws: `invalid` when it is not a proper shape inside the item.
    func check(inside extent: ItemExtent, path: String) throws
    /// Intersection over union, 0 to 1 (Jaccard 1901).
    func overlap(with other: Self) -> Double
}

/// How large an item is, so that nothing is drawn beside it.
public enum ItemExtent: Sendable, Hashable {
    case none
    /// Pixels.
    case image(width: Double, height: Double)
    /// Unicode code points.
    case text(length: Int)
    /// The first and last value of the axis.
    case series(start: Double, end: Double)

    var json: JSONValue {
        switch self {
        case .none: .null
        case .image(let width, let height): ["width": .number(width), "height": .number(height)]
        case .text(let length): ["length": JSONValue(length)]
        case .series(let start, let end): ["start": .number(start), "end": .number(end)]
        }
    }
}

extension LabelValue {
    static let shapesMaximum = 10_000
    static let textMaximumBytes = 64 << 10

    /// Parses and checks an annotation.
    ///
    /// - Parameters:
    ///   - extent: of the item; nil when it is not known, and then only what needs no size is checked.
    ///   - path: what messages call it.
    /// - Throws: `invalid`, naming the part and what was expected.
    init(parsing json: JSONValue, _ definition: LabelDefinition, extent: ItemExtent, path: String = "value") throws {
        func known(_ name: String, _ path: String) throws -> String {
            guard definition.labelClass(name) != nil else { throw Self.unknown([name], definition, path) }
            return name
        }
        func wrong(_ expected: String) -> SlipwayError { .field(path, "is \(json.kindName)", expected: expected) }
        switch definition.kind {
        case .class:
            guard let name = json.stringValue else { throw wrong("the name of a class") }
            self = .name(try known(name, path))
        case .multiClass:
            guard let items = json.arrayValue else { throw wrong("a list of classes") }
            let names = try items.enumerated().map { index, item in
                guard let name = item.stringValue else {
                    throw SlipwayError.field("\(path)[\(index)]", "is \(item.kindName)", expected: "a class")
                }
                return try known(name, "\(path)[\(index)]")
            }
            let chosen = Set(names)
            guard chosen.count == names.count else { throw SlipwayError.field(path, "names a class twice") }
            self = .names(definition.classes.map(\.name).filter(chosen.contains))
        case .number:
            guard json.stringValue == nil, let number = json.doubleValue, number.isFinite else { throw wrong("a number") }
            if let minimum = definition.minimum, number < minimum {
                throw SlipwayError.field(path, "\(number) is below \(minimum)")
            }
            if let maximum = definition.maximum, number > maximum {
                throw SlipwayError.field(path, "\(number) is above \(maximum)")
            }
            guard !definition.isWhole || number == number.rounded() else {
                throw SlipwayError.field(path, "\(number) is not whole", expected: "a whole number")
            }
            self = .number(number)
        case .text:
            guard let text = json.stringValue else { throw wrong("text") }
            guard text.utf8.count <= Self.textMaximumBytes else {
                throw SlipwayError(.tooLarge, "\(path): the text is over \(Self.textMaximumBytes) bytes.")
            }
            self = .text(text)
        case .boxes: self = .boxes(try Self.shapes(json, definition, extent, path))
        case .polygons: self = .polygons(try Self.shapes(json, definition, extent, path))
        case .spans: self = .spans(try Self.shapes(json, definition, extent, path))
        case .ranges: self = .ranges(try Self.shapes(json, definition, extent, path))
        }
    }

    static func unknown(_ names: [String], _ definition: LabelDefinition, _ path: String) -> SlipwayError {
        let shown = names.prefix(20).map { "'\($0.prefix(60))'" }.joined(separator: ", ")
        let known = definition.classes.map(\.name)
        return SlipwayError(
            .invalid,
            "\(path): the schema does not know the class\(names.count == 1 ? "" : "es") \(shown); it knows \(known.prefix(40).joined(separator: ", "))\(known.count > 40 ? " …" : ""). Add what is missing as the schema's next version and move the task to it.",
            details: ["field": path, "unknown": names.prefix(100).joined(separator: ",")])
    }

    private static func shapes<Outline: ShapeOutline>(
        _ json: JSONValue, _ definition: LabelDefinition, _ extent: ItemExtent, _ path: String
    ) throws -> [Shape<Outline>] {
        guard let items = json.arrayValue else {
            throw SlipwayError.field(path, "is \(json.kindName)", expected: "a list of \(definition.kind.rawValue)")
        }
        guard items.count <= shapesMaximum else {
            throw SlipwayError(.tooLarge, "\(path): there are \(items.count) shapes, over \(shapesMaximum).")
        }
        let allowed = Outline.fieldNames.union(["class", "id", "attributes", "score"])
        return try items.enumerated().map { index, item in
            let path = "\(path)[\(index)]"
            let fields = try JSONFields(item, allowed: allowed, path: path)
            let name = try fields.string("class")
            guard definition.labelClass(name) != nil else { throw unknown([name], definition, "\(path).class") }
            let outline = try Outline(fields, path: path)
            try outline.check(inside: extent, path: path)
            var shape = Shape(name: name, outline: outline)
            if let id = fields["id"], !id.isNull {
                shape.id = id.stringValue ?? id.intValue.map { String($0) }
                guard let id = shape.id, id.utf8.count <= Limits.nameBytes else {
                    throw SlipwayError.field("\(path).id", "is not an id", expected: "text or a whole number")
                }
            }
            shape.attributes = try fields.object("attributes").filter { !$0.value.isNull }
            for name in shape.attributes.keys where !definition.attributes.contains(where: { $0.name == name }) {
                throw SlipwayError.field(
                    "\(path).attributes", "the schema has no attribute '\(name.prefix(60))'",
                    expected: definition.attributes.isEmpty
                        ? "none" : definition.attributes.map(\.name).joined(separator: ", "))
            }
            for attribute in definition.attributes {
                if let value = shape.attributes[attribute.name] {
                    try attribute.check(value, path: "\(path).attributes")
                } else if attribute.isRequired {
                    throw SlipwayError.field("\(path).attributes.\(attribute.name)", "is missing", expected: "a value")
                }
            }
            shape.score = try fields.optionalDouble("score")
            if let score = shape.score, !(0...1).contains(score) {
                throw SlipwayError.field("\(path).score", "is out of range", expected: "0 to 1")
            }
            return shape
        }
    }

    public var json: JSONValue {
        switch self {
        case .name(let name): .string(name)
        case .names(let names): JSONValue(names)
        case .number(let number): Int64(exactly: number).map { .int($0) } ?? .number(number)
        case .text(let text): .string(text)
        case .boxes(let shapes): .array(shapes.map(\.json))
        case .polygons(let shapes): .array(shapes.map(\.json))
        case .spans(let shapes): .array(shapes.map(\.json))
        case .ranges(let shapes): .array(shapes.map(\.json))
        }
    }

    /// The classes that it uses.
    var classNames: [String] {
        switch self {
        case .name(let name): [name]
        case .names(let names): names
        case .number, .text: []
        case .boxes(let shapes): shapes.map(\.name)
        case .polygons(let shapes): shapes.map(\.name)
        case .spans(let shapes): shapes.map(\.name)
        case .ranges(let shapes): shapes.map(\.name)
        }
    }
}
