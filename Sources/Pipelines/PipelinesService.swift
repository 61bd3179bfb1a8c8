import Core
import Database
import Datasets
import Ledger
import Objects
import Platform
import Projects
import Synchronization

extension Permission {
    public static let readPipelines = Permission("pipelines.read", .readers)
    public static let writePipelines = Permission("pipelines.write", .makers)
    public static let runPipelines = Permission("pipelines.run", .makers.union(Set<Role>.operators))
}

/// Puts what a ref names into a folder for a step, and returns the digest of what it put there.
public typealias StepInputProvider =
    @Sendable (_ ref: Ref, _ folder: String, _ principal: Principal) async throws -> Digest

/// Pipelines and their runs.
public final class PipelinesService: Sendable {
    let platform: Platform
    let datasets: DatasetsService
    let store = PipelinesStore()
    private let providers = Mutex<[RefKind: StepInputProvider]>([:])

    public init(_ platform: Platform, datasets: DatasetsService) {
        self.platform = platform
        self.datasets = datasets
    }

    /// A later stage of the lifecycle says how its things become inputs of steps (models).
    public func provide(_ kind: RefKind, _ provider: @escaping StepInputProvider) {
        providers.withLock { $0[kind] = provider }
    }

    func provider(_ kind: RefKind) -> StepInputProvider? { providers.withLock { $0[kind] } }

    // MARK: Definitions

