import Core
import Synchronization
import Testing

@testable import Objects
@testable import Transport

/// A service that misbehaves as it is told: faults that a real one cannot be made to have. Keeps a log of requests.
private final class Script: HTTPSending {
    private struct State {
        var log: [String] = []
        var answered: [String] = []
        var now = 0
        var most = 0
    }
    private let state = Mutex(State())
    private let answer: @Sendable (_ what: String, _ times: Int) async throws -> HTTPResponse

    /// - Parameter answer: gets `METHOD kind` and how often that was asked, from 1.
    init(_ answer: @escaping @Sendable (String, Int) async throws -> HTTPResponse) { self.answer = answer }

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let query = request.url.split(separator: "?").dropFirst().joined()
        let kind =
            query.hasPrefix("partNumber")
            ? "part" : query == "uploads=" ? "begin" : query.hasPrefix("uploadId") ? "upload" : "object"
        let what = "\(request.method) \(kind)"
        let times = state.withLock { state in
            state.log.append(what)
            state.now += 1
            state.most = max(state.most, state.now)
            return state.log.filter { $0 == what }.count
        }
        defer { state.withLock { $0.now -= 1 } }
        if Task.isCancelled, !request.survivesCancellation { throw SlipwayError(.cancelled, "never sent") }
        let response = try await answer(what, times)
        state.withLock { $0.answered.append(what) }
        return response
    }

    func download(
        _ request: HTTPRequest, to path: String, progress: (@Sendable (Int64, Int64?) -> Void)?
    ) async throws -> HTTPResponse { try await send(request) }

    func count(_ what: String) -> Int { state.withLock { $0.log.filter { $0 == what }.count } }
    func answered(_ what: String) -> Int { state.withLock { $0.answered.filter { $0 == what }.count } }
    var most: Int { state.withLock { $0.most } }
}

private func response(_ status: Int, _ body: String = "", _ headers: [(name: String, value: String)] = [])
    -> HTTPResponse
{
    HTTPResponse(status: status, headers: headers, body: Array(body.utf8), url: "http://s3.test")
}

private func failing(_ code: String, _ status: Int) -> HTTPResponse {
    response(status, "<Error><Code>\(code)</Code><Message>m</Message></Error>")
}

/// What a healthy service answers to an upload in parts.
private func healthy(_ what: String) -> HTTPResponse {
    switch what {
    case "POST begin": response(200, "<R><UploadId>u1</UploadId></R>")
    case "PUT part": response(200, "", [("ETag", "\"t\"")])
    case "POST upload": response(200, "<CompleteMultipartUploadResult/>")
    case "DELETE upload": response(204)
    default: response(200)
    }
}

@Suite struct S3FaultTests {
    private func client(_ script: Script) throws -> S3Client {
        S3Client(
            location: try S3Location(parsing: "s3://bucket?endpoint=http://s3.test"),
            credentials: S3Credentials(accessKey: "a", secretKey: Secret("b")), sending: script,
            backoff: Backoff(attempts: 4, baseSeconds: 0.001, maximumSeconds: 0.002))
    }

    @Test func triesAgainWhatMayPass() async throws {
        let unavailable = SlipwayError(.unavailable, "gone")
        let cases: [(String, [Result<HTTPResponse, SlipwayError>], String, Int)] = [
            (
                "503 twice", [.success(failing("SlowDown", 503)), .success(response(500)), .success(response(200))],
                "none", 3
            ),
            ("429", [.success(response(429)), .success(response(200))], "none", 2),
            ("no connection", [.failure(unavailable), .success(response(200))], "none", 2),
            ("too slow", [.failure(SlipwayError(.deadlineExceeded, "")), .success(response(200))], "none", 2),
            ("a slow upload", [.success(failing("RequestTimeout", 400)), .success(response(200))], "none", 2),
            ("always", [.success(response(503))], "unavailable", 4),
            ("forbidden", [.success(failing("AccessDenied", 403))], "unavailable", 1),
            ("bad request", [.success(failing("InvalidRequest", 400))], "unavailable", 1),
            ("no bucket", [.success(failing("NoSuchBucket", 404))], "unavailable", 1),
            ("no object", [.success(failing("NoSuchKey", 404))], "not_found", 1),
            ("cancelled", [.failure(SlipwayError(.cancelled, ""))], "cancelled", 1),
        ]
        for (name, answers, code, tries) in cases {
            let script = Script { _, times in try answers[min(times, answers.count) - 1].get() }
            let client = try client(script)
            #expect(await errorCode { _ = try await client.get("k") } == code, "\(name)")
            #expect(script.count("GET object") == tries, "\(name)")
        }
    }

