import Core
import Logging
import TestSupport
import Testing

@testable import Web

private struct Mystery: Error {}

extension Permission {
    fileprivate static let write = Permission("things.write", .makers)
}

@Suite struct WebApplicationTests {
    /// Principals by token: none is the local admin, as with an open loopback server.
    static let principals: [String: Principal] = [
        "viewer": Principal(name: "vera", role: .viewer), "nobody": Principal(name: "nobody", role: nil),
        "member": Principal(name: "mia", role: nil, grants: ["p": .dataScientist]),
        "scoped": Principal(name: "sam", role: .admin, scopes: ["other.read"]),
        "fitting": Principal(name: "fay", role: .viewer, grants: ["p": .owner], scopes: ["things.write"]),
    ]

    static func application(allowedHosts: Set<String>? = []) -> WebApplication {
        let routes: [Route] = [
            Route(.get, "/open", .open, "x") { .text($0.principal.name) },
            Route(.get, "/who", .signedIn, "x") { .text($0.principal.name) },
            Route(.post, "/write", .write, "x") { .text($0.principal.name) },
            Route(.get, "/query", .signedIn, "x") { request in
                .json([
                    "a": JSONValue(request.query("a")), "all": JSONValue(request.queryAll("a")),
                    "map": JSONValue(request.queryMap), "project": .string(request.project),
                ])
            },
            Route(.get, "/page", .signedIn, "x") { .json(JSONValue(try $0.page().limit)) },
            Route(.get, "/number/{n}", .signedIn, "x") { .json(JSONValue(try $0.intParameter("n"))) },
            Route(.post, "/json", .signedIn, "x") { request in
                let body = try await request.json(allowed: ["name", "count"], maximumBytes: 100)
                return .json(["name": .string(try body.string("name")), "count": JSONValue(try body.int("count"))])
            },
            Route(.get, "/fail/{code}", .signedIn, "x") { request in
                if request.parameter("code") == "mystery" { throw Mystery() }
                if request.parameter("code") == "cancelled!" { throw CancellationError() }
                let code = ErrorCode(rawValue: request.parameter("code")) ?? .internal
                throw SlipwayError(
                    code, "No.", details: ["k": "v"], ref: Ref(.dataset, "d", version: 3), cause: Mystery())
            },
            Route(.get, "/foreign", .signedIn, "x", wire: Wire(name: "f") { e, _ in .text("F \(e.code)", status: 418) })
            {
                _ in throw SlipwayError(.conflict, "No.")
            },
        ]
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return WebApplication(
            routes: routes,
            authenticator: { credentials in
                guard let authorization = credentials.authorization else {
                    return Principal(name: "local", role: .admin)
                }
                guard let known = principals[authorization] else { throw SlipwayError(.unauthenticated, "Who?") }
                return known
            },
            configuration: WebConfiguration(host: "127.0.0.1", port: 5000, allowedHosts: allowedHosts),
            prometheus: Prometheus(), logger: logger)
    }

    static func text(
        _ method: String, _ target: String, _ headers: [(name: String, value: String)] = [], body: String = ""
    )
        async throws -> String
    {
        let host = headers.contains { $0.name.lowercased() == "host" } ? [] : [(name: "Host", value: "127.0.0.1:5000")]
        let answer = await application().respond(
            method: method, target: target, headers: host + headers, body: RequestBody(Array(body.utf8)))
        let bytes = String(decoding: try await answer.collect(), as: UTF8.self)
        guard let error = (try? JSONValue(parsing: bytes))?["error"] else { return "\(answer.status) \(bytes)" }
        let details = (error["details"]?.objectValue ?? [:]).sorted { $0.key < $1.key }.map {
            "\($0.key)=\($0.value.stringValue ?? "")"
        }
        return ([String(answer.status), error["code"]?.stringValue ?? ""] + details).joined(separator: " ")
    }

