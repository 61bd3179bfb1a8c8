import CommandKit
import Core
import Registry
import Tracking

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// MLflow's file store, `./mlruns`: a folder for each experiment with one for each run, `meta.yaml` in each, and a file for
/// each parameter, tag and metric; what is deleted lies in `.trash` or says so; registered models are below `models`.
/// Everything is read inside the folder, wherever it was when MLflow wrote it.
struct MLflowFolder: ForeignStore {
    let origin: String
    let findings = Findings()
    private let root: String
    private let artifacts: String?
    /// The folder of each experiment with its id, and its runs.
    private let found: [(id: String, folder: String, runs: [String])]
    private let folders: [String: String]

    private static let pageRuns = 100
    /// A dataset's profile may have 16 MiB.
    private static let metaMaximumBytes = 32 << 20

    /// - Parameter artifacts: a folder beside this one where artifacts may lie, and the one behind `mlflow-artifacts:/`.
    init(path: String, artifacts: String?) throws {
        root = try LocalFolder.real(path)
        self.artifacts = try artifacts.map(LocalFolder.real)
        origin = "file://" + root
        var found: [(id: String, folder: String, runs: [String])] = []
        var folders: [String: String] = [:]
        for parent in [root, root + "/.trash"] {
            for name in LocalFolder.folders(in: parent) where name != ".trash" && name != "models" {
                let folder = parent + "/" + name
                guard let id = Self.meta(folder, findings)?.text("experiment_id") else { continue }
                var runs: [String] = []
                for run in LocalFolder.folders(in: folder) where LocalFolder.hasFile("\(folder)/\(run)/meta.yaml") {
                    guard run.utf8.count == 32, run.allSatisfy({ $0.isHexDigit && !$0.isUppercase }) else {
                        findings.add("\(folder)/\(run): is no run, its name is not 32 hex digits")
                        continue
                    }
                    runs.append(run)
                    folders[run] = "\(folder)/\(run)"
                }
                found.append((id, folder, runs))
            }
        }
        guard !found.isEmpty || LocalFolder.folders(in: root).contains("models") else {
            throw SlipwayError(
                .invalid, "\(path) has no experiments of MLflow: no folder in it has a meta.yaml.",
                details: ["field": "source"])
        }
        (self.found, self.folders) = (found, folders)
    }

    func totals() async throws -> ForeignTotals { ForeignTotals(runs: Int64(folders.count)) }

    // MARK: Experiments and runs

    func experiments() async throws -> [ExperimentRecord] {
        found.compactMap { place in
            guard let meta = meta(place.folder) else { return nil }
            let created = meta.int("creation_time") ?? 0
            var record = ExperimentRecord(
                id: place.id, name: meta.text("name") ?? place.id, created: created,
                updated: meta.int("last_update_time") ?? created)
            record.isDeleted = meta.text("lifecycle_stage") == "deleted"
            record.tags = texts(place.folder + "/tags")
            let uri = ArtifactPlace(owner: .run(""), uri: meta.text("artifact_location") ?? "")
            if uri.stays { record.artifactLocation = uri.uri }
            return record
        }
        .sorted { (Int64($0.id) ?? .max, $0.id) < (Int64($1.id) ?? .max, $1.id) }
    }

    func runs(of experiment: String, _ body: ([ForeignRun]) async throws -> Void) async throws {
        for place in found where place.id == experiment {
            for start in stride(from: 0, to: place.runs.count, by: Self.pageRuns) {
                let page = place.runs[start..<min(start + Self.pageRuns, place.runs.count)]
                try await body(page.compactMap { run($0, of: experiment, in: place.folder) })
            }
        }
    }

    // As MLflow's protobuf numbers them.
    private static let statuses: [String: RunStatus] = [
        "1": .running, "2": .scheduled, "3": .finished, "4": .failed, "5": .killed,
    ]

