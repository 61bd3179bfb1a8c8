import Access
import Core
import Database
import Foundation
import Logging
import Platform
import Synchronization
import TestSupport
import Testing
import Web

@testable import Ledger

/// What a subscription got, in order.
private final class Inbox: Sendable {
    private let got = Mutex<[Int64]>([])
    private let failures = Atomic(2)
    /// True twice.
    func isToFail() -> Bool { failures.subtract(1, ordering: .relaxed).oldValue > 0 }
    var sequences: [Int64] { got.withLock { $0 } }
    func add(_ event: Event) { got.withLock { $0.append(event.sequence) } }
}

/// What a stream has written.
private final class Transcript: Sendable {
    private let written = Mutex("")
    var text: String { written.withLock { $0 } }
    func add(_ bytes: [UInt8]) { written.withLock { $0 += String(decoding: bytes, as: UTF8.self) } }
    /// The events, as lines.
    var events: [[String]] {
        text.components(separatedBy: "\n\n").filter { $0.hasPrefix("id:") }.map { $0.components(separatedBy: "\n") }
    }
}

/// The sequence numbers of the events that a stream has written.
private final class Sequences: Sendable {
    private let state = Mutex<(begun: Bool, all: [Int64])>((false, []))
    var all: [Int64] { state.withLock { $0.all } }
    var hasBegun: Bool { state.withLock { $0.begun } }
    func add(_ bytes: [UInt8]) {
        let id = bytes.starts(with: Array("id: ".utf8)) ? bytes.dropFirst(4).prefix { $0 != 10 } : []
        state.withLock { state in
            state.begun = true
            if let sequence = Int64(String(decoding: id, as: UTF8.self)) { state.all.append(sequence) }
        }
    }
}

/// Waits until `condition` holds; gives up after 10 s.
private func eventually(_ condition: () -> Bool) async throws {
    for _ in 0..<1000 where !condition() { try await Task.sleep(for: .milliseconds(10)) }
    try #require(condition())
}

@Suite struct SubscriptionTests {
    private static let logger: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    @Test func `a subscription goes on at its place, and gets an event again that it failed on`() async throws {
        try await TestDatabase.each(Ledger.migrations) { database in
            let ledger = Ledger(database: database)
            try await append(ledger, 2)
            let inbox = Inbox()
            let subscription = Subscription("s", types: ["thing.done"]) { event in
                inbox.add(event)
                if event.sequence == 5, inbox.isToFail() { throw SlipwayError(.unavailable, "Not now.") }
            }
            func follow() -> Task<Void, Never> { Task { await ledger.follow(subscription, logger: Self.logger) } }
            func stored() async throws -> Int64? {
                try await database.read { db in try db.one("SELECT sequence FROM ledger_cursor") { try $0.int(0) } }
            }
            // New: begins at the end. Events of other types are passed over.
            var following = follow()
            for _ in 0..<1000 where try await stored() == nil { try await Task.sleep(for: .milliseconds(10)) }
            try await append(ledger, 1)
            try await append(ledger, 1, "other.done")
            try await eventually { inbox.sequences == [3] }
            following.cancel()
            await following.value
            // What happens while nobody follows is handed over afterwards.
            try await append(ledger, 2)
            following = follow()
            try await eventually { inbox.sequences.suffix(4) == [5, 5, 5, 6] }
            following.cancel()
            await following.value
            #expect(inbox.sequences == [3, 5, 5, 5, 6])
            // Killed while it works: the event comes again.
            try await append(ledger, 1)
            let stuck = Task {
                await ledger.follow(
                    Subscription("s", types: []) { event in
                        inbox.add(event)
                        try await Task.sleep(for: .seconds(60))
                    }, logger: Self.logger)
            }
            try await eventually { inbox.sequences.last == 7 }
            stuck.cancel()
            await stuck.value
            following = follow()
            try await eventually { inbox.sequences.suffix(2) == [7, 7] }
            following.cancel()
            await following.value
        }
    }
}

@Suite struct LedgerRoutesTests {
    /// The server-sent events that come for a request, up to `count`.
    private func events(
        _ application: WebApplication, _ target: String, _ headers: [(name: String, value: String)] = [], count: Int,
        meanwhile: () async throws -> Void = {}
    ) async throws -> [[String]] {
        let answer = await application.respond(
            method: "GET", target: target, headers: [("host", "localhost")] + headers, body: RequestBody())
        try #require(answer.status == 200)
        guard case .stream(_, let write) = answer.body else { return [] }
        let transcript = Transcript()
        let task = Task { try await write(ResponseWriter { transcript.add($0) }) }
        defer { task.cancel() }
        try await eventually { transcript.text.contains("slipway events") }
        try await meanwhile()
        try await eventually { transcript.events.count >= count }
        return transcript.events
    }

    @Test func `the stream resumes after Last-Event-ID and goes on with what happens`() async throws {
        try await TestPlatform.each { platform in
            let ledger = platform.ledger
            let application = WebApplication.testing(LedgerRoutes(ledger, lineageSources: []).routes, platform)
            let base = try await ledger.lastSequence()
            try await append(ledger, 3)
            let resumed = try await events(
                application, "/api/v1/events/stream?type=thing.", [("Last-Event-ID", String(base + 1))], count: 3
            ) {
                try await append(ledger, 1, "other.done")
                try await append(ledger, 1)
            }
            #expect(resumed.map { $0[0] } == [base + 2, base + 3, base + 5].map { "id: \($0)" })
            #expect(resumed.allSatisfy { $0.count == 3 && $0[1] == "event: thing.done" && $0[2].hasPrefix("data: {") })
            let live = try await events(application, "/api/v1/events/stream", count: 1) { try await append(ledger, 1) }
            #expect(live.map { $0[0] } == ["id: \(base + 6)"])
            let wrong = try await application.ask("GET", "/api/v1/events/stream?from=x")
            #expect(wrong.status == 400)
        }
    }

