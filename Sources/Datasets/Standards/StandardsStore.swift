import Core
import Database

extension DatasetsStore {
    // MARK: Columns

    func marks(_ db: any Transaction, _ dataset: String) throws -> [ColumnMark] {
        try db.all("\(Self.markColumns) WHERE dataset = \(dataset) ORDER BY name LIMIT 10000", Self.mark)
    }

    func setMark(_ db: any Transaction, _ mark: ColumnMark) throws {
        try db.execute(
            """
            INSERT INTO dataset_column (dataset, name, pii, pii_kind, description, unit, basis, origin, author, updated_ms)
            VALUES (\(mark.dataset), \(mark.name), \(mark.pii?.rawValue), \(mark.kind), \(mark.description), \(mark.unit),
                \(mark.basis.rawValue), \(mark.origin), \(mark.author), \(mark.updated))
            ON CONFLICT (dataset, name) DO UPDATE SET pii = excluded.pii, pii_kind = excluded.pii_kind,
                description = excluded.description, unit = excluded.unit, basis = excluded.basis,
                origin = excluded.origin, author = excluded.author, updated_ms = excluded.updated_ms
            """)
    }

    /// Gives a column a mark that it inherits. What a person said stays, and so does a stronger mark.
    func carry(_ db: any Transaction, _ mark: ColumnMark) throws {
        let known = try db.one(
            "\(Self.markColumns) WHERE dataset = \(mark.dataset) AND name = \(mark.name)", Self.mark)
        guard let known else { return try setMark(db, mark) }
        guard let wanted = mark.pii, known.basis != .person || known.pii == nil, known.pii.map({ $0 < wanted }) ?? true
        else { return }
        try setMark(
            db,
            ColumnMark(
                dataset: mark.dataset, name: mark.name, pii: mark.pii, kind: mark.kind, description: known.description,
                unit: known.unit, basis: mark.basis, origin: mark.origin, author: mark.author, updated: mark.updated))
    }

    private static let markColumns: SQL =
        "SELECT dataset, name, pii, pii_kind, description, unit, basis, origin, author, updated_ms FROM dataset_column"

    private static func mark(_ row: any Row) throws -> ColumnMark {
        ColumnMark(
            dataset: try row.text(0), name: try row.text(1),
            pii: try row.optionalText(2).flatMap(ColumnMark.PII.init(rawValue:)), kind: try row.optionalText(3),
            description: try row.text(4), unit: try row.optionalText(5),
            basis: ColumnMark.Basis(rawValue: try row.text(6)) ?? .person, origin: try row.text(7),
            author: try row.text(8), updated: try row.time(9))
    }

    // MARK: Lineage of columns

    func insertLineage(_ db: any Transaction, _ version: DatasetVersion, _ lineage: ColumnLineage) throws {
        try db.execute(
            """
            INSERT INTO dataset_column_lineage (dataset, number, columns)
            VALUES (\(version.dataset), \(version.number), \(lineage.json))
            """)
    }

    func lineage(_ db: any Transaction, _ version: DatasetVersion) throws -> ColumnLineage? {
        try db.one(
            "SELECT columns FROM dataset_column_lineage WHERE dataset = \(version.dataset) AND number = \(version.number)"
        ) { try ColumnLineage($0.json(0)) }
    }

    // MARK: The record

    func record(_ db: any Transaction, _ dataset: String) throws -> DatasetRecord? {
        try db.one(
            "SELECT card, facts, pii_policy, author, updated_ms FROM dataset_record WHERE dataset = \(dataset)"
        ) {
            DatasetRecord(
                text: try $0.text(0), facts: DatasetFacts(stored: try $0.json(1)),
                policy: PIIPolicy(rawValue: try $0.text(2)) ?? .restricted, author: try $0.text(3),
                updated: try $0.time(4))
        }
    }

    func setRecord(_ db: any Transaction, _ dataset: String, _ record: DatasetRecord) throws {
        try db.execute(
            """
            INSERT INTO dataset_record (dataset, card, facts, pii_policy, author, updated_ms)
            VALUES (\(dataset), \(record.text), \(record.facts.json), \(record.policy.rawValue), \(record.author),
                \(record.updated))
            ON CONFLICT (dataset) DO UPDATE SET card = excluded.card, facts = excluded.facts,
                pii_policy = excluded.pii_policy, author = excluded.author, updated_ms = excluded.updated_ms
            """)
    }

    /// Puts a dataset under the policy `restricted`, because something that it is made of is.
    func restrict(_ db: any Transaction, _ dataset: String, by author: String, at time: Timestamp) throws {
        try db.execute(
            """
            INSERT INTO dataset_record (dataset, card, facts, pii_policy, author, updated_ms)
            VALUES (\(dataset), '', \(JSONValue.object([:])), \(PIIPolicy.restricted.rawValue), \(author), \(time))
            ON CONFLICT (dataset) DO UPDATE SET pii_policy = excluded.pii_policy
            """)
    }
}
