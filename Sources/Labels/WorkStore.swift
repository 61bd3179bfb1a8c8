import Core
import Database

/// SQL and nothing else: annotations, their history, and pre-labels.
struct WorkStore: Sendable {
    // MARK: Work

    func work(_ db: any Transaction, _ task: Int64, _ number: Int64, _ annotator: String) throws -> LabelWork? {
        try db.one(
            "\(Self.columns) WHERE task_id = \(task) AND number = \(number) AND annotator = \(annotator)", Self.work)
    }

    /// Everybody's work on an item, the earliest first.
    func work(_ db: any Transaction, _ task: Int64, _ number: Int64) throws -> [LabelWork] {
        try db.all(
            "\(Self.columns) WHERE task_id = \(task) AND number = \(number) ORDER BY done_ms, annotator", Self.work)
    }

    /// The annotations that count of some items.
    func votes(_ db: any Transaction, _ task: Int64, from first: Int64, through last: Int64) throws -> [LabelWork] {
        try db.all(
            """
            \(Self.columns) WHERE task_id = \(task) AND number >= \(first) AND number <= \(last)
                AND state IN ('submitted', 'accepted') ORDER BY number, done_ms, annotator
            """, Self.work)
    }

    /// All values that stand about some items.
    func values(_ db: any Transaction, _ task: Int64, from first: Int64, through last: Int64) throws -> [(
        number: Int64, value: JSONValue
    )] {
        try db.all(
            """
            SELECT number, value FROM label_work
            WHERE task_id = \(task) AND number >= \(first) AND number <= \(last) AND value IS NOT NULL
            UNION ALL
            SELECT number, final_value FROM label_item
            WHERE task_id = \(task) AND number >= \(first) AND number <= \(last) AND final_ms IS NOT NULL
            """
        ) { (try $0.int(0), try $0.json(1)) }
    }

    /// What an annotator holds in a state, the oldest first.
    func work(_ db: any Transaction, _ task: Int64, of annotator: String, _ state: LabelWork.State, limit: Int) throws
        -> [LabelWork]
    {
        try db.all(
            """
            \(Self.columns) WHERE task_id = \(task) AND annotator = \(annotator) AND state = \(state.rawValue)
            ORDER BY done_ms, number LIMIT \(limit)
            """, Self.work)
    }

    /// What an annotator finished last: submitted or skipped.
    func lastDone(_ db: any Transaction, _ task: Int64, _ annotator: String) throws -> LabelWork? {
        let candidates = try ["submitted", "skipped", "accepted"].compactMap { state in
            try db.one(
                """
                \(Self.columns) WHERE task_id = \(task) AND annotator = \(annotator) AND state = \(state)
                ORDER BY done_ms DESC, number DESC LIMIT 1
                """, Self.work)
        }
        return candidates.max { ($0.done ?? $0.started) < ($1.done ?? $1.started) }
    }

    /// An annotator's own annotations, page by page.
    func work(_ db: any Transaction, _ task: Int64, of annotator: String, _ page: PageRequest) throws -> Page<LabelWork> {
        // Their latest first; the cursor is the time and the item.
        var conditions: [SQL] = [
            "task_id = \(task)", "annotator = \(annotator)", "state IN ('submitted', 'accepted', 'rejected', 'skipped')",
        ]
        if let keys = page.after?.keys, keys.count == 2, let time = keys[0].intValue, let number = keys[1].intValue {
            conditions.append("(done_ms, number) < (\(time), \(number))")
        }
        return try db.page(
            "\(Self.columns) WHERE \(SQL.all(conditions)) ORDER BY done_ms DESC, number DESC LIMIT \(page.limit + 1)", page,
            keys: { [.int($0.done?.milliseconds ?? 0), .int($0.number)] }, Self.work)
    }

    /// Leases that have ended.
    func overdue(_ db: any Transaction, _ task: Int64, at time: Timestamp, limit: Int) throws -> [LabelWork] {
        try db.all(
            """
            \(Self.columns) WHERE task_id = \(task) AND state = 'leased' AND lease_ms < \(time)
            ORDER BY lease_ms LIMIT \(limit)
            """, Self.work)
    }

