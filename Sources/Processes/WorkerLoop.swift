import Core
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The worker's side of a `WorkerPool`: one request at a time, until the pool closes the socket.
public enum WorkerLoop {
    /// Answers requests for ever. When the pool closes the socket or dies, this process ends at once, busy or not.
    ///
    /// - Parameters:
    ///   - interrupt: called from another thread while `handler` runs, when the request's time is over or its caller gave
    ///     up; it should make `handler` return soon. Never called between requests.
    ///   - idle: called on the calling thread before each wait for a request, to get ready for it. A request that comes
    ///     meanwhile waits.
    ///   - handler: called on the calling thread. What it returns is the answer; the two sides must agree on how to write
    ///     an error. Throwing ends this process, which the pool reports as a crash.
    public static func run(
        interrupt: @escaping @Sendable () -> Void, idle: () -> Void = {}, handler: ([UInt8]) throws -> [UInt8]
    ) -> Never {
        run(interrupt: interrupt, idle: idle) { request, _ in try handler(request) }
    }

    /// Parts of an answer on their way; waits while the reader is behind. The pool must have asked for a stream.
    public typealias Emit = ([UInt8]) throws -> Void

    /// As above, for handlers whose answers may come in parts before the one that they return.
    public static func run(
        interrupt: @escaping @Sendable () -> Void, idle: () -> Void = {},
        handler: ([UInt8], Emit) throws -> [UInt8]
    ) -> Never {
        // What the handler or a library prints must not land among the frames: they have a descriptor of their own.
        let socket = Descriptor(owning: Frames.descriptor)
        _ = fcntl(socket.number, F_SETFD, FD_CLOEXEC)
        signal(SIGPIPE, SIG_IGN)
        let inbox = Inbox()
        OwnThread.start(name: "frames") {
            while let message = try? Frames.read(from: socket) {
                switch message {
                case .request(let bytes): inbox.put(bytes)
                case .interrupt: inbox.ifBusy(interrupt)
                }
            }
            // Not `exit`: its handlers would run beside a busy handler.
            _exit(0)
        }
        while true {
            idle()
            let request = inbox.take()
            do {
                let answer = try handler(request) { part in
                    guard part.count <= Frames.maximumBytes else {
                        throw SlipwayError(
                            .tooLarge, "A part of an answer may be at most \(Frames.maximumBytes) bytes.")
                    }
                    try socket.write(Frames.header(UInt32(part.count) | Frames.part))
                    try socket.write(part)
                }
                // From here on an interrupt is too late; the next request cannot come before this answer.
                inbox.finish()
                try socket.write(Frames.header(UInt32(answer.count)))
                try socket.write(answer)
            } catch {
                try? Descriptor(owning: 2).write(Array("worker: \(error)\n".utf8))
                _exit(70)
            }
        }
    }

    /// One request waiting or being worked on.
    private final class Inbox: Sendable {
        private struct State {
            var waiting: [[UInt8]] = []
            var busy = false
        }
        private let state = Mutex(State())
        private let arrived = Gate()

        func put(_ request: [UInt8]) {
            state.withLock { $0.waiting.append(request) }
            arrived.open()
        }

        func take() -> [UInt8] {
            while true {
                let request = state.withLock { state -> [UInt8]? in
                    guard !state.waiting.isEmpty else { return nil }
                    state.busy = true
                    return state.waiting.removeFirst()
                }
                if let request { return request }
                arrived.pass()
            }
        }

        func ifBusy(_ body: () -> Void) { state.withLock { if $0.busy { body() } } }

        func finish() { state.withLock { $0.busy = false } }
    }
}
