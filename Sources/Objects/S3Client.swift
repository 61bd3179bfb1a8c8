import Core
import Transport

/// What sends requests: `HTTPClient`, or a test's stand-in for a service that misbehaves.
protocol HTTPSending: Sendable {
    func send(_ request: HTTPRequest) async throws -> HTTPResponse
    func download(
        _ request: HTTPRequest, to path: String, progress: (@Sendable (Int64, Int64?) -> Void)?
    ) async throws -> HTTPResponse
}

extension HTTPClient: HTTPSending {}

/// An object of a bucket, by its key.
public struct S3Object: Hashable, Sendable {
    public let key: String
    public let sizeBytes: Int64
    public let modified: Timestamp
    /// With its quotes.
    public let tag: String
}

/// A bucket of an S3 service. Requests that fail for a passing reason (connection, time, 429, 5xx) are tried again with
/// exponential back-off. Keys are whole: the location's prefix is the caller's business.
public final class S3Client: Sendable {
    public let location: S3Location
    let backoff: Backoff
    private let signer: SigV4
    private let http: any HTTPSending
    private let clock: Clock
    private let outbound: OutboundPolicy

    /// The largest single answer that is taken into memory.
    private static let maximumAnswerBytes: Int64 = 1 << 30

    public convenience init(
        location: S3Location, credentials: S3Credentials, http: HTTPClient, backoff: Backoff = Backoff(),
        outbound: OutboundPolicy = .any
    ) {
        self.init(
            location: location, credentials: credentials, sending: http, backoff: backoff, clock: .system,
            outbound: outbound)
    }

    init(
        location: S3Location, credentials: S3Credentials, sending http: any HTTPSending, backoff: Backoff,
        clock: Clock = .system, outbound: OutboundPolicy = .any
    ) {
        self.location = location
        self.outbound = outbound
        self.http = http
        self.backoff = backoff
        self.clock = clock
        signer = SigV4(credentials: credentials, region: location.region)
    }

    // MARK: Objects

    /// The bytes of an object, or a range of them.
    ///
    /// - Throws: `notFound`; as all calls here: `unavailable`, `deadlineExceeded`, `cancelled`.
    public func get(_ key: String, range: Range<Int64>? = nil) async throws -> [UInt8] {
        if let range, range.isEmpty { return [] }
        let headers = range.map { [("range", "bytes=\($0.lowerBound)-\($0.upperBound - 1)")] } ?? []
        let response = try await call("GET", key, headers: headers, accepting: range == nil ? [200] : [200, 206])
        // A service that does not know ranges sends everything.
        if let range, response.status == 200 {
            return Array(response.body.dropFirst(Int(range.lowerBound)).prefix(range.count))
        }
        return response.body
    }

    /// Writes an object to a file, going on after broken connections.
    ///
    /// - Parameter tag: the ETag that it must have; another is a `conflict`.
    /// - Returns: its ETag, and in buckets that keep versions the id of its version.
    @discardableResult
    public func download(
        _ key: String, to path: String, tag: String? = nil, progress: (@Sendable (Int64, Int64?) -> Void)? = nil
    ) async throws -> (tag: String?, version: String?) {
        let headers = tag.map { [("if-match", $0)] } ?? []
        let response = try await retrying {
            let request = self.request(
                "GET", key, query: [], headers: headers, body: .none, payloadHash: SigV4.emptyHash)
            return try await self.http.download(request, to: path, progress: progress)
        }
        if response.status == 412 {
            throw SlipwayError(
                .conflict,
                "The object '\(key.prefix(200))' of '\(location.bucket)' changed while it was read; read again.")
        }
        guard response.isSuccess else { throw failure(response, key) }
        return (response[header: "ETag"], response[header: "x-amz-version-id"])
    }

    /// nil if there is no such object.
    public func head(_ key: String) async throws -> S3Object? {
        let response = try await call("HEAD", key, accepting: [200, 404])
        guard response.status == 200 else { return nil }
        guard let size = response[header: "Content-Length"].flatMap({ Int64($0) }),
            let modified = response[header: "Last-Modified"].flatMap({ Timestamp(httpDate: $0) })
        else {
            throw SlipwayError(
                .unavailable, "\(location.endpoint.host) describes an object without its length and date.")
        }
        return S3Object(key: key, sizeBytes: size, modified: modified, tag: response[header: "ETag"] ?? "")
    }

