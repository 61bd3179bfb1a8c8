import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How far a body has come.
final class BodyTotal {
    var received: Int64 = 0
    var expected: Int64?
}

/// A range request was answered with a part of something else.
private struct StaleRange: Error {}

/// A request on its way through redirects and broken connections to its answer.
struct Course {
    let request: HTTPRequest
    let maximumBytes: Int64
    let cancellation: Cancellation
    let handles: HandlePool
    let userAgent: String
    let authorityFile: String?
    let total = BodyTotal()

    private var url: WebURL
    private var method: String
    private var headers: [(name: String, value: String)]
    private var body: HTTPBody
    private let deadline: UInt64?
    private var resumes = 0
    /// The strong ETag of the representation that is being received.
    private var tag: String?

    init(
        request: HTTPRequest, url: WebURL, maximumBytes: Int64, cancellation: Cancellation, handles: HandlePool,
        userAgent: String,
        authorityFile: String?
    ) {
        (self.request, self.url, self.maximumBytes, self.cancellation) = (request, url, maximumBytes, cancellation)
        (self.handles, self.userAgent, self.authorityFile) = (handles, userAgent, authorityFile)
        (method, headers, body) = (request.method, request.headers, request.body)
        deadline = request.timeoutSeconds.map { Clock.monotonicNanoseconds() + UInt64(max(0, min($0, 1e9)) * 1e9) }
    }

    /// - Parameters:
    ///   - sink: takes the body of a 2xx answer; nil keeps it in the response.
    ///   - restart: forgets what the sink got, if it can, because the server begins anew.
    mutating func run(sink: ByteSink?, restart: (() throws -> Void)?) throws -> HTTPResponse {
        let total = total
        let counted: ByteSink? = sink.map { sink in
            { bytes in
                total.received += Int64(bytes.count)
                return try sink(bytes)
            }
        }
        while true {
            do {
                return try follow(sink: counted, restart: restart)
            } catch let broken as BrokenConnection {
                guard counted != nil, total.received > 0, resumes < request.maximumResumes, tag != nil, method == "GET",
                    !request.headers.contains(where: { $0.name.equalsIgnoringCase("Range") })
                else { throw broken.error }
                resumes += 1
                try pause(broken.leastSeconds)
            } catch is StaleRange {
                // What is there now is shorter or another: from the beginning.
                guard let restart, resumes < request.maximumResumes else {
                    throw SlipwayError(
                        .unavailable, "The connection to \(url.authority) broke, and what it sends has changed since.")
                }
                try restart()
                (total.received, total.expected, tag) = (0, nil, nil)
                resumes += 1
            }
        }
    }

    /// Waits before a download goes on, longer each time and never as long as another that broke at the same moment.
    private func pause(_ leastSeconds: Double) throws {
        let backoff = Backoff(baseSeconds: 0.05, maximumSeconds: 5)
        let wait = max(min(leastSeconds, 30), Double.random(in: 0...backoff.ceiling(afterFailures: resumes)))
        let end = Clock.monotonicNanoseconds() + UInt64(wait * 1e9)
        while Clock.monotonicNanoseconds() < end {
            try cancellation.check()
            if let deadline, Clock.monotonicNanoseconds() >= deadline { return }
            usleep(20_000)
        }
    }

    private mutating func follow(sink: ByteSink?, restart: (() throws -> Void)?) throws -> HTTPResponse {
        for _ in 0...10 {
            try cancellation.check()
            for list in request.hosts { try list.require(url.host) }
            let exchange = try exchangeOnce(sink: sink, restart: restart)
            guard request.followRedirects, exchange.isRedirect, let location = exchange.header("Location") else {
                return HTTPResponse(
                    status: exchange.status, headers: exchange.headers, body: exchange.body, url: url.description)
            }
            try turn(to: location, status: exchange.status)
        }
        throw SlipwayError(
            .unavailable, "\(url.authority) redirects more than 10 times.", details: ["host": url.authority])
    }

