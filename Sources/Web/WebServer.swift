import Core
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the web server is told.
public struct WebConfiguration: Sendable {
    public var host: String
    public var port: Int
    /// Names that a request's `Host` may carry besides the loopback names; nil allows any (behind a token).
    public var allowedHosts: Set<String>?
    /// Kept closed to web pages: with local use open, `Host` and `Origin` are checked.
    public init(host: String, port: Int, allowedHosts: Set<String>? = []) {
        self.host = host
        self.port = port
        self.allowedHosts = allowedHosts
    }

    public var cookie: SessionCookie { SessionCookie(port: port) }

    public var isLoopback: Bool { ["127.0.0.1", "::1", "localhost"].contains(host) }
}

/// Routes requests, checks who may do what, and turns errors into answers.
public struct WebApplication: Sendable {
    /// How long requests under way may go on after SIGTERM.
    static let drainSeconds = 20

    public let router: Router
    let authenticator: Authenticator
    let configuration: WebConfiguration
    public let prometheus: Prometheus
    let logger: Logger

    public init(
        routes: [Route], authenticator: @escaping Authenticator, configuration: WebConfiguration,
        prometheus: Prometheus, logger: Logger
    ) {
        router = Router(routes)
        self.authenticator = authenticator
        self.configuration = configuration
        self.prometheus = prometheus
        self.logger = logger
    }

    /// Answers one request; never throws.
    public func respond(
        method: String, target: String, headers: [(name: String, value: String)], body: RequestBody
    ) async -> Response {
        let started = Clock.monotonicNanoseconds()
        let id = RequestID.next()
        var wire = Wire.slipway
        var template = "unmatched"
        var response: Response
        do {
            let split = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            let path = String(split[0])
            guard let method = Method(rawValue: method) else {
                throw SlipwayError(.unsupported, "The method \(method.prefix(20)) is not known here.")
            }
            let (route, parameters) = try router.match(method, path)
            wire = route.wire
            template = route.path
            func header(_ name: String) -> String? { headers.value(of: name) }
            try checkOrigin(host: header("host"), origin: header("origin"))
            try checkSite(method, site: header("sec-fetch-site"))
            // The one form that a page of another site can fill with JSON; not every browser names its origin.
            if case .json = route.body, header("content-type")?.lowercased().hasPrefix("text/plain") == true {
                throw SlipwayError(
                    .invalid,
                    "The body's Content-Type is text/plain, which is not taken here; JSON is application/json.")
            }
            let credentials = Credentials(
                authorization: header("authorization"), session: configuration.cookie.value(method, header),
                peerIsLoopback: configuration.isLoopback)
            let principal =
                route.permission == .open
                ? Principal(name: "anyone", role: nil) : try await authenticator(credentials)
            // The outer door: who may do this nowhere does not get to the handler. Handlers check the project.
            if !principal.mayAnywhere(route.permission) { try principal.require(route.permission, in: nil) }
            let request = Request(
                id: id, method: method, path: path, principal: principal, headers: headers,
                queryItems: try Self.queryItems(split.count > 1 ? split[1] : ""), parameters: parameters, body: body,
                session: credentials.session, principalNow: { try await authenticator(credentials) })
            response = try await route.handle(request)
        } catch {
            response = failure(error, id: id, wire: wire)
        }
        let seconds = Double(Clock.monotonicNanoseconds() - started) / 1e9
        prometheus.count(
            "slipway_http_requests_total", help: "Requests by route and status.",
            labels: [("route", template), ("status", String(response.status))])
        prometheus.observe(
            "slipway_http_request_seconds", help: "Time until the answer is ready.", labels: [("route", template)],
            seconds: seconds)
        logger.debug(
            "\(method) \(template) \(response.status)",
            metadata: ["request.id": "\(id)", "duration_ms": "\(seconds * 1000)"])
        response.headers.append(("X-Request-Id", id))
        response.headers.append(("X-Content-Type-Options", "nosniff"))
        return response
    }

    private func failure(_ error: any Error, id: String, wire: Wire) -> Response {
        let shown: SlipwayError
        if let known = error as? SlipwayError {
            shown = known
            if known.code == .internal || known.code == .unavailable {
                logger.error(
                    "\(known.message)",
                    metadata: [
                        "request.id": "\(id)", "cause": "\(known.cause.map { "\($0)" } ?? "-")",
                        "details": "\(known.details)",
                    ])
            }
        } else if error is CancellationError {
            shown = SlipwayError(.cancelled, "The request was cancelled.")
        } else {
            logger.error("Unexpected error.", metadata: ["request.id": "\(id)", "cause": "\(error)"])
            shown = SlipwayError(.internal, "Internal error; the log has the rest under request \(id).")
        }
        var response = wire.error(shown, id)
        if shown.code == .unauthenticated { response.headers.append(("WWW-Authenticate", "Bearer")) }
        // RFC 9110, 15.5.6: a known path that does not take the method says which ones it takes.
        if let allow = shown.details["allow"] {
            response.status = 405
            response.headers.append(("Allow", allow))
        }
        return response
    }