    func put(_ db: any Transaction, _ task: Int64, _ work: LabelWork) throws {
        try db.execute(
            """
            INSERT INTO label_work (task_id, number, annotator, state, value, draft, origin, comment, started_ms, lease_ms,
                done_ms, seconds)
            VALUES (\(task), \(work.number), \(work.annotator), \(work.state.rawValue), \(work.value), \(work.draft),
                \(work.origin), \(work.comment), \(work.started), \(work.lease), \(work.done), \(work.seconds))
            ON CONFLICT (task_id, number, annotator) DO UPDATE SET state = excluded.state, value = excluded.value,
                draft = excluded.draft, origin = excluded.origin, comment = excluded.comment,
                started_ms = excluded.started_ms, lease_ms = excluded.lease_ms, done_ms = excluded.done_ms,
                seconds = excluded.seconds
            """)
    }

    private static let columns: SQL = """
        SELECT number, annotator, state, value, draft, origin, comment, started_ms, lease_ms, done_ms, seconds
        FROM label_work
        """

    private static func work(_ row: any Row) throws -> LabelWork {
        LabelWork(
            number: try row.int(0), annotator: try row.text(1), state: LabelWork.State(rawValue: try row.text(2)) ?? .expired,
            value: try row.optionalJSON(3), draft: try row.optionalJSON(4), origin: try row.optionalText(5),
            comment: try row.optionalText(6), started: try row.time(7), lease: try row.optionalTime(8),
            done: try row.optionalTime(9), seconds: try row.optionalDouble(10))
    }

    // MARK: History

    func remember(_ db: any Transaction, _ task: Int64, _ change: LabelChange) throws {
        try db.execute(
            """
            INSERT INTO label_history (task_id, number, revision, time_ms, actor, action, annotator, value, comment, seconds)
            VALUES (\(task), \(change.number),
                (SELECT coalesce(max(revision), 0) + 1 FROM label_history h WHERE h.task_id = \(task)
                    AND h.number = \(change.number)),
                \(change.time), \(change.actor), \(change.action.rawValue), \(change.annotator), \(change.value),
                \(change.comment), \(change.seconds))
            """)
    }

    func history(_ db: any Transaction, _ task: Int64, _ number: Int64) throws -> [LabelChange] {
        try db.all(
            """
            SELECT number, time_ms, actor, action, annotator, value, comment, seconds FROM label_history
            WHERE task_id = \(task) AND number = \(number) ORDER BY revision LIMIT 10000
            """
        ) { row in
            LabelChange(
                number: try row.int(0), time: try row.time(1), actor: try row.text(2),
                action: LabelChange.Action(rawValue: try row.text(3)) ?? .submitted, annotator: try row.optionalText(4),
                value: try row.optionalJSON(5), comment: try row.optionalText(6), seconds: try row.optionalDouble(7))
        }
    }

    // MARK: Pre-labels

    func put(_ db: any Transaction, _ task: Int64, _ label: Prelabel, at time: Timestamp) throws {
        try db.execute(
            """
            INSERT INTO label_prelabel (task_id, number, model, value, score, entropy, margin, created_ms)
            VALUES (\(task), \(label.number), \(label.model), \(label.value), \(label.score), \(label.entropy),
                \(label.margin), \(time))
            ON CONFLICT (task_id, number, model) DO UPDATE SET value = excluded.value, score = excluded.score,
                entropy = excluded.entropy, margin = excluded.margin, created_ms = excluded.created_ms
            """)
    }

    func prelabels(_ db: any Transaction, _ task: Int64, from first: Int64, through last: Int64) throws -> [Prelabel] {
        try db.all(
            """
            SELECT number, model, value, score, entropy, margin FROM label_prelabel
            WHERE task_id = \(task) AND number >= \(first) AND number <= \(last) ORDER BY number, model
            """
        ) { row in
            Prelabel(
                number: try row.int(0), model: try row.text(1), value: try row.json(2), score: try row.optionalDouble(3),
                entropy: try row.optionalDouble(4), margin: try row.optionalDouble(5))
        }
    }

    /// Items without a pre-label of a model, after a number.
    func withoutPrelabel(_ db: any Transaction, _ task: Int64, _ model: String, after number: Int64, limit: Int) throws -> [(
        number: Int64, key: RowKey
    )] {
        try db.all(
            """
            SELECT i.number, i.row_key FROM label_item i WHERE i.task_id = \(task) AND i.number > \(number)
                AND NOT EXISTS (SELECT 1 FROM label_prelabel p WHERE p.task_id = i.task_id AND p.number = i.number
                    AND p.model = \(model))
            ORDER BY i.number LIMIT \(limit)
            """
        ) { (try $0.int(0), try RowKey(kept: $0.text(1))) }
    }
}

extension Row {
    func optionalJSON(_ index: Int) throws -> JSONValue? { try optionalText(index).map { try JSONValue(parsing: $0) } }
}
