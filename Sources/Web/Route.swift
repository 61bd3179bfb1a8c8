import Core

/// One URL: what it takes, who may use it, and what runs. The OpenAPI document is made from these, so it cannot lag.
public struct Route: Sendable {
    public let method: Method
    /// A template such as `/api/v1/datasets/{name}`; a last part `{path+}` takes the rest of the path.
    public let path: String
    public let permission: Permission
    /// One sentence for the OpenAPI document.
    public let summary: String
    public let query: [Parameter]
    public let body: Body
    /// How errors of this route look.
    public let wire: Wire
    public let handle: @Sendable (Request) async throws -> Response

    public struct Parameter: Sendable {
        public let name: String
        public let about: String
        public init(_ name: String, _ about: String) {
            self.name = name
            self.about = about
        }
    }

    public enum Body: Sendable {
        case none
        /// A JSON object with these fields; a name that ends in `?` is optional.
        case json([Parameter])
        /// Anything, streamed.
        case bytes(type: String)
    }

    public init(
        _ method: Method, _ path: String, _ permission: Permission, _ summary: String, query: [Parameter] = [],
        body: Body = .none,
        wire: Wire = .slipway, handle: @escaping @Sendable (Request) async throws -> Response
    ) {
        self.method = method
        self.path = path
        self.permission = permission
        self.summary = summary
        self.query = query
        self.body = body
        self.wire = wire
        self.handle = handle
    }

    /// The names in braces.
    var parameterNames: [String] {
        path.split(separator: "/").compactMap { part in
            part.first == "{" ? String(part.dropFirst().dropLast().filter { $0 != "+" }) : nil
        }
    }
}

/// How a protocol shows errors. Adapters for other protocols bring their own.
public struct Wire: Sendable {
    public let name: String
    public let error: @Sendable (SlipwayError, _ requestID: String) -> Response

    public init(name: String, error: @escaping @Sendable (SlipwayError, _ requestID: String) -> Response) {
        self.name = name
        self.error = error
    }

    /// `{"error": {"code", "message", "details", "ref", "requestId"}}`.
    public static let slipway = Wire(name: "slipway") { error, requestID in
        var fields: [String: JSONValue] = [
            "code": .string(error.code.rawValue), "message": .string(error.message), "requestId": .string(requestID),
        ]
        if !error.details.isEmpty { fields["details"] = JSONValue(error.details) }
        if let ref = error.ref { fields["ref"] = JSONValue(ref) }
        return .json(["error": .object(fields)], status: error.code.httpStatus)
    }
}
