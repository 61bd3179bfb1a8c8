import Core
import Database
import Ledger
import Objects
import Platform
import Tracking

/// Traces, their spans, assessments and links: each use case once, for every wire. A trace belongs to an experiment, and
/// is readable and writable by those who may read and write the runs of the experiment's project.
public final class TraceService: Sendable {
    let platform: Platform
    let tracking: TrackingService
    let traces = TraceStore()
    let spans = SpanStore()
    let assessments = AssessmentStore()

    public init(_ platform: Platform, tracking: TrackingService) {
        self.platform = platform
        self.tracking = tracking
    }

    var database: Database { platform.database }
    var ledger: Ledger { platform.ledger }
    var now: Timestamp { platform.clock.now() }

    // MARK: Reading

    /// - Throws: `notFound`, also when the experiment is deleted.
    public func info(_ id: String, as principal: Principal) async throws -> TraceInfo {
        try await database.read { [self] db in
            try traces.complete(db, [try trace(db, id, .readRuns, principal)])[0]
        }
    }

    /// Those of the traces that exist and that the principal may read, in the order in which they are asked for.
    ///
    /// - Throws: `invalid` for more than the limit.
    public func infos(_ ids: [String], as principal: Principal) async throws -> [TraceInfo] {
        try Self.checkBatch(ids)
        return try await database.read { [self] db in try traces.complete(db, try readable(db, ids, principal)) }
    }

    /// A trace with its spans. Until all that the client announced are there, it waits some seconds, unless a part will do.
    ///
    /// - Throws: `notFound`, also when spans still lack.
    public func trace(_ id: String, allowPartial: Bool = true, as principal: Principal) async throws -> Trace {
        for pause in [1, 2, 0] {
            let found = try await database.read { [self] db in
                let info = try traces.complete(db, [try trace(db, id, .readRuns, principal)])[0]
                return Trace(info: info, spans: try spans.spans(db, of: [info])[info.key] ?? [])
            }
            if allowPartial || found.spans.count >= found.info.announcedSpans { return try await whole(found) }
            if pause > 0 { try await Task.sleep(for: .seconds(pause)) }
        }
        throw SlipwayError(
            .notFound, "Trace with ID \(id) is not fully exported yet, please try again later.", ref: Ref(.trace, id))
    }

    /// Those of the traces that exist and that the principal may read, with their spans, one at a time, so that memory
    /// holds no more than one.
    public func forEach(
        _ ids: [String], as principal: Principal, _ body: (Trace) async throws -> Void
    ) async throws {
        for info in try await infos(ids, as: principal) {
            let found = try await database.read { [self] db in try spans.spans(db, of: [info])[info.key] ?? [] }
            try await body(try await whole(Trace(info: info, spans: found)))
        }
    }

    /// One page over the experiments that the principal may read.
    public func search(_ search: TraceSearch, as principal: Principal) async throws -> Page<TraceInfo> {
        guard (1...TraceLimits.searchMaximum).contains(search.limit) else {
            throw SlipwayError(
                .invalid,
                "Invalid value \(search.limit) for parameter 'max_results' supplied: it must be from 1 to \(TraceLimits.searchMaximum).",
                details: ["field": "max_results"])
        }
        let keys = try search.experiments.map(Self.experimentKey)
        return try await database.read { [self] db in
            let page = try traces.search(db, experiments: try readable(db, keys, principal), search)
            return Page(items: try traces.complete(db, page.items), next: page.next)
        }
    }

    /// How often two filters hold together: traces that meet the first, the second, both, and all traces (of those that
    /// meet `base`).
    public func counts(
        _ first: Filter?, _ second: Filter?, base: Filter?, experiments: [String], as principal: Principal
    ) async throws -> (first: Int64, second: Int64, both: Int64, all: Int64) {
        let keys = try experiments.map(Self.experimentKey)
        return try await database.read { [self] db in
            let keys = try readable(db, keys, principal)
            func count(_ filters: [Filter?]) throws -> Int64 {
                try traces.count(db, experiments: keys, (filters + [base]).compactMap(\.self))
            }
            return (try count([first]), try count([second]), try count([first, second]), try count([]))
        }
    }

