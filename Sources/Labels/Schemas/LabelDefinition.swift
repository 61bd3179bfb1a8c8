import Core

/// What a label is: its kind, its classes, and what makes a value right.
public struct LabelDefinition: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable {
        /// One class.
        case `class`
        /// Any number of classes.
        case multiClass = "multi-class"
        case number
        case text
        /// Upright rectangles on an image, in pixels.
        case boxes
        /// Simple polygons on an image, in pixels.
        case polygons
        /// Parts of a text, in Unicode code points, the end not included.
        case spans
        /// Parts of a series, in the unit of its axis.
        case ranges

        /// Whether a value is a list of shapes, each with a class.
        public var hasShapes: Bool { [.boxes, .polygons, .spans, .ranges].contains(self) }
        public var hasClasses: Bool { self != .number && self != .text }
        public var isOnImages: Bool { self == .boxes || self == .polygons }
    }

    public let kind: Kind
    public let classes: [LabelClass]
    /// What can be said about a shape beside its class.
    public let attributes: [LabelAttribute]
    /// Of numbers: the range that is allowed.
    public let minimum: Double?
    public let maximum: Double?
    /// Of numbers: whole ones only.
    public let isWhole: Bool
    /// Of classes: whether they rise in the order given (poor, fair, good), so that agreement weighs how far apart two are.
    public let isOrdered: Bool
    /// What annotators are told.
    public let instructions: String

    static let classesMaximum = 2000
    static let instructionsMaximumBytes = 64 << 10

    /// Parses a definition as a client writes it. Classes without a colour or a hotkey get one.
    ///
    /// - Throws: `invalid`, naming the field.
    public init(_ fields: JSONFields) throws {
        let kindText = try fields.string("kind")
        guard let kind = Kind(rawValue: kindText) else {
            throw SlipwayError.field(
                "kind", "'\(kindText.prefix(40))' is not a kind of label",
                expected: Kind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.kind = kind
        classes = try Self.classes(fields.array("classes"), kind)
        attributes = try fields.array("attributes").enumerated().map { index, item in
            try LabelAttribute(item, path: "attributes[\(index)]")
        }
        guard Set(attributes.map(\.name)).count == attributes.count else {
            throw SlipwayError.field("attributes", "names one twice")
        }
        guard attributes.isEmpty || kind.hasShapes else {
            throw SlipwayError.field(
                "attributes", "belong to boxes, polygons, spans and ranges",
                expected: "none for \(kind.rawValue); make a schema of its own for what else is to be said")
        }
        minimum = try fields.optionalDouble("minimum")
        maximum = try fields.optionalDouble("maximum")
        isWhole = try fields.bool("whole", default: false)
        guard kind == .number || (minimum == nil && maximum == nil && !isWhole) else {
            throw SlipwayError.field("minimum, maximum, whole", "are for numbers", expected: "kind number")
        }
        if let minimum, let maximum, minimum > maximum {
            throw SlipwayError.field("maximum", "is below the minimum")
        }
        isOrdered = try fields.bool("ordered", default: false)
        guard !isOrdered || kind == .class else {
            throw SlipwayError.field("ordered", "is for classes", expected: "kind class")
        }
        instructions = try fields.optionalString("instructions") ?? ""
        guard instructions.utf8.count <= Self.instructionsMaximumBytes else {
            throw SlipwayError.field("instructions", "are over \(Self.instructionsMaximumBytes) bytes")
        }
    }

    static let fields: Set<String> = [
        "kind", "classes", "attributes", "minimum", "maximum", "whole", "ordered", "instructions",
    ]

    private static func classes(_ items: [JSONValue], _ kind: Kind) throws -> [LabelClass] {
        guard kind.hasClasses else {
            guard items.isEmpty else {
                throw SlipwayError.field("classes", "are not for \(kind.rawValue)", expected: "none")
            }
            return []
        }
        guard !items.isEmpty, items.count <= classesMaximum else {
            throw SlipwayError.field(
                "classes", "there are \(items.count)", expected: "1 to \(classesMaximum) names or objects")
        }
        var found = try items.enumerated().map { try LabelClass($1, path: "classes[\($0)]") }
        func twice(_ what: String, _ values: [String]) throws {
            var seen: Set<String> = []
            for value in values where !seen.insert(value).inserted {
                throw SlipwayError.field("classes", "two have the \(what) '\(value.prefix(80))'")
            }
        }
        try twice("name", found.map(\.name))
        try twice("id", found.compactMap { $0.id.map(String.init) })
        try twice("hotkey", found.compactMap(\.hotkey))
        var free = Array("1234567890abcdefghijklmnopqrstuvwxyz").map(String.init)
        let taken = Set(found.compactMap(\.hotkey) + LabelClass.reservedKeys)
        free.removeAll { taken.contains($0) }
        // A class that is called like a key gets that key: nobody should press 2 to say 1.
        for index in found.indices where found[index].hotkey == nil {
            guard let own = free.firstIndex(of: found[index].name.lowercased()) else { continue }
            found[index].hotkey = free.remove(at: own)
        }
        for index in found.indices {
            if found[index].hotkey == nil, !free.isEmpty { found[index].hotkey = free.removeFirst() }
            if found[index].colour.isEmpty {
                found[index].colour = LabelClass.palette[index % LabelClass.palette.count]
            }
        }
        return found
    }

    public func labelClass(_ name: String) -> LabelClass? { classes.first { $0.name == name } }

    /// As it is kept and shown.
    public var json: JSONValue {
        var fields: [String: JSONValue] = ["kind": .string(kind.rawValue)]
        if kind.hasClasses { fields["classes"] = .array(classes.map(\.json)) }
        if !attributes.isEmpty { fields["attributes"] = .array(attributes.map(\.json)) }
        if let minimum { fields["minimum"] = .number(minimum) }
        if let maximum { fields["maximum"] = .number(maximum) }
        if isWhole { fields["whole"] = true }
        if isOrdered { fields["ordered"] = true }
        if !instructions.isEmpty { fields["instructions"] = .string(instructions) }
        return .object(fields)
    }
}

/// One class of a schema.
public struct LabelClass: Sendable, Hashable {
    public let name: String
    /// Its number in files that have numbers for classes (COCO's category ids); nil: its place, from 1.
    public let id: Int?
    /// `#rrggbb`.
    public var colour: String
    /// The key that picks it.
    public var hotkey: String?
    public let about: String

    /// Keys that the annotators' own commands need: skip, undo, quit, help, next.
    static let reservedKeys = ["s", "u", "q", "?", "n"]
    /// Colours that people tell apart, also most who see fewer: Okabe and Ito's eight, "Color Universal Design" (2008), with
    /// black last, then lighter ones.
    static let palette = [
        "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999", "#8dd3c7", "#bebada",
        "#fb8072", "#80b1d3", "#b3de69", "#fccde5", "#bc80bd", "#000000",
    ]

    init(_ value: JSONValue, path: String) throws {
        if let name = value.stringValue {
            self.name = name
            (id, colour, hotkey, about) = (nil, "", nil, "")
        } else {
            let fields = try JSONFields(value, allowed: ["name", "id", "colour", "hotkey", "about"], path: path)
            name = try fields.string("name")
            id = try fields.optionalInt("id")
            colour = try fields.optionalString("colour") ?? ""
            hotkey = try fields.optionalString("hotkey")
            about = try fields.optionalString("about") ?? ""
        }
        guard !name.isEmpty, name.utf8.count <= Limits.nameBytes,
            !name.unicodeScalars.contains(where: { $0.value < 32 })
        else {
            throw SlipwayError.field(
                "\(path).name", "is empty, too long or has control characters",
                expected: "up to \(Limits.nameBytes) bytes")
        }
        if !colour.isEmpty {
            let digits = colour.dropFirst()
            guard colour.first == "#", digits.count == 6, digits.allSatisfy(\.isHexDigit) else {
                throw SlipwayError.field(
                    "\(path).colour", "'\(colour.prefix(20))' is not a colour", expected: "#rrggbb")
            }
        }
        if let hotkey {
            guard hotkey.count == 1, !Self.reservedKeys.contains(hotkey),
                hotkey.unicodeScalars.allSatisfy({ $0.value > 32 })
            else {
                throw SlipwayError.field(
                    "\(path).hotkey", "'\(hotkey.prefix(20))' cannot be a key",
                    expected: "one character other than \(Self.reservedKeys.joined(separator: " "))")
            }
        }
    }

    var json: JSONValue {
        var fields: [String: JSONValue] = ["name": .string(name), "colour": .string(colour)]
        if let id { fields["id"] = JSONValue(id) }
        if let hotkey { fields["hotkey"] = .string(hotkey) }
        if !about.isEmpty { fields["about"] = .string(about) }
        return .object(fields)
    }
}

/// Something that can be said about a shape: whether it is cut off, how sure one is.
public struct LabelAttribute: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable { case choice, number, text, flag }

    public let name: String
    public let kind: Kind
    /// Of a choice.
    public let options: [String]
    public let isRequired: Bool

    static let textMaximumBytes = 4096

    init(_ value: JSONValue, path: String) throws {
        let fields = try JSONFields(value, allowed: ["name", "kind", "options", "required"], path: path)
        name = try Name.validate(fields.string("name"), field: "\(path).name")
        let text = try fields.optionalString("kind") ?? "text"
        guard let kind = Kind(rawValue: text) else {
            throw SlipwayError.field(
                "\(path).kind", "'\(text.prefix(40))' is not known",
                expected: Kind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.kind = kind
        options = try fields.strings("options")
        isRequired = try fields.bool("required", default: false)
        guard (kind == .choice) == !options.isEmpty else {
            throw SlipwayError.field("\(path).options", "go with a choice, and a choice needs them")
        }
    }

    var json: JSONValue {
        var fields: [String: JSONValue] = ["name": .string(name), "kind": .string(kind.rawValue)]
        if !options.isEmpty { fields["options"] = JSONValue(options) }
        if isRequired { fields["required"] = true }
        return .object(fields)
    }

    /// - Throws: `invalid` when the value does not fit.
    func check(_ value: JSONValue, path: String) throws {
        let field = "\(path).\(name)"
        switch (kind, value) {
        case (.choice, .string(let text)) where options.contains(text): return
        case (.choice, _):
            throw SlipwayError.field(
                field, "\(value.canonicalText.prefix(80)) is not an option", expected: options.joined(separator: ", "))
        case (.number, .int), (.number, .number), (.flag, .bool): return
        case (.text, .string(let text)) where text.utf8.count <= Self.textMaximumBytes: return
        case (.text, .string): throw SlipwayError.field(field, "is over \(Self.textMaximumBytes) bytes")
        default: throw SlipwayError.field(field, "is \(value.kindName)", expected: "a \(kind.rawValue)")
        }
    }
}

/// A version of a named definition.
public struct LabelSchema: Sendable, Hashable {
    public let name: String
    public let version: Int
    public let project: String
    public let definition: LabelDefinition
    public let author: String
    public let created: Timestamp

    public var ref: Ref { Ref(.labelSchema, name, version: version) }

    public var json: JSONValue {
        var fields = definition.json.objectValue ?? [:]
        fields["name"] = .string(name)
        fields["ref"] = JSONValue(ref)
        fields["version"] = JSONValue(version)
        fields["project"] = .string(project)
        fields["author"] = .string(author)
        fields["created"] = JSONValue(created)
        return .object(fields)
    }
}
