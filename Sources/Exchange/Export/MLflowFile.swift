import CommandKit
import Core
import Database
import Registry
import Tracking

/// A folder that MLflow's server opens: `mlflow.db` and, below `artifacts`, what `mlflow-artifacts:/` names.
/// Everything of one thing is put anew, so writing it again changes nothing.
struct MLflowFile: Sendable {
    let database: String
    let artifacts: String
    private let file: ForeignSQLite

    /// Says whose export a folder is, so that no other database is written over.
    private static let marker = "slipway-export.json"

    /// Goes on in a folder that this server's export began, or makes one.
    init(folder: String, origin: String) async throws {
        database = folder + "/mlflow.db"
        artifacts = folder + "/artifacts"
        let mark: JSONValue = ["format": "mlflow", "from": .string(origin)]
        if LocalFolder.exists(folder + "/" + Self.marker) {
            let found = try? JSONValue(parsing: Array(TextFile.read(folder + "/" + Self.marker).utf8))
            guard found == mark else {
                throw SlipwayError(
                    .conflict,
                    "\(folder) is the export of \(found?["from"]?.stringValue ?? "another server"). Name another folder."
                )
            }
        } else {
            guard (LocalFolder.entries(of: folder) ?? []).isEmpty else {
                throw SlipwayError(
                    .conflict, "\(folder) has something else in it. Name a new folder, or one that an export began.")
            }
            try LocalFolder.make(artifacts)
            try await LocalFolder.write(folder + "/" + Self.marker) { try $0(mark.canonicalBytes + [10]) }
        }
        file = try ForeignSQLite(path: database)
        try file.write { db in
            guard try !db.exists("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'") else { return }
            for statement in MLflowSchema.statements { try db.execute(SQL(stringLiteral: statement)) }
        }
    }

    /// Where on this machine something of `mlflow-artifacts:/` lies; nil when it is elsewhere.
    func folder(of uri: String) throws -> String? {
        guard uri.hasPrefix(Self.scheme) else { return nil }
        return artifacts + "/" + (try RelativePath(parsing: String(uri.dropFirst(Self.scheme.count)))).description
    }

    static let scheme = "mlflow-artifacts:/"

    func put(_ record: ExperimentRecord) throws {
        guard let key = Int64(record.id) else { return }
        try file.write { db in
            let stage = Self.stage(record.isDeleted)
            try db.execute(
                """
                INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time)
                VALUES (\(key), \(record.name), \(record.artifactLocation), \(stage), \(record.created), \(record.updated))
                ON CONFLICT (experiment_id) DO UPDATE SET name = excluded.name, lifecycle_stage = excluded.lifecycle_stage,
                    last_update_time = excluded.last_update_time
                """)
            try db.execute("DELETE FROM experiment_tags WHERE experiment_id = \(key)")
            for (name, value) in record.tags {
                try db.execute(
                    "INSERT INTO experiment_tags (\"key\", value, experiment_id) VALUES (\(name), \(value), \(key))")
            }
        }
    }

    private static func stage(_ isDeleted: Bool) -> String { isDeleted ? "deleted" : "active" }

    // MARK: Runs

    /// Puts a run without its points.
    func put(_ record: RunRecord) throws {
        guard let experiment = Int64(record.experiment) else { return }
        try file.write { db in
            let id = record.id
            try db.execute("DELETE FROM metrics WHERE run_uuid = \(id)")
            try db.execute("DELETE FROM latest_metrics WHERE run_uuid = \(id)")
            try db.execute("DELETE FROM params WHERE run_uuid = \(id)")
            try db.execute("DELETE FROM tags WHERE run_uuid = \(id)")
            try db.execute(
                """
                INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,
                    end_time, source_version, lifecycle_stage, artifact_uri, experiment_id, deleted_time)
                VALUES (\(id), \(record.name), 'UNKNOWN', '', '', \(record.user), \(record.status.rawValue),
                    \(record.started), \(record.ended), '', \(Self.stage(record.deleted != nil)),
                    \(record.artifactLocation), \(experiment), \(record.deleted))
                ON CONFLICT (run_uuid) DO UPDATE SET name = excluded.name, status = excluded.status,
                    end_time = excluded.end_time, lifecycle_stage = excluded.lifecycle_stage,
                    experiment_id = excluded.experiment_id, artifact_uri = excluded.artifact_uri,
                    deleted_time = excluded.deleted_time
                """)
            for (key, value) in record.params {
                try db.execute("INSERT INTO params (\"key\", value, run_uuid) VALUES (\(key), \(value), \(id))")
            }
            for (key, value) in record.tags {
                try db.execute("INSERT INTO tags (\"key\", value, run_uuid) VALUES (\(key), \(value), \(id))")
            }
            try putInputs(db, of: record, experiment)
        }
    }

