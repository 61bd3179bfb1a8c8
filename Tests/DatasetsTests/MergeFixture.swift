import Core
import Database
import Foundation
import TestSupport
import Testing

@testable import Datasets

enum TestDatabaseDialects { static var all: [Dialect] { TestDatabase.dialects } }

/// The dataset `d` with version 1 (base), 2 on main (ours) and 3 on the branch `side` (theirs).
struct MergeFixture: Sendable {
    let f: Fixture

    init(_ f: Fixture, base: String, ours: String, theirs: String, key: [String] = ["k"]) async throws {
        self.f = f
        _ = try await f.get("POST", "/datasets", ["name": "d", "project": "p", "key": JSONValue(key)])
        try await write(base, on: "main")
        _ = try await f.get("PUT", "/datasets/d/branches/side", ["from": "1"])
        try await write(ours, on: "main")
        try await write(theirs, on: "side")
    }

    /// Replaces a branch's table. Cells are text, except that columns whose cells are all numbers are numbers.
    func write(_ table: String, on branch: String) async throws {
        let rows = Self.cells(table)
        let types = rows[0].indices.map { column -> String in
            let cells = rows.dropFirst().map { $0[column] }.filter { $0 != "-" }
            if cells.isEmpty { return rows[0][column].hasSuffix("_votes") ? "BIGINT" : "VARCHAR" }
            if cells.allSatisfy({ Int64($0) != nil }) { return "BIGINT" }
            if cells.allSatisfy({ Double($0) != nil }) { return "DOUBLE" }
            return "VARCHAR"
        }
        func literal(_ cell: String, _ type: String) -> String {
            cell == "-" ? "CAST(NULL AS \(type))" : "CAST(\(DuckSQL.text(cell)) AS \(type))"
        }
        let names = rows[0].map(DuckSQL.name)
        let selects = rows.dropFirst().map { row in
            "SELECT " + zip(zip(row, types), names).map { "\(literal($0.0, $0.1)) AS \($1)" }.joined(separator: ", ")
        }
        let empty =
            "SELECT " + zip(types, names).map { "CAST(NULL AS \($0)) AS \($1)" }.joined(separator: ", ")
            + " WHERE false"
        _ = try await f.service.derive(
            "d", project: "p", sql: selects.isEmpty ? empty : selects.joined(separator: " UNION ALL "), inputs: [:],
            parameters: [], message: "", branch: branch, as: .system)
    }

    func merge(rules: JSONValue = [:], by: String = "cell", into: String = "main", from: String = "side") async throws
        -> JSONValue
    {
        var map = rules.objectValue ?? [:]
        var body: [String: JSONValue] = ["from": .string(from), "into": .string(into), "by": .string(by)]
        if let all = map.removeValue(forKey: "") { body["rule"] = all }
        body["rules"] = .object(map)
        return try await f.get("POST", "/datasets/d/merge", .object(body))
    }

    /// `1 a x|y|z` for each conflict, and `column b dropped` for those of the schema.
    func conflictTexts(_ outcome: JSONValue) async throws -> [String] {
        guard let id = outcome["id"]?.stringValue else { return [] }
        let schema = (outcome["merge"]?["schemaConflicts"]?.arrayValue ?? []).map {
            "column \($0["column"]?.stringValue ?? "") \($0["kind"]?.stringValue ?? "")"
        }
        if !schema.isEmpty { return schema }
        let items = try await f.get("GET", "/merges/\(id)/conflicts?state=open")["items"]?.arrayValue ?? []
        return items.map { item in
            func text(_ value: JSONValue?) -> String {
                guard let value, !value.isNull else { return "-" }
                // Of a row with one cell, and of a label, the first cell will do.
                if let fields = value.objectValue, fields.count == 1 || item["kind"] == "label" {
                    let first =
                        item["kind"] == "label" ? fields[item["column"]?.stringValue ?? ""] : fields.first?.value
                    return text(first)
                }
                return value.stringValue ?? value.canonicalText
            }
            let key = (item["key"]?.objectValue ?? [:]).sorted { $0.key < $1.key }.map { text($0.value) }
            let sides = [item["base"], item["ours"]?["value"], item["theirs"]?["value"]].map(text)
            return
                "\(key.joined(separator: ",")) \(item["column"]?.stringValue ?? "(row)") \(sides.joined(separator: "|"))"
        }
    }

    func takeTheirs(_ id: String) async throws {
        let merge = try await f.get("GET", "/merges/\(id)")
        if merge["schemaConflicts"]?.arrayValue?.isEmpty == false {
            _ = try await f.get("POST", "/merges/\(id)/resolutions", [["take": "theirs"]])
        }
        _ = try await f.get("POST", "/merges/\(id)/resolutions", ["resolutions": [["rule": "theirs"]]])
        _ = try await f.get("POST", "/merges/\(id)/commit")
    }

    /// A version as text, rows in order of their text.
    func table(_ version: String) async throws -> String {
        let answer = try await f.get("GET", "/datasets/d/versions/\(version)/rows?limit=1000")
        let names = (answer["columns"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
        let rows = (answer["rows"]?.arrayValue ?? []).map { row in
            (row.arrayValue ?? []).map { cell in
                cell.isNull ? "-" : cell.stringValue ?? cell.doubleValue.map { Self.number($0) } ?? cell.canonicalText
            }.joined(separator: ",")
        }
        return ([names.joined(separator: ",")] + rows.sorted()).joined(separator: "  ")
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() ? String(Int64(value)) : value.description
    }

    static func cells(_ table: String) -> [[String]] {
        table.components(separatedBy: "  ").map { row in
            row.split(separator: ",", omittingEmptySubsequences: false).map { String($0).replacing("\\n", with: "\n") }
        }
    }

    static func sorted(_ table: String) -> String {
        let rows = cells(table).map { row in
            row.map { cell in Double(cell).map { number($0) } ?? cell }.joined(separator: ",")
        }
        return ([rows[0]] + rows.dropFirst().sorted()).joined(separator: "  ")
    }
}

extension StringProtocol {
    var trimmingSpaces: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}
