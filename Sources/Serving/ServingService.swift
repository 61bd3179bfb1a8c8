import Core
import Database
import Datasets
import Inference
import Ledger
import Logging
import Platform
import Projects
import Registry
import Web

/// Endpoints and predictions: each use case once, for every wire.
public final class ServingService: Sendable {
    let platform: Platform
    let registry: RegistryService
    let datasets: DatasetsService
    let configuration: ServingConfiguration
    let endpoints = EndpointStore()
    let predictions = PredictionStore()
    let live: LiveModels
    let log: PredictionLog
    let loader: ModelLoader

    public init(
        _ platform: Platform, registry: RegistryService, datasets: DatasetsService,
        configuration: ServingConfiguration = ServingConfiguration()
    ) {
        self.platform = platform
        self.registry = registry
        self.datasets = datasets
        self.configuration = configuration
        live = LiveModels(capacity: configuration.loadedVersions)
        log = PredictionLog(platform.database, store: predictions, logger: platform.logger)
        loader = ModelLoader(configuration, registry: registry, platform: platform)
    }

    var database: Database { platform.database }
    var ledger: Ledger { platform.ledger }

    // MARK: Endpoints

    /// Makes an endpoint or changes it. When its version can be loaded, it answers with it before this returns.
    ///
    /// - Throws: `notFound` when there is no such project, model or version; `conflict` when the name belongs to another
    ///   project, or to a registered model that this endpoint would hide.
    public func put(_ name: String, _ request: EndpointRequest, as principal: Principal) async throws -> Endpoint {
        try Name.validate(name)
        try principal.require(.operateEndpoints, in: request.project)
        let version = try await registry.resolve(request.model, as: principal)
        if request.isolation == .server, try await !loader.isTrusted(version) {
            try principal.require(.approveModels, in: version.project)
        }
        if request.model.name != name, (try? await registry.model(name, as: .system)) != nil {
            throw SlipwayError(
                .conflict,
                "\(Ref(.model, name)) answers to that name already; an endpoint of \(request.model) needs another.",
                ref: Ref(.model, name))
        }
        let now = platform.clock.now()
        let endpoint = try await database.write { [endpoints, ledger] db in
            try ProjectsStore().require(db, request.project)
            let before = try endpoints.endpoint(db, name)
            if let before, before.project != request.project {
                throw SlipwayError(
                    .conflict, "The endpoint \(name) belongs to the project \(before.project).", ref: before.ref)
            }
            let endpoint = Endpoint(
                name: name, project: request.project, model: request.model, logRate: request.logRate, log: request.log,
                isolation: request.isolation, owner: before?.owner ?? principal.name, created: before?.created ?? now,
                updated: now)
            if let before, before.model == endpoint.model, before.logRate == endpoint.logRate,
                before.log == endpoint.log, before.isolation == endpoint.isolation
            {
                return before
            }
            try endpoints.put(db, endpoint)
            try ledger.append(
                db, before == nil ? "endpoint.created" : "endpoint.updated", endpoint.ref, project: endpoint.project,
                by: principal, data: .object(endpoint.settings))
            return endpoint
        }
        live.noteChange()
        // A version that cannot be loaded is shown in the endpoint's state; the endpoint itself was made.
        _ = try? await bring(name, by: principal)
        return endpoint
    }

    /// An endpoint by its name; a registered model without one counts as an endpoint of itself.
    ///
    /// - Throws: `notFound`.
    public func endpoint(_ name: String, as principal: Principal) async throws -> Endpoint {
        let found = try await database.read { [endpoints] db in try endpoints.endpoint(db, name) }
        let endpoint: Endpoint
        if let found {
            endpoint = found
        } else {
            endpoint = try await implied(name)
        }
        try principal.require(.readEndpoints, in: endpoint.project)
        return endpoint
    }

    /// The endpoints that the principal may read.
    public func list(project: String?, _ page: PageRequest, as principal: Principal) async throws -> Page<Endpoint> {
        let found = try await database.read { [endpoints] db in try endpoints.endpoints(db, project: project, page) }
        return Page(items: found.items.filter { principal.may(.readEndpoints, in: $0.project) }, next: found.next)
    }

    /// Deletes an endpoint; its predictions stay. Requests under way end as they began.
    public func delete(_ name: String, as principal: Principal) async throws {
        try await database.write { [endpoints, ledger] db in
            guard let endpoint = try endpoints.endpoint(db, name) else {
                throw SlipwayError.notFound(Ref(.endpoint, name))
            }
            try principal.require(.operateEndpoints, in: endpoint.project)
            try endpoints.delete(db, name)
            try ledger.append(db, "endpoint.deleted", endpoint.ref, project: endpoint.project, by: principal)
        }
        live.noteChange()
        live.drop(name)
    }

    /// How an endpoint fares in this process.
    public func status(of name: String) -> EndpointStatus {
        let now = live.current(name)
        let problem = live.problem(name)
        return EndpointStatus(
            state: problem != nil ? .failed : now != nil ? .ready : .idle, version: now?.session.version.ref,
            isolation: now?.session.isolation, problem: problem?.error.message,
            note: now?.session.python?.note.map { "the model asks for \($0)" }, requests: live.requests(name))
    }

    func json(_ endpoint: Endpoint) -> JSONValue {
        .object(endpoint.settings.merging(status(of: endpoint.name).fields) { a, _ in a })
    }

