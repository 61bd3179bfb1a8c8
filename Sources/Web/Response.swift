import Core

/// What a route answers.
public struct Response: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: Body

    public enum Body: Sendable {
        case bytes([UInt8])
        /// Written piece by piece; `length` when it is known beforehand.
        case stream(length: Int64?, @Sendable (ResponseWriter) async throws -> Void)
    }

    public init(status: Int, headers: [(name: String, value: String)] = [], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public static func json(_ value: JSONValue, status: Int = 200) -> Response {
        json(value.canonicalBytes, status: status)
    }

    /// Bytes that are JSON already.
    public static func json(_ bytes: [UInt8], status: Int = 200) -> Response {
        Response(status: status, headers: [("Content-Type", "application/json")], body: .bytes(bytes))
    }

    public static func text(_ text: String, type: String = "text/plain; charset=utf-8", status: Int = 200) -> Response {
        Response(status: status, headers: [("Content-Type", type)], body: .bytes(Array(text.utf8)))
    }

    /// A page of a listing: `{"items": [...], "next": "…"}`; `next` is absent on the last page.
    public static func page<T>(_ page: Page<T>, _ render: (T) -> JSONValue) -> Response {
        var fields: [String: JSONValue] = ["items": .array(page.items.map(render))]
        if let next = page.next { fields["next"] = .string(next.description) }
        return .json(.object(fields))
    }

    public static let noContent = Response(status: 204)

    public func header(_ name: String, _ value: String) -> Response {
        var copy = self
        copy.headers.append((name, value))
        return copy
    }
}

/// Where a streamed body goes; waits when the client is slow.
public struct ResponseWriter: Sendable {
    let send: @Sendable ([UInt8]) async throws -> Void

    public init(send: @escaping @Sendable ([UInt8]) async throws -> Void) { self.send = send }

    public func write(_ bytes: [UInt8]) async throws { try await send(bytes) }
    public func write(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// One server-sent event (WHATWG HTML, section 9.2).
    public func event(id: String? = nil, type: String? = nil, data: String) async throws {
        var text = ""
        if let id { text += "id: \(id)\n" }
        if let type { text += "event: \(type)\n" }
        for line in data.split(separator: "\n", omittingEmptySubsequences: false) { text += "data: \(line)\n" }
        try await write(text + "\n")
    }
}
