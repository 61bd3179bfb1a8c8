import Core
import Glibc
import Synchronization
import Testing

@testable import Transport

/// Byte `i` of what the server sends for `/breaks`.
private let breakingData = (0..<300_000).map { UInt8($0 * 31 % 251) }

private func errorCode(_ body: () async throws -> Void) async -> String {
    do {
        try await body()
        return "no error"
    } catch let error as SlipwayError {
        return error.code.rawValue
    } catch {
        return "\(error)"
    }
}

/// How many are inside at once.
private final class Gauge: Sendable {
    private let counts = Mutex((now: 0, most: 0))
    func enter() { counts.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) } }
    func leave() { counts.withLock { $0.now -= 1 } }
    var most: Int { counts.withLock { $0.most } }
}

@Suite struct TransportTests {
    let client = HTTPClient(maximumConcurrency: 8)
    let server: LocalServer

    init() throws { server = try LocalServer.shared.get() }

    private func echo(_ request: HTTPRequest) async throws -> JSONValue {
        try JSONValue(parsing: await client.send(request).body)
    }

    @Test func sendsMethodsHeadersAndBodies() async throws {
        let path = "/tmp/slipway-transport-\(ID.make())"
        defer { unlink(path) }
        let file = open(path, O_CREAT | O_WRONLY, 0o600)
        write(file, breakingData, breakingData.count)
        close(file)
        let bodies: [(String, HTTPBody, [UInt8], String?)] = [
            ("GET", .none, [], nil),
            ("DELETE", .none, [], nil),
            ("POST", .none, [], "0"),
            ("PUT", .bytes([]), [], "0"),
            ("POST", .bytes(Array("a=1".utf8)), Array("a=1".utf8), "3"),
            ("PUT", .file(path: path, offset: 1000, length: 200_000), Array(breakingData[1000..<201_000]), "200000"),
            ("PATCH", .file(path: path, offset: 0, length: 0), [], "0"),
        ]
        for (method, body, bytes, length) in bodies {
            let answer = try await echo(
                HTTPRequest(
                    method: method, url: server.url + "/echo?q=%20", headers: [("X-A", "b c"), ("X-Empty", "")],
                    body: body))
            let seen: [JSONValue?] = [
                answer["method"], answer["path"], answer["body"], answer["length"], answer["headers"]?["x-a"],
                answer["headers"]?["x-empty"],
                answer["headers"]?["user-agent"], answer["headers"]?["expect"],
            ]
            #expect(
                seen == [
                    .string(method), "/echo?q=%20", .string(Digest.of(bytes).hex), length.map { .string($0) } ?? .null,
                    "b c", "", "slipway", nil,
                ], "\(method)")
        }
    }

    @Test func answersOfAnyStatusAreAnswers() async throws {
        let response = try await client.send(HTTPRequest(url: server.url + "/status?code=503&secret=x"))
        #expect(response.status == 503 && response.text == "problem" && response.url == server.url + "/status")
        let head = try await client.send(HTTPRequest(method: "HEAD", url: server.url + "/big?bytes=77"))
        #expect(head[header: "content-length"] == "77" && head.body.isEmpty)
        let two = try await client.send(HTTPRequest(url: server.url + "/echo")).headers.filter { $0.name == "X-Two" }
            .map(\.value)
        #expect(two == ["a", "b"])
    }

    @Test func keepsConnections() async throws {
        var ports: Set<JSONValue?> = []
        for _ in 0..<5 { ports.insert(try await echo(HTTPRequest(url: server.url + "/echo"))["peer"]) }
        #expect(ports.count == 1)
    }

    @Test func followsRedirects() async throws {
        let other = "http://localhost:\(server.port)/echo"
        let secret: [(name: String, value: String)] = [
            ("Authorization", "Bearer t"), ("X-Token", "t"), ("Accept", "a/b"),
        ]
        let cases: [(String, String, String, [JSONValue?])] = [
            ("GET", "/redirect?to=/echo", "GET", ["Bearer t", "t", "a/b"]),
            ("POST", "/redirect?to=/echo", "GET", ["Bearer t", "t", "a/b"]),
            ("POST", "/redirect?code=307&to=/echo", "POST", ["Bearer t", "t", "a/b"]),
            ("PUT", "/redirect?code=303&to=/echo", "GET", ["Bearer t", "t", "a/b"]),
            ("GET", "/redirect?to=\(other)", "GET", [nil, nil, "a/b"]),
            ("POST", "/redirect?code=308&to=\(other)", "POST", [nil, nil, "a/b"]),
        ]
        for (method, path, expected, headers) in cases {
            let body: HTTPBody = method == "GET" ? .none : .bytes([1, 2, 3])
            let answer = try await echo(
                HTTPRequest(method: method, url: server.url + path, headers: secret, body: body))
            let seen = ["authorization", "x-token", "accept"].map { answer["headers"]?[$0] }
            #expect(answer["method"] == .string(expected) && seen == headers, "\(method) \(path)")
            let digest = Digest.of(expected == "GET" ? [] : [1, 2, 3] as [UInt8]).hex
            #expect(answer["body"] == .string(digest), "\(method) \(path)")
        }
        let unfollowed = try await client.send(
            HTTPRequest(url: server.url + "/redirect?to=/echo", followRedirects: false))
        #expect(unfollowed.status == 302)
    }

    @Test func failuresHaveCodes() async throws {
        let (client, base) = (client, server.url)
        let cases: [(HTTPRequest, String)] = [
            (HTTPRequest(url: base + "/loop"), "unavailable"),
            (HTTPRequest(url: base + "/redirect?to=file:///etc/passwd"), "unavailable"),
            (HTTPRequest(url: base + "/slow?seconds=5", timeoutSeconds: 0.2), "deadline_exceeded"),
            (HTTPRequest(url: base + "/big?bytes=1001", maximumResponseBytes: 1000), "too_large"),
            (HTTPRequest(url: base + "/endless", maximumResponseBytes: 10_000), "too_large"),
            (HTTPRequest(url: "http://127.0.0.1:1/"), "unavailable"),
            (HTTPRequest(url: "http://name.invalid/"), "unavailable"),
            (HTTPRequest(url: "https://127.0.0.1:\(server.port)/"), "unavailable"),
            (HTTPRequest(url: "ftp://127.0.0.1/"), "invalid"),
            (HTTPRequest(url: "/etc/passwd"), "invalid"),
            (HTTPRequest(url: base + "/a b"), "invalid"),
            (HTTPRequest(url: base, headers: [("X", "a\r\nY: b")]), "invalid"),
            (HTTPRequest(method: "GET /", url: base), "invalid"),
            (HTTPRequest(url: base, body: .file(path: "/nowhere/x", offset: 0, length: 1)), "not_found"),
            // The policy, whatever the address is dressed as.
            (HTTPRequest(url: base + "/echo", addressPolicy: .publicOnly), "forbidden"),
            (HTTPRequest(url: "http://localhost:\(server.port)/echo", addressPolicy: .publicOnly), "forbidden"),
            (HTTPRequest(url: "http://2130706433:\(server.port)/echo", addressPolicy: .publicOnly), "forbidden"),
            (HTTPRequest(url: "http://0x7f.1:\(server.port)/echo", addressPolicy: .publicOnly), "forbidden"),
            (HTTPRequest(url: "http://[::1]:\(server.port)/echo", addressPolicy: .publicOnly), "forbidden"),
            (
                HTTPRequest(url: "http://[::ffff:127.0.0.1]:\(server.port)/echo", addressPolicy: .publicOnly),
                "forbidden"
            ),
            (HTTPRequest(url: "http://169.254.169.254/latest", addressPolicy: .publicOnly), "forbidden"),
        ]
        for (request, code) in cases {
            #expect(await errorCode { _ = try await client.send(request) } == code, "\(request.url)")
        }
    }

    /// A connection that was opened for a trusted request is not used for one that may reach public addresses only.
    @Test func policyHoldsOnOpenConnections() async throws {
        let client = HTTPClient(maximumConcurrency: 1)
        _ = try await client.send(HTTPRequest(url: server.url + "/echo"))
        let url = server.url + "/echo"
        #expect(
            await errorCode { _ = try await client.send(HTTPRequest(url: url, addressPolicy: .publicOnly)) }
                == "forbidden")
    }

    @Test func messagesHideSecrets() async throws {
        do {
            _ = try await client.send(HTTPRequest(url: "http://user:hidden@127.0.0.1:1/p?token=hidden"))
            Issue.record("nothing listens on port 1")
        } catch let error as SlipwayError {
            #expect(!error.message.contains("hidden") && error.message.contains("127.0.0.1:1"))
        }
    }

    @Test func addresses() {
        let isPublic: [(String, Bool)] = [
            ("8.8.8.8", true), ("172.15.0.1", true), ("172.32.0.1", true), ("100.128.0.1", true),
            ("2606:4700::1111", true),
            ("::ffff:8.8.8.8", true), ("64:ff9b::808:808", true), ("2002:808:808::1", true),
            ("0.0.0.0", false), ("10.1.2.3", false), ("127.0.0.1", false), ("127.255.255.255", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false), ("192.168.1.1", false), ("100.64.0.1", false), ("100.100.100.200", false),
            ("169.254.169.254", false),
            ("168.63.129.16", false), ("192.0.0.192", false), ("198.18.0.1", false), ("224.0.0.1", false),
            ("255.255.255.255", false), ("::", false),
            ("::1", false), ("fe80::1", false), ("fc00::1", false), ("fd00:ec2::254", false), ("ff02::1", false),
            ("::ffff:10.0.0.1", false),
            ("64:ff9b::7f00:1", false), ("2002:7f00:1::1", false), ("2001:db8::1", false), ("2001::1", false),
            ("::127.0.0.1", false),
        ]
        #expect(isPublic.filter { IPAddress($0.0)?.isPublic != $0.1 }.map(\.0) == [])
    }

    @Test func streamsAndStopsEarly() async throws {
        let count = Mutex(0)
        let seen = Mutex<[UInt8]>([])
        let response = try await client.stream(HTTPRequest(url: server.url + "/endless")) { bytes in
            count.withLock {
                $0 += bytes.count
                return $0 < 20_000
            }
        }
        #expect(response.status == 200 && count.withLock { $0 } >= 20_000)
        let failed = try await client.stream(HTTPRequest(url: server.url + "/status?code=404")) { bytes in
            seen.withLock { $0 += bytes }
            return true
        }
        #expect(failed.status == 404 && failed.text == "problem" && seen.withLock { $0 } == [])
        struct Mine: Error {}
        let (client, url) = (client, server.url)
        await #expect(throws: Mine.self) {
            try await client.stream(HTTPRequest(url: url + "/endless")) { _ in throw Mine() }
        }
    }

    @Test func downloadsGoOnAfterABreak() async throws {
        let path = "/tmp/slipway-transport-\(ID.make())"
        defer { unlink(path) }
        let cases: [(String, String)] = [
            ("", "whole"), ("&change=1", "reversed"), ("&tag=0", "unavailable"),
        ]
        for (query, expected) in cases {
            let last = Mutex<[Int64?]>([])
            let url = server.url + "/breaks?id=\(ID.make())" + query
            let client = client
            var outcome = await errorCode {
                _ = try await client.download(HTTPRequest(url: url), to: path) { done, all in
                    last.withLock { $0 = [done, all] }
                }
            }
            if outcome == "no error" {
                let bytes = try readFile(path)
                outcome =
                    bytes == breakingData
                    ? "whole" : bytes == breakingData.reversed() ? "reversed" : "\(bytes.count) wrong bytes"
                #expect(last.withLock { $0 } == [300_000, 300_000])
            } else {
                #expect(access(path, F_OK) != 0)
            }
            #expect(outcome == expected, "\(query)")
        }
        // A stream cannot take back what it handed out, but it can go on.
        let streamed = Mutex<[UInt8]>([])
        _ = try await client.stream(HTTPRequest(url: server.url + "/breaks?id=\(ID.make())")) { bytes in
            streamed.withLock { $0 += bytes }
            return true
        }
        #expect(streamed.withLock { $0 } == breakingData)
    }

    private func readFile(_ path: String) throws -> [UInt8] {
        let file = open(path, O_RDONLY)
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(file, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }

    @Test(.timeLimit(.minutes(1))) func cancellation() async throws {
        let (client, url) = (HTTPClient(maximumConcurrency: 1), server.url)
        let (beginnings, began) = AsyncStream.makeStream(of: Void.self)
        let running = Task {
            await errorCode {
                _ = try await client.stream(HTTPRequest(url: url + "/endless")) { _ in
                    began.yield()
                    return true
                }
            }
        }
        // The only connection is taken from here on, so the next request waits.
        for await _ in beginnings { break }
        let waiting = Task { await errorCode { _ = try await client.send(HTTPRequest(url: url + "/echo")) } }
        try await Task.sleep(nanoseconds: 50_000_000)
        waiting.cancel()
        let cleaningUp = Task {
            var request = HTTPRequest(url: url + "/echo")
            request.survivesCancellation = true
            return try await HTTPClient().send(request).status
        }
        cleaningUp.cancel()
        #expect(try await cleaningUp.value == 200)
        #expect(await waiting.value == "cancelled")
        running.cancel()
        #expect(await running.value == "cancelled")
    }

    @Test func poolRunsAllAndBoundsThreads() async throws {
        let pool = BlockingPool(name: "test", threads: 3)
        let gauge = Gauge()
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for i in 0..<2500 {
                group.addTask {
                    try await pool.run { _ in
                        gauge.enter()
                        if i % 100 == 0 { usleep(1000) }
                        gauge.leave()
                        return i
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 2500 * 2499 / 2 && gauge.most <= 3)
    }

    @Test func backoff() async throws {
        let backoff = Backoff(attempts: 4, baseSeconds: 0.001, maximumSeconds: 0.003)
        #expect((1...4).map { backoff.ceiling(afterFailures: $0) } == [0.001, 0.002, 0.003, 0.003])
        let tries = try await backoff.run(needsRetry: { (try? $0.get()) == 3 ? nil : 0 }) { $0 }
        #expect(tries == 3)
        let all = try await backoff.run(needsRetry: { _ in 0 }) { $0 }
        #expect(all == 4)
    }

    @Test func urls() throws {
        let url = try WebURL(parsing: "HTTPS://u:p@Example.org:8443/a/../b%20c?x=1#frag")
        #expect(
            [url.scheme, url.host, url.path, url.query, url.description] == [
                "https", "example.org", "/b%20c", "x=1", "https://example.org:8443/b%20c",
            ])
        #expect(try url.resolving("../z?y").description == "https://example.org:8443/z")
        #expect(try url.resolving("//other/z").origin == "https://other")
        #expect(
            Percent.encode("dir one/é+ü&=%~.txt", keepingSlashes: true) == "dir%20one/%C3%A9%2B%C3%BC%26%3D%25~.txt")
        #expect(
            [Percent.decode("a%2Fb%c3%a9"), Percent.decode("%"), Percent.decode("%ff"), Percent.decode("%4")] == [
                "a/bé", nil, nil, nil,
            ])
    }
}
