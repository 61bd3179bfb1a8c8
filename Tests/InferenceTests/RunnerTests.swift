import Core
import Foundation
import Inference
import Logging
import Testing

#if canImport(Glibc)
    import Glibc
#endif

private func loop(_ n: Int64) -> [Tensor] { [Tensor(name: "n", shape: [], values: .int64([n]))] }
private func affine(_ x: [Float]) -> [Tensor] { [Tensor(name: "x", shape: [x.count], values: .fp32(x))] }

/// Waits until a process has used processor time that it had not used when asked first.
private func untilBusy(_ process: Int32) async throws {
    func ticks() throws -> Int {
        let stat = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        // utime is field 14; the name in brackets is field 2.
        return try #require(Int(stat.drop { $0 != ")" }.split(separator: " ")[12]))
    }
    let before = try ticks()
    let deadline = ContinuousClock.now + .seconds(20)
    while try ticks() < before + 2, .now < deadline { try await Task.sleep(for: .milliseconds(5)) }
}

@Suite struct InProcessRunnerTests {
    @Test func answersShortAndLongBatches() async throws {
        let pool = InferencePool()
        let runner = InProcessRunner(try World.model("affine"), pool: pool)
        for count in [1, 1, 1, 100_000, 1, 100_000] {
            let x = (0..<count).map(Float.init)
            #expect(try await runner.infer(affine(x)).map(\.values) == [.fp32(x.map { 2 * $0 + 1 })])
        }
        #expect(await refusal { try await runner.infer(loop(1)) }.hasPrefix("invalid: x: this input is missing"))
        await runner.shutdown()
        #expect(await refusal { try await runner.infer(affine([1])) } == "unavailable: The model is being unloaded.")
        pool.shutdown()
    }

    @Test func refusesWhatItCannotDoSoon() async throws {
        let pool = InferencePool(threads: 1, capacity: 2)
        // No run is short enough to stay on the caller's thread.
        let runner = InProcessRunner(try World.model("loop"), pool: pool, inlineSeconds: -1)
        let outcomes = await withTaskGroup(of: String.self, returning: [String].self) { group in
            for _ in 0..<5 {
                group.addTask {
                    String(
                        await refusal { try await runner.infer(loop(1 << 62), outputs: nil, deadlineSeconds: 0.5) }
                            .prefix { $0 != ":" })
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted()
        }
        // One ran to its deadline, two waited for theirs, two found the queue full.
        #expect(
            outcomes == Array(repeating: "deadline_exceeded", count: 3) + Array(repeating: "rate_limited", count: 2))
        pool.shutdown()
        #expect(await refusal { try await runner.infer(loop(1)) } == "unavailable: The server is shutting down.")
    }

    @Test func endsWithItsTask() async throws {
        let pool = InferencePool(threads: 1)
        let runner = InProcessRunner(try World.model("loop"), pool: pool, inlineSeconds: -1)
        let task = Task { await refusal { try await runner.infer(loop(1 << 62)) } }
        try await untilBusy(getpid())
        task.cancel()
        #expect(await task.value == "cancelled: The run was cancelled.")
        #expect(try await runner.infer(loop(5))[0].values == .int64([5]))
        pool.shutdown()
    }
}

@Suite struct WorkerRunnerTests {
    /// The program that has `worker inference`: built beside the tests.
    static var executable: String {
        let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        // The runner's own path differs between Linux and macOS; walk up until the program is found.
        var candidate = folder
        for _ in 0..<5 {
            let path = candidate.appending(path: "slipway").path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
            candidate = candidate.deletingLastPathComponent()
        }
        return folder.appending(path: "slipway").path
    }

    static func start(
        _ model: String, memoryBytes: UInt64 = 2 << 30, change: (inout WorkerRunner.Configuration) -> Void = { _ in }
    ) async throws -> WorkerRunner {
        var configuration = WorkerRunner.Configuration()
        configuration.memoryBytes = memoryBytes
        configuration.executable = executable
        // The workers' folder is this process's, so a relative place serves both.
        configuration.library = try World.runtime.get().library
        change(&configuration)
        let path = model.hasPrefix("/") ? model : World.path(model)
        return try await WorkerRunner.start(
            modelPath: path, configuration: configuration, logger: Logger(label: "test"))
    }

