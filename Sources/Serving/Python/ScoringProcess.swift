import Core
import Executors
import Logging
import Platform
import Synchronization
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One supervised process with mlflow's scoring server, and where it can be reached now.
final class ScoringProcess: Sendable {
    struct Settings: Sendable {
        /// The version, as people and file names know it.
        var name: String
        var modelFolder: String
        var python: PythonEnvironment?
        /// The server's own folder for this process: its script and the sockets of its runs.
        var folder: String
        var logPath: String
        var memoryBytes: Int64
        var threads: Int
        var network: Bool
        /// A request that took longer than this without an answer ends the process, in seconds.
        var restartSeconds: Double
    }

    /// What the process does now.
    enum Phase: Sendable {
        case starting
        case ready
        /// It ended, with the reason; another start follows.
        case down(SlipwayError)
    }

    private struct State {
        var phase = Phase.starting
        /// The run's folder, held open: the socket is found through it, because a socket's path has at most 107 bytes.
        var folder: Int32 = -1
        var inFlight = 0
        var starts = 0
        var note: String?
        var logOffset = 0
        /// By the monotonic clock.
        var lastAnswer: UInt64 = 0
    }

    private final class Board: Sendable {
        let state = Mutex(State())
    }

    private let board = Board()
    private let job: SupervisedJob
    private let http: HTTPClient
    private let logger: Logger
    private let name: String
    private let restartSeconds: Double
    /// Where its output and errors are kept.
    let logPath: String

    init(_ settings: Settings, executor: any Executor, http: HTTPClient, logger: Logger) throws {
        let script = "\(settings.folder).py"
        try ScoringFiles.write(ScoringScript.text, to: script)
        let board = board
        self.http = http
        self.logger = logger
        name = settings.name
        restartSeconds = settings.restartSeconds
        logPath = settings.logPath
        job = SupervisedJob(executor: executor, folder: settings.folder) { number, folder in
            board.state.withLock { state in
                state.phase = .starting
                state.starts = number
                state.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                state.logOffset = ScoringFiles.size(of: settings.logPath)
            }
            return Self.spec(settings, script: script, socketFolder: folder)
        } ended: { result in
            let reason = Self.reason(
                result, log: ScoringFiles.tail(settings.logPath, from: board.state.withLock { $0.logOffset }))
            board.state.withLock { state in
                if state.folder >= 0 { close(state.folder) }
                state.folder = -1
                state.phase = .down(
                    SlipwayError(.unavailable, "The Python process of \(settings.name) ended: \(reason)"))
            }
            logger.warning("A scoring process of \(settings.name) ended: \(reason)")
        }
    }

    private static func spec(_ settings: Settings, script: String, socketFolder: String) -> JobSpec {
        var spec = JobSpec(
            id: "scoring-\(ID.make())", command: [], inputs: [.init(name: "model", hostPath: settings.modelFolder)],
            outputs: [.init(name: "socket", hostPath: socketFolder)],
            files: [.init(name: ScoringScript.fileName, hostPath: script)],
            readOnlyPaths: settings.python?.readOnlyPaths ?? [], network: settings.network,
            memoryBytes: settings.memoryBytes, graceSeconds: 2, logPath: settings.logPath, logBytes: 4 << 20)
        spec.command = [
            settings.python?.interpreter ?? "/usr/bin/python3", "-B",
            spec.path(ofFile: ScoringScript.fileName) ?? script,
            spec.path(ofInput: "model") ?? settings.modelFolder,
            (spec.path(ofOutput: "socket") ?? socketFolder) + "/s",
        ]
        spec.environment = [
            "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": String(settings.threads), "OPENBLAS_NUM_THREADS": String(settings.threads),
        ]
        if let python = settings.python {
            spec.environment["PATH"] = "\(python.binFolder):/usr/local/bin:/usr/bin:/bin"
        }
        return spec
    }

    /// What the process said about its end, else what the executor knows.
    private static func reason(_ result: Result<JobResult, any Error>, log: String) -> String {
        let lines = log.split(separator: "\n").map(String.init)
        if let said = lines.last(where: {
            $0.hasPrefix(ScoringScript.mark) && !$0.hasPrefix(ScoringScript.noteMark)
        }) {
            return String(said.dropFirst(ScoringScript.mark.count))
        }
        switch result {
        case .success(let job): return job.outcome.description
        case .failure(let error): return (error as? SlipwayError)?.message ?? "\(error)"
        }
    }

    // MARK: State

    var isReady: Bool { if case .ready = phase { true } else { false } }
    var phase: Phase { board.state.withLock { $0.phase } }
    var inFlight: Int { board.state.withLock { $0.inFlight } }
    /// What the environment lacks of the model's requirements, in the process's words.
    var note: String? { board.state.withLock { $0.note } }
    var starts: Int { board.state.withLock { $0.starts } }

