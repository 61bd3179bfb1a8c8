import Client
import Core
import Registry
import Tracking
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A running MLflow server, through its REST API. Who may read there is said by MLFLOW_TRACKING_TOKEN, or by
/// MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, as for MLflow's own client.
struct MLflowServer: ForeignStore {
    let origin: String
    let findings = Findings()
    private let http = HTTPClient()
    private let headers: [(String, String)]

    private static let pageRuns = 100
    private static let pagePoints = 25_000

    init(url: String) {
        origin = url.hasSuffix("/") ? String(url.dropLast()) : url
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        if let token = variable("MLFLOW_TRACKING_TOKEN") {
            headers = [("Authorization", "Bearer \(token)")]
        } else if let user = variable("MLFLOW_TRACKING_USERNAME") {
            let pair = Array("\(user):\(variable("MLFLOW_TRACKING_PASSWORD") ?? "")".utf8)
            headers = [("Authorization", "Basic \(Base64.encode(pair))")]
        } else {
            headers = []
        }
    }

    func totals() async throws -> ForeignTotals { ForeignTotals() }

    func experiments() async throws -> [ExperimentRecord] {
        try await pages("POST", "experiments/search", ["view_type": "ALL", "max_results": 1000], "experiments").map {
            let id = $0["experiment_id"]?.stringValue ?? "0"
            let created = $0["creation_time"]?.intValue ?? 0
            var record = ExperimentRecord(
                id: id, name: $0["name"]?.stringValue ?? id, created: created,
                updated: $0["last_update_time"]?.intValue ?? created)
            record.isDeleted = $0["lifecycle_stage"]?.stringValue == "deleted"
            record.tags = Self.map($0["tags"])
            let place = ArtifactPlace(owner: .run(""), uri: $0["artifact_location"]?.stringValue ?? "")
            if place.stays { record.artifactLocation = place.uri }
            return record
        }
        .sorted { (Int64($0.id) ?? 0) < (Int64($1.id) ?? 0) }
    }

    func runs(of experiment: String, _ body: ([ForeignRun]) async throws -> Void) async throws {
        let search: [String: JSONValue] = [
            "experiment_ids": [.string(experiment)], "run_view_type": "ALL", "max_results": .int(Int64(Self.pageRuns)),
            "order_by": ["attributes.start_time ASC"],
        ]
        try await eachPage("POST", "runs/search", search) { answer in
            try await body((answer["runs"]?.arrayValue ?? []).map(Self.run))
        }
    }

    private static func run(_ value: JSONValue) -> ForeignRun {
        let info = value["info"] ?? .null
        let id = info["run_id"]?.stringValue ?? info["run_uuid"]?.stringValue ?? ""
        let started = info["start_time"]?.intValue ?? 0
        var record = RunRecord(
            id: id, experiment: info["experiment_id"]?.stringValue ?? "0",
            name: info["run_name"]?.stringValue ?? "", user: info["user_id"]?.stringValue ?? "unknown",
            status: RunStatus(rawValue: info["status"]?.stringValue ?? "") ?? .running, started: started)
        record.ended = info["end_time"]?.intValue.flatMap { $0 > 0 ? $0 : nil }
        // The API does not say when.
        if info["lifecycle_stage"]?.stringValue == "deleted" { record.deleted = record.ended ?? started }
        record.params = map(value["data"]?["params"])
        record.tags = map(value["data"]?["tags"])
        record.datasets = (value["inputs"]?["dataset_inputs"]?.arrayValue ?? []).map { input in
            let dataset = input["dataset"] ?? .null
            return DatasetInput(
                name: dataset["name"]?.stringValue ?? "", digest: dataset["digest"]?.stringValue ?? "",
                sourceType: dataset["source_type"]?.stringValue ?? "", source: dataset["source"]?.stringValue ?? "",
                schema: dataset["schema"]?.stringValue, profile: dataset["profile"]?.stringValue,
                tags: map(input["tags"]).sorted { $0.key < $1.key }.map { KeyValue($0.key, $0.value) })
        }
        record.modelInputs = (value["inputs"]?["model_inputs"]?.arrayValue ?? []).compactMap {
            $0["model_id"]?.stringValue
        }
        record.modelOutputs = (value["outputs"]?["model_outputs"]?.arrayValue ?? []).map {
            ModelOutput(model: $0["model_id"]?.stringValue ?? "", step: $0["step"]?.intValue ?? 0)
        }
        let uri = info["artifact_uri"]?.stringValue ?? ""
        if ArtifactPlace(owner: .run(id), uri: uri).stays { record.artifactLocation = uri }
        return ForeignRun(record: record, artifacts: uri)
    }

