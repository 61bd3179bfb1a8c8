import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Threads for calls that block: Swift's cooperative pool must never wait for the outside world.
public enum OwnThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a detached thread; all signals that can be blocked are blocked in it, so that handlers run elsewhere.
    ///
    /// - Parameters:
    ///   - name: at most 15 bytes are shown by `ps` and debuggers.
    ///   - stackBytes: 512 KiB unless said.
    public static func start(name: String, stackBytes: Int = 512 * 1024, _ body: @escaping @Sendable () -> Void) {
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        pthread_attr_init(attributes)
        defer {
            pthread_attr_destroy(attributes)
            attributes.deallocate()
        }
        pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(attributes, stackBytes)
        let context = Unmanaged.passRetained(
            Body {
                #if canImport(Glibc)
                    _ = Libc.nameThread?(pthread_self(), String(name.prefix(15)))
                #endif
                body()
            })
        // The new thread inherits the mask.
        var all = sigset_t()
        var old = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &old)
        defer { pthread_sigmask(SIG_SETMASK, &old, nil) }
        #if canImport(Glibc)
            var thread = pthread_t()
            let code = pthread_create(
                &thread, attributes,
                { raw in
                    raw.map { Unmanaged<Body>.fromOpaque($0).takeRetainedValue().run() }
                    return nil
                }, context.toOpaque())
        #else
            var thread: pthread_t?
            let code = pthread_create(
                &thread, attributes,
                { raw in
                    Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
                    return nil
                }, context.toOpaque())
        #endif
        // Without threads nothing here can go on; the limit is in the thousands.
        guard code == 0 else { fatalError("pthread_create: \(SystemError.text(code))") }
    }

    /// Runs a blocking call on a thread of its own and waits for it without holding a thread of the pool.
    public static func run<Value: Sendable>(
        name: String, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            start(name: name) { continuation.resume(with: Result { try body() }) }
        }
    }
}

/// Text of `errno`.
public enum SystemError {
    public static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
    public static var current: String { text(errno) }
}

/// A counting semaphore for threads.
final class Gate: @unchecked Sendable {
    // Sound: the semaphore is made once, at an address of its own, and sem_* are made for many threads.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Lets one thread through.
    func open() { sem_post(semaphore) }

    /// Waits to be let through.
    func pass() { while sem_wait(semaphore) != 0, errno == EINTR {} }
}
