import Core

/// A form in which labels come from other tools and go to them.
public enum LabelsFormat: String, Sendable, CaseIterable {
    /// One JSON document of images, categories and annotations (cocodataset.org, "Data format").
    case coco
    /// A text file for each image, a line for each box or polygon (Ultralytics, "Object Detection Datasets Overview").
    case yolo
    /// An XML file for each image (Everingham et al., "The PASCAL Visual Object Classes Challenge: Development Kit").
    case voc
    /// Label Studio's JSON of tasks with annotations and predictions (labelstud.io, "Label Studio JSON format").
    case labelStudio = "label-studio"
    /// A table: the key columns, the label, and whose it is.
    case csv

    /// Whether it is many files: a zip archive on the way out.
    public var isManyFiles: Bool { self == .yolo || self == .voc }

    var kinds: [LabelDefinition.Kind] {
        switch self {
        case .coco, .yolo: [.boxes, .polygons]
        case .voc: [.boxes]
        case .labelStudio, .csv: LabelDefinition.Kind.allCases
        }
    }

    var mediaType: String {
        switch self {
        case .coco, .labelStudio: "application/json"
        case .yolo, .voc: "application/zip"
        case .csv: "text/csv; charset=utf-8"
        }
    }

    func require(_ definition: LabelDefinition) throws {
        guard kinds.contains(definition.kind) else {
            throw SlipwayError.field(
                "format", "\(rawValue) has no \(definition.kind.rawValue)",
                expected: Self.allCases.filter { $0.kinds.contains(definition.kind) }.map(\.rawValue).joined(separator: ", "))
        }
    }

    static func parse(_ text: String?) throws -> LabelsFormat {
        guard let text, let format = LabelsFormat(rawValue: text) else {
            throw SlipwayError.field(
                "format", text.map { "'\($0.prefix(40))' is not known" } ?? "is missing",
                expected: allCases.map(\.rawValue).joined(separator: ", "))
        }
        return format
    }
}

/// Somebody's or some model's label of one row, as another tool wrote it.
struct ForeignLabel: Sendable {
    enum Row: Sendable {
        /// The key's values.
        case key([String])
        /// A path without its ending, as YOLO's label files have it.
        case stem(String)
    }

    /// What messages call it: "image 17 (a.jpg)".
    let place: String
    let row: Row
    /// The value as the schema says, once the item's size is known.
    let value: @Sendable (ItemExtent) throws -> JSONValue
    /// Who said it; nil: whoever imports.
    var annotator: String?
    /// The model that said it.
    var model: String?
    var score: Double?
    var at: Timestamp?
    var seconds: Double?
    /// The image's id in the file.
    var sourceID: String?

    init(_ place: String, _ row: Row, value: @escaping @Sendable (ItemExtent) throws -> JSONValue) {
        self.place = place
        self.row = row
        self.value = value
    }
}

/// A file of a format that has many.
struct ForeignFile: Sendable {
    let path: String
    let text: String

    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    /// The path without its ending and without the folder `labels` or `Annotations`.
    var stem: String {
        var parts = path.split(separator: "/").map(String.init)
        if let folder = parts.lastIndex(where: { ["labels", "annotations", "obj_train_data"].contains($0.lowercased()) }) {
            parts.removeFirst(folder + 1)
        }
        return ForeignFile.withoutEnding(parts.joined(separator: "/"))
    }

    static func withoutEnding(_ path: String) -> String {
        guard let dot = path.lastIndex(of: "."), dot > (path.lastIndex(of: "/") ?? path.startIndex) else { return path }
        return String(path[..<dot])
    }
}

extension ItemExtent {
    /// The image's size, which a format with relative places needs.
    func size() throws -> (width: Double, height: Double) {
        guard case .image(let width, let height) = self else {
            throw SlipwayError(.invalid, "the image's size is not known, and the places are relative to it")
        }
        return (width, height)
    }
}
