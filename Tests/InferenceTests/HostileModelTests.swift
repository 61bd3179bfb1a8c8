import Core
import Foundation
import Inference
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Models and libraries that are broken or mean harm, in this process. The memory limit is tested with the worker.
@Suite struct HostileModelTests {
    @Test func refusesFilesThatAreNoModels() throws {
        let folder = try World.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let good = try Data(contentsOf: URL(filePath: World.path("trees")))
        let files: [(String, Data)] = [
            ("empty", Data()), ("text", Data("not a model".utf8)), ("zeros", Data(count: 4096)),
            ("half", good.prefix(good.count / 2)), ("cut", good.dropLast(1)), ("head", good.prefix(10)),
        ]
        let runtime = try World.runtime.get()
        for (name, data) in files {
            try data.write(to: URL(filePath: "\(folder)/\(name).onnx"))
            let message = refusal { try runtime.load(modelPath: "\(folder)/\(name).onnx") }
            #expect(message.hasPrefix("invalid: \(name).onnx is not a usable ONNX model: "), "\(name)")
            #expect(!message.contains(folder) && !message.contains("onnxruntime_src"), "\(message)")
        }
        #expect(
            refusal { try runtime.load(modelPath: folder + "/absent.onnx") }
                == "not_found: The model file absent.onnx cannot be read.")
        #expect(
            refusal { try World.model("unknown_operator") }.hasPrefix(
                "invalid: unknown_operator.onnx is not a usable ONNX model: "))
        #expect(refusal { try World.model("outside") }.hasPrefix("invalid: outside.onnx is not a usable ONNX model: "))
    }

    /// Flips bits at fixed pseudo-random places: each file must load and run, or be refused; the process must live.
    @Test func survivesFlippedBits() throws {
        let folder = try World.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let runtime = try World.runtime.get()
        var state: UInt64 = 42
        func next(_ bound: Int) -> Int {
            // A linear congruential generator (Knuth, MMIX) is enough to choose places.
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var ran = 0
        var refused = 0
        for name in ["trees", "zipmap_text", "columns"] {
            let good = Array(try Data(contentsOf: URL(filePath: World.path(name))))
            for _ in 0..<60 {
                var bytes = good
                for _ in 0...next(4) { bytes[next(bytes.count)] ^= 1 << UInt8(next(8)) }
                let path = folder + "/flipped.onnx"
                try Data(bytes).write(to: URL(filePath: path))
                do {
                    let model = try runtime.load(modelPath: path)
                    let inputs = model.inputs.map { spec in
                        let shape = spec.shape.map { $0 < 0 ? 1 : min($0, 64) }
                        let count = shape.reduce(1, *)
                        let values: TensorValues =
                            switch spec.type {
                            case .fp32: .fp32(Array(repeating: 1, count: count))
                            case .fp64: .fp64(Array(repeating: 1, count: count))
                            default: .bytes(Array(repeating: "north", count: count))
                            }
                        return Tensor(name: spec.name, shape: shape, values: values)
                    }
                    _ = try model.run(inputs, deadlineSeconds: 10)
                    ran += 1
                } catch is SlipwayError { refused += 1 }
            }
        }
        #expect(ran + refused == 180 && ran > 0 && refused > 0)
    }

    @Test func endsAnEndlessLoopAtItsDeadline() throws {
        let model = try World.model("loop")
        let counts = try model.run([Tensor(name: "n", shape: [], values: .int64([1000]))], deadlineSeconds: 60)
        #expect(counts == [Tensor(name: "count", shape: [], values: .int64([1000]))])
        let start = Clock.monotonicNanoseconds()
        let message = refusal {
            try model.run([Tensor(name: "n", shape: [], values: .int64([1 << 62]))], deadlineSeconds: 0.2)
        }
        let seconds = Double(Clock.monotonicNanoseconds() - start) / 1e9
        #expect(message == "deadline_exceeded: The model did not answer within 0.2 s and was stopped.")
        #expect(seconds >= 0.2 && seconds < 10)
        #expect(
            refusal { try model.run([Tensor(name: "n", shape: [], values: .int64([1]))], deadlineSeconds: 0) }
                .hasPrefix("deadline_exceeded: "))
        // The session is as good as before.
        #expect(try model.run([Tensor(name: "n", shape: [], values: .int64([3]))])[0].values == .int64([3]))
    }

    @Test func saysWhatToInstallWhenTheLibraryIsMissing() throws {
        let message = refusal { try OnnxRuntime.load(library: "/nowhere/libonnxruntime.so") }
        #expect(
            message.hasPrefix(
                "unavailable: ONNX Runtime, which runs ONNX models, could not be loaded (/nowhere/libonnxruntime.so: "))
        #expect(
            message.hasSuffix(
                "Install it with scripts/setup, or set SLIPWAY_ONNXRUNTIME_LIBRARY to a libonnxruntime.so of release 1.17 or later (the Python package onnxruntime holds one in onnxruntime/capi/)."
            ))
        #expect(
            refusal { try OnnxRuntime.load(library: "libm.so.6") }.hasPrefix(
                "unavailable: libm.so.6 is not ONNX Runtime: it has no OrtGetApiBase."))
        #expect(try World.runtime.get().version.split(separator: ".").count == 3)
    }
}
