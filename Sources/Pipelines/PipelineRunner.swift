import Core
import Database
import Datasets
import Executors
import Ledger
import Logging
import Platform
import Synchronization

/// Takes up the runs that want work and carries them to their ends. All state is in the database: a server that starts
/// again goes on where the last one stopped.
final class PipelineRunner: Sendable {
    /// Runs at the same time.
    static let runsMaximum = 4

    private let service: PipelinesService
    private let steps: StepRunner
    private let active = Mutex<Set<String>>([])

    private var platform: Platform { service.platform }

    init(service: PipelinesService) {
        self.service = service
        steps = StepRunner(service: service)
    }

    /// Clears away what an earlier server's jobs left; steps that were running wait to be run again.
    func recover() async throws {
        for executor in platform.executors.values { _ = await executor.recover() }
        steps.removeWorkFolders()
        let count = try await platform.database.write { [store = service.store] in try store.resetRunningSteps($0) }
        if count > 0 {
            platform.logger.info(
                "Pipeline steps that a stopped server left are run again.", metadata: ["steps": "\(count)"])
        }
    }

    /// Until cancelled.
    func work() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let seen = platform.database.commits.count
                let open =
                    (try? await platform.database.read { [store = service.store] in try store.open($0, limit: 100) })
                    ?? []
                for run in open {
                    let taken = active.withLock { active in
                        active.count < Self.runsMaximum && active.insert(run.id).inserted
                    }
                    guard taken else { continue }
                    group.addTask {
                        await self.carry(run)
                        _ = self.active.withLock { $0.remove(run.id) }
                    }
                }
                await platform.database.commits.wait(after: seen, timeoutSeconds: 1)
            }
        }
    }

    private func carry(_ run: PipelineRun) async {
        do {
            // The list was read a moment ago: another carrier may have ended the run since.
            let current = try await platform.database.read { [store = service.store] in try store.run($0, run.id) }
            guard let current, !current.state.isEnd else { return }
            let pipeline = try await service.pipeline(run.pipeline, version: run.version, as: .system)
            if current.state == .queued {
                let now = platform.clock.now()
                try await platform.database.write { [store = service.store] in
                    guard try store.run($0, run.id)?.state == .queued else { return }
                    try store.setState($0, run.id, .running, at: now, problem: nil)
                }
            }
            // Whichever ends first: the steps, or somebody's wish to cancel.
            let isCancelled = await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    await self.drive(run, pipeline)
                    return false
                }
                group.addTask { await self.isCancelled(run.id) }
                let first = await group.next() ?? false
                group.cancelAll()
                return first
            }
            // A server that stops leaves the run as it is, for the next one.
            if Task.isCancelled { return }
            try await finish(run, isCancelled: isCancelled)
        } catch {
            if Task.isCancelled { return }
            platform.logger.error(
                "A pipeline run could not go on.", metadata: ["run": "\(run.id)", "cause": "\(error)"])
            let now = platform.clock.now()
            _ = try? await platform.database.write { [store = service.store, ledger = platform.ledger] db in
                let problem = (error as? SlipwayError)?.message ?? "Internal error; the server's log has the rest."
                guard try store.run(db, run.id)?.state.isEnd == false else { return }
                try store.setState(db, run.id, .failed, at: now, problem: problem)
                try ledger.append(
                    db, "pipeline.run.failed", run.ref, project: run.project, by: .system,
                    data: ["problem": .string(problem)])
            }
        }
    }

    /// Returns true when the run is to be cancelled; false when this task is.
    private func isCancelled(_ id: String) async -> Bool {
        while !Task.isCancelled {
            let seen = platform.database.commits.count
            if let run = try? await platform.database.read({ [store = service.store] in try store.run($0, id) }),
                run.state == .cancelling
            {
                return true
            }
            await platform.database.commits.wait(after: seen, timeoutSeconds: 1)
        }
        return false
    }

    /// Runs steps as they become ready until none is left.
    private func drive(_ run: PipelineRun, _ pipeline: PipelineVersion) async {
        let graph = pipeline.definition.graph
        var done: [String: StepRun] = [:]
        let known =
            (try? await platform.database.read { [store = service.store] in try store.steps($0, of: run.id) }) ?? []
        for step in known where step.state.isGood || step.state == .failed || step.state == .skipped {
            done[step.step] = step
        }
        var started = Set(done.keys)
        await withTaskGroup(of: StepRun?.self) { group in
            func launch() {
                let succeeded = Set(done.values.filter(\.state.isGood).map(\.step))
                for name in graph.ready(succeeded: succeeded, started: started) {
                    guard let step = pipeline.definition.step(name) else { continue }
                    started.insert(name)
                    let results = done.mapValues(\.outputs)
                    group.addTask { await self.steps.run(step, of: run, pipeline, results: results) }
                }
            }
            launch()
            while let ended = await group.next() {
                if let ended { done[ended.step] = ended }
                if !Task.isCancelled { launch() }
            }
        }
    }

    private func finish(_ run: PipelineRun, isCancelled: Bool) async throws {
        let now = platform.clock.now()
        try await platform.database.write { [store = service.store, ledger = platform.ledger] db in
            guard try store.run(db, run.id)?.state.isEnd == false else { return }
            let steps = try store.steps(db, of: run.id)
            for step in steps where step.state == .pending || step.state == .running {
                try store.endStep(
                    db, run: run.id, step: step.step, isCancelled ? .cancelled : .skipped, outputs: [:],
                    problem: isCancelled ? nil : "A step that it waits for did not succeed.", at: now)
            }
            let failed = steps.filter { $0.state == .failed }
            let isGood = steps.allSatisfy(\.state.isGood)
            let state: PipelineRun.State = isCancelled ? .cancelled : isGood ? .succeeded : .failed
            var problem = failed.first.map { "Step \($0.step): \($0.problem ?? "failed")" }
            if state == .failed, problem == nil {
                problem = "Not all steps could be run; the server's log has the rest."
            }
            try store.setState(db, run.id, state, at: now, problem: problem)
            try ledger.append(
                db, "pipeline.run.\(state.rawValue)", run.ref, project: run.project, by: .system,
                data: ["pipeline": .string(run.pipeline), "problem": JSONValue(problem)])
        }
    }
}
