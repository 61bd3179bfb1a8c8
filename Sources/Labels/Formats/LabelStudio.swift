import Core

/// Label Studio's JSON (labelstud.io, "Label Studio JSON format of annotated tasks"): places on images are percents, places
/// in texts count UTF-16 code units, as JavaScript does.
enum LabelStudio {
    /// What a result of each kind of label is called there.
    static func resultType(_ kind: LabelDefinition.Kind) -> String {
        switch kind {
        case .class, .multiClass: "choices"
        case .number: "number"
        case .text: "textarea"
        case .boxes: "rectanglelabels"
        case .polygons: "polygonlabels"
        case .spans: "labels"
        case .ranges: "timeserieslabels"
        }
    }

    private static func accepts(_ type: String, _ kind: LabelDefinition.Kind) -> Bool {
        type == resultType(kind) || (kind == .number && type == "rating") || (kind == .spans && type == "hypertextlabels")
    }

    // MARK: In

    static func read(
        _ bytes: [UInt8], _ definition: LabelDefinition, key: [String], content: String?, prefix: String
    ) throws -> [ForeignLabel] {
        guard let tasks = try JSONValue(parsing: bytes).arrayValue else {
            throw SlipwayError.field("body", "is no list of tasks", expected: "Label Studio's JSON export")
        }
        var labels: [ForeignLabel] = []
        for (index, item) in tasks.enumerated() {
            let task = try JSONFields(item, path: "[\(index)]")
            let place = "task \(task["id"]?.canonicalText ?? String(index))"
            let data = try task.object("data")
            let row = try row(data, key: key, prefix: prefix, place)
            let text = content.flatMap { data[$0]?.stringValue }
            for (number, one) in try task.array("annotations").enumerated() {
                let fields = try JSONFields(one, path: "[\(index)].annotations[\(number)]")
                if try fields.bool("was_cancelled", default: false) { continue }
                let results = try fields.array("result")
                var label = ForeignLabel(place, row) { try value(results, definition, $0, text) }
                label.annotator = person(fields["completed_by"])
                label.seconds = try fields.optionalDouble("lead_time")
                label.at = try fields.optionalString("created_at").map { try Timestamp(parsing: $0) }
                labels.append(label)
            }
            for (number, one) in try task.array("predictions").enumerated() {
                // A bare number refers to a prediction that is not in the file.
                guard one.objectValue != nil else { continue }
                let fields = try JSONFields(one, path: "[\(index)].predictions[\(number)]")
                let results = try fields.array("result")
                var label = ForeignLabel(place, row) { try value(results, definition, $0, text) }
                label.model = model(fields["model_version"])
                label.score = try fields.optionalDouble("score").flatMap { (0...1).contains($0) ? $0 : nil }
                labels.append(label)
            }
        }
        return labels
    }

    /// The key columns where the data has them; else, for a key of one column, the file that is labelled.
    private static func row(_ data: [String: JSONValue], key: [String], prefix: String, _ place: String) throws
        -> ForeignLabel.Row
    {
        let values = key.map { data[$0] }
        if !values.contains(nil) {
            return .key(try RowKey(.array(values.compactMap(\.self)), columns: key, path: "\(place): data").parts)
        }
        if key.count == 1, let file = data["image"]?.stringValue ?? data["audio"]?.stringValue ?? data["csv"]?.stringValue {
            return .key([prefix + file])
        }
        throw SlipwayError.field(
            "\(place): data", "does not say which row it is",
            expected: "the key \(key.joined(separator: ", ")) among \(data.keys.sorted().joined(separator: ", "))")
    }

    private static func person(_ value: JSONValue?) -> String? {
        switch value {
        case .string(let name): name
        case .int(let id): "label-studio-\(id)"
        case .object(let fields): fields["email"]?.stringValue ?? fields["id"]?.intValue.map { "label-studio-\($0)" }
        default: nil
        }
    }

