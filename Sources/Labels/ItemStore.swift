import Core
import Database

/// SQL and nothing else: items, and what people and models say about them.
struct ItemStore: Sendable {
    /// A row that becomes an item.
    struct NewItem: Sendable {
        let number: Int64
        let key: RowKey
        let extent: (Double?, Double?)
    }

    /// Items that go into one statement; PostgreSQL takes at most 65,535 values in one.
    static let rowsPerStatement = 500

    func insert(_ db: any Transaction, _ task: Int64, _ items: some RandomAccessCollection<NewItem>, slots: Int) throws {
        var start = items.startIndex
        while start < items.endIndex {
            let end = items.index(start, offsetBy: Self.rowsPerStatement, limitedBy: items.endIndex) ?? items.endIndex
            let rows = items[start..<end].map { item -> SQL in
                "(\(task), \(item.number), \(item.key.text), \(item.number), \(slots), 0, 'open', \(item.extent.0), \(item.extent.1))"
            }
            try db.execute(
                """
                INSERT INTO label_item (task_id, number, row_key, position, slots, votes, state, extent_a, extent_b)
                VALUES \(SQL.joined(rows, by: ", "))
                """)
            start = end
        }
    }

    func item(_ db: any Transaction, _ task: LabelTask, _ kind: LabelDefinition.Kind, _ number: Int64) throws -> LabelItem? {
        try db.one("\(Self.itemColumns) WHERE task_id = \(task.id) AND number = \(number)") { try Self.item($0, kind) }
    }

    func number(_ db: any Transaction, _ task: Int64, key: RowKey) throws -> Int64? {
        try db.one("SELECT number FROM label_item WHERE task_id = \(task) AND row_key = \(key.text)") { try $0.int(0) }
    }

    /// Items after a number, in order; of one state, or of all.
    func items(
        _ db: any Transaction, _ task: LabelTask, _ kind: LabelDefinition.Kind, state: LabelItem.State?, _ page: PageRequest
    ) throws -> Page<LabelItem> {
        var conditions: [SQL] = ["task_id = \(task.id)", "number > \(page.after?.keys.first?.intValue ?? 0)"]
        // The word itself, so that the index over complete items is found.
        if state == .complete { conditions.append("state = 'complete'") } else if let state {
            conditions.append("state = \(state.rawValue)")
        }
        return try db.page(
            "\(Self.itemColumns) WHERE \(SQL.all(conditions)) ORDER BY number LIMIT \(page.limit + 1)", page,
            keys: { [.int($0.number)] }
        ) { try Self.item($0, kind) }
    }

    /// Items that have any annotation or decision, after a number.
    func labelled(
        _ db: any Transaction, _ task: LabelTask, _ kind: LabelDefinition.Kind, after number: Int64, limit: Int
    ) throws -> [LabelItem] {
        try db.all(
            """
            \(Self.itemColumns) WHERE task_id = \(task.id) AND number > \(number)
                AND (votes > 0 OR final_ms IS NOT NULL) ORDER BY number LIMIT \(limit)
            """
        ) { try Self.item($0, kind) }
    }

    func setExtent(_ db: any Transaction, _ task: Int64, _ number: Int64, _ extent: (Double?, Double?)) throws {
        try db.execute(
            "UPDATE label_item SET extent_a = \(extent.0), extent_b = \(extent.1) WHERE task_id = \(task) AND number = \(number)"
        )
    }

    func setSource(_ db: any Transaction, _ task: Int64, _ number: Int64, _ id: String) throws {
        try db.execute("UPDATE label_item SET source_id = \(id) WHERE task_id = \(task) AND number = \(number)")
    }

    /// The largest id that an item came with, among whole numbers.
    func largestSource(_ db: any Transaction, _ task: Int64) throws -> Int64 {
        var largest: Int64 = 0
        try db.forEach("SELECT source_id FROM label_item WHERE task_id = \(task) AND source_id IS NOT NULL") { row in
            largest = max(largest, Int64(try row.text(0)) ?? 0)
            return true
        }
        return largest
    }

    func assign(_ db: any Transaction, _ task: Int64, _ number: Int64, to annotator: String?, position: Int64) throws -> Bool {
        try db.execute(
            """
            UPDATE label_item SET assignee = \(annotator), position = \(position)
            WHERE task_id = \(task) AND number = \(number)
            """) == 1
    }

    /// Open items that are nobody's own, in the order of the queue.
    func unassigned(_ db: any Transaction, _ task: Int64, limit: Int) throws -> [Int64] {
        try db.all(
            """
            SELECT number FROM label_item WHERE task_id = \(task) AND slots > 0 AND assignee IS NULL
            ORDER BY position, number LIMIT \(limit)
            """
        ) { try $0.int(0) }
    }

    /// Numbers and keys of items in a range of numbers.
    func keys(_ db: any Transaction, _ task: Int64, after: Int64, through last: Int64) throws -> [(number: Int64, key: String)]
    {
        try db.all(
            """
            SELECT number, row_key FROM label_item WHERE task_id = \(task) AND number > \(after) AND number <= \(last)
            ORDER BY number
            """
        ) { (try $0.int(0), try $0.text(1)) }
    }

