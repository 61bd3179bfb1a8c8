import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One worker process and the socket to it. Belongs to one thread.
struct WorkerConnection {
    let child: ChildProcess
    private let socket: Descriptor

    /// The worker is gone, and with it the request.
    struct Ended: Error {
        enum Reason {
            case crashed(ExitStatus)
            /// Killed by us: it did not answer in time, and did not heed the interrupt either.
            case killed(SlipwayError)
        }
        let reason: Reason

        func error(kind: String) -> SlipwayError {
            switch reason {
            case .killed(let error): error
            case .crashed(let status):
                SlipwayError(
                    .unavailable,
                    "The \(kind) worker \(status) while it worked on this request; the next request gets a new one. It may have met its memory limit or a damaged file.",
                    details: ["worker": kind, "status": status.description])
            }
        }
    }

    init(_ spec: ProcessSpec) throws {
        let (ours, theirs) = try Descriptor.socketPair()
        _ = fcntl(ours.number, F_SETFL, O_NONBLOCK)
        var spec = spec
        spec.descriptors[Frames.descriptor] = theirs.number
        spec.killsGroupAtEnd = true
        child = try ChildProcess.start(spec)
        socket = ours
    }

    /// Ends the worker and waits for it.
    func end() {
        child.signalGroup(SIGKILL)
        _ = child.waitHere()
    }

