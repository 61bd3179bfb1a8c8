import Core
import Testing

@Suite struct RefTests {
    @Test(arguments: [
        "dataset:sales@3", "run:0193abcdef", "model:restock@champion", "file:/data/a@b.csv", "prediction:x.1",
        "pipeline-run:a",
    ])
    func `a ref prints as it was parsed`(text: String) throws {
        #expect(try Ref(parsing: text).description == text)
    }

    @Test(arguments: ["", "sales", "nothing:x", "dataset:", "dataset:a@", "dataset:a@b/c", "dataset:a\nb"])
    func `what is not a ref is refused`(text: String) {
        #expect(throws: SlipwayError.self) { try Ref(parsing: text) }
    }

    @Test(arguments: ["../x", "/etc/passwd", "a//b", "a/./b", "a\\b", "", "a/", "a\u{0}b"])
    func `a path that could leave its folder is refused`(text: String) {
        #expect(throws: SlipwayError.self) { try RelativePath(parsing: text) }
    }
}

@Suite struct JSONTests {
    @Test(arguments: [
        (#"{"a":[1,-2.5,1e3,true,null,"é\n\u0041\ud83d\ude00"]}"#, #"{"a":[1,-2.5,1000.0,true,null,"é\nA😀"]}"#),
        (#" [ ] "#, "[]"), ("{}", "{}"), (#"{"b":1,"a":2}"#, #"{"a":2,"b":1}"#),
        ("9223372036854775807", "9223372036854775807"),
        ("[NaN,-Infinity]", #"["NaN","-Infinity"]"#),
    ])
    func `a document parses and prints canonically`(text: String, canonical: String) throws {
        #expect(try JSONValue(parsing: text).canonicalText == canonical)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\" 1}", "01", "1.", "\"\\x\"", "\"\\ud800\"", "tru", "[1] 2", "{\"a\":1,}", "-",
        "\"a\nb\"",
    ])
    func `a broken document is refused`(text: String) {
        #expect(throws: SlipwayError.self) { try JSONValue(parsing: text) }
    }

    @Test func `depth is limited`() {
        let deep = String(repeating: "[", count: Limits.jsonDepth + 1)
        #expect(throws: SlipwayError.self) { try JSONValue(parsing: deep) }
    }

    @Test func `indented text parses to the same value`() throws {
        let value: JSONValue = ["a": [1, ["b": nil, "c": []]], "d": [:], "e": "x"]
        #expect(try JSONValue(parsing: value.prettyText) == value)
        #expect(value.prettyText.hasPrefix("{\n  \"a\": [\n    1,"))
    }
}

@Suite struct TimeTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2017-06-01", 1_496_275_200_000), ("2000-02-29T23:59:59.250Z", 951_868_799_250),
        ("2026-11-24T10:32:34+02:00", 1_795_509_154_000), ("1969-12-31T23:59:59.999Z", -1),
    ])
    func `times parse and print`(text: String, milliseconds: Int64) throws {
        let time = try Timestamp(parsing: text)
        #expect(time.milliseconds == milliseconds)
        #expect(try Timestamp(parsing: time.description) == time)
    }

    @Test(arguments: ["", "2017", "2017-13-01", "2017-01-01T25:00:00Z", "yesterday", "2017-01-01T00:00:00Zx"])
    func `what is not a time is refused`(text: String) {
        #expect(throws: SlipwayError.self) { try Timestamp(parsing: text) }
    }
}

@Suite struct DigestTests {
    /// FIPS 180-4 and RFC 4231 (case 2) vectors.
    @Test func `published vectors hold`() {
        #expect(Digest.of("abc").hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let mac = Crypto.hmacSHA256(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        #expect(Hex.encode(mac) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(Base64.encode(Array("any carnal pleas".utf8)) == "YW55IGNhcm5hbCBwbGVhcw==")
        #expect(Base64.decode("YW55IGNhcm5hbCBwbGVhcw==") == Array("any carnal pleas".utf8))
    }

    /// Digests are words in memory; as texts and as bytes they are what they always were.
    @Test func `digests are their texts`() throws {
        let texts = ["", "a", "abc", "slipway"].map { Digest.of($0).hex } + [String(repeating: "f", count: 64)]
        let digests = try texts.map { try Digest(parsing: $0) }
        #expect(digests.map(\.hex) == texts && digests.sorted().map(\.hex) == texts.sorted())
        #expect(digests.map { digest in digest.bytes.withUnsafeBytes { Digest(bytes: $0) } } == digests)
        #expect(try Digest(parsing: "sha256:" + texts[2]) == digests[2])
        // FIPS 180-4 has the digest of the empty message among NIST's examples.
        #expect(texts[0] == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        let good = texts[1]
        for bad in [
            "", "sha256:", String(good.dropLast()), good + "0", good.uppercased(), "g" + good.dropFirst(),
            "é" + good.dropFirst(2),
        ] {
            #expect(throws: SlipwayError.self, "\(bad)") { try Digest(parsing: bad) }
        }
    }
}

@Suite struct FilterTests {
    @Test(arguments: [
        ("metrics.rmse < 0.3", Filter.compare(FilterField(entity: "metrics", key: "rmse"), .less, .number(0.3))),
        (
            "tags.`mlflow.source.name` = 'a''b'",
            .compare(FilterField(entity: "tags", key: "mlflow.source.name"), .equal, .text("a'b"))
        ),
        ("name ILIKE '%x%'", .compare(FilterField(entity: nil, key: "name"), .ilike, .text("%x%"))),
        ("run_id IN ('a', 'b')", .isOneOf(FilterField(entity: nil, key: "run_id"), [.text("a"), .text("b")])),
        ("params.lr IS NOT NULL", .not(.isNull(FilterField(entity: "params", key: "lr")))),
        (
            "metrics.\"m 1\" >= -1e-3",
            .compare(FilterField(entity: "metrics", key: "m 1"), .greaterOrEqual, .number(-0.001))
        ),
        (
            "a = 1 AND (b = 2 OR NOT c != true)",
            .and([
                .compare(FilterField(entity: nil, key: "a"), .equal, .number(1)),
                .or([
                    .compare(FilterField(entity: nil, key: "b"), .equal, .number(2)),
                    .not(.compare(FilterField(entity: nil, key: "c"), .notEqual, .bool(true))),
                ]),
            ])
        ),
    ])
    func `expressions parse to trees`(text: String, expected: Filter) throws {
        #expect(try Filter.parse(text) == expected)
    }

    @Test(arguments: [
        "a", "a =", "a = 'x", "a == == 1", "(a = 1", "a = 1 b = 2", "a LIKE", "; DROP", "a = 1 AND", "a NOT = 1",
        "a.b.", "1 = a",
    ])
    func `broken expressions say where`(text: String) {
        let error = #expect(throws: SlipwayError.self) { try Filter.parse(text) }
        #expect(error?.code == .invalid)
    }
}
