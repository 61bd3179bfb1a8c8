import Core
import Database
import Ledger
import Logging
import Objects
import Pipelines
import Platform

/// Reruns the recipe of a version and compares what comes out. The rerun is an ordinary pipeline run; its end is an event,
/// so a restart of the server in between loses nothing.
public struct ReproductionService: Sendable {
    let registry: RegistryService

    init(_ registry: RegistryService) { self.registry = registry }

    /// Starts the rerun: the same version of the pipeline with the same parameters and the same input versions, no cache.
    ///
    /// - Parameters:
    ///   - tolerance: relative, for metrics.
    ///   - keeps: whether the version that the rerun registers stays.
    /// - Throws: `unsupported` when no pipeline run made the version.
    public func start(
        _ ref: Ref, tolerance: Double = Reproduction.defaultTolerance, keeps: Bool = false, as principal: Principal
    ) async throws -> ReproductionRecord {
        guard tolerance.isFinite, tolerance >= 0 else {
            throw SlipwayError.field(
                "tolerance", "is \(tolerance)", expected: "a number of at least 0, such as 0.000001")
        }
        let version = try await registry.resolve(ref, as: principal)
        guard version.recipe.pipelineRun != nil else { throw Self.notFromPipeline(version) }
        let record = ReproductionRecord(
            id: ID.make(), key: version.key, tolerance: tolerance, keeps: keeps, state: .running, pipelineRun: nil,
            result: nil, problem: nil,
            startedBy: principal.name, created: registry.now, ended: nil)
        // Before anything is written: whether the principal may run it and whether its inputs are known.
        let (recorded, pins) = try await plan(version, as: principal)
        let pipeline = try await registry.pipelines.pipeline(
            recorded.pipeline, version: recorded.version, as: principal)
        try principal.require(.runPipelines, in: pipeline.project)
        try await registry.database.write { [registry] db in
            try registry.store.insert(db, record)
            try registry.ledger.append(
                db, "model.reproduction.started", version.ref, project: version.project, by: principal,
                data: [
                    "reproduction": .string(record.id), "recorded": JSONValue(recorded.ref), "pins": JSONValue(pins),
                ])
        }
        try await trigger(record, recorded, pins, as: principal)
        return try await find(record.id)
    }

    /// - Throws: `notFound`.
    public func reproduction(_ id: String, as principal: Principal) async throws -> ReproductionRecord {
        let record = try await find(id)
        _ = try await registry.version(modelID: record.key.modelID, record.key.version, as: principal)
        return record
    }

    /// Newest first.
    public func reproductions(of version: ModelVersion) async throws -> [ReproductionRecord] {
        try await registry.database.read { [registry] db in try registry.store.reproductions(db, version.key) }
    }

    // MARK: Parts

    private func find(_ id: String) async throws -> ReproductionRecord {
        guard let found = try await registry.database.read({ [registry] db in try registry.store.reproduction(db, id) })
        else {
            throw SlipwayError(.notFound, "There is no reproduction \(id.prefix(80)).")
        }
        return found
    }

    private static func notFromPipeline(_ version: ModelVersion) -> SlipwayError {
        let code =
            version.recipe.code.gitCommit.map {
                " Its code is commit \($0)\(version.recipe.code.entryPoint.map { ", \($0)" } ?? "")."
            } ?? ""
        return SlipwayError(
            .unsupported,
            "\(version.ref) was not made by a pipeline run, so Slipway cannot run its recipe again.\(code) Train it in a "
                + "pipeline: the runs of its steps belong to it by the tags slipway.pipelineRun and slipway.step.",
            ref: version.ref)
    }

    /// The recorded run, and the versions that its refs stood for.
    private func plan(_ version: ModelVersion, as principal: Principal) async throws -> (PipelineRun, [String: String])
    {
        guard let ref = version.recipe.pipelineRun else { throw Self.notFromPipeline(version) }
        let (run, steps) = try await registry.pipelines.run(ref.name, as: principal)
        let pipeline = try await registry.pipelines.pipeline(run.pipeline, version: run.version, as: principal)
        let inputs = try await registry.exactInputs(of: run, steps, pipeline, as: principal)
        return (
            run,
            Dictionary(inputs.filter { $0.written != $0.exact }.map { ($0.written.description, $0.exact.description) })
            { a, _ in a }
        )
    }

