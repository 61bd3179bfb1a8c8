import COnnxRuntime
import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// ONNX Runtime, found at run time: Slipway builds and starts without it. Thread-safe: all fields are constants, and the
/// C API may be called from many threads.
public final class OnnxRuntime: @unchecked Sendable {
    /// The library's release, such as `1.32.0`.
    public let version: String
    /// The file, or the name that the system's loader resolved.
    public let library: String
    let api: UnsafePointer<OrtApi>
    let environment: OpaquePointer
    let cpu: OpaquePointer
    let allocator: OpaquePointer
    let deadlines: DeadlineTimer

    /// Loads the library.
    ///
    /// - Parameter library: its path. Nil looks at the environment variable `SLIPWAY_ONNXRUNTIME_LIBRARY`, then in
    ///   `../lib` beside the executable, `./.slipway/lib`, `/usr/local/lib/slipway` and where the system's loader looks.
    /// - Throws: `unavailable`, saying what to install.
    public static func load(library: String? = nil) throws -> OnnxRuntime {
        let variable = getenv(LibrarySearch.variable).map { String(cString: $0) }
        let found = try LibrarySearch.open(explicit: library, environment: variable)
        return try OnnxRuntime(handle: found.handle, path: found.path)
    }

    /// The library is never unloaded: its threads and exit handlers live as long as the process.
    private init(handle: UnsafeMutableRawPointer, path: String) throws {
        func refuse(_ problem: String) -> SlipwayError {
            SlipwayError(
                .unavailable, "\(path) \(problem). \(LibrarySearch.hint).", details: ["library": "onnxruntime"])
        }
        guard let symbol = dlsym(handle, "OrtGetApiBase"),
            let base = unsafeBitCast(symbol, to: CortGetApiBase.self)()
        else { throw refuse("is not ONNX Runtime: it has no OrtGetApiBase") }
        version = String(cString: base.pointee.GetVersionString())
        guard let api = base.pointee.GetApi(UInt32(CORT_API_VERSION)) else {
            throw refuse("is ONNX Runtime \(version), which is too old")
        }
        self.api = api
        library = path
        let (setTerminate, release) = (api.pointee.RunOptionsSetTerminate, api.pointee.ReleaseStatus)
        deadlines = DeadlineTimer { release(setTerminate($0)) }
        var environment: OpaquePointer?
        var cpu: OpaquePointer?
        var allocator: OpaquePointer?
        do {
            // Level 4 is "fatal": every problem comes back as a status, and models must not write into our log.
            try OrtFailure.check(api, api.pointee.CreateEnv(4, "slipway", &environment))
            if let environment { try OrtFailure.check(api, api.pointee.DisableTelemetryEvents(environment)) }
            // Allocator 0 is the plain device allocator, memory type 0 the default.
            try OrtFailure.check(api, api.pointee.CreateCpuMemoryInfo(0, 0, &cpu))
            try OrtFailure.check(api, api.pointee.GetAllocatorWithDefaultOptions(&allocator))
        } catch let failure as OrtFailure {
            throw refuse("does not start: \(failure.message)")
        }
        guard let environment, let cpu, let allocator else { throw refuse("does not start") }
        (self.environment, self.cpu, self.allocator) = (environment, cpu, allocator)
    }

    deinit {
        api.pointee.ReleaseMemoryInfo(cpu)
        api.pointee.ReleaseEnv(environment)
    }

    /// Loads a model file (ONNX). Blocks for as long as the file's size and its graph take.
    ///
    /// - Parameter threads: threads a run may use within an operator, the caller's included.
    /// - Throws: `invalid` for a file that is not a usable model, `unsupported` for operators or types that this
    ///   library or Slipway does not know, `notFound` when there is no file.
    public func load(modelPath: String, threads: Int = 1) throws -> OnnxModel {
        try OnnxModel(runtime: self, path: modelPath, threads: threads)
    }
}

/// A status of ONNX Runtime, before it is known what it means for the caller.
struct OrtFailure: Error {
    let code: Int32
    let message: String

    /// Takes over `status`; nil is success.
    static func check(_ api: UnsafePointer<OrtApi>, _ status: OpaquePointer?) throws {
        guard let status else { return }
        defer { api.pointee.ReleaseStatus(status) }
        throw OrtFailure(
            code: api.pointee.GetErrorCode(status), message: String(cString: api.pointee.GetErrorMessage(status)))
    }

    /// The text for people: without the places in ONNX Runtime's source, without folders of this machine, bounded.
    func text(hiding folder: String = "") -> String {
        var words = message.split(whereSeparator: \.isWhitespace).map(String.init)
        words.removeAll { $0.contains("onnxruntime_src/") || $0.contains("/onnxruntime/core/") }
        var text = words.joined(separator: " ")
        if !folder.isEmpty {
            text = text.split(separator: folder + "/", omittingEmptySubsequences: false).joined()
            text = text.split(separator: folder, omittingEmptySubsequences: false).joined(separator: ".")
        }
        return text.count > 600 ? text.prefix(600) + "…" : text
    }

    /// Whether memory ran out. The library has no code for it.
    var isOutOfMemory: Bool {
        message.contains("bad_alloc") || message.contains("Failed to allocate memory")
            || message.contains("std::length_error")
    }
}
