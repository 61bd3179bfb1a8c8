import Client
import Core
import Objects
import Registry
import Synchronization
import Tracking

/// Writes what a server has into a folder that MLflow opens. What is there already is compared by digests and passed over,
/// so an export that was cut off goes on, and what was written is read back and compared.
final class Exporter {
    private let client: APIClient
    private let target: MLflowFile
    private let project: String?
    private let experiment: String?
    private let withArtifacts: Bool
    private(set) var report = ExportReport()
    private var progress = ExchangeProgress(totals: ForeignTotals())
    private var origin: String { "sqlite:///" + target.database }

    private static let pageRuns = 100

    /// - Parameters:
    ///   - project: nil for all that may be read.
    ///   - experiment: an id or a name; nil for all.
    init(client: APIClient, target: MLflowFile, project: String?, experiment: String?, artifacts: Bool) {
        (self.client, self.target, self.project) = (client, target, project)
        (self.experiment, withArtifacts) = (experiment, artifacts)
    }

    func run() async throws {
        let experiments = try await wanted()
        var runs: Int64 = 0
        for record in experiments {
            try target.put(record)
            let first = try await client.get("/api/v1/export/runs", query: [("experiment", record.id), ("limit", "1")])
            runs += first["total"]?.intValue ?? 0
        }
        report.experiments = Int64(experiments.count)
        progress = ExchangeProgress(totals: ForeignTotals(runs: runs))
        for record in experiments {
            try await eachPage("runs", [("experiment", record.id), ("limit", String(Self.pageRuns))]) { items in
                try await self.carry(items.map(RunRecord.init))
            }
        }
        // Their metrics name runs, of any experiment.
        for record in experiments {
            try await eachPage("logged-models", [("experiment", record.id)]) { items in
                for model in try items.map(LoggedModelRecord.init) { try await self.carry(model) }
            }
        }
        if experiment == nil {
            try await eachPage("models", [("project", project)]) { items in
                for model in try items.map(ModelRecord.init) { try await self.carry(model) }
            }
        }
        progress.end()
    }

    private func wanted() async throws -> [ExperimentRecord] {
        var all: [ExperimentRecord] = []
        try await eachPage("experiments", [("project", project)]) { all += try $0.map(ExperimentRecord.init) }
        guard let experiment else { return all }
        let found = all.filter { $0.id == experiment || $0.name == experiment }
        guard !found.isEmpty else {
            throw SlipwayError(
                .notFound, "There is no experiment '\(experiment)'\(project.map { " in the project \($0)" } ?? "").")
        }
        return found
    }

    private func eachPage(
        _ what: String, _ query: [(String, String?)], _ body: ([JSONValue]) async throws -> Void
    ) async throws {
        var after: String?
        repeat {
            let page = try await client.get("/api/v1/export/\(what)", query: query + [("after", after)])
            try await body(page["items"]?.arrayValue ?? [])
            after = page["next"]?.stringValue
        } while after != nil
    }

    // MARK: Runs

    /// What the target should have of a run.
    private struct Sums {
        /// Of the points as the server has them.
        var sent = PointSum()
        /// Of the points as MLflow keeps them.
        var stored = PointSum()
    }

    private func carry(_ records: [RunRecord]) async throws {
        guard !records.isEmpty else { return }
        let ids = records.map(\.id)
        let here = try await client.post("/api/v1/import/summaries", ["runs": JSONValue(ids)])
        let summaries = (here["items"]?.arrayValue ?? []).reduce(into: [String: JSONValue]()) {
            $0[$1["id"]?.stringValue ?? ""] = $1
        }
        var found = try await written(ids)
        var sums: [String: Sums] = [:]
        for record in records {
            report.runs += 1
            let points = summaries[record.id]?["points"]?.intValue ?? 0
            report.points += points
            // MLflow keeps no infinity, so a run that has one is always written again.
            if let there = found[record.id], there.record == record.digest, Self.agrees(summaries[record.id], there.sum)
            {
                report.present += 1
                continue
            }
            try target.put(record)
            sums[record.id] = try points == 0 ? Sums() : await copyPoints(of: record.id)
        }
        found = try await written(Array(sums.keys))
        for record in records {
            guard let sums = sums[record.id] else { continue }
            let there = found[record.id]
            if there?.record == record.digest, there?.sum == sums.stored, Self.agrees(summaries[record.id], sums.sent) {
                report.written += 1
            } else {
                // It went on here meanwhile, or something is wrong with the folder's disk.
                report.problems.append("run \(record.id): is not the same there; export again")
            }
        }
        if withArtifacts {
            for record in records { try await carryFiles(of: .run(record.id), at: record.artifactLocation) }
        }
        progress.advance(runs: Int64(records.count), points: report.points)
    }

    private static func agrees(_ summary: JSONValue?, _ sum: PointSum) -> Bool {
        summary?["points"]?.intValue == sum.count && summary?["pointsDigest"]?.stringValue == sum.text
    }

