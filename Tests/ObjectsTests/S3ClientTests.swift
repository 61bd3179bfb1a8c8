import Core
import Testing

@testable import Objects
@testable import Transport

/// Against a real service, where there is one: what the conformance suite does not reach.
@Suite(.enabled(if: Kind.available.contains(.s3), "SLIPWAY_TEST_S3_ENDPOINT is not set")) struct S3ClientTests {
    @Test func anyKey() async throws {
        let client = try Fixture.client()
        let prefix = client.location.prefix + "/keys/"
        let keys = ["a", "dir one/é+ü&=%~.txt", "quote\"<&>", "z%20z", "日本/x"].map { prefix + $0 }.sorted()
        for key in keys {
            try await client.put(key, Array(key.utf8))
            #expect(try await client.get(key) == Array(key.utf8))
            #expect(try await client.head(key)?.sizeBytes == Int64(key.utf8.count))
            let url = client.presignedURL(key, expiresSeconds: 30)
            #expect(try await HTTPClient().send(HTTPRequest(url: url)).body == Array(key.utf8), "\(url)")
        }
        let (all, isEnd) = try await client.list(prefix: prefix)
        #expect(Set(all.map(\.key)) == Set(keys) && isEnd)
        let (some, isSomeEnd) = try await client.list(prefix: prefix, after: all[1].key, limit: 2)
        #expect(some == Array(all[2...3]) && !isSomeEnd)
        for key in keys + [prefix + "none"] { try await client.delete(key) }
        #expect(try await client.list(prefix: prefix).objects == [])
        #expect(try await client.head(keys[0]) == nil)
        #expect(await errorCode { _ = try await client.get(keys[0]) } == "not_found")
    }

    @Test func downloads() async throws {
        let client = try Fixture.client()
        let folder = ScratchFolder()
        let bytes = noise(3_000_000, seed: 1)
        let key = client.location.prefix + "/file"
        try await client.put(key, bytes)
        try await client.download(key, to: folder.path + "/copy")
        #expect(try contents(of: folder.path + "/copy") == bytes)
        #expect(await errorCode { try await client.download(key + "x", to: folder.path + "/none") } == "not_found")
        #expect(try Files.names(in: folder.path) == ["copy"])
    }

    @Test func refreshesInParts() async throws {
        let client = try Fixture.client()
        let bytes = noise(11 << 20, seed: 2)
        let key = client.location.prefix + "/big"
        try await client.put(key, bytes)
        try await client.refreshMultipart(key, sizeBytes: Int64(bytes.count), partBytes: 5 << 20)
        #expect(try await client.get(key) == bytes)
        try await client.refresh(key)
        #expect(try await client.get(key) == bytes)
    }

    @Test func uploadsThatNeverEndedAreAborted() async throws {
        let fixture = try await Fixture(.s3)
        let client = try Fixture.client()
        let backend = try S3Backend(client: client, stagingFolder: fixture.folder.path + "/u", pool: fixture.pool)
        _ = try await client.call("POST", backend.key(Digest.of("x")), query: [("uploads", "")], accepting: [200])
        let now = Clock.system.now()
        var counts: [Int] = []
        for (cutoff, dryRun) in [(-60.0, false), (60, true), (60, false), (60, false)] {
            counts.append(try await backend.removeLeftovers(before: now.adding(seconds: cutoff), dryRun: dryRun).count)
        }
        #expect(counts == [0, 1, 1, 0])
    }

    @Test func explainsWhatIsWrong() async throws {
        let good = try Fixture.client().location
        let (key, secret) = (
            Kind.environment["SLIPWAY_TEST_S3_KEY"] ?? "", Kind.environment["SLIPWAY_TEST_S3_SECRET"] ?? ""
        )
        let endpoint = Percent.encode(good.endpoint.origin)
        let cases: [(String, String, String)] = [
            ("s3://\(good.bucket)?endpoint=\(endpoint)", "wrong", "Check AWS_ACCESS_KEY_ID"),
            ("s3://no-such-bucket?endpoint=\(endpoint)", secret, "'no-such-bucket' does not exist"),
            ("s3://\(good.bucket)?endpoint=http%3A%2F%2F127.0.0.1%3A1", secret, "No connection to 127.0.0.1:1"),
        ]
        for (url, secret, expected) in cases {
            let credentials = S3Credentials(accessKey: key, secretKey: Secret(secret))
            let client = S3Client(
                location: try S3Location(parsing: url), credentials: credentials, http: HTTPClient(),
                backoff: Backoff(attempts: 2, baseSeconds: 0.01))
            do {
                _ = try await client.list(prefix: "")
                Issue.record("\(url) was accepted")
            } catch let error as SlipwayError {
                #expect(error.code == .unavailable && error.message.contains(expected), "\(error)")
            }
        }
    }
}
