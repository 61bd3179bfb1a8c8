import CCurl
import Core

/// A parsed absolute URL (RFC 3986, by libcurl's own parser, so that what is checked is what is fetched).
public struct WebURL: Hashable, Sendable, CustomStringConvertible {
    /// The whole text, user information and query included: not for messages.
    public let text: String
    /// `http` or `https`.
    public let scheme: String
    /// Lower case; IPv6 addresses in brackets.
    public let host: String
    /// The given port or the scheme's own.
    public let port: Int
    /// Still percent-encoded; at least `/`.
    public let path: String
    /// Still percent-encoded, without the `?`.
    public let query: String?
    public let hasUserInformation: Bool

    /// - Throws: `invalid`, naming `field`, for what is not an absolute URL of the two schemes.
    public init(parsing text: String, field: String = "url") throws {
        try self.init(text, relativeTo: nil, field: field)
    }

    /// Resolves a reference, such as the `Location` of a redirect, against this URL.
    public func resolving(_ reference: String) throws -> WebURL {
        try WebURL(reference, relativeTo: text, field: "Location")
    }

    private init(_ text: String, relativeTo base: String?, field: String) throws {
        func fail(_ problem: String) -> SlipwayError {
            .field(field, problem, expected: "an absolute URL such as https://data.example.org/sales.csv")
        }
        guard let handle = curl_url() else {
            throw SlipwayError(.internal, "libcurl could not parse a URL: out of memory.")
        }
        defer { curl_url_cleanup(handle) }
        guard !text.utf8.contains(where: { $0 < 33 || $0 == 127 }) else {
            throw fail("contains a space or control character")
        }
        if let base { curl_url_set(handle, CURLUPART_URL, base, 0) }
        let code = curl_url_set(handle, CURLUPART_URL, text, UInt32(CURLU_NON_SUPPORT_SCHEME))
        guard code == CURLUE_OK else { throw fail("is not a URL (\(String(cString: curl_url_strerror(code))))") }
        func part(_ what: CURLUPart, _ flags: Int32 = 0) -> String? {
            var value: UnsafeMutablePointer<CChar>?
            guard curl_url_get(handle, what, &value, UInt32(flags)) == CURLUE_OK, let value else { return nil }
            defer { curl_free(value) }
            return String(cString: value)
        }
        let scheme = part(CURLUPART_SCHEME) ?? ""
        guard scheme == "http" || scheme == "https" else {
            throw fail("has the scheme '\(scheme.prefix(20))', and only http and https are spoken")
        }
        curl_url_set(handle, CURLUPART_FRAGMENT, nil, 0)
        guard let whole = part(CURLUPART_URL), let host = part(CURLUPART_HOST), !host.isEmpty,
            let port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT).flatMap(Int.init)
        else { throw fail("has no host") }
        (self.text, self.scheme, self.host, self.port) = (whole, scheme, host.lowercased(), port)
        path = part(CURLUPART_PATH) ?? "/"
        query = part(CURLUPART_QUERY)
        hasUserInformation = part(CURLUPART_USER) != nil || part(CURLUPART_PASSWORD) != nil
    }

    /// `host` or `host:port`, as the `Host` header has it.
    public var authority: String { port == (scheme == "https" ? 443 : 80) ? host : "\(host):\(port)" }

    /// Scheme, host and port (RFC 6454).
    public var origin: String { "\(scheme)://\(authority)" }

    /// The URL without user information and query, which may hold credentials: fit for messages and logs.
    public var description: String { origin + path }
}

/// Percent-encoding (RFC 3986, 2.1).
public enum Percent {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Encodes all but letters, digits, `-`, `.`, `_`, `~` and, if asked, `/`.
    public static func encode(_ text: String, keepingSlashes: Bool = false) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count)
        for b in text.utf8 {
            switch b {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126: out.append(b)
            case 47 where keepingSlashes: out.append(b)
            default:
                out.append(37)
                out.append(digits[Int(b >> 4)])
                out.append(digits[Int(b & 15)])
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Decodes; nil for a broken escape or bytes that are not UTF-8.
    public static func decode(_ text: some StringProtocol) -> String? {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var i = 0
        while i < bytes.count {
            if bytes[i] == 37 {
                guard i + 2 < bytes.count,
                    let pair = Hex.decode(String(decoding: bytes[i + 1...i + 2], as: UTF8.self).lowercased())
                else { return nil }
                out += pair
                i += 3
            } else {
                out.append(bytes[i])
                i += 1
            }
        }
        return String(validating: out, as: UTF8.self)
    }

    /// The pairs of a query string, decoded.
    ///
    /// - Throws: `invalid`, naming `field`, for a broken escape.
    public static func parseQuery(_ query: some StringProtocol, field: String) throws -> [(name: String, value: String)]
    {
        try query.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decode(parts[0]), let value = decode(parts.count > 1 ? parts[1] : "") else {
                throw SlipwayError.field(
                    field, "'\(parts[0].prefix(40))' has a broken percent escape", expected: "%20 and the like")
            }
            return (name, value)
        }
    }
}
