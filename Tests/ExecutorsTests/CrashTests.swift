import Core
import Testing

@testable import Executors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What is left of a job when the server is killed.
@Suite(.timeLimit(.minutes(2))) struct CrashTests {
    @Test(arguments: [true, false])
    func `kill -9 of the server ends its jobs`(_ sandboxed: Bool) async throws {
        let folder = try TestFolder()
        let marker = ID.make()
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, marker = marker as String, sandboxed = sandboxed as Bool] in
            let executor = try ProcessExecutor(.init(runtimeFolder: "\(path)/runtime"))
            // The child keeps a session and a process group of its own: the worst that a job can do.
            let script =
                "(setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 0.1; done' \(marker) &); echo ready; while :; do sleep 0.1; done"
            let spec = JobSpec(
                id: "job", command: ["/bin/sh", "-c", script, marker], logPath: "\(path)/log", sandboxed: sandboxed)
            async let result = executor.run(spec)
            while !readText("\(path)/log").contains("ready") { usleep(10_000) }
            kill(getpid(), SIGKILL)
            _ = try await result
        }
        // The sandbox dies with the server. A plain process's descendants wait for `recover`.
        if sandboxed { try await eventually("the job ended") { processes(with: marker) == [] } }
        let executor = try ProcessExecutor(.init(runtimeFolder: "\(path)/runtime"))
        let before = executor.groups.jobs()
        let recovered = await executor.recover()
        let again = await executor.recover()
        #expect(
            recovered == ["job"] && again == [] && executor.groups.jobs() == []
                && (before == ["job"] || executor.groups.places.isEmpty)
                && HostFiles.list("\(path)/runtime/jobs") == [])
        try await eventually("nothing runs") { processes(with: marker) == [] }
    }

    @Test func `recover ends no stranger that has the number of an old job`() async throws {
        let folder = try TestFolder()
        let executor = try ProcessExecutor(.init(runtimeFolder: folder.folder("runtime")))
        let stranger = try #require(ProcessTree.entry(getpid()))
        _ = folder.folder("runtime/jobs/old")
        _ = folder.write("runtime/jobs/old/process", "\(stranger.pid) \(stranger.startTicks + 1)")
        #expect(await executor.recover() == ["old"])
    }
}
