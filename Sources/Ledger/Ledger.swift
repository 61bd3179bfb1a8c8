import Core
import Database

/// The record of every change of state. An event is appended in the transaction of the change itself, so neither exists
/// without the other; each event's hash covers the one before it, so an edit anywhere shows.
public struct Ledger: Sendable {
    public static let migrations = LedgerSchema.migrations

    public let database: Database
    let clock: Clock

    public init(database: Database, clock: Clock = .system) {
        self.database = database
        self.clock = clock
    }

    /// What is to be an event.
    public struct Draft: Sendable {
        let type: String
        let subject: Ref
        let project: String?
        let actor: String
        let data: JSONValue

        /// - Parameter type: noun and past participle, `dataset.version.created`.
        public init(_ type: String, _ subject: Ref, project: String?, by principal: Principal, data: JSONValue = [:]) {
            (self.type, self.subject, self.project, self.data) = (type, subject, project, data)
            actor = principal.name
        }
    }

    /// Appends one event inside the caller's transaction.
    ///
    /// - Parameter type: noun and past participle, `dataset.version.created`.
    @discardableResult
    public func append(
        _ db: any Transaction, _ type: String, _ subject: Ref, project: String?, by principal: Principal,
        data: JSONValue = [:]
    ) throws -> Event {
        try append(db, [Draft(type, subject, project: project, by: principal, data: data)])[0]
    }

    /// Appends events in the order given.
    @discardableResult
    public func append(_ db: any Transaction, _ drafts: [Draft]) throws -> [Event] {
        let last = try db.one("SELECT sequence, hash FROM ledger_event ORDER BY sequence DESC LIMIT 1") {
            (try $0.int(0), try $0.text(1))
        }
        var (sequence, hash) = last ?? (0, Event.genesisHash)
        let time = clock.now()
        let events = drafts.map { draft in
            let event = Event(
                sequence: sequence + 1, id: ID.make(at: time), time: time, actor: draft.actor, type: draft.type,
                subject: draft.subject, project: draft.project, data: draft.data, previousHash: hash, hash: ""
            ).sealed()
            (sequence, hash) = (event.sequence, event.hash)
            return event
        }
        try db.insert(
            into: "ledger_event (sequence, id, time_ms, actor, type, subject, project, data, previous_hash, hash)",
            events.map { event in
                [
                    event.sequence.sqlValue, event.id.sqlValue, event.time.sqlValue, event.actor.sqlValue,
                    event.type.sqlValue, event.subject.sqlValue, event.project?.sqlValue ?? .null, event.data.sqlValue,
                    event.previousHash.sqlValue, event.hash.sqlValue,
                ]
            })
        return events
    }

    /// What to look for in the ledger.
    public struct Query: Sendable {
        public var subject: Ref?
        /// A type, or a prefix that ends in `.`.
        public var type: String?
        public var project: String?
        /// Only events of these projects; nil for all events, also those of no project.
        public var projects: Set<String>?

        public init(subject: Ref? = nil, type: String? = nil, project: String? = nil) {
            self.subject = subject
            self.type = type
            self.project = project
        }

        func conditions(_ dialect: Dialect) -> [SQL] {
            var conditions: [SQL] = []
            if let subject {
                // A ref without a version also names all its versions.
                let versions = Self.begins(
                    "subject", subject.description + "@", before: subject.description + "A", dialect)
                conditions.append(
                    subject.selector == nil ? "subject = \(subject) OR (\(versions))" : "subject = \(subject)")
            }
            if let type {
                conditions.append(
                    type.hasSuffix(".")
                        ? Self.begins("type", type, before: String(type.dropLast()) + "/", dialect) : "type = \(type)")
            }
            if let project { conditions.append("project = \(project)") }
            if let projects { conditions.append("project IN (\(list: projects.sorted()))") }
            return conditions
        }

