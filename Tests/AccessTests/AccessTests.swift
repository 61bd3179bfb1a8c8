import Core
import Database
import Foundation
import Ledger
import Synchronization
import TestSupport
import Testing
import Web

@testable import Access

/// A clock that stands until it is moved.
final class HandClock: Sendable {
    private let time = Atomic<Int64>(1_700_000_000_000)
    var clock: Clock { Clock { [self] in Timestamp(milliseconds: time.load(ordering: .relaxed)) } }
    func advance(seconds: Double) { time.add(Int64(seconds * 1000), ordering: .relaxed) }
}

@Suite struct AccessTests {
    static let admin = Principal(name: "admin", role: .admin)
    static let owner = Principal(name: "olga", role: .owner)
    static let migrations = Ledger.migrations + AccessService.migrations

    /// What a call came to: its error's code, or "ok".
    static func outcome(_ body: () async throws -> Void) async -> String {
        do { try await body() } catch { return (error as? SlipwayError)?.code.rawValue ?? "\(error)" }
        return "ok"
    }

    /// The role and grants of whom a token stands for, or the error's code.
    static func who(_ access: AccessService, _ authorization: String?, loopback: Bool = true) async -> String {
        do {
            let found = try await access.authenticate(
                Credentials(authorization: authorization, peerIsLoopback: loopback))
            let grants = found.grants.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value.rawValue)" }.joined()
            return
                "\(found.name):\(found.role?.rawValue ?? "-")\(grants)\(found.scopes.map { " \($0.sorted())" } ?? "")"
        } catch { return (error as? SlipwayError)?.code.rawValue ?? "\(error)" }
    }

    @Test func `a token that ends makes none that lives longer`() async throws {
        try await TestDatabase.each(Self.migrations) { database in
            let access = AccessService(ledger: Ledger(database: database), openToLocalUse: false)
            _ = try await access.bootstrap()
            let (first, text) = try await access.issueToken(
                for: "admin", label: "a day", scopes: nil, lifetimeSeconds: 86_400, as: Self.admin)
            let holder = try await access.authenticate(
                Credentials(authorization: "Bearer \(text.reveal)", peerIsLoopback: false))
            for asked in [nil, 1e6] {
                let (second, _) = try await access.issueToken(
                    for: "admin", label: "more", scopes: nil, lifetimeSeconds: asked, as: holder)
                #expect(try #require(second.expires) <= (try #require(first.expires)))
            }
        }
    }

    @Test func `a token's secret is shown once and stored nowhere`() async throws {
        try await TestDatabase.each(Self.migrations) { database in
            let access = AccessService(ledger: Ledger(database: database), openToLocalUse: false)
            let first = try #require(try await access.bootstrap()).reveal
            #expect(try await access.bootstrap() == nil)
            let (info, made) = try await access.issueToken(
                for: "admin", label: "ci", scopes: nil, lifetimeSeconds: 60, as: Self.admin)
            let secrets = [first, made.reveal].compactMap { $0.split(separator: "_").last.map(String.init) }
            #expect(secrets.count == 2 && secrets.allSatisfy { $0.utf8.count == 48 })
            // Every text in every table of these features.
            let stored = try await database.read { db in
                try db.all(
                    """
                    SELECT id || principal || label || secret_hash || coalesce(scopes, '') FROM token
                    UNION ALL SELECT data || subject || actor FROM ledger_event UNION ALL SELECT name || kind FROM principal
                    """
                ) { try $0.text(0) }
            }
            #expect(stored.filter { text in secrets.contains { text.contains($0) } } == [])
            #expect("\(made)" == "***")
            #expect(try await access.tokens(of: "admin", as: Self.admin).map(\.id).contains(info.id))
            // Parts of the truth are not enough.
            let id = info.id
            let wrong = [
                "Bearer slw_\(id)_\(secrets[0])", "Bearer slw_\(id)_", "Bearer slw_\(id)", "Bearer \(id)", "Bearer ",
                "Bearer",
                "", "Token \(made.reveal)", "Basic \(made.reveal)", "Bearer \(made.reveal)0", "Bearer slw_\(id)_zz",
            ]
            var accepted: [String] = []
            for text in wrong where await Self.who(access, text) != "unauthenticated" { accepted.append(text) }
            #expect(accepted == [])
            let basic = Data("anything:\(made.reveal)".utf8).base64EncodedString()
            #expect(await Self.who(access, "Bearer \(made.reveal)") == "admin:admin")
            #expect(await Self.who(access, "basic \(basic)") == "admin:admin")
        }
    }

    @Test func `tokens end by time, by revocation and with their grants`() async throws {
        try await TestDatabase.each(Self.migrations) { database in
            let time = HandClock()
            let access = AccessService(ledger: Ledger(database: database), openToLocalUse: true, clock: time.clock)
            _ = try await access.bootstrap()
            _ = try await access.createAccount(name: "mia", kind: .user, role: nil, as: Self.admin)
            let (short, shortText) = try await access.issueToken(
                for: "mia", label: "", scopes: ["datasets.read"], lifetimeSeconds: 3, as: Self.admin)
            let (long, longText) = try await access.issueToken(
                for: "mia", label: "", scopes: nil, lifetimeSeconds: nil, as: Self.admin)
            let (a, b) = ("Bearer \(shortText.reveal)", "Bearer \(longText.reveal)")
            #expect(await [Self.who(access, a), Self.who(access, b)] == [#"mia:- ["datasets.read"]"#, "mia:-"])
            // A grant counts at once, though the token was looked up a moment ago; so does its end.
            try await access.grant(.dataScientist, on: "p", to: "mia", as: Self.admin)
            #expect(await Self.who(access, b) == "mia:- p=data-scientist")
            try await access.removeMember("mia", from: "p", as: Self.admin)
            #expect(await Self.who(access, b) == "mia:-")
            // Past its time, even within the seconds for which a look-up is kept.
            time.advance(seconds: 2.9)
            #expect(await Self.who(access, a) == #"mia:- ["datasets.read"]"#)
            time.advance(seconds: 0.2)
            #expect(await Self.who(access, a) == "unauthenticated")
            let mia = Principal(name: "mia", role: nil)
            let eve = Principal(name: "eve", role: .dataScientist)
            #expect(await Self.outcome { try await access.revokeToken(long.id, as: eve) } == "forbidden")
            #expect(await Self.outcome { try await access.revokeToken("00", as: mia) } == "not_found")
            #expect(await Self.outcome { try await access.revokeToken(long.id, as: mia) } == "ok")
            #expect(await Self.who(access, b) == "unauthenticated")
            #expect(try await access.tokens(of: "mia", as: mia).map(\.id) == [short.id])
            // Without a token: only this machine, only where that is allowed.
            #expect(await Self.who(access, nil) == "local:admin")
            #expect(await Self.who(access, nil, loopback: false) == "unauthenticated")
            let closed = AccessService(ledger: Ledger(database: database), openToLocalUse: false)
            #expect(await Self.who(closed, nil) == "unauthenticated")
        }
    }

    @Test func `nobody hands out more than they have`() async throws {
        try await TestDatabase.each(Self.migrations) { database in
            let access = AccessService(ledger: Ledger(database: database), openToLocalUse: false)
            _ = try await access.bootstrap()
            _ = try await access.createAccount(name: "mia", kind: .user, role: .viewer, as: Self.admin)
            let mia = Principal(name: "mia", role: .viewer)
            let lead = Principal(name: "lea", role: nil, grants: ["p": .owner])
            let scoped = Principal(name: "mia", role: .viewer, scopes: ["datasets.read", "runs.read"])
            func issue(_ name: String, _ scopes: [String]?, _ seconds: Double?, _ principal: Principal) async -> String
            {
                await Self.outcome {
                    _ = try await access.issueToken(
                        for: name, label: "", scopes: scopes, lifetimeSeconds: seconds, as: principal)
                }
            }
            func account(_ name: String, _ role: Role?, _ principal: Principal) async -> String {
                await Self.outcome {
                    _ = try await access.createAccount(name: name, kind: .user, role: role, as: principal)
                }
            }
            func grant(_ role: Role, _ project: String, _ principal: Principal) async -> String {
                await Self.outcome { try await access.grant(role, on: project, to: "mia", as: principal) }
            }
            let got: [(String, String, String)] = [
                ("own token", await issue("mia", nil, nil, mia), "ok"),
                ("another's token", await issue("admin", nil, nil, mia), "forbidden"),
                ("an owner makes tokens for others", await issue("mia", nil, nil, Self.owner), "ok"),
                ("but not for an admin", await issue("admin", nil, nil, Self.owner), "forbidden"),
                ("for nobody", await issue("nobody", nil, nil, Self.admin), "not_found"),
                ("fewer scopes", await issue("mia", ["runs.read"], nil, scoped), "ok"),
                ("more scopes", await issue("mia", ["runs.read", "runs.write"], nil, scoped), "forbidden"),
                ("all scopes", await issue("mia", nil, nil, scoped), "forbidden"),
                ("no time", await issue("mia", nil, 0, mia), "invalid"),
                ("past", await issue("mia", nil, -1, mia), "invalid"),
                ("not a number", await issue("mia", nil, .nan, mia), "invalid"),
                ("for ever and a day", await issue("mia", nil, 1e300, mia), "invalid"),
                ("a viewer makes no accounts", await account("x", nil, mia), "forbidden"),
                ("nor does a project's owner", await account("x", nil, lead), "forbidden"),
                ("an owner does", await account("x", .owner, Self.owner), "ok"),
                ("twice", await account("x", .owner, Self.owner), "conflict"),
                ("but no admins", await account("y", .admin, Self.owner), "forbidden"),
                ("an admin does", await account("y", .admin, Self.admin), "ok"),
                ("a bad name", await account("../x", nil, Self.admin), "invalid"),
                ("a project's owner grants there", await grant(.mlEngineer, "p", lead), "ok"),
                ("not elsewhere", await grant(.viewer, "q", lead), "forbidden"),
                ("and no admins", await grant(.admin, "p", lead), "forbidden"),
                (
                    "a scope that does not name it",
                    await grant(.viewer, "p", Principal(name: "a", role: .admin, scopes: [])), "forbidden"
                ),
            ]
            #expect(got.filter { $0.1 != $0.2 }.map { "\($0.0): \($0.1)" } == [])
        }
    }

    @Test func `a step's token acts in its project only, and ends when it is ended or in time`() async throws {
        try await TestDatabase.each(Self.migrations) { database in
            let time = HandClock()
            let access = AccessService(ledger: Ledger(database: database), openToLocalUse: true, clock: time.clock)
            func issue() async throws -> (id: String, text: Secret<String>) {
                try await database.write { db in
                    try access.issueStepToken(
                        db, account: "pipeline-p", role: .mlEngineer, project: "p", lifetimeSeconds: 100)
                }
            }
            let (ended, left) = (try await issue(), try await issue())
            func all() async -> [String] {
                await [Self.who(access, "Bearer \(ended.text.reveal)"), Self.who(access, "Bearer \(left.text.reveal)")]
            }
            let step = "pipeline-p:- p=ml-engineer"
            #expect(await all() == [step, step])
            try await access.endStepToken(ended.id)
            #expect(await all() == ["unauthenticated", step])
            time.advance(seconds: 101)
            #expect(await all() == ["unauthenticated", "unauthenticated"])
            // Later steps clear the old ones away.
            time.advance(seconds: 90_000)
            _ = try await issue()
            #expect(try await database.read { db in try db.one("SELECT count(*) FROM token") { try $0.int(0) } } == 1)
        }
    }

    @Test func `what a role may do`() {
        let write = Permission("x.write", .makers)
        let cases: [(Principal, String?, Bool)] = [
            (Principal(name: "a", role: nil), nil, false), (Principal(name: "a", role: nil), "p", false),
            (Principal(name: "a", role: .viewer), "p", false), (Principal(name: "a", role: .owner), "p", true),
            (Principal(name: "a", role: .admin), nil, true),
            (Principal(name: "a", role: .admin, scopes: ["x.read"]), "p", false),
            (Principal(name: "a", role: .viewer, scopes: ["x.write"]), "p", false),
            (Principal(name: "a", role: nil, grants: ["p": .owner]), "p", true),
            (Principal(name: "a", role: nil, grants: ["p": .owner]), "q", false),
            (Principal(name: "a", role: nil, grants: ["p": .owner]), nil, false),
            // A grant replaces the role, downwards too.
            (Principal(name: "a", role: .owner, grants: ["p": .viewer]), "p", false),
            (Principal(name: "a", role: .owner, grants: ["p": .viewer]), "q", true),
        ]
        #expect(cases.filter { $0.0.may(write, in: $0.1) != $0.2 }.map { "\($0.0) in \($0.1 ?? "-")" } == [])
        #expect(Principal(name: "a", role: nil, grants: ["p": .owner]).mayAnywhere(write))
        #expect(!Principal(name: "a", role: .viewer, grants: ["p": .annotator]).mayAnywhere(write))
        #expect(Principal(name: "a", role: nil).may(.signedIn, in: nil))
    }
}