    /// Sends the job's request and waits for the answer; hands over its parts as there is room for them.
    ///
    /// - Throws: `Ended` when the worker is gone; a `SlipwayError` when it goes on living.
    func exchange(_ job: WorkerJob, wake: Descriptor, graceSeconds: Double) throws -> [UInt8] {
        var wait = Wait(deadline: job.deadline)
        var outgoing = Frames.header(UInt32(job.request.count)) + job.request
        var sent = 0
        var incoming = Incoming()
        while true {
            let writes = sent < outgoing.count
            let room = job.room
            // Once it is being stopped, its parts are read and dropped.
            let reads = room.isFree || wait.stopping != nil
            let stalls = reads ? .max : room.fullSince + UInt64((job.stallSeconds ?? 0) * 1e9)
            let ready = wait.poll(socket: socket, reads: reads, writes: writes, wake: wake, until: stalls)
            if wait.stopping == nil {
                if job.isCancelled {
                    wait.stop(WorkerJob.cancelled)
                } else if !reads, Clock.monotonicNanoseconds() >= stalls, !job.room.isFree {
                    wait.stop(Self.stalled(job))
                }
            }
            if wait.isOver {
                guard let error = wait.stopping else {
                    // Past the deadline: ask first.
                    wait.stop(
                        SlipwayError(
                            .deadlineExceeded, "The work did not end within \(job.deadlineSeconds) s and was stopped.",
                            details: ["timeoutSeconds": "\(job.deadlineSeconds)"]))
                    continue
                }
                if wait.isInterruptSent {
                    end()
                    throw Ended(reason: .killed(error))
                }
            }
            if wait.stopping != nil, !wait.isInterruptSent {
                wait.beginGrace(seconds: graceSeconds)
                outgoing += Frames.header(Frames.interrupt)
            }
            if ready.writable, sent < outgoing.count {
                let count = outgoing.withUnsafeBytes { bytes in
                    send(socket.number, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
                }
                if count > 0 { sent += count } else if errno != EAGAIN, errno != EINTR { throw crashed() }
            }
            guard ready.readable else { continue }
            switch incoming.read(from: socket) {
            case .more: break
            case .broken: throw crashed()
            case .part(let bytes):
                guard job.stallSeconds != nil else { throw crashed() }
                if wait.stopping == nil { job.deliver(bytes) }
            case .complete(let answer):
                // The worker lives; after an interrupt its answer no longer counts.
                if let error = wait.stopping { throw error }
                return answer
            }
        }
    }

    private static func stalled(_ job: WorkerJob) -> SlipwayError {
        SlipwayError(
            .deadlineExceeded,
            "The reader took nothing for \(job.stallSeconds ?? 0) s, so the work was stopped. Read faster, or ask for less.",
            details: ["stallSeconds": "\(job.stallSeconds ?? 0)"])
    }

    private func crashed() -> Ended {
        // The socket may be closed before the process is gone; an odd worker that closed it must not live on.
        child.signalGroup(SIGKILL)
        return Ended(reason: .crashed(child.waitHere()))
    }

    /// What the exchange waits for, and until when.
    private struct Wait {
        private(set) var deadline: UInt64
        private(set) var stopping: SlipwayError?
        private(set) var isInterruptSent = false

        init(deadline: UInt64) { self.deadline = deadline }

        var isOver: Bool { Clock.monotonicNanoseconds() >= deadline }

        mutating func stop(_ error: SlipwayError) { stopping = error }

        mutating func beginGrace(seconds: Double) {
            isInterruptSent = true
            deadline = Clock.monotonicNanoseconds() + UInt64(seconds * 1e9)
        }

        /// - Parameter limit: when to come back at the latest, beside the deadline.
        func poll(socket: Descriptor, reads: Bool, writes: Bool, wake: Descriptor, until limit: UInt64)
            -> (readable: Bool, writable: Bool)
        {
            let now = Clock.monotonicNanoseconds()
            let end = min(deadline, limit)
            let milliseconds = end > now ? min((end - now) / 1_000_000 + 1, 3_600_000) : 0
            var events = [
                pollfd(
                    fd: socket.number, events: (reads ? Int16(POLLIN) : 0) | (writes ? Int16(POLLOUT) : 0), revents: 0),
                pollfd(fd: wake.number, events: Int16(POLLIN), revents: 0),
            ]
            #if canImport(Glibc)
                let count = Glibc.poll(&events, nfds_t(events.count), Int32(milliseconds))
            #else
                let count = Darwin.poll(&events, nfds_t(events.count), Int32(milliseconds))
            #endif
            guard count > 0 else { return (false, false) }
            if events[1].revents != 0 {
                var sink = [UInt8](repeating: 0, count: 64)
                while drain(wake.number, &sink) > 0 {}
            }
            let gone = Int16(POLLHUP | POLLERR)
            return (events[0].revents & (Int16(POLLIN) | gone) != 0, events[0].revents & Int16(POLLOUT) != 0)
        }

        private func drain(_ number: Int32, _ sink: inout [UInt8]) -> Int {
            #if canImport(Glibc)
                Glibc.read(number, &sink, sink.count)
            #else
                Darwin.read(number, &sink, sink.count)
            #endif
        }
    }

    /// The answer, as far as it has come.
    private struct Incoming {
        private var header: [UInt8] = []
        private var isPart = false
        private var body: [UInt8] = []
        private var filled = 0

        enum Progress {
            case more
            case part([UInt8])
            case complete([UInt8])
            case broken
        }

        mutating func read(from socket: Descriptor) -> Progress {
            while true {
                if header.count < 4 {
                    var part = [UInt8](repeating: 0, count: 4 - header.count)
                    let count = recv(socket.number, &part, part.count, 0)
                    guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) ? .more : .broken }
                    header += part.prefix(count)
                    guard header.count == 4 else { continue }
                    isPart = Frames.length(header) & Frames.part != 0
                    let length = Frames.length(header) & ~Frames.part
                    guard length <= Frames.maximumBytes else { return .broken }
                    body = [UInt8](repeating: 0, count: Int(length))
                }
                guard filled < body.count else {
                    let whole = body
                    guard isPart else { return .complete(whole) }
                    self = Incoming()
                    return .part(whole)
                }
                let room = body.count - filled
                let count = body.withUnsafeMutableBytes {
                    recv(socket.number, $0.baseAddress.map { $0 + filled }, room, 0)
                }
                guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) ? .more : .broken }
                filled += count
            }
        }
    }
}
