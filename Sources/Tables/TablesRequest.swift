import Core

/// What the server asks of a worker: one JSON document.
struct TablesRequest {
    enum Operation {
        /// A user's SELECT.
        case query(sql: String, parameters: [TableValue], maxRows: Int)
        /// A user's SELECT into a Parquet file.
        case write(sql: String, parameters: [TableValue], path: String)
        /// A user's SELECT, row by row.
        case stream(sql: String, parameters: [TableValue], format: RowFormat, maxRows: Int?)
        case columns
        case rowCount
        /// Of each file.
        case rowCounts
        case page(PageJob)
        /// The numbers of the rows of a view, in its order, into a file.
        case index(PageQuery, counts: [Int64], path: String)
        /// `filter` is SQL of our own making.
        case profile(filter: String?, columns: [String]?)
        case histogram(column: String, edges: [Double], filter: String?)
    }

    let operation: Operation
    let inputs: [TableInput]

    var bytes: [UInt8] {
        var fields: [String: JSONValue] = ["inputs": .array(inputs.map(\.json))]
        func statement(_ sql: String, _ parameters: [TableValue]) {
            fields["sql"] = .string(sql)
            fields["parameters"] = .array(parameters.map(\.wire))
        }
        switch operation {
        case .query(let sql, let parameters, let maxRows):
            statement(sql, parameters)
            fields["maxRows"] = JSONValue(maxRows)
            fields["op"] = "query"
        case .write(let sql, let parameters, let path):
            statement(sql, parameters)
            fields["path"] = .string(path)
            fields["op"] = "write"
        case .stream(let sql, let parameters, let format, let maxRows):
            fields["maxRows"] = maxRows.map { JSONValue($0) } ?? .null
            statement(sql, parameters)
            fields["format"] = .string(format.rawValue)
            fields["op"] = "stream"
        case .rowCounts: fields["op"] = "rowCounts"
        case .page(let job):
            fields["page"] = job.json
            fields["op"] = "page"
        case .index(let query, let counts, let path):
            fields["page"] = PageJob(query, .scan(from: nil, backwards: false), .table).json
            fields["counts"] = .array(counts.map { .int($0) })
            fields["path"] = .string(path)
            fields["op"] = "index"
        case .columns: fields["op"] = "columns"
        case .rowCount: fields["op"] = "rowCount"
        case .profile(let filter, let columns):
            fields["filter"] = JSONValue(filter)
            fields["columns"] = columns.map { JSONValue($0) } ?? .null
            fields["op"] = "profile"
        case .histogram(let column, let edges, let filter):
            fields["column"] = .string(column)
            fields["edges"] = .array(edges.map { JSONValue($0) })
            fields["filter"] = JSONValue(filter)
            fields["op"] = "histogram"
        }
        return JSONValue.object(fields).canonicalBytes
    }

    init(_ operation: Operation, inputs: [TableInput]) {
        self.operation = operation
        self.inputs = inputs
    }

    init(parsing bytes: [UInt8]) throws {
        let fields = try JSONFields(JSONValue(parsing: bytes))
        inputs = try fields.array("inputs").map { try TableInput($0) }
        let parameters = try fields.array("parameters").map { try TableValue(wire: $0) }
        switch try fields.string("op") {
        case "query":
            operation = .query(
                sql: try fields.string("sql"), parameters: parameters, maxRows: try fields.int("maxRows"))
        case "write":
            operation = .write(sql: try fields.string("sql"), parameters: parameters, path: try fields.string("path"))
        case "stream":
            guard let format = RowFormat(rawValue: try fields.string("format")) else {
                throw SlipwayError(.internal, "A stream's form is not known here.")
            }
            operation = .stream(
                sql: try fields.string("sql"), parameters: parameters, format: format,
                maxRows: try fields.optionalInt("maxRows"))
        case "rowCounts": operation = .rowCounts
        case "page": operation = .page(try PageJob(fields["page"] ?? .null))
        case "index":
            operation = .index(
                try PageJob(fields["page"] ?? .null).query,
                counts: try fields.array("counts").compactMap(\.intValue), path: try fields.string("path"))
        case "columns": operation = .columns
        case "rowCount": operation = .rowCount
        case "profile":
            let columns = fields["columns"]?.isNull == false ? try fields.strings("columns") : nil
            operation = .profile(filter: try fields.optionalString("filter"), columns: columns)
        case "histogram":
            operation = .histogram(
                column: try fields.string("column"), edges: try fields.array("edges").compactMap(\.doubleValue),
                filter: try fields.optionalString("filter"))
        case let other: throw SlipwayError(.internal, "'\(other)' is no operation of a tables worker.")
        }
    }
}

