import Core

/// Labels as a table (RFC 4180): the key columns, the label under its column's name, and NAME_by, NAME_at, NAME_votes. Labels
/// with a structure are JSON text, as in published versions.
enum LabelsCSV {
    static func read(_ bytes: [UInt8], _ definition: LabelDefinition, key: [String], column: String, prefix: String) throws
        -> [ForeignLabel]
    {
        var rows = try parse(bytes)
        guard !rows.isEmpty else { throw SlipwayError.field("body", "is empty", expected: "a line of column names") }
        let names = rows.removeFirst()
        func place(_ name: String) throws -> Int {
            guard let place = names.firstIndex(of: name) else {
                throw SlipwayError.field(
                    "body", "has no column '\(name)'", expected: "it among \(names.joined(separator: ", ").prefix(300))")
            }
            return place
        }
        let keys = try key.map(place)
        let value = try place(column)
        let (by, at) = (names.firstIndex(of: column + "_by"), names.firstIndex(of: column + "_at"))
        var labels: [ForeignLabel] = []
        for (index, row) in rows.enumerated() {
            let line = "row \(index + 1)"
            guard row.count == names.count else {
                throw SlipwayError.field(line, "has \(row.count) fields", expected: String(names.count))
            }
            let text = row[value]
            // No label is no label; an empty text cannot be told from it.
            if text.isEmpty { continue }
            var parts = keys.map { row[$0] }
            if parts.count == 1 { parts[0] = prefix + parts[0] }
            var label = ForeignLabel("\(line) (\(parts.joined(separator: ", ")))", .key(parts)) { _ in
                switch definition.kind {
                case .class, .text: return .string(text)
                default: return try JSONValue(parsing: text)
                }
            }
            label.annotator = by.map { row[$0] }.flatMap { $0.isEmpty ? nil : $0 }
            label.at = try at.map { row[$0] }.flatMap { $0.isEmpty ? nil : $0 }.map { try Timestamp(parsing: $0, field: line) }
            labels.append(label)
        }
        return labels
    }

    static func line(_ fields: [String]) -> String { fields.map(quoted).joined(separator: ",") + "\r\n" }

    private static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: { [34, 44, 10, 13].contains($0) }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// - Throws: `invalid` for a quote that is not closed or text that is not UTF-8, naming the line.
    static func parse(_ bytes: [UInt8]) throws -> [[String]] {
        var (rows, row, field): ([[String]], [String], [UInt8]) = ([], [], [])
        var (isQuoted, line, at) = (false, 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0)
        func text(_ bytes: [UInt8]) throws -> String {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw SlipwayError.field("line \(line)", "is not UTF-8")
            }
            return text
        }
        func endField() throws {
            row.append(try text(field))
            field = []
        }
        func endRow() throws {
            try endField()
            // An empty line is no row.
            if row != [""] { rows.append(row) }
            row = []
        }
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            if byte == 10 { line += 1 }
            switch byte {
            case 34 where isQuoted:
                if at < bytes.count, bytes[at] == 34 {
                    field.append(34)
                    at += 1
                } else {
                    isQuoted = false
                }
            case 34 where field.isEmpty: isQuoted = true
            case _ where isQuoted: field.append(byte)
            case 44: try endField()
            case 13 where at < bytes.count && bytes[at] == 10: break
            case 10: try endRow()
            default: field.append(byte)
            }
        }
        guard !isQuoted else { throw SlipwayError.field("line \(line)", "ends inside quotes") }
        if !field.isEmpty || !row.isEmpty { try endRow() }
        return rows
    }
}
