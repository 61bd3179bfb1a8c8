import Core
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Runs a short helper program to its end and takes what it printed.
public enum Command {
    public struct Result: Sendable {
        public let status: ExitStatus
        /// Standard output, at most as many bytes as were asked for.
        public let output: [UInt8]
        /// The end of standard error, at most 16 KiB, for messages.
        public let errorText: String
        public let usage: ResourceUsage?

        public var text: String { String(decoding: output, as: UTF8.self) }
    }

    /// - Parameters:
    ///   - spec: its `output`, `errors` and `newSession` are replaced; the process group is killed at the end.
    ///   - maximumBytes: what is printed beyond is read and dropped.
    /// - Throws: `unavailable` when it cannot be started, `deadlineExceeded` past the time (the whole group is killed),
    ///   `cancelled` when the task was cancelled. A program that fails is not an error: see `status`.
    public static func run(
        _ spec: ProcessSpec, timeoutSeconds: Double, maximumBytes: Int = 16 * 1024 * 1024
    ) async throws -> Result {
        var spec = spec
        spec.output = .pipe
        spec.errors = .pipe
        spec.newSession = true
        spec.killsGroupAtEnd = true
        let child = try ChildProcess.start(spec)
        guard let output = child.output, let errors = child.errors else {
            throw SlipwayError(.internal, "A pipe that was asked for is not there.")
        }
        let timedOut = Flag()
        return try await withTaskCancellationHandler {
            // Killing the group also ends the reading below, so one timer bounds it all.
            let timer = Task {
                try await Task.sleep(nanoseconds: UInt64(max(0, timeoutSeconds) * 1e9))
                timedOut.isSet.store(true, ordering: .relaxed)
                child.signalGroup(SIGKILL)
            }
            defer { timer.cancel() }
            async let printed = OwnThread.run(name: "read") { output.readAll(keepingFirst: maximumBytes) }
            async let complained = OwnThread.run(name: "read") { errors.readAll(keepingLast: 16 * 1024) }
            let status = await child.wait()
            let result = Result(
                status: status, output: try await printed,
                errorText: String(decoding: try await complained, as: UTF8.self),
                usage: child.usage)
            if Task.isCancelled {
                throw SlipwayError(.cancelled, "\(spec.executable) was stopped: the request was cancelled.")
            }
            if timedOut.isSet.load(ordering: .relaxed) {
                throw SlipwayError(
                    .deadlineExceeded, "\(spec.executable) did not end within \(timeoutSeconds) s and was stopped.")
            }
            return result
        } onCancel: {
            child.signalGroup(SIGKILL)
        }
    }

    private final class Flag: Sendable { let isSet = Atomic(false) }
}
