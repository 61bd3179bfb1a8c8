import Client
import CommandKit
import Core
import Objects
import Registry
import Tracking

/// Carries another store over to a server. What the server has already is compared by counts and digests and not sent
/// again, so an import that was cut off goes on, and one that is repeated adds nothing.
final class Importer {
    private let store: any ForeignStore
    private let client: APIClient
    private let project: String
    private let withArtifacts: Bool
    private(set) var report = ImportReport()
    /// Runs whose records and points are here.
    private(set) var arrived: [String] = []
    private var progress: ExchangeProgress

    private static let pointsPerRequest = 20_000

    init(_ store: any ForeignStore, client: APIClient, project: String, artifacts: Bool, totals: ForeignTotals) {
        (self.store, self.client, self.project, withArtifacts) = (store, client, project, artifacts)
        progress = ExchangeProgress(totals: totals)
    }

    func run() async throws {
        let experiments = try await store.experiments()
        let ids = try await sendExperiments(experiments)
        for experiment in experiments {
            guard let here = ids[experiment.id] else { continue }
            try await store.runs(of: experiment.id) { try await self.carry($0, to: here) }
            try await carryModels(of: experiment.id, to: here)
        }
        for model in try await store.models() {
            report.versions += Int64(model.versions.count)
            report.models += 1
            do {
                let answer = try await client.send(
                    "POST", "/api/v1/import/models", query: [("project", project)],
                    body: ["models": [model.json]])
                report.take(ImportOutcome(answer), "models")
            } catch let error as SlipwayError where error.code == .invalid {
                report.problems.append("model \(model.name): \(error.message)")
            }
        }
        report.problems += store.findings.all
        progress.end()
    }

    private func sendExperiments(_ records: [ExperimentRecord]) async throws -> [String: String] {
        var ids: [String: String] = [:]
        for start in stride(from: 0, to: records.count, by: 500) {
            let some = Array(records[start..<min(start + 500, records.count)])
            try await oneByOneIfRefused(some, { "experiment \($0.id)" }) { some in
                let answer = try await self.client.send(
                    "POST", "/api/v1/import/experiments", query: [("project", self.project)],
                    body: ["origin": .string(self.store.origin), "experiments": .array(some.map(\.json))])
                for (there, here) in answer["ids"]?.objectValue ?? [:] { ids[there] = here.stringValue }
                self.report.take(ImportOutcome(answer["outcome"] ?? .null), "experiments")
            }
        }
        report.experiments = Int64(records.count)
        return ids
    }

    /// Sends all at once; if the server refuses something of it, one after the other, so that only that stays behind.
    private func oneByOneIfRefused<Item>(
        _ items: [Item], _ name: (Item) -> String, _ send: ([Item]) async throws -> Void
    ) async throws {
        do {
            try await send(items)
        } catch let error as SlipwayError where error.code == .invalid {
            guard items.count > 1 else { return report.refuse("\(items.first.map(name) ?? ""): \(error.message)") }
            for item in items { try await oneByOneIfRefused([item], name, send) }
        }
    }

    // MARK: Runs

    private func carry(_ runs: [ForeignRun], to experiment: String) async throws {
        var records: [String: RunRecord] = [:]
        for run in runs {
            do {
                var record = try run.record.normalized
                record.experiment = experiment
                records[record.id] = record
            } catch let error as SlipwayError {
                report.refuse("run \(run.record.id): \(error.message)")
            }
        }
        let ids = records.keys.sorted()
        report.runs += Int64(ids.count)
        var known = try await summaries(ids)
        let unlike = ids.filter { known[$0]?["digest"]?.stringValue != records[$0]?.digest.hex }
        try await sendRuns(unlike.compactMap { records[$0] })

        // The points of runs that have none here go at once; of the others only if the sums differ.
        let empty = Set(ids.filter { (known[$0]?["points"]?.intValue ?? 0) == 0 })
        var sums = try await sendPoints(of: ids) { empty.contains($0) }
        let behind = ids.filter { !empty.contains($0) && !Self.agrees(known[$0], sums[$0]) }
        if !behind.isEmpty { _ = try await sendPoints(of: behind) { _ in true } }
        report.points += sums.values.reduce(0) { $0 + $1.count }

        if withArtifacts {
            for run in runs where records[run.record.id] != nil && run.record.artifactLocation == nil {
                try await carryFiles(ArtifactPlace(owner: .run(run.record.id), uri: run.artifacts))
            }
        }
        known = try await summaries(ids)
        for id in ids { sums[id] = sums[id] ?? PointSum() }
        try await verify(ids, records, known, sums)
        progress.advance(runs: Int64(runs.count), points: report.points)
    }

