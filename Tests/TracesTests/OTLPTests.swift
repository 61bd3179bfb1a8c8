import Core
import Testing

@testable import Traces

@Suite struct OTLPTests {
    private static let traceID = [UInt8](repeating: 0x5b, count: 16)
    private static let spanID = [UInt8](repeating: 0xee, count: 8)

    /// `request { span }` with the fields that a test adds.
    private static func request(_ more: (inout Protobuf) -> Void = { _ in }) -> [UInt8] {
        let span = Protobuf.message { span in
            span.bytes(1, traceID)
            span.bytes(2, spanID)
            more(&span)
        }
        return Protobuf.message { request in
            request.bytes(
                1,
                Protobuf.message { resource in
                    resource.bytes(
                        1, Protobuf.message { $0.bytes(1, attribute("service.name") { $0.text(1, "shop") }) })
                    resource.bytes(2, Protobuf.message { $0.bytes(2, span) })
                })
        }
    }

    private static func attribute(_ key: String, _ value: (inout Protobuf) -> Void) -> [UInt8] {
        Protobuf.message { attribute in
            attribute.text(1, key)
            attribute.bytes(2, Protobuf.message(value))
        }
    }

    @Test func `a request as protocol buffers and as JSON is the same`() throws {
        let bytes = Self.request { span in
            span.bytes(4, [UInt8](repeating: 1, count: 8))
            span.text(5, "ask")
            span.varint(6, 3)
            span.fixed64(7, 1_544_712_660_000_000_000)
            span.fixed64(8, 1_544_712_661_000_000_000)
            // A field of a later version.
            span.varint(99, 7)
            for (key, value) in [
                ("t", { $0.text(1, "é\0x") }), ("b", { $0.varint(2, 1) }),
                ("i", { $0.varint(3, UInt64(bitPattern: -5)) }), ("d", { $0.fixed64(4, (2.5).bitPattern) }),
                ("l", { $0.bytes(5, Protobuf.message { $0.bytes(1, Protobuf.message { $0.varint(3, 1) }) }) }),
                ("m", { $0.bytes(6, Protobuf.message { $0.bytes(1, Self.attribute("k") { _ in }) }) }),
                ("y", { $0.bytes(7, [1, 2]) }),
            ] as [(String, (inout Protobuf) -> Void)] {
                span.bytes(9, Self.attribute(key, value))
            }
            span.bytes(
                11,
                Protobuf.message { event in
                    event.fixed64(1, 5)
                    event.text(2, "e")
                })
            span.bytes(
                13,
                Protobuf.message { link in
                    link.bytes(1, Self.traceID)
                    link.bytes(2, Self.spanID)
                })
            span.bytes(
                15,
                Protobuf.message { status in
                    status.text(2, "oh")
                    status.varint(3, 2)
                })
        }
        let json = """
            {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
            "scopeSpans":[{"scope":{"name":"x"},"spans":[{"traceId":"\(Hex.encode(Self.traceID).uppercased())",
            "spanId":"\(Hex.encode(Self.spanID))","parentSpanId":"0101010101010101","name":"ask","kind":3,
            "startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,
            "attributes":[{"key":"t","value":{"stringValue":"éx"}},{"key":"b","value":{"boolValue":true}},
            {"key":"i","value":{"intValue":"-5"}},{"key":"d","value":{"doubleValue":2.5}},
            {"key":"l","value":{"arrayValue":{"values":[{"intValue":1}]}}},
            {"key":"m","value":{"kvlistValue":{"values":[{"key":"k"}]}}},{"key":"y","value":{"bytesValue":"AQI="}}],
            "events":[{"timeUnixNano":"5","name":"e"}],
            "links":[{"traceId":"\(Hex.encode(Self.traceID))","spanId":"\(Hex.encode(Self.spanID))"}],
            "status":{"message":"oh","code":2}}]}]}]}
            """
        let parsed = try OTLP.parse(protobuf: bytes)
        #expect(try OTLP.parse(json: Array(json.utf8)) == parsed)
        let span = try #require(parsed.first?.spans.first)
        #expect(
            span.attributes.map { JSONValue.object([$0.key: $0.value.json]).canonicalText } == [
                #"{"t":"éx"}"#, #"{"b":true}"#, #"{"i":-5}"#, #"{"d":2.5}"#, #"{"l":[1]}"#, #"{"m":{"k":null}}"#,
                #"{"y":"AQI="}"#,
            ])
        #expect(span.status == .error && span.statusMessage == "oh" && span.parent == "0101010101010101")
        // What is kept reads back as it was.
        let body = try JSONValue(parsing: span.body(attributes: span.attributes))
        #expect(try [Attribute](json: body["attributes"] ?? .null) == span.attributes)
    }

    @Test func `what is malformed or too much is refused`() {
        func nested(_ depth: Int) -> [UInt8] {
            var value = Protobuf.message { $0.varint(3, 1) }
            for _ in 0..<depth {
                let inner = value
                value = Protobuf.message { $0.bytes(5, Protobuf.message { $0.bytes(1, inner) }) }
            }
            return Self.request { span in
                span.bytes(
                    9,
                    Protobuf.message { attribute in
                        attribute.text(1, "deep")
                        attribute.bytes(2, value)
                    })
            }
        }
        let many = Protobuf.message { list in
            for _ in 0...TraceLimits.valuesPerRequest { list.bytes(1, []) }
        }
        let good = Self.request()
        let cases: [(String, [UInt8], ErrorCode?)] = [
            ("good", good, nil), ("garbage", Array("garbage".utf8), .invalid),
            ("cut short", Array(good.dropLast()), .invalid),
            ("a length past the end", [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], .invalid),
            ("a length past all memory", [0x0a] + [UInt8](repeating: 0xff, count: 9) + [1], .invalid),
            ("a number of 11 bytes", [8] + [UInt8](repeating: 0xff, count: 11), .invalid),
            ("field 0", [2, 0], .invalid), ("a group", [0x0b, 0x0c], .invalid),
            ("no text", Self.request { $0.bytes(5, [0xff]) }, .invalid),
            ("a short parent", Self.request { $0.bytes(4, [1, 2]) }, .invalid),
            ("a zero id", Self.request { $0.bytes(2, [UInt8](repeating: 0, count: 8)) }, .invalid),
            ("a time past all time", Self.request { $0.fixed64(7, .max) }, .invalid),
            ("nested", nested(TraceLimits.attributeDepth), nil),
            ("nested too deep", nested(TraceLimits.attributeDepth + 1), .tooLarge),
            ("nested without end", nested(100_000), .tooLarge),
            (
                "many values",
                Self.request { span in
                    span.bytes(9, Self.attribute("many") { $0.bytes(5, many) })
                }, .tooLarge
            ),
        ]
        let seen = cases.map { name, bytes, _ -> String in
            do {
                _ = try OTLP.parse(protobuf: bytes)
                return "\(name): nil"
            } catch { return "\(name): \((error as? SlipwayError)?.code.rawValue ?? "?")" }
        }
        #expect(seen == cases.map { "\($0.0): \($0.2?.rawValue ?? "nil")" })
    }

    @Test func `deep values stay readable`() throws {
        var value = AttributeValue.int(1)
        for _ in 0..<TraceLimits.attributeDepth { value = .list([.map([Attribute("k", value)])]) }
        let span = SpanRules.completed(span(1, 1, "s", [Attribute("deep", value)]), traceID: "tr-1")
        let body = try JSONValue(parsing: span.body(attributes: span.attributes))
        let read = try [Attribute](json: body["attributes"] ?? .null)
        #expect(read["deep"]?.shownText.contains(#"\"k\": [{"#) == true)
    }
}
