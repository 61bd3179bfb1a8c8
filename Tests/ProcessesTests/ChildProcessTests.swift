import Core
import Processes
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `/bin/sh -c script`, with a PATH.
private func shell(_ script: String) -> ProcessSpec {
    ProcessSpec(
        executable: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin", "GREETING": "hello"])
}

@Suite struct ChildProcessTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let script: String
        let status: Processes.ExitStatus
        var output = ""
        var errors = ""
        var testDescription: String { script }
    }

    @Test(arguments: [
        Case(script: "exit 0", status: .exited(0)),
        Case(script: "exit 7", status: .exited(7)),
        Case(script: "kill -TERM $$", status: .signalled(15)),
        Case(script: "echo $GREETING; echo oops >&2", status: .exited(0), output: "hello\n", errors: "oops\n"),
        Case(
            script: "env -u PWD -u _ -u SHLVL -u OLDPWD env", status: .exited(0),
            output: "GREETING=hello\nPATH=/usr/bin:/bin\n"),
        // Nothing but 0, 1 and 2 is open (ls has the folder itself as 3).
        Case(script: "ls /proc/self/fd | tr '\\n' ' '", status: .exited(0), output: "0 1 2 3 "),
        // No signal is blocked, none below 29 ignored (glibc ignores 32 and 33, its own, in what it spawns).
        Case(
            script: "sed -n 's/^Sig\\(Blk\\|Ign\\):.*\\(.......\\)$/\\1 \\2/p' /proc/self/status", status: .exited(0),
            output: "Blk 0000000\nIgn 0000000\n"),
        // What it leaves behind in its group does not hold us up.
        Case(script: "sleep 60 & echo left", status: .exited(0), output: "left\n"),
    ])
    func `Command.run reports status, output and errors`(_ item: Case) async throws {
        let result = try await Command.run(shell(item.script), timeoutSeconds: 20)
        #expect(
            [result.status.description, result.text.sorted(by: item), result.errorText]
                == [item.status.description, item.output, item.errors])
    }

    @Test func `A bare name is looked up, an unknown one explained`() async throws {
        let found = try await Command.run(ProcessSpec(executable: "echo", arguments: ["x y"]), timeoutSeconds: 20)
        #expect(found.text == "x y\n")
        let error = await #expect(throws: SlipwayError.self) {
            try await Command.run(ProcessSpec(executable: "/no/such/program"), timeoutSeconds: 20)
        }
        #expect(
            error?.description
                == "unavailable: Cannot start /no/such/program: No such file or directory. Is it installed, and the path right?"
        )
        var spec = shell("pwd")
        spec.workingDirectory = "/no/such/folder"
        let folder = await #expect(throws: SlipwayError.self) { try await Command.run(spec, timeoutSeconds: 20) }
        #expect(folder?.message.contains("working folder /no/such/folder") == true)
        spec.workingDirectory = "/usr"
        #expect(try await Command.run(spec, timeoutSeconds: 20).text == "/usr\n")
    }

    @Test func `A deadline and a cancellation end the whole group`() async throws {
        let spec = shell("sleep 300 & sleep 300")
        let late = await #expect(throws: SlipwayError.self) { try await Command.run(spec, timeoutSeconds: 0.2) }
        #expect(late?.code == .deadlineExceeded)
        let task = Task { try await Command.run(spec, timeoutSeconds: 60) }
        try await Task.sleep(nanoseconds: 100_000_000)
        task.cancel()
        let cancelled = await #expect(throws: SlipwayError.self) { try await task.value }
        #expect(cancelled?.code == .cancelled)
    }

    @Test func `Files, pipes and further descriptors are laid out`() async throws {
        let path = "/tmp/slipway-processes-\(getpid())"
        defer { unlink(path) }
        var spec = shell("cat; echo four >&4")
        spec.input = .pipe
        spec.output = .file(path, append: false)
        let target = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(target) }
        spec.descriptors = [4: target]
        let child = try ChildProcess.start(spec)
        try child.input?.write(Array("typed\n".utf8))
        child.closeInput()
        #expect(await child.wait() == .exited(0))
        let read = try await Command.run(ProcessSpec(executable: "/bin/cat", arguments: [path]), timeoutSeconds: 20)
        #expect(read.text == "typed\nfour\n")
        // Signals to a process that is gone are dropped.
        child.signal(SIGTERM)
        #expect((child.usage?.maximumResidentBytes ?? 0) > 100_000)
    }

    @Test func `Many at once are all reaped`() async throws {
        let codes = try await withThrowingTaskGroup(of: Int32.self) { group in
            for code in 0..<40 {
                group.addTask { try await Command.run(shell("exit \(code)"), timeoutSeconds: 60).status.shellCode }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.sorted() == Array(0..<40))
    }
}

extension String {
    /// `env` prints in an order of its own.
    fileprivate func sorted(by item: ChildProcessTests.Case) -> String {
        item.script.hasSuffix(" env") ? split(separator: "\n").sorted().map { $0 + "\n" }.joined() : self
    }
}
