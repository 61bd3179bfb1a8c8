import Core
import Database
import Ledger
import Logging
import Pipelines
import Platform
import Web

extension MonitoringService {
    /// A report, and what followed from it.
    public struct Evaluation: Sendable {
        public let report: Report
        /// The monitor's alert that is active after it.
        public let alert: Alert?
        /// The pipeline that it asked for.
        public let start: PipelineStart?

        public var json: JSONValue {
            var fields = report.json.objectValue ?? [:]
            fields["alert"] = JSONValue(alert?.ref.description)
            fields["pipelineStart"] = start?.json ?? .null
            return .object(fields)
        }
    }

    /// Evaluates the window that ends at `at`, and acts on what it finds: the report, the alert, its event and the request
    /// for the pipeline are one transaction. The pipeline is then started at once; if that fails for a while it is tried
    /// again in the background.
    ///
    /// - Parameter at: nil for now. A time before the newest report's is a back-fill: it is reported and changes no alert.
    public func evaluate(_ name: String, at: Timestamp?, as principal: Principal) async throws -> Evaluation {
        let monitor = try await monitor(name, as: principal)
        try principal.require(.evaluateMonitors, in: monitor.project)
        let now = platform.clock.now()
        let end = at ?? now
        let started = Clock.monotonicNanoseconds()
        let findings = try await WindowReader(source: source).read(monitor, at: end)
        let report = Report(id: ID.make(at: now), monitor: monitor, at: end, created: now, findings: findings)
        let outcome = try await platform.database.write { try record($0, report, of: monitor, by: principal) }
        platform.prometheus.count(
            "slipway_monitoring_evaluations_total", help: "Evaluations of monitors.",
            labels: [("status", report.status.rawValue)])
        platform.prometheus.observe(
            "slipway_monitoring_evaluation_seconds", help: "How long an evaluation takes.",
            seconds: Double(Clock.monotonicNanoseconds() - started) / 1e9)
        guard let start = outcome.start else { return outcome }
        return Evaluation(report: report, alert: outcome.alert, start: await carryOut(start))
    }

    private func record(_ db: any Transaction, _ report: Report, of monitor: Monitor, by principal: Principal) throws
        -> Evaluation
    {
        let active = try alerts.active(db, monitor.name)
        let step = AlertStep.after(
            report.status, at: report.at, newest: try monitors.newest(db, monitor.name), active: active?.state,
            lastStart: try alerts.lastStart(db, monitor.name), action: monitor.spec.onDrift)
        let summary = Self.summary(report.crossings)
        var current = active?.id
        switch step.change {
        case .none: break
        case .open:
            let alert = Alert(
                id: ID.make(), monitor: monitor.name, version: monitor.version, project: monitor.project, state: .open,
                opened: report.at, lastSeen: report.at, resolved: nil, report: report.id, summary: summary,
                acknowledgedBy: nil,
                comment: nil, starts: [])
            try alerts.insert(db, alert)
            try platform.ledger.link(db, alert.ref, madeFrom: monitor.ref, "raised-by")
            current = alert.id
        case .renew:
            if let current { try alerts.renew(db, current, at: report.at, report: report.id, summary: summary) }
        case .resolve:
            if let active { try resolve(db, active, report, by: principal) }
            current = nil
        }
        try monitors.insert(db, report, alert: current)
        var start: PipelineStart?
        if step.isAnnounced, let current {
            start = try announce(db, current, report, of: monitor, step, summary: summary, by: principal)
        }
        return Evaluation(report: report, alert: try current.flatMap { try alerts.alert(db, $0) }, start: start)
    }

    private func resolve(_ db: any Transaction, _ alert: Alert, _ report: Report, by principal: Principal) throws {
        try alerts.resolve(db, alert.id, at: report.at)
        try platform.ledger.append(
            db, "monitor.alert.resolved", Ref(.monitor, alert.monitor), project: alert.project, by: principal,
            data: ["alert": JSONValue(alert.ref), "report": .string(report.id), "reason": "a later report was fine"])
    }

