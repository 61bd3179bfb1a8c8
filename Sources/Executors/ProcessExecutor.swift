import Core
import Processes
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Runs jobs as processes of this machine, each in a bubblewrap sandbox of its own.
///
/// A job sees `/usr`, its code, inputs, outputs and files under `/slipway`, the read-only paths that its spec names, and
/// nothing else of the machine: no other processes, no network unless asked for. `docs/executors.md` has the whole list.
public struct ProcessExecutor: Executor {
    public struct Configuration: Sendable {
        /// A folder of the executor's own, for working folders and records of running jobs. Not shared with another server.
        public var runtimeFolder: String
        /// nil: looked up in PATH.
        public var bubblewrap: String?
        /// The user and group that jobs run as when the server is root, and that they see themselves as otherwise.
        public var userID: UInt32
        /// Folders that no `readOnlyPaths` may show, or lie in: the server's data.
        public var protectedPaths: [String]
        /// false: limits by `setrlimit` only.
        public var usesControlGroups: Bool

        public init(
            runtimeFolder: String, bubblewrap: String? = nil, userID: UInt32 = 64_420, protectedPaths: [String] = [],
            usesControlGroups: Bool = true
        ) {
            self.runtimeFolder = runtimeFolder
            self.bubblewrap = bubblewrap
            self.userID = userID
            self.protectedPaths = protectedPaths
            self.usesControlGroups = usesControlGroups
        }
    }

    public let name = "process"
    let configuration: Configuration
    let identity: Bubblewrap.Identity
    /// Tells this executor's jobs from those of other servers on the machine.
    let label: String
    let groups: ControlGroups
    let host: Bubblewrap.Host
    private let probe: Probe

    /// - Throws: `unavailable` when the runtime folder cannot be made.
    public init(_ configuration: Configuration) throws {
        try self.init(
            configuration,
            identity: geteuid() == 0 ? .dropped(configuration.userID) : .userNamespace(configuration.userID))
    }

    init(_ configuration: Configuration, identity: Bubblewrap.Identity) throws {
        self.identity = identity
        try HostFiles.makeFolder("\(configuration.runtimeFolder)/jobs", mode: 0o700)
        guard let folder = HostFiles.resolve(configuration.runtimeFolder) else {
            throw HostFiles.failure("Cannot find", configuration.runtimeFolder)
        }
        var configuration = configuration
        configuration.runtimeFolder = folder
        configuration.protectedPaths = (configuration.protectedPaths + [folder]).map { HostFiles.resolve($0) ?? $0 }
        self.configuration = configuration
        host = .ofThisMachine()
        label = String(Digest.of(folder).hex.prefix(8))
        groups = configuration.usesControlGroups ? ControlGroups(label: label) : .none
        probe = Probe()
    }

    // MARK: Availability

    /// What was found out; a success holds for as long as the server runs, a failure is looked into again.
    private final class Probe: Sendable {
        let program = Mutex<String?>(nil)
    }

    public func availability() async -> String? {
        do {
            _ = try await sandboxProgram()
            return nil
        } catch let error as SlipwayError {
            return error.message
        } catch {
            return "\(error)"
        }
    }

    /// bubblewrap's path, after a try.
    private func sandboxProgram() async throws -> String {
        if let program = probe.program.withLock({ $0 }) { return program }
        guard let program = configuration.bubblewrap ?? Self.find("bwrap"), access(program, X_OK) == 0 else {
            throw SlipwayError(
                .unavailable,
                "Jobs need bubblewrap for their sandbox, and \(configuration.bubblewrap ?? "bwrap") is not there. Install it (Debian: apt-get install bubblewrap)."
            )
        }
        let id = "probe-\(ID.make())"
        let scratch = try prepareFolder(id, network: false)
        defer { HostFiles.removeTree(scratch.folder) }
        let spec = JobSpec(id: id, command: ["/usr/bin/true"], logPath: "\(scratch.folder)/log")
        let plan = Bubblewrap(program: program, identity: identity, host: host).plan(spec, scratch: scratch)
        let descriptors = try options(plan, scratch)
        // The spec holds only their numbers.
        defer { withExtendedLifetime(descriptors) {} }
        let result = try await Command.run(
            ProcessSpec(
                executable: program, arguments: Array(plan.arguments.dropFirst()), environment: Self.plainEnvironment,
                descriptors: descriptors.mapValues(\.number)),
            timeoutSeconds: 20)
        guard result.status.isSuccess else {
            let complaint = result.errorText.split(separator: "\n").last.map(String.init) ?? result.status.description
            let hint =
                geteuid() == 0
                ? "As root it needs CAP_SYS_ADMIN, which containers often lack: start the container with it, or the server as an ordinary user."
                : "It needs user namespaces: see sysctl kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns."
            throw SlipwayError(
                .unavailable,
                "Jobs need a sandbox, and bubblewrap cannot make one on this machine (\(complaint)). \(hint)")
        }
        probe.program.withLock { $0 = program }
        return program
    }

