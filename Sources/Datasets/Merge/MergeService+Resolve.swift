import Core
import Database
import Ledger
import Objects
import Platform
import Tables

extension DatasetsService {
    static let resolutionsMaximum = 10_000

    /// Takes decisions: for a cell, a row, a column, the schema, or by a rule for what is still open.
    ///
    /// - Throws: `invalid` for a key without a conflict, or a value that does not fit its column; nothing is kept then.
    func resolve(
        _ id: String, _ resolutions: [MergeResolution], as principal: Principal
    ) async throws -> DatasetMerge {
        var merge = try await merge(id, as: principal)
        try principal.require(.writeDatasets, in: merge.project)
        try requireOpen(merge)
        guard resolutions.count <= Self.resolutionsMaximum else {
            throw SlipwayError(
                .tooLarge, "There are \(resolutions.count) resolutions; at most \(Self.resolutionsMaximum) at once.")
        }
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        if merge.manifest == nil {
            merge = try await resolveSchema(merge, resolutions, in: folder, by: principal)
            return merge
        }
        let work = try await work(of: merge, in: folder, as: principal)
        var rules: [MergeRule] = []
        var hands: [MergeResolution] = []
        for resolution in resolutions {
            switch resolution.choice {
            case .rule(let rule):
                guard resolution.key == nil, resolution.id == nil else {
                    throw SlipwayError.field("rule", "is for a column or for all conflicts, not for one")
                }
                rules.append(rule)
            case .take(let side) where resolution.key == nil && resolution.id == nil:
                guard let kind = MergeRule.Kind(rawValue: side.rawValue) else {
                    throw SlipwayError.field(
                        "take", "'base' is for single conflicts", expected: "an id or a key beside it")
                }
                rules.append(try MergeRule(kind, column: resolution.column))
            default: hands.append(resolution)
            }
        }
        for rule in rules {
            guard let column = rule.column, !work.layout.units.contains(where: { $0.name == column }) else { continue }
            throw unknownColumn(column, merge)
        }
        let found = try await find(hands, work, merge, by: principal)
        let now = platform.clock.now()
        let asked = rules
        merge = try await platform.database.write { [mergeStore] db in
            guard var current = try mergeStore.merge(db, id) else {
                throw SlipwayError(.notFound, "The merge is gone.")
            }
            guard current.state == .conflicts else {
                throw SlipwayError(.conflict, "The merge \(id) is \(current.state.rawValue) now.")
            }
            current.rules += asked.filter { !current.rules.contains($0) }
            try mergeStore.removeChoices(db, id, found.reopened)
            try mergeStore.setChoices(db, id, found.choices, by: principal.name, at: now)
            guard try mergeStore.choiceCount(db, id) <= Self.choicesMaximum else {
                throw SlipwayError(
                    .tooLarge, "A merge holds \(Self.choicesMaximum) choices by hand; use rules for the rest.")
            }
            try mergeStore.update(db, current)
            return current
        }
        return try await recount(merge, work)
    }

    /// Counts what is open after choices and rules have changed.
    func recount(_ merge: DatasetMerge, _ work: MergeWork) async throws -> DatasetMerge {
        let counts = try await decide(merge, work).counts
        return try await platform.database.write { [mergeStore] db in
            guard var current = try mergeStore.merge(db, merge.id) else {
                throw SlipwayError(.notFound, "The merge is gone.")
            }
            current.counts = counts
            try mergeStore.update(db, current)
            return current
        }
    }

    func unknownColumn(_ column: String, _ merge: DatasetMerge) -> SlipwayError {
        SlipwayError.field(
            "column", "there are no conflicts in '\(column.prefix(80))'",
            expected: "one of \(merge.counts.byColumn.keys.sorted().joined(separator: ", "))")
    }

    private struct Found {
        var choices: [MergeStore.Choice] = []
        var reopened: [Int64] = []
    }

