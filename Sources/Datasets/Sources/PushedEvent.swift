import Core
import Tables

/// One event that a client pushes: a row with an id of its own.
struct PushedEvent: Sendable, Hashable {
    let id: String
    /// When it happened; nil when the client does not say.
    let time: Timestamp?
    /// The row as it was sent, in the order sent.
    let fields: [Field]

    struct Field: Sendable, Hashable {
        let name: String
        let kind: JSONReader.Kind
        /// The value's JSON on one line.
        let raw: String
    }

    /// The columns that the id and the time of an event go to, in datasets that have them.
    static let idColumn = "event_id"
    static let timeColumn = "event_time"
    static let maximumIDBytes = 200
    static let maximumRowBytes = 1 << 20
    /// Events a request, and bytes.
    static let maximumBatch = 10_000
    static let maximumBatchBytes = 32 << 20

    /// Reads `{"events": [{"id": "a", "time": "2026-01-31T12:00:00Z", "row": {…}}, …]}`.
    ///
    /// - Throws: `invalid` naming the event by its place, and the field.
    static func batch(parsing bytes: [UInt8]) throws -> [PushedEvent] {
        var reader = JSONReader(bytes)
        var events: [PushedEvent]?
        try reader.readObject { reader, key in
            guard key == "events", events == nil else {
                throw SlipwayError.field(String(key.prefix(80)), "is not a field here", expected: "events, once")
            }
            var found: [PushedEvent] = []
            try reader.readArray { reader in
                guard found.count < maximumBatch else {
                    throw SlipwayError(.tooLarge, "events: there are more than \(maximumBatch) in one request.")
                }
                found.append(try PushedEvent(&reader, place: "events[\(found.count)]"))
            }
            events = found
        }
        try reader.expectEnd()
        guard let events else {
            throw SlipwayError.field("events", "is missing", expected: "a list of {\"id\", \"time\"?, \"row\"}")
        }
        return events
    }

    private init(_ reader: inout JSONReader, place: String) throws {
        var id: String?
        var time: Timestamp?
        var fields: [Field]?
        guard try reader.peekKind() == .object else {
            throw SlipwayError.field(place, "is not an object", expected: "{\"id\", \"time\"?, \"row\"}")
        }
        try reader.readObject { reader, key in
            switch key {
            case "id":
                // Numbers are ids too; they are taken as they are written.
                id =
                    try reader.peekKind() == .number
                    ? String(decoding: reader.readRaw(), as: UTF8.self) : reader.readString()
            case "time":
                if try !reader.readNull() {
                    time = try Timestamp(parsing: reader.readString(), field: place + ".time")
                }
            case "row": fields = try Self.row(&reader, place: place + ".row")
            default:
                throw SlipwayError.field(
                    "\(place).\(key.prefix(80))", "is not a field of an event", expected: "id, time and row")
            }
        }
        guard let id, !id.isEmpty, id.utf8.count <= Self.maximumIDBytes, !id.utf8.contains(0) else {
            throw SlipwayError.field(
                place + ".id", "is missing, empty or over \(Self.maximumIDBytes) bytes",
                expected: "the event's own id, the same when it is sent again")
        }
        guard let fields, !fields.isEmpty else {
            throw SlipwayError.field(place + ".row", "is missing or empty", expected: "an object with the columns")
        }
        (self.id, self.time, self.fields) = (id, time, fields)
    }

