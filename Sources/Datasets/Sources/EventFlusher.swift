import Core
import Platform
import Synchronization

/// Knows which streams have events waiting, and says when it is time to make a version of them.
final class EventFlusher: Sendable {
    /// How often the counts are looked at while something waits.
    private static let tickSeconds = 0.05
    /// How long a stream rests after a version could not be made, doubling up to the maximum.
    private static let retrySeconds = (first: 1.0, maximum: 60.0)

    private struct Waiting {
        var backlog = EventBacklog()
        /// The number of the last arrival, of all streams.
        var arrival = 0
        var flushRows: Int
        var flushSeconds: Double
        var isFlushing = false
        var failures = 0
        var retryAt: Timestamp?
        /// Why the last version could not be made.
        var problem: String?

        func isDue(_ now: Timestamp) -> Bool {
            guard !isFlushing, let oldest = backlog.oldest else { return false }
            if let retryAt { return retryAt <= now }
            return backlog.events >= flushRows || oldest.adding(seconds: flushSeconds) <= now
        }
    }

    private let clock: Clock
    private let waiting = Mutex<[EventStream.Key: Waiting]>([:])
    private let lastArrival = Atomic(0)
    private let arrivals = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    init(clock: Clock) { self.clock = clock }

    /// Events were put into a stream's buffer.
    func noteArrival(_ stream: EventStream, events: Int, at time: Timestamp) {
        waiting.withLock { waiting in
            var entry =
                waiting[stream.key] ?? Waiting(flushRows: stream.flushRows, flushSeconds: stream.flushSeconds)
            (entry.flushRows, entry.flushSeconds) = (stream.flushRows, stream.flushSeconds)
            entry.backlog.events += events
            entry.backlog.oldest = entry.backlog.oldest ?? time
            entry.arrival = lastArrival.add(1, ordering: .relaxed).newValue
            waiting[stream.key] = entry
        }
        arrivals.continuation.yield()
    }

    /// The last arrival that was noted of a stream: to be asked for before the database is.
    func arrival(of key: EventStream.Key) -> Int { waiting.withLock { $0[key]?.arrival ?? 0 } }

    /// What is in a stream's buffer, as the database had it after an arrival.
    ///
    /// What arrived since then may be missing in it, and must not be forgotten: such a stream goes on waiting, if need be
    /// for nothing.
    func note(_ backlog: EventBacklog, of stream: EventStream, after arrival: Int, problem: String?) {
        let now = clock.now()
        waiting.withLock { waiting in
            var backlog = backlog
            if let known = waiting[stream.key], known.arrival != arrival {
                backlog.events = max(backlog.events, 1)
                backlog.oldest = backlog.oldest ?? now
            }
            guard backlog.events > 0 else {
                waiting[stream.key] = nil
                return
            }
            var entry =
                waiting[stream.key] ?? Waiting(flushRows: stream.flushRows, flushSeconds: stream.flushSeconds)
            (entry.flushRows, entry.flushSeconds) = (stream.flushRows, stream.flushSeconds)
            entry.backlog = backlog
            entry.isFlushing = false
            entry.problem = problem
            entry.failures = problem == nil ? 0 : entry.failures + 1
            entry.retryAt =
                problem == nil
                ? nil
                : now.adding(
                    seconds: min(
                        Self.retrySeconds.maximum, Self.retrySeconds.first * Double(1 << min(entry.failures - 1, 10))))
            waiting[stream.key] = entry
        }
        arrivals.continuation.yield()
    }

    /// How many events wait, and why they do if something is wrong.
    func state(of key: EventStream.Key) -> (events: Int, problem: String?) {
        waiting.withLock { ($0[key]?.backlog.events ?? 0, $0[key]?.problem) }
    }

    /// Calls `flush` for each stream whose time has come, until cancelled; then once more for all that wait, which is not
    /// cancelled. `flush` ends with a call of `note`.
    func run(_ flush: @escaping @Sendable (EventStream.Key) async -> Void) async {
        await withDiscardingTaskGroup { group in
            var arrival = arrivals.stream.makeAsyncIterator()
            while !Task.isCancelled {
                let now = clock.now()
                let (due, isIdle) = waiting.withLock { waiting in
                    let due = waiting.filter { $0.value.isDue(now) }.map(\.key)
                    for key in due { waiting[key]?.isFlushing = true }
                    return (due, waiting.isEmpty)
                }
                for key in due {
                    // A version that was begun is made, also when the server is told to stop meanwhile.
                    group.addTask { await finishing { await flush(key) } }
                }
                if isIdle {
                    _ = await arrival.next()
                } else {
                    try? await Task.sleep(for: .seconds(Self.tickSeconds))
                }
            }
        }
        for key in waiting.withLock({ $0.keys.map { $0 } }) { await finishing { await flush(key) } }
    }
}
