import Access
import Core
import Database
import Datasets
import Executors
import Ledger
import Logging
import Objects
import Platform
import Transport

/// Runs one step: finds its inputs, looks for an equal earlier one, runs the job, keeps what it made.
struct StepRunner: Sendable {
    let service: PipelinesService
    private let files = BlockingPool(name: "steps", threads: 2)
    /// Jobs at the same time; a step that waits for its turn is still pending.
    private let turns = Turns(count: 2)

    private var platform: Platform { service.platform }
    private var store: PipelinesStore { service.store }

    init(service: PipelinesService) { self.service = service }

    /// nil when the task was cancelled: then the step's state is for others to settle.
    func run(
        _ step: PipelineStep, of run: PipelineRun, _ pipeline: PipelineVersion, results: [String: [String: StepResult]]
    ) async -> StepRun? {
        do {
            guard await turns.take() else { return nil }
            defer { turns.give() }
            if Task.isCancelled { return nil }
            let plan = try await plan(step, of: run, pipeline, results: results)
            if run.usesCache, step.cache, let earlier = try await cached(plan, run) { return earlier }
            var attempt = 0
            while true {
                let outcome = try await self.attempt(plan, step, of: run, pipeline)
                if Task.isCancelled { return nil }
                attempt += 1
                if case .success(let done) = outcome { return done }
                guard case .failure(let problem) = outcome else { return nil }
                if attempt > step.retries { return try await fail(run, step, problem.message, usage: problem.usage) }
                platform.logger.info(
                    "A step is tried again.",
                    metadata: ["run": "\(run.id)", "step": "\(step.name)", "problem": "\(problem.message)"])
                try await Task.sleep(for: .seconds(min(30, 1 << attempt)))
            }
        } catch {
            if Task.isCancelled { return nil }
            let message = (error as? SlipwayError)?.message ?? "Internal error; the server's log has the rest."
            platform.logger.warning(
                "A step failed.", metadata: ["run": "\(run.id)", "step": "\(step.name)", "cause": "\(error)"])
            return try? await fail(run, step, message, usage: nil)
        }
    }

    // MARK: Before the job

    /// A step with everything about it settled.
    private struct Plan {
        let resolved: ResolvedStep
        let recipe: StepRecipe
        /// The exact versions that stand for the refs of the definition.
        let refs: [String: Ref]
        let inputs: [String: Input]
        let python: PythonEnvironment?
        let principal: Principal
    }

    private enum Input {
        case result(StepResult)
        case ref(Ref)
    }

    private func plan(
        _ step: PipelineStep, of run: PipelineRun, _ pipeline: PipelineVersion, results: [String: [String: StepResult]]
    ) async throws -> Plan {
        let resolved = try step.resolved(run.params)
        let principal = Principal(name: "pipeline-\(run.project)", role: nil, grants: [run.project: .mlEngineer])
        var digests: [String: Digest] = [:]
        var refs: [String: Ref] = [:]
        var inputs: [String: Input] = [:]
        for (name, source) in resolved.inputs {
            switch source {
            case .step(let other, let output):
                guard let result = results[other]?[output] else {
                    throw SlipwayError.field(
                        "steps.\(step.name).inputs.\(name)", "the step \(other) left no output \(output)")
                }
                digests[name] = result.digest
                inputs[name] = .result(result)
            case .ref(let written):
                let ref = try run.pins[written.description].map { try Ref(parsing: $0) } ?? written
                if ref.kind == .dataset || ref.kind == .slice {
                    let (exact, digest) = try await service.datasets.pin(ref, as: principal)
                    (refs[name], digests[name], inputs[name]) = (exact, digest, .ref(exact))
                } else if service.provider(ref.kind) != nil {
                    // What such a ref holds is known when it is put into the folder; its text stands for it here.
                    (refs[name], digests[name], inputs[name]) = (ref, Digest.of(ref.description), .ref(ref))
                } else {
                    throw SlipwayError.field("steps.\(step.name).inputs.\(name)", "\(ref) cannot be an input of a step")
                }
            }
        }
        let python = try pythonEnvironment(step)
        let recipe = StepRecipe(
            resolved, code: pipeline.codeDigest,
            environment: python.map { Digest.of($0.distributions.joined(separator: "\n")).hex },
            inputs: digests)
        return Plan(
            resolved: resolved, recipe: recipe, refs: refs, inputs: inputs, python: python, principal: principal)
    }

    private func pythonEnvironment(_ step: PipelineStep) throws -> PythonEnvironment? {
        let known = platform.pythonEnvironments
        guard let name = step.environment else { return try known["default"].map { try PythonEnvironment(path: $0) } }
        guard let path = known[name] else {
            throw SlipwayError.field(
                "steps.\(step.name).environment", "the server has no Python environment '\(name.prefix(80))'",
                expected: known.isEmpty
                    ? "none; start the server with --python NAME=FOLDER" : known.keys.sorted().joined(separator: ", "))
        }
        return try PythonEnvironment(path: path)
    }

