import Core

/// `ExportTraceServiceRequest` of OTLP/HTTP (opentelemetry.io, "OTLP Specification", with the field numbers of
/// opentelemetry-proto 1.x): as protocol buffers, or as JSON with ids in hexadecimal.
public enum OTLP {
    /// - Throws: `invalid` for what is malformed; `tooLarge` past the limits.
    public static func parse(protobuf bytes: [UInt8]) throws -> [ResourceSpans] {
        var parser = ProtobufParser()
        return try parser.request(ProtobufReader(bytes[...]))
    }

    /// - Throws: `invalid` for what is malformed; `tooLarge` past the limits.
    public static func parse(json bytes: [UInt8]) throws -> [ResourceSpans] {
        let request = try JSONValue(parsing: bytes)
        guard request.objectValue != nil else { throw ProtobufReader.malformed }
        var count = 0
        return try list(request, "resourceSpans").map { resource in
            var result = ResourceSpans()
            result.resource = try [Attribute](json: resource["resource"]?["attributes"] ?? .null)
            for scope in try list(resource, "scopeSpans") {
                let spans = try list(scope, "spans")
                count += spans.count
                try check(spans: count)
                result.spans += try spans.map(span)
            }
            return result
        }
    }

    static func check(spans count: Int) throws {
        guard count <= TraceLimits.spansPerRequest else {
            throw SlipwayError(
                .tooLarge,
                "The request has more than \(TraceLimits.spansPerRequest) spans; send them in several requests.")
        }
    }

    /// An id of so many bytes, not all zero, in hexadecimal.
    static func id(_ bytes: some Collection<UInt8>, count: Int) throws -> String {
        guard bytes.count == count, bytes.contains(where: { $0 != 0 }) else {
            throw SlipwayError(
                .invalid,
                "Cannot convert OpenTelemetry span: an id has \(bytes.count) bytes or is zero; expected \(count) bytes."
            )
        }
        return Hex.encode(bytes)
    }

    // MARK: JSON

    private static func list(_ value: JSONValue, _ name: String) throws -> [JSONValue] {
        guard let field = value[name], !field.isNull else { return [] }
        guard let items = field.arrayValue else { throw ProtobufReader.malformed }
        return items
    }

    private static func id(_ value: JSONValue?, count: Int) throws -> String {
        try id(Hex.decode(value?.stringValue?.lowercased() ?? "") ?? [], count: count)
    }

    private static func time(_ value: JSONValue?) throws -> Int64 {
        guard let value, !value.isNull else { return 0 }
        guard let time = value.intValue, time >= 0 else { throw ProtobufReader.malformed }
        return time
    }

    private static func text(_ value: JSONValue?) -> String { (value?.stringValue ?? "").withoutNUL }

    private static func span(_ value: JSONValue) throws -> Span {
        var span = Span(traceID: try id(value["traceId"], count: 16), id: try id(value["spanId"], count: 8))
        if let parent = value["parentSpanId"]?.stringValue, !parent.isEmpty {
            span.parent = try id(value["parentSpanId"], count: 8)
        }
        span.name = text(value["name"])
        span.kind = Int(value["kind"]?.intValue ?? 0)
        span.startedNanoseconds = try time(value["startTimeUnixNano"])
        let ended = try time(value["endTimeUnixNano"])
        span.endedNanoseconds = ended == 0 ? nil : ended
        span.attributes = try [Attribute](json: value["attributes"] ?? .null)
        span.events = try list(value, "events").map { event in
            SpanEvent(
                timeNanoseconds: try time(event["timeUnixNano"]), name: text(event["name"]),
                attributes: try [Attribute](json: event["attributes"] ?? .null))
        }
        span.links = try list(value, "links").map { link in
            SpanLink(
                traceID: try id(link["traceId"], count: 16), spanID: try id(link["spanId"], count: 8),
                attributes: try [Attribute](json: link["attributes"] ?? .null))
        }
        if let status = value["status"] {
            span.status = SpanStatus(code: status["code"]?.intValue ?? 0)
            span.statusMessage = text(status["message"])
        }
        return span
    }
}

/// The messages of protocol buffers. Fields that are not known, and known ones of another type, are passed over.
private struct ProtobufParser {
    private var spans = 0
    private var values = 0

    mutating func request(_ reader: ProtobufReader) throws -> [ResourceSpans] {
        var reader = reader
        var result: [ResourceSpans] = []
        while let (field, type) = try reader.next() {
            switch (field, type) {
            case (1, .bytes): result.append(try resourceSpans(try reader.message()))
            default: try reader.skip(type)
            }
        }
        return result
    }

    private mutating func resourceSpans(_ reader: ProtobufReader) throws -> ResourceSpans {
        var reader = reader
        var result = ResourceSpans()
        while let (field, type) = try reader.next() {
            switch (field, type) {
            case (1, .bytes):
                var resource = try reader.message()
                while let (field, type) = try resource.next() {
                    switch (field, type) {
                    case (1, .bytes): result.resource.append(try attribute(try resource.message(), 0))
                    default: try resource.skip(type)
                    }
                }
            case (2, .bytes):
                var scope = try reader.message()
                while let (field, type) = try scope.next() {
                    switch (field, type) {
                    case (2, .bytes):
                        spans += 1
                        try OTLP.check(spans: spans)
                        result.spans.append(try span(try scope.message()))
                    default: try scope.skip(type)
                    }
                }
            default: try reader.skip(type)
            }
        }
        return result
    }