    // MARK: Tags and links

    /// - Throws: `invalid` for a tag that only the server sets.
    public func setTag(_ tag: KeyValue, on id: String, as principal: Principal) async throws {
        try Self.requireFree(tag.key, "set")
        let tag = try TraceRules.tag(tag)
        try await database.write { [self] db in
            let trace = try trace(db, id, .writeRuns, principal)
            if tag.key == TraceKey.name {
                try traces.setName(db, key: trace.key, tag.value)
            } else {
                try traces.set(db, .tag, [(trace.key, tag)])
            }
        }
    }

    /// - Throws: `notFound` when the trace has no such tag; `invalid` for a tag that only the server sets.
    public func deleteTag(_ key: String, on id: String, as principal: Principal) async throws {
        try Self.requireFree(key, "deleted")
        try await database.write { [self] db in
            let trace = try trace(db, id, .writeRuns, principal)
            let isThere: Bool
            if key == TraceKey.name {
                isThere = trace.tags.contains { $0.key == key }
                try traces.setName(db, key: trace.key, nil)
            } else {
                isThere = try traces.deleteTag(db, trace: trace.key, key)
            }
            guard isThere else {
                throw SlipwayError(.notFound, "No trace tag with key '\(key)' for trace with ID '\(id)'")
            }
        }
    }

    /// Traces that are not there are passed over.
    public func link(_ ids: [String], toRun run: String, as principal: Principal) async throws {
        guard ids.count <= TraceLimits.linksPerRequest else {
            throw SlipwayError(
                .invalid,
                "Cannot link more than \(TraceLimits.linksPerRequest) traces to a run in a single request. Provided \(ids.count) traces."
            )
        }
        let info = try await tracking.runInfo(run, as: principal)
        try principal.require(.writeRuns, in: info.project)
        try await database.write { [self] db in
            let found = try traces.bare(db, ids: ids).filter { !$0.isDeleted }
            for trace in found { try principal.require(.writeRuns, in: trace.project) }
            try traces.link(db, traces: found.map(\.key), .run, [info.id])
        }
    }

    /// - Parameter prompts: as `name/version`.
    public func link(prompts: [String], to id: String, as principal: Principal) async throws {
        guard prompts.count <= TraceLimits.linksPerRequest else {
            throw SlipwayError(
                .invalid, "Cannot link more than \(TraceLimits.linksPerRequest) prompt versions in a single request.")
        }
        try await database.write { [self] db in
            let trace = try trace(db, id, .writeRuns, principal)
            try traces.link(db, traces: [trace.key], .prompt, prompts)
        }
    }

    // MARK: Deletion

    /// Deletes traces of an experiment: some by their ids, or those that began until some time, the oldest first, at
    /// most `limit`. A thousand at a time, so that others can write meanwhile.
    ///
    /// - Returns: how many were deleted.
    public func delete(
        experiment: String, ids: [String]? = nil, until: Timestamp? = nil, limit: Int? = nil, as principal: Principal
    ) async throws -> Int {
        let key = try Self.experimentKey(experiment)
        var deleted = 0
        var rest = ids.map { Array(Set($0)).sorted() }
        while limit.map({ deleted < $0 }) ?? true {
            let some = rest.map { Array($0.prefix(1000)) }
            if some?.isEmpty == true { break }
            rest = rest.map { Array($0.dropFirst(1000)) }
            let most = min(limit.map { $0 - deleted } ?? 1000, 1000)
            let count = try await database.write { [self] db in
                let home = try home(db, key, .writeRuns, principal)
                let keys = try traces.keys(db, experiment: key, ids: some, until: until, limit: most)
                guard !keys.isEmpty else { return 0 }
                try traces.delete(db, keys: keys)
                try ledger.append(
                    db, "traces.deleted", Ref(.experiment, experiment), project: home.project, by: principal,
                    data: ["traces": .int(Int64(keys.count))])
                return keys.count
            }
            deleted += count
            if count == 0, rest == nil { break }
        }
        return deleted
    }

