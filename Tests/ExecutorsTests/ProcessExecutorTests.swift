import Core
import Processes
import Testing

@testable import Executors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension Bench {
    /// A process executor with a runtime folder of its own.
    static func process(
        identity: Bubblewrap.Identity? = nil, usesControlGroups: Bool = true, bubblewrap: String? = nil,
        protected: [String] = []
    ) throws -> Bench {
        let folder = try TestFolder()
        let configuration = ProcessExecutor.Configuration(
            runtimeFolder: folder.folder("runtime"), bubblewrap: bubblewrap, protectedPaths: protected,
            usesControlGroups: usesControlGroups)
        let executor =
            try identity.map { try ProcessExecutor(configuration, identity: $0) } ?? ProcessExecutor(configuration)
        return Bench(executor: executor, folder: folder)
    }
}

@Suite(.timeLimit(.minutes(5))) struct ProcessExecutorTests {
    @Test(arguments: ExecutorConformance.all)
    func conforms(_ part: ExecutorConformance) async throws {
        try await part.check(.process())
    }

    /// The way in of an ordinary user, here taken by whoever runs the tests.
    @Test(arguments: ExecutorConformance.all)
    func `conforms with a user namespace`(_ part: ExecutorConformance) async throws {
        try await part.check(.process(identity: .userNamespace(64_420)))
    }

    @Test(.enabled(if: ControlGroups(label: "tests").places.contains { $0.controllers.contains("memory") }))
    func `limits are held by control groups where they can be`() async throws {
        let bench = try Bench.process()
        let spec = bench.job("true") { spec in
            spec.memoryBytes = 64 << 20
            spec.cpuCount = 1
        }
        let held = try await bench.run(spec).result.confinement
        #expect([held.memory, held.cpu, held.processes].allSatisfy { [.cgroupV1, .cgroupV2].contains($0) }, "\(held)")
    }

    @Test func `without control groups limits are held by setrlimit, and said so`() async throws {
        let bench = try Bench.process(usesControlGroups: false)
        let spec = bench.job("python3 -c 'bytearray(300 << 20)'") { spec in
            spec.memoryBytes = 128 << 20
            spec.cpuCount = 0.5
            spec.timeoutSeconds = 30
        }
        let (result, log) = try await bench.run(spec)
        let root = geteuid() == 0
        let expected = JobConfinement(
            sandbox: "bubblewrap, user \(root ? 64_420 : geteuid())", memory: .rlimit, cpu: .rlimit,
            processes: root ? .rlimit : .notEnforced)
        #expect(
            result.confinement == expected && log.contains("MemoryError")
                && result.outcome == .failed(exitCode: 1, reason: "The command ended with exit code 1."),
            "\(result) \(log)")
    }

    @Test func `a virtual environment is seen and used, the rest of its parents is not`() async throws {
        let bench = try Bench.process()
        let folder = bench.folder.folder("envs")
        #expect(shell("python3 -m venv --without-pip \(folder)/one && mkdir \(folder)/two") == 0)
        let environment = try PythonEnvironment(path: "\(folder)/one")
        let spec = bench.job(
            "ls \(folder); python -c 'import sys; print(sys.prefix)'",
            environment: ["PATH": "\(environment.binFolder):/usr/bin:/bin"]
        ) {
            $0.readOnlyPaths = environment.readOnlyPaths
        }
        let (result, log) = try await bench.run(spec)
        #expect(result.outcome == .succeeded && log == "one\n\(folder)/one\n", "\(log)")
    }

    @Test(arguments: ["/", "/proc", "/etc", "/tmp", "PROTECTED", "PROTECTED/inner", "PARENT", "LINK", "RUNTIME"])
    func `paths that must stay hidden cannot be shown`(_ name: String) async throws {
        let root = try TestFolder()
        let data = root.folder("data/inner")
        let protected = String(data.dropLast("/inner".count))
        let bench = try Bench.process(protected: [protected])
        symlink(protected, "\(root.path)/link")
        let path =
            [
                "PROTECTED": protected, "PROTECTED/inner": data, "PARENT": root.path, "LINK": "\(root.path)/link",
                "RUNTIME": bench.folder.path + "/runtime",
            ][name] ?? name
        let error = await #expect(throws: SlipwayError.self) {
            try await bench.executor.run(bench.job("true") { $0.readOnlyPaths = [path] })
        }
        #expect(error?.code == .invalid && error?.details["field"] == "readOnlyPaths")
    }

    @Test(.enabled(if: geteuid() == 0)) func `an input that the job's user could not read is refused with the remedy`()
        async throws
    {
        let bench = try Bench.process()
        let input = bench.folder.write("closed", "x")
        chmod(input, 0o600)
        let error = await #expect(throws: SlipwayError.self) {
            try await bench.executor.run(bench.job("true", inputs: [.init(name: "data", hostPath: input)]))
        }
        #expect(
            error?.message
                == "inputs.data: \(input) is closed to the job's own user; expected readable by others (chmod -R o+rX)."
        )
    }

    @Test func `without bubblewrap sandboxed jobs are refused, and others run`() async throws {
        let bench = try Bench.process(bubblewrap: "/nonexistent/bwrap")
        let reason = await bench.executor.availability()
        let error = await #expect(throws: SlipwayError.self) { try await bench.executor.run(bench.job("true")) }
        let plain = try await bench.run(bench.job("echo $HOME; id -u") { $0.sandboxed = false })
        #expect(
            reason?.contains("apt-get install bubblewrap") == true && error?.code == .unavailable
                && error?.message == reason
                && plain.result.outcome == .succeeded && plain.result.confinement.sandbox == "none"
                && plain.log.hasSuffix("\(geteuid())\n"))
    }

    @Test func `a sandbox that cannot be made is reported with what bubblewrap says`() async throws {
        let folder = try TestFolder()
        let broken = folder.write(
            "bwrap", "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n")
        chmod(broken, 0o755)
        let bench = try Bench.process(bubblewrap: broken)
        let reason = await bench.executor.availability()
        #expect(reason?.contains("No permissions to create new namespace") == true, "\(reason ?? "available")")
    }

    @Test(arguments: [true, false])
    func `plain processes end as a tree too`(_ usesControlGroups: Bool) async throws {
        let bench = try Bench.process(usesControlGroups: usesControlGroups)
        let marker = ID.make()
        let output = bench.folder.folder("plain")
        let spec = bench.job(
            "trap '' TERM; (sh -c 'trap \"\" TERM; while :; do sleep 0.1; done' \(marker) &) ; echo x >$OUT/x; while :; do sleep 0.1; done",
            environment: ["OUT": output], outputs: [.init(name: "plain", hostPath: output)]
        ) { spec in
            spec.sandboxed = false
            spec.timeoutSeconds = 1
            spec.graceSeconds = 0.2
        }
        #expect(spec.path(ofOutput: "plain") == output)
        let result = try await bench.run(spec).result
        #expect(
            result.outcome == .timedOut(seconds: 1) && processes(with: marker) == [] && readText("\(output)/x") == "x\n"
        )
    }

    @Test func `the command line of a job tells nobody its environment`() async throws {
        let bench = try Bench.process()
        let marker = ID.make()
        let spec = bench.job("echo ready; sleep 30; : \(marker)", environment: ["SLIPWAY_TOKEN": "secret-\(marker)"])
        let task = Task { try await bench.run(spec) }
        try await eventually("the job runs") { readText(spec.logPath) == "ready\n" }
        let lines = processes(with: marker)
        task.cancel()
        _ = try await task.value
        #expect(!lines.isEmpty && lines.allSatisfy { !$0.contains("secret-") })
    }

    /// The job's own user is not root to the kernel: what it makes belongs to that user while it runs.
    @Test(.enabled(if: geteuid() == 0)) func `a job of root's runs as a user of its own`() async throws {
        let bench = try Bench.process()
        let output = bench.folder.folder("owned")
        let spec = bench.job(
            "touch /slipway/outputs/o/x; echo ready; while [ ! -e /slipway/files/go/now ]; do sleep 0.05; done",
            outputs: [.init(name: "o", hostPath: output)]
        ) {
            $0.files = [.init(name: "go", hostPath: bench.folder.folder("go"))]
        }
        async let end = bench.run(spec)
        try await eventually("the job runs") { readText(spec.logPath) == "ready\n" }
        func owner() -> UInt32 {
            var info = stat()
            stat("\(output)/x", &info)
            return info.st_uid
        }
        let during = owner()
        _ = bench.folder.write("go/now", "")
        _ = try await end
        #expect([during, owner()] == [64_420, 0])
    }
}