    private static func find(_ program: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(program)" }.first {
            $0.hasPrefix("/") && access($0, X_OK) == 0
        }
    }

    /// For what runs outside of the sandbox.
    private static let plainEnvironment = [
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", "LANG": "C.UTF-8",
    ]

    // MARK: Running

    public func run(_ spec: JobSpec) async throws -> JobResult {
        try spec.validate()
        try JobPaths(executor: self, spec: spec).check()
        let program = spec.sandboxed ? try await sandboxProgram() : nil
        if Task.isCancelled { throw SlipwayError(.cancelled, "The job \(spec.id) was cancelled before it began.") }
        let scratch = try prepareFolder(spec.id, network: spec.network)
        defer { HostFiles.removeTree(scratch.folder) }
        let group = groups.group(spec.id, spec)
        defer { groups.remove(group) }
        let ownUser = spec.sandboxed && geteuid() == 0 && identity == .dropped(configuration.userID)
        var (limits, confinement) = Launch.fallback(spec, group: group, ownUser: ownUser)
        confinement.sandbox = spec.sandboxed ? "bubblewrap, user \(ownUser ? configuration.userID : geteuid())" : "none"

        var process = ProcessSpec(
            executable: "/bin/sh",
            workingDirectory: spec.sandboxed ? "/" : spec.startsInCode ? spec.code ?? scratch.work : scratch.work,
            output: .pipe,
            killsGroupAtEnd: true)
        let descriptors: [Int32: Descriptor]
        if let program {
            let plan = Bubblewrap(program: program, identity: identity, host: host).plan(spec, scratch: scratch)
            descriptors = try options(plan, scratch)
            process.environment = Self.plainEnvironment
            process.arguments = Launch.arguments(sandboxed: true, group: group, limits: limits, program: plan.arguments)
            if ownUser {
                for output in spec.outputs { chown(output.hostPath, configuration.userID, configuration.userID) }
            }
        } else {
            descriptors = [
                Launch.statusDescriptor: try HostFiles.descriptor(scratch.status, O_WRONLY | O_CREAT | O_TRUNC)
            ]
            process.environment = Bubblewrap.environment(spec, home: scratch.work, temporary: "\(scratch.folder)/tmp")
            process.environment[ProcessTree.mark] = "\(label):\(spec.id)"
            let command = (Self.find("setpriv").map { [$0, "--pdeathsig", "KILL", "--"] } ?? []) + spec.command
            process.arguments = Launch.arguments(sandboxed: false, group: group, limits: limits, program: command)
        }
        process.descriptors = descriptors.mapValues(\.number)
        defer { withExtendedLifetime(descriptors) {} }
        defer {
            if spec.sandboxed { for output in spec.outputs { HostFiles.takeOver(output.hostPath) } }
        }
        let job = try RunningJob(spec, process: process, group: group) { Self.record($0, in: scratch.folder) }
        let end = try await withTaskCancellationHandler {
            try await OwnThread.run(name: "job") { try job.run() }
        } onCancel: {
            job.cancel()
        }
        return try result(
            spec, end, group: group, confinement: confinement, statusText: HostFiles.read(scratch.status) ?? "")
    }

    private func result(
        _ spec: JobSpec, _ end: RunningJob.End, group: JobGroup, confinement: JobConfinement, statusText: String
    ) throws -> JobResult {
        let status = LaunchStatus(parsing: statusText)
        let oomKills = group.oomKills()
        let outcome = JobOutcome(
            end.ending, reported: status.exitCode, oomKills: oomKills, memoryLimit: spec.memoryBytes,
            program: spec.command[0],
            lastLine: end.lastLine)
        var log = end.log
        let hasRun = status.exitCode != nil || (status.started && (!spec.sandboxed || outcome.isMissingProgram))
        if case .byItself = end.ending, !hasRun, oomKills == 0 {
            _ = log.finish(note: "The job could not be started.")
            throw SlipwayError(
                .unavailable,
                "The job \(spec.id) could not be started: \(end.lastLine.isEmpty ? "it ended at once" : end.lastLine).")
        }
        let omitted = log.finish(note: outcome.isSuccess ? nil : outcome.description)
        let rusageSeconds = (end.usage?.userSeconds ?? 0) + (end.usage?.systemSeconds ?? 0)
        return JobResult(
            outcome: outcome, confinement: confinement,
            usage: JobUsage(
                wallSeconds: end.wallSeconds, cpuSeconds: group.cpuSeconds() ?? rusageSeconds,
                peakMemoryBytes: group.peakMemoryBytes() ?? end.usage?.maximumResidentBytes ?? 0, oomKills: oomKills),
            printedBytes: log.printedBytes, omittedBytes: omitted)
    }
}