    private func copyPoints(of run: String) async throws -> Sums {
        let state = Mutex((sums: Sums(), failure: (any Error)?.none))
        try await client.lines("/api/v1/export/points", query: [("run", run)]) { [target] line in
            state.withLock { state in
                do {
                    let record = try PointsRecord(JSONValue(parsing: Array(line.utf8)))
                    try target.add(record)
                    for point in record.points {
                        state.sums.sent.add(record.key, point)
                        state.sums.stored.add(record.key, MLflowFile.stored(point))
                    }
                    return true
                } catch {
                    state.failure = error
                    return false
                }
            }
        }
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.sums
        }
    }

    /// What the target has of these runs, read as an import would.
    private func written(_ ids: [String]) async throws -> [String: (record: Digest, sum: PointSum)] {
        guard !ids.isEmpty else { return [:] }
        let reader = try await MLflowDatabase(uri: origin, artifacts: nil)
        var found: [String: (record: Digest, sum: PointSum)] = [:]
        for run in try await reader.runs(ids) { found[run.record.id] = (run.record.digest, PointSum()) }
        try await reader.points(of: Array(found.keys)) { run, key, point in found[run]?.sum.add(key, point) }
        return found
    }

    // MARK: Models

    private func carry(_ record: LoggedModelRecord) async throws {
        try target.put(record)
        report.loggedModels += 1
        if withArtifacts { try await carryFiles(of: .model(record.id), at: record.artifactLocation) }
    }

    private func carry(_ record: ModelRecord) async throws {
        var record = record
        var storage: [Int: String] = [:]
        for (index, version) in record.versions.enumerated() {
            if let location = try location(of: version.source) {
                storage[version.version] = location
            } else if !version.source.contains(":/") || version.source.hasPrefix("pipeline-runs:") {
                // MLflow cannot follow such a source: the version takes its files along, if it has any.
                let place = "\(MLflowFile.scheme)models/\(record.name)/\(version.version)"
                if withArtifacts, try await carryFiles(of: record.name, version.version, to: place) {
                    record.versions[index].source = place
                }
            }
        }
        try target.put(record, storage: storage)
        report.models += 1
        report.versions += Int64(record.versions.count)
    }

    /// Where the files of a source of a run or logged model are; nil for other places.
    private func location(of source: String) throws -> String? {
        if source.hasPrefix("runs:/") {
            let parts = source.dropFirst("runs:/".count).split(separator: "/", maxSplits: 1)
            guard let run = parts.first, let root = try target.location(.run(String(run))) else { return nil }
            return parts.count > 1 ? "\(root)/\(parts[1])" : root
        }
        guard source.hasPrefix("models:/m-") else { return nil }
        return try target.location(.model(String(source.dropFirst("models:/".count))))
    }

    // MARK: Files

    private func carryFiles(of owner: ArtifactOwner, at location: String?) async throws {
        guard let location, let folder = try target.folder(of: location) else { return }
        let answer = try await client.get("/api/v1/import/files", query: [("of", owner.ref.description)])
        let prefix =
            switch owner {
            case .run(let id): "/api/v1/runs/\(percentEncode(id))/artifacts/"
            case .model(let id): "/api/v1/logged-models/\(percentEncode(id))/artifacts/"
            }
        for file in answer["items"]?.arrayValue ?? [] { try await carry(file, from: prefix, to: folder) }
    }

    private func carryFiles(of model: String, _ version: Int, to place: String) async throws -> Bool {
        let path = "/api/v1/models/\(percentEncode(model))/versions/\(version)"
        let files = try await client.get(path)["files"]?.arrayValue ?? []
        guard !files.isEmpty, let folder = try target.folder(of: place) else { return false }
        for file in files { try await carry(file, from: path + "/files/", to: folder) }
        return true
    }

    private func carry(_ file: JSONValue, from prefix: String, to folder: String) async throws {
        let path = try RelativePath(parsing: file["path"]?.stringValue ?? "")
        let digest = file["digest"]?.stringValue
        let local = folder + "/" + path.description
        report.files += 1
        report.bytes += file["sizeBytes"]?.intValue ?? 0
        if let there = try? LocalFile.hash(local), there.digest.hex == digest { return }
        try LocalFolder.make(
            local.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/"))
        try await LocalFolder.write(local) { append in
            try await client.stream(
                prefix + path.components.map(percentEncode).joined(separator: "/"), onBytes: append)
        }
        guard try LocalFile.hash(local).digest.hex == digest else {
            report.problems.append("\(local): arrived with another digest")
            return
        }
        report.writtenFiles += 1
    }
}

/// What an export did, and what it found at the end.
struct ExportReport {
    var experiments: Int64 = 0
    var runs: Int64 = 0
    var points: Int64 = 0
    var loggedModels: Int64 = 0
    var models: Int64 = 0
    var versions: Int64 = 0
    var files: Int64 = 0
    var bytes: Int64 = 0
    /// Runs that were written, read back and found the same.
    var written: Int64 = 0
    /// Runs that were there already.
    var present: Int64 = 0
    var writtenFiles: Int64 = 0
    var problems: [String] = []

    var json: JSONValue {
        [
            "found": [
                "experiments": .int(experiments), "runs": .int(runs), "points": .int(points),
                "loggedModels": .int(loggedModels), "models": .int(models), "versions": .int(versions),
                "files": .int(files), "bytes": .int(bytes),
            ],
            "written": ["runs": .int(written), "files": .int(writtenFiles)], "present": .int(present),
            "problems": JSONValue(problems),
        ]
    }
}
