import Core
import Database
import Datasets
import Ledger
import Platform
import Projects
import Synchronization
import Transport

extension Permission {
    /// Webhooks carry a project's news outside, and their URLs are often secrets: for those who answer for it.
    public static let manageWebhooks = Permission("webhooks.manage", [.mlEngineer, .owner])
}

/// Webhooks of projects and the log of what they were sent.
public final class WebhooksService: Sendable {
    public static let perProject = 100
    public static let pageMaximum = 1000
    /// How long the log keeps what was delivered or given up.
    static let logDays = 30.0

    let platform: Platform
    let datasets: DatasetsService
    let store = WebhooksStore()
    private let hasNews = Mutex(true)

    init(_ platform: Platform, datasets: DatasetsService) {
        self.platform = platform
        self.datasets = datasets
    }

    /// What a webhook is made of, or what changes about it; nil leaves a field as it is.
    public struct Draft: Sendable {
        public var name: String?
        public var description: String?
        public var url: String?
        public var events: [WebhookEvent]?
        /// Empty takes the secret away.
        public var secret: Secret<String>?
        public var status: Webhook.Status?

        public init() {}
    }

    // MARK: Webhooks

    /// - Throws: `invalid` for a URL that the project may not reach.
    public func create(_ draft: Draft, project: String, as principal: Principal) async throws -> Webhook {
        try principal.require(.manageWebhooks, in: project)
        let now = platform.clock.now()
        var hook = Webhook(
            id: ID.make(), project: project, name: draft.name ?? "", description: draft.description,
            url: draft.url ?? "", events: draft.events ?? [], status: draft.status ?? .active, sealedSecret: nil,
            author: principal.name, created: now, updated: now)
        try await apply(draft, to: &hook)
        return try await platform.database.write { [store, ledger = platform.ledger, hook] db in
            try ProjectsStore().require(db, project)
            guard try store.count(db, project: project) < Self.perProject else {
                throw SlipwayError(
                    .conflict, "The project \(project) has \(Self.perProject) webhooks already; delete some first.")
            }
            try store.put(db, hook)
            try Self.note(db, ledger, "webhook.created", hook, principal)
            return hook
        }
    }

    /// Those that the principal may manage, newest first.
    ///
    /// - Parameter project: only of this one.
    public func list(project: String?, _ page: PageRequest, as principal: Principal) async throws -> Page<Webhook> {
        return try await platform.database.read { [store] db in
            let projects = try project.map { [$0] } ?? store.projects(db)
            return try store.webhooks(
                db, projects: projects.filter { principal.may(.manageWebhooks, in: $0) }, page)
        }
    }

    public func get(_ id: String, as principal: Principal) async throws -> Webhook {
        let hook = try await platform.database.read { [store] in try store.webhook($0, id) }
        guard let hook else { throw Self.noWebhook(id) }
        try principal.require(.manageWebhooks, in: hook.project)
        return hook
    }

    public func update(_ id: String, _ draft: Draft, as principal: Principal) async throws -> Webhook {
        var hook = try await get(id, as: principal)
        try await apply(draft, to: &hook)
        hook.updated = platform.clock.now()
        return try await platform.database.write { [store, ledger = platform.ledger, hook] db in
            guard try store.webhook(db, id) != nil else { throw Self.noWebhook(id) }
            try store.put(db, hook)
            try Self.note(db, ledger, "webhook.updated", hook, principal)
            return hook
        }
    }

    /// Deletes a webhook with its log.
    public func delete(_ id: String, as principal: Principal) async throws {
        let hook = try await get(id, as: principal)
        try await platform.database.write { [store, ledger = platform.ledger] db in
            try store.delete(db, id)
            try Self.note(db, ledger, "webhook.deleted", hook, principal)
        }
    }

    /// Sends an example now, once, and says what came of it; the log does not have it.
    public func test(_ id: String, _ event: WebhookEvent?, as principal: Principal) async throws -> WebhookAnswer {
        let hook = try await get(id, as: principal)
        let event = event ?? hook.events[0]
        let body = Self.body(event, event.example, at: platform.clock.now())
        return try await WebhookRequest(service: self, hook: hook).send(body, delivery: ID.make())
    }

    // MARK: Deliveries

    /// The log of a webhook, newest first.
    public func deliveries(
        _ id: String, state: WebhookDelivery.State?, _ page: PageRequest, as principal: Principal
    ) async throws -> Page<WebhookDelivery> {
        _ = try await get(id, as: principal)
        return try await platform.database.read { [store] in
            try store.deliveries($0, webhook: id, state: state, page)
        }
    }

