import Core
import Database
import Ledger
import Projects

extension Permission {
    /// To take in experiments and runs of another store with their ids, users and times. The ledger says who did.
    public static let importRuns = Permission("runs.import", .makers)
}

/// What came of records that were taken in.
public struct ImportOutcome: Sendable, Hashable {
    public var added: Int64 = 0
    public var changed: Int64 = 0
    public var present: Int64 = 0
    /// What could not be taken, or is otherwise here, in words.
    public var problems: [String] = []

    public init() {}

    public mutating func add(_ other: ImportOutcome) {
        added += other.added
        changed += other.changed
        present += other.present
        problems += other.problems
    }

    public init(_ json: JSONValue) {
        added = json["added"]?.intValue ?? 0
        changed = json["changed"]?.intValue ?? 0
        present = json["present"]?.intValue ?? 0
        problems = json["problems"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }

    public var json: JSONValue {
        [
            "added": .int(added), "changed": .int(changed), "present": .int(present),
            "problems": JSONValue(problems),
        ]
    }
}

/// What is here of a run: enough to see whether another store has anything more.
public struct RunSummary: Sendable, Hashable {
    public let id: String
    /// `RunRecord.digest` of the run as it is here.
    public let digest: Digest
    public let points: PointSum

    public var json: JSONValue {
        [
            "id": .string(id), "digest": .string(digest.hex), "points": .int(points.count),
            "pointsDigest": .string(points.text),
        ]
    }
}

/// Taking in what another store has. Every method adds what is not there and leaves what is: said twice, nothing happens
/// the second time. Nothing that was logged here is overwritten; differences are reported.
extension TrackingService {
    /// The tag of an experiment that has another id here than where it came from.
    public static let originTag = "slipway.importedFrom"

    /// Finds or makes each experiment: the one of that id that was created at the same moment, else the one that came
    /// from there before, else the one of that name, else a new one, with its id if that is free.
    ///
    /// - Parameter origin: names the other store.
    /// - Returns: the id here for each id there.
    public func importExperiments(
        _ records: [ExperimentRecord], origin: String, project: String, as principal: Principal
    ) async throws -> (ids: [String: String], outcome: ImportOutcome) {
        try principal.require(.importRuns, in: project)
        for record in records {
            try TrackingRules.experimentName(record.name)
            if let location = record.artifactLocation { try TrackingRules.artifactLocation(location) }
            for (key, value) in record.tags { try TrackingRules.experimentTag(KeyValue(key, value)) }
        }
        return try await database.write { [self] db in
            try ProjectsStore().require(db, project)
            var ids: [String: String] = [:]
            var outcome = ImportOutcome()
            for record in records {
                let found = try existing(db, record, origin: origin)
                if let found {
                    try principal.require(.importRuns, in: found.project)
                    ids[record.id] = found.id
                    guard let key = Int64(found.id) else { continue }
                    let missing = record.tags.filter { tag in !found.tags.contains { $0.key == tag.key } }
                    for (name, value) in missing { try experiments.setTag(db, key: key, KeyValue(name, value)) }
                    if missing.isEmpty { outcome.present += 1 } else { outcome.changed += 1 }
                    continue
                }
                ids[record.id] = try insert(db, record, origin: origin, project: project, principal)
                outcome.added += 1
            }
            return (ids, outcome)
        }
    }

    private func existing(_ db: any Transaction, _ record: ExperimentRecord, origin: String) throws -> Experiment? {
        if let key = Int64(record.id), let same = try experiments.experiment(db, key: key),
            same.created.milliseconds == record.created || same.name == record.name
        {
            return same
        }
        let tag = KeyValue(Self.originTag, "\(origin)#\(record.id)")
        if let key = try ImportStore().taggedExperiment(db, tag) { return try experiments.experiment(db, key: key) }
        return try experiments.experiment(db, named: record.name)
    }

    private func insert(
        _ db: any Transaction, _ record: ExperimentRecord, origin: String, project: String, _ principal: Principal
    ) throws -> String {
        let wanted = Int64(record.id).flatMap { $0 >= 0 ? $0 : nil }
        let isFree = try wanted.map { try experiments.experiment(db, key: $0) == nil } ?? false
        let key = isFree ? wanted ?? 0 : try experiments.nextKey(db)
        var tags = record.tags
        if String(key) != record.id { tags[Self.originTag] = "\(origin)#\(record.id)" }
        let experiment = Experiment(
            id: String(key), name: record.name, project: project,
            artifactLocation: record.artifactLocation ?? ArtifactLocation.root(ofExperiment: String(key)),
            lifecycle: .active, created: Timestamp(milliseconds: record.created),
            updated: Timestamp(milliseconds: record.updated), tags: tags.map { KeyValue($0.key, $0.value) })
        guard try experiments.insert(db, key: key, experiment) else {
            throw SlipwayError(.conflict, "The experiment '\(record.name)' was made by another meanwhile. Try again.")
        }
        if record.isDeleted {
            try experiments.setDeleted(db, key: key, true, at: Timestamp(milliseconds: record.updated))
        }
        try ledger.append(
            db, "experiment.imported", experiment.ref, project: project, by: principal,
            data: ["name": .string(record.name), "from": .string("\(origin)#\(record.id)")])
        return experiment.id
    }

