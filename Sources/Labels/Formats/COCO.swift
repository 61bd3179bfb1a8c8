import Core

/// COCO's JSON of object detections (cocodataset.org, "Data format", sections 1 and 2).
enum COCO {
    /// - Parameter prefix: put before each file name to give the row's key.
    static func read(_ bytes: [UInt8], _ definition: LabelDefinition, prefix: String) throws -> [ForeignLabel] {
        let document = try JSONFields(JSONValue(parsing: bytes))
        var categories: [Int64: String] = [:]
        for (index, item) in try document.array("categories").enumerated() {
            let fields = try JSONFields(item, path: "categories[\(index)]")
            categories[Int64(try fields.int("id"))] = try fields.string("name")
        }
        var byImage: [Int64: [JSONFields]] = [:]
        for (index, item) in try document.array("annotations").enumerated() {
            let fields = try JSONFields(item, path: "annotations[\(index)]")
            byImage[Int64(try fields.int("image_id")), default: []].append(fields)
        }
        var seen: Set<Int64> = []
        let labels = try document.array("images").enumerated().map { index, item in
            let fields = try JSONFields(item, path: "images[\(index)]")
            let (id, file) = (Int64(try fields.int("id")), try fields.string("file_name"))
            guard seen.insert(id).inserted else {
                throw SlipwayError.field("images[\(index)].id", "\(id) is there twice")
            }
            let annotations = byImage[id] ?? []
            let size = (try fields.optionalDouble("width"), try fields.optionalDouble("height"))
            let names = categories
            var label = ForeignLabel("image \(id) (\(file))", .key([prefix + file])) { extent in
                if case .image(let width, let height) = extent, let w = size.0, let h = size.1, w != width || h != height {
                    throw SlipwayError(
                        .invalid, "the file says \(w) × \(h) pixels, but the image has \(width) × \(height)")
                }
                return .array(try annotations.map { try shape($0, names, definition) })
            }
            label.sourceID = String(id)
            return label
        }
        if let stray = byImage.keys.filter({ !seen.contains($0) }).min() {
            throw SlipwayError.field("annotations", "one is of image \(stray), which is not among the images")
        }
        return labels
    }

    private static func shape(_ fields: JSONFields, _ categories: [Int64: String], _ definition: LabelDefinition) throws
        -> JSONValue
    {
        let id = fields["id"]?.intValue.map { String($0) } ?? fields["id"]?.stringValue
        let category = Int64(try fields.int("category_id"))
        guard let name = categories[category] else {
            throw SlipwayError(.invalid, "annotation \(id ?? "?") is of category \(category), which has no name")
        }
        var shape: [String: JSONValue] = ["class": .string(name)]
        if let id { shape["id"] = .string(id) }
        // The standard has no attributes; CVAT writes them so. Those that the schema knows are taken.
        let attributes = try fields.object("attributes").filter { one in
            definition.attributes.contains { $0.name == one.key }
        }
        if !attributes.isEmpty { shape["attributes"] = .object(attributes) }
        if let score = try fields.optionalDouble("score") { shape["score"] = .number(score) }
        if definition.kind == .boxes {
            // The box as it is given: one made anew from the outline would be another.
            let box = try fields.array("bbox").compactMap(\.doubleValue)
            guard box.count == 4 else { throw SlipwayError(.invalid, "annotation \(id ?? "?") has no bbox of four numbers") }
            for (key, value) in zip(["x", "y", "width", "height"], box) { shape[key] = .number(value) }
            return .object(shape)
        }
        guard case .array(let lists) = fields["segmentation"] ?? .null, !lists.isEmpty else {
            throw SlipwayError(
                .invalid, "annotation \(id ?? "?") has no polygon (masks as run lengths are not taken; a schema of boxes takes its bbox)")
        }
        shape["parts"] = .array(
            try lists.map { list in
                let numbers = (list.arrayValue ?? []).compactMap(\.doubleValue)
                guard numbers.count >= 6, numbers.count % 2 == 0 else {
                    throw SlipwayError(.invalid, "annotation \(id ?? "?") has a polygon of \(numbers.count) numbers")
                }
                return .array(
                    stride(from: 0, to: numbers.count, by: 2).map { [.number(numbers[$0]), .number(numbers[$0 + 1])] })
            })
        return .object(shape)
    }

    // MARK: Out

    /// The categories' ids: those that the schema has, and for the others the lowest that are free, from 1.
    static func categoryIDs(_ definition: LabelDefinition) -> [String: Int] {
        let taken = Set(definition.classes.compactMap(\.id))
        var next = 1
        var ids: [String: Int] = [:]
        for one in definition.classes {
            if let id = one.id {
                ids[one.name] = id
                continue
            }
            while taken.contains(next) { next += 1 }
            ids[one.name] = next
            next += 1
        }
        return ids
    }

    static func categories(_ definition: LabelDefinition) -> JSONValue {
        let ids = categoryIDs(definition)
        return .array(
            definition.classes.map {
                ["id": JSONValue(ids[$0.name] ?? 0), "name": .string($0.name), "supercategory": ""]
            })
    }

    static func image(_ id: Int64, _ file: String, _ extent: ItemExtent) -> JSONValue {
        var fields: [String: JSONValue] = ["id": .int(id), "file_name": .string(file)]
        if case .image(let width, let height) = extent {
            fields["width"] = number(width)
            fields["height"] = number(height)
        }
        return .object(fields)
    }

    static func annotation(_ shape: Shape<Box>, id: Int64, image: Int64, category: Int) -> JSONValue {
        let box = shape.outline
        let (right, bottom) = (box.x + box.width, box.y + box.height)
        return annotation(
            shape.attributes, id, image, category, box, area: box.width * box.height,
            outlines: [[box.x, box.y, right, box.y, right, bottom, box.x, bottom]])
    }

    static func annotation(_ shape: Shape<Polygon>, id: Int64, image: Int64, category: Int) -> JSONValue {
        annotation(
            shape.attributes, id, image, category, shape.outline.bounds, area: shape.outline.area,
            outlines: shape.outline.parts.map { $0.flatMap { [$0.x, $0.y] } })
    }

    private static func annotation(
        _ attributes: [String: JSONValue], _ id: Int64, _ image: Int64, _ category: Int, _ box: Box, area: Double,
        outlines: [[Double]]
    ) -> JSONValue {
        var fields: [String: JSONValue] = [
            "id": .int(id), "image_id": .int(image), "category_id": JSONValue(category), "iscrowd": 0,
            "area": number(area), "bbox": .array([box.x, box.y, box.width, box.height].map(number)),
            "segmentation": .array(outlines.map { .array($0.map(number)) }),
        ]
        if !attributes.isEmpty { fields["attributes"] = .object(attributes) }
        return .object(fields)
    }

    /// Whole numbers without a fraction, as other tools write them.
    static func number(_ value: Double) -> JSONValue { Int64(exactly: value).map { .int($0) } ?? .number(value) }
}