// MARK: Folders and descriptors

extension Bubblewrap.Scratch {
    var status: String { "\(folder)/status" }
    var record: String { "\(folder)/process" }
}

extension ProcessExecutor {
    private func prepareFolder(_ id: String, network: Bool) throws -> Bubblewrap.Scratch {
        let scratch = Bubblewrap.Scratch(folder: "\(configuration.runtimeFolder)/jobs/\(id)")
        guard mkdir(scratch.folder, 0o700) == 0 else {
            guard errno == EEXIST else { throw HostFiles.failure("Cannot make", scratch.folder) }
            throw SlipwayError(.conflict, "A job with the id \(id) is running already.")
        }
        do {
            for folder in [scratch.work, "\(scratch.folder)/tmp", "\(scratch.folder)/etc"] {
                try HostFiles.makeFolder(folder)
            }
            for (name, text) in Bubblewrap.Host.etc(userID: identity.userID, network: network) {
                try HostFiles.create(scratch.etc(name), Array(text.utf8), mode: 0o644)
            }
            if case .dropped(let user) = identity { chown(scratch.work, user, user) }
        } catch {
            HostFiles.removeTree(scratch.folder)
            throw error
        }
        return scratch
    }

    /// The descriptors of a sandbox: its options, for nobody else to read, and its report.
    private func options(_ plan: Bubblewrap.Plan, _ scratch: Bubblewrap.Scratch) throws -> [Int32: Descriptor] {
        var descriptors = [
            Bubblewrap.statusDescriptor: try HostFiles.descriptor(scratch.status, O_WRONLY | O_CREAT | O_TRUNC)
        ]
        let inner = plan.inner.map { [(Bubblewrap.innerDescriptor, $0)] } ?? []
        for (number, options) in [(Bubblewrap.outerDescriptor, plan.outer)] + inner {
            let path = "\(scratch.folder)/options-\(number)"
            try HostFiles.create(path, Bubblewrap.encode(options), mode: 0o600)
            descriptors[number] = try HostFiles.descriptor(path, O_RDONLY)
        }
        return descriptors
    }

    // MARK: Recovery

    /// Notes which process a job is, for `recover`.
    private static func record(_ pid: Int32, in folder: String) {
        guard let entry = ProcessTree.entry(pid) else { return }
        try? HostFiles.create("\(folder)/process", Array("\(pid) \(entry.startTicks)".utf8), mode: 0o600)
    }

    public func recover() async -> [String] {
        let configuration = configuration
        let (groups, label) = (groups, label)
        let found = try? await OwnThread.run(name: "recover") {
            let jobs = "\(configuration.runtimeFolder)/jobs"
            let left = Set(HostFiles.list(jobs)).union(groups.jobs())
            for id in left {
                let scratch = Bubblewrap.Scratch(folder: "\(jobs)/\(id)")
                Self.endProcess(HostFiles.read(scratch.record))
                for entry in ProcessTree.marked("\(label):\(id)") { kill(entry.pid, SIGKILL) }
                let group = groups.existingGroup(id)
                group.kill(withinSeconds: 10)
                groups.remove(group)
                HostFiles.removeTree(scratch.folder)
            }
            return left.filter { !$0.hasPrefix("probe-") }.sorted()
        }
        return found ?? []
    }

    /// Ends the process of a record and its session, if it is still the same process.
    private static func endProcess(_ record: String?) {
        let parts = (record ?? "").split(separator: " ")
        guard parts.count == 2, let pid = Int32(parts[0]), let ticks = UInt64(parts[1]), pid > 1 else { return }
        let all = ProcessTree.all()
        let isSame = all.contains { $0.pid == pid && $0.startTicks == ticks }
        // Without its leader a session keeps its number for itself; members that are older than it are not its own.
        let members =
            isSame
            ? ProcessTree.tree(of: pid, in: all)
            : all.filter { $0.session == pid && $0.pid != pid && $0.startTicks >= ticks }
        for member in members { kill(member.pid, SIGKILL) }
    }
}
