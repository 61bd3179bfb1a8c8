import Core
import Database

/// SQL and nothing else.
struct MergeStore: Sendable {
    // MARK: Versions

    func graph(_ db: any Transaction, _ dataset: String, upTo number: Int) throws -> VersionGraph {
        let edges = try db.all(
            "SELECT number, parent, merged FROM dataset_version WHERE dataset = \(dataset) AND number <= \(number)"
        ) { row in
            (Int(try row.int(0)), [try row.optionalInt(1), try row.optionalInt(2)].compactMap { $0.map { Int($0) } })
        }
        return VersionGraph(parents: Dictionary(edges) { a, _ in a })
    }

    /// The version that a merge of these two became, if there is one.
    func merged(_ db: any Transaction, _ dataset: String, ours: Int, theirs: Int) throws -> Int? {
        try db.one(
            "SELECT number FROM dataset_version WHERE dataset = \(dataset) AND parent = \(ours) AND merged = \(theirs) ORDER BY number LIMIT 1"
        ) { Int(try $0.int(0)) }
    }

    // MARK: Merges

    func insert(_ db: any Transaction, _ merge: DatasetMerge, request: Digest) throws {
        try db.execute(
            """
            INSERT INTO dataset_merge (id, dataset, into_branch, from_name, base, ours, theirs, key_columns, granularity,
                rules, decided, schema_conflicts, counts, manifest, state, request_digest, message, author, created_ms)
            VALUES (\(merge.id), \(merge.dataset), \(merge.into), \(merge.from), \(merge.base), \(merge.ours),
                \(merge.theirs), \(JSONValue(merge.key)), \(merge.granularity.rawValue), \(merge.rulesJSON),
                \(JSONValue(merge.decided.mapValues(\.rawValue))), \(merge.schemaJSON), \(merge.counts.json),
                \(merge.manifest), \(merge.state.rawValue), \(request), \(merge.message), \(merge.author),
                \(merge.created))
            """)
    }

    func update(_ db: any Transaction, _ merge: DatasetMerge) throws {
        try db.execute(
            """
            UPDATE dataset_merge SET rules = \(merge.rulesJSON), decided = \(JSONValue(merge.decided.mapValues(\.rawValue))),
                schema_conflicts = \(merge.schemaJSON), counts = \(merge.counts.json), manifest = \(merge.manifest),
                state = \(merge.state.rawValue), version = \(merge.version)
            WHERE id = \(merge.id)
            """)
    }

    func merge(_ db: any Transaction, _ id: String) throws -> DatasetMerge? {
        try db.one("\(Self.columns) WHERE m.id = \(id)", Self.merge)
    }

    func open(_ db: any Transaction, _ dataset: String, request: Digest) throws -> DatasetMerge? {
        try db.one(
            """
            \(Self.columns) WHERE m.dataset = \(dataset) AND m.request_digest = \(request)
            AND m.state = \(DatasetMerge.State.conflicts.rawValue) ORDER BY m.created_ms LIMIT 1
            """, Self.merge)
    }

    /// Open merges of the same two names, newest first: what a merge of newer versions replaces.
    func open(_ db: any Transaction, _ dataset: String, from: String, into: String) throws -> [DatasetMerge] {
        try db.all(
            """
            \(Self.columns) WHERE m.dataset = \(dataset) AND m.from_name = \(from) AND m.into_branch = \(into)
            AND m.state = \(DatasetMerge.State.conflicts.rawValue) ORDER BY m.created_ms DESC LIMIT 100
            """, Self.merge)
    }

    func merges(_ db: any Transaction, _ dataset: String, _ page: PageRequest) throws -> Page<DatasetMerge> {
        var condition: SQL = "m.dataset = \(dataset)"
        if let keys = page.after?.keys, keys.count == 2, let made = keys[0].intValue, let id = keys[1].stringValue {
            condition = "\(condition) AND (m.created_ms < \(made) OR (m.created_ms = \(made) AND m.id < \(id)))"
        }
        return try db.page(
            "\(Self.columns) WHERE \(condition) ORDER BY m.created_ms DESC, m.id DESC LIMIT \(page.limit + 1)", page,
            keys: { [.int($0.created.milliseconds), .string($0.id)] }, Self.merge)
    }