    @Test func `requests are parsed at the border`() async throws {
        let cases: [(String, String, String, String)] = [
            (
                "GET", "/query?a=1&a=2&b=%20x+y&empty=&bare", "",
                #"200 {"a":"1","all":["1","2"],"map":{"a":"2","b":" x y","bare":"","empty":""},"project":"default"}"#
            ),
            ("GET", "/query?&&a=b=c&", "", #"200 {"a":"b=c","all":["b=c"],"map":{"a":"b=c"},"project":"default"}"#),
            ("GET", "/query?a=%ff", "", "400 invalid field=query"),
            ("GET", "/query?a=%1", "", "400 invalid field=query"),
            ("GET", "/query?%=1", "", "400 invalid field=query"),
            ("GET", "/page?limit=10", "", "200 10"),
            ("GET", "/page?limit=0", "", "400 invalid field=limit"),
            ("GET", "/page?limit=1001", "", "400 invalid field=limit"),
            ("GET", "/page?limit=many", "", "400 invalid field=limit"),
            ("GET", "/page?after=zz", "", "400 invalid field=after"),
            ("GET", "/page?after=7b7d", "", "400 invalid field=after"),
            ("GET", "/number/-7", "", "200 -7"),
            ("GET", "/number/1e3", "", "400 invalid field=n"),
            ("GET", "/number/99999999999999999999", "", "400 invalid field=n"),
            ("POST", "/json", #"{"name": "a", "count": 3}"#, #"200 {"count":3,"name":"a"}"#),
            ("POST", "/json", #"{"count": 3}"#, "400 invalid field=name"),
            ("POST", "/json", "", "400 invalid field=name"),
            ("POST", "/json", #"{"name": 1, "count": 3}"#, "400 invalid field=name"),
            ("POST", "/json", #"{"name": "a", "count": 1.5}"#, "400 invalid field=count"),
            ("POST", "/json", #"{"name": "a", "count": 3, "nmae": 1}"#, "400 invalid field=nmae"),
            ("POST", "/json", "[]", "400 invalid field=body"),
            ("POST", "/json", String(repeating: " ", count: 101), "413 too_large limit=100"),
            ("GET", "/json", "", "405 unsupported allow=POST"),
            ("OPTIONS", "/json", "", "501 unsupported"),
            ("get", "/who", "", "501 unsupported"),
            ("GET", "/nothing", "", "404 not_found"),
            ("GET", "/../who", "", "404 not_found"),
            ("GET", "/fail/mystery", "", "500 internal"),
            ("GET", "/fail/cancelled!", "", "499 cancelled"),
            ("GET", "/foreign", "", "418 F conflict"),
        ]
        var wrong: [String] = []
        for (method, target, body, expected) in cases {
            let got = try await Self.text(method, target, body: body)
            if got != expected { wrong.append("\(method) \(target) \(body.prefix(40)): \(got)") }
        }
        #expect(wrong == [])
        // Broken JSON names the byte.
        let broken = await Self.application().respond(
            method: "POST", target: "/json", headers: [("host", "localhost")],
            body: RequestBody(Array(#"{"a": x}"#.utf8)))
        #expect(String(decoding: try await broken.collect(), as: UTF8.self).contains("byte 6"))
    }

    @Test func `every code has its status, and nothing of the cause is shown`() async throws {
        let expected: [ErrorCode: Int] = [
            .invalid: 400, .unauthenticated: 401, .forbidden: 403, .notFound: 404, .conflict: 409, .tooLarge: 413,
            .rateLimited: 429, .deadlineExceeded: 504, .cancelled: 499, .unavailable: 503, .unsupported: 501,
            .internal: 500,
        ]
        var got: [ErrorCode: Int] = [:]
        var leaks: [String] = []
        for code in ErrorCode.allCases {
            let answer = try await Self.application().ask("GET", "/fail/\(code.rawValue)")
            got[code] = answer.status
            let error = answer.json["error"]?.objectValue ?? [:]
            if answer.json.canonicalText.contains("Mystery") || error["requestId"]?.stringValue?.utf8.count != 16
                || error["ref"] != "dataset:d@3"
            {
                leaks.append(answer.json.canonicalText)
            }
        }
        #expect(got == expected)
        #expect(leaks == [])
        let mystery = try await Self.application().ask("GET", "/fail/mystery").json
        #expect(!mystery.canonicalText.contains("Mystery"))
    }

    @Test func `a body that declares or sends too much is refused before it is kept`() async throws {
        struct Endless: AsyncSequence, AsyncIteratorProtocol, Sendable {
            var sent = 0
            mutating func next() async -> Int? {
                sent += 1
                return sent < 1_000_000 ? 60 : nil
            }
            func makeAsyncIterator() -> Endless { self }
        }
        func code(_ declared: Int64?) async -> String {
            let body = RequestBody(Endless(), contentLength: declared) { [UInt8](repeating: 32, count: $0) }
            do { return "\(try await body.collect(maximumBytes: 100).count)" } catch {
                return (error as? SlipwayError)?.code.rawValue ?? "\(error)"
            }
        }
        #expect(await [code(nil), code(10), code(101), code(.max)] == Array(repeating: "too_large", count: 4))
    }

    @Test func `web pages cannot reach a server that trusts the local user`() async throws {
        let cases: [(host: String?, origin: String?, status: Int)] = [
            ("127.0.0.1:5000", nil, 200), ("localhost:5000", nil, 200), ("LocalHost", nil, 200),
            ("[::1]:5000", nil, 200),
            ("[::1]", nil, 200), ("evil.example", nil, 403), ("127.0.0.1.evil.example:5000", nil, 403), (nil, nil, 403),
            ("", nil, 403), ("[::2]:5000", nil, 403), ("localhost.", nil, 403), ("evil.example@127.0.0.1", nil, 403),
            ("127.0.0.1:5000", "http://127.0.0.1:5000", 200), ("[::1]:5000", "http://[::1]:5000", 200),
            ("localhost:5000", "https://LOCALHOST:5000", 200), ("127.0.0.1:5000", "null", 403),
            ("127.0.0.1:5000", "http://evil.example", 403), ("127.0.0.1:5000", "http://127.0.0.1:8080", 403),
            ("127.0.0.1:5000", "http://localhost:5000", 403),
            ("127.0.0.1:5000", "http://evil.example/127.0.0.1:5000", 403),
            ("127.0.0.1:5000", "127.0.0.1:5000", 403), ("evil.example", "http://evil.example", 403),
            ("ml.example:5000", nil, 200), ("ml.example:5000", "http://ml.example:5000", 200),
        ]
        let application = Self.application(allowedHosts: ["ml.example"])
        var wrong: [String] = []
        for (host, origin, status) in cases {
            var headers: [(name: String, value: String)] = []
            if let host { headers.append(("Host", host)) }
            if let origin { headers.append(("Origin", origin)) }
            let answer = await application.respond(method: "GET", target: "/who", headers: headers, body: RequestBody())
            if answer.status != status { wrong.append("\(host ?? "-") \(origin ?? "-"): \(answer.status)") }
        }
        #expect(wrong == [])
        // Behind tokens any name will do: there is nothing that a page could borrow.
        let open = await Self.application(allowedHosts: nil).respond(
            method: "GET", target: "/who", headers: [("Host", "x")], body: RequestBody())
        #expect(open.status == 200)
    }

    @Test func `the outer door asks for the route's permission`() async throws {
        let cases = [
            ("/open", nil, "200 anyone"), ("/open", "wrong", "200 anyone"), ("/who", nil, "200 local"),
            ("/who", "nobody", "200 nobody"), ("/who", "wrong", "401 unauthenticated"), ("/write", nil, "200 local"),
            ("/write", "viewer", "403 forbidden permission=things.write"),
            ("/write", "nobody", "403 forbidden permission=things.write"), ("/write", "member", "200 mia"),
            ("/write", "scoped", "403 forbidden permission=things.write"), ("/write", "fitting", "200 fay"),
        ]
        var wrong: [String] = []
        for (path, token, expected) in cases {
            let headers = token.map { [(name: "authorization", value: $0)] } ?? []
            let got = try await Self.text(path == "/write" ? "POST" : "GET", path, headers)
            if got != expected { wrong.append("\(path) \(token ?? "-"): \(got)") }
        }
        #expect(wrong == [])
    }

    @Test func `answers carry an id, and 401 and 405 say what would do`() async throws {
        func headers(_ method: String, _ target: String, _ authorization: String?) async -> [String] {
            let answer = await Self.application().respond(
                method: method, target: target,
                headers: [("host", "localhost")] + (authorization.map { [("authorization", $0)] } ?? []),
                body: RequestBody())
            return answer.headers.map { $0.name == "X-Request-Id" ? $0.name : "\($0.name): \($0.value)" }
        }
        let common = ["X-Request-Id", "X-Content-Type-Options: nosniff"]
        let json = "Content-Type: application/json"
        #expect(await headers("GET", "/page", nil) == [json] + common)
        #expect(await headers("GET", "/page", "wrong") == [json, "WWW-Authenticate: Bearer"] + common)
        #expect(await headers("PUT", "/page", nil) == [json, "Allow: GET, HEAD"] + common)
    }
}

@Suite struct PrometheusTests {
    @Test func `counts, histograms and gauges come out as the text format wants them`() {
        let prometheus = Prometheus()
        prometheus.count("b_total", help: "Things \\ counted\nhere.", labels: [("path", "a\"b\\c\nd\r\n")])
        prometheus.count("b_total", help: "", labels: [("path", "x")], by: 2)
        for seconds in [0.00005, 0.0001, 0.0002, 3, 99] {
            prometheus.observe("a_seconds", help: "Time.", seconds: seconds)
        }
        prometheus.collect { [("c", "One.", [("k", "1")], 1), ("d", "Other.", [], 2.5)] }
        prometheus.collect { [("c", "One.", [("k", "2")], .infinity)] }
        let lines = prometheus.render().split(separator: "\n").map(String.init)
        let buckets = lines.filter { $0.hasPrefix("a_seconds_bucket") }
        #expect(
            lines.filter { !$0.hasPrefix("a_seconds_bucket") } == [
                "# HELP a_seconds Time.", "# TYPE a_seconds histogram", "a_seconds_sum 102.00035", "a_seconds_count 5",
                #"# HELP b_total Things \\ counted\nhere."#, "# TYPE b_total counter",
                "b_total{path=\"a\\\"b\\\\c\\nd\r\\n\"} 1.0", #"b_total{path="x"} 2.0"#, "# HELP c One.",
                "# TYPE c gauge",
                #"c{k="1"} 1.0"#, #"c{k="2"} inf"#, "# HELP d Other.", "# TYPE d gauge", "d 2.5",
            ])
        #expect(
            [buckets.first, buckets[1], buckets[buckets.count - 4], buckets[buckets.count - 2], buckets.last] == [
                #"a_seconds_bucket{le="0.0001"} 2"#, #"a_seconds_bucket{le="0.00025"} 3"#,
                #"a_seconds_bucket{le="2.5"} 3"#,
                #"a_seconds_bucket{le="10.0"} 4"#, #"a_seconds_bucket{le="+Inf"} 5"#,
            ])
    }
}
