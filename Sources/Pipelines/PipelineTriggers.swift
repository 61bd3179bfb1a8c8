import Core
import Database
import Datasets
import Executors
import Ledger
import Logging
import Platform
import Synchronization

/// Starts runs without anybody asking: on schedules and on events.
struct PipelineTriggers: Sendable {
    let service: PipelinesService

    private var platform: Platform { service.platform }

    /// Every event passes here; what a pipeline waits for starts it. The event's id is the cause, so that an event that is
    /// delivered twice starts one run.
    var subscription: Subscription {
        // Read again after each change, which is an event too: most events are of runs, and start nothing.
        let known = Known()
        return Subscription("pipelines.triggers", types: []) { event in
            if event.type == "pipeline.version.created" { known.pipelines.withLock { $0 = nil } }
            let pipelines: [PipelineVersion]
            if let read = known.pipelines.withLock({ $0 }) {
                pipelines = read
            } else {
                pipelines = try await service.pipelines(project: nil, as: .system)
                known.pipelines.withLock { $0 = pipelines }
            }
            // What runs do must not start runs by accident, unless a trigger names it.
            for pipeline in pipelines where pipeline.project == event.project {
                for trigger in pipeline.definition.triggers
                where trigger.matches(eventType: event.type, subject: event.subject.description) {
                    let json: JSONValue = [
                        "id": .string(event.id), "type": .string(event.type), "subject": JSONValue(event.subject),
                        "time": JSONValue(event.time), "data": event.data,
                    ]
                    do {
                        _ = try await service.trigger(
                            pipeline.pipeline, params: try trigger.parameters(event: json), cause: "event:\(event.id)",
                            as: principal(pipeline))
                    } catch let error as SlipwayError where error.code == .invalid {
                        platform.logger.warning(
                            "An event could not start its pipeline.",
                            metadata: ["pipeline": "\(pipeline.pipeline)", "cause": "\(error.message)"])
                    }
                }
            }
        }
    }

    private final class Known: Sendable {
        let pipelines = Mutex<[PipelineVersion]?>(nil)
    }

    /// Looks at the schedules once a second, until cancelled. After a pause (a server that was down) a schedule fires once,
    /// not once for each time missed.
    func watchSchedules() async throws {
        while !Task.isCancelled {
            let now = platform.clock.now()
            do {
                for pipeline in try await service.pipelines(project: nil, as: .system) { try await fire(pipeline, now) }
            } catch {
                try Task.checkCancellation()
                platform.logger.warning("The schedules could not be looked at.", metadata: ["cause": "\(error)"])
            }
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Starts what is due. A schedule that cannot start its pipeline says so in the log and stands in nobody's way.
    func fire(_ pipeline: PipelineVersion, _ now: Timestamp) async throws {
        let schedules = pipeline.definition.triggers.compactMap { trigger -> (CronSchedule, [String: JSONValue])? in
            guard case .schedule(let schedule) = trigger.kind else { return nil }
            return (schedule, trigger.params)
        }
        guard !schedules.isEmpty else { return }
        let last = try await platform.database.write { [store = service.store] in
            try store.lastFired($0, pipeline.pipeline, now: now)
        }
        let due = schedules.compactMap { schedule, params in
            schedule.next(after: last).flatMap { $0 <= now ? (schedule, params, $0) : nil }
        }
        guard !due.isEmpty else { return }
        for (schedule, params, time) in due {
            do {
                _ = try await service.trigger(
                    pipeline.pipeline, params: params, cause: "schedule \(schedule) of \(time)",
                    as: principal(pipeline))
            } catch let error as SlipwayError {
                platform.logger.warning(
                    "A schedule could not start its pipeline.",
                    metadata: ["pipeline": "\(pipeline.pipeline)", "cause": "\(error.message)"])
            }
        }
        // Afterwards: a server that dies in between fires again, and the cause keeps that to one run.
        try await platform.database.write { [store = service.store] in
            try store.setFired($0, pipeline.pipeline, at: now)
        }
    }

    private func principal(_ pipeline: PipelineVersion) -> Principal {
        Principal(name: "pipeline-\(pipeline.project)", role: nil, grants: [pipeline.project: .mlEngineer])
    }
}
