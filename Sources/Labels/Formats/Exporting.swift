import Core
import Database
import Datasets
import Platform
import Tables
import Web

extension LabelsService {
    private static let contentSeconds = 120.0

    /// What goes out, piece by piece; memory does not grow with the task.
    ///
    /// - Parameter prefix: taken off the front of each file name.
    public func export(
        _ name: String, _ format: LabelsFormat, _ include: LabelsIncluded, prefix: String, as principal: Principal
    ) async throws -> @Sendable (ResponseWriter) async throws -> Void {
        let (task, definition) = try await platform.database.read { [self] db in
            let task = try require(db, name)
            return (task, try self.definition(db, of: task))
        }
        try requireReviewer(task, principal)
        try format.require(definition)
        let export = LabelsExport(
            service: self, task: task, definition: definition, include: include, prefix: prefix, principal: principal)
        return { writer in
            switch format {
            case .coco: try await export.coco(writer)
            case .yolo: try await export.yolo(writer)
            case .voc: try await export.voc(writer)
            case .csv: try await export.csv(writer)
            case .labelStudio: try await export.labelStudio(writer)
            }
        }
    }

    /// The contents (text) of some items' rows, by number.
    func contents(_ task: LabelTask, _ items: [LabelItem], as principal: Principal) async throws -> [Int64: String] {
        guard let column = task.settings.content, !items.isEmpty else { return [:] }
        let key = task.settings.key
        let keys = JSONValue.array(items.map { JSONValue($0.key.parts) }).canonicalText
        let on = key.indices.map {
            "CAST(d.\(SQLName.quote(key[$0])) AS VARCHAR) = json_extract_string(w.j, '$[\($0)]')"
        }.joined(separator: " AND ")
        let list = key.indices.map { "json_extract_string(w.j, '$[\($0)]')" }.joined(separator: ", ")
        let found = try await datasets.query(
            """
            SELECT \(list), CAST(d.\(SQLName.quote(column)) AS VARCHAR) FROM data d
            JOIN (SELECT unnest(from_json($1, '["JSON"]')) AS j) w ON \(on)
            """, inputs: ["data": task.datasetRef], parameters: [.string(keys)], limit: items.count,
            timeoutSeconds: Self.contentSeconds, as: principal)
        var byKey: [[String]: String] = [:]
        for row in found.rows { byKey[row.dropLast().map { $0.text ?? "" }] = row.last?.text }
        var contents: [Int64: String] = [:]
        for item in items { contents[item.number] = byKey[item.key.parts] }
        return contents
    }

    /// The largest id of a row that an import brought.
    func largestSourceID(_ task: LabelTask) async throws -> Int64 {
        try await platform.database.read { [items] in try items.largestSource($0, task.id) }
    }
}

/// One export under way.
private struct LabelsExport: Sendable {
    let service: LabelsService
    let task: LabelTask
    let definition: LabelDefinition
    let include: LabelsIncluded
    let prefix: String
    let principal: Principal

    private func each(_ body: ([(item: LabelItem, label: AgreedLabel)]) async throws -> Void) async throws {
        try await service.forEachLabel(task, definition, include, task.settings.rule, body)
    }

    private func file(_ item: LabelItem) -> String {
        let path = item.key.parts.joined(separator: "/")
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }

    private func extent(_ item: LabelItem) async throws -> ItemExtent {
        try await service.extent(of: item, task, definition, as: principal)
    }

    // MARK: COCO

    func coco(_ writer: ResponseWriter) async throws {
        let spare = try await service.largestSourceID(task)
        func id(_ item: LabelItem) -> Int64 { item.sourceID.flatMap { Int64($0) } ?? spare + item.number }
        try await writer.write("{\"categories\":\(COCO.categories(definition).canonicalText),\n\"images\":[")
        var isFirst = true
        func next(_ json: JSONValue) async throws {
            try await writer.write((isFirst ? "\n" : ",\n") + json.canonicalText)
            isFirst = false
        }
        var largest: Int64 = 0
        try await each { labels in
            for (item, label) in labels {
                for shapeID in label.value.shapeIDs { largest = max(largest, shapeID.flatMap { Int64($0) } ?? 0) }
                try await next(COCO.image(id(item), file(item), try await extent(item)))
            }
        }
        try await writer.write("],\n\"annotations\":[")
        isFirst = true
        // Ids that came with an import stay, where no other has them; the rest are numbered after the largest.
        var used: Set<Int64> = []
        let categories = COCO.categoryIDs(definition)
        func fresh(_ wanted: String?) -> Int64 {
            if let wanted = wanted.flatMap({ Int64($0) }), used.insert(wanted).inserted { return wanted }
            largest += 1
            return largest
        }
        try await each { labels in
            for (item, label) in labels {
                switch label.value {
                case .boxes(let shapes):
                    for shape in shapes {
                        try await next(
                            COCO.annotation(
                                shape, id: fresh(shape.id), image: id(item), category: categories[shape.name] ?? 0))
                    }
                case .polygons(let shapes):
                    for shape in shapes {
                        try await next(
                            COCO.annotation(
                                shape, id: fresh(shape.id), image: id(item), category: categories[shape.name] ?? 0))
                    }
                default: break
                }
            }
        }
        try await writer.write("]}\n")
    }