    @Test func answersAsTheModelInThisProcessDoes() async throws {
        for name in ["types", "sequence", "zipmap_text"] {
            let model = try World.model(name)
            let runner = try await Self.start(name)
            #expect(runner.inputs == model.inputs && runner.outputs == model.outputs)
            #expect(runner.unsupportedOutputs == model.unsupportedOutputs)
            #expect(runner.runtimeVersion == model.version)
            let inputs =
                switch name {
                case "types": OnnxModelTests.everyType
                case "sequence": [Tensor(name: "x", shape: [1, 2], values: .fp32([1, 2]))]
                default: [Tensor(name: "x", shape: [1, 4], values: .fp32([5, 3, 1, 0.2]))]
                }
            #expect(try await runner.infer(inputs) == model.run(inputs))
            let last = try #require(model.outputs.last).name
            #expect(
                try await runner.infer(inputs, outputs: [last], deadlineSeconds: 30)
                    == model.run(inputs, outputs: [last]))
            let here = refusal { try model.run([]) }
            #expect(await refusal { try await runner.infer([]) } == here)
            await runner.shutdown()
        }
    }

    @Test func boundsTheMemoryOfAHostileModel() async throws {
        let runner = try await Self.start("giant", memoryBytes: 1 << 30)
        func fill(_ count: Int64) async -> String {
            await refusal {
                try await runner.infer(
                    [Tensor(name: "n", shape: [1], values: .int64([count]))], outputs: nil, deadlineSeconds: 30)
            }
        }
        // 12 GiB in one node: refused by the system, and the worker lives.
        #expect(await fill(3 << 30).hasPrefix("too_large: The model could not be run in the memory that it may use"))
        let small = await fill(1000)
        #expect(small.hasPrefix("no error"), "\(small)")
        #expect(runner.processIDs.count == 1)
        await runner.shutdown()
        let folded = try await Self.start("giant_fold", memoryBytes: 1 << 30)
        let x = [Tensor(name: "x", shape: [], values: .fp32([1]))]
        #expect(await refusal { try await folded.infer(x) }.hasPrefix("too_large: "))
        await folded.shutdown()
    }

    @Test func interruptsALoopAndKeepsTheWorker() async throws {
        let runner = try await Self.start("loop")
        let before = runner.processIDs
        let message = await refusal { try await runner.infer(loop(1 << 62), outputs: nil, deadlineSeconds: 0.3) }
        #expect(message.hasPrefix("deadline_exceeded: "))
        let task = Task { await refusal { try await runner.infer(loop(1 << 62)) } }
        try await untilBusy(try #require(before.first))
        task.cancel()
        #expect(await task.value.hasPrefix("cancelled: "))
        #expect(try await runner.infer(loop(7))[0].values == .int64([7]))
        #expect(runner.processIDs == before)
        await runner.shutdown()
    }

    @Test func getsANewWorkerAfterACrash() async throws {
        let runner = try await Self.start("loop")
        let first = try #require(runner.processIDs.first)
        let task = Task { await refusal { try await runner.infer(loop(1 << 62)) } }
        try await untilBusy(first)
        kill(first, SIGKILL)
        #expect(await task.value.hasPrefix("unavailable: The inference worker "))
        #expect(try await runner.infer(loop(7), outputs: nil, deadlineSeconds: 0.5)[0].values == .int64([7]))
        let second = try #require(runner.processIDs.first)
        #expect(second != first)
        // Killed between requests: noticed before the next one is sent.
        kill(second, SIGKILL)
        let deadline = ContinuousClock.now + .seconds(20)
        var answer = ""
        repeat {
            answer = await refusal { try await runner.infer(loop(8)) }
        } while answer.hasPrefix("unavailable") && .now < deadline
        #expect(answer.contains("int64([8])"))
        await runner.shutdown()
        #expect(await refusal { try await runner.infer(loop(1)) }.hasPrefix("unavailable: "))
    }

    @Test func boundsItsQueue() async throws {
        let runner = try await Self.start("loop") { $0.queueCapacity = 1 }
        let outcomes = await withTaskGroup(of: String.self, returning: [String].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    String(
                        await refusal { try await runner.infer(loop(1 << 62), outputs: nil, deadlineSeconds: 0.5) }
                            .prefix { $0 != ":" })
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted()
        }
        #expect(outcomes == ["deadline_exceeded", "deadline_exceeded", "rate_limited", "rate_limited"])
        await runner.shutdown()
    }

    @Test func saysWhyItDoesNotStart() async throws {
        #expect(
            await refusal { try await Self.start("outside") }.hasPrefix(
                "invalid: outside.onnx is not a usable ONNX model: "))
        #expect(
            await refusal { try await Self.start("/nowhere/model.onnx") }
                == "not_found: The model file model.onnx cannot be read.")
        let library = await refusal { try await Self.start("trees") { $0.library = "/nowhere/lib.so" } }
        #expect(
            library.hasPrefix(
                "unavailable: ONNX Runtime, which runs ONNX models, could not be loaded (/nowhere/lib.so: "))
        #expect(
            await refusal { try await Self.start("trees") { $0.executable = "/nowhere/slipway" } }.hasPrefix(
                "unavailable: "))
        let small = await refusal { try await Self.start("trees", memoryBytes: 32 << 20) }
        #expect(small.hasPrefix("unavailable: "), "\(small)")
    }
}
