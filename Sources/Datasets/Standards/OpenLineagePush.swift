import Core
import Database
import Ledger
import Logging
import Platform
import Transport

extension Permission {
    /// Sending the lineage of all projects elsewhere.
    static let exportLineage = Permission("lineage.export", [.operator, .owner])
}

/// A server that is sent every RunEvent.
public struct OpenLineageTarget: Sendable, Hashable {
    public let name: String
    public let url: String
    public let namespace: String
    /// The place in the ledger up to which it has everything.
    public let sequence: Int64
    /// Failures in a row, and when the next try is due.
    public let attempts: Int
    public let next: Timestamp
    public let delivered: Int64
    /// Events that the server would not have (4xx), which are not sent again.
    public let refused: Int64
    public let error: String?
    public let author: String
    public let created: Timestamp

    var json: JSONValue {
        [
            "name": .string(name), "url": .string(url), "namespace": .string(namespace), "sequence": .int(sequence),
            "attempts": JSONValue(attempts), "nextTry": attempts > 0 ? JSONValue(next) : .null,
            "delivered": .int(delivered), "refused": .int(refused), "error": JSONValue(error), "by": .string(author),
            "created": JSONValue(created),
        ]
    }
}

extension DatasetsService {
    static let openLineageTargetsMaximum = 20
    /// The longest wait between tries at a server that does not answer.
    private static let longestWaitSeconds = 300.0

    public func openLineageTargets(as principal: Principal) async throws -> [OpenLineageTarget] {
        try principal.require(.exportLineage, in: nil)
        return try await platform.database.read { [store] in try store.targets($0) }
    }

