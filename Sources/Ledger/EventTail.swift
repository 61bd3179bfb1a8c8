import Core
import Database
import Synchronization
import Web

/// The newest events in memory, for all who follow the ledger over HTTP: what is appended is read and rendered once,
/// however many they are. Nobody reads on their behalf: the first of them who finds that there may be more does it, while
/// the others wait.
final class EventTail: Sendable {
    /// A reader who is farther behind reads the database by pages.
    static let maximum = 1_000
    /// Commits of other processes are found by looking again.
    private static let lookAgainNanoseconds: UInt64 = 2_000_000_000

    struct Entry: Sendable {
        let event: Event
        /// Its JSON.
        let text: String
    }

    private struct State {
        /// Ascending and without gaps: all events after `start`.
        var entries: [Entry] = []
        /// nil: nobody has read yet.
        var start: Int64?
        var isReading = false
        /// The commits that the entries are not older than, and when they were read.
        var commits: UInt64 = 0
        var read: UInt64 = 0

        var end: Int64? { start.map { $0 + Int64(entries.count) } }
    }

    private let state = Mutex(State())
    /// Notified when somebody has read.
    let reads = CommitSignal()

    /// Reads what was appended, unless that was just done or is being done.
    ///
    /// - Returns: false if another reads now.
    func refresh(from ledger: Ledger) async throws -> Bool {
        let commits = ledger.database.commits.count
        let now = Clock.monotonicNanoseconds()
        let hasOtherWriters = ledger.database.dialect == .postgres
        let turn = state.withLock { state -> (isMine: Bool, isCurrent: Bool) in
            let isOld = hasOtherWriters && now > state.read + Self.lookAgainNanoseconds
            if state.start != nil, state.commits >= commits, !isOld { return (false, true) }
            if state.isReading { return (false, false) }
            state.isReading = true
            return (true, false)
        }
        guard turn.isMine else { return turn.isCurrent }
        defer {
            state.withLock { $0.isReading = false }
            reads.notify()
        }
        var batch: [Event] = []
        let end = state.withLock(\.end)
        if let end { batch = try await ledger.events(after: end, limit: Self.maximum) }
        // Too much for memory, or the first look: begins at the end of what there is.
        let restart = end == nil || batch.count == Self.maximum ? try await ledger.lastSequence() : nil
        let entries = batch.map { Entry(event: $0, text: $0.json.canonicalText) }
        state.withLock { state in
            if let restart {
                state.entries = []
                state.start = restart
            } else {
                state.entries += entries
                let extra = max(0, state.entries.count - Self.maximum)
                state.entries.removeFirst(extra)
                state.start = state.start.map { $0 + Int64(extra) }
            }
            state.commits = max(state.commits, commits)
            state.read = now
        }
        return true
    }

    /// What is there after a sequence number; nil if the oldest of it are here no more, with where they begin again.
    func entries(after sequence: Int64) -> (entries: ArraySlice<Entry>?, start: Int64) {
        state.withLock { state in
            let start = state.start ?? 0
            guard state.start != nil, sequence >= start else { return (nil, start) }
            return (state.entries.dropFirst(Int(min(sequence - start, Int64(state.entries.count)))), start)
        }
    }
}

/// One who follows the ledger over HTTP.
struct EventReader: Sendable {
    /// A look at who reads, and a sign of life for proxies.
    private static let checkSeconds = 15.0
    private static let pageMaximum = 200
    /// Busy databases commit thousands of times a second.
    private static let pause = Duration.milliseconds(20)

    let ledger: Ledger
    let tail: EventTail
    /// What to look for, in the projects that the reader may see now.
    ///
    /// - Throws: `unauthenticated` or `forbidden`, which ends the stream.
    let query: @Sendable () async throws -> Ledger.Query

    func write(to writer: ResponseWriter, after start: Int64) async throws {
        var at = start
        var wanted = try await query()
        var checked = Clock.monotonicNanoseconds()
        try await writer.write(": slipway events\n\n")
        while !Task.isCancelled {
            let (commits, reads) = (ledger.database.commits.count, tail.reads.count)
            let isCurrent = try await tail.refresh(from: ledger)
            let (newer, begin) = tail.entries(after: at)
            let isBehind = newer == nil
            if let newer {
                for entry in newer where wanted.matches(entry.event) { try await send(entry.event, entry.text, writer) }
                at = newer.last?.event.sequence ?? at
            } else {
                let page = try await ledger.events(after: at, wanted, limit: Self.pageMaximum)
                for event in page { try await send(event, event.json.canonicalText, writer) }
                // All that this query finds before the tail begins is found when a page is not full.
                at = max(page.last?.sequence ?? at, page.count < Self.pageMaximum ? begin : at)
            }
            if Double(Clock.monotonicNanoseconds() - checked) / 1e9 >= Self.checkSeconds {
                wanted = try await query()
                checked = Clock.monotonicNanoseconds()
                try await writer.write(": still here\n\n")
            }
            if isBehind && (isCurrent || at < begin) { continue }
            if newer?.isEmpty == false { try await Task.sleep(for: Self.pause) }
            if isCurrent {
                await ledger.database.commits.wait(after: commits, timeoutSeconds: 2)
            } else {
                await tail.reads.wait(after: reads, timeoutSeconds: 2)
            }
        }
    }

    private func send(_ event: Event, _ text: String, _ writer: ResponseWriter) async throws {
        try await writer.event(id: String(event.sequence), type: event.type, data: text)
    }
}
