import Core

/// One execution of one command, described without saying where it runs.
public struct JobSpec: Hashable, Sendable, Codable {
    /// A file or folder of this machine and the name under which the job finds it.
    public struct Mount: Hashable, Sendable, Codable {
        public var name: String
        /// Absolute. Trusted: made by the server, never taken from a client.
        public var hostPath: String

        public init(name: String, hostPath: String) {
            self.name = name
            self.hostPath = hostPath
        }
    }

    /// A valid `Name`, unique among the jobs of one executor.
    public var id: String
    /// The program and its arguments, as they are: no shell reads them. A bare program name is looked up in the job's PATH.
    public var command: [String]
    /// Added to the little that every job gets (`PATH`, `HOME`, `TMPDIR`, `LANG`); nothing of the server's own is passed on.
    public var environment: [String: String]
    /// A folder that the job sees, read-only, at `/slipway/code`.
    public var code: String?
    /// Begins in the code folder (if there is one) instead of the empty work folder, which stays the HOME.
    public var startsInCode = false
    /// Seen read-only at `/slipway/inputs/<name>`. Files must be readable by others (mode o+r, folders o+rx): the job has
    /// a user of its own.
    public var inputs: [Mount]
    /// Folders seen writable at `/slipway/outputs/<name>`; they exist and are empty.
    public var outputs: [Mount]
    /// Seen read-only at `/slipway/files/<name>`: what the server itself has to say to the job, such as its parameters.
    public var files: [Mount]
    /// Host paths that the job sees, read-only, at the same place: the prefix of its Python interpreter.
    public var readOnlyPaths: [String]
    /// false: no network at all, not even this machine's loopback. true: the network of the host.
    public var network: Bool
    /// For the whole tree of processes; nil is no limit of its own.
    public var memoryBytes: Int64?
    /// Processors' worth of time, such as 0.5; nil is no limit.
    public var cpuCount: Double?
    /// Processes and threads at the same time; nil is `JobSpec.defaultProcessCount`.
    public var processCount: Int?
    /// Wall-clock; nil is no limit.
    public var timeoutSeconds: Double?
    /// Between asking the processes to end (SIGTERM) and making them (SIGKILL).
    public var graceSeconds: Double
    /// Standard output and error, merged, are appended here as they come.
    public var logPath: String
    /// What is kept of the log: its beginning and its last 64 KiB, no more than this together.
    public var logBytes: Int64
    /// false: a plain process of the server's own user, with limits but without walls. Only where a project says so.
    public var sandboxed: Bool

    public static let defaultProcessCount = 4096

    public init(
        id: String, command: [String], environment: [String: String] = [:], code: String? = nil, inputs: [Mount] = [],
        outputs: [Mount] = [], files: [Mount] = [], readOnlyPaths: [String] = [], network: Bool = false,
        memoryBytes: Int64? = nil, cpuCount: Double? = nil, processCount: Int? = nil, timeoutSeconds: Double? = nil,
        graceSeconds: Double = 10, logPath: String, logBytes: Int64 = 64 << 20, sandboxed: Bool = true
    ) {
        self.id = id
        self.command = command
        self.environment = environment
        self.code = code
        self.inputs = inputs
        self.outputs = outputs
        self.files = files
        self.readOnlyPaths = readOnlyPaths
        self.network = network
        self.memoryBytes = memoryBytes
        self.cpuCount = cpuCount
        self.processCount = processCount
        self.timeoutSeconds = timeoutSeconds
        self.graceSeconds = graceSeconds
        self.logPath = logPath
        self.logBytes = logBytes
        self.sandboxed = sandboxed
    }
}

/// Where a job finds its things.
extension JobSpec {
    static let home = "/slipway"
    static let workPath = "/slipway/work"

    /// As the job sees it; nil if there is no such input.
    public func path(ofInput name: String) -> String? { place(inputs, name, "inputs") }
    /// As the job sees it; nil if there is no such output.
    public func path(ofOutput name: String) -> String? { place(outputs, name, "outputs") }
    /// As the job sees it; nil if there is no such file.
    public func path(ofFile name: String) -> String? { place(files, name, "files") }
    /// As the job sees it; nil if it has no code.
    public var codePath: String? { sandboxed ? code.map { _ in "\(Self.home)/code" } : code }