    private func run(_ id: String, of experiment: String, in parent: String) -> ForeignRun? {
        let folder = parent + "/" + id
        guard let meta = meta(folder) else { return nil }
        guard (meta.text("run_id") ?? meta.text("run_uuid")) == id else {
            findings.add("\(folder)/meta.yaml: is of another run")
            return nil
        }
        let started = meta.int("start_time") ?? 0
        let status = meta.text("status") ?? ""
        var record = RunRecord(
            id: id, experiment: experiment, name: meta.text("run_name") ?? meta.text("name") ?? "",
            user: meta.text("user_id") ?? "unknown",
            status: Self.statuses[status] ?? RunStatus(rawValue: status) ?? .running, started: started)
        record.ended = meta.int("end_time")
        if meta.text("lifecycle_stage") == "deleted" {
            record.deleted = meta.int("deleted_time") ?? record.ended ?? started
        }
        record.params = texts(folder + "/params")
        record.tags = texts(folder + "/tags")
        for name in LocalFolder.folders(in: folder + "/inputs") {
            guard let input = self.meta("\(folder)/inputs/\(name)"), let source = input.text("source_id") else {
                continue
            }
            if input.text("source_type") == "MODEL" {
                record.modelInputs.append(source)
            } else if let dataset = dataset(source, tags: input.map("tags"), in: parent) {
                record.datasets.append(dataset)
            }
        }
        for name in LocalFolder.folders(in: folder + "/outputs") {
            guard let output = self.meta("\(folder)/outputs/\(name)"), let model = output.text("destination_id") else {
                continue
            }
            record.modelOutputs.append(ModelOutput(model: model, step: output.int("step") ?? 0))
        }
        let uri = meta.text("artifact_uri") ?? ""
        if ArtifactPlace(owner: .run(id), uri: uri).stays { record.artifactLocation = uri }
        return ForeignRun(record: record, artifacts: uri)
    }

    private func dataset(_ id: String, tags: [String: String], in experiment: String) -> DatasetInput? {
        // An id is a folder's name here, nothing else.
        guard id.allSatisfy(\.isHexDigit), let meta = meta("\(experiment)/datasets/\(id)") else { return nil }
        return DatasetInput(
            name: meta.text("name") ?? "", digest: meta.text("digest") ?? "",
            sourceType: meta.text("source_type") ?? "", source: meta.text("source") ?? "",
            schema: meta.text("schema"), profile: meta.text("profile"),
            tags: tags.sorted { $0.key < $1.key }.map { KeyValue($0.key, $0.value) })
    }

    func points(of runs: [String], _ body: (String, String, MetricPoint) async throws -> Void) async throws {
        for run in runs {
            guard let folder = folders[run] else { continue }
            for file in try LocalArtifacts.files(below: folder + "/metrics") {
                try await MetricFile.points(file.local, findings) { try await body(run, file.path, $0) }
            }
        }
    }

    // MARK: Models

    func loggedModels(of experiment: String) async throws -> [ForeignModel] {
        // As MLflow's enum LoggedModelStatus numbers them.
        let statuses: [String: LoggedModelStatus] = ["1": .pending, "2": .ready, "3": .failed]
        var models: [ForeignModel] = []
        for place in found where place.id == experiment {
            for name in LocalFolder.folders(in: place.folder + "/models") {
                let folder = "\(place.folder)/models/\(name)"
                guard let meta = meta(folder), meta.text("model_id") == name else { continue }
                let created = meta.int("creation_timestamp") ?? 0
                var record = LoggedModelRecord(
                    id: name, experiment: experiment, name: meta.text("name") ?? name,
                    status: statuses[meta.text("status") ?? ""] ?? .pending, created: created,
                    updated: meta.int("last_updated_timestamp") ?? created)
                record.type = meta.text("model_type")
                record.sourceRun = meta.text("source_run_id")
                record.isDeleted = meta.text("lifecycle_stage") == "deleted"
                record.params = texts(folder + "/params")
                record.tags = texts(folder + "/tags")
                for file in try LocalArtifacts.files(below: folder + "/metrics") {
                    try await MetricFile.lines(file.local, findings) { point, rest in
                        guard let run = rest.first else { return }
                        let dataset = rest.dropFirst()
                        record.metrics.append(
                            .init(
                                key: file.path, run: run, point: point, datasetName: dataset.first,
                                datasetDigest: dataset.dropFirst().first))
                    }
                }
                let uri = meta.text("artifact_location") ?? ""
                if ArtifactPlace(owner: .model(name), uri: uri).stays { record.artifactLocation = uri }
                models.append(ForeignModel(record: record, artifacts: uri))
            }
        }
        return models
    }