    private static func row(_ reader: inout JSONReader, place: String) throws -> [Field] {
        var fields: [Field] = []
        var names: Set<String> = []
        var size = 0
        guard try reader.peekKind() == .object else {
            throw SlipwayError.field(place, "is not an object", expected: "an object with the columns")
        }
        try reader.readObject { reader, name in
            guard name.lowercased() != idColumn, name.lowercased() != timeColumn else {
                throw SlipwayError.field(
                    "\(place).\(name)", "is set by the event's id and time", expected: "another name for this column")
            }
            guard names.insert(name.lowercased()).inserted, !name.isEmpty, name.utf8.count <= Limits.nameBytes,
                !name.utf8.contains(0)
            else {
                throw SlipwayError.field(
                    "\(place).\(name.prefix(80))", "is there twice (but for upper and lower case), empty or too long",
                    expected: "each column once, its name at most \(Limits.nameBytes) bytes")
            }
            let kind = try reader.peekKind()
            let raw = try reader.readRaw()
            if kind == .number, let last = raw.last, !(48...57).contains(last) {
                throw SlipwayError.field(
                    "\(place).\(name)", "is not a number of JSON", expected: "a finite number or null")
            }
            // White space between the parts of a value is the only place where a line can break.
            let line = raw.map { $0 == 10 || $0 == 13 ? 32 : $0 }
            size += line.count
            guard size <= maximumRowBytes else {
                throw SlipwayError(.tooLarge, "\(place) is over \(maximumRowBytes) bytes.")
            }
            fields.append(Field(name: name, kind: kind, raw: String(decoding: line, as: UTF8.self)))
        }
        return fields
    }

    // MARK: Columns

    /// The event as one line of JSON for a dataset with these columns (nil: none yet, so any).
    ///
    /// - Throws: `invalid` for a column that is not there, or a value that does not fit its type.
    func line(fitting columns: [String: TableColumn]?, _ onChange: OnSchemaChange, place: String, received: Timestamp)
        throws
        -> String
    {
        var writer = JSONWriter()
        try writer.object { writer in
            writer.key(Self.idColumn)
            writer.write(id)
            writer.key(Self.timeColumn)
            writer.write((time ?? received).description)
            for field in fields {
                if let columns {
                    if let column = columns[field.name] {
                        if let expected = field.misfit(column.type) {
                            throw SlipwayError(
                                .invalid,
                                "\(place).row.\(field.name): \(field.raw.prefix(60)) does not fit the column's type \(column.type); expected \(expected).",
                                details: ["field": "\(place).row.\(field.name)", "type": column.type, "event": id])
                        }
                    } else {
                        switch onChange {
                        case .fail: throw unknown(field.name, columns, place)
                        case .ignore: continue
                        case .evolve: break
                        }
                    }
                }
                writer.key(field.name)
                writer.raw(field.raw)
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private func unknown(_ name: String, _ columns: [String: TableColumn], _ place: String) -> SlipwayError {
        let known = columns.keys.filter { $0 != Self.idColumn && $0 != Self.timeColumn }.sorted()
        return SlipwayError(
            .invalid,
            "\(place).row.\(name.prefix(80)): the dataset has no such column; it has \(known.joined(separator: ", ")). Send only these, or let the dataset take new columns on (evolve) or drop them (ignore): slipway data events set NAME --on-change evolve.",
            details: ["field": "\(place).row.\(name.prefix(80))", "unknown": String(name.prefix(80)), "event": id])
    }
}

extension PushedEvent.Field {
    private static let wholeTypes: Set<String> = [
        "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
        "UHUGEINT",
    ]

    /// What a column of this type wants instead; nil if the value may go in. Ranges are looked at when the row is
    /// written.
    func misfit(_ type: String) -> String? {
        if kind == .null { return nil }
        if Self.wholeTypes.contains(type) {
            return kind == .number && !raw.contains { ".eE".contains($0) } ? nil : "a whole number"
        }
        if type == "FLOAT" || type == "DOUBLE" || type.hasPrefix("DECIMAL") && !type.hasSuffix("]") {
            return kind == .number ? nil : "a number"
        }
        if type == "BOOLEAN" { return kind == .bool ? nil : "true or false" }
        if type == "DATE" || type.hasPrefix("TIMESTAMP") && !type.hasSuffix("]") {
            let isTime = kind == .string && (try? Timestamp(parsing: String(raw.dropFirst().dropLast()))) != nil
            return isTime ? nil : "a time as in RFC 3339"
        }
        if type == "VARCHAR" {
            return kind == .object || kind == .array ? "text" : nil
        }
        return nil
    }
}
