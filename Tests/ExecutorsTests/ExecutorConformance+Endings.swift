import Core
import Executors
import Testing

extension ExecutorConformance {
    static let limits = [
        Self("too much memory is reported as such") { bench in
            let spec = bench.job(
                "python3 -c 'x = bytearray(300 << 20); x[::4096] = b\"x\" * len(x[::4096]); print(len(x))'; code=$?; echo code $code; exit $code"
            ) {
                $0.memoryBytes = 64 << 20
            }
            let (result, log) = try await bench.run(spec)
            if result.confinement.memory == .rlimit {
                // The process itself is told, and no more is known.
                #expect(
                    result.outcome == .failed(exitCode: 1, reason: "The command ended with exit code 1.")
                        && log.contains("MemoryError"))
            } else {
                #expect(
                    result.outcome == .outOfMemory(limitBytes: 64 << 20) && result.usage.oomKills > 0,
                    "\(result) \(log)")
            }
        },
        Self("files in /tmp and /dev/shm count as memory") { bench in
            let spec = bench.job(
                "head -c 200000000 /dev/zero >/tmp/a; head -c 200000000 /dev/zero >/dev/shm/a; echo wrote"
            ) { $0.memoryBytes = 64 << 20 }
            let result = try await bench.run(spec).result
            #expect(result.usage.peakMemoryBytes <= 64 << 20)
        },
        Self("a share of a processor is a share") { bench in
            let script = "python3 -c 'import time; t = time.monotonic()\nwhile time.monotonic() - t < 2: pass'"
            let result = try await bench.run(bench.job(script) { $0.cpuCount = 0.2 }).result
            // 2 s at a fifth, and one period over.
            #expect(
                result.outcome == .succeeded && result.usage.cpuSeconds < 0.2 * result.usage.wallSeconds + 0.3,
                "\(result.usage)")
        },
        Self("a job cannot have any number of processes") { bench in
            let script =
                "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do sleep 5 & done 2>&1; echo all started"
            let (result, log) = try await bench.run(bench.job(script) { $0.processCount = 16 })
            if result.confinement.processes == .notEnforced { return }
            #expect(!log.contains("all started") && !log.isEmpty, "\(log)")
        },
    ]

    static let endings = [
        Self("a job past its time is asked, and may end well") { bench in
            let script = "trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
            let (result, log) = try await bench.run(bench.job(script) { $0.timeoutSeconds = 1 })
            #expect(
                result.outcome == .timedOut(seconds: 1) && log.contains("asked\n")
                    && log.contains("longer than its 1 s")
                    && result.usage.wallSeconds < 5, "\(log)")
        },
        Self("a job that does not listen is made to end, with all its processes") { bench in
            let marker = ID.make()
            let script =
                "trap '' TERM; (setsid sh -c 'trap \"\" TERM; while :; do sleep 0.1; done' \(marker) &) ; while :; do sleep 0.1; done"
            let result = try await bench.run(
                bench.job(script) { spec in
                    spec.timeoutSeconds = 1
                    spec.graceSeconds = 0.3
                }
            ).result
            #expect(
                result.outcome == .timedOut(seconds: 1) && processes(with: marker) == []
                    && result.usage.wallSeconds < 10)
        },
        Self("processes left behind by a job that ended are ended") { bench in
            let marker = ID.make()
            let result = try await bench.run(
                bench.job("(setsid sh -c 'while :; do sleep 0.1; done' \(marker) &) ; sleep 0.3; echo bye")
            ).result
            #expect(result.outcome == .succeeded && processes(with: marker) == [])
        },
        Self("cancelling the task ends the job") { bench in
            let marker = ID.make()
            let spec = bench.job(
                "echo \(marker); trap 'echo asked; exit 3' TERM; echo ready; while :; do sleep 0.1; done"
            ) { $0.timeoutSeconds = nil }
            let task = Task { try await bench.run(spec) }
            try await eventually("the job runs") { readText(spec.logPath).contains("ready\n") }
            let running = processes(with: marker).count
            task.cancel()
            let (result, log) = try await task.value
            #expect(
                running > 0 && result.outcome == .cancelled && log.contains("asked\n") && processes(with: marker) == [])
        },
        Self("cancelled at any moment, nothing is left") { bench in
            let marker = ID.make()
            for milliseconds in [0, 1, 3, 5, 10, 20, 30, 50] {
                let task = Task { try await bench.run(bench.job("sleep 100; : \(marker)") { $0.graceSeconds = 0.2 }) }
                try await Task.sleep(nanoseconds: UInt64(milliseconds) * 1_000_000)
                task.cancel()
                do {
                    let outcome = try await task.value.result.outcome
                    #expect(outcome == .cancelled)
                } catch let error as SlipwayError {
                    #expect(error.code == .cancelled)
                }
            }
            #expect(processes(with: marker) == [], "left")
        },
        Self("jobs run side by side") { bench in
            let logs = try await withThrowingTaskGroup(of: String.self) { group in
                for i in 0..<8 { group.addTask { try await bench.run(bench.job("sleep 0.2; echo \(i)")).log } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(logs == Set((0..<8).map { "\($0)\n" }))
        },
        Self("there is nothing to recover when nothing was left") { bench in
            let left = await bench.executor.recover()
            let availability = await bench.executor.availability()
            #expect(left == [] && availability == nil)
        },
    ]
}
