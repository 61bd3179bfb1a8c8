import Core
import Database

/// SQL and nothing else.
struct WebhooksStore: Sendable {
    // MARK: Webhooks

    func put(_ db: any Transaction, _ hook: Webhook) throws {
        try db.execute(
            """
            INSERT INTO webhook (id, project, name, description, url, events, status, secret, author, created_ms, updated_ms)
            VALUES (\(hook.id), \(hook.project), \(hook.name), \(hook.description), \(hook.url),
                \(JSONValue(hook.events.map(\.description)).canonicalText), \(hook.status.rawValue), \(hook.sealedSecret),
                \(hook.author), \(hook.created), \(hook.updated))
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, url = excluded.url,
                events = excluded.events, status = excluded.status, secret = excluded.secret,
                updated_ms = excluded.updated_ms
            """)
    }

    func webhook(_ db: any Transaction, _ id: String) throws -> Webhook? {
        try db.one("\(Self.columns) WHERE id = \(id)", Self.webhook)
    }

    func active(_ db: any Transaction, project: String) throws -> [Webhook] {
        try db.all(
            "\(Self.columns) WHERE project = \(project) AND status = \(Webhook.Status.active.rawValue)", Self.webhook)
    }

    func count(_ db: any Transaction, project: String) throws -> Int64 {
        try db.one("SELECT count(*) FROM webhook WHERE project = \(project)") { try $0.int(0) } ?? 0
    }

    /// Newest first.
    func webhooks(_ db: any Transaction, projects: [String], _ page: PageRequest) throws -> Page<Webhook> {
        var conditions: [SQL] = ["project IN (\(list: projects))"]
        if let keys = page.after?.keys, keys.count == 2, let time = keys[0].intValue, let id = keys[1].stringValue {
            conditions.append("(created_ms < \(time) OR (created_ms = \(time) AND id < \(id)))")
        }
        return try db.page(
            "\(Self.columns) WHERE \(SQL.all(conditions)) ORDER BY created_ms DESC, id DESC LIMIT \(page.limit + 1)",
            page, keys: { [.int($0.created.milliseconds), .string($0.id)] }, Self.webhook)
    }

    func projects(_ db: any Transaction) throws -> [String] {
        try db.all("SELECT DISTINCT project FROM webhook") { try $0.text(0) }
    }

    func delete(_ db: any Transaction, _ id: String) throws {
        try db.execute("DELETE FROM webhook_delivery WHERE webhook_id = \(id)")
        try db.execute("DELETE FROM webhook WHERE id = \(id)")
    }

    // MARK: Deliveries

    /// Once for each event of the ledger, which may be handed over twice.
    func enqueue(
        _ db: any Transaction, id: String, webhook: String, event: WebhookEvent, eventID: String, body: String,
        at now: Timestamp
    ) throws {
        try db.execute(
            """
            INSERT INTO webhook_delivery (id, webhook_id, event_id, event, state, attempts, body, created_ms, due_ms)
            VALUES (\(id), \(webhook), \(eventID), \(event.description), \(WebhookDelivery.State.pending.rawValue), 0,
                \(body), \(now), \(now))
            ON CONFLICT (webhook_id, event_id, event) DO NOTHING
            """)
    }

    /// Whether nothing was tried since the delivery was read.
    func stillWaits(_ db: any Transaction, _ delivery: WebhookDelivery) throws -> Bool {
        try db.one(
            """
            SELECT attempts FROM webhook_delivery
            WHERE id = \(delivery.id) AND state = \(WebhookDelivery.State.pending.rawValue)
            """
        ) { try $0.int(0) } == Int64(delivery.attempts)
    }

