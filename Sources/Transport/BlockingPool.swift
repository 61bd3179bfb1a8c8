import Core
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Runs work that blocks (file and network calls) on threads of its own, so that it never holds up the threads of
/// Swift's cooperative pool. Threads start when there is work, at most `threads` of them, and end after half a minute
/// without any.
public final class BlockingPool: Sendable {
    private let state: PoolState

    /// - Parameters:
    ///   - name: what the threads are for; appears if the operating system refuses to start one.
    ///   - threads: how many pieces of work run at once; more wait in order.
    public init(name: String, threads: Int) {
        state = PoolState(name: name, limit: max(1, threads))
    }

    deinit { state.close() }

    /// Runs `body` on one of the pool's threads. If the task is cancelled while `body` waits its turn, it never starts;
    /// once it runs, it should look at the `Cancellation` that it is given.
    ///
    /// - Parameter survivesCancellation: runs `body` all the same, and never tells it.
    /// - Throws: what `body` throws; `cancelled` if it never started.
    public func run<T: Sendable>(
        survivesCancellation: Bool = false, _ body: @escaping @Sendable (Cancellation) throws -> T
    ) async throws -> T {
        let job = Job<T>(body)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                job.prepare(continuation)
                state.add(job)
            }
        } onCancel: {
            if !survivesCancellation { job.cancel() }
        }
    }
}

/// Tells blocking work that nobody waits for it any more.
public final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    public init() {}

    public var isCancelled: Bool { flag.load(ordering: .relaxed) }

    public func cancel() { flag.store(true, ordering: .relaxed) }

    /// - Throws: `cancelled`.
    public func check() throws {
        if isCancelled { throw SlipwayError(.cancelled, "The work was cancelled.") }
    }
}

private protocol AnyJob: AnyObject, Sendable {
    func run()
}

private final class Job<T: Sendable>: AnyJob {
    private enum Phase {
        case new
        case waiting(CheckedContinuation<T, any Error>)
        case running(CheckedContinuation<T, any Error>)
        case cancelledEarly
        case done
    }

    private let body: @Sendable (Cancellation) throws -> T
    private let cancellation = Cancellation()
    private let phase = Mutex<Phase>(.new)

    init(_ body: @escaping @Sendable (Cancellation) throws -> T) { self.body = body }

    private static var error: SlipwayError { SlipwayError(.cancelled, "The work was cancelled before it began.") }

    func prepare(_ continuation: CheckedContinuation<T, any Error>) {
        let early = phase.withLock { phase in
            if case .cancelledEarly = phase { return true }
            phase = .waiting(continuation)
            return false
        }
        if early { continuation.resume(throwing: Self.error) }
    }

    func cancel() {
        cancellation.cancel()
        let waiting: CheckedContinuation<T, any Error>? = phase.withLock { phase in
            switch phase {
            case .new: phase = .cancelledEarly
            case .waiting(let continuation):
                phase = .done
                return continuation
            case .running, .cancelledEarly, .done: break
            }
            return nil
        }
        waiting?.resume(throwing: Self.error)
    }

    func run() {
        let mine: CheckedContinuation<T, any Error>? = phase.withLock { phase in
            guard case .waiting(let continuation) = phase else { return nil }
            phase = .running(continuation)
            return continuation
        }
        guard let mine else { return }
        let result = Result { try body(cancellation) }
        phase.withLock { $0 = .done }
        mine.resume(with: result)
    }
}

/// The queue and its threads. Unchecked: every variable is read and written with `mutex` held.
private final class PoolState: @unchecked Sendable {
    private let name: String
    private let limit: Int
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let arrival = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var queue: [any AnyJob] = []
    private var head = 0
    private var threads = 0
    private var idle = 0
    private var closed = false

    init(name: String, limit: Int) {
        self.name = name
        self.limit = limit
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(arrival, nil)
    }

    deinit {
        pthread_cond_destroy(arrival)
        pthread_mutex_destroy(mutex)
        arrival.deallocate()
        mutex.deallocate()
    }

    func add(_ job: any AnyJob) {
        pthread_mutex_lock(mutex)
        queue.append(job)
        let start = idle < queue.count - head && threads < limit
        if start { threads += 1 }
        pthread_cond_signal(arrival)
        pthread_mutex_unlock(mutex)
        if start { startThread() }
    }

    func close() {
        pthread_mutex_lock(mutex)
        closed = true
        pthread_cond_broadcast(arrival)
        pthread_mutex_unlock(mutex)
    }

    private func startThread() {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 1 << 20)
        let me = Unmanaged.passRetained(self).toOpaque()
        #if canImport(Glibc)
            var thread = pthread_t()
        #else
            var thread: pthread_t?
        #endif
        let code = pthread_create(&thread, &attributes, { PoolState.begin($0) }, me)
        pthread_attr_destroy(&attributes)
        // Without a single thread the work would wait for ever: better to stop where the cause can be seen.
        if code != 0 {
            Unmanaged<PoolState>.fromOpaque(me).release()
            pthread_mutex_lock(mutex)
            threads -= 1
            let stranded = threads == 0
            pthread_mutex_unlock(mutex)
            if stranded { fatalError("the operating system refuses to start a thread (error \(code)) for \(name)") }
        }
    }

    private static func begin(_ me: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        if let me { Unmanaged<PoolState>.fromOpaque(me).takeRetainedValue().work() }
        return nil
    }

    private func work() {
        while let job = next() { job.run() }
    }

    /// The next piece of work; nil when the thread should end.
    private func next() -> (any AnyJob)? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if head < queue.count {
                let job = queue[head]
                head += 1
                // The front of the array is given back in one go, so that taking a job costs the same however many wait.
                if head == queue.count || head > 1024 {
                    queue.removeFirst(head)
                    head = 0
                }
                return job
            }
            if closed {
                threads -= 1
                return nil
            }
            var until = timespec()
            clock_gettime(CLOCK_REALTIME, &until)
            until.tv_sec += 30
            idle += 1
            let code = pthread_cond_timedwait(arrival, mutex, &until)
            idle -= 1
            if code == ETIMEDOUT, head == queue.count {
                threads -= 1
                return nil
            }
        }
    }
}
