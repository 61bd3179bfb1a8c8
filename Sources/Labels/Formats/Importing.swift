import Core
import Database
import Ledger
import Platform

/// How labels are taken in.
public struct ImportOptions: Sendable {
    public var format: LabelsFormat
    /// Who said it, where the file does not say; the importer by default.
    public var annotator: String?
    /// Takes all of it as what this model said, not as people's annotations.
    public var model: Ref?
    /// Put before each file name to give the row's key.
    public var prefix = ""
    /// Leaves out what does not fit instead of refusing all.
    public var skipsInvalid = false

    public init(_ format: LabelsFormat) { self.format = format }
}

/// What an import did.
public struct ImportReport: Sendable {
    public var annotations = 0
    public var prelabels = 0
    public var shapes = 0
    /// What was left out, and why; the first few.
    public var leftOut = 0
    public var problems: [String] = []

    public var json: JSONValue {
        [
            "annotations": JSONValue(annotations), "prelabels": JSONValue(prelabels), "shapes": JSONValue(shapes),
            "leftOut": JSONValue(leftOut), "problems": JSONValue(problems),
        ]
    }
}

extension LabelsService {
    /// The bytes of a file of labels; larger ones are sent in parts.
    static let importMaximumBytes = 64 << 20
    private static let problemsShown = 20
    private static let importStep = 500

    /// Takes labels that another tool wrote. Nothing is taken when anything does not fit, unless the options say otherwise.
    ///
    /// - Parameter files: of a format with many files, each of them; else the one.
    public func importLabels(
        _ name: String, _ files: [ForeignFileBytes], _ options: ImportOptions, as principal: Principal
    ) async throws -> ImportReport {
        let (task, definition) = try await platform.database.read { [self] db in
            let task = try require(db, name)
            return (task, try self.definition(db, of: task))
        }
        try principal.require(.manageLabels, in: task.project)
        try requireOpen(task)
        try options.format.require(definition)
        if let annotator = options.annotator { try Self.validate(annotator: annotator) }
        if let model = options.model, model.kind != .model || model.selector == nil {
            throw SlipwayError.field("model", "'\(model)' is not a model's version", expected: "model:name@3")
        }
        let foreign = try Self.read(files, options, task, definition)
        let numbers = try await numbers(of: foreign, task)
        var report = ImportReport()
        var unknown: [String: Int] = [:]
        var ready: [Ready] = []
        func leaveOut(_ place: String, _ why: String) {
            report.leftOut += 1
            if report.problems.count < Self.problemsShown { report.problems.append("\(place): \(why)") }
        }
        for (label, number) in zip(foreign, numbers) {
            guard let number else {
                leaveOut(label.place, "the task has no such row")
                continue
            }
            do {
                ready.append(try await prepare(label, number, task, definition, options, as: principal))
            } catch let error as SlipwayError {
                if let names = error.details["unknown"] {
                    for name in names.split(separator: ",") { unknown[String(name), default: 0] += 1 }
                    report.leftOut += 1
                } else {
                    leaveOut(label.place, error.message)
                }
            }
        }
        if !unknown.isEmpty {
            let list = unknown.sorted { $0.key < $1.key }.prefix(40).map { "'\($0.key)' (\($0.value)×)" }
            report.problems.insert(
                "the schema does not know the classes \(list.joined(separator: ", ")); add them as its next version and move the task to it",
                at: 0)
        }
        guard report.leftOut == 0 || options.skipsInvalid else {
            let more = report.leftOut > report.problems.count ? " … (\(report.leftOut) in all)" : ""
            throw SlipwayError(
                .invalid,
                "Nothing was imported: \(report.problems.joined(separator: "; "))\(more). What fits can be taken with 'skip invalid'.",
                details: ["leftOut": String(report.leftOut)], ref: task.ref)
        }
        for start in stride(from: 0, to: ready.count, by: Self.importStep) {
            let some = Array(ready[start..<min(start + Self.importStep, ready.count)])
            let importer = principal.name
            try await platform.database.write { [self] db in
                for one in some { try take(db, task, definition, one, options.format, by: importer) }
            }
        }
        report.prelabels = ready.count { $0.model != nil }
        report.annotations = ready.count - report.prelabels
        report.shapes = ready.reduce(0) { $0 + ($1.value.json.arrayValue?.count ?? 1) }
        let (done, models) = (report, Set(ready.compactMap(\.model)))
        try await platform.database.write { [ledger = platform.ledger] db in
            try ledger.append(
                db, "label-task.imported", task.ref, project: task.project, by: principal,
                data: [
                    "format": .string(options.format.rawValue), "annotations": JSONValue(done.annotations),
                    "prelabels": JSONValue(done.prelabels), "leftOut": JSONValue(done.leftOut),
                ])
            for model in models {
                try ledger.link(db, task.ref, madeFrom: Ref(parsing: model), "pre-labelled-by")
            }
        }
        return report
    }

