import Core
import Database
import Inference
import Logging
import Registry
import Synchronization

/// Writes predictions down off the request's path: those of about 50 ms share a transaction. The buffer is bounded: a
/// caller that finds it full writes it itself. Nothing is dropped; what is in the buffer is lost when the process is
/// killed.
final class PredictionLog: Sendable {
    /// A prediction that was answered. The tensors are the request's own arrays; they become text when they are written.
    struct Entry: Sendable {
        let id: String
        let live: Live
        let time: Timestamp
        let rowCount: Int
        let layout: Layout?
        let inputs: [Tensor]
        let outputs: [Tensor]
        let requestID: String
        let principal: String

        /// About what it takes in memory, in bytes.
        var cost: Int { 512 + 10 * (inputs + outputs).reduce(0) { $0 + $1.values.count } }

        var draft: PredictionStore.Draft {
            PredictionStore.Draft(
                id: id, endpoint: endpointName, project: live.project, model: live.session.version.name,
                version: live.session.version.version, time: time, rowCount: rowCount, layout: layout?.id,
                inputs: TensorText.object(inputs), outputs: TensorText.object(outputs), requestID: requestID,
                principal: principal)
        }

        /// A version that was asked for by its number belongs to the name before the `@`.
        private var endpointName: String { live.name.firstIndex(of: "@").map { String(live.name[..<$0]) } ?? live.name }
    }

    /// How long an entry waits for others, in seconds.
    static let flushSeconds = 0.05
    /// Entries that are written at once without waiting; the caller who brings the last of them writes them.
    private static let batchEntries = 512
    private static let capacityEntries = 8192
    private static let capacityBytes = 64 << 20

    private struct State {
        var buffer: [Entry] = []
        /// Of the buffer and of the batches that are being written.
        var entries = 0
        var bytes = 0
        var nextBatch = 0
        var writing: Set<Int> = []
        /// Those who wait until no batch up to a number is being written.
        var waiters: [(batch: Int, continuation: CheckedContinuation<Void, Never>)] = []
        var knownLayouts: Set<String> = []

        var isFull: Bool { entries >= PredictionLog.capacityEntries || bytes >= PredictionLog.capacityBytes }

        /// Takes the buffer to write it.
        mutating func take() -> Batch? {
            guard !buffer.isEmpty else { return nil }
            nextBatch += 1
            writing.insert(nextBatch)
            defer { buffer = [] }
            return Batch(number: nextBatch, entries: buffer)
        }
    }

    private struct Batch: Sendable {
        let number: Int
        let entries: [Entry]
    }

    private let state = Mutex(State())
    private let database: Database
    private let store: PredictionStore
    private let logger: Logger
    /// Tells the background that the buffer is no longer empty.
    private let arrivals: AsyncStream<Void>
    private let arrived: AsyncStream<Void>.Continuation

    init(_ database: Database, store: PredictionStore, logger: Logger) {
        self.database = database
        self.store = store
        self.logger = logger
        (arrivals, arrived) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Entries that wait or are being written.
    var pending: Int { state.withLock { $0.entries } }

    /// Takes a prediction.
    ///
    /// - Throws: `unavailable` when the buffer is full and the database does not take it; then the prediction is not
    ///   logged.
    func append(_ entry: Entry) async throws {
        while true {
            let (isTaken, batch) = state.withLock { state -> (Bool, Batch?) in
                guard !state.isFull else { return (false, state.take()) }
                if state.buffer.isEmpty { arrived.yield() }
                state.buffer.append(entry)
                state.entries += 1
                state.bytes += entry.cost
                return (true, state.buffer.count >= Self.batchEntries ? state.take() : nil)
            }
            do {
                if let batch {
                    try await write(batch)
                } else if !isTaken {
                    // Others are writing all of it.
                    try await Task.sleep(for: .milliseconds(2))
                }
            } catch  where isTaken {
                // The batch is in the buffer again, and it is not full: that is for the background to try.
            }
            if isTaken { return }
        }
    }

    /// Writes a prediction before it returns.
    func write(_ entry: Entry) async throws { try await insert([entry]) }

    /// Returns when everything that was taken before is in the database, or the database refused it.
    func drain() async {
        let (batch, last) = state.withLock { state in (state.take(), state.nextBatch) }
        if let batch { try? await write(batch) }
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.writing.allSatisfy({ $0 > last }) { return true }
                state.waiters.append((last, continuation))
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    /// Writes what comes until it is cancelled, and then the rest.
    func runUntilCancelled() async {
        for await _ in arrivals {
            try? await Task.sleep(for: .seconds(Self.flushSeconds))
            await drain()
            if pending > 0, !Task.isCancelled {
                // The database refused: once more, but not at once.
                try? await Task.sleep(for: .seconds(1))
                arrived.yield()
            }
        }
        await drain()
        let rest = pending
        if rest > 0 { logger.error("\(rest) predictions are lost: the database did not take them before the end.") }
    }

    /// Writes a batch; if that fails, its entries are in the buffer again.
    private func write(_ batch: Batch) async throws {
        let result: Result<Void, any Error>
        do { result = .success(try await insert(batch.entries)) } catch { result = .failure(error) }
        let ready = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.writing.remove(batch.number)
            if case .success = result {
                state.entries -= batch.entries.count
                state.bytes -= batch.entries.reduce(0) { $0 + $1.cost }
            } else {
                state.buffer = batch.entries + state.buffer
            }
            let done = state.waiters.filter { waiter in state.writing.allSatisfy { $0 > waiter.batch } }
            state.waiters.removeAll { waiter in state.writing.allSatisfy { $0 > waiter.batch } }
            return done.map(\.continuation)
        }
        for continuation in ready { continuation.resume() }
        if case .failure(let error) = result {
            logger.warning(
                "\(batch.entries.count) predictions could not be written; they wait.", metadata: ["cause": "\(error)"])
        }
        try result.get()
    }

    private func insert(_ entries: [Entry]) async throws {
        let drafts = entries.map(\.draft)
        let layouts = Set(entries.compactMap(\.layout))
        let new = state.withLock { state in layouts.filter { !state.knownLayouts.contains($0.id) } }
        try await database.write { [store] db in
            for layout in new { try store.insert(db, layout: layout.id, columns: layout.json) }
            try store.insert(db, drafts)
        }
        guard !new.isEmpty else { return }
        // Callers may bring any names; those that are not remembered are only written once more.
        state.withLock { state in
            if state.knownLayouts.count < 10_000 { state.knownLayouts.formUnion(new.map(\.id)) }
        }
    }
}