    private func putInputs(_ db: any Transaction, of record: RunRecord, _ experiment: Int64) throws {
        try db.execute(
            """
            DELETE FROM input_tags WHERE input_uuid IN (SELECT input_uuid FROM inputs
                WHERE destination_type = 'RUN' AND destination_id = \(record.id))
            """)
        try db.execute(
            """
            DELETE FROM inputs WHERE (destination_type = 'RUN' AND destination_id = \(record.id))
                OR (source_type IN ('RUN_INPUT', 'RUN_OUTPUT') AND source_id = \(record.id))
            """)
        for dataset in record.datasets {
            let id =
                try self.dataset(db, experiment, dataset.name, dataset.digest)
                ?? Self.insert(db, dataset, into: experiment)
            let input = ID.make()
            try db.execute(
                """
                INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id)
                VALUES (\(input), 'DATASET', \(id), 'RUN', \(record.id))
                """)
            for tag in dataset.tags {
                try db.execute(
                    "INSERT INTO input_tags (input_uuid, name, value) VALUES (\(input), \(tag.key), \(tag.value))")
            }
        }
        let links =
            record.modelInputs.map { ("RUN_INPUT", "MODEL_INPUT", $0, Int64(0)) }
            + record.modelOutputs.map { ("RUN_OUTPUT", "MODEL_OUTPUT", $0.model, $0.step) }
        for (source, destination, model, step) in links {
            try db.execute(
                """
                INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id, step)
                VALUES (\(ID.make()), \(source), \(record.id), \(destination), \(model), \(step))
                """)
        }
    }

    private func dataset(_ db: any Transaction, _ experiment: Int64, _ name: String, _ digest: String) throws -> String?
    {
        try db.one(
            """
            SELECT dataset_uuid FROM datasets
            WHERE experiment_id = \(experiment) AND name = \(name) AND digest = \(digest)
            """
        ) { try $0.text(0) }
    }

    private static func insert(_ db: any Transaction, _ dataset: DatasetInput, into experiment: Int64) throws -> String
    {
        let id = ID.make()
        try db.execute(
            """
            INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, dataset_source,
                dataset_schema, dataset_profile)
            VALUES (\(id), \(experiment), \(dataset.name), \(dataset.digest), \(dataset.sourceType), \(dataset.source),
                \(dataset.schema), \(dataset.profile))
            """)
        return id
    }

    /// Adds points to a run that was put.
    func add(_ record: PointsRecord) throws {
        guard var newest = record.points.first else { return }
        for point in record.points where point.isNewer(than: newest) { newest = point }
        try file.write { db in
            for point in record.points {
                try db.execute(
                    """
                    INSERT OR IGNORE INTO metrics ("key", value, timestamp, run_uuid, step, is_nan)
                    VALUES (\(record.key), \(Self.value(point)), \(point.time), \(record.run), \(point.step),
                        \(point.value.isNaN))
                    """)
            }
            let last = try db.one(
                """
                SELECT step, timestamp, value FROM latest_metrics
                WHERE "key" = \(record.key) AND run_uuid = \(record.run)
                """
            ) { MetricPoint(step: try $0.int(0), time: try $0.time(1), value: try $0.double(2)) }
            if let last, !newest.isNewer(than: last) { return }
            try db.execute(
                """
                INSERT OR REPLACE INTO latest_metrics ("key", value, timestamp, step, is_nan, run_uuid)
                VALUES (\(record.key), \(Self.value(newest)), \(newest.time), \(newest.step), \(newest.value.isNaN),
                    \(record.run))
                """)
        }
    }

    /// As MLflow's SQL store keeps it: NaN is a mark beside 0, infinities are the greatest numbers.
    private static func value(_ point: MetricPoint) -> Double { point.value.isNaN ? 0 : stored(point).value }

    static func stored(_ point: MetricPoint) -> MetricPoint {
        guard point.value.isInfinite else { return point }
        let most = Double.greatestFiniteMagnitude
        return MetricPoint(step: point.step, time: point.time, value: point.value > 0 ? most : -most)
    }

    // MARK: Models

