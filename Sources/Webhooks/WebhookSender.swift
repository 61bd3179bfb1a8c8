import Core
import Database
import Logging
import Platform
import Synchronization

/// Sends what the logs have, until it is delivered or given up. Everything about a delivery is in its row, so a restart
/// goes on where the last process was; what was on its way then is sent again, under the same id.
final class WebhookSender: Sendable {
    /// Tries of one delivery: the last is a good hour after the first.
    static let attemptsMaximum = 12
    private static let atOnce = 16
    private static let atOncePerWebhook = 2
    private static let firstWaitSeconds = 1.0
    private static let longestWaitSeconds = 3600.0
    /// How often the logs are looked at for what another process put there.
    private static let lookSeconds = 5.0
    private static let pruneSeconds = 3600.0

    private let service: WebhooksService
    private let inFlight = Mutex<Set<String>>([])

    init(_ service: WebhooksService) { self.service = service }

    func run() async {
        let (database, clock) = (service.platform.database, service.platform.clock)
        await withDiscardingTaskGroup { group in
            var look = clock.now()
            var prune = clock.now()
            while !Task.isCancelled {
                let seen = database.commits.count
                // Most commits are of others and bring nothing to send.
                if service.takeNews() || clock.now() >= look {
                    do {
                        look = try await start(in: &group)
                        if clock.now() >= prune {
                            let cutoff = clock.now().adding(seconds: -WebhooksService.logDays * 86_400)
                            try await database.write { [store = service.store] in try store.prune($0, before: cutoff) }
                            prune = clock.now().adding(seconds: Self.pruneSeconds)
                        }
                    } catch {
                        if Task.isCancelled { break }
                        service.platform.logger.warning(
                            "The log of the webhooks could not be read.", metadata: ["cause": "\(error)"])
                        look = clock.now().adding(seconds: Self.lookSeconds)
                    }
                }
                let wait = Double(look.milliseconds - clock.now().milliseconds) / 1000
                await database.commits.wait(after: seen, timeoutSeconds: min(max(wait, 0.01), Self.lookSeconds))
            }
        }
    }

    /// Begins what is due.
    ///
    /// - Returns: when to look again.
    private func start(in group: inout DiscardingTaskGroup) async throws -> Timestamp {
        let now = service.platform.clock.now()
        let (due, next) = try await service.platform.database.read { [store = service.store] db in
            (
                try store.due(db, at: now, perWebhook: Self.atOncePerWebhook, limit: 4 * Self.atOnce),
                try store.nextDue(db, after: now)
            )
        }
        for delivery in due {
            let mine = inFlight.withLock { $0.count < Self.atOnce && $0.insert(delivery.id).inserted }
            guard mine else { continue }
            group.addTask { [self] in
                await deliver(delivery)
                _ = inFlight.withLock { $0.remove(delivery.id) }
                service.noteNews()
            }
        }
        let latest = now.adding(seconds: Self.lookSeconds)
        return next.map { min($0, latest) } ?? latest
    }

    private func deliver(_ delivery: WebhookDelivery) async {
        let (database, clock, store) = (service.platform.database, service.platform.clock, service.store)
        do {
            // What is due was read before this delivery became ours: another attempt may have ended in between.
            let found = try await database.read {
                try store.stillWaits($0, delivery) ? store.webhook($0, delivery.webhook) : nil
            }
            guard let hook = found else { return }
            let answer =
                hook.status == .active
                ? try await WebhookRequest(service: service, hook: hook).send(delivery.body, delivery: delivery.id)
                : WebhookAnswer(status: nil, body: "", error: "the webhook is disabled", retrySeconds: nil)
            let now = clock.now()
            let attempts = delivery.attempts + 1
            let state: WebhookDelivery.State
            var due: Timestamp?
            if answer.succeeded {
                state = .delivered
            } else if let least = answer.retrySeconds, attempts < Self.attemptsMaximum {
                state = .pending
                due = now.adding(seconds: max(least, Self.wait(afterFailures: attempts)))
            } else {
                state = .failed
            }
            try await database.write { [due] db in
                try store.record(
                    db, delivery.id, state: state, due: due, status: answer.status, error: answer.error, at: now)
            }
        } catch {
            if Task.isCancelled { return }
            service.platform.logger.warning(
                "A webhook could not be sent.", metadata: ["delivery": "\(delivery.id)", "cause": "\(error)"])
            try? await Task.sleep(for: .seconds(Self.firstWaitSeconds))
        }
    }

    /// Doubles each time; half of it by chance, so that what failed together does not return together.
    static func wait(afterFailures failures: Int) -> Double {
        let full = min(longestWaitSeconds, firstWaitSeconds * Double(1 << min(failures, 30)))
        return Double.random(in: full / 2...full)
    }
}