    /// Asks whether it answers, and notes it; one that hangs is started anew.
    func look() async {
        guard let number = board.state.withLock({ $0.folder >= 0 ? $0.starts : nil }) else { return }
        guard let answer = try? await send("GET", "/ping", [], contentType: nil, seconds: 2), answer.status == 200
        else {
            // It answers nobody while it predicts; only one that does not for longer than a prediction may take hangs.
            let hangs = board.state.withLock { state in
                guard case .ready = state.phase else { return false }
                return Double(Clock.monotonicNanoseconds() - state.lastAnswer) / 1e9 > 2 * restartSeconds + 10
            }
            if hangs {
                logger.warning("A scoring process of \(name) does not answer and is started anew.")
                restart()
            }
            return
        }
        let offset = board.state.withLock { $0.logOffset }
        let note = ScoringFiles.tail(logPath, from: offset).split(separator: "\n").last {
            $0.hasPrefix(ScoringScript.noteMark)
        }.map { String($0.dropFirst(ScoringScript.noteMark.count)) }
        let isNew = board.state.withLock { state in
            guard state.starts == number, state.folder >= 0 else { return false }
            state.lastAnswer = Clock.monotonicNanoseconds()
            if case .ready = state.phase { return false }
            state.phase = .ready
            state.note = note
            return true
        }
        if isNew, let note { logger.warning("\(name) runs, but \(note)") }
    }

    /// - Throws: `unavailable` when it is not there or ends meanwhile; `deadlineExceeded`, and then it is started anew,
    ///   because it may compute on for ever, unless the deadline was too short to tell.
    func ask(_ path: String, _ body: [UInt8], contentType: String, seconds: Double) async throws -> HTTPResponse {
        board.state.withLock { $0.inFlight += 1 }
        defer { board.state.withLock { $0.inFlight -= 1 } }
        do {
            return try await send("POST", path, body, contentType: contentType, seconds: seconds)
        } catch let error as SlipwayError where error.code == .deadlineExceeded && seconds > restartSeconds {
            restart()
            throw error
        } catch let error as SlipwayError where error.code == .unavailable {
            // Not to be picked again before it has shown that it answers.
            leaveReady()
            throw error
        }
    }

    func restart() {
        leaveReady()
        job.restart()
    }

    private func leaveReady() {
        board.state.withLock { state in
            if case .ready = state.phase { state.phase = .starting }
        }
    }

    func stop() async { await job.stop() }

    private func send(_ method: String, _ path: String, _ body: [UInt8], contentType: String?, seconds: Double)
        async throws -> HTTPResponse
    {
        // A copy of the descriptor, so that the process's end does not close it under the request.
        let folder = board.state.withLock { $0.folder >= 0 ? fcntl($0.folder, F_DUPFD_CLOEXEC, 0) : -1 }
        guard folder >= 0 else { throw SlipwayError(.unavailable, "The Python process of \(name) is not up.") }
        defer { close(folder) }
        var request = HTTPRequest(
            method: method, url: "http://scoring\(path)", headers: [("Connection", "close")],
            body: method == "GET" ? .none : .bytes(body), timeoutSeconds: seconds, connectTimeoutSeconds: 2,
            stallSeconds: max(seconds, 1), followRedirects: false,
            maximumResponseBytes: Int64(ScoringFiles.maximumAnswerBytes))
        if let contentType { request.headers.append(("Content-Type", contentType)) }
        request.unixSocket = "/proc/self/fd/\(folder)/s"
        return try await http.send(request)
    }
}

/// The few things that a scoring process needs of the file system.
enum ScoringFiles {
    static let maximumAnswerBytes = 256 << 20
    /// What is shown of a log.
    static let tailBytes = 64 << 10

    static func write(_ text: String, to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        let bytes = Array(text.utf8)
        guard file >= 0, Glibc.write(file, bytes, bytes.count) == bytes.count else {
            throw SlipwayError(
                .unavailable, "The file \(path) could not be written: \(String(cString: strerror(errno))).")
        }
        fchmod(file, 0o644)
        close(file)
    }

    static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o755) != 0, errno != EEXIST else { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw SlipwayError(
                .unavailable, "The folder \(path) could not be made: \(String(cString: strerror(errno))).")
        }
        try makeFolder(String(path[..<slash]))
        try makeFolder(path)
    }

    static func size(of path: String) -> Int {
        var info = stat()
        return stat(path, &info) == 0 ? Int(info.st_size) : 0
    }

    /// The end of a file from an offset on, no more than `tailBytes` of it; empty when there is none.
    static func tail(_ path: String, from offset: Int = 0) -> String {
        let start = max(offset, size(of: path) - tailBytes)
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: tailBytes)
        let count = pread(file, &bytes, bytes.count, off_t(start))
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