    /// The endpoint that a registered model is without being declared.
    private func implied(_ name: String) async throws -> Endpoint {
        do {
            let model = try await registry.model(name, as: .system)
            return Endpoint(
                name: name, project: model.project, model: model.ref, logRate: 1, log: .buffered, isolation: .auto,
                owner: model.owner, created: model.created, updated: model.updated)
        } catch let error as SlipwayError where error.code == .notFound || error.code == .invalid {
            throw SlipwayError.notFound(
                Ref(.endpoint, name),
                hint: "No endpoint and no registered model has that name; 'slipway endpoint list' shows the endpoints."
            )
        }
    }

    // MARK: Bringing versions up

    /// What a name is to serve. `name` may carry a version: `restock@5`.
    func plan(_ key: String) async throws -> ServingPlan {
        if let at = key.lastIndex(of: "@"), let number = Int(key[key.index(after: at)...]) {
            let base = try await plan(String(key[..<at]))
            return ServingPlan(
                name: key, project: base.project, target: Ref(.model, base.target.name, version: number),
                logRate: base.logRate, log: base.log, isolation: base.isolation)
        }
        let found = try await database.read { [endpoints] db in try endpoints.endpoint(db, key) }
        let endpoint: Endpoint
        if let found {
            endpoint = found
        } else {
            endpoint = try await implied(key)
        }
        return ServingPlan(
            name: key, project: endpoint.project, target: endpoint.model, logRate: endpoint.logRate, log: endpoint.log,
            isolation: endpoint.isolation)
    }

    /// Resolves what a name should serve now, loads it, and switches to it. What answered before goes on until then, and
    /// if the new version cannot be loaded.
    @discardableResult
    func bring(_ key: String, by principal: Principal) async throws -> Live {
        while true {
            let seen = live.changes
            let ticket = live.ticket()
            let next: Live
            do {
                let plan = try await plan(key)
                let version = try await registry.resolve(plan.target, as: .system)
                let trusted = try await loader.isTrusted(version)
                // Python never runs in the server.
                let isPython = try await registry.pythonCard(of: version) != nil
                let isolation: Endpoint.Isolation =
                    isPython ? .worker : plan.isolation == .auto ? (trusted ? .server : .worker) : plan.isolation
                let session = try await live.session(.init(version: version.key, isolation: isolation)) { [loader] in
                    try await loader.load(version, isolation)
                }
                next = Live(plan, session: session)
            } catch {
                let shown =
                    error as? SlipwayError
                    ?? SlipwayError(
                        .internal, "The model of \(key) could not be loaded; the log has the rest.", cause: error)
                platform.logger.error(
                    "\(key) cannot switch: \(shown.message)",
                    metadata: ["cause": "\(shown.cause.map { "\($0)" } ?? "-")"])
                // A name that stands for nothing is not a failure of anything.
                if shown.code == .notFound, live.current(key) == nil { throw shown }
                live.fail(key, shown)
                throw shown
            }
            let (isSet, before) = live.set(next, ticket: ticket)
            if isSet { try await recordSwitch(from: before, to: next, by: principal) }
            if live.changes == seen { return next }
        }
    }

    private func recordSwitch(from before: Live?, to next: Live, by principal: Principal) async throws {
        let (old, new) = (before?.session.version, next.session.version)
        // A version that is asked for by its number has not switched, nor has a name that was only loaded again.
        guard !next.name.contains("@"), old?.key != new.key else { return }
        try await database.write { [endpoints, ledger] db in
            let isEndpoint = try endpoints.endpoint(db, next.name) != nil
            guard old != nil || isEndpoint else { return }
            let endpoint = Ref(.endpoint, next.name)
            let last = try db.one(
                "SELECT data FROM ledger_event WHERE subject = \(endpoint) AND type = 'endpoint.version.switched' ORDER BY sequence DESC LIMIT 1"
            ) { try $0.json(0) }
            // After a restart the version may be the one that served before.
            guard last?["to"] != JSONValue(new.ref) else { return }
            try ledger.append(
                db, "endpoint.version.switched", endpoint, project: next.project, by: principal,
                data: ["from": JSONValue(old?.ref.description ?? last?["to"]?.stringValue), "to": JSONValue(new.ref)])
            try ledger.link(db, endpoint, madeFrom: new.ref, "served")
        }
    }

    /// Follows the ledger: what a name resolves to may have changed.
    var versionSwitching: Subscription {
        Subscription(
            "serving.switch",
            types: [
                "model.alias.set", "model.alias.removed", "model.version.created", "model.approved", "model.rejected",
                "model.policy.set", "model.version.deleted", "model.deleted", "model.renamed",
                "model.version.files.taken",
                "endpoint.created", "endpoint.updated", "endpoint.deleted",
            ]
        ) { [self] event in
            live.noteChange()
            let names =
                event.subject.kind == .endpoint
                ? [event.subject.name].filter { live.current($0) != nil }
                : live.names(of: event.data["from"]?.stringValue ?? event.subject.name)
                    + live.names(of: event.subject.name)
            for name in Set(names).sorted() {
                do {
                    try await bring(name, by: .system)
                } catch let error as SlipwayError where error.code == .notFound {
                    // The model, the version or the endpoint is gone, and so is the name.
                    live.drop(name)
                } catch is SlipwayError {
                    // Kept as the endpoint's problem; the version before goes on answering.
                }
            }
        }
    }
}
