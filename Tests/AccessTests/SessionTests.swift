import Core
import Foundation
import Ledger
import Logging
import Platform
import TestSupport
import Testing
import Web

@testable import Access

@Suite struct SessionTests {
    private static let cookieName = "slipway-session-5000"

    /// A server that asks for a token, and one token of `mia`, who owns the project `p`.
    private struct World {
        let application: WebApplication
        let access: AccessService
        let time: HandClock
        let token: String
        let tokenID: String

        /// What a browser's own page sends.
        func ask(
            _ method: String, _ target: String, cookie: String? = nil, body: JSONValue? = nil,
            _ headers: [(name: String, value: String)] = [("sec-fetch-site", "same-origin")]
        ) async throws -> (status: Int, json: JSONValue, setCookie: String?) {
            let answer = await application.respond(
                method: method, target: target,
                headers: [("host", "ml.example.org")] + headers + (cookie.map { [("cookie", $0)] } ?? []),
                body: RequestBody(body?.canonicalBytes ?? []))
            let bytes = try await answer.collect()
            return (
                answer.status, bytes.isEmpty ? .null : try JSONValue(parsing: bytes),
                answer.headers.first { $0.name == "Set-Cookie" }?.value
            )
        }

        func signIn(_ token: String) async throws -> String {
            let answer = try await ask("POST", "/api/v1/session", body: ["token": .string(" \(token)\n")])
            try #require(answer.status == 201)
            return String(try #require(answer.setCookie).prefix { $0 != ";" })
        }
    }

    private func each(openToLocalUse: Bool = false, _ body: (World) async throws -> Void) async throws {
        try await TestDatabase.each(AccessTests.migrations) { database in
            let time = HandClock()
            let access = AccessService(
                ledger: Ledger(database: database, clock: time.clock), openToLocalUse: openToLocalUse, clock: time.clock
            )
            _ = try await access.bootstrap()
            _ = try await access.createAccount(name: "mia", kind: .user, role: .viewer, as: AccessTests.admin)
            try await access.grant(.owner, on: "p", to: "mia", as: AccessTests.admin)
            let (info, text) = try await access.issueToken(
                for: "mia", label: "", scopes: nil, lifetimeSeconds: nil, as: AccessTests.admin)
            let configuration = WebConfiguration(host: "0.0.0.0", port: 5000, allowedHosts: nil)
            let routes = AccessRoutes(access).routes
            let application = WebApplication(
                routes: routes
                    + SessionRoutes(access, cookie: configuration.cookie, version: "1").routes(with: routes),
                authenticator: {
                    try await access.authenticate(
                        Credentials(authorization: $0.authorization, session: $0.session, peerIsLoopback: true))
                }, configuration: configuration, prometheus: Prometheus(), logger: .init(label: "test"))
            try await body(
                World(application: application, access: access, time: time, token: text.reveal, tokenID: info.id))
        }
    }

    @Test func `a browser signs in with a token and out again, and knows what it may do`() async throws {
        try await each { world in
            #expect(try await world.ask("GET", "/api/v1/session").status == 401)
            let answer = try await world.ask("POST", "/api/v1/session", body: ["token": .string(world.token)])
            let set = try #require(answer.setCookie)
            #expect(set.hasPrefix("\(Self.cookieName)=slw_") && !set.contains(world.token))
            #expect(set.hasSuffix("; Path=/; HttpOnly; SameSite=Strict; Max-Age=604800"))
            let cookie = String(set.prefix { $0 != ";" })
            let session = try await world.ask("GET", "/api/v1/session", cookie: "a=b; \(cookie); c=d").json
            #expect(session == answer.json)
            #expect(
                session["principal"] == ["name": "mia", "role": "viewer", "grants": ["p": "owner"]]
                    && session["permissions"] == [
                        "general": ["access.read"], "projects": ["p": ["access.manage", "access.read"]],
                    ] && session["session"]?["expires"]?.stringValue != nil)
            // Over TLS, never without it.
            let secure = try await world.ask(
                "POST", "/api/v1/session", body: ["token": .string(world.token)],
                [("origin", "https://ml.example.org")])
            #expect(secure.setCookie?.hasSuffix("; Secure") == true)
            let out = try await world.ask("DELETE", "/api/v1/session", cookie: cookie)
            #expect(out.status == 204 && out.setCookie?.hasPrefix("\(Self.cookieName)=; ") == true)
            #expect(out.setCookie?.contains("Max-Age=0") == true)
            #expect(try await world.ask("GET", "/api/v1/session", cookie: cookie).status == 401)
            #expect(try await world.ask("DELETE", "/api/v1/session", cookie: cookie).status == 204)
        }
    }

