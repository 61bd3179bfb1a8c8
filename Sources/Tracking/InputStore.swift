import Core
import Database

/// SQL of dataset inputs and of the models that runs use and make.
struct InputStore: Sendable {
    /// Datasets are kept once an experiment, by name and digest; a run has each at most once, with the tags of the first
    /// time.
    func add(_ db: any Transaction, run: Int64, experiment: Int64, _ input: DatasetInput) throws {
        let existing = try db.one(
            """
            SELECT key FROM input_dataset
            WHERE experiment = \(experiment) AND name = \(input.name) AND digest = \(input.digest)
            """
        ) { try $0.int(0) }
        let key: Int64
        if let existing {
            key = existing
        } else {
            key = ((try db.one("SELECT max(key) FROM input_dataset") { try $0.optionalInt(0) } ?? nil) ?? 0) + 1
            try db.execute(
                """
                INSERT INTO input_dataset (key, experiment, name, digest, source_type, source, schema, profile)
                VALUES (\(key), \(experiment), \(input.name), \(input.digest), \(input.sourceType), \(input.source),
                    \(input.schema), \(input.profile))
                """)
        }
        let tags = JSONValue.array(input.tags.map { [.string($0.key), .string($0.value)] })
        try db.execute(
            """
            INSERT INTO run_input (run, dataset, context, tags) VALUES (\(run), \(key), \(input.context), \(tags))
            ON CONFLICT (run, dataset) DO NOTHING
            """)
    }

    /// Of columns 1 …: name, digest, source type, source, schema, profile, tags.
    static func input(_ row: any Row) throws -> DatasetInput {
        let tags = try row.json(7).arrayValue ?? []
        return DatasetInput(
            name: try row.text(1), digest: try row.text(2), sourceType: try row.text(3), source: try row.text(4),
            schema: try row.optionalText(5), profile: try row.optionalText(6),
            tags: tags.compactMap { pair in
                guard let pair = pair.arrayValue, pair.count == 2, let key = pair[0].stringValue,
                    let value = pair[1].stringValue
                else { return nil }
                return KeyValue(key, value)
            })
    }

    func addModel(_ db: any Transaction, run: Int64, isOutput: Bool, model: String, step: Int64) throws {
        try db.execute(
            """
            INSERT INTO run_model (run, role, model, step) VALUES (\(run), \(isOutput ? "output" : "input"), \(model), \(step))
            ON CONFLICT DO NOTHING
            """)
    }

    /// Name, digest and context of the datasets used in experiments.
    func summaries(_ db: any Transaction, experiments: [Int64], limit: Int) throws -> [DatasetSummary] {
        try db.all(
            """
            SELECT DISTINCT d.experiment, d.name, d.digest, i.context FROM input_dataset d JOIN run_input i ON i.dataset = d.key
            WHERE d.experiment IN (\(list: experiments)) ORDER BY d.experiment, d.name, d.digest LIMIT \(limit)
            """
        ) {
            DatasetSummary(
                experiment: String(try $0.int(0)), name: try $0.text(1), digest: try $0.text(2),
                context: try $0.optionalText(3))
        }
    }
}

/// A dataset that runs of an experiment used.
public struct DatasetSummary: Sendable, Hashable {
    public let experiment: String
    public let name: String
    public let digest: String
    public let context: String?
}
