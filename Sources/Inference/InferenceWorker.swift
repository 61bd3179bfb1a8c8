import Core
import Processes
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The process in which `WorkerRunner` keeps a model that is not trusted.
public enum InferenceWorker {
    /// The arguments that a worker takes.
    struct Arguments: Hashable {
        var memoryBytes: UInt64
        var library: String?
        var model: String
        var threads = 1

        var list: [String] {
            ["--memory", String(memoryBytes)] + (library.map { ["--library", $0] } ?? [])
                + ["--model", model, "--threads", String(threads)]
        }

        init(memoryBytes: UInt64, library: String?, model: String, threads: Int) {
            (self.memoryBytes, self.library, self.model, self.threads) = (memoryBytes, library, model, threads)
        }

        init(parsing list: [String]) throws {
            var values: [String: String] = [:]
            var rest = list[...]
            while let name = rest.popFirst() {
                guard ["--memory", "--library", "--model", "--threads"].contains(name), let value = rest.popFirst()
                else {
                    throw SlipwayError.field(
                        name, "is not usable", expected: "--memory BYTES [--library PATH] --model PATH [--threads N]")
                }
                values[name] = value
            }
            guard let memory = values["--memory"].flatMap({ UInt64($0) }), let model = values["--model"],
                let threads = Int(values["--threads"] ?? "1")
            else {
                throw SlipwayError.field("arguments", "are not usable", expected: "--memory BYTES and --model PATH")
            }
            self.init(memoryBytes: memory, library: values["--library"], model: model, threads: threads)
        }
    }

    /// Serves one model over the pool's socket until it is closed. Never returns.
    ///
    /// - Parameter arguments: what follows `slipway worker inference`: `--memory BYTES [--library PATH] --model PATH
    ///   [--threads N]`. The memory is the limit of the process's address space (RLIMIT_AS), programs and libraries
    ///   included.
    public static func main(arguments: [String]) -> Never {
        let parsed: Arguments
        do { parsed = try Arguments(parsing: arguments) } catch {
            let line = Array("slipway worker inference: \(error)\n".utf8)
            write(2, line, line.count)
            exit(64)
        }
        confine(memoryBytes: parsed.memoryBytes)
        let service = Service(parsed)
        WorkerLoop.run(interrupt: service.interrupt, handler: service.handle)
    }

    /// The worker's one model and the request that it works on.
    private final class Service: Sendable {
        private struct State {
            /// Loaded with the first request, whose deadline then covers a file that takes for ever.
            var model: Result<OnnxModel, any Error>?
            /// Made before the request comes: an interrupt may overtake the handler. One that comes just after the
            /// handler stops the next request instead; WorkerRunner sends that one again.
            var stop = RunStop()
        }
        private let arguments: Arguments
        private let state = Mutex(State())

        init(_ arguments: Arguments) { self.arguments = arguments }

        func interrupt() { state.withLock { $0.stop }.stop() }

        func handle(_ bytes: [UInt8]) -> [UInt8] {
            let stop = state.withLock { $0.stop }
            defer { state.withLock { $0.stop = RunStop() } }
            do {
                let request = try TensorFrame.decodeRequest(bytes)
                return TensorFrame.encode(try answer(request, try model().get(), stop))
            } catch let error as SlipwayError {
                // Some releases (1.28) size a session's next allocation after the one that failed, and fail ever after:
                // start afresh.
                if error.code == .tooLarge { state.withLock { $0.model = nil } }
                return TensorFrame.encode(.failure(error))
            } catch {
                return TensorFrame.encode(.failure(SlipwayError(.internal, "The inference worker failed: \(error)")))
            }
        }

        private func model() -> Result<OnnxModel, any Error> {
            // Only the handler's thread loads; the lock is not held for it, or an interrupt would have to wait.
            if let model = state.withLock({ $0.model }) { return model }
            let model = Result {
                try OnnxRuntime.load(library: arguments.library).load(
                    modelPath: arguments.model, threads: arguments.threads)
            }
            state.withLock { $0.model = model }
            return model
        }
    }

    private static func answer(_ request: TensorFrame.Request, _ model: OnnxModel, _ stop: RunStop) throws
        -> TensorFrame.Answer
    {
        switch request {
        case .describe:
            .description(
                TensorFrame.Description(
                    version: model.version, inputs: model.inputs, outputs: model.outputs,
                    unsupportedOutputs: model.unsupportedOutputs))
        case .infer(let inputs, let outputs):
            .tensors(try model.run(inputs, outputs: outputs, deadline: nil, stop: stop))
        }
    }

    /// Limits what this process may take; set before the library is loaded, and inherited by nothing.
    private static func confine(memoryBytes: UInt64) {
        limit(RLIMIT_AS, to: memoryBytes)
        // A crash must not write the memory of a hostile model, and the requests in it, to disk.
        limit(RLIMIT_CORE, to: 0)
    }

    #if canImport(Glibc)
        private typealias Resource = __rlimit_resource
    #else
        private typealias Resource = Int32
    #endif

    private static func limit(_ resource: Resource, to value: UInt64) {
        var limit = rlimit()
        #if canImport(Glibc)
            let code = __rlimit_resource_t(resource.rawValue)
        #else
            let code = resource
        #endif
        getrlimit(code, &limit)
        // A lower limit that somebody set holds.
        let lowered = min(rlim_t(value), limit.rlim_max)
        limit = rlimit(rlim_cur: lowered, rlim_max: lowered)
        guard setrlimit(code, &limit) == 0 else {
            // Without its limit a worker must not touch the model.
            let line = Array("slipway worker inference: setrlimit: \(SystemError.current)\n".utf8)
            write(2, line, line.count)
            exit(71)
        }
    }
}
