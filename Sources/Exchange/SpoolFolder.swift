import Core
import Registry
import Tracking

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Runs that a program logged without a server, as `slipway.offline()` of the Python client writes them; the format is in
/// docs/spool.md. The spool may grow while it is read.
struct SpoolFolder: ForeignStore {
    /// The newest format that is understood.
    static let format: Int64 = 1
    static let log = "log.jsonl"

    let origin = "spool"
    let findings = Findings()
    private let folder: String

    /// - Throws: `notFound` when there is no such folder.
    init(_ folder: String) throws {
        var status = stat()
        guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw SlipwayError(
                .notFound, "There is no spool '\(folder)'. slipway.offline(folder) of the Python client makes one.")
        }
        self.folder = folder
    }

    func totals() async throws -> ForeignTotals { ForeignTotals(runs: Int64(try ids().count), points: nil) }

    func experiments() async throws -> [ExperimentRecord] {
        var first: [String: Int64] = [:]
        for id in try ids() {
            guard let run = try await read(id, .record).run else { continue }
            first[run.experiment] = min(run.started, first[run.experiment] ?? .max)
        }
        return first.sorted { $0.key < $1.key }.map {
            ExperimentRecord(id: $0.key, name: $0.key, created: $0.value, updated: $0.value)
        }
    }

    func runs(of experiment: String, _ body: ([ForeignRun]) async throws -> Void) async throws {
        var page: [ForeignRun] = []
        for id in try ids() {
            guard let run = try await read(id, .record).run, run.experiment == experiment else { continue }
            page.append(ForeignRun(record: run, artifacts: artifacts(of: id)))
            if page.count == Self.pageRuns {
                try await body(page)
                page = []
            }
        }
        if !page.isEmpty { try await body(page) }
    }

    func points(of runs: [String], _ body: (_ run: String, _ key: String, MetricPoint) async throws -> Void)
        async throws
    {
        for id in runs {
            let points = try await read(id, .points).points
            for (key, logged) in points.sorted(by: { $0.key < $1.key }) {
                let ordered = Set(logged).sorted {
                    ($0.step, $0.time.milliseconds, $0.value) < ($1.step, $1.time.milliseconds, $1.value)
                }
                var hasNaN: Set<[Int64]> = []
                // NaN equals nothing, so a set keeps each.
                for point in ordered
                where !point.value.isNaN || hasNaN.insert([point.step, point.time.milliseconds]).inserted {
                    try await body(id, key, point)
                }
            }
        }
    }

    func files(at place: ArtifactPlace) async throws -> [ForeignFile] {
        guard case .run(let id) = place.owner else { return [] }
        return try await read(id, .record).artifacts.sorted { $0.key < $1.key }.map { path, digests in
            ForeignFile(path: path, local: artifacts(of: id) + "/" + path, earlier: Set(digests))
        }
    }

    func loggedModels(of experiment: String) async throws -> [ForeignModel] { [] }
    func models() async throws -> [ModelRecord] { [] }

    func fetch(_ file: ForeignFile, to path: String) async throws {
        throw SlipwayError(.internal, "All files of a spool are on this machine.")
    }

    /// Deletes those of the runs that have ended.
    ///
    /// - Returns: how many.
    func remove(_ runs: [String]) async throws -> Int {
        var count = 0
        for id in runs where try await read(id, .record).run?.status.isEnd ?? false {
            let top = folder + "/" + id
            for file in try LocalArtifacts.files(below: top) { unlink(file.local) }
            try removeFolders(top)
            count += 1
        }
        return count
    }

    // MARK: Parts

    private static let pageRuns = 100

    private func artifacts(of id: String) -> String { "\(folder)/\(id)/artifacts" }

    private func removeFolders(_ path: String) throws {
        guard let handle = opendir(path) else { return }
        var below: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { below.append(path + "/" + name) }
        }
        closedir(handle)
        for path in below { try removeFolders(path) }
        rmdir(path)
    }

    private func ids() throws -> [String] {
        guard let handle = opendir(folder) else {
            throw SlipwayError(.unavailable, "\(folder) cannot be read: \(String(cString: strerror(errno))).")
        }
        defer { closedir(handle) }
        var ids: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            let isID =
                name.utf8.count == 32 && name.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
            if isID, access("\(folder)/\(name)/\(Self.log)", R_OK) == 0 { ids.append(name) }
        }
        return ids.sorted()
    }

    private enum Part { case record, points }

    private func read(_ id: String, _ part: Part) async throws -> SpooledRun {
        var run = SpooledRun(id: id)
        try await WorkFile.lines(of: "\(folder)/\(id)/\(Self.log)") { line in
            // A crash may have cut a line off: it was never acknowledged.
            guard let value = try? JSONValue(parsing: line), let fields = value.objectValue else { return }
            switch part {
            case .record: try run.takeRecord(fields)
            case .points: if let points = fields["metrics"] { try run.takePoints(points) }
            }
        }
        return run
    }
}

/// The lines of a run's log, put together.
private struct SpooledRun {
    let id: String
    /// nil until the first line.
    var run: RunRecord?
    /// By metric, as they were logged.
    var points: [String: [MetricPoint]] = [:]
    /// SHA-256 of all contents that a path has had.
    var artifacts: [String: [String]] = [:]

    init(id: String) { self.id = id }

    mutating func takeRecord(_ fields: [String: JSONValue]) throws {
        if let line = fields["run"] {
            try begin(JSONFields(line))
        } else if let params = fields["params"]?.objectValue {
            for (key, value) in params where run?.params[key] == nil { run?.params[key] = value.stringValue }
        } else if let tags = fields["tags"]?.objectValue {
            for (key, value) in tags {
                if let earlier = run?.tags[key] { run?.earlierTags[key, default: []].append(earlier) }
                run?.tags[key] = value.stringValue
            }
        } else if let file = fields["artifact"] {
            let file = try JSONFields(file)
            let path = try RelativePath(parsing: file.string("path")).description
            artifacts[path, default: []].append(try file.string("sha256"))
        } else if let end = fields["end"] {
            let end = try JSONFields(end)
            run?.status = RunStatus(rawValue: try end.string("status")) ?? .finished
            run?.ended = Int64(try end.int("ended"))
        }
    }

    private mutating func begin(_ fields: JSONFields) throws {
        let format = Int64(try fields.int("format"))
        guard format <= SpoolFolder.format else {
            throw SlipwayError(
                .unsupported, "The run \(id) was written by a newer slipway (format \(format)); upgrade this one.")
        }
        if run != nil {
            // It goes on.
            run?.status = .running
            run?.ended = nil
            return
        }
        run = RunRecord(
            id: id, experiment: try fields.string("experiment"), name: try fields.string("name"),
            user: try fields.string("user"), status: .running, started: Int64(try fields.int("started")))
    }

    mutating func takePoints(_ value: JSONValue) throws {
        for item in value.arrayValue ?? [] {
            guard let parts = item.arrayValue, parts.count == 4, let key = parts[0].stringValue,
                let step = parts[1].intValue, let time = parts[2].intValue, var number = parts[3].doubleValue
            else {
                throw SlipwayError(.invalid, "The run \(id) has something that is not a point: \(item.canonicalText)")
            }
            // As MLflow stores it.
            if number.isInfinite { number = number > 0 ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude }
            points[key, default: []].append(
                MetricPoint(step: step, time: Timestamp(milliseconds: time), value: number))
        }
    }
}