/// The first byte of a worker's answer.
enum AnswerKind: UInt8 {
    /// JSON: code, message, details.
    case failure = 0x45
    case json = 0x4A
    /// As `TableEncoder` writes it.
    case table = 0x54
    /// A length in 4 bytes and so much JSON about the rows; then a table, or Arrow's stream of them.
    case page = 0x50
}

extension TableInput {
    var json: JSONValue {
        .object([
            "name": .string(name), "files": JSONValue(files), "labels": labels.map { JSONValue($0) } ?? .null,
            "format": .string(format.rawValue), "encoding": .string(encoding.rawValue),
            "delimiter": JSONValue(delimiter),
            "header": header.map { .bool($0) } ?? .null, "allText": .bool(allText),
            "columns": columns.map { .array($0.map { [.string($0.name), .string($0.type)] }) } ?? .null,
            "positions": .bool(positions),
        ])
    }

    init(_ json: JSONValue) throws {
        let fields = try JSONFields(json)
        guard let format = Format(rawValue: try fields.string("format")),
            let encoding = Encoding(rawValue: try fields.string("encoding"))
        else { throw SlipwayError(.internal, "An input has an unknown format or encoding.") }
        self.init(
            name: try fields.string("name"), files: try fields.strings("files"),
            labels: fields["labels"]?.isNull == false ? try fields.strings("labels") : nil, format: format,
            encoding: encoding,
            delimiter: try fields.optionalString("delimiter"), header: fields["header"]?.boolValue,
            allText: try fields.bool("allText", default: false),
            columns: fields["columns"]?.arrayValue?.compactMap { pair in
                guard let name = pair.arrayValue?.first?.stringValue, let type = pair.arrayValue?.last?.stringValue
                else { return nil }
                return TableColumn(name: name, type: type)
            })
        positions = try fields.bool("positions", default: false)
    }
}

extension TableValue {
    /// `[kind, value]`, so that no type is lost.
    var wire: JSONValue {
        switch self {
        case .null: .null
        case .bool(let flag): ["bool", .bool(flag)]
        case .int(let n): ["int", .int(n)]
        case .double(let d): ["double", .string(String(d.bitPattern))]
        case .decimal(let text): ["decimal", .string(text)]
        case .text(let text): ["text", .string(text)]
        case .timestamp(let micros): ["timestamp", .int(micros)]
        case .date(let days): ["date", .int(Int64(days))]
        case .time(let micros): ["time", .int(micros)]
        case .bytes(let bytes): ["bytes", .string(Hex.encode(bytes))]
        case .json(let text): ["json", .string(text)]
        }
    }

    init(wire: JSONValue) throws {
        guard let pair = wire.arrayValue, pair.count == 2 else {
            self = .null
            return
        }
        switch (pair[0].stringValue, pair[1]) {
        case ("bool", .bool(let flag)): self = .bool(flag)
        case ("int", .int(let n)): self = .int(n)
        case ("double", .string(let bits)): self = .double(Double(bitPattern: UInt64(bits) ?? 0))
        case ("decimal", .string(let text)): self = .decimal(text)
        case ("text", .string(let text)): self = .text(text)
        case ("timestamp", .int(let micros)): self = .timestamp(microseconds: micros)
        case ("date", .int(let days)): self = .date(days: Int32(clamping: days))
        case ("time", .int(let micros)): self = .time(microseconds: micros)
        case ("bytes", .string(let hex)): self = .bytes(Hex.decode(hex) ?? [])
        case ("json", .string(let text)): self = .json(text)
        default: throw SlipwayError(.internal, "A parameter has a form that is not known here.")
        }
    }
}

extension SlipwayError {
    /// For the way from a worker to the server.
    var wire: [UInt8] {
        JSONValue.object(["code": .string(code.rawValue), "message": .string(message), "details": JSONValue(details)])
            .canonicalBytes
    }

    init(wire bytes: [UInt8]) {
        let value = (try? JSONValue(parsing: bytes)) ?? .null
        let details = value["details"]?.objectValue?.compactMapValues(\.stringValue) ?? [:]
        self.init(
            value["code"]?.stringValue.flatMap(ErrorCode.init(rawValue:)) ?? .internal,
            value["message"]?.stringValue ?? "A worker gave no reason.", details: details)
    }
}
