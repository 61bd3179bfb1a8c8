import Core

/// One HTTP request as the features see it: parsed, authenticated, with an id for the log.
public struct Request: Sendable {
    public let id: String
    public let method: Method
    /// The path as sent, percent-encoded, without the query.
    public let path: String
    public let principal: Principal
    let headers: [(name: String, value: String)]
    let queryItems: [(name: String, value: String)]
    let parameters: [String: String]
    public let body: RequestBody
    /// What the session's cookie holds; nil where a cookie does not count.
    public let session: String?
    /// Who sends it, found out again: what answers for long must notice that a token was revoked.
    ///
    /// - Throws: `unauthenticated`.
    public let principalNow: @Sendable () async throws -> Principal

    public init(
        id: String, method: Method, path: String, principal: Principal, headers: [(name: String, value: String)],
        queryItems: [(name: String, value: String)], parameters: [String: String], body: RequestBody,
        session: String? = nil, principalNow: (@Sendable () async throws -> Principal)? = nil
    ) {
        self.id = id
        self.method = method
        self.path = path
        self.principal = principal
        self.headers = headers
        self.queryItems = queryItems
        self.parameters = parameters
        self.body = body
        self.session = session
        self.principalNow = principalNow ?? { principal }
    }

    /// The same request of somebody else: who may do less, for example.
    public func acting(as principal: Principal) -> Request {
        Request(
            id: id, method: method, path: path, principal: principal, headers: headers, queryItems: queryItems,
            parameters: parameters, body: body)
    }

    /// A header by its name in any case.
    public func header(_ name: String) -> String? { headers.value(of: name.lowercased()) }

    public func query(_ name: String) -> String? { queryItems.first { $0.name == name }?.value }

    public func queryAll(_ name: String) -> [String] { queryItems.filter { $0.name == name }.map(\.value) }

    /// All query items, the last of a repeated name winning.
    public var queryMap: [String: String] { Dictionary(queryItems.map { ($0.name, $0.value) }) { _, b in b } }

    /// A `{name}` of the route's path, decoded. Only for names that the route declares.
    public func parameter(_ name: String) -> String {
        guard let value = parameters[name] else { preconditionFailure("the route has no {\(name)}") }
        return value
    }

    /// A whole number in the path or the query.
    public func intParameter(_ name: String) throws -> Int {
        guard let value = Int(parameter(name)) else {
            throw SlipwayError.field(
                name, "'\(parameter(name).prefix(40))' is not a whole number", expected: "a number such as 3")
        }
        return value
    }

    /// The project that a request without one in its path is about: `?project=`, the header `X-Slipway-Project`, the only
    /// project of a principal that has just one (a pipeline step), else `default`.
    public var project: String {
        query("project") ?? header("x-slipway-project")
            ?? (principal.role == nil && principal.grants.count == 1 ? principal.grants.first?.key : nil)
            ?? "default"
    }

    /// `?limit=` and `?after=`.
    public func page(maximum: Int = Limits.pageMaximum) throws -> PageRequest {
        try PageRequest(limit: query("limit"), after: query("after"), maximum: maximum)
    }

    /// The whole body.
    ///
    /// - Throws: `tooLarge` past `maximumBytes`.
    public func bytes(maximumBytes: Int = Limits.bodyBytes) async throws -> [UInt8] {
        try await body.collect(maximumBytes: maximumBytes)
    }

    /// The body as a JSON object; an empty body is an empty object.
    ///
    /// - Parameter allowed: the fields that the route knows; others are refused by name.
    public func json(allowed: Set<String>? = nil, maximumBytes: Int = Limits.bodyBytes) async throws -> JSONFields {
        let bytes = try await bytes(maximumBytes: maximumBytes)
        return try JSONFields(bytes.isEmpty ? .object([:]) : JSONValue(parsing: bytes), allowed: allowed)
    }
}

extension [(name: String, value: String)] {
    /// The first header of a lower-case name. HTTP compares names without their case (RFC 9110, 5.1); the server hands
    /// them over in lower case, so the common look-up copies nothing.
    func value(of name: String) -> String? {
        (first { $0.name == name } ?? first { $0.name.lowercased() == name })?.value
    }
}

public enum Method: String, Sendable, CaseIterable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case head = "HEAD"
}

/// The bytes of a request as they come, in pieces; can be read once.
public struct RequestBody: Sendable, AsyncSequence {
    public typealias Element = [UInt8]
    public typealias Failure = any Error

    /// The declared length, if the client sent one.
    public let contentLength: Int64?
    private let next: @Sendable () -> Iterator

    public struct Iterator: AsyncIteratorProtocol {
        public typealias Failure = any Error
        let pull: () async throws -> [UInt8]?
        public mutating func next() async throws -> [UInt8]? { try await pull() }
    }

    /// A body from any source of pieces.
    public init<Source: AsyncSequence & Sendable>(
        _ source: Source, contentLength: Int64?, map: @escaping @Sendable (Source.Element) -> [UInt8]
    ) {
        self.contentLength = contentLength
        next = {
            var iterator = source.makeAsyncIterator()
            return Iterator { try await iterator.next().map(map) }
        }
    }

    /// A body in memory.
    public init(_ bytes: [UInt8] = []) {
        contentLength = Int64(bytes.count)
        next = {
            var rest: [UInt8]? = bytes.isEmpty ? nil : bytes
            return Iterator {
                defer { rest = nil }
                return rest
            }
        }
    }

    public func makeAsyncIterator() -> Iterator { next() }

    public func collect(maximumBytes: Int) async throws -> [UInt8] {
        func tooLarge() -> SlipwayError {
            SlipwayError(.tooLarge, "The body is over \(maximumBytes) bytes.", details: ["limit": String(maximumBytes)])
        }
        if let contentLength, contentLength > maximumBytes { throw tooLarge() }
        var out: [UInt8] = []
        out.reserveCapacity(Int(contentLength ?? 0))
        for try await piece in self {
            guard out.count + piece.count <= maximumBytes else { throw tooLarge() }
            out.append(contentsOf: piece)
        }
        return out
    }
}