    private func cached(_ plan: Plan, _ run: PipelineRun) async throws -> StepRun? {
        let now = platform.clock.now()
        let recipe = plan.recipe
        let name = plan.resolved.name
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            guard let earlier = try store.cached(db, recipe: recipe.digest), earlier.run != run.id else { return nil }
            try store.noteRecipe(db, run: run.id, step: name, recipe: recipe, at: now)
            try store.endStep(
                db, run: run.id, step: name, .cached, outputs: earlier.outputs, cachedFrom: earlier.run,
                usage: earlier.usage, at: now)
            for ref in plan.refs.values { try ledger.link(db, run.ref, madeFrom: ref, "input") }
            return try store.steps(db, of: run.id).first { $0.step == name }
        }
    }

    // MARK: The job

    private enum Attempt {
        case success(StepRun?)
        case failure(Problem)
        case cancelled
    }

    private struct Problem: Error {
        let message: String
        let usage: JSONValue?
    }

    private func attempt(_ plan: Plan, _ step: PipelineStep, of run: PipelineRun, _ pipeline: PipelineVersion)
        async throws -> Attempt
    {
        guard let executor = platform.executors["process"] else {
            throw SlipwayError(.unavailable, "There is no executor for steps.")
        }
        let now = platform.clock.now()
        let lifetime = step.timeoutSeconds + 120
        let started = try await platform.database.write {
            [store, access = platform.access] db -> (number: Int, token: (id: String, text: Secret<String>)) in
            let number = try store.startStep(db, run: run.id, step: step.name, recipe: plan.recipe, at: now)
            let token = try access.issueStepToken(
                db, account: plan.principal.name, role: .mlEngineer, project: run.project, lifetimeSeconds: lifetime)
            return (number, token)
        }
        let work = WorkFolder(path: "\(stepsFolder)/\(run.id)-\(step.name)-\(started.number)")
        defer { work.remove() }
        let result: JobResult
        do {
            try await prepare(work, plan, step, pipeline)
            let spec = try self.spec(
                work, plan, step, of: run, pipeline, token: started.token.text, attempt: started.number)
            result = try await executor.run(spec)
        } catch {
            try? await platform.access.endStepToken(started.token.id)
            throw error
        }
        try? await platform.access.endStepToken(started.token.id)
        if Task.isCancelled { return .cancelled }
        let usage: JSONValue = [
            "wallSeconds": .number(result.usage.wallSeconds), "cpuSeconds": .number(result.usage.cpuSeconds),
            "peakMemoryBytes": .int(result.usage.peakMemoryBytes), "sandbox": .string(result.confinement.sandbox),
            "memoryLimit": .string(result.confinement.memory.rawValue),
        ]
        guard result.outcome.isSuccess else {
            return result.outcome == .cancelled
                ? .cancelled : .failure(Problem(message: result.outcome.description, usage: usage))
        }
        do {
            return .success(try await keep(work, plan, step, of: run, usage: usage))
        } catch let error as SlipwayError where error.code == .invalid || error.code == .tooLarge {
            return .failure(Problem(message: error.message, usage: usage))
        }
    }

    private var stepsFolder: String { platform.dataDirectory + "/tmp/steps" }

    /// Removes what a server that was killed left of its work.
    func removeWorkFolders() { WorkFolder(path: stepsFolder).remove() }

    private func prepare(_ work: WorkFolder, _ plan: Plan, _ step: PipelineStep, _ pipeline: PipelineVersion)
        async throws
    {
        try work.make()
        for name in step.outputs.keys { try work.makeFolder("outputs/\(name)") }
        for (name, input) in plan.inputs {
            let folder = try work.makeFolder("inputs/\(name)")
            switch input {
            case .result(let result): try await materialize(result.manifest, to: folder)
            case .ref(let ref) where ref.kind == .dataset || ref.kind == .slice:
                _ = try await service.datasets.materialize(ref, to: folder, as: plan.principal)
            case .ref(let ref):
                guard let provider = service.provider(ref.kind) else { throw SlipwayError.notFound(ref) }
                _ = try await provider(ref, folder, plan.principal)
            }
        }
        if let manifest = pipeline.codeManifest { try await materialize(manifest, to: try work.makeFolder("code")) }
    }

    /// Puts a manifest's files into a folder.
    func materialize(_ manifest: String, to folder: String) async throws {
        var page = PageRequest(limit: 1000)
        while true {
            let current = page
            let found = try await platform.database.read { try Manifests.entries($0, manifest, current) }
            for entry in found.items {
                let path = try await platform.objects.localPath(entry.object.digest)
                try await files.run { _ in try WorkFolder.place(path, at: entry.path, in: folder) }
            }
            guard let next = found.next else { return }
            page = PageRequest(limit: 1000, after: next)
        }
    }

    private func spec(
        _ work: WorkFolder, _ plan: Plan, _ step: PipelineStep, of run: PipelineRun, _ pipeline: PipelineVersion,
        token: Secret<String>, attempt: Int
    ) throws -> JobSpec {
        let log = service.logPath(run: run.id, step: step.name)
        try WorkFolder.makeParents(of: log)
        var spec = JobSpec(
            id: "\(run.id)-\(step.name)-\(attempt)", command: plan.resolved.command,
            code: pipeline.codeManifest == nil ? nil : work.path + "/code",
            inputs: plan.inputs.keys.sorted().map { .init(name: $0, hostPath: "\(work.path)/inputs/\($0)") },
            outputs: step.outputs.keys.sorted().map { .init(name: $0, hostPath: "\(work.path)/outputs/\($0)") },
            files: [.init(name: "params.json", hostPath: work.path + "/params.json")],
            readOnlyPaths: plan.python?.readOnlyPaths ?? [], network: step.network, memoryBytes: step.memoryBytes,
            cpuCount: step.cpuCount, timeoutSeconds: step.timeoutSeconds, logPath: log)
        spec.startsInCode = true
        func places(_ names: some Sequence<String>, _ place: (String) -> String?) -> [String: String] {
            Dictionary(names.compactMap { name in place(name).map { (name, $0) } }) { a, _ in a }
        }
        let environment = StepEnvironment(
            inputs: places(plan.inputs.keys) { spec.path(ofInput: $0) },
            outputs: places(step.outputs.keys) { spec.path(ofOutput: $0) },
            params: plan.resolved.params, paramsPath: spec.path(ofFile: "params.json") ?? "",
            serverURL: platform.localURL, token: token,
            project: run.project, run: run.id, experiment: pipeline.definition.experiment,
            variables: plan.resolved.variables)
        try work.write(environment.paramsFile, to: "params.json")
        spec.environment = environment.all
        if let python = plan.python { spec.environment["PATH"] = "\(python.binFolder):/usr/local/bin:/usr/bin:/bin" }
        if let code = spec.codePath { spec.environment["PYTHONPATH"] = code }
        return spec
    }

    // MARK: After the job

    private func keep(_ work: WorkFolder, _ plan: Plan, _ step: PipelineStep, of run: PipelineRun, usage: JSONValue)
        async throws -> StepRun?
    {
        var entries: [String: [(path: RelativePath, object: ObjectInfo)]] = [:]
        var refs: [String: Ref] = [:]
        for (name, output) in plan.resolved.outputs.sorted(by: { $0.key < $1.key }) {
            let folder = "\(work.path)/outputs/\(name)"
            let found = try await files.run { _ in try OutputCollector.walk(folder) }
            var kept: [(path: RelativePath, object: ObjectInfo)] = []
            for file in found {
                kept.append((file.path, try await platform.objects.put(file: file.hostPath, move: false)))
            }
            entries[name] = kept
            if case .dataset(let dataset) = output {
                let recipe = Recipe(
                    kind: "step", inputs: plan.refs.values.map(\.description).sorted(),
                    details: [
                        "pipelineRun": .string(run.id), "step": .string(step.name),
                        "recipe": .string(plan.recipe.digest.hex),
                    ])
                let version = try await service.datasets.commitFolder(
                    dataset, project: run.project, paths: found.map(\.hostPath).filter { $0.hasSuffix(".parquet") },
                    recipe: recipe,
                    parents: [run.ref] + plan.refs.values, message: "\(run.pipeline) step \(step.name)",
                    as: plan.principal)
                refs[name] = version.ref
            }
        }
        let (files, made) = (entries, refs)
        let now = platform.clock.now()
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            var results: [String: StepResult] = [:]
            for (name, kept) in files {
                let manifest = try Manifests.create(db, owner: run.ref)
                try Manifests.setMany(db, manifest, kept)
                results[name] = StepResult(
                    manifest: manifest, digest: PipelinesService.digest(of: kept), ref: made[name])
                if case .model(let model)? = plan.resolved.outputs[name] {
                    try ledger.append(
                        db, "pipeline.model.produced", run.ref, project: run.project, by: plan.principal,
                        data: [
                            "model": .string(model), "manifest": .string(manifest), "step": .string(step.name),
                            "output": .string(name),
                        ])
                }
            }
            try store.endStep(db, run: run.id, step: step.name, .succeeded, outputs: results, usage: usage, at: now)
            for ref in plan.refs.values { try ledger.link(db, run.ref, madeFrom: ref, "input") }
            return try store.steps(db, of: run.id).first { $0.step == step.name }
        }
    }

    private func fail(_ run: PipelineRun, _ step: PipelineStep, _ message: String, usage: JSONValue?) async throws
        -> StepRun?
    {
        let now = platform.clock.now()
        return try await platform.database.write { [store] db in
            try store.endStep(
                db, run: run.id, step: step.name, .failed, outputs: [:], problem: message, usage: usage, at: now)
            return try store.steps(db, of: run.id).first { $0.step == step.name }
        }
    }
}
