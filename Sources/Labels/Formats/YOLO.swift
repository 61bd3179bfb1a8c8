import Core

/// A text file for each image, a line for each object: the class's number from 0 and, relative to the image's size, the box's
/// middle, width and height, or the points of a polygon; a model's line ends with its confidence (Ultralytics, "Object
/// Detection Datasets Overview" and "Instance Segmentation Datasets Overview").
enum YOLO {
    static func read(_ files: [ForeignFile], _ definition: LabelDefinition, prefix: String) throws -> [ForeignLabel] {
        let names = try classNames(files) ?? definition.classes.map(\.name)
        return files.filter { $0.name.hasSuffix(".txt") && !isClassList($0.name) && !isImageList($0) }.map { file in
            ForeignLabel(file.path, .stem(prefix + file.stem)) { extent in
                let size = try extent.size()
                return .array(
                    try file.text.split(whereSeparator: \.isNewline).enumerated().compactMap { index, line in
                        let words = line.split { $0 == " " || $0 == "\t" }
                        return words.isEmpty ? nil : try shape(words, "line \(index + 1)", names, definition, size)
                    })
            }
        }
    }

    private static func shape(
        _ words: [Substring], _ line: String, _ names: [String], _ definition: LabelDefinition,
        _ size: (width: Double, height: Double)
    ) throws -> JSONValue {
        let numbers = words.compactMap { Double($0) }
        guard numbers.count == words.count, let place = Int(words[0]), numbers.allSatisfy(\.isFinite) else {
            throw SlipwayError(.invalid, "\(line) does not consist of numbers")
        }
        guard names.indices.contains(place) else {
            throw SlipwayError(.invalid, "\(line) is of class \(place), and there are \(names.count), from 0")
        }
        var shape: [String: JSONValue] = ["class": .string(names[place])]
        let rest = numbers.dropFirst().map { $0 }
        if definition.kind == .boxes {
            guard rest.count == 4 || rest.count == 5 else {
                throw SlipwayError(.invalid, "\(line) has \(numbers.count) numbers; expected a class and 4, or 5 with a confidence")
            }
            let (width, height) = (rest[2] * size.width, rest[3] * size.height)
            shape["x"] = .number(rest[0] * size.width - width / 2)
            shape["y"] = .number(rest[1] * size.height - height / 2)
            shape["width"] = .number(width)
            shape["height"] = .number(height)
            if rest.count == 5 { shape["score"] = .number(rest[4]) }
            return .object(shape)
        }
        guard rest.count >= 6 else {
            throw SlipwayError(.invalid, "\(line) has \(numbers.count) numbers; expected a class and at least 3 points")
        }
        if rest.count % 2 == 1, let last = rest.last { shape["score"] = .number(last) }
        shape["points"] = .array(
            stride(from: 0, to: rest.count - 1, by: 2).map {
                [.number(rest[$0] * size.width), .number(rest[$0 + 1] * size.height)]
            })
        return .object(shape)
    }

    // MARK: Classes

    private static func isClassList(_ name: String) -> Bool { ["classes.txt", "obj.names"].contains(name) }

    /// train.txt and its like name images.
    private static func isImageList(_ file: ForeignFile) -> Bool {
        ["train.txt", "val.txt", "test.txt"].contains(file.name) && !file.path.contains("labels/")
    }

    /// The names in the files' order; nil when no file says them.
    private static func classNames(_ files: [ForeignFile]) throws -> [String]? {
        if let list = files.first(where: { isClassList($0.name) }) {
            return list.text.split(whereSeparator: \.isNewline).map { trimmed($0) }.filter { !$0.isEmpty }
        }
        guard let yaml = files.first(where: { $0.name.hasSuffix(".yaml") || $0.name.hasSuffix(".yml") }) else { return nil }
        return try names(inYAML: yaml.text)
    }

