import Core
import Database
import Registry
import Tracking

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// MLflow's tables in SQLite or PostgreSQL, as its versions 2 and 3 make them; tables that an older one lacks are empty.
struct MLflowDatabase: ForeignStore {
    let origin: String
    let findings = Findings()
    private let place: ForeignQuery.Place
    private let tables: Set<String>
    private let proxied: String?

    private static let pageRuns = 100

    /// - Parameters:
    ///   - uri: as MLflow's `--backend-store-uri` takes it: `sqlite:///relative.db`, `sqlite:////absolute.db`,
    ///     `postgresql://USER[:PASSWORD]@HOST/NAME`.
    ///   - artifacts: the folder behind `mlflow-artifacts:/`.
    init(uri: String, artifacts: String?) async throws {
        proxied = artifacts
        if uri.hasPrefix("sqlite:///") {
            let path = String(uri.dropFirst("sqlite:///".count))
            guard access(path, R_OK) == 0 else { throw SlipwayError(.notFound, "There is no file \(path).") }
            place = .file(path)
            origin = "sqlite:///" + path
        } else {
            let (url, password) = Self.splitPassword(uri)
            place = .postgres(try PostgresPlace(parsing: url), password: password, addresses: nil)
            origin = url
        }
        let query: String
        if case .file = place {
            query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        } else {
            query = "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()"
        }
        tables = Set(try await Self.rows(place, query).compactMap { $0["name"]?.stringValue })
        guard tables.isSuperset(of: ["experiments", "runs", "metrics", "params", "tags"]) else {
            throw SlipwayError(.invalid, "\(origin) has no MLflow tables.", details: ["field": "source"])
        }
    }

    /// The password goes beside the URL, so that no message can show it.
    private static func splitPassword(_ uri: String) -> (String, Secret<String>?) {
        var url = uri
        if let scheme = uri.range(of: "://"), uri[..<scheme.lowerBound].contains("+") {
            url = "postgresql://" + uri[scheme.upperBound...]
        }
        let from = url.range(of: "://")?.upperBound ?? url.startIndex
        guard let at = url[from...].lastIndex(of: "@"), let colon = url[from..<at].firstIndex(of: ":") else {
            return (url, nil)
        }
        let password = String(url[url.index(after: colon)..<at])
        return (String(url[..<colon]) + String(url[at...]), Secret(LocalArtifacts.percentDecoded(password)))
    }

    func totals() async throws -> ForeignTotals {
        let row = try await rows("SELECT (SELECT count(*) FROM runs) AS runs, (SELECT count(*) FROM metrics) AS points")
        return ForeignTotals(runs: row.first?["runs"]?.intValue, points: row.first?["points"]?.intValue)
    }

    func experiments() async throws -> [ExperimentRecord] {
        let tags = try await maps("experiment_tags", by: "experiment_id", "key", "value", "TRUE")
        return try await rows("SELECT * FROM experiments ORDER BY experiment_id").map { row in
            let id = text(row, "experiment_id") ?? "0"
            let created = row["creation_time"]?.intValue ?? 0
            var record = ExperimentRecord(
                id: id, name: text(row, "name") ?? id, created: created,
                updated: row["last_update_time"]?.intValue ?? created)
            record.isDeleted = text(row, "lifecycle_stage") == "deleted"
            record.tags = tags[id] ?? [:]
            let place = ArtifactPlace(owner: .run(""), uri: text(row, "artifact_location") ?? "")
            if place.stays { record.artifactLocation = place.uri }
            return record
        }
    }

    func runs(of experiment: String, _ body: ([ForeignRun]) async throws -> Void) async throws {
        guard let key = Int64(experiment) else { return }
        var after = ""
        while true {
            let page = try await rows(
                """
                SELECT * FROM runs WHERE experiment_id = \(key) AND run_uuid > \(quoted(after))
                ORDER BY run_uuid LIMIT \(Self.pageRuns)
                """)
            guard let last = page.last.flatMap({ text($0, "run_uuid") }) else { return }
            after = last
            try await body(try await complete(page))
            if page.count < Self.pageRuns { return }
        }
    }

