import Core
import Database
import Ledger
import Objects
import Platform
import Tables

extension DatasetsService {
    // MARK: Taking events

    /// What became of a batch.
    struct EventReceipt: Sendable, Hashable {
        /// Events that are new; they are durable now.
        let accepted: Int
        /// Events whose ids were known; nothing was changed by them.
        let known: Int
    }

    /// Takes events into the buffer of a branch. They become a version soon (see `EventStream`).
    ///
    /// - Throws: `invalid` when one does not fit, and then none is taken; `rateLimited` when too many wait.
    func push(
        _ events: [PushedEvent], to dataset: String, project: String, branch: String, as principal: Principal
    ) async throws -> EventReceipt {
        let stream = try await openStream(dataset, project: project, branch: branch, as: principal)
        let state = self.events.state(of: stream.key)
        guard state.events + events.count <= EventStream.maximumBuffered else {
            throw SlipwayError(
                .rateLimited,
                "\(state.events) events of \(dataset) wait to become a version, which is the limit. \(state.problem.map { "No version can be made: \($0)" } ?? "Send them again in a moment.")",
                ref: Ref(.dataset, dataset))
        }
        let columns = try await newest(dataset, branch).map { version in
            Dictionary(version.columns.map { ($0.name, $0) }) { a, _ in a }
        }
        let now = platform.clock.now()
        var lines: [String: String] = [:]
        for (index, event) in events.enumerated() where lines[event.id] == nil {
            lines[event.id] = try event.line(
                fitting: columns, stream.onChange, place: "events[\(index)]", received: now)
        }
        var seen: Set<String> = []
        let ids = events.map(\.id).filter { seen.insert($0).inserted }
        let texts = lines
        let accepted = try await platform.database.write { [store] db in
            let fresh = try store.claim(db, stream.key, ids: ids, at: now)
            guard !fresh.isEmpty else { return 0 }
            try store.buffer(
                db, stream.key, lines: ids.filter(fresh.contains).compactMap { texts[$0] }, author: principal.name,
                at: now)
            return fresh.count
        }
        if accepted > 0 { self.events.noteArrival(stream, events: accepted, at: now) }
        return EventReceipt(accepted: accepted, known: events.count - accepted)
    }

    /// A branch's stream; made, with its dataset, by the first event.
    private func openStream(_ dataset: String, project: String, branch: String, as principal: Principal) async throws
        -> EventStream
    {
        let found = try await platform.database.read { [store] db in
            (
                try store.dataset(db, dataset)?.project,
                try store.stream(db, EventStream.Key(dataset: dataset, branch: branch))
            )
        }
        try principal.require(.writeDatasets, in: found.0 ?? project)
        if let owner = found.0, let stream = found.1 {
            guard owner == project || project == "default" else { throw belongsElsewhere(dataset) }
            return stream
        }
        let made = try await create(
            dataset, project: found.0 ?? project, kind: .table, key: found.0 == nil ? [PushedEvent.idColumn] : [],
            description: "", as: principal)
        guard made.kind == .table else {
            throw SlipwayError(
                .conflict, "\(made.ref) holds files; events are rows. Push them to another dataset.", ref: made.ref)
        }
        let stream = EventStream(dataset: dataset, branch: branch)
        return try await platform.database.write { [store] db in
            let named = try store.named(db, dataset, branch)
            guard branch == Dataset.mainBranch || named?.kind == .branch else {
                throw SlipwayError.notFound(
                    Ref(.dataset, dataset, selector: branch),
                    hint: "Make the branch first: slipway data branch create \(dataset) \(branch).")
            }
            if let known = try store.stream(db, stream.key) { return known }
            try store.set(db, stream)
            return stream
        }
    }

    // MARK: Settings

    /// A branch's stream, how many events wait in it, and why if no version can be made of them.
    func eventStream(_ dataset: String, branch: String, as principal: Principal) async throws -> (
        stream: EventStream, backlog: EventBacklog, problem: String?
    ) {
        let known = try await self.dataset(dataset, as: principal)
        let key = EventStream.Key(dataset: known.name, branch: branch)
        let (stream, backlog) = try await platform.database.read { [store] db in
            (try store.stream(db, key) ?? EventStream(dataset: dataset, branch: branch), try store.backlog(db, key))
        }
        return (stream, backlog, events.state(of: key).problem)
    }

    func setEventStream(
        _ dataset: String, project: String, branch: String, as principal: Principal,
        _ change: (inout EventStream) -> Void
    ) async throws -> EventStream {
        var stream = try await openStream(dataset, project: project, branch: branch, as: principal)
        change(&stream)
        let wanted = try stream.validated()
        let arrival = events.arrival(of: wanted.key)
        let backlog = try await platform.database.write { [store, ledger = platform.ledger] db in
            try store.set(db, wanted)
            try ledger.append(
                db, "dataset.events.set", Ref(.dataset, dataset), project: try store.dataset(db, dataset)?.project,
                by: principal, data: wanted.settings)
            return try store.backlog(db, wanted.key)
        }
        events.note(backlog, of: wanted, after: arrival, problem: nil)
        return wanted
    }
}