        /// The same of an event in memory.
        func matches(_ event: Event) -> Bool {
            if let subject {
                let name = event.subject.description
                let isVersion = subject.selector == nil && name.hasPrefix(subject.description + "@")
                guard event.subject == subject || isVersion else { return false }
            }
            if let type, type.hasSuffix(".") ? !event.type.hasPrefix(type) : event.type != type { return false }
            if let project, event.project != project { return false }
            if let projects { return event.project.map(projects.contains) ?? false }
            return true
        }

        /// SQLite compares bytes, so a range finds a beginning by index; PostgreSQL sorts by the rules of some language.
        private static func begins(_ column: SQL, _ text: String, before end: String, _ dialect: Dialect) -> SQL {
            dialect == .sqlite
                ? "\(column) >= \(text) AND \(column) < \(end)" : "starts_with(\(column), \(text))"
        }
    }

    /// Events after a sequence number, oldest first.
    public func events(after sequence: Int64, _ query: Query = Query(), limit: Int) async throws -> [Event] {
        try await database.read { db in
            try db.all(
                "\(Self.columns) WHERE \(SQL.all(query.conditions(db.dialect) + ["sequence > \(sequence)"])) ORDER BY sequence LIMIT \(limit)",
                Self.event)
        }
    }

    /// A page of events, newest first.
    public func page(_ query: Query, _ page: PageRequest) async throws -> Page<Event> {
        try await database.read { db in
            var conditions = query.conditions(db.dialect)
            if let last = page.after?.keys.first?.intValue { conditions.append("sequence < \(last)") }
            return try db.page(
                "\(Self.columns) WHERE \(SQL.all(conditions)) ORDER BY sequence DESC LIMIT \(page.limit + 1)", page,
                keys: { [.int($0.sequence)] }, Self.event)
        }
    }

    /// The last sequence number; 0 when the ledger is empty.
    public func lastSequence() async throws -> Int64 {
        try await database.read { db in
            try db.one("SELECT sequence FROM ledger_event ORDER BY sequence DESC LIMIT 1") { try $0.int(0) } ?? 0
        }
    }

    /// What a walk over the whole chain found.
    public struct Verification: Sendable {
        public let events: Int64
        /// The first event that does not fit, and why; nil when the chain is whole.
        public let firstFault: (sequence: Int64, problem: String)?
        /// The hash of the last event: note it elsewhere to notice a ledger that was cut short.
        public let head: String
    }

    /// Recomputes every hash, in batches of constant size.
    public func verify() async throws -> Verification {
        var previous = Event.genesisHash
        var expected: Int64 = 1
        while true {
            let batch = try await events(after: expected - 1, limit: 1000)
            if batch.isEmpty { return Verification(events: expected - 1, firstFault: nil, head: previous) }
            for event in batch {
                let problem: String? =
                    if event.sequence != expected {
                        "event \(expected) is missing"
                    } else if event.previousHash != previous {
                        "it does not follow the event before it"
                    } else if event.computedHash() != event.hash { "its content does not fit its hash" } else { nil }
                if let problem {
                    return Verification(events: expected - 1, firstFault: (event.sequence, problem), head: previous)
                }
                previous = event.hash
                expected += 1
            }
        }
    }

    private static let columns: SQL =
        "SELECT sequence, id, time_ms, actor, type, subject, project, data, previous_hash, hash FROM ledger_event"

    private static func event(_ row: any Row) throws -> Event {
        Event(
            sequence: try row.int(0), id: try row.text(1), time: try row.time(2), actor: try row.text(3),
            type: try row.text(4),
            subject: try row.ref(5), project: try row.optionalText(6), data: try row.json(7),
            previousHash: try row.text(8),
            hash: try row.text(9))
    }
}

extension Event {
    fileprivate func sealed() -> Event {
        Event(
            sequence: sequence, id: id, time: time, actor: actor, type: type, subject: subject, project: project,
            data: data,
            previousHash: previousHash, hash: computedHash())
    }
}
