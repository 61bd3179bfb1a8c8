/// What to start. Nothing of this process leaks into the child but what is named here: not its environment, not its open
/// files, not its signal mask.
public struct ProcessSpec: Sendable {
    /// Where the child's standard input comes from.
    public enum Input: Sendable, Hashable {
        /// `/dev/null`.
        case none
        case file(String)
        /// `ChildProcess.input` is the writing end.
        case pipe
    }

    /// Where the child's standard output or error goes.
    public enum Output: Sendable, Hashable {
        /// `/dev/null`.
        case discard
        /// A file, made if it is not there (mode 0644); appended to, or emptied first.
        case file(String, append: Bool)
        /// `ChildProcess.output` (or `.errors`) is the reading end.
        case pipe
        /// The same file as this process's own.
        case inherit
    }

    /// An absolute path, or a bare name that is looked up in this process's PATH.
    public var executable: String
    /// Without the name of the program itself.
    public var arguments: [String]
    /// All of the child's environment.
    public var environment: [String: String]
    /// nil: this process's own.
    public var workingDirectory: String?
    public var input: Input
    public var output: Output
    /// nil: the same place as `output`, in the order of writing.
    public var errors: Output?
    /// A session and process group of its own, so that `signalGroup` reaches its descendants and a terminal's Ctrl-C
    /// does not reach it.
    public var newSession: Bool
    /// With `newSession`: when the child ends, whatever is left of its process group is killed.
    public var killsGroupAtEnd: Bool
    /// Further open files: the number in the child (3 or more) and the descriptor here, which stays the caller's.
    public var descriptors: [Int32: Int32]

    public init(
        executable: String, arguments: [String] = [], environment: [String: String] = [:],
        workingDirectory: String? = nil,
        input: Input = .none, output: Output = .discard, errors: Output? = nil, newSession: Bool = true,
        killsGroupAtEnd: Bool = false, descriptors: [Int32: Int32] = [:]
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.input = input
        self.output = output
        self.errors = errors
        self.newSession = newSession
        self.killsGroupAtEnd = killsGroupAtEnd
        self.descriptors = descriptors
    }
}

/// How a process ended.
public enum ExitStatus: Hashable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    public var isSuccess: Bool { self == .exited(0) }

    public var description: String {
        switch self {
        case .exited(let code): "ended with exit code \(code)"
        case .signalled(let number): "was ended by signal \(number)\(Self.names[number].map { " (\($0))" } ?? "")"
        }
    }

    /// The number a shell would report: the exit code, or 128 + the signal.
    public var shellCode: Int32 {
        switch self {
        case .exited(let code): code
        case .signalled(let number): 128 + number
        }
    }

    private static let names: [Int32: String] = [
        1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV",
        13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ",
    ]
}

/// What a process and its reaped descendants used, by `getrusage(2)`.
public struct ResourceUsage: Hashable, Sendable {
    public let userSeconds: Double
    public let systemSeconds: Double
    /// The largest resident set of any one of them.
    public let maximumResidentBytes: Int64
}
