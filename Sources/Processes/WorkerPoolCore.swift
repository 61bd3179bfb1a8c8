import Core
import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The queue and the threads of a pool. Each thread owns one worker process and talks to it with blocking calls.
final class WorkerPoolCore: Sendable {
    let kind: String
    let graceSeconds: Double
    let logger: Logger
    private let spec: ProcessSpec

    private let size: Int

    private struct State {
        var queue: FairQueue<WorkerJob>
        var isClosed = false
        var threads = 0
        var workers: [ObjectIdentifier: ChildProcess] = [:]
        var idleWaiters: [@Sendable () -> Void] = []
    }
    private let state: Mutex<State>
    private let arrivals = Gate()

    init(kind: String, size: Int, spec: ProcessSpec, graceSeconds: Double, logger: Logger) {
        self.kind = kind
        self.size = size
        state = Mutex(State(queue: FairQueue(workers: size)))
        self.spec = spec
        self.graceSeconds = graceSeconds
        self.logger = logger
    }

    func start() {
        state.withLock { $0.threads = size }
        for index in 0..<size {
            OwnThread.start(name: "\(kind)-\(index)") { [self] in
                serve()
                let waiters = state.withLock { state in
                    state.threads -= 1
                    guard state.threads == 0 else { return [@Sendable () -> Void]() }
                    defer { state.idleWaiters = [] }
                    return state.idleWaiters
                }
                for waiter in waiters { waiter() }
            }
        }
    }

    func put(_ job: WorkerJob) {
        let refusal = state.withLock { state -> (any Error)? in
            guard !state.isClosed else { return closedError }
            state.queue.remove(where: \.isOver)
            do {
                try state.queue.put(job, job.caller, now: Clock.monotonicNanoseconds())
                return nil
            } catch {
                return error
            }
        }
        if let refusal { return job.finish(.failure(refusal)) }
        arrivals.open()
        job.expireInTime()
        // Cancelled before it was put.
        if job.isCancelled { job.cancel() }
    }

    func close() {
        let (jobs, threads) = state.withLock { state in
            state.isClosed = true
            for child in state.workers.values { child.signalGroup(SIGKILL) }
            return (state.queue.removeAll(), state.threads)
        }
        for job in jobs { job.finish(.failure(closedError)) }
        for _ in 0..<threads { arrivals.open() }
    }

    func whenIdle(_ body: @escaping @Sendable () -> Void) {
        let isIdle = state.withLock { state in
            if state.threads > 0 { state.idleWaiters.append(body) }
            return state.threads == 0
        }
        if isIdle { body() }
    }

    var processIDs: [Int32] { state.withLock { $0.workers.values.map(\.pid).sorted() } }

    private var closedError: SlipwayError { SlipwayError(.unavailable, "The \(kind) workers are shutting down.") }

    /// The body of a thread.
    private func serve() {
        guard let (wakeReader, wake) = try? Descriptor.pipe() else {
            logger.error("no pipe for a worker thread", metadata: ["worker": "\(kind)"])
            return
        }
        _ = fcntl(wakeReader.number, F_SETFL, O_NONBLOCK)
        _ = fcntl(wake.number, F_SETFL, O_NONBLOCK)
        var worker: WorkerConnection?
        while true {
            arrivals.pass()
            let (taken, isClosed) = state.withLock { state in
                (state.isClosed ? nil : state.queue.take(now: Clock.monotonicNanoseconds()), state.isClosed)
            }
            if isClosed {
                worker?.end()
                forget(worker)
                return
            }
            // What waits may not run yet: when something ends, this thread is woken again.
            guard let (job, caller) = taken else { continue }
            // Wake-ups meant for an earlier job.
            var sink = [UInt8](repeating: 0, count: 64)
            while read(wakeReader.number, &sink, sink.count) > 0 {}
            if job.begin(wake: wake) {
                work(on: job, &worker, wakeReader)
            } else {
                job.finish(.failure(WorkerJob.cancelled))
            }
            let waiting = state.withLock { state in
                state.queue.finished(caller)
                return state.queue.count
            }
            for _ in 0..<min(waiting, size) { arrivals.open() }
        }
    }

    private func work(on job: WorkerJob, _ worker: inout WorkerConnection?, _ wake: Descriptor) {
        if let old = worker, old.child.status != nil {
            forget(old)
            worker = nil
        }
        do {
            let connection = try worker ?? connect()
            worker = connection
            job.finish(.success(try connection.exchange(job, wake: wake, graceSeconds: graceSeconds)))
        } catch let end as WorkerConnection.Ended {
            forget(worker)
            worker = nil
            let closing = state.withLock { $0.isClosed }
            if !closing {
                logger.warning("worker ended", metadata: ["worker": "\(kind)", "reason": "\(end.reason)"])
            }
            job.finish(.failure(closing ? closedError : end.error(kind: kind)))
        } catch {
            job.finish(.failure(error))
        }
    }

    private func connect() throws -> WorkerConnection {
        let connection = try WorkerConnection(spec)
        let isClosed = state.withLock { state in
            state.workers[ObjectIdentifier(connection.child)] = connection.child
            return state.isClosed
        }
        if isClosed { connection.child.signalGroup(SIGKILL) }
        logger.debug("worker started", metadata: ["worker": "\(kind)", "pid": "\(connection.child.pid)"])
        return connection
    }

    private func forget(_ worker: WorkerConnection?) {
        guard let worker else { return }
        state.withLock { _ = $0.workers.removeValue(forKey: ObjectIdentifier(worker.child)) }
    }
}
