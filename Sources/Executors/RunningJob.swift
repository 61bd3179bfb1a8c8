import Core
import Processes
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A job while it runs: its first process, its tree, its log, its deadline.
///
/// One thread starts the process and stays with it to the end. It has to: a child that asked to die with its parent
/// (PR_SET_PDEATHSIG, prctl(2)) is ended when the *thread* that made it ends, and threads of Swift's pool come and go.
final class RunningJob: Sendable {
    struct End: Sendable {
        var ending: JobOutcome.Ending
        var usage: ResourceUsage?
        var wallSeconds: Double
        /// The last line that was printed, if it is short.
        var lastLine: String
        var log: JobLog
    }

    private let spec: JobSpec
    private let process: ProcessSpec
    private let group: JobGroup
    /// Called with the process number as soon as there is one.
    private let started: @Sendable (Int32) -> Void

    private struct State {
        var isCancelled = false
        var hasExited = false
    }
    private let state = Mutex(State())
    /// A byte in this pipe wakes the thread.
    private let wakeReader: Descriptor
    private let wakeWriter: Descriptor

    init(_ spec: JobSpec, process: ProcessSpec, group: JobGroup, started: @escaping @Sendable (Int32) -> Void) throws {
        self.spec = spec
        self.process = process
        self.group = group
        self.started = started
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SlipwayError(.unavailable, "Cannot make a pipe: \(SystemError.current).") }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        wakeReader = Descriptor(owning: ends[0])
        wakeWriter = Descriptor(owning: ends[1])
    }

    /// Ends the job soon; from any thread, at any time.
    func cancel() {
        state.withLock { $0.isCancelled = true }
        wake()
    }

    private func wake() {
        // A full pipe wakes as well.
        var byte: UInt8 = 1
        _ = write(wakeWriter.number, &byte, 1)
    }

    /// Runs the job to its end. Blocks: for a thread of its own.
    ///
    /// - Throws: `unavailable` when there is no process.
    func run() throws -> End {
        var log = try JobLog(path: spec.logPath, maximumBytes: spec.logBytes)
        let begin = Clock.monotonicNanoseconds()
        let child = try ChildProcess.start(process)
        started(child.pid)
        Task {
            _ = await child.wait()
            state.withLock { $0.hasExited = true }
            wake()
        }
        var supervision = Supervision(
            spec: spec, group: group, child: child, mark: process.environment[ProcessTree.mark], begin: begin)
        var output = LogPump(child.output)
        while true {
            let (isCancelled, hasExited) = state.withLock { ($0.isCancelled, $0.hasExited) }
            if hasExited { break }
            supervision.step(isCancelled: isCancelled, now: Clock.monotonicNanoseconds())
            wait(output.descriptor, milliseconds: supervision.waitMilliseconds(now: Clock.monotonicNanoseconds()))
            output.pump(into: &log)
        }
        let wallSeconds = Double(Clock.monotonicNanoseconds() - begin) / 1e9
        supervision.clear()
        // All writers are gone, so the end of the pipe is near; the bound is for a process that escaped us.
        let end = Clock.monotonicNanoseconds() + 2_000_000_000
        while let descriptor = output.descriptor, Clock.monotonicNanoseconds() < end {
            var item = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
            poll(&item, 1, 100)
            output.pump(into: &log)
        }
        return End(
            ending: supervision.reason ?? .byItself(child.status ?? .signalled(SIGKILL)), usage: child.usage,
            wallSeconds: wallSeconds,
            lastLine: output.lastLine, log: log)
    }

    /// Waits for output, a wake-up or the time.
    private func wait(_ output: Descriptor?, milliseconds: Int32) {
        var items = [
            pollfd(fd: wakeReader.number, events: Int16(POLLIN), revents: 0),
            // A negative number is passed over (poll(2)).
            pollfd(fd: output?.number ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        poll(&items, 2, milliseconds)
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(wakeReader.number, &bytes, bytes.count) > 0 {}
    }
}

/// Moves what a job prints into its log.
private struct LogPump {
    /// nil once the end was seen.
    private(set) var descriptor: Descriptor?
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    /// The last bytes, for messages.
    private var recent: [UInt8] = []

    init(_ descriptor: Descriptor?) { self.descriptor = descriptor }

    /// Takes what is there now, without waiting.
    mutating func pump(into log: inout JobLog) {
        // A bound, so that a job that prints without end cannot hold off its own deadline.
        for _ in 0..<64 {
            guard let current = descriptor else { return }
            var item = pollfd(fd: current.number, events: Int16(POLLIN), revents: 0)
            guard poll(&item, 1, 0) > 0 else { return }
            let count = (try? buffer.withUnsafeMutableBytes { try current.read(into: $0) }) ?? 0
            guard count > 0 else {
                descriptor = nil
                return
            }
            log.append(buffer[..<count])
            recent = Array((recent + buffer[..<count].suffix(1024)).suffix(1024))
        }
    }

    var lastLine: String {
        recent.split(separator: 10).last.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

/// When to ask a job's processes to end, and when to make them.
private struct Supervision {
    private enum Phase {
        case running
        case asked(killAt: UInt64)
        case killed(again: UInt64)
    }
    private let spec: JobSpec
    private let group: JobGroup
    private let child: ChildProcess
    /// See `ProcessTree.mark`; of plain jobs.
    private let mark: String?
    private let deadline: UInt64?
    private var phase = Phase.running
    /// Why the job is being ended; nil while it is left alone.
    private(set) var reason: JobOutcome.Ending?

    init(spec: JobSpec, group: JobGroup, child: ChildProcess, mark: String?, begin: UInt64) {
        self.spec = spec
        self.mark = mark
        self.group = group
        self.child = child
        deadline = spec.timeoutSeconds.map { begin + Self.nanoseconds($0) }
    }

    private static func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(min(seconds, 1e9) * 1e9) }

    mutating func step(isCancelled: Bool, now: UInt64) {
        switch phase {
        case .running:
            if isCancelled {
                reason = .cancelled
            } else if let deadline, now >= deadline {
                reason = .timedOut(seconds: spec.timeoutSeconds ?? 0)
            } else {
                return
            }
            // Where there is nobody to ask yet (the sandbox is still being set up), there is no use in waiting.
            phase = .asked(killAt: ask() ? now + Self.nanoseconds(spec.graceSeconds) : now)
            step(isCancelled: isCancelled, now: now)
        case .asked(let killAt):
            guard now >= killAt else { return }
            end()
            phase = .killed(again: now + 100_000_000)
        case .killed(let again):
            guard now >= again else { return }
            end()
            phase = .killed(again: now + 100_000_000)
        }
    }

    func waitMilliseconds(now: UInt64) -> Int32 {
        let next: UInt64? =
            switch phase {
            case .running: deadline
            case .asked(let killAt): killAt
            case .killed(let again): again
            }
        guard let next else { return -1 }
        return next <= now ? 0 : Int32(min((next - now) / 1_000_000 + 1, 60_000))
    }

    /// Sends SIGTERM to the job's processes, but not to those that hold its sandbox up: the job would end with them.
    private func ask() -> Bool {
        let holders: Set<String> = spec.sandboxed ? ["bwrap", "setpriv"] : []
        let entries = ProcessTree.tree(of: child.pid, in: ProcessTree.all())
        let members = group.members().subtracting(entries.map(\.pid)).compactMap(ProcessTree.entry)
        let targets = (entries + members).filter { !holders.contains($0.command) }
        for target in targets { kill(target.pid, SIGTERM) }
        return !targets.isEmpty
    }

    /// Sends SIGKILL to everything.
    private func end() {
        // A stopped process makes no more children that would be missed. In a sandbox the kernel ends the rest with the
        // first process of its PID namespace (pid_namespaces(7)), which is among these.
        child.signal(SIGSTOP)
        for entry in ProcessTree.tree(of: child.pid, in: ProcessTree.all()) where entry.pid != child.pid {
            kill(entry.pid, SIGKILL)
        }
        child.signal(SIGKILL)
        group.kill(withinSeconds: 0)
    }

    /// After the first process has ended: ends what it left behind.
    func clear() {
        group.kill(withinSeconds: 10)
        // A sandbox that came to its end by itself took everything with it.
        guard reason != nil || !spec.sandboxed else { return }
        for _ in 0..<100 {
            let session = ProcessTree.all().filter { $0.session == child.pid && $0.pid != child.pid && $0.state != "Z" }
            let left = session + (mark.map(ProcessTree.marked) ?? [])
            if left.isEmpty { return }
            for entry in left { kill(entry.pid, SIGKILL) }
            usleep(2000)
        }
    }
}
