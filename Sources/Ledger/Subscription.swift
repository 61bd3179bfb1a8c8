import Core
import Database
import Logging

/// Something that acts on events: a trigger, a follower in a later stage of the lifecycle. Its place in the ledger is
/// kept, so it goes on where it was after a restart; an event may be handed to it twice, never zero times.
public struct Subscription: Sendable {
    public let name: String
    /// Types that it wants; empty means all.
    public let types: Set<String>
    public let handle: @Sendable (Event) async throws -> Void

    public init(_ name: String, types: Set<String>, handle: @escaping @Sendable (Event) async throws -> Void) {
        self.name = name
        self.types = types
        self.handle = handle
    }
}

extension Ledger {
    /// How often a failing event is tried before it is set aside (and logged).
    private static let attemptsMaximum = 6

    /// Feeds a subscription until cancelled. A subscription that is new begins at the end of the ledger.
    ///
    /// Its place is stored after each batch, and every second of a long one: what a crash makes it get again is no more.
    public func follow(_ subscription: Subscription, logger: Logger) async {
        var position: Int64?
        while !Task.isCancelled {
            let seen = database.commits.count
            do {
                var at: Int64
                if let position { at = position } else { at = try await cursor(subscription.name) }
                let batch = try await events(after: at, limit: 200)
                // Events of other types are skipped in memory only; the stored place follows with the next one handled.
                var handled: Int64?
                var stored = clock.now()
                for event in batch {
                    if subscription.types.isEmpty || subscription.types.contains(event.type) {
                        guard await deliver(event, to: subscription, logger: logger) else { break }
                        handled = event.sequence
                        if clock.now() > stored.adding(seconds: 1) {
                            try await store(event.sequence, for: subscription)
                            (handled, stored) = (nil, clock.now())
                        }
                    }
                    at = event.sequence
                    if Task.isCancelled { break }
                }
                if let handled { try await store(handled, for: subscription) }
                position = at
                if !batch.isEmpty { continue }
            } catch {
                if Task.isCancelled { return }
                logger.warning(
                    "The subscription \(subscription.name) could not read the ledger.", metadata: ["cause": "\(error)"])
            }
            await database.commits.wait(after: seen, timeoutSeconds: 2)
        }
    }

    private func store(_ place: Int64, for subscription: Subscription) async throws {
        try await database.write(isFollowed: false) { db in
            try db.execute("UPDATE ledger_cursor SET sequence = \(place) WHERE name = \(subscription.name)")
        }
    }

    /// Sets the place of a subscription that is new to the end of the ledger. Done before anything can append, so that it
    /// misses nothing of a first start.
    public func begin(_ subscription: Subscription) async throws { _ = try await cursor(subscription.name) }

    private func cursor(_ name: String) async throws -> Int64 {
        let last = try await lastSequence()
        return try await database.write { db in
            try db.execute(
                "INSERT INTO ledger_cursor (name, sequence) VALUES (\(name), \(last)) ON CONFLICT (name) DO NOTHING")
            return try db.one("SELECT sequence FROM ledger_cursor WHERE name = \(name)") { try $0.int(0) } ?? last
        }
    }

    /// - Returns: false when the task was cancelled before the event was done with.
    private func deliver(_ event: Event, to subscription: Subscription, logger: Logger) async -> Bool {
        var attempt = 1
        while !Task.isCancelled {
            do {
                try await subscription.handle(event)
                return true
            } catch {
                if Task.isCancelled { return false }
                logger.warning(
                    "The subscription \(subscription.name) failed on event \(event.sequence).",
                    metadata: ["event": "\(event.type)", "attempt": "\(attempt)", "cause": "\(error)"])
                if attempt >= Self.attemptsMaximum {
                    logger.error(
                        "Event \(event.sequence) is set aside for \(subscription.name).",
                        metadata: ["event": "\(event.type)"])
                    return true
                }
                try? await Task.sleep(for: .milliseconds(200 << attempt))
                attempt += 1
            }
        }
        return false
    }
}
