import Core
import Web

/// Signing a browser in and out, and what the web application needs to know of who uses it.
public struct SessionRoutes: Sendable {
    private let service: AccessService
    private let cookie: SessionCookie
    private let version: String

    public init(_ service: AccessService, cookie: SessionCookie, version: String) {
        self.service = service
        self.cookie = cookie
        self.version = version
    }

    /// The routes, given all others, whose permissions the session is told that it has.
    public func routes(with others: [Route]) -> [Route] {
        let permissions = Set(others.map(\.permission)).subtracting([.open, .signedIn]).sorted { $0.name < $1.name }
        @Sendable func json(_ principal: Principal, _ session: TokenInfo?) -> JSONValue {
            func names(_ project: String?) -> JSONValue {
                JSONValue(permissions.filter { principal.may($0, in: project) }.map(\.name))
            }
            return [
                "principal": AccessRoutes.json(principal),
                "session": session.map {
                    ["id": .string($0.id), "expires": $0.expires.map { JSONValue($0) } ?? .null]
                } ?? .null,
                "permissions": [
                    "general": names(nil),
                    "projects": .object(
                        Dictionary(uniqueKeysWithValues: principal.grants.keys.map { ($0, names($0)) })),
                ],
                "server": ["name": "Slipway", "version": .string(version)],
            ]
        }
        return [
            Route(
                .get, "/api/v1/session", .signedIn,
                "Who uses the web application, and what they may do: in general, and where a grant replaces that."
            ) { request in
                // A header with a token counts before the cookie.
                let cookie = request.header("authorization") == nil ? request.session : nil
                let session = try await service.session(cookie)
                return .json(json(request.principal, session?.info))
            },
            Route(
                .post, "/api/v1/session", .open, "Signs a browser in with a token; the session is in a cookie.",
                body: .json([.init("token", "A token, as 'slipway token create' prints it.")])
            ) { request in
                let text = try await request.json(allowed: ["token"]).string("token")
                let (session, secret) = try await service.beginSession(
                    token: text.filter { !$0.isWhitespace })
                let answer = json(session.principal, session.info)
                return .json(answer, status: 201).header("Set-Cookie", set(secret.reveal, request))
            },
            Route(.delete, "/api/v1/session", .open, "Signs the browser out.") { request in
                if let session = request.session { try await service.endSession(session) }
                return Response.noContent.header("Set-Cookie", set("", request))
            },
        ]
    }

    /// Behind a proxy with TLS, the page's origin says so.
    private func set(_ value: String, _ request: Request) -> String {
        let seconds = value.isEmpty ? 0 : Int(AccessService.sessionSeconds)
        let secure = request.header("origin")?.lowercased().hasPrefix("https://") == true
        return cookie.header(value, seconds: seconds, secure: secure)
    }
}