    /// Stores bytes in one request, which is atomic.
    public func put(_ key: String, _ bytes: [UInt8]) async throws {
        try await put(key, body: .bytes(bytes), payloadHash: Digest.of(bytes).hex)
    }

    func put(_ key: String, body: HTTPBody, payloadHash: String) async throws {
        _ = try await call("PUT", key, body: body, payloadHash: payloadHash, accepting: [200])
    }

    /// Makes the object new again: its bytes stay, its modification time becomes now. In one request, which S3 allows up
    /// to 5 GiB.
    func refresh(_ key: String) async throws {
        let source = "/" + Percent.encode("\(location.bucket)/\(key)", keepingSlashes: true)
        // The directive lets an object be copied onto itself; the marker is the change that some services insist on.
        let headers = [
            ("x-amz-copy-source", source), ("x-amz-metadata-directive", "REPLACE"),
            ("x-amz-meta-touched", SigV4.stamp(clock.now())),
        ]
        let response = try await call("PUT", key, headers: headers, accepting: [200])
        if try XMLElement(parsing: response.body).name == "Error" { throw failure(response, key) }
    }

    /// Deletes the object if it is there.
    public func delete(_ key: String) async throws { _ = try await call("DELETE", key, accepting: [200, 204, 404]) }

    /// One page of the objects whose keys begin with `prefix`, in the order of the keys' bytes.
    public func list(prefix: String, after: String? = nil, limit: Int = 1000) async throws -> (
        objects: [S3Object], isEnd: Bool
    ) {
        var query = [
            ("list-type", "2"), ("prefix", prefix), ("max-keys", String(min(limit, 1000))), ("encoding-type", "url"),
        ]
        if let after { query.append(("start-after", after)) }
        let response = try await call("GET", "", query: query, accepting: [200])
        let page = try XMLElement(parsing: response.body)
        let isEncoded = page["EncodingType"]?.text == "url"
        let objects = try page.all("Contents").map { entry in
            let key = entry["Key"]?.text ?? ""
            guard let size = entry["Size"].flatMap({ Int64($0.text) }), let modified = entry["LastModified"]?.text
            else {
                throw SlipwayError(.unavailable, "\(location.endpoint.host) lists an object without its size and date.")
            }
            // Encoded as in forms: a blank may be `+`.
            let decoded = isEncoded ? Percent.decode(String(key.map { $0 == "+" ? " " : $0 })) ?? key : key
            return S3Object(
                key: decoded, sizeBytes: size, modified: try Timestamp(parsing: modified),
                tag: entry["ETag"]?.text ?? "")
        }
        return (objects, page["IsTruncated"]?.text != "true")
    }

    /// A URL that lets its bearer GET the object; S3 allows up to seven days.
    public func presignedURL(_ key: String, expiresSeconds: Int) -> String {
        let query = signer.presignedQuery(
            method: "GET", host: location.endpoint.authority, path: path(key),
            expiresSeconds: min(max(expiresSeconds, 1), 604_800),
            at: clock.now())
        return "\(url(key))?\(query)"
    }

    // MARK: Requests

    private func path(_ key: String) -> String { "/\(location.bucket)\(key.isEmpty ? "" : "/" + key)" }
    private func url(_ key: String) -> String {
        location.endpoint.origin + Percent.encode(path(key), keepingSlashes: true)
    }

    private func request(
        _ method: String, _ key: String, query: [(String, String)], headers: [(String, String)], body: HTTPBody,
        payloadHash: String
    ) -> HTTPRequest {
        let signed = signer.headers(
            method: method, host: location.endpoint.authority, path: path(key), query: query, headers: headers,
            payloadHash: payloadHash,
            at: clock.now())
        let text = SigV4.canonicalQuery(query)
        // A redirect would need another signature. Big bodies take their time, as long as they move.
        var request = HTTPRequest(
            method: method, url: text.isEmpty ? url(key) : "\(url(key))?\(text)", headers: signed, body: body,
            timeoutSeconds: nil,
            connectTimeoutSeconds: 5, stallSeconds: 30, followRedirects: false,
            maximumResponseBytes: Self.maximumAnswerBytes)
        outbound.apply(to: &request)
        return request
    }