    /// Puts a pipeline; the same definition and code as the newest version change nothing.
    public func put(_ definition: PipelineDefinition, project: String, as principal: Principal) async throws
        -> PipelineVersion
    {
        try principal.require(.writePipelines, in: project)
        let now = platform.clock.now()
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            try ProjectsStore().require(db, project)
            let newest = try store.version(db, definition.name, nil)
            if let newest, newest.project != project {
                throw SlipwayError(
                    .conflict, "The pipeline \(definition.name) belongs to the project \(newest.project).",
                    ref: newest.ref)
            }
            let code = try store.code(db, definition.name)
            if let code, code.project != project {
                throw SlipwayError(.conflict, "The code of \(definition.name) belongs to the project \(code.project).")
            }
            if let newest, newest.definition == definition, newest.codeDigest == code?.digest { return newest }
            let version = PipelineVersion(
                pipeline: definition.name, project: project, number: (newest?.number ?? 0) + 1, definition: definition,
                codeManifest: code?.manifest, codeDigest: code?.digest, author: principal.name, created: now)
            try store.insert(db, version)
            try ledger.append(
                db, "pipeline.version.created", version.ref, project: project, by: principal,
                data: ["codeDigest": JSONValue(code?.digest.hex)])
            return version
        }
    }

    /// Keeps the files of a tar archive as the code of the pipeline's next version.
    public func putCode(
        _ pipeline: String, project: String, files: [(path: RelativePath, bytes: [UInt8])], as principal: Principal
    ) async throws -> Digest {
        try principal.require(.writePipelines, in: project)
        try Name.validate(pipeline)
        var entries: [(path: RelativePath, object: ObjectInfo)] = []
        // tar may hold a path twice; the last one counts.
        let last = Dictionary(files.map { ($0.path, $0.bytes) }) { $1 }
        for (path, bytes) in last { entries.append((path, try await platform.objects.put(bytes))) }
        let all = entries
        let digest = Self.digest(of: all)
        return try await platform.database.write { [store] db in
            try ProjectsStore().require(db, project)
            if let known = try store.code(db, pipeline) {
                guard known.project == project else {
                    throw SlipwayError(.conflict, "The code of \(pipeline) belongs to the project \(known.project).")
                }
                if known.digest == digest { return digest }
            }
            let manifest = try Manifests.create(db, owner: Ref(.pipeline, pipeline))
            try Manifests.setMany(db, manifest, all)
            try store.setCode(db, pipeline, project: project, manifest: manifest, digest: digest)
            return digest
        }
    }

    /// Over the sorted list of paths and digests.
    static func digest(of entries: [(path: RelativePath, object: ObjectInfo)]) -> Digest {
        let lines = entries.map { "\($0.object.digest.hex) \($0.path)" }.sorted()
        return Digest.of(lines.joined(separator: "\n"))
    }

    public func pipeline(_ name: String, version: Int?, as principal: Principal) async throws -> PipelineVersion {
        guard let found = try await platform.database.read({ [store] in try store.version($0, name, version) }) else {
            throw SlipwayError.notFound(Ref(.pipeline, name, selector: version.map(String.init)))
        }
        try principal.require(.readPipelines, in: found.project)
        return found
    }

    public func pipelines(project: String?, as principal: Principal) async throws -> [PipelineVersion] {
        try await platform.database.read { [store] in try store.pipelines($0, project: project) }
            .filter { principal.may(.readPipelines, in: $0.project) }
    }

    // MARK: Runs

    /// Asks for a run; a worker takes it up at once.
    ///
    /// - Parameters:
    ///   - cause: the ref of what started it; one cause starts one run of a pipeline, and the same again gives that run.
    ///   - pins: refs to take instead of those written in the definition.
    ///   - usesCache: false runs every step, whatever was made before.
    public func trigger(
        _ name: String, version: Int? = nil, params: [String: JSONValue] = [:], cause: String? = nil,
        pins: [String: String] = [:], usesCache: Bool = true, as principal: Principal
    ) async throws -> PipelineRun {
        let pipeline = try await pipeline(name, version: version, as: principal)
        try principal.require(.runPipelines, in: pipeline.project)
        let values = try PipelineParameter.resolve(pipeline.definition.params, given: params)
        // Names and refs that parameters make are checked now, not when the step's turn comes.
        for step in pipeline.definition.steps { _ = try step.resolved(values) }
        let run = PipelineRun(
            id: ID.make(), pipeline: name, version: pipeline.number, project: pipeline.project, state: .queued,
            params: values,
            pins: pins, cause: cause, actor: principal.name, usesCache: usesCache, created: platform.clock.now(),
            started: nil,
            ended: nil, problem: nil)
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            guard try store.insert(db, run, steps: pipeline.definition.steps.map(\.name)) else {
                guard let cause, let known = try store.run(db, name, cause: cause) else {
                    throw SlipwayError(.conflict, "The run could not be recorded; try again.")
                }
                return known
            }
            try ledger.append(
                db, "pipeline.run.created", run.ref, project: run.project, by: principal,
                data: ["pipeline": .string(name), "version": JSONValue(run.version), "cause": JSONValue(cause)])
            try ledger.link(db, run.ref, madeFrom: pipeline.ref, "run-of")
            if let cause, let ref = try? Ref(parsing: cause) {
                try ledger.link(db, run.ref, madeFrom: ref, "caused-by")
            }
            return run
        }
    }

    public func run(_ id: String, as principal: Principal) async throws -> (run: PipelineRun, steps: [StepRun]) {
        let found = try await platform.database.read { [store] db in
            try store.run(db, id).map { ($0, try store.steps(db, of: id)) }
        }
        guard let (run, steps) = found else { throw SlipwayError.notFound(Ref(.pipelineRun, id)) }
        try principal.require(.readPipelines, in: run.project)
        return (run, steps)
    }

    public func runs(
        pipeline: String?, project: String?, state: String?, _ page: PageRequest, as principal: Principal
    ) async throws -> Page<PipelineRun> {
        let found = try await platform.database.read { [store] in
            try store.runs($0, pipeline: pipeline, project: project, state: state, page)
        }
        return Page(items: found.items.filter { principal.may(.readPipelines, in: $0.project) }, next: found.next)
    }

    /// Ends a run: its jobs are asked to stop, then made to.
    public func cancel(_ id: String, as principal: Principal) async throws -> PipelineRun {
        let (run, _) = try await run(id, as: principal)
        try principal.require(.runPipelines, in: run.project)
        let now = platform.clock.now()
        try await platform.database.write { [store, ledger = platform.ledger] db in
            guard let current = try store.run(db, id), !current.state.isEnd else {
                throw SlipwayError(.conflict, "The run has ended already.", ref: run.ref)
            }
            try store.setState(db, id, .cancelling, at: now, problem: nil)
            try ledger.append(db, "pipeline.run.cancelling", run.ref, project: run.project, by: principal)
        }
        return try await self.run(id, as: principal).run
    }

    /// Returns when the run has ended, or throws `deadlineExceeded`.
    public func wait(for id: String, timeoutSeconds: Double, as principal: Principal) async throws -> (
        run: PipelineRun, steps: [StepRun]
    ) {
        let start = Clock.monotonicNanoseconds()
        while true {
            let seen = platform.database.commits.count
            let found = try await run(id, as: principal)
            if found.run.state.isEnd { return found }
            let left = timeoutSeconds - Double(Clock.monotonicNanoseconds() - start) / 1e9
            guard left > 0 else {
                throw SlipwayError(
                    .deadlineExceeded, "The run is still \(found.run.state.rawValue) after \(timeoutSeconds) s.",
                    ref: found.run.ref)
            }
            await platform.database.commits.wait(after: seen, timeoutSeconds: min(left, 2))
            try Task.checkCancellation()
        }
    }

    /// Where a step's log is.
    func logPath(run: String, step: String) -> String { "\(platform.dataDirectory)/logs/pipelines/\(run)/\(step).log" }
}