    /// Puts a message into the log of each webhook that wants it, to be sent.
    func enqueue(_ message: WebhookMessage, project: String, source: Event) async throws {
        let hooks = try await platform.database.read { [store] in try store.active($0, project: project) }
            // A webhook hears of nothing that was before it.
            .filter { $0.events.contains(message.event) && $0.created <= source.time }
        guard !hooks.isEmpty else { return }
        let body = Self.body(message.event, message.data, at: source.time)
        let now = platform.clock.now()
        try await platform.database.write { [store] db in
            for hook in hooks {
                try store.enqueue(
                    db, id: ID.make(), webhook: hook.id, event: message.event, eventID: source.id, body: body, at: now)
            }
        }
        noteNews()
    }

    /// Something may be due that was not before.
    func noteNews() { hasNews.withLock { $0 = true } }

    /// Whether there was such news since the last call.
    func takeNews() -> Bool {
        hasNews.withLock { news in
            defer { news = false }
            return news
        }
    }

    // MARK: Parts

    private func apply(_ draft: Draft, to hook: inout Webhook) async throws {
        if let name = draft.name { hook.name = name }
        if let description = draft.description { hook.description = description.isEmpty ? nil : description }
        if let events = draft.events { hook.events = Array(Set(events)).sorted { $0.description < $1.description } }
        if let status = draft.status { hook.status = status }
        if let url = draft.url { hook.url = url }
        try hook.validate()
        if draft.url != nil { try await requireReachable(hook) }
        if let secret = draft.secret {
            guard secret.reveal.utf8.count <= Webhook.secretBytes else {
                throw SlipwayError.field("secret", "is longer than \(Webhook.secretBytes) bytes")
            }
            hook.sealedSecret =
                secret.reveal.isEmpty
                ? nil
                : try SecretBox.open(folder: platform.dataDirectory, makesKey: true)
                    .seal(secret, project: hook.project, name: Self.secretName(hook))
        }
    }

    /// Early word of what would be refused at each delivery, where it is enforced.
    private func requireReachable(_ hook: Webhook) async throws {
        func fail(_ problem: String) -> SlipwayError {
            SlipwayError(.invalid, "Invalid webhook URL: \(problem)", details: ["field": "url"])
        }
        guard hook.url.utf8.count <= Webhook.urlBytes else { throw fail("it has over \(Webhook.urlBytes) bytes.") }
        let url: WebURL
        do { url = try WebURL(parsing: hook.url) } catch let error as SlipwayError { throw fail(error.message) }
        guard !url.hasUserInformation else {
            throw fail("user and password in it would be shown to all who list webhooks; use a secret.")
        }
        let policy = try await datasets.outbound(hook.project)
        try Self.requireScheme(url, policy)
        do {
            _ = try await policy.addresses(of: url.host.filter { $0 != "[" && $0 != "]" })
        } catch let error as SlipwayError where error.code == .forbidden {
            throw fail(error.message)
        } catch let error as SlipwayError where error.code == .unavailable {
            // A name that cannot be resolved now may be there when there is something to send.
        }
    }

    /// In clear text only where the project may reach private addresses: within one's own network.
    static func requireScheme(_ url: WebURL, _ policy: OutboundPolicy) throws {
        guard url.scheme == "https" || policy.addresses != .publicOnly else {
            throw SlipwayError(
                .invalid, "Invalid webhook URL scheme: '\(url.scheme)'. Allowed schemes are: https.",
                details: ["field": "url"])
        }
    }

    static func body(_ event: WebhookEvent, _ data: JSONValue, at time: Timestamp) -> String {
        let body: JSONValue = [
            "entity": .string(event.entity), "action": .string(event.action), "timestamp": JSONValue(time),
            "data": data,
        ]
        return body.canonicalText
    }

    /// The name under which a secret is sealed; no secret of a source can have it.
    static func secretName(_ hook: Webhook) -> String { "webhook/" + hook.id }

    private static func noWebhook(_ id: String) -> SlipwayError {
        SlipwayError(.notFound, "Webhook with ID \(id.prefix(64)) not found.")
    }

    private static func note(
        _ db: any Transaction, _ ledger: Ledger, _ type: String, _ hook: Webhook, _ principal: Principal
    ) throws {
        // Not the URL, which may be a secret.
        try ledger.append(
            db, type, Ref(.project, hook.project), project: hook.project, by: principal,
            data: [
                "webhook": .string(hook.id), "name": .string(hook.name),
                "events": JSONValue(hook.events.map(\.description)),
            ])
    }
}
