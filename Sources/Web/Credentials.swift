import Core

/// What a request brings to say who sends it.
public struct Credentials: Sendable {
    /// The `Authorization` header.
    public let authorization: String?
    /// What the session's cookie holds; nil where a cookie does not count.
    public let session: String?
    public let peerIsLoopback: Bool

    public init(authorization: String?, session: String? = nil, peerIsLoopback: Bool) {
        self.authorization = authorization
        self.session = session
        self.peerIsLoopback = peerIsLoopback
    }
}

/// Finds out who sends a request.
public typealias Authenticator = @Sendable (Credentials) async throws -> Principal

/// The cookie that says which browser it is that was signed in (RFC 6265).
public struct SessionCookie: Sendable {
    /// Cookies are shared by all ports of a host: each server has a name of its own.
    public let name: String

    public init(port: Int) { name = "slipway-session-\(port)" }

    /// The value for `Set-Cookie`. No script reads it, and no browser sends it along with what another site asks for.
    ///
    /// - Parameter secure: never to be sent without TLS.
    public func header(_ value: String, seconds: Int, secure: Bool) -> String {
        "\(name)=\(value); Path=/; HttpOnly; SameSite=Strict; Max-Age=\(seconds)\(secure ? "; Secure" : "")"
    }

    /// The value that a request brings. A browser sends it with requests of other ports of the same host too, so it
    /// counts only for what our own pages ask for, as the browser says by `Sec-Fetch-Site`, or, where it does not, by
    /// `Origin`; to read, also for what no page asks for.
    func value(_ method: Method, _ header: (String) -> String?) -> String? {
        guard
            let value = header("cookie")?.split(separator: ";").lazy.map({ $0.drop { $0 == " " } })
                .first(where: { $0.hasPrefix(name + "=") })?.dropFirst(name.utf8.count + 1)
        else { return nil }
        let reads = method == .get || method == .head
        switch header("sec-fetch-site")?.lowercased() {
        case "same-origin": return String(value)
        case "none": return reads ? String(value) : nil
        case .some: return nil
        case nil:
            guard let origin = header("origin")?.lowercased() else { return reads ? String(value) : nil }
            let host = header("host")?.lowercased() ?? ""
            return origin == "http://\(host)" || origin == "https://\(host)" ? String(value) : nil
        }
    }
}