    /// Sends what is made from now on (or all that was) to a URL.
    public func setOpenLineageTarget(
        _ name: String, url: String, namespace: String, fromStart: Bool, as principal: Principal
    ) async throws -> OpenLineageTarget {
        try principal.require(.exportLineage, in: nil)
        try Name.validate(name)
        guard url.hasPrefix("https://") || url.hasPrefix("http://"), url.utf8.count <= 2000, !url.contains("@") else {
            throw SlipwayError.field(
                "url", "is not an address that events can be sent to",
                expected: "such as https://lineage.example.org/api/v1/lineage, without a password")
        }
        let last = fromStart ? 0 : try await platform.ledger.lastSequence()
        let now = platform.clock.now()
        let wanted = OpenLineageTarget(
            name: name, url: url, namespace: namespace, sequence: last, attempts: 0, next: now, delivered: 0,
            refused: 0,
            error: nil, author: principal.name, created: now)
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            let known = try store.targets(db)
            if let same = known.first(where: { $0.name == name && $0.url == url && $0.namespace == namespace }) {
                return same
            }
            guard known.count < Self.openLineageTargetsMaximum || known.contains(where: { $0.name == name }) else {
                throw SlipwayError(.tooLarge, "There are \(Self.openLineageTargetsMaximum) targets already.")
            }
            try store.setTarget(db, wanted)
            try ledger.append(
                db, "openlineage.target.set", Ref(.event, name), project: nil, by: principal,
                data: ["url": .string(url)])
            return wanted
        }
    }

    public func removeOpenLineageTarget(_ name: String, as principal: Principal) async throws {
        try principal.require(.exportLineage, in: nil)
        try await platform.database.write { [store, ledger = platform.ledger] db in
            guard try store.removeTarget(db, name) else {
                throw SlipwayError(.notFound, "There is no OpenLineage target named \(name.prefix(80)).")
            }
            try ledger.append(db, "openlineage.target.removed", Ref(.event, name), project: nil, by: principal)
        }
    }

    // MARK: Sending

    /// Sends what is due until cancelled. An event may be sent twice (after a crash between the answer and the note of it),
    /// never skipped.
    func pushOpenLineage() async throws {
        while !Task.isCancelled {
            let seen = platform.database.commits.count
            do {
                var sent = false
                for target in try await platform.database.read({ [store] in try store.targets($0) })
                where target.next <= platform.clock.now() {
                    if try await push(to: target) { sent = true }
                }
                if sent { continue }
            } catch {
                if Task.isCancelled { return }
                platform.logger.warning("OpenLineage events could not be read.", metadata: ["cause": "\(error)"])
            }
            await platform.database.commits.wait(after: seen, timeoutSeconds: 2)
            // Commits can come by the hundred a second; what they made is read together.
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    /// - Returns: whether something was sent, so that there may be more.
    private func push(to target: OpenLineageTarget) async throws -> Bool {
        let events = try await platform.ledger.events(
            after: target.sequence, .init(type: Self.versionCreated), limit: Self.openLineagePage)
        for event in events {
            var (refused, delivered): (Int64, Int64) = (0, 0)
            var problem: String?
            if let body = try await openLineage(event, namespace: target.namespace) {
                switch await send(body, to: target) {
                case .delivered: delivered = 1
                case .refused(let answer): (refused, problem) = (1, answer)
                case .failed(let answer):
                    let wait = min(Self.longestWaitSeconds, Double(1 << min(target.attempts, 9)))
                    let next = platform.clock.now().adding(seconds: wait)
                    try await platform.database.write { [store] db in
                        try store.fail(db, target.name, answer, next: next)
                    }
                    return false
                }
            }
            let note = (refused, delivered, problem)
            try await platform.database.write { [store] db in
                try store.advance(
                    db, target.name, to: event.sequence, delivered: note.1, refused: note.0, error: note.2)
            }
        }
        return !events.isEmpty
    }

    private enum Sending {
        case delivered
        /// It will not be had, however often.
        case refused(String)
        case failed(String)
    }

    private func send(_ body: JSONValue, to target: OpenLineageTarget) async -> Sending {
        do {
            var request = try await outboundRequest("POST", target.url, nil)
            request.headers = [("Content-Type", "application/json")]
            request.body = .bytes(body.canonicalBytes)
            (request.timeoutSeconds, request.maximumResponseBytes) = (30, 64 << 10)
            let response = try await platform.http.send(request)
            if response.isSuccess { return .delivered }
            let answer = "\(response.url) answered \(response.status)"
            let isFinal =
                (400..<500).contains(response.status) && ![401, 403, 404, 408, 425, 429].contains(response.status)
            return isFinal ? .refused(answer) : .failed(answer)
        } catch let error as SlipwayError {
            return .failed(error.message)
        } catch {
            return .failed("The request failed.")
        }
    }
}

extension DatasetsStore {
    func targets(_ db: any Transaction) throws -> [OpenLineageTarget] {
        try db.all(
            """
            SELECT name, url, namespace, sequence, attempts, next_ms, delivered, refused, error, author, created_ms
            FROM openlineage_target ORDER BY name
            """
        ) {
            OpenLineageTarget(
                name: try $0.text(0), url: try $0.text(1), namespace: try $0.text(2), sequence: try $0.int(3),
                attempts: Int(try $0.int(4)), next: try $0.time(5), delivered: try $0.int(6), refused: try $0.int(7),
                error: try $0.optionalText(8), author: try $0.text(9), created: try $0.time(10))
        }
    }

    func setTarget(_ db: any Transaction, _ target: OpenLineageTarget) throws {
        _ = try removeTarget(db, target.name)
        try db.execute(
            """
            INSERT INTO openlineage_target
                (name, url, namespace, sequence, attempts, next_ms, delivered, refused, error, author, created_ms)
            VALUES (\(target.name), \(target.url), \(target.namespace), \(target.sequence), 0, \(target.next), 0, 0,
                NULL, \(target.author), \(target.created))
            """)
    }

    func removeTarget(_ db: any Transaction, _ name: String) throws -> Bool {
        try db.execute("DELETE FROM openlineage_target WHERE name = \(name)") > 0
    }

    func fail(_ db: any Transaction, _ name: String, _ error: String, next: Timestamp) throws {
        try db.execute(
            "UPDATE openlineage_target SET attempts = attempts + 1, next_ms = \(next), error = \(error) WHERE name = \(name)"
        )
    }

    func advance(
        _ db: any Transaction, _ name: String, to sequence: Int64, delivered: Int64, refused: Int64, error: String?
    ) throws {
        try db.execute(
            """
            UPDATE openlineage_target SET sequence = \(sequence), attempts = 0, delivered = delivered + \(delivered),
                refused = refused + \(refused), error = \(error) WHERE name = \(name)
            """)
    }
}
