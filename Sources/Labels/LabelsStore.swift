import Core
import Database

/// SQL and nothing else: schemas, tasks, annotators.
struct LabelsStore: Sendable {
    // MARK: Schemas

    func insert(_ db: any Transaction, _ schema: LabelSchema) throws {
        try db.execute(
            """
            INSERT INTO label_schema (name, version, project, definition, author, created_ms)
            VALUES (\(schema.name), \(schema.version), \(schema.project), \(schema.definition.json), \(schema.author),
                \(schema.created))
            """)
    }

    /// - Parameter version: nil for the newest.
    func schema(_ db: any Transaction, _ name: String, _ version: Int?) throws -> LabelSchema? {
        let condition: SQL = version.map { "version = \($0)" } ?? "TRUE"
        return try db.one(
            "\(Self.schemaColumns) WHERE name = \(name) AND \(condition) ORDER BY version DESC LIMIT 1", Self.schema)
    }

    /// The newest version of each.
    func schemas(_ db: any Transaction, project: String?, _ page: PageRequest) throws -> Page<LabelSchema> {
        var conditions: [SQL] = [
            "name > \(page.after?.keys.first?.stringValue ?? "")",
            "version = (SELECT max(version) FROM label_schema o WHERE o.name = label_schema.name)",
        ]
        if let project { conditions.append("project = \(project)") }
        return try db.page(
            "\(Self.schemaColumns) WHERE \(SQL.all(conditions)) ORDER BY name LIMIT \(page.limit + 1)", page,
            keys: { [.string($0.name)] }, Self.schema)
    }

    private static let schemaColumns: SQL =
        "SELECT name, version, project, definition, author, created_ms FROM label_schema"

    private static func schema(_ row: any Row) throws -> LabelSchema {
        LabelSchema(
            name: try row.text(0), version: Int(try row.int(1)), project: try row.text(2),
            definition: try LabelDefinition(JSONFields(row.json(3))), author: try row.text(4), created: try row.time(5))
    }

    // MARK: Tasks

    func nextTaskID(_ db: any Transaction) throws -> Int64 {
        try db.one("SELECT coalesce(max(id), 0) + 1 FROM label_task") { try $0.int(0) } ?? 1
    }

    func insert(_ db: any Transaction, _ task: LabelTask) throws {
        try db.execute(
            """
            INSERT INTO label_task (id, name, project, dataset, dataset_version, schema_name, schema_version, settings,
                overlap, state, author, created_ms, item_count, complete_count, reviewed_count, annotation_count)
            VALUES (\(task.id), \(task.name), \(task.project), \(task.dataset), \(task.datasetVersion), \(task.schemaName),
                \(task.schemaVersion), \(task.settings.json), \(task.overlap), \(task.state.rawValue), \(task.author),
                \(task.created), 0, 0, 0, 0)
            """)
    }

    func task(_ db: any Transaction, _ name: String) throws -> LabelTask? {
        try db.one("\(Self.taskColumns) WHERE name = \(name)", Self.task)
    }

    func tasks(
        _ db: any Transaction, project: String?, dataset: String?, state: LabelTask.State?, _ page: PageRequest
    ) throws -> Page<LabelTask> {
        var conditions: [SQL] = ["name > \(page.after?.keys.first?.stringValue ?? "")"]
        if let project { conditions.append("project = \(project)") }
        if let dataset { conditions.append("dataset = \(dataset)") }
        if let state { conditions.append("state = \(state.rawValue)") }
        return try db.page(
            "\(Self.taskColumns) WHERE \(SQL.all(conditions)) ORDER BY name LIMIT \(page.limit + 1)", page,
            keys: { [.string($0.name)] }, Self.task)
    }

    /// The tasks that a server which ended left half-made.
    func unprepared(_ db: any Transaction) throws -> [Int64] {
        try db.all("SELECT id FROM label_task WHERE state = 'preparing'") { try $0.int(0) }
    }

    func update(
        _ db: any Transaction, _ task: LabelTask, schemaVersion: Int? = nil, datasetVersion: Int? = nil
    ) throws {
        try db.execute(
            """
            UPDATE label_task SET settings = \(task.settings.json), overlap = \(task.overlap),
                state = \(task.state.rawValue), schema_version = \(schemaVersion ?? task.schemaVersion),
                dataset_version = \(datasetVersion ?? task.datasetVersion)
            WHERE id = \(task.id)
            """)
    }

    /// Adds to the counts.
    func count(
        _ db: any Transaction, _ task: Int64, items: Int = 0, complete: Int = 0, reviewed: Int = 0, annotations: Int = 0
    ) throws {
        try db.execute(
            """
            UPDATE label_task SET item_count = item_count + \(items), complete_count = complete_count + \(complete),
                reviewed_count = reviewed_count + \(reviewed), annotation_count = annotation_count + \(annotations)
            WHERE id = \(task)
            """)
    }

    /// Removes a task that was not finished being made.
    func removeTask(_ db: any Transaction, _ id: Int64) throws {
        try db.execute("DELETE FROM label_item WHERE task_id = \(id)")
        try db.execute("DELETE FROM label_task WHERE id = \(id)")
    }