    func points(of runs: [String], _ body: (String, String, MetricPoint) async throws -> Void) async throws {
        for run in runs {
            let found = try await call("GET", "runs/get", ["run_id": .string(run)])
            let keys = (found["run"]?["data"]?["metrics"]?.arrayValue ?? []).compactMap { $0["key"]?.stringValue }
            for key in keys.sorted() {
                let history: [String: JSONValue] = [
                    "run_id": .string(run), "metric_key": .string(key), "max_results": .int(Int64(Self.pagePoints)),
                ]
                try await eachPage("GET", "metrics/get-history", history) { answer in
                    for point in answer["metrics"]?.arrayValue ?? [] {
                        try await body(run, key, Self.point(point))
                    }
                }
            }
        }
    }

    private static func point(_ value: JSONValue) -> MetricPoint {
        MetricPoint(
            step: value["step"]?.intValue ?? 0,
            time: Timestamp(milliseconds: value["timestamp"]?.intValue ?? 0),
            value: value["value"]?.doubleValue ?? 0)
    }

    func loggedModels(of experiment: String) async throws -> [ForeignModel] {
        let found: [JSONValue]
        do {
            found = try await pages(
                "POST", "logged-models/search", ["experiment_ids": [.string(experiment)], "max_results": 50], "models")
        } catch let error as SlipwayError where error.code == .notFound {
            return []  // MLflow 2 has none.
        }
        let statuses: [String: LoggedModelStatus] = [
            "LOGGED_MODEL_READY": .ready, "LOGGED_MODEL_UPLOAD_FAILED": .failed,
        ]
        return found.map { value in
            let info = value["info"] ?? .null
            let id = info["model_id"]?.stringValue ?? ""
            var record = LoggedModelRecord(
                id: id, experiment: experiment, name: info["name"]?.stringValue ?? id,
                status: statuses[info["status"]?.stringValue ?? ""] ?? .pending,
                created: info["creation_timestamp_ms"]?.intValue ?? 0,
                updated: info["last_updated_timestamp_ms"]?.intValue ?? 0)
            record.type = info["model_type"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
            record.sourceRun = info["source_run_id"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
            record.params = Self.map(value["data"]?["params"])
            record.tags = Self.map(info["tags"])
            record.metrics = (value["data"]?["metrics"]?.arrayValue ?? []).map {
                LoggedModelRecord.Measured(
                    key: $0["key"]?.stringValue ?? "", run: $0["run_id"]?.stringValue ?? "", point: Self.point($0),
                    datasetName: $0["dataset_name"]?.stringValue, datasetDigest: $0["dataset_digest"]?.stringValue)
            }
            let uri = info["artifact_uri"]?.stringValue ?? ""
            if ArtifactPlace(owner: .model(id), uri: uri).stays { record.artifactLocation = uri }
            return ForeignModel(record: record, artifacts: uri)
        }
    }

    func models() async throws -> [ModelRecord] {
        let versions = try await pages("GET", "model-versions/search", ["max_results": 1000], "model_versions")
        let byName = Dictionary(grouping: versions) { $0["name"]?.stringValue ?? "" }
        return try await pages("GET", "registered-models/search", ["max_results": 1000], "registered_models").map {
            let name = $0["name"]?.stringValue ?? ""
            let created = $0["creation_timestamp"]?.intValue ?? 0
            var record = ModelRecord(
                name: name, description: $0["description"]?.stringValue ?? "", created: created,
                updated: $0["last_updated_timestamp"]?.intValue ?? created)
            record.tags = Self.map($0["tags"])
            for alias in $0["aliases"]?.arrayValue ?? [] {
                guard let label = alias["alias"]?.stringValue, let number = alias["version"]?.intValue else { continue }
                record.aliases[label] = Int(number)
            }
            record.versions = (byName[name] ?? []).map(Self.version).sorted { $0.version < $1.version }
            return record
        }
    }

    private static func version(_ value: JSONValue) -> VersionRecord {
        let created = value["creation_timestamp"]?.intValue ?? 0
        var record = VersionRecord(
            version: Int(value["version"]?.intValue ?? 0),
            source: VersionSource.translated(value["source"]?.stringValue ?? ""),
            stage: value["current_stage"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 } ?? "None",
            description: value["description"]?.stringValue ?? "", created: created,
            updated: value["last_updated_timestamp"]?.intValue ?? created)
        record.run = value["run_id"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        record.runLink = value["run_link"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        record.user = value["user_id"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        record.tags = map(value["tags"])
        return record
    }

    // MARK: Files

    func files(at place: ArtifactPlace) async throws -> [ForeignFile] {
        var found: [ForeignFile] = []
        var waiting: [String?] = [nil]
        while let folder = waiting.popLast() {
            let (list, query): (String, [String: JSONValue]) =
                switch place.owner {
                case .run(let id): ("artifacts/list", ["run_id": .string(id), "path": JSONValue(folder)])
                case .model(let id):
                    ("logged-models/\(id)/artifacts/directories", ["artifact_directory_path": JSONValue(folder)])
                }
            try await eachPage("GET", list, query) { answer in
                for file in answer["files"]?.arrayValue ?? [] {
                    guard let path = file["path"]?.stringValue else { continue }
                    if file["is_dir"]?.boolValue == true {
                        waiting.append(path)
                    } else {
                        found.append(ForeignFile(path: path, local: "", remote: place.owner))
                    }
                }
            }
        }
        return found.sorted { $0.path < $1.path }
    }

    func fetch(_ file: ForeignFile, to path: String) async throws {
        let address =
            switch file.remote {
            case .run(let id): "\(origin)/get-artifact?run_uuid=\(percentEncode(id))&path=\(percentEncode(file.path))"
            case .model(let id):
                "\(origin)/ajax-api/2.0/mlflow/logged-models/\(percentEncode(id))/artifacts/files?artifact_file_path=\(percentEncode(file.path))"
            case nil: ""
            }
        var request = HTTPRequest(url: address, headers: headers)
        request.timeoutSeconds = 86_400
        try check(try await http.download(request, to: path), address)
    }

    // MARK: Calls

    private static func map(_ list: JSONValue?) -> [String: String] {
        (list?.arrayValue ?? []).reduce(into: [:]) {
            if let key = $1["key"]?.stringValue { $0[key] = $1["value"]?.stringValue ?? "" }
        }
    }

    private func pages(_ method: String, _ path: String, _ fields: [String: JSONValue], _ list: String) async throws
        -> [JSONValue]
    {
        var items: [JSONValue] = []
        try await eachPage(method, path, fields) { items += $0[list]?.arrayValue ?? [] }
        return items
    }

    private func eachPage(
        _ method: String, _ path: String, _ fields: [String: JSONValue], _ body: (JSONValue) async throws -> Void
    ) async throws {
        var token: String?
        repeat {
            var page = fields
            page["page_token"] = token.map { .string($0) }
            let answer = try await call(method, path, page)
            try await body(answer)
            token = (answer["next_page_token"]?.stringValue).flatMap { $0.isEmpty ? nil : $0 }
        } while token != nil
    }

    private func call(_ method: String, _ path: String, _ fields: [String: JSONValue]) async throws -> JSONValue {
        var address = "\(origin)/api/2.0/mlflow/\(path)"
        var request = HTTPRequest(method: method, url: address, headers: headers)
        if method == "GET" {
            let items = fields.filter { !$0.value.isNull }.sorted { $0.key < $1.key }.map {
                "\(percentEncode($0.key))=\(percentEncode($0.value.stringValue ?? $0.value.canonicalText))"
            }
            if !items.isEmpty { address += "?" + items.joined(separator: "&") }
            request.url = address
        } else {
            request.headers.append(("Content-Type", "application/json"))
            request.body = .bytes(JSONValue.object(fields).canonicalBytes)
        }
        request.timeoutSeconds = 600
        request.stallSeconds = 600
        request.maximumResponseBytes = 1 << 30
        let response = try await http.send(request)
        try check(response, path)
        return try JSONValue(parsing: response.body)
    }

    private func check(_ response: HTTPResponse, _ what: String) throws {
        guard !response.isSuccess else { return }
        let code = ErrorCode.allCases.first { $0.httpStatus == response.status } ?? .unavailable
        throw SlipwayError(
            code, "\(origin) answered \(response.status) to \(what.prefix(200)): \(response.text.prefix(300))")
    }
}