    /// Adds runs that are not here, with their ids, users, times and deleted state; a run that is here gets the
    /// parameters, tags, inputs and outputs that it lacks, and its end, if it has not ended here.
    ///
    /// - Parameter checking: says what would happen, and does nothing.
    public func importRuns(_ records: [RunRecord], checking: Bool = false, as principal: Principal) async throws
        -> ImportOutcome
    {
        let records = try records.map { record in
            guard record.id.utf8.count == 32, record.id.utf8.allSatisfy(Self.isHexDigit) else {
                throw SlipwayError.field("id", "'\(record.id.prefix(80))' is not a run's id", expected: "32 hex digits")
            }
            try record.datasets.forEach(TrackingRules.dataset)
            if let location = record.artifactLocation { try TrackingRules.artifactLocation(location) }
            return try record.normalized
        }
        return try await database.write { [self] db in
            var outcome = ImportOutcome()
            var next = try runs.nextKey(db)
            for record in records {
                if let run = try runs.info(db, id: record.id) {
                    try principal.require(.importRuns, in: run.project)
                    try merge(db, record, into: run, checking: checking, principal, &outcome)
                } else {
                    if !checking { try insert(db, record, key: next, principal) }
                    next += 1
                    outcome.added += 1
                }
            }
            return outcome
        }
    }