    /// Runs by their ids; those that are not there are left out.
    func runs(_ ids: [String]) async throws -> [ForeignRun] {
        guard !ids.isEmpty else { return [] }
        return try await complete(
            rows("SELECT * FROM runs WHERE run_uuid IN (\(ids.map(quoted).joined(separator: ", ")))"))
    }

    private func complete(_ page: [JSONValue]) async throws -> [ForeignRun] {
        let ids = page.compactMap { text($0, "run_uuid") }
        let among = "IN (\(ids.map(quoted).joined(separator: ", ")))"
        let params = try await maps("params", by: "run_uuid", "key", "value", "run_uuid \(among)")
        let tags = try await maps("tags", by: "run_uuid", "key", "value", "run_uuid \(among)")
        let datasets = try await datasets(among)
        let links =
            tables.contains("inputs")
            ? try await rows(
                """
                SELECT * FROM inputs WHERE (source_type = 'RUN_OUTPUT' AND source_id \(among))
                OR (destination_type = 'MODEL_INPUT' AND source_id \(among)) ORDER BY destination_id
                """) : []
        return page.map { row in
            let id = text(row, "run_uuid") ?? ""
            let started = row["start_time"]?.intValue ?? 0
            var record = RunRecord(
                id: id, experiment: text(row, "experiment_id") ?? "0", name: text(row, "name") ?? "",
                user: text(row, "user_id") ?? "unknown",
                status: RunStatus(rawValue: text(row, "status") ?? "") ?? .running, started: started)
            record.ended = row["end_time"]?.intValue
            if text(row, "lifecycle_stage") == "deleted" {
                record.deleted = row["deleted_time"]?.intValue ?? record.ended ?? started
            }
            record.params = params[id] ?? [:]
            record.tags = tags[id] ?? [:]
            record.datasets = datasets[id] ?? []
            for link in links where text(link, "source_id") == id {
                guard let model = text(link, "destination_id") else { continue }
                if text(link, "source_type") == "RUN_OUTPUT" {
                    record.modelOutputs.append(ModelOutput(model: model, step: link["step"]?.intValue ?? 0))
                } else {
                    record.modelInputs.append(model)
                }
            }
            let uri = text(row, "artifact_uri") ?? ""
            if ArtifactPlace(owner: .run(id), uri: uri).stays { record.artifactLocation = uri }
            return ForeignRun(record: record, artifacts: uri)
        }
    }

    private func datasets(_ among: String) async throws -> [String: [DatasetInput]] {
        guard tables.contains("datasets"), tables.contains("inputs") else { return [:] }
        let used =
            "FROM inputs i WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id \(among)"
        let tags = try await rows(
            "SELECT t.input_uuid, t.name, t.value FROM input_tags t WHERE t.input_uuid IN (SELECT i.input_uuid \(used))"
        ).reduce(into: [String: [KeyValue]]()) { found, row in
            found[text(row, "input_uuid") ?? "", default: []].append(
                KeyValue(text(row, "name") ?? "", text(row, "value") ?? ""))
        }
        let rows = try await rows(
            """
            SELECT i.input_uuid, i.destination_id, d.name, d.digest, d.dataset_source_type, d.dataset_source,
                d.dataset_schema, d.dataset_profile
            FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
            WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id \(among)
            ORDER BY i.destination_id, d.name, d.digest
            """)
        return rows.reduce(into: [:]) { found, row in
            found[text(row, "destination_id") ?? "", default: []].append(
                DatasetInput(
                    name: text(row, "name") ?? "", digest: text(row, "digest") ?? "",
                    sourceType: text(row, "dataset_source_type") ?? "", source: text(row, "dataset_source") ?? "",
                    schema: text(row, "dataset_schema"), profile: text(row, "dataset_profile"),
                    tags: (tags[text(row, "input_uuid") ?? ""] ?? []).sorted { $0.key < $1.key }))
        }
    }

