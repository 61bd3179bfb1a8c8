import Core
import Registry
import Tracking

/// A folder of TensorBoard: every folder below it with `events.out.tfevents.…` files is a run.
struct TensorBoardFolder: ForeignStore {
    let origin = "tensorboard"
    let findings = Findings()
    private let experiment: String
    private let runs: [Source]

    private struct Source {
        let id: String
        /// From the folder on; `.` is the folder itself.
        let name: String
        let files: [String]
    }

    /// - Parameter experiment: what its runs belong to here; the folder's name by default.
    init(path: String, experiment: String?) throws {
        let root = try LocalFolder.real(path)
        let experiment = experiment ?? root.split(separator: "/").last.map(String.init) ?? "tensorboard"
        let files = try LocalArtifacts.files(below: root).filter {
            $0.path.split(separator: "/").last?.contains("tfevents") == true
        }
        let folders = Dictionary(grouping: files) {
            $0.path.split(separator: "/").dropLast().joined(separator: "/")
        }
        runs = folders.sorted { $0.key < $1.key }.map { folder, files in
            let paths = files.map(\.path).sorted()
            // A file's name has its time, host and process, so runs of other folders with the same names are others.
            let first = paths[0].split(separator: "/").last.map(String.init) ?? ""
            return Source(
                id: LogRun.id("tensorboard", folder, first), name: folder.isEmpty ? "." : folder,
                files: files.map(\.local).sorted())
        }
        guard !runs.isEmpty else {
            throw SlipwayError(
                .invalid, "\(path) has no event files of TensorBoard: no events.out.tfevents.* in it or below it.",
                details: ["field": "source"])
        }
        self.experiment = experiment
    }

    func totals() async throws -> ForeignTotals { ForeignTotals(runs: Int64(runs.count)) }

    func experiments() async throws -> [ExperimentRecord] {
        let made = runs.flatMap(\.files).map(ByteFile.changed).min() ?? 0
        // The slash tells it from an id of this server.
        return [ExperimentRecord(id: "/" + experiment, name: experiment, created: made, updated: made)]
    }

    func runs(of experiment: String, _ body: ([ForeignRun]) async throws -> Void) async throws {
        for source in runs {
            try await body([ForeignRun(record: try await record(source), artifacts: "")])
        }
    }

    /// Reads the files of a run once for what it is.
    private func record(_ source: Source) async throws -> RunRecord {
        var record = RunRecord(
            id: source.id, experiment: experiment, name: source.name, user: "unknown", status: .running, started: 0)
        var (first, last): (Int64?, Int64) = (nil, 0)
        var status: RunStatus?
        var plugins: [String: String] = [:]
        var left: [String: Int] = [:]
        try await each(source) { event in
            if event.time > 0 { first = min(first ?? event.time, event.time) }
            last = max(last, event.time)
            if event.hasGraph { left["graphs", default: 0] += 1 }
            for value in event.values {
                if !value.plugin.isEmpty { plugins[value.tag] = value.plugin }
                let plugin = plugins[value.tag] ?? ""
                if plugin == "hparams" {
                    status = try HParams.take(value.content, into: &record) ?? status
                    continue
                }
                switch (value.kind, plugin) {
                case (.texts(let texts), "text"):
                    record.tags[LogRun.key("text/" + Self.name(value.tag, "text"))] = texts.joined(separator: "\n")
                case (.scalar, "scalars"), (.scalar, ""), (.none, _): break
                case (.image, _), (_, "images"): left["images", default: 0] += 1
                case (.histogram, _), (_, "histograms"): left["histograms", default: 0] += 1
                case (.audio, _), (_, "audio"): left["sounds", default: 0] += 1
                default: left["tensors", default: 0] += 1
                }
            }
        }
        for (what, count) in left.sorted(by: { $0.key < $1.key }) {
            findings.add("run \(source.name): \(count) \(what) are left out")
        }
        record.started = first ?? 0
        let isQuiet = source.files.allSatisfy {
            Clock.system.now().milliseconds - ByteFile.changed($0) > LogRun.quietMilliseconds
        }
        // Event files do not say that they are at their end.
        if let status { record.status = status } else if isQuiet { record.status = .finished }
        if record.status.isEnd { record.ended = last }
        return record
    }

    private func each(_ source: Source, _ body: (TensorBoardEvent) async throws -> Void) async throws {
        for file in source.files {
            try await EventFile.records(file, findings) { bytes in
                guard let event = try? TensorBoardEvent(bytes) else {
                    findings.add("\(file): has a record that is no message")
                    return
                }
                try await body(event)
            }
        }
    }

    /// Some writers add the plugin's name to a tag.
    private static func name(_ tag: String, _ plugin: String) -> String {
        let ending = "/\(plugin)_summary"
        return tag.hasSuffix(ending) ? String(tag.dropLast(ending.count)) : tag
    }

    func points(of ids: [String], _ body: (String, String, MetricPoint) async throws -> Void) async throws {
        for source in runs where ids.contains(source.id) {
            var buffer = PointBuffer()
            var plugins: [String: String] = [:]
            try await each(source) { event in
                for value in event.values {
                    if !value.plugin.isEmpty { plugins[value.tag] = value.plugin }
                    guard case .scalar(let number) = value.kind, ["", "scalars"].contains(plugins[value.tag] ?? "")
                    else {
                        continue
                    }
                    let point = MetricPoint(
                        step: event.step, time: Timestamp(milliseconds: event.time), value: number)
                    try await buffer.add(LogRun.key(Self.name(value.tag, "scalar")), point) {
                        try await body(source.id, $0, $1)
                    }
                }
            }
            try await buffer.flush { try await body(source.id, $0, $1) }
        }
    }

    func loggedModels(of experiment: String) async throws -> [ForeignModel] { [] }
    func models() async throws -> [ModelRecord] { [] }
    func files(at place: ArtifactPlace) async throws -> [ForeignFile] { [] }
    func fetch(_ file: ForeignFile, to path: String) async throws {}  // There are none.
}

/// Hyperparameters, as the plugin `hparams` keeps them (`tensorboard/plugins/hparams/plugin_data.proto`).
enum HParams {
    /// - Returns: what the session's end says.
    static func take(_ content: ArraySlice<UInt8>, into record: inout RunRecord) throws -> RunStatus? {
        var params: [String: String] = [:]
        var status: RunStatus?
        try ProtoFields.each(content) { number, value in
            guard let body = value.bytes else { return }
            try ProtoFields.each(body) { field, value in
                switch (number, field) {
                case (3, 1):
                    guard let entry = value.bytes else { return }
                    let (name, text) = try entryOfMap(entry)
                    if let text { params[LogRun.key(name)] = text }
                case (4, 1): status = value.int == 1 ? .finished : value.int == 2 ? .failed : nil
                default: break
                }
            }
        }
        record.params.merge(params) { $1 }
        return status
    }

    /// A name and a google.protobuf.Value.
    private static func entryOfMap(_ entry: ArraySlice<UInt8>) throws -> (String, String?) {
        var name = ""
        var text: String?
        try ProtoFields.each(entry) { number, value in
            if number == 1 { name = value.text ?? "" }
            guard number == 2, let body = value.bytes else { return }
            try ProtoFields.each(body) { number, value in
                switch number {
                case 2: text = value.double.map { JSONValue.number($0).canonicalText }
                case 3: text = value.text
                case 4: text = value.int == 0 ? "False" : "True"
                default: break
                }
            }
        }
        return (name, text)
    }
}
