import Core
import Objects

/// An XML file for each image (Everingham et al., "The PASCAL Visual Object Classes Challenge 2012: Development Kit", section
/// 8.1). Corners are taken as they stand, in pixels from the upper left, as LabelImg, Label Studio and CVAT write them.
enum PascalVOC {
    static func read(_ files: [ForeignFile], _ definition: LabelDefinition, prefix: String) throws -> [ForeignLabel] {
        try files.filter { $0.name.hasSuffix(".xml") }.map { file in
            let root = try XMLElement(
                parsing: Array(file.text.utf8),
                broken: SlipwayError(.invalid, "\(file.path) is not well-formed XML; expected an annotation of PASCAL VOC."))
            guard root.name == "annotation" else {
                throw SlipwayError.field(file.path, "holds <\(root.name)>", expected: "<annotation>")
            }
            let name = root["filename"]?.text ?? file.stem
            return ForeignLabel(file.path, .key([prefix + name])) { _ in
                .array(try root.all("object").enumerated().map { try shape($1, "object \($0 + 1)", definition) })
            }
        }
    }

    private static func shape(_ object: XMLElement, _ place: String, _ definition: LabelDefinition) throws -> JSONValue {
        guard let name = object["name"]?.text, let box = object["bndbox"] else {
            throw SlipwayError(.invalid, "\(place) has no name or no bndbox")
        }
        let corners = try ["xmin", "ymin", "xmax", "ymax"].map { corner in
            guard let value = (box[corner]?.text).flatMap({ Double($0) }) else {
                throw SlipwayError(.invalid, "\(place) has no \(corner)")
            }
            return value
        }
        var attributes: [String: JSONValue] = [:]
        for one in definition.attributes {
            guard let text = object[one.name]?.text else { continue }
            switch one.kind {
            case .flag: attributes[one.name] = .bool(text == "1" || text == "true")
            case .number: attributes[one.name] = Double(text).map { .number($0) } ?? .string(text)
            case .choice, .text: attributes[one.name] = .string(text)
            }
        }
        var shape: [String: JSONValue] = [
            "class": .string(name), "x": .number(corners[0]), "y": .number(corners[1]),
            "width": .number(corners[2] - corners[0]), "height": .number(corners[3] - corners[1]),
        ]
        if !attributes.isEmpty { shape["attributes"] = .object(attributes) }
        if let id = object["id"]?.text { shape["id"] = .string(id) }
        return .object(shape)
    }

    // MARK: Out

    static func text(_ value: LabelValue, file: String, _ extent: ItemExtent) -> String {
        guard case .boxes(let shapes) = value else { return "" }
        var size = ""
        if case .image(let width, let height) = extent {
            size = "  <size><width>\(plain(width))</width><height>\(plain(height))</height><depth>3</depth></size>\n"
        }
        let objects = shapes.map { shape in
            let box = shape.outline
            var attributes = shape.attributes
            // Readers expect these two.
            for name in ["truncated", "difficult"] where attributes[name] == nil { attributes[name] = false }
            let extras = attributes.sorted { $0.key < $1.key }.map { name, value in
                let text: String =
                    switch value {
                    case .bool(let flag): flag ? "1" : "0"
                    case .string(let text): text
                    default: value.canonicalText
                    }
                return "    <\(name)>\(escaped(text))</\(name)>\n"
            }.joined()
            let id = shape.id.map { "    <id>\(escaped($0))</id>\n" } ?? ""
            return """
                  <object>
                    <name>\(escaped(shape.name))</name>
                \(id)\(extras)    <bndbox><xmin>\(plain(box.x))</xmin><ymin>\(plain(box.y))</ymin><xmax>\(plain(box.x + box.width))</xmax><ymax>\(plain(box.y + box.height))</ymax></bndbox>
                  </object>

                """
        }.joined()
        let folder = file.split(separator: "/").dropLast().joined(separator: "/")
        return "<annotation>\n  <folder>\(escaped(folder))</folder>\n  <filename>\(escaped(file))</filename>\n\(size)\(objects)</annotation>\n"
    }

    private static func plain(_ value: Double) -> String { COCO.number(value).canonicalText }

    private static func escaped(_ text: String) -> String { XMLElement.escape(text) }
}