    /// What is due, at most so many of each webhook, so that one slow receiver does not hold up the others.
    func due(_ db: any Transaction, at now: Timestamp, perWebhook: Int, limit: Int) throws -> [WebhookDelivery] {
        try db.all(
            """
            \(Self.deliveryColumns) WHERE id IN (
                SELECT id FROM (
                    SELECT id, ROW_NUMBER() OVER (PARTITION BY webhook_id ORDER BY due_ms, id) AS place
                    FROM webhook_delivery WHERE due_ms <= \(now)
                ) AS ranked WHERE place <= \(perWebhook))
            ORDER BY due_ms, id LIMIT \(limit)
            """, Self.delivery)
    }

    /// When the next delivery is due.
    func nextDue(_ db: any Transaction, after now: Timestamp) throws -> Timestamp? {
        try db.one("SELECT min(due_ms) FROM webhook_delivery WHERE due_ms > \(now)") { try $0.optionalTime(0) }
            .flatMap { $0 }
    }

    func record(
        _ db: any Transaction, _ id: String, state: WebhookDelivery.State, due: Timestamp?, status: Int?,
        error: String?,
        at now: Timestamp
    ) throws {
        let finished = state == .pending ? nil : now
        try db.execute(
            """
            UPDATE webhook_delivery SET state = \(state.rawValue), attempts = attempts + 1, due_ms = \(due),
                finished_ms = \(finished), response_status = \(status.map(Int64.init)), error = \(error)
            WHERE id = \(id)
            """)
    }

    /// Newest first.
    func deliveries(
        _ db: any Transaction, webhook: String, state: WebhookDelivery.State?, _ page: PageRequest
    ) throws -> Page<WebhookDelivery> {
        var conditions: [SQL] = ["webhook_id = \(webhook)"]
        if let state { conditions.append("state = \(state.rawValue)") }
        if let keys = page.after?.keys, keys.count == 2, let time = keys[0].intValue, let id = keys[1].stringValue {
            conditions.append("(created_ms < \(time) OR (created_ms = \(time) AND id < \(id)))")
        }
        return try db.page(
            "\(Self.deliveryColumns) WHERE \(SQL.all(conditions)) ORDER BY created_ms DESC, id DESC LIMIT \(page.limit + 1)",
            page, keys: { [.int($0.created.milliseconds), .string($0.id)] }, Self.delivery)
    }

    /// Forgets what was finished before `cutoff`.
    func prune(_ db: any Transaction, before cutoff: Timestamp) throws {
        try db.execute("DELETE FROM webhook_delivery WHERE due_ms IS NULL AND created_ms < \(cutoff)")
    }

    // MARK: Rows

    private static let columns: SQL =
        "SELECT id, project, name, description, url, events, status, secret, author, created_ms, updated_ms FROM webhook"

    private static func webhook(_ row: any Row) throws -> Webhook {
        Webhook(
            id: try row.text(0), project: try row.text(1), name: try row.text(2), description: try row.optionalText(3),
            url: try row.text(4),
            events: try (JSONValue(parsing: row.text(5)).arrayValue ?? []).compactMap { value in
                value.stringValue.flatMap { try? WebhookEvent(parsing: $0) }
            },
            status: Webhook.Status(rawValue: try row.text(6)) ?? .disabled, sealedSecret: try row.optionalText(7),
            author: try row.text(8), created: try row.time(9), updated: try row.time(10))
    }

    private static let deliveryColumns: SQL =
        "SELECT id, webhook_id, event, state, attempts, created_ms, due_ms, finished_ms, response_status, error, body FROM webhook_delivery"

    private static func delivery(_ row: any Row) throws -> WebhookDelivery {
        WebhookDelivery(
            id: try row.text(0), webhook: try row.text(1), event: try row.text(2),
            state: WebhookDelivery.State(rawValue: try row.text(3)) ?? .failed, attempts: Int(try row.int(4)),
            created: try row.time(5), due: try row.optionalTime(6), finished: try row.optionalTime(7),
            responseStatus: try row.optionalInt(8).map(Int.init), error: try row.optionalText(9), body: try row.text(10)
        )
    }
}