    func put(_ record: LoggedModelRecord) throws {
        guard let experiment = Int64(record.experiment) else { return }
        // As MLflow's enum LoggedModelStatus numbers them.
        let status: Int64 =
            switch record.status {
            case .pending: 1
            case .ready: 2
            case .failed: 3
            }
        try file.write { db in
            let id = record.id
            // The rest goes with it.
            try db.execute("DELETE FROM logged_models WHERE model_id = \(id)")
            try db.execute(
                """
                INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, creation_timestamp_ms,
                    last_updated_timestamp_ms, status, lifecycle_stage, model_type, source_run_id)
                VALUES (\(id), \(experiment), \(record.name), \(record.artifactLocation ?? ""), \(record.created),
                    \(record.updated), \(status), \(Self.stage(record.isDeleted)), \(record.type), \(record.sourceRun))
                """)
            for (key, value) in record.params {
                try db.execute(
                    """
                    INSERT INTO logged_model_params (model_id, experiment_id, param_key, param_value)
                    VALUES (\(id), \(experiment), \(key), \(value))
                    """)
            }
            for (key, value) in record.tags {
                try db.execute(
                    """
                    INSERT INTO logged_model_tags (model_id, experiment_id, tag_key, tag_value)
                    VALUES (\(id), \(experiment), \(key), \(value))
                    """)
            }
            for item in record.metrics where try db.exists("SELECT 1 FROM runs WHERE run_uuid = \(item.run)") {
                var used: String?
                if let name = item.datasetName {
                    used = try dataset(db, experiment, name, item.datasetDigest ?? "")
                }
                let value: Double? = item.point.value.isNaN ? nil : Self.stored(item.point).value
                try db.execute(
                    """
                    INSERT OR REPLACE INTO logged_model_metrics (model_id, metric_name, metric_timestamp_ms, metric_step,
                        metric_value, experiment_id, run_id, dataset_uuid, dataset_name, dataset_digest)
                    VALUES (\(id), \(item.key), \(item.point.time), \(item.point.step), \(value), \(experiment),
                        \(item.run), \(used), \(item.datasetName), \(item.datasetDigest))
                    """)
            }
        }
    }

    /// - Parameter storage: where the files of a version are, by its number.
    func put(_ record: ModelRecord, storage: [Int: String]) throws {
        try file.write { db in
            let name = record.name
            try db.execute("DELETE FROM registered_model_aliases WHERE name = \(name)")
            try db.execute("DELETE FROM registered_model_tags WHERE name = \(name)")
            try db.execute("DELETE FROM model_version_tags WHERE name = \(name)")
            try db.execute("DELETE FROM model_versions WHERE name = \(name)")
            try db.execute("DELETE FROM registered_models WHERE name = \(name)")
            try db.execute(
                """
                INSERT INTO registered_models (name, creation_time, last_updated_time, description)
                VALUES (\(name), \(record.created), \(record.updated), \(Self.text(record.description)))
                """)
            for (key, value) in record.tags {
                try db.execute(
                    "INSERT INTO registered_model_tags (\"key\", value, name) VALUES (\(key), \(value), \(name))")
            }
            for version in record.versions {
                try db.execute(
                    """
                    INSERT INTO model_versions (name, version, creation_time, last_updated_time, description, user_id,
                        current_stage, source, run_id, status, run_link, storage_location)
                    VALUES (\(name), \(version.version), \(version.created), \(version.updated), \(Self.text(version.description)),
                        \(version.user), \(version.stage), \(version.source), \(version.run), 'READY', \(version.runLink),
                        \(storage[version.version]))
                    """)
                for (key, value) in version.tags {
                    try db.execute(
                        """
                        INSERT INTO model_version_tags ("key", value, name, version)
                        VALUES (\(key), \(value), \(name), \(version.version))
                        """)
                }
            }
            // MLflow counts on from the highest row, so a deleted version of that number stays as a row.
            if record.lastVersion > record.versions.map(\.version).max() ?? 0 {
                try db.execute(
                    """
                    INSERT INTO model_versions (name, version, creation_time, last_updated_time, current_stage, source,
                        run_id, run_link, status)
                    VALUES (\(name), \(record.lastVersion), \(record.updated), \(record.updated), 'Deleted_Internal',
                        'REDACTED-SOURCE-PATH', 'REDACTED-RUN-ID', 'REDACTED-RUN-LINK', 'READY')
                    """)
            }
            for (alias, version) in record.aliases {
                try db.execute(
                    "INSERT INTO registered_model_aliases (alias, version, name) VALUES (\(alias), \(version), \(name))"
                )
            }
        }
    }

    /// What was not said is NULL there.
    private static func text(_ text: String) -> String? { text.isEmpty ? nil : text }

    /// Where a run or logged model keeps its artifacts; nil when it is not here.
    func location(_ owner: ArtifactOwner) throws -> String? {
        try file.write { db in
            switch owner {
            case .run(let id): try db.one("SELECT artifact_uri FROM runs WHERE run_uuid = \(id)") { try $0.text(0) }
            case .model(let id):
                try db.one("SELECT artifact_location FROM logged_models WHERE model_id = \(id)") { try $0.text(0) }
            }
        }
    }
}