    func models() async throws -> [ModelRecord] {
        LocalFolder.folders(in: root + "/models").compactMap { name in
            let folder = "\(root)/models/\(name)"
            guard let meta = meta(folder) else { return nil }
            let created = meta.int("creation_timestamp") ?? 0
            var record = ModelRecord(
                name: meta.text("name") ?? name, description: meta.text("description") ?? "", created: created,
                updated: meta.int("last_updated_timestamp") ?? created)
            record.tags = texts(folder + "/tags")
            record.aliases = texts(folder + "/aliases").compactMapValues { Int($0) }
            for version in LocalFolder.folders(in: folder) where version.hasPrefix("version-") {
                guard let meta = self.meta("\(folder)/\(version)"), let number = meta.int("version") else { continue }
                record.lastVersion = max(record.lastVersion, Int(number))
                // MLflow keeps what is left of deleted versions under a stage of their own.
                guard meta.text("current_stage") != "Deleted_Internal" else { continue }
                record.versions.append(self.version(Int(number), meta, tags: texts("\(folder)/\(version)/tags")))
            }
            record.versions.sort { $0.version < $1.version }
            return record
        }
    }

    private func version(_ number: Int, _ meta: Meta, tags: [String: String]) -> VersionRecord {
        let created = meta.int("creation_timestamp") ?? 0
        var record = VersionRecord(
            version: number, source: VersionSource.translated(meta.text("source") ?? ""),
            stage: meta.text("current_stage") ?? "None", description: meta.text("description") ?? "",
            created: created, updated: meta.int("last_updated_timestamp") ?? created)
        record.run = meta.text("run_id").flatMap { $0.isEmpty ? nil : $0 }
        record.runLink = meta.text("run_link")
        record.user = meta.text("user_id")
        record.tags = tags
        return record
    }

    // MARK: Files

    /// Files are read below this folder and below `--artifacts` only: the folder may come from anybody, and a URI in it may
    /// name anything on this machine.
    func files(at place: ArtifactPlace) async throws -> [ForeignFile] {
        // By experiment and run, as MLflow lays it out, wherever the folder was then.
        let tail: String =
            switch place.owner {
            case .run(let id): "/\(id)/artifacts"
            case .model(let id): "/models/\(id)/artifacts"
            }
        let home = found.first { LocalFolder.exists($0.folder + tail) }
        let isOwn = home.map { place.uri.isEmpty || place.uri.hasSuffix("/\($0.id)\(tail)") } ?? false
        let isProxied = place.uri.hasPrefix("mlflow-artifacts:")
        let named = LocalArtifacts.folder(place.uri, proxied: artifacts)
        let folder = !isProxied && isOwn ? home.map { $0.folder + tail } ?? "" : named ?? ""
        guard let real = try? LocalFolder.real(folder) else {
            // A run that logged none may have no folder.
            if named != nil { return [] }
            throw SlipwayError(
                .invalid, "has its artifacts at \(place.uri): name the folder behind it with --artifacts.")
        }
        guard [root, artifacts].contains(where: { $0.map { real.hasPrefix($0 + "/") } ?? false }) else {
            throw SlipwayError(
                .invalid, "has its artifacts at \(place.uri), outside of \(root): name their folder with --artifacts.")
        }
        return try LocalArtifacts.files(below: real)
    }

    func fetch(_ file: ForeignFile, to path: String) async throws {}  // All of its files are on this machine.

    // MARK: Small files

    /// The fields of a `meta.yaml`, which are texts.
    private struct Meta {
        let fields: JSONValue
        func text(_ name: String) -> String? { fields[name]?.stringValue }
        func int(_ name: String) -> Int64? { text(name).flatMap { Int64($0) } }
        func map(_ name: String) -> [String: String] {
            (fields[name]?.objectValue ?? [:]).compactMapValues(\.stringValue)
        }
    }

    private func meta(_ folder: String) -> Meta? { Self.meta(folder, findings) }

    private static func meta(_ folder: String, _ findings: Findings) -> Meta? {
        let path = folder + "/meta.yaml"
        do {
            return Meta(
                fields: try YAMLDocument.parseTexts(
                    try TextFile.read(path, maximumBytes: metaMaximumBytes), maximumBytes: metaMaximumBytes))
        } catch {
            // What is being made has none for a moment.
            if LocalFolder.exists(path) { findings.add("\(path): \((error as? SlipwayError)?.message ?? "\(error)")") }
            return nil
        }
    }

    /// The files below a folder, by path.
    private func texts(_ folder: String) -> [String: String] {
        var texts: [String: String] = [:]
        for file in (try? LocalArtifacts.files(below: folder)) ?? [] {
            do { texts[file.path] = try TextFile.read(file.local) } catch {
                findings.add("\(file.local): \((error as? SlipwayError)?.message ?? "\(error)")")
            }
        }
        return texts
    }
}