    private func place(_ mounts: [Mount], _ name: String, _ folder: String) -> String? {
        guard let mount = mounts.first(where: { $0.name == name }) else { return nil }
        return sandboxed ? "\(Self.home)/\(folder)/\(name)" : mount.hostPath
    }
}

extension JobSpec {
    /// The longest argument or environment entry that Linux hands to a program (MAX_ARG_STRLEN), less its NUL.
    static let argumentBytes = 128 * 1024 - 1

    /// Checks everything that can be checked without looking at the disk.
    ///
    /// - Throws: `invalid`, naming the field.
    public func validate() throws {
        try Name.validate(id, field: "id")
        guard let program = command.first, !program.isEmpty else {
            throw SlipwayError.field("command", "is empty", expected: "a program and its arguments")
        }
        for word in command where word.utf8.count > Self.argumentBytes || word.utf8.contains(0) {
            throw SlipwayError.field("command", "has a word with a NUL or of more than \(Self.argumentBytes) bytes")
        }
        for (name, value) in environment { try Self.validateVariable(name, value) }
        for (field, mounts) in [("inputs", inputs), ("outputs", outputs), ("files", files)] {
            var seen: Set<String> = []
            for mount in mounts {
                try Name.validate(mount.name, field: field)
                guard seen.insert(mount.name).inserted else {
                    throw SlipwayError.field("\(field).\(mount.name)", "is there twice")
                }
                try Self.validatePath(mount.hostPath, field: "\(field).\(mount.name)")
            }
        }
        if let code { try Self.validatePath(code, field: "code") }
        try Self.validatePath(logPath, field: "logPath")
        for path in readOnlyPaths { try Self.validatePath(path, field: "readOnlyPaths") }
        if let memoryBytes, memoryBytes < 4 << 20 {
            throw SlipwayError.field("memoryBytes", "\(memoryBytes) is too little", expected: "at least 4 MiB")
        }
        if let cpuCount, !(cpuCount >= 0.01 && cpuCount <= 4096) {
            throw SlipwayError.field("cpuCount", "\(cpuCount) is out of range", expected: "0.01 to 4096")
        }
        if let processCount, processCount < 8 {
            throw SlipwayError.field("processCount", "\(processCount) is too few", expected: "at least 8")
        }
        if let timeoutSeconds, !(timeoutSeconds > 0 && timeoutSeconds.isFinite) {
            throw SlipwayError.field("timeoutSeconds", "\(timeoutSeconds) is out of range", expected: "more than 0")
        }
        guard graceSeconds >= 0, graceSeconds <= 3600 else {
            throw SlipwayError.field("graceSeconds", "\(graceSeconds) is out of range", expected: "0 to 3600")
        }
    }

    private static func validateVariable(_ name: String, _ value: String) throws {
        let letters = name.utf8.allSatisfy { byte in
            (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)
                || byte == UInt8(ascii: "_")
        }
        guard letters, let first = name.utf8.first, !(48...57).contains(first) else {
            throw SlipwayError.field(
                "environment", "'\(name.prefix(80))' is not a variable name",
                expected: "letters, digits and '_', no digit first")
        }
        guard name.utf8.count + value.utf8.count < argumentBytes, !value.utf8.contains(0) else {
            throw SlipwayError.field("environment.\(name)", "has a NUL or is longer than \(argumentBytes) bytes")
        }
    }

    private static func validatePath(_ path: String, field: String) throws {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard path.hasPrefix("/"), !path.utf8.contains(0), parts.count > 1,
            !parts.dropFirst().contains(where: { $0.isEmpty || $0 == "." || $0 == ".." })
        else {
            throw SlipwayError.field(
                field, "'\(path.prefix(120))' is not usable", expected: "an absolute path without '.', '..' or '//'")
        }
    }
}