    @Test func uploadsInParts() async throws {
        let folder = ScratchFolder()
        let path = try folder.file("f", noise(100_000, seed: 1))
        let plan = MultipartPlan(thresholdBytes: 10_000, partBytes: 10_000, parallelism: 3)
        let lost = SlipwayError(.unavailable, "lost")
        // Name; answer, or nil for a healthy one; outcome; completions tried; aborts.
        let cases: [(String, @Sendable (String, Int) throws -> HTTPResponse?, String, Int, Int)] = [
            ("healthy", { _, _ in nil }, "none", 1, 0),
            ("a part fails once", { $0 == "PUT part" && $1 == 4 ? response(500) : nil }, "none", 1, 0),
            (
                "a part is refused", { $0 == "PUT part" && $1 == 4 ? failing("InvalidDigest", 400) : nil },
                "unavailable", 0, 1
            ),
            ("no ETag", { what, _ in what == "PUT part" ? response(200) : nil }, "unavailable", 0, 1),
            (
                "200 with a passing error", { $0 == "POST upload" && $1 == 1 ? failing("InternalError", 200) : nil },
                "none", 2, 0
            ),
            (
                "200 with an error", { what, _ in what == "POST upload" ? failing("InvalidPart", 200) : nil },
                "unavailable", 1, 1
            ),
            (
                "the answer is lost",
                { what, times in
                    switch what {
                    case "POST upload" where times == 1: throw lost
                    case "POST upload": failing("NoSuchUpload", 404)
                    case "HEAD object":
                        response(
                            200, "", [("Content-Length", "100000"), ("Last-Modified", "Fri, 24 May 2013 00:00:00 GMT")])
                    default: nil
                    }
                }, "none", 2, 0
            ),
            (
                "the upload is gone",
                { what, _ in
                    what == "POST upload" ? failing("NoSuchUpload", 404) : what == "HEAD object" ? response(404) : nil
                }, "not_found", 1, 1
            ),
        ]
        for (name, fault, code, completions, aborts) in cases {
            let script = Script { what, times in try fault(what, times) ?? healthy(what) }
            let client = try client(script)
            let outcome = await errorCode {
                try await client.putMultipart("k", file: path, sizeBytes: 100_000, plan: plan) { _ in Digest.of("") }
            }
            let seen = (outcome, script.count("POST upload"), script.count("DELETE upload"))
            #expect(seen == (code, completions, aborts), "\(name)")
            #expect(script.most <= 3, "\(name)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func aCancelledUploadIsAborted() async throws {
        let folder = ScratchFolder()
        let path = try folder.file("f", noise(100_000, seed: 1))
        let (started, start) = AsyncStream<Void>.makeStream()
        let script = Script { what, _ in
            if what == "PUT part" {
                start.yield()
                try await Task.sleep(nanoseconds: 60_000_000_000)
            }
            return healthy(what)
        }
        let client = try client(script)
        let task = Task {
            let plan = MultipartPlan(thresholdBytes: 10_000, partBytes: 10_000, parallelism: 3)
            try await client.putMultipart("k", file: path, sizeBytes: 100_000, plan: plan) { _ in Digest.of("") }
        }
        for await _ in started { break }
        task.cancel()
        await #expect(throws: (any Error).self) { try await task.value }
        #expect(script.answered("DELETE upload") == 1)
    }

    @Test func plansParts() {
        let plan = MultipartPlan()
        let sizes: [(Int64, Int, Int64)] = [
            (1, 1, 1), (8 << 20, 1, 8 << 20), ((8 << 20) + 1, 2, 8 << 20), (5 << 40, 9987, 525 << 20),
        ]
        for (size, count, part) in sizes {
            let parts = plan.parts(of: size)
            #expect((parts.count, parts.first.map { Int64($0.count) }, parts.last?.upperBound) == (count, part, size))
        }
    }
}
