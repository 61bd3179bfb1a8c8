import Core
import Database
import Datasets
import Ledger
import Platform
import Projects
import Tables

/// What a client asks for when it makes a task.
public struct TaskDraft: Sendable {
    public var name: String
    /// A dataset version or a slice.
    public var over: Ref
    public var schema: Ref
    /// The label's column; the schema's name by default.
    public var column: String?
    /// The columns that identify a row; the dataset's key by default.
    public var key: [String] = []
    /// Of spans: the column with the text. Of ranges: the column with the list of values.
    public var content: String?
    /// Of boxes and polygons on a table: the columns with the image's width and height, or two numbers.
    public var size: [JSONValue] = []
    public var selection = ItemSelection()
    public var overlap = 1
    public var leaseSeconds = 1800
    public var annotators: [String: Int] = [:]
    public var reviewers: [String] = []
    public var showsPrelabels = true
    public var rule = ConsensusRule.majority

    public init(name: String, over: Ref, schema: Ref) {
        (self.name, self.over, self.schema) = (name, over, schema)
    }
}

extension LabelsService {
    static let itemsMaximum: Int64 = 50_000_000
    static let overlapMaximum = 100
    static let leaseSecondsRange = 10...604_800
    /// Items that are held in memory while a task is made, and written in one transaction.
    static let itemsPerStep: Int64 = 20_000
    private static let selectSeconds = 600.0

    /// Makes a task with an item for each selected row.
    ///
    /// - Throws: `invalid` when the rows have no key, or one that is not unique; `conflict` when the name is taken.
    public func createTask(_ draft: TaskDraft, as principal: Principal) async throws -> LabelTask {
        try Name.validate(draft.name)
        let rows = try await datasets.rows(of: draft.over, name: "data", as: principal)
        let version = rows.version
        try principal.require(.manageLabels, in: version.project)
        let schema = try await self.schema(draft.schema.name, version: draft.schema.version, as: principal)
        let dataset = try await datasets.dataset(version.dataset, as: principal)
        let key = draft.key.isEmpty ? dataset.key : draft.key
        let columns = try ItemColumns(draft, key: key, schema.definition, version)
        try Self.check(draft)
        let settings = LabelTask.Settings(
            over: rows.ref.description, key: key, column: draft.column ?? schema.name, content: columns.content,
            selection: draft.selection, leaseSeconds: draft.leaseSeconds, annotators: draft.annotators,
            reviewers: draft.reviewers, showsPrelabels: draft.showsPrelabels, rule: draft.rule,
            isFiles: version.kind == .files, size: draft.size)
        try PublishedColumns.validate(settings.column, key: key)

        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let input = try await select(columns, draft.selection, rows.input, version, in: folder)
        let count = try await platform.tables.rowCount(of: input)

        let task = try await reserve(draft, version, schema, settings, as: principal)
        do {
            for start in stride(from: 0, to: count, by: Int64.Stride(Self.itemsPerStep)) {
                let page = try await platform.tables.query(
                    "SELECT * FROM items WHERE n > \(start) AND n <= \(start + Self.itemsPerStep) ORDER BY n",
                    inputs: [input], maxRows: Int(Self.itemsPerStep))
                let made = page.rows.map { columns.item($0) }
                try await platform.database.write { [items, store] db in
                    try items.insert(db, task.id, made, slots: task.overlap)
                    try store.count(db, task.id, items: made.count)
                }
            }
            return try await open(task, as: principal)
        } catch {
            try? await platform.database.write { [store] in try store.removeTask($0, task.id) }
            throw error
        }
    }

    /// The selected rows as a table: n, k0 …, a, b.
    ///
    /// - Throws: `invalid` if the key does not identify them; `tooLarge` for more than `itemsMaximum`.
    func select(
        _ columns: ItemColumns, _ selection: ItemSelection, _ rows: TableInput, _ version: DatasetVersion,
        in folder: String
    ) async throws -> TableInput {
        let path = folder + "/items.parquet"
        let count = try await platform.tables.write(
            columns.sql(selection), inputs: [rows], to: path, timeoutSeconds: Self.selectSeconds
        ).rows
        guard count <= Self.itemsMaximum else {
            throw SlipwayError(.tooLarge, "The selection has \(count) rows; a task has at most \(Self.itemsMaximum).")
        }
        let input = TableInput(name: "items", files: [path], format: .parquet)
        try await requireUnique(input, columns, version)
        return input
    }