    private mutating func span(_ reader: ProtobufReader) throws -> Span {
        var reader = reader
        var span = Span(traceID: "", id: "")
        var ids: (trace: ArraySlice<UInt8>, span: ArraySlice<UInt8>) = ([], [])
        while let (field, type) = try reader.next() {
            switch (field, type) {
            case (1, .bytes): ids.trace = try reader.lengthDelimited()
            case (2, .bytes): ids.span = try reader.lengthDelimited()
            case (4, .bytes):
                let parent = try reader.lengthDelimited()
                span.parent = parent.isEmpty ? nil : try OTLP.id(parent, count: 8)
            case (5, .bytes): span.name = try reader.text()
            case (6, .varint): span.kind = Int(truncatingIfNeeded: try reader.varint())
            case (7, .fixed64): span.startedNanoseconds = try reader.nanoseconds()
            case (8, .fixed64):
                let ended = try reader.nanoseconds()
                span.endedNanoseconds = ended == 0 ? nil : ended
            case (9, .bytes): span.attributes.append(try attribute(try reader.message(), 0))
            case (11, .bytes): span.events.append(try event(try reader.message()))
            case (13, .bytes): span.links.append(try link(try reader.message()))
            case (15, .bytes):
                var status = try reader.message()
                while let (field, type) = try status.next() {
                    switch (field, type) {
                    case (2, .bytes): span.statusMessage = try status.text()
                    case (3, .varint): span.status = SpanStatus(code: Int64(truncatingIfNeeded: try status.varint()))
                    default: try status.skip(type)
                    }
                }
            default: try reader.skip(type)
            }
        }
        span.traceID = try OTLP.id(ids.trace, count: 16)
        span.id = try OTLP.id(ids.span, count: 8)
        return span
    }

    private mutating func event(_ reader: ProtobufReader) throws -> SpanEvent {
        var reader = reader
        var event = SpanEvent()
        while let (field, type) = try reader.next() {
            switch (field, type) {
            case (1, .fixed64): event.timeNanoseconds = try reader.nanoseconds()
            case (2, .bytes): event.name = try reader.text()
            case (3, .bytes): event.attributes.append(try attribute(try reader.message(), 0))
            default: try reader.skip(type)
            }
        }
        return event
    }

    private mutating func link(_ reader: ProtobufReader) throws -> SpanLink {
        var reader = reader
        var link = SpanLink()
        while let (field, type) = try reader.next() {
            switch (field, type) {
            case (1, .bytes): link.traceID = try OTLP.id(try reader.lengthDelimited(), count: 16)
            case (2, .bytes): link.spanID = try OTLP.id(try reader.lengthDelimited(), count: 8)
            case (4, .bytes): link.attributes.append(try attribute(try reader.message(), 0))
            default: try reader.skip(type)
            }
        }
        return link
    }

    private mutating func attribute(_ reader: ProtobufReader, _ depth: Int) throws -> Attribute {
        var reader = reader
        var key = ""
        var value = AttributeValue.none
        while let (field, type) = try reader.next() {
            switch (field, type) {
            case (1, .bytes): key = try reader.text()
            case (2, .bytes): value = try self.value(try reader.message(), depth)
            default: try reader.skip(type)
            }
        }
        return Attribute(key, value)
    }

    private mutating func value(_ reader: ProtobufReader, _ depth: Int) throws -> AttributeValue {
        guard depth <= TraceLimits.attributeDepth else { throw SlipwayError.tooDeepAttribute }
        // A few bytes of a message become a value of many: what a request makes of memory has a bound of its own.
        values += 1
        guard values <= TraceLimits.valuesPerRequest else {
            throw SlipwayError(
                .tooLarge, "The request has more than \(TraceLimits.valuesPerRequest) values of attributes.")
        }
        var reader = reader
        var result = AttributeValue.none
        while let (field, type) = try reader.next() {
            switch (field, type) {
            case (1, .bytes): result = .text(try reader.text())
            case (2, .varint): result = .bool(try reader.varint() != 0)
            case (3, .varint): result = .int(Int64(bitPattern: try reader.varint()))
            case (4, .fixed64): result = .double(Double(bitPattern: try reader.fixed64()))
            case (5, .bytes):
                var list = try reader.message()
                var items: [AttributeValue] = []
                while let (field, type) = try list.next() {
                    switch (field, type) {
                    case (1, .bytes): items.append(try value(try list.message(), depth + 1))
                    default: try list.skip(type)
                    }
                }
                result = .list(items)
            case (6, .bytes):
                var list = try reader.message()
                var entries: [Attribute] = []
                while let (field, type) = try list.next() {
                    switch (field, type) {
                    case (1, .bytes): entries.append(try attribute(try list.message(), depth + 1))
                    default: try list.skip(type)
                    }
                }
                result = .map(entries)
            case (7, .bytes): result = .bytes(Array(try reader.lengthDelimited()))
            default: try reader.skip(type)
            }
        }
        return result
    }
}