    func points(of runs: [String], _ body: (String, String, MetricPoint) async throws -> Void) async throws {
        guard !runs.isEmpty else { return }
        let query = """
            SELECT run_uuid, key, step, "timestamp", value, is_nan FROM metrics
            WHERE run_uuid IN (\(runs.map(quoted).joined(separator: ", ")))
            ORDER BY run_uuid, key, step, "timestamp", value
            """
        try await WorkFile.with { path in
            _ = try await ForeignDatabase.export(ForeignQuery(place, query: query), to: path)
            try await WorkFile.lines(of: path) { line in
                let row = try JSONValue(parsing: line)
                let isNaN = row["is_nan"]?.boolValue ?? (row["is_nan"]?.intValue == 1)
                try await body(
                    text(row, "run_uuid") ?? "", text(row, "key") ?? "",
                    MetricPoint(
                        step: row["step"]?.intValue ?? 0,
                        time: Timestamp(milliseconds: row["timestamp"]?.intValue ?? 0),
                        value: isNaN ? .nan : row["value"]?.doubleValue ?? .nan))
            }
        }
    }

    func loggedModels(of experiment: String) async throws -> [ForeignModel] {
        guard tables.contains("logged_models"), let key = Int64(experiment) else { return [] }
        let these = "experiment_id = \(key)"
        let params = try await maps("logged_model_params", by: "model_id", "param_key", "param_value", these)
        let tags = try await maps("logged_model_tags", by: "model_id", "tag_key", "tag_value", these)
        var metrics: [String: [LoggedModelRecord.Measured]] = [:]
        for row in try await rows(
            """
            SELECT * FROM logged_model_metrics WHERE \(these)
            ORDER BY model_id, metric_name, metric_timestamp_ms, metric_step, run_id
            """)
        {
            metrics[text(row, "model_id") ?? "", default: []].append(
                .init(
                    key: text(row, "metric_name") ?? "", run: text(row, "run_id") ?? "",
                    point: MetricPoint(
                        step: row["metric_step"]?.intValue ?? 0,
                        time: Timestamp(milliseconds: row["metric_timestamp_ms"]?.intValue ?? 0),
                        value: row["metric_value"]?.doubleValue ?? .nan),
                    datasetName: text(row, "dataset_name"), datasetDigest: text(row, "dataset_digest")))
        }
        // As MLflow's enum LoggedModelStatus numbers them.
        let statuses: [Int64: LoggedModelStatus] = [1: .pending, 2: .ready, 3: .failed]
        return try await rows("SELECT * FROM logged_models WHERE \(these) ORDER BY creation_timestamp_ms, model_id")
            .map { row in
                let id = text(row, "model_id") ?? ""
                var record = LoggedModelRecord(
                    id: id, experiment: experiment, name: text(row, "name") ?? id,
                    status: statuses[row["status"]?.intValue ?? 0] ?? .pending,
                    created: row["creation_timestamp_ms"]?.intValue ?? 0,
                    updated: row["last_updated_timestamp_ms"]?.intValue ?? 0)
                record.type = text(row, "model_type")
                record.sourceRun = text(row, "source_run_id")
                record.isDeleted = text(row, "lifecycle_stage") == "deleted"
                record.params = params[id] ?? [:]
                record.tags = tags[id] ?? [:]
                record.metrics = metrics[id] ?? []
                let uri = text(row, "artifact_location") ?? ""
                if ArtifactPlace(owner: .model(id), uri: uri).stays { record.artifactLocation = uri }
                return ForeignModel(record: record, artifacts: uri)
            }
    }

