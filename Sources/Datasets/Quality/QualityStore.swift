import Core
import Database

extension DatasetsStore {
    // MARK: Contracts

    /// The newest contract, or the one with a number; nil when there is none, or the newest is empty.
    func contract(_ db: any Transaction, _ dataset: String, _ number: Int?) throws -> StoredContract? {
        let which: SQL = number.map { "number = \($0)" } ?? "TRUE"
        let row = try db.one(
            "SELECT number, yaml, author, created_ms FROM dataset_contract WHERE dataset = \(dataset) AND \(which) ORDER BY number DESC LIMIT 1"
        ) { (Int(try $0.int(0)), try $0.text(1), try $0.text(2), try $0.time(3)) }
        guard let row, !row.1.isEmpty else { return nil }
        return StoredContract(
            dataset: dataset, number: row.0, yaml: row.1, author: row.2, created: row.3,
            contract: try Contract(yaml: row.1))
    }

    /// The number of the newest contract, also of one that ends the ones before; nil if there never was one.
    func contractNumber(_ db: any Transaction, _ dataset: String) throws -> Int? {
        try db.one("SELECT number FROM dataset_contract WHERE dataset = \(dataset) ORDER BY number DESC LIMIT 1") {
            Int(try $0.int(0))
        }
    }

    /// - Returns: the contract's number.
    func insertContract(
        _ db: any Transaction, _ dataset: String, yaml: String, author: String, at time: Timestamp
    ) throws -> Int {
        let number =
            try db.one("SELECT coalesce(max(number), 0) + 1 FROM dataset_contract WHERE dataset = \(dataset)") {
                Int(try $0.int(0))
            } ?? 1
        try db.execute(
            """
            INSERT INTO dataset_contract (dataset, number, yaml, author, created_ms)
            VALUES (\(dataset), \(number), \(yaml), \(author), \(time))
            """)
        return number
    }

    // MARK: Reports

    /// A later report on the same version, as when a branch is moved to it, takes the place of the earlier one.
    func keepQuality(_ db: any Transaction, _ version: DatasetVersion, contract: Int, _ report: QualityReport) throws {
        try db.execute(
            """
            INSERT INTO dataset_quality (dataset, number, contract, outcome, report)
            VALUES (\(version.dataset), \(version.number), \(contract), \(report.outcome.rawValue), \(report.json))
            ON CONFLICT (dataset, number) DO UPDATE
            SET contract = excluded.contract, outcome = excluded.outcome, report = excluded.report
            """)
    }

    func quality(_ db: any Transaction, _ version: DatasetVersion) throws -> JSONValue? {
        try db.one(
            "SELECT report FROM dataset_quality WHERE dataset = \(version.dataset) AND number = \(version.number)"
        ) { try $0.json(0) }
    }
}
