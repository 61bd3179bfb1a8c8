import Core
import Inference
import Registry
import Synchronization

/// What answers for a name. It is never changed, only replaced, so a request that has it is not disturbed by a switch.
final class Live: Sendable {
    let name: String
    let project: String
    /// What it resolves: an endpoint's model, the bare name of a registered model, or one version.
    let target: Ref
    let logRate: Double
    let log: Endpoint.LogMode
    let wanted: Endpoint.Isolation
    let session: Session

    init(_ plan: ServingPlan, session: Session) {
        name = plan.name
        project = plan.project
        target = plan.target
        logRate = plan.logRate
        log = plan.log
        wanted = plan.isolation
        self.session = session
    }

    var modelName: String { target.name }
}

/// How a name is to be served, before a version is resolved and loaded.
struct ServingPlan: Sendable {
    let name: String
    let project: String
    let target: Ref
    let logRate: Double
    let log: Endpoint.LogMode
    let isolation: Endpoint.Isolation
}

/// The names that are live, the versions that are loaded, and what failed. One lock; nothing waits while it is held.
final class LiveModels: Sendable {
    struct SessionKey: Hashable, Sendable {
        let version: VersionKey
        let isolation: Endpoint.Isolation
    }

    struct Problem: Sendable {
        let error: SlipwayError
        let at: UInt64
    }

    private struct State {
        var live: [String: Live] = [:]
        var tickets: [String: UInt64] = [:]
        var nextTicket: UInt64 = 0
        var changes: UInt64 = 0
        var sessions: [SessionKey: Session] = [:]
        var loads: [SessionKey: Task<Session, any Error>] = [:]
        var problems: [String: Problem] = [:]
        var requests: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let capacity: Int

    init(capacity: Int) { self.capacity = max(1, capacity) }

    /// The hot path: what answers for a name now.
    func current(_ name: String) -> Live? { state.withLock { $0.live[name] } }

    func names(of model: String) -> [String] {
        state.withLock { state in state.live.values.filter { $0.modelName == model }.map(\.name) }
    }

    /// The number of changes that may move what a name resolves to; see `noteChange`.
    var changes: UInt64 { state.withLock { $0.changes } }

    /// Something was changed that a name's version may depend on. Whoever resolved before looks again.
    func noteChange() { state.withLock { $0.changes += 1 } }

    /// To be taken before resolving: of two answers, that of the later ticket counts.
    func ticket() -> UInt64 {
        state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
    }

    /// Switches a name. Requests that began with the former go on with it.
    ///
    /// - Returns: whether it counts, and what answered before.
    func set(_ live: Live, ticket: UInt64) -> (isSet: Bool, before: Live?) {
        state.withLock { state in
            let before = state.live[live.name]
            guard ticket >= state.tickets[live.name] ?? 0 else { return (false, before) }
            state.tickets[live.name] = ticket
            state.live[live.name] = live
            state.problems[live.name] = nil
            return (true, before)
        }
    }

    func drop(_ name: String) {
        state.withLock { state in
            state.live[name] = nil
            state.problems[name] = nil
        }
    }

    func fail(_ name: String, _ error: SlipwayError) {
        state.withLock { $0.problems[name] = Problem(error: error, at: Clock.monotonicNanoseconds()) }
    }

    func problem(_ name: String) -> Problem? { state.withLock { $0.problems[name] } }

    func count(_ name: String) { state.withLock { $0.requests[name, default: 0] += 1 } }

    func requests(_ name: String) -> Int { state.withLock { $0.requests[name] ?? 0 } }

    /// A session, loaded once however many ask for it at the same time.
    func session(_ key: SessionKey, load: @escaping @Sendable () async throws -> Session) async throws -> Session {
        let task: Task<Session, any Error>
        switch state.withLock({ state -> (Session?, Task<Session, any Error>?) in
            if let session = state.sessions[key] { return (session, nil) }
            if let running = state.loads[key] { return (nil, running) }
            let started = Task { try await load() }
            state.loads[key] = started
            return (nil, started)
        }) {
        case (let session?, _): return session
        case (nil, let running?): task = running
        case (nil, nil): preconditionFailure("neither a session nor a load")
        }
        let result = await task.result
        let evicted = state.withLock { state -> [AnyObject] in
            guard state.loads[key] == task else { return [] }
            state.loads[key] = nil
            guard case .success(let session) = result else { return [] }
            state.sessions[key] = session
            return evict(&state, keeping: key)
        }
        // Closing happens outside the lock, when the last holder lets go.
        withExtendedLifetime(evicted) {}
        return try result.get()
    }

    /// Forgets sessions of a version that is gone or whose trust changed, so that they are not taken again.
    func forget(_ version: VersionKey) {
        let gone = state.withLock { state in
            let keys = state.sessions.keys.filter { $0.version == version }
            return keys.compactMap { state.sessions.removeValue(forKey: $0) }
        }
        withExtendedLifetime(gone) {}
    }

    /// Drops sessions that no name uses first, then those that were asked longest ago.
    private func evict(_ state: inout State, keeping key: SessionKey) -> [AnyObject] {
        var gone: [AnyObject] = []
        while state.sessions.count > capacity {
            let inUse = Set(state.live.values.map { ObjectIdentifier($0.session) })
            let oldest = state.sessions.filter { $0.key != key }.min { a, b in
                let (x, y) = (inUse.contains(ObjectIdentifier(a.value)), inUse.contains(ObjectIdentifier(b.value)))
                return x == y ? a.value.lastUse < b.value.lastUse : !x
            }
            guard let oldest else { return gone }
            state.sessions[oldest.key] = nil
            for (name, live) in state.live where live.session === oldest.value { state.live[name] = nil }
            gone.append(oldest.value)
        }
        return gone
    }

    func clear() {
        let gone = state.withLock { state in
            defer {
                state.live = [:]
                state.sessions = [:]
            }
            return state.sessions
        }
        withExtendedLifetime(gone) {}
    }
}