    private func summaries(_ ids: [String]) async throws -> [String: JSONValue] {
        guard !ids.isEmpty else { return [:] }
        let answer = try await client.post("/api/v1/import/summaries", ["runs": JSONValue(ids)])
        return (answer["items"]?.arrayValue ?? []).reduce(into: [:]) { $0[$1["id"]?.stringValue ?? ""] = $1 }
    }

    private func sendRuns(_ records: [RunRecord], checking: Bool = false) async throws {
        guard !records.isEmpty else { return }
        try await oneByOneIfRefused(records, { "run \($0.id)" }) { records in
            let answer = try await self.client.send(
                "POST", "/api/v1/import/runs", query: checking ? [("check", "true")] : [],
                body: ["runs": .array(records.map(\.json))])
            self.report.take(ImportOutcome(answer["runs"] ?? .null), "runs")
        }
    }

    /// Reads the points of these runs, sends those of the runs that are wanted, and sums all.
    private func sendPoints(of runs: [String], checking: Bool = false, _ wanted: (String) -> Bool) async throws
        -> [String: PointSum]
    {
        var sums: [String: PointSum] = [:]
        var waiting: [PointsRecord] = []
        var count = 0
        try await store.points(of: runs) { run, key, point in
            sums[run, default: PointSum()].add(key, point)
            guard wanted(run) else { return }
            if let last = waiting.last, last.run == run, last.key == key {
                waiting[waiting.count - 1].points.append(point)
            } else {
                waiting.append(PointsRecord(run: run, key: key, points: [point]))
            }
            count += 1
            if count == Self.pointsPerRequest {
                try await self.flush(&waiting, checking)
                count = 0
                self.progress.show(points: self.report.points + sums.values.reduce(0) { $0 + $1.count })
            }
        }
        try await flush(&waiting, checking)
        return sums
    }

    private func flush(_ waiting: inout [PointsRecord], _ checking: Bool) async throws {
        guard !waiting.isEmpty else { return }
        let some = waiting
        waiting = []
        try await oneByOneIfRefused(some, { "run \($0.run), metric \($0.key.debugDescription)" }) { some in
            let answer = try await self.client.send(
                "POST", "/api/v1/import/runs", query: checking ? [("check", "true")] : [],
                body: ["points": .array(some.map(\.json))])
            let outcome = ImportOutcome(answer["points"] ?? .null)
            if checking { self.report.missingPoints += outcome.added } else { self.report.take(outcome, "points") }
        }
    }

    private static func agrees(_ summary: JSONValue?, _ sum: PointSum?) -> Bool {
        let sum = sum ?? PointSum()
        return summary?["points"]?.intValue == sum.count && summary?["pointsDigest"]?.stringValue == sum.text
    }

    /// Both sides are the same, or the server has the whole of it and more: a run that went on here.
    private func verify(
        _ ids: [String], _ records: [String: RunRecord], _ here: [String: JSONValue], _ sums: [String: PointSum]
    ) async throws {
        for id in ids {
            guard let summary = here[id], let record = records[id] else {
                report.problems.append("run \(id): is not here after all")
                continue
            }
            var isSame = summary["digest"]?.stringValue == record.digest.hex
            if !Self.agrees(summary, sums[id]) {
                isSame = false
                let before = report.missingPoints
                _ = try await sendPoints(of: [id], checking: true) { _ in true }
                if report.missingPoints > before {
                    report.problems.append("run \(id): \(report.missingPoints - before) points are missing")
                    continue
                }
            }
            if isSame { report.verified += 1 } else { report.continued += 1 }
            arrived.append(id)
        }
    }

    // MARK: Models and files

    private func carryModels(of experiment: String, to here: String) async throws {
        let models = try await store.loggedModels(of: experiment)
        for start in stride(from: 0, to: models.count, by: 100) {
            let some = models[start..<min(start + 100, models.count)].map { model in
                var record = model.record
                record.experiment = here
                return record
            }
            let answer = try await client.post(
                "/api/v1/import/runs", ["loggedModels": .array(some.map(\.json))])
            report.take(ImportOutcome(answer["loggedModels"] ?? .null), "logged models")
        }
        report.loggedModels += Int64(models.count)
        guard withArtifacts else { return }
        for model in models where model.record.artifactLocation == nil {
            try await carryFiles(ArtifactPlace(owner: .model(model.record.id), uri: model.artifacts))
        }
    }