    @Test func `the cookie counts for our own pages only, and nowhere but in a cookie`() async throws {
        try await each { world in
            let cookie = try await world.signIn(world.token)
            let value = String(cookie.dropFirst(Self.cookieName.count + 1))
            let our = "ml.example.org"
            // Method, headers, status.
            let cases: [(String, [(name: String, value: String)], Int)] = [
                ("GET", [], 200), ("GET", [("sec-fetch-site", "none")], 200),
                ("GET", [("sec-fetch-site", "same-origin")], 200), ("GET", [("sec-fetch-site", "same-site")], 401),
                ("GET", [("sec-fetch-site", "cross-site")], 401), ("GET", [("origin", "http://evil.org")], 401),
                ("POST", [], 401), ("POST", [("sec-fetch-site", "none")], 401),
                ("POST", [("sec-fetch-site", "same-origin")], 201), ("POST", [("sec-fetch-site", "same-site")], 401),
                ("POST", [("sec-fetch-site", "cross-site"), ("origin", "http://\(our)")], 401),
                ("POST", [("origin", "http://\(our)")], 201), ("POST", [("origin", "https://\(our)")], 201),
                ("POST", [("origin", "http://\(our):8080")], 401), ("POST", [("origin", "null")], 401),
                ("POST", [("origin", "http://evil.org")], 401),
            ]
            var wrong: [String] = []
            for (method, headers, status) in cases {
                let got = try await world.ask(method, "/api/v1/tokens", cookie: cookie, headers)
                if got.status != status { wrong.append("\(method) \(headers): \(got.status)") }
            }
            #expect(wrong == [])
            // A session is no token, a token no session, and another server's cookie nothing.
            let no: [[(name: String, value: String)]] = [
                [("authorization", "Bearer \(value)")], [("cookie", "\(Self.cookieName)=\(world.token)")],
                [("cookie", "slipway-session-5001=\(value)")], [("cookie", "\(Self.cookieName)=")],
                [("cookie", "\(cookie)0")], [("authorization", "Bearer x"), ("cookie", cookie)],
            ]
            for headers in no { #expect(try await world.ask("GET", "/api/v1/session", headers).status == 401) }
            #expect(try await world.ask("POST", "/api/v1/session", body: ["token": .string(value)]).status == 401)
        }
    }

    @Test func `a session ends in time, by revocation, and with its token`() async throws {
        try await each { world in
            func status(_ cookie: String) async throws -> Int {
                try await world.ask("GET", "/api/v1/session", cookie: cookie).status
            }
            let (first, second) = (try await world.signIn(world.token), try await world.signIn(world.token))
            // Listed, so that a person sees where else they are signed in, and can end that.
            let mia = Principal(name: "mia", role: .viewer)
            let sessions = try await world.access.tokens(of: "mia", as: mia).filter { $0.parent != nil }
            #expect(sessions.map(\.parent) == [world.tokenID, world.tokenID])
            let id = String(first.split(separator: "_")[1])
            try await world.access.revokeToken(id, as: mia)
            #expect(try await [status(first), status(second)] == [401, 200])
            // What a session makes may outlive it, but not its token.
            let made = try await world.ask("POST", "/api/v1/tokens", cookie: second, body: ["label": "x"])
            #expect(made.status == 201 && made.json["expires"] == .null)
            let third = try await world.signIn(world.token)
            world.time.advance(seconds: AccessService.sessionSeconds - 60)
            #expect(try await status(second) == 200)
            world.time.advance(seconds: 61)
            #expect(try await status(second) == 401)
            #expect(try await status(third) == 401)
            let fourth = try await world.signIn(world.token)
            #expect(try await status(fourth) == 200)
            try await world.access.revokeToken(world.tokenID, as: mia)
            #expect(try await status(fourth) == 401)
            #expect(try await world.ask("POST", "/api/v1/session", body: ["token": .string(world.token)]).status == 401)
        }
    }

    @Test func `who tries secrets for a token waits, and nobody else does`() async throws {
        try await each { world in
            let id = world.tokenID
            func attempt(_ token: String) async throws -> Int {
                try await world.ask("POST", "/api/v1/session", body: ["token": .string(token)]).status
            }
            var got: [Int] = []
            for digit in 0..<6 {
                got.append(try await attempt("slw_\(id)_\(String(repeating: "0\(digit)", count: 24))"))
            }
            #expect(got == [401, 401, 401, 401, 401, 429])
            #expect(
                try await [attempt(world.token), attempt("slw_\(id.reversed())_00"), attempt("")] == [429, 401, 401])
            world.time.advance(seconds: 61)
            #expect(try await attempt(world.token) == 201)
        }
    }

    @Test func `a server that is open to local use takes a session, and is itself without one`() async throws {
        try await each(openToLocalUse: true) { world in
            func name(_ cookie: String?) async throws -> String? {
                try await world.ask("GET", "/api/v1/session", cookie: cookie).json["principal"]?["name"]?.stringValue
            }
            let cookie = try await world.signIn(world.token)
            #expect(try await [name(nil), name(cookie), name(cookie + "0")] == ["local", "mia", "local"])
        }
    }
}
