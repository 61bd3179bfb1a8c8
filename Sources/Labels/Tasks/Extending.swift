import Core
import Database
import Datasets
import Ledger
import Platform
import Tables

extension LabelsService {
    /// Adds an item for each row that the task has none for, behind those that it has, and moves the task on to the version
    /// that these rows are in. Of a task over a sample, only rows that its version did not have become items.
    ///
    /// - Parameter over: a version or slice of the task's dataset; the newest of what the task was made over by default.
    /// - Throws: `conflict` if the version lacks rows of the task or has another text for them: what annotators see of an
    ///   item comes from the task's version.
    public func extendTask(
        _ name: String, over: Ref?, as principal: Principal
    ) async throws -> (task: LabelTask, added: Int64) {
        let task = try await self.task(name, as: principal)
        try principal.require(.manageLabels, in: task.project)
        try requireOpen(task)
        let rows = try await datasets.rows(
            of: over ?? task.settings.newest ?? Ref(.dataset, task.dataset), name: "data", as: principal)
        let version = rows.version
        guard version.dataset == task.dataset else {
            throw SlipwayError.field(
                "over", "is of the dataset \(version.dataset)", expected: "a version or a slice of \(task.dataset)")
        }
        let definition = try await platform.database.read { [self] db in try self.definition(db, of: task) }
        var draft = TaskDraft(name: task.name, over: rows.ref, schema: task.schemaRef)
        (draft.content, draft.size) = (task.settings.content, task.settings.size)
        let columns = try ItemColumns(draft, key: task.settings.key, definition, version)

        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let all = try await select(columns, ItemSelection(), rows.input, version, in: folder)
        let known = try await knownKeys(of: task, in: folder)
        let old = try await datasets.resolve(task.datasetRef, as: principal)
        if version.number != old.number { try await requireSameRows(known, of: task, old, version) }
        let new = try await newRows(all, known, task, columns, old, in: folder)
        guard task.counts.items + new.count <= Self.itemsMaximum else {
            throw SlipwayError(
                .tooLarge, "There are \(new.count) new rows; a task has at most \(Self.itemsMaximum) items.")
        }
        guard new.count > 0 || version.number != old.number else { return (task, 0) }
        // First the version: what is added may be seen from then on, and what is not yet is added by extending again.
        try await platform.database.write { [self, ledger = platform.ledger] db in
            var moved = try require(db, name)
            try requireUnmoved(moved, since: task, items: task.counts.items)
            moved.settings.over = rows.ref.description
            try store.update(db, moved, datasetVersion: version.number)
            try ledger.append(
                db, "label-task.extended", task.ref, project: task.project, by: principal,
                data: ["over": JSONValue(rows.ref), "dataset": JSONValue(version.ref), "rows": .int(new.count)])
            try ledger.link(db, task.ref, madeFrom: version.ref, "labels")
            if rows.ref.kind == .slice { try ledger.link(db, task.ref, madeFrom: rows.ref, "labels") }
        }
        var written = task.counts.items
        for start in stride(from: 0, to: new.count, by: Int64.Stride(Self.itemsPerStep)) {
            let page = try await platform.tables.query(
                "SELECT * FROM items WHERE n > \(task.counts.items + start) AND n <= \(task.counts.items + start + Self.itemsPerStep) ORDER BY n",
                inputs: [new.input], maxRows: Int(Self.itemsPerStep))
            let made = page.rows.map { columns.item($0) }
            let before = written
            try await platform.database.write { [self] db in
                let now = try require(db, name)
                try requireUnmoved(now, since: nil, items: before)
                try items.insert(db, task.id, made, slots: now.overlap)
                try store.count(db, task.id, items: made.count)
                try items.refreshPlans(db)
            }
            written += Int64(made.count)
        }
        return (try await self.task(name, as: principal), new.count)
    }

    private func requireUnmoved(_ now: LabelTask, since then: LabelTask?, items: Int64) throws {
        try requireOpen(now)
        guard now.counts.items == items, then.map({ $0.datasetVersion == now.datasetVersion }) ?? true else {
            throw SlipwayError(.conflict, "The task \(now.name) is being extended by somebody else.", ref: now.ref)
        }
    }