    /// A model's version as a ref: what is one already, or a name made from the text.
    private static func model(_ value: JSONValue?) -> String {
        let text = value?.stringValue ?? value?.intValue.map { String($0) } ?? "unknown"
        if let ref = try? Ref(parsing: text), ref.kind == .model, ref.selector != nil { return text }
        let safe = String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
        return "model:label-studio@v-\(safe.prefix(80))"
    }

    private static func value(_ results: [JSONValue], _ definition: LabelDefinition, _ extent: ItemExtent, _ text: String?)
        throws -> JSONValue
    {
        let ours = try results.map { try JSONFields($0, path: "result") }.filter {
            accepts($0["type"]?.stringValue ?? "", definition.kind)
        }
        let types = Set(results.compactMap { $0["type"]?.stringValue })
        guard !ours.isEmpty || results.isEmpty else {
            throw SlipwayError(
                .invalid,
                "it holds \(types.sorted().joined(separator: ", ")); labels of kind \(definition.kind.rawValue) are \(resultType(definition.kind)) there")
        }
        switch definition.kind {
        case .class, .multiClass, .number, .text:
            guard let value = try ours.first.map({ try JSONFields(.object($0.object("value"))) }) else {
                throw SlipwayError(.invalid, "it holds no result")
            }
            switch definition.kind {
            case .class:
                let choices = try value.strings("choices")
                guard choices.count == 1 else { throw SlipwayError(.invalid, "it has \(choices.count) choices; expected one") }
                return .string(choices[0])
            case .multiClass: return JSONValue(try value.strings("choices"))
            case .number: return .number(try value.optionalDouble("number") ?? value.double("rating"))
            default:
                if let text = value["text"]?.stringValue { return .string(text) }
                return .string(try value.strings("text").joined(separator: "\n"))
            }
        default:
            let units = text.map(CodeUnits.init)
            return .array(try ours.map { try shape($0, definition, extent, units) })
        }
    }

    private static func shape(
        _ result: JSONFields, _ definition: LabelDefinition, _ extent: ItemExtent, _ units: CodeUnits?
    ) throws -> JSONValue {
        let value = try JSONFields(.object(result.object("value")))
        let names = try value.strings(result.string("type"))
        guard names.count == 1 else { throw SlipwayError(.invalid, "a region has \(names.count) labels; expected one") }
        var shape: [String: JSONValue] = ["class": .string(names[0])]
        if let id = result["id"]?.stringValue { shape["id"] = .string(id) }
        if let score = try result.optionalDouble("score"), (0...1).contains(score) { shape["score"] = .number(score) }
        func size() throws -> (width: Double, height: Double) {
            if let w = try result.optionalDouble("original_width"), let h = try result.optionalDouble("original_height") {
                return (w, h)
            }
            return try extent.size()
        }
        switch definition.kind {
        case .boxes:
            guard try (value.optionalDouble("rotation") ?? 0) == 0 else {
                throw SlipwayError(.invalid, "region \(result["id"]?.stringValue ?? "?") is a rotated box; boxes here are upright")
            }
            let size = try size()
            for (key, side) in [("x", size.width), ("y", size.height), ("width", size.width), ("height", size.height)] {
                shape[key] = .number(try value.double(key) * side / 100)
            }
        case .polygons:
            let size = try size()
            shape["points"] = .array(
                try value.array("points").map { point in
                    guard let pair = point.arrayValue, pair.count == 2, let x = pair[0].doubleValue, let y = pair[1].doubleValue
                    else { throw SlipwayError(.invalid, "a region has a point that is not one") }
                    return [.number(x * size.width / 100), .number(y * size.height / 100)]
                })
        case .spans:
            let offsets = try value["globalOffsets"].map { try JSONFields($0) } ?? value
            let (start, end) = (try offsets.int("start"), try offsets.int("end"))
            shape["start"] = JSONValue(units?.codePoint(ofUnit: start) ?? start)
            shape["end"] = JSONValue(units?.codePoint(ofUnit: end) ?? end)
        default:
            shape["start"] = .number(try value.double("start"))
            shape["end"] = .number(try value.double("end"))
        }
        return .object(shape)
    }

    // MARK: Out

