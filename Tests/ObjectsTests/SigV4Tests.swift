import Core
import Testing

@testable import Objects
@testable import Transport

/// The examples that AWS publishes for S3's Signature Version 4.
@Suite struct SigV4Tests {
    private let signer = SigV4(
        credentials: S3Credentials(
            accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")),
        region: "us-east-1")
    private let time = CivilTime(year: 2013, month: 5, day: 24).timestamp
    private let host = "examplebucket.s3.amazonaws.com"

    @Test func headerSignatures() throws {
        let body = Array("Welcome to Amazon S3.".utf8)
        let cases: [(String, String, [(String, String)], [(String, String)], String, String)] = [
            (
                "GET", "/test.txt", [], [("range", "bytes=0-9")], SigV4.emptyHash,
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
            ),
            (
                "PUT", "/test$file.text", [],
                [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
                Digest.of(body).hex,
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
            ),
            (
                "GET", "/", [("lifecycle", "")], [], SigV4.emptyHash,
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
            ),
            (
                "GET", "/", [("prefix", "J"), ("max-keys", "2")], [], SigV4.emptyHash,
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
            ),
        ]
        for (method, path, query, headers, hash, expected) in cases {
            let signed = signer.headers(
                method: method, host: host, path: path, query: query, headers: headers, payloadHash: hash, at: time)
            let authorization = signed.first { $0.name == "Authorization" }?.value
            #expect(authorization?.hasSuffix("Signature=" + expected) == true, "\(method) \(path)")
        }
    }

    @Test func presignedURL() {
        let query = signer.presignedQuery(method: "GET", host: host, path: "/test.txt", expiresSeconds: 86400, at: time)
        #expect(
            query
                == "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        )
    }

    @Test func dates() {
        #expect(SigV4.stamp(time) == "20130524T000000Z")
        #expect(Timestamp(httpDate: "Fri, 24 May 2013 00:00:07 GMT") == time.adding(seconds: 7))
        #expect(Timestamp(httpDate: "24 May 2013") == nil)
    }

    @Test func locations() throws {
        func parse(_ text: String) -> [String]? {
            guard let found = try? S3Location(parsing: text) else { return nil }
            return [found.bucket, found.prefix, found.endpoint.origin, found.region]
        }
        #expect(parse("s3://my-bucket") == ["my-bucket", "", "https://s3.us-east-1.amazonaws.com", "us-east-1"])
        #expect(
            parse("s3://b.c/x%20y/z/?endpoint=http%3A%2F%2F127.0.0.1%3A8333&region=eu") == [
                "b.c", "x y/z", "http://127.0.0.1:8333", "eu",
            ])
        #expect(parse("s3://abc/?endpoint=http://h:1&region=r") == ["abc", "", "http://h:1", "r"])
        for bad in [
            "s3://", "s3://ab", "s3://A_B", "s3://key:secret@bucket", "s3://abc?color=red", "s3://abc?endpoint=ftp://x",
            "s3://abc?endpoint=http://h/path", "s3://abc?region=a/b", "s3://abc/%zz", "http://abc",
        ] { #expect(parse(bad) == nil, "\(bad)") }
    }

    @Test func xml() throws {
        let text =
            "<?xml version=\"1.0\"?><!-- c --><s:A xmlns:s=\"u\"><B>x &amp; &#233;&#x41;</B><C/><B a='1'>2</B></s:A>"
        let root = try XMLElement(parsing: Array(text.utf8))
        #expect(
            [root.name, root["B"]?.text, root.all("B").last?.text, root["C"]?.text, root["D"]?.text] == [
                "A", "x & éA", "2", "", nil,
            ])
        for bad in ["", "<a>", "<a></a></b>", "text", "<a>&nope;</a>", "<", "<!DOCTYPE x>"] {
            #expect(throws: SlipwayError.self, "\(bad)") { try XMLElement(parsing: Array(bad.utf8)) }
        }
        #expect(XMLElement.escape("\"a<b>&\"") == "&quot;a&lt;b&gt;&amp;&quot;")
    }
}
