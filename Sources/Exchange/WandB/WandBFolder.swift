import Core
import Registry
import Tracking

/// Folders of Weights & Biases as its offline mode leaves them: `wandb/offline-run-…/run-ID.wandb` with what was logged, and
/// `files` beside it. A run that was resumed has several. An experiment here is a project there.
struct WandBFolder: ForeignStore {
    let origin = "wandb"
    let findings = Findings()
    private let runs: [Source]

    /// Where a run's logs are, in their order.
    private struct Source {
        var info: WandBRecord.Run
        var folders: [(folder: String, log: String)]
        var id: String { LogRun.id("wandb", info.entity, info.project, info.id) }
        /// The slash tells it from an id of this server.
        var experiment: String { "/" + project }
        var project: String { info.project.isEmpty ? "uncategorized" : info.project }
    }

    init(path: String) async throws {
        let root = try LocalFolder.real(path)
        let places = [root] + LocalFolder.folders(in: root).map { root + "/" + $0 }
        let deeper = LocalFolder.folders(in: root + "/wandb").map { root + "/wandb/" + $0 }
        var found: [String: Source] = [:]
        for folder in places + deeper {
            for name in LocalFolder.entries(of: folder) ?? [] where name.hasSuffix(".wandb") {
                let log = folder + "/" + name
                guard LocalFolder.hasFile(log) else { continue }
                guard let info = try await Self.info(log, findings), !info.id.isEmpty else {
                    findings.add("\(log): says of no run")
                    continue
                }
                let key = [info.entity, info.project, info.id].joined(separator: "\u{0}")
                found[key, default: Source(info: info, folders: [])].folders.append((folder, log))
            }
        }
        guard !found.isEmpty else {
            throw SlipwayError(
                .invalid, "\(path) has no runs of Weights & Biases: no run-*.wandb in it or in a folder of it.",
                details: ["field": "source"])
        }
        runs = found.values.sorted { ($0.info.started, $0.info.id) < ($1.info.started, $1.info.id) }
    }

    private struct Found: Error { let run: WandBRecord.Run }

    /// The log's record of its run, which is among the first.
    private static func info(_ log: String, _ findings: Findings) async throws -> WandBRecord.Run? {
        do {
            try await WandBLog.records(log, findings) { bytes in
                if case .run(let run)? = try? WandBRecord(bytes) { throw Found(run: run) }
            }
        } catch let found as Found { return found.run } catch let error as SlipwayError where error.code == .invalid {
            findings.add(error.message)
        }
        return nil
    }

    func totals() async throws -> ForeignTotals { ForeignTotals(runs: Int64(runs.count)) }

    func experiments() async throws -> [ExperimentRecord] {
        Dictionary(grouping: runs, by: \.experiment).map { name, runs in
            let started = runs.map(\.info.started).min() ?? 0
            return ExperimentRecord(id: name, name: String(name.dropFirst()), created: started, updated: started)
        }
        .sorted { $0.name < $1.name }
    }

    func runs(of experiment: String, _ body: ([ForeignRun]) async throws -> Void) async throws {
        for source in runs where source.experiment == experiment {
            try await body([ForeignRun(record: try await record(source), artifacts: "")])
        }
    }

    private func record(_ source: Source) async throws -> RunRecord {
        let info = source.info
        var record = RunRecord(
            id: source.id, experiment: source.experiment, name: info.name.isEmpty ? info.id : info.name,
            user: info.entity.isEmpty ? "unknown" : info.entity, status: .running, started: info.started)
        var params: [String: JSONValue] = [:]
        var summary: [String: String] = [:]
        var last: [String: Double] = [:]
        var latest = info.started
        var exit: (code: Int64, seconds: Int64)?
        for place in source.folders {
            exit = nil
            try await each(place.log) { item in
                switch item {
                case .run(let run): for (path, value) in run.config { params[path.joined(separator: ".")] = value }
                case .config(let items, let removed):
                    for (path, value) in items { params[path.joined(separator: ".")] = value }
                    for key in removed { params[key] = nil }
                case .history(let items, _):
                    for (path, value) in items {
                        for (key, number) in Self.numbers(value, path.joined(separator: ".")) { last[key] = number }
                    }
                    latest = max(latest, Self.time(items) ?? 0)
                case .summary(let items):
                    for (path, value) in items where path.first?.hasPrefix("_") == false && value["_type"] == nil {
                        LogRun.flat(value, path.joined(separator: "."), into: &summary)
                    }
                case .stats(let time, _): latest = max(latest, time)
                case .exit(let code, let seconds): exit = (code, seconds)
                case .other: break
                }
            }
        }
        if let exit {
            record.status = exit.code == 0 ? .finished : .failed
            record.ended = max(latest, info.started + (0...1 << 40 ~= exit.seconds ? exit.seconds * 1000 : 0))
        } else if let log = source.folders.last?.log,
            Clock.system.now().milliseconds - ByteFile.changed(log) > LogRun.quietMilliseconds
        {
            (record.status, record.ended) = (.killed, latest)
        }
        for (path, value) in params where !path.hasPrefix("_") { LogRun.flat(value, path, into: &record.params) }
        // What the summary says beyond the last value of each metric: texts, and what the program set.
        for (key, value) in summary where Double(value).map({ $0 != last[key] && !$0.isNaN }) ?? true {
            record.tags[LogRun.key("wandb.summary." + key)] = value
        }
        for (key, value) in [
            ("wandb.runId", info.id), ("wandb.project", info.project), ("wandb.group", info.group),
            ("wandb.jobType", info.jobType), ("wandb.sweep", info.sweep), ("wandb.host", info.host),
            ("wandb.tags", info.tags.joined(separator: ", ")), ("mlflow.note.content", info.notes),
            ("mlflow.source.git.repoURL", info.remote), ("mlflow.source.git.commit", info.commit),
        ] where !value.isEmpty { record.tags[key] = value }
        return record
    }