    func models() async throws -> [ModelRecord] {
        guard tables.contains("registered_models") else { return [] }
        let tags = try await maps("registered_model_tags", by: "name", "key", "value", "TRUE")
        let aliases = try await maps("registered_model_aliases", by: "name", "alias", "version", "TRUE")
        let versionTags =
            tables.contains("model_version_tags") ? try await rows("SELECT * FROM model_version_tags") : []
        let marks = versionTags.reduce(into: [String: [String: String]]()) { found, row in
            let version = "\(text(row, "name") ?? "")/\(text(row, "version") ?? "")"
            found[version, default: [:]][text(row, "key") ?? ""] = text(row, "value") ?? ""
        }
        var versions: [String: [VersionRecord]] = [:]
        // MLflow keeps the rows of deleted versions under a stage of their own.
        for row in try await rows(
            "SELECT * FROM model_versions WHERE current_stage <> 'Deleted_Internal' ORDER BY name, version")
        {
            let name = text(row, "name") ?? ""
            let number = Int(row["version"]?.intValue ?? 0)
            var record = VersionRecord(
                version: number, source: VersionSource.translated(text(row, "source") ?? ""),
                stage: text(row, "current_stage") ?? "None", description: text(row, "description") ?? "",
                created: row["creation_time"]?.intValue ?? 0, updated: row["last_updated_time"]?.intValue ?? 0)
            record.run = text(row, "run_id").flatMap { $0.isEmpty ? nil : $0 }
            record.runLink = text(row, "run_link")
            record.user = text(row, "user_id")
            record.tags = marks["\(name)/\(number)"] ?? [:]
            versions[name, default: []].append(record)
        }
        let lasts = try await rows("SELECT name, max(version) AS last FROM model_versions GROUP BY name").reduce(
            into: [String: Int]()
        ) { $0[text($1, "name") ?? ""] = Int($1["last"]?.intValue ?? 0) }
        return try await rows("SELECT * FROM registered_models ORDER BY name").map { row in
            let name = text(row, "name") ?? ""
            let created = row["creation_time"]?.intValue ?? 0
            var record = ModelRecord(
                name: name, description: text(row, "description") ?? "", created: created,
                updated: row["last_updated_time"]?.intValue ?? created)
            record.tags = tags[name] ?? [:]
            record.aliases = (aliases[name] ?? [:]).compactMapValues { Int($0) }
            record.versions = versions[name] ?? []
            record.lastVersion = lasts[name] ?? 0
            return record
        }
    }

    func files(at place: ArtifactPlace) async throws -> [ForeignFile] {
        guard let folder = LocalArtifacts.folder(place.uri, proxied: proxied) else {
            throw SlipwayError(
                .invalid,
                "has its artifacts at \(place.uri): name the folder behind it with --artifacts.")
        }
        return try LocalArtifacts.files(below: folder)
    }

    func fetch(_ file: ForeignFile, to path: String) async throws {}  // All of its files are on this machine.

    // MARK: Rows

    private func rows(_ query: String) async throws -> [JSONValue] { try await Self.rows(place, query) }

    private static func rows(_ place: ForeignQuery.Place, _ query: String) async throws -> [JSONValue] {
        try await WorkFile.with { path in
            _ = try await ForeignDatabase.export(ForeignQuery(place, query: query), to: path)
            var rows: [JSONValue] = []
            try await WorkFile.lines(of: path) { rows.append(try JSONValue(parsing: $0)) }
            return rows
        }
    }

    private func maps(_ table: String, by owner: String, _ key: String, _ value: String, _ condition: String)
        async throws -> [String: [String: String]]
    {
        guard tables.contains(table) else { return [:] }
        let rows = try await rows("SELECT \(owner), \(key), \(value) FROM \(table) WHERE \(condition)")
        return rows.reduce(into: [:]) { found, row in
            found[text(row, owner) ?? "", default: [:]][text(row, key) ?? ""] = text(row, value) ?? ""
        }
    }

    private func text(_ row: JSONValue, _ column: String) -> String? {
        row[column].flatMap { $0.isNull ? nil : $0.stringValue ?? $0.canonicalText }
    }

    private func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }
}
