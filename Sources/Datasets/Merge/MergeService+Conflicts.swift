import Core
import Database
import Ledger
import Objects
import Platform
import Tables

extension DatasetsService {
    public func merge(_ id: String, as principal: Principal) async throws -> DatasetMerge {
        guard let merge = try await platform.database.read({ [mergeStore] in try mergeStore.merge($0, id) }) else {
            throw SlipwayError(.notFound, "There is no merge \(id.prefix(80)).")
        }
        try principal.require(.readDatasets, in: merge.project)
        return merge
    }

    /// Newest first.
    public func merges(
        of dataset: String, _ page: PageRequest, as principal: Principal
    ) async throws -> Page<DatasetMerge> {
        _ = try await self.dataset(dataset, as: principal)
        return try await platform.database.read { [mergeStore] in try mergeStore.merges($0, dataset, page) }
    }

    /// A page of conflicts, by key.
    ///
    /// - Parameters:
    ///   - column: only of this column or label.
    ///   - isOpen: only those that are open, or that are decided; nil for both.
    public func conflicts(
        of id: String, column: String?, isOpen: Bool?, _ page: PageRequest, as principal: Principal
    ) async throws -> Page<JSONValue> {
        let merge = try await merge(id, as: principal)
        guard merge.manifest != nil else { return Page(items: [], next: nil) }
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let work = try await work(of: merge, in: folder, as: principal)
        guard let conflicts = work.conflicts else { return Page(items: [], next: nil) }
        var conditions = ["c.id > \(page.after?.keys.first?.intValue ?? -1)"]
        if let column {
            guard let unit = work.layout.units.firstIndex(where: { $0.name == column }) else {
                throw SlipwayError.field(
                    "column", "there are no conflicts in '\(column.prefix(80))'",
                    expected: "one of \(merge.counts.byColumn.keys.sorted().joined(separator: ", "))")
            }
            conditions.append("c.unit = \(unit)")
        }
        if let isOpen { conditions.append("c.choice IS \(isOpen ? "" : "NOT ")NULL") }
        let choices = try await choices(of: merge, in: folder)
        let decided = MergeDecisions(layout: work.layout, rules: merge.rules).sql(
            conflicts: conflicts.name, choices: choices?.name)
        let rows = try await ask(
            """
            SELECT id, key, unit, base, ours, theirs, ours_version, ours_author, ours_made, theirs_version, theirs_author,
                theirs_made, choice, value, how, ours_by, theirs_by FROM (\(decided)) c
            WHERE \(conditions.joined(separator: " AND ")) ORDER BY id LIMIT \(page.limit + 1)
            """, [conflicts, choices], maxRows: page.limit + 1, for: principal)
        let ids = rows.compactMap { $0[0].intValue }
        let hands = try await platform.database.read { [mergeStore] in try mergeStore.choices($0, merge.id, of: ids) }
        let byHand = Dictionary(hands.map { ($0.conflict, $0) }) { a, _ in a }
        let items = rows.map { (id: $0[0].intValue ?? 0, json: Self.conflict($0, work.layout, byHand)) }
        let cut = Page(rows: items, limit: page.limit) { [.int($0.id)] }
        return cut.map(\.json)
    }

    private static func conflict(
        _ row: [TableValue], _ layout: MergeLayout, _ byHand: [Int64: MergeStore.Choice]
    ) -> JSONValue {
        func parsed(_ value: TableValue) -> JSONValue {
            value.text.map { (try? JSONValue(parsing: $0)) ?? .string($0) } ?? .null
        }
        let id = row[0].intValue ?? 0
        let unit = row[2].intValue.flatMap { $0 >= 0 ? layout.units[Int($0)] : nil }
        func side(_ value: Int, _ version: Int, _ by: Int) -> JSONValue {
            var fields: [String: JSONValue] = [
                "value": parsed(row[value]), "version": row[version].json, "author": row[version + 1].json,
                "at": row[version + 2].intValue.map { JSONValue(Timestamp(milliseconds: $0)) } ?? .null,
            ]
            if !row[by].isNull { fields["annotator"] = row[by].json }
            if unit == nil { fields["deleted"] = .bool(row[value].isNull) }
            return .object(fields)
        }
        var decision: JSONValue = .null
        if let choice = row[12].text {
            var fields: [String: JSONValue] = ["take": .string(choice), "how": row[14].json]
            if choice == "value" { fields["value"] = named(parsed(row[13]), layout) }
            if let hand = byHand[id] {
                fields["author"] = .string(hand.author)
                fields["at"] = JSONValue(hand.made)
            }
            decision = .object(fields)
        }
        return [
            "id": .int(id), "key": parsed(row[1]), "column": JSONValue(unit?.name),
            "kind": .string(unit == nil ? "row" : unit?.isLabel == true ? "label" : "cell"),
            "base": parsed(row[3]), "ours": side(4, 6, 15), "theirs": side(5, 9, 16), "decision": decision,
        ]
    }

    /// A kept value's columns by their names again.
    private static func named(_ value: JSONValue, _ layout: MergeLayout) -> JSONValue {
        let fields = (value.objectValue ?? [:]).compactMap { short, value in
            Int(short.dropFirst()).map { (layout.columns[$0].name, value) }
        }
        return fields.count == 1 ? fields[0].1 : .object(Dictionary(fields) { a, _ in a })
    }
}