    private func carryFiles(_ place: ArtifactPlace) async throws {
        let files: [ForeignFile]
        do { files = try await store.files(at: place) } catch let error as SlipwayError
            where error.code == .invalid || error.code == .notFound
        {
            report.problems.append("\(place.owner.ref): \(error.message)")
            return
        }
        guard !files.isEmpty else { return }
        let (plural, id) =
            switch place.owner {
            case .run(let id): ("runs", id)
            case .model(let id): ("logged-models", id)
            }
        let answer = try await client.get(
            "/api/v1/import/files", query: [("of", place.owner.ref.description)])
        let here = (answer["items"]?.arrayValue ?? []).reduce(into: [String: String]()) {
            $0[$1["path"]?.stringValue ?? ""] = $1["digest"]?.stringValue
        }
        for file in files {
            if file.remote == nil {
                try await carry(
                    file, from: file.local, of: place, to: "\(plural)/\(percentEncode(id))", here[file.path])
            } else {
                try await WorkFile.with { copy in
                    try await store.fetch(file, to: copy)
                    try await carry(file, from: copy, of: place, to: "\(plural)/\(percentEncode(id))", here[file.path])
                }
            }
        }
    }

    private func carry(
        _ file: ForeignFile, from local: String, of place: ArtifactPlace, to owner: String, _ here: String?
    ) async throws {
        let object = try LocalFile.hash(local)
        report.files += 1
        report.bytes += object.sizeBytes
        if here == object.digest.hex { return }
        if let here, !file.earlier.contains(here) {
            report.problems.append("\(place.owner.ref): kept another \(file.path)")
            return
        }
        let path = file.path.split(separator: "/").map { percentEncode(String($0)) }.joined(separator: "/")
        let sent: JSONValue
        do {
            sent = try await client.upload(
                "PUT", "/api/v1/\(owner)/artifacts/\(path)", file: local, contentType: "application/octet-stream")
        } catch let error as SlipwayError where error.code == .invalid {
            return report.refuse("\(place.owner.ref): \(file.path.debugDescription): \(error.message)")
        }
        guard sent["digest"]?.stringValue == "sha256:" + object.digest.hex else {
            report.problems.append("\(place.owner.ref): \(file.path) arrived with another digest")
            return
        }
        report.sentFiles += 1
    }
}

/// What an import did, and what it found at the end.
struct ImportReport {
    var experiments: Int64 = 0
    var runs: Int64 = 0
    var points: Int64 = 0
    var loggedModels: Int64 = 0
    var models: Int64 = 0
    var versions: Int64 = 0
    var files: Int64 = 0
    var bytes: Int64 = 0
    var sentFiles: Int64 = 0
    /// Runs whose record and points have the same digests on both sides.
    var verified: Int64 = 0
    /// Runs that are here whole, with more or other words.
    var continued: Int64 = 0
    var missingPoints: Int64 = 0
    var added: [String: Int64] = [:]
    var changed: [String: Int64] = [:]
    var problems: [String] = []
    /// What the server did not take, each with a problem that says why.
    private(set) var refused: Int64 = 0

    mutating func refuse(_ problem: String) {
        refused += 1
        problems.append(problem)
    }

    /// - Throws: `conflict` when something of the store is not here.
    func requireWhole() throws {
        guard missingPoints == 0, refused == 0 else {
            throw SlipwayError(.conflict, "Not everything arrived; see the problems above.")
        }
    }

    mutating func take(_ outcome: ImportOutcome, _ what: String) {
        added[what, default: 0] += outcome.added
        changed[what, default: 0] += outcome.changed
        problems += outcome.problems
    }

    var json: JSONValue {
        [
            "found": [
                "experiments": .int(experiments), "runs": .int(runs), "points": .int(points),
                "loggedModels": .int(loggedModels), "models": .int(models), "versions": .int(versions),
                "files": .int(files), "bytes": .int(bytes),
            ],
            "added": .object(
                added.merging(["files": sentFiles]) { $1 }.filter { $0.value > 0 }.mapValues { .int($0) }),
            "changed": .object(changed.filter { $0.value > 0 }.mapValues { .int($0) }),
            "verified": .int(verified), "continued": .int(continued), "refused": .int(refused),
            "problems": JSONValue(problems),
        ]
    }
}

/// A line that tells how far it is and how long it takes still.
struct ExchangeProgress {
    let totals: ForeignTotals
    private let started = Clock.monotonicNanoseconds()
    private var runs: Int64 = 0

    init(totals: ForeignTotals) { self.totals = totals }

    mutating func advance(runs count: Int64, points: Int64) {
        runs += count
        show(points: points)
    }

    func show(points: Int64) {
        var text = "\(runs)\(totals.runs.map { " of \($0)" } ?? "") runs, \(points)"
        text += "\(totals.points.map { " of \($0)" } ?? "") points"
        // Reading and writing points is what takes long; without any, the runs are.
        let share =
            totals.points.flatMap { $0 > 0 ? Double(points) / Double($0) : nil }
            ?? totals.runs.flatMap { $0 > 0 ? Double(runs) / Double($0) : nil }
        if let share, share > 0.01 {
            let seconds = Double(Clock.monotonicNanoseconds() - started) / 1e9
            text += ", \(Int((seconds / share - seconds).rounded())) s left"
        }
        Terminal.status(text)
    }

    func end() { Terminal.status("") }
}