    private static func check(_ draft: TaskDraft) throws {
        guard (1...overlapMaximum).contains(draft.overlap) else {
            throw SlipwayError.field("overlap", "is \(draft.overlap)", expected: "1 to \(overlapMaximum)")
        }
        guard leaseSecondsRange.contains(draft.leaseSeconds) else {
            throw SlipwayError.field(
                "leaseSeconds", "is \(draft.leaseSeconds)",
                expected: "\(leaseSecondsRange.lowerBound) to \(leaseSecondsRange.upperBound)")
        }
        guard draft.annotators.isEmpty || draft.annotators.count >= draft.overlap else {
            throw SlipwayError.field(
                "overlap", "is \(draft.overlap), but only \(draft.annotators.count) people may annotate",
                expected: "at most as many as annotators")
        }
    }

    private func requireUnique(_ input: TableInput, _ columns: ItemColumns, _ version: DatasetVersion) async throws {
        let names = columns.key.joined(separator: ", ")
        let list = columns.key.indices.map { "k\($0)" }.joined(separator: ", ")
        let missing = columns.key.indices.map { "k\($0) IS NULL" }.joined(separator: " OR ")
        let empty = try await platform.tables.query(
            "SELECT n FROM items WHERE \(missing) LIMIT 1", inputs: [input], maxRows: 1)
        guard empty.rows.isEmpty else {
            throw SlipwayError(
                .invalid,
                "The key \(names) has no value in some rows of \(version.ref); labels follow it, so each row needs one.",
                ref: version.ref)
        }
        let twice = try await platform.tables.query(
            "SELECT \(list), count(*) FROM items GROUP BY \(list) HAVING count(*) > 1 ORDER BY \(list) LIMIT 1",
            inputs: [input], maxRows: 1, timeoutSeconds: Self.selectSeconds)
        if let row = twice.rows.first {
            let value = row.dropLast().map { $0.text ?? "" }.joined(separator: ", ")
            throw SlipwayError(
                .invalid,
                "The key \(names) does not identify a row of \(version.ref): \(row.last?.intValue ?? 2) rows have '\(value.prefix(120))'. Choose columns that do ('slipway data set \(version.dataset) --key …', or --key here).",
                ref: version.ref)
        }
    }

    /// The task's name, taken; nothing is handed out yet.
    private func reserve(
        _ draft: TaskDraft, _ version: DatasetVersion, _ schema: LabelSchema, _ settings: LabelTask.Settings,
        as principal: Principal
    ) async throws -> LabelTask {
        let now = platform.clock.now()
        return try await platform.database.write { [store] db in
            guard try store.task(db, draft.name) == nil else {
                throw SlipwayError(
                    .conflict, "There is already a label task named \(draft.name).", ref: Ref(.labelTask, draft.name))
            }
            let task = LabelTask(
                id: try store.nextTaskID(db), name: draft.name, project: version.project, dataset: version.dataset,
                datasetVersion: version.number, schemaName: schema.name, schemaVersion: schema.version,
                settings: settings, overlap: draft.overlap, state: .preparing, author: principal.name, created: now)
            try store.insert(db, task)
            return task
        }
    }

    private func open(_ task: LabelTask, as principal: Principal) async throws -> LabelTask {
        try await platform.database.write { [self, ledger = platform.ledger] db in
            try items.refreshPlans(db)
            var opened = try require(db, task.name)
            opened.state = .open
            try store.update(db, opened)
            try ledger.append(
                db, "label-task.created", opened.ref, project: opened.project, by: principal, data: opened.json)
            try ledger.link(db, opened.ref, madeFrom: opened.datasetRef, "labels")
            try ledger.link(db, opened.ref, madeFrom: opened.schemaRef, "labels-under")
            if let over = try? Ref(parsing: opened.settings.over), over.kind == .slice {
                try ledger.link(db, opened.ref, madeFrom: over, "labels")
            }
            return opened
        }
    }

    /// Tasks that an earlier process began to make: nobody was told of them, and nothing is in them.
    func removeUnprepared() async throws {
        let left = try await platform.database.read { [store] in try store.unprepared($0) }
        for id in left { try await platform.database.write { [store] in try store.removeTask($0, id) } }
    }
}

