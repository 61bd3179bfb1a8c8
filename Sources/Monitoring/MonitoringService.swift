import Core
import Database
import Datasets
import Ledger
import Pipelines
import Platform
import Projects

extension Permission {
    public static let readMonitors = Permission("monitors.read", .readers)
    public static let writeMonitors = Permission("monitors.write", .makers.union(Set<Role>.operators))
    public static let evaluateMonitors = Permission("monitors.evaluate", .makers.union(Set<Role>.operators))
    public static let acknowledgeAlerts = Permission("alerts.acknowledge", .makers.union(Set<Role>.operators))
}

/// Monitors: what the predictions of an endpoint look like beside a reference, how good they turned out to be, and what
/// happens when they drift.
public struct MonitoringService: Sendable {
    let platform: Platform
    let datasets: DatasetsService
    let pipelines: PipelinesService
    let source: PredictionSource
    /// The project of an endpoint that the principal may see.
    let endpointProject: @Sendable (_ endpoint: String, _ principal: Principal) async throws -> String
    let monitors = MonitorStore()
    let alerts = AlertStore()

    // MARK: Monitors

    /// Makes a monitor or its next version, with a reference built now. The same specification over the same rows changes
    /// nothing. A new version resolves the alert of the one before: it was about another reference.
    ///
    /// - Throws: `notFound` for an endpoint, a reference or a pipeline that is not there; `conflict` when the name belongs to
    ///   another project; `invalid` when the endpoint or the pipeline does.
    public func put(_ name: String, _ spec: MonitorSpec, project: String, as principal: Principal) async throws
        -> Monitor
    {
        try principal.require(.writeMonitors, in: project)
        try Name.validate(name)
        try await check(spec, project: project, as: principal)
        let builder = ReferenceBuilder(datasets: datasets)
        let basis = try await builder.basis(spec.reference, as: principal)
        let known = try await platform.database.read { [monitors] in try monitors.monitor($0, name) }
        if let known, known.project == project, known.spec == spec, basis.isBasis(of: known.reference) { return known }
        let reference = try await builder.build(basis, features: spec.features, as: principal)
        let now = platform.clock.now()
        return try await platform.database.write { [monitors, alerts, ledger = platform.ledger] db in
            try ProjectsStore().require(db, project)
            let newest = try monitors.monitor(db, name)
            if let newest, newest.project != project {
                throw SlipwayError(
                    .conflict, "The monitor \(name) belongs to the project \(newest.project).", ref: newest.ref)
            }
            let monitor = Monitor(
                name: name, version: (newest?.version ?? 0) + 1, project: project, spec: spec, reference: reference,
                author: principal.name, created: now)
            try monitors.insert(db, monitor, next: spec.everySeconds.map { now.adding(seconds: $0) })
            if let alert = try alerts.active(db, name) {
                try alerts.resolve(db, alert.id, at: now)
                try ledger.append(
                    db, "monitor.alert.resolved", Ref(.monitor, name), project: project, by: principal,
                    data: ["alert": JSONValue(alert.ref), "reason": "the monitor was changed"])
            }
            try ledger.append(
                db, "monitor.version.created", monitor.ref, project: project, by: principal,
                data: ["endpoint": .string(spec.endpoint), "reference": JSONValue(reference.dataset)])
            try ledger.link(db, monitor.ref, madeFrom: reference.dataset, "reference")
            if let slice = reference.slice { try ledger.link(db, monitor.ref, madeFrom: slice, "reference") }
            try ledger.link(db, monitor.ref, madeFrom: Ref(.endpoint, spec.endpoint), "watches")
            return monitor
        }
    }

    private func check(_ spec: MonitorSpec, project: String, as principal: Principal) async throws {
        let owner = try await endpointProject(spec.endpoint, principal)
        guard owner == project else {
            throw SlipwayError.field(
                "endpoint", "\(spec.endpoint) belongs to the project \(owner), not to \(project)",
                expected: "an endpoint of the same project")
        }
        guard let action = spec.onDrift else { return }
        let pipeline = try await pipelines.pipeline(action.pipeline, version: nil, as: principal)
        guard pipeline.project == project else {
            throw SlipwayError.field(
                "onDrift.pipeline", "\(action.pipeline) belongs to the project \(pipeline.project), not to \(project)",
                expected: "a pipeline of the same project")
        }
        try principal.require(.runPipelines, in: project)
        _ = try PipelineParameter.resolve(pipeline.definition.params, given: action.params)
    }