    /// Sends a request, again if need be.
    ///
    /// - Throws: a `SlipwayError` that explains the service's, unless the status is among `accepting`.
    func call(
        _ method: String, _ key: String, query: [(String, String)] = [], headers: [(String, String)] = [],
        body: HTTPBody = .none,
        payloadHash: String = SigV4.emptyHash, accepting: Set<Int>, survivesCancellation: Bool = false
    ) async throws -> HTTPResponse {
        let response = try await retrying {
            var request = self.request(
                method, key, query: query, headers: headers, body: body, payloadHash: payloadHash)
            request.survivesCancellation = survivesCancellation
            return try await self.http.send(request)
        }
        guard accepting.contains(response.status) else { throw failure(response, key) }
        return response
    }

    /// What may pass by itself: no connection, no answer in time, and what the service calls temporary.
    private func retrying(_ body: @Sendable () async throws -> HTTPResponse) async throws -> HTTPResponse {
        try await backoff.run(needsRetry: Self.wait) { _ in try await body() }
    }

    /// Whether to try again after this, and the least wait in seconds.
    static func wait(after result: Result<HTTPResponse, any Error>) -> Double? {
        switch result {
        case .success(let response):
            let isPassing =
                [408, 429, 500, 502, 503, 504].contains(response.status)
                || response.status == 400 && code(response) == "RequestTimeout"
                // An error that came after the head was sent: some calls answer 200 with an `<Error>`.
                || response.status == 200
                    && ["InternalError", "SlowDown", "ServiceUnavailable"].contains(code(response))
            return isPassing ? min(response[header: "Retry-After"].flatMap { Double($0) } ?? 0, 10) : nil
        case .failure(let error as SlipwayError):
            return [.unavailable, .deadlineExceeded].contains(error.code) ? 0 : nil
        case .failure: return nil
        }
    }

    /// The service's code in a body that is an `<Error>`; such bodies are short.
    static func code(_ response: HTTPResponse) -> String? {
        guard response.body.count < 16384, response.body.first == UInt8(ascii: "<"),
            let root = try? XMLElement(parsing: response.body), root.name == "Error"
        else { return nil }
        return root["Code"]?.text
    }

    func failure(_ response: HTTPResponse, _ key: String) -> SlipwayError {
        let code = Self.code(response) ?? ""
        let said = code.isEmpty ? "status \(response.status)" : "\(code), status \(response.status)"
        let details = [
            "host": location.endpoint.authority, "bucket": location.bucket, "status": String(response.status),
            "code": code,
        ]
        func error(_ kind: ErrorCode, _ text: String) -> SlipwayError { SlipwayError(kind, text, details: details) }
        switch (response.status, code) {
        case (_, "NoSuchBucket"):
            return error(
                .unavailable,
                "The bucket '\(location.bucket)' does not exist at \(location.endpoint.authority). Make it, or correct the name."
            )
        case (404, _):
            return error(.notFound, "There is no object '\(key.prefix(200))' in the bucket '\(location.bucket)'.")
        case (_, "RequestTimeTooSkewed"):
            return error(
                .unavailable, "\(location.endpoint.authority) refuses requests because this machine's clock is wrong.")
        case (301, _), (307, _), (400, "AuthorizationHeaderMalformed"):
            return error(
                .unavailable,
                "The bucket '\(location.bucket)' is in another region than '\(location.region)'. Give it as region= (\(said))."
            )
        case (401, _), (403, _):
            return error(
                .unavailable,
                "\(location.endpoint.authority) refuses access to the bucket '\(location.bucket)' (\(said)). Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy."
            )
        default:
            return error(
                .unavailable, "\(location.endpoint.authority) failed on the bucket '\(location.bucket)' (\(said)).")
        }
    }
}

extension Timestamp {
    /// The date of HTTP headers (RFC 9110, 5.6.7, its preferred form): `Fri, 24 May 2013 00:00:00 GMT`.
    init?(httpDate text: String) {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = Int(parts[1]),
            let month = months.firstIndex(of: String(parts[2])),
            let year = Int(parts[3])
        else { return nil }
        let clock = parts[4].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3, (1...31).contains(day), clock[0] < 24, clock[1] < 60, clock[2] < 61 else { return nil }
        self =
            CivilTime(year: year, month: month + 1, day: day, hour: clock[0], minute: clock[1], second: clock[2])
            .timestamp
    }
}
