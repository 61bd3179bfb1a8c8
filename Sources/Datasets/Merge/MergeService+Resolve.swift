import Core
import Database
import Ledger
import Objects
import Platform
import Tables

extension DatasetsService {
    private var merges: MergeStore { MergeStore() }

    static let resolutionsMaximum = 10_000
    /// Choices by hand that a merge holds; more are a matter for rules.
    static let choicesMaximum = 200_000

    public func merge(_ id: String, as principal: Principal) async throws -> DatasetMerge {
        guard let merge = try await platform.database.read({ [merges] in try merges.merge($0, id) }) else {
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
        return try await platform.database.read { [merges] in try merges.merges($0, dataset, page) }
    }

    // MARK: Deciding

    /// What rules and people say of each conflict, as a file, and how many are open.
    func decide(_ merge: DatasetMerge, _ work: MergeWork) async throws -> (table: TableInput?, counts: MergeCounts) {
        var counts = work.counts
        guard let conflicts = work.conflicts else { return (nil, counts) }
        let choices = try await choices(of: merge, in: work.folder)
        let decisions = try await step(
            MergeDecisions(layout: work.layout, rules: merge.rules).sql(
                conflicts: conflicts.name, choices: choices?.name), [conflicts, choices], name: "decisions",
            in: work.folder, for: work.principal)
        let rows = try await ask(
            "SELECT unit, count(*) FILTER (choice IS NULL) FROM decisions GROUP BY unit", [decisions],
            maxRows: 100_000, for: work.principal)
        counts.openByColumn = [:]
        counts.open = 0
        for row in rows {
            guard let unit = row[0].intValue, let open = row[1].intValue, open > 0 else { continue }
            counts.open += open
            if unit >= 0 { counts.openByColumn[work.layout.units[Int(unit)].name] = open }
        }
        return (decisions, counts)
    }

    /// The choices by hand as a table of texts.
    private func choices(of merge: DatasetMerge, in folder: String) async throws -> TableInput? {
        let choices = try await platform.database.read { [merges] in try merges.choices($0, merge.id) }
        guard !choices.isEmpty else { return nil }
        var text = "id,choice,value\n"
        for choice in choices {
            text += "\(choice.conflict),\(choice.choice),\(choice.value.map { Hex.encode(Array($0.utf8)) } ?? "")\n"
        }
        return try textTable(text, name: "choices", in: folder)
    }

    private func textTable(_ text: String, name: String, in folder: String) throws -> TableInput {
        let path = "\(folder)/\(name)-\(ID.make()).csv"
        try writeFile(path, Array(text.utf8))
        return TableInput(name: name, files: [path], format: .csv, delimiter: ",", header: true, allText: true)
    }

    /// A merge that is kept, as work that can go on.
    private func work(of merge: DatasetMerge, in folder: String, as principal: Principal) async throws -> MergeWork {
        var work = try await versions(of: merge, in: folder, as: principal)
        guard let manifest = merge.manifest else { throw SlipwayError(.internal, "The merge has no files.") }
        func file(_ name: String) async throws -> TableInput? {
            let path = try RelativePath(parsing: name + ".parquet")
            guard
                let entry = try await platform.database.read({ try Manifests.entry($0, manifest, path: path) })
            else { return nil }
            return TableInput(
                name: name, files: [try await platform.objects.localPath(entry.object.digest)], format: .parquet)
        }
        work.plan = try await file("plan")
        work.conflicts = try await file("conflicts")
        work.counts = merge.counts
        work.conflicting = work.layout.units.indices.filter { merge.counts.byColumn[work.layout.units[$0].name] != nil }
        return work
    }

    private func requireOpen(_ merge: DatasetMerge) throws {
        guard merge.state == .conflicts else {
            throw SlipwayError(
                .conflict,
                "The merge \(merge.id) is \(merge.state.rawValue)\(merge.version.map { ": version \($0)" } ?? "").")
        }
    }

    // MARK: Looking

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
        let hands = try await platform.database.read { [merges] in try merges.choices($0, merge.id, of: ids) }
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

    // MARK: Resolving

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
        merge = try await platform.database.write { [merges] db in
            guard var current = try merges.merge(db, id) else { throw SlipwayError(.notFound, "The merge is gone.") }
            guard current.state == .conflicts else {
                throw SlipwayError(.conflict, "The merge \(id) is \(current.state.rawValue) now.")
            }
            current.rules += asked.filter { !current.rules.contains($0) }
            try merges.removeChoices(db, id, found.reopened)
            try merges.setChoices(db, id, found.choices, by: principal.name, at: now)
            guard try merges.choiceCount(db, id) <= Self.choicesMaximum else {
                throw SlipwayError(
                    .tooLarge, "A merge holds \(Self.choicesMaximum) choices by hand; use rules for the rest.")
            }
            try merges.update(db, current)
            return current
        }
        return try await recount(merge, work)
    }