    /// The conflicts that resolutions by hand are about.
    private func find(
        _ resolutions: [MergeResolution], _ work: MergeWork, _ merge: DatasetMerge, by principal: Principal
    ) async throws -> Found {
        var found = Found()
        guard !resolutions.isEmpty, let conflicts = work.conflicts else { return found }
        let layout = work.layout
        var text = (["i", "id", "unit"] + layout.key.indices.map { "q\($0)" }).joined(separator: ",") + "\n"
        for (index, resolution) in resolutions.enumerated() {
            var unit = ""
            if let column = resolution.column {
                guard let at = layout.units.firstIndex(where: { $0.name == column }) else {
                    throw unknownColumn(column, merge)
                }
                unit = String(at)
            }
            var key = layout.key.map { _ in "" }
            if let given = resolution.key {
                key = try layout.key.map { column in
                    guard given.count == layout.key.count, let value = given[column.name] else {
                        throw SlipwayError.field(
                            "resolutions[\(index)].key", "does not name the key",
                            expected: "an object with \(layout.key.map(\.name).joined(separator: ", "))")
                    }
                    return Hex.encode(Array((value.stringValue ?? value.canonicalText).utf8))
                }
            }
            text += (["\(index)", resolution.id.map { String($0) } ?? "", unit] + key).joined(separator: ",") + "\n"
        }
        let requests = try textTable(text, name: "requests", in: work.folder)
        let sameKey = layout.key.enumerated().map {
            "TRY_CAST(decode(unhex(r.q\($0))) AS \($1.type)) = c.k\($0)"
        }.joined(separator: " AND ")
        let rows = try await ask(
            """
            SELECT * FROM (
                SELECT CAST(r.i AS BIGINT) AS i, c.id, c.unit, r.unit AS wanted FROM requests r
                JOIN conflicts c ON CAST(r.id AS BIGINT) = c.id
                UNION ALL
                SELECT CAST(r.i AS BIGINT), c.id, c.unit, r.unit FROM requests r JOIN conflicts c ON \(sameKey)
                WHERE r.id IS NULL)
            WHERE wanted IS NULL OR CAST(wanted AS BIGINT) = unit ORDER BY 1, 2
            """, [requests, conflicts],
            maxRows: Self.choicesMaximum, for: principal)
        var matched: Set<Int> = []
        var values: [(conflict: Int64, unit: Int, text: String)] = []
        for row in rows {
            guard let index = row[0].intValue.map({ Int($0) }), let conflict = row[1].intValue,
                let unit = row[2].intValue.map({ Int($0) })
            else { continue }
            matched.insert(index)
            switch resolutions[index].choice {
            case .take(let side):
                found.choices.append(.init(conflict: conflict, choice: side.rawValue, value: nil))
            case .reopen: found.reopened.append(conflict)
            case .value(let value):
                let kept = try cells(value, unit, layout, index, by: principal).canonicalText
                values.append((conflict, unit, kept))
                found.choices.append(.init(conflict: conflict, choice: "value", value: kept))
            case .rule: break
            }
        }
        if let missing = resolutions.indices.first(where: { !matched.contains($0) }) {
            let resolution = resolutions[missing]
            let name =
                resolution.key.map { JSONValue.object($0).canonicalText } ?? resolution.id.map { String($0) } ?? ""
            throw SlipwayError.field(
                "resolutions[\(missing)]",
                "there is no conflict \(name)\(resolution.column.map { " in \($0)" } ?? "")",
                expected: "one of those that 'slipway data conflicts \(merge.id)' lists")
        }
        try await requireFitting(values, layout, in: work.folder, for: principal)
        return found
    }

    /// A hand-given value as its cells: `{"c3": 5}`. Of a label, one value stands for itself, set by this person now.
    private func cells(
        _ value: JSONValue, _ unit: Int, _ layout: MergeLayout, _ index: Int, by principal: Principal
    ) throws -> JSONValue {
        guard unit >= 0 else {
            throw SlipwayError.field(
                "resolutions[\(index)].value", "a row that one side deleted has no one value",
                expected: "take: ours, theirs or base")
        }
        let unit = layout.units[unit]
        if unit.columns.count == 1 { return .object(["c\(unit.columns[0])": value]) }
        if let fields = value.objectValue, Set(fields.keys).isSubset(of: unit.columns.map { layout.columns[$0].name }) {
            return .object(
                Dictionary(unit.columns.map { ("c\($0)", fields[layout.columns[$0].name] ?? .null) }) { a, _ in a })
        }
        guard unit.isLabel, let by = unit.by, let at = unit.at else {
            throw SlipwayError.field(
                "resolutions[\(index)].value", "is not an object by column",
                expected: unit.columns.map { layout.columns[$0].name }.joined(separator: ", "))
        }
        var fields = Dictionary(unit.columns.map { ("c\($0)", JSONValue.null) }) { a, _ in a }
        fields["c\(unit.columns[0])"] = value
        fields["c\(by)"] = .string(principal.name)
        let now = platform.clock.now()
        fields["c\(at)"] =
            layout.columns[at].type.hasPrefix("TIMESTAMP") || layout.columns[at].type == "VARCHAR"
            ? JSONValue(now) : .int(now.milliseconds)
        return .object(fields)
    }

