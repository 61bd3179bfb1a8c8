import Core
import Executors
import Testing

/// What every executor does for a sandboxed job. An executor's tests run each case against it.
struct ExecutorConformance: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let check: @Sendable (Bench) async throws -> Void

    init(_ name: String, _ check: @escaping @Sendable (Bench) async throws -> Void) {
        testDescription = name
        self.check = check
    }

    static let all = outcomes + mounts + walls + limits + endings
}

extension ExecutorConformance {
    static let outcomes = [
        Self("exit codes are told") { bench in
            var seen: [JobOutcome] = []
            for script in ["true", "exit 7", "kill -9 $$", "exit 137"] {
                seen.append(try await bench.run(bench.job(script)).result.outcome)
            }
            #expect(
                seen == [
                    .succeeded, .failed(exitCode: 7, reason: "The command ended with exit code 7."),
                    .failed(exitCode: 137, reason: "The command was ended by signal 9 (SIGKILL)."),
                    .failed(exitCode: 137, reason: "The command was ended by signal 9 (SIGKILL)."),
                ])
        },
        Self("a program that is not there is said so") { bench in
            let result = try await bench.run(bench.job("") { $0.command = ["no-such-program", "x"] }).result
            guard case .failed(exitCode: 127, let reason) = result.outcome else {
                Issue.record("\(result.outcome)")
                return
            }
            #expect(reason.contains("no-such-program"))
        },
        Self("words reach the program as they are, and the environment is the spec's own") { bench in
            let words = ["a b", "$HOME", "`id`", "'\"", "", "é"]
            var spec = bench.job("", environment: ["MINE": "x y\nz", "LD_PRELOAD": ""])
            spec.command =
                [
                    "/bin/sh", "-c",
                    "printf '<%s>' \"$@\"; echo; env | cut -d= -f1 | sort | tr '\\n' ' '; printf %s \"$MINE\"", "sh",
                ] + words
            let (result, log) = try await bench.run(spec)
            let expected =
                "<a b><$HOME><`id`><'\"><><é>\nHOME LANG LD_PRELOAD LOGNAME MINE PATH PWD TMPDIR USER z x y\nz"
            #expect(result.outcome == .succeeded && log == expected, "\(log)")
        },
        Self("standard output and error are one log, in order, as it comes") { bench in
            let spec = bench.job(
                "echo one; echo two >&2; while [ ! -e go ]; do sleep 0.05; test -e $GO && break; done; echo three",
                environment: ["GO": "/slipway/files/go/now"]
            ) {
                $0.files = [.init(name: "go", hostPath: bench.folder.folder("go"))]
            }
            async let end = bench.run(spec)
            try await eventually("the first two lines") { readText(spec.logPath) == "one\ntwo\n" }
            _ = bench.folder.write("go/now", "")
            let (result, log) = try await end
            #expect(result.outcome == .succeeded && log == "one\ntwo\nthree\n")
        },
        Self("a huge log is cut, but its end is kept") { bench in
            let (result, log) = try await bench.run(
                bench.job("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end") { $0.logBytes = 1 << 20 })
            #expect(
                result.printedBytes == 3_000_009 && result.omittedBytes == 3_000_009 - (1 << 20)
                    && log.hasSuffix("\nthe end\n")
                    && log.contains("[slipway] 1951433 bytes of output are left out here")
                    && log.utf8.count < (1 << 20) + 200)
        },
        Self("a spec that breaks a rule is refused") { bench in
            let bad: [(String, @Sendable (inout JobSpec) -> Void)] = [
                ("command", { $0.command = [] }), ("environment", { $0.environment["A=B"] = "" }),
                ("id", { $0.id = "../x" }),
                ("inputs", { $0.inputs = [.init(name: "../../etc", hostPath: "/tmp")] }),
                ("outputs.o", { $0.outputs = [.init(name: "o", hostPath: "/nowhere/at/all")] }),
                ("inputs.i", { $0.inputs = [.init(name: "i", hostPath: "/tmp/../etc")] }),
                ("timeoutSeconds", { $0.timeoutSeconds = 0 }), ("memoryBytes", { $0.memoryBytes = 1 }),
                ("cpuCount", { $0.cpuCount = .nan }),
            ]
            for (field, change) in bad {
                let error = await #expect(throws: SlipwayError.self) {
                    try await bench.executor.run(bench.job("true", change))
                }
                #expect(error?.details["field"] == field)
            }
        },
    ]

    static let mounts = [
        Self("inputs, code and files are read-only, outputs are written, the working folder is the job's own") {
            bench in
            let input = bench.folder.write("in.csv", "a,b\n")
            let code = bench.folder.folder("code")
            _ = bench.folder.write("code/main.sh", "echo from code\n")
            let params = bench.folder.write("params.json", "{}")
            let output = bench.folder.folder("out")
            let spec = bench.job(
                """
                cat /slipway/inputs/data /slipway/files/params.json; sh /slipway/code/main.sh
                for f in /slipway/inputs/data /slipway/code/main.sh /slipway/code/new /slipway/files/params.json /usr/new /new; do
                  (echo x >$f) 2>/dev/null && echo wrote $f
                done
                pwd; echo scratch >here; cat here; echo t >$TMPDIR/t; mkdir /slipway/outputs/result/d; umask 077
                echo done >/slipway/outputs/result/d/x
                """, inputs: [.init(name: "data", hostPath: input)], outputs: [.init(name: "result", hostPath: output)]
            ) {
                $0.code = code
                $0.files = [.init(name: "params.json", hostPath: params)]
            }
            let (result, log) = try await bench.run(spec)
            let files = try OutputCollector.walk(output)
            #expect(
                result.outcome == .succeeded && log == "a,b\n{}from code\n/slipway/work\nscratch\n"
                    && files.map(\.path.description) == ["d/x"] && readText("\(output)/d/x") == "done\n"
                    && readText(input) == "a,b\n", "\(log)")
        },
        Self("an output of one job is an input of the next") { bench in
            let output = bench.folder.folder("hand-over")
            let mount = JobSpec.Mount(name: "data", hostPath: output)
            let first = try await bench.run(
                bench.job(
                    "umask 077; mkdir /slipway/outputs/data/d; echo 42 >/slipway/outputs/data/d/n", outputs: [mount]))
            let second = try await bench.run(bench.job("cat /slipway/inputs/data/d/n", inputs: [mount]))
            #expect([first.result.outcome, second.result.outcome] == [.succeeded, .succeeded] && second.log == "42\n")
        },
    ]

    static let walls = [
        Self("nothing else of the machine is seen") { bench in
            let secret = bench.folder.write("secret", "s")
            let (result, log) = try await bench.run(
                bench.job(
                    """
                    for p in /root /home \(#filePath) /var /opt /srv /mnt /etc/shadow /etc/passwd- /run /sys/fs /boot \(secret); do [ -e $p ] && echo sees $p; done
                    ls -A /tmp; ls -A /dev/shm; ls /proc | grep -c '^[0-9]' | awk '$1 > 12 { print "sees processes" }'; ls /proc/self/fd | tr '\\n' ' '; echo
                    id -un; grep -E '^(CapEff|CapPrm|CapBnd|NoNewPrivs)' /proc/self/status | tr -d '\\t'
                    unshare -U true 2>/dev/null && echo makes user namespaces
                    mount -t tmpfs x /tmp 2>/dev/null && echo mounts
                    [ -w /proc/sys/kernel/core_pattern ] && echo writes sysctl
                    mknod /tmp/sda b 8 0 2>/dev/null && echo makes devices
                    hostname
                    """))
            let expected = """
                0 1 2 3\u{20}
                slipway
                CapPrm:0000000000000000
                CapEff:0000000000000000
                CapBnd:0000000000000000
                NoNewPrivs:1
                slipway

                """
            #expect(result.outcome == .succeeded && log == expected, "\(log)")
        },
        Self("there is no network unless asked for") { bench in
            let listener = try Listener()
            let script = """
                python3 -c 'import socket; socket.create_connection(("127.0.0.1", \(listener.port)), 3); print("connected")' 2>&1 | tail -1
                awk 'NR > 2 { print $1 }' /proc/net/dev | grep -vc '^lo:' | awk '{ print ($1 > 0) ? "devices" : "only lo" }'
                """
            let without = try await bench.run(bench.job(script))
            let with = try await bench.run(bench.job(script) { $0.network = true })
            #expect(
                without.log == "ConnectionRefusedError: [Errno 111] Connection refused\nonly lo\n"
                    && with.log.hasPrefix("connected\n"), "\(without.log) \(with.log)")
        },
    ]
}