    /// Counts what is open after choices and rules have changed.
    private func recount(_ merge: DatasetMerge, _ work: MergeWork) async throws -> DatasetMerge {
        let counts = try await decide(merge, work).counts
        return try await platform.database.write { [merges] db in
            guard var current = try merges.merge(db, merge.id) else {
                throw SlipwayError(.notFound, "The merge is gone.")
            }
            current.counts = counts
            try merges.update(db, current)
            return current
        }
    }

    private func unknownColumn(_ column: String, _ merge: DatasetMerge) -> SlipwayError {
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

    /// Decides conflicts of the schema; with the last one, the rows are compared.
    private func resolveSchema(
        _ merge: DatasetMerge, _ resolutions: [MergeResolution], in folder: String, by principal: Principal
    ) async throws -> DatasetMerge {
        var merge = merge
        for (index, resolution) in resolutions.enumerated() {
            var side: MergeSide?
            switch resolution.choice {
            case .take(let taken) where taken != .base: side = taken
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
            merge.schemaConflicts.removeAll { matching.contains($0) }
        }
        if merge.schemaConflicts.isEmpty {
            let (dataset, newest) = (merge.dataset, max(merge.ours, merge.theirs))
            let graph = try await platform.database.read { [merges] in try merges.graph($0, dataset, upTo: newest) }
            do {
                let work = try await prepare(merge, graph, in: folder, as: principal)
                merge.counts = work.counts
                merge.counts = try await decide(merge, work).counts
                merge.manifest = try await keepFiles(work, of: merge)
            } catch let disagreement as SchemaDisagreement { merge.schemaConflicts = disagreement.conflicts }
        }
        let changed = merge
        try await platform.database.write { [merges] in try merges.update($0, changed) }
        return merge
    }

    // MARK: Ending

    /// Makes the merged version. The same again gives that version.
    ///
    /// - Throws: `conflict` while anything is open, or if the branch has moved on.
    public func commitMerge(_ id: String, message: String?, as principal: Principal) async throws -> (
        merge: DatasetMerge, version: DatasetVersion
    ) {
        var merge = try await merge(id, as: principal)
        try principal.require(.writeDatasets, in: merge.project)
        if merge.state == .merged, let number = merge.version {
            return (merge, try await resolve(Ref(.dataset, merge.dataset, version: number), as: principal))
        }
        try requireOpen(merge)
        guard merge.schemaConflicts.isEmpty else {
            throw SlipwayError(
                .conflict, "The columns are not decided: \(merge.schemaText).",
                details: ["schemaConflicts": String(merge.schemaConflicts.count)])
        }
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let work = try await work(of: merge, in: folder, as: principal)
        let decisions = try await decide(merge, work)
        guard decisions.counts.open == 0 else {
            let columns = decisions.counts.openByColumn.sorted { $0.key < $1.key }.map { "\($0.value) in \($0.key)" }
            let rows = decisions.counts.open - decisions.counts.openByColumn.values.reduce(0, +)
            let all = columns + (rows > 0 ? ["\(rows) deleted rows"] : [])
            throw SlipwayError(
                .conflict,
                "\(decisions.counts.open) conflicts are open: \(all.joined(separator: ", ")). Resolve them first.",
                details: ["open": String(decisions.counts.open)])
        }
        merge.counts = decisions.counts
        if let message { merge.message = message }
        let choices = try await platform.database.read { [merges] in try merges.choices($0, id) }
        let digest = Digest.of(
            JSONValue.array(choices.map { [.int($0.conflict), .string($0.choice), JSONValue($0.value)] }).canonicalText)
        let version: DatasetVersion
        do {
            version = try await commit(merge, work, decisions.table, digest, as: principal)
        } catch let error as SlipwayError where error.code == .conflict && error.details["latest"] != nil {
            // Made before, by a request whose answer got lost.
            let (dataset, ours, theirs) = (merge.dataset, merge.ours, merge.theirs)
            guard
                let made = try await platform.database.read({ [merges, store] db in
                    try merges.merged(db, dataset, ours: ours, theirs: theirs).flatMap {
                        try store.version(db, dataset, .number($0))
                    }
                })
            else {
                throw SlipwayError(
                    .conflict,
                    "\(error.message.prefix { $0 != "." }). Merge \(merge.from) into \(merge.into) again: what is decided is kept where both sides are as they were.",
                    details: error.details, ref: error.ref)
            }
            version = made
        }
        merge.state = .merged
        merge.version = version.number
        let done = merge
        try await platform.database.write { [merges] in try merges.update($0, done) }
        return (merge, version)
    }

    /// Gives a merge up. Giving it up again is not an error.
    public func abandonMerge(_ id: String, as principal: Principal) async throws {
        let merge = try await merge(id, as: principal)
        try principal.require(.writeDatasets, in: merge.project)
        if merge.state == .merged { try requireOpen(merge) }
        try await abandon(merge, by: principal)
    }

    private func abandon(_ merge: DatasetMerge, by principal: Principal) async throws {
        try await platform.database.write { [merges, ledger = platform.ledger] db in
            guard var current = try merges.merge(db, merge.id), current.state == .conflicts else { return }
            if let manifest = current.manifest { try Manifests.delete(db, manifest) }
            current.manifest = nil
            current.state = .abandoned
            try merges.update(db, current)
            try ledger.append(
                db, "dataset.merge.abandoned", Ref(.dataset, merge.dataset), project: merge.project, by: principal,
                data: ["merge": .string(merge.id)])
        }
    }

    /// Takes over what was decided by hand in an earlier, open merge of the same two branches, wherever base, ours and
    /// theirs of a conflict are the same as then; the earlier merge is given up.
    func carryOver(
        to merge: DatasetMerge, _ work: MergeWork, by principal: Principal
    ) async throws -> DatasetMerge {
        let earlier = try await platform.database.read { [merges] in
            try merges.open($0, merge.dataset, from: merge.from, into: merge.into)
        }.filter { $0.id != merge.id && $0.key == merge.key && $0.granularity == merge.granularity }
        var changed = false
        for old in earlier where old.ours != merge.ours || old.theirs != merge.theirs {
            defer { changed = true }
            if let now = work.conflicts, old.manifest != nil,
                case let hands = try await platform.database.read({ [merges] in try merges.choices($0, old.id) }),
                !hands.isEmpty
            {
                var then = try await self.work(of: old, in: work.folder, as: principal).conflicts
                then?.name = "earlier"
                let byUnit = Dictionary(
                    uniqueKeysWithValues: work.layout.units.enumerated().map { ($1.name, $0) })
                let oldLayout = try await versions(of: old, in: work.folder, as: principal).layout
                // Units go by name: the columns may be others now.
                let renumbered = oldLayout.units.enumerated().compactMap { index, unit in
                    byUnit[unit.name].map { "WHEN \(index) THEN \($0)" }
                }
                guard oldLayout.columns == work.layout.columns || !hands.contains(where: { $0.choice == "value" })
                else {
                    try await abandon(old, by: principal)
                    continue
                }
                let rows = try await ask(
                    """
                    SELECT e.id, c.id FROM earlier e JOIN conflicts c ON e.key = c.key
                    AND c.unit = CASE e.unit \(renumbered.joined(separator: " ")) ELSE -1 END
                    AND e.base IS NOT DISTINCT FROM c.base AND e.ours IS NOT DISTINCT FROM c.ours
                    AND e.theirs IS NOT DISTINCT FROM c.theirs
                    """, [then, now], maxRows: Self.choicesMaximum, for: principal)
                let numbers = Dictionary(
                    rows.compactMap { row in row[0].intValue.flatMap { a in row[1].intValue.map { (a, $0) } } }
                ) { a, _ in a }
                let kept = hands.compactMap { hand in
                    numbers[hand.conflict].map {
                        MergeStore.Choice(
                            conflict: $0, choice: hand.choice, value: hand.value, author: hand.author, made: hand.made)
                    }
                }
                try await platform.database.write { [merges] db in
                    for (author, some) in Dictionary(grouping: kept, by: \.author) {
                        for (made, those) in Dictionary(grouping: some, by: \.made) {
                            try merges.setChoices(db, merge.id, those, by: author, at: made)
                        }
                    }
                }
            }
            try await abandon(old, by: principal)
        }
        return changed ? try await recount(merge, work) : merge
    }
}

extension DatasetMerge {
    fileprivate var schemaText: String {
        schemaConflicts.map { conflict in
            conflict.kind == .type
                ? "\(conflict.column) is \(conflict.ours ?? "gone") on ours and \(conflict.theirs ?? "gone") on theirs (\(conflict.base ?? "new") before)"
                : "\(conflict.column) was dropped on \(conflict.ours == nil ? "ours" : "theirs") and changed on \(conflict.ours == nil ? "theirs" : "ours")"
        }.joined(separator: "; ")
    }
}