    /// The results of one annotation.
    static func results(_ value: LabelValue, _ definition: LabelDefinition, _ extent: ItemExtent, text: String?) throws
        -> JSONValue
    {
        let type = resultType(definition.kind)
        func result(_ value: [String: JSONValue], id: String? = nil, _ more: [String: JSONValue] = [:]) -> JSONValue {
            var fields: [String: JSONValue] = [
                "from_name": "label", "to_name": "item", "type": .string(type), "value": .object(value),
            ]
            if let id { fields["id"] = .string(id) }
            return .object(fields.merging(more) { $1 })
        }
        func regions<Outline>(
            _ shapes: [Shape<Outline>], _ more: [String: JSONValue] = [:], _ value: (Outline) throws -> [String: JSONValue]
        ) rethrows -> JSONValue {
            .array(
                try shapes.enumerated().map { index, shape in
                    var fields = try value(shape.outline)
                    fields[type] = JSONValue([shape.name])
                    return result(fields, id: shape.id ?? "r\(index + 1)", more)
                })
        }
        switch value {
        case .name(let name): return [result(["choices": JSONValue([name])])]
        case .names(let names): return [result(["choices": JSONValue(names)])]
        case .number(let number): return [result(["number": COCO.number(number)])]
        case .text(let text): return [result(["text": JSONValue([text])])]
        case .boxes(let shapes):
            let size = try extent.size()
            return regions(shapes, sizes(size)) { box in
                [
                    "x": .number(box.x * 100 / size.width), "y": .number(box.y * 100 / size.height),
                    "width": .number(box.width * 100 / size.width), "height": .number(box.height * 100 / size.height),
                    "rotation": 0,
                ]
            }
        case .polygons(let shapes):
            let size = try extent.size()
            // Parts become regions of their own: there is no region of several.
            let parts = shapes.flatMap { shape in
                shape.outline.parts.map { Shape(name: shape.name, outline: Polygon(parts: [$0]), id: shape.id) }
            }
            return regions(parts, sizes(size)) { polygon in
                [
                    "points": .array(
                        polygon.parts[0].map { [.number($0.x * 100 / size.width), .number($0.y * 100 / size.height)] }),
                    "closed": true,
                ]
            }
        case .spans(let shapes):
            let units = text.map(CodeUnits.init)
            return regions(shapes) { span in
                var fields: [String: JSONValue] = [
                    "start": JSONValue(units?.unit(ofCodePoint: span.start) ?? span.start),
                    "end": JSONValue(units?.unit(ofCodePoint: span.end) ?? span.end),
                ]
                if let text {
                    let part = text.unicodeScalars.dropFirst(span.start).prefix(span.end - span.start)
                    fields["text"] = .string(String(String.UnicodeScalarView(part)))
                }
                return fields
            }
        case .ranges(let shapes):
            return regions(shapes) { range in ["start": COCO.number(range.start), "end": COCO.number(range.end)] }
        }
    }

    private static func sizes(_ size: (width: Double, height: Double)) -> [String: JSONValue] {
        ["original_width": COCO.number(size.width), "original_height": COCO.number(size.height), "image_rotation": 0]
    }
}

/// Places in a text, between UTF-16 code units and Unicode code points.
struct CodeUnits: Sendable {
    /// The unit at which each code point begins; and the end.
    private let starts: [Int]

    init(_ text: String) {
        var starts = [0]
        for scalar in text.unicodeScalars { starts.append((starts.last ?? 0) + (scalar.value > 0xFFFF ? 2 : 1)) }
        self.starts = starts
    }

    func unit(ofCodePoint place: Int) -> Int { starts[max(0, min(place, starts.count - 1))] }

    /// Beyond the end it counts on, so that the check of the item's length finds it.
    func codePoint(ofUnit unit: Int) -> Int {
        guard let last = starts.last, unit <= last else { return starts.count - 1 + unit - (starts.last ?? 0) }
        // The last code point that begins at or before the unit.
        var (low, high) = (0, starts.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if starts[middle] <= unit { low = middle } else { high = middle - 1 }
        }
        return low
    }
}
