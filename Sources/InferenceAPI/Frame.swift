import Core
import Serving

/// What a client of MLflow's scoring server sends.
extension Frame {
    private static let forms = ["dataframe_split", "dataframe_records", "instances", "inputs"]

    /// - Throws: `invalid`, naming the field.
    init(json bytes: [UInt8]) throws {
        let body = try JSONFields(JSONValue(parsing: bytes), allowed: Set(Self.forms + ["params"]))
        guard try body.object("params").isEmpty else {
            throw SlipwayError.field("params", "has values", expected: "none: ONNX models take inputs only")
        }
        let given = Self.forms.filter { body[$0] != nil }
        guard given.count == 1, let form = given.first, let value = body[form] else {
            throw SlipwayError.field(
                "body", given.isEmpty ? "has no data" : "has \(given.joined(separator: " and "))",
                expected: "exactly one of " + Self.forms.joined(separator: ", "))
        }
        switch form {
        case "dataframe_split": self = try Self.split(value)
        case "dataframe_records": self = try Self.records(value, form)
        case "instances":
            self =
                value.arrayValue?.first?.objectValue != nil
                ? try Self.records(value, form) : try Self.array(value, form)
        default:
            if case .object(let arrays) = value {
                self = .named(arrays)
            } else {
                self = try Self.array(value, form)
            }
        }
    }

    private static func split(_ value: JSONValue) throws -> Frame {
        let fields = try JSONFields(value, allowed: ["columns", "data", "index"], path: "dataframe_split")
        let rows = try fields.array("data").enumerated().map { index, row in
            guard let cells = row.arrayValue else {
                throw SlipwayError.field(
                    "dataframe_split.data[\(index)]", "is \(row.kindName)", expected: "a list of values")
            }
            return cells
        }
        guard fields["columns"] != nil else { return .bare(.array(rows.map { .array($0) })) }
        return try table(columns: fields.strings("columns"), rows: rows, at: "dataframe_split.data")
    }

    private static func records(_ value: JSONValue, _ form: String) throws -> Frame {
        guard let records = value.arrayValue else {
            throw SlipwayError.field(form, "is \(value.kindName)", expected: "a list of objects")
        }
        var columns: [String] = []
        var seen: Set<String> = []
        let objects = try records.enumerated().map { index, record in
            guard let fields = record.objectValue else {
                throw SlipwayError.field("\(form)[\(index)]", "is \(record.kindName)", expected: "an object of columns")
            }
            for name in fields.keys.sorted() where seen.insert(name).inserted { columns.append(name) }
            return fields
        }
        // A column that only some records have is missing (null) in the others, as in a data frame.
        return .table(columns: columns, rows: objects.map { fields in columns.map { fields[$0] ?? .null } })
    }

    private static func array(_ value: JSONValue, _ form: String) throws -> Frame {
        guard value.arrayValue != nil else {
            throw SlipwayError.field(form, "is \(value.kindName)", expected: "a list of rows")
        }
        return .bare(value)
    }

    private static func table(columns: [String], rows: [[JSONValue]], at place: String) throws -> Frame {
        guard Set(columns).count == columns.count else {
            let twice = columns.first { name in columns.filter { $0 == name }.count > 1 } ?? ""
            throw SlipwayError.field("columns", "'\(twice.prefix(80))' is there twice", expected: "different names")
        }
        for (index, row) in rows.enumerated() where row.count != columns.count {
            throw SlipwayError.field(
                "\(place)[\(index)]", "has \(row.count) values", expected: "\(columns.count), one for each column")
        }
        return .table(columns: columns, rows: rows)
    }

    /// Parses comma-separated text with a header line (RFC 4180). Cells are text; empty ones are missing.
    ///
    /// - Throws: `invalid`, naming the line.
    init(csv bytes: [UInt8]) throws {
        var lines = try CSVText(bytes).lines()
        guard !lines.isEmpty else { throw SlipwayError.field("body", "is empty", expected: "a header line and rows") }
        let columns = lines.removeFirst()
        self = try Self.table(
            columns: columns, rows: lines.map { line in line.map { $0.isEmpty ? .null : .string($0) } }, at: "row ")
    }
}

/// Comma-separated text, cut into cells.
struct CSVText {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// - Throws: `invalid` for text that is not UTF-8 and quotes that do not end.
    func lines() throws -> [[String]] {
        var lines: [[String]] = []
        var line: [String] = []
        var cell: [UInt8] = []
        var isQuoted = false
        var wasQuoted = false
        var at = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        func text(_ cell: [UInt8]) throws -> String {
            guard let text = String(validating: cell, as: UTF8.self) else {
                throw SlipwayError.field("line \(lines.count + 1)", "is not UTF-8 text")
            }
            return text
        }
        func endLine() throws {
            line.append(try text(cell))
            // An empty line is not a row.
            if line != [""] || wasQuoted { lines.append(line) }
            line = []
            cell = []
            wasQuoted = false
        }
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            switch byte {
            case UInt8(ascii: "\"") where isQuoted:
                if at < bytes.count, bytes[at] == byte {
                    cell.append(byte)
                    at += 1
                } else {
                    isQuoted = false
                }
            case UInt8(ascii: "\"") where cell.isEmpty:
                isQuoted = true
                wasQuoted = true
            case UInt8(ascii: ",") where !isQuoted:
                line.append(try text(cell))
                cell = []
            case 13 where !isQuoted && at < bytes.count && bytes[at] == 10: break
            case 10 where !isQuoted: try endLine()
            default: cell.append(byte)
            }
        }
        guard !isQuoted else {
            throw SlipwayError.field(
                "line \(lines.count + 1)", "a quoted cell does not end", expected: "a closing '\"'")
        }
        if !cell.isEmpty || !line.isEmpty || wasQuoted { try endLine() }
        return lines
    }
}