    private static let taskColumns: SQL = """
        SELECT id, name, project, dataset, dataset_version, schema_name, schema_version, settings, overlap, state, author,
            created_ms, item_count, complete_count, reviewed_count, annotation_count FROM label_task
        """

    private static func task(_ row: any Row) throws -> LabelTask {
        LabelTask(
            id: try row.int(0), name: try row.text(1), project: try row.text(2), dataset: try row.text(3),
            datasetVersion: Int(try row.int(4)), schemaName: try row.text(5), schemaVersion: Int(try row.int(6)),
            settings: try LabelTask.Settings(kept: row.json(7)), overlap: Int(try row.int(8)),
            state: LabelTask.State(rawValue: try row.text(9)) ?? .closed, author: try row.text(10),
            created: try row.time(11),
            counts: LabelTask.Counts(
                items: try row.int(12), complete: try row.int(13), reviewed: try row.int(14),
                annotations: try row.int(15)
            ))
    }

    // MARK: Annotators

    func annotator(_ db: any Transaction, _ task: Int64, _ name: String) throws -> AnnotatorRecord? {
        try db.one("\(Self.annotatorColumns) WHERE task_id = \(task) AND name = \(name)", Self.annotator)
    }

    func annotators(_ db: any Transaction, _ task: Int64) throws -> [AnnotatorRecord] {
        try db.all("\(Self.annotatorColumns) WHERE task_id = \(task) ORDER BY name", Self.annotator)
    }

    func setCursor(_ db: any Transaction, _ task: Int64, _ name: String, _ cursor: (Int64, Int64), at time: Timestamp)
        throws
    {
        try db.execute(
            """
            INSERT INTO label_annotator (task_id, name, cursor_position, cursor_number, submitted, skipped, accepted,
                rejected, seconds, last_ms)
            VALUES (\(task), \(name), \(cursor.0), \(cursor.1), 0, 0, 0, 0, 0, \(time))
            ON CONFLICT (task_id, name) DO UPDATE SET cursor_position = excluded.cursor_position,
                cursor_number = excluded.cursor_number, last_ms = excluded.last_ms
            """)
    }

    /// Everyone looks at the whole queue again; what they have done is passed over once more.
    func resetCursors(_ db: any Transaction, _ task: Int64) throws {
        try db.execute("UPDATE label_annotator SET cursor_position = 0, cursor_number = 0 WHERE task_id = \(task)")
    }

    /// The furthest place that anyone has reached in the queue.
    func queueFront(_ db: any Transaction, _ task: Int64) throws -> Int64 {
        try db.one("SELECT coalesce(max(cursor_position), 0) FROM label_annotator WHERE task_id = \(task)") {
            try $0.int(0)
        } ?? 0
    }

    /// Adds to an annotator's counts.
    func count(
        _ db: any Transaction, _ task: Int64, annotator: String, submitted: Int = 0, skipped: Int = 0,
        accepted: Int = 0,
        rejected: Int = 0, seconds: Double = 0, at time: Timestamp
    ) throws {
        try db.execute(
            """
            INSERT INTO label_annotator (task_id, name, cursor_position, cursor_number, submitted, skipped, accepted,
                rejected, seconds, last_ms)
            VALUES (\(task), \(annotator), 0, 0, \(submitted), \(skipped), \(accepted), \(rejected), \(seconds), \(time))
            ON CONFLICT (task_id, name) DO UPDATE SET submitted = label_annotator.submitted + excluded.submitted,
                skipped = label_annotator.skipped + excluded.skipped,
                accepted = label_annotator.accepted + excluded.accepted,
                rejected = label_annotator.rejected + excluded.rejected,
                seconds = label_annotator.seconds + excluded.seconds, last_ms = excluded.last_ms
            """)
    }

    private static let annotatorColumns: SQL = """
        SELECT name, cursor_position, cursor_number, submitted, skipped, accepted, rejected, seconds, last_ms
        FROM label_annotator
        """

    private static func annotator(_ row: any Row) throws -> AnnotatorRecord {
        AnnotatorRecord(
            name: try row.text(0), cursor: (try row.int(1), try row.int(2)), submitted: try row.int(3),
            skipped: try row.int(4), accepted: try row.int(5), rejected: try row.int(6), seconds: try row.double(7),
            last: try row.time(8))
    }
}

/// How far one annotator is in a task.
public struct AnnotatorRecord: Sendable {
    public let name: String
    /// The place in the queue up to which everything is theirs, done, or taken.
    let cursor: (position: Int64, number: Int64)
    public let submitted: Int64
    public let skipped: Int64
    public let accepted: Int64
    public let rejected: Int64
    /// Spent on what was submitted.
    public let seconds: Double
    public let last: Timestamp

    public var json: JSONValue {
        [
            "annotator": .string(name), "submitted": .int(submitted), "skipped": .int(skipped),
            "accepted": .int(accepted),
            "rejected": .int(rejected), "seconds": .number(seconds),
            "secondsPerItem": submitted > 0 ? .number(seconds / Double(submitted)) : .null, "last": JSONValue(last),
        ]
    }
}