    /// `names:` of data.yaml in its three usual forms: `[a, b]`, a list below, or numbers with names below.
    static func names(inYAML text: String) throws -> [String] {
        let lines = text.split(whereSeparator: \.isNewline).map { (line: Substring) -> Substring in
            // A comment; inside quotes the sign means itself.
            line.contains("\"") || line.contains("'") ? line : line.prefix { $0 != "#" }
        }
        guard let start = lines.firstIndex(where: { $0.hasPrefix("names:") }) else {
            throw SlipwayError.field("data.yaml", "has no names", expected: "names: [cat, dog]")
        }
        let inline = trimmed(lines[start].dropFirst("names:".count))
        if inline.hasPrefix("[") {
            return inline.dropFirst().prefix { $0 != "]" }.split(separator: ",").map { unquoted($0) }
        }
        var found: [Int: String] = [:]
        for line in lines[(start + 1)...] {
            guard let first = line.first, first == " " || first == "\t" || first == "-" else { break }
            let item = trimmed(line)
            if item.hasPrefix("-") {
                found[found.count] = unquoted(item.dropFirst())
            } else if let colon = item.firstIndex(of: ":"), let place = Int(trimmed(item[..<colon])) {
                found[place] = unquoted(item[item.index(after: colon)...])
            }
        }
        guard !found.isEmpty, found.keys.sorted() == Array(0..<found.count) else {
            throw SlipwayError.field("data.yaml", "has names whose numbers do not go from 0 without gaps")
        }
        return (0..<found.count).compactMap { found[$0] }
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }

    private static func unquoted(_ text: some StringProtocol) -> String {
        let bare = trimmed(text)
        guard bare.count >= 2, let first = bare.first, first == bare.last, first == "\"" || first == "'" else { return bare }
        return String(bare.dropFirst().dropLast())
    }

    // MARK: Out

    /// One image's file.
    static func text(_ value: LabelValue, _ definition: LabelDefinition, _ extent: ItemExtent) throws -> String {
        let size = try extent.size()
        let place = Dictionary(uniqueKeysWithValues: definition.classes.enumerated().map { ($1.name, $0) })
        func line(_ name: String, _ numbers: [Double]) -> String {
            ([String(place[name] ?? 0)] + numbers.map { plain($0) }).joined(separator: " ") + "\n"
        }
        switch value {
        case .boxes(let shapes):
            return shapes.map { shape in
                let box = shape.outline
                return line(
                    shape.name,
                    [
                        (box.x + box.width / 2) / size.width, (box.y + box.height / 2) / size.height, box.width / size.width,
                        box.height / size.height,
                    ])
            }.joined()
        case .polygons(let shapes):
            // The format has no polygons of several parts: each part is a line.
            return shapes.flatMap { shape in
                shape.outline.parts.map { part in
                    line(shape.name, part.flatMap { [$0.x / size.width, $0.y / size.height] })
                }
            }.joined()
        default: return ""
        }
    }

    /// A number from 0 to 1 without an exponent. Ten digits: a place on a side of 65,535 pixels is right to a hundred
    /// thousandth of a pixel.
    static func plain(_ value: Double) -> String {
        let scaled = Int64((max(0, min(1, value)) * 1e10).rounded())
        var fraction = String(scaled % 10_000_000_000)
        fraction = String(repeating: "0", count: 10 - fraction.count) + fraction
        while fraction.count > 1, fraction.last == "0" { fraction.removeLast() }
        return "\(scaled / 10_000_000_000).\(fraction)"
    }

    /// What else an archive holds: the classes, twice, as the tools want them.
    static func extras(_ definition: LabelDefinition) -> [(path: String, text: String)] {
        let names = definition.classes.map(\.name)
        let quoted = names.map { JSONValue.string($0).canonicalText }
        return [
            ("classes.txt", names.map { $0 + "\n" }.joined()),
            (
                "data.yaml",
                "path: .\ntrain: images\nval: images\nnc: \(names.count)\nnames: [\(quoted.joined(separator: ", "))]\n"
            ),
        ]
    }
}
