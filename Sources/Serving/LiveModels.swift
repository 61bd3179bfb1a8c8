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

    /// Whether the next prediction is one of the share that is logged.
    var isToLog: Bool { logRate >= 1 || Double.random(in: 0..<1) < logRate }
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

    private typealias Waiter = CheckedContinuation<Result<Session, any Error>?, Never>

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
        /// Those who wait for a session that somebody loads.
        var loads: [SessionKey: [Waiter]] = [:]
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

    /// A session, loaded once however many ask for it at the same time: the first to ask loads it for all. If the first
    /// gives up, the next one takes over.
    func session(_ key: SessionKey, load: () async throws -> Session) async throws -> Session {
        while true {
            switch state.withLock({ state -> Turn in
                if let session = state.sessions[key] { return .loaded(session) }
                return state.loads.updateValue([], forKey: key).map { waiting in
                    state.loads[key] = waiting
                    return .wait
                } ?? .load
            }) {
            case .loaded(let session): return session
            case .load:
                do {
                    let session = try await load()
                    finish(key, .success(session))
                    return session
                } catch {
                    finish(key, .failure(error))
                    throw error
                }
            case .wait:
                let result = await withCheckedContinuation { (continuation: Waiter) in
                    let isOver = state.withLock { state in
                        state.loads[key]?.append(continuation)
                        return state.loads[key] == nil
                    }
                    if isOver { continuation.resume(returning: nil) }
                }
                switch result {
                case .success(let session): return session
                case .failure(let error)
                where !(error is CancellationError) && (error as? SlipwayError)?.code != .cancelled:
                    throw error
                // Too late to hear the result, or whoever loaded it has gone: look again.
                case .failure, nil: try Task.checkCancellation()
                }
            }
        }
    }

    private enum Turn {
        case loaded(Session)
        case load
        case wait
    }

    private func finish(_ key: SessionKey, _ result: Result<Session, any Error>) {
        let (waiting, evicted) = state.withLock { state -> ([Waiter], [Session]) in
            let waiting = state.loads.removeValue(forKey: key) ?? []
            guard case .success(let session) = result else { return (waiting, []) }
            state.sessions[key] = session
            return (waiting, evict(&state, keeping: key))
        }
        for waiter in waiting { waiter.resume(returning: result) }
        // Closing happens outside the lock, when the last holder lets go.
        withExtendedLifetime(evicted) {}
    }

    /// Drops sessions that no name uses first, then those that were asked longest ago.
    private func evict(_ state: inout State, keeping key: SessionKey) -> [Session] {
        var gone: [Session] = []
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

    /// The Python sessions that are loaded.
    var pythonSessions: [Session] { state.withLock { $0.sessions.values.filter { $0.python != nil } } }

    /// Unloads the Python sessions that were last asked before then; whoever asks again loads them again. Requests under
    /// way end as they began.
    func unloadPython(before time: UInt64) -> [Session] {
        state.withLock { state in
            let idle = state.sessions.filter { $0.value.python != nil && $0.value.lastUse < time }
            for (key, session) in idle {
                state.sessions[key] = nil
                for (name, live) in state.live where live.session === session { state.live[name] = nil }
            }
            return Array(idle.values)
        }
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
