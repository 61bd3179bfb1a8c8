import Core

/// What a merge changes, before conflicts are resolved.
public struct MergeCounts: Sendable, Hashable {
    /// Rows that theirs added.
    public var added: Int64 = 0
    /// Rows that theirs deleted.
    public var deleted: Int64 = 0
    /// Rows with cells taken from theirs.
    public var edited: Int64 = 0
    /// Cells, or groups of cells, taken from theirs.
    public var cells: Int64 = 0
    /// Rows with a conflict.
    public var rowsInConflict: Int64 = 0
    public var conflicts: Int64 = 0
    /// Conflicts that nobody and no rule has decided.
    public var open: Int64 = 0
    /// Rows that one side deleted and the other changed.
    public var deleteConflicts: Int64 = 0
    /// Conflicts by column or label.
    public var byColumn: [String: Int64] = [:]
    public var openByColumn: [String: Int64] = [:]

    var json: JSONValue {
        [
            "added": .int(added), "deleted": .int(deleted), "edited": .int(edited), "cells": .int(cells),
            "rowsInConflict": .int(rowsInConflict), "conflicts": .int(conflicts), "open": .int(open),
            "deleteConflicts": .int(deleteConflicts), "byColumn": .object(byColumn.mapValues { .int($0) }),
            "openByColumn": .object(openByColumn.mapValues { .int($0) }),
        ]
    }

    init() {}

    init(_ json: JSONValue) {
        func int(_ name: String) -> Int64 { json[name]?.intValue ?? 0 }
        func map(_ name: String) -> [String: Int64] {
            (json[name]?.objectValue ?? [:]).compactMapValues(\.intValue)
        }
        added = int("added")
        deleted = int("deleted")
        edited = int("edited")
        cells = int("cells")
        rowsInConflict = int("rowsInConflict")
        conflicts = int("conflicts")
        open = int("open")
        deleteConflicts = int("deleteConflicts")
        byColumn = map("byColumn")
        openByColumn = map("openByColumn")
    }
}

/// A merge that waits for decisions, or is over.
public struct DatasetMerge: Sendable {
    public enum State: String, Sendable {
        case conflicts
        case merged
        /// Given up by a person, or replaced by a merge of newer versions.
        case abandoned
    }

    public let id: String
    public let dataset: String
    public let project: String
    /// The branch that gets the merged version.
    public let into: String
    /// What was named as the other side.
    public let from: String
    public let base: Int?
    public let ours: Int
    public let theirs: Int
    public let key: [String]
    let granularity: MergeLayout.Granularity
    /// In the order in which they were given.
    public var rules: [MergeRule]
    /// Schema conflicts that were decided: column to side.
    var decided: [String: MergeSide]
    var schemaConflicts: [SchemaConflict]
    public var counts: MergeCounts
    /// The plan and the conflicts as files; nil while the schema is not decided.
    var manifest: String?
    public var state: State
    public var message: String
    public let author: String
    public let created: Timestamp
    /// The version that it became.
    public var version: Int?

    public var json: JSONValue {
        [
            "id": .string(id), "dataset": .string(dataset), "state": .string(state.rawValue), "into": .string(into),
            "from": .string(from), "base": base.map { JSONValue($0) } ?? .null, "ours": JSONValue(ours),
            "theirs": JSONValue(theirs), "key": JSONValue(key), "by": .string(granularity.rawValue),
            "rules": .array(rules.map(\.json)), "schemaConflicts": .array(schemaConflicts.map(\.json)),
            "counts": counts.json, "message": .string(message), "author": .string(author),
            "created": JSONValue(created), "version": version.map { JSONValue($0) } ?? .null,
        ]
    }
}

/// What a person says about conflicts.
struct MergeResolution: Sendable {
    /// The conflict's number, or the row's key; neither: all conflicts of the column, or of the schema.
    var id: Int64?
    var key: [String: JSONValue]?
    var column: String?
    var choice: Choice

    enum Choice: Sendable {
        case take(MergeSide)
        case value(JSONValue)
        /// Takes a decision back.
        case reopen
        case rule(MergeRule)
    }

    init(_ json: JSONValue) throws {
        let fields = try JSONFields(json, allowed: ["id", "key", "column", "take", "value", "rule", "ranks"])
        id = try fields.optionalInt("id").map(Int64.init)
        key = fields["key"] == nil ? nil : try fields.object("key")
        column = try fields.optionalString("column")
        let given = ["take", "value", "rule"].filter { fields[$0] != nil }
        guard given.count == 1, let kind = given.first else {
            throw SlipwayError.field(
                "resolutions", "each says one thing", expected: "one of take, value and rule")
        }
        switch kind {
        case "rule":
            var rule: [String: JSONValue] = ["rule": fields["rule"] ?? .null]
            if let ranks = fields["ranks"] { rule["ranks"] = ranks }
            choice = .rule(try MergeRule(.object(rule), column: column))
        case "value": choice = .value(fields["value"] ?? .null)
        default:
            let text = try fields.string("take")
            if text == "open" {
                choice = .reopen
            } else if let side = MergeSide(rawValue: text) {
                choice = .take(side)
            } else {
                throw SlipwayError.field(
                    "take", "'\(text.prefix(40))' is not a side", expected: "ours, theirs, base or open")
            }
        }
        if case .value = choice, key == nil && id == nil || key != nil && column == nil {
            throw SlipwayError.field(
                "value", "is for one cell", expected: "the conflict's id, or its key and column, beside the value")
        }
    }
}

extension DatasetMerge {
    /// The merge, closed with the version that it became.
    func merged(into version: DatasetVersion) -> DatasetMerge {
        var merge = self
        merge.state = .merged
        merge.version = version.number
        return merge
    }

    var isClosed: SlipwayError {
        SlipwayError(.conflict, "The merge \(id) is \(state.rawValue)\(version.map { ": version \($0)" } ?? "").")
    }
}