    @Test func `members follow what happens in their projects, until that ends`() async throws {
        try await TestPlatform.each { platform in
            let ledger = platform.ledger
            _ = try await platform.access.createAccount(name: "mia", kind: .user, role: nil, as: .system)
            try await platform.access.grant(.viewer, on: "p", to: "mia", as: .system)
            let (_, text) = try await platform.access.issueToken(
                for: "mia", label: "", scopes: nil, lifetimeSeconds: nil, as: .system)
            let application = WebApplication.testing(LedgerRoutes(ledger, lineageSources: []).routes, platform)
            let token = [(name: "authorization", value: "Bearer \(text.reveal)")]
            func happen(_ projects: [String?]) async throws {
                try await ledger.database.write { db in
                    for project in projects {
                        _ = try ledger.append(db, "thing.done", Ref(.dataset, "d"), project: project, by: .system)
                    }
                }
            }
            let base = try await ledger.lastSequence()
            try await happen(["q", "p", nil, "p"])
            let seen = try await events(
                application, "/api/v1/events/stream?from=\(base)", token, count: 3
            ) { try await happen(["q", nil, "p"]) }
            #expect(seen.map { $0[0] } == [base + 2, base + 4, base + 7].map { "id: \($0)" })
            let page = try await application.ask("GET", "/api/v1/events?type=thing.", headers: token)
            #expect(page.json["items"]?.arrayValue?.count == 3)
            for target in ["/api/v1/events/stream?project=q", "/api/v1/events?project=q"] {
                #expect(try await application.ask("GET", target, headers: token).status == 403)
            }
            try await platform.access.removeMember("mia", from: "p", as: .system)
            #expect(try await application.ask("GET", "/api/v1/events/stream", headers: token).status == 403)
        }
    }

    @Test func `what is appended is read once, however many follow, and those who are behind miss nothing`()
        async throws
    {
        try await TestDatabase.each(Ledger.migrations) { database in
            let ledger = Ledger(database: database)
            let tail = EventTail()
            try await append(ledger, 3)
            let reader = EventReader(ledger: ledger, tail: tail) { Ledger.Query(type: "thing.") }
            let got = (0..<20).map { _ in Sequences() }
            // Half of them from the beginning, half from now on.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, sequences) in got.enumerated() {
                    group.addTask {
                        try await reader.write(
                            to: ResponseWriter { sequences.add($0) }, after: index.isMultiple(of: 2) ? 0 : 3)
                    }
                }
                try await eventually { got.allSatisfy(\.hasBegun) }
                // More than the tail holds, in one transaction.
                try await append(ledger, 1)
                try await database.write { db in
                    for _ in 0..<EventTail.maximum + 500 {
                        _ = try ledger.append(db, "thing.done", Ref(.dataset, "d"), project: "p", by: .system)
                    }
                }
                try await append(ledger, 2)
                let last = Int64(EventTail.maximum + 506)
                try await eventually { got.allSatisfy { $0.all.last == last } }
                for (index, sequences) in got.enumerated() {
                    #expect(sequences.all == Array((index.isMultiple(of: 2) ? 1 : 4)...last))
                }
                group.cancelAll()
            }
            // Nothing new: nobody asks the database.
            #expect(try await tail.refresh(from: ledger))
        }
    }

    @Test func `lineage shows members of a project what is theirs`() async throws {
        try await TestDatabase.each(Ledger.migrations) { database in
            let ledger = Ledger(database: database)
            let file = Ref(.file, "/data/a.csv#sha256:1")
            try await database.write { db in
                for (name, project) in [("mine", "p"), ("made", "p"), ("foreign", "q")] {
                    _ = try ledger.append(db, "dataset.created", Ref(.dataset, name), project: project, by: .system)
                }
                try ledger.link(db, Ref(.dataset, "mine"), madeFrom: file, "import")
                try ledger.link(db, Ref(.dataset, "foreign"), madeFrom: file, "import")
                try ledger.link(db, Ref(.dataset, "made"), madeFrom: Ref(.dataset, "mine"), "derive")
                try ledger.link(db, Ref(.dataset, "made"), madeFrom: Ref(.dataset, "foreign"), "derive")
                try ledger.link(db, Ref(.prediction, "x.1"), madeFrom: Ref(.dataset, "made"), "made-by")
            }
            let member = Principal(name: "mia", role: nil, grants: ["p": .viewer])
            func seen(_ ref: Ref, _ direction: LineageDirection, by principal: Principal) async throws -> Int {
                let edges = try await ledger.lineage(of: ref, direction)
                do { return try await ledger.visible(edges, from: ref, to: principal).count } catch let error
                    as SlipwayError
                {
                    return error.code == .forbidden ? -1 : -2
                }
            }
            let reader = Principal(name: "vera", role: .viewer)
            let cases: [(Ref, LineageDirection, Principal, Int)] = [
                (Ref(.dataset, "made"), .upstream, reader, 4), (Ref(.dataset, "made"), .upstream, member, 2),
                (Ref(.prediction, "x.1"), .upstream, member, 3), (Ref(.dataset, "foreign"), .upstream, member, -1),
                (file, .downstream, member, 3), (Ref(.file, "/other"), .downstream, member, -1),
                (Ref(.dataset, "mine"), .downstream, Principal(name: "nobody", role: nil), -1),
            ]
            var wrong: [String] = []
            for (ref, direction, principal, expected) in cases {
                let got = try await seen(ref, direction, by: principal)
                if got != expected { wrong.append("\(ref) \(direction) \(principal.name): \(got)") }
            }
            #expect(wrong == [])
        }
    }
}