    // MARK: The queue

    /// The first item after a place that has a free slot and that the annotator has not had.
    func next(_ db: any Transaction, _ task: Int64, _ annotator: String, after cursor: (position: Int64, number: Int64))
        throws -> (position: Int64, number: Int64)?
    {
        try db.one(
            """
            SELECT i.position, i.number FROM label_item i
            WHERE i.task_id = \(task) AND i.slots > 0 AND (i.position, i.number) > (\(cursor.position), \(cursor.number))
                AND (i.assignee IS NULL OR i.assignee = \(annotator))
                AND NOT EXISTS (SELECT 1 FROM label_work w WHERE w.task_id = i.task_id AND w.number = i.number
                    AND w.annotator = \(annotator) AND w.state <> 'expired')
            ORDER BY i.position, i.number LIMIT 1
            """
        ) { (try $0.int(0), try $0.int(1)) }
    }

    /// Takes one of an item's free slots; false when it has none.
    func takeSlot(_ db: any Transaction, _ task: Int64, _ number: Int64) throws -> Bool {
        try db.execute(
            "UPDATE label_item SET slots = slots - 1 WHERE task_id = \(task) AND number = \(number) AND slots > 0") == 1
    }

    /// Gives a slot back and puts the item before everyone, whatever place each has reached in the queue.
    func returnSlot(_ db: any Transaction, _ task: Int64, _ number: Int64, position: Int64) throws {
        try db.execute(
            """
            UPDATE label_item SET slots = slots + 1, position = \(position)
            WHERE task_id = \(task) AND number = \(number)
            """)
    }

    /// Changes how many annotations all items need that no reviewer has decided.
    func addSlots(_ db: any Transaction, _ task: Int64, _ more: Int, overlap: Int) throws {
        try db.execute(
            """
            UPDATE label_item SET slots = slots + \(more),
                state = CASE WHEN votes >= \(overlap) THEN 'complete' ELSE 'open' END
            WHERE task_id = \(task) AND state IN ('open', 'complete')
            """)
    }

    func completeCount(_ db: any Transaction, _ task: Int64) throws -> Int64 {
        try db.one("SELECT count(*) FROM label_item WHERE task_id = \(task) AND state = 'complete'") { try $0.int(0) } ?? 0
    }

    func set(_ db: any Transaction, _ task: Int64, _ number: Int64, state: LabelItem.State, votes: Int) throws {
        try db.execute(
            "UPDATE label_item SET state = \(state.rawValue), votes = \(votes) WHERE task_id = \(task) AND number = \(number)")
    }

    func set(
        _ db: any Transaction, _ task: Int64, _ number: Int64, state: LabelItem.State, final: LabelItem.Final?
    ) throws {
        try db.execute(
            """
            UPDATE label_item SET state = \(state.rawValue), final_value = \(final?.value), final_by = \(final?.by),
                final_ms = \(final?.at)
            WHERE task_id = \(task) AND number = \(number)
            """)
    }

    /// Sets the places of many items in the queue.
    func setPositions(
        _ db: any Transaction, _ task: Int64, _ places: some RandomAccessCollection<(number: Int64, position: Int64)>
    ) throws {
        guard !places.isEmpty else { return }
        let rows = places.map { place -> SQL in
            "(cast(\(place.number) AS BIGINT), cast(\(place.position) AS BIGINT))"
        }
        try db.execute(
            """
            UPDATE label_item SET position = v.column2 FROM (VALUES \(SQL.joined(rows, by: ", "))) AS v
            WHERE task_id = \(task) AND number = v.column1
            """)
    }

    // MARK: Rows

    private static let itemColumns: SQL = """
        SELECT number, row_key, slots, votes, state, assignee, extent_a, extent_b, source_id, final_value, final_by, final_ms
        FROM label_item
        """

    private static func item(_ row: any Row, _ kind: LabelDefinition.Kind) throws -> LabelItem {
        let (a, b) = (try row.optionalDouble(6), try row.optionalDouble(7))
        var final: LabelItem.Final?
        if let at = try row.optionalTime(11) {
            final = LabelItem.Final(value: try row.json(9), by: try row.text(10), at: at)
        }
        return LabelItem(
            number: try row.int(0), key: try RowKey(kept: row.text(1)), slots: Int(try row.int(2)),
            votes: Int(try row.int(3)), state: LabelItem.State(rawValue: try row.text(4)) ?? .open,
            assignee: try row.optionalText(5), extent: Self.extent(kind, a, b), sourceID: try row.optionalText(8),
            final: final)
    }

    static func extent(_ kind: LabelDefinition.Kind, _ a: Double?, _ b: Double?) -> ItemExtent {
        switch (kind, a, b) {
        case (.boxes, let width?, let height?), (.polygons, let width?, let height?):
            .image(width: width, height: height)
        case (.spans, let length?, _): .text(length: Int(length))
        case (.ranges, let start?, let end?): .series(start: start, end: end)
        default: .none
        }
    }
}
