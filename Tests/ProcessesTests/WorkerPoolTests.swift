import Core
import Logging
import Processes
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Workers that are shell scripts: frames are raw bytes on descriptor 3, so `cat` is an echo.
@Suite struct WorkerPoolTests {
    /// A pool whose executable is a script with this body.
    private func pool(_ body: String, size: Int = 1, graceSeconds: Double = 0.3) throws -> WorkerPool {
        let path = "/tmp/slipway-worker-\(ID.make()).sh"
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o700)
        try Descriptor(owning: file).write(Array("#!/bin/sh\nrm -f \"$0.once\"\n\(body)\n".utf8))
        return WorkerPool(
            kind: "echo", executable: path, environment: ["PATH": "/usr/bin:/bin"], size: size,
            graceSeconds: graceSeconds,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Reads one frame of four bytes, then does as `then` says.
    private func after(_ then: String) -> String { "head -c 8 <&3 >/dev/null; \(then)" }

    private func failure(_ pool: WorkerPool, deadlineSeconds: Double = 10) async -> String {
        do {
            return "answered \(try await pool.call([1, 2, 3, 4], deadlineSeconds: deadlineSeconds))"
        } catch let error as SlipwayError {
            return "\(error.code): \(error.details["status"] ?? error.message)"
        } catch {
            return "\(error)"
        }
    }

    @Test func `Frames of all sizes come back, by several workers at once`() async throws {
        let pool = try pool("exec cat <&3 >&3", size: 2)
        let sizes = [0, 1, 5, 4096, 70_000, 3_000_000, 17, 0, 250_000]
        let lengths = try await withThrowingTaskGroup(of: (Int, Bool).self) { group in
            for (index, size) in sizes.enumerated() {
                group.addTask {
                    let request = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index) }
                    return (index, try await pool.call(request, deadlineSeconds: 30) == request)
                }
            }
            return try await group.reduce(into: [Int: Bool]()) { $0[$1.0] = $1.1 }
        }
        #expect(lengths == Dictionary(uniqueKeysWithValues: sizes.indices.map { ($0, true) }))
        #expect(pool.processIDs.count <= 2)
        await pool.shutdown()
        #expect(pool.processIDs == [])
        #expect(await failure(pool) == "unavailable: The echo workers are shutting down.")
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let then: String
        let expected: String
        var testDescription: String { then }
    }

    @Test(arguments: [
        Fault(then: "kill -SEGV $$", expected: "unavailable: was ended by signal 11 (SIGSEGV)"),
        Fault(then: "exit 3", expected: "unavailable: ended with exit code 3"),
        // Closing the socket without ending.
        Fault(then: "exec 3>&-; exec sleep 100", expected: "unavailable: was ended by signal 9 (SIGKILL)"),
        // An answer that is cut off, and a length that is nonsense.
        Fault(then: "printf '\\005\\000\\000\\000ab' >&3", expected: "unavailable: ended with exit code 0"),
        Fault(
            then: "printf '\\377\\377\\377\\177' >&3; sleep 100",
            expected: "unavailable: was ended by signal 9 (SIGKILL)"),
        // Deaf to the interrupt: killed past the grace.
        Fault(then: "exec sleep 100", expected: "deadlineExceeded: The work did not end within 0.5 s and was stopped."),
    ])
    func `A worker that fails costs one request`(_ fault: Fault) async throws {
        // The first request meets the fault, later workers echo.
        let marker = "/tmp/slipway-fault-\(ID.make())"
        defer { unlink(marker) }
        let pool = try pool("[ -e \(marker) ] && exec cat <&3 >&3; touch \(marker); \(after(fault.then))")
        let first = await failure(pool, deadlineSeconds: fault.expected.hasPrefix("deadline") ? 0.5 : 10)
        #expect([first, await failure(pool)] == [fault.expected, "answered [1, 2, 3, 4]"])
        await pool.shutdown()
    }

    @Test func `An interrupt that is heeded keeps the worker`() async throws {
        // The interrupt frame is four bytes of 0xFF; the script answers it with an empty frame, then echoes.
        let pool = try pool(
            after("head -c 4 <&3 >/dev/null; printf '\\000\\000\\000\\000' >&3; exec cat <&3 >&3"), graceSeconds: 5)
        #expect(
            await failure(pool, deadlineSeconds: 0.3)
                == "deadlineExceeded: The work did not end within 0.3 s and was stopped.")
        let before = pool.processIDs
        #expect(await failure(pool) == "answered [1, 2, 3, 4]")
        #expect(pool.processIDs == before)
        await pool.shutdown()
    }

    @Test func `Cancelling ends a running call and a waiting one`() async throws {
        let pool = try pool(after("exec sleep 100"))
        let running = Task { await failure(pool, deadlineSeconds: 60) }
        try await Task.sleep(nanoseconds: 200_000_000)
        let waiting = Task { await failure(pool, deadlineSeconds: 60) }
        try await Task.sleep(nanoseconds: 50_000_000)
        waiting.cancel()
        #expect(await waiting.value == "cancelled: The request was cancelled.")
        running.cancel()
        #expect(await running.value == "cancelled: The request was cancelled.")
        await pool.shutdown()
    }

    // MARK: Answers in parts

    /// A part frame of four bytes, and an empty frame that ends the answer.
    private static let part = "printf '\\004\\000\\000\\200part' >&3"
    private static let end = "printf '\\003\\000\\000\\000end' >&3"

    private func pieces(_ pool: WorkerPool, stallSeconds: Double = 10, take: Int = .max) async -> String {
        var texts: [String] = []
        do {
            let stream = try pool.stream([1, 2, 3, 4], deadlineSeconds: 10, stallSeconds: stallSeconds)
            while texts.count < take {
                switch try await stream.next() {
                case .part(let bytes): texts.append(String(decoding: bytes, as: UTF8.self))
                case .answer(let bytes):
                    return (texts + [String(decoding: bytes, as: UTF8.self)]).joined(separator: " ")
                }
            }
            return texts.joined(separator: " ")
        } catch let error as SlipwayError {
            return (texts + ["\(error.code): \(error.details["status"] ?? error.message)"]).joined(separator: " ")
        } catch {
            return "\(error)"
        }
    }

    @Test func `An answer comes in parts, and what goes wrong after some of them is told`() async throws {
        let answers = [
            "for i in 1 2 3 4 5; do \(Self.part); done; \(Self.end); exec cat <&3 >&3": "part part part part part end",
            "\(Self.part); exit 3": "part unavailable: ended with exit code 3",
            Self.end + "; exec cat <&3 >&3": "end",
        ]
        for (script, expected) in answers {
            let pool = try pool(after(script))
            #expect(await pieces(pool) == expected)
            await pool.shutdown()
        }
        // Parts that nobody asked for.
        let odd = try pool(after(Self.part + "; exec sleep 100"))
        #expect(await failure(odd) == "unavailable: was ended by signal 9 (SIGKILL)")
        await odd.shutdown()
    }

    @Test func `A reader that stops frees the worker, one that stalls loses it`() async throws {
        // The script sends without end; told to stop, it goes on until it is killed, and the next one echoes.
        let marker = "/tmp/slipway-stream-\(ID.make())"
        defer { unlink(marker) }
        let endless = try pool(
            "[ -e \(marker) ] && exec cat <&3 >&3; touch \(marker); \(after("while \(Self.part); do :; done"))")
        #expect(await pieces(endless, take: 3) == "part part part")
        #expect(await failure(endless, deadlineSeconds: 5) == "answered [1, 2, 3, 4]")
        await endless.shutdown()

        // One that heeds the interrupt (four bytes of 0xFF) lives on.
        let polite = try pool(
            after(
                "for i in 1 2 3 4; do \(Self.part); done; head -c 4 <&3 >/dev/null; \(Self.end); exec cat <&3 >&3"),
            graceSeconds: 5)
        let stream = try polite.stream([1, 2, 3, 4], deadlineSeconds: 30, stallSeconds: 0.2)
        _ = try await stream.next()
        try await Task.sleep(nanoseconds: 600_000_000)
        var seen: [String] = []
        while seen.count < 5 {
            do {
                _ = try await stream.next()
                seen.append("part")
            } catch {
                seen.append("\(error)")
                break
            }
        }
        #expect(
            seen == [
                "part", "part",
                "deadline_exceeded: The reader took nothing for 0.2 s, so the work was stopped. Read faster, or ask for less.",
            ])
        #expect(await failure(polite) == "answered [1, 2, 3, 4]")
        await polite.shutdown()
    }

    @Test func `Who waits for a worker longer than the deadline is told so`() async throws {
        let pool = try pool(after("exec sleep 100"))
        let running = Task { await failure(pool, deadlineSeconds: 60) }
        try await Task.sleep(nanoseconds: 200_000_000)
        #expect(
            await failure(pool, deadlineSeconds: 0.2)
                == "deadlineExceeded: No worker was free within 0.2 s: all were busy with other requests. Try again later."
        )
        running.cancel()
        _ = await running.value
        await pool.shutdown()
    }

    @Test func `A worker that cannot start is explained`() async throws {
        let pool = WorkerPool(kind: "x", executable: "/no/such/slipway", size: 1, logger: Logger(label: "test"))
        #expect(
            await failure(pool)
                == "unavailable: Cannot start /no/such/slipway: No such file or directory. Is it installed, and the path right?"
        )
    }
}
