import Core

/// One operation of a trace, as OpenTelemetry's `trace.proto` has it.
public struct Span: Hashable, Sendable {
    /// 16 bytes in hexadecimal.
    public var traceID: String
    /// 8 bytes in hexadecimal.
    public var id: String
    public var parent: String?
    public var name = ""
    /// `SpanKind`; 0 and 1 (internal) are not kept.
    public var kind = 0
    /// Since 1970, UTC.
    public var startedNanoseconds: Int64 = 0
    public var endedNanoseconds: Int64?
    public var attributes: [Attribute] = []
    public var events: [SpanEvent] = []
    public var links: [SpanLink] = []
    public var status = SpanStatus.unset
    public var statusMessage = ""

    public init(traceID: String, id: String) {
        self.traceID = traceID
        self.id = id
    }
}

public enum SpanStatus: String, Hashable, Sendable {
    case unset = "UNSET"
    case ok = "OK"
    case error = "ERROR"

    init(code: Int64) { self = code == 1 ? .ok : code == 2 ? .error : .unset }
}

public struct SpanEvent: Hashable, Sendable {
    public var timeNanoseconds: Int64 = 0
    public var name = ""
    public var attributes: [Attribute] = []
}

public struct SpanLink: Hashable, Sendable {
    /// In hexadecimal.
    public var traceID = ""
    public var spanID = ""
    public var attributes: [Attribute] = []
}

/// What came in one request, of one resource.
public struct ResourceSpans: Hashable, Sendable {
    public var resource: [Attribute] = []
    public var spans: [Span] = []
}

extension Span {
    static let kinds = ["", "", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"]

    /// What is not in columns of its own, as a JSON object of OTLP's fields.
    func body(attributes: [Attribute]) -> String {
        var writer = JSONWriter(reserving: 256 + attributes.count * 64)
        writer.object { writer in
            if kind > 1, kind < Self.kinds.count {
                writer.key("kind")
                writer.write(Self.kinds[kind])
            }
            if !attributes.isEmpty {
                writer.key("attributes")
                writer.write(attributes)
            }
            if !events.isEmpty {
                writer.key("events")
                writer.array { writer in for event in events { writer.write(event) } }
            }
            if !links.isEmpty {
                writer.key("links")
                writer.array { writer in for link in links { writer.write(link) } }
            }
            writer.key("status")
            writer.object { writer in
                if !statusMessage.isEmpty {
                    writer.key("message")
                    writer.write(statusMessage)
                }
                if status != .unset {
                    writer.key("code")
                    writer.write("STATUS_CODE_" + status.rawValue)
                }
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// The attributes with long texts cut, for searches, where the whole body is an object.
    var excerpt: [Attribute] {
        func cut(_ value: AttributeValue) -> AttributeValue {
            let text = value.shownText
            guard text.utf8.count > TraceLimits.excerptCharacters else { return value }
            return .text(String(text.prefix(TraceLimits.excerptCharacters)))
        }
        return attributes.prefix(TraceLimits.excerptAttributes).map { Attribute($0.key, cut($0.value)) }
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ event: SpanEvent) {
        object { writer in
            writer.key("time_unix_nano")
            writer.write(event.timeNanoseconds)
            writer.key("name")
            writer.write(event.name)
            if !event.attributes.isEmpty {
                writer.key("attributes")
                writer.write(event.attributes)
            }
        }
    }

    fileprivate mutating func write(_ link: SpanLink) {
        object { writer in
            writer.key("trace_id")
            writer.write(Base64.encode(Hex.decode(link.traceID) ?? []))
            writer.key("span_id")
            writer.write(Base64.encode(Hex.decode(link.spanID) ?? []))
            if !link.attributes.isEmpty {
                writer.key("attributes")
                writer.write(link.attributes)
            }
        }
    }
}

/// A span as it is kept: what searches need in columns, and the rest as JSON.
public struct StoredSpan: Hashable, Sendable {
    /// In hexadecimal, as are the others.
    public let traceID: String
    public let id: String
    public let parent: String?
    public let name: String
    public let type: String?
    public let status: SpanStatus
    public let startedNanoseconds: Int64
    public let endedNanoseconds: Int64?
    /// OTLP's fields `kind`, `attributes`, `events`, `links` and `status` in protocol buffers' JSON form.
    public var body: String
    /// Where the body is, if it is too large for a row; `body` is an excerpt then.
    let object: Digest?

    /// The span in the JSON form of OTLP's message.
    public func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("trace_id")
            writer.write(Base64.encode(Hex.decode(traceID) ?? []))
            writer.key("span_id")
            writer.write(Base64.encode(Hex.decode(id) ?? []))
            if let parent {
                writer.key("parent_span_id")
                writer.write(Base64.encode(Hex.decode(parent) ?? []))
            }
            writer.key("name")
            writer.write(name)
            writer.key("start_time_unix_nano")
            writer.write(startedNanoseconds)
            if let endedNanoseconds {
                writer.key("end_time_unix_nano")
                writer.write(endedNanoseconds)
            }
            // The body is a JSON object that is never empty: its fields go on behind these.
            writer.raw(String(body.dropFirst().dropLast()))
        }
    }

    /// The attributes, parsed.
    public var attributes: [Attribute] {
        get throws { try [Attribute](json: JSONValue(parsing: body)["attributes"] ?? .null) }
    }
}

extension StoredSpan {
    /// The span as MLflow's `traces.json` has it: attributes are JSON text each.
    public var fileForm: JSONValue {
        get throws {
            func text(_ value: AttributeValue) -> String {
                if case .text = value { return value.json.canonicalText }
                return value.shownText
            }
            let body = try JSONValue(parsing: body)
            let events = try (body["events"]?.arrayValue ?? []).map { event -> JSONValue in
                let attributes = try [Attribute](json: event["attributes"] ?? .null)
                return [
                    "name": event["name"] ?? "", "time_unix_nano": event["time_unix_nano"] ?? 0,
                    "attributes": .object(attributes.map),
                ]
            }
            let attributes = try [Attribute](json: body["attributes"] ?? .null)
            return [
                "trace_id": .string(Base64.encode(Hex.decode(traceID) ?? [])),
                "span_id": .string(Base64.encode(Hex.decode(id) ?? [])),
                "parent_span_id": parent.map { .string(Base64.encode(Hex.decode($0) ?? [])) } ?? .null,
                "name": .string(name), "start_time_unix_nano": .int(startedNanoseconds),
                "end_time_unix_nano": endedNanoseconds.map { .int($0) } ?? .null, "events": .array(events),
                "status": [
                    "code": .string("STATUS_CODE_" + status.rawValue),
                    "message": body["status"]?["message"] ?? "",
                ],
                "attributes": .object(Dictionary(attributes.map { ($0.key, .string(text($0.value))) }) { $1 }),
                "links": body["links"] ?? [],
            ]
        }
    }
}
