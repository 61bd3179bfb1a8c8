import Core

/// A request to another server. Only `http` and `https` are spoken.
public struct HTTPRequest: Sendable {
    public var method: String
    /// An absolute URL. User information in it is sent as Basic authentication.
    public var url: String
    public var headers: [(name: String, value: String)]
    public var body: HTTPBody
    /// The whole exchange with all redirects, in seconds; nil sets no limit, and then `stallSeconds` still holds.
    public var timeoutSeconds: Double?
    public var connectTimeoutSeconds: Double
    /// Gives up when less than a byte a second has moved for so long.
    public var stallSeconds: Double
    /// Follows up to 10 redirects (RFC 9110, 15.4). Credentials in `headers` go no further than the first origin.
    public var followRedirects: Bool
    /// The largest body that is taken; nil means 64 MiB for `send` and no limit for `download` and `stream`.
    public var maximumResponseBytes: Int64?
    public var addressPolicy: AddressPolicy
    /// The socket in the file system where the server listens, whatever host the URL names: for processes of this machine
    /// that have no network. The server's own choice, never a client's; no address policy and no proxy concern it.
    public var unixSocket: String?
    /// Which hosts may be asked, redirects included: each list must have them.
    public var hosts: [HostList] = []
    /// How often `download` and `stream` go on, with a range request, from where a broken connection left off. It takes
    /// a server that sends a strong ETag.
    public var maximumResumes: Int
    /// Goes on although the task that sends it is cancelled: for cleaning up after a cancellation.
    public var survivesCancellation = false

    public init(
        method: String = "GET", url: String, headers: [(name: String, value: String)] = [], body: HTTPBody = .none,
        timeoutSeconds: Double? = 60, connectTimeoutSeconds: Double = 10, stallSeconds: Double = 60,
        followRedirects: Bool = true, maximumResponseBytes: Int64? = nil, addressPolicy: AddressPolicy = .any,
        maximumResumes: Int = 3
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeoutSeconds = timeoutSeconds
        self.connectTimeoutSeconds = connectTimeoutSeconds
        self.stallSeconds = stallSeconds
        self.followRedirects = followRedirects
        self.maximumResponseBytes = maximumResponseBytes
        self.addressPolicy = addressPolicy
        self.maximumResumes = maximumResumes
    }
}

/// What a request carries. A body is always sent with its length.
public enum HTTPBody: Sendable {
    case none
    case bytes([UInt8])
    /// `length` bytes of a file from `offset` on, read as they are sent.
    case file(path: String, offset: Int64, length: Int64)

    var length: Int64 {
        switch self {
        case .none: 0
        case .bytes(let bytes): Int64(bytes.count)
        case .file(_, _, let length): length
        }
    }
}

/// What a server answered.
public struct HTTPResponse: Sendable {
    public let status: Int
    /// In the order received, names as received.
    public let headers: [(name: String, value: String)]
    /// The whole body after `send`; after `download` and `stream` only what came with a status outside 200–299, and at
    /// most 64 KiB of that.
    public let body: [UInt8]
    /// Where the answer came from, after redirects, without user information and query.
    public let url: String

    public init(status: Int, headers: [(name: String, value: String)], body: [UInt8], url: String) {
        self.status = status
        self.headers = headers
        self.body = body
        self.url = url
    }

    /// The first header of that name, whatever its case.
    public subscript(header name: String) -> String? { headers.first { $0.name.equalsIgnoringCase(name) }?.value }

    public var isSuccess: Bool { (200..<300).contains(status) }
    /// The body as text.
    public var text: String { String(decoding: body, as: UTF8.self) }
}

extension String {
    /// Whether the ASCII letters of both agree but for their case.
    func equalsIgnoringCase(_ other: String) -> Bool {
        utf8.count == other.utf8.count
            && zip(utf8, other.utf8).allSatisfy { $0 == $1 || ($0 ^ $1 == 32 && isLetter($0 | 32)) }
    }
}

private func isLetter(_ lowered: UInt8) -> Bool { lowered >= 97 && lowered <= 122 }

extension HTTPRequest {
    /// - Throws: `invalid` for what could not be one request: control characters in a method or header.
    func validate() throws {
        let isToken: (UInt8) -> Bool = { $0 > 32 && $0 < 127 && !"()<>@,;:\\\"/[]?={}".utf8.contains($0) }
        guard !method.isEmpty, method.utf8.allSatisfy(isToken) else {
            throw SlipwayError.field(
                "method", "'\(method.prefix(20))' is not an HTTP method", expected: "a word such as GET")
        }
        for (name, value) in headers {
            guard !name.isEmpty, name.utf8.allSatisfy(isToken) else {
                throw SlipwayError.field(
                    "headers", "'\(name.prefix(40))' is not a header name", expected: "a word such as Accept")
            }
            guard value.utf8.allSatisfy({ ($0 >= 32 || $0 == 9) && $0 != 127 }) else {
                throw SlipwayError.field(
                    "headers.\(name)", "has a control character in its value", expected: "one line of text")
            }
        }
    }
}
