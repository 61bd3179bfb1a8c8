import Core
import Database
import Ledger
import Synchronization

/// Sessions of browsers. A session is a token of its own, kept in a cookie and taken from nowhere else; it ends with the
/// token that began it.
extension AccessService {
    /// A week: a person signs in anew on Monday.
    static let sessionSeconds = 604_800.0

    /// Signs a browser in with a token.
    ///
    /// - Returns: what the cookie is to hold.
    /// - Throws: `unauthenticated`; `rateLimited` after too many failures with the same token's id.
    func beginSession(token text: String) async throws -> (session: Known, cookie: Secret<String>) {
        let now = clock.now()
        let id = Self.parts(ofToken: text)?.id ?? ""
        try failedSignIns.check(id, at: now)
        guard let token = try await look(up: text, isSession: false) else {
            failedSignIns.add(id, at: now)
            throw SlipwayError(
                .unauthenticated,
                "The token is not known, has expired or was revoked. Ask an owner for a new one, or make one with 'slipway token create'."
            )
        }
        let left = token.info.expires.map { Double($0.milliseconds - now.milliseconds) / 1000 }
        let (info, cookie, hash) = make(
            for: token.info.principal, label: "browser", scopes: token.info.scopes,
            lifetimeSeconds: min(Self.sessionSeconds, left ?? Self.sessionSeconds), parent: token.info.id)
        try await database.write { [store, ledger] db in
            try store.deleteEnded(db, before: now.adding(seconds: -86_400))
            try store.insert(db, info, secretHash: hash)
            try ledger.append(
                db, "session.started", Ref(.token, info.id), project: nil, by: token.principal,
                data: ["token": .string(token.info.id)])
        }
        return (Known(principal: token.principal, info: info, until: now), cookie)
    }

    /// The session of a cookie; nil if it does not count.
    func session(_ cookie: String?) async throws -> Known? {
        guard let cookie else { return nil }
        return try await look(up: cookie, isSession: true)
    }

    /// Signs a browser out; one that was signed out already stays so.
    func endSession(_ cookie: String) async throws {
        guard let session = try await look(up: cookie, isSession: true) else { return }
        let now = clock.now()
        try await database.write { [store, ledger] db in
            guard try store.revoke(db, id: session.info.id, at: now) else { return }
            try ledger.append(db, "session.ended", Ref(.token, session.info.id), project: nil, by: session.principal)
        }
        forget()
    }
}

/// Slows down who tries secrets for a token whose id is known.
final class FailedSignIns: Sendable {
    private static let failuresMaximum = 5
    private static let windowSeconds = 60.0
    /// More ids than that are forgotten together: those who make up ids do not make others wait.
    private static let idsMaximum = 1_000

    private let failures = Mutex<[String: (count: Int, first: Timestamp)]>([:])

    /// - Throws: `rateLimited`.
    func check(_ id: String, at now: Timestamp) throws {
        guard let (count, first) = failures.withLock({ $0[id] }), count >= Self.failuresMaximum else { return }
        let left = Self.windowSeconds - Double(now.milliseconds - first.milliseconds) / 1000
        guard left > 0 else { return }
        throw SlipwayError(
            .rateLimited, "Too many failed tries with this token. Try again in \(Int(left.rounded(.up))) seconds.",
            details: ["retryAfterSeconds": String(Int(left.rounded(.up)))])
    }

    func add(_ id: String, at now: Timestamp) {
        failures.withLock { failures in
            if failures.count >= Self.idsMaximum { failures.removeAll() }
            var entry = failures[id] ?? (0, now)
            if Double(now.milliseconds - entry.first.milliseconds) / 1000 >= Self.windowSeconds { entry = (0, now) }
            entry.count += 1
            failures[id] = entry
        }
    }
}
