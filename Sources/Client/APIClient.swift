import Core
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Slipway's HTTP API from Swift: what the command line and the agent use.
public struct APIClient: Sendable {
    /// How long an answer may take that the server makes while we wait: until it is there, nothing comes.
    public static let answerSeconds = 600.0
    /// The same of what the server makes from a whole file.
    static let workSeconds = 3600.0

    public let url: String
    private let token: Secret<String>?
    private let http: HTTPClient

    public init(url: String, token: Secret<String>?, http: HTTPClient = HTTPClient()) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.token = token
        self.http = http
    }

    public func get(_ path: String, query: [(String, String?)] = []) async throws -> JSONValue {
        try await send("GET", path, query: query)
    }

    public func post(
        _ path: String, _ body: JSONValue = [:], timeoutSeconds: Double = answerSeconds
    ) async throws -> JSONValue {
        try await send("POST", path, body: body, timeoutSeconds: timeoutSeconds)
    }

    /// One call. An empty answer is `null`.
    ///
    /// - Throws: the server's own error, or `unavailable` when there is no server at the URL.
    public func send(
        _ method: String, _ path: String, query: [(String, String?)] = [], body: JSONValue? = nil,
        timeoutSeconds: Double = answerSeconds
    ) async throws -> JSONValue {
        var request = HTTPRequest(method: method, url: address(path, query))
        request.headers = headers
        request.timeoutSeconds = timeoutSeconds
        request.stallSeconds = timeoutSeconds
        if let body {
            request.headers.append(("Content-Type", "application/json"))
            request.body = .bytes(body.canonicalBytes)
        }
        let response = try await reach { try await http.send(request) }
        try check(response)
        return response.body.isEmpty ? .null : try JSONValue(parsing: response.body)
    }

    /// Up to `limit` items of a listing, page after page.
    public func list(_ path: String, query: [(String, String?)] = [], limit: Int = 1000) async throws -> [JSONValue] {
        var items: [JSONValue] = []
        var after: String?
        repeat {
            let page = try await get(
                path, query: query + [("limit", String(min(limit - items.count, 1000))), ("after", after)])
            items += page["items"]?.arrayValue ?? []
            after = page["next"]?.stringValue
        } while after != nil && items.count < limit
        return items
    }

    /// The bytes of an answer that is not JSON.
    public func bytes(
        _ path: String, method: String = "GET", query: [(String, String?)] = []
    ) async throws -> [UInt8] {
        var request = HTTPRequest(method: method, url: address(path, query))
        request.headers = headers
        request.timeoutSeconds = Self.answerSeconds
        request.stallSeconds = Self.answerSeconds
        let response = try await reach { try await http.send(request) }
        try check(response)
        return response.body
    }

    /// Hands over an answer line by line as it comes; ends when the server does or `onLine` returns false.
    public func lines(_ path: String, query: [(String, String?)] = [], onLine: @escaping @Sendable (String) -> Bool)
        async throws
    {
        var request = HTTPRequest(method: "GET", url: address(path, query))
        request.headers = headers
        request.timeoutSeconds = 86_400
        let splitter = LineSplitter()
        let response = try await reach { [request] in
            try await http.stream(request) { bytes in
                for line in splitter.feed(bytes) where !onLine(line) { return false }
                return true
            }
        }
        try check(response)
    }

    /// Sends a file's bytes.
    public func upload(
        _ method: String, _ path: String, query: [(String, String?)] = [], file: String, contentType: String
    ) async throws -> JSONValue {
        var request = HTTPRequest(method: method, url: address(path, query))
        request.headers = headers + [("Content-Type", contentType)]
        request.timeoutSeconds = 86_400
        request.stallSeconds = Self.workSeconds
        request.body = .file(path: file, offset: 0, length: try fileSize(file))
        let response = try await reach { [request] in try await http.send(request) }
        try check(response)
        return response.body.isEmpty ? .null : try JSONValue(parsing: response.body)
    }

    /// Sends bytes and gives the bytes of the answer.
    public func exchange(
        _ method: String, _ path: String, query: [(String, String?)] = [], _ bytes: [UInt8], contentType: String
    ) async throws -> [UInt8] {
        var request = HTTPRequest(method: method, url: address(path, query))
        request.headers = headers + [("Content-Type", contentType)]
        request.timeoutSeconds = 86_400
        request.stallSeconds = 600
        request.body = .bytes(bytes)
        request.maximumResponseBytes = .max
        let response = try await reach { [request] in try await http.send(request) }
        try check(response)
        return response.body
    }

    /// Hands over the bytes of an answer as they come, on a thread that may block.
    ///
    /// - Parameter range: only these bytes of it.
    public func stream(
        _ path: String, query: [(String, String?)] = [], range: Range<Int64>? = nil, method: String = "GET",
        body: JSONValue? = nil, onBytes: @escaping @Sendable ([UInt8]) throws -> Void
    ) async throws {
        var request = HTTPRequest(method: method, url: address(path, query))
        request.headers = headers
        if let body {
            request.headers.append(("Content-Type", "application/json"))
            request.body = .bytes(body.canonicalBytes)
        }
        if let range { request.headers.append(("Range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")) }
        request.timeoutSeconds = 86_400
        let response = try await reach { [request] in
            try await http.stream(request) { bytes in
                try onBytes(bytes)
                return true
            }
        }
        try check(response)
    }

    // MARK: Parts

    private var headers: [(String, String)] { token.map { [("Authorization", "Bearer \($0.reveal)")] } ?? [] }

    private func address(_ path: String, _ query: [(String, String?)]) -> String {
        let items = query.compactMap { name, value in value.map { percentEncode(name) + "=" + percentEncode($0) } }
        return url + path + (items.isEmpty ? "" : "?" + items.joined(separator: "&"))
    }

    private func reach<T>(_ work: () async throws -> T) async throws -> T {
        do { return try await work() } catch let error as SlipwayError where error.code == .unavailable {
            throw SlipwayError(
                .unavailable,
                "There is no Slipway server at \(url). Start one with 'slipway serve', or name another with --url or SLIPWAY_URL.",
                cause: error)
        }
    }

    private func check(_ response: HTTPResponse) throws {
        guard response.status >= 400 else { return }
        // The Open Inference Protocol has its error as text, MLflow its message beside a code of its own.
        let body = try? JSONValue(parsing: response.body)
        let error = body?["error"]
        let code =
            error?["code"]?.stringValue.flatMap(ErrorCode.init(rawValue:))
            ?? ErrorCode.allCases.first { $0.httpStatus == response.status }
            ?? (response.status < 500 ? .invalid : .internal)
        let message = error?["message"]?.stringValue ?? error?.stringValue ?? body?["message"]?.stringValue
        throw SlipwayError(
            code, message ?? "The server answered \(response.status).",
            details: error?["details"]?.objectValue?.compactMapValues(\.stringValue) ?? [:],
            ref: error?["ref"]?.stringValue.flatMap { try? Ref(parsing: $0) })
    }
}

/// - Throws: `notFound` when there is no such file.
private func fileSize(_ path: String) throws -> Int64 {
    var status = stat()
    guard stat(path, &status) == 0 else { throw SlipwayError(.notFound, "There is no file \(path).") }
    return Int64(status.st_size)
}

/// Percent-encodes all but RFC 3986's unreserved characters.
public func percentEncode(_ text: String) -> String {
    var out = ""
    for byte in text.utf8 {
        switch byte {
        case 48...57, 65...90, 97...122, 45, 46, 95, 126: out.unicodeScalars.append(UnicodeScalar(byte))
        default: out += "%" + Hex.encode([byte]).uppercased()
        }
    }
    return out
}