    // MARK: Archives

    func yolo(_ writer: ResponseWriter) async throws {
        var zip = ZipWriter()
        for (path, text) in YOLO.extras(definition) { try await writer.write(try zip.add(path, Array(text.utf8))) }
        try await each { labels in
            for (item, label) in labels {
                let text = try YOLO.text(label.value, definition, try await extent(item))
                let path = "labels/\(ForeignFile.withoutEnding(file(item))).txt"
                try await writer.write(try zip.add(path, Array(text.utf8)))
            }
        }
        try await writer.write(zip.end())
    }

    func voc(_ writer: ResponseWriter) async throws {
        var zip = ZipWriter()
        try await each { labels in
            for (item, label) in labels {
                let name = file(item)
                let text = PascalVOC.text(label.value, file: name, try await extent(item))
                let path = "Annotations/\(ForeignFile.withoutEnding(name)).xml"
                try await writer.write(try zip.add(path, Array(text.utf8)))
            }
        }
        try await writer.write(zip.end())
    }

    // MARK: Tables and Label Studio

    func csv(_ writer: ResponseWriter) async throws {
        let column = task.settings.column
        try await writer.write(
            LabelsCSV.line(task.settings.key + [column, column + "_by", column + "_at", column + "_votes"]))
        try await each { labels in
            try await writer.write(
                labels.map { item, label in
                    let value = label.value.json.stringValue ?? label.value.json.canonicalText
                    return LabelsCSV.line(item.key.parts + [value, label.by, label.at.description, String(label.votes)])
                }.joined())
        }
    }

    /// All annotations and predictions, not only the label that was agreed on.
    func labelStudio(_ writer: ResponseWriter) async throws {
        var isFirst = true
        try await writer.write("[")
        try await each { labels in
            guard let first = labels.first?.item.number, let last = labels.last?.item.number else { return }
            let (work, prelabels) = try await service.platform.database.read { [service, task] db in
                (
                    Dictionary(grouping: try service.works.votes(db, task.id, from: first, through: last), by: \.number),
                    Dictionary(grouping: try service.works.prelabels(db, task.id, from: first, through: last), by: \.number)
                )
            }
            let contents = try await service.contents(task, labels.map(\.item), as: principal)
            for (item, _) in labels {
                let extent = try await extent(item)
                let text = contents[item.number]
                func results(_ json: JSONValue) throws -> JSONValue {
                    try LabelStudio.results(LabelsService.kept(json, definition), definition, extent, text: text)
                }
                let annotations = try (work[item.number] ?? []).enumerated().map { index, one -> JSONValue in
                    [
                        "id": .int(item.number * 1000 + Int64(index) + 1), "completed_by": ["email": .string(one.annotator)],
                        "result": try results(one.value ?? .null), "was_cancelled": false,
                        "ground_truth": .bool(one.state == .accepted),
                        "created_at": JSONValue(one.done ?? one.started),
                        "lead_time": one.seconds.map { .number($0) } ?? .null,
                    ]
                }
                let predictions = try (prelabels[item.number] ?? []).map { one -> JSONValue in
                    [
                        "model_version": .string(one.model), "score": one.score.map { .number($0) } ?? .null,
                        "result": try results(one.value),
                    ]
                }
                var data: [String: JSONValue] = [:]
                for (column, value) in zip(task.settings.key, item.key.parts) { data[column] = .string(value) }
                if definition.kind.isOnImages { data["image"] = .string(file(item)) }
                if let column = task.settings.content, let text { data[column] = .string(text) }
                let line: JSONValue = [
                    "id": .int(item.number), "data": .object(data), "annotations": .array(annotations),
                    "predictions": .array(predictions),
                ]
                try await writer.write((isFirst ? "\n" : ",\n") + line.canonicalText)
                isFirst = false
            }
        }
        try await writer.write("\n]\n")
    }
}

extension LabelValue {
    /// The ids that its shapes came with.
    fileprivate var shapeIDs: [String?] {
        switch self {
        case .boxes(let shapes): shapes.map(\.id)
        case .polygons(let shapes): shapes.map(\.id)
        case .spans(let shapes): shapes.map(\.id)
        case .ranges(let shapes): shapes.map(\.id)
        default: []
        }
    }
}
