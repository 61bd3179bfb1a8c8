import Core

/// A place that runs jobs. Every implementation passes `ExecutorConformance` in the tests.
public protocol Executor: Sendable {
    /// As written in pipelines: `process`, `podman`, …
    var name: String { get }

    /// nil if sandboxed jobs can run here now; else what is wrong and what to do about it.
    func availability() async -> String?

    /// Runs a job to its end. When it returns or throws, no process of the job is left.
    ///
    /// Cancelling the task ends the job: its processes are asked (SIGTERM), then made (SIGKILL) to end; the outcome is
    /// `cancelled`, not an error.
    /// - Throws: `invalid` for a spec that breaks a rule, `unavailable` when the job could not be started at all. A command
    ///   that fails is an outcome, not an error.
    func run(_ spec: JobSpec) async throws -> JobResult

    /// Ends and clears away whatever jobs an earlier server process left here. Call it once, before the first job.
    ///
    /// - Returns: the ids of the jobs that something was left of.
    func recover() async -> [String]
}