/// What of a row goes into its item: the key and the size.
struct ItemColumns: Sendable {
    let key: [String]
    let content: String?
    /// SQL of the two numbers of the extent.
    private let extent: (String, String)

    init(_ draft: TaskDraft, key: [String], _ definition: LabelDefinition, _ version: DatasetVersion) throws {
        let types = Dictionary(version.columns.map { ($0.name, $0) }) { a, _ in a }
        func need(_ name: String, _ field: String) throws -> TableColumn {
            guard let column = types[name] else {
                throw SlipwayError.field(
                    field, "\(version.ref) has no column '\(name.prefix(80))'",
                    expected: "one of \(version.columns.map(\.name).joined(separator: ", "))")
            }
            return column
        }
        guard !key.isEmpty else {
            throw SlipwayError.field(
                "key", "\(version.dataset) has none, and labels follow it from version to version",
                expected:
                    "the columns that identify a row: 'slipway data set \(version.dataset) --key …', or --key here")
        }
        for name in key where version.kind == .table { _ = try need(name, "key") }
        self.key = key
        switch definition.kind {
        case .boxes, .polygons:
            content = draft.content
            var size = draft.size
            if size.isEmpty, types["width"]?.isNumeric == true, types["height"]?.isNumeric == true {
                size = ["width", "height"]
            }
            if size.isEmpty, version.kind == .files {
                // Read from the file's own header when it is first handed out.
                extent = ("NULL", "NULL")
                return
            }
            guard size.count == 2 else {
                throw SlipwayError.field(
                    "size", "is not known, and shapes must lie inside their image",
                    expected: "the columns with the width and the height in pixels, or two numbers")
            }
            let parts = try size.map { part in
                if let number = part.doubleValue, part.stringValue == nil, number > 0 { return number.description }
                let column = try need(part.stringValue ?? "", "size")
                guard column.isNumeric else { throw SlipwayError.field("size", "\(column.name) holds no numbers") }
                return SQLName.quote(column.name)
            }
            extent = (parts[0], parts[1])
        case .spans:
            let name = draft.content ?? (types["text"] != nil ? "text" : "")
            guard !name.isEmpty else {
                throw SlipwayError.field("content", "is missing", expected: "the column with the text")
            }
            content = try need(name, "content").name
            extent = ("length(CAST(\(SQLName.quote(name)) AS VARCHAR))", "NULL")
        case .ranges:
            content = try draft.content.map { try need($0, "content").name }
            if let name = content, types[name]?.type.hasSuffix("[]") == true {
                extent = ("0", "len(\(SQLName.quote(name))) - 1")
            } else {
                extent = ("NULL", "NULL")
            }
        case .class, .multiClass, .number, .text:
            content = try draft.content.map { try need($0, "content").name }
            extent = ("NULL", "NULL")
        }
    }

    /// The selected rows with their places: n, k0 …, a, b.
    func sql(_ selection: ItemSelection) -> String {
        let names = key.indices.map { "k\($0)" }
        let keys = zip(key, names).map { "CAST(\(SQLName.quote($0)) AS VARCHAR) AS \($1)" }.joined(separator: ", ")
        let list = names.joined(separator: ", ")
        func chance(_ salt: String) -> String {
            "md5(concat_ws('\u{1F}', '\(salt)\(selection.seed)', \(list))), place"
        }
        var rows = """
            SELECT \(keys), CAST(\(extent.0) AS DOUBLE) AS a, CAST(\(extent.1) AS DOUBLE) AS b, row_number() OVER () AS place
            FROM data
            """
        if let sample = selection.sample {
            rows = "SELECT * FROM (\(rows)) ORDER BY \(chance("sample")) LIMIT \(sample)"
        }
        let order = selection.order == .random ? chance("order") : "place"
        return "SELECT row_number() OVER (ORDER BY \(order)) AS n, \(list), a, b FROM (\(rows)) ORDER BY n"
    }

    func item(_ row: [TableValue]) -> ItemStore.NewItem {
        ItemStore.NewItem(
            number: row[0].intValue ?? 0, key: RowKey(key.indices.map { row[1 + $0].text ?? "" }),
            extent: (row[key.count + 1].doubleValue, row[key.count + 2].doubleValue))
    }
}

/// Quoting for DuckDB.
enum SQLName {
    static func quote(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