    public func monitor(_ name: String, version: Int? = nil, as principal: Principal) async throws -> Monitor {
        guard
            let monitor = try await platform.database.read({ [monitors] in
                try monitors.monitor($0, name, version: version)
            })
        else {
            throw SlipwayError.notFound(
                Ref(.monitor, name, selector: version.map(String.init)),
                hint: "'slipway monitor list' shows what there is.")
        }
        try principal.require(.readMonitors, in: monitor.project)
        return monitor
    }

    /// A monitor's newest version and where it stands.
    public func state(_ name: String, as principal: Principal) async throws -> MonitorState {
        let monitor = try await monitor(name, as: principal)
        return try await platform.database.read { [monitors] in try monitors.state($0, monitor) }
    }

    public func states(project: String?, endpoint: String?, _ page: PageRequest, as principal: Principal) async throws
        -> Page<MonitorState>
    {
        let found = try await platform.database.read { [monitors] in
            try monitors.states($0, project: project, endpoint: endpoint, page)
        }
        return Page(
            items: found.items.filter { principal.may(.readMonitors, in: $0.monitor.project) }, next: found.next)
    }

    // MARK: Reports

    /// Newest first.
    public func reports(_ name: String, status: Report.Status?, _ page: PageRequest, as principal: Principal)
        async throws -> Page<JSONValue>
    {
        _ = try await monitor(name, as: principal)
        return try await platform.database.read { [monitors] in try monitors.reports($0, name, status: status, page) }
    }

    public func report(_ name: String, id: String, as principal: Principal) async throws -> JSONValue {
        _ = try await monitor(name, as: principal)
        guard let report = try await platform.database.read({ [monitors] in try monitors.report($0, name, id: id) })
        else {
            throw SlipwayError(
                .notFound, "The monitor \(name) has no report \(id.prefix(80)).", ref: Ref(.monitor, name))
        }
        return report
    }

    // MARK: Alerts

    /// - Parameter states: none for all.
    public func alerts(
        project: String?, monitor: String?, states: [Alert.State], _ page: PageRequest, as principal: Principal
    ) async throws -> Page<Alert> {
        let found = try await platform.database.read { [alerts] in
            try alerts.alerts($0, project: project, monitor: monitor, states: states, page)
        }
        return Page(items: found.items.filter { principal.may(.readMonitors, in: $0.project) }, next: found.next)
    }

    public func alert(_ id: String, as principal: Principal) async throws -> Alert {
        guard let alert = try await platform.database.read({ [alerts] in try alerts.alert($0, id) }) else {
            throw SlipwayError.notFound(Ref(.alert, id), hint: "'slipway alert list' shows what there is.")
        }
        try principal.require(.readMonitors, in: alert.project)
        return alert
    }

    /// Takes an alert on: until it is resolved it neither repeats itself nor starts pipelines.
    ///
    /// - Throws: `conflict` when it is resolved already.
    public func acknowledge(_ id: String, comment: String?, as principal: Principal) async throws -> Alert {
        let alert = try await alert(id, as: principal)
        try principal.require(.acknowledgeAlerts, in: alert.project)
        return try await platform.database.write { [alerts, ledger = platform.ledger] db in
            guard let current = try alerts.alert(db, id), current.state != .resolved else {
                throw SlipwayError(.conflict, "The alert is resolved already.", ref: alert.ref)
            }
            try alerts.acknowledge(db, id, by: principal.name, comment: comment)
            try ledger.append(
                db, "monitor.alert.acknowledged", Ref(.monitor, alert.monitor), project: alert.project, by: principal,
                data: ["alert": JSONValue(alert.ref), "comment": JSONValue(comment)])
            guard let acknowledged = try alerts.alert(db, id) else { throw SlipwayError.notFound(alert.ref) }
            return acknowledged
        }
    }
}