    private func trigger(
        _ record: ReproductionRecord, _ run: PipelineRun, _ pins: [String: String], as principal: Principal
    ) async throws {
        do {
            let rerun = try await registry.pipelines.trigger(
                run.pipeline, version: run.version, params: run.params, cause: record.cause, pins: pins,
                usesCache: false, as: principal)
            try await registry.database.write { [registry] db in
                try registry.store.setRun(db, reproduction: record.id, rerun.id)
            }
            // A quick run may have ended before its id was written down.
            if try await registry.pipelines.run(rerun.id, as: .system).run.state.isEnd {
                try await finish(pipelineRun: rerun.id)
            }
        } catch let error as SlipwayError {
            try await end(record, .failed, nil, problem: error.message)
            throw error
        }
    }

    /// Asks again for runs that an earlier process noted and did not ask for.
    func recover() async throws {
        let unstarted = try await registry.database.read { [registry] db in
            try registry.store.unstartedReproductions(db)
        }
        for record in unstarted {
            do {
                let version = try await registry.version(modelID: record.key.modelID, record.key.version, as: .system)
                let (run, pins) = try await plan(version, as: .system)
                try await trigger(record, run, pins, as: .system)
            } catch {
                registry.platform.logger.warning(
                    "A reproduction could not go on.", metadata: ["reproduction": "\(record.id)", "cause": "\(error)"])
                try await end(
                    record, .failed, nil,
                    problem: (error as? SlipwayError)?.message ?? "It could not go on after a restart.")
            }
        }
    }

    /// Compares, once the rerun has ended. Runs that reproduce nothing are passed over.
    func finish(pipelineRun id: String) async throws {
        guard
            let record = try await registry.database.read({ [registry] db in
                try registry.store.reproduction(db, pipelineRun: id)
            })
        else { return }
        let (run, _) = try await registry.pipelines.run(id, as: .system)
        guard run.state.isEnd else { return }
        guard run.state == .succeeded else {
            return try await end(
                record, .failed, nil,
                problem: "The rerun \(run.ref) \(run.state.rawValue)\(run.problem.map { ": \($0)" } ?? ".")")
        }
        let original: ModelVersion
        do { original = try await registry.version(modelID: record.key.modelID, record.key.version, as: .system) } catch
        {
            return try await end(record, .failed, nil, problem: "The version was deleted meanwhile.")
        }
        let rerun = try await registry.database.read { [registry] db in
            try registry.store.version(
                db, registry.store.model(db, original.name), madeBy: id, step: original.recipe.step)
        }
        guard let rerun else {
            return try await end(
                record, .failed, nil, problem: "The rerun \(run.ref) registered no version of \(original.name).")
        }
        let comparison = Reproduction(
            recorded: try await outcome(original), rerun: try await outcome(rerun), tolerance: record.tolerance)
        try await end(record, .finished, comparison, problem: nil, original: original, rerun: rerun)
    }

    private func outcome(_ version: ModelVersion) async throws -> Reproduction.Outcome {
        let files = try await registry.files(of: version)
        return Reproduction.Outcome(
            files: Dictionary(files.map { ($0.path, $0.object.digest) }) { a, _ in a }, metrics: version.recipe.metrics)
    }

    private func end(
        _ record: ReproductionRecord, _ state: ReproductionRecord.State, _ comparison: Reproduction?, problem: String?,
        original: ModelVersion? = nil, rerun: ModelVersion? = nil
    ) async throws {
        let now = registry.now
        try await registry.database.write { [registry] db in
            let store = registry.store
            guard try store.end(db, reproduction: record.id, state, result: comparison?.json, problem: problem, at: now)
            else { return }
            guard let name = try store.name(db, id: record.key.modelID) else { return }
            let model = try store.model(db, name)
            let subject = Ref(.model, name, version: record.key.version)
            try registry.ledger.append(
                db, state == .finished ? "model.reproduced" : "model.reproduction.failed", subject,
                project: model.project, by: .system,
                data: [
                    "reproduction": .string(record.id),
                    "pipelineRun": JSONValue(record.pipelineRun.map { Ref(.pipelineRun, $0).description }),
                    "result": comparison?.json ?? .null, "problem": JSONValue(problem),
                ])
            // The rerun's own version has served its purpose, unless somebody has found a use for it meanwhile.
            if let rerun, !record.keeps, rerun.key != record.key,
                try store.version(db, model, rerun.version).aliases.isEmpty
            {
                try registry.dropFiles(db, rerun.key)
                try store.delete(db, rerun.key, at: now)
                try registry.ledger.append(
                    db, "model.version.deleted", rerun.ref, project: model.project, by: .system,
                    data: ["reproduction": .string(record.id)])
            }
        }
    }
}
