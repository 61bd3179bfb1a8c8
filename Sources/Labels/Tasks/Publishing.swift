import Core
import Database
import Datasets
import Ledger
import Platform
import Tables

/// Which items have a label that goes out.
public enum LabelsIncluded: String, Sendable, CaseIterable {
    /// Those with all their annotations, and those that were reviewed.
    case complete
    /// Those that a reviewer accepted or corrected.
    case reviewed
    /// Those with any annotation of a person.
    case any

    func takes(_ item: LabelItem) -> Bool {
        switch self {
        case .any: true
        case .complete: item.state != .open
        case .reviewed: item.state.isReviewed
        }
    }
}

/// What publishing did.
public struct PublishedLabels: Sendable {
    public let version: DatasetVersion
    public let isNew: Bool
    public let labels: Int
    /// Labels whose row is not in that version; they are kept and go out with the next version that has the row.
    public let orphans: Int

    public var json: JSONValue {
        [
            "version": version.json, "ref": JSONValue(version.ref), "unchanged": .bool(!isNew), "labels": JSONValue(labels),
            "orphans": JSONValue(orphans),
        ]
    }
}

/// The columns that a label becomes.
struct PublishedColumns: Sendable {
    let column: String
    let type: String

    init(_ column: String, _ definition: LabelDefinition) {
        self.column = column
        type =
            switch definition.kind {
            case .number: definition.isWhole ? "BIGINT" : "DOUBLE"
            default: "VARCHAR"
            }
    }

    /// Name and type of each: the value, whose it is, when, and how many said so.
    var all: [TableColumn] {
        [
            TableColumn(name: column, type: type), TableColumn(name: column + "_by", type: "VARCHAR"),
            TableColumn(name: column + "_at", type: "TIMESTAMP"), TableColumn(name: column + "_votes", type: "BIGINT"),
        ]
    }

    static func validate(_ column: String, key: [String]) throws {
        guard !column.isEmpty, column.utf8.count <= Limits.nameBytes,
            !column.unicodeScalars.contains(where: { $0.value < 32 || $0 == "\"" })
        else {
            throw SlipwayError.field("column", "is empty, too long or has quotes or control characters")
        }
        guard !key.contains(column) else {
            throw SlipwayError.field("column", "'\(column)' is a key column", expected: "a name of its own")
        }
    }

    /// The rows of `base` with their labels from `labels`; where a row has none, what it had stays.
    ///
    /// - Throws: `conflict` when the version has a column of that name that is not this label's.
    func sql(_ base: DatasetVersion, key: [String]) throws -> String {
        // What a table of files tells about each file itself is not part of what is written.
        let given: Set<String> = base.kind == .files ? ["size_bytes", "media_type", "digest"] : []
        let own = all
        let known = Dictionary(base.columns.map { ($0.name.lowercased(), $0.type) }) { a, _ in a }
        for one in own {
            if let type = known[one.name.lowercased()], type != one.type || known[own[1].name.lowercased()] == nil {
                throw SlipwayError(
                    .conflict,
                    "\(base.ref) has a column \(one.name) of type \(type), which is not a published label of this kind. Publish under another name: 'slipway label publish … --column NAME'.",
                    ref: base.ref)
            }
        }
        var list = base.columns.filter { !given.contains($0.name) }.map { column in
            let name = SQLName.quote(column.name)
            guard let index = own.firstIndex(where: { $0.name.lowercased() == column.name.lowercased() }) else {
                return "b.\(name)"
            }
            return "CASE WHEN l.k0 IS NOT NULL THEN l.v\(index) ELSE b.\(name) END AS \(name)"
        }
        for (index, one) in own.enumerated() where known[one.name.lowercased()] == nil {
            list.append("l.v\(index) AS \(SQLName.quote(one.name))")
        }
        let on = key.indices.map { "CAST(b.\(SQLName.quote(key[$0])) AS VARCHAR) = l.k\($0)" }.joined(separator: " AND ")
        return """
            SELECT \(list.joined(separator: ", "))
            FROM (SELECT *, row_number() OVER () AS "slipway row" FROM base) b LEFT JOIN labels l ON \(on)
            ORDER BY b."slipway row"
            """
    }