    /// The keys of a task's items as a table: k0 ….
    private func knownKeys(of task: LabelTask, in folder: String) async throws -> TableInput {
        let list = task.settings.key.indices.map { "json_extract_string(j, '$[\($0)]') AS k\($0)" }
        var files: [String] = []
        for start in stride(from: 0, to: max(task.counts.items, 1), by: Int64.Stride(Self.itemsPerStep)) {
            let keys = try await platform.database.read { [items] db in
                try items.keys(db, task.id, after: start, through: start + Self.itemsPerStep)
            }
            let path = "\(folder)/known-\(files.count).parquet"
            _ = try await platform.tables.write(
                "SELECT \(list.joined(separator: ", ")) FROM (SELECT unnest(from_json($1, '[\"JSON\"]')) AS j)",
                parameters: [.text("[" + keys.map(\.key).joined(separator: ",") + "]")], inputs: [], to: path)
            files.append(path)
        }
        return TableInput(name: "known", files: files, format: .parquet)
    }

    /// - Throws: `conflict` unless all of a task's rows are in a version, with the texts that were labelled.
    private func requireSameRows(
        _ known: TableInput, of task: LabelTask, _ old: DatasetVersion, _ new: DatasetVersion
    ) async throws {
        func on(_ table: String) -> String { Self.sameKey(task.settings.key, table, "k") }
        var checks = ["count(*) FILTER (n.here IS NULL)"]
        var list = ["true AS here"] + task.settings.key.map(SQLName.quote)
        if let content = task.settings.content {
            list.append("CAST(\(SQLName.quote(content)) AS VARCHAR) AS \"slipway content\"")
            checks.append(
                "count(*) FILTER (n.here AND o.\"slipway content\" IS DISTINCT FROM n.\"slipway content\")")
        }
        let side = "(SELECT \(list.joined(separator: ", ")) FROM "
        let found =
            try await platform.tables.query(
                """
                SELECT \(checks.joined(separator: ", ")) FROM known k LEFT JOIN \(side) old) o ON \(on("o"))
                LEFT JOIN \(side) new) n ON \(on("n"))
                """,
                inputs: [
                    known, try await datasets.input(old, name: "old"), try await datasets.input(new, name: "new"),
                ], maxRows: 1, timeoutSeconds: Self.publishSeconds
            ).rows.first?.map { $0.intValue ?? 0 } ?? []
        for (count, problem) in zip(found, ["are not in", "have another \(task.settings.content ?? "text") in"])
        where count > 0 {
            throw SlipwayError(
                .conflict,
                "\(count) rows of \(task.name) \(problem) \(new.ref), where their labels would be shown. Make a task of its own over the new rows.",
                details: ["rows": String(count)], ref: task.ref)
        }
    }

    /// The rows without an item, numbered behind the items that there are.
    private func newRows(
        _ all: TableInput, _ known: TableInput, _ task: LabelTask, _ columns: ItemColumns, _ old: DatasetVersion,
        in folder: String
    ) async throws -> (input: TableInput, count: Int64) {
        let keys = task.settings.key.indices.map { "k\($0)" }
        let same = keys.map { "k.\($0) = i.\($0)" }.joined(separator: " AND ")
        var conditions = ["NOT EXISTS (SELECT 1 FROM known k WHERE \(same))"]
        var inputs = [all, known]
        if task.settings.selection.sample != nil {
            inputs.append(try await datasets.input(old, name: "old"))
            conditions.append("NOT EXISTS (SELECT 1 FROM old o WHERE \(Self.sameKey(task.settings.key, "o", "i")))")
        }
        let path = folder + "/new.parquet"
        let count = try await platform.tables.write(
            """
            SELECT row_number() OVER (ORDER BY n) + \(task.counts.items) AS n, \(keys.joined(separator: ", ")), a, b
            FROM items i WHERE \(conditions.joined(separator: " AND ")) ORDER BY n
            """, inputs: inputs, to: path, timeoutSeconds: Self.publishSeconds
        ).rows
        return (TableInput(name: "items", files: [path], format: .parquet), count)
    }

    private static func sameKey(_ key: [String], _ table: String, _ short: String) -> String {
        key.indices.map { "CAST(\(table).\(SQLName.quote(key[$0])) AS VARCHAR) = \(short).k\($0)" }.joined(
            separator: " AND ")
    }
}

extension LabelTask.Settings {
    /// What the items were made from, as it is now.
    fileprivate var newest: Ref? {
        (try? Ref(parsing: over)).map { Ref($0.kind, $0.name) }
    }
}
