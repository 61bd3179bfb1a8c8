import Core
import Executors
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A folder of a test, gone afterwards.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        let path = "/tmp/slipway-test-\(ID.make())"
        // Mounts are checked for being open to the job's own user; this folder's parents are not.
        guard mkdir(path, 0o755) == 0 else { throw SlipwayError(.unavailable, "mkdir \(path)") }
        self.path = path
    }

    deinit { _ = shell("rm -rf \(path)") }

    func folder(_ name: String) -> String {
        _ = shell("mkdir -p \(path)/\(name)")
        return "\(path)/\(name)"
    }

    func write(_ name: String, _ text: String) -> String {
        let file = "\(path)/\(name)"
        let stream = fopen(file, "w")
        fputs(text, stream)
        fclose(stream)
        return file
    }
}

/// Runs fixed text of the tests.
@discardableResult
func shell(_ text: String) -> Int32 { system(text) }

func readText(_ path: String) -> String {
    guard let stream = fopen(path, "r") else { return "" }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&buffer, 1, buffer.count, stream), count > 0 { bytes += buffer[..<count] }
    return String(decoding: bytes, as: UTF8.self)
}

/// Waits until `condition` holds.
func eventually(_ what: String, seconds: Double = 20, _ condition: () async -> Bool) async throws {
    let end = Clock.monotonicNanoseconds() + UInt64(seconds * 1e9)
    while await !condition() {
        guard Clock.monotonicNanoseconds() < end else {
            throw SlipwayError(.deadlineExceeded, "waited in vain: \(what)")
        }
        try await Task.sleep(nanoseconds: 10_000_000)
    }
}

/// The command lines of all processes that hold `marker`.
func processes(with marker: String) -> [String] {
    guard let folder = opendir("/proc") else { return [] }
    defer { closedir(folder) }
    var found: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard let pid = Int32(name), pid != getpid() else { continue }
        let line = readText("/proc/\(name)/cmdline")
        if line.contains(marker) { found.append(line.replacing("\0", with: " ")) }
    }
    return found
}

/// An executor under test and a folder for its jobs.
struct Bench: Sendable {
    let executor: any Executor
    let folder: TestFolder

    func job(
        _ script: String, environment: [String: String] = [:], inputs: [JobSpec.Mount] = [],
        outputs: [JobSpec.Mount] = [],
        _ change: (inout JobSpec) -> Void = { _ in }
    ) -> JobSpec {
        let id = "test-\(ID.make())"
        var spec = JobSpec(
            id: id, command: ["/bin/sh", "-c", script], environment: environment, inputs: inputs, outputs: outputs,
            timeoutSeconds: 60, graceSeconds: 5, logPath: "\(folder.path)/\(id).log")
        change(&spec)
        return spec
    }

    /// The outcome and the log.
    func run(_ spec: JobSpec) async throws -> (result: JobResult, log: String) {
        let result = try await executor.run(spec)
        return (result, readText(spec.logPath))
    }
}

/// A listener on loopback, to see who can reach it.
final class Listener: Sendable {
    let port: UInt16
    private let socket: Int32

    init() throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = socket
        port = try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                guard bind(descriptor, raw, size) == 0, listen(descriptor, 16) == 0,
                    getsockname(descriptor, raw, &size) == 0
                else {
                    throw SlipwayError(.unavailable, "no listener")
                }
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
    }

    deinit { close(socket) }
}
