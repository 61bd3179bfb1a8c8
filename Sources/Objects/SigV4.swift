import Core
import Transport

/// Keys for an S3 service.
public struct S3Credentials: Sendable {
    public let accessKey: String
    public let secretKey: Secret<String>
    /// Of temporary credentials.
    public let sessionToken: Secret<String>?

    public init(accessKey: String, secretKey: Secret<String>, sessionToken: Secret<String>? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }

    /// From `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, if set, `AWS_SESSION_TOKEN`.
    ///
    /// - Throws: `invalid`, saying which is missing.
    public init(environment: [String: String]) throws {
        func need(_ name: String) throws -> String {
            guard let value = environment[name], !value.isEmpty else {
                throw SlipwayError(
                    .invalid,
                    "S3 needs the environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; \(name) is not set.",
                    details: ["variable": name])
            }
            return value
        }
        self.init(
            accessKey: try need("AWS_ACCESS_KEY_ID"), secretKey: Secret(try need("AWS_SECRET_ACCESS_KEY")),
            sessionToken: environment["AWS_SESSION_TOKEN"].flatMap { $0.isEmpty ? nil : Secret($0) })
    }
}

/// AWS Signature Version 4 for S3, after "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API
/// Reference; the tests hold the examples published there.
struct SigV4: Sendable {
    let credentials: S3Credentials
    let region: String

    static let emptyHash = Digest.of([] as [UInt8]).hex

    /// The headers to send, `Authorization` among them.
    ///
    /// - Parameters:
    ///   - path: not encoded, beginning with `/`.
    ///   - query: not encoded.
    ///   - headers: all are signed.
    ///   - payloadHash: the SHA-256 of the body in hexadecimal.
    func headers(
        method: String, host: String, path: String, query: [(String, String)], headers: [(String, String)],
        payloadHash: String,
        at time: Timestamp
    ) -> [(name: String, value: String)] {
        let stamp = Self.stamp(time)
        var all = headers + [("x-amz-date", stamp), ("x-amz-content-sha256", payloadHash)]
        if let token = credentials.sessionToken { all.append(("x-amz-security-token", token.reveal)) }
        let signature = signature(
            method: method, path: path, query: query, headers: all + [("host", host)], payloadHash: payloadHash,
            stamp: stamp)
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope(stamp)),SignedHeaders=\(signature.names),Signature=\(signature.hex)"
        return all.map { (name: $0.0, value: $0.1) } + [(name: "Authorization", value: authorization)]
    }

    /// The query, encoded, with which a URL is good for `expiresSeconds` by itself.
    func presignedQuery(method: String, host: String, path: String, expiresSeconds: Int, at time: Timestamp) -> String {
        let stamp = Self.stamp(time)
        var query = [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", "\(credentials.accessKey)/\(scope(stamp))"),
            ("X-Amz-Date", stamp), ("X-Amz-Expires", String(expiresSeconds)), ("X-Amz-SignedHeaders", "host"),
        ]
        if let token = credentials.sessionToken { query.append(("X-Amz-Security-Token", token.reveal)) }
        let signature = signature(
            method: method, path: path, query: query, headers: [("host", host)], payloadHash: "UNSIGNED-PAYLOAD",
            stamp: stamp)
        return Self.canonicalQuery(query) + "&X-Amz-Signature=\(signature.hex)"
    }

    private func scope(_ stamp: String) -> String { "\(stamp.prefix(8))/\(region)/s3/aws4_request" }

    private func signature(
        method: String, path: String, query: [(String, String)], headers: [(String, String)], payloadHash: String,
        stamp: String
    ) -> (names: String, hex: String) {
        let sorted = headers.map { ($0.0.lowercased(), $0.1) }.sorted { $0.0 < $1.0 }
        let names = sorted.map(\.0).joined(separator: ";")
        let canonical = [
            method, Percent.encode(path, keepingSlashes: true), Self.canonicalQuery(query),
            sorted.map { "\($0.0):\($0.1)\n" }.joined(), names, payloadHash,
        ].joined(separator: "\n")
        let text = ["AWS4-HMAC-SHA256", stamp, scope(stamp), Digest.of(canonical).hex].joined(separator: "\n")
        var key = Array("AWS4\(credentials.secretKey.reveal)".utf8)
        for part in [String(stamp.prefix(8)), region, "s3", "aws4_request", text] {
            key = Crypto.hmacSHA256(key: key, Array(part.utf8))
        }
        return (names, Hex.encode(key))
    }

    /// Encoded and sorted by name, then value.
    static func canonicalQuery(_ query: [(String, String)]) -> String {
        query.map { (Percent.encode($0.0), Percent.encode($0.1)) }.sorted { $0 < $1 }.map { "\($0.0)=\($0.1)" }.joined(
            separator: "&")
    }

    /// `20130524T000000Z`.
    static func stamp(_ time: Timestamp) -> String {
        String(Timestamp(milliseconds: time.milliseconds).description.prefix(19).filter { $0 != "-" && $0 != ":" })
            + "Z"
    }
}