    /// A web page must not reach a server that trusts the local user: its `Host` must be ours (DNS rebinding) and its
    /// `Origin`, if any, the same as its host (cross-site requests).
    private func checkOrigin(host: String?, origin: String?) throws {
        guard let allowed = configuration.allowedHosts else { return }
        let host = host?.lowercased() ?? ""
        let name = Self.hostName(host)
        guard
            ["127.0.0.1", "localhost", "[::1]", configuration.host.lowercased()].contains(name)
                || allowed.contains(where: { $0.lowercased() == name })
        else {
            throw SlipwayError(
                .forbidden,
                "The host '\(name.prefix(80))' is not one of this server's names. Use http://127.0.0.1:\(configuration.port), or start with --allowed-host."
            )
        }
        guard let origin = origin?.lowercased() else { return }
        guard origin != "null" else {
            throw SlipwayError(.forbidden, "Requests from pages without an origin are refused.")
        }
        guard origin == "http://\(host)" || origin == "https://\(host)" else {
            throw SlipwayError(.forbidden, "Requests from pages of \(origin.prefix(120)) are refused.")
        }
    }

    /// What a browser says about the page that asks (Fetch Metadata): other sites may link here, and do nothing.
    private func checkSite(_ method: Method, site: String?) throws {
        guard configuration.allowedHosts != nil, let site = site?.lowercased(),
            site == "cross-site" || site == "same-site",
            method != .get, method != .head
        else { return }
        throw SlipwayError(.forbidden, "Requests from pages of other sites are refused.")
    }

    /// The name without the port.
    private static func hostName(_ host: String) -> String {
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return String(host[...end]) }
        let parts = host.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 1 || (parts.count == 2 && UInt16(parts[1]) != nil) else { return "" }
        return String(parts[0])
    }

    private static func queryItems(_ text: Substring) throws -> [(name: String, value: String)] {
        try text.split(separator: "&").map { item in
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = percentDecode(parts[0], plusIsSpace: true),
                let value = parts.count > 1 ? percentDecode(parts[1], plusIsSpace: true) : ""
            else { throw SlipwayError.field("query", "is not percent-encoded UTF-8") }
            return (name, value)
        }
    }

    /// Serves until SIGTERM or SIGINT, then lets the requests under way end.
    public func serve(onReady: @escaping @Sendable (_ port: Int) async -> Void) async throws {
        let responder = CallbackResponder<BasicRequestContext> { request, _ in
            let length = request.headers[.contentLength].flatMap { Int64($0) }
            let body = RequestBody(request.body, contentLength: length) { buffer in Array(buffer.readableBytesView) }
            var headers = request.headers.map { (name: $0.name.canonicalName, value: $0.value) }
            if let authority = request.head.authority { headers.append(("host", authority)) }
            let answer = await respond(
                method: request.method.rawValue, target: request.head.path ?? "/", headers: headers, body: body)
            var fields = HTTPFields()
            for (name, value) in answer.headers {
                if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
            }
            let isHead = request.method == .head
            switch answer.body {
            case .bytes(let bytes):
                if isHead { fields[.contentLength] = String(bytes.count) }
                return Hummingbird.Response(
                    status: .init(code: answer.status), headers: fields,
                    body: isHead ? .init() : .init(byteBuffer: ByteBuffer(bytes: bytes)))
            case .stream(let length, let write):
                if isHead, let length { fields[.contentLength] = String(length) }
                return Hummingbird.Response(
                    status: .init(code: answer.status), headers: fields,
                    body: isHead
                        ? .init()
                        : .init(contentLength: length.map(Int.init)) { writer in
                            nonisolated(unsafe) var sink = writer
                            // The closure is called by one task at a time, inside this body's own lifetime.
                            try await write(ResponseWriter { bytes in try await sink.write(ByteBuffer(bytes: bytes)) })
                            try await sink.finish(nil)
                        })
            }
        }
        let application = Application(
            responder: responder,
            server: .http1(configuration: .init(idleTimeout: .seconds(120))),
            configuration: .init(
                address: .hostname(configuration.host, port: configuration.port), serverName: "slipway"),
            onServerRunning: { channel in await onReady(channel.localAddress?.port ?? configuration.port) },
            logger: logger)
        var group = ServiceGroupConfiguration(
            services: [application], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(Self.drainSeconds)
        do { try await ServiceGroup(configuration: group).run() } catch let error as IOError
            where error.errnoCode == EADDRINUSE
        {
            throw SlipwayError(
                .unavailable,
                "Port \(configuration.port) of \(configuration.host) is in use by another program. Stop it, or choose another with --port."
            )
        }
    }
}
