import Core
import Database
import Inference
import Logging
import Registry
import Synchronization

/// Writes predictions down off the request's path: those of about 50 ms share a transaction. The buffer is bounded; when
/// it is full, callers wait. What is in it is lost when the process is killed.
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

    static let flushSeconds = 0.05
    /// So many entries are written at once, without waiting for the time.
    private static let batchEntries = 512
    private static let capacityEntries = 8192
    private static let capacityBytes = 64 << 20
    private static let attempts = 8

    private struct State {
        var buffer: [Entry] = []
        /// Of the buffer and of the batches that are being written.
        var entries = 0
        var bytes = 0
        var isTimerSet = false
        var nextBatch = 0
        var writes: [Int: Task<Void, Never>] = [:]
        var waiters: [CheckedContinuation<Void, Never>] = []
        var knownLayouts: Set<String> = []
        var lost = 0

        var isFull: Bool { entries >= PredictionLog.capacityEntries || bytes >= PredictionLog.capacityBytes }
    }

    private let state = Mutex(State())
    private let database: Database
    private let store: PredictionStore
    private let logger: Logger

    init(_ database: Database, store: PredictionStore, logger: Logger) {
        self.database = database
        self.store = store
        self.logger = logger
    }

    /// Predictions that could not be written although it was tried for a long time; each is in the server's log.
    var lost: Int { state.withLock { $0.lost } }

    /// Entries that wait or are being written.
    var pending: Int { state.withLock { $0.entries } }

    /// Takes a prediction; waits while the buffer is full.
    func append(_ entry: Entry) async {
        while !put(entry) {
            await withCheckedContinuation { continuation in
                let isFull = state.withLock { state in
                    if state.isFull { state.waiters.append(continuation) }
                    return state.isFull
                }
                if !isFull { continuation.resume() }
            }
        }
    }

    /// Writes a prediction before it returns.
    func write(_ entry: Entry) async throws { try await insert([entry]) }

    /// Returns when everything that was taken before is in the database.
    func drain() async {
        let writes = state.withLock { state in
            startBatch(&state)
            return Array(state.writes.values)
        }
        for write in writes { await write.value }
    }

    /// The buffer's work while the server runs: to write the rest when it stops.
    func runUntilCancelled() async {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        await drain()
    }

    private func put(_ entry: Entry) -> Bool {
        state.withLock { state in
            guard !state.isFull else { return false }
            state.buffer.append(entry)
            state.entries += 1
            state.bytes += entry.cost
            if state.buffer.count >= Self.batchEntries {
                startBatch(&state)
            } else if !state.isTimerSet {
                state.isTimerSet = true
                Task.detached { [self] in
                    try? await Task.sleep(for: .seconds(Self.flushSeconds))
                    timeIsUp()
                }
            }
            return true
        }
    }

    private func timeIsUp() {
        state.withLock { state in
            state.isTimerSet = false
            startBatch(&state)
        }
    }

    /// Hands the buffer to a task that writes it.
    private func startBatch(_ state: inout State) {
        guard !state.buffer.isEmpty else { return }
        let batch = state.buffer
        state.buffer = []
        state.nextBatch += 1
        let number = state.nextBatch
        state.writes[number] = Task.detached { [self] in
            let written = await write(batch)
            finish(number, batch, written: written)
        }
    }

    private func finish(_ number: Int, _ batch: [Entry], written: Bool) {
        let waiters = state.withLock { state in
            state.writes[number] = nil
            state.entries -= batch.count
            state.bytes -= batch.reduce(0) { $0 + $1.cost }
            if !written { state.lost += batch.count }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func write(_ batch: [Entry]) async -> Bool {
        for attempt in 1...Self.attempts {
            do {
                try await insert(batch)
                return true
            } catch {
                logger.warning(
                    "\(batch.count) predictions could not be written.",
                    metadata: ["attempt": "\(attempt)", "cause": "\(error)"])
                if attempt < Self.attempts { try? await Task.sleep(for: .milliseconds(100 << attempt)) }
            }
        }
        logger.error(
            "\(batch.count) predictions are lost: the database did not take them.",
            metadata: ["first": "\(batch.first?.id ?? "-")", "last": "\(batch.last?.id ?? "-")"])
        return false
    }

    private func insert(_ batch: [Entry]) async throws {
        let drafts = batch.map(\.draft)
        let layouts = Set(batch.compactMap(\.layout))
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
