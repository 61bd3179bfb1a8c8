import Core
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A process that this one started. It is reaped on a thread of its own as soon as it ends, whether anyone waits or not.
public final class ChildProcess: Sendable {
    public let pid: Int32
    /// The writing end of the child's standard input, if the spec asked for a pipe. `closeInput` closes it.
    public var input: Descriptor? { state.withLock { $0.input } }
    /// The reading end of its standard output, if the spec asked for a pipe.
    public let output: Descriptor?
    /// The reading end of its standard error, if the spec asked for a pipe of its own.
    public let errors: Descriptor?

    private struct State {
        var status: ExitStatus?
        var usage: ResourceUsage?
        var waiters: [@Sendable (ExitStatus) -> Void] = []
        var input: Descriptor?
    }
    private let state: Mutex<State>

    /// Starts a process.
    ///
    /// - Throws: `unavailable` when it cannot be started, saying why.
    public static func start(_ spec: ProcessSpec) throws -> ChildProcess {
        let spawned = try Spawn(spec)
        let child = ChildProcess(spawned)
        let killsGroup = spec.newSession && spec.killsGroupAtEnd
        OwnThread.start(name: "reap-\(child.pid)", stackBytes: 128 * 1024) { child.reap(killsGroup: killsGroup) }
        return child
    }

    private init(_ spawned: Spawn) {
        pid = spawned.pid
        output = spawned.output
        errors = spawned.errors
        state = Mutex(State(input: spawned.input))
    }

    /// Waits for the end. Cancelling the waiting task does not end the process: signal it.
    public func wait() async -> ExitStatus {
        await withCheckedContinuation { continuation in whenEnded { continuation.resume(returning: $0) } }
    }

    /// Calls `body` once, when the process has ended: at once, or on the reaping thread, so it must be brief.
    public func whenEnded(_ body: @escaping @Sendable (ExitStatus) -> Void) {
        let status = state.withLock { state in
            if state.status == nil { state.waiters.append(body) }
            return state.status
        }
        if let status { body(status) }
    }

    /// Waits on the calling thread, which must be one of our own.
    func waitHere() -> ExitStatus {
        let gate = Gate()
        whenEnded { _ in gate.open() }
        gate.pass()
        return status ?? .exited(-1)
    }

    /// How it ended; nil while it runs.
    public var status: ExitStatus? { state.withLock { $0.status } }

    /// What it used; nil while it runs.
    public var usage: ResourceUsage? { state.withLock { $0.usage } }

    /// Sends a signal, unless the process has ended.
    public func signal(_ number: Int32) { send(number, to: pid) }

    /// Sends a signal to the process and its group; for a process with a session of its own.
    public func signalGroup(_ number: Int32) { send(number, to: -pid) }

    /// Lets the child see the end of its input.
    public func closeInput() { state.withLock { $0.input = nil } }

    private func send(_ number: Int32, to target: Int32) {
        // Until it is reaped (under the same lock) the number cannot belong to any other process.
        state.withLock { state in
            if state.status == nil { _ = kill(target, number) }
        }
    }

    private func reap(killsGroup: Bool) {
        // First wait without reaping: the number stays ours, so that signals cannot hit a stranger.
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        let (status, waiters) = state.withLock { state in
            if killsGroup { _ = kill(-pid, SIGKILL) }
            var raw: Int32 = 0
            var used = rusage()
            while wait4(pid, &raw, 0, &used) < 0, errno == EINTR {}
            // The macros of <sys/wait.h>: the low seven bits are the signal, or 0 for an exit code in the next byte.
            let status: ExitStatus = raw & 0x7f == 0 ? .exited((raw >> 8) & 0xff) : .signalled(raw & 0x7f)
            state.status = status
            state.usage = ResourceUsage(used)
            defer { state.waiters = [] }
            return (status, state.waiters)
        }
        for waiter in waiters { waiter(status) }
    }
}

extension ResourceUsage {
    init(_ used: rusage) {
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        userSeconds = seconds(used.ru_utime)
        systemSeconds = seconds(used.ru_stime)
        #if canImport(Glibc)
            maximumResidentBytes = Int64(used.ru_maxrss) * 1024
        #else
            maximumResidentBytes = Int64(used.ru_maxrss)
        #endif
    }
}
