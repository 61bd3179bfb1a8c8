import Core

/// How a job ended.
public enum JobOutcome: Hashable, Sendable {
    case succeeded
    /// It ended by itself with another exit code than 0 (128 + n for a signal n), or could not be started inside.
    case failed(exitCode: Int, reason: String)
    /// It ran past its time and was ended.
    case timedOut(seconds: Double)
    /// The task that ran it was cancelled.
    case cancelled
    /// The kernel ended a process of it for going past its memory limit, and it did not survive that.
    case outOfMemory(limitBytes: Int64?)

    public var isSuccess: Bool { self == .succeeded }
}

extension JobOutcome: CustomStringConvertible {
    /// One sentence for people.
    public var description: String {
        switch self {
        case .succeeded: "The job succeeded."
        case .failed(_, let reason): reason
        case .timedOut(let seconds):
            "The job ran longer than its \(Self.short(seconds)) s and was stopped. Raise timeout_seconds or do less."
        case .cancelled: "The job was cancelled."
        case .outOfMemory(let limit):
            "The job used more memory than its limit\(limit.map { " of \($0 >> 20) MiB" } ?? ""). Raise the limit or use less."
        }
    }

    private static func short(_ seconds: Double) -> String {
        seconds == seconds.rounded() && abs(seconds) < 1e15 ? String(Int64(seconds)) : String(seconds)
    }
}

/// What held a job to one of its limits.
public enum LimitMechanism: String, Hashable, Sendable, Codable {
    /// A control group: holds for all processes of the job together.
    case cgroupV1 = "cgroup-v1"
    case cgroupV2 = "cgroup-v2"
    /// `setrlimit(2)`: holds for each process by itself.
    case rlimit
    /// Nothing on this machine could hold it.
    case notEnforced = "not-enforced"
    /// The job had no such limit.
    case notAsked = "not-asked"
}

/// What a job was held by.
public struct JobConfinement: Hashable, Sendable, Codable {
    /// For people: `bubblewrap, user 64420` or `none`.
    public var sandbox: String
    public var memory: LimitMechanism
    public var cpu: LimitMechanism
    public var processes: LimitMechanism

    public init(sandbox: String, memory: LimitMechanism, cpu: LimitMechanism, processes: LimitMechanism) {
        self.sandbox = sandbox
        self.memory = memory
        self.cpu = cpu
        self.processes = processes
    }
}

/// What a job used.
public struct JobUsage: Hashable, Sendable, Codable {
    public var wallSeconds: Double
    /// User and system time of all its processes.
    public var cpuSeconds: Double
    /// The most memory in use at a time: of the whole job under a control group, else of its largest process.
    public var peakMemoryBytes: Int64
    /// Processes that the kernel ended for lack of memory; 0 where it cannot be known.
    public var oomKills: Int

    public init(wallSeconds: Double, cpuSeconds: Double, peakMemoryBytes: Int64, oomKills: Int) {
        self.wallSeconds = wallSeconds
        self.cpuSeconds = cpuSeconds
        self.peakMemoryBytes = peakMemoryBytes
        self.oomKills = oomKills
    }
}

/// The end of a job.
public struct JobResult: Hashable, Sendable {
    public var outcome: JobOutcome
    public var confinement: JobConfinement
    public var usage: JobUsage
    /// Bytes that the job printed, and how many of them are not in the log because it was over its size.
    public var printedBytes: Int64
    public var omittedBytes: Int64

    public init(
        outcome: JobOutcome, confinement: JobConfinement, usage: JobUsage, printedBytes: Int64, omittedBytes: Int64
    ) {
        self.outcome = outcome
        self.confinement = confinement
        self.usage = usage
        self.printedBytes = printedBytes
        self.omittedBytes = omittedBytes
    }
}
