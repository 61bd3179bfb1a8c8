import Core

/// For whom a pool works, and how soon it matters. The default is served in the order of arrival, without limits.
public struct WorkerCaller: Hashable, Sendable {
    public enum Lane: Sendable, Hashable {
        /// Someone looks at a screen: first in line.
        case interactive
        /// May take long; never holds the last free worker.
        case work
    }

    /// Requests of one owner share a limit; nil has none.
    public var owner: String?
    public var lane: Lane

    public init(owner: String? = nil, lane: Lane = .interactive) {
        self.owner = owner
        self.lane = lane
    }
}

/// What waits for a pool's workers, and who is next.
///
/// One owner never holds two workers with long work, nor all of three or more; long work of everybody together leaves one
/// worker to interactive requests, if there is more than one. Among what may run, interactive comes first, then the owner that has the
/// fewest requests running, then the one that was served longest ago, then the order of arrival. Long work that waited for
/// `patienceSeconds` while none of it ran goes before all.
struct FairQueue<Item> {
    /// At most so many requests of one owner wait in a lane.
    static var waitingPerOwner: Int { 16 }
    static var patienceSeconds: Double { 5 }

    private struct Waiting {
        let item: Item
        let caller: WorkerCaller
        let arrived: UInt64
    }

    private struct Share {
        var running = 0
        var work = 0
        var waiting = 0
        /// The number of the last turn that this owner got.
        var lastTurn = 0
    }

    private let workers: Int
    private var waiting: [Waiting] = []
    private var shares: [String: Share] = [:]
    private var runningWork = 0
    private var turns = 0

    init(workers: Int) { self.workers = workers }

    var count: Int { waiting.count }

    /// Of two workers an owner may have both, one of them for something short: else its long work would stop its pages.
    private var perOwner: Int { workers > 2 ? workers - 1 : workers }
    private var workLimit: Int { max(1, workers - 1) }

    /// - Parameter now: by the monotonic clock, in nanoseconds.
    /// - Throws: `rateLimited` when too many requests of the owner wait already.
    mutating func put(_ item: Item, _ caller: WorkerCaller, now: UInt64) throws {
        if let owner = caller.owner {
            let theirs = waiting.count { $0.caller == caller }
            guard theirs < Self.waitingPerOwner else {
                throw SlipwayError(
                    .rateLimited,
                    "\(theirs) requests of \(owner) wait already, as many as may. Wait for their answers, or stop some.",
                    details: ["waiting": String(theirs), "limit": String(Self.waitingPerOwner)])
            }
            shares[owner, default: Share()].waiting += 1
        }
        waiting.append(Waiting(item: item, caller: caller, arrived: now))
    }

    /// The next to run, if one may; `finished` must be called with its caller.
    mutating func take(now: UInt64) -> (item: Item, caller: WorkerCaller)? {
        var best: Int?
        let patience = UInt64(Self.patienceSeconds * 1e9)
        if runningWork == 0 {
            best = waiting.firstIndex { $0.caller.lane == .work && now >= $0.arrived + patience && mayRun($0.caller) }
        }
        if best == nil {
            for (index, candidate) in waiting.enumerated() where mayRun(candidate.caller) {
                if let current = best, !isBefore(candidate.caller, waiting[current].caller) { continue }
                best = index
            }
        }
        guard let best else { return nil }
        let chosen = waiting.remove(at: best)
        turns += 1
        if chosen.caller.lane == .work { runningWork += 1 }
        if let owner = chosen.caller.owner {
            shares[owner, default: Share()].waiting -= 1
            shares[owner, default: Share()].running += 1
            if chosen.caller.lane == .work { shares[owner, default: Share()].work += 1 }
            shares[owner, default: Share()].lastTurn = turns
        }
        return (chosen.item, chosen.caller)
    }

    /// Gives back what a taken request held.
    mutating func finished(_ caller: WorkerCaller) {
        if caller.lane == .work { runningWork -= 1 }
        guard let owner = caller.owner else { return }
        shares[owner]?.running -= 1
        if caller.lane == .work { shares[owner]?.work -= 1 }
        forget(owner)
    }

    /// Empties the queue.
    mutating func removeAll() -> [Item] {
        let items = waiting.map(\.item)
        remove { _ in true }
        return items
    }

    /// Drops the waiting requests that meet the condition.
    mutating func remove(where isOver: (Item) -> Bool) {
        waiting.removeAll { entry in
            guard isOver(entry.item) else { return false }
            if let owner = entry.caller.owner { shares[owner]?.waiting -= 1 }
            return true
        }
        for owner in Array(shares.keys) { forget(owner) }
    }

    private mutating func forget(_ owner: String) {
        if let share = shares[owner], share.running == 0, share.waiting == 0 { shares[owner] = nil }
    }

    private func mayRun(_ caller: WorkerCaller) -> Bool {
        if caller.lane == .work, runningWork >= workLimit { return false }
        guard let owner = caller.owner, let share = shares[owner] else { return true }
        return share.running < perOwner && (caller.lane == .interactive || share.work == 0)
    }

    private func isBefore(_ a: WorkerCaller, _ b: WorkerCaller) -> Bool {
        if a.lane != b.lane { return a.lane == .interactive }
        let (first, second) = (share(a), share(b))
        if first.running != second.running { return first.running < second.running }
        return first.lastTurn < second.lastTurn
    }

    private func share(_ caller: WorkerCaller) -> Share { caller.owner.flatMap { shares[$0] } ?? Share() }
}