    static func isHexDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) || (97...102).contains(byte) }

    private func insert(_ db: any Transaction, _ record: RunRecord, key: Int64, _ principal: Principal) throws {
        let experimentKey = try Experiment.key(of: record.experiment)
        let experiment = try experiment(db, key: experimentKey, .importRuns, principal)
        let info = RunInfo(
            id: record.id, experiment: experiment.id, project: experiment.project, name: record.name,
            user: record.user, status: record.status, started: Timestamp(milliseconds: record.started),
            ended: record.ended.map(Timestamp.init(milliseconds:)), lifecycle: .active,
            artifactLocation: record.artifactLocation ?? "\(experiment.artifactLocation)/\(record.id)/artifacts",
            key: key)
        try runs.insert(db, info, tags: record.tags.map { KeyValue($0.key, $0.value) })
        try runs.insertParams(db, [(info, record.params.map { KeyValue($0.key, $0.value) })])
        try addInputs(db, record, to: info)
        if let deleted = record.deleted {
            try runs.setDeleted(db, key: key, at: Timestamp(milliseconds: deleted))
        }
        try ledger.append(
            db, "run.imported", info.ref, project: info.project, by: principal,
            data: [
                "experiment": .string(info.experiment), "name": .string(info.name),
                "status": .string(info.status.rawValue),
            ])
    }

    private func addInputs(_ db: any Transaction, _ record: RunRecord, to run: RunInfo) throws {
        let experiment = try Experiment.key(of: run.experiment)
        for dataset in record.datasets {
            try inputs.add(db, run: run.key, experiment: experiment, dataset)
            if let source = dataset.slipwayRef {
                try ledger.link(db, run.ref, madeFrom: source, Self.relation(of: dataset.context))
            }
        }
        for model in record.modelInputs {
            try inputs.addModel(db, run: run.key, isOutput: false, model: model, step: 0)
            try ledger.link(db, run.ref, madeFrom: Ref(.loggedModel, model), "used")
        }
        for output in record.modelOutputs {
            try inputs.addModel(db, run: run.key, isOutput: true, model: output.model, step: output.step)
            try ledger.link(db, Ref(.loggedModel, output.model), madeFrom: run.ref, "logged-by")
        }
    }

    private func merge(
        _ db: any Transaction, _ record: RunRecord, into run: RunInfo, checking: Bool, _ principal: Principal,
        _ outcome: inout ImportOutcome
    ) throws {
        let here = try self.record(db, run)
        guard here.digest != record.digest else {
            outcome.present += 1
            return
        }
        let addedParams = record.params.filter { here.params[$0.key] == nil }
        let newerTags = record.tags.filter { key, value in
            here.tags[key] != value && here.tags[key].map { record.earlierTags[key]?.contains($0) ?? false } ?? false
        }
        let addedTags = record.tags.filter { here.tags[$0.key] == nil }.merging(newerTags) { first, _ in first }
        let addedInputs =
            record.datasets.contains { there in
                !here.datasets.contains { $0.name == there.name && $0.digest == there.digest }
            } || !Set(record.modelInputs).isSubset(of: here.modelInputs)
            || !Set(record.modelOutputs).isSubset(of: here.modelOutputs)
        let ends = record.status.isEnd && !run.status.isEnd
        for (what, differing) in [
            ("parameters", Self.differing(record.params, here.params)),
            ("tags", Self.differing(record.tags, here.tags).filter { newerTags[$0] == nil }),
        ] where !differing.isEmpty {
            outcome.problems.append(
                "run \(run.id): kept other values of the \(what) \(differing.prefix(10).joined(separator: ", "))")
        }
        guard !addedParams.isEmpty || !addedTags.isEmpty || addedInputs || ends else {
            outcome.present += 1
            return
        }
        outcome.changed += 1
        if checking { return }
        try runs.insertParams(db, [(run, addedParams.map { KeyValue($0.key, $0.value) })])
        try runs.setTags(db, run: run, addedTags.map { KeyValue($0.key, $0.value) })
        try addInputs(db, record, to: run)
        if ends {
            try runs.update(
                db, key: run.key, status: record.status,
                ended: record.ended.map(Timestamp.init(milliseconds:)) ?? run.ended, name: run.name)
            try ledger.append(
                db, "run.finished", run.ref, project: run.project, by: principal,
                data: ["status": .string(record.status.rawValue), "experiment": .string(run.experiment)])
        }
    }

    private static func differing(_ there: [String: String], _ here: [String: String]) -> [String] {
        there.keys.filter { key in
            key != RunDraft.nameTag && here[key] != nil && here[key] != there[key]
        }.sorted()
    }

    /// Adds the points that a run does not have. Those that are newer than all of their metric are added unseen, so a
    /// history that comes in the order of its steps is never read back.
    public func importPoints(_ records: [PointsRecord], checking: Bool = false, as principal: Principal) async throws
        -> ImportOutcome
    {
        for record in records {
            _ = try TrackingRules.checked(
                LogBatch(metrics: record.points.first.map { [LoggedMetric(key: record.key, point: $0)] } ?? []),
                isSingle: true)
            guard record.points.allSatisfy({ $0.time.milliseconds >= 0 }) else {
                throw TrackingRules.invalid("points", "'\(record.key)' has a time before 1970.")
            }
        }
        return try await database.write { [self] db in
            var outcome = ImportOutcome()
            let ids =
                checking
                ? try metrics.ids(db, of: Array(Set(records.map(\.key))))
                : try metrics.idsMade(db, for: Array(Set(records.map(\.key))).sorted())
            for (id, records) in Dictionary(grouping: records, by: \.run).sorted(by: { $0.key < $1.key }) {
                let run = try info(db, id, .importRuns, principal)
                var groups: [MetricPack.Group] = []
                for record in records {
                    guard let metric = ids[record.key] else {
                        outcome.added += Int64(record.points.count)
                        continue
                    }
                    let missing = try missing(db, record.points.asHistory, run: run.key, metric: metric)
                    outcome.added += Int64(missing.count)
                    outcome.present += Int64(record.points.count - missing.count)
                    if !missing.isEmpty { groups.append((metric, missing)) }
                }
                if !checking { try metrics.append(db, to: run, groups) }
            }
            return outcome
        }
    }

    private func missing(_ db: any Transaction, _ points: [MetricPoint], run: Int64, metric: Int64) throws
        -> [MetricPoint]
    {
        guard let latest = try ImportStore().latest(db, run: run, metric: metric) else { return points }
        guard !points.allSatisfy({ $0.isNewer(than: latest) }) else { return points }
        let here = Set(try MetricSeries(db, run: run, metric: metric).points(db).map(PointKey.init))
        return points.filter { !here.contains(PointKey($0)) }
    }

    /// A point as a value of a set: NaN is one value.
    private struct PointKey: Hashable {
        let step: Int64, time: Int64, bits: UInt64
        init(_ point: MetricPoint) {
            step = point.step
            time = point.time.milliseconds
            bits = point.value.isNaN ? Double.nan.bitPattern : (point.value == 0 ? 0 : point.value.bitPattern)
        }
    }

    /// What is here of these runs; those that are not here are left out.
    public func summaries(ofRuns ids: [String], as principal: Principal) async throws -> [RunSummary] {
        try await database.read { [self] db in
            try ids.compactMap { id in
                guard let run = try runs.info(db, id: id) else { return nil }
                try principal.require(.readRuns, in: run.project)
                var points = PointSum()
                try ImportStore().histories(db, run: run.key) { metric, history in
                    for point in history { points.add(metric, point) }
                }
                return RunSummary(id: id, digest: try record(db, run).digest, points: points)
            }
        }
    }

    /// A run as the record that another store would have of it.
    func record(_ db: any Transaction, _ info: RunInfo) throws -> RunRecord {
        let run = try runs.runs(db, [info])[0]
        var record = RunRecord(
            id: info.id, experiment: info.experiment, name: info.name, user: info.user, status: info.status,
            started: info.started.milliseconds)
        record.ended = info.ended?.milliseconds
        record.deleted = try ImportStore().deletedAt(db, run: info.key)
        record.artifactLocation = info.artifactLocation
        record.params = run.params.map
        record.tags = run.tags.map
        record.datasets = run.datasets
        record.modelInputs = run.modelInputs
        record.modelOutputs = run.modelOutputs
        return record
    }
}
