import Core
import Synchronization

/// A job that is to run always: when its command ends it is started again, after a wait that doubles with each end in a
/// row and is forgotten once the job has run for a while. It stops when this object goes, or when told to.
public final class SupervisedJob: Sendable {
    /// How long to wait between an end and the next start.
    public struct Backoff: Sendable {
        public var firstSeconds = 0.2
        public var maximumSeconds = 30.0
        /// A run of so long counts as good, however it ended.
        public var steadySeconds = 60.0

        public init() {}

        /// - Parameter failures: ends in a row that came early, from 1.
        func wait(failures: Int) -> Double {
            min(maximumSeconds, firstSeconds * Double(1 << min(max(failures - 1, 0), 30)))
        }
    }

    private let course: Course
    private let task: Task<Void, Never>

    /// - Parameters:
    ///   - folder: a folder of this job's own; each run gets a new, empty folder in it, which is removed afterwards.
    ///   - spec: what the run with this number, from 1, is to do. Its id must differ from run to run.
    ///   - ended: hears how each run ended, before the wait.
    public init(
        executor: any Executor, folder: String, backoff: Backoff = Backoff(),
        spec: @escaping @Sendable (_ number: Int, _ folder: String) throws -> JobSpec,
        ended: @escaping @Sendable (Result<JobResult, any Error>) -> Void
    ) {
        let course = Course()
        self.course = course
        task = Task {
            var failures = 0
            var number = 0
            while !Task.isCancelled {
                number += 1
                let started = Clock.monotonicNanoseconds()
                let runFolder = "\(folder)/\(number)"
                let result: Result<JobResult, any Error>
                do {
                    try HostFiles.makeFolder(runFolder, mode: 0o755)
                    result = await course.run(executor, try spec(number, runFolder))
                } catch {
                    result = .failure(error)
                }
                HostFiles.removeTree(runFolder)
                ended(result)
                let seconds = Double(Clock.monotonicNanoseconds() - started) / 1e9
                failures = seconds >= backoff.steadySeconds ? 1 : failures + 1
                try? await Task.sleep(for: .seconds(backoff.wait(failures: failures)))
            }
            HostFiles.removeTree(folder)
        }
    }

    deinit { task.cancel() }

    /// Ends the run that is under way, so that another one begins.
    public func restart() { course.interrupt() }

    /// Ends the job for good; when this returns, none of its processes is left.
    public func stop() async {
        task.cancel()
        await task.value
    }

    /// The run that is under way.
    private final class Course: Sendable {
        private let current = Mutex<Task<JobResult, any Error>?>(nil)

        func run(_ executor: any Executor, _ spec: JobSpec) async -> Result<JobResult, any Error> {
            let run = Task { try await executor.run(spec) }
            current.withLock { $0 = run }
            defer { current.withLock { $0 = nil } }
            return await withTaskCancellationHandler {
                await run.result
            } onCancel: {
                run.cancel()
            }
        }

        func interrupt() { current.withLock { $0 }?.cancel() }
    }
}