    /// - Throws: `invalid` for a value that its column's type does not take.
    private func requireFitting(
        _ values: [(conflict: Int64, unit: Int, text: String)], _ layout: MergeLayout, in folder: String,
        for principal: Principal
    ) async throws {
        guard !values.isEmpty else { return }
        var text = "unit,value\n"
        for value in values { text += "\(value.unit),\(Hex.encode(Array(value.text.utf8)))\n" }
        let table = try textTable(text, name: "given", in: folder)
        let checks = Set(values.map(\.unit)).sorted().flatMap { unit in
            layout.units[unit].columns.map { column in
                """
                WHEN unit = \(unit) AND json_extract_string(v, '$.c\(column)') IS NOT NULL
                AND \(MergeDecisions.value("v", column, layout.columns[column].type)) IS NULL THEN \(column)
                """
            }
        }
        let wrong = try await ask(
            """
            SELECT v, bad FROM (SELECT v, CASE \(checks.joined(separator: " ")) END AS bad FROM (
                SELECT CAST(unit AS BIGINT) AS unit, decode(unhex(value)) AS v FROM given)) WHERE bad IS NOT NULL LIMIT 1
            """, [table], for: principal
        ).first
        guard let wrong, let index = wrong[1].intValue.map({ Int($0) }) else { return }
        let value = (try? JSONValue(parsing: wrong[0].text ?? "null"))?["c\(index)"]?.canonicalText ?? ""
        throw SlipwayError.field(
            "value", "\(value.prefix(80)) does not fit the column \(layout.columns[index].name)",
            expected: layout.columns[index].type)
    }

    /// Decides conflicts of the schema; with the last one, the rows are compared. What is said for all columns is kept as
    /// a rule, and so decides the rows, too.
    private func resolveSchema(
        _ merge: DatasetMerge, _ resolutions: [MergeResolution], in folder: String, by principal: Principal
    ) async throws -> DatasetMerge {
        var merge = merge
        for (index, resolution) in resolutions.enumerated() {
            var side: MergeSide?
            switch resolution.choice {
            case .take(let taken): side = taken == .base ? nil : taken
            case .rule(let rule): side = MergeSide(rawValue: rule.kind.rawValue)
            default: break
            }
            guard let side, resolution.key == nil, resolution.id == nil else {
                throw SlipwayError.field(
                    "resolutions[\(index)]", "the columns come first: \(merge.schemaText)",
                    expected: "{\"column\": …, \"take\": \"ours\" or \"theirs\"}")
            }
            let wanted = resolution.column?.lowercased()
            let matching = merge.schemaConflicts.filter { wanted == nil || $0.column.lowercased() == wanted }
            guard !matching.isEmpty else {
                throw SlipwayError.field(
                    "resolutions[\(index)].column", "is not in conflict", expected: merge.schemaText)
            }
            for conflict in matching { merge.decided[conflict.column.lowercased()] = side }
            if wanted == nil, let kind = MergeRule.Kind(rawValue: side.rawValue) {
                let rule = try MergeRule(kind)
                if !merge.rules.contains(rule) { merge.rules.append(rule) }
            }
            merge.schemaConflicts.removeAll { matching.contains($0) }
        }
        if merge.schemaConflicts.isEmpty {
            let (dataset, newest) = (merge.dataset, max(merge.ours, merge.theirs))
            let graph = try await platform.database.read { [mergeStore] in
                try mergeStore.graph($0, dataset, upTo: newest)
            }
            do {
                let work = try await prepare(merge, graph, in: folder, as: principal)
                merge.counts = work.counts
                merge.counts = try await decide(merge, work).counts
                merge.manifest = try await keepFiles(work, of: merge)
            } catch let disagreement as SchemaDisagreement { merge.schemaConflicts = disagreement.conflicts }
        }
        let changed = merge
        try await platform.database.write { [mergeStore] in try mergeStore.update($0, changed) }
        return merge
    }
}

extension DatasetMerge {
    var schemaText: String {
        schemaConflicts.map { conflict in
            conflict.kind == .type
                ? "\(conflict.column) is \(conflict.ours ?? "gone") on ours and \(conflict.theirs ?? "gone") on theirs (\(conflict.base ?? "new") before)"
                : "\(conflict.column) was dropped on \(conflict.ours == nil ? "ours" : "theirs") and changed on \(conflict.ours == nil ? "theirs" : "ours")"
        }.joined(separator: "; ")
    }
}