    private func each(_ log: String, _ body: (WandBRecord) async throws -> Void) async throws {
        try await WandBLog.records(log, findings) { bytes in
            guard let record = try? WandBRecord(bytes) else {
                findings.add("\(log): has a record that is no message")
                return
            }
            try await body(record)
        }
    }

    /// `_timestamp` is in seconds.
    private static func time(_ items: [(path: [String], value: JSONValue)]) -> Int64? {
        items.first { $0.path == ["_timestamp"] }?.value.doubleValue.flatMap { Int64(exactly: ($0 * 1000).rounded()) }
    }

    func points(of ids: [String], _ body: (String, String, MetricPoint) async throws -> Void) async throws {
        for source in runs where ids.contains(source.id) {
            var buffer = PointBuffer()
            // W&B gives measures of the machine no step: they are counted.
            var counts: [String: Int64] = [:]
            let run = source.id
            for place in source.folders {
                try await each(place.log) { item in
                    switch item {
                    case .history(let items, let given):
                        let step = given ?? items.first { $0.path == ["_step"] }?.value.intValue ?? 0
                        let time = max(0, Self.time(items) ?? source.info.started)
                        for (path, value) in items where path.first?.hasPrefix("_") == false {
                            for (key, number) in Self.numbers(value, path.joined(separator: ".")) {
                                let point = MetricPoint(
                                    step: step, time: Timestamp(milliseconds: time), value: number)
                                try await buffer.add(key, point) { try await body(run, $0, $1) }
                            }
                        }
                    case .stats(let time, let items):
                        for (path, value) in items {
                            for (key, number) in Self.numbers(value, "system/" + path.joined(separator: ".")) {
                                let step = counts[key, default: 0]
                                counts[key] = step + 1
                                let point = MetricPoint(
                                    step: step, time: Timestamp(milliseconds: time), value: number)
                                try await buffer.add(key, point) { try await body(run, $0, $1) }
                            }
                        }
                    default: break
                    }
                }
            }
            try await buffer.flush { try await body(run, $0, $1) }
        }
    }

    /// The numbers in a value, by their path; pictures, tables and histograms (`_type`) are none.
    private static func numbers(_ value: JSONValue, _ path: String) -> [(String, Double)] {
        if let flag = value.boolValue { return [(LogRun.key(path), flag ? 1 : 0)] }
        if let fields = value.objectValue {
            guard fields["_type"] == nil else { return [] }
            return fields.sorted { $0.key < $1.key }.flatMap { numbers($0.value, path + "." + $0.key) }
        }
        switch value {
        case .int(let number): return [(LogRun.key(path), Double(number))]
        case .number(let number): return [(LogRun.key(path), number)]
        default: return []
        }
    }

    func loggedModels(of experiment: String) async throws -> [ForeignModel] { [] }
    func models() async throws -> [ModelRecord] { [] }

    /// What lies in `files`; of those that are links, as `wandb.save` makes them, the report says so.
    func files(at place: ArtifactPlace) async throws -> [ForeignFile] {
        var files: [String: ForeignFile] = [:]
        for source in runs where place.owner == .run(source.id) {
            for (folder, _) in source.folders {
                for file in try LocalArtifacts.files(
                    below: folder + "/files", onLink: { findings.add("\($0): is a link, left out") })
                {
                    files[file.path] = file
                }
            }
        }
        return files.values.sorted { $0.path < $1.path }
    }

    func fetch(_ file: ForeignFile, to path: String) async throws {}  // All of its files are on this machine.
}
