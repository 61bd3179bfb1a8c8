import Core
import Processes

/// How a job's first process is started: a fixed shell script joins the control groups and sets limits before it turns into
/// the program. Nothing of a client's is in the script; the command goes through it as separate words.
enum Launch {
    /// Closed for the program; the script or bubblewrap reports on it.
    static let statusDescriptor = Bubblewrap.statusDescriptor

    /// Pairs of words up to `--` say what to do; then comes the program.
    private static let script = """
        ulimit -c 0
        while [ "$1" != -- ]; do
          case $1 in
            join) echo $$ >"$2" || exit 125 ;;
            *) ulimit "$1" "$2" || exit 125 ;;
          esac
          shift 2
        done
        shift
        """
    /// Bubblewrap keeps the descriptor and reports itself.
    private static let sandboxed = script + "\nexec \"$@\""
    private static let plain = script + "\necho started >&3\nexec \"$@\" 3>&-"

    /// Limits by `setrlimit(2)`, as options of the shell's `ulimit`.
    struct ResourceLimits: Hashable, Sendable {
        var addressSpaceBytes: Int64?
        var cpuSeconds: Int?
        var processes: Int?

        var words: [String] {
            var words: [String] = []
            if let addressSpaceBytes { words += ["-v", String(addressSpaceBytes / 1024)] }
            if let cpuSeconds { words += ["-t", String(cpuSeconds)] }
            if let processes { words += ["-p", String(processes)] }
            return words
        }
    }

    static func arguments(sandboxed isSandboxed: Bool, group: JobGroup, limits: ResourceLimits, program: [String])
        -> [String]
    {
        let joins = group.joinFiles.flatMap { ["join", $0] }
        return ["-c", isSandboxed ? sandboxed : plain, "slipway-job"] + joins + limits.words + ["--"] + program
    }

    /// What must be done by `setrlimit` because no control group does it, and what holds each limit then.
    static func fallback(_ spec: JobSpec, group: JobGroup, ownUser: Bool) -> (ResourceLimits, JobConfinement) {
        var limits = ResourceLimits()
        var confinement = JobConfinement(sandbox: "", memory: group.memory, cpu: group.cpu, processes: group.processes)
        if let bytes = spec.memoryBytes {
            if group.memory == .notEnforced {
                limits.addressSpaceBytes = bytes
                confinement.memory = .rlimit
            }
        } else {
            confinement.memory = .notAsked
        }
        if let count = spec.cpuCount {
            if group.cpu == .notEnforced, let timeout = spec.timeoutSeconds {
                // A rate cannot be had this way; the total can.
                limits.cpuSeconds = max(1, Int((count * timeout).rounded(.up)))
                confinement.cpu = .rlimit
            }
        } else {
            confinement.cpu = .notAsked
        }
        // RLIMIT_NPROC counts all processes of a user: of use only where jobs have a user of their own.
        if group.processes == .notEnforced, ownUser {
            limits.processes = spec.processCount ?? JobSpec.defaultProcessCount
            confinement.processes = .rlimit
        }
        return (limits, confinement)
    }
}

/// What bubblewrap (`--json-status-fd`) or the plain script reported.
struct LaunchStatus: Hashable, Sendable {
    /// The program, or in the sandbox the process that becomes it, was started.
    var started = false
    /// The program's exit code (128 + n for a signal n), as the sandbox saw it.
    var exitCode: Int?

    init(started: Bool = false, exitCode: Int? = nil) {
        self.started = started
        self.exitCode = exitCode
    }

    init(parsing text: String) {
        for line in text.split(separator: "\n") {
            if line == "started" { started = true }
            guard let object = try? JSONValue(parsing: String(line)) else { continue }
            if object["child-pid"] != nil { started = true }
            if let code = object["exit-code"]?.intValue { exitCode = Int(code) }
        }
    }
}

extension JobOutcome {
    /// Why a job came to its end.
    enum Ending: Hashable, Sendable {
        case byItself(ExitStatus)
        case timedOut(seconds: Double)
        case cancelled
    }

    /// - Parameters:
    ///   - reported: the exit code that the sandbox reported, if it did.
    ///   - lastLine: of the output; bubblewrap says there why it could not start a program.
    init(_ ending: Ending, reported: Int?, oomKills: Int, memoryLimit: Int64?, program: String, lastLine: String) {
        switch ending {
        case .cancelled: self = .cancelled
        case .timedOut(let seconds): self = .timedOut(seconds: seconds)
        case .byItself(let status):
            let code = reported ?? Int(status.shellCode)
            if code == 0 {
                self = .succeeded
            } else if oomKills > 0 {
                self = .outOfMemory(limitBytes: memoryLimit)
            } else if code == 1, lastLine.hasPrefix("bwrap: execvp ") {
                self = .failed(
                    exitCode: 127, reason: Self.notFound(program, String(lastLine.dropFirst("bwrap: execvp ".count))))
            } else if code == 127, lastLine.contains(program) {
                self = .failed(exitCode: 127, reason: Self.notFound(program, lastLine))
            } else if code > 128, code < 128 + 65 {
                self = .failed(exitCode: code, reason: "The command \(ExitStatus.signalled(Int32(code - 128))).")
            } else {
                self = .failed(exitCode: code, reason: "The command ended with exit code \(code).")
            }
        }
    }

    /// The sandbox was made, and only the program in it could not be started: the client's mistake, not the machine's.
    var isMissingProgram: Bool {
        if case .failed(exitCode: 127, _) = self { return true }
        return false
    }

    private static func notFound(_ program: String, _ detail: String) -> String {
        "The program \(program) could not be started in the job (\(detail)). Is it on the job's PATH, and its environment named?"
    }
}