    /// A table of labels out of JSON lists: k0 …, v0 (value), v1 (by), v2 (at), v3 (votes).
    func chunkSQL(key: [String]) -> String {
        func part(_ index: Int) -> String { "json_extract_string(j, '$[\(index)]')" }
        let count = key.count
        let keys = key.indices.map { "\(part($0)) AS k\($0)" }.joined(separator: ", ")
        return """
            SELECT \(keys), CAST(\(part(count)) AS \(type)) AS v0, \(part(count + 1)) AS v1,
                make_timestamp(CAST(\(part(count + 2)) AS BIGINT) * 1000) AS v2, CAST(\(part(count + 3)) AS BIGINT) AS v3
            FROM (SELECT unnest(from_json($1, '["JSON"]')) AS j)
            """
    }
}

extension LabelsService {
    private static let labelsPerChunk = 5000
    private static let attemptsMaximum = 5
    static let publishSeconds = 600.0

    /// Makes the labels columns of a new version on a branch, whatever its newest version is: labels follow the rows' keys.
    /// The same labels on the same version give that version again.
    ///
    /// - Throws: `conflict` when the branch keeps moving, or has another column of the label's name.
    public func publish(
        _ name: String, branch: String, include: LabelsIncluded, rule: ConsensusRule?, column: String?, message: String?,
        as principal: Principal
    ) async throws -> PublishedLabels {
        let task = try await self.task(name, as: principal)
        try principal.require(.publishLabels, in: task.project)
        let definition = try await platform.database.read { [self] db in try self.definition(db, of: task) }
        let rule = rule ?? task.settings.rule
        let columns = PublishedColumns(column ?? task.settings.column, definition)
        try PublishedColumns.validate(columns.column, key: task.settings.key)
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let table = try await labelTable(task, definition, columns, include, rule, in: folder)
        guard table.count > 0 else {
            throw SlipwayError(
                .conflict,
                "\(task.name) has no label to publish\(include == .any ? "" : " (\(include.rawValue) items only; 'any' takes all that are labelled)").",
                ref: task.ref)
        }
        let key = task.settings.key
        for attempt in 1... {
            let base = try await datasets.resolve(Ref(.dataset, task.dataset, selector: branch), as: principal)
            let details: JSONValue = [
                "task": JSONValue(task.ref), "schema": JSONValue(task.schemaRef), "column": .string(columns.column),
                "rule": .string(rule.rawValue), "include": .string(include.rawValue), "labels": JSONValue(table.count),
                "digest": .string("sha256:" + table.digest.hex), "annotators": JSONValue(table.annotators.sorted()),
            ]
            let baseInput = try await datasets.input(base, name: "base")
            let orphans = try await strays(table.input, baseInput, key, limit: 0).count
            if base.recipe.kind == "labels", base.recipe.details == details {
                return PublishedLabels(version: base, isNew: false, labels: table.count, orphans: orphans)
            }
            do {
                let version = try await datasets.rewrite(
                    base, branch: branch, sql: columns.sql(base, key: key), inputs: [baseInput, table.input],
                    recipe: Recipe(
                        kind: "labels", inputs: ["base=dataset:\(base.dataset) sha256:\(base.digest.hex)"], details: details),
                    parents: [task.ref, task.schemaRef] + table.annotators.sorted().map { Ref(.user, $0) },
                    message: message ?? "Labels of \(task.name)", as: principal)
                try await platform.database.write { [ledger = platform.ledger] db in
                    try ledger.append(
                        db, "labels.published", task.ref, project: task.project, by: principal,
                        data: [
                            "version": JSONValue(version.ref), "labels": JSONValue(table.count),
                            "orphans": JSONValue(orphans), "column": .string(columns.column),
                        ])
                }
                return PublishedLabels(version: version, isNew: true, labels: table.count, orphans: orphans)
            } catch let error as SlipwayError
                where error.code == .conflict && error.details["latest"] != nil && attempt < Self.attemptsMaximum
            {
                continue
            }
        }
        throw SlipwayError(.conflict, "The branch \(branch) changes too fast; try again.", ref: task.ref)
    }

    /// Labels whose row is not in the newest version of a branch.
    public func orphans(_ name: String, branch: String, limit: Int, as principal: Principal) async throws -> (
        base: Ref, count: Int, keys: [[String]]
    ) {
        let task = try await self.task(name, as: principal)
        let definition = try await platform.database.read { [self] db in try self.definition(db, of: task) }
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let table = try await labelTable(
            task, definition, PublishedColumns(task.settings.column, definition), .any, task.settings.rule, in: folder)
        let base = try await datasets.resolve(Ref(.dataset, task.dataset, selector: branch), as: principal)
        guard table.count > 0 else { return (base.ref, 0, []) }
        let found = try await strays(
            table.input, try await datasets.input(base, name: "base"), task.settings.key, limit: limit)
        return (base.ref, found.count, found.keys)
    }