    private mutating func exchangeOnce(sink: ByteSink?, restart: (() throws -> Void)?) throws -> Exchange {
        var sent = headers
        let resumeFrom = resumes > 0 ? total.received : 0
        if resumeFrom > 0, let tag { sent += [("Range", "bytes=\(resumeFrom)-"), ("If-Range", tag)] }
        let (total, sentTag) = (total, tag)
        var seenTag: String?
        let exchange = try Exchange(
            method: method, url: url, body: body, policy: request.addressPolicy, unixSocket: request.unixSocket,
            maximumBytes: maximumBytes - resumeFrom,
            cancellation: cancellation, sink: sink
        ) { exchange in
            let length = exchange.header("Content-Length").flatMap { Int64($0) }
            if resumeFrom > 0 {
                if exchange.status == 416 { throw StaleRange() }
                if [408, 429, 500, 502, 503, 504].contains(exchange.status) {
                    throw BrokenConnection(
                        peer: exchange.url.authority, reason: "it answered \(exchange.status)",
                        leastSeconds: exchange.header("Retry-After").flatMap { Double($0) } ?? 0)
                }
                guard (200..<300).contains(exchange.status) else {
                    throw SlipwayError(
                        .unavailable,
                        "The connection to \(exchange.url.authority) broke and could not be taken up again: it answered \(exchange.status)."
                    )
                }
                if exchange.status == 206 {
                    // A part of something else than what the first part was of must not be put behind it.
                    if let now = exchange.header("ETag"), now != sentTag { throw StaleRange() }
                    if exchange.header("Content-Range")?.hasPrefix("bytes \(resumeFrom)-") == true { return }
                    throw StaleRange()
                }
                guard let restart else {
                    throw SlipwayError(
                        .unavailable,
                        "The connection to \(exchange.url.authority) broke, and what it sends has changed since.")
                }
                try restart()
                exchange.allow(moreBytes: resumeFrom)
                total.received = 0
            }
            if total.received == 0 {
                total.expected = length
                seenTag = exchange.header("ETag").flatMap { $0.hasPrefix("\"") ? $0 : nil }
            }
        }
        defer { if let seenTag { tag = seenTag } }
        let handle = try handles.take(for: url.origin)
        defer { handles.giveBack(handle) }
        try handle.perform(
            exchange,
            Handle.Settings(
                method: method, headers: sent, body: body, timeoutSeconds: try secondsLeft(),
                connectTimeoutSeconds: request.connectTimeoutSeconds, stallSeconds: request.stallSeconds,
                userAgent: userAgent,
                authorityFile: authorityFile))
        return exchange
    }

    private func secondsLeft() throws -> Double? {
        guard let deadline else { return nil }
        let now = Clock.monotonicNanoseconds()
        guard now < deadline else {
            throw SlipwayError(
                .deadlineExceeded, "\(url.authority) did not answer in time.", details: ["host": url.authority])
        }
        return Double(deadline - now) / 1e9
    }

    /// What a redirect changes (RFC 9110, 15.4): 303 always, and 301 and 302 after POST, go on with GET.
    private mutating func turn(to location: String, status: Int) throws {
        let next: WebURL
        do {
            next = try url.resolving(location)
        } catch {
            throw SlipwayError(
                .unavailable, "\(url.authority) redirects to what is not an http or https URL.",
                details: ["host": url.authority], cause: error)
        }
        if (status == 303 && method != "HEAD") || (status <= 302 && method == "POST") {
            method = "GET"
            body = .none
            headers.removeAll { $0.name.lowercased().hasPrefix("content-") }
        }
        // Another origin learns nothing that was meant for the first.
        if next.origin != url.origin {
            headers.removeAll { header in
                let name = header.name.lowercased()
                return !["user-agent", "range"].contains(name)
                    && !["accept", "if-", "content-"].contains { name.hasPrefix($0) }
            }
        }
        url = next
    }
}
