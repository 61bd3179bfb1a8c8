import Core

/// Something that somebody should look at: raised when a monitor finds drift, active until a later report is fine.
public struct Alert: Sendable, Hashable {
    public enum State: String, Sendable, CaseIterable {
        case open
        /// Somebody has taken it on: it neither repeats itself nor starts pipelines.
        case acknowledged
        /// A later report was fine, or the monitor was changed.
        case resolved
    }

    public let id: String
    public let monitor: String
    public let version: Int
    public let project: String
    public let state: State
    /// Times of evaluations: of the report that raised it, and of the newest that agreed.
    public let opened: Timestamp
    public let lastSeen: Timestamp
    /// Time of the evaluation, or of the monitor's change.
    public let resolved: Timestamp?
    /// The newest report that found drift.
    public let report: String
    /// What was crossed then, in words.
    public let summary: String
    public let acknowledgedBy: String?
    public let comment: String?
    /// The pipeline starts that it asked for, oldest first.
    public let starts: [PipelineStart]

    public var ref: Ref { Ref(.alert, id) }

    public var json: JSONValue {
        [
            "id": .string(id), "ref": JSONValue(ref), "monitor": .string(monitor), "version": JSONValue(version),
            "project": .string(project), "state": .string(state.rawValue), "opened": JSONValue(opened),
            "lastSeen": JSONValue(lastSeen), "resolved": resolved.map { JSONValue($0) } ?? .null,
            "report": .string(report),
            "summary": .string(summary), "acknowledgedBy": JSONValue(acknowledgedBy), "comment": JSONValue(comment),
            "pipelineStarts": .array(starts.map(\.json)),
        ]
    }
}

/// A pipeline that a monitor asked for. It is recorded with the alert, in one transaction, and carried out after it.
public struct PipelineStart: Sendable, Hashable {
    public enum State: String, Sendable {
        /// To be tried (again).
        case requested
        case started
        /// Refused by the pipeline; `problem` says why.
        case failed
    }

    /// The `monitor.alert` event. It is the run's cause, and a cause starts one run, however often it is tried.
    public let event: String
    public let alert: String
    public let monitor: String
    public let project: String
    public let pipeline: String
    public let params: [String: JSONValue]
    public let at: Timestamp
    public let state: State
    public let run: String?
    public let problem: String?

    public var json: JSONValue {
        [
            "event": JSONValue(Ref(.event, event)), "pipeline": .string(pipeline), "at": JSONValue(at),
            "state": .string(state.rawValue), "run": JSONValue(run.map { Ref(.pipelineRun, $0).description }),
            "runId": JSONValue(run), "problem": JSONValue(problem),
        ]
    }
}

/// What follows from a report.
struct AlertStep: Hashable {
    enum Change: Hashable {
        case none
        case open
        /// The active alert is still true.
        case renew
        case resolve
    }

    var change = Change.none
    /// Whether a `monitor.alert` is written to the ledger.
    var isAnnounced = false
    var startsPipeline = false

    /// - Parameters:
    ///   - at: the evaluation's time; all times here are evaluation times, so a replay of last year behaves as last year.
    ///   - newest: the time of the newest report before this one. A report on the past (a back-fill) changes no alert.
    ///   - active: the state of the monitor's alert that is not resolved.
    ///   - lastStart: when a pipeline was last asked for by this monitor.
    static func after(
        _ status: Report.Status, at: Timestamp, newest: Timestamp?, active: Alert.State?, lastStart: Timestamp?,
        action: MonitorSpec.DriftAction?
    ) -> AlertStep {
        if let newest, newest > at { return AlertStep() }
        switch status {
        case .insufficientData: return AlertStep()
        case .ok: return AlertStep(change: active == nil ? .none : .resolve)
        case .drift: break
        }
        if active == .acknowledged { return AlertStep(change: .renew) }
        let starts =
            action.map { action in
                lastStart.map { at > $0 && at >= $0.adding(seconds: action.minimumSeconds) } ?? true
            } ?? false
        return active == .open
            ? AlertStep(change: .renew, isAnnounced: starts, startsPipeline: starts)
            : AlertStep(change: .open, isAnnounced: true, startsPipeline: starts)
    }
}