    /// Writes the event, and with it the wish for the pipeline.
    private func announce(
        _ db: any Transaction, _ alert: String, _ report: Report, of monitor: Monitor, _ step: AlertStep,
        summary: String,
        by principal: Principal
    ) throws -> PipelineStart? {
        let action = step.startsPipeline ? monitor.spec.onDrift : nil
        let event = try platform.ledger.append(
            db, "monitor.alert", Ref(.monitor, monitor.name), project: monitor.project, by: principal,
            data: [
                "alert": JSONValue(Ref(.alert, alert)), "version": JSONValue(monitor.version),
                "endpoint": .string(monitor.spec.endpoint),
                "at": JSONValue(report.at), "report": .string(report.id), "summary": .string(summary),
                "crossed": .array(report.crossings.map(\.json)), "repeated": .bool(step.change == .renew),
                "pipeline": JSONValue(action?.pipeline),
            ])
        // Lineage runs from the pipeline's run over the event, its cause, to the alert.
        try platform.ledger.link(db, Ref(.event, event.id), madeFrom: Ref(.alert, alert), "announces")
        guard let action else { return nil }
        let start = PipelineStart(
            event: event.id, alert: alert, monitor: monitor.name, project: monitor.project, pipeline: action.pipeline,
            params: action.params, at: report.at, state: .requested, run: nil, problem: nil)
        try alerts.insert(db, start)
        return start
    }

    static func summary(_ crossings: [Crossing]) -> String {
        let shown = crossings.prefix(5).map(\.text).joined(separator: "; ")
        return crossings.count > 5 ? "\(shown); and \(crossings.count - 5) more" : shown
    }

    // MARK: Starting pipelines

    /// Starts the pipeline that an alert asked for. The event is the cause, and one cause starts one run of a pipeline: trying
    /// again is harmless, and a trigger of the pipeline's own on the same event gives the same run.
    @discardableResult
    func carryOut(_ start: PipelineStart) async -> PipelineStart {
        let principal = Principal(
            name: "monitor-\(start.monitor)", role: nil, grants: [start.project: .mlEngineer],
            scopes: [Permission.readPipelines.name, Permission.runPipelines.name])
        var (state, run, problem): (PipelineStart.State, String?, String?) = (.requested, nil, nil)
        do {
            run = try await pipelines.trigger(
                start.pipeline, params: start.params, cause: Ref(.event, start.event).description, as: principal
            ).id
            state = .started
        } catch {
            // What the pipeline refuses now it refuses later too; anything else may pass.
            let refusal = (error as? SlipwayError).flatMap {
                [.invalid, .notFound, .forbidden].contains($0.code) ? $0 : nil
            }
            state = refusal == nil ? .requested : .failed
            problem = (error as? SlipwayError)?.message ?? "The pipeline could not be started; it is tried again."
            platform.logger.warning(
                "An alert could not start its pipeline.",
                metadata: ["monitor": "\(start.monitor)", "pipeline": "\(start.pipeline)", "cause": "\(error)"])
        }
        let result = PipelineStart(
            event: start.event, alert: start.alert, monitor: start.monitor, project: start.project,
            pipeline: start.pipeline,
            params: start.params, at: start.at, state: state, run: run, problem: problem)
        _ = try? await platform.database.write { [alerts] db in
            try alerts.update(db, result.event, result.state, run: result.run, problem: result.problem)
        }
        return result
    }

    /// Carries out what an earlier process, or a failure, has left.
    func carryOutRequested() async throws {
        for start in try await platform.database.read({ [alerts] in try alerts.requested($0) }) {
            await carryOut(start)
        }
    }

    // MARK: By itself

    /// Evaluates the monitors whose turn has come, until cancelled.
    func watch() async throws {
        while !Task.isCancelled {
            do {
                try await evaluateDue()
                try await carryOutRequested()
            } catch {
                try Task.checkCancellation()
                platform.logger.warning(
                    "Monitors could not be looked at; they are again soon.", metadata: ["cause": "\(error)"])
            }
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// One round. A monitor that fails keeps its turns; the log says why.
    func evaluateDue() async throws {
        let now = platform.clock.now()
        for name in try await platform.database.read({ [monitors] in try monitors.due($0, at: now) }) {
            try Task.checkCancellation()
            guard let monitor = try await platform.database.read({ [monitors] in try monitors.monitor($0, name) })
            else { continue }
            // After a pause it is evaluated once, not once for each time missed.
            let next = monitor.spec.everySeconds.map { now.adding(seconds: $0) }
            try await platform.database.write { [monitors] in try monitors.setNext($0, name, next) }
            do {
                _ = try await evaluate(name, at: now, as: .system)
            } catch {
                platform.logger.warning(
                    "A monitor could not be evaluated.", metadata: ["monitor": "\(name)", "cause": "\(error)"])
            }
        }
    }
}
