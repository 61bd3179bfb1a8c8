import Core
import Database

extension DatasetsStore {
    // MARK: Event streams

    func stream(_ db: any Transaction, _ key: EventStream.Key) throws -> EventStream? {
        try db.one(
            """
            SELECT flush_rows, flush_seconds, remember_seconds, on_change, accepted FROM dataset_stream
            WHERE dataset = \(key.dataset) AND branch = \(key.branch)
            """
        ) { row in
            EventStream(
                dataset: key.dataset, branch: key.branch, flushRows: Int(try row.int(0)),
                flushSeconds: try row.double(1), rememberSeconds: try row.double(2),
                onChange: OnSchemaChange(rawValue: try row.text(3)) ?? .fail, accepted: try row.int(4))
        }
    }

    /// Keeps what is set about a stream, not how many events it has taken.
    func set(_ db: any Transaction, _ stream: EventStream) throws {
        try db.execute(
            """
            INSERT INTO dataset_stream (dataset, branch, flush_rows, flush_seconds, remember_seconds, on_change, accepted)
            VALUES (\(stream.dataset), \(stream.branch), \(stream.flushRows), \(stream.flushSeconds),
                \(stream.rememberSeconds), \(stream.onChange.rawValue), 0)
            ON CONFLICT (dataset, branch) DO UPDATE SET flush_rows = excluded.flush_rows,
                flush_seconds = excluded.flush_seconds, remember_seconds = excluded.remember_seconds,
                on_change = excluded.on_change
            """)
    }

    /// Remembers ids; returns those that were not known.
    func claim(_ db: any Transaction, _ key: EventStream.Key, ids: [String], at time: Timestamp) throws -> Set<String> {
        var fresh: Set<String> = []
        var rest = ids[...]
        // Few sizes, so that few statements are prepared.
        for size in [200, 20, 1] {
            while rest.count >= size {
                let rows = rest.prefix(size).map { "(\(key.dataset), \(key.branch), \($0), \(time))" as SQL }
                rest = rest.dropFirst(size)
                fresh.formUnion(
                    try db.all(
                        """
                        INSERT INTO dataset_event_id (dataset, branch, event_id, received_ms)
                        VALUES \(SQL.joined(rows, by: ", ")) ON CONFLICT (dataset, branch, event_id) DO NOTHING
                        RETURNING event_id
                        """
                    ) { try $0.text(0) })
            }
        }
        return fresh
    }

    func forgetIDs(_ db: any Transaction, _ stream: EventStream, before time: Timestamp) throws {
        try db.execute(
            """
            DELETE FROM dataset_event_id WHERE dataset = \(stream.dataset) AND branch = \(stream.branch)
            AND received_ms < \(time)
            """)
    }

    /// Puts events into the buffer, and numbers them.
    func buffer(
        _ db: any Transaction, _ key: EventStream.Key, lines: [String], author: String, at time: Timestamp
    ) throws {
        let last =
            try db.one(
                """
                UPDATE dataset_stream SET accepted = accepted + \(lines.count)
                WHERE dataset = \(key.dataset) AND branch = \(key.branch) RETURNING accepted
                """
            ) { try $0.int(0) } ?? 0
        try db.execute(
            """
            INSERT INTO dataset_event_batch (dataset, branch, first_event, events, author, received_ms, lines)
            VALUES (\(key.dataset), \(key.branch), \(last - Int64(lines.count) + 1), \(lines.count), \(author), \(time),
                \(lines.joined(separator: "\n")))
            """)
    }

    func backlog(_ db: any Transaction, _ key: EventStream.Key) throws -> EventBacklog {
        try db.one(
            """
            SELECT cast(coalesce(sum(events), 0) AS BIGINT), min(received_ms) FROM dataset_event_batch
            WHERE dataset = \(key.dataset) AND branch = \(key.branch)
            """
        ) { EventBacklog(events: Int(try $0.int(0)), oldest: try $0.optionalTime(1)) } ?? EventBacklog()
    }

    /// The streams whose buffers are not empty.
    func waitingStreams(_ db: any Transaction) throws -> [EventStream.Key] {
        try db.all("SELECT DISTINCT dataset, branch FROM dataset_event_batch ORDER BY dataset, branch") {
            EventStream.Key(dataset: try $0.text(0), branch: try $0.text(1))
        }
    }

    func streams(_ db: any Transaction) throws -> [EventStream.Key] {
        try db.all("SELECT dataset, branch FROM dataset_stream ORDER BY dataset, branch") {
            EventStream.Key(dataset: try $0.text(0), branch: try $0.text(1))
        }
    }

    struct EventBatch {
        let first: Int64
        let events: Int
        let author: String
        let received: Timestamp
        let lines: String
    }

    /// Hands the batches of a buffer to `body`, in order, until that returns false.
    func batches(_ db: any Transaction, _ key: EventStream.Key, _ body: (EventBatch) throws -> Bool) throws {
        try db.forEach(
            """
            SELECT first_event, events, author, received_ms, lines FROM dataset_event_batch
            WHERE dataset = \(key.dataset) AND branch = \(key.branch) ORDER BY first_event LIMIT 10000
            """
        ) { row in
            try body(
                EventBatch(
                    first: try row.int(0), events: Int(try row.int(1)), author: try row.text(2),
                    received: try row.time(3), lines: try row.text(4)))
        }
    }

    /// Takes batches out of the buffer.
    ///
    /// - Throws: `conflict` if somebody else did meanwhile.
    func remove(_ db: any Transaction, _ key: EventStream.Key, through last: Int64, batches: Int) throws {
        let removed = try db.execute(
            """
            DELETE FROM dataset_event_batch
            WHERE dataset = \(key.dataset) AND branch = \(key.branch) AND first_event <= \(last)
            """)
        guard removed == batches else {
            throw SlipwayError(.conflict, "The events of \(key.dataset) were made a version by another server.")
        }
    }
}