    private static let columns: SQL = """
        SELECT m.id, m.dataset, d.project, m.into_branch, m.from_name, m.base, m.ours, m.theirs, m.key_columns,
            m.granularity, m.rules, m.decided, m.schema_conflicts, m.counts, m.manifest, m.state, m.message, m.author,
            m.created_ms, m.version
        FROM dataset_merge m JOIN dataset d ON d.name = m.dataset
        """

    private static func merge(_ row: any Row) throws -> DatasetMerge {
        DatasetMerge(
            id: try row.text(0), dataset: try row.text(1), project: try row.text(2), into: try row.text(3),
            from: try row.text(4), base: try row.optionalInt(5).map { Int($0) }, ours: Int(try row.int(6)),
            theirs: Int(try row.int(7)), key: try row.json(8).arrayValue?.compactMap(\.stringValue) ?? [],
            granularity: MergeLayout.Granularity(rawValue: try row.text(9)) ?? .cell,
            rules: try (row.json(10).arrayValue ?? []).map { try MergeRule($0, column: nil) },
            decided: (try row.json(11).objectValue ?? [:]).compactMapValues {
                $0.stringValue.flatMap { MergeSide(rawValue: $0) }
            },
            schemaConflicts: (try row.json(12).arrayValue ?? []).compactMap { SchemaConflict($0) },
            counts: MergeCounts(try row.json(13)), manifest: try row.optionalText(14),
            state: DatasetMerge.State(rawValue: try row.text(15)) ?? .conflicts, message: try row.text(16),
            author: try row.text(17), created: try row.time(18), version: try row.optionalInt(19).map { Int($0) })
    }

    // MARK: Choices

    struct Choice: Sendable {
        let conflict: Int64
        let choice: String
        let value: String?
        var author = ""
        var made = Timestamp(milliseconds: 0)
    }

    func setChoices(
        _ db: any Transaction, _ merge: String, _ choices: [Choice], by author: String, at time: Timestamp
    ) throws {
        for start in stride(from: 0, to: choices.count, by: 200) {
            let rows = choices[start..<min(start + 200, choices.count)].map {
                "(\(merge), \($0.conflict), \($0.choice), \($0.value), \(author), \(time))" as SQL
            }
            try db.execute(
                """
                INSERT INTO dataset_merge_choice (merge_id, conflict, choice, value, author, made_ms)
                VALUES \(SQL.joined(rows, by: ", "))
                ON CONFLICT (merge_id, conflict) DO UPDATE SET choice = excluded.choice, value = excluded.value,
                    author = excluded.author, made_ms = excluded.made_ms
                """)
        }
    }

    func removeChoices(_ db: any Transaction, _ merge: String, _ conflicts: [Int64]) throws {
        for start in stride(from: 0, to: conflicts.count, by: 200) {
            let some = Array(conflicts[start..<min(start + 200, conflicts.count)])
            try db.execute(
                "DELETE FROM dataset_merge_choice WHERE merge_id = \(merge) AND conflict IN (\(list: some))")
        }
    }

    func choiceCount(_ db: any Transaction, _ merge: String) throws -> Int {
        try db.one("SELECT count(*) FROM dataset_merge_choice WHERE merge_id = \(merge)") { Int(try $0.int(0)) } ?? 0
    }

    /// By conflict; all, or those of some conflicts.
    func choices(_ db: any Transaction, _ merge: String, of conflicts: [Int64]? = nil) throws -> [Choice] {
        var condition: SQL = "merge_id = \(merge)"
        if let conflicts { condition = "\(condition) AND conflict IN (\(list: conflicts))" }
        return try db.all(
            "SELECT conflict, choice, value, author, made_ms FROM dataset_merge_choice WHERE \(condition) ORDER BY conflict"
        ) { row in
            Choice(
                conflict: try row.int(0), choice: try row.text(1), value: try row.optionalText(2),
                author: try row.text(3), made: try row.time(4))
        }
    }
}

extension DatasetMerge {
    fileprivate var rulesJSON: JSONValue { .array(rules.map(\.json)) }
    fileprivate var schemaJSON: JSONValue { .array(schemaConflicts.map(\.json)) }
}

extension SchemaConflict {
    fileprivate init?(_ json: JSONValue) {
        guard let column = json["column"]?.stringValue,
            let kind = json["kind"]?.stringValue.flatMap({ Kind(rawValue: $0) })
        else { return nil }
        self.init(
            column: column, kind: kind, base: json["base"]?.stringValue, ours: json["ours"]?.stringValue,
            theirs: json["theirs"]?.stringValue, rows: json["rows"]?.intValue)
    }
}
