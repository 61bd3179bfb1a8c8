import Core
import Logging
import Processes
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Runs a model in processes of its own, for models that nobody has approved: whatever the model does to its process, the
/// server goes on. A process that crashes costs the request that it worked on, and the next request gets a new one.
public final class WorkerRunner: ModelRunner {
    public struct Configuration: Sendable {
        /// The limit of each process's address space, program and libraries included: some
        /// hundred MiB are gone before the model is loaded.
        public var memoryBytes: UInt64 = 2 << 30
        /// How many processes, each with a copy of the model.
        public var processes = 1
        /// How many requests may wait for a process.
        public var queueCapacity = 64
        /// The time to start a process and load the model.
        public var loadSeconds: Double = 60
        /// The deadline of requests that bring none.
        public var defaultDeadlineSeconds: Double = 30
        /// Threads a run may use within an operator.
        public var threads = 1
        /// See `OnnxRuntime.load(library:)`.
        public var library: String?
        /// The program that has `worker inference`; nil for this one.
        public var executable: String?

        public init() {}
    }

    public let inputs: [TensorSpec]
    public let outputs: [TensorSpec]
    /// Outputs that cannot be returned, with the reason.
    public let unsupportedOutputs: [String: String]
    /// The release of ONNX Runtime in the worker.
    public let runtimeVersion: String

    private let pool: WorkerPool
    private let configuration: Configuration
    private let inFlight = Atomic(0)

    /// Starts a process and loads the model in it.
    ///
    /// - Throws: as `OnnxRuntime.load` and `OnnxRuntime.load(modelPath:)` do, `tooLarge` when the model does not fit into
    ///   the memory, `deadlineExceeded` when it takes too long, `unavailable` when the process breaks.
    public static func start(
        modelPath: String, configuration: Configuration = Configuration(), logger: Logger
    ) async throws -> WorkerRunner {
        let arguments = InferenceWorker.Arguments(
            memoryBytes: configuration.memoryBytes, library: configuration.library, model: modelPath,
            threads: configuration.threads)
        // One arena: each further one of the C library would take 64 MiB of the address space that is limited.
        var environment = ["MALLOC_ARENA_MAX": "1"]
        if let library = getenv(LibrarySearch.variable) {
            environment[LibrarySearch.variable] = String(cString: library)
        }
        let pool = WorkerPool(
            kind: "inference", executable: configuration.executable, arguments: arguments.list,
            environment: environment,
            size: configuration.processes, logger: logger)
        do {
            let answer = try TensorFrame.decodeAnswer(
                try await pool.call(TensorFrame.encode(.describe), deadlineSeconds: configuration.loadSeconds))
            switch answer {
            case .description(let description): return WorkerRunner(pool, configuration, description)
            case .failure(let error): throw error
            case .tensors:
                throw SlipwayError(.unavailable, "The inference worker sent something that is not an answer.")
            }
        } catch {
            await pool.shutdown()
            throw error
        }
    }

    private init(_ pool: WorkerPool, _ configuration: Configuration, _ description: TensorFrame.Description) {
        self.pool = pool
        self.configuration = configuration
        inputs = description.inputs
        outputs = description.outputs
        unsupportedOutputs = description.unsupportedOutputs
        runtimeVersion = description.version
    }

    /// As `ModelRunner` says. When no process is up (after a crash), the model is loaded first, and the time for that
    /// comes on top of the deadline: else a short deadline would kill every new process before it is ready.
    public func infer(_ inputs: [Tensor], outputs: [String]?, deadlineSeconds: Double?) async throws -> [Tensor] {
        let limit = configuration.queueCapacity + configuration.processes
        defer { inFlight.subtract(1, ordering: .relaxed) }
        guard inFlight.add(1, ordering: .relaxed).newValue <= limit else {
            throw SlipwayError(
                .rateLimited, "\(limit) requests for this model are under way or wait; try again shortly.",
                details: ["capacity": "\(configuration.queueCapacity)"])
        }
        let seconds = deadlineSeconds ?? configuration.defaultDeadlineSeconds
        guard seconds > 0 else { throw Deadline(seconds: seconds).error }
        let loading = pool.processIDs.isEmpty ? configuration.loadSeconds : 0
        let deadline = Deadline(seconds: seconds + loading)
        let request = TensorFrame.encode(.infer(inputs, outputs: outputs))
        var answer = try TensorFrame.decodeAnswer(try await pool.call(request, deadlineSeconds: seconds + loading))
        if case .failure(let error) = answer, error.code == .cancelled {
            // The call was not cancelled, or the pool would have thrown: the interrupt was meant for the one before.
            answer = try TensorFrame.decodeAnswer(try await pool.call(request, deadlineSeconds: deadline.restSeconds))
        }
        switch answer {
        case .tensors(let tensors): return tensors
        case .failure(let error): throw error
        case .description:
            throw SlipwayError(.unavailable, "The inference worker sent something that is not an answer.")
        }
    }

    /// The process ids of the workers that are up now.
    public var processIDs: [Int32] { pool.processIDs }

    public func shutdown() async { await pool.shutdown() }
}