    /// Names of people from elsewhere: they become refs, so they are short and plain, with at most one @ as in an e-mail
    /// address.
    static func validate(annotator name: String) throws {
        let parts = name.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ Name.isValid($0) }) else {
            throw SlipwayError.field(
                "annotator", "'\(name.prefix(60))' is not a name", expected: "letters, digits, '-', '_', '.', and one '@'")
        }
    }

    private static func read(
        _ files: [ForeignFileBytes], _ options: ImportOptions, _ task: LabelTask, _ definition: LabelDefinition
    ) throws -> [ForeignLabel] {
        let (key, prefix) = (task.settings.key, options.prefix)
        if options.format.isManyFiles {
            let texts = try files.map { file in
                guard let text = String(validating: file.bytes, as: UTF8.self) else {
                    throw SlipwayError.field(file.path, "is not UTF-8")
                }
                return ForeignFile(path: file.path, text: text)
            }
            return options.format == .yolo
                ? try YOLO.read(texts, definition, prefix: prefix) : try PascalVOC.read(texts, definition, prefix: prefix)
        }
        guard let bytes = files.first?.bytes, files.count == 1 else {
            throw SlipwayError.field("body", "is not one file", expected: "one file of \(options.format.rawValue)")
        }
        switch options.format {
        case .coco: return try COCO.read(bytes, definition, prefix: prefix)
        case .labelStudio:
            return try LabelStudio.read(bytes, definition, key: key, content: task.settings.content, prefix: prefix)
        default:
            return try LabelsCSV.read(bytes, definition, key: key, column: task.settings.column, prefix: prefix)
        }
    }

    // MARK: Rows

    /// The item of each label, where the task has it.
    private func numbers(of labels: [ForeignLabel], _ task: LabelTask) async throws -> [Int64?] {
        var byStem: [String: Int64?] = [:]
        for case .stem(let stem) in labels.map(\.row) { byStem[stem] = .some(nil) }
        if !byStem.isEmpty {
            var after: Int64 = 0
            while true {
                let from = after
                let some = try await platform.database.read { [items] in
                    try items.keys($0, task.id, after: from, through: from + 10_000)
                }
                guard let last = some.last else { break }
                after = last.number
                for (number, text) in some {
                    let stem = ForeignFile.withoutEnding(try RowKey(kept: text).parts.joined(separator: "/"))
                    guard let known = byStem[stem] else { continue }
                    if known != nil {
                        throw SlipwayError(
                            .invalid, "The label file of '\(stem.prefix(120))' fits two rows, which differ in their ending only.",
                            ref: task.ref)
                    }
                    byStem[stem] = .some(number)
                }
            }
        }
        let stems = byStem
        return try await platform.database.read { [items] db in
            try labels.map { label in
                switch label.row {
                case .stem(let stem): stems[stem] ?? nil
                case .key(let parts):
                    parts.count == task.settings.key.count ? try items.number(db, task.id, key: RowKey(parts)) : nil
                }
            }
        }
    }

    // MARK: Taking

    private struct Ready: Sendable {
        let number: Int64
        let value: LabelValue
        let annotator: String
        let model: String?
        let score: Double?
        let at: Timestamp
        let seconds: Double?
        let sourceID: String?
    }

    private func prepare(
        _ label: ForeignLabel, _ number: Int64, _ task: LabelTask, _ definition: LabelDefinition, _ options: ImportOptions,
        as principal: Principal
    ) async throws -> Ready {
        let item = try await platform.database.read { [items] in try items.item($0, task, definition.kind, number) }
        guard let item else { throw noItem(task, number) }
        let extent = try await self.extent(of: item, task, definition, as: principal)
        let value = try LabelValue(parsing: label.value(extent), definition, extent: extent)
        let annotator = label.annotator ?? options.annotator ?? principal.name
        try Self.validate(annotator: annotator)
        return Ready(
            number: number, value: value, annotator: annotator, model: options.model?.description ?? label.model,
            score: label.score, at: label.at ?? platform.clock.now(), seconds: label.seconds, sourceID: label.sourceID)
    }

    private func take(
        _ db: any Transaction, _ task: LabelTask, _ definition: LabelDefinition, _ one: Ready, _ format: LabelsFormat,
        by importer: String
    ) throws {
        if let id = one.sourceID { try items.setSource(db, task.id, one.number, id) }
        if let model = one.model {
            let label = Prelabel(
                number: one.number, model: model, value: one.value.json, score: one.score, entropy: nil, margin: nil)
            return try works.put(db, task.id, label, at: one.at)
        }
        guard let item = try items.item(db, task, definition.kind, one.number) else { throw noItem(task, one.number) }
        var work =
            try works.work(db, task.id, one.number, one.annotator)
            ?? LabelWork(number: one.number, annotator: one.annotator, state: .expired, started: one.at)
        let wasVote = work.state.isVote
        // An item may get more annotations from a file than it was to have.
        if !work.state.holdsSlot { _ = try items.takeSlot(db, task.id, one.number) }
        if work.state != .accepted { work.state = .submitted }
        (work.value, work.draft, work.lease, work.done) = (one.value.json, nil, nil, one.at)
        (work.origin, work.seconds) = ("import:\(format.rawValue)", one.seconds)
        try works.put(db, task.id, work)
        if !wasVote {
            try addVote(db, task, item)
            try store.count(
                db, task.id, annotator: one.annotator, submitted: 1, seconds: one.seconds ?? 0, at: one.at)
        }
        try works.remember(
            db, task.id,
            LabelChange(
                number: one.number, time: one.at, actor: importer, action: .imported, annotator: one.annotator,
                value: one.value.json, comment: nil, seconds: one.seconds))
    }
}

/// A file of labels as it came.
public struct ForeignFileBytes: Sendable {
    public let path: String
    public let bytes: [UInt8]

    public init(path: String, bytes: [UInt8]) { (self.path, self.bytes) = (path, bytes) }
}