    // MARK: Parts

    /// A trace that the principal may use so, without tags, metadata and assessments.
    func trace(_ db: any Transaction, _ id: String, _ permission: Permission, _ principal: Principal) throws
        -> TraceInfo
    {
        guard let found = try traces.bare(db, ids: [id]).first else { throw SlipwayError.notFound(Ref(.trace, id)) }
        try principal.require(permission, in: found.project)
        guard !found.isDeleted else { throw SlipwayError.notFound(Ref(.trace, id)) }
        return found
    }

    /// An active experiment that the principal may use so.
    ///
    /// - Throws: `notFound`; `conflict` when it is deleted.
    func home(_ db: any Transaction, _ key: Int64, _ permission: Permission, _ principal: Principal) throws
        -> TraceStore.Home
    {
        guard let home = try traces.home(db, experiment: key) else {
            throw SlipwayError.notFound(Ref(.experiment, String(key)))
        }
        try principal.require(permission, in: home.project)
        guard !home.isDeleted else {
            throw SlipwayError(
                .conflict, "The experiment \(key) must be in the 'active' state. Current state is deleted.",
                details: ["state": "deleted"], ref: Ref(.experiment, String(key)))
        }
        return home
    }

    private func readable(_ db: any Transaction, _ ids: [String], _ principal: Principal) throws -> [TraceInfo] {
        let found = try traces.bare(db, ids: ids).filter { !$0.isDeleted && principal.may(.readRuns, in: $0.project) }
        let byID = Dictionary(found.map { ($0.id, $0) }) { a, _ in a }
        var seen: Set<String> = []
        return ids.compactMap { seen.insert($0).inserted ? byID[$0] : nil }
    }

    /// Those of the experiments that are active and that the principal may read.
    func readable(_ db: any Transaction, _ keys: [Int64], _ principal: Principal) throws -> [Int64] {
        try Set(keys).sorted().filter { key in
            guard let home = try traces.home(db, experiment: key) else { return false }
            return !home.isDeleted && principal.may(.readRuns, in: home.project)
        }
    }

    /// The spans with the bodies that are objects.
    private func whole(_ trace: Trace) async throws -> Trace {
        guard trace.spans.contains(where: { $0.object != nil }) else { return trace }
        var result = trace.spans
        for index in result.indices {
            guard let object = result[index].object else { continue }
            let bytes = try await platform.objects.read(object, maximumBytes: Int64(TraceLimits.unpackedBytes) * 4)
            result[index].body = String(decoding: bytes, as: UTF8.self)
        }
        return Trace(info: trace.info, spans: result)
    }

    static func experimentKey(_ id: String) throws -> Int64 {
        guard let key = Int64(id) else {
            throw SlipwayError(
                .invalid, "Invalid experiment ID '\(id.prefix(80))'. Experiment ID must be a valid integer.",
                details: ["field": "experiment_id"])
        }
        return key
    }

    private static func checkBatch(_ ids: [String]) throws {
        guard ids.count <= TraceLimits.batchMaximum else {
            throw SlipwayError(
                .invalid, "At most \(TraceLimits.batchMaximum) trace_ids a request; got \(ids.count).",
                details: ["field": "trace_ids"])
        }
    }

    private static func requireFree(_ key: String, _ done: String) throws {
        guard !TraceKey.reserved.contains(key) else {
            throw SlipwayError(
                .invalid, "Tag '\(key)' is immutable and cannot be \(done) on a trace.", details: ["field": "key"])
        }
    }
}

extension TraceInfo {
    /// How many spans the client said that there are.
    fileprivate var announcedSpans: Int {
        guard let text = metadata.first(where: { $0.key == TraceKey.sizeStats })?.value,
            let stats = try? JSONValue(parsing: text)
        else { return 0 }
        return Int(stats["num_spans"]?.intValue ?? 0)
    }
}