    private func strays(_ labels: TableInput, _ base: TableInput, _ key: [String], limit: Int) async throws -> (
        count: Int, keys: [[String]]
    ) {
        let on = key.indices.map { "CAST(b.\(SQLName.quote(key[$0])) AS VARCHAR) = l.k\($0)" }.joined(separator: " AND ")
        let list = key.indices.map { "l.k\($0)" }.joined(separator: ", ")
        let missing = "FROM labels l WHERE NOT EXISTS (SELECT 1 FROM base b WHERE \(on))"
        let count = try await platform.tables.query(
            "SELECT count(*) \(missing)", inputs: [labels, base], maxRows: 1, timeoutSeconds: Self.publishSeconds)
        var keys: [[String]] = []
        if limit > 0 {
            keys = try await platform.tables.query(
                "SELECT \(list) \(missing) ORDER BY \(list) LIMIT \(limit)", inputs: [labels, base], maxRows: limit,
                timeoutSeconds: Self.publishSeconds
            ).rows.map { $0.map { $0.text ?? "" } }
        }
        return (Int(count.rows.first?.first?.intValue ?? 0), keys)
    }

    private struct LabelTable {
        let input: TableInput
        let count: Int
        let digest: Digest
        let annotators: Set<String>
    }

    /// The labels as a table in Parquet files, a chunk of items at a time.
    private func labelTable(
        _ task: LabelTask, _ definition: LabelDefinition, _ columns: PublishedColumns, _ include: LabelsIncluded,
        _ rule: ConsensusRule, in folder: String
    ) async throws -> LabelTable {
        let hasher = Hasher256()
        var files: [String] = []
        var (count, annotators) = (0, Set<String>())
        try await forEachLabel(task, definition, include, rule) { labels in
            let rows = labels.map { item, label -> JSONValue in
                annotators.insert(label.by)
                // Text stays as it is; what has a structure goes as JSON text.
                let value: JSONValue =
                    switch label.value {
                    case .name(let text), .text(let text): .string(text)
                    default: .string(label.value.json.canonicalText)
                    }
                return .array(
                    item.key.parts.map { .string($0) } + [
                        value, .string(label.by), .int(label.at.milliseconds), JSONValue(label.votes),
                    ])
            }
            let text = JSONValue.array(rows).canonicalText
            hasher.update(Array(text.utf8))
            let path = "\(folder)/labels-\(files.count).parquet"
            _ = try await platform.tables.write(
                columns.chunkSQL(key: task.settings.key), parameters: [.text(text)], inputs: [], to: path)
            files.append(path)
            count += rows.count
        }
        return LabelTable(
            input: TableInput(name: "labels", files: files, format: .parquet), count: count, digest: hasher.finalize(),
            annotators: annotators)
    }

    /// Hands over the labels of a task in the order of its items, some thousands at a time.
    func forEachLabel(
        _ task: LabelTask, _ definition: LabelDefinition, _ include: LabelsIncluded, _ rule: ConsensusRule,
        _ body: ([(item: LabelItem, label: AgreedLabel)]) async throws -> Void
    ) async throws {
        var after: Int64 = 0
        while true {
            let from = after
            let (labelled, votes) = try await platform.database.read { [self] db in
                let labelled = try items.labelled(db, task, definition.kind, after: from, limit: Self.labelsPerChunk)
                guard let first = labelled.first, let last = labelled.last else { return (labelled, [LabelWork]()) }
                return (labelled, try works.votes(db, task.id, from: first.number, through: last.number))
            }
            guard let last = labelled.last else { return }
            after = last.number
            let byNumber = Dictionary(grouping: votes, by: \.number)
            var labels: [(LabelItem, AgreedLabel)] = []
            for item in labelled where include.takes(item) {
                let said = try (byNumber[item.number] ?? []).compactMap { work in
                    try work.value.map {
                        Consensus.Vote(
                            annotator: work.annotator, value: try Self.kept($0, definition), at: work.done ?? work.started)
                    }
                }
                let final = try item.final.map {
                    Consensus.Vote(annotator: $0.by, value: try Self.kept($0.value, definition), at: $0.at)
                }
                if let label = Consensus.label(said, rule, ranks: task.settings.annotators, final: final) {
                    labels.append((item, label))
                }
            }
            if !labels.isEmpty { try await body(labels) }
        }
    }
}
